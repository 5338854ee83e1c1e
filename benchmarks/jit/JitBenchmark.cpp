//===- JitBenchmark.cpp - What the JIT costs ------------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Compiling `examples/gemm.mlir` in full, and finding it on disk and in
/// memory: all in one process that has the compiler's libraries loaded.
///
//===----------------------------------------------------------------------===//

#include "heddle/Jit.h"

#include <benchmark/benchmark.h>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <unistd.h>

using namespace heddle;

static std::string readProgram() {
  std::ifstream file(HEDDLE_EXAMPLES "/gemm.mlir");
  return {std::istreambuf_iterator<char>(file), {}};
}

/// Compiles once.
static void compile(benchmark::State &state, Jit &jit,
                    const std::string &program) {
  auto package = jit.compile(program, "gemm.mlir");
  if (!package)
    state.SkipWithError(package.error().message.c_str());
  benchmark::DoNotOptimize(package);
}

static void compilesAnew(benchmark::State &state) {
  std::string program = readProgram();
  Jit jit({.cacheFolder = "", .memoryEntries = 0});
  for (auto _ : state)
    compile(state, jit, program);
}
BENCHMARK(compilesAnew)->Unit(benchmark::kMillisecond)->UseRealTime();

static void findsOnDisk(benchmark::State &state) {
  std::string program = readProgram();
  std::string folder = std::filesystem::temp_directory_path() /
                       ("heddle-jit-" + std::to_string(getpid()));
  JitOptions options{.cacheFolder = folder};
  Jit warm(options);
  compile(state, warm, program);
  for (auto _ : state) {
    // A new one each time, as in a new process.
    Jit jit(options);
    compile(state, jit, program);
    if (jit.getStatistics().diskHits != 1)
      state.SkipWithError("expected to find the package on disk");
  }
  std::filesystem::remove_all(folder);
}
BENCHMARK(findsOnDisk)->Unit(benchmark::kMicrosecond)->UseRealTime();

static void findsInMemory(benchmark::State &state) {
  std::string program = readProgram();
  Jit jit({.cacheFolder = ""});
  compile(state, jit, program);
  for (auto _ : state)
    compile(state, jit, program);
  if (jit.getStatistics().misses != 1)
    state.SkipWithError("expected to find the package in memory");
}
BENCHMARK(findsInMemory)->Unit(benchmark::kMicrosecond)->UseRealTime();
