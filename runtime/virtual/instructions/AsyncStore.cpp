//===- AsyncStore.cpp - st.async and reductions to shared memory ----------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Stores and reductions to shared memory of the cluster that an mbarrier there
/// counts: of registers (st.async, red.async) and of ranges of this CTA's
/// shared memory (cp.reduce.async.bulk).
///
//===----------------------------------------------------------------------===//

#include "instructions/AsyncMemory.h"
#include "instructions/Table.h"
#include "sanitizer/Sanitizer.h"

#include <cstring>

using namespace heddle;
using namespace heddle::vgpu;

namespace {

struct AsyncStorePayload : Payload {
  ThreadAddress to, from;
  MbarrierAddress barrier;
  /// Registers stored, or the number of bytes of a range.
  std::vector<uint32_t> slots;
  /// Of a reduction.
  std::optional<ReduceOp> op;
  TensorMapType reduced = TensorMapType::U32;
  uint32_t elementBytes = 4;
};

class AsyncStore final : public SharedLoad {
public:
  /// Stores `bytes` bytes: of `data`, or of `from` if that has a CTA.
  AsyncStore(Warp &warp, const Instruction &i, uint32_t lane, SharedPlace to,
             MbarrierPlace barrier, std::array<std::byte, 16> data,
             SharedPlace from, uint32_t bytes)
      : SharedLoad(warp, i, lane, to, barrier), data(data), from(from),
        bytes(bytes) {}

private:
  Checked<uint32_t> copy() override {
    auto &p = *static_cast<const AsyncStorePayload *>(instruction.payload);
    std::byte *target = to.cta->shared() + to.offset;
    const std::byte *source =
        from.cta ? from.cta->shared() + from.offset : data.data();
    if (p.op)
      return sharedReduce(target, source, bytes, p.reduced, *p.op);
    std::memcpy(target, source, bytes);
    return bytes;
  }

  const std::array<std::byte, 16> data;
  const SharedPlace from;
  const uint32_t bytes;
};

/// `range`: of this CTA's shared memory, else of registers.
template <bool range>
Flow asyncStore(Warp &warp, const Instruction &i, uint32_t mask) {
  auto &p = *static_cast<const AsyncStorePayload *>(i.payload);
  Cluster &cluster = warp.cta.cluster;
  uint32_t element = p.elementBytes;
  for (; mask; mask &= mask - 1) {
    uint32_t lane = uint32_t(__builtin_ctz(mask));
    uint32_t bytes = range ? warp.reg32(p.slots[0])[lane]
                           : element * uint32_t(p.slots.size());
    auto refuse = [&](Fault fault) {
      return warp.fault(i, 1u << lane, std::move(fault));
    };
    if (range && bytes % 16)
      return refuse(
          {faults::alignment,
           fmt::format("expected a multiple of 16 bytes, found {}", bytes)});
    auto to = locateShared(warp, p.to.of(warp, lane), bytes, range ? 16 : bytes,
                           /*crossCta=*/true);
    if (!to)
      return refuse(to.error());
    auto barrier = locateMbarrier(warp, p.barrier, lane);
    if (!barrier)
      return refuse(barrier.error());
    if (barrier->cta != to->cta)
      return refuse(
          {faults::other, fmt::format("expected the mbarrier in the CTA of the "
                                      "destination, rank {}, found rank {}",
                                      to->cta->rank, barrier->cta->rank)});
    Sanitizer *sanitizer = cluster.sanitizer.get();
    bool reduce = p.op.has_value();
    SharedPlace from;
    std::array<std::byte, 16> data = {};
    if constexpr (range) {
      auto source = locateShared(warp, p.from.of(warp, lane), bytes, 16, false);
      if (!source)
        return refuse(source.error());
      from = *source;
      if (sanitizer)
        sanitizer->copyBetweenCtas(warp, i, lane, *to->cta, to->offset,
                                   from.offset, bytes, *barrier->cta,
                                   barrier->offset, reduce);
    } else {
      if (sanitizer)
        sanitizer->storeAsync(warp, i, lane, *to->cta, to->offset, bytes,
                              *barrier->cta, barrier->offset, reduce);
      for (size_t n = 0; n < p.slots.size(); ++n) {
        uint64_t value = element == 8 ? warp.reg64(p.slots[n])[lane]
                                      : warp.reg32(p.slots[n])[lane];
        std::memcpy(data.data() + n * element, &value, element);
      }
    }
    if (!reduce)
      poison(*to->cta, to->offset, bytes);
    cluster.issue(cluster.pending.create<AsyncStore>(
                      warp, i, lane, *to, *barrier, data, from, bytes),
                  copyLatency);
  }
  return Flow::Next;
}

Handler decodeAsyncStore(Decoder &d) {
  auto *p = d.payload<AsyncStorePayload>();
  bool range = d.mods.base() == "cp";
  if (d.mods.base() != "st")
    p->op = takeReduceOp(d.mods);
  std::string_view vector = d.mods.takeAny({"v2", "v4"});
  Type type = d.mods.takeType();
  p->elementBytes = bits(type) / 8;
  if (p->op) {
    auto reduced = reduceType(type);
    if (!reduced)
      return d.unknown();
    p->reduced = *reduced;
  }
  d.expectOperands(3 + range);
  p->to = threadAddress(d, d.operand(0), Space::Shared);
  if (range) {
    p->from = threadAddress(d, d.operand(1), Space::Shared);
    p->slots.push_back(d.source(2, Type::U32));
  } else {
    for (const Operand *part : d.elements(d.operand(1)))
      p->slots.push_back(d.source(*part, type));
    size_t expected = vector.empty() ? 1 : size_t(vector[1] - '0');
    if (p->slots.size() != expected || expected * bits(type) > 128)
      return d.fail("expected {} registers and at most 128 bits, found {} of "
                    "{} bits",
                    expected, p->slots.size(), bits(type));
  }
  p->barrier.crossCta = true;
  decodeMbarrierAddress(d, d.operand(2 + range), p->barrier);
  return range ? asyncStore<true> : asyncStore<false>;
}

constexpr RowEffects storeEffects{.writes = sharedMemory,
                                  .completion = Completion::Mbarrier,
                                  .sinks = addressSink | storeSink | syncSink},
    reduceEffects{.reads = sharedMemory,
                  .writes = sharedMemory,
                  .completion = Completion::Mbarrier,
                  .sinks = addressSink | storeSink | syncSink,
                  .update = Update::Reduces},
    bulkReduceEffects{.reads = sharedMemory,
                      .writes = sharedMemory,
                      .proxy = Proxy::Async,
                      .completion = Completion::Mbarrier,
                      .sinks = addressSink | syncSink,
                      .update = Update::Reduces};

constexpr InstructionRow rows[] = {
    {"st.async{.weak}{.shared::cluster}{.mbarrier::complete_tx::bytes}"
     "{.(v2|v4)}.(b32|b64|u32|u64|s32|s64|f32|f64)",
     decodeAsyncStore, storeEffects, Timing::Copy, Fidelity::Exact, 900},
    {"red.async.relaxed.cluster{.shared::cluster}"
     ".mbarrier::complete_tx::bytes.(add|min|max).(u32|s32|u64)",
     decodeAsyncStore, reduceEffects, Timing::Copy, Fidelity::Exact, 900},
    {"red.async.relaxed.cluster{.shared::cluster}"
     ".mbarrier::complete_tx::bytes.(inc|dec).u32",
     decodeAsyncStore, reduceEffects, Timing::Copy, Fidelity::Exact, 900},
    {"red.async.relaxed.cluster{.shared::cluster}"
     ".mbarrier::complete_tx::bytes.(and|or|xor).b32",
     decodeAsyncStore, reduceEffects, Timing::Copy, Fidelity::Exact, 900},
    {"cp.reduce.async.bulk.shared::cluster.shared::cta"
     ".mbarrier::complete_tx::bytes.add.(u32|s32|u64)",
     decodeAsyncStore, bulkReduceEffects, Timing::Bulk, Fidelity::Exact, 900},
    {"cp.reduce.async.bulk.shared::cluster.shared::cta"
     ".mbarrier::complete_tx::bytes.(min|max).(u32|s32)",
     decodeAsyncStore, bulkReduceEffects, Timing::Bulk, Fidelity::Exact, 900},
    {"cp.reduce.async.bulk.shared::cluster.shared::cta"
     ".mbarrier::complete_tx::bytes.(inc|dec).u32",
     decodeAsyncStore, bulkReduceEffects, Timing::Bulk, Fidelity::Exact, 900},
    {"cp.reduce.async.bulk.shared::cluster.shared::cta"
     ".mbarrier::complete_tx::bytes.(and|or|xor).b32",
     decodeAsyncStore, bulkReduceEffects, Timing::Bulk, Fidelity::Exact, 900},
};

} // namespace

std::span<const InstructionRow> heddle::vgpu::asyncStoreInstructions() {
  return rows;
}
