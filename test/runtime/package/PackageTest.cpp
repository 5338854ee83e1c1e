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
#include <gmock/gmock.h>
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

  EXPECT_EQ((*package)->getMetadata(), getMetadata(bytes));

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

  ASSERT_EQ(plan.checks.size(), 1u);
  EXPECT_EQ(plan.checks[0].condition, 5u);
  EXPECT_EQ(plan.checks[0].message, "M must be less than K");
  EXPECT_EQ(plan.checks[0].location, "a.mlir:5");

  ASSERT_EQ(plan.scratch.size(), 1u);
  EXPECT_EQ(plan.scratch[0].type, ElementType::F32);
  EXPECT_EQ(plan.scratch[0].extents, (std::vector<uint32_t>{0, 2}));
  EXPECT_EQ(plan.scratch[0].location, "a.mlir:6");

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

//===----------------------------------------------------------------------===//
// Files
//===----------------------------------------------------------------------===//

namespace {
/// A folder that is there for the length of a test.
class PackageFileTest : public testing::Test {
protected:
  PackageFileTest() {
    std::string name = fs::temp_directory_path() / "heddle-package-XXXXXX";
    folder = mkdtemp(name.data());
  }
  ~PackageFileTest() override {
    fs::permissions(folder, fs::perms::owner_all);
    fs::remove_all(folder);
  }

  std::string write(const std::string &name, std::string_view bytes) {
    std::ofstream(folder / name, std::ios::binary) << bytes;
    return folder / name;
  }
  /// Why `path` is no package, without its name.
  std::string getReason(const std::string &path) {
    auto package = Package::open(path);
    if (package)
      return "";
    size_t start = package.error().message.find(path);
    EXPECT_NE(start, std::string::npos) << package.error().message;
    return package.error().message.substr(start + path.size() + 1);
  }

  fs::path folder;
};
} // namespace

TEST_F(PackageFileTest, FilesComeBack) {
  std::string path = folder / "p.heddle";
  auto written = writePackage(path, makeContents());
  ASSERT_TRUE(written) << written.error().message;
  auto package = Package::open(path);
  ASSERT_TRUE(package) << package.error().message;
  EXPECT_EQ((*package)->getName(), path);
  EXPECT_EQ((*package)->getImage().ptx, makeContents().ptx);
  // Nothing is left beside it, and what is there is replaced.
  write("p.heddle", "before");
  ASSERT_TRUE(writePackage(path, makeContents()));
  EXPECT_EQ(getReason(path), "");
  EXPECT_EQ(std::distance(fs::directory_iterator(folder), {}), 1);
  // Open packages do not change with their files.
  fs::resize_file(path, 0);
  EXPECT_EQ((*package)->getImage().ptx, makeContents().ptx);
}

TEST_F(PackageFileTest, OtherFilesAreToldApart) {
  using testing::HasSubstr;
  EXPECT_THAT(getReason(folder / "none"), HasSubstr("No such file"));
  EXPECT_THAT(getReason(folder), HasSubstr("is a folder; expected a package"));
  EXPECT_EQ(getReason(write("empty", "")), " is empty; expected a package");
  EXPECT_THAT(getReason(write("a.mlir", "tile.kernel @k() {}")),
              HasSubstr("is text and not a package; if it is a program, heddle "
                        "compile FILE -o FILE.heddle"));
  EXPECT_THAT(getReason(write("a.ptx", makeContents().ptx)),
              HasSubstr("is PTX and not a package"));
  EXPECT_THAT(getReason(write("a.cubin", makeContents().cubins[0].bytes)),
              HasSubstr("such as a cubin"));
  EXPECT_THAT(getReason(write("zeros", std::string(100, '\0'))),
              HasSubstr("is not a package"));
  std::string text = formatPackage(makeContents());
  text.erase(4, 1);
  EXPECT_THAT(getReason(write("text", text)), HasSubstr("copied as text"));
  std::string pipe = folder / "pipe";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_THAT(getReason(pipe), HasSubstr("is a pipe or a device"));
  std::string huge = write("huge", "");
  fs::resize_file(huge, uint64_t(1) << 40);
  EXPECT_THAT(getReason(huge), HasSubstr("a package has at most 1073741824"));
}

TEST_F(PackageFileTest, WhatCannotBeWrittenIsAnError) {
  auto missing = writePackage(folder / "none" / "p.heddle", makeContents());
  ASSERT_FALSE(missing);
  EXPECT_THAT(missing.error().message,
              testing::HasSubstr("none/p.heddle': No such file or directory"));
  auto isFolder = writePackage(folder, makeContents());
  ASSERT_FALSE(isFolder);
  EXPECT_THAT(isFolder.error().message, testing::HasSubstr("Is a directory"));

  PackageContents wrong = makeContents();
  wrong.info.program.kernels[0].threads = 0;
  auto refused = writePackage(folder / "p.heddle", wrong);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, testing::HasSubstr("1 to 1024 threads"));
  EXPECT_TRUE(fs::is_empty(folder));
}

TEST_F(PackageFileTest, ReadOnlyFoldersAreAnError) {
  if (geteuid() == 0)
    GTEST_SKIP() << "root may write to any folder";
  fs::permissions(folder, fs::perms::owner_read | fs::perms::owner_exec);
  auto readOnly = writePackage(folder / "p.heddle", makeContents());
  ASSERT_FALSE(readOnly);
  EXPECT_THAT(readOnly.error().message,
              testing::HasSubstr("p.heddle': Permission denied"));
}

TEST_F(PackageFileTest, DevicesAreWrittenInPlace) {
  EXPECT_TRUE(writePackage("/dev/null", makeContents()));
  auto full = writePackage("/dev/full", makeContents());
  ASSERT_FALSE(full);
  EXPECT_THAT(full.error().message, testing::HasSubstr("No space left"));
}
