//===- Barriers.cpp - Barriers, exits and proxy fences -------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sanitizer/RaceDetector.h"

using namespace heddle::vgpu;

void RaceDetector::syncLanes(const Actor &actor) {
  warpOf(actor).clocks.syncLanes(actor.lanes);
}

void RaceDetector::exit(const Actor &actor) {
  WarpState &warp = warpOf(actor);
  if (shape.ctas > 1) {
    // The memory is there until the last thread exits. A relaxed arrival is
    // enough for an access to have happened.
    warp.clocks.publish(actor.lanes, ctas[actor.rank].atExit);
    ctas[actor.rank].atExit.join(warp.relaxed);
  }
  warp.clocks.exit(actor.lanes);
}

void RaceDetector::ctaExit(uint32_t rank) {
  CtaState &cta = ctas[rank];
  if (!cta.visited)
    return;
  Observer observer(cta.atExit, cluster, /*async=*/false);
  auto check = [&](const Record &record, size_t line) {
    // Asynchronous operations tell an mbarrier, which has its own rules.
    if (record.info.async || record.info.warp >> 16 == rank)
      return true;
    return record.bytes.all([&](uint32_t byte) {
      uint32_t unseen = 0;
      for (uint32_t rest = record.lanesOf(byte); rest; rest &= rest - 1) {
        uint32_t lane = uint32_t(__builtin_ctz(rest));
        unseen |= uint32_t(!observer.sees(record.info, 0, lane)) << lane;
      }
      if (unseen)
        handlers.peer(
            {record.info, unseen, {true, rank, line * lineBytes + byte}});
      return !unseen;
    });
  };
  // One is enough: a program that does so does it everywhere.
  for (size_t line = 0; line < cta.lines.size(); ++line) {
    for (const Record &record : cta.lines[line].writeRecords())
      if (!check(record, line))
        return;
    for (const Record &record : cta.lines[line].readRecords())
      if (!check(record, line))
        return;
  }
}

void RaceDetector::barrierArrive(const Actor &actor, uint32_t number,
                                 bool waits) {
  NamedBarrier &barrier = ctas[actor.rank].barriers[number];
  WarpState &warp = warpOf(actor);
  if (waits)
    barrier.waiting.emplace_back(actor.warp, actor.lanes);
  else
    warp.arrivedAt = warp.clocks.clock();
  warp.clocks.release(actor.lanes, barrier.arrived);
}

void RaceDetector::barrierComplete(uint32_t rank, uint32_t number) {
  NamedBarrier &barrier = ctas[rank].barriers[number];
  for (auto [warp, lanes] : barrier.waiting) {
    WarpClocks &clocks = warps[rank * shape.warps + warp].clocks;
    clocks.acquire(lanes, barrier.arrived);
    clocks.syncLanes(lanes);
  }
  barrier.waiting.clear();
  barrier.arrived.clear();
}

void RaceDetector::clusterArrive(const Actor &actor, bool release) {
  WarpState &warp = warpOf(actor);
  warp.arrivedAt = warp.clocks.clock();
  if (release) {
    warp.clocks.release(actor.lanes, clusterBarrier.arrived);
    return;
  }
  clusterBarrier.relaxedInits.join(warp.clocks.common().inits);
  warp.clocks.publish(actor.lanes, clusterBarrier.relaxedArrived);
}

void RaceDetector::clusterComplete() {
  clusterBarrier.completed = std::move(clusterBarrier.arrived);
  clusterBarrier.completed.inits.join(clusterBarrier.relaxedInits);
  clusterBarrier.arrived = {};
  clusterBarrier.relaxedInits.clear();
  if (!clusterBarrier.relaxedArrived.seen.empty()) {
    for (WarpState &warp : warps)
      warp.relaxed.join(clusterBarrier.relaxedArrived);
    clusterBarrier.relaxedArrived.clear();
  }
  for (auto [warp, lanes] : clusterBarrier.waiting) {
    warps[warp].clocks.acquire(lanes, clusterBarrier.completed);
    warps[warp].clocks.syncLanes(lanes);
  }
  clusterBarrier.waiting.clear();
}

void RaceDetector::clusterWait(const Actor &actor, bool complete) {
  if (!complete) {
    clusterBarrier.waiting.emplace_back(warpNumber(actor), actor.lanes);
    return;
  }
  warpOf(actor).clocks.acquire(actor.lanes, clusterBarrier.completed);
  warpOf(actor).clocks.syncLanes(actor.lanes);
}

void RaceDetector::fenceProxyAsync(const Actor &actor, bool globalOnly) {
  WarpClocks &clocks = warpOf(actor).clocks;
  if (globalOnly)
    clocks.fenceProxyGlobal(actor.lanes);
  else
    clocks.fenceProxy(actor.lanes);
}

void RaceDetector::fenceMbarrierInit(const Actor &actor) {
  warpOf(actor).clocks.fenceInits(actor.lanes);
}
