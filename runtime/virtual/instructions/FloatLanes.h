//===- FloatLanes.h - Floating-point values in lanes ------------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_VIRTUAL_INSTRUCTIONS_FLOATLANES_H
#define HEDDLE_VIRTUAL_INSTRUCTIONS_FLOATLANES_H

#include "instructions/Lanes.h"
#include "units/Numerics.h"

#include <cmath>
#include <limits>

HEDDLE_BEGIN_LANES
namespace heddle::vgpu {
inline namespace HEDDLE_INSTRUCTION_SET {

/// The 16-bit formats: how their bits become f32 and back.
struct HalfFormat {
  /// Holds products of two numbers without rounding.
  using Product = float;
  static float load(uint16_t bits) { return f16ToFloat(bits); }
  static uint16_t store(float value, Rounding r = Rounding::NearestEven) {
    return floatToF16(value, r);
  }
  static uint16_t storeDouble(double value, Rounding r) {
    return doubleToF16(value, r);
  }
  static constexpr uint16_t exponentMask = 0x7c00, nan = 0x7fff;
};
struct BfloatFormat {
  using Product = double;
  static float load(uint16_t bits) { return bf16ToFloat(bits); }
  static uint16_t store(float value, Rounding r = Rounding::NearestEven) {
    return floatToBf16(value, r);
  }
  static uint16_t storeDouble(double value, Rounding r) {
    return doubleToBf16(value, r);
  }
  static constexpr uint16_t exponentMask = 0x7f80, nan = 0x7fff;
};

inline float flushIf(bool ftz, float x) { return ftz ? flushSubnormal(x) : x; }
inline double flushIf(bool, double x) { return x; }

/// `.sat`: [0, 1], NaN becomes 0.
template <typename T>
inline T saturateIf(bool saturate, T x) {
  if (!saturate)
    return x;
  return x > T(0) ? (x < T(1) ? x : T(1)) : T(0);
}

/// The sum rounded to odd: rounding it again to f32 or less equals rounding the
/// exact sum once (Boldo and Melquiond, "Emulation of FMA and correctly rounded
/// sums").
template <typename T>
inline T oddSum(T a, T b) {
  using Bits = typename UnsignedOf<sizeof(T)>::type;
  T sum = a + b;
  T part = sum - a;
  T error = (a - (sum - part)) + (b - part);
  Bits bits = std::bit_cast<Bits>(sum);
  bool moves = error != 0 && std::abs(sum) <= std::numeric_limits<T>::max() &&
               !(bits & 1);
  Bits step = (error > 0) == (sum > 0) ? Bits(1) : Bits(-1);
  return std::bit_cast<T>(moves ? bits + step : bits);
}
/// f64 to f32, rounded to odd.
inline float oddFloat(double x) {
  float near = float(x);
  uint32_t bits = std::bit_cast<uint32_t>(near);
  double error = x - double(near);
  bool moves = error != 0 &&
               std::abs(near) <= std::numeric_limits<float>::max() &&
               !(bits & 1);
  // A zero has the sign of what became zero.
  bool outward = near == 0 || (error > 0) == (near > 0);
  return std::bit_cast<float>(moves ? bits + (outward ? 1u : -1u) : bits);
}
/// A quotient or root `q` whose exact value differs from it by the sign of
/// `remainder`, rounded to odd.
inline double oddFrom(double q, double remainder) {
  uint64_t bits = std::bit_cast<uint64_t>(q);
  if (remainder != 0 && std::isfinite(q) && !(bits & 1))
    bits += (remainder > 0) == (q > 0) ? 1 : -1;
  return std::bit_cast<double>(bits);
}

/// PTX minimum and maximum: a number beats NaN unless `.NaN`; -0 < +0.
template <typename T>
inline T floatMin(T a, T b, bool propagate) {
  if (a != a)
    return propagate ? a : b;
  if (b != b)
    return propagate ? b : a;
  if (a == b)
    return std::signbit(a) ? a : b;
  return a < b ? a : b;
}
template <typename T>
inline T floatMax(T a, T b, bool propagate) {
  if (a != a)
    return propagate ? a : b;
  if (b != b)
    return propagate ? b : a;
  if (a == b)
    return std::signbit(a) ? b : a;
  return a > b ? a : b;
}

} // namespace HEDDLE_INSTRUCTION_SET
} // namespace heddle::vgpu
HEDDLE_END_LANES

#endif // HEDDLE_VIRTUAL_INSTRUCTIONS_FLOATLANES_H
