//===- WarpClocks.h - What the lanes of a warp know -------------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_VIRTUAL_SANITIZER_WARPCLOCKS_H
#define HEDDLE_VIRTUAL_SANITIZER_WARPCLOCKS_H

#include "sanitizer/Knowledge.h"

#include <array>

namespace heddle::vgpu {

/// What each lane knows of the same lane of some agents.
class OwnClocks {
public:
  void raise(uint32_t agent, uint32_t lanes, uint32_t clock);
  void join(const OwnClocks &other, uint32_t lanes);
  uint32_t of(uint32_t agent, uint32_t lane) const;
  /// Adds what `lanes` know; lanes outside `live` are as good as any.
  void addTo(Clocks &target, uint32_t lanes, uint32_t live) const;
  bool empty() const { return agents.empty(); }
  void clear() { agents.clear(); }

private:
  struct Agent {
    uint32_t agent = 0;
    std::array<uint32_t, 32> clocks = {};
  };
  std::vector<Agent> agents;
};

/// The causal order as the lanes of one warp see it. Lanes that synchronise
/// together share what they know; a lane that synchronises alone knows more
/// until the warp synchronises. Each lane knows its own accesses.
class WarpClocks {
public:
  /// A warp that starts with `lanes`, and that is this agent.
  void start(uint32_t agent, uint32_t lanes);

  uint32_t agent() const { return self; }
  /// The clock of accesses made now.
  uint32_t clock() const { return now; }
  /// Every lane knows this warp's accesses up to here.
  uint32_t synced() const { return base.seen.all(self); }
  /// Whether lanes know different things about others.
  bool diverged() const { return extraLanes != 0 || !own.empty(); }
  /// The clock of the last release to other warps; 0 if there was none.
  uint32_t lastRelease() const { return released; }
  const Knowledge &common() const { return base; }

  /// How far `lane` knows `otherLane` of `agent`.
  uint32_t seen(uint32_t lane, uint32_t agent, uint32_t otherLane) const;
  /// What `lane` knows beyond `common`, or null.
  const Knowledge *extra(uint32_t lane) const {
    return extraLanes >> lane & 1 ? extras[lane].get() : nullptr;
  }

  /// Adds to `target` what `lanes` know and did.
  void publish(uint32_t lanes, Knowledge &target) const;
  /// The same, as a release: later accesses are not part of it.
  void release(uint32_t lanes, Knowledge &target);
  void acquire(uint32_t lanes, const Knowledge &source);
  /// `lanes` know that their own operations of `agent` have completed up to
  /// `clock`.
  void completeOwn(uint32_t lanes, uint32_t agent, uint32_t clock);
  /// All lanes of the warp know that `agent` has got to `clock`.
  void completeAll(uint32_t agent, uint32_t clock) {
    ++changes;
    base.seen.raise(agent, ~0u, clock);
  }
  void complete(uint32_t lanes, uint32_t agent, uint32_t clock);
  /// fence.proxy.async
  void fenceProxy(uint32_t lanes);
  /// fence.proxy.async.global
  void fenceProxyGlobal(uint32_t lanes);
  /// `lanes` take what was published; this cluster's number is `cluster`.
  void acquire(uint32_t lanes, const ClusterKnowledge &source,
               uint32_t cluster);
  /// Calls `body(FlagKnowledge)` for all that `lanes` know of flags.
  template <typename F>
  void forFlags(uint32_t lanes, F &&body) const {
    if (base.flags)
      body(*base.flags);
    for (uint32_t rest = extraLanes & lanes; rest; rest &= rest - 1)
      if (const auto &flags = extras[__builtin_ctz(rest)]->flags)
        body(*flags);
  }
  /// A fence at `scope` made `known` ready to be published by `lanes`, and took
  /// what they had observed that it reaches.
  void fenceFlags(uint32_t lanes, Scope scope, ClusterKnowledge known);
  /// Relaxed loads of `lanes` found this.
  void observeFlags(uint32_t lanes, const FlagKnowledge::ByScope &found);
  /// fence.mbarrier_init
  void fenceInits(uint32_t lanes);
  /// bar.warp.sync, and what implies it.
  void syncLanes(uint32_t lanes);
  /// Exited lanes take part in nothing any more: what the rest does, all do.
  void exit(uint32_t lanes) {
    ++changes;
    live &= ~lanes;
  }
  void tick() {
    ++changes;
    ++now;
  }
  /// Changes whenever what `publish` adds may have changed.
  uint64_t version() const { return changes; }

private:
  /// ~0 if `lanes` are all there are.
  uint32_t widen(uint32_t lanes) const {
    return (lanes & live) == live ? ~0u : lanes & live;
  }
  Knowledge &extraOf(uint32_t lane);
  /// Calls `body(Knowledge)` for what `lanes` know.
  template <typename F>
  void forKnowledge(uint32_t lanes, F &&body) {
    ++changes;
    if (widen(lanes) == ~0u)
      return body(base);
    for (uint32_t rest = lanes & live; rest; rest &= rest - 1)
      body(extraOf(uint32_t(__builtin_ctz(rest))));
  }

  uint32_t self = 0;
  uint32_t live = 0;
  uint32_t now = 1;
  uint32_t released = 0;
  uint64_t changes = 0;
  Knowledge base;
  /// Lane l of an agent, known to lane l of this warp: its own copies.
  OwnClocks own, ownFenced;
  uint32_t extraLanes = 0;
  std::array<std::unique_ptr<Knowledge>, 32> extras;
};

} // namespace heddle::vgpu

#endif // HEDDLE_VIRTUAL_SANITIZER_WARPCLOCKS_H
