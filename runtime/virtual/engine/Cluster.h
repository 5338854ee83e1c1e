//===- Cluster.h - Thread blocks that are scheduled together ----*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// A cluster runs on one host thread. A schedule lets warps take turns and
/// pending operations - copies, tensor core groups - complete. Time is the
/// number of instructions that warps have executed.
///
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_VIRTUAL_ENGINE_CLUSTER_H
#define HEDDLE_VIRTUAL_ENGINE_CLUSTER_H

#include "engine/Cta.h"
#include "engine/Launch.h"
#include "engine/Pending.h"
#include "engine/schedule/Schedule.h"

#include <optional>

namespace heddle::vgpu {

/// Latencies in instructions of the cluster: long enough that a missing wait
/// reads too early.
inline constexpr uint64_t copyLatency = 400;
inline constexpr uint64_t wgmmaLatency = 64;
/// Between the stages of one operation.
inline constexpr uint64_t stageLatency = 64;

class Sanitizer;

enum class AccessKind : uint8_t { Load, Store };

/// Bytes that instructions ask of global memory, before caches. What one copies
/// to several CTAs is read once; what a reduction or an atomic combines with is
/// written only.
struct Traffic {
  uint64_t read = 0, written = 0;
  void count(AccessKind kind, uint64_t bytes) {
    (kind == AccessKind::Load ? read : written) += bytes;
  }
};

class Cluster {
public:
  Cluster(const Launch &launch, LaunchSchedule &schedule);
  ~Cluster();

  /// Begins the cluster at this position: those of a device follow those of the
  /// one before. `progress` counts what happens in the clusters that the host
  /// thread runs.
  void start(uint64_t position, uint64_t &progress);

  enum class Result {
    Finished,
    Yielded,
    /// Nothing can run until something writes memory.
    Waiting,
    Faulted,
  };
  /// Goes on under a host thread whose count is `progress`, if it did under
  /// another.
  void join(uint64_t &progress) {
    progressed = &progress;
    waiting = 0;
    madeProgress();
  }
  /// The progress at which nothing could run, or 0 if something could.
  uint64_t waitsSince() const { return waiting; }
  /// Runs for about `slice` instructions.
  Result run(uint64_t slice);

  bool faulted() const { return fault.has_value(); }
  /// Ends the cluster with `finding`; the first one counts.
  void fail(Finding finding) {
    if (!fault)
      fault = std::move(finding);
  }
  /// Adds a finding to the launch's; execution goes on.
  void report(Finding finding) const {
    launch.findings->add(std::move(finding), index);
  }
  /// Warp instructions executed since the start.
  uint64_t instructions() const { return executed; }
  void advance(uint64_t steps) { now += steps; }
  void count(uint32_t instructions) { executed += instructions; }
  void warpExited() { --liveWarps; }
  uint64_t time() const { return now; }
  ClusterSchedule &schedule() { return *order; }
  bool preempts() const { return preempting; }
  /// How often something has happened that others may wait for.
  uint64_t progress() const { return *progressed; }
  void madeProgress() { ++*progressed; }

  /// Issues an operation that takes `latency` by the clock. Those with the same
  /// `newest` complete in the order of their issue.
  void issue(PendingOperation &operation, uint64_t latency,
             PendingOperation **newest = nullptr);

  /// The CTA that a shared::cluster address belongs to, or null.
  Cta *ctaOf(uint32_t sharedAddress) {
    uint32_t rank = sharedAddress >> 24;
    return rank < ctas.size() ? ctas[rank].get() : nullptr;
  }
  /// The same, but null for one whose threads have exited: its shared memory
  /// is gone.
  Cta *liveCtaOf(uint32_t sharedAddress) {
    Cta *cta = ctaOf(sharedAddress);
    return cta && !cta->done() ? cta : nullptr;
  }

  const DeviceShare &share() const { return launch.devices[device]; }

  const Launch &launch;
  uint64_t index = 0;
  /// The ordinal of its device in the launch, and its number in the grid.
  uint32_t device = 0;
  uint64_t number = 0;
  std::vector<std::unique_ptr<Cta>> ctas;
  std::vector<GlobalMemory::Cursor> cursors;
  /// Since the start.
  Traffic traffic;
  /// What ended it.
  std::optional<Finding> fault;
  PendingOperations pending{*this};
  /// Null unless all is checked.
  std::unique_ptr<Sanitizer> sanitizer;

  /// barrier.cluster: threads that arrived, by CTA and warp, and the phase.
  struct {
    uint64_t phase = 0;
    /// Someone has arrived.
    bool active = false;
    std::vector<uint32_t> arrived;
  } barrier;
  /// Completes it if everyone who has not exited has arrived.
  void checkBarrier();

private:
  void finish();
  /// Lets lanes that wait for diverged siblings go on; whether there were any.
  bool releaseWaiting();

  std::unique_ptr<ClusterSchedule> order;
  uint64_t now = 0;
  uint64_t liveWarps = 0;
  uint64_t executed = 0;
  uint64_t *progressed = nullptr;
  uint64_t waiting = 0;
  const bool preempting;
};

} // namespace heddle::vgpu

#endif // HEDDLE_VIRTUAL_ENGINE_CLUSTER_H
