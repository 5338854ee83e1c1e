//===- Wmma.cpp - Loads and stores of fragments ---------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// wmma.load and wmma.store: matrices of shared or global memory to and from
/// fragments, whose layout PTX leaves open; Fragment.h says which one it is
/// here. Mma.cpp has wmma.mma.
///
//===----------------------------------------------------------------------===//

#include "engine/Access.h"
#include "instructions/Fragment.h"
#include "instructions/Table.h"
#include "sanitizer/Sanitizer.h"

#include <algorithm>
#include <cstring>

using namespace heddle;
using namespace heddle::vgpu;

namespace {

/// Rows, or columns, of a matrix are at multiples of this in memory, as the
/// CUDA C++ programming guide has it, unless they have fewer bytes. Those of
/// f64 are loaded one by one.
constexpr uint32_t rowAlignment = 16;

struct WmmaPayload : Payload {
  bool isLoad = false;
  ElementRow element;
  FragmentBlocks blocks;
  /// Elements of a lane side by side in a register.
  uint32_t perRegister = 1;
  /// Accumulators of 32 bits and more have two registers per block.
  uint32_t registersPerBlock = 1;
  /// Whether these elements are side by side in memory, too.
  bool contiguous = false;
  Space space = Space::Generic;
  bool wideAddress = false;
  uint32_t cursor = 0;
  uint32_t alignment = rowAlignment;
  /// The slot of the stride, in elements.
  uint32_t stride = 0;
  std::vector<uint32_t> slots;

  /// Of the registers that hold the matrix once.
  uint32_t registers() const { return blocks.count() * registersPerBlock; }
  uint32_t bytes(uint32_t elements) const {
    return elements * element.bits / 8;
  }
};

/// The address of the matrix and the bytes from row to row, or column to
/// column.
struct Origin {
  uint64_t address = 0, pitch = 0;
};

Checked<Origin> findOrigin(Warp &warp, const Instruction &i,
                           const WmmaPayload &p) {
  uint64_t addresses[warpSize];
  warp.addresses(i, i.src[0], p.wideAddress, addresses);
  const uint32_t *strides = warp.reg32(p.stride);
  for (uint32_t l = 1; l < warpSize; ++l) {
    if (addresses[l] != addresses[0])
      return makeFault(faults::divergence,
                       "expected one address in all lanes of the warp, found "
                       "{:#x} in lane 0 and {:#x} in lane {}",
                       addresses[0], addresses[l], l);
    if (strides[l] != strides[0])
      return makeFault(faults::divergence,
                       "expected one stride in all lanes of the warp, found "
                       "{} in lane 0 and {} in lane {}",
                       strides[0], strides[l], l);
  }
  uint32_t align = p.alignment;
  if (addresses[0] % align)
    return makeFault(faults::alignment,
                     "address {:#x} is not a multiple of {} bytes",
                     addresses[0], align);
  uint64_t bits = uint64_t(strides[0]) * p.element.bits;
  if (bits % (8 * align))
    return makeFault(faults::alignment,
                     "the stride of {} elements, {} bytes, is not a multiple "
                     "of {} bytes",
                     strides[0], bits / 8, align);
  return Origin{addresses[0], bits / 8};
}

/// Elements that the lanes access at once: from element `first` of register
/// `number`, `bytes` bytes of each lane.
struct Piece {
  uint32_t number, first, bytes;
};

/// Where each lane's part of a piece is.
void locate(const WmmaPayload &p, const Origin &origin, const Piece &piece,
            uint64_t (&out)[warpSize]) {
  uint32_t block = piece.number / p.registersPerBlock;
  uint32_t perLane = p.perRegister * p.registersPerBlock;
  uint32_t first =
      piece.number % p.registersPerBlock * p.perRegister + piece.first;
  for (uint32_t l = 0; l < warpSize; ++l) {
    uint64_t row = 8 * p.blocks.rowOf(block) + l / 4;
    uint64_t column = (4 * p.blocks.columnOf(block) + l % 4) * perLane + first;
    out[l] = origin.address +
             (p.contiguous ? row * origin.pitch + column * p.element.bits / 8
                           : column * origin.pitch + row * p.element.bits / 8);
  }
}

Flow access(Warp &warp, const Instruction &i, uint32_t mask) {
  auto &p = *static_cast<const WmmaPayload *>(i.payload);
  if (!warp.converge(i, fullMask, mask))
    return Flow::Stop;
  if (mask != fullMask)
    return warp.fault(
        i, mask, {faults::divergence, "expected all 32 lanes of the warp"});
  Checked<Origin> origin = findOrigin(warp, i, p);
  if (!origin)
    return warp.fault(i, mask, origin.error());
  bool crossCta = p.space == Space::Generic;
  AccessKind kind = p.isLoad ? AccessKind::Load : AccessKind::Store;
  uint32_t elements = p.contiguous ? p.perRegister : 1;
  Sanitizer *sanitizer = warp.cta.cluster.sanitizer.get();
  for (uint32_t r = 0; r < p.registers(); ++r)
    for (uint32_t e = 0; e < p.perRegister; e += elements) {
      Piece piece{r, e, p.bytes(elements)};
      uint64_t addresses[warpSize];
      locate(p, *origin, piece, addresses);
      std::byte *hosts[warpSize];
      for (uint32_t l = 0; l < warpSize; ++l) {
        hosts[l] = accessLane(warp, p.space, addresses[l], piece.bytes, l,
                              p.cursor, crossCta, kind);
        if (!hosts[l])
          return warp.fault(i, 1u << l,
                            explainAccess(warp, p.space, addresses[l],
                                          piece.bytes, crossCta, kind));
      }
      if (sanitizer) {
        AccessSemantics semantics;
        semantics.write = !p.isLoad;
        sanitizer->access(warp, i, mask, p.space, addresses, piece.bytes,
                          semantics);
        if (!p.isLoad)
          sanitizer->initialized(p.space, mask, addresses, piece.bytes,
                                 p.cursor);
      }
      // A register of 64 bits, or the piece's place in one of 32.
      uint32_t from = e * p.element.bits / 8;
      for (uint32_t l = 0; l < warpSize; ++l) {
        auto *place = reinterpret_cast<std::byte *>(
                          piece.bytes == 8
                              ? static_cast<void *>(warp.reg64(p.slots[r]) + l)
                              : warp.reg32(p.slots[r]) + l) +
                      from;
        if (p.isLoad)
          std::memcpy(place, hosts[l], piece.bytes);
        else
          std::memcpy(hosts[l], place, piece.bytes);
      }
    }
  if (p.isLoad)
    for (size_t r = p.registers(); r < p.slots.size(); ++r)
      std::memcpy(warp.reg32(p.slots[r]),
                  warp.reg32(p.slots[r % p.registers()]),
                  warpSize * sizeof(uint32_t));
  return Flow::Next;
}

Handler decodeAccess(Decoder &d) {
  auto *p = d.payload<WmmaPayload>();
  p->isLoad = d.mods.take("load");
  std::string_view operandName = d.mods.takeAny({"a", "b", "c", "d"});
  bool rowMajor = d.mods.has("row");
  std::string_view space = d.mods.takeAny({"global", "shared", "shared::cta"});
  p->space = space.empty()       ? Space::Generic
             : space == "global" ? Space::Global
                                 : Space::Shared;
  MatrixShape shape;
  const ElementRow *element = nullptr;
  for (std::string_view part : d.mods.rest())
    if (isMatrixShape(part))
      shape = parseMatrixShape(part);
    else if (const ElementRow *row = findElement(part))
      element = row;
  if (operandName.empty() || !element || !shape.m || !d.expectOperands(2, 3))
    return d.unknown();
  char operand = operandName[0];
  bool isAccumulator = operand == 'c' || operand == 'd';
  p->element = *element;
  p->blocks = fragmentBlocks(operand, shape, element->bits);
  p->perRegister = element->bits < 32 ? 32 / element->bits : 1;
  p->registersPerBlock = isAccumulator && element->bits >= 32 ? 2 : 1;
  // Rows of B are columns here; see Fragment.h.
  p->contiguous = rowMajor != (operand == 'b');
  // Rows of a fragment have as many elements as memory does without a stride.
  uint32_t rows = p->blocks.rows * 8,
           columns =
               p->blocks.columns * 4 * p->perRegister * p->registersPerBlock;
  uint32_t line = p->contiguous ? columns : rows;
  p->alignment = element->bits == 64
                     ? 8
                     : std::min(rowAlignment, line * element->bits / 8);
  p->stride =
      d.numOperands() == 3 ? d.source(2, Type::B32) : d.constant(line, false);
  Type type = element->bits == 64 ? Type::B64 : Type::B32;
  const Operand &fragment = d.operand(p->isLoad ? 0 : 1);
  for (const Operand *part : d.elements(fragment))
    p->slots.push_back(p->isLoad ? d.destination(*part, type)
                                 : d.source(*part, type));
  uint32_t expected = fragmentRegisters(operand, shape, *element);
  if (p->slots.size() != expected)
    return d.fail("expected {} registers, found {}", expected, p->slots.size());
  Decoder::Address address = d.address(d.operand(p->isLoad ? 1 : 0), p->space);
  p->wideAddress = address.wide;
  d.inst.src[0] = address.slot;
  d.inst.immediate = address.offset;
  p->cursor = d.newCursor();
  return access;
}

constexpr RowEffects loadEffects{.reads = globalMemory | sharedMemory,
                                 .sinks = addressSink},
    storeEffects{.writes = globalMemory | sharedMemory,
                 .sinks = addressSink | storeSink};

constexpr InstructionRow load(std::string_view pattern, uint32_t target) {
  return {pattern,        decodeAccess,    loadEffects,
          Timing::Memory, Fidelity::Exact, target};
}
constexpr InstructionRow store(std::string_view pattern, uint32_t target) {
  return {pattern,        decodeAccess,    storeEffects,
          Timing::Memory, Fidelity::Exact, target};
}

#define HEDDLE_SHAPES "(m16n16k16|m32n8k16|m8n32k16)"
#define HEDDLE_SPACE "{.(global|<cta>)}"

constexpr InstructionRow rows[] = {
    load("wmma.load.(a|b).sync.aligned.(row|col)." HEDDLE_SHAPES HEDDLE_SPACE
         ".f16",
         700),
    load("wmma.load.(a|b).sync.aligned.(row|col)." HEDDLE_SHAPES HEDDLE_SPACE
         ".(s8|u8)",
         720),
    load("wmma.load.(a|b).sync.aligned.(row|col)." HEDDLE_SHAPES HEDDLE_SPACE
         ".bf16",
         800),
    load("wmma.load.(a|b).sync.aligned.(row|col).m16n16k8" HEDDLE_SPACE ".tf32",
         800),
    load("wmma.load.(a|b).sync.aligned.(row|col).m8n8k4" HEDDLE_SPACE ".f64",
         800),
    load("wmma.load.a.sync.aligned.row.m8n8k32" HEDDLE_SPACE ".(s4|u4)", 750),
    load("wmma.load.b.sync.aligned.col.m8n8k32" HEDDLE_SPACE ".(s4|u4)", 750),
    load("wmma.load.a.sync.aligned.row.m8n8k128" HEDDLE_SPACE ".b1", 750),
    load("wmma.load.b.sync.aligned.col.m8n8k128" HEDDLE_SPACE ".b1", 750),
    load("wmma.load.c.sync.aligned.(row|col)." HEDDLE_SHAPES HEDDLE_SPACE
         ".(f16|f32|s32)",
         700),
    load("wmma.load.c.sync.aligned.(row|col).m16n16k8" HEDDLE_SPACE ".f32",
         800),
    load("wmma.load.c.sync.aligned.(row|col).m8n8k4" HEDDLE_SPACE ".f64", 800),
    load("wmma.load.c.sync.aligned.(row|col).(m8n8k32|m8n8k128)" HEDDLE_SPACE
         ".s32",
         750),
    store("wmma.store.d.sync.aligned.(row|col)." HEDDLE_SHAPES HEDDLE_SPACE
          ".(f16|f32|s32)",
          700),
    store("wmma.store.d.sync.aligned.(row|col).m16n16k8" HEDDLE_SPACE ".f32",
          800),
    store("wmma.store.d.sync.aligned.(row|col).m8n8k4" HEDDLE_SPACE ".f64",
          800),
    store("wmma.store.d.sync.aligned.(row|col).(m8n8k32|m8n8k128)" HEDDLE_SPACE
          ".s32",
          750),
};

#undef HEDDLE_SHAPES
#undef HEDDLE_SPACE

} // namespace

std::span<const InstructionRow> heddle::vgpu::wmmaInstructions() {
  return rows;
}
