//===- Numerics.cpp - Bit-exact number formats of the GPU ----------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Numerics.h"

#include <algorithm>
#include <array>
#include <cmath>

using namespace heddle;
using namespace heddle::vgpu;

namespace {

constexpr uint32_t canonicalNaN = 0x7fffffff;

/// A binary floating-point format of up to 32 bits with gradual underflow.
struct Format {
  int exponentBits;
  int mantissaBits;
  /// Codes without the sign bit. A format without infinity has its NaN there.
  uint32_t largest, infinity, nan;

  constexpr int bias() const { return (1 << (exponentBits - 1)) - 1; }
  constexpr uint32_t signBit() const {
    return 1u << (exponentBits + mantissaBits);
  }
};

constexpr Format ieee(int exponentBits, int mantissaBits) {
  uint32_t infinity = ((1u << exponentBits) - 1) << mantissaBits;
  return {exponentBits, mantissaBits, infinity - 1, infinity,
          (1u << (exponentBits + mantissaBits)) - 1};
}

constexpr Format f16 = ieee(5, 10);
constexpr Format bf16 = ieee(8, 7);
constexpr Format tf32 = ieee(8, 10);
constexpr Format f32 = ieee(8, 23);
constexpr Format e5m2 = ieee(5, 2);
constexpr Format e4m3 = {4, 3, 0x7e, 0x7f, 0x7f};

/// Whether a magnitude rounds away from zero, given the bits that are cut off.
bool roundsUp(Rounding rounding, bool negative, bool odd, bool aboveHalf,
              bool half, bool inexact) {
  switch (rounding) {
  case Rounding::NearestEven:
    return aboveHalf || (half && odd);
  case Rounding::NearestAway:
    return aboveHalf || half;
  case Rounding::TowardZero:
    return false;
  case Rounding::TowardNegative:
    return inexact && negative;
  case Rounding::TowardPositive:
    return inexact && !negative;
  }
  return false;
}

/// The code of a finite, non-zero magnitude, possibly beyond `largest`.
uint32_t roundMagnitude(uint64_t bits, const Format &format, Rounding rounding,
                        bool negative) {
  int biased = int(bits >> 52);
  uint64_t significand = bits & ((uint64_t(1) << 52) - 1);
  if (biased != 0)
    significand |= uint64_t(1) << 52;
  int exponent = std::max(biased, 1) - 1023;
  int smallest = 1 - format.bias();
  if (exponent > format.bias() + 1)
    return format.signBit();

  // The value is significand * 2^(exponent - 52); the result counts units of
  // 2^(max(exponent, smallest) - mantissaBits).
  int scale = std::max(exponent, smallest);
  int shift = std::min(scale - format.mantissaBits - (exponent - 52), 62);
  uint64_t whole = significand >> shift;
  uint64_t rest = significand & ((uint64_t(1) << shift) - 1);
  uint64_t middle = uint64_t(1) << (shift - 1);
  if (roundsUp(rounding, negative, whole & 1, rest > middle, rest == middle,
               rest != 0))
    ++whole;
  // The hidden bit of `whole` carries into the exponent field.
  return (uint32_t(scale - smallest) << format.mantissaBits) + uint32_t(whole);
}

uint32_t encode(double value, const Format &format, Rounding rounding,
                Saturation saturation) {
  uint64_t bits = std::bit_cast<uint64_t>(value);
  bool negative = bits >> 63;
  bits &= ~(uint64_t(1) << 63);
  if (std::isnan(value))
    return format.nan;

  uint32_t code;
  if (bits == 0) {
    code = 0;
  } else if (std::isinf(value)) {
    code = saturation.satfinite ? format.largest : format.infinity;
  } else {
    code = roundMagnitude(bits, format, rounding, negative);
    if (code > format.largest) {
      bool stays = rounding == Rounding::TowardZero ||
                   (rounding == Rounding::TowardNegative && !negative) ||
                   (rounding == Rounding::TowardPositive && negative);
      code = stays || saturation.satfinite ? format.largest : format.infinity;
    }
  }
  // In a format without infinity, overflow has become NaN, which has no sign.
  if (!negative || code == format.nan)
    return code;
  return saturation.relu ? 0 : code | format.signBit();
}

constexpr float decodeSmall(uint32_t code, int exponentBits, int mantissaBits,
                            bool hasInfinity) {
  uint32_t sign = code >> (exponentBits + mantissaBits) & 1;
  uint32_t exponent = code >> mantissaBits & ((1u << exponentBits) - 1);
  uint32_t mantissa = code & ((1u << mantissaBits) - 1);
  uint32_t top = (1u << exponentBits) - 1;
  int bias = (1 << (exponentBits - 1)) - 1;
  if (hasInfinity && exponent == top)
    return std::bit_cast<float>(mantissa ? canonicalNaN
                                         : sign << 31 | 0x7f800000u);
  if (!hasInfinity && exponent == top && mantissa + 1 == 1u << mantissaBits)
    return std::bit_cast<float>(canonicalNaN);
  if (exponent == 0) {
    // A power of two that is normal in f32.
    float unit =
        std::bit_cast<float>(uint32_t(127 + 1 - bias - mantissaBits) << 23);
    float value = float(mantissa) * unit;
    return sign ? -value : value;
  }
  return std::bit_cast<float>(sign << 31 |
                              (exponent + 127 - uint32_t(bias)) << 23 |
                              mantissa << (23 - mantissaBits));
}

constexpr std::array<float, 256> makeTable(int exponentBits, int mantissaBits,
                                           bool hasInfinity) {
  std::array<float, 256> table = {};
  for (uint32_t code = 0; code < 256; ++code)
    table[code] = decodeSmall(code, exponentBits, mantissaBits, hasInfinity);
  return table;
}

constexpr std::array<float, 256> e4m3Table = makeTable(4, 3, false);
constexpr std::array<float, 256> e5m2Table = makeTable(5, 2, true);

/// Evaluates an approximate function in f64 and rounds once.
template <typename Function>
float approximate(float x, bool ftz, Function function) {
  float result = float(function(double(ftz ? flushSubnormal(x) : x)));
  if (std::isnan(result))
    return std::bit_cast<float>(canonicalNaN);
  return ftz ? flushSubnormal(result) : result;
}

} // namespace

uint16_t vgpu::roundToF16(float value, Rounding rounding,
                          Saturation saturation) {
  return uint16_t(encode(value, f16, rounding, saturation));
}

uint16_t vgpu::roundToBf16(float value, Rounding rounding,
                           Saturation saturation) {
  return uint16_t(encode(value, bf16, rounding, saturation));
}

uint32_t vgpu::floatToTf32(float value, Rounding rounding,
                           Saturation saturation) {
  if (std::isnan(value))
    return canonicalNaN;
  return encode(value, tf32, rounding, saturation) << 13;
}

uint8_t vgpu::floatToE4m3(float value, Rounding rounding,
                          Saturation saturation) {
  return uint8_t(encode(value, e4m3, rounding, saturation));
}

uint8_t vgpu::floatToE5m2(float value, Rounding rounding,
                          Saturation saturation) {
  return uint8_t(encode(value, e5m2, rounding, saturation));
}

uint16_t vgpu::doubleToF16(double value, Rounding rounding,
                           Saturation saturation) {
  return uint16_t(encode(value, f16, rounding, saturation));
}

uint16_t vgpu::doubleToBf16(double value, Rounding rounding,
                            Saturation saturation) {
  return uint16_t(encode(value, bf16, rounding, saturation));
}

float vgpu::doubleToFloat(double value, Rounding rounding) {
  if (rounding == Rounding::NearestEven && !std::isnan(value))
    return float(value);
  return std::bit_cast<float>(encode(value, f32, rounding, {}));
}

float vgpu::e4m3ToFloat(uint8_t bits) { return e4m3Table[bits]; }

float vgpu::e5m2ToFloat(uint8_t bits) { return e5m2Table[bits]; }

float vgpu::ex2Approx(float x, bool ftz) {
  return approximate(x, ftz, [](double v) { return std::exp2(v); });
}

float vgpu::lg2Approx(float x, bool ftz) {
  return approximate(x, ftz, [](double v) { return std::log2(v); });
}

float vgpu::rcpApprox(float x, bool ftz) {
  return approximate(x, ftz, [](double v) { return 1.0 / v; });
}

float vgpu::rsqrtApprox(float x, bool ftz) {
  return approximate(x, ftz, [](double v) { return 1.0 / std::sqrt(v); });
}

float vgpu::sqrtApprox(float x, bool ftz) {
  return approximate(x, ftz, [](double v) { return std::sqrt(v); });
}

float vgpu::sinApprox(float x, bool ftz) {
  return approximate(x, ftz, [](double v) { return std::sin(v); });
}

float vgpu::cosApprox(float x, bool ftz) {
  return approximate(x, ftz, [](double v) { return std::cos(v); });
}

float vgpu::tanhApprox(float x) {
  return approximate(x, false, [](double v) { return std::tanh(v); });
}

float vgpu::divApprox(float x, float y, bool ftz) {
  if (ftz) {
    x = flushSubnormal(x);
    y = flushSubnormal(y);
  }
  if (std::abs(y) > 0x1p126f && !std::isinf(y)) {
    if (std::isnan(x) || std::isinf(x))
      return std::bit_cast<float>(canonicalNaN);
    return std::signbit(x) != std::signbit(y) ? -0.0f : 0.0f;
  }
  return approximate(x, ftz, [y](double v) { return v / double(y); });
}
