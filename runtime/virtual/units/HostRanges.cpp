//===- HostRanges.cpp - Host memory that a virtual GPU may use ------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "HostRanges.h"

#include "heddle/Runtime/MakeError.h"

#include <algorithm>

using namespace heddle;
using namespace heddle::vgpu;

Expected<DeviceAddress> HostRanges::add(void *host, size_t bytes) {
  auto address = DeviceAddress(reinterpret_cast<uintptr_t>(host));
  if (!host || bytes == 0)
    return makeError(ErrorKind::InvalidInput,
                     "expected host memory of at least 1 byte, found {} bytes "
                     "at {:#x}",
                     bytes, address);
  if (address >= base || bytes > base - address)
    return makeError(ErrorKind::InvalidInput,
                     "expected host memory below {:#x}, found {} bytes at "
                     "{:#x}",
                     base, bytes, address);
  ranges.emplace(base + address, bytes);
  return base + address;
}

Expected<void> HostRanges::remove(DeviceAddress address, size_t bytes) {
  auto [first, last] = ranges.equal_range(address);
  auto found = std::find_if(
      first, last, [&](const auto &range) { return range.second == bytes; });
  if (found == last)
    return makeError(ErrorKind::InvalidInput,
                     "expected registered host memory, found {} bytes at {:#x}",
                     bytes, address);
  ranges.erase(found);
  return {};
}

std::pair<DeviceAddress, uint64_t> HostRanges::find(DeviceAddress address,
                                                    size_t bytes) const {
  // Ranges may overlap, so that the nearest start need not be the right one.
  for (auto range = ranges.upper_bound(address); range != ranges.begin();) {
    auto [begin, size] = *--range;
    uint64_t offset = address - begin;
    if (offset < size && bytes <= size - offset)
      return {begin, size};
  }
  return {0, 0};
}

std::string HostRanges::explain(DeviceAddress address, size_t bytes) const {
  auto after = ranges.upper_bound(address);
  if (after == ranges.begin())
    return "in no registered host memory";
  auto [begin, size] = *std::prev(after);
  uint64_t offset = address - begin;
  std::string which = fmt::format(
      "the {} bytes of registered host memory at {:#x}", size, begin);
  if (offset >= size)
    return fmt::format("{} bytes past the end of {}", offset - size, which);
  if (bytes > size - offset)
    return fmt::format("at offset {} of {} and reach{} {} bytes past its end",
                       offset, which, bytes == 1 ? "es" : "",
                       bytes - (size - offset));
  return fmt::format("at offset {} of {}", offset, which);
}
