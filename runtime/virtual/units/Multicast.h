//===- Multicast.h - Addresses of one copy per device -----------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Multicast objects: ranges of addresses behind each of which is one location
/// of every member device. Only multimem instructions may use them; no other
/// access resolves.
///
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_RUNTIME_VIRTUAL_UNITS_MULTICAST_H
#define HEDDLE_RUNTIME_VIRTUAL_UNITS_MULTICAST_H

#include "heddle/Runtime/Device.h"
#include "units/HostRanges.h"

#include <array>
#include <map>

namespace heddle::vgpu {

/// One multicast object.
struct Multicast {
  /// The most members.
  static constexpr uint32_t maxMembers = 16;

  DeviceAddress begin = 0;
  uint64_t size = 0;
  uint32_t members = 0;
  /// Where the memory of each member starts, or null until it is bound.
  std::array<DeviceAddress, maxMembers> memory = {};

  bool contains(DeviceAddress address, size_t bytes) const {
    uint64_t offset = address - begin;
    return offset < size && bytes <= size - offset;
  }
};

/// The multicast objects of a memory. Not synchronized.
class MulticastObjects {
public:
  /// Above registered host memory.
  static constexpr DeviceAddress base = 2 * HostRanges::base;
  /// Vectors of a multimem instruction have at most 16 bytes and are aligned
  /// to their size, in the object as in the memory of each member.
  static constexpr uint64_t alignment = 16;

  static bool isMulticast(DeviceAddress address) {
    return address >= base && address < 2 * base;
  }

  Expected<DeviceAddress> create(uint32_t members, size_t bytes);
  Expected<void> destroy(DeviceAddress address);
  /// `memory` is memory of as many bytes as the object has.
  Expected<void> bind(DeviceAddress address, uint32_t member,
                      DeviceAddress memory);

  /// The object that starts at `address`, or null.
  const Multicast *get(DeviceAddress address) const;
  /// The object that contains the range, or null.
  const Multicast *find(DeviceAddress address, size_t bytes) const;
  /// "at offset 16 of the multicast object ...", for messages.
  std::string explain(DeviceAddress address, size_t bytes) const;

private:
  std::map<DeviceAddress, Multicast> objects;
  DeviceAddress next = base;
};

} // namespace heddle::vgpu

#endif // HEDDLE_RUNTIME_VIRTUAL_UNITS_MULTICAST_H
