//===- Schedule.h - What happens next ---------------------------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Schedules decide in which order warps run and asynchronous operations
/// complete, wherever a GPU may order as it likes. One file per schedule.
///
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_VIRTUAL_ENGINE_SCHEDULE_SCHEDULE_H
#define HEDDLE_VIRTUAL_ENGINE_SCHEDULE_SCHEDULE_H

#include "heddle/Runtime/Error.h"

#include <memory>
#include <string>

namespace heddle {
struct Schedule;
}

namespace heddle::vgpu {

class Cluster;
struct Launch;
class PendingOperation;
class Warp;

/// The order of what happens in one cluster.
class ClusterSchedule {
public:
  explicit ClusterSchedule(Cluster &cluster) : cluster(cluster) {}
  virtual ~ClusterSchedule() = default;

  /// The cluster begins anew.
  virtual void start() {}
  /// `operation`, which takes `latency` by the clock, is in flight.
  virtual void issued(PendingOperation &, uint64_t) {}
  /// Lets something happen: warps run, operations complete. False if nothing
  /// can.
  virtual bool step() = 0;
  /// Whether an `mbarrier.try_wait` that would sleep returns false instead.
  virtual bool failsSpuriously() { return false; }
  /// Whether warps stop before and after each instruction that synchronizes.
  virtual bool preempts() const { return true; }

protected:
  /// Instructions that a warp runs before the next one's turn, where no choice
  /// is made in between.
  static constexpr uint32_t quantum = 128;
  /// Gives `warp` a turn of at most `instructions`.
  void run(Warp &warp, uint32_t instructions = quantum);

  Cluster &cluster;
};

/// The order of the clusters of a launch, and the schedules of each.
class LaunchSchedule {
public:
  virtual ~LaunchSchedule() = default;

  virtual std::unique_ptr<ClusterSchedule> createFor(Cluster &cluster) = 0;
  /// Whether clusters may run on several host threads.
  virtual bool allowsThreads() const { return false; }
  /// Instructions that a cluster runs before another one's turn.
  virtual uint64_t slice() { return uint64_t(1) << 15; }
  /// How many clusters are begun before any waits for one that is not; no more
  /// than fit.
  virtual uint64_t window(uint64_t capacity) const { return capacity; }
  /// The number of the cluster that is begun as the `position`th of `total`.
  virtual uint64_t orderOf(uint64_t position, uint64_t total) const {
    return position;
  }
  /// Which of `count` resident clusters runs next; the last has waited longest
  /// where it makes a difference.
  virtual size_t choose(size_t) { return 0; }
  /// The choices made, for `Schedule::Kind::Replay`.
  virtual std::string trace() const = 0;
  /// Why the launch cannot go on: the choices to replay are not its own.
  virtual std::string misfit() const { return {}; }
};

/// The schedule that `launch` asks for. An error if that is a trace of another
/// launch.
Expected<std::unique_ptr<LaunchSchedule>> createSchedule(const Launch &launch);

// The kinds that there are.
std::unique_ptr<ClusterSchedule> createTimedSchedule(Cluster &cluster);
std::unique_ptr<ClusterSchedule> createEagerSchedule(Cluster &cluster);
std::unique_ptr<ClusterSchedule> createLazySchedule(Cluster &cluster);
/// `seed` is that of the launch.
std::unique_ptr<LaunchSchedule> createRandomSchedule(const Launch &launch,
                                                     uint64_t seed);
/// Makes the choices of `text`, which `LaunchSchedule::trace` wrote.
Expected<std::unique_ptr<LaunchSchedule>>
createReplaySchedule(const Launch &launch, const std::string &text);

} // namespace heddle::vgpu

#endif // HEDDLE_VIRTUAL_ENGINE_SCHEDULE_SCHEDULE_H
