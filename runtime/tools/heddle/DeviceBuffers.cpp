//===- DeviceBuffers.cpp - Host arrays on a device ------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/heddle/DeviceBuffers.h"

#include "tools/heddle/Buffers.h"

#include <algorithm>

using namespace heddle;

DeviceBuffers::~DeviceBuffers() {
  // A device that cannot free says so at its next use.
  for (DeviceAddress address : addresses)
    (void)device.free(address);
}

Expected<void> DeviceBuffers::upload(std::span<const HostArray> arrays) {
  for (const HostArray &array : arrays) {
    uint64_t bytes = getBytes(array);
    Expected<DeviceAddress> address =
        device.allocate(std::max<uint64_t>(bytes, 1));
    if (!address)
      return tl::unexpected(address.error());
    addresses.push_back(*address);
    if (bytes == 0)
      continue;
    // Fresh memory of a virtual device has these bytes, and is known there to
    // be undefined.
    bool isVirtual = device.properties().kind == DeviceKind::Virtual;
    if (array.access == Access::Out && isVirtual)
      continue;
    Expected<void> filled =
        array.access == Access::Out
            ? device.fill(*address, std::byte(0xFF), bytes)
            : device.copyToDevice(*address, array.bytes.data(), bytes);
    if (!filled)
      return filled;
  }
  return {};
}

Expected<void> DeviceBuffers::download(std::span<HostArray> arrays) {
  for (size_t i = 0; i < arrays.size(); ++i) {
    HostArray &array = arrays[i];
    if (array.access == Access::In)
      continue;
    array.bytes.resize(getBytes(array));
    if (array.bytes.empty())
      continue;
    if (Expected<void> copied = device.copyToHost(
            array.bytes.data(), addresses[i], array.bytes.size());
        !copied)
      return copied;
  }
  return {};
}
