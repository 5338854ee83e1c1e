//===- Multicast.cpp - Addresses of one copy per device -------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Multicast.h"

#include "heddle/Runtime/MakeError.h"

#include <algorithm>

using namespace heddle;
using namespace heddle::vgpu;

/// Unused addresses behind every object.
static constexpr uint64_t redZoneBytes = 64 * 1024;

Expected<DeviceAddress> MulticastObjects::create(uint32_t members,
                                                 size_t bytes) {
  if (members == 0 || members > Multicast::maxMembers)
    return makeError(ErrorKind::InvalidInput,
                     "expected a multicast object of 1 to {} devices, found {}",
                     Multicast::maxMembers, members);
  uint64_t room = 2 * base - next;
  if (bytes == 0 || room < 2 * redZoneBytes || bytes > room - 2 * redZoneBytes)
    return makeError(ErrorKind::InvalidInput,
                     "expected a multicast object of 1 to {} bytes, found {}",
                     room < 2 * redZoneBytes ? 0 : room - 2 * redZoneBytes,
                     bytes);
  DeviceAddress address = next;
  next = (address + bytes + 2 * redZoneBytes - 1) / redZoneBytes * redZoneBytes;
  objects.emplace(address, Multicast{address, bytes, members, {}});
  return address;
}

static tl::unexpected<Error> refuse(DeviceAddress address) {
  return makeError(ErrorKind::InvalidInput,
                   "expected the address of a multicast object, found {:#x}",
                   address);
}

Expected<void> MulticastObjects::destroy(DeviceAddress address) {
  if (objects.erase(address) == 0)
    return refuse(address);
  return {};
}

Expected<void> MulticastObjects::bind(DeviceAddress address, uint32_t member,
                                      DeviceAddress memory) {
  auto found = objects.find(address);
  if (found == objects.end())
    return refuse(address);
  Multicast &object = found->second;
  if (member >= object.members)
    return makeError(ErrorKind::InvalidInput,
                     "the multicast object at {:#x} has {} devices; expected "
                     "one of them, found device {}",
                     address, object.members, member);
  if (object.memory[member])
    return makeError(ErrorKind::InvalidInput,
                     "memory of device {} is bound to the multicast object at "
                     "{:#x} already",
                     member, address);
  if (memory % alignment)
    return makeError(ErrorKind::InvalidInput,
                     "expected memory that is aligned to {} bytes, found {:#x}",
                     alignment, memory);
  // An instruction would meet the same bytes twice.
  for (uint32_t other = 0; other < object.members; ++other)
    if (DeviceAddress known = object.memory[other];
        known &&
        std::max(known, memory) - std::min(known, memory) < object.size)
      return makeError(ErrorKind::InvalidInput,
                       "the memory of device {} at {:#x} overlaps that of "
                       "device {} at {:#x}; expected memory of its own",
                       member, memory, other, known);
  object.memory[member] = memory;
  return {};
}

const Multicast *MulticastObjects::get(DeviceAddress address) const {
  auto found = objects.find(address);
  return found == objects.end() ? nullptr : &found->second;
}

const Multicast *MulticastObjects::find(DeviceAddress address,
                                        size_t bytes) const {
  auto after = objects.upper_bound(address);
  if (after == objects.begin())
    return nullptr;
  const Multicast &object = std::prev(after)->second;
  return object.contains(address, bytes) ? &object : nullptr;
}

std::string MulticastObjects::explain(DeviceAddress address,
                                      size_t bytes) const {
  auto after = objects.upper_bound(address);
  if (after == objects.begin())
    return "in no multicast object";
  const Multicast &object = std::prev(after)->second;
  uint64_t offset = address - object.begin;
  std::string which = fmt::format("the {}-byte multicast object at {:#x}",
                                  object.size, object.begin);
  if (offset >= object.size)
    return fmt::format("{} bytes past the end of {}", offset - object.size,
                       which);
  std::string where = fmt::format("at offset {} of {}", offset, which);
  if (bytes > object.size - offset)
    where +=
        fmt::format(" and reach{} {} bytes past its end",
                    bytes == 1 ? "es" : "", bytes - (object.size - offset));
  return where;
}
