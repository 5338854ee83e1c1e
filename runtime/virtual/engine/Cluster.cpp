//===- Cluster.cpp - Thread blocks that are scheduled together ------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "engine/Cluster.h"

#include "engine/Diagnostics.h"
#include "sanitizer/Sanitizer.h"

#include <algorithm>
#include <fmt/format.h>

using namespace heddle;
using namespace heddle::vgpu;

namespace {
/// Instructions that a warp runs before the next one's turn.
constexpr uint32_t quantum = 128;
} // namespace

Cluster::Cluster(const Launch &launch) : launch(launch) {
  uint32_t count = uint32_t(launch.config.cluster.count());
  for (uint32_t rank = 0; rank < count; ++rank)
    ctas.push_back(std::make_unique<Cta>(*this, rank));
  cursors.assign(launch.kernel->cursors, GlobalMemory::Cursor(*launch.memory));
  if (launch.sanitize == SanitizeLevel::Full)
    sanitizer = std::make_unique<Sanitizer>(*this);
}

Cluster::~Cluster() = default;

void Cluster::start(uint64_t number) {
  index = number;
  const Dim3 &size = launch.config.cluster, &grid = launch.config.grid;
  uint32_t columns = grid.x / size.x, rows = grid.y / size.y;
  Dim3 origin{uint32_t(number % columns) * size.x,
              uint32_t(number / columns % rows) * size.y,
              uint32_t(number / columns / rows) * size.z};
  heap.clear();
  pending.clear();
  fault.reset();
  now = executed = 0;
  liveWarps = 0;
  for (auto &cta : ctas)
    liveWarps += cta->warps.size();
  barrier.phase = 0;
  barrier.arrived.assign(liveWarps, 0);
  for (auto &cta : ctas) {
    uint32_t rank = cta->rank;
    cta->start({origin.x + rank % size.x, origin.y + rank / size.x % size.y,
                origin.z + rank / size.x / size.y});
  }
  if (sanitizer)
    sanitizer->start();
}

void Cluster::issue(PendingOperation &operation, uint64_t latency,
                    PendingOperation **newest) {
  pending.add(operation, newest);
  operation.due = now + latency;
  heap.push_back({operation.due, &operation});
  std::push_heap(heap.begin(), heap.end());
}

void Cluster::completeDue() {
  while (!heap.empty() && heap.front().time <= now && !fault) {
    std::pop_heap(heap.begin(), heap.end());
    PendingOperation &operation = *heap.back().operation;
    if (operation.stage + 1 < operation.stages) {
      operation.due += stageLatency;
      heap.back().time = operation.due;
      std::push_heap(heap.begin(), heap.end());
    } else {
      heap.pop_back();
    }
    pending.step(operation);
  }
}

void Cluster::checkBarrier() {
  size_t position = 0;
  for (auto &cta : ctas)
    for (auto &warp : cta->warps)
      if ((barrier.arrived[position++] & warp->live) != warp->live)
        return;
  ++barrier.phase;
  if (sanitizer)
    sanitizer->races().clusterComplete();
  std::fill(barrier.arrived.begin(), barrier.arrived.end(), 0);
}

Cluster::Result Cluster::run(uint64_t slice) {
  uint64_t end = executed + slice;
  while (!fault) {
    bool progress = false;
    for (auto &cta : ctas) {
      if (cta->done())
        continue;
      for (auto &warp : cta->warps) {
        if (warp->done() || !warp->ready())
          continue;
        executed += warp->run(quantum);
        progress = true;
        completeDue();
        if (fault)
          return Result::Faulted;
      }
    }
    if (liveWarps == 0) {
      // Copies that nobody waited for still happen.
      now = UINT64_MAX;
      completeDue();
      return fault ? Result::Faulted : Result::Finished;
    }
    if (!progress) {
      if (heap.empty()) {
        fail(describeHang(*this));
        break;
      }
      now = std::max(now, heap.front().time);
      completeDue();
      continue;
    }
    if (executed > launch.stepBudget) {
      Finding finding = describeHang(*this);
      finding.kind = FindingKind::Livelock;
      finding.message = fmt::format(
          "kernel '{}' executed more than {} warp instructions in one "
          "cluster; it may never end",
          launch.kernel->name, launch.stepBudget);
      fail(std::move(finding));
      break;
    }
    if (executed >= end)
      return Result::Yielded;
  }
  return Result::Faulted;
}
