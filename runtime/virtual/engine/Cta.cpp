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

#include <algorithm>
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

void Cta::lanesExited(const Warp &warp) {
  if (warp.done()) {
    if (--liveWarps == 0 && cluster.sanitizer)
      cluster.sanitizer->races().ctaExit(rank);
    cluster.warpExited();
  }
  // Barriers wait for the threads that are left.
  for (NamedBarrier &barrier : barriers)
    if (barrier.active)
      checkBarrier(barrier);
  cluster.checkBarrier();
}

uint32_t Cta::missingAt(const NamedBarrier &barrier, const Warp &warp) const {
  return warp.live & ~barrier.arrived[warp.index];
}

uint32_t Cta::arrivedAt(const NamedBarrier &barrier) const {
  uint32_t arrived = 0;
  for (auto &warp : warps)
    if (barrier.arrived[warp->index] && !missingAt(barrier, *warp))
      arrived += warpSize;
  return arrived;
}

void Cta::checkBarrier(NamedBarrier &barrier) {
  // A barrier without a count waits for the threads that have not exited.
  bool complete = barrier.expected
                      ? arrivedAt(barrier) >= barrier.expected
                      : std::ranges::all_of(warps, [&](auto &warp) {
                          return !missingAt(barrier, *warp);
                        });
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
