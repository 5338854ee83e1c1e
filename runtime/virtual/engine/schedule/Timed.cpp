//===- Timed.cpp - By a clock ---------------------------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "engine/Cluster.h"

#include <algorithm>

using namespace heddle;
using namespace heddle::vgpu;

namespace {

/// Warps take turns, which is what makes time pass; operations complete when
/// their time has come.
class TimedSchedule final : public ClusterSchedule {
public:
  using ClusterSchedule::ClusterSchedule;

  void start() override { heap.clear(); }
  void issued(PendingOperation &operation, uint64_t latency) override {
    operation.due = cluster.time() + latency;
    heap.push_back({operation.due, operation.sequence, &operation});
    std::push_heap(heap.begin(), heap.end());
  }
  bool step() override;
  bool preempts() const override { return false; }

private:
  void completeDue();

  /// A heap of the operations in flight, by time and issue.
  struct Due {
    uint64_t time, sequence;
    PendingOperation *operation;
    bool operator<(const Due &other) const {
      return time != other.time ? time > other.time : sequence > other.sequence;
    }
  };
  std::vector<Due> heap;
};

void TimedSchedule::completeDue() {
  while (!heap.empty() && heap.front().time <= cluster.time() &&
         !cluster.faulted()) {
    std::pop_heap(heap.begin(), heap.end());
    PendingOperation &operation = *heap.back().operation;
    if (operation.stage + 1 < operation.stages) {
      operation.due += stageLatency;
      heap.back().time = operation.due;
      std::push_heap(heap.begin(), heap.end());
    } else {
      heap.pop_back();
    }
    cluster.pending.step(operation);
  }
}

bool TimedSchedule::step() {
  bool ran = false;
  for (auto &cta : cluster.ctas) {
    if (cta->done())
      continue;
    for (auto &warp : cta->warps) {
      if (warp->done() || !warp->ready())
        continue;
      run(*warp);
      ran = true;
      completeDue();
      if (cluster.faulted())
        return true;
    }
  }
  if (ran)
    return true;
  if (heap.empty())
    return false;
  // Nothing happens before the next operation completes.
  if (heap.front().time > cluster.time())
    cluster.advance(heap.front().time - cluster.time());
  completeDue();
  return true;
}

} // namespace

std::unique_ptr<ClusterSchedule>
heddle::vgpu::createTimedSchedule(Cluster &cluster) {
  return std::make_unique<TimedSchedule>(cluster);
}
