//===- ComparisonTest.cpp - What passes and what does not -----------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "reference/Comparison.h"

#include <cmath>
#include <gtest/gtest.h>
#include <limits>

using namespace heddle::reference;

namespace {
class ComparisonTest : public testing::Test {
protected:
  Buffer make(NumberType type, std::vector<double> values) {
    Buffer buffer = Buffer::makePoison(
        type, std::array<int64_t, 2>{int64_t(values.size()) / 2, 2});
    for (size_t i = 0; i < values.size(); ++i) {
      buffer.elements[i] =
          type.isFloat() ? makeFloat(values[i]) : makeInt(uint64_t(values[i]));
      buffer.written[i] = 1;
    }
    return buffer;
  }
  NumberType f32 = NumberType::floating(NumberKind::F32);
  NumberType bf16 = NumberType::floating(NumberKind::BF16);
  NumberType e4m3 = NumberType::floating(NumberKind::F8E4M3);
  NumberType i32 = NumberType::integer(32);
};

TEST_F(ComparisonTest, OutputRoundingIsAllowed) {
  // Numbers of bf16 around 1 are 1/128 apart.
  Buffer exact = make(bf16, {1.0038, 2, 3, 4});
  Buffer storage = make(bf16, {1, 2, 3, 4});
  EXPECT_TRUE(
      compare(make(bf16, {1, 2, 3, 4}), storage, exact, false).passed());
  Comparison wrong =
      compare(make(bf16, {1.015625, 2, 3, 4}), storage, exact, false);
  EXPECT_FALSE(wrong.passed());
  EXPECT_EQ(wrong.wrong, 1);
  EXPECT_EQ(wrong.worst, (std::vector<int64_t>{0, 0}));
  EXPECT_EQ(wrong.got.f, 1.015625);
}

TEST_F(ComparisonTest, TwiceTheErrorOfTheReferenceIsAllowed) {
  Buffer exact = make(f32, {1, 2, 3, 4}), storage = make(f32, {1.001, 2, 3, 4});
  auto passes = [&](double last) {
    return compare(make(f32, {1, 2, 3, last}), storage, exact, false).passed();
  };
  EXPECT_TRUE(passes(4.0019));
  EXPECT_FALSE(passes(4.0021));
  EXPECT_FALSE(passes(std::numeric_limits<double>::quiet_NaN()));
  EXPECT_FALSE(passes(std::numeric_limits<double>::infinity()));
}

TEST_F(ComparisonTest, ReportsErrorsAndTheirRatio) {
  Buffer exact = make(f32, {1, 2, 3, 4}), storage = make(f32, {1.5, 2, 3, 4});
  Comparison comparison =
      compare(make(f32, {1, 2, 3, 3}), storage, exact, false);
  EXPECT_EQ(comparison.maxAbsError, 1);
  EXPECT_EQ(comparison.maxRelError, 0.25);
  EXPECT_EQ(comparison.referenceError, 0.5);
  EXPECT_EQ(comparison.getRatio(), 2);
  EXPECT_EQ(comparison.worst, (std::vector<int64_t>{1, 1}));
}

TEST_F(ComparisonTest, TypesThatSaturate) {
  Buffer exact = make(e4m3, {1000, 1, 1, 1}),
         storage = make(e4m3, {448, 1, 1, 1});
  EXPECT_TRUE(compare(storage, storage, exact, false).passed());
  EXPECT_FALSE(
      compare(make(e4m3, {416, 1, 1, 1}), storage, exact, false).passed());
}

TEST_F(ComparisonTest, InfinitiesAndNaNMustBeTheSame) {
  double inf = std::numeric_limits<double>::infinity();
  double nan = std::numeric_limits<double>::quiet_NaN();
  Buffer exact = make(f32, {inf, nan, -inf, 1});
  EXPECT_TRUE(compare(exact, exact, exact, false).passed());
  EXPECT_EQ(compare(make(f32, {-inf, nan, -inf, 1}), exact, exact, false).wrong,
            1);
  EXPECT_EQ(compare(make(f32, {inf, 0, -inf, 1}), exact, exact, false).wrong,
            1);
}

TEST_F(ComparisonTest, FastAccumulationHasALooserBound) {
  Buffer exact = make(f32, {64, 64, 64, 64}),
         off = make(f32, {64.5, 64, 64, 64});
  EXPECT_FALSE(compare(off, exact, exact, false).passed());
  EXPECT_TRUE(compare(off, exact, exact, true).passed());
}

TEST_F(ComparisonTest, IntegersAreExact) {
  Buffer exact = make(i32, {1, 2, 3, 4});
  EXPECT_TRUE(compare(exact, exact, exact, false).passed());
  Comparison wrong = compare(make(i32, {1, 2, 3, 5}), exact, exact, false);
  EXPECT_EQ(wrong.wrong, 1);
  EXPECT_EQ(wrong.maxAbsError, 1);
}

TEST_F(ComparisonTest, IntegersMayBeThoseOfTheRunThatRounds) {
  Buffer exact = make(i32, {1, 2, 3, 4}), storage = make(i32, {1, 2, 3, 9});
  EXPECT_TRUE(compare(storage, storage, exact, false).passed());
  EXPECT_TRUE(compare(exact, storage, exact, false).passed());
  EXPECT_FALSE(
      compare(make(i32, {1, 2, 3, 5}), storage, exact, false).passed());
  storage.written[3] = 0;
  EXPECT_FALSE(compare(storage, storage, exact, false).passed());
}

TEST_F(ComparisonTest, UnwrittenElementsAreNotCompared) {
  Buffer exact = make(f32, {1, 2, 3, 4});
  exact.written[3] = 0;
  Comparison comparison =
      compare(make(f32, {1, 2, 3, 99}), exact, exact, false);
  EXPECT_TRUE(comparison.passed());
  EXPECT_EQ(comparison.unwritten, 1);
  EXPECT_EQ(comparison.compared, 3);
}
} // namespace
