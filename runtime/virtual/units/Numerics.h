//===- Numerics.h - Bit-exact number formats of the GPU ---------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Conversions between f32 and the narrow formats that `cvt` rounds to, and the
/// approximate f32 functions. Narrow values travel as their bits.
///
/// NaN and infinity follow the PTX ISA's `cvt`: a NaN becomes the destination's
/// canonical NaN (0x7fff, 0x7fffffff, 0x7f), f16/bf16/tf32/e5m2 keep infinities
/// unless `satfinite` is given, e4m3 (the FN variant) has no infinity and turns
/// overflow into NaN without `satfinite` and into +-448 with it.
///
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_RUNTIME_VIRTUAL_UNITS_NUMERICS_H
#define HEDDLE_RUNTIME_VIRTUAL_UNITS_NUMERICS_H

#include <bit>
#include <cstdint>

namespace heddle::vgpu {

/// The rounding modifiers of PTX: `.rn .rz .rm .rp .rna`.
enum class Rounding : uint8_t {
  NearestEven,
  TowardZero,
  TowardNegative,
  TowardPositive,
  NearestAway,
};

/// The modifiers of `cvt` that change the result after rounding.
struct Saturation {
  /// Replace results beyond the largest finite value, infinities included, by
  /// that value with the same sign.
  bool satfinite = false;
  /// Replace negative results by +0. NaN stays NaN.
  bool relu = false;
};

/// `.rn` without saturation: what kernels mostly use, without branches, so that
/// loops over lanes become vectors.
inline uint16_t nearestF16(float value) {
  uint32_t bits = std::bit_cast<uint32_t>(value);
  uint32_t sign = bits >> 16 & 0x8000u, magnitude = bits & 0x7fffffffu;
  uint32_t normal =
      ((magnitude + 0xfffu + (magnitude >> 13 & 1)) >> 13) - (112u << 10);
  // One half has f16's smallest subnormal as its last place: adding it makes
  // the adder round there.
  uint32_t subnormal =
      std::bit_cast<uint32_t>(std::bit_cast<float>(magnitude) + 0.5f) -
      std::bit_cast<uint32_t>(0.5f);
  uint32_t finite = magnitude < 0x38800000u ? subnormal : normal;
  uint32_t number = (magnitude < 0x47800000u ? finite : 0x7c00u) | sign;
  return uint16_t(magnitude > 0x7f800000u ? 0x7fffu : number);
}
inline uint16_t nearestBf16(float value) {
  uint32_t bits = std::bit_cast<uint32_t>(value);
  uint32_t number = (bits + 0x7fffu + (bits >> 16 & 1)) >> 16;
  return uint16_t((bits & 0x7fffffffu) > 0x7f800000u ? 0x7fffu : number);
}

/// Any rounding and saturation.
uint16_t roundToF16(float value, Rounding rounding, Saturation saturation);
uint16_t roundToBf16(float value, Rounding rounding, Saturation saturation);

inline bool isPlain(Rounding rounding, Saturation saturation) {
  return rounding == Rounding::NearestEven && !saturation.satfinite &&
         !saturation.relu;
}
inline uint16_t floatToF16(float value,
                           Rounding rounding = Rounding::NearestEven,
                           Saturation saturation = {}) {
  return isPlain(rounding, saturation)
             ? nearestF16(value)
             : roundToF16(value, rounding, saturation);
}
inline uint16_t floatToBf16(float value,
                            Rounding rounding = Rounding::NearestEven,
                            Saturation saturation = {}) {
  return isPlain(rounding, saturation)
             ? nearestBf16(value)
             : roundToBf16(value, rounding, saturation);
}
/// The result is an f32 pattern whose low 13 bits are zero, except for the
/// canonical NaN 0x7fffffff.
uint32_t floatToTf32(float value, Rounding rounding = Rounding::NearestAway,
                     Saturation saturation = {});
/// PTX demands `.satfinite` here; hence the default.
uint8_t floatToE4m3(float value, Rounding rounding = Rounding::NearestEven,
                    Saturation saturation = {.satfinite = true});
uint8_t floatToE5m2(float value, Rounding rounding = Rounding::NearestEven,
                    Saturation saturation = {.satfinite = true});

/// Like their f32 namesakes, with a single rounding from f64.
uint16_t doubleToF16(double value, Rounding rounding = Rounding::NearestEven,
                     Saturation saturation = {});
uint16_t doubleToBf16(double value, Rounding rounding = Rounding::NearestEven,
                      Saturation saturation = {});
/// `cvt.f32.f64` with any of the four IEEE rounding modes.
float doubleToFloat(double value, Rounding rounding = Rounding::NearestEven);

/// Exact. NaN becomes 0x7fffffff.
inline float f16ToFloat(uint16_t bits) {
  uint32_t sign = uint32_t(bits & 0x8000u) << 16, magnitude = bits & 0x7fffu;
  uint32_t subnormal =
      std::bit_cast<uint32_t>(float(int32_t(magnitude)) * 0x1p-24f);
  uint32_t normal = (magnitude << 13) + (112u << 23);
  uint32_t finite = magnitude < 0x400u ? subnormal : normal;
  uint32_t number = (magnitude < 0x7c00u ? finite : 0x7f800000u) | sign;
  return std::bit_cast<float>(magnitude > 0x7c00u ? 0x7fffffffu : number);
}
/// Exact, NaN payload included: a shift, as on hardware.
inline float bf16ToFloat(uint16_t bits) {
  return std::bit_cast<float>(uint32_t(bits) << 16);
}
/// What a tensor core reads from a tf32 operand: the low 13 bits are dropped.
inline float tf32ToFloat(uint32_t bits) {
  return std::bit_cast<float>(bits & 0xffffe000u);
}
/// Exact. NaN becomes 0x7fffffff.
float e4m3ToFloat(uint8_t bits);
float e5m2ToFloat(uint8_t bits);

/// Flushes a subnormal to zero of the same sign, as `.ftz` does.
inline float flushSubnormal(float value) {
  uint32_t bits = std::bit_cast<uint32_t>(value);
  if ((bits & 0x7f800000u) == 0)
    bits &= 0x80000000u;
  return std::bit_cast<float>(bits);
}

/// The `.approx.f32` functions. They evaluate in f64 and round once, so they
/// are within one f32 ulp of the exact result: inside every tolerance that the
/// ISA grants, though not the bits of one particular chip. `ftz` flushes
/// subnormal inputs and results. NaN results are the canonical 0x7fffffff.
float ex2Approx(float x, bool ftz = false);
float lg2Approx(float x, bool ftz = false);
float rcpApprox(float x, bool ftz = false);
float rsqrtApprox(float x, bool ftz = false);
float sqrtApprox(float x, bool ftz = false);
float sinApprox(float x, bool ftz = false);
float cosApprox(float x, bool ftz = false);
float tanhApprox(float x);
/// `div.approx`: zero for finite `x` when |y| is above 2^126, as the ISA says.
float divApprox(float x, float y, bool ftz = false);

} // namespace heddle::vgpu

#endif // HEDDLE_RUNTIME_VIRTUAL_UNITS_NUMERICS_H
