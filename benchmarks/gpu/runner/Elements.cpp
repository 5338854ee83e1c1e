//===- Elements.cpp - Arrays of random numbers ---------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Elements.h"

#include "tools/heddle/Random.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <thread>

using namespace heddle;
using namespace heddle::gpucheck;

namespace {
/// A binary floating-point format. One without infinities (OCP's e4m3) has a
/// single NaN above its largest number.
struct Format {
  int exponentBits, mantissaBits;
  bool hasInfinities = true;

  int bias() const { return (1 << (exponentBits - 1)) - 1; }
};
} // namespace

static std::optional<Format> getFormat(ElementType type) {
  switch (type) {
  case ElementType::F8E4M3:
    return Format{4, 3, false};
  case ElementType::F8E5M2:
    return Format{5, 2};
  case ElementType::BF16:
    return Format{8, 7};
  case ElementType::F16:
    return Format{5, 10};
  case ElementType::F32:
    return Format{8, 23};
  case ElementType::F64:
    return Format{11, 52};
  default:
    return std::nullopt;
  }
}

double gpucheck::getUlp(ElementType type, double value) {
  std::optional<Format> format = getFormat(type);
  if (!format || !std::isfinite(value))
    return 0;
  int exponent = value == 0 ? -format->bias() : std::ilogb(value);
  exponent = std::max(exponent, 1 - format->bias());
  return std::ldexp(1.0, exponent - format->mantissaBits);
}

/// The bits of `value` rounded to nearest even; its magnitude must be normal or
/// zero in `format` or less, and not beyond the largest.
static uint64_t encode(const Format &format, double value) {
  int sign = std::signbit(value);
  double magnitude = std::abs(value);
  int lowest = 1 - format.bias();
  int exponent = magnitude == 0 ? lowest : std::ilogb(magnitude);
  exponent = std::max(exponent, lowest);
  // In units of the last place; a carry reaches the exponent by addition.
  double scaled = std::ldexp(magnitude, format.mantissaBits - exponent);
  auto units = uint64_t(std::nearbyint(scaled));
  uint64_t bits = units + (uint64_t(exponent - lowest) << format.mantissaBits);
  return bits | uint64_t(sign) << (format.exponentBits + format.mantissaBits);
}

static double decode(const Format &format, uint64_t bits) {
  uint64_t mantissa = bits & ((uint64_t(1) << format.mantissaBits) - 1);
  uint64_t top = (uint64_t(1) << format.exponentBits) - 1;
  uint64_t exponent = bits >> format.mantissaBits & top;
  bool negative = bits >> (format.mantissaBits + format.exponentBits) & 1;
  double value;
  if (exponent == top && format.hasInfinities)
    value = mantissa ? std::nan("") : INFINITY;
  else if (exponent == top && !format.hasInfinities &&
           mantissa == (uint64_t(1) << format.mantissaBits) - 1)
    value = std::nan("");
  else if (exponent == 0)
    value =
        std::ldexp(double(mantissa), 1 - format.bias() - format.mantissaBits);
  else
    value = std::ldexp(double(mantissa | uint64_t(1) << format.mantissaBits),
                       int(exponent) - format.bias() - format.mantissaBits);
  return negative ? -value : value;
}

double gpucheck::loadElement(ElementType type, const std::byte *at) {
  uint64_t bits = 0;
  unsigned width = getBytes(type);
  std::memcpy(&bits, at, width);
  if (type == ElementType::F32)
    return std::bit_cast<float>(uint32_t(bits));
  if (type == ElementType::BF16)
    return std::bit_cast<float>(uint32_t(bits) << 16);
  if (type == ElementType::F64)
    return std::bit_cast<double>(bits);
  if (std::optional<Format> format = getFormat(type))
    return decode(*format, bits);
  if (type == ElementType::I1)
    return double(bits & 1);
  unsigned unused = 64 - 8 * width;
  return double(int64_t(bits << unused) >> unused);
}

/// Elements that one generator fills, so that several can at a time.
static constexpr size_t chunk = size_t(1) << 16;

static void fillChunk(ElementType type, std::span<std::byte> bytes,
                      uint64_t seed) {
  Random random(seed);
  unsigned width = getBytes(type);
  std::optional<Format> format = getFormat(type);
  for (size_t at = 0; at < bytes.size(); at += width) {
    uint64_t bits;
    if (type == ElementType::F32) {
      bits = std::bit_cast<uint32_t>(float(random.nextNormal()));
    } else if (type == ElementType::BF16) {
      uint32_t wide = std::bit_cast<uint32_t>(float(random.nextNormal()));
      bits = (wide + 0x7FFF + (wide >> 16 & 1)) >> 16;
    } else if (format) {
      bits = encode(*format, random.nextNormal());
    } else if (type == ElementType::I1) {
      bits = random.next() >> 63;
    } else {
      bits = uint64_t(int64_t(random.next()) >> 60);
    }
    std::memcpy(bytes.data() + at, &bits, width);
  }
}

void gpucheck::fillRandom(ElementType type, std::span<std::byte> bytes,
                          uint64_t seed) {
  size_t step = chunk * getBytes(type);
  size_t chunks = (bytes.size() + step - 1) / step;
  size_t threads = std::clamp<size_t>(std::thread::hardware_concurrency(), 1,
                                      std::max<size_t>(chunks, 1));
  std::vector<std::jthread> workers;
  for (size_t t = 0; t < threads; ++t)
    workers.emplace_back([=] {
      for (size_t c = t; c < chunks; c += threads) {
        size_t first = c * step;
        fillChunk(type,
                  bytes.subspan(first, std::min(step, bytes.size() - first)),
                  Random(seed ^ (c * 0xD1B54A32D192ED03)).next());
      }
    });
}
