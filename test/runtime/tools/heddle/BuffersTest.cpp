//===- BuffersTest.cpp - Inputs that the driver makes up ------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/heddle/Buffers.h"

#include "device/HostMemory.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <gtest/gtest.h>

using namespace heddle;

/// What a buffer of f32 called `name` becomes.
static std::vector<float> makeUp(std::vector<int64_t> shape,
                                 std::string_view source,
                                 const std::string &name = "x") {
  HostArray array;
  array.name = name;
  array.type = ElementType::F32;
  array.shape = std::move(shape);
  EXPECT_TRUE(fillBuffer(array, source));
  std::vector<float> numbers(array.bytes.size() / sizeof(float));
  std::memcpy(numbers.data(), array.bytes.data(), array.bytes.size());
  return numbers;
}

TEST(Buffers, RowsOfUnitLength) {
  std::vector<float> numbers = makeUp({3, 2, 50}, "unit");
  ASSERT_EQ(numbers.size(), 300u);
  for (size_t row = 0; row < 300; row += 50) {
    double squares = 0;
    for (size_t i = 0; i < 50; ++i)
      squares += double(numbers[row + i]) * numbers[row + i];
    EXPECT_NEAR(std::sqrt(squares), 1, 1e-6);
  }
  EXPECT_TRUE(makeUp({3, 0}, "unit").empty());
  EXPECT_TRUE(makeUp({0, 3}, "unit:4").empty());
}

TEST(Buffers, UniformNumbersFillTheirRange) {
  std::vector<float> numbers = makeUp({10000}, "uniform:-3:-1");
  auto [low, high] = std::minmax_element(numbers.begin(), numbers.end());
  EXPECT_GE(*low, -3);
  EXPECT_LT(*low, -2.99);
  EXPECT_LE(*high, -1);
  EXPECT_GT(*high, -1.01);
  for (float number : makeUp({10}, "uniform:2:2:5"))
    EXPECT_EQ(number, 2);
}

TEST(Buffers, NamesAndSeedsMakeADifference) {
  for (std::string kind : {"random", "unit", "uniform:0:1"}) {
    EXPECT_EQ(makeUp({100}, kind), makeUp({100}, kind)) << kind;
    EXPECT_EQ(makeUp({100}, kind), makeUp({100}, kind + ":0")) << kind;
    EXPECT_NE(makeUp({100}, kind), makeUp({100}, kind + ":1")) << kind;
    EXPECT_NE(makeUp({100}, kind), makeUp({100}, kind, "y")) << kind;
  }
}

TEST(Buffers, IntegersHaveNoLength) {
  HostArray array;
  array.name = "n";
  array.type = ElementType::I32;
  array.shape = {4};
  for (std::string_view kind : {"unit", "uniform:0:1"}) {
    Expected<void> filled = fillBuffer(array, kind);
    ASSERT_FALSE(filled);
    EXPECT_NE(filled.error().message.find("expected a buffer of floats for"),
              std::string::npos);
  }
}
