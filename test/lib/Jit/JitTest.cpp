//===- JitTest.cpp - Tests of compiling while running ---------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "heddle/Jit.h"

#include "test/lib/Jit/Doubling.h"
#include "test/lib/Jit/TemporaryFolder.h"

#include <atomic>
#include <gmock/gmock.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace heddle;
using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;
using testing::StartsWith;

/// The text after `(x: ...)` that makes it another program.
static std::string withComment(int i) {
  return doubling + ("// " + std::to_string(i) + "\n");
}

TEST(Jit, CompilesAndRuns) {
  Jit jit({.cacheFolder = ""});
  Expected<std::unique_ptr<Device>> device = openDevice("virtual");
  ASSERT_TRUE(device);
  auto program = jit.load(**device, doubling, "double.mlir");
  ASSERT_TRUE(program) << program.error().message;
  EXPECT_EQ(checkDoubling(**program), "");
  const Package &package = (*program)->getPackage();
  EXPECT_EQ(package.getName(), "double.mlir");
  EXPECT_EQ(package.getInfo().program.plans.front().name, "double");
  ASSERT_THAT(package.getInfo().sources, SizeIs(1));
  EXPECT_EQ(package.getInfo().sources.front().name, "double.mlir");
  EXPECT_EQ(package.getInfo().sources.front().hash, getContentHash(doubling));
  // Line tables have the name that the caller chose.
  EXPECT_THAT(std::string(package.getImage().ptx), HasSubstr("double.mlir"));
}

TEST(Jit, InlinesFunctions) {
  std::string program = doubling;
  std::string product = "arith.mulf %t, %s : tensor<256xf32>";
  program.replace(program.find(product), product.size(),
                  "func.call @scaled(%t, %a) : (tensor<256xf32>, f32) -> "
                  "tensor<256xf32>");
  program += R"(
func.func @scaled(%t: tensor<256xf32>, %a: f32) -> tensor<256xf32> {
  %s = tensor.splat %a : tensor<256xf32>
  %r = arith.mulf %t, %s : tensor<256xf32>
  return %r : tensor<256xf32>
}
)";
  Jit jit({.cacheFolder = ""});
  Expected<std::unique_ptr<Device>> device = openDevice("virtual");
  ASSERT_TRUE(device);
  auto loaded = jit.load(**device, program, "double.mlir");
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(checkDoubling(**loaded), "");

  // A function that calls itself cannot go where it is called.
  std::string own = "%s = tensor.splat %a : tensor<256xf32>\n  %r = arith.mulf";
  program.replace(program.find(own, program.find("func.func")), own.size(),
                  "%s = func.call @scaled(%t, %a) : (tensor<256xf32>, f32) -> "
                  "tensor<256xf32>\n  %r = arith.mulf");
  auto recursive = jit.compile(program, "double.mlir");
  ASSERT_FALSE(recursive);
  EXPECT_THAT(recursive.error().message,
              HasSubstr("'@scaled' calls '@scaled'"));
}

TEST(Jit, RemembersPackages) {
  Jit jit({.cacheFolder = "", .memoryEntries = 2});
  auto first = jit.compile(doubling, "a");
  ASSERT_TRUE(first);
  EXPECT_EQ(*jit.compile(doubling, "a"), *first);
  EXPECT_EQ(jit.getStatistics().memoryHits, 1u);
  EXPECT_EQ(jit.getStatistics().misses, 1u);
  // The name is in messages and line tables, so it matters.
  auto other = jit.compile(doubling, "b");
  EXPECT_NE(*other, *first);
  EXPECT_EQ(jit.getStatistics().misses, 2u);
  // A third one takes the place of the one that was not used for longest.
  EXPECT_EQ(*jit.compile(doubling, "a"), *first);
  ASSERT_TRUE(jit.compile(withComment(0), "a"));
  EXPECT_EQ(*jit.compile(doubling, "a"), *first);
  EXPECT_EQ(jit.getStatistics().misses, 3u);
  EXPECT_NE(*jit.compile(doubling, "b"), *other);
  EXPECT_EQ(jit.getStatistics().misses, 4u);
}

TEST(Jit, KeepsPackagesOnDisk) {
  TemporaryFolder folder;
  JitOptions options{.cacheFolder = folder / "c"};
  Jit first(options), second(options);
  auto compiled = first.compile(doubling, "a");
  ASSERT_TRUE(compiled);
  auto found = second.compile(doubling, "a");
  ASSERT_TRUE(found);
  EXPECT_EQ(second.getStatistics().diskHits, 1u);
  EXPECT_EQ(second.getStatistics().misses, 0u);
  EXPECT_EQ((*found)->getImage().ptx, (*compiled)->getImage().ptx);
  EXPECT_EQ((*found)->getName(), "a");
  EXPECT_EQ(second.getStatistics().cacheWarning, "");
  // What is kept is a package.
  ASSERT_THAT(folder.list("c"), SizeIs(1));
  EXPECT_TRUE(Package::open(folder / "c/" + folder.list("c").front()));

  Jit optimized({.cacheFolder = folder / "c", .optimization = 3});
  ASSERT_TRUE(optimized.compile(doubling, "a"));
  EXPECT_EQ(optimized.getStatistics().misses, 1u);
}

TEST(Jit, ReplacesDamagedFiles) {
  TemporaryFolder folder;
  JitOptions options{.cacheFolder = folder / "c"};
  ASSERT_TRUE(Jit(options).compile(doubling, "a"));
  std::string entry = folder / "c/" + folder.list("c").front();
  const std::string whole = readFile(entry);
  std::string flipped = whole;
  flipped[whole.size() / 2] ^= 1;
  for (const std::string &damaged :
       {std::string(), whole.substr(0, whole.size() - 1), flipped}) {
    writeFile(entry, damaged);
    Jit jit(options);
    ASSERT_TRUE(jit.compile(doubling, "a"));
    EXPECT_EQ(jit.getStatistics().corruptEntries, 1u);
    EXPECT_EQ(jit.getStatistics().misses, 1u);
    EXPECT_EQ(jit.getStatistics().cacheWarning, "");
    EXPECT_EQ(readFile(entry), whole);
    EXPECT_THAT(folder.list("c"), SizeIs(1));
  }
}

TEST(Jit, WorksWithoutAFolder) {
  TemporaryFolder folder;
  writeFile(folder / "file", "");
  std::vector<std::string> warnings;
  Jit jit(
      {.cacheFolder = folder / "file/c", .warn = [&](std::string_view warning) {
         warnings.emplace_back(warning);
       }});
  ASSERT_TRUE(jit.compile(doubling, "a"));
  ASSERT_TRUE(jit.compile(doubling, "b"));
  ASSERT_THAT(warnings, SizeIs(1));
  EXPECT_THAT(warnings.front(),
              StartsWith("cannot write to the cache folder '"));
  EXPECT_THAT(warnings.front(), HasSubstr("Not a directory"));
  EXPECT_EQ(jit.getStatistics().cacheWarning, warnings.front());
}

TEST(Jit, KnowsItsFolder) {
  EXPECT_EQ(Jit({.cacheFolder = ""}).getCacheFolder(), "");
  EXPECT_EQ(Jit({.cacheFolder = "/a/b"}).getCacheFolder(), "/a/b");
  EXPECT_THAT(Jit({.cacheFolder = "a/b"}).getCacheFolder(),
              AllOf(StartsWith("/"), EndsWith("/a/b")));
}

TEST(Jit, ReportsAllDiagnostics) {
  TemporaryFolder folder;
  Jit jit({.cacheFolder = folder / "c"});
  auto compiled = jit.compile("tile.kernel @k(%x: memref<?xf32>) {\n"
                              "  %t = tile.lod %x[]\n"
                              "}\n",
                              "bad.mlir");
  ASSERT_FALSE(compiled);
  EXPECT_EQ(compiled.error().kind, ErrorKind::InvalidInput);
  EXPECT_THAT(compiled.error().message, StartsWith("bad.mlir:2:8: error: "));
  EXPECT_THAT(compiled.error().message, HasSubstr("  %t = tile.lod %x[]\n"));
  EXPECT_THAT(compiled.error().message, Not(EndsWith("\n")));
  EXPECT_TRUE(folder.list("c").empty());
}

TEST(Jit, ReportsWhatCannotBeCompiled) {
  Jit jit({.cacheFolder = ""});
  // Legal in the dialect, but wgmma has no such shape.
  auto compiled = jit.compile(R"(
tile.kernel @dot(%x: memref<?xf32>) {
  %a = arith.constant dense<1.0> : tensor<96x64xbf16>
  %b = arith.constant dense<1.0> : tensor<64x64xbf16>
  %c = arith.constant dense<1.0> : tensor<96x64xf32>
  %d = tile.dot %a, %b, %c : tensor<96x64xbf16>, tensor<64x64xbf16> -> tensor<96x64xf32>
})",
                              "bad.mlir");
  ASSERT_FALSE(compiled);
  EXPECT_THAT(compiled.error().message, StartsWith("bad.mlir:6:"));
  auto missing = jit.compileFile("/nowhere/a.mlir");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().message,
            "cannot open '/nowhere/a.mlir': No such file or directory");
}

TEST(Jit, RefusesOptionsThatDoNotExist) {
  Jit jit({.cacheFolder = "", .optimization = 4});
  auto package = jit.compile(doubling, "double.mlir");
  ASSERT_FALSE(package);
  EXPECT_EQ(package.error().message,
            "expected an optimization of 0 to 3, found 4");
}

TEST(Jit, CompilesOnceForAllThreads) {
  Jit jit({.cacheFolder = ""});
  std::vector<std::shared_ptr<const Package>> packages(8);
  std::vector<std::thread> threads;
  for (auto &package : packages)
    threads.emplace_back([&] { package = *jit.compile(doubling, "a"); });
  for (std::thread &thread : threads)
    thread.join();
  for (const auto &package : packages)
    EXPECT_EQ(package, packages.front());
  EXPECT_EQ(jit.getStatistics().misses, 1u);
  EXPECT_EQ(jit.getStatistics().memoryHits, 7u);
}

TEST(Jit, CompilesForThreadsAtATime) {
  TemporaryFolder folder;
  Jit jit({.cacheFolder = folder / "c"});
  std::atomic<int> failures = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i)
    threads.emplace_back([&, i] {
      // Half of them are wrong, and two at a time are the same.
      std::string source = withComment(i / 2);
      if (i % 4 < 2)
        source += "tile.nothing\n";
      if (jit.compile(source, "a").has_value() == (i % 4 < 2))
        ++failures;
    });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(failures, 0);
  EXPECT_THAT(folder.list("c"), SizeIs(2));
}

/// What one of many processes does; returns its exit code.
static int compileInProcess(const std::string &folder) {
  std::string warning;
  Jit jit({.cacheFolder = folder,
           .warn = [&](std::string_view text) { warning = text; }});
  Expected<std::unique_ptr<Device>> device = openDevice("virtual");
  if (!device)
    return 1;
  auto program = jit.load(**device, doubling, "double.mlir");
  if (!program)
    return 2;
  if (!checkDoubling(**program).empty())
    return 3;
  return warning.empty() ? 0 : 4;
}

TEST(Jit, SharesTheFolderAmongProcesses) {
  TemporaryFolder folder;
  std::vector<pid_t> processes;
  for (int i = 0; i < 8; ++i) {
    pid_t process = fork();
    ASSERT_GE(process, 0);
    if (process == 0)
      _exit(compileInProcess(folder / "c"));
    processes.push_back(process);
  }
  for (pid_t process : processes) {
    int status = -1;
    waitpid(process, &status, 0);
    EXPECT_TRUE(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), 0);
  }
  ASSERT_THAT(folder.list("c"), SizeIs(1));
  Jit jit({.cacheFolder = folder / "c"});
  ASSERT_TRUE(jit.compile(doubling, "double.mlir"));
  EXPECT_EQ(jit.getStatistics().diskHits, 1u);
}
