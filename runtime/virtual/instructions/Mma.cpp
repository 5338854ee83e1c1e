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
/// f32 after each term. wmma.mma is several of these; see Fragment.h.
///
//===----------------------------------------------------------------------===//

#include "instructions/FloatLanes.h"
#include "instructions/Fragment.h"
#include "instructions/Table.h"

#include <algorithm>
#include <cstring>

using namespace heddle::vgpu;

HEDDLE_BEGIN_LANES
namespace {

constexpr uint32_t maxK = 32, columns = 8, maxRows = 16;

/// A product of 8 columns.
struct Product {
  uint32_t m = 0, k = 0;
  ElementRow a, b, c, d;
  bool saturate = false, isAnd = false;
  std::vector<uint32_t> aSlots, bSlots, cSlots, dSlots;
};

struct MmaPayload : Payload {
  /// One of mma, and side by side those of wmma.
  std::vector<Product> products;
  /// Registers that are copied, the first to the second, at the end.
  std::vector<std::pair<uint32_t, uint32_t>> moves;
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
void forElements(Warp &warp, const Product &p, F &&body) {
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
void forAccumulators(const Product &p, F &&body) {
  for (uint32_t i = 0; i < p.m / 4; ++i)
    for (uint32_t l = 0; l < warpSize; ++l)
      body(l / 4 + 8 * (i / 2), 2 * (l % 4) + i % 2, l, i);
}

void multiplyFloats(Warp &warp, const Product &p) {
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
}

void multiplyDoubles(Warp &warp, const Product &p) {
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
}

void multiplyIntegers(Warp &warp, const Product &p) {
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
}

template <void (*multiply)(Warp &, const Product &)>
Flow multiplyAll(Warp &warp, const Instruction &i, uint32_t mask) {
  auto &p = *static_cast<const MmaPayload *>(i.payload);
  if (!warp.converge(i, fullMask, mask))
    return Flow::Stop;
  for (const Product &product : p.products)
    multiply(warp, product);
  for (auto [from, to] : p.moves)
    std::memcpy(warp.reg64(to), warp.reg64(from), slotBytes);
  return Flow::Next;
}

Handler handlerOf(const Product &product) {
  if (product.a.element == Element::F64)
    return multiplyAll<multiplyDoubles>;
  return product.d.element == Element::S32 ? multiplyAll<multiplyIntegers>
                                           : multiplyAll<multiplyFloats>;
}

/// The registers of operand `index`, of which there should be `expected`.
std::vector<uint32_t> takeRegisters(Decoder &d, size_t index,
                                    const ElementRow &element,
                                    uint32_t expected) {
  Type type = element.bits == 64 ? Type::B64 : Type::B32;
  std::vector<uint32_t> slots;
  for (const Operand *part : d.elements(d.operand(index)))
    slots.push_back(index == 0 ? d.destination(*part, type)
                               : d.source(*part, type));
  if (slots.size() != expected)
    d.fail("expected {} registers for operand {}, found {}", expected, index,
           slots.size());
  return slots;
}

/// What the modifiers say.
Product takeProduct(Decoder &d, MatrixShape &shape) {
  Product p;
  p.saturate = d.mods.has("satfinite");
  p.isAnd = d.mods.has("and");
  std::vector<ElementRow> types;
  for (std::string_view part : d.mods.rest()) {
    if (isMatrixShape(part))
      shape = parseMatrixShape(part);
    else if (const ElementRow *row = findElement(part))
      types.push_back(*row);
  }
  // wmma does not say that A and B are of f16.
  if (types.size() == 2)
    types.insert(types.begin() + 1, 2, *findElement("f16"));
  if (types.size() != 4) {
    d.unknown();
    return p;
  }
  p.m = shape.m;
  p.k = shape.k;
  p.d = types[0];
  p.a = types[1];
  p.b = types[2];
  p.c = types[3];
  return p;
}

Handler decodeMma(Decoder &d) {
  auto *payload = d.payload<MmaPayload>();
  MatrixShape shape;
  Product &p = payload->products.emplace_back(takeProduct(d, shape));
  if (p.m == 0 || !d.expectOperands(4))
    return nullptr;
  auto take = [&](size_t index, const ElementRow &element, uint32_t count) {
    // A register holds several elements, or one.
    uint32_t perRegister = element.bits == 64 ? 1 : 32 / element.bits;
    return takeRegisters(d, index, element, count / warpSize / perRegister);
  };
  p.dSlots = take(0, p.d, p.m * columns);
  p.aSlots = take(1, p.a, p.m * p.k);
  p.bSlots = take(2, p.b, columns * p.k);
  p.cSlots = take(3, p.c, p.m * columns);
  return handlerOf(p);
}

bool meet(const std::vector<uint32_t> &a, const std::vector<uint32_t> &b) {
  return std::ranges::find_first_of(a, b) != a.end();
}

Handler decodeWmma(Decoder &d) {
  auto *payload = d.payload<MmaPayload>();
  MatrixShape shape;
  const Product whole = takeProduct(d, shape);
  if (whole.m == 0 || !d.expectOperands(4))
    return nullptr;
  // The pattern does not say that they are equal.
  if (whole.a.element != whole.b.element)
    return d.unknown();
  auto take = [&](size_t index, char operand, const ElementRow &element) {
    return takeRegisters(d, index, element,
                         fragmentRegisters(operand, shape, element));
  };
  std::vector<uint32_t> ds = take(0, 'd', whole.d), as = take(1, 'a', whole.a),
                        bs = take(2, 'b', whole.b), cs = take(3, 'c', whole.c);
  FragmentBlocks a = fragmentBlocks('a', shape, whole.a.bits),
                 b = fragmentBlocks('b', shape, whole.b.bits),
                 c = fragmentBlocks('c', shape, whole.c.bits);
  // Not enough registers: the first failure has been noted.
  if (as.size() < a.count() || bs.size() < b.count() ||
      ds.size() < fragmentRegisters('d', shape, whole.d) ||
      cs.size() < fragmentRegisters('c', shape, whole.c))
    return nullptr;
  uint32_t high = std::min(2u, a.rows);
  auto addAccumulator = [](std::vector<uint32_t> &to,
                           const std::vector<uint32_t> &from,
                           const ElementRow &element, uint32_t block) {
    uint32_t width = element.bits == 16 ? 1 : 2;
    to.insert(to.end(), from.begin() + block * width,
              from.begin() + (block + 1) * width);
  };
  for (uint32_t row = 0; row < a.rows; row += high)
    for (uint32_t column = 0; column < c.columns; ++column) {
      Product &part = payload->products.emplace_back(whole);
      part.m = 8 * high;
      for (uint32_t k = 0; k < a.columns; ++k) {
        for (uint32_t down = 0; down < high; ++down)
          part.aSlots.push_back(as[a.at(row + down, k)]);
        part.bSlots.push_back(bs[b.at(column, k)]);
      }
      for (uint32_t down = 0; down < high; ++down) {
        addAccumulator(part.cSlots, cs, whole.c, c.at(row + down, column));
        addAccumulator(part.dSlots, ds, whole.d, c.at(row + down, column));
      }
    }
  // What a product writes, a later one may not read.
  bool overlap = false;
  auto &products = payload->products;
  for (auto part = products.begin(); part != products.end(); ++part)
    for (auto later = part + 1; later != products.end(); ++later)
      overlap |= meet(part->dSlots, later->aSlots) ||
                 meet(part->dSlots, later->bSlots) ||
                 meet(part->dSlots, later->cSlots);
  if (overlap)
    for (Product &part : products)
      for (uint32_t &slot : part.dSlots) {
        uint32_t own = d.scratch(whole.d.bits == 64);
        payload->moves.emplace_back(own, slot);
        slot = own;
      }
  return handlerOf(whole);
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
    {"wmma.mma.sync.aligned.(row|col).(row|col).(m16n16k16|m32n8k16|m8n32k16)"
     ".(f16|f32).(f16|f32)",
     decodeWmma,
     {},
     tensor,
     inexact,
     700},
    {"wmma.mma.sync.aligned.(row|col).(row|col).(m16n16k16|m32n8k16|m8n32k16)"
     ".f32.bf16.bf16.f32",
     decodeWmma,
     {},
     tensor,
     inexact,
     800},
    {"wmma.mma.sync.aligned.(row|col).(row|col).m16n16k8.f32.tf32.tf32.f32",
     decodeWmma,
     {},
     tensor,
     inexact,
     800},
    {"wmma.mma.sync.aligned.(row|col).(row|col).m8n8k4{.rn}.f64.f64.f64.f64",
     decodeWmma,
     {},
     tensor,
     inexact,
     800},
    {"wmma.mma.sync.aligned.(row|col).(row|col).(m16n16k16|m32n8k16|m8n32k16)"
     ".s32.(s8|u8).(s8|u8).s32{.satfinite}",
     decodeWmma,
     {},
     tensor,
     Fidelity::Exact,
     720},
    {"wmma.mma.sync.aligned.row.col.m8n8k32.s32.(s4|u4).(s4|u4).s32"
     "{.satfinite}",
     decodeWmma,
     {},
     tensor,
     Fidelity::Exact,
     750},
    {"wmma.mma.(xor|and).popc.sync.aligned.row.col.m8n8k128.s32.b1.b1.s32",
     decodeWmma,
     {},
     tensor,
     Fidelity::Exact,
     750},
};

} // namespace
HEDDLE_END_LANES

std::span<const InstructionRow> heddle::vgpu::mmaInstructions() { return rows; }
