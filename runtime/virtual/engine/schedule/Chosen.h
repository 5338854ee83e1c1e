//===- Chosen.h - Schedules that choose each step ---------------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// What random schedules and replays have in common: at each step one of the
/// warps that can run or the operations that can complete is chosen.
///
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_VIRTUAL_ENGINE_SCHEDULE_CHOSEN_H
#define HEDDLE_VIRTUAL_ENGINE_SCHEDULE_CHOSEN_H

#include "engine/Cluster.h"

#include <span>

namespace heddle::vgpu {

/// One of the things that could happen next: a warp runs or an operation has
/// its next stage.
struct Candidate {
  Warp *warp = nullptr;
  PendingOperation *operation = nullptr;
};

class ChosenSchedule : public ClusterSchedule {
public:
  using ClusterSchedule::ClusterSchedule;
  bool step() final;

protected:
  /// The index of the candidate that goes on; none ends the launch. Warps come
  /// before operations, in the order of their numbers, operations in the order
  /// of issue.
  virtual std::optional<size_t>
  choose(std::span<const Candidate> candidates) = 0;

private:
  std::vector<Candidate> candidates;
};

/// A permutation of the clusters of a grid that `seed` names.
uint64_t shuffle(uint64_t position, uint64_t total, uint64_t seed);

/// Clusters that a random schedule and its replay begin at first, and the
/// instructions that one runs before another's turn.
inline constexpr uint64_t randomWindow = 8;
inline constexpr uint64_t randomSlice = 512;

/// A generator that gives the same numbers everywhere (SplitMix64, Steele,
/// Lea and Flood 2014).
class Random {
public:
  explicit Random(uint64_t seed) : state(seed) {}
  uint64_t next() {
    uint64_t z = state += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  /// Less than `bound`, which is not zero. The bias does not matter here.
  uint64_t below(uint64_t bound) { return next() % bound; }

private:
  uint64_t state;
};

} // namespace heddle::vgpu

#endif // HEDDLE_VIRTUAL_ENGINE_SCHEDULE_CHOSEN_H
