//===- RaceDetector.cpp - Happens-before within a cluster -----------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sanitizer/RaceDetector.h"

#include <algorithm>

using namespace heddle::vgpu;

namespace {
/// Records of one kind that a line of shared memory keeps.
constexpr size_t maxSharedRecords = 40;
constexpr uint32_t namedBarriers = 16;
} // namespace

RaceDetector::RaceDetector(const Shape &shape, GlobalShadow *global,
                           Handlers handlers)
    : shape(shape), globalShadow(global), handlers(std::move(handlers)) {
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

AccessInfo RaceDetector::infoOf(const Actor &actor) const {
  const WarpClocks &clocks = warps[warpNumber(actor)].clocks;
  AccessInfo info;
  info.agent = clocks.agent();
  info.clock = clocks.clock();
  info.cluster = cluster;
  info.device = uint8_t(device);
  info.pc = actor.pc;
  info.warp = actor.rank << 16 | actor.warp;
  info.warpClock = clocks.clock();
  return info;
}

const Knowledge &RaceDetector::published(const Actor &actor) {
  scratch.clear();
  warpOf(actor).clocks.publish(actor.lanes, scratch);
  return scratch;
}

// --- Generic accesses --------------------------------------------------------

void RaceDetector::touch(uint32_t rank, uint32_t line, const AccessInfo &info,
                         const ByteMask &bytes,
                         const std::array<uint8_t, 64> *table,
                         const Observer &observer) {
  Conflict conflict;
  ctas[rank].visited |= info.warp >> 16 != rank;
  if (ctas[rank].lines[line].access(info, bytes, table, observer,
                                    maxSharedRecords, conflict)) [[unlikely]]
    report(conflict, {true, rank, uint64_t(line) * lineBytes + conflict.byte});
}

void RaceDetector::touchRange(uint32_t rank, uint32_t offset, uint32_t bytes,
                              const AccessInfo &info,
                              const Observer &observer) {
  while (bytes) {
    uint32_t begin = offset % lineBytes;
    uint32_t here = std::min(bytes, lineBytes - begin);
    touch(rank, offset / lineBytes, info, ByteMask::range(begin, begin + here),
          nullptr, observer);
    offset += here;
    bytes -= here;
  }
}

/// Splits an access of all lanes, side by side, into lines.
template <typename Address, typename Touch>
static void touchPacked(AccessInfo info, Address begin, uint32_t bytes,
                        Touch &&touchLine) {
  uint8_t shift = uint8_t(std::countr_zero(bytes));
  info.lanes = {LaneMap::Kind::Linear, shift, 0, ~0u};
  Address end = begin + 32 * bytes;
  for (Address line = begin / lineBytes * lineBytes; line < end;
       line += lineBytes) {
    info.lanes.base = int16_t(int64_t(begin) - int64_t(line));
    Address from = std::max(begin, line);
    Address to = std::min<Address>(end, line + lineBytes);
    touchLine(line, info,
              ByteMask::range(uint32_t(from - line), uint32_t(to - line)),
              nullptr);
  }
}

/// Splits an access by lanes into lines, and says which lane has which byte.
template <typename Address, typename Touch>
void RaceDetector::touchLanes(const Actor &actor, AccessInfo info,
                              const Address *at, uint32_t bytes,
                              Touch &&touchLine) {
  uint32_t lanes = actor.lanes, first = uint32_t(__builtin_ctz(lanes));
  // Shifts, which every processor has for vectors.
  uint32_t shift = uint32_t(std::countr_zero(bytes));
  Address start = at[first] - (Address(first) << shift);
  Address skew = 0, spread = 0;
  if (lanes == ~0u) {
    for (uint32_t l = 0; l < 32; ++l) {
      skew |= at[l] ^ (start + (Address(l) << shift));
      spread |= at[l] ^ at[0];
    }
  } else {
    for (uint32_t rest = lanes; rest; rest &= rest - 1) {
      uint32_t l = uint32_t(__builtin_ctz(rest));
      skew |= at[l] ^ (start + (Address(l) << shift));
      spread |= at[l] ^ at[first];
    }
  }
  if (!spread) {
    info.lanes = {LaneMap::Kind::Uniform, 0, 0, lanes};
    uint32_t begin = uint32_t(at[first] % lineBytes);
    touchLine(at[first] - begin, info, ByteMask::range(begin, begin + bytes),
              nullptr);
    return;
  }
  if (!skew) {
    info.lanes = {LaneMap::Kind::Linear, uint8_t(shift), 0, lanes};
    uint32_t last = 31 - uint32_t(std::countl_zero(lanes));
    bool dense = (lanes >> first) + 1 == 0 ||
                 (((lanes >> first) + 1) & (lanes >> first)) == 0;
    Address end = at[last] + bytes;
    for (Address line = at[first] / lineBytes * lineBytes; line < end;
         line += lineBytes) {
      ByteMask mask;
      info.lanes.base = int16_t(int64_t(start) - int64_t(line));
      if (dense) {
        Address from = std::max(at[first], line);
        Address to = std::min<Address>(end, line + lineBytes);
        mask = ByteMask::range(uint32_t(from - line), uint32_t(to - line));
      } else {
        for (uint32_t rest = lanes; rest; rest &= rest - 1) {
          uint32_t l = uint32_t(__builtin_ctz(rest));
          if (at[l] / lineBytes * lineBytes == line)
            mask.add(uint32_t(at[l] - line), uint32_t(at[l] - line) + bytes);
        }
        if (mask.empty())
          continue;
      }
      touchLine(line, info, mask, nullptr);
    }
    return;
  }
  if (bytes < 4) {
    // Granules are coarser than the accesses: lane by lane.
    for (uint32_t rest = lanes; rest; rest &= rest - 1) {
      uint32_t l = uint32_t(__builtin_ctz(rest));
      uint32_t begin = uint32_t(at[l] % lineBytes);
      info.lanes = {LaneMap::Kind::Uniform, 0, 0, 1u << l};
      touchLine(at[l] - begin, info, ByteMask::range(begin, begin + bytes),
                nullptr);
    }
    return;
  }
  info.lanes = {LaneMap::Kind::Table, 0, 0, lanes};
  while (lanes) {
    Address line = at[__builtin_ctz(lanes)] / lineBytes * lineBytes;
    std::array<uint8_t, 64> table = {}, others = {};
    ByteMask mask, shared;
    for (uint32_t rest = lanes; rest; rest &= rest - 1) {
      uint32_t l = uint32_t(__builtin_ctz(rest));
      if (at[l] / lineBytes * lineBytes != line)
        continue;
      lanes &= ~(1u << l);
      uint32_t begin = uint32_t(at[l] - line);
      ByteMask here = ByteMask::range(begin, begin + bytes);
      bool again = mask.intersects(here);
      for (uint32_t granule = begin / 4; granule < (begin + bytes) / 4;
           ++granule)
        (again ? others : table)[granule] = uint8_t(l);
      (again ? shared : mask) |= here;
    }
    // Of lanes that read the same bytes two stand for all: whoever writes them
    // later is not one of the two.
    touchLine(line, info, mask, &table);
    if (!info.write && !shared.empty())
      touchLine(line, info, shared, &others);
  }
}

/// Calls `body(lanes, address)` for each address and the lanes that have it.
template <typename Address, typename F>
static void forEachAddress(const Actor &actor, const Address *addresses,
                           F &&body) {
  for (uint32_t rest = actor.lanes; rest;) {
    Address address = addresses[__builtin_ctz(rest)];
    Actor same = actor;
    same.lanes = 0;
    for (uint32_t r = rest; r; r &= r - 1)
      same.lanes |= uint32_t(addresses[__builtin_ctz(r)] == address)
                    << __builtin_ctz(r);
    rest &= ~same.lanes;
    body(same, address);
  }
}

void RaceDetector::shared(const Actor &actor, uint32_t rank,
                          const uint32_t *offsets, uint32_t bytes,
                          const Semantics &semantics) {
  if (semantics.scope != Scope::None)
    forEachAddress(actor, offsets, [&](const Actor &same, uint32_t offset) {
      synchronize(same, uint64_t(rank) << 32 | offset, true, semantics);
    });
  AccessInfo info = infoOf(actor);
  info.write = semantics.write;
  info.strong = semantics.scope;
  Observer observer(warpOf(actor).clocks, cluster);
  touchLanes(actor, info, offsets, bytes,
             [&](uint32_t line, const AccessInfo &each, const ByteMask &mask,
                 const std::array<uint8_t, 64> *table) {
               touch(rank, line / lineBytes, each, mask, table, observer);
             });
}

void RaceDetector::sharedPacked(const Actor &actor, uint32_t rank,
                                uint32_t offset, uint32_t bytes, bool write) {
  AccessInfo info = infoOf(actor);
  info.write = write;
  Observer observer(warpOf(actor).clocks, cluster);
  touchPacked(info, offset, bytes,
              [&](uint32_t line, const AccessInfo &each, const ByteMask &mask,
                  const std::array<uint8_t, 64> *table) {
                touch(rank, line / lineBytes, each, mask, table, observer);
              });
}

void RaceDetector::globalPacked(const Actor &actor, uint64_t address,
                                uint32_t bytes, bool write) {
  if (!globalShadow)
    return;
  AccessInfo info = infoOf(actor);
  info.write = write;
  Observer observer(warpOf(actor).clocks, cluster);
  touchPacked(info, address, bytes,
              [&](uint64_t line, const AccessInfo &each, const ByteMask &mask,
                  const std::array<uint8_t, 64> *table) {
                globalShadow->access(
                    globalCursor, line, each, mask, table, observer,
                    [&](const Conflict &conflict, uint64_t at) {
                      foundGlobal(conflict, at);
                    });
              });
}

void RaceDetector::global(const Actor &actor, const uint64_t *addresses,
                          uint32_t bytes, const Semantics &semantics) {
  if (!globalShadow)
    return;
  if (semantics.scope != Scope::None)
    forEachAddress(actor, addresses, [&](const Actor &same, uint64_t address) {
      synchronize(same, address, false, semantics);
    });
  AccessInfo info = infoOf(actor);
  info.write = semantics.write;
  info.strong = semantics.scope;
  Observer observer(warpOf(actor).clocks, cluster);
  touchLanes(actor, info, addresses, bytes,
             [&](uint64_t line, const AccessInfo &each, const ByteMask &mask,
                 const std::array<uint8_t, 64> *table) {
               globalShadow->access(globalCursor, line, each, mask, table,
                                    observer,
                                    [&](const Conflict &conflict, uint64_t at) {
                                      foundGlobal(conflict, at);
                                    });
             });
}

// --- Flags -------------------------------------------------------------------

ClusterKnowledge RaceDetector::exported(const Knowledge &local) const {
  ClusterKnowledge result = local.foreign;
  result[cluster] = std::make_shared<LocalKnowledge>(
      static_cast<const LocalKnowledge &>(local));
  return result;
}

void RaceDetector::readFlag(const Actor &actor, const SyncTable::Entry &entry,
                            const Semantics &semantics) {
  WarpState &warp = warpOf(actor);
  FlagKnowledge::ByScope found;
  bool any = false;
  auto find = [&](const ClusterKnowledge &published, Scope reach,
                  Scope needed) {
    if (std::min(reach, semantics.scope) < needed)
      return join(warp.unreached.foreign, published);
    join(found[size_t(needed)], published);
    any = true;
  };
  // Who is in this cluster may take what reaches the device at any scope.
  for (const auto &part : entry.wide)
    find({part}, Scope::System,
         part.first == cluster ? Scope::Cta : Scope::Gpu);
  for (const SyncTable::Narrow &narrow : entry.narrow)
    find(narrow.published, narrow.scope,
         narrow.device != device     ? Scope::System
         : narrow.cluster != cluster ? Scope::Gpu
         : narrow.rank != actor.rank ? Scope::Cluster
                                     : Scope::Cta);
  if (!any)
    return;
  // Without an acquire, a fence may follow.
  if (!semantics.acquire)
    return warp.clocks.observeFlags(actor.lanes, found);
  for (const ClusterKnowledge &part : found)
    warp.clocks.acquire(actor.lanes, part, cluster);
}

void RaceDetector::synchronize(const Actor &actor, uint64_t key, bool isShared,
                               const Semantics &semantics) {
  WarpState &warp = warpOf(actor);
  bool writes = semantics.write, reads = !writes;
  FlagKnowledge::ByScope publication;
  bool publishes = false;
  auto publish = [&](const ClusterKnowledge &known, Scope scope) {
    join(publication[size_t(std::min(scope, semantics.scope))], known);
    publishes = true;
  };
  if (writes && semantics.release) {
    Knowledge local;
    warp.clocks.release(actor.lanes, local);
    publish(exported(local), semantics.scope);
  } else if (writes) {
    warp.clocks.forFlags(actor.lanes, [&](const FlagKnowledge &flags) {
      for (size_t s = 0; s < flags.fenced.size(); ++s)
        if (!flags.fenced[s].empty())
          publish(flags.fenced[s], Scope(s));
    });
  }
  auto act = [&](SyncTable &table) {
    SyncTable::Entry *entry = table.find(key);
    if (reads && entry)
      readFlag(actor, *entry, semantics);
    if (!writes)
      return;
    if (!publishes) {
      // A plain store ends what earlier releases began.
      if (entry && !semantics.atomic)
        table.erase(key);
      return;
    }
    SyncTable::Entry &target = table.get(key);
    if (!semantics.atomic)
      target = {};
    for (size_t s = 0; s < publication.size(); ++s) {
      const ClusterKnowledge &known = publication[s];
      Scope scope = Scope(s);
      if (known.empty())
        continue;
      if (scope >= Scope::Gpu && shape.devices == 1) {
        join(target.wide, known);
        continue;
      }
      // Each has its own reach, though one modification continues another.
      auto at = std::ranges::find_if(target.narrow, [&](const auto &narrow) {
        return narrow.scope == scope && narrow.cluster == cluster &&
               narrow.rank == actor.rank;
      });
      if (at == target.narrow.end())
        at = target.narrow.insert(at, {{}, scope, device, cluster, actor.rank});
      join(at->published, known);
    }
  };
  if (isShared)
    act(sharedSyncs);
  else
    globalShadow->withSyncs(act);
}

void RaceDetector::observe(const Actor &actor, bool isShared, uint32_t rank,
                           uint64_t address, const Semantics &semantics) {
  if (!isShared && !globalShadow)
    return;
  Semantics read;
  read.acquire = semantics.acquire;
  read.scope = semantics.scope;
  synchronize(actor, isShared ? uint64_t(rank) << 32 | address : address,
              isShared, read);
}

void RaceDetector::fence(const Actor &actor, Scope scope) {
  WarpState &warp = warpOf(actor);
  // First what all lanes found, then what single ones did.
  auto take = [&](uint32_t lanes, const FlagKnowledge &flags) {
    for (size_t s = 0; s < flags.observed.size(); ++s)
      if (Scope(s) > scope)
        join(warp.unreached.foreign, flags.observed[s]);
      else if (!flags.observed[s].empty())
        warp.clocks.acquire(lanes, flags.observed[s], cluster);
  };
  if (auto flags = warp.clocks.common().flags)
    take(actor.lanes, *flags);
  for (uint32_t rest = actor.lanes; rest; rest &= rest - 1) {
    const Knowledge *extra = warp.clocks.extra(uint32_t(__builtin_ctz(rest)));
    if (extra && extra->flags) {
      auto flags = extra->flags;
      take(rest & -rest, *flags);
    }
  }
  Knowledge local;
  warp.clocks.release(actor.lanes, local);
  warp.clocks.fenceFlags(actor.lanes, scope, exported(local));
}

// --- mbarriers ---------------------------------------------------------------

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

// --- Copies that an mbarrier counts ------------------------------------------

bool RaceDetector::copyInfo(const Actor &actor, const MbarrierName &name,
                            AccessInfo &info) {
  Mbarrier *barrier = findMbarrier(name);
  if (!barrier)
    return false;
  checkInit(actor, name, *barrier);
  info = infoOf(actor);
  info.agent = barrier->agent;
  info.clock = barrier->base + uint32_t(barrier->phase) + 1;
  info.async = true;
  info.lanes.lanes = ~0u;
  return true;
}

void RaceDetector::copyToShared(const Actor &actor, uint32_t rank,
                                uint32_t offset, uint32_t bytes,
                                const MbarrierName &barrier,
                                const CopySemantics &semantics) {
  AccessInfo info;
  if (!copyInfo(actor, barrier, info))
    return;
  info.write = true;
  info.strong = semantics.strong;
  Observer observer(published(actor), cluster, /*async=*/!semantics.generic);
  touchRange(rank, offset, bytes, info, observer);
}

void RaceDetector::copyFromShared(const Actor &actor, uint32_t rank,
                                  uint32_t offset, uint32_t bytes,
                                  const MbarrierName &barrier) {
  AccessInfo info;
  if (!copyInfo(actor, barrier, info))
    return;
  Observer observer(published(actor), cluster, /*async=*/true);
  touchRange(rank, offset, bytes, info, observer);
}

void RaceDetector::copyFromGlobal(const Actor &actor, const GlobalRange &range,
                                  const MbarrierName &barrier) {
  AccessInfo info;
  if (!globalShadow || !copyInfo(actor, barrier, info))
    return;
  Observer observer(published(actor), cluster, /*async=*/true,
                    /*global=*/true);
  globalShadow->access(globalCursor, range, info, observer,
                       [&](const Conflict &conflict, uint64_t line) {
                         foundGlobal(conflict, line);
                       });
}

// --- Bulk stores -------------------------------------------------------------

void RaceDetector::bulkStoreSource(const Actor &actor, uint32_t offset,
                                   uint32_t bytes) {
  AccessInfo info = infoOf(actor);
  info.agent = bulkReadAgent(warpNumber(actor));
  info.clock = warpOf(actor).bulkClock;
  info.async = true;
  info.lanes.lanes = actor.lanes;
  Observer observer(published(actor), cluster, /*async=*/true);
  touchRange(actor.rank, offset, bytes, info, observer);
}

void RaceDetector::bulkStoreTarget(const Actor &actor, const GlobalRange &range,
                                   bool reduce) {
  if (!globalShadow)
    return;
  AccessInfo info = infoOf(actor);
  info.agent = bulkWriteAgent(warpNumber(actor));
  info.clock = warpOf(actor).bulkClock;
  info.async = true;
  info.write = true;
  // Reductions are atomic for each element.
  info.strong = reduce ? Scope::Gpu : Scope::None;
  info.lanes.lanes = actor.lanes;
  Observer observer(published(actor), cluster, /*async=*/true,
                    /*global=*/true);
  globalShadow->access(globalCursor, range, info, observer,
                       [&](const Conflict &conflict, uint64_t line) {
                         foundGlobal(conflict, line);
                       });
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

void RaceDetector::copyAsync(const Actor &actor, const uint32_t *offsets,
                             uint32_t bytes, const uint64_t *sources,
                             const uint32_t *sourceBytes) {
  WarpState &warp = warpOf(actor);
  AccessInfo info = infoOf(actor);
  info.agent = copyAgent(warpNumber(actor));
  info.clock = warp.copyClock;
  Observer observer(warp.clocks, cluster);
  if (globalShadow) {
    Actor readers = actor;
    for (uint32_t rest = actor.lanes; rest; rest &= rest - 1)
      if (sourceBytes[__builtin_ctz(rest)] < bytes)
        readers.lanes &= ~(rest & -rest);
    if (readers.lanes)
      touchLanes(
          readers, info, sources, bytes,
          [&](uint64_t line, const AccessInfo &each, const ByteMask &mask,
              const std::array<uint8_t, 64> *table) {
            globalShadow->access(globalCursor, line, each, mask, table,
                                 observer,
                                 [&](const Conflict &conflict, uint64_t at) {
                                   foundGlobal(conflict, at);
                                 });
          });
  }
  info.write = true;
  touchLanes(actor, info, offsets, bytes,
             [&](uint32_t line, const AccessInfo &each, const ByteMask &mask,
                 const std::array<uint8_t, 64> *table) {
               touch(actor.rank, line / lineBytes, each, mask, table, observer);
             });
}

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

// --- wgmma -------------------------------------------------------------------

bool RaceDetector::wgmma(const Actor &actor) {
  WarpState &warp = warpOf(actor);
  Warpgroup &group = ctas[actor.rank].groups[actor.warp / 4];
  uint64_t position = warp.wgmmaIssued++ - group.completed;
  if (position >= group.queue.size())
    group.queue.resize(position + 1);
  auto &member = group.members[actor.warp % 4];
  if (member.version != warp.clocks.version()) {
    member.version = warp.clocks.version();
    member.known.clear();
    warp.clocks.publish(~0u, member.known);
    group.changed = true;
  }
  auto &[number, clocks] = group.issued[(warp.wgmmaCommits + 1) % 8];
  number = uint32_t(warp.wgmmaCommits) + 1;
  clocks[actor.warp % 4] = warp.clocks.clock();
  uint32_t &members = group.queue[position];
  members |= 1u << actor.warp % 4;
  if (members != 0xf)
    return false;
  if (!group.changed)
    return true;
  // All four warps read all of it: each must know what was before.
  if (!group.lines.empty())
    flushWgmmas(actor.rank, group);
  group.changed = false;
  group.known = group.members[0].known;
  for (uint32_t w = 1; w < 4; ++w) {
    group.known.seen.meet(group.members[w].known.seen);
    group.known.fenced.meet(group.members[w].known.fenced);
  }
  return true;
}

void RaceDetector::wgmmaReads(const Actor &actor,
                              std::span<const Piece> pieces) {
  Warpgroup &group = ctas[actor.rank].groups[actor.warp / 4];
  uint32_t clock = uint32_t(warpOf(actor).wgmmaCommits) + 1;
  if (!group.lines.empty() && group.reads.clock != clock)
    flushWgmmas(actor.rank, group);
  if (group.lines.empty()) {
    group.reads = infoOf(actor);
    group.reads.agent = wgmmaAgent(actor.rank, actor.warp / 4);
    group.reads.clock = clock;
    group.reads.async = true;
    group.bytes.resize(ctas[actor.rank].lines.size());
  }
  for (const Piece &piece : pieces) {
    ByteMask &bytes = group.bytes[piece.line];
    if (bytes.empty())
      group.lines.push_back(piece.line);
    bytes |= piece.bytes;
  }
}

void RaceDetector::flushWgmmas(uint32_t rank, Warpgroup &group) {
  Observer observer(group.known, cluster, /*async=*/true);
  for (uint32_t line : group.lines) {
    touch(rank, line, group.reads, group.bytes[line], nullptr, observer);
    group.bytes[line] = {};
  }
  group.lines.clear();
}

void RaceDetector::wgmmaDone(const Actor &actor) {
  Warpgroup &group = ctas[actor.rank].groups[actor.warp / 4];
  group.queue.pop_front();
  ++group.completed;
}

void RaceDetector::wgmmaCommit(const Actor &actor) {
  flushWgmmas(actor.rank, ctas[actor.rank].groups[actor.warp / 4]);
  ++warpOf(actor).wgmmaCommits;
}

void RaceDetector::wgmmaWait(const Actor &actor, uint64_t pending) {
  flushWgmmas(actor.rank, ctas[actor.rank].groups[actor.warp / 4]);
  WarpState &warp = warpOf(actor);
  if (warp.wgmmaCommits > pending)
    warp.clocks.completeAll(wgmmaAgent(actor.rank, actor.warp / 4),
                            uint32_t(warp.wgmmaCommits - pending));
}

// --- Barriers and fences -----------------------------------------------------

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

// --- Tensor maps -------------------------------------------------------------

void RaceDetector::fenceTensorMap(const Actor &actor, uint64_t address) {
  WarpState &warp = warpOf(actor);
  std::erase_if(warp.maps, [&](const WarpState::MapView &view) {
    return view.address == address;
  });
  WarpState::MapView &view = warp.maps.emplace_back();
  view.address = address;
  view.lanes = actor.lanes;
  warp.clocks.publish(actor.lanes, view.known);
}

void RaceDetector::readTensorMap(const Actor &actor, uint64_t address,
                                 const MbarrierName *barrier) {
  if (!globalShadow)
    return;
  AccessInfo info;
  if (barrier) {
    if (!copyInfo(actor, *barrier, info))
      return;
  } else {
    info = infoOf(actor);
    info.agent = bulkReadAgent(warpNumber(actor));
    info.clock = warpOf(actor).bulkClock;
    info.async = true;
    info.lanes.lanes = actor.lanes;
  }
  // Generic writes are visible to the tensor map proxy as far as its own fence
  // says.
  Knowledge known = published(actor);
  known.fenced.clear();
  for (auto &[number, local] : known.foreign) {
    auto unfenced = std::make_shared<LocalKnowledge>(*local);
    unfenced->fenced.clear();
    local = std::move(unfenced);
  }
  for (const WarpState::MapView &view : warpOf(actor).maps) {
    if (view.address != address || (view.lanes & actor.lanes) == 0)
      continue;
    known.fenced = view.known.seen;
    for (auto &[number, local] : known.foreign)
      if (auto at = view.known.foreign.find(number);
          at != view.known.foreign.end()) {
        auto fenced = std::make_shared<LocalKnowledge>(*local);
        fenced->fenced = at->second->seen;
        local = std::move(fenced);
      }
  }
  Observer observer(known, cluster, /*async=*/true);
  GlobalRange range;
  range.address = address;
  range.rowBytes = 128;
  globalShadow->access(globalCursor, range, info, observer,
                       [&](const Conflict &conflict, uint64_t line) {
                         foundGlobal(conflict, line);
                       });
}

// --- Reports -----------------------------------------------------------------

void RaceDetector::foundGlobal(const Conflict &conflict, uint64_t line) {
  report(conflict, {false, 0, line + conflict.byte});
}

void RaceDetector::report(const Conflict &conflict, const RacePlace &place) {
  Race race{conflict, place, causeOf(conflict, place), {}};
  race.earlierAgent = agentOf(conflict.earlier.agent);
  if (handlers.race)
    handlers.race(race);
}

RaceCause RaceDetector::causeOf(const Conflict &conflict,
                                const RacePlace &) const {
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
    if (auto at = warp.unreached.foreign.find(earlier.cluster);
        at != warp.unreached.foreign.end() &&
        at->second->seen.of(earlier.agent, earlierLane) >= earlier.clock)
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
    uint32_t known = to.clocks.seen(
        lane, earlier.agent,
        uint32_t(__builtin_ctz(conflict.earlierLanes | 1u << 31)));
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
          : from.clocks.seen(
                uint32_t(__builtin_ctz(conflict.earlierLanes | 1u << 31)),
                earlier.agent,
                uint32_t(__builtin_ctz(conflict.earlierLanes | 1u << 31))) >=
                earlier.clock;
  if (releasedAfterIssue)
    return waited || agent.kind == AgentKind::Wgmma ? RaceCause::EarlyRelease
                                                    : RaceCause::MissingWait;
  return RaceCause::MissingWait;
}
