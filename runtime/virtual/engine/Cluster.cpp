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

/// Whether some lanes poll memory that others may write.
static bool waitsForMemory(const Cluster &cluster) {
  for (auto &cta : cluster.ctas)
    for (auto &warp : cta->warps)
      for (const Fragment &fragment : warp->fragments)
        if (isSpin(fragment))
          return true;
  return false;
}

Cluster::Cluster(const Launch &launch, LaunchSchedule &schedule)
    : launch(launch), order(schedule.createFor(*this)),
      preempting(order->preempts()) {
  uint32_t count = uint32_t(launch.config.cluster.count());
  for (uint32_t rank = 0; rank < count; ++rank)
    ctas.push_back(std::make_unique<Cta>(*this, rank));
  cursors.assign(launch.kernel->cursors, GlobalMemory::Cursor(*launch.memory));
  if (launch.sanitize == SanitizeLevel::Full)
    sanitizer = std::make_unique<Sanitizer>(*this);
}

Cluster::~Cluster() = default;

void Cluster::start(uint64_t position, uint64_t &progress) {
  progressed = &progress;
  index = position;
  device = uint32_t(position / launch.clustersPerDevice());
  number = position % launch.clustersPerDevice();
  const Dim3 &size = launch.config.cluster, &grid = launch.config.grid;
  uint32_t columns = grid.x / size.x, rows = grid.y / size.y;
  Dim3 origin{uint32_t(number % columns) * size.x,
              uint32_t(number / columns % rows) * size.y,
              uint32_t(number / columns / rows) * size.z};
  pending.clear();
  fault.reset();
  now = executed = waiting = 0;
  traffic = {};
  liveWarps = 0;
  for (auto &cta : ctas)
    liveWarps += cta->warps.size();
  barrier.phase = 0;
  barrier.active = false;
  barrier.arrived.assign(liveWarps, 0);
  for (auto &cta : ctas) {
    uint32_t rank = cta->rank;
    cta->start({origin.x + rank % size.x, origin.y + rank / size.x % size.y,
                origin.z + rank / size.x / size.y});
  }
  if (sanitizer)
    sanitizer->start();
  order->start();
  madeProgress();
}

void Cluster::issue(PendingOperation &operation, uint64_t latency,
                    PendingOperation **newest) {
  pending.add(operation, newest);
  order->issued(operation, latency);
}

void Cluster::checkBarrier() {
  if (!barrier.active)
    return;
  size_t position = 0;
  for (auto &cta : ctas)
    for (auto &warp : cta->warps)
      if (warp->live & ~barrier.arrived[position++])
        return;
  barrier.active = false;
  ++barrier.phase;
  if (sanitizer)
    sanitizer->races().clusterComplete();
  std::fill(barrier.arrived.begin(), barrier.arrived.end(), 0);
}

/// Copies that nobody waited for still happen.
void Cluster::finish() {
  if (launch.sanitize != SanitizeLevel::Off)
    reportLeaks(*this);
  while (!pending.empty() && !fault)
    pending.step(*pending.all().front());
}

bool Cluster::releaseWaiting() {
  bool any = false;
  for (auto &cta : ctas)
    for (auto &warp : cta->warps)
      any |= !warp->done() && warp->releaseWaiting();
  return any;
}

Cluster::Result Cluster::run(uint64_t slice) {
  uint64_t end = executed + slice;
  waiting = 0;
  while (!fault) {
    if (liveWarps == 0) {
      finish();
      return fault ? Result::Faulted : Result::Finished;
    }
    if (!order->step()) {
      // Who waits to be joined may be who the others wait for.
      if (releaseWaiting())
        continue;
      if (waitsForMemory(*this)) {
        waiting = progress();
        return Result::Waiting;
      }
      fail(describeHang(*this));
    } else if (executed > launch.stepBudget) {
      Finding finding = describeHang(*this);
      finding.kind = FindingKind::Livelock;
      finding.message = fmt::format(
          "kernel '{}' executed more than {} warp instructions in one "
          "cluster; it may never end",
          launch.kernel->name, launch.stepBudget);
      fail(std::move(finding));
    } else if (executed >= end) {
      return Result::Yielded;
    }
  }
  return Result::Faulted;
}
