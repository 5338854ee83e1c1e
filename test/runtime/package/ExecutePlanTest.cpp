//===- ExecutePlanTest.cpp - Launches on a device that only listens -------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "heddle/Runtime/LaunchPlan.h"
#include "test/runtime/FakeDevice.h"

#include <cstring>
#include <gtest/gtest.h>

using namespace heddle;
using heddle::test::FakeDevice;

namespace {
/// A product of M x 64 by a constant: one TMA kernel and its fallback, and a
/// scalar argument.
class ExecutePlanTest : public testing::Test {
protected:
  ExecutePlanTest() {
    LaunchPlan &plan = program.plans.emplace_back();
    plan.name = "host";
    plan.sizes = {"M", "K"};
    plan.buffers = {
        {"A", ElementType::BF16, {{true, 0}, {true, 1}}, Access::In},
        {"C", ElementType::F32, {{true, 0}}, Access::Out}};
    plan.instructions = {{.constant = 64},
                         {.op = IndexOp::CeilDivUI, .operands = {0, 2}},
                         {.resultBits = 32, .constant = 0x40000000}};
    plan.launches = {
        {"k", {3}, {{true, 0}, {true, 1}, {false, 4}}, "a.mlir:7"}};
    KernelEntry kernel;
    kernel.entry = "k";
    kernel.threads = 384;
    kernel.sharedBytes = 1000;
    kernel.fallback = "k_plain";
    kernel.persistent = true;
    kernel.parameters = {{true, ElementType::BF16, {-1, -1}, {-1, 1}},
                         {true, ElementType::F32, {-1}, {1}},
                         {false, ElementType::F32, {}, {}}};
    kernel.tensorMaps = {{0, {64, 128}, Swizzle::B128, TensorMapType::BF16}};
    program.kernels.push_back(kernel);
    kernel.entry = "k_plain";
    kernel.fallback = "";
    kernel.threads = 128;
    kernel.tensorMaps.clear();
    program.kernels.push_back(kernel);
  }

  Expected<std::vector<LaunchRecord>> execute(std::vector<int64_t> sizes) {
    std::vector<DeviceAddress> buffers = {0x1000, 0x2000};
    Module module;
    return executePlan(device, module, program, program.plans[0], sizes,
                       buffers);
  }

  uint64_t getArgument(size_t i) {
    uint64_t value = 0;
    std::vector<std::byte> &bytes = device.calls.back().arguments[i];
    std::memcpy(&value, bytes.data(), std::min(bytes.size(), sizeof(value)));
    return value;
  }

  FakeDevice device;
  Program program;
};

TEST_F(ExecutePlanTest, ParametersAreInTheOrderOfTheABI) {
  auto records = execute({100, 64});
  ASSERT_TRUE(records) << records.error().message;
  ASSERT_EQ(device.calls.size(), 1u);
  const FakeDevice::Call &call = device.calls[0];
  EXPECT_EQ(call.kernel, "k");
  EXPECT_EQ(call.config.block.x, 384u);
  EXPECT_EQ(call.config.dynamicSharedBytes, 1000u);
  // A: address, extents, strides; C; the scalar; the grid; the tensor map.
  std::vector<uint64_t> expected = {0x1000, 100, 64,         64, 1, 0x2000,
                                    100,    1,   0x40000000, 2,  1, 1};
  ASSERT_EQ(call.arguments.size(), expected.size() + 1);
  for (size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(getArgument(i), expected[i]) << i;
    EXPECT_EQ(call.arguments[i].size(), i == 8 ? 4u : 8u) << i;
  }
  EXPECT_EQ(call.arguments.back().size(), 128u);
}

TEST_F(ExecutePlanTest, TensorMapsDescribeTheBuffersOfTheLaunch) {
  ASSERT_TRUE(execute({100, 192}));
  ASSERT_EQ(device.maps.size(), 1u);
  const TensorMapSpec &spec = device.maps[0];
  EXPECT_EQ(spec.type, TensorMapType::BF16);
  EXPECT_EQ(spec.rank, 2u);
  EXPECT_EQ(spec.address, 0x1000u);
  EXPECT_EQ(spec.dims[0], 192u);
  EXPECT_EQ(spec.dims[1], 100u);
  EXPECT_EQ(spec.strides[0], 384u);
  EXPECT_EQ(spec.box[0], 64u);
  EXPECT_EQ(spec.box[1], 128u);
  EXPECT_EQ(spec.swizzle, Swizzle::B128);
}

TEST_F(ExecutePlanTest, TensorMapsHaveTheTypeThatTheKernelAsksFor) {
  program.plans[0].buffers[0].type = ElementType::F32;
  program.kernels[0].parameters[0].type = ElementType::F32;
  program.kernels[0].tensorMaps[0].box[0] = 32;
  program.kernels[0].tensorMaps[0].type = TensorMapType::TF32;
  auto records = execute({100, 64});
  ASSERT_TRUE(records) << records.error().message;
  ASSERT_EQ(device.maps.size(), 1u);
  EXPECT_EQ(device.maps[0].type, TensorMapType::TF32);
  EXPECT_EQ(device.maps[0].strides[0], 256u);

  program.kernels[0].tensorMaps[0].type = TensorMapType::BF16;
  records = execute({100, 64});
  ASSERT_FALSE(records);
  EXPECT_EQ(records.error().message,
            "a tensor map cannot describe rank 2 of f32 with a box of rank 2 "
            "of bf16");
}

TEST_F(ExecutePlanTest,
       PersistentGridsAreOfWholeClustersIfThoseDivideTheAuthors) {
  // The grid has a block per 64 rows.
  program.kernels[0].cluster = {2, 1, 1};
  struct Case {
    int64_t rows;
    uint32_t cluster, blocks;
  };
  for (auto [rows, cluster, blocks] :
       {Case{128, 2, 2}, Case{192, 1, 3}, Case{64, 1, 1}, Case{256, 2, 4},
        Case{64 * 200, 2, 130}, Case{64 * 201, 1, 131}}) {
    // Some multiprocessors have no neighbour.
    device.residentBlocks = 131;
    auto records = execute({rows, 64});
    ASSERT_TRUE(records) << records.error().message;
    const LaunchConfig &config = device.calls.back().config;
    EXPECT_EQ(config.cluster.x, cluster) << rows;
    EXPECT_EQ(config.grid.x, blocks) << rows;
    // Devices refuse to be asked about less than a cluster.
    EXPECT_EQ(device.queries.back().cluster.x, cluster) << rows;
    EXPECT_EQ(device.queries.back().grid.x, cluster) << rows;
    EXPECT_EQ(getArgument(9), uint64_t(rows / 64)) << rows;
  }
  // As many as divide the grid.
  program.kernels[0].cluster = {8, 1, 1};
  for (auto [rows, cluster] : {std::pair(64 * 12, 4u), {64 * 6, 2u}}) {
    ASSERT_TRUE(execute({rows, 64}));
    EXPECT_EQ(device.calls.back().config.cluster.x, cluster);
    EXPECT_EQ(device.calls.back().config.grid.x, uint32_t(rows / 64));
  }
  // Along another dimension of the author's, which is 1.
  program.kernels[0].cluster = {1, 2, 1};
  ASSERT_TRUE(execute({128, 64}));
  EXPECT_EQ(device.calls.back().config.cluster.x, 1u);
}

TEST_F(ExecutePlanTest, DevicesWithoutRoomForAClusterDoWithout) {
  program.kernels[0].cluster = {4, 1, 1};
  device.largestCluster = 3;
  ASSERT_TRUE(execute({256, 64}));
  EXPECT_EQ(device.calls.back().config.cluster.x, 1u);
  EXPECT_EQ(device.calls.back().config.grid.x, 4u);
  device.residentBlocks = 0;
  EXPECT_FALSE(execute({256, 64}));
}

TEST_F(ExecutePlanTest, IllegalTensorMapsFallBack) {
  // Rows of 63 bf16 are no multiple of 16 bytes, and rows of 0 are no tensor.
  for (int64_t columns : {63, 0}) {
    auto records = execute({100, columns});
    ASSERT_TRUE(records) << records.error().message;
    ASSERT_EQ(records->size(), 1u);
    EXPECT_EQ(records->front().entry, "k_plain");
    EXPECT_NE(records->front().fallbackReason, "");
    EXPECT_EQ(device.calls.back().kernel, "k_plain");
    EXPECT_EQ(device.calls.back().config.block.x, 128u);
    EXPECT_TRUE(device.maps.empty());
  }
}

TEST_F(ExecutePlanTest, WithoutAFallbackTheReasonIsAnError) {
  program.kernels[0].fallback = "";
  auto records = execute({100, 63});
  ASSERT_FALSE(records);
  EXPECT_NE(records.error().message.find("kernel 'k' (a.mlir:7) cannot run"),
            std::string::npos)
      << records.error().message;
}

TEST_F(ExecutePlanTest, PersistentGridsFillTheDeviceAtMost) {
  ASSERT_TRUE(execute({64 * 1000, 64}));
  EXPECT_EQ(device.calls.back().config.grid.x, 132u);
  EXPECT_EQ(getArgument(9), 1000u);
  program.kernels[0].persistent = false;
  ASSERT_TRUE(execute({64 * 1000, 64}));
  EXPECT_EQ(device.calls.back().config.grid.x, 1000u);
  EXPECT_EQ(device.calls.back().arguments.size(), 10u);
}

TEST_F(ExecutePlanTest, EmptyGridsLaunchNothing) {
  auto records = execute({0, 64});
  ASSERT_TRUE(records) << records.error().message;
  EXPECT_TRUE(records->empty());
  EXPECT_TRUE(device.calls.empty());
}

TEST_F(ExecutePlanTest, ExtentsThatTheKernelDoesNotTakeAreErrors) {
  program.kernels[0].parameters[0].extents = {-1, 64};
  EXPECT_TRUE(execute({100, 64}));
  auto records = execute({100, 128});
  ASSERT_FALSE(records);
  EXPECT_EQ(records.error().message,
            "argument 0 of kernel 'k' (a.mlir:7): expected extent 64 in "
            "dimension 1, found 128");
}

TEST_F(ExecutePlanTest, GridsThatAreTooLargeAreErrors) {
  program.kernels[0].persistent = false;
  program.plans[0].launches[0].grid = {2, 0};
  EXPECT_TRUE(execute({65535, 64}));
  auto records = execute({65536, 64});
  ASSERT_FALSE(records);
  EXPECT_NE(records.error().message.find("65536"), std::string::npos);
}

TEST_F(ExecutePlanTest, PersistentKernelsCountBlocksIn32Bits) {
  program.plans[0].launches[0].grid = {0, 0};
  EXPECT_TRUE(execute({46340, 64}));
  auto records = execute({65536, 64});
  ASSERT_FALSE(records);
  EXPECT_NE(records.error().message.find("2147483647 blocks in all"),
            std::string::npos)
      << records.error().message;
}

TEST_F(ExecutePlanTest, MissingKernelsAreErrors) {
  program.plans[0].launches[0].kernel = "other";
  auto records = execute({100, 64});
  ASSERT_FALSE(records);
  EXPECT_EQ(records.error().message,
            "'host' launches kernel 'other' (a.mlir:7), which is not compiled");
}
} // namespace

TEST_F(ExecutePlanTest, ScratchArraysLiveAsLongAsTheirLaunches) {
  LaunchPlan &plan = program.plans[0];
  plan.scratch = {{ElementType::F32, {0}, "a.mlir:6"}};
  plan.launches[0].arguments[1].number = 2;
  std::vector<int64_t> sizes = {100, 64};
  std::vector<DeviceAddress> buffers = {0x1000, 0x2000};
  Module module;
  {
    auto launches =
        prepareLaunches(device, module, program, plan, sizes, buffers);
    ASSERT_TRUE(launches) << launches.error().message;
    ASSERT_TRUE(launchAll(device, module, *launches));
    EXPECT_EQ(getArgument(5), 0x100u);
    EXPECT_EQ(getArgument(6), 100u);
    EXPECT_TRUE(device.freed.empty());
  }
  EXPECT_EQ(device.freed, (std::vector<DeviceAddress>{0x100}));
}

TEST_F(ExecutePlanTest, ScratchArraysThatCannotBe) {
  LaunchPlan &plan = program.plans[0];
  plan.instructions.push_back({.constant = uint64_t(-3)});
  plan.scratch = {{ElementType::F32, {0, 5}, "a.mlir:6"}};
  auto negative = execute({100, 64});
  ASSERT_FALSE(negative);
  EXPECT_EQ(negative.error().message,
            "the scratch array with extents 100x-3 (a.mlir:6) has a negative "
            "extent");
  plan.instructions[3].constant = uint64_t(1) << 60;
  auto large = execute({100, 64});
  ASSERT_FALSE(large);
  EXPECT_EQ(large.error().message,
            "the scratch array with extents 100x1152921504606846976 "
            "(a.mlir:6) does not fit in memory");
}
