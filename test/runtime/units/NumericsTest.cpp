//===- NumericsTest.cpp - Number formats against reference arithmetic ----===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "units/Numerics.h"

#include <cmath>
#include <gtest/gtest.h>
#include <limits>
#include <random>
#include <vector>

using namespace heddle::vgpu;

namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();
const float nan = std::numeric_limits<float>::quiet_NaN();

/// A small format, described independently of the implementation: by value.
struct Oracle {
  int exponentBits, mantissaBits;
  bool hasInfinity;
  /// The values of the codes without sign, up to the largest finite one.
  std::vector<double> values;

  Oracle(int exponentBits, int mantissaBits, bool hasInfinity)
      : exponentBits(exponentBits), mantissaBits(mantissaBits),
        hasInfinity(hasInfinity) {
    while (std::isfinite(valueOf(uint32_t(values.size()))))
      values.push_back(valueOf(uint32_t(values.size())));
  }

  uint32_t codes() const { return 1u << (exponentBits + mantissaBits); }
  uint32_t largest() const { return uint32_t(values.size()) - 1; }

  /// The value of a code without sign, by the definition of the format.
  double valueOf(uint32_t code) const {
    int bias = (1 << (exponentBits - 1)) - 1;
    int exponent = int(code >> mantissaBits);
    uint32_t mantissa = code & ((1u << mantissaBits) - 1);
    if (hasInfinity && exponent == (1 << exponentBits) - 1)
      return mantissa ? NAN : INFINITY;
    if (!hasInfinity && code == codes() - 1)
      return NAN;
    if (exponent == 0)
      return std::ldexp(double(mantissa), 1 - bias - mantissaBits);
    return std::ldexp(double(mantissa + (1u << mantissaBits)),
                      exponent - bias - mantissaBits);
  }

  /// Rounds a finite value by searching the two neighbours; overflow as IEEE
  /// 754 does, with a fictitious next code beyond the largest.
  uint32_t round(double value, Rounding rounding, bool satfinite) const {
    bool negative = std::signbit(value);
    double magnitude = std::abs(value);
    uint32_t sign = negative ? codes() : 0;
    uint32_t low = 0, high = largest() + 1;
    auto extended = [&](uint32_t code) {
      return code <= largest() ? values[code]
                               : 2 * values[largest()] - values[largest() - 1];
    };
    while (high - low > 1) {
      uint32_t middle = (low + high) / 2;
      (values[middle] <= magnitude ? low : high) = middle;
    }
    double below = magnitude - extended(low),
           above = extended(high) - magnitude;
    uint32_t code = low;
    switch (rounding) {
    case Rounding::NearestEven:
      code = above < below || (above == below && low % 2 == 1) ? high : low;
      break;
    case Rounding::NearestAway:
      code = above <= below ? high : low;
      break;
    case Rounding::TowardZero:
      break;
    case Rounding::TowardNegative:
      code = negative && below > 0 ? high : low;
      break;
    case Rounding::TowardPositive:
      code = !negative && below > 0 ? high : low;
      break;
    }
    if (code > largest()) {
      if (satfinite)
        return sign | largest();
      if (!hasInfinity)
        return codes() - 1;
      return sign | ((1u << exponentBits) - 1) << mantissaBits;
    }
    return sign | code;
  }
};

const Oracle f16 = {5, 10, true};
const Oracle bf16 = {8, 7, true};
const Oracle tf32 = {8, 10, true};
const Oracle e4m3 = {4, 3, false};
const Oracle e5m2 = {5, 2, true};

constexpr Rounding allRoundings[] = {
    Rounding::NearestEven, Rounding::TowardZero, Rounding::TowardNegative,
    Rounding::TowardPositive, Rounding::NearestAway};

/// Every code of the format, every midpoint between two, their f32 neighbours,
/// both signs, values beyond the largest, and random bits.
std::vector<float> interestingValues(const Oracle &format, uint32_t step) {
  std::vector<float> values = {0.0f, 1e-45f, 3e38f, 1e38f, 70000.0f, 449.0f};
  for (uint32_t code = 0; code < format.largest(); code += step) {
    double here = format.valueOf(code), next = format.valueOf(code + 1);
    float middle = float((here + next) / 2);
    for (float value : {float(here), middle, std::nextafter(middle, infinity),
                        std::nextafter(middle, 0.0f)})
      if (std::isfinite(value))
        values.push_back(value);
  }
  double top = format.valueOf(format.largest());
  double step2 = top - format.valueOf(format.largest() - 1);
  for (double value : {top, top + step2 / 4, top + step2 / 2,
                       top + 3 * step2 / 4, top + step2, top + 2 * step2})
    if (std::isfinite(float(value)))
      values.push_back(float(value));
  std::mt19937 random(1);
  for (int i = 0; i < 20000; ++i) {
    float value = std::bit_cast<float>(uint32_t(random()) & 0x7fffffffu);
    if (std::isfinite(value))
      values.push_back(value);
  }
  for (size_t i = 0, count = values.size(); i < count; ++i)
    values.push_back(-values[i]);
  return values;
}

template <typename Convert>
void checkRounding(const Oracle &format, uint32_t step, Convert convert) {
  for (float value : interestingValues(format, step))
    for (Rounding rounding : allRoundings)
      for (bool satfinite : {false, true}) {
        uint32_t expected = format.round(value, rounding, satfinite);
        // NaN has no sign.
        if (!format.hasInfinity && (expected & 0x7f) == 0x7f)
          expected = 0x7f;
        ASSERT_EQ(convert(value, rounding, satfinite), expected)
            << value << " rounding " << int(rounding) << " satfinite "
            << satfinite;
      }
}

TEST(Numerics, F16RoundTripsEveryCode) {
  for (uint32_t code = 0; code < 65536; ++code) {
    float value = f16ToFloat(uint16_t(code));
    double expected = f16.valueOf(code & 0x7fff);
    if (std::isnan(expected)) {
      EXPECT_EQ(std::bit_cast<uint32_t>(value), 0x7fffffffu);
      EXPECT_EQ(floatToF16(value), 0x7fff);
      continue;
    }
    ASSERT_EQ(value, float(code & 0x8000 ? -expected : expected));
    for (Rounding rounding : allRoundings)
      ASSERT_EQ(floatToF16(value, rounding), code);
  }
}

TEST(Numerics, Bf16RoundTripsEveryCode) {
  for (uint32_t code = 0; code < 65536; ++code) {
    float value = bf16ToFloat(uint16_t(code));
    double expected = bf16.valueOf(code & 0x7fff);
    if (std::isnan(expected)) {
      EXPECT_TRUE(std::isnan(value));
      EXPECT_EQ(floatToBf16(value), 0x7fff);
      continue;
    }
    ASSERT_EQ(value, float(code & 0x8000 ? -expected : expected));
    for (Rounding rounding : allRoundings)
      ASSERT_EQ(floatToBf16(value, rounding), code);
  }
}

TEST(Numerics, Fp8RoundTripsEveryCode) {
  for (uint32_t code = 0; code < 256; ++code) {
    double expected = e4m3.valueOf(code & 0x7f);
    float value = e4m3ToFloat(uint8_t(code));
    if (std::isnan(expected)) {
      EXPECT_EQ(std::bit_cast<uint32_t>(value), 0x7fffffffu);
    } else {
      EXPECT_EQ(value, float(code & 0x80 ? -expected : expected));
      EXPECT_EQ(floatToE4m3(value), code);
    }
    expected = e5m2.valueOf(code & 0x7f);
    value = e5m2ToFloat(uint8_t(code));
    if (std::isnan(expected)) {
      EXPECT_EQ(std::bit_cast<uint32_t>(value), 0x7fffffffu);
    } else {
      EXPECT_EQ(value, float(code & 0x80 ? -expected : expected));
      EXPECT_EQ(floatToE5m2(value, Rounding::NearestEven, {}), code);
    }
  }
}

TEST(Numerics, RoundingMatchesTheDefinition) {
  checkRounding(f16, 1, [](float value, Rounding rounding, bool satfinite) {
    return floatToF16(value, rounding, {.satfinite = satfinite});
  });
  checkRounding(bf16, 1, [](float value, Rounding rounding, bool satfinite) {
    return floatToBf16(value, rounding, {.satfinite = satfinite});
  });
  checkRounding(tf32, 17, [](float value, Rounding rounding, bool satfinite) {
    return floatToTf32(value, rounding, {.satfinite = satfinite}) >> 13;
  });
  checkRounding(e4m3, 1, [](float value, Rounding rounding, bool satfinite) {
    return floatToE4m3(value, rounding, {.satfinite = satfinite});
  });
  checkRounding(e5m2, 1, [](float value, Rounding rounding, bool satfinite) {
    return floatToE5m2(value, rounding, {.satfinite = satfinite});
  });
}

TEST(Numerics, DoublesRoundOnce) {
  checkRounding(f16, 1, [](float value, Rounding rounding, bool satfinite) {
    return doubleToF16(value, rounding, {.satfinite = satfinite});
  });
  // Just above a midpoint by less than f32 can tell.
  EXPECT_EQ(floatToF16(float(1.0 + 0x1p-11 + 0x1p-40)), 0x3c00);
  EXPECT_EQ(doubleToF16(1.0 + 0x1p-11 + 0x1p-40), 0x3c01);
  EXPECT_EQ(doubleToBf16(1.0 + 0x1p-8 + 0x1p-40), 0x3f81);
  EXPECT_EQ(doubleToFloat(1.0 + 0x1p-30, Rounding::TowardPositive),
            1.0f + 0x1p-23f);
  EXPECT_EQ(doubleToFloat(-1.0 - 0x1p-30, Rounding::TowardZero), -1.0f);
  EXPECT_EQ(doubleToFloat(0x1p-1074, Rounding::TowardPositive), 0x1p-149f);
  EXPECT_EQ(doubleToFloat(1e300), infinity);
  EXPECT_EQ(doubleToFloat(1e300, Rounding::TowardZero),
            std::numeric_limits<float>::max());
}

TEST(Numerics, NanAndInfinity) {
  for (float value : {nan, -nan}) {
    EXPECT_EQ(floatToF16(value), 0x7fff);
    EXPECT_EQ(floatToBf16(value), 0x7fff);
    EXPECT_EQ(floatToTf32(value), 0x7fffffffu);
    EXPECT_EQ(floatToE4m3(value), 0x7f);
    EXPECT_EQ(floatToE5m2(value), 0x7f);
    EXPECT_EQ(floatToF16(value, Rounding::NearestEven, {.relu = true}), 0x7fff);
  }
  EXPECT_EQ(floatToF16(-infinity), 0xfc00);
  EXPECT_EQ(floatToBf16(infinity), 0x7f80);
  EXPECT_EQ(floatToTf32(-infinity), 0xff800000u);
  EXPECT_EQ(floatToF16(infinity, Rounding::NearestEven, {.satfinite = true}),
            0x7bff);
  EXPECT_EQ(floatToE4m3(-infinity), 0xfe);
  EXPECT_EQ(floatToE5m2(infinity), 0x7b);
  EXPECT_EQ(floatToE5m2(infinity, Rounding::NearestEven, {}), 0x7c);
  EXPECT_EQ(floatToE4m3(infinity, Rounding::NearestEven, {}), 0x7f);
}

TEST(Numerics, ReluClampsNegatives) {
  Saturation relu = {.relu = true};
  EXPECT_EQ(floatToF16(-1.0f, Rounding::NearestEven, relu), 0);
  EXPECT_EQ(floatToBf16(-0.0f, Rounding::NearestEven, relu), 0);
  EXPECT_EQ(floatToBf16(-infinity, Rounding::TowardZero, relu), 0);
  EXPECT_EQ(floatToF16(1.0f, Rounding::NearestEven, relu), 0x3c00);
  EXPECT_EQ(floatToE4m3(-3.0f, Rounding::NearestEven,
                        {.satfinite = true, .relu = true}),
            0);
}

TEST(Numerics, Tf32DropsLowBits) {
  EXPECT_EQ(tf32ToFloat(0x3f801fff), 1.0f);
  EXPECT_EQ(floatToTf32(1.0f + 0x1p-11f), 0x3f802000u);
  EXPECT_EQ(floatToTf32(1.0f + 0x1p-11f, Rounding::NearestEven), 0x3f800000u);
}

/// The distance in units of the last place of the exact result.
double ulps(float found, double exact) {
  int exponent = std::max(std::ilogb(exact), -126);
  return std::abs(double(found) - exact) / std::ldexp(1.0, exponent - 23);
}

TEST(Numerics, ApproximationsAreWithinOneUlp) {
  std::mt19937 random(2);
  std::uniform_real_distribution<float> range(-80.0f, 80.0f);
  for (int i = 0; i < 20000; ++i) {
    float x = range(random);
    EXPECT_LE(ulps(ex2Approx(x), std::exp2(double(x))), 1.0);
    EXPECT_LE(ulps(rcpApprox(x), 1.0 / double(x)), 1.0);
    EXPECT_LE(ulps(sinApprox(x), std::sin(double(x))), 1.0);
    EXPECT_LE(ulps(cosApprox(x), std::cos(double(x))), 1.0);
    EXPECT_LE(ulps(tanhApprox(x), std::tanh(double(x))), 1.0);
    EXPECT_LE(ulps(divApprox(x, 3.0f), double(x) / 3.0), 1.0);
    x = std::abs(x);
    EXPECT_LE(ulps(lg2Approx(x), std::log2(double(x))), 1.0);
    EXPECT_LE(ulps(rsqrtApprox(x), 1.0 / std::sqrt(double(x))), 1.0);
    EXPECT_LE(ulps(sqrtApprox(x), std::sqrt(double(x))), 1.0);
  }
}

TEST(Numerics, ApproximationsAtTheEdges) {
  EXPECT_EQ(ex2Approx(-infinity), 0.0f);
  EXPECT_EQ(ex2Approx(infinity), infinity);
  EXPECT_EQ(ex2Approx(-140.0f), 0x1p-140f);
  EXPECT_EQ(ex2Approx(-140.0f, /*ftz=*/true), 0.0f);
  EXPECT_EQ(lg2Approx(0.0f), -infinity);
  EXPECT_EQ(lg2Approx(0x1p-140f), -140.0f);
  EXPECT_EQ(lg2Approx(0x1p-140f, /*ftz=*/true), -infinity);
  EXPECT_EQ(rcpApprox(-0.0f), -infinity);
  EXPECT_EQ(rcpApprox(infinity), 0.0f);
  EXPECT_EQ(rsqrtApprox(-0.0f), -infinity);
  EXPECT_EQ(std::bit_cast<uint32_t>(sqrtApprox(-1.0f)), 0x7fffffffu);
  EXPECT_EQ(std::bit_cast<uint32_t>(lg2Approx(-1.0f)), 0x7fffffffu);
  EXPECT_EQ(std::bit_cast<uint32_t>(sinApprox(infinity)), 0x7fffffffu);
  EXPECT_EQ(tanhApprox(-infinity), -1.0f);
  EXPECT_EQ(divApprox(1e38f, 0x1.8p126f), 0.0f);
  EXPECT_TRUE(std::isnan(divApprox(infinity, 0x1.8p126f)));
  EXPECT_EQ(divApprox(1.0f, 0.0f), infinity);
}

} // namespace
