//===- Tensor.cpp - Tensor copies -----------------------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "instructions/AsyncMemory.h"
#include "instructions/Table.h"
#include "units/TensorMapCodec.h"

#include <cstring>

using namespace heddle;
using namespace heddle::vgpu;

namespace {

struct TensorPayload : Payload {
  ThreadAddress shared, map;
  MbarrierAddress barrier;
  std::vector<uint32_t> coordinates;
  bool multicast = false;
  uint32_t mask = 0;
  uint32_t mapCursor = 0, cursor = 0;
  ReduceOp op = ReduceOp::Add;
};

struct TensorOperands {
  TensorMapSpec spec;
  std::array<int32_t, 5> coordinates = {};
  std::span<const int32_t> coords() const {
    return {coordinates.data(), spec.rank};
  }
};

/// The tensor map behind a generic address: a kernel parameter, or memory.
Checked<TensorOperands> readOperands(Warp &warp, const TensorPayload &p,
                                     uint32_t lane) {
  uint64_t address = p.map.of(warp, lane);
  std::array<std::byte, 128> bytes;
  for (uint32_t part = 0; part < 2; ++part) {
    const std::byte *host =
        accessLane(warp, Space::Generic, address + part * 64, 64, lane,
                   p.mapCursor, false, AccessKind::Load);
    if (!host)
      return tl::unexpected(explainAccess(warp, Space::Generic,
                                          address + part * 64, 64, false,
                                          AccessKind::Load)
                                .in("tensor map"));
    std::memcpy(bytes.data() + part * 64, host, 64);
  }
  auto spec = decodeTensorMap(bytes);
  if (!spec)
    return tl::unexpected(spec.error());
  if (spec->rank != p.coordinates.size())
    return makeFault(faults::other,
                     "expected a tensor map of rank {}, found rank {}",
                     p.coordinates.size(), spec->rank);
  TensorOperands operands{*spec, {}};
  for (size_t d = 0; d < p.coordinates.size(); ++d)
    operands.coordinates[d] = int32_t(warp.reg32(p.coordinates[d])[lane]);
  return operands;
}

/// Loads a box to one CTA.
class BoxLoad final : public SharedLoad {
public:
  BoxLoad(Warp &warp, const Instruction &i, uint32_t lane,
          MbarrierPlace barrier, SharedPlace to, const TensorOperands &operands)
      : SharedLoad(warp, i, lane, to, barrier), operands(operands) {}

private:
  Checked<uint32_t> copy() override {
    auto &p = *static_cast<const TensorPayload *>(instruction.payload);
    return tmaLoad(operands.spec, operands.coords(), to.cta->shared(),
                   to.cta->sharedBytes, to.offset,
                   warp.cta.cluster.cursors[p.cursor]);
  }
  const TensorOperands operands;
};

template <bool reduce>
class BoxStore final : public SharedStore {
public:
  BoxStore(Warp &warp, const Instruction &i, uint32_t lane, SharedPlace from,
           const TensorOperands &operands)
      : SharedStore(warp, i, lane, from, tmaBoxBytes(operands.spec)),
        operands(operands) {}

private:
  Checked<void> write() override {
    auto &p = *static_cast<const TensorPayload *>(instruction.payload);
    auto &cursor = warp.cta.cluster.cursors[p.cursor];
    if constexpr (reduce)
      return tmaReduce(operands.spec, p.op, operands.coords(), window.data(),
                       uint32_t(window.size()), offset, cursor);
    else
      return tmaStore(operands.spec, operands.coords(), window.data(),
                      uint32_t(window.size()), offset, cursor);
  }
  const TensorOperands operands;
};

Checked<void> issueLoad(Warp &warp, const Instruction &i, uint32_t lane) {
  auto &p = *static_cast<const TensorPayload *>(i.payload);
  auto operands = readOperands(warp, p, lane);
  if (!operands)
    return tl::unexpected(operands.error());
  uint32_t bytes = tmaBoxBytes(operands->spec);
  auto place = locateShared(warp, p.shared.of(warp, lane), bytes, 128, true);
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
  GlobalRange source = boxRange(operands->spec, operands->coords());
  warp.cta.cluster.traffic.count(AccessKind::Load, source.getBytes());
  if (Sanitizer *sanitizer = warp.cta.cluster.sanitizer.get()) {
    sanitizer->readTensorMap(warp, i, lane, p.map.of(warp, lane), barrier->cta,
                             barrier->offset);
  }
  multicastLoad(warp, i, lane, *place, bytes, *barrier, targets, source,
                [&](SharedPlace to, MbarrierPlace credited) -> BoxLoad & {
                  if (Sanitizer *sanitizer = warp.cta.cluster.sanitizer.get())
                    sanitizer->copiedBox(*to.cta, to.offset, operands->spec,
                                         operands->coords(), p.cursor);
                  return warp.cta.cluster.pending.create<BoxLoad>(
                      warp, i, lane, credited, to, *operands);
                });
  return {};
}

template <bool reduce>
Checked<void> issueStore(Warp &warp, const Instruction &i, uint32_t lane) {
  auto &p = *static_cast<const TensorPayload *>(i.payload);
  auto operands = readOperands(warp, p, lane);
  if (!operands)
    return tl::unexpected(operands.error());
  auto place = locateShared(warp, p.shared.of(warp, lane),
                            tmaBoxBytes(operands->spec), 128, false);
  if (!place)
    return tl::unexpected(place.error());
  if (warp.bulkGroups.empty())
    warp.bulkGroups.resize(warpSize);
  GlobalRange target = boxRange(operands->spec, operands->coords());
  warp.cta.cluster.traffic.count(AccessKind::Store, target.getBytes());
  if (Sanitizer *sanitizer = warp.cta.cluster.sanitizer.get()) {
    sanitizer->readTensorMap(warp, i, lane, p.map.of(warp, lane), nullptr, 0);
    sanitizer->bulkStore(warp, i, lane, place->offset,
                         tmaBoxBytes(operands->spec), target, reduce, p.cursor);
  }
  warp.cta.cluster.pending
      .create<BoxStore<reduce>>(warp, i, lane, *place, *operands)
      .issue();
  return {};
}

template <Checked<void> (*issue)(Warp &, const Instruction &, uint32_t)>
Flow perLane(Warp &warp, const Instruction &i, uint32_t mask) {
  for (; mask; mask &= mask - 1) {
    uint32_t lane = uint32_t(__builtin_ctz(mask));
    if (auto done = issue(warp, i, lane); !done)
      return warp.fault(i, 1u << lane, done.error());
  }
  return Flow::Next;
}

void decodeMapOperand(Decoder &d, const Operand &operand, TensorPayload &p,
                      unsigned rank) {
  p.map = threadAddress(d, operand, Space::Generic);
  // A parameter named directly is an offset; make it generic.
  if (operand.kind == OperandKind::Address && !operand.elements.empty() &&
      operand.elements[0].kind == OperandKind::Symbol &&
      d.parameterOffset(operand.elements[0].name))
    p.map.offset += int64_t(paramWindow);
  if (operand.elements.size() != 2) {
    d.fail("expected coordinates in braces after the tensor map");
    return;
  }
  for (const Operand *coordinate : d.elements(operand.elements[1]))
    p.coordinates.push_back(d.source(*coordinate, Type::S32));
  if (p.coordinates.size() != rank)
    d.fail("expected {} coordinates, found {}", rank, p.coordinates.size());
  p.mapCursor = d.newCursor();
  p.cursor = d.newCursor();
}

constexpr RowEffects editEffects{.reads = globalMemory | sharedMemory,
                                 .writes = globalMemory | sharedMemory,
                                 .sinks = addressSink | storeSink};

constexpr InstructionRow rows[] = {
    {"tensormap.replace.tile.(global_address|global_stride)"
     "{.(global|shared::cta)}.b1024.b64",
     decodeTensorMapEdit, editEffects, Timing::Memory, Fidelity::Exact, 901},
    {"tensormap.replace.tile.(rank|box_dim|global_dim|element_stride|elemtype"
     "|interleave_layout|swizzle_mode|fill_mode){.(global|shared::cta)}.b1024"
     ".b32",
     decodeTensorMapEdit, editEffects, Timing::Memory, Fidelity::Exact, 901},
    {"tensormap.cp_fenceproxy.global.shared::cta.tensormap::generic.release"
     ".<scope>.sync.aligned",
     decodeTensorMapEdit,
     {.reads = sharedMemory,
      .writes = globalMemory,
      .proxy = Proxy::Tensormap,
      .sync = releases | fences,
      .sinks = addressSink},
     Timing::Memory,
     Fidelity::Exact,
     900},
};

} // namespace

std::span<const InstructionRow> heddle::vgpu::tensorInstructions() {
  return rows;
}

Handler heddle::vgpu::decodeTensorCopy(Decoder &d, bool reduce) {
  std::string_view rankName = d.mods.takeAny({"1d", "2d", "3d", "4d", "5d"});
  if (rankName.empty())
    return d.unknown();
  unsigned rank = unsigned(rankName[0] - '0');
  auto *p = d.payload<TensorPayload>();
  std::string_view to = d.mods.takeFirst(), from = d.mods.takeFirst();
  d.mods.take("tile");
  bool hint = d.mods.take("L2::cache_hint");
  p->multicast = d.mods.take("multicast::cluster");
  if (to.starts_with("shared") && from == "global" && !reduce) {
    if (!d.mods.take("mbarrier::complete_tx::bytes"))
      return d.unknown();
    d.mods.take("cta_group::1");
    d.expectOperands(3 + p->multicast + hint);
    p->shared = threadAddress(d, d.operand(0), Space::Shared);
    decodeMapOperand(d, d.operand(1), *p, rank);
    p->barrier.crossCta = true;
    decodeMbarrierAddress(d, d.operand(2), p->barrier);
    if (p->multicast)
      p->mask = d.source(3, Type::U16);
    return perLane<issueLoad>;
  }
  if (to != "global" || from != "shared::cta" || !d.mods.take("bulk_group"))
    return d.unknown();
  if (reduce) {
    auto op = takeReduceOp(d.mods);
    if (!op)
      return d.unknown();
    p->op = *op;
  }
  d.expectOperands(2 + hint);
  decodeMapOperand(d, d.operand(0), *p, rank);
  p->shared = threadAddress(d, d.operand(1), Space::Shared);
  return reduce ? perLane<issueStore<true>> : perLane<issueStore<false>>;
}
