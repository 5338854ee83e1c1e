//===- HostPlanTest.cpp - From host functions to launch plans -------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Compiler/HostPlan.h"

#include "mlir/AsmParser/AsmParser.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Parser/Parser.h"

#include <gtest/gtest.h>

using namespace mlir;
using namespace heddle;

namespace {
class HostPlanTest : public testing::Test {
protected:
  HostPlanTest()
      : handler(&context, [this](Diagnostic &diagnostic) {
          message += diagnostic.str() + '\n';
          return success();
        }) {
    DialectRegistry registry;
    registry.insert<tile::TileDialect, arith::ArithDialect,
                    cf::ControlFlowDialect, memref::MemRefDialect>();
    context.appendDialectRegistry(registry);
  }

  /// The plan of the only host function of `text`.
  FailureOr<LaunchPlan> build(const std::string &text) {
    module = parseSourceString<ModuleOp>(text, &context);
    EXPECT_TRUE(module) << message;
    return buildLaunchPlan(*module->getOps<tile::HostOp>().begin());
  }

  MLIRContext context;
  std::string message;
  ScopedDiagnosticHandler handler;
  OwningOpRef<ModuleOp> module;
};

TEST_F(HostPlanTest, ChecksSizes) {
  auto plan = build(R"(
tile.host @h[%M, %N]() {
  %isLess = arith.cmpi slt, %M, %N : index
  cf.assert %isLess, "expected M to be less than N"
})");
  ASSERT_TRUE(succeeded(plan)) << message;
  ASSERT_EQ(plan->checks.size(), 1u);
  EXPECT_EQ(plan->checks[0].condition, 2u);
  int64_t good[] = {3, 4}, bad[] = {4, 4};
  EXPECT_TRUE(evaluate(*plan, good));
  auto values = evaluate(*plan, bad);
  ASSERT_FALSE(values);
  EXPECT_EQ(values.error().kind, ErrorKind::InvalidInput);
  EXPECT_NE(values.error().message.find(
                "expected M to be less than N, found M=4, N=4"),
            std::string::npos)
      << values.error().message;
}

TEST_F(HostPlanTest, TranslatesEveryPart) {
  auto plan = build(R"(
tile.kernel @k(%x: memref<?x4xbf16>, %n: index, %a: f32) {
}
tile.host @h[%M, %N](%x: memref<?x4xbf16>[%N], inout %y: memref<2xf8E4M3FN>) {
  %c8 = arith.constant 8 : index
  %blocks = arith.ceildivui %N, %c8 : index
  %more = arith.cmpi ugt, %blocks, %M : index
  %grid = arith.select %more, %M, %blocks : index
  %narrow = arith.index_cast %grid : index to i32
  %wide = arith.index_cast %narrow : i32 to index
  %a = arith.constant 1.5 : f32
  tile.launch @k grid(%grid, %wide) args(%x, %M, %a) : memref<?x4xbf16>, index, f32
})");
  ASSERT_TRUE(succeeded(plan)) << message;
  EXPECT_EQ(plan->name, "h");
  EXPECT_EQ(plan->sizes, (std::vector<std::string>{"M", "N"}));
  ASSERT_EQ(plan->buffers.size(), 2u);
  EXPECT_EQ(plan->buffers[0].type, ElementType::BF16);
  EXPECT_EQ(plan->buffers[1].type, ElementType::F8E4M3);
  EXPECT_EQ(plan->buffers[1].access, Access::InOut);
  std::vector<int64_t> sizes = {3, 100};
  EXPECT_EQ(getShape(*plan, 0, sizes), (std::vector<int64_t>{100, 4}));
  EXPECT_EQ(getShape(*plan, 1, sizes), (std::vector<int64_t>{2}));

  auto values = evaluate(*plan, sizes);
  ASSERT_TRUE(values) << values.error().message;
  ASSERT_EQ(plan->launches.size(), 1u);
  const Launch &launch = plan->launches[0];
  EXPECT_EQ(launch.kernel, "k");
  ASSERT_EQ(launch.grid.size(), 2u);
  EXPECT_EQ((*values)[launch.grid[0]], 3u);
  EXPECT_EQ((*values)[launch.grid[1]], 3u);
  ASSERT_EQ(launch.arguments.size(), 3u);
  EXPECT_TRUE(launch.arguments[0].isBuffer);
  EXPECT_EQ((*values)[launch.arguments[1].number], 3u);
  EXPECT_EQ((*values)[launch.arguments[2].number], 0x3FC00000u);
}

TEST_F(HostPlanTest, ScratchArraysFollowTheBuffers) {
  auto plan = build(R"(
tile.kernel @k(%x: memref<?xf32>, %t: memref<?x4xbf16>) {
}
tile.host @h[%N](out %x: memref<?xf32>[%N]) {
  %two = arith.constant 2 : index
  %n = arith.muli %N, %two : index
  %t = memref.alloc(%n) : memref<?x4xbf16>
  tile.launch @k grid(%N) args(%x, %t) : memref<?xf32>, memref<?x4xbf16>
})");
  ASSERT_TRUE(succeeded(plan)) << message;
  ASSERT_EQ(plan->scratch.size(), 1u);
  EXPECT_EQ(plan->scratch[0].type, ElementType::BF16);
  const LaunchArgument &argument = plan->launches[0].arguments[1];
  EXPECT_TRUE(argument.isBuffer);
  EXPECT_EQ(argument.number, 1u);
  std::vector<int64_t> sizes = {100};
  auto values = evaluate(*plan, sizes);
  ASSERT_TRUE(values) << values.error().message;
  auto bytes = getBytes(plan->scratch[0], *values);
  ASSERT_TRUE(bytes) << bytes.error().message;
  EXPECT_EQ(*bytes, 100u * 2 * 4 * 2);
}

TEST_F(HostPlanTest, FloatsAreConstants) {
  EXPECT_TRUE(failed(build(R"(
tile.host @h[%N]() {
  %a = arith.constant 1.5 : f32
  %b = arith.addf %a, %a : f32
})")));
  EXPECT_NE(message.find("a host function cannot compute this"),
            std::string::npos);
}

TEST_F(HostPlanTest, BuffersOfUnknownTypes) {
  EXPECT_TRUE(failed(build(R"(
tile.host @h[%N](%x: memref<?xi4>[%N]) {
})")));
  EXPECT_NE(message.find("no buffers of 'i4', as 'x' is"), std::string::npos)
      << message;
}

TEST_F(HostPlanTest, ParametersSayWhatKernelsTake) {
  auto type =
      parseType("memref<?x8xf16, strided<[?, 1], offset: ?>>", &context);
  auto parameter = getKernelParameter(UnknownLoc::get(&context), type);
  ASSERT_TRUE(succeeded(parameter));
  EXPECT_TRUE(parameter->isView);
  EXPECT_EQ(parameter->type, ElementType::F16);
  EXPECT_EQ(parameter->extents, (std::vector<int64_t>{-1, 8}));
  EXPECT_EQ(parameter->strides, (std::vector<int64_t>{-1, 1}));
  EXPECT_TRUE(failed(
      getKernelParameter(UnknownLoc::get(&context), NoneType::get(&context))));
}
} // namespace
