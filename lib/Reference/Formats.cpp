//===- Formats.cpp - How values of each type round and are stored ---------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Reference/Formats.h"

#include "llvm/Support/MathExtras.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

using namespace mlir;
using namespace heddle::reference;

static constexpr FloatFormat f64Format = {
    64, 53, -1022, std::numeric_limits<double>::max(), false, false};
static constexpr FloatFormat f32Format = {
    32, 24, -126, std::numeric_limits<float>::max(), false, false};
static constexpr FloatFormat tf32Format = {19,           11,    -126,
                                           0x1.FFCp+127, false, false};
static constexpr FloatFormat f16Format = {16, 11, -14, 65504.0, false, false};
static constexpr FloatFormat bf16Format = {16,          8,     -126,
                                           0x1.FEp+127, false, false};
static constexpr FloatFormat e4m3Format = {8, 4, -6, 448.0, true, true};
static constexpr FloatFormat e5m2Format = {8, 3, -14, 57344.0, true, false};

const FloatFormat *FloatFormat::get(Type type) {
  return llvm::TypeSwitch<Type, const FloatFormat *>(type)
      .Case([](Float64Type) { return &f64Format; })
      .Case([](Float32Type) { return &f32Format; })
      .Case([](FloatTF32Type) { return &tf32Format; })
      .Case([](Float16Type) { return &f16Format; })
      .Case([](BFloat16Type) { return &bf16Format; })
      .Case([](Float8E4M3FNType) { return &e4m3Format; })
      .Case([](Float8E5M2Type) { return &e5m2Format; })
      .Default([](Type) { return nullptr; });
}

const FloatFormat &FloatFormat::tf32() { return tf32Format; }

//===----------------------------------------------------------------------===//
// Rounding
//===----------------------------------------------------------------------===//

double FloatFormat::ulp(double value) const {
  int exponent =
      value == 0 || !std::isfinite(value) ? minExponent : std::ilogb(value);
  return std::ldexp(1.0, std::max(exponent, minExponent) - (precision - 1));
}

double FloatFormat::round(double value) const {
  if (bits == 64)
    return value;
  if (bits == 32)
    return float(value);
  if (value == 0 || std::isnan(value))
    return value;
  if (!std::isinf(value)) {
    // To a multiple of the distance between numbers, then into the range.
    double distance = ulp(value);
    value = std::nearbyint(value / distance) * distance;
    if (std::fabs(value) <= max)
      return value;
  }
  return std::copysign(
      saturates ? max : std::numeric_limits<double>::infinity(), value);
}

//===----------------------------------------------------------------------===//
// Bits
//===----------------------------------------------------------------------===//

uint64_t FloatFormat::encode(double value) const {
  if (bits == 64)
    return std::bit_cast<uint64_t>(value);
  unsigned mantissaBits = precision - 1;
  unsigned exponentBits = bits - 1 - mantissaBits;
  uint64_t maxExponent = (uint64_t(1) << exponentBits) - 1;
  uint64_t sign = std::signbit(value) ? uint64_t(1) << (bits - 1) : 0;
  if (std::isnan(value)) {
    if (finiteOnly)
      return sign | ((uint64_t(1) << (bits - 1)) - 1);
    return sign | maxExponent << mantissaBits |
           uint64_t(1) << (mantissaBits - 1);
  }
  if (std::isinf(value))
    return sign | maxExponent << mantissaBits;
  double magnitude = std::fabs(value);
  int exponent = magnitude == 0 ? minExponent : std::ilogb(magnitude);
  if (exponent < minExponent)
    exponent = minExponent;
  // The significand as an integer; its hidden bit is clear if subnormal.
  uint64_t significand = std::ldexp(magnitude, precision - 1 - exponent);
  uint64_t hidden = uint64_t(1) << mantissaBits;
  if (!(significand & hidden))
    return sign | significand;
  return sign | uint64_t(exponent - minExponent + 1) << mantissaBits |
         (significand & (hidden - 1));
}

double FloatFormat::decode(uint64_t pattern) const {
  if (bits == 64)
    return std::bit_cast<double>(pattern);
  if (bits == 32)
    return std::bit_cast<float>(uint32_t(pattern));
  unsigned mantissaBits = precision - 1;
  unsigned exponentBits = bits - 1 - mantissaBits;
  uint64_t mantissa = pattern & ((uint64_t(1) << mantissaBits) - 1);
  uint64_t exponent =
      pattern >> mantissaBits & ((uint64_t(1) << exponentBits) - 1);
  double sign = pattern >> (bits - 1) & 1 ? -1.0 : 1.0;
  bool allOnes = exponent == (uint64_t(1) << exponentBits) - 1;
  if (allOnes && finiteOnly && mantissa == (uint64_t(1) << mantissaBits) - 1)
    return std::copysign(std::numeric_limits<double>::quiet_NaN(), sign);
  if (allOnes && !finiteOnly)
    return mantissa == 0
               ? sign * std::numeric_limits<double>::infinity()
               : std::copysign(std::numeric_limits<double>::quiet_NaN(), sign);
  if (exponent == 0)
    return sign * std::ldexp(double(mantissa), minExponent - (precision - 1));
  mantissa |= uint64_t(1) << mantissaBits;
  return sign * std::ldexp(double(mantissa),
                           int(exponent) - 1 + minExponent - (precision - 1));
}

//===----------------------------------------------------------------------===//
// Elements
//===----------------------------------------------------------------------===//

bool heddle::reference::isSupported(Type type) {
  if (auto integer = dyn_cast<IntegerType>(type))
    return integer.getWidth() >= 1 && integer.getWidth() <= 64;
  return isa<IndexType>(type) || FloatFormat::get(type);
}

unsigned heddle::reference::getIntegerWidth(Type type) {
  return isa<IndexType>(type) ? 64 : type.getIntOrFloatBitWidth();
}

unsigned heddle::reference::getByteWidth(Type type) {
  if (isa<FloatTF32Type>(type))
    return 4;
  return llvm::divideCeil(getIntegerWidth(type), 8);
}

Element heddle::reference::loadElement(Type type, const std::byte *from) {
  uint64_t bits = 0;
  std::memcpy(&bits, from, getByteWidth(type));
  if (const FloatFormat *format = FloatFormat::get(type))
    return makeFloat(format->decode(bits));
  return makeInt(bits &
                 llvm::maskTrailingOnes<uint64_t>(getIntegerWidth(type)));
}

void heddle::reference::storeElement(Type type, Element value, std::byte *to) {
  uint64_t bits = value.i;
  if (const FloatFormat *format = FloatFormat::get(type))
    bits = format->encode(format->round(value.f));
  std::memcpy(to, &bits, getByteWidth(type));
}

Element heddle::reference::getPoison(Type type) {
  if (isa<FloatType>(type))
    return makeFloat(std::numeric_limits<double>::quiet_NaN());
  return makeInt(0x5A5A5A5A5A5A5A5A &
                 llvm::maskTrailingOnes<uint64_t>(getIntegerWidth(type)));
}
