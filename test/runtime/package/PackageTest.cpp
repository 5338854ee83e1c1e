//===- PackageTest.cpp - Packages that are written and read ---------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/package/Format.h"
#include "test/runtime/package/TestPackage.h"

#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace heddle;
using namespace heddle::test;
namespace fs = std::filesystem;

static std::string getText(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char *>(bytes.data()), bytes.size()};
}

/// What is wrong with the bytes, or nothing.
static std::string getError(std::string bytes) {
  auto package = Package::parse(std::move(bytes), "p.heddle");
  return package ? "" : package.error().message;
}

TEST(PackageTest, ContentsComeBack) {
  PackageContents contents = makeContents();
  std::string bytes = formatPackage(contents);
  auto package = Package::parse(bytes, "p.heddle");
  ASSERT_TRUE(package) << package.error().message;
  EXPECT_EQ((*package)->getName(), "p.heddle");
  const ModuleImage &image = (*package)->getImage();
  EXPECT_EQ(image.name, "p.heddle");
  EXPECT_EQ(image.ptx, contents.ptx);
  ASSERT_EQ(image.cubins.size(), 1u);
  EXPECT_EQ(image.cubins[0].arch, "sm_90a");
  EXPECT_EQ(getText(image.cubins[0].bytes), contents.cubins[0].bytes);
  EXPECT_EQ(getText((*package)->getReference()), "reference");

  const PackageInfo &info = (*package)->getInfo();
  EXPECT_EQ(info.producer, contents.info.producer);
  EXPECT_EQ(info.target, "sm_90a");
  ASSERT_EQ(info.resources.size(), 1u);
  EXPECT_EQ(info.resources[0].registers, 168u);
  EXPECT_EQ(info.resources[0].staticSharedBytes, 16u);
  EXPECT_EQ(info.resources[0].spillStoreBytes, 4u);
  EXPECT_EQ(info.resources[0].spillLoadBytes, 8u);
  ASSERT_EQ(info.sources.size(), 1u);
  EXPECT_EQ(info.sources[0].name, "a.mlir");
  EXPECT_EQ(info.sources[0].hash, getContentHash("module {}"));
}

TEST(PackageTest, ProgramsComeBack) {
  PackageContents contents = makeContents();
  auto package = Package::parse(formatPackage(contents), "p.heddle");
  ASSERT_TRUE(package) << package.error().message;
  const Program &program = (*package)->getInfo().program;
  ASSERT_EQ(program.plans.size(), 1u);
  const LaunchPlan &plan = program.plans[0];
  EXPECT_EQ(plan.sizes, (std::vector<std::string>{"M", "K"}));
  ASSERT_EQ(plan.buffers.size(), 2u);
  EXPECT_EQ(plan.buffers[1].name, "C");
  EXPECT_EQ(plan.buffers[1].type, ElementType::F32);
  EXPECT_EQ(plan.buffers[1].access, Access::Out);
  EXPECT_TRUE(plan.buffers[1].extents[0].isSize);
  EXPECT_EQ(plan.buffers[1].extents[0].value, 0);
  EXPECT_FALSE(plan.buffers[1].extents[1].isSize);
  EXPECT_EQ(plan.buffers[1].extents[1].value, 64);
  ASSERT_EQ(plan.instructions.size(), 5u);
  EXPECT_EQ(plan.instructions[1].op, IndexOp::CeilDivUI);
  EXPECT_EQ(plan.instructions[2].resultBits, 32);
  EXPECT_EQ(plan.instructions[2].constant, 0x40000000u);
  EXPECT_EQ(plan.instructions[4].operands, (std::array<uint32_t, 3>{5, 3, 2}));
  ASSERT_EQ(plan.launches.size(), 1u);
  EXPECT_EQ(plan.launches[0].grid, (std::vector<uint32_t>{3, 6}));
  EXPECT_TRUE(plan.launches[0].arguments[1].isBuffer);
  EXPECT_EQ(plan.launches[0].arguments[1].number, 1u);
  EXPECT_FALSE(plan.launches[0].arguments[2].isBuffer);
  EXPECT_EQ(plan.launches[0].location, "a.mlir:7");

  ASSERT_EQ(program.kernels.size(), 2u);
  const KernelEntry &kernel = program.kernels[0];
  EXPECT_EQ(kernel.entry, "k");
  EXPECT_EQ(kernel.threads, 384u);
  EXPECT_EQ(kernel.sharedBytes, 1000u);
  EXPECT_EQ(kernel.cluster.x, 2u);
  EXPECT_FALSE(kernel.cooperative);
  EXPECT_TRUE(kernel.persistent);
  EXPECT_EQ(kernel.fallback, "k_plain");
  EXPECT_EQ(kernel.location, "a.mlir:1");
  EXPECT_EQ(kernel.parameters[1].extents, (std::vector<int64_t>{-1, 64}));
  EXPECT_EQ(kernel.parameters[1].strides, (std::vector<int64_t>{64, 1}));
  EXPECT_FALSE(kernel.parameters[2].isView);
  ASSERT_EQ(kernel.tensorMaps.size(), 1u);
  EXPECT_EQ(kernel.tensorMaps[0].box, (std::vector<uint32_t>{64, 128}));
  EXPECT_EQ(kernel.tensorMaps[0].swizzle, Swizzle::B128);
  EXPECT_EQ(kernel.tensorMaps[0].type, TensorMapType::BF16);
  EXPECT_TRUE(program.kernels[1].cooperative);
}

TEST(PackageTest, TheSameContentsGiveTheSameBytes) {
  std::string bytes = formatPackage(makeContents());
  EXPECT_EQ(bytes, formatPackage(makeContents()));
  EXPECT_EQ(replaceMetadata(bytes, getMetadata(bytes)), bytes);
}

TEST(PackageTest, SectionsAreOptional) {
  PackageContents contents = makeContents();
  contents.cubins.clear();
  contents.reference.clear();
  contents.info.program.plans.clear();
  auto package = Package::parse(formatPackage(contents), "p.heddle");
  ASSERT_TRUE(package) << package.error().message;
  EXPECT_TRUE((*package)->getImage().cubins.empty());
  EXPECT_TRUE((*package)->getReference().empty());

  contents.ptx.clear();
  EXPECT_EQ(getError(formatPackage(contents)),
            "'p.heddle' has kernels, but neither PTX nor machine code");
}

TEST(PackageTest, HashesAreThoseOfXxhsum) {
  // `printf '' | xxhsum -H2`
  EXPECT_EQ(getContentHash(""), "99aa06d3014798d86001c324468d497f");
}
