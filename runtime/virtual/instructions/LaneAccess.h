//===- LaneAccess.h - Where the lanes of an access lie ----------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Translates the addresses of a whole warp at once. Lanes mostly lie in one
/// piece of memory, which is checked once, and mostly side by side, so that
/// one copy of vectors moves all of them.
///
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_VIRTUAL_INSTRUCTIONS_LANEACCESS_H
#define HEDDLE_VIRTUAL_INSTRUCTIONS_LANEACCESS_H

#include "engine/Access.h"
#include "instructions/Lanes.h"

HEDDLE_BEGIN_LANES
namespace heddle::vgpu {
inline namespace HEDDLE_INSTRUCTION_SET {

/// An access as its instruction describes it.
struct AccessPattern {
  Space space = Space::Generic;
  /// Whether shared addresses may name another CTA of the cluster.
  bool crossCta = false;
  bool wideAddress = false;
  uint32_t cursor = 0;
  /// Of a lane.
  uint32_t bytes = 4;
};

/// Where the lanes of one access are in the host's memory.
struct LaneAccess {
  enum class Shape : uint8_t {
    /// Lane l is at `base + l * bytes`, and all lanes take part.
    Packed,
    /// At `base + offset[l]`. What does not take part has the offset of what
    /// does.
    Near,
    /// At `host[l]`.
    Far,
  };
  Shape shape;
  std::byte *base;
  union {
    uint32_t offset[warpSize];
    std::byte *host[warpSize];
  };

  std::byte *at(uint32_t lane, uint32_t bytes) const {
    switch (shape) {
    case Shape::Packed:
      return base + size_t(lane) * bytes;
    case Shape::Near:
      return base + offset[lane];
    default:
      return host[lane];
    }
  }
};

/// The host memory of the addresses from `low` to `high` of `lanes` lanes, of
/// which each is the start of an aligned access, or null if they are not all in
/// one piece that the warp may access.
inline std::byte *locateRange(Warp &warp, const AccessPattern &p,
                              AccessKind kind, uint64_t low, uint64_t high,
                              uint32_t lanes) {
  Space space = p.space;
  if (space == Space::Generic) {
    space = spaceOf(low);
    if (space != spaceOf(high))
      return nullptr;
  }
  if (space == Space::Global) {
    Cluster &cluster = warp.cta.cluster;
    std::byte *host =
        cluster.cursors[p.cursor].resolve(low, high - low + p.bytes);
    if (host)
      cluster.traffic.count(kind, uint64_t(lanes) * p.bytes);
    return host;
  }
  if (space != Space::Shared)
    return nullptr;
  Cta &cta = warp.cta;
  uint32_t first = uint32_t(low) & sharedOffsetMask,
           last = uint32_t(high) & sharedOffsetMask;
  if (uint32_t(low) >> sharedRankShift != cta.rank ||
      uint32_t(high) >> sharedRankShift != cta.rank ||
      last + p.bytes > cta.sharedBytes)
    return nullptr;
  if (kind == AccessKind::Store &&
      cta.mbarriers.overlapsLive(first, last - first + p.bytes))
    return nullptr;
  return cta.shared() + first;
}

/// The work of `locateLanes` for addresses in lanes of type `Address`; false if
/// lanes must be looked at one by one.
template <typename Address>
inline bool locateTogether(Warp &warp, const AccessPattern &p, uint32_t mask,
                           AccessKind kind, const Address *from, Address offset,
                           LaneAccess &out) {
  Address first = from[std::countr_zero(mask)];
  if (mask == fullMask) {
    Address apart = 0;
    HEDDLE_LANES
    for (uint32_t l = 0; l < warpSize; ++l)
      apart |= (from[l] - first) ^ Address(l * p.bytes);
    if (apart == 0) {
      Address low = first + offset;
      if (low & (p.bytes - 1))
        return false;
      out.base =
          locateRange(warp, p, kind, low,
                      uint64_t(low) + (warpSize - 1) * p.bytes, warpSize);
      out.shape = LaneAccess::Shape::Packed;
      return out.base;
    }
  }
  Address address[warpSize];
  HEDDLE_LANES
  for (uint32_t l = 0; l < warpSize; ++l)
    address[l] = (mask >> l & 1 ? from[l] : first) + offset;
  Address low = address[0], high = address[0], all = 0;
  HEDDLE_LANES
  for (uint32_t l = 0; l < warpSize; ++l) {
    low = address[l] < low ? address[l] : low;
    high = address[l] > high ? address[l] : high;
    all |= address[l];
  }
  if (all & (p.bytes - 1))
    return false;
  if (uint64_t(high) - low > INT32_MAX)
    return false;
  out.shape = LaneAccess::Shape::Near;
  if (p.space == Space::Local) {
    uint32_t size = warp.kernel->localBytes;
    if (uint64_t(high) + p.bytes > size)
      return false;
    out.base = warp.local.data();
    HEDDLE_LANES
    for (uint32_t l = 0; l < warpSize; ++l)
      out.offset[l] =
          (mask >> l & 1 ? l : uint32_t(std::countr_zero(mask))) * size +
          uint32_t(address[l]);
    return true;
  }
  out.base =
      locateRange(warp, p, kind, low, high, uint32_t(std::popcount(mask)));
  HEDDLE_LANES
  for (uint32_t l = 0; l < warpSize; ++l)
    out.offset[l] = uint32_t(address[l] - low);
  return out.base;
}

/// Finds the lanes of `mask`, or faults and returns false.
inline bool locateLanes(Warp &warp, const Instruction &i,
                        const AccessPattern &p, uint32_t mask, AccessKind kind,
                        LaneAccess &out) {
  // One elected lane is cheaper by itself.
  if (mask & (mask - 1)) [[likely]] {
    bool together = p.wideAddress
                        ? locateTogether<uint64_t>(warp, p, mask, kind,
                                                   warp.reg64(i.src[0]),
                                                   uint64_t(i.immediate), out)
                        : locateTogether<uint32_t>(warp, p, mask, kind,
                                                   warp.reg32(i.src[0]),
                                                   uint32_t(i.immediate), out);
    if (together) [[likely]]
      return true;
  }
  out.shape = LaneAccess::Shape::Far;
  uint64_t address[warpSize];
  warp.addresses(i, i.src[0], p.wideAddress, address);
  uint32_t bad = 0;
  Warp::forBits(mask, [&](uint32_t l) {
    out.host[l] = accessLane(warp, p.space, address[l], p.bytes, l, p.cursor,
                             p.crossCta, kind);
    if (!out.host[l]) [[unlikely]]
      bad |= 1u << l;
  });
  if (!bad) [[likely]]
    return true;
  warp.fault(i, bad,
             explainAccess(warp, p.space, address[std::countr_zero(bad)],
                           p.bytes, p.crossCta, kind));
  return false;
}

} // namespace HEDDLE_INSTRUCTION_SET
} // namespace heddle::vgpu
HEDDLE_END_LANES

#endif // HEDDLE_VIRTUAL_INSTRUCTIONS_LANEACCESS_H
