//===- BarrierHistory.h - Who used the mbarriers of a CTA -------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// What warps did with each mbarrier of a CTA, as far as messages about hangs
/// and leaks need it: who arrived in the present phase and in the one before,
/// and which phases each warp has waited for.
///
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_VIRTUAL_ENGINE_BARRIERHISTORY_H
#define HEDDLE_VIRTUAL_ENGINE_BARRIERHISTORY_H

#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

namespace heddle::vgpu {

class Warp;

class BarrierHistory {
public:
  struct Arrival {
    /// Perhaps of another CTA of the cluster.
    const Warp *warp = nullptr;
    uint32_t pc = 0;
    uint32_t lanes = 0;
  };
  /// What a warp of the CTA knows of a barrier from its waits.
  struct Waiter {
    /// Phases completed when it last passed a wait.
    uint64_t phases = 0;
    /// It has waited for each phase, one after the other.
    bool everyPhase = true;
  };

  /// Forgets everything, but keeps the memory.
  void reset();
  /// The barrier begins anew.
  void init(uint32_t offset) { entries[offset].clear(); }
  /// `lane` of `warp` arrives in `phase`.
  void arrived(uint32_t offset, uint64_t phase, const Warp &warp, uint32_t pc,
               uint32_t lane);
  /// Warp number `warp` passed a wait when `phases` were complete.
  void waited(uint32_t offset, uint32_t warp, uint64_t phases);

  std::span<const Arrival> arrivalsIn(uint32_t offset, uint64_t phase) const;
  Waiter waiter(uint32_t offset, uint32_t warp) const;

private:
  struct Entry {
    /// Of the phase, and of the one before.
    uint64_t phase = 0;
    std::vector<Arrival> current, before;
    std::vector<Waiter> waiters;
    void clear();
  };
  std::unordered_map<uint32_t, Entry> entries;
};

} // namespace heddle::vgpu

#endif // HEDDLE_VIRTUAL_ENGINE_BARRIERHISTORY_H
