//===- Clocks.h - Vector clocks of agents and lanes -------------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// An agent is what acts in an order of its own: a warp, a queue of wgmmas, the
/// copies of a warp, the phases of an mbarrier. An access has the clock of its
/// agent at that time; who knows the clock of an agent knows its accesses up to
/// that clock. The lanes of a warp are known together as far as the warp has
/// synchronised them, and one by one beyond that.
///
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_VIRTUAL_SANITIZER_CLOCKS_H
#define HEDDLE_VIRTUAL_SANITIZER_CLOCKS_H

#include <cstdint>
#include <vector>

namespace heddle::vgpu {

/// What some lanes of an agent did up to `clock`.
struct LaneClock {
  uint32_t agent = 0;
  uint32_t lanes = 0;
  uint32_t clock = 0;
};

class Clocks {
public:
  /// Every lane of `agent` is known up to this clock.
  uint32_t all(uint32_t agent) const {
    return agent < known.size() ? known[agent] : 0;
  }
  /// One lane of `agent` is.
  uint32_t of(uint32_t agent, uint32_t lane) const;

  /// `lanes` of ~0 means every lane.
  void raise(uint32_t agent, uint32_t lanes, uint32_t clock);
  void raise(const LaneClock &entry) {
    raise(entry.agent, entry.lanes, entry.clock);
  }
  /// What either knows.
  void join(const Clocks &other);
  /// What both know.
  void meet(const Clocks &other);
  /// Whether it knows all that `other` does.
  bool covers(const Clocks &other) const;
  void clear();
  bool empty() const { return known.empty() && partial.empty(); }
  bool hasLanes() const { return !partial.empty(); }
  const std::vector<LaneClock> &lanes() const { return partial; }

private:
  std::vector<uint32_t> known;
  /// Lanes known beyond that, by agent; few.
  std::vector<LaneClock> partial;
};

} // namespace heddle::vgpu

#endif // HEDDLE_VIRTUAL_SANITIZER_CLOCKS_H
