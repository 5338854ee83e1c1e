//===- TmaReduce.cpp - Reductions of the tensor memory accelerator -------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Numerics.h"
#include "Tma.h"
#include "TmaBox.h"

#include <atomic>
#include <cmath>

using namespace heddle;
using namespace heddle::vgpu;

namespace {

/// Combines `count` elements from `from` into `to`.
using Combiner = void (*)(std::byte *to, const std::byte *from, uint32_t count);

template <typename T, T (*combine)(T, T)>
void combineAll(std::byte *to, const std::byte *from, uint32_t count) {
  for (uint32_t i = 0; i < count; ++i) {
    T operand;
    std::memcpy(&operand, from + i * sizeof(T), sizeof(T));
    std::atomic_ref<T> element(reinterpret_cast<T *>(to)[i]);
    T old = element.load(std::memory_order_relaxed);
    while (!element.compare_exchange_weak(old, combine(old, operand),
                                          std::memory_order_relaxed)) {
    }
  }
}

/// Addition wraps, so it is that of the unsigned type.
template <typename T>
T add(T a, T b) {
  using U = std::make_unsigned_t<T>;
  return T(U(a) + U(b));
}
template <typename T>
T least(T a, T b) {
  return std::min(a, b);
}
template <typename T>
T most(T a, T b) {
  return std::max(a, b);
}
template <typename T>
T conjunction(T a, T b) {
  return a & b;
}
template <typename T>
T disjunction(T a, T b) {
  return a | b;
}
template <typename T>
T exclusive(T a, T b) {
  return a ^ b;
}
uint32_t increment(uint32_t a, uint32_t b) { return a >= b ? 0 : a + 1; }
uint32_t decrement(uint32_t a, uint32_t b) {
  return a == 0 || a > b ? b : a - 1;
}

// Sums of two narrow values round once more than PTX asks for, from f64, where
// that cannot change the result: 53 bits are at least 2 * 11 + 2.
uint16_t addF16(uint16_t a, uint16_t b) {
  return doubleToF16(double(f16ToFloat(a)) + double(f16ToFloat(b)));
}
uint16_t addBf16(uint16_t a, uint16_t b) {
  return doubleToBf16(double(bf16ToFloat(a)) + double(bf16ToFloat(b)));
}
// fmin and fmax ignore a NaN operand, like PTX; they need not order zeros.
float fmin0(float a, float b) {
  return a == b ? (std::signbit(a) ? a : b) : std::fmin(a, b);
}
float fmax0(float a, float b) {
  return a == b ? (std::signbit(a) ? b : a) : std::fmax(a, b);
}
uint16_t minF16(uint16_t a, uint16_t b) {
  return floatToF16(fmin0(f16ToFloat(a), f16ToFloat(b)));
}
uint16_t maxF16(uint16_t a, uint16_t b) {
  return floatToF16(fmax0(f16ToFloat(a), f16ToFloat(b)));
}
uint16_t minBf16(uint16_t a, uint16_t b) {
  return floatToBf16(fmin0(bf16ToFloat(a), bf16ToFloat(b)));
}
uint16_t maxBf16(uint16_t a, uint16_t b) {
  return floatToBf16(fmax0(bf16ToFloat(a), bf16ToFloat(b)));
}
float addF32(float a, float b) { return a + b; }
double addF64(double a, double b) { return a + b; }

template <typename T>
Combiner integerCombiner(ReduceOp op) {
  switch (op) {
  case ReduceOp::Add:
    return combineAll<T, add<T>>;
  case ReduceOp::Min:
    return combineAll<T, least<T>>;
  case ReduceOp::Max:
    return combineAll<T, most<T>>;
  case ReduceOp::And:
    return combineAll<T, conjunction<T>>;
  case ReduceOp::Or:
    return combineAll<T, disjunction<T>>;
  case ReduceOp::Xor:
    return combineAll<T, exclusive<T>>;
  case ReduceOp::Inc:
    return std::is_same_v<T, uint32_t> ? combineAll<uint32_t, increment>
                                       : nullptr;
  case ReduceOp::Dec:
    return std::is_same_v<T, uint32_t> ? combineAll<uint32_t, decrement>
                                       : nullptr;
  }
  return nullptr;
}

/// The combiner, or null if there is no such instruction.
Combiner combinerFor(TensorMapType type, ReduceOp op) {
  switch (type) {
  case TensorMapType::U32:
    return integerCombiner<uint32_t>(op);
  case TensorMapType::S32:
    return integerCombiner<int32_t>(op);
  case TensorMapType::U64:
    return integerCombiner<uint64_t>(op);
  case TensorMapType::S64:
    return integerCombiner<int64_t>(op);
  case TensorMapType::F16:
    return op == ReduceOp::Add   ? combineAll<uint16_t, addF16>
           : op == ReduceOp::Min ? combineAll<uint16_t, minF16>
           : op == ReduceOp::Max ? combineAll<uint16_t, maxF16>
                                 : nullptr;
  case TensorMapType::BF16:
    return op == ReduceOp::Add   ? combineAll<uint16_t, addBf16>
           : op == ReduceOp::Min ? combineAll<uint16_t, minBf16>
           : op == ReduceOp::Max ? combineAll<uint16_t, maxBf16>
                                 : nullptr;
  case TensorMapType::F32:
  case TensorMapType::F32Ftz:
    return op == ReduceOp::Add ? combineAll<float, addF32> : nullptr;
  case TensorMapType::F64:
    return op == ReduceOp::Add ? combineAll<double, addF64> : nullptr;
  case TensorMapType::U8:
  case TensorMapType::U16:
  case TensorMapType::TF32:
  case TensorMapType::TF32Ftz:
    return nullptr;
  }
  return nullptr;
}

const char *spelling(ReduceOp op) {
  constexpr const char *names[] = {"add", "min", "max", "inc",
                                   "dec", "and", "or",  "xor"};
  return names[size_t(op)];
}

Checked<Combiner> findCombiner(TensorMapType type, ReduceOp op) {
  if (Combiner combiner = combinerFor(type, op))
    return combiner;
  return makeFault(faults::other,
                   "TMA reduction: there is no .{} on {}; expected add on u32, "
                   "s32, u64, s64, f16, bf16, f32 or f64, min or max on an "
                   "integer, f16 or bf16, inc or dec on u32, or and, or, xor "
                   "on an integer of 32 or 64 bits",
                   spelling(op), name(type));
}

} // namespace

Checked<void> vgpu::tmaReduce(const TensorMapSpec &spec, ReduceOp op,
                              std::span<const int32_t> coords,
                              const std::byte *shared, uint32_t sharedBytes,
                              uint32_t srcOffset,
                              GlobalMemory::Cursor &global) {
  if (Checked<void> good =
          checkBox(spec, coords, sharedBytes, srcOffset, "TMA reduction of");
      !good)
    return good;
  if (Checked<void> good = checkStoreCoords(spec, coords, "TMA reduction of");
      !good)
    return good;
  Checked<Combiner> combiner = findCombiner(spec.type, op);
  if (!combiner)
    return tl::unexpected(combiner.error());

  uint32_t bytes = rowBytes(spec);
  uint32_t size = elementBytes(spec.type);
  alignas(64) std::byte buffer[maxRowBytes];
  return forEachRow(spec, coords, [&](const TmaRow &row) -> Checked<void> {
    uint32_t inside = row.insideEnd - row.insideBegin;
    if (inside == 0)
      return {};
    std::byte *to = global.resolve(row.address, inside);
    if (!to)
      return tl::unexpected(
          global.explain(row.address, inside)
              .in("TMA reduction of " + describeBox(spec, coords)));
    gatherRow(buffer, shared, srcOffset + row.boxOffset, bytes, spec.swizzle);
    (*combiner)(to, buffer + row.insideBegin, inside / size);
    return {};
  });
}

Checked<void> vgpu::bulkReduce(DeviceAddress dst, uint32_t bytes,
                               TensorMapType type, ReduceOp op,
                               const std::byte *shared, uint32_t sharedBytes,
                               uint32_t srcOffset,
                               GlobalMemory::Cursor &global) {
  if (Checked<void> good =
          checkBulk(dst, bytes, sharedBytes, srcOffset, "bulk reduction");
      !good)
    return good;
  Checked<Combiner> combiner = findCombiner(type, op);
  if (!combiner)
    return tl::unexpected(combiner.error());
  if (bytes == 0)
    return {};
  std::byte *to = global.resolve(dst, bytes);
  if (!to)
    return tl::unexpected(global.explain(dst, bytes).in("bulk reduction"));
  (*combiner)(to, shared + srcOffset, bytes / elementBytes(type));
  return {};
}

Checked<uint32_t> vgpu::sharedReduce(std::byte *to, const std::byte *from,
                                     uint32_t bytes, TensorMapType type,
                                     ReduceOp op) {
  Checked<Combiner> combiner = findCombiner(type, op);
  if (!combiner)
    return tl::unexpected(combiner.error());
  (*combiner)(to, from, bytes / elementBytes(type));
  return bytes;
}
