//===- PackageFile.cpp - Packages from files and bytes in C ---------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Handles.h"

using namespace heddle;
using namespace heddle::capi;

heddle_error *heddle_package_open(const char *path, heddle_package **package) {
  return guard([&]() -> Expected<void> {
    if (auto valid = require({{"path", path}, {"package", package}}); !valid)
      return valid;
    Expected<std::shared_ptr<const Package>> opened = Package::open(path);
    if (!opened)
      return tl::unexpected(opened.error());
    *package = new heddle_package{std::move(*opened)};
    return {};
  });
}

heddle_error *heddle_package_parse(const void *bytes, size_t size,
                                   const char *name, heddle_package **package) {
  return guard([&]() -> Expected<void> {
    if (auto valid =
            require({{"bytes", bytes}, {"name", name}, {"package", package}});
        !valid)
      return valid;
    Expected<std::shared_ptr<const Package>> parsed = Package::parse(
        std::string(static_cast<const char *>(bytes), size), name);
    if (!parsed)
      return tl::unexpected(parsed.error());
    *package = new heddle_package{std::move(*parsed)};
    return {};
  });
}
