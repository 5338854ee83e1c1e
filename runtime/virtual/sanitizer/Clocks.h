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
#include <map>
#include <memory>
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
  void clear();
  bool empty() const { return known.empty() && partial.empty(); }
  bool hasLanes() const { return !partial.empty(); }
  const std::vector<LaneClock> &lanes() const { return partial; }

private:
  std::vector<uint32_t> known;
  /// Lanes known beyond that; few.
  std::vector<LaneClock> partial;
};

/// What is known within a cluster, in the two proxies: all accesses, and the
/// generic ones that a proxy fence has made visible to asynchronous operations.
/// Asynchronous operations that have completed are visible to everyone who
/// knows that they have.
struct LocalKnowledge {
  Clocks seen, fenced;
  /// What fences of global memory alone made visible there, of what is seen.
  Clocks fencedGlobal;

  void join(const LocalKnowledge &other) {
    seen.join(other.seen);
    fenced.join(other.fenced);
    if (!other.fencedGlobal.empty())
      fencedGlobal.join(other.fencedGlobal);
  }
  void clear() {
    seen.clear();
    fenced.clear();
    fencedGlobal.clear();
  }
};

/// The same, and what is known of other clusters, which is shared until it
/// changes.
struct Knowledge : LocalKnowledge {
  using Foreign = std::map<uint32_t, std::shared_ptr<const LocalKnowledge>>;
  Foreign foreign;
  /// mbarrier.init operations that fence.mbarrier_init released.
  Clocks inits;

  void join(const Knowledge &other);
  void joinForeign(const Foreign &other);
  void clear();
};

} // namespace heddle::vgpu

#endif // HEDDLE_VIRTUAL_SANITIZER_CLOCKS_H
