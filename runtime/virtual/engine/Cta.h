//===- Cta.h - A thread block -----------------------------------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_VIRTUAL_ENGINE_CTA_H
#define HEDDLE_VIRTUAL_ENGINE_CTA_H

#include "engine/BarrierHistory.h"
#include "engine/Warp.h"
#include "engine/Warpgroup.h"
#include "units/Mbarrier.h"

namespace heddle::vgpu {

class Cluster;

/// One of the sixteen barriers of `bar` and `barrier.cta`.
struct NamedBarrier {
  /// Threads expected in this generation; 0 means every thread of the CTA.
  uint32_t expected = 0;
  bool active = false;
  uint64_t generation = 0;
  /// Lanes that arrived, by warp.
  std::vector<uint32_t> arrived;
  /// What `bar.red` gathers and, once complete, returns.
  uint32_t count = 0, result = 0;
};

class Cta {
public:
  Cta(Cluster &cluster, uint32_t rank);

  void start(Dim3 id);
  uint32_t threads() const { return numThreads; }
  bool done() const { return liveWarps == 0; }
  /// Lanes of `warp` have exited: nobody waits for them any more.
  void lanesExited(const Warp &warp);
  std::byte *shared() { return sharedMemory.get(); }

  /// The live lanes of the warp that have yet to arrive at `barrier` in this
  /// generation.
  uint32_t missingAt(const NamedBarrier &barrier, const Warp &warp) const;
  /// Threads that have arrived there: a warp counts as 32 once all of its live
  /// lanes have.
  uint32_t arrivedAt(const NamedBarrier &barrier) const;
  /// Completes `barrier` if everyone expected has arrived.
  void checkBarrier(NamedBarrier &barrier);

  Cluster &cluster;
  const uint32_t rank;
  Dim3 id;
  uint32_t sharedBytes = 0;
  MbarrierTable mbarriers;
  /// Null unless misuse that happens to work is looked for.
  std::unique_ptr<BarrierHistory> history;
  std::array<NamedBarrier, 16> barriers;
  std::vector<std::unique_ptr<Warp>> warps;
  std::vector<Warpgroup> warpgroups;
  /// Registers that setmaxnreg may still hand out, in threads times registers.
  int64_t registerPool = 0;

private:
  struct Free {
    void operator()(std::byte *memory) const;
  };
  std::unique_ptr<std::byte[], Free> sharedMemory;
  uint32_t numThreads = 0;
  uint32_t liveWarps = 0;
};

} // namespace heddle::vgpu

#endif // HEDDLE_VIRTUAL_ENGINE_CTA_H
