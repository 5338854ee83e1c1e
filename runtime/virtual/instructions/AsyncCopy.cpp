//===- AsyncCopy.cpp - cp.async and its groups ----------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "engine/Access.h"
#include "instructions/Lanes.h"
#include "instructions/MbarrierAddress.h"
#include "instructions/Table.h"
#include "sanitizer/Sanitizer.h"

#include <algorithm>
#include <cstring>

using namespace heddle;
using namespace heddle::vgpu;

namespace {

struct CopyPayload : Payload {
  uint32_t dst = 0, src = 0;
  bool wideDst = false, wideSrc = false;
  int64_t dstOffset = 0, srcOffset = 0;
  uint32_t bytes = 0;
  uint32_t cursor = 0;
  /// Bytes to read, the rest is zero; or a predicate that reads none.
  bool hasSourceBytes = false, hasIgnore = false;
  uint32_t sourceBytes = 0, ignore = 0, ignoreFlip = 0;
};

struct LaneCopy {
  std::byte *to = nullptr;
  uint64_t from = 0;
  uint32_t read = 0;
};

/// One cp.async of the lanes of a warp.
class Copy final : public PendingOperation {
public:
  Copy(Warp &warp, const Instruction &i, uint32_t lanes)
      : PendingOperation(warp, i, lanes, {Channel::Kind::CopyGroup, &warp}) {}
  Checked<void> execute() override;

  LaneCopy copies[warpSize];
};

/// Shared memory is written when the copy completes, global memory read then.
Checked<void> Copy::execute() {
  auto &p = *static_cast<const CopyPayload *>(instruction.payload);
  Cluster &cluster = warp.cta.cluster;
  for (uint32_t rest = lanes; rest; rest &= rest - 1) {
    uint32_t lane = uint32_t(__builtin_ctz(rest));
    const LaneCopy &copy = copies[lane];
    if (copy.read) {
      const std::byte *from =
          cluster.cursors[p.cursor].resolve(copy.from, copy.read);
      if (!from)
        return tl::unexpected(
            cluster.launch.memory->explain(copy.from, copy.read));
      std::memcpy(copy.to, from, copy.read);
    }
    std::memset(copy.to + copy.read, 0, p.bytes - copy.read);
    ++warp.copyGroups[lane].completed;
  }
  return {};
}

AsyncGroups *groupsOf(std::vector<AsyncGroups> &groups) {
  if (groups.empty())
    groups.resize(warpSize);
  return groups.data();
}

uint64_t addressOf(Warp &warp, uint32_t slot, bool wide, int64_t offset,
                   uint32_t lane) {
  return wide ? warp.reg64(slot)[lane] + uint64_t(offset)
              : uint32_t(warp.reg32(slot)[lane] + uint32_t(offset));
}

Flow copy(Warp &warp, const Instruction &i, uint32_t mask) {
  auto &p = *static_cast<const CopyPayload *>(i.payload);
  AsyncGroups *groups = groupsOf(warp.copyGroups);
  Cluster &cluster = warp.cta.cluster;
  LaneCopy copies[warpSize];
  for (uint32_t rest = mask; rest; rest &= rest - 1) {
    uint32_t lane = uint32_t(__builtin_ctz(rest));
    LaneCopy &copy = copies[lane];
    uint64_t to = addressOf(warp, p.dst, p.wideDst, p.dstOffset, lane);
    copy.from = addressOf(warp, p.src, p.wideSrc, p.srcOffset, lane);
    copy.read = p.bytes;
    if (p.hasSourceBytes)
      copy.read = std::min(p.bytes, warp.reg32(p.sourceBytes)[lane]);
    if (p.hasIgnore && ((warp.predicates[p.ignore] ^ p.ignoreFlip) >> lane & 1))
      copy.read = 0;
    copy.to = accessLane(warp, Space::Shared, to, p.bytes, lane, 0, false,
                         AccessKind::Store);
    if (!copy.to)
      return warp.fault(i, 1u << lane,
                        explainAccess(warp, Space::Shared, to, p.bytes, false,
                                      AccessKind::Store));
    if (copy.from % p.bytes)
      return warp.fault(i, 1u << lane,
                        {faults::alignment,
                         fmt::format("address {:#x} is not a multiple of {} "
                                     "bytes",
                                     copy.from, p.bytes)});
    cluster.traffic.count(AccessKind::Load, copy.read);
    ++groups[lane].issued;
  }
  if (Sanitizer *sanitizer = cluster.sanitizer.get()) {
    uint32_t offsets[warpSize] = {}, sourceBytes[warpSize] = {};
    uint64_t sources[warpSize] = {};
    Warp::forBits(mask, [&](uint32_t l) {
      offsets[l] = uint32_t(copies[l].to - warp.cta.shared());
      sources[l] = copies[l].from;
      sourceBytes[l] = copies[l].read;
    });
    sanitizer->copyAsync(warp, i, mask, offsets, p.bytes, sources, sourceBytes,
                         p.cursor);
  }
  // The destination holds poison until the copy completes.
  for (uint32_t rest = mask; rest; rest &= rest - 1)
    std::memset(copies[__builtin_ctz(rest)].to, 0xff, p.bytes);
  auto &operation = cluster.pending.create<Copy>(warp, i, mask);
  std::ranges::copy(copies, operation.copies);
  cluster.issue(operation, copyLatency, &warp.newestCopy);
  return Flow::Next;
}

template <std::vector<AsyncGroups> Warp::*groups>
Flow commit(Warp &warp, const Instruction &i, uint32_t mask) {
  AsyncGroups *all = groupsOf(warp.*groups);
  if (Sanitizer *sanitizer = warp.cta.cluster.sanitizer.get()) {
    Actor actor = Sanitizer::actorOf(warp, i, mask);
    if (groups == &Warp::copyGroups)
      sanitizer->races().copyAsyncCommit(actor);
    else
      sanitizer->races().bulkCommit(actor);
  }
  Warp::forBits(mask, [&](uint32_t l) { all[l].commit(); });
  return Flow::Next;
}

constexpr uint64_t waitForAll = ~uint64_t(0);

/// What the lanes of a warp wait for: cp.async, bulk stores, or only that bulk
/// stores have read their sources.
template <std::vector<AsyncGroups> Warp::*groups, uint64_t AsyncGroups::*done,
          Channel::Kind kind>
struct GroupWait {
  static bool covered(Warp &warp, uint32_t lane, uint64_t pending) {
    const AsyncGroups &group = (warp.*groups)[lane];
    return group.*done >=
           (pending == waitForAll ? group.issued : group.target(pending));
  }
  static bool covered(Warp &warp, const Fragment &fragment) {
    if ((warp.*groups).empty())
      return true;
    for (uint32_t mask = fragment.mask; mask; mask &= mask - 1)
      if (!covered(warp, uint32_t(__builtin_ctz(mask)), fragment.a))
        return false;
    return true;
  }
  static std::string describe(Warp &, const Fragment &fragment) {
    return fragment.a == waitForAll
               ? std::string("waits for all of its copies")
               : fmt::format("waits until at most {} of its copy groups are "
                             "pending",
                             fragment.a);
  }
  static bool needs(Warp &warp, const Fragment &fragment,
                    const PendingOperation &operation) {
    if (operation.channel.kind != kind || &operation.warp != &warp)
      return false;
    constexpr bool sourcesOnly = done == &AsyncGroups::sourcesRead;
    if (sourcesOnly && operation.stage > 0)
      return false;
    for (uint32_t mask = operation.lanes & fragment.mask; mask;
         mask &= mask - 1)
      if (!covered(warp, uint32_t(__builtin_ctz(mask)), fragment.a))
        return true;
    return false;
  }
  static constexpr WaitReason reason{covered, describe, nullptr, needs};

  static Flow execute(Warp &warp, const Instruction &i, uint32_t mask) {
    uint64_t pending = uint64_t(i.immediate);
    Fragment fragment;
    fragment.mask = mask;
    fragment.a = pending;
    // Until then the lanes sleep.
    if (Sanitizer *sanitizer = warp.cta.cluster.sanitizer.get()) {
      Actor actor = Sanitizer::actorOf(warp, i, mask);
      if (kind == Channel::Kind::CopyGroup)
        sanitizer->races().copyAsyncWait(actor, pending);
      else
        sanitizer->races().bulkWait(actor, pending,
                                    done == &AsyncGroups::sourcesRead);
    }
    if constexpr (kind == Channel::Kind::BulkGroup)
      if (!warp.bulkGroups.empty())
        Warp::forBits(mask, [&](uint32_t l) {
          AsyncGroups &group = warp.bulkGroups[l];
          group.awaited = std::max(group.awaited, group.target(pending));
        });
    if (covered(warp, fragment))
      return Flow::Next;
    return warp.block(i, reason, /*retry=*/false, pending);
  }
};

using CopyWait = GroupWait<&Warp::copyGroups, &AsyncGroups::completed,
                           Channel::Kind::CopyGroup>;
using BulkWait = GroupWait<&Warp::bulkGroups, &AsyncGroups::completed,
                           Channel::Kind::BulkGroup>;
using BulkReadWait = GroupWait<&Warp::bulkGroups, &AsyncGroups::sourcesRead,
                               Channel::Kind::BulkGroup>;

/// An arrival once the copies that the lanes have issued are complete.
class CopyArrival final : public PendingOperation {
public:
  CopyArrival(Warp &warp, const Instruction &i, uint32_t lane,
              MbarrierPlace place)
      : PendingOperation(warp, i, 1u << lane,
                         {Channel::Kind::Mbarrier, place.cta, place.offset}),
        place(place) {}
  Checked<void> execute() override {
    auto state = place.cta->mbarriers.arrive(place.offset);
    if (!state)
      return tl::unexpected(state.error());
    return {};
  }

private:
  MbarrierPlace place;
};

Flow mbarrierArrive(Warp &warp, const Instruction &i, uint32_t mask) {
  auto &p = *static_cast<const MbarrierAddress *>(i.payload);
  Cluster &cluster = warp.cta.cluster;
  bool increment = i.aux;
  for (uint32_t rest = mask; rest; rest &= rest - 1) {
    uint32_t lane = uint32_t(__builtin_ctz(rest));
    auto place = locateMbarrier(warp, p, lane);
    if (!place)
      return warp.fault(i, 1u << lane, place.error());
    if (Sanitizer *sanitizer = cluster.sanitizer.get())
      sanitizer->copyAsyncArrive(warp, i, 1u << lane, *place->cta,
                                 place->offset);
    if (increment)
      if (auto done = place->cta->mbarriers.incrementPending(place->offset);
          !done)
        return warp.fault(i, 1u << lane, done.error());
    // It comes after the copies in their order.
    cluster.issue(cluster.pending.create<CopyArrival>(warp, i, lane, *place),
                  copyLatency, &warp.newestCopy);
  }
  return Flow::Next;
}

Handler decodeCopy(Decoder &d) {
  bool cg = d.mods.take("cg");
  if (!cg && !d.mods.take("ca"))
    return d.unknown();
  if (d.mods.takeAny({"shared", "shared::cta"}).empty() ||
      !d.mods.take("global"))
    return d.unknown();
  bool hint = d.mods.take("L2::cache_hint");
  d.mods.takeAny({"L2::64B", "L2::128B", "L2::256B"});
  auto *p = d.payload<CopyPayload>();
  d.expectOperands(3, 4 + hint);
  Space shared = Space::Shared, global = Space::Global;
  Decoder::Address to = d.address(d.operand(0), shared);
  Decoder::Address from = d.address(d.operand(1), global);
  p->dst = to.slot;
  p->wideDst = to.wide;
  p->dstOffset = to.offset;
  p->src = from.slot;
  p->wideSrc = from.wide;
  p->srcOffset = from.offset;
  p->cursor = d.newCursor();
  p->bytes = uint32_t(d.literal(d.operand(2)));
  if (cg ? p->bytes != 16 : p->bytes != 4 && p->bytes != 8 && p->bytes != 16)
    return d.fail("expected {} bytes, found {}", cg ? "16" : "4, 8 or 16",
                  p->bytes);
  if (d.numOperands() == 4u + hint) {
    const Operand &extra = d.operand(3);
    if (d.isPredicate(extra)) {
      p->hasIgnore = true;
      p->ignore = d.predicateSource(extra, p->ignoreFlip);
    } else {
      p->hasSourceBytes = true;
      p->sourceBytes = d.source(extra, Type::U32);
    }
  }
  return copy;
}

Handler decodeCp(Decoder &d) {
  bool reduce = d.mods.take("reduce");
  if (!d.mods.take("async"))
    return d.unknown();
  if (d.mods.take("bulk")) {
    if (d.mods.take("commit_group")) {
      d.expectOperands(0);
      return commit<&Warp::bulkGroups>;
    }
    if (d.mods.take("wait_group")) {
      bool read = d.mods.take("read");
      d.expectOperands(1);
      d.inst.immediate = int64_t(d.literal(d.operand(0)));
      return read ? BulkReadWait::execute : BulkWait::execute;
    }
    return d.mods.take("tensor") ? decodeTensorCopy(d, reduce)
                                 : decodeBulkCopy(d, reduce);
  }
  if (reduce)
    return d.unknown();
  if (d.mods.take("commit_group")) {
    d.expectOperands(0);
    return commit<&Warp::copyGroups>;
  }
  bool all = d.mods.take("wait_all");
  if (all || d.mods.take("wait_group")) {
    d.expectOperands(all ? 0 : 1);
    d.inst.immediate =
        all ? int64_t(waitForAll) : int64_t(d.literal(d.operand(0)));
    return CopyWait::execute;
  }
  if (d.mods.take("mbarrier")) {
    if (!d.mods.take("arrive"))
      return d.unknown();
    d.inst.aux = !d.mods.take("noinc");
    std::string_view space = d.mods.takeAny({"shared", "shared::cta"});
    d.mods.takeType();
    auto *p = d.payload<MbarrierAddress>();
    p->generic = space.empty();
    d.expectOperands(1);
    decodeMbarrierAddress(d, d.operand(0), *p);
    return mbarrierArrive;
  }
  return decodeCopy(d);
}

constexpr RowEffects loadEffects{.reads = globalMemory,
                                 .writes = sharedMemory,
                                 .proxy = Proxy::Async,
                                 .completion = Completion::Mbarrier,
                                 .sinks = addressSink | syncSink},
    storeEffects{.reads = sharedMemory,
                 .writes = globalMemory,
                 .proxy = Proxy::Async,
                 .completion = Completion::BulkGroup,
                 .sinks = addressSink},
    reduceEffects{.reads = sharedMemory | globalMemory,
                  .writes = globalMemory,
                  .proxy = Proxy::Async,
                  .completion = Completion::BulkGroup,
                  .sinks = addressSink,
                  .update = Update::Reduces};

constexpr InstructionRow rows[] = {
    {"cp.async.(ca|cg).<cta>.global{.L2::cache_hint}{.<prefetch2>}",
     decodeCp,
     {.reads = globalMemory,
      .writes = sharedMemory,
      .completion = Completion::CopyGroup,
      .sinks = addressSink},
     Timing::Copy,
     Fidelity::Exact,
     800},
    {"cp.async.commit_group",
     decodeCp,
     {.sync = commits},
     Timing::Copy,
     Fidelity::Exact,
     800},
    {"cp.async.wait_group",
     decodeCp,
     {.sync = meets},
     Timing::Copy,
     Fidelity::Exact,
     800},
    {"cp.async.wait_all",
     decodeCp,
     {.sync = meets},
     Timing::Copy,
     Fidelity::Exact,
     800},
    {"cp.async.mbarrier.arrive{.noinc}{.<cta>}.b64",
     decodeCp,
     {.reads = sharedMemory,
      .writes = sharedMemory,
      .sync = usesMbarrier | releases,
      .completion = Completion::Mbarrier,
      .sinks = addressSink | syncSink},
     Timing::Copy,
     Fidelity::Exact,
     800},
    {"cp.async.bulk.(shared::cluster|shared::cta).global"
     ".mbarrier::complete_tx::bytes{.multicast::cluster}{.L2::cache_hint}",
     decodeCp, loadEffects, Timing::Bulk, Fidelity::Exact, 900},
    {"cp.async.bulk.shared::cluster.shared::cta.mbarrier::complete_tx::bytes",
     decodeCp,
     {.reads = sharedMemory,
      .writes = sharedMemory,
      .proxy = Proxy::Async,
      .completion = Completion::Mbarrier,
      .sinks = addressSink | syncSink},
     Timing::Bulk,
     Fidelity::Exact,
     900},
    {"cp.async.bulk.global.shared::cta.bulk_group{.L2::cache_hint}", decodeCp,
     storeEffects, Timing::Bulk, Fidelity::Exact, 900},
    {"cp.async.bulk.prefetch.L2.global{.L2::cache_hint}",
     decodeNothing,
     {},
     Timing::Bulk,
     Fidelity::Exact,
     900},
    {"cp.async.bulk.commit_group",
     decodeCp,
     {.sync = commits},
     Timing::Bulk,
     Fidelity::Exact,
     900},
    {"cp.async.bulk.wait_group{.read}",
     decodeCp,
     {.sync = meets},
     Timing::Bulk,
     Fidelity::Exact,
     900},
    {"cp.reduce.async.bulk.global.shared::cta.bulk_group{.L2::cache_hint}"
     ".(add|min|max|inc|dec|and|or|xor)"
     ".(b32|b64|u32|s32|u64|s64|f32|f64)",
     decodeCp, reduceEffects, Timing::Bulk, Fidelity::Exact, 900},
    {"cp.reduce.async.bulk.global.shared::cta.bulk_group{.L2::cache_hint}"
     ".(add|min|max){.noftz}.(f16|bf16)",
     decodeCp, reduceEffects, Timing::Bulk, Fidelity::Exact, 900},
    {"cp.async.bulk.tensor.(1d|2d|3d|4d|5d).(shared::cluster|shared::cta)"
     ".global{.tile}.mbarrier::complete_tx::bytes{.multicast::cluster}"
     "{.cta_group::1}{.L2::cache_hint}",
     decodeCp, loadEffects, Timing::Bulk, Fidelity::Exact, 900},
    {"cp.async.bulk.tensor.(1d|2d|3d|4d|5d).global.shared::cta{.tile}"
     ".bulk_group{.L2::cache_hint}",
     decodeCp, storeEffects, Timing::Bulk, Fidelity::Exact, 900},
    {"cp.async.bulk.prefetch.tensor.(1d|2d|3d|4d|5d).L2.global"
     "{.(tile|im2col)}{.L2::cache_hint}",
     decodeNothing,
     {},
     Timing::Bulk,
     Fidelity::Exact,
     900},
    {"cp.reduce.async.bulk.tensor.(1d|2d|3d|4d|5d).global.shared::cta"
     ".(add|min|max|inc|dec|and|or|xor){.tile}.bulk_group{.L2::cache_hint}",
     decodeCp, reduceEffects, Timing::Bulk, Fidelity::Exact, 900},
};

} // namespace

std::span<const InstructionRow> heddle::vgpu::asyncCopyInstructions() {
  return rows;
}
