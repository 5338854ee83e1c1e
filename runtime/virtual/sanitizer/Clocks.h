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

#include <array>
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
  bool covers(const LocalKnowledge &other) const {
    return seen.covers(other.seen) && fenced.covers(other.fenced) &&
           fencedGlobal.covers(other.fencedGlobal);
  }
  void clear() {
    seen.clear();
    fenced.clear();
    fencedGlobal.clear();
  }
};

/// What is known of clusters, by their numbers. Shared until it changes.
using ClusterKnowledge =
    std::map<uint32_t, std::shared_ptr<const LocalKnowledge>>;
void join(ClusterKnowledge &known, const ClusterKnowledge &other);

/// Reach of a synchronizing access.
enum class Scope : uint8_t { None, Cta, Cluster, Gpu, System };

/// What relaxed stores and loads say together with fences. It goes where other
/// knowledge goes: a thread may fence, and another one, which has synchronised
/// with it, store the flag.
struct FlagKnowledge {
  using ByScope = std::array<ClusterKnowledge, 5>;
  /// What fences made ready to be published, by the scope of the fence.
  ByScope fenced;
  /// What relaxed loads found, by the scope that a fence needs to take it.
  ByScope observed;
};

/// What is known within a cluster, and of other clusters.
struct Knowledge : LocalKnowledge {
  ClusterKnowledge foreign;
  /// Null if there is none.
  std::shared_ptr<const FlagKnowledge> flags;
  /// mbarrier.init operations that fence.mbarrier_init released.
  Clocks inits;

  void join(const Knowledge &other);
  void joinForeign(const ClusterKnowledge &other) {
    vgpu::join(foreign, other);
  }
  void joinFlags(const std::shared_ptr<const FlagKnowledge> &other);
  void clear();
};

} // namespace heddle::vgpu

#endif // HEDDLE_VIRTUAL_SANITIZER_CLOCKS_H
