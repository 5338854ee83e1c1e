//===- RaceDetector.cpp - Happens-before within a cluster ----------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sanitizer/RaceDetector.h"

#include <algorithm>

using namespace heddle::vgpu;

using namespace heddle::vgpu;

namespace {
/// Records of one kind that a line of shared memory keeps.
constexpr size_t maxSharedRecords = 40;
constexpr uint32_t namedBarriers = 16;
} // namespace

RaceDetector::RaceDetector(const Shape &shape, GlobalShadow *global,
                           Handlers handlers)
    : shape(shape), globalShadow(global), handlers(std::move(handlers)),
      foundGlobal([this](const Conflict &conflict, uint64_t line) {
        report(conflict, {false, 0, line + conflict.byte});
      }) {
  warps.resize(numWarps());
  ctas.resize(shape.ctas);
  for (CtaState &cta : ctas) {
    cta.lines.resize((shape.sharedBytes + lineBytes - 1) / lineBytes);
    cta.barriers.resize(namedBarriers);
    cta.groups.resize(groupsPerCta());
  }
}

void RaceDetector::start(uint32_t number, std::span<const uint32_t> lanes,
                         uint32_t ordinal) {
  cluster = number;
  device = ordinal;
  for (uint32_t w = 0; w < warps.size(); ++w) {
    WarpState &warp = warps[w];
    warp.clocks.start(w, lanes[w % shape.warps]);
    warp.copyClock = warp.bulkClock = 1;
    warp.copyGroups.clear();
    warp.bulkGroups.clear();
    warp.wgmmaIssued = warp.wgmmaCommits = 0;
    warp.arrivedAt = 0;
    warp.relaxed.clear();
    warp.unreached.clear();
    warp.maps.clear();
  }
  for (CtaState &cta : ctas) {
    for (ShadowLine &line : cta.lines)
      line.clear();
    for (NamedBarrier &barrier : cta.barriers)
      barrier = {};
    cta.mbarriers.clear();
    cta.visited = false;
    cta.atExit.clear();
    for (Warpgroup &group : cta.groups)
      group = {};
  }
  mbarrierAgents.clear();
  clusterBarrier = {};
  sharedSyncs.clear();
}

Agent RaceDetector::agentOf(uint32_t agent) const {
  uint32_t count = numWarps();
  if (agent < count)
    return {AgentKind::Warp, agent / shape.warps, agent % shape.warps};
  if (agent < 4 * count) {
    uint32_t channel = agent - count, warp = channel / 3;
    constexpr AgentKind kinds[] = {AgentKind::CopyAsync, AgentKind::BulkRead,
                                   AgentKind::BulkWrite};
    return {kinds[channel % 3], warp / shape.warps, warp % shape.warps};
  }
  if (agent < firstMbarrier()) {
    uint32_t group = agent - 4 * count;
    return {AgentKind::Wgmma, group / groupsPerCta(), group % groupsPerCta()};
  }
  agent -= firstMbarrier();
  return agent < mbarrierAgents.size() ? mbarrierAgents[agent]
                                       : Agent{AgentKind::Mbarrier, 0, 0};
}

const Knowledge &RaceDetector::published(const Actor &actor) {
  const WarpClocks &clocks = warpOf(actor).clocks;
  Published &last = lastPublished;
  if (last.warp == warpNumber(actor) && last.lanes == actor.lanes &&
      last.version == clocks.version())
    return last.known;
  last.warp = warpNumber(actor);
  last.lanes = actor.lanes;
  last.version = clocks.version();
  last.known.clear();
  clocks.publish(actor.lanes, last.known);
  return last.known;
}

AccessInfo RaceDetector::asyncInfo(const Actor &actor, uint32_t agent,
                                   uint32_t clock) const {
  AccessInfo info = infoOf(actor);
  info.agent = agent;
  info.clock = clock;
  info.async = true;
  info.lanes.lanes = actor.lanes;
  return info;
}

void RaceDetector::touchShared(uint32_t rank, uint32_t line,
                               const AccessInfo &info, const ByteMask &bytes,
                               const std::array<uint8_t, 64> *table,
                               const Observer &observer) {
  ctas[rank].visited |= info.warp >> 16 != rank;
  if (ctas[rank].lines[line / lineBytes].access(info, bytes, table, observer,
                                                maxSharedRecords, conflict))
      [[unlikely]]
    report(conflict, {true, rank, uint64_t(line) + conflict.byte});
}

void RaceDetector::touchSharedRange(uint32_t rank, uint32_t offset,
                                    uint32_t bytes, const AccessInfo &info,
                                    const Observer &observer) {
  while (bytes) {
    uint32_t begin = offset % lineBytes;
    uint32_t here = std::min(bytes, lineBytes - begin);
    touchShared(rank, offset - begin, info,
                ByteMask::range(begin, begin + here), nullptr, observer);
    offset += here;
    bytes -= here;
  }
}

void RaceDetector::report(const Conflict &conflict, const RacePlace &place) {
  Race race{conflict, place, causeOf(conflict), {}};
  race.earlierAgent = agentOf(conflict.earlier.agent);
  if (handlers.race)
    handlers.race(race);
}
