//===- MbarrierOrder.cpp - What mbarriers order --------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sanitizer/RaceDetector.h"

using namespace heddle::vgpu;

void RaceDetector::mbarrierInit(const Actor &actor, uint32_t rank,
                                uint32_t offset) {
  Mbarrier &barrier = ctas[rank].mbarriers[offset];
  if (!barrier.agent) {
    barrier.agent = firstMbarrier() + uint32_t(mbarrierAgents.size());
    mbarrierAgents.push_back({AgentKind::Mbarrier, rank, offset});
  } else {
    barrier.base += uint32_t(barrier.phase) + 1;
  }
  const WarpClocks &clocks = warpOf(actor).clocks;
  barrier.phase = 0;
  barrier.current.clear();
  barrier.completed.clear();
  barrier.relaxedCurrent.clear();
  barrier.relaxedCompleted.clear();
  barrier.live = true;
  barrier.initReported = false;
  barrier.initAgent = clocks.agent();
  barrier.initLane = uint32_t(__builtin_ctz(actor.lanes));
  barrier.initClock = clocks.clock();
  barrier.initPc = actor.pc;
}

void RaceDetector::mbarrierInval(const Actor &actor, uint32_t rank,
                                 uint32_t offset) {
  auto at = ctas[rank].mbarriers.find(offset);
  if (at == ctas[rank].mbarriers.end() || !at->second.live)
    return;
  checkInit(actor, {rank, offset, 0}, at->second);
  at->second.live = false;
}

RaceDetector::Mbarrier *RaceDetector::findMbarrier(const MbarrierName &name) {
  auto at = ctas[name.rank].mbarriers.find(name.offset);
  if (at == ctas[name.rank].mbarriers.end() || !at->second.live)
    return nullptr;
  Mbarrier &barrier = at->second;
  if (barrier.phase != name.phase) {
    barrier.completed.join(barrier.current);
    barrier.current.clear();
    barrier.relaxedCompleted.join(barrier.relaxedCurrent);
    barrier.relaxedCurrent.clear();
    barrier.phase = name.phase;
  }
  return &barrier;
}

void RaceDetector::checkInit(const Actor &actor, const MbarrierName &name,
                             Mbarrier &barrier) {
  const WarpClocks &clocks = warpOf(actor).clocks;
  if (clocks.common().seen.all(barrier.initAgent) >= barrier.initClock)
    return;
  auto knows = [&](uint32_t lane) {
    if (clocks.seen(lane, barrier.initAgent, barrier.initLane) >=
        barrier.initClock)
      return true;
    const Knowledge *extra = clocks.extra(lane);
    return clocks.common().inits.of(barrier.initAgent, barrier.initLane) >=
               barrier.initClock ||
           (extra && extra->inits.of(barrier.initAgent, barrier.initLane) >=
                         barrier.initClock);
  };
  Actor unaware = actor;
  for (uint32_t rest = actor.lanes; rest; rest &= rest - 1)
    if (knows(uint32_t(__builtin_ctz(rest))))
      unaware.lanes &= ~(rest & -rest);
  if (!unaware.lanes || barrier.initReported)
    return;
  barrier.initReported = true;
  if (handlers.init)
    handlers.init(
        {unaware, name.rank, name.offset, barrier.initAgent % shape.warps,
         barrier.initAgent / shape.warps, barrier.initPc, barrier.initLane});
}

void RaceDetector::mbarrierUse(const Actor &actor, uint32_t rank,
                               uint32_t offset) {
  auto at = ctas[rank].mbarriers.find(offset);
  if (at != ctas[rank].mbarriers.end() && at->second.live)
    checkInit(actor, {rank, offset, 0}, at->second);
}

void RaceDetector::mbarrierArrive(const Actor &actor, const MbarrierName &name,
                                  bool release) {
  Mbarrier *barrier = findMbarrier(name);
  if (!barrier)
    return;
  checkInit(actor, name, *barrier);
  WarpState &warp = warpOf(actor);
  warp.arrivedAt = warp.clocks.clock();
  if (release)
    warp.clocks.release(actor.lanes, barrier->current);
  else
    warp.clocks.publish(actor.lanes, barrier->relaxedCurrent);
}

void RaceDetector::mbarrierWaited(const Actor &actor, const MbarrierName &name,
                                  bool acquire) {
  Mbarrier *barrier = findMbarrier(name);
  if (!barrier)
    return;
  checkInit(actor, name, *barrier);
  WarpState &warp = warpOf(actor);
  uint32_t completed = barrier->base + uint32_t(barrier->phase);
  warp.relaxed.join(barrier->relaxedCompleted);
  if (!acquire) {
    warp.relaxed.join(barrier->completed);
    warp.relaxed.seen.raise(barrier->agent, ~0u, completed);
    return;
  }
  warp.clocks.acquire(actor.lanes, barrier->completed);
  warp.clocks.complete(actor.lanes, barrier->agent, completed);
}

void RaceDetector::copyAsyncArrive(const Actor &actor,
                                   const MbarrierName &name) {
  Mbarrier *barrier = findMbarrier(name);
  if (!barrier)
    return;
  checkInit(actor, name, *barrier);
  WarpState &warp = warpOf(actor);
  warp.clocks.release(actor.lanes, barrier->current);
  barrier->current.seen.raise(copyAgent(warpNumber(actor)), actor.lanes,
                              warp.copyClock++);
}
