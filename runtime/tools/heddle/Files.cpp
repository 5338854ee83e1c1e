//===- Files.cpp - Writing files ------------------------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/heddle/Files.h"

#include "heddle/Runtime/MakeError.h"
#include "package/WriteFile.h"

#include <cerrno>
#include <cstdio>
#include <cstring>

using namespace heddle;

Expected<void> heddle::writeFile(const std::string &path,
                                 std::string_view contents) {
  if (path != "-")
    return package::writeFile(path, contents);
  if (std::fwrite(contents.data(), 1, contents.size(), stdout) ==
          contents.size() &&
      std::fflush(stdout) == 0)
    return {};
  return makeError(ErrorKind::InvalidInput,
                   "cannot write to the standard output: {}",
                   std::strerror(errno));
}

Expected<void> heddle::checkWritable(const std::string &path) {
  return path == "-" ? Expected<void>() : package::checkWritable(path);
}
