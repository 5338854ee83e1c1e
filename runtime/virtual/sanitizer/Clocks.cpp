//===- Clocks.cpp - Vector clocks of agents and lanes ---------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sanitizer/Clocks.h"

#include <algorithm>

using namespace heddle::vgpu;

uint32_t Clocks::of(uint32_t agent, uint32_t lane) const {
  uint32_t clock = all(agent);
  for (const LaneClock &entry : partial)
    if (entry.agent == agent && (entry.lanes >> lane & 1))
      clock = std::max(clock, entry.clock);
  return clock;
}

void Clocks::raise(uint32_t agent, uint32_t lanes, uint32_t clock) {
  if (clock <= all(agent) || lanes == 0)
    return;
  if (lanes == ~0u) {
    if (agent >= known.size())
      known.resize(agent + 1);
    known[agent] = clock;
    std::erase_if(partial, [&](const LaneClock &entry) {
      return entry.agent == agent && entry.clock <= clock;
    });
    return;
  }
  for (LaneClock &entry : partial) {
    if (entry.agent != agent)
      continue;
    if (entry.clock >= clock) {
      if (entry.clock == clock) {
        // Lanes that meet at one clock may add up to all of them.
        uint32_t together = entry.lanes | lanes;
        if (together == ~0u)
          return raise(agent, together, clock);
        entry.lanes = together;
        return;
      }
      lanes &= ~entry.lanes;
    } else {
      entry.lanes &= ~lanes;
    }
  }
  std::erase_if(partial,
                [](const LaneClock &entry) { return entry.lanes == 0; });
  if (lanes == 0)
    return;
  partial.push_back({agent, lanes, clock});
  // Lanes at different clocks: all are known up to the least of them.
  uint32_t covered = 0, least = ~0u;
  for (const LaneClock &entry : partial)
    if (entry.agent == agent) {
      covered |= entry.lanes;
      least = std::min(least, entry.clock);
    }
  if (covered == ~0u)
    raise(agent, covered, least);
}

void Clocks::join(const Clocks &other) {
  if (known.size() < other.known.size())
    known.resize(other.known.size());
  uint32_t *mine = known.data();
  const uint32_t *theirs = other.known.data();
  for (size_t i = 0, n = other.known.size(); i < n; ++i)
    mine[i] = std::max(mine[i], theirs[i]);
  if (!partial.empty())
    std::erase_if(partial, [&](const LaneClock &entry) {
      return entry.clock <= all(entry.agent);
    });
  for (const LaneClock &entry : other.partial)
    raise(entry);
}

void Clocks::meet(const Clocks &other) {
  std::vector<LaneClock> both;
  // A lane is known to both up to the lesser of two clocks.
  auto gather = [&](const Clocks &a, const Clocks &b) {
    for (const LaneClock &entry : a.partial)
      for (uint32_t rest = entry.lanes; rest; rest &= rest - 1) {
        uint32_t lane = uint32_t(__builtin_ctz(rest));
        both.push_back({entry.agent, 1u << lane,
                        std::min(entry.clock, b.of(entry.agent, lane))});
      }
  };
  gather(*this, other);
  gather(other, *this);
  known.resize(std::min(known.size(), other.known.size()));
  for (size_t i = 0; i < known.size(); ++i)
    known[i] = std::min(known[i], other.known[i]);
  partial.clear();
  for (const LaneClock &entry : both)
    raise(entry);
}

void Clocks::clear() {
  known.clear();
  partial.clear();
}

void Knowledge::joinForeign(const Foreign &other) {
  for (const auto &[cluster, theirs] : other) {
    auto &mine = foreign[cluster];
    if (!mine) {
      mine = theirs;
    } else if (mine != theirs) {
      auto joined = std::make_shared<LocalKnowledge>(*mine);
      joined->join(*theirs);
      mine = std::move(joined);
    }
  }
}

void Knowledge::join(const Knowledge &other) {
  LocalKnowledge::join(other);
  if (!other.foreign.empty())
    joinForeign(other.foreign);
  if (!other.inits.empty())
    inits.join(other.inits);
}

void Knowledge::clear() {
  LocalKnowledge::clear();
  foreign.clear();
  inits.clear();
}
