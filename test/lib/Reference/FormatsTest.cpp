//===- FormatsTest.cpp - Rounding and bits against LLVM -------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/reference/Formats.h"

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/MLIRContext.h"

#include <cmath>
#include <gtest/gtest.h>
#include <limits>
#include <random>

using namespace mlir;
using namespace heddle::reference;

namespace {
/// All formats but f64, which does not round.
class FormatsTest : public testing::Test {
protected:
  MLIRContext context;
  std::vector<FloatType> types = {
      Float32Type::get(&context),    FloatTF32Type::get(&context),
      Float16Type::get(&context),    BFloat16Type::get(&context),
      Float8E5M2Type::get(&context), Float8E4M3FNType::get(&context)};

  static const FloatFormat &getFormat(FloatType type) {
    std::string name;
    llvm::raw_string_ostream(name) << type;
    return *FloatFormat::get(*NumberType::parse(name));
  }

  /// What LLVM makes of `value`, except that f8 saturates.
  static double getExpected(FloatType type, double value) {
    constexpr auto mode = APFloat::rmNearestTiesToEven;
    const FloatFormat &format = getFormat(type);
    APFloat number(value);
    bool losesInfo;
    number.convert(type.getFloatSemantics(), mode, &losesInfo);
    number.convert(APFloat::IEEEdouble(), mode, &losesInfo);
    double result = number.convertToDouble();
    if (format.saturates && !std::isnan(value) &&
        !(std::fabs(result) <= format.max))
      return std::copysign(format.max, value);
    return result;
  }

  /// Numbers of every magnitude, and ties between neighbours.
  static std::vector<double> getSamples(const FloatFormat &format) {
    std::vector<double> samples = {0.0,
                                   -0.0,
                                   std::numeric_limits<double>::infinity(),
                                   -std::numeric_limits<double>::infinity(),
                                   format.max,
                                   -format.max,
                                   format.max * 1.01,
                                   format.max + format.ulp(format.max) / 2,
                                   1e300,
                                   1e-300};
    std::mt19937_64 random(7);
    for (int exponent = -160; exponent < 140; ++exponent)
      for (int i = 0; i < 20; ++i) {
        double x =
            std::ldexp(1 + double(random() >> 11) / (1ull << 53), exponent);
        double ulp = format.ulp(x);
        double tie = (std::floor(x / ulp) + 0.5) * ulp;
        samples.insert(samples.end(), {x, -x, tie, -tie});
      }
    return samples;
  }
};

TEST_F(FormatsTest, RoundsToNearestEven) {
  for (FloatType type : types) {
    const FloatFormat &format = getFormat(type);
    for (double x : getSamples(format)) {
      double expected = getExpected(type, x);
      ASSERT_EQ(format.round(x), expected) << format.bits << " " << x;
      ASSERT_EQ(std::signbit(format.round(x)), std::signbit(expected));
    }
  }
}

TEST_F(FormatsTest, DecodesAndEncodesEveryPattern) {
  for (FloatType type : types) {
    const FloatFormat &format = getFormat(type);
    if (format.bits > 16)
      continue;
    for (uint64_t bits = 0; bits < uint64_t(1) << format.bits; ++bits) {
      APFloat number(type.getFloatSemantics(), APInt(format.bits, bits));
      bool losesInfo;
      bool isNaN = number.isNaN();
      number.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven,
                     &losesInfo);
      double value = format.decode(bits);
      ASSERT_EQ(std::isnan(value), isNaN) << format.bits << " " << bits;
      if (isNaN)
        continue;
      ASSERT_EQ(value, number.convertToDouble()) << format.bits << " " << bits;
      ASSERT_EQ(format.encode(value), bits) << format.bits;
    }
  }
}

TEST_F(FormatsTest, EncodesNaNAsNaN) {
  for (FloatType type : types) {
    const FloatFormat &format = getFormat(type);
    EXPECT_TRUE(std::isnan(format.decode(
        format.encode(std::numeric_limits<double>::quiet_NaN()))));
  }
}
} // namespace
