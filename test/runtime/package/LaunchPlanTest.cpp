//===- LaunchPlanTest.cpp - Sizes, shapes and instructions ----------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "heddle/Runtime/LaunchPlan.h"

#include <gtest/gtest.h>

using namespace heddle;

/// The value of `op` on `a` and `b` of `bits` bits.
static uint64_t compute(IndexOp op, int64_t a, int64_t b, uint8_t bits = 64) {
  LaunchPlan plan;
  plan.name = "test";
  auto mask = [&](int64_t x) {
    return bits == 64 ? uint64_t(x) : uint64_t(x) & ((1ull << bits) - 1);
  };
  plan.instructions = {
      {.resultBits = bits, .constant = mask(a)},
      {.resultBits = bits, .constant = mask(b)},
      {.op = op, .operandBits = bits, .resultBits = bits, .operands = {0, 1}}};
  Expected<std::vector<uint64_t>> values = evaluate(plan, {});
  EXPECT_TRUE(values) << values.error().message;
  return values->back();
}

TEST(LaunchPlan, Arithmetic) {
  EXPECT_EQ(compute(IndexOp::AddI, 2, 3), 5u);
  EXPECT_EQ(compute(IndexOp::SubI, 2, 3), uint64_t(-1));
  EXPECT_EQ(compute(IndexOp::MulI, 200, 2, 8), 144u);
  EXPECT_EQ(compute(IndexOp::CeilDivUI, 7, 2), 4u);
  EXPECT_EQ(compute(IndexOp::CeilDivUI, 8, 2), 4u);
  EXPECT_EQ(compute(IndexOp::MinUI, -1, 3), 3u);
  EXPECT_EQ(compute(IndexOp::MinSI, -1, 3), uint64_t(-1));
  EXPECT_EQ(compute(IndexOp::CmpUlt, 1, 2), 1u);
  EXPECT_EQ(compute(IndexOp::ShLI, 1, 70), 0u);
  EXPECT_EQ(compute(IndexOp::ShRSI, -8, 1, 8), 0xFCu);
}

TEST(LaunchPlan, SignedDivisionsRoundAsTheirNamesSay) {
  auto at = [](IndexOp op, int64_t a, int64_t b) {
    return int64_t(compute(op, a, b));
  };
  EXPECT_EQ(at(IndexOp::DivSI, -7, 2), -3);
  EXPECT_EQ(at(IndexOp::FloorDivSI, -7, 2), -4);
  EXPECT_EQ(at(IndexOp::CeilDivSI, -7, 2), -3);
  EXPECT_EQ(at(IndexOp::CeilDivSI, 7, 2), 4);
  EXPECT_EQ(at(IndexOp::RemSI, -7, 2), -1);
  EXPECT_EQ(at(IndexOp::DivSI, INT64_MIN, -1), INT64_MIN);
  EXPECT_EQ(at(IndexOp::RemSI, INT64_MIN, -1), 0);
}

TEST(LaunchPlan, SelectionsAndExtensions) {
  LaunchPlan plan;
  plan.sizes = {"N"};
  plan.instructions = {
      {.constant = 10},
      {.op = IndexOp::CmpUgt, .resultBits = 1, .operands = {0, 1}},
      {.op = IndexOp::Select, .operands = {2, 0, 1}},
      {.op = IndexOp::ZeroExtend, .resultBits = 8, .operands = {0}},
      {.op = IndexOp::SignExtend, .operandBits = 8, .operands = {4}}};
  EXPECT_EQ(*evaluate(plan, std::vector<int64_t>{200}),
            (std::vector<uint64_t>{200, 10, 1, 200, 200, uint64_t(-56)}));
  EXPECT_EQ((*evaluate(plan, std::vector<int64_t>{3}))[3], 10u);
}

TEST(LaunchPlan, DivisionByZeroIsAnError) {
  LaunchPlan plan;
  plan.name = "host";
  plan.sizes = {"N"};
  plan.instructions = {{.op = IndexOp::DivUI, .operands = {0, 0}}};
  Expected<std::vector<uint64_t>> values =
      evaluate(plan, std::vector<int64_t>{0});
  ASSERT_FALSE(values);
  EXPECT_EQ(values.error().message,
            "division by zero in 'host': arith.divui of 0 and 0");

  plan.instructions[0].location = "host.mlir:7";
  EXPECT_EQ(evaluate(plan, std::vector<int64_t>{0}).error().message,
            "host.mlir:7: division by zero in 'host': arith.divui of 0 and 0");
}

TEST(LaunchPlan, ChecksComeBeforeWhatFollowsTheirConditions) {
  LaunchPlan plan;
  plan.name = "host";
  plan.sizes = {"N"};
  plan.instructions = {
      {.constant = 0},
      {.op = IndexOp::CmpNe, .resultBits = 1, .operands = {0, 1}},
      {.op = IndexOp::DivUI, .operands = {0, 0}},
      {.op = IndexOp::CmpEq, .resultBits = 1, .operands = {3, 1}}};
  plan.checks = {{.condition = 2, .message = "expected N above 0"},
                 {.condition = 4, .message = "expected no quotient"}};
  auto getMessage = [&](int64_t n) {
    return evaluate(plan, std::vector<int64_t>{n}).error().message;
  };
  EXPECT_EQ(getMessage(0), "expected N above 0, found N=0");
  EXPECT_EQ(getMessage(2), "expected no quotient, found N=2");
}

TEST(LaunchPlan, SizesAreChecked) {
  LaunchPlan plan;
  plan.name = "host";
  plan.sizes = {"M", "N"};
  EXPECT_TRUE(verifySizes(plan, std::vector<int64_t>{1, 0}));
  EXPECT_FALSE(verifySizes(plan, std::vector<int64_t>{1}));
  Expected<void> negative = verifySizes(plan, std::vector<int64_t>{1, -2});
  ASSERT_FALSE(negative);
  EXPECT_EQ(negative.error().message,
            "expected size 'N' to be 0 or more, found -2");
}

TEST(LaunchPlan, ShapesAndBytes) {
  LaunchPlan plan;
  plan.sizes = {"M", "N"};
  plan.buffers = {{.name = "A",
                   .type = ElementType::BF16,
                   .extents = {{true, 1}, {false, 3}, {true, 0}}}};
  std::vector<int64_t> sizes = {5, 7};
  EXPECT_EQ(getShape(plan, 0, sizes), (std::vector<int64_t>{7, 3, 5}));
  EXPECT_EQ(*getBytes(plan, 0, sizes), 210u);
  EXPECT_EQ(*getBytes(plan, 0, std::vector<int64_t>{0, int64_t(1) << 62}), 0u);
  EXPECT_FALSE(
      getBytes(plan, 0, std::vector<int64_t>{1 << 30, int64_t(1) << 40}));
}

TEST(LaunchPlan, ElementTypesHaveTheirNames) {
  EXPECT_EQ(parseElementType("f8E4M3FN"), ElementType::F8E4M3);
  EXPECT_EQ(parseElementType("bf16"), ElementType::BF16);
  EXPECT_EQ(parseElementType("f17"), std::nullopt);
  EXPECT_EQ(getName(ElementType::F64), "f64");
  EXPECT_EQ(getBytes(ElementType::Index), 8u);
  EXPECT_EQ(getName(IndexOp::ZeroExtend), "extui");
  EXPECT_EQ(getName(IndexOp::CmpUge), "cmpi uge");
}
