//===- Device.cpp - What devices do unless they say otherwise -------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "heddle/Runtime/Device.h"

#include "heddle/Runtime/MakeError.h"

using namespace heddle;

Expected<DeviceAddress> Device::registerHostMemory(void *, size_t) {
  return makeError(ErrorKind::InvalidInput,
                   "'{}' cannot use host memory; copy it to the device",
                   properties().name);
}

Expected<void> Device::unregisterHostMemory(DeviceAddress address, size_t) {
  return makeError(ErrorKind::InvalidInput,
                   "'{}' has no registered host memory, found {:#x}",
                   properties().name, address);
}

Expected<void *> Device::getHostPointer(DeviceAddress, size_t) {
  return makeError(ErrorKind::InvalidInput,
                   "the host has no access to the memory of '{}'; copy it to "
                   "the host",
                   properties().name);
}

Expected<std::pair<DeviceAddress, uint64_t>>
Device::getGlobal(Module &, std::string_view name) {
  return makeError(ErrorKind::InvalidInput,
                   "'{}' does not tell where the variable '{}' lies",
                   properties().name, name);
}
