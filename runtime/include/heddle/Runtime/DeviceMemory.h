//===- DeviceMemory.h - Memory that frees itself ----------------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_RUNTIME_DEVICEMEMORY_H
#define HEDDLE_RUNTIME_DEVICEMEMORY_H

#include "heddle/Runtime/Device.h"

namespace heddle {

/// Owns memory of a device, which must outlive it.
class DeviceMemory {
public:
  /// Owns nothing.
  DeviceMemory() = default;
  /// Allocates `bytes`, which may be 0, with undefined contents.
  static Expected<DeviceMemory> allocate(Device &device, size_t bytes);
  /// Allocates memory and copies `contents` to it.
  static Expected<DeviceMemory> upload(Device &device,
                                       std::span<const std::byte> contents);
  DeviceMemory(DeviceMemory &&other) noexcept;
  DeviceMemory &operator=(DeviceMemory &&other) noexcept;
  ~DeviceMemory();

  Device *getDevice() const { return device; }
  DeviceAddress getAddress() const { return address; }
  size_t getBytes() const { return bytes; }

  /// Copies to or from the memory at `offset`. An error, and no copy, if that
  /// does not fit.
  Expected<void> write(std::span<const std::byte> from, size_t offset = 0,
                       Stream *stream = nullptr);
  Expected<void> read(std::span<std::byte> to, size_t offset = 0,
                      Stream *stream = nullptr) const;
  /// Sets all bytes.
  Expected<void> fill(std::byte value, Stream *stream = nullptr);

  /// Hands over the memory, which the caller must free.
  DeviceAddress release();

private:
  DeviceMemory(Device &device, DeviceAddress address, size_t bytes)
      : device(&device), address(address), bytes(bytes) {}
  Expected<void> verifyRange(size_t offset, size_t count) const;

  Device *device = nullptr;
  DeviceAddress address = 0;
  size_t bytes = 0;
};

} // namespace heddle

#endif // HEDDLE_RUNTIME_DEVICEMEMORY_H
