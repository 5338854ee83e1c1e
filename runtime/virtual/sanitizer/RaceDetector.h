//===- RaceDetector.h - Happens-before within a cluster ---------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Watches what the warps and asynchronous operations of one cluster do to
/// memory and how they synchronise, and reports accesses that nothing orders.
/// Knows nothing of the engine: who did what comes as numbers.
///
/// An asynchronous operation counts as under way from its issue until someone
/// knows that it has completed: what was before must be ordered before the
/// issue, what comes later after the completion.
///
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_VIRTUAL_SANITIZER_RACEDETECTOR_H
#define HEDDLE_VIRTUAL_SANITIZER_RACEDETECTOR_H

#include "sanitizer/GlobalShadow.h"

#include <deque>
#include <functional>
#include <optional>
#include <unordered_map>
#include <variant>

namespace heddle::vgpu {

/// Lanes of a warp at an instruction.
struct Actor {
  /// Rank of the CTA in its cluster.
  uint32_t rank = 0;
  uint32_t warp = 0;
  uint32_t lanes = ~0u;
  uint32_t pc = 0;
};

/// Where two accesses met.
struct RacePlace {
  bool shared = true;
  /// CTA of a shared offset.
  uint32_t rank = 0;
  uint64_t address = 0;
};

/// What the clocks stand for.
enum class AgentKind : uint8_t {
  Warp,
  /// cp.async of a warp.
  CopyAsync,
  /// Bulk stores of a warp: their reads, and their writes.
  BulkRead,
  BulkWrite,
  /// wgmmas of a warpgroup.
  Wgmma,
  /// Copies that an mbarrier counts.
  Mbarrier,
};

struct Agent {
  AgentKind kind = AgentKind::Warp;
  uint32_t rank = 0;
  /// Warp, or warpgroup, of the CTA; offset of an mbarrier.
  uint32_t number = 0;
};

/// Why two accesses were not ordered, as far as the detector can tell.
enum class RaceCause : uint8_t {
  NoSynchronization,
  /// The earlier one's warp released after it, and nobody waited for that.
  MissingWait,
  /// Another lane of the warp released, without bar.warp.sync.
  LaneOnlyRelease,
  /// The warp's release that the later one waited for came too early.
  EarlyRelease,
  MissingProxyFence,
  /// Both are strong, but at least one with a scope that does not reach.
  Scope,
  /// A flag was written and read without release and acquire.
  WeakOrder,
  /// A relaxed arrival or wait stands where the order should come from.
  RelaxedBarrier,
};

struct Race {
  Conflict conflict;
  RacePlace place;
  RaceCause cause = RaceCause::NoSynchronization;
  Agent earlierAgent;
};

/// An mbarrier that someone used without having synchronised with its init.
struct UnsynchronizedInit {
  Actor user;
  uint32_t rank = 0, offset = 0;
  uint32_t initWarp = 0, initRank = 0, initPc = 0, initLane = 0;
};

class RaceDetector {
public:
  struct Shape {
    uint32_t ctas = 1;
    uint32_t warps = 1;
    uint32_t sharedBytes = 0;
    uint32_t devices = 1;
  };
  /// A peer's access to shared memory of a CTA that nothing orders before the
  /// exit of that CTA.
  struct PeerAccess {
    AccessInfo access;
    uint32_t lanes = 0;
    RacePlace place;
  };
  struct Handlers {
    std::function<void(const Race &)> race;
    std::function<void(const UnsynchronizedInit &)> init;
    std::function<void(const PeerAccess &)> peer;
  };

  /// `global` may be null: then only shared memory is watched.
  RaceDetector(const Shape &shape, GlobalShadow *global, Handlers handlers);

  /// Begins a cluster of a device. `lanes` gives the threads of each warp of a
  /// CTA.
  void start(uint32_t cluster, std::span<const uint32_t> lanes,
             uint32_t device = 0);

  // --- Generic accesses -----------------------------------------------------

  struct Semantics {
    bool write = false;
    /// A write that reads, too: `observe` follows if the value is used.
    bool atomic = false;
    bool acquire = false, release = false;
    /// Strong if not `None`.
    Scope scope = Scope::None;
  };
  /// Lane l of `actor` accesses `bytes` at offset `addresses[l]` of the shared
  /// memory of `rank`.
  void shared(const Actor &actor, uint32_t rank, const uint32_t *offsets,
              uint32_t bytes, const Semantics &semantics);
  /// The same at global addresses.
  void global(const Actor &actor, const uint64_t *addresses, uint32_t bytes,
              const Semantics &semantics);

  /// Weak accesses of all lanes, side by side from `offset` or `address` on.
  void sharedPacked(const Actor &actor, uint32_t rank, uint32_t offset,
                    uint32_t bytes, bool write);
  void globalPacked(const Actor &actor, uint64_t address, uint32_t bytes,
                    bool write);

  /// Atomics: once the value is read. `shared` and `global` come before.
  void observe(const Actor &actor, bool isShared, uint32_t rank,
               uint64_t address, const Semantics &semantics);

  // --- Asynchronous operations ----------------------------------------------

  /// An mbarrier, and how many phases it has completed.
  struct MbarrierName {
    uint32_t rank = 0, offset = 0;
    uint64_t phase = 0;
  };
  /// A piece of shared memory that an operation touches.
  struct Piece {
    uint32_t line = 0;
    ByteMask bytes;
  };
  /// How a copy that an mbarrier counts writes shared memory.
  struct CopySemantics {
    /// Stores of registers need no proxy fence after generic accesses. Nothing
    /// is asked of async accesses after them either: the ISA does not name
    /// their proxy.
    bool generic = false;
    /// Reductions are atomic for each element, and reach threads this far.
    Scope strong = Scope::None;
  };
  /// Where a copy reads: nowhere, if it has the values of registers; so many
  /// bytes from an offset of the issuer's shared memory on; or global memory.
  using CopySource = std::variant<std::monostate, uint32_t, GlobalRange>;
  /// A copy issued by one lane that an mbarrier counts writes
  /// [offset, offset + bytes) of `rank`.
  void copyToShared(const Actor &actor, uint32_t rank, uint32_t offset,
                    uint32_t bytes, const MbarrierName &barrier,
                    const CopySemantics &semantics, const CopySource &source);
  /// A bulk store issued by one lane.
  void bulkStore(const Actor &actor, uint32_t offset, uint32_t bytes,
                 const GlobalRange &target, bool reduce);
  void bulkCommit(const Actor &actor);
  /// cp.async.bulk.wait_group: all but `pending` groups.
  void bulkWait(const Actor &actor, uint64_t pending, bool readOnly);

  /// cp.async.
  void copyAsync(const Actor &actor, const uint32_t *offsets, uint32_t bytes,
                 const uint64_t *sources, const uint32_t *sourceBytes);
  void copyAsyncCommit(const Actor &actor);
  void copyAsyncWait(const Actor &actor, uint64_t pending);
  /// cp.async.mbarrier.arrive.
  void copyAsyncArrive(const Actor &actor, const MbarrierName &name);

  /// A warp issues its part of a wgmma. True if it is the last of its group:
  /// then the reads follow.
  bool wgmma(const Actor &actor);
  void wgmmaReads(const Actor &actor, std::span<const Piece> pieces);
  void wgmmaDone(const Actor &actor);
  void wgmmaCommit(const Actor &actor);
  void wgmmaWait(const Actor &actor, uint64_t pending);

  // --- Synchronization ------------------------------------------------------

  void syncLanes(const Actor &actor);
  void exit(const Actor &actor);
  /// The last thread of a CTA has exited.
  void ctaExit(uint32_t rank);
  void barrierArrive(const Actor &actor, uint32_t number, bool waits);
  void barrierComplete(uint32_t rank, uint32_t number);
  void clusterArrive(const Actor &actor, bool release);
  void clusterComplete();
  void clusterWait(const Actor &actor, bool complete);

  /// mbarrier operations; `phase` is the number of phases completed before.
  void mbarrierInit(const Actor &actor, uint32_t rank, uint32_t offset);
  void mbarrierInval(const Actor &actor, uint32_t rank, uint32_t offset);
  void mbarrierArrive(const Actor &actor, const MbarrierName &name,
                      bool release);
  /// A wait that succeeded.
  void mbarrierWaited(const Actor &actor, const MbarrierName &name,
                      bool acquire);
  /// Any other use: checks that the user knows of the init.
  void mbarrierUse(const Actor &actor, uint32_t rank, uint32_t offset);

  /// `globalOnly` if it says nothing of shared memory.
  void fenceProxyAsync(const Actor &actor, bool globalOnly = false);
  void fenceMbarrierInit(const Actor &actor);
  /// fence.acq_rel and fence.sc.
  void fence(const Actor &actor, Scope scope);
  /// fence.proxy.tensormap::generic.acquire of 128 bytes.
  void fenceTensorMap(const Actor &actor, uint64_t address);
  /// The TMA unit reads a tensor map in global memory, for a copy that
  /// `barrier` counts or, without one, for a bulk store.
  void readTensorMap(const Actor &actor, uint64_t address,
                     const MbarrierName *barrier);

  // --- For messages ---------------------------------------------------------

  Agent agentOf(uint32_t agent) const;
  const WarpClocks &warpClocks(uint32_t rank, uint32_t warp) const {
    return warps[rank * shape.warps + warp].clocks;
  }
  uint32_t clusterNumber() const { return cluster; }

private:
  struct LaneGroups {
    /// The channel's clock at each commit.
    std::vector<uint32_t> commits;
  };
  struct WarpState {
    WarpClocks clocks;
    /// Clocks of cp.async and of bulk stores, and the commits of each lane.
    uint32_t copyClock = 1, bulkClock = 1;
    std::vector<LaneGroups> copyGroups, bulkGroups;
    uint64_t wgmmaIssued = 0, wgmmaCommits = 0;
    /// Clock of the last arrival that did not wait as well.
    uint32_t arrivedAt = 0;
    /// For messages: what it would know if nothing were relaxed, and if every
    /// scope reached it.
    Knowledge relaxed, unreached;
    struct MapView {
      uint64_t address = 0;
      uint32_t lanes = 0;
      Knowledge known;
    };
    std::vector<MapView> maps;
  };
  struct Mbarrier {
    uint32_t agent = 0;
    uint64_t phase = 0;
    /// Clock of phase 0: grows when the object is initialised again.
    uint32_t base = 0;
    Knowledge current, completed;
    /// What relaxed arrivals would have published.
    Knowledge relaxedCurrent, relaxedCompleted;
    bool live = false, initReported = false;
    uint32_t initAgent = 0, initLane = 0, initClock = 0, initPc = 0;
  };
  struct NamedBarrier {
    Knowledge arrived;
    std::vector<std::pair<uint32_t, uint32_t>> waiting; // warp, lanes
  };
  struct Warpgroup {
    /// Warps that have issued each wgmma, oldest first.
    std::deque<uint32_t> queue;
    uint64_t completed = 0;
    /// What each warp knew when it issued its newest one, and what all four do.
    /// Few wgmmas find a warp that knows more than at the one before.
    struct {
      uint64_t version = ~uint64_t(0);
      Knowledge known;
    } members[4];
    bool changed = true;
    Knowledge known;
    /// The reads of a commit group so far, which count as one.
    AccessInfo reads;
    std::vector<uint32_t> lines;
    std::vector<ByteMask> bytes;
    /// Clocks of the four warps when the last one of a commit group was issued,
    /// by the number of the group; the newest few.
    std::array<std::pair<uint32_t, std::array<uint32_t, 4>>, 8> issued = {};
  };
  struct CtaState {
    std::vector<ShadowLine> lines;
    std::vector<NamedBarrier> barriers;
    std::unordered_map<uint32_t, Mbarrier> mbarriers;
    std::vector<Warpgroup> groups;
    /// Whether other CTAs accessed its memory, and what its threads knew when
    /// they exited.
    bool visited = false;
    Knowledge atExit;
  };

  void flushWgmmas(uint32_t rank, Warpgroup &group);
  uint32_t numWarps() const { return shape.ctas * shape.warps; }
  uint32_t copyAgent(uint32_t warp) const { return numWarps() + 3 * warp; }
  uint32_t bulkReadAgent(uint32_t warp) const { return copyAgent(warp) + 1; }
  uint32_t bulkWriteAgent(uint32_t warp) const { return copyAgent(warp) + 2; }
  uint32_t groupsPerCta() const { return (shape.warps + 3) / 4; }
  uint32_t wgmmaAgent(uint32_t rank, uint32_t group) const {
    return 4 * numWarps() + rank * groupsPerCta() + group;
  }
  uint32_t firstMbarrier() const {
    return 4 * numWarps() + shape.ctas * groupsPerCta();
  }

  uint32_t warpNumber(const Actor &actor) const {
    return actor.rank * shape.warps + actor.warp;
  }
  WarpState &warpOf(const Actor &actor) { return warps[warpNumber(actor)]; }
  AccessInfo infoOf(const Actor &actor) const {
    const WarpClocks &clocks = warps[warpNumber(actor)].clocks;
    return {.agent = clocks.agent(),
            .clock = clocks.clock(),
            .cluster = cluster,
            .pc = actor.pc,
            .warp = actor.rank << 16 | actor.warp,
            .warpClock = clocks.clock(),
            .device = uint8_t(device)};
  }
  /// What the issuing lanes know; valid until the next call.
  const Knowledge &published(const Actor &actor);

  /// One line of shared memory of `rank`, by its offset.
  void touchShared(uint32_t rank, uint32_t line, const AccessInfo &info,
                   const ByteMask &bytes, const std::array<uint8_t, 64> *table,
                   const Observer &observer);
  void touchSharedRange(uint32_t rank, uint32_t offset, uint32_t bytes,
                        const AccessInfo &info, const Observer &observer);
  /// One line of global memory, or a range.
  template <typename... Access>
  void touchGlobal(const Access &...access) {
    globalShadow->access(globalCursor, access..., foundGlobal);
  }
  void report(const Conflict &conflict, const RacePlace &place);
  RaceCause causeOf(const Conflict &conflict) const;

  Mbarrier *findMbarrier(const MbarrierName &name);
  void checkInit(const Actor &actor, const MbarrierName &name,
                 Mbarrier &barrier);
  /// An access by a channel of `actor`'s at a clock of the channel.
  AccessInfo asyncInfo(const Actor &actor, uint32_t agent,
                       uint32_t clock) const;
  /// The access of a copy that `name` counts, if that is an mbarrier.
  std::optional<AccessInfo> copyInfo(const Actor &actor,
                                     const MbarrierName &name);
  void commit(std::vector<LaneGroups> &groups, uint32_t &clock, uint32_t lanes);
  /// For each set of lanes that such a wait brings to one clock.
  template <typename F>
  static void waitedFor(const std::vector<LaneGroups> &groups, uint32_t lanes,
                        uint64_t pending, F &&body);
  /// What `local` is to other clusters.
  ClusterKnowledge exported(const Knowledge &local) const;
  /// A strong read of a flag: acquires, or remembers for a fence, what reaches
  /// the reader.
  void readFlag(const Actor &actor, const SyncTable::Entry &entry,
                const Semantics &semantics);
  void synchronize(const Actor &actor, uint64_t key, bool isShared,
                   const Semantics &semantics);

  const Shape shape;
  GlobalShadow *const globalShadow;
  GlobalShadow::Cursor globalCursor;
  const Handlers handlers;
  const GlobalShadow::Found foundGlobal;
  uint32_t cluster = 0, device = 0;
  std::vector<WarpState> warps;
  std::vector<CtaState> ctas;
  std::vector<Agent> mbarrierAgents;
  struct {
    Knowledge arrived, completed;
    /// What relaxed arrivals would have published.
    Knowledge relaxedArrived;
    Clocks relaxedInits;
    std::vector<std::pair<uint32_t, uint32_t>> waiting;
  } clusterBarrier;
  SyncTable sharedSyncs;
  /// Filled when one is found.
  Conflict conflict;
  /// What was published last: who issues many copies seldom learns anything in
  /// between.
  struct Published {
    uint32_t warp = ~0u, lanes = 0;
    uint64_t version = 0;
    Knowledge known;
  } lastPublished;
};

} // namespace heddle::vgpu

#endif // HEDDLE_VIRTUAL_SANITIZER_RACEDETECTOR_H
