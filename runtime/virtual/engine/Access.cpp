//===- Access.cpp - Messages about illegal accesses -----------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "engine/Access.h"

#include "engine/Diagnostics.h"

#include <fmt/format.h>

using namespace heddle;
using namespace heddle::vgpu;

Fault heddle::vgpu::explainAccess(Warp &warp, Space space, uint64_t address,
                                  uint32_t bytes, bool crossCta,
                                  AccessKind kind) {
  if (address & (bytes - 1))
    return {faults::alignment,
            fmt::format("address {:#x} is not a multiple of {} bytes", address,
                        bytes)};
  if (space == Space::Generic)
    space = spaceOf(address);
  switch (space) {
  case Space::Shared: {
    uint32_t window = uint32_t(address);
    uint32_t offset = window & sharedOffsetMask,
             rank = window >> sharedRankShift;
    Cta *cta = &warp.cta;
    if (rank != cta->rank) {
      if (!crossCta)
        return {faults::bounds,
                fmt::format("shared address {:#x} belongs to rank {} of the "
                            "cluster; expected this CTA's rank {} or "
                            ".shared::cluster",
                            window, rank, cta->rank)};
      cta = warp.cta.cluster.ctaOf(window);
      if (!cta)
        return {
            faults::bounds,
            fmt::format("shared address {:#x} names rank {} of a cluster of "
                        "{} CTAs",
                        window, rank, warp.cta.cluster.ctas.size())};
      if (cta->done())
        return {
            faults::peerExit,
            fmt::format("shared address {:#x} belongs to rank {} of the "
                        "cluster, {}, which has exited; expected it to wait "
                        "at a cluster barrier until its peers are done "
                        "(barrier.cluster.arrive and wait)",
                        window, rank, describeCta(*cta))};
    }
    if (offset >= cta->sharedBytes || bytes > cta->sharedBytes - offset)
      return {faults::bounds,
              fmt::format("{} bytes at shared offset {} are outside the CTA's "
                          "{} bytes of shared memory",
                          bytes, offset, cta->sharedBytes)};
    return {faults::storeToBarrier,
            fmt::format("store of {} bytes at shared offset {} hits a live "
                        "mbarrier",
                        bytes, offset)};
  }
  case Space::Local:
    return {faults::bounds,
            fmt::format("{} bytes at local offset {} are outside the thread's "
                        "{} bytes of local memory",
                        bytes, uint32_t(address), warp.kernel->localBytes)};
  case Space::Param:
    if (kind == AccessKind::Store)
      return {faults::bounds, "kernel parameters cannot be written"};
    return {faults::bounds,
            fmt::format("{} bytes at parameter offset {} are outside the "
                        "kernel's {} bytes of parameters",
                        bytes, uint32_t(address), warp.kernel->parameterBytes)};
  default:
    return warp.cta.cluster.launch.memory->explain(address, bytes);
  }
}
