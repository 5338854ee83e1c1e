//===- Cta.cpp - A thread block -------------------------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "engine/Cta.h"

#include "engine/Cluster.h"
#include "sanitizer/Sanitizer.h"

#include <cstdlib>
#include <cstring>

using namespace heddle;
using namespace heddle::vgpu;

void Cta::Free::operator()(std::byte *memory) const { std::free(memory); }

static uint32_t sharedBytesOf(const Launch &launch) {
  return launch.config.dynamicSharedBytes ? launch.kernel->dynamicSharedOffset +
                                                launch.config.dynamicSharedBytes
                                          : launch.kernel->staticSharedBytes;
}

Cta::Cta(Cluster &cluster, uint32_t rank)
    : cluster(cluster), rank(rank), sharedBytes(sharedBytesOf(cluster.launch)),
      mbarriers(sharedBytes) {
  size_t bytes = (size_t(sharedBytes) + 1024) / 1024 * 1024;
  sharedMemory.reset(static_cast<std::byte *>(std::aligned_alloc(1024, bytes)));
  numThreads = uint32_t(cluster.launch.config.block.count());
  uint32_t numWarps = (numThreads + warpSize - 1) / warpSize;
  if (cluster.launch.sanitize != SanitizeLevel::Off)
    history = std::make_unique<BarrierHistory>();
  for (uint32_t i = 0; i < numWarps; ++i)
    warps.push_back(std::make_unique<Warp>(*this, i));
}

void Cta::start(Dim3 ctaId) {
  id = ctaId;
  std::memset(sharedMemory.get(), 0xff, sharedBytes);
  mbarriers.reset();
  if (history)
    history->reset();
  for (NamedBarrier &barrier : barriers) {
    barrier = {};
    barrier.arrived.assign(warps.size(), 0);
  }
  uint32_t registers = cluster.launch.registersPerThread();
  warpgroups.assign((warps.size() + 3) / 4, Warpgroup{});
  for (Warpgroup &group : warpgroups)
    group.registers = registers;
  registerPool = 0;
  liveWarps = warps.size();
  for (auto &warp : warps)
    warp->start();
}

void Cta::warpExited() {
  if (--liveWarps == 0 && cluster.sanitizer)
    cluster.sanitizer->races().ctaExit(rank);
  // Barriers that wait for all threads wait for those that are left.
  for (NamedBarrier &barrier : barriers)
    if (barrier.active && barrier.expected == 0)
      checkBarrier(barrier);
  cluster.warpExited();
}

void Cta::checkBarrier(NamedBarrier &barrier) {
  uint32_t arrivedWarps = 0, exited = 0;
  for (size_t i = 0; i < warps.size(); ++i) {
    if (barrier.arrived[i])
      arrivedWarps += (barrier.arrived[i] | ~warps[i]->live) == fullMask;
    else
      exited += warps[i]->live == 0;
  }
  bool complete = barrier.expected ? arrivedWarps * warpSize >= barrier.expected
                                   : arrivedWarps + exited == warps.size();
  if (!complete)
    return;
  barrier.active = false;
  if (cluster.sanitizer)
    cluster.sanitizer->races().barrierComplete(
        rank, uint32_t(&barrier - barriers.data()));
  ++barrier.generation;
  barrier.result = barrier.count;
  barrier.count = 0;
  barrier.arrived.assign(warps.size(), 0);
}
