//===- CApiTest.cpp - Tests of the JIT in C -------------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "heddle-c/Jit.h"
#include "test/lib/Jit/Doubling.h"
#include "test/lib/Jit/TemporaryFolder.h"

#include <cstring>
#include <gmock/gmock.h>

using namespace heddle;
using testing::HasSubstr;
using testing::StartsWith;

/// The message of an error, which ends here; empty on success.
static std::string take(heddle_error *error) {
  std::string message = heddle_error_message(error);
  heddle_error_free(error);
  return message;
}

TEST(JitCApi, CompilesAndRemembers) {
  TemporaryFolder folder;
  std::string path = folder / "c";
  heddle_jit_options options = HEDDLE_JIT_OPTIONS_INIT;
  options.cache_folder = path.c_str();
  heddle_jit *jit = nullptr;
  ASSERT_EQ(take(heddle_jit_create(&options, &jit)), "");
  heddle_package *package = nullptr, *again = nullptr;
  size_t size = std::strlen(doubling);
  ASSERT_EQ(take(heddle_jit_compile(jit, doubling, size, "a", &package)), "");
  ASSERT_EQ(take(heddle_jit_compile(jit, doubling, size, "a", &again)), "");
  heddle_package_free(again);

  std::string file = folder / "double.mlir";
  writeFile(file, doubling);
  ASSERT_EQ(take(heddle_jit_compile_file(jit, file.c_str(), &again)), "");
  heddle_package_free(again);
  heddle_jit_statistics statistics = HEDDLE_JIT_STATISTICS_INIT;
  ASSERT_EQ(take(heddle_jit_get_statistics(jit, &statistics)), "");
  EXPECT_EQ(statistics.memory_hits, 1u);
  EXPECT_EQ(statistics.misses, 2u);
  heddle_jit_free(jit);

  // The package is still there.
  heddle_package_info info = HEDDLE_PACKAGE_INFO_INIT;
  ASSERT_EQ(take(heddle_package_get_info(package, &info)), "");
  EXPECT_STREQ(info.name, "a");
  EXPECT_EQ(info.host_count, 1u);
  heddle_package_free(package);
  heddle_jit_free(nullptr);
}

TEST(JitCApi, ReportsErrors) {
  heddle_jit *jit = nullptr;
  heddle_jit_options options = HEDDLE_JIT_OPTIONS_INIT;
  options.cache_folder = "";
  options.optimization = 4;
  EXPECT_EQ(take(heddle_jit_create(&options, &jit)),
            "expected an optimization of 0 to 3, found 4");
  options.optimization = 2;
  options.struct_size = 8;
  EXPECT_THAT(take(heddle_jit_create(&options, &jit)),
              HasSubstr("struct_size"));
  EXPECT_EQ(take(heddle_jit_create(&options, nullptr)),
            "expected an argument 'jit', found NULL");
  EXPECT_EQ(jit, nullptr);
  options.struct_size = sizeof(options);
  ASSERT_EQ(take(heddle_jit_create(&options, &jit)), "");

  heddle_package *package = nullptr;
  heddle_error *error =
      heddle_jit_compile(jit, "tile.nothing", 12, "bad.mlir", &package);
  EXPECT_EQ(heddle_error_kind(error), HEDDLE_INVALID_INPUT);
  EXPECT_THAT(take(error), StartsWith("bad.mlir:1:1: error: "));
  EXPECT_EQ(take(heddle_jit_compile(jit, nullptr, 0, "a", &package)),
            "expected an argument 'source', found NULL");
  EXPECT_EQ(take(heddle_jit_compile_file(jit, "/nowhere/a.mlir", &package)),
            "cannot open '/nowhere/a.mlir': No such file or directory");
  EXPECT_EQ(package, nullptr);
  heddle_jit_free(jit);
}

TEST(JitCApi, Warns) {
  TemporaryFolder folder;
  writeFile(folder / "file", "");
  std::string path = folder / "file/c", warnings;
  heddle_jit_options options = HEDDLE_JIT_OPTIONS_INIT;
  options.cache_folder = path.c_str();
  options.warn = [](const char *warning, void *context) {
    *static_cast<std::string *>(context) += warning;
  };
  options.warn_context = &warnings;
  heddle_jit *jit = nullptr;
  ASSERT_EQ(take(heddle_jit_create(&options, &jit)), "");
  heddle_package *package = nullptr;
  ASSERT_EQ(take(heddle_jit_compile(jit, doubling, std::strlen(doubling), "a",
                                    &package)),
            "");
  EXPECT_THAT(warnings, StartsWith("cannot write to the cache folder"));
  heddle_package_free(package);
  heddle_jit_free(jit);
}
