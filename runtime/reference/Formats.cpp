//===- Formats.cpp - How values of each type round and are stored ---------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "reference/Formats.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>
#include <fmt/format.h>
#include <limits>

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

const FloatFormat *FloatFormat::get(NumberType type) {
  switch (type.kind) {
  case NumberKind::Integer:
  case NumberKind::Index:
    return nullptr;
  case NumberKind::F64:
    return &f64Format;
  case NumberKind::F32:
    return &f32Format;
  case NumberKind::TF32:
    return &tf32Format;
  case NumberKind::F16:
    return &f16Format;
  case NumberKind::BF16:
    return &bf16Format;
  case NumberKind::F8E4M3:
    return &e4m3Format;
  case NumberKind::F8E5M2:
    return &e5m2Format;
  }
  return nullptr;
}

const FloatFormat &FloatFormat::tf32() { return tf32Format; }

//===----------------------------------------------------------------------===//
// Rounding
//===----------------------------------------------------------------------===//

/// The fields of a double.
static constexpr int doubleMantissaBits = 52, doubleBias = 1023;

/// Whether `value` is finite and normal both as a double and in a format whose
/// smallest normal exponent is `minExponent`: such numbers convert by moving
/// fields, without the functions of the C library.
static bool isPlain(double value, int minExponent) {
  int exponent = std::bit_cast<uint64_t>(value) >> doubleMantissaBits & 0x7ff;
  return exponent != 0x7ff && exponent >= std::max(minExponent + doubleBias, 1);
}

double FloatFormat::ulp(double value) const {
  int exponent =
      value == 0 || !std::isfinite(value) ? minExponent : std::ilogb(value);
  return std::ldexp(1.0, std::max(exponent, minExponent) - (precision - 1));
}

double FloatFormat::roundNarrow(double value) const {
  if (value == 0 || std::isnan(value))
    return value;
  if (isPlain(value, minExponent)) {
    // A carry out of the mantissa arrives in the exponent.
    int dropped = doubleMantissaBits - (precision - 1);
    uint64_t pattern = std::bit_cast<uint64_t>(value);
    pattern += (uint64_t(1) << (dropped - 1)) - 1 + (pattern >> dropped & 1);
    value = std::bit_cast<double>(pattern >> dropped << dropped);
    if (std::fabs(value) <= max)
      return value;
  } else if (!std::isinf(value)) {
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
  if (isPlain(value, minExponent)) {
    uint64_t pattern = std::bit_cast<uint64_t>(std::fabs(value));
    uint64_t rebias = uint64_t(doubleBias + minExponent - 1)
                      << doubleMantissaBits;
    return sign | (pattern - rebias) >> (doubleMantissaBits - mantissaBits);
  }
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
  uint64_t fields = (exponent - 1 + uint64_t(doubleBias + minExponent))
                        << doubleMantissaBits |
                    mantissa << (doubleMantissaBits - mantissaBits);
  return std::copysign(std::bit_cast<double>(fields), sign);
}

//===----------------------------------------------------------------------===//
// Elements
//===----------------------------------------------------------------------===//

static constexpr std::pair<NumberKind, std::string_view> names[] = {
    {NumberKind::Index, "index"},     {NumberKind::F64, "f64"},
    {NumberKind::F32, "f32"},         {NumberKind::TF32, "tf32"},
    {NumberKind::F16, "f16"},         {NumberKind::BF16, "bf16"},
    {NumberKind::F8E4M3, "f8E4M3FN"}, {NumberKind::F8E5M2, "f8E5M2"},
};

std::optional<NumberType> NumberType::parse(std::string_view name) {
  for (auto [kind, text] : names)
    if (name == text)
      return kind == NumberKind::Index ? index() : floating(kind);
  unsigned width = 0;
  if (!name.starts_with('i'))
    return std::nullopt;
  const char *end = name.data() + name.size();
  auto [stop, error] = std::from_chars(name.data() + 1, end, width);
  if (error != std::errc() || stop != end || width < 1 || width > 64)
    return std::nullopt;
  return integer(width);
}

std::string NumberType::getName() const {
  for (auto [named, text] : names)
    if (kind == named)
      return std::string(text);
  return fmt::format("i{}", width);
}

unsigned heddle::reference::getByteWidth(NumberType type) {
  if (type.kind == NumberKind::TF32)
    return 4;
  if (const FloatFormat *format = FloatFormat::get(type))
    return format->bits / 8;
  return (type.width + 7) / 8;
}

Element heddle::reference::loadElement(NumberType type, const std::byte *from) {
  uint64_t bits = 0;
  std::memcpy(&bits, from, getByteWidth(type));
  if (const FloatFormat *format = FloatFormat::get(type))
    return makeFloat(format->decode(bits));
  return makeInt(bits & getMask(type.width));
}

void heddle::reference::storeElement(NumberType type, Element value,
                                     std::byte *to) {
  uint64_t bits = value.i;
  if (const FloatFormat *format = FloatFormat::get(type))
    bits = format->encode(format->round(value.f));
  std::memcpy(to, &bits, getByteWidth(type));
}

Element heddle::reference::getPoison(NumberType type) {
  if (type.isFloat())
    return makeFloat(std::numeric_limits<double>::quiet_NaN());
  return makeInt(0x5A5A5A5A5A5A5A5A & getMask(type.width));
}

std::string heddle::reference::format(NumberType type, Element element) {
  if (type.isFloat())
    return fmt::format("{:.6g}", element.f);
  return fmt::format("{}", signExtend(element.i, type.width));
}
