//===- PackagingTest.cpp - From modules to packages -----------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Compiler/Packaging.h"

#include "dialects/Tile/Tile.h"
#include "mlir/Parser/Parser.h"

#include <gtest/gtest.h>

using namespace mlir;
using namespace heddle;

namespace {
class PackagingTest : public testing::Test {
protected:
  PackagingTest()
      : context(getRegistry()),
        handler(&context, [this](Diagnostic &diagnostic) {
          std::string text;
          llvm::raw_string_ostream(text) << diagnostic.getLocation();
          message += text + ": " + diagnostic.str() + '\n';
          return success();
        }) {}

  static DialectRegistry getRegistry() {
    DialectRegistry registry;
    registerDialects(registry);
    return registry;
  }

  FailureOr<PackageContents> build(StringRef text,
                                   const PackageOptions &options = {}) {
    module = parseSourceString<ModuleOp>(text, &context, "a.mlir");
    EXPECT_TRUE(module) << message;
    return buildPackage(*module, options);
  }

  MLIRContext context;
  std::string message;
  ScopedDiagnosticHandler handler;
  OwningOpRef<ModuleOp> module;
};
} // namespace

static constexpr StringLiteral kernel = R"(
tile.kernel @copy(%x: memref<?xbf16>, %y: memref<?xbf16>) {
  %c64 = arith.constant 64 : index
  %b = gpu.block_id x
  %i = arith.muli %b, %c64 : index
  %t = tile.load %x[%i] : memref<?xbf16> -> tensor<64xbf16>
  tile.store %t, %y[%i] : tensor<64xbf16>, memref<?xbf16>
}
)";

static constexpr StringLiteral host = R"(
tile.host @h[%N](%x: memref<?xbf16>[%N], out %y: memref<?xbf16>[%N]) {
  %c64 = arith.constant 64 : index
  %blocks = arith.ceildivui %N, %c64 : index
  tile.launch @copy grid(%blocks) args(%x, %y) : memref<?xbf16>, memref<?xbf16>
}
)";

TEST_F(PackagingTest, AllThatIsInTheModuleIsInThePackage) {
  PackageOptions options;
  options.sources = {{"a.mlir", "hash"}};
  auto contents = build((kernel + host).str(), options);
  ASSERT_TRUE(succeeded(contents)) << message;
  const PackageInfo &info = contents->info;
  EXPECT_TRUE(StringRef(info.producer).starts_with("heddle "));
  EXPECT_EQ(info.target, "sm_90a");
  EXPECT_EQ(info.sources.size(), 1u);
  ASSERT_EQ(info.program.plans.size(), 1u);
  EXPECT_EQ(info.program.plans[0].launches[0].location, "a.mlir:13");
  const KernelEntry *entry = info.program.find("copy");
  ASSERT_TRUE(entry);
  EXPECT_EQ(entry->location, "a.mlir:2");
  EXPECT_EQ(entry->parameters.size(), 2u);
  EXPECT_GT(entry->threads, 0u);
  EXPECT_NE(contents->ptx.find(".entry copy("), std::string::npos);
  EXPECT_TRUE(contents->cubins.empty());
  // The module is still the author's.
  EXPECT_EQ(llvm::range_size(module->getOps<tile::HostOp>()), 1u);

  auto package = Package::parse(formatPackage(*contents), "a.heddle");
  EXPECT_TRUE(package) << package.error().message;
}

TEST_F(PackagingTest, HostFunctionsAreNotNeeded) {
  auto contents = build(kernel);
  ASSERT_TRUE(succeeded(contents)) << message;
  EXPECT_TRUE(contents->info.program.plans.empty());
  EXPECT_FALSE(contents->info.program.findPlan(""));
}

TEST_F(PackagingTest, WhatTheRuntimeCannotDoIsToldAtItsLine) {
  EXPECT_TRUE(failed(build(R"(
tile.host @h[%N]() {
  %a = arith.constant 1.5 : f32
  %b = arith.addf %a, %a : f32
})")));
  EXPECT_NE(message.find("\"a.mlir\":4:8"), std::string::npos) << message;
}
