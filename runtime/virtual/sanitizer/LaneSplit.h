//===- LaneSplit.h - Accesses of a warp in lines ----------------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Splits an access of the lanes of a warp into the lines that it touches, and
/// says which lane has which byte of each: the callbacks are called with the
/// address of a line, the access with its lanes, the bytes, and the table of
/// lanes or null.
///
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_VIRTUAL_SANITIZER_LANESPLIT_H
#define HEDDLE_VIRTUAL_SANITIZER_LANESPLIT_H

#include "sanitizer/Shadow.h"

#include <algorithm>

namespace heddle::vgpu {

/// An access of all lanes, side by side from `begin` on.
template <typename Address, typename Touch>
void splitPacked(AccessInfo info, Address begin, uint32_t bytes,
                 Touch &&touchLine) {
  uint8_t shift = uint8_t(std::countr_zero(bytes));
  info.lanes = {LaneMap::Kind::Linear, shift, 0, ~0u};
  Address end = begin + 32 * bytes;
  for (Address line = begin / lineBytes * lineBytes; line < end;
       line += lineBytes) {
    info.lanes.base = int16_t(int64_t(begin) - int64_t(line));
    Address from = std::max(begin, line);
    Address to = std::min<Address>(end, line + lineBytes);
    touchLine(line, info,
              ByteMask::range(uint32_t(from - line), uint32_t(to - line)),
              nullptr);
  }
}

/// Lanes a fixed distance of `bytes` apart, of which lane 0 would be at
/// `start`.
template <typename Address, typename Touch>
void splitLinear(uint32_t lanes, AccessInfo info, const Address *at,
                 Address start, uint32_t bytes, Touch &&touchLine) {
  uint32_t first = uint32_t(__builtin_ctz(lanes));
  uint32_t last = 31 - uint32_t(std::countl_zero(lanes));
  info.lanes = {LaneMap::Kind::Linear, uint8_t(std::countr_zero(bytes)), 0,
                lanes};
  uint32_t run = lanes >> first;
  bool dense = (run & (run + 1)) == 0;
  Address end = at[last] + bytes;
  for (Address line = at[first] / lineBytes * lineBytes; line < end;
       line += lineBytes) {
    ByteMask mask;
    info.lanes.base = int16_t(int64_t(start) - int64_t(line));
    if (dense) {
      Address from = std::max(at[first], line);
      Address to = std::min<Address>(end, line + lineBytes);
      mask = ByteMask::range(uint32_t(from - line), uint32_t(to - line));
    } else {
      for (uint32_t rest = lanes; rest; rest &= rest - 1) {
        uint32_t l = uint32_t(__builtin_ctz(rest));
        if (at[l] / lineBytes * lineBytes == line)
          mask.add(uint32_t(at[l] - line), uint32_t(at[l] - line) + bytes);
      }
      if (mask.empty())
        continue;
    }
    touchLine(line, info, mask, nullptr);
  }
}

/// Lanes anywhere, each with so many granules of four bytes.
template <uint32_t granules, typename Address, typename Touch>
void splitScattered(uint32_t lanes, AccessInfo info, const Address *at,
                    Touch &&touchLine) {
  info.lanes = {LaneMap::Kind::Table, 0, 0, lanes};
  constexpr uint64_t width = ~0ull >> (64 - granules);
  while (lanes) {
    Address line = at[__builtin_ctz(lanes)] / lineBytes * lineBytes;
    std::array<uint8_t, 64> table = {}, others = {};
    // A bit for each granule.
    uint64_t mask = 0, shared = 0;
    for (uint32_t rest = lanes; rest; rest &= rest - 1) {
      uint32_t l = uint32_t(__builtin_ctz(rest));
      if (at[l] - line >= lineBytes)
        continue;
      lanes ^= rest & -rest;
      uint32_t begin = uint32_t(at[l] - line) / 4;
      uint64_t here = width << begin;
      bool again = mask & here;
      (again ? shared : mask) |= here;
      std::fill_n((again ? others : table).begin() + begin, granules,
                  uint8_t(l));
    }
    // Of lanes that read the same bytes two stand for all: whoever writes them
    // later is not one of the two.
    touchLine(line, info, ByteMask::ofGranules(mask), &table);
    if (!info.write && shared)
      touchLine(line, info, ByteMask::ofGranules(shared), &others);
  }
}

/// An access of `lanes`, lane l at `at[l]`.
template <typename Address, typename Touch>
void splitLanes(uint32_t lanes, AccessInfo info, const Address *at,
                uint32_t bytes, Touch &&touchLine) {
  uint32_t first = uint32_t(__builtin_ctz(lanes));
  // Shifts, which every processor has for vectors.
  uint32_t shift = uint32_t(std::countr_zero(bytes));
  Address start = at[first] - (Address(first) << shift);
  Address skew = 0, spread = 0;
  if (lanes == ~0u) {
    for (uint32_t l = 0; l < 32; ++l) {
      skew |= at[l] ^ (start + (Address(l) << shift));
      spread |= at[l] ^ at[0];
    }
  } else {
    for (uint32_t rest = lanes; rest; rest &= rest - 1) {
      uint32_t l = uint32_t(__builtin_ctz(rest));
      skew |= at[l] ^ (start + (Address(l) << shift));
      spread |= at[l] ^ at[first];
    }
  }
  auto touchUniform = [&](uint32_t all, Address address) {
    info.lanes = {LaneMap::Kind::Uniform, 0, 0, all};
    uint32_t begin = uint32_t(address % lineBytes);
    touchLine(address - begin, info, ByteMask::range(begin, begin + bytes),
              nullptr);
  };
  if (!spread)
    return touchUniform(lanes, at[first]);
  if (!skew)
    return splitLinear(lanes, info, at, start, bytes, touchLine);
  switch (bytes) {
  case 4:
    return splitScattered<1>(lanes, info, at, touchLine);
  case 8:
    return splitScattered<2>(lanes, info, at, touchLine);
  case 16:
    return splitScattered<4>(lanes, info, at, touchLine);
  case 32:
    return splitScattered<8>(lanes, info, at, touchLine);
  }
  // Granules are coarser than the accesses: lane by lane.
  for (uint32_t rest = lanes; rest; rest &= rest - 1)
    touchUniform(rest & -rest, at[__builtin_ctz(rest)]);
}

} // namespace heddle::vgpu

#endif // HEDDLE_VIRTUAL_SANITIZER_LANESPLIT_H
