//===- RaceCause.cpp - Why two accesses were not ordered -----------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sanitizer/RaceDetector.h"

using namespace heddle::vgpu;

RaceCause RaceDetector::causeOf(const Conflict &conflict) const {
  const AccessInfo &earlier = conflict.earlier, &later = conflict.later;
  if (conflict.onlyProxy)
    return RaceCause::MissingProxyFence;
  if (earlier.strong != Scope::None && later.strong != Scope::None)
    return RaceCause::Scope;
  // Asynchronous reductions are strong, too, but what they lack is a wait.
  if ((earlier.strong != Scope::None || later.strong != Scope::None) &&
      !earlier.async && !later.async)
    return RaceCause::WeakOrder;
  uint32_t user = (later.warp >> 16) * shape.warps + (later.warp & 0xffff);
  uint32_t earlierLane =
      uint32_t(__builtin_ctz(conflict.earlierLanes | 1u << 31));
  // A thread that synchronised with the later one may have read the flag.
  for (const WarpState &warp : warps)
    if (const LocalKnowledge *local =
            warp.unreached.foreign.find(earlier.cluster);
        local && local->seen.of(earlier.agent, earlierLane) >= earlier.clock)
      return RaceCause::Scope;
  if (earlier.cluster != cluster)
    return RaceCause::NoSynchronization;
  Agent agent = agentOf(earlier.agent);
  uint32_t issuer =
      (earlier.warp >> 16) * shape.warps + (earlier.warp & 0xffff);
  if (warps[user].relaxed.seen.of(earlier.agent, earlierLane) >= earlier.clock)
    return RaceCause::RelaxedBarrier;
  if (agent.kind == AgentKind::Mbarrier)
    return RaceCause::MissingWait;
  const WarpState &from = warps[issuer], &to = warps[user];
  uint32_t lane =
      uint32_t(__builtin_ctz(conflict.laterLanes ? conflict.laterLanes : 1));
  if (agent.kind == AgentKind::Warp) {
    if (issuer == user)
      return RaceCause::NoSynchronization;
    // Does the other side know some lane of that warp at that time?
    for (uint32_t l = 0; l < 32; ++l)
      if (!(conflict.earlierLanes >> l & 1) &&
          to.clocks.seen(lane, earlier.agent, l) >= earlier.clock)
        return RaceCause::LaneOnlyRelease;
    uint32_t known = to.clocks.seen(lane, earlier.agent, earlierLane);
    if (from.clocks.lastRelease() >= earlier.clock)
      return RaceCause::MissingWait;
    // A barrier before the access was for what came before that.
    return known && known == from.arrivedAt && known + 1 >= earlier.clock
               ? RaceCause::EarlyRelease
               : RaceCause::NoSynchronization;
  }
  // An asynchronous operation: did its issuer ever wait for it, and what has
  // the other side seen of the issuer?
  if (issuer == user)
    return RaceCause::MissingWait;
  bool releasedAfterIssue =
      to.clocks.seen(lane, issuer, 0) >= earlier.warpClock;
  if (agent.kind == AgentKind::Wgmma) {
    // Any warp of the group may have released for all four.
    const auto &[number, clocks] =
        ctas[agent.rank].groups[agent.number].issued[earlier.clock % 8];
    uint32_t first = agent.rank * shape.warps + 4 * agent.number;
    for (uint32_t w = 0; w < 4 && number == earlier.clock; ++w)
      releasedAfterIssue |= to.clocks.seen(lane, first + w, 0) >= clocks[w];
  }
  bool waited =
      agent.kind == AgentKind::Wgmma
          ? from.clocks.common().seen.all(earlier.agent) >= earlier.clock
          : from.clocks.seen(earlierLane, earlier.agent, earlierLane) >=
                earlier.clock;
  if (releasedAfterIssue)
    return waited || agent.kind == AgentKind::Wgmma ? RaceCause::EarlyRelease
                                                    : RaceCause::MissingWait;
  return RaceCause::MissingWait;
}
