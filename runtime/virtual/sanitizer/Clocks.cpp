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

/// The entries of one agent, which lie side by side.
template <typename Entries>
static auto entriesOf(Entries &entries, uint32_t agent) {
  return std::ranges::equal_range(entries, agent, {}, &LaneClock::agent);
}

uint32_t Clocks::of(uint32_t agent, uint32_t lane) const {
  uint32_t clock = all(agent);
  if (partial.empty())
    return clock;
  for (const LaneClock &entry : entriesOf(partial, agent))
    if (entry.lanes >> lane & 1)
      clock = std::max(clock, entry.clock);
  return clock;
}

void Clocks::raise(uint32_t agent, uint32_t lanes, uint32_t clock) {
  if (clock <= all(agent) || lanes == 0)
    return;
  auto mine = entriesOf(partial, agent);
  // One elected lane again and again.
  if (mine.size() == 1 && mine.front().lanes == lanes) {
    mine.front().clock = std::max(mine.front().clock, clock);
    return;
  }
  if (lanes == ~0u) {
    if (agent >= known.size())
      known.resize(agent + 1);
    known[agent] = clock;
    auto old = std::ranges::remove_if(
        mine, [&](const LaneClock &entry) { return entry.clock <= clock; });
    partial.erase(old.begin(), old.end());
    return;
  }
  for (LaneClock &entry : mine) {
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
  auto gone = std::ranges::remove_if(
      mine, [](const LaneClock &entry) { return entry.lanes == 0; });
  auto at = partial.erase(gone.begin(), gone.end());
  if (lanes == 0)
    return;
  partial.insert(at, {agent, lanes, clock});
  // Lanes at different clocks: all are known up to the least of them.
  uint32_t covered = 0, least = ~0u;
  for (const LaneClock &entry : entriesOf(partial, agent)) {
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
  // Warps that waited for the same know the same of single lanes.
  auto isSame = [](const LaneClock &a, const LaneClock &b) {
    return a.agent == b.agent && a.lanes == b.lanes && a.clock == b.clock;
  };
  auto meetKnown = [&] {
    known.resize(std::min(known.size(), other.known.size()));
    for (size_t i = 0; i < known.size(); ++i)
      known[i] = std::min(known[i], other.known[i]);
  };
  if (std::ranges::equal(partial, other.partial, isSame))
    return meetKnown();
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
  meetKnown();
  partial.clear();
  for (const LaneClock &entry : both)
    raise(entry);
}

bool Clocks::covers(const Clocks &other) const {
  for (size_t i = 0, n = other.known.size(); i < n; ++i)
    if (other.known[i] > all(uint32_t(i))) {
      // Lane by lane it may still be known.
      for (uint32_t lane = 0; lane < 32; ++lane)
        if (of(uint32_t(i), lane) < other.known[i])
          return false;
    }
  for (const LaneClock &entry : other.partial) {
    if (entry.clock <= all(entry.agent))
      continue;
    uint32_t missing = entry.lanes;
    for (const LaneClock &mine : entriesOf(partial, entry.agent))
      if (mine.clock >= entry.clock)
        missing &= ~mine.lanes;
    if (missing)
      return false;
  }
  return true;
}

void Clocks::clear() {
  known.clear();
  partial.clear();
}
