//===- Bulk.cpp - Bulk copies of contiguous ranges ------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "instructions/AsyncMemory.h"
#include "instructions/Table.h"

#include <cstring>

using namespace heddle;
using namespace heddle::vgpu;

Checked<SharedPlace> heddle::vgpu::locateShared(Warp &warp, uint64_t address,
                                                uint32_t bytes, uint32_t align,
                                                bool crossCta) {
  uint32_t window = uint32_t(address);
  Cta *cta = &warp.cta;
  if (window >> sharedRankShift != cta->rank)
    cta = crossCta ? warp.cta.cluster.liveCtaOf(window) : nullptr;
  uint32_t offset = window & sharedOffsetMask;
  if (offset % align)
    return makeFault(faults::alignment,
                     "shared offset {} is not a multiple of {} bytes", offset,
                     align);
  // Of an address in a CTA that is not reached this tells why.
  if (!cta)
    return tl::unexpected(explainAccess(warp, Space::Shared, window, 1,
                                        crossCta, AccessKind::Load));
  if (offset > cta->sharedBytes || bytes > cta->sharedBytes - offset)
    return makeFault(faults::bounds,
                     "the copy's {} bytes at shared offset {} are outside the "
                     "CTA's {} bytes of shared memory",
                     bytes, offset, cta->sharedBytes);
  return SharedPlace{cta, offset};
}

Checked<uint32_t> heddle::vgpu::multicastTargets(Warp &warp, uint32_t mask) {
  size_t count = warp.cta.cluster.ctas.size();
  if (uint32_t outside = mask & 0xffff & ~((1u << count) - 1))
    return makeFault(faults::bounds,
                     "multicast mask {:#x} names rank {} of a cluster of {} "
                     "CTAs",
                     mask, __builtin_ctz(outside), count);
  return mask & 0xffff;
}

void heddle::vgpu::poison(Cta &cta, uint32_t offset, uint32_t bytes) {
  std::memset(cta.shared() + offset, 0xff, bytes);
}

Checked<void> SharedLoad::execute() {
  auto credit = copy();
  if (!credit)
    return tl::unexpected(credit.error());
  // Who waited for the phase took the copy for done.
  if (Sanitizer *sanitizer = warp.cta.cluster.sanitizer.get();
      sanitizer && phaseOf(barrier) != phase)
    sanitizer->lateCopy(warp, instruction, lanes, barrier.offset, phase);
  return barrier.cta->mbarriers.completeTx(barrier.offset, *credit);
}

uint64_t SharedLoad::phaseOf(const MbarrierPlace &barrier) {
  const MbarrierState *state = barrier.cta->mbarriers.find(barrier.offset);
  return state ? state->phase : 0;
}

/// The pattern of every swizzle repeats after this many bytes.
static constexpr uint32_t swizzlePeriod = 1024;
/// No swizzle moves bytes out of a row of this size.
static constexpr uint32_t swizzleRow = 128;

SharedStore::SharedStore(Warp &warp, const Instruction &i, uint32_t lane,
                         SharedPlace from, uint32_t bytes)
    : PendingOperation(warp, i, 1u << lane,
                       {Channel::Kind::BulkGroup, &warp, lane}, 2),
      from(from), window(&warp.cta.cluster.pending.memory()), bytes(bytes) {
  ++warp.bulkGroups[lane].issued;
  warp.bulkGroups[lane].newestPc = warp.indexOf(i);
}

void SharedStore::issue() {
  warp.cta.cluster.issue(*this, copyLatency,
                         &warp.bulkGroups[channel.number].newest);
}

Checked<void> SharedStore::execute() {
  AsyncGroups &group = warp.bulkGroups[channel.number];
  if (stage == 0) {
    offset = from.offset % swizzlePeriod;
    uint32_t begin = offset & ~(swizzleRow - 1);
    uint32_t end = (offset + bytes + swizzleRow - 1) & ~(swizzleRow - 1);
    window.resize(end);
    std::memcpy(window.data() + begin,
                from.cta->shared() + (from.offset - offset + begin),
                end - begin);
    ++group.sourcesRead;
    return {};
  }
  ++group.completed;
  return write();
}

std::optional<ReduceOp> heddle::vgpu::takeReduceOp(Modifiers &mods) {
  constexpr std::pair<std::string_view, ReduceOp> names[] = {
      {"add", ReduceOp::Add}, {"min", ReduceOp::Min}, {"max", ReduceOp::Max},
      {"inc", ReduceOp::Inc}, {"dec", ReduceOp::Dec}, {"and", ReduceOp::And},
      {"or", ReduceOp::Or},   {"xor", ReduceOp::Xor}};
  for (auto [name, op] : names)
    if (mods.take(name))
      return op;
  return std::nullopt;
}

std::optional<TensorMapType> heddle::vgpu::reduceType(Type type) {
  switch (type) {
  case Type::F16:
    return TensorMapType::F16;
  case Type::BF16:
    return TensorMapType::BF16;
  case Type::F32:
    return TensorMapType::F32;
  case Type::F64:
    return TensorMapType::F64;
  case Type::B32:
  case Type::U32:
    return TensorMapType::U32;
  case Type::S32:
    return TensorMapType::S32;
  case Type::B64:
  case Type::U64:
    return TensorMapType::U64;
  case Type::S64:
    return TensorMapType::S64;
  default:
    return std::nullopt;
  }
}

namespace {

struct BulkPayload : Payload {
  ThreadAddress dst, src;
  MbarrierAddress barrier;
  uint32_t bytes = 0, mask = 0;
  bool multicast = false;
  uint32_t cursor = 0;
  ReduceOp op = ReduceOp::Add;
  TensorMapType type = TensorMapType::F32;
};

const BulkPayload &payloadOf(const Instruction &i) {
  return *static_cast<const BulkPayload *>(i.payload);
}

class RangeLoad final : public SharedLoad {
public:
  RangeLoad(Warp &warp, const Instruction &i, uint32_t lane,
            MbarrierPlace barrier, SharedPlace to, uint64_t from,
            uint32_t bytes)
      : SharedLoad(warp, i, lane, to, barrier), from(from), bytes(bytes) {}

private:
  Checked<uint32_t> copy() override {
    Cluster &cluster = warp.cta.cluster;
    return bulkLoad(from, bytes, to.cta->shared(), to.cta->sharedBytes,
                    to.offset, cluster.cursors[payloadOf(instruction).cursor]);
  }
  const uint64_t from;
  const uint32_t bytes;
};

/// A copy to shared memory of another CTA of the cluster.
class PeerCopy final : public SharedLoad {
public:
  PeerCopy(Warp &warp, const Instruction &i, uint32_t lane, SharedPlace to,
           SharedPlace from, MbarrierPlace barrier, uint32_t bytes)
      : SharedLoad(warp, i, lane, to, barrier), from(from), bytes(bytes) {}

private:
  Checked<uint32_t> copy() override {
    return bulkCopyShared(to.cta->shared(), to.cta->sharedBytes, to.offset,
                          from.cta->shared(), from.cta->sharedBytes,
                          from.offset, bytes);
  }
  const SharedPlace from;
  const uint32_t bytes;
};

template <bool reduce>
class RangeStore final : public SharedStore {
public:
  RangeStore(Warp &warp, const Instruction &i, uint32_t lane, SharedPlace from,
             uint32_t bytes, uint64_t to)
      : SharedStore(warp, i, lane, from, bytes), to(to), bytes(bytes) {}

private:
  Checked<void> write() override {
    auto &p = payloadOf(instruction);
    auto &cursor = warp.cta.cluster.cursors[p.cursor];
    if constexpr (reduce)
      return bulkReduce(to, bytes, p.type, p.op, window.data(),
                        uint32_t(window.size()), offset, cursor);
    else
      return bulkStore(to, bytes, window.data(), uint32_t(window.size()),
                       offset, cursor);
  }
  const uint64_t to;
  const uint32_t bytes;
};

template <typename F>
Flow perLane(Warp &warp, const Instruction &i, uint32_t mask, F &&body) {
  for (; mask; mask &= mask - 1) {
    uint32_t lane = uint32_t(__builtin_ctz(mask));
    if (Checked<void> done = body(lane); !done)
      return warp.fault(i, 1u << lane, done.error());
  }
  return Flow::Next;
}

Checked<void> checkSize(uint32_t bytes) {
  if (bytes % 16)
    return makeFault(faults::alignment,
                     "expected a multiple of 16 bytes, found {}", bytes);
  return {};
}

Flow toShared(Warp &warp, const Instruction &i, uint32_t mask) {
  auto &p = *static_cast<const BulkPayload *>(i.payload);
  return perLane(warp, i, mask, [&](uint32_t lane) -> Checked<void> {
    uint32_t bytes = warp.reg32(p.bytes)[lane];
    if (auto legal = checkSize(bytes); !legal)
      return legal;
    auto place = locateShared(warp, p.dst.of(warp, lane), bytes, 16, true);
    if (!place)
      return tl::unexpected(place.error());
    auto barrier = locateMbarrier(warp, p.barrier, lane);
    if (!barrier)
      return tl::unexpected(barrier.error());
    std::optional<uint32_t> targets;
    if (p.multicast) {
      auto ranks = multicastTargets(warp, warp.reg32(p.mask)[lane]);
      if (!ranks)
        return tl::unexpected(ranks.error());
      targets = *ranks;
    }
    uint64_t from = p.src.of(warp, lane);
    warp.cta.cluster.traffic.count(AccessKind::Load, bytes);
    multicastLoad(warp, i, lane, *place, bytes, *barrier, targets,
                  {.address = from, .rowBytes = bytes},
                  [&](SharedPlace to, MbarrierPlace credited) -> RangeLoad & {
                    if (Sanitizer *sanitizer = warp.cta.cluster.sanitizer.get())
                      sanitizer->copied(*to.cta, to.offset, from, bytes,
                                        p.cursor);
                    return warp.cta.cluster.pending.create<RangeLoad>(
                        warp, i, lane, credited, to, from, bytes);
                  });
    return {};
  });
}

Flow sharedToShared(Warp &warp, const Instruction &i, uint32_t mask) {
  auto &p = *static_cast<const BulkPayload *>(i.payload);
  return perLane(warp, i, mask, [&](uint32_t lane) -> Checked<void> {
    uint32_t bytes = warp.reg32(p.bytes)[lane];
    if (auto legal = checkSize(bytes); !legal)
      return legal;
    auto to = locateShared(warp, p.dst.of(warp, lane), bytes, 16, true);
    auto from = locateShared(warp, p.src.of(warp, lane), bytes, 16, false);
    auto barrier = locateMbarrier(warp, p.barrier, lane);
    if (!to)
      return tl::unexpected(to.error());
    if (!from)
      return tl::unexpected(from.error());
    if (!barrier)
      return tl::unexpected(barrier.error());
    Cluster &cluster = warp.cta.cluster;
    if (cluster.sanitizer)
      cluster.sanitizer->copyBetweenCtas(warp, i, lane, *to->cta, to->offset,
                                         from->offset, bytes, *barrier->cta,
                                         barrier->offset);
    poison(*to->cta, to->offset, bytes);
    cluster.issue(cluster.pending.create<PeerCopy>(warp, i, lane, *to, *from,
                                                   *barrier, bytes),
                  copyLatency);
    return {};
  });
}

template <bool reduce>
Flow toGlobal(Warp &warp, const Instruction &i, uint32_t mask) {
  auto &p = *static_cast<const BulkPayload *>(i.payload);
  if (warp.bulkGroups.empty())
    warp.bulkGroups.resize(warpSize);
  return perLane(warp, i, mask, [&](uint32_t lane) -> Checked<void> {
    uint32_t bytes = warp.reg32(p.bytes)[lane];
    if (auto legal = checkSize(bytes); !legal)
      return legal;
    auto from = locateShared(warp, p.src.of(warp, lane), bytes, 16, false);
    if (!from)
      return tl::unexpected(from.error());
    if (Sanitizer *sanitizer = warp.cta.cluster.sanitizer.get())
      sanitizer->bulkStore(warp, i, lane, from->offset, bytes,
                           {.address = p.dst.of(warp, lane), .rowBytes = bytes},
                           reduce, p.cursor);
    warp.cta.cluster.traffic.count(AccessKind::Store, bytes);
    warp.cta.cluster.pending
        .create<RangeStore<reduce>>(warp, i, lane, *from, bytes,
                                    p.dst.of(warp, lane))
        .issue();
    return {};
  });
}

} // namespace

Handler heddle::vgpu::decodeBulkCopy(Decoder &d, bool reduce) {
  auto *p = d.payload<BulkPayload>();
  std::string_view to = d.mods.takeFirst(), from = d.mods.takeFirst();
  bool hint = d.mods.take("L2::cache_hint");
  p->multicast = d.mods.take("multicast::cluster");
  bool toMbarrier = d.mods.take("mbarrier::complete_tx::bytes");
  bool group = d.mods.take("bulk_group");
  auto isShared = [](std::string_view s) { return s.starts_with("shared"); };
  if (to == "global" && from == "shared::cta" && group) {
    if (reduce) {
      auto op = takeReduceOp(d.mods);
      d.mods.take("noftz");
      auto type = reduceType(d.mods.takeType());
      if (!op || !type)
        return d.unknown();
      p->op = *op;
      p->type = *type;
    }
    d.expectOperands(3 + hint);
    p->dst = threadAddress(d, d.operand(0), Space::Global);
    p->src = threadAddress(d, d.operand(1), Space::Shared);
    p->bytes = d.source(2, Type::U32);
    p->cursor = d.newCursor();
    return reduce ? toGlobal<true> : toGlobal<false>;
  }
  if (reduce || !isShared(to) || !toMbarrier)
    return d.unknown();
  d.expectOperands(4 + p->multicast + hint);
  p->dst = threadAddress(d, d.operand(0), Space::Shared);
  p->src = threadAddress(d, d.operand(1),
                         from == "global" ? Space::Global : Space::Shared);
  p->bytes = d.source(2, Type::U32);
  p->barrier.crossCta = true;
  decodeMbarrierAddress(d, d.operand(3), p->barrier);
  if (p->multicast)
    p->mask = d.source(4, Type::U16);
  if (from == "global") {
    p->cursor = d.newCursor();
    return toShared;
  }
  return from == "shared::cta" ? sharedToShared : d.unknown();
}
