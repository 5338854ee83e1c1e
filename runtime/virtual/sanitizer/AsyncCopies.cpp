//===- AsyncCopies.cpp - Copies and the waits for them -------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sanitizer/RaceDetector.h"

using namespace heddle::vgpu;

// --- Copies that an mbarrier counts ------------------------------------------

std::optional<AccessInfo> RaceDetector::copyInfo(const Actor &actor,
                                                 const MbarrierName &name) {
  Mbarrier *barrier = findMbarrier(name);
  if (!barrier)
    return std::nullopt;
  checkInit(actor, name, *barrier);
  AccessInfo info = asyncInfo(actor, barrier->agent,
                              barrier->base + uint32_t(barrier->phase) + 1);
  info.lanes.lanes = ~0u;
  return info;
}

void RaceDetector::copyToShared(const Actor &actor, uint32_t rank,
                                uint32_t offset, uint32_t bytes,
                                const MbarrierName &barrier,
                                const CopySemantics &semantics,
                                const CopySource &source) {
  std::optional<AccessInfo> read = copyInfo(actor, barrier);
  if (!read)
    return;
  AccessInfo write = *read;
  write.write = true;
  write.strong = semantics.strong;
  const Knowledge &known = published(actor);
  touchSharedRange(rank, offset, bytes, write,
                   Observer(known, cluster, /*async=*/!semantics.generic));
  if (auto *from = std::get_if<uint32_t>(&source))
    touchSharedRange(actor.rank, *from, bytes, *read,
                     Observer(known, cluster, /*async=*/true));
  auto *range = std::get_if<GlobalRange>(&source);
  if (range && globalShadow)
    touchGlobal(*range, *read,
                Observer(known, cluster, /*async=*/true, /*global=*/true));
}

// --- Bulk stores -------------------------------------------------------------

void RaceDetector::bulkStore(const Actor &actor, uint32_t offset,
                             uint32_t bytes, const GlobalRange &target,
                             bool reduce) {
  uint32_t warp = warpNumber(actor), clock = warps[warp].bulkClock;
  const Knowledge &known = published(actor);
  touchSharedRange(actor.rank, offset, bytes,
                   asyncInfo(actor, bulkReadAgent(warp), clock),
                   Observer(known, cluster, /*async=*/true));
  if (!globalShadow)
    return;
  AccessInfo write = asyncInfo(actor, bulkWriteAgent(warp), clock);
  write.write = true;
  // Reductions are atomic for each element.
  write.strong = reduce ? Scope::Gpu : Scope::None;
  touchGlobal(target, write,
              Observer(known, cluster, /*async=*/true, /*global=*/true));
}

void RaceDetector::commit(std::vector<LaneGroups> &groups, uint32_t &clock,
                          uint32_t lanes) {
  if (groups.empty())
    groups.resize(32);
  for (uint32_t rest = lanes; rest; rest &= rest - 1) {
    std::vector<uint32_t> &commits = groups[__builtin_ctz(rest)].commits;
    commits.push_back(clock);
    // Waits count from the newest group.
    if (commits.size() == 128)
      commits.erase(commits.begin(), commits.begin() + 64);
  }
  ++clock;
}

template <typename F>
void RaceDetector::waitedFor(const std::vector<LaneGroups> &groups,
                             uint32_t lanes, uint64_t pending, F &&body) {
  if (groups.empty())
    return;
  auto clockOf = [&](uint32_t lane) -> uint32_t {
    const std::vector<uint32_t> &commits = groups[lane].commits;
    return commits.size() > pending ? commits[commits.size() - 1 - pending] : 0;
  };
  while (lanes) {
    uint32_t clock = clockOf(uint32_t(__builtin_ctz(lanes))), same = 0;
    for (uint32_t rest = lanes; rest; rest &= rest - 1) {
      uint32_t lane = uint32_t(__builtin_ctz(rest));
      same |= uint32_t(clockOf(lane) == clock) << lane;
    }
    lanes &= ~same;
    if (clock)
      body(same, clock);
  }
}

void RaceDetector::bulkCommit(const Actor &actor) {
  WarpState &warp = warpOf(actor);
  commit(warp.bulkGroups, warp.bulkClock, actor.lanes);
}

void RaceDetector::bulkWait(const Actor &actor, uint64_t pending,
                            bool readOnly) {
  WarpState &warp = warpOf(actor);
  waitedFor(warp.bulkGroups, actor.lanes, pending,
            [&](uint32_t lanes, uint32_t clock) {
              uint32_t number = warpNumber(actor);
              warp.clocks.completeOwn(lanes, bulkReadAgent(number), clock);
              if (!readOnly)
                warp.clocks.completeOwn(lanes, bulkWriteAgent(number), clock);
            });
}

// --- cp.async ----------------------------------------------------------------

void RaceDetector::copyAsyncCommit(const Actor &actor) {
  WarpState &warp = warpOf(actor);
  commit(warp.copyGroups, warp.copyClock, actor.lanes);
}

void RaceDetector::copyAsyncWait(const Actor &actor, uint64_t pending) {
  WarpState &warp = warpOf(actor);
  if (pending == ~0ull) {
    // cp.async.wait_all commits first.
    copyAsyncCommit(actor);
    pending = 0;
  }
  waitedFor(warp.copyGroups, actor.lanes, pending,
            [&](uint32_t lanes, uint32_t clock) {
              warp.clocks.completeOwn(lanes, copyAgent(warpNumber(actor)),
                                      clock);
            });
}
