//===- Executable.cpp - Executables in C ----------------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Handles.h"

using namespace heddle;
using namespace heddle::capi;

heddle_error *heddle_executable_load(heddle_device *device,
                                     const heddle_package *package,
                                     heddle_executable **executable) {
  return guard([&]() -> Expected<void> {
    if (auto valid = require({{"device", device},
                              {"package", package},
                              {"executable", executable}});
        !valid)
      return valid;
    Expected<std::unique_ptr<Executable>> loaded =
        Executable::load(*device->device, package->package);
    if (!loaded)
      return tl::unexpected(loaded.error());
    *executable = new heddle_executable{device->device, std::move(*loaded)};
    return {};
  });
}

void heddle_executable_free(heddle_executable *executable) {
  delete executable;
}

heddle_error *heddle_executable_call(heddle_executable *executable,
                                     const char *host,
                                     const heddle_array *arrays,
                                     size_t array_count,
                                     const heddle_size *sizes,
                                     size_t size_count, heddle_stream *stream) {
  return guard([&]() -> Expected<void> {
    if (auto valid = require({{"executable", executable}}); !valid)
      return valid;
    Expected<std::vector<NamedArray>> named = readArrays(arrays, array_count);
    if (!named)
      return tl::unexpected(named.error());
    Expected<std::vector<NamedSize>> values = readSizes(sizes, size_count);
    if (!values)
      return tl::unexpected(values.error());
    Expected<Stream *> used = getStream(stream, *executable->device);
    if (!used)
      return tl::unexpected(used.error());
    return executable->executable->call(host ? host : "", *named, *values,
                                        *used);
  });
}
