//===- Flags.cpp - Release, acquire and fences ---------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sanitizer/RaceDetector.h"

#include <algorithm>

using namespace heddle::vgpu;

ClusterKnowledge RaceDetector::exported(const Knowledge &local) const {
  ClusterKnowledge result = local.foreign;
  result.set(cluster, std::make_shared<LocalKnowledge>(local));
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
      return warp.unreached.foreign.join(published);
    found[size_t(needed)].join(published);
    any = true;
  };
  // Who is in this cluster may take what reaches the device at any scope.
  if (ClusterKnowledge mine = entry.wide.only(cluster); !mine.empty())
    find(mine, Scope::System, Scope::Cta);
  if (ClusterKnowledge others = entry.wide.without(cluster); !others.empty())
    find(others, Scope::System, Scope::Gpu);
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
    publication[size_t(std::min(scope, semantics.scope))].join(known);
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
        target.wide.join(known);
        continue;
      }
      // Each has its own reach, though one modification continues another.
      auto at = std::ranges::find_if(target.narrow, [&](const auto &narrow) {
        return narrow.scope == scope && narrow.cluster == cluster &&
               narrow.rank == actor.rank;
      });
      if (at == target.narrow.end())
        at = target.narrow.insert(at, {{}, scope, device, cluster, actor.rank});
      at->published.join(known);
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
        warp.unreached.foreign.join(flags.observed[s]);
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
