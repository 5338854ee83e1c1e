//===- HostTest.cpp - Host functions, views and errors --------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/lib/Reference/TestProgram.h"

#include <cmath>

using namespace heddle::reference;

/// Copies tiles of 4 from X to Y, at `offset` from 4 times the block's number.
static std::string makeCopy(const std::string &offset, const std::string &pad) {
  return R"(
tile.kernel @copy(%X: memref<?xf32>, %Y: memref<?xf32>) {
  %c4 = arith.constant 4 : index
  %offset = arith.constant )" +
         offset + R"( : index
  %b = gpu.block_id x
  %i = arith.muli %b, %c4 : index
  %j = arith.addi %i, %offset : index
  %t = tile.load %X[%j] )" +
         pad + R"( : memref<?xf32> -> tensor<4xf32>
  tile.store %t, %Y[%i] : tensor<4xf32>, memref<?xf32>
}
tile.host @h[%N](%X: memref<?xf32>[%N], out %Y: memref<?xf32>[%N]) {
  %c4 = arith.constant 4 : index
  %blocks = arith.ceildivui %N, %c4 : index
  tile.launch @copy grid(%blocks) args(%X, %Y) : memref<?xf32>, memref<?xf32>
})";
}

TEST(ReferenceHost, TilesOverhangAndPad) {
  TestProgram program(makeCopy("-1", "pad 7.0 : f32"));
  ASSERT_TRUE(program.run({6}, {{1, 2, 3, 4, 5, 6}})) << program.message;
  EXPECT_EQ(program.get(1), (std::vector<double>{7, 1, 2, 3, 4, 5}));
}

TEST(ReferenceHost, WithoutPadTheOutsideIsPoison) {
  TestProgram program(makeCopy("-1", ""));
  ASSERT_TRUE(program.run({4}, {{1, 2, 3, 4}})) << program.message;
  EXPECT_TRUE(std::isnan(program.get(1)[0]));
  EXPECT_EQ(program.get(1)[1], 1);
}

TEST(ReferenceHost, EmptyGridsRunNothing) {
  TestProgram program(makeCopy("0", ""));
  EXPECT_TRUE(program.run({0}, {{}}));
}

TEST(ReferenceHost, RemembersWhatWasWritten) {
  std::string text = makeCopy("0", "");
  // One block too few.
  text.replace(text.find("ceildivui %N"), 12, "divui %N");
  TestProgram program(text);
  ASSERT_TRUE(program.run({6}, {{1, 2, 3, 4, 5, 6}}));
  EXPECT_EQ(program.buffers[1].written,
            (std::vector<uint8_t>{1, 1, 1, 1, 0, 0}));
}

TEST(ReferenceHost, BlocksSeeTheirNumbersAndTheGrid) {
  TestProgram program(R"(
tile.kernel @number(%Y: memref<3x2xindex>) {
  %x = gpu.block_id x
  %y = gpu.block_id y
  %w = gpu.grid_dim x
  %row = arith.muli %y, %w : index
  %n = arith.addi %row, %x : index
  memref.store %n, %Y[%y, %x] : memref<3x2xindex>
}
tile.host @h(out %Y: memref<3x2xindex>) {
  %c2 = arith.constant 2 : index
  %c3 = arith.constant 3 : index
  tile.launch @number grid(%c2, %c3) args(%Y) : memref<3x2xindex>
})");
  ASSERT_TRUE(program.run({}, {})) << program.message;
  EXPECT_EQ(program.get(0), (std::vector<double>{0, 1, 2, 3, 4, 5}));
}

TEST(ReferenceHost, LowerRankTilesAndSubviews) {
  TestProgram program(R"(
tile.kernel @k(%X: memref<2x3xf32>, %Y: memref<2x3xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %row = memref.subview %X[1, 0] [1, 3] [1, 1] : memref<2x3xf32> to memref<3xf32, strided<[1], offset: 3>>
  %t = tile.load %row[%c0] : memref<3xf32, strided<[1], offset: 3>> -> tensor<3xf32>
  tile.store %t, %Y[%c0, %c0] : tensor<3xf32>, memref<2x3xf32>
  %u = tile.load %X[%c0, %c0] : memref<2x3xf32> -> tensor<3xf32>
  tile.store %u, %Y[%c1, %c0] : tensor<3xf32>, memref<2x3xf32>
}
tile.host @h(%X: memref<2x3xf32>, out %Y: memref<2x3xf32>) {
  %c1 = arith.constant 1 : index
  tile.launch @k grid(%c1) args(%X, %Y) : memref<2x3xf32>, memref<2x3xf32>
})");
  ASSERT_TRUE(program.run({}, {{1, 2, 3, 4, 5, 6}})) << program.message;
  EXPECT_EQ(program.get(1), (std::vector<double>{4, 5, 6, 1, 2, 3}));
}

//===----------------------------------------------------------------------===//
// Errors
//===----------------------------------------------------------------------===//

TEST(ReferenceErrors, ALeadingOffsetOutsideOfTheView) {
  TestProgram program(R"(
tile.kernel @k(%X: memref<2x3xf32>, %Y: memref<3xf32>) {
  %c0 = arith.constant 0 : index
  %b = gpu.block_id x
  %t = tile.load %X[%b, %c0] : memref<2x3xf32> -> tensor<3xf32>
  tile.store %t, %Y[%c0] : tensor<3xf32>, memref<3xf32>
}
tile.host @h(%X: memref<2x3xf32>, out %Y: memref<3xf32>) {
  %c3 = arith.constant 3 : index
  tile.launch @k grid(%c3) args(%X, %Y) : memref<2x3xf32>, memref<3xf32>
})");
  EXPECT_FALSE(program.run({}, {{1, 2, 3, 4, 5, 6}}));
  EXPECT_NE(program.message.find("offset 2 is outside of dimension 0"),
            std::string::npos)
      << program.message;
}

TEST(ReferenceErrors, AScalarIndexOutsideOfTheMemref) {
  TestProgram program(R"(
tile.kernel @k(%X: memref<?xf32>) {
  %c9 = arith.constant 9 : index
  %f = memref.load %X[%c9] : memref<?xf32>
  memref.store %f, %X[%c9] : memref<?xf32>
}
tile.host @h[%N](inout %X: memref<?xf32>[%N]) {
  %c1 = arith.constant 1 : index
  tile.launch @k grid(%c1) args(%X) : memref<?xf32>
})");
  EXPECT_FALSE(program.run({4}, {{1, 2, 3, 4}}));
  EXPECT_NE(program.message.find("index 9 is outside of dimension 0"),
            std::string::npos);
  EXPECT_TRUE(program.run({10}, {std::vector<double>(10, 1)}));
}

TEST(ReferenceErrors, AnUnknownOperation) {
  TestProgram program(makeTileProgram(
      "2", "f32", "f32",
      "%e = gpu.thread_id x\n%y = arith.addf %x, %x : tensor<2xf32>"));
  EXPECT_FALSE(program.run({}, {{1, 2}}));
  EXPECT_NE(program.message.find("do not cover this operation"),
            std::string::npos);
}

TEST(ReferenceErrors, AnExtentThatTheKernelDoesNotTake) {
  TestProgram program(R"(
tile.kernel @k(%X: memref<4xf32>) {
}
tile.host @h[%N](%X: memref<?xf32>[%N]) {
  %c1 = arith.constant 1 : index
  tile.launch @k grid(%c1) args(%X) : memref<?xf32>
})");
  EXPECT_TRUE(program.run({4}, {{1, 2, 3, 4}})) << program.message;
  EXPECT_FALSE(program.run({3}, {{1, 2, 3}}));
  EXPECT_NE(program.message.find("to have 4 elements, found 3"),
            std::string::npos);
}
