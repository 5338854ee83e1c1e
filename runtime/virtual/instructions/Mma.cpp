//===- Mma.cpp - Matrix multiply of one warp ------------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// mma.sync: D = A * B + C, each operand spread over the registers of 32 lanes.
/// All shapes follow one rule. Lane t is in group t / 4 at position t % 4; a
/// register holds n consecutive elements (32 bits, or one f64).
///
///     A: row group + 8 (r % 2), column n position + 4 n (r / 2) + e
///     B: column group, row n position + 4 n r + e
///     C, D: row group + 8 (i / 2), column 2 position + i % 2
///
/// for element e of register r and element i of an accumulator; with 8 rows
/// there is no `+ 8`. Sums are as those of wgmma: in the order of K, rounded to
/// f32 after each term.
///
//===----------------------------------------------------------------------===//

#include "instructions/FloatLanes.h"
#include "instructions/Table.h"

#include <charconv>

using namespace heddle::vgpu;

HEDDLE_BEGIN_LANES
namespace {

enum class Element : uint8_t {
  F16,
  BF16,
  TF32,
  E4M3,
  E5M2,
  F32,
  F64,
  S8,
  U8,
  S4,
  U4,
  B1,
  S32,
};

struct ElementRow {
  std::string_view name;
  Element element;
  unsigned bits;
};
constexpr ElementRow elementRows[] = {
    {"f16", Element::F16, 16},   {"bf16", Element::BF16, 16},
    {"tf32", Element::TF32, 32}, {"e4m3", Element::E4M3, 8},
    {"e5m2", Element::E5M2, 8},  {"f32", Element::F32, 32},
    {"f64", Element::F64, 64},   {"s8", Element::S8, 8},
    {"u8", Element::U8, 8},      {"s4", Element::S4, 4},
    {"u4", Element::U4, 4},      {"b1", Element::B1, 1},
    {"s32", Element::S32, 32}};

const ElementRow *findElement(std::string_view name) {
  for (const ElementRow &row : elementRows)
    if (row.name == name)
      return &row;
  return nullptr;
}

constexpr uint32_t maxK = 32, columns = 8, maxRows = 16;

struct MmaPayload : Payload {
  uint32_t m = 0, k = 0;
  ElementRow a, b, c, d;
  bool saturate = false, isAnd = false;
  std::vector<uint32_t> aSlots, bSlots, cSlots, dSlots;
};

/// The f32 value of a floating-point element.
float valueOf(uint32_t raw, Element element) {
  switch (element) {
  case Element::F16:
    return f16ToFloat(uint16_t(raw));
  case Element::BF16:
    return bf16ToFloat(uint16_t(raw));
  case Element::TF32:
    return tf32ToFloat(raw);
  case Element::E4M3:
    return e4m3ToFloat(uint8_t(raw));
  default:
    return e5m2ToFloat(uint8_t(raw));
  }
}

int32_t integerOf(uint32_t raw, Element element) {
  switch (element) {
  case Element::S8:
    return int8_t(raw);
  case Element::S4:
    return int32_t(raw << 28) >> 28;
  default:
    return int32_t(raw);
  }
}

/// Calls `body(row or column, k, raw element)` for each element of A or B.
template <bool isA, typename F>
void forElements(Warp &warp, const MmaPayload &p, F &&body) {
  const ElementRow &element = isA ? p.a : p.b;
  const std::vector<uint32_t> &slots = isA ? p.aSlots : p.bSlots;
  uint32_t perRegister = 32 / element.bits;
  uint32_t keep = element.bits == 32 ? ~0u : (1u << element.bits) - 1;
  bool halves = isA && p.m == 16;
  for (uint32_t r = 0; r < slots.size(); ++r) {
    const uint32_t *lanes = warp.reg32(slots[r]);
    uint32_t block = halves ? r / 2 : r, down = halves ? 8 * (r % 2) : 0;
    for (uint32_t l = 0; l < warpSize; ++l)
      for (uint32_t e = 0; e < perRegister; ++e)
        body(l / 4 + down, perRegister * (4 * block + l % 4) + e,
             lanes[l] >> (e * element.bits) & keep);
  }
}

/// Calls `body(row, column, lane, i)` for each element i of an accumulator.
template <typename F>
void forAccumulators(const MmaPayload &p, F &&body) {
  for (uint32_t i = 0; i < p.m / 4; ++i)
    for (uint32_t l = 0; l < warpSize; ++l)
      body(l / 4 + 8 * (i / 2), 2 * (l % 4) + i % 2, l, i);
}

Flow multiplyFloats(Warp &warp, const Instruction &i, uint32_t mask) {
  auto &p = *static_cast<const MmaPayload *>(i.payload);
  if (!warp.converge(i, fullMask, mask))
    return Flow::Stop;
  alignas(64) float a[maxRows][maxK], b[maxK][columns], sum[maxRows][columns];
  forElements<true>(warp, p, [&](uint32_t m, uint32_t k, uint32_t raw) {
    a[m][k] = valueOf(raw, p.a.element);
  });
  forElements<false>(warp, p, [&](uint32_t n, uint32_t k, uint32_t raw) {
    b[k][n] = valueOf(raw, p.b.element);
  });
  forAccumulators(p, [&](uint32_t m, uint32_t n, uint32_t l, uint32_t at) {
    if (p.c.element == Element::F16)
      sum[m][n] = f16ToFloat(
          uint16_t(warp.reg32(p.cSlots[at / 2])[l] >> (16 * (at % 2))));
    else
      sum[m][n] = std::bit_cast<float>(warp.reg32(p.cSlots[at])[l]);
  });
  for (uint32_t m = 0; m < p.m; ++m)
    for (uint32_t k = 0; k < p.k; ++k) {
      HEDDLE_ITERATIONS(columns)
      for (uint32_t n = 0; n < columns; ++n)
        sum[m][n] = __builtin_fmaf(a[m][k], b[k][n], sum[m][n]);
    }
  forAccumulators(p, [&](uint32_t m, uint32_t n, uint32_t l, uint32_t at) {
    if (p.d.element != Element::F16) {
      warp.reg32(p.dSlots[at])[l] = std::bit_cast<uint32_t>(sum[m][n]);
      return;
    }
    uint32_t &pair = warp.reg32(p.dSlots[at / 2])[l];
    uint32_t bits = floatToF16(sum[m][n]);
    pair = at % 2 ? (pair & 0xffff) | bits << 16 : (pair & 0xffff0000) | bits;
  });
  return Flow::Next;
}

Flow multiplyDoubles(Warp &warp, const Instruction &i, uint32_t mask) {
  auto &p = *static_cast<const MmaPayload *>(i.payload);
  if (!warp.converge(i, fullMask, mask))
    return Flow::Stop;
  auto read = [&](uint32_t slot, uint32_t l) {
    return std::bit_cast<double>(warp.reg64(slot)[l]);
  };
  double a[maxRows][16], b[16][columns], sum[maxRows][columns];
  bool halves = p.m == 16;
  for (uint32_t l = 0; l < warpSize; ++l) {
    for (uint32_t r = 0; r < p.aSlots.size(); ++r)
      a[l / 4 + (halves ? 8 * (r % 2) : 0)][4 * (halves ? r / 2 : r) + l % 4] =
          read(p.aSlots[r], l);
    for (uint32_t r = 0; r < p.bSlots.size(); ++r)
      b[4 * r + l % 4][l / 4] = read(p.bSlots[r], l);
  }
  forAccumulators(p, [&](uint32_t m, uint32_t n, uint32_t l, uint32_t at) {
    double value = read(p.cSlots[at], l);
    for (uint32_t k = 0; k < p.k; ++k)
      value = __builtin_fma(a[m][k], b[k][n], value);
    sum[m][n] = value;
  });
  forAccumulators(p, [&](uint32_t m, uint32_t n, uint32_t l, uint32_t at) {
    warp.reg64(p.dSlots[at])[l] = std::bit_cast<uint64_t>(sum[m][n]);
  });
  return Flow::Next;
}

Flow multiplyIntegers(Warp &warp, const Instruction &i, uint32_t mask) {
  auto &p = *static_cast<const MmaPayload *>(i.payload);
  if (!warp.converge(i, fullMask, mask))
    return Flow::Stop;
  // At most 256 single bits.
  int16_t a[maxRows][256], b[columns][256];
  forElements<true>(warp, p, [&](uint32_t m, uint32_t k, uint32_t raw) {
    a[m][k] = int16_t(integerOf(raw, p.a.element));
  });
  forElements<false>(warp, p, [&](uint32_t n, uint32_t k, uint32_t raw) {
    b[n][k] = int16_t(integerOf(raw, p.b.element));
  });
  uint32_t result[maxRows][columns];
  forAccumulators(p, [&](uint32_t m, uint32_t n, uint32_t l, uint32_t at) {
    int64_t sum = int32_t(warp.reg32(p.cSlots[at])[l]);
    for (uint32_t k = 0; k < p.k; ++k)
      sum += p.a.element != Element::B1 ? a[m][k] * b[n][k]
             : p.isAnd                  ? a[m][k] & b[n][k]
                                        : a[m][k] ^ b[n][k];
    if (p.saturate)
      sum = std::min<int64_t>(std::max<int64_t>(sum, INT32_MIN), INT32_MAX);
    result[m][n] = uint32_t(sum);
  });
  forAccumulators(p, [&](uint32_t m, uint32_t n, uint32_t l, uint32_t at) {
    warp.reg32(p.dSlots[at])[l] = result[m][n];
  });
  return Flow::Next;
}

/// "m16n8k32" as three numbers; the pattern has checked the form.
void parseShape(std::string_view shape, uint32_t &m, uint32_t &k) {
  const char *end = shape.data() + shape.size();
  std::from_chars(shape.data() + 1, end, m);
  std::from_chars(shape.data() + shape.find('k') + 1, end, k);
}

Handler decodeMma(Decoder &d) {
  auto *p = d.payload<MmaPayload>();
  p->saturate = d.mods.has("satfinite");
  p->isAnd = d.mods.has("and");
  std::vector<const ElementRow *> types;
  for (std::string_view part : d.mods.rest()) {
    if (part[0] == 'm')
      parseShape(part, p->m, p->k);
    else if (const ElementRow *row = findElement(part))
      types.push_back(row);
  }
  if (types.size() != 4)
    return d.unknown();
  p->d = *types[0];
  p->a = *types[1];
  p->b = *types[2];
  p->c = *types[3];
  if (!d.expectOperands(4))
    return nullptr;
  auto take = [&](size_t index, const ElementRow &element, uint32_t count,
                  std::vector<uint32_t> &slots) {
    Type type = element.bits == 64 ? Type::B64 : Type::B32;
    // A register holds several elements, or one.
    uint32_t perRegister = element.bits == 64 ? 1 : 32 / element.bits;
    uint32_t expected = count / warpSize / perRegister;
    for (const Operand *part : d.elements(d.operand(index)))
      slots.push_back(index == 0 ? d.destination(*part, type)
                                 : d.source(*part, type));
    if (slots.size() != expected)
      d.fail("expected {} registers for operand {}, found {}", expected, index,
             slots.size());
  };
  take(0, p->d, p->m * columns, p->dSlots);
  take(1, p->a, p->m * p->k, p->aSlots);
  take(2, p->b, columns * p->k, p->bSlots);
  take(3, p->c, p->m * columns, p->cSlots);
  if (p->a.element == Element::F64)
    return multiplyDoubles;
  return p->d.element == Element::S32 ? multiplyIntegers : multiplyFloats;
}

constexpr Fidelity inexact = Fidelity::Approximate;
constexpr Timing tensor = Timing::Tensor;

constexpr InstructionRow rows[] = {
    {"mma.sync.aligned.(m16n8k8|m16n8k16).row.col.(f16|f32).f16.f16.(f16|f32)",
     decodeMma,
     {},
     tensor,
     inexact,
     800},
    {"mma.sync.aligned.(m16n8k8|m16n8k16).row.col.f32.bf16.bf16.f32",
     decodeMma,
     {},
     tensor,
     inexact,
     800},
    {"mma.sync.aligned.(m16n8k4|m16n8k8).row.col.f32.tf32.tf32.f32",
     decodeMma,
     {},
     tensor,
     inexact,
     800},
    {"mma.sync.aligned.(m16n8k16|m16n8k32).row.col.(f16|f32).(e4m3|e5m2)"
     ".(e4m3|e5m2).(f16|f32)",
     decodeMma,
     {},
     tensor,
     inexact,
     890},
    {"mma.sync.aligned.m8n8k4.row.col.f64.f64.f64.f64",
     decodeMma,
     {},
     tensor,
     inexact,
     800},
    {"mma.sync.aligned.(m16n8k4|m16n8k8|m16n8k16).row.col.f64.f64.f64.f64",
     decodeMma,
     {},
     tensor,
     inexact,
     900},
    {"mma.sync.aligned.(m8n8k16|m16n8k16|m16n8k32).row.col{.satfinite}.s32"
     ".(u8|s8).(u8|s8).s32",
     decodeMma,
     {},
     tensor,
     Fidelity::Exact,
     800},
    {"mma.sync.aligned.(m8n8k32|m16n8k32|m16n8k64).row.col{.satfinite}.s32"
     ".(u4|s4).(u4|s4).s32",
     decodeMma,
     {},
     tensor,
     Fidelity::Exact,
     800},
    {"mma.sync.aligned.(m8n8k128|m16n8k128|m16n8k256).row.col.s32.b1.b1.s32"
     ".(xor|and).popc",
     decodeMma,
     {},
     tensor,
     Fidelity::Exact,
     800},
};

} // namespace
HEDDLE_END_LANES

std::span<const InstructionRow> heddle::vgpu::mmaInstructions() { return rows; }
