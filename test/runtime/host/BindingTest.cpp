//===- BindingTest.cpp - Arrays that fit a host function, and others ------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "heddle/Runtime/Binding.h"

#include "test/runtime/FakePackage.h"

#include <gtest/gtest.h>

using namespace heddle;
using namespace heddle::test;

namespace {
/// Arrays that fit `host[M, K](A, out C)`; tests break one thing each.
class BindingTest : public testing::Test {
protected:
  BindingTest() {
    arrays = {{"A", {.address = 0x1000, .type = ElementType::BF16}},
              {"C", {.address = 0x8000, .type = ElementType::F32}}};
    arrays[0].array.shape = {10, 64};
    arrays[1].array.shape = {10};
  }

  LaunchPlan &plan() { return package->info.program.plans[0]; }
  /// The message of the error, or "".
  std::string bind(std::vector<NamedSize> sizes = {}) {
    Expected<Binding> binding = bindArrays(plan(), arrays, sizes);
    if (!binding) {
      EXPECT_EQ(binding.error().kind, ErrorKind::InvalidInput);
      return binding.error().message;
    }
    bound = *binding;
    return "";
  }

  std::shared_ptr<FakePackage> package = makeFakePackage();
  std::vector<NamedArray> arrays;
  Binding bound;
};

TEST_F(BindingTest, SizesFollowFromShapes) {
  EXPECT_EQ(bind(), "");
  EXPECT_EQ(bound.sizes, (std::vector<int64_t>{10, 64}));
  EXPECT_EQ(bound.buffers, (std::vector<DeviceAddress>{0x1000, 0x8000}));
  std::swap(arrays[0], arrays[1]);
  EXPECT_EQ(bind({{"K", 64}}), "");
  EXPECT_EQ(bound.buffers, (std::vector<DeviceAddress>{0x1000, 0x8000}));
}

TEST_F(BindingTest, SizesDisagree) {
  arrays[1].array.shape = {11};
  EXPECT_EQ(bind(), "host function 'host': size 'M' is 10 by 'A' and 11 by "
                    "'C'");
  arrays[1].array.shape = {10};
  EXPECT_EQ(bind({{"K", 65}}),
            "host function 'host': size 'K' is given as 65, and is 64 by 'A'");
  EXPECT_EQ(bind({{"K", 64}, {"K", 65}}),
            "host function 'host': size 'K' is given as 64 and as 65");
  EXPECT_EQ(bind({{"K", 64}, {"K", 64}}), "");
}

TEST_F(BindingTest, SizesThatAreWrong) {
  EXPECT_EQ(bind({{"L", 1}}),
            "host function 'host': there is no size 'L'; its sizes are 'M', "
            "'K'");
  EXPECT_EQ(bind({{"K", -1}}),
            "host function 'host': expected size 'K' to be 0 or more, found "
            "-1");
  plan().sizes.push_back("steps");
  EXPECT_EQ(bind(), "host function 'host': no array tells size 'steps'; "
                    "expected a value for it among the sizes");
  EXPECT_EQ(bind({{"steps", 3}}), "");
  EXPECT_EQ(bound.sizes, (std::vector<int64_t>{10, 64, 3}));
}

TEST_F(BindingTest, NamesThatAreWrong) {
  arrays[1].name = "D";
  EXPECT_EQ(bind(), "host function 'host': there is no buffer 'D'; its buffers "
                    "are 'A', 'C'");
  arrays[1].name = "A";
  EXPECT_EQ(bind(),
            "host function 'host': expected one array for 'A', found two");
  arrays.pop_back();
  EXPECT_EQ(bind(), "host function 'host': expected an array for 'C', M of "
                    "f32, found none");
}

TEST_F(BindingTest, TypesAndRanks) {
  arrays[0].array.type = ElementType::F16;
  EXPECT_EQ(bind(), "host function 'host': expected 'A' to be MxK of bf16, "
                    "found 10x64 of f16");
  arrays[0].array.type = ElementType::BF16;
  arrays[0].array.shape = {10, 64, 1};
  EXPECT_EQ(bind(), "host function 'host': expected 'A' to be MxK of bf16, "
                    "found 10x64x1 of bf16");
  arrays[0].array.shape = {};
  EXPECT_EQ(bind(), "host function 'host': expected 'A' to be MxK of bf16, "
                    "found one bf16");
  arrays[0].array.shape = {10, -64};
  EXPECT_EQ(bind(), "host function 'host': expected dimension 1 of 'A' to be 0 "
                    "or more, found -64");
  arrays[0].array.shape = {10, 64};
  plan().buffers[0].extents[1] = {false, 32};
  EXPECT_EQ(bind({{"K", 1}}), "host function 'host': expected dimension 1 of "
                              "'A' to be 32, found 64");
}

TEST_F(BindingTest, IndicesAreIntegersOf64Bits) {
  plan().buffers[0].type = ElementType::Index;
  arrays[0].array.type = ElementType::I64;
  EXPECT_EQ(bind(), "");
  arrays[0].array.type = ElementType::I32;
  EXPECT_NE(bind(), "");
}

TEST_F(BindingTest, OnlyDenseArraysAreTaken) {
  DeviceArray &array = arrays[0].array;
  array.strides = {64, 1};
  EXPECT_EQ(bind(), "");
  array.strides = {128, 1};
  EXPECT_EQ(bind(), "host function 'host': expected 'A' to be dense and "
                    "row-major, found shape 10x64 with strides 128,1; copy it "
                    "first");
  array.strides = {1};
  EXPECT_EQ(bind(), "host function 'host': expected 2 strides for 'A', found "
                    "1");
  // The strides of a dimension of one element, or of no elements, are nothing.
  array.shape = {1, 64};
  arrays[1].array.shape = {1};
  array.strides = {999, 1};
  EXPECT_EQ(bind(), "");
  array.shape = {1, 0};
  array.strides = {3, 7};
  EXPECT_EQ(bind(), "");
}

TEST_F(BindingTest, Addresses) {
  arrays[0].array.address = 0x1001;
  EXPECT_EQ(bind(), "host function 'host': expected 'A' at a multiple of 2 "
                    "bytes, the size of bf16, found 0x1001");
  // Rows that TMA cannot read are the plan's business.
  arrays[0].array.address = 0x1002;
  EXPECT_EQ(bind(), "");
  arrays[0].array.address = 0;
  EXPECT_EQ(bind(), "host function 'host': expected memory for 'A', found a "
                    "null address");
  arrays[0].array.address = UINT64_MAX - 255;
  EXPECT_NE(bind().find("does not fit in memory"), std::string::npos);
  arrays[0].array.address = 0;
  arrays[0].array.shape = {10, 0};
  EXPECT_EQ(bind(), "");
  arrays[0].array.shape = {10, INT64_MAX};
  EXPECT_EQ(bind(), "buffer 'A' with extents 10x9223372036854775807 does not "
                    "fit in memory");
}

TEST_F(BindingTest, WrittenBuffersShareNoMemory) {
  // A is 1280 bytes and C is 40.
  arrays[1].array.address = 0x1000 + 1280;
  EXPECT_EQ(bind(), "");
  arrays[1].array.address = 0x1000 - 40;
  EXPECT_EQ(bind(), "");
  arrays[1].array.address = 0x1000 + 1276;
  EXPECT_EQ(bind(), "host function 'host': 'C' is written and shares memory "
                    "with 'A': 1280 bytes at 0x1000 and 40 bytes at 0x14fc");
  arrays[1].array.address = 0x1000 - 36;
  EXPECT_NE(bind(), "");
  plan().buffers[1].access = Access::In;
  EXPECT_EQ(bind(), "");
}

TEST_F(BindingTest, WrittenBuffersAreNotReadOnly) {
  arrays[0].array.isReadOnly = true;
  EXPECT_EQ(bind(), "");
  arrays[1].array.isReadOnly = true;
  EXPECT_EQ(bind(), "host function 'host': 'C' is written, and the array is "
                    "read-only");
}

TEST_F(BindingTest, SizesOfSomeArrays) {
  arrays.pop_back();
  arrays[0].array.address = 0;
  Expected<std::vector<int64_t>> sizes = inferSizes(plan(), arrays);
  ASSERT_TRUE(sizes) << sizes.error().message;
  EXPECT_EQ(*sizes, (std::vector<int64_t>{10, 64}));
  arrays.clear();
  EXPECT_FALSE(inferSizes(plan(), arrays));
  std::vector<NamedSize> given = {{"M", 1}, {"K", 2}};
  EXPECT_TRUE(inferSizes(plan(), arrays, given));
}
} // namespace
