//===- PackageBenchmark.cpp - How long it takes to load a package ---------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Reading, hashing, parsing and checking a package. It holds `kernels` pairs of
// a kernel and its fallback and as many launches, and for each pair as much PTX
// and machine code as a GEMM has.
//
//===----------------------------------------------------------------------===//

#include "test/runtime/package/TestPackage.h"

#include <benchmark/benchmark.h>
#include <filesystem>
#include <unistd.h>

using namespace heddle;

/// The bytes of `examples/gemm.mlir` in PTX and as a cubin.
static constexpr size_t ptxBytes = 120'000, cubinBytes = 180'000;

static PackageContents makeContents(size_t kernels) {
  PackageContents contents = test::makeContents();
  const Program program = contents.info.program;
  contents.info.program.kernels.clear();
  contents.info.program.plans[0].launches.clear();
  for (size_t i = 0; i < kernels; ++i) {
    std::string suffix = "_" + std::to_string(i);
    for (KernelEntry kernel : program.kernels) {
      kernel.entry += suffix;
      if (!kernel.fallback.empty())
        kernel.fallback += suffix;
      contents.info.program.kernels.push_back(std::move(kernel));
    }
    Launch launch = program.plans[0].launches[0];
    launch.kernel += suffix;
    contents.info.program.plans[0].launches.push_back(std::move(launch));
  }
  contents.info.resources.clear();
  contents.ptx.resize(kernels * ptxBytes, '\n');
  contents.cubins[0].bytes.resize(kernels * cubinBytes, 'x');
  return contents;
}

static void openPackage(benchmark::State &state) {
  std::string path = std::filesystem::temp_directory_path() /
                     ("heddle-benchmark-" + std::to_string(getpid()));
  auto written = writePackage(path, makeContents(state.range(0)));
  if (!written) {
    state.SkipWithError(written.error().message.c_str());
    return;
  }
  for (auto _ : state) {
    auto package = Package::open(path);
    benchmark::DoNotOptimize(package);
  }
  state.counters["bytes"] = double(std::filesystem::file_size(path));
  std::filesystem::remove(path);
}
BENCHMARK(openPackage)->ArgName("kernels")->Arg(1)->Arg(16)->Arg(128);
