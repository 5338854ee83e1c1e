//===- Access.h - Checked access to every memory space ----------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_VIRTUAL_ENGINE_ACCESS_H
#define HEDDLE_VIRTUAL_ENGINE_ACCESS_H

#include "decode/AddressSpace.h"
#include "engine/Cluster.h"

namespace heddle::vgpu {

/// What an access may do, for checks.
/// The host memory behind `bytes` bytes at `address` of `space` as `lane` sees
/// it, or null. `crossCta` allows other CTAs' shared memory.
inline std::byte *accessLane(Warp &warp, Space space, uint64_t address,
                             uint32_t bytes, uint32_t lane, uint32_t cursor,
                             bool crossCta, AccessKind kind) {
  if (address & (bytes - 1))
    return nullptr;
  if (space == Space::Generic)
    space = spaceOf(address);
  switch (space) {
  case Space::Shared: {
    uint32_t window = uint32_t(address);
    uint32_t offset = window & sharedOffsetMask;
    Cta *cta = &warp.cta;
    if (window >> sharedRankShift != cta->rank) {
      cta = crossCta ? warp.cta.cluster.liveCtaOf(window) : nullptr;
      if (!cta)
        return nullptr;
    }
    if (offset >= cta->sharedBytes || bytes > cta->sharedBytes - offset)
      return nullptr;
    if (kind == AccessKind::Store && cta->mbarriers.liveCount() &&
        cta->mbarriers.overlapsLive(offset, bytes))
      return nullptr;
    return cta->shared() + offset;
  }
  case Space::Local: {
    uint32_t offset = uint32_t(address), size = warp.kernel->localBytes;
    if (offset >= size || bytes > size - offset)
      return nullptr;
    return warp.local.data() + size_t(lane) * size + offset;
  }
  case Space::Param: {
    auto &parameters = warp.cta.cluster.share().parameters;
    uint32_t offset = uint32_t(address), size = warp.kernel->parameterBytes;
    if (kind == AccessKind::Store || offset >= size || bytes > size - offset)
      return nullptr;
    return const_cast<std::byte *>(parameters.data()) + offset;
  }
  default:
    warp.cta.cluster.traffic.count(kind, bytes);
    return warp.cta.cluster.cursors[cursor].resolve(address, bytes);
  }
}

/// Why `accessLane` returned null.
Fault explainAccess(Warp &warp, Space space, uint64_t address, uint32_t bytes,
                    bool crossCta, AccessKind kind);

} // namespace heddle::vgpu

#endif // HEDDLE_VIRTUAL_ENGINE_ACCESS_H
