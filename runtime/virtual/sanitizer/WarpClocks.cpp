//===- WarpClocks.cpp - What the lanes of a warp know ---------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sanitizer/WarpClocks.h"

#include <algorithm>

using namespace heddle::vgpu;

template <typename F>
static void forLanesOf(uint32_t lanes, F &&body) {
  for (; lanes; lanes &= lanes - 1)
    body(uint32_t(__builtin_ctz(lanes)));
}

void OwnClocks::raise(uint32_t agent, uint32_t lanes, uint32_t clock) {
  auto at = std::find_if(agents.begin(), agents.end(),
                         [&](const Agent &a) { return a.agent == agent; });
  if (at == agents.end())
    at = agents.insert(at, Agent{.agent = agent});
  forLanesOf(lanes, [&](uint32_t lane) {
    at->clocks[lane] = std::max(at->clocks[lane], clock);
  });
}

void OwnClocks::join(const OwnClocks &other, uint32_t lanes) {
  for (const Agent &from : other.agents)
    forLanesOf(lanes, [&](uint32_t lane) {
      if (from.clocks[lane])
        raise(from.agent, 1u << lane, from.clocks[lane]);
    });
}

uint32_t OwnClocks::of(uint32_t agent, uint32_t lane) const {
  for (const Agent &a : agents)
    if (a.agent == agent)
      return a.clocks[lane];
  return 0;
}

void OwnClocks::addTo(Clocks &target, uint32_t lanes, uint32_t live) const {
  for (const Agent &a : agents)
    for (uint32_t rest = lanes & live; rest;) {
      uint32_t clock = a.clocks[__builtin_ctz(rest)], same = 0;
      forLanesOf(rest, [&](uint32_t lane) {
        same |= uint32_t(a.clocks[lane] == clock) << lane;
      });
      rest &= ~same;
      if (clock)
        target.raise(a.agent, same | (lanes & ~live), clock);
    }
}

void WarpClocks::start(uint32_t agent, uint32_t lanes) {
  ++changes;
  self = agent;
  live = lanes;
  now = 1;
  released = 0;
  base.clear();
  own.clear();
  ownFenced.clear();
  extraLanes = 0;
}

uint32_t WarpClocks::seen(uint32_t lane, uint32_t agent,
                          uint32_t otherLane) const {
  if (agent == self && lane == otherLane)
    return now;
  uint32_t clock = base.seen.of(agent, otherLane);
  if (lane == otherLane)
    clock = std::max(clock, own.of(agent, lane));
  if (const Knowledge *more = extra(lane))
    clock = std::max(clock, more->seen.of(agent, otherLane));
  return clock;
}

Knowledge &WarpClocks::extraOf(uint32_t lane) {
  if (!extras[lane])
    extras[lane] = std::make_unique<Knowledge>();
  else if (!(extraLanes >> lane & 1))
    extras[lane]->clear();
  extraLanes |= 1u << lane;
  return *extras[lane];
}

void WarpClocks::publish(uint32_t lanes, Knowledge &target) const {
  target.join(base);
  if (extraLanes & lanes)
    forLanesOf(extraLanes & lanes,
               [&](uint32_t lane) { target.join(*extras[lane]); });
  uint32_t wide = widen(lanes);
  target.seen.raise(self, wide, now);
  own.addTo(target.seen, wide, live);
  ownFenced.addTo(target.fenced, wide, live);
}

void WarpClocks::release(uint32_t lanes, Knowledge &target) {
  publish(lanes, target);
  released = now;
  tick();
}

void WarpClocks::acquire(uint32_t lanes, const Knowledge &source) {
  ++changes;
  if (widen(lanes) == ~0u) {
    base.join(source);
    return;
  }
  forLanesOf(lanes & live, [&](uint32_t lane) { extraOf(lane).join(source); });
}

void WarpClocks::acquire(uint32_t lanes, const ClusterKnowledge &source,
                         uint32_t cluster) {
  const LocalKnowledge *mine = source.find(cluster);
  ClusterKnowledge others = source.without(cluster);
  // Who polls a flag finds the same again and again.
  if ((!mine || base.covers(*mine)) && base.foreign.covers(others))
    return;
  forKnowledge(lanes, [&](Knowledge &knowledge) {
    if (mine && !knowledge.covers(*mine))
      knowledge.LocalKnowledge::join(*mine);
    knowledge.foreign.join(others);
  });
}

void WarpClocks::fenceFlags(uint32_t lanes, Scope scope,
                            ClusterKnowledge known) {
  // Lanes that knew the same know the same after.
  std::shared_ptr<const FlagKnowledge> before, after;
  forKnowledge(lanes, [&](Knowledge &knowledge) {
    if (!after || before != knowledge.flags) {
      before = knowledge.flags;
      auto flags = before ? std::make_shared<FlagKnowledge>(*before)
                          : std::make_shared<FlagKnowledge>();
      // What a fence publishes contains what those before did.
      for (size_t s = 0; s <= size_t(scope); ++s) {
        flags->fenced[s].clear();
        flags->observed[s].clear();
      }
      flags->fenced[size_t(scope)] = known;
      after = std::move(flags);
    }
    knowledge.flags = after;
  });
}

void WarpClocks::observeFlags(uint32_t lanes,
                              const FlagKnowledge::ByScope &found) {
  auto flags = std::make_shared<FlagKnowledge>();
  flags->observed = found;
  forKnowledge(lanes,
               [&](Knowledge &knowledge) { knowledge.joinFlags(flags); });
}

void WarpClocks::complete(uint32_t lanes, uint32_t agent, uint32_t clock) {
  ++changes;
  if (widen(lanes) == ~0u) {
    base.seen.raise(agent, ~0u, clock);
    return;
  }
  forLanesOf(lanes & live, [&](uint32_t lane) {
    extraOf(lane).seen.raise(agent, ~0u, clock);
  });
}

void WarpClocks::completeOwn(uint32_t lanes, uint32_t agent, uint32_t clock) {
  ++changes;
  own.raise(agent, lanes, clock);
}

void WarpClocks::fenceProxy(uint32_t lanes) {
  uint32_t wide = widen(lanes);
  if (wide == ~0u) {
    base.fenced.join(base.seen);
    forLanesOf(extraLanes, [&](uint32_t lane) {
      extras[lane]->fenced.join(extras[lane]->seen);
    });
  } else {
    forLanesOf(lanes & live, [&](uint32_t lane) {
      Knowledge &more = extraOf(lane);
      more.fenced.join(base.seen);
      more.fenced.join(more.seen);
    });
  }
  ownFenced.raise(self, wide, now);
  ownFenced.join(own, wide);
  auto fenceForeign = [](Knowledge &knowledge) {
    knowledge.foreign.transform([](uint32_t, const auto &known) {
      if (known->fenced.covers(known->seen))
        return known;
      auto fenced = std::make_shared<LocalKnowledge>(*known);
      fenced->fenced.join(fenced->seen);
      return ClusterKnowledge::Local(std::move(fenced));
    });
  };
  fenceForeign(base);
  forLanesOf(extraLanes & lanes,
             [&](uint32_t lane) { fenceForeign(*extras[lane]); });
  tick();
}

void WarpClocks::fenceProxyGlobal(uint32_t lanes) {
  // Counts for who has seen the accesses, so lanes need no care here.
  uint32_t wide = widen(lanes);
  Clocks &fenced = base.fencedGlobal;
  fenced.join(base.seen);
  forLanesOf(extraLanes & wide,
             [&](uint32_t lane) { fenced.join(extras[lane]->seen); });
  own.addTo(fenced, wide, live);
  fenced.raise(self, wide, now);
  auto fenceForeign = [](Knowledge &knowledge) {
    knowledge.foreign.transform([](uint32_t, const auto &known) {
      if (known->fencedGlobal.covers(known->seen))
        return known;
      auto more = std::make_shared<LocalKnowledge>(*known);
      more->fencedGlobal.join(more->seen);
      return ClusterKnowledge::Local(std::move(more));
    });
  };
  fenceForeign(base);
  forLanesOf(extraLanes & wide,
             [&](uint32_t lane) { fenceForeign(*extras[lane]); });
  tick();
}

void WarpClocks::fenceInits(uint32_t lanes) {
  base.inits.raise(self, widen(lanes), now);
  tick();
}

void WarpClocks::syncLanes(uint32_t lanes) {
  uint32_t wide = widen(lanes);
  if (wide == ~0u) {
    forLanesOf(extraLanes, [&](uint32_t lane) { base.join(*extras[lane]); });
    extraLanes = 0;
    base.seen.raise(self, ~0u, now);
    own.addTo(base.seen, ~0u, live);
    own.clear();
    ownFenced.addTo(base.fenced, ~0u, live);
    ownFenced.clear();
    tick();
    return;
  }
  Knowledge together;
  publish(wide, together);
  forLanesOf(wide, [&](uint32_t lane) { extraOf(lane).join(together); });
  tick();
}
