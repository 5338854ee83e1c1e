//===- HostRanges.h - Host memory that a virtual GPU may use ----*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Ranges of host memory that a program has registered. Their addresses are
/// those of the host plus a constant, so that the same memory has the same
/// address each time, keeps its alignment, and overlaps what it overlaps.
///
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_RUNTIME_VIRTUAL_UNITS_HOSTRANGES_H
#define HEDDLE_RUNTIME_VIRTUAL_UNITS_HOSTRANGES_H

#include "heddle/Runtime/Device.h"

#include <map>
#include <utility>

namespace heddle::vgpu {

/// Not synchronized.
class HostRanges {
public:
  /// Above every address of an allocation and of a host.
  static constexpr DeviceAddress base = DeviceAddress(1) << 48;

  static bool isHost(DeviceAddress address) {
    return address >= base && address < 2 * base;
  }
  static std::byte *getHost(DeviceAddress address) {
    return reinterpret_cast<std::byte *>(uintptr_t(address - base));
  }

  Expected<DeviceAddress> add(void *host, size_t bytes);
  /// Removes a range that was added as often as it was, no oftener.
  Expected<void> remove(DeviceAddress address, size_t bytes);
  /// Start and size of a range that contains [address, address + bytes); a
  /// size of 0 if there is none.
  std::pair<DeviceAddress, uint64_t> find(DeviceAddress address,
                                          size_t bytes) const;
  /// "in no registered host memory", for messages.
  std::string explain(DeviceAddress address, size_t bytes) const;

private:
  std::multimap<DeviceAddress, uint64_t> ranges;
};

} // namespace heddle::vgpu

#endif // HEDDLE_RUNTIME_VIRTUAL_UNITS_HOSTRANGES_H
