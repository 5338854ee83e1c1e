//===- CacheKeyTest.cpp - Tests of what keys depend on --------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Jit/CacheKey.h"

#include "heddle/Runtime/Package.h"
#include "lib/Jit/BuildId.h"
#include "mlir/IR/MLIRContext.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <unistd.h>

using namespace heddle;

static std::string getKey(const JitOptions &options) {
  Expected<KeyBuilder> key = startKey(options);
  EXPECT_TRUE(key) << (key ? "" : key.error().message);
  return key ? key->finish() : "";
}

TEST(BuildId, TellsLibrariesApart) {
  std::string compiler = getBuildId(reinterpret_cast<void *>(&startKey));
  EXPECT_EQ(compiler.size(), 20u);
  std::string mlir =
      getBuildId(reinterpret_cast<void *>(&mlir::registerMLIRContextCLOptions));
  EXPECT_FALSE(mlir.empty());
  EXPECT_NE(compiler, mlir);
  std::string runtime = getBuildId(reinterpret_cast<void *>(&formatPackage));
  EXPECT_EQ(runtime.size(), 20u);
  EXPECT_NE(compiler, runtime);
  EXPECT_EQ(getBuildId(nullptr), "");
}

TEST(KeyBuilder, KnowsWhereFieldsEnd) {
  EXPECT_EQ(KeyBuilder().add("ab").add("c").finish(),
            KeyBuilder().add("ab").add("c").finish());
  EXPECT_NE(KeyBuilder().add("ab").add("c").finish(),
            KeyBuilder().add("a").add("bc").finish());
  EXPECT_NE(KeyBuilder().add("").finish(), KeyBuilder().finish());
  EXPECT_EQ(KeyBuilder().finish().size(), 64u);
}

TEST(CacheKey, DependsOnOptionsThatChangeThePackage) {
  std::string usual = getKey({});
  EXPECT_EQ(usual, getKey({.cacheFolder = "/elsewhere", .memoryEntries = 1}));
  EXPECT_NE(usual, getKey({.optimization = 3}));
  EXPECT_NE(usual, getKey({.assembleCubins = true}));
}

TEST(CacheKey, DependsOnPtxas) {
  std::string folder =
      testing::TempDir() + "heddle-ptxas-" + std::to_string(getpid());
  std::string program = folder + "/ptxas";
  std::string path = std::getenv("PATH");
  auto write = [&](const char *contents) {
    std::filesystem::create_directory(folder);
    std::ofstream(program) << contents;
    std::filesystem::permissions(program, std::filesystem::perms::owner_all);
  };
  write("#!/bin/sh\n");
  setenv("PATH", (folder + ":" + path).c_str(), 1);
  std::string first = getKey({.assembleCubins = true});
  std::string without = getKey({});
  EXPECT_EQ(first, getKey({.assembleCubins = true}));
  write("#!/bin/sh\nexit 1\n");
  EXPECT_NE(first, getKey({.assembleCubins = true}));
  EXPECT_EQ(without, getKey({}));
  setenv("PATH", path.c_str(), 1);
  std::filesystem::remove_all(folder);
}
