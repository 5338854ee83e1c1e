//===- SizeExpressionTest.cpp - Arithmetic on named sizes -----------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/heddle/SizeExpression.h"

#include <gtest/gtest.h>

using namespace heddle;

namespace {

const NamedSizes sizes = {{"N", 100}, {"block_m", 16}};

int64_t value(std::string_view expression) {
  Expected<int64_t> result = evaluateSize(expression, sizes);
  EXPECT_TRUE(result) << result.error().message;
  return result.value_or(-12345);
}

std::string problem(std::string_view expression) {
  Expected<int64_t> result = evaluateSize(expression, sizes);
  EXPECT_FALSE(result) << *result;
  return result ? "" : result.error().message;
}

TEST(SizeExpression, Arithmetic) {
  EXPECT_EQ(value("7"), 7);
  EXPECT_EQ(value(" N "), 100);
  EXPECT_EQ(value("1 + 2 * 3 - 4"), 3);
  EXPECT_EQ(value("(1 + 2) * 3"), 9);
  EXPECT_EQ(value("10 - 3 - 2"), 5);
  EXPECT_EQ(value("-N + 1"), -99);
  EXPECT_EQ(value("N / block_m"), 6);
  EXPECT_EQ(value("N % block_m"), 4);
  EXPECT_EQ(value("-7 / 2"), -3);
  EXPECT_EQ(value("min(N, 3) * max(1, block_m)"), 48);
  EXPECT_EQ(value("9223372036854775807"), INT64_MAX);
}

TEST(SizeExpression, CeilDiv) {
  EXPECT_EQ(value("ceildiv(N, block_m)"), 7);
  EXPECT_EQ(value("ceildiv(96, 16)"), 6);
  EXPECT_EQ(value("ceildiv(0, 16)"), 0);
  EXPECT_EQ(value("ceildiv(-7, 2)"), -3);
  EXPECT_EQ(value("ceildiv(7, -2)"), -3);
  EXPECT_EQ(value("ceildiv(-7, -2)"), 4);
  EXPECT_EQ(value("ceildiv(9223372036854775807, 2)"), int64_t(1) << 62);
}

TEST(SizeExpression, Problems) {
  EXPECT_EQ(problem("K"), "'K': there is no size 'K'; there are N, block_m");
  EXPECT_EQ(problem(""), "'': expected a number or a size, found the end");
  EXPECT_EQ(problem("1 +"),
            "'1 +': expected a number or a size, found the end");
  EXPECT_EQ(problem("(1"), "'(1': expected ')', found the end");
  EXPECT_EQ(problem("1 2"), "'1 2': expected an operator, found '2'");
  EXPECT_EQ(problem("1.5"), "'1.5': expected an operator, found '.5'");
  EXPECT_EQ(problem("N / (N - 100)"), "'N / (N - 100)': division by zero");
  EXPECT_EQ(problem("sqrt(N, 1)"),
            "'sqrt(N, 1)': expected ceildiv, min or max, found 'sqrt'");
  EXPECT_EQ(problem("ceildiv(N)"), "'ceildiv(N)': expected ',', found ')'");
  for (const char *tooLarge :
       {"9223372036854775807 + 1", "-9223372036854775807 - 2",
        "4611686018427387904 * 2", "-(-9223372036854775807 - 1)",
        "(-9223372036854775807 - 1) / -1", "(-9223372036854775807 - 1) % -1"})
    EXPECT_NE(problem(tooLarge).find("more than 64 bits"), std::string::npos);
  EXPECT_NE(problem("9223372036854775808").find("64 bits"), std::string::npos);
  EXPECT_NE(problem(std::string(100000, '(')).find("levels of nesting"),
            std::string::npos);
  EXPECT_NE(problem(std::string(100000, '-')).find("levels of nesting"),
            std::string::npos);
}

} // namespace
