//===- Cluster.h - Thread blocks that are scheduled together ----*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// A cluster runs on one host thread. Warps take turns; time is the number of
/// instructions they have executed. What happens later - copies, tensor core
/// groups - is a pending operation.
///
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_VIRTUAL_ENGINE_CLUSTER_H
#define HEDDLE_VIRTUAL_ENGINE_CLUSTER_H

#include "engine/Cta.h"
#include "engine/Launch.h"
#include "engine/Pending.h"

#include <optional>

namespace heddle::vgpu {

/// Latencies in instructions of the cluster: long enough that a missing wait
/// reads too early.
inline constexpr uint64_t copyLatency = 400;
inline constexpr uint64_t wgmmaLatency = 64;
/// Between the stages of one operation.
inline constexpr uint64_t stageLatency = 64;

class Sanitizer;

class Cluster {
public:
  explicit Cluster(const Launch &launch);
  ~Cluster();

  /// Begins the cluster with this number in the grid.
  void start(uint64_t number);

  enum class Result { Finished, Yielded, Faulted };
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
  void warpExited() { --liveWarps; }
  uint64_t time() const { return now; }

  /// Issues an operation that takes `latency` by the clock. Those with the same
  /// `newest` complete in the order of their issue.
  void issue(PendingOperation &operation, uint64_t latency,
             PendingOperation **newest = nullptr);

  /// The CTA that a shared::cluster address belongs to, or null.
  Cta *ctaOf(uint32_t sharedAddress) {
    uint32_t rank = sharedAddress >> 24;
    return rank < ctas.size() ? ctas[rank].get() : nullptr;
  }

  const Launch &launch;
  uint64_t index = 0;
  std::vector<std::unique_ptr<Cta>> ctas;
  std::vector<GlobalMemory::Cursor> cursors;
  /// What ended it.
  std::optional<Finding> fault;
  PendingOperations pending{*this};
  /// Null unless all is checked.
  std::unique_ptr<Sanitizer> sanitizer;

  /// barrier.cluster: threads that arrived, by CTA and warp, and the phase.
  struct {
    uint64_t phase = 0;
    std::vector<uint32_t> arrived;
  } barrier;
  void checkBarrier();

private:
  void completeDue();
  /// A heap of the operations in flight, by time and issue.
  struct Due {
    uint64_t time;
    PendingOperation *operation;
    bool operator<(const Due &other) const {
      return time != other.time
                 ? time > other.time
                 : operation->sequence > other.operation->sequence;
    }
  };
  std::vector<Due> heap;
  uint64_t now = 0;
  uint64_t liveWarps = 0;
  uint64_t executed = 0;
};

} // namespace heddle::vgpu

#endif // HEDDLE_VIRTUAL_ENGINE_CLUSTER_H
