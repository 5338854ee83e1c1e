//===- OpenDevice.cpp - Devices by name -----------------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "heddle/Runtime/VirtualDevice.h"

#include <charconv>

using namespace heddle;

/// How many virtual devices a program may number.
static constexpr uint32_t maxVirtualDevices = 64;

Expected<std::unique_ptr<Device>> heddle::openDevice(std::string_view name) {
  std::string_view kind = name.substr(0, name.find(':'));
  uint32_t ordinal = 0;
  bool valid = true;
  if (kind.size() != name.size()) {
    std::string_view number = name.substr(kind.size() + 1);
    auto [stop, error] =
        std::from_chars(number.data(), number.data() + number.size(), ordinal);
    valid = error == std::errc() && stop == number.data() + number.size();
  }
  if (valid && kind == "virtual") {
    if (ordinal >= maxVirtualDevices)
      return makeError(ErrorKind::InvalidInput,
                       "expected a virtual device below {}, found '{}'",
                       maxVirtualDevices, name);
    VirtualDeviceOptions options;
    options.ordinal = ordinal;
    return createVirtualDevice(options);
  }
  if (name == "auto")
    return createVirtualDevice();
  return makeError(ErrorKind::InvalidInput,
                   "expected virtual, virtual:N, cuda, cuda:N or auto, found "
                   "'{}'",
                   name);
}
