//===- DeviceMemory.cpp - Memory that frees itself ------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "heddle/Runtime/DeviceMemory.h"

#include "heddle/Runtime/MakeError.h"

#include <algorithm>

using namespace heddle;

Expected<DeviceMemory> DeviceMemory::allocate(Device &device, size_t bytes) {
  // Devices do not allocate nothing, but programs have empty arrays.
  Expected<DeviceAddress> address = device.allocate(std::max<size_t>(bytes, 1));
  if (!address)
    return tl::unexpected(address.error());
  return DeviceMemory(device, *address, bytes);
}

Expected<DeviceMemory>
DeviceMemory::upload(Device &device, std::span<const std::byte> contents) {
  Expected<DeviceMemory> memory = allocate(device, contents.size());
  if (!memory)
    return memory;
  if (Expected<void> written = memory->write(contents); !written)
    return tl::unexpected(written.error());
  return memory;
}

DeviceMemory::DeviceMemory(DeviceMemory &&other) noexcept
    : device(other.device), address(other.address), bytes(other.bytes) {
  other.release();
}

DeviceMemory &DeviceMemory::operator=(DeviceMemory &&other) noexcept {
  std::swap(device, other.device);
  std::swap(address, other.address);
  std::swap(bytes, other.bytes);
  return *this;
}

DeviceMemory::~DeviceMemory() {
  // A device that cannot free says so at its next use.
  if (device)
    (void)device->free(address);
}

DeviceAddress DeviceMemory::release() {
  device = nullptr;
  bytes = 0;
  return std::exchange(address, 0);
}

Expected<void> DeviceMemory::verifyRange(size_t offset, size_t count) const {
  if (offset <= bytes && count <= bytes - offset)
    return {};
  return makeError(ErrorKind::InvalidInput,
                   "expected at most {} bytes of device memory, found {} at "
                   "offset {}",
                   bytes, count, offset);
}

Expected<void> DeviceMemory::write(std::span<const std::byte> from,
                                   size_t offset, Stream *stream) {
  if (Expected<void> valid = verifyRange(offset, from.size()); !valid)
    return valid;
  if (from.empty())
    return {};
  return device->copyToDevice(address + offset, from.data(), from.size(),
                              stream);
}

Expected<void> DeviceMemory::read(std::span<std::byte> to, size_t offset,
                                  Stream *stream) const {
  if (Expected<void> valid = verifyRange(offset, to.size()); !valid)
    return valid;
  if (to.empty())
    return {};
  return device->copyToHost(to.data(), address + offset, to.size(), stream);
}

Expected<void> DeviceMemory::fill(std::byte value, Stream *stream) {
  if (bytes == 0)
    return {};
  return device->fill(address, value, bytes, stream);
}
