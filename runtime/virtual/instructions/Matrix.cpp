//===- Matrix.cpp - ldmatrix and stmatrix ---------------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "units/Matrix.h"

#include "decode/AddressSpace.h"
#include "engine/Cluster.h"
#include "instructions/Table.h"
#include "sanitizer/Sanitizer.h"

using namespace heddle;
using namespace heddle::vgpu;

namespace {

struct MatrixPayload : Payload {
  std::vector<uint32_t> slots;
  bool wide = false;
};

template <bool isLoad, bool trans>
Flow matrix(Warp &warp, const Instruction &i, uint32_t mask) {
  auto &p = *static_cast<const MatrixPayload *>(i.payload);
  if (!warp.converge(i, fullMask, mask))
    return Flow::Stop;
  if (mask != fullMask)
    return warp.fault(
        i, mask, {faults::divergence, "expected all 32 lanes of the warp"});
  uint64_t generic[warpSize];
  warp.addresses(i, i.src[0], p.wide, generic);
  uint32_t addresses[warpSize];
  uint32_t count = uint32_t(p.slots.size()), bad = 0;
  for (uint32_t l = 0; l < warpSize; ++l) {
    uint32_t window = uint32_t(generic[l]);
    // Lanes that supply no row may hold anything.
    if (l < 8 * count && window >> sharedRankShift != warp.cta.rank)
      bad |= 1u << l;
    addresses[l] = window & sharedOffsetMask;
  }
  if (bad)
    return warp.fault(
        i, bad,
        {faults::bounds, "expected addresses in this CTA's shared memory"});
  uint32_t *registers[4] = {};
  for (uint32_t n = 0; n < count; ++n)
    registers[n] = warp.reg32(p.slots[n]);
  Cta &cta = warp.cta;
  Checked<void> done;
  if constexpr (isLoad)
    done = ldmatrix(cta.shared(), cta.sharedBytes, addresses, count, trans,
                    registers);
  else
    done = stmatrix(cta.shared(), cta.sharedBytes, addresses, count, trans,
                    registers);
  if (!done)
    return warp.fault(i, mask, done.error());
  if (Sanitizer *sanitizer = cta.cluster.sanitizer.get())
    sanitizer->matrix(warp, i, addresses, count, !isLoad);
  return Flow::Next;
}

Handler decodeMatrix(Decoder &d) {
  bool isLoad = d.mods.base() == "ldmatrix";
  for (std::string_view part : {"sync", "aligned", "m8n8"})
    if (!d.mods.take(part))
      return d.unknown();
  std::string_view count = d.mods.takeAny({"x1", "x2", "x4"});
  bool trans = d.mods.take("trans");
  d.mods.takeAny({"shared", "shared::cta"});
  if (count.empty() || d.mods.takeType() != Type::B16)
    return d.unknown();
  d.expectOperands(2);
  auto *p = d.payload<MatrixPayload>();
  for (const Operand *part : d.elements(d.operand(isLoad ? 0 : 1)))
    p->slots.push_back(isLoad ? d.destination(*part, Type::B32)
                              : d.source(*part, Type::B32));
  if (p->slots.size() != size_t(count[1] - '0'))
    return d.fail("expected {} registers, found {}", count[1], p->slots.size());
  Space space = Space::Shared;
  Decoder::Address address = d.address(d.operand(isLoad ? 1 : 0), space);
  p->wide = address.wide;
  d.inst.src[0] = address.slot;
  d.inst.immediate = address.offset;
  if (isLoad)
    return trans ? matrix<true, true> : matrix<true, false>;
  return trans ? matrix<false, true> : matrix<false, false>;
}

constexpr RowEffects loadEffects{.reads = sharedMemory, .sinks = addressSink},
    storeEffects{.writes = sharedMemory, .sinks = addressSink | storeSink};

constexpr InstructionRow rows[] = {
    {"ldmatrix.sync.aligned.m8n8.(x1|x2|x4){.trans}{.<cta>}.b16", decodeMatrix,
     loadEffects, Timing::Memory},
    {"stmatrix.sync.aligned.m8n8.(x1|x2|x4){.trans}{.<cta>}.b16", decodeMatrix,
     storeEffects, Timing::Memory, Fidelity::Exact, 900},
};

} // namespace

std::span<const InstructionRow> heddle::vgpu::matrixInstructions() {
  return rows;
}
