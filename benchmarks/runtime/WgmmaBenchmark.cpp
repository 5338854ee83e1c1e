//===- WgmmaBenchmark.cpp - How fast wgmma runs on a CPU -----------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Run: WgmmaBenchmark --benchmark_counters_tabular=true
// "FLOP/s" counts a multiplication and an addition, on one core.
//
//===----------------------------------------------------------------------===//

#include "units/Wgmma.h"

#include <benchmark/benchmark.h>
#include <memory>
#include <vector>

using namespace heddle;
using namespace heddle::vgpu;

namespace {

/// Registers of a warpgroup that own their storage.
struct Registers {
  explicit Registers(uint32_t count)
      : values(4 * count * 32), pointers(4 * count) {
    for (uint32_t i = 0; i < pointers.size(); ++i)
      pointers[i] = values.data() + 32 * i;
    for (uint32_t warp = 0; warp < 4; ++warp)
      view[warp] = pointers.data() + warp * count;
  }
  std::vector<uint32_t> values;
  std::vector<uint32_t *> pointers;
  WarpgroupRegisters view;
};

struct Setup {
  WgmmaOp op;
  std::vector<std::byte> shared = std::vector<std::byte>(64 * 1024);
  uint64_t descA, descB;
  Registers a = Registers(wgmmaARegisters);
  Registers d = Registers(128);

  Setup(WgmmaInput type, WgmmaAccumulator accumulator, uint32_t n,
        bool transB = false) {
    op = {.n = n, .a = type, .b = type, .d = accumulator, .transB = transB};
    // Small positive numbers in every format, so that sums stay finite and no
    // subnormal slows the conversion down.
    for (size_t i = 0; i < shared.size(); ++i)
      shared[i] = std::byte(0x30 + i % 7);
    for (uint32_t &bits : a.values)
      bits = 0x30313233;
    descA = encodeSharedDescriptor(
        {.start = 0, .leading = 16, .stride = 1024, .swizzle = Swizzle::B128});
    descB = encodeSharedDescriptor({.start = 16 * 1024,
                                    .leading = transB ? 8192u : 16u,
                                    .stride = 1024,
                                    .swizzle = Swizzle::B128});
  }

  void report(benchmark::State &state) const {
    state.counters["FLOP/s"] =
        benchmark::Counter(2.0 * 64 * op.n * op.k(),
                           benchmark::Counter::kIsIterationInvariantRate);
  }
};

void runShared(benchmark::State &state, WgmmaInput type,
               WgmmaAccumulator accumulator, bool transB) {
  Setup setup(type, accumulator, uint32_t(state.range(0)), transB);
  for (auto _ : state) {
    Checked<void> good =
        wgmma(setup.op, setup.shared.data(), uint32_t(setup.shared.size()),
              setup.descA, setup.descB, setup.d.view);
    if (!good)
      state.SkipWithError(good.error().message.c_str());
  }
  setup.report(state);
}

void runRegisters(benchmark::State &state, WgmmaInput type) {
  Setup setup(type, WgmmaAccumulator::F32, uint32_t(state.range(0)), true);
  for (auto _ : state) {
    Checked<void> good =
        wgmma(setup.op, setup.shared.data(), uint32_t(setup.shared.size()),
              setup.a.view, setup.descB, setup.d.view);
    if (!good)
      state.SkipWithError(good.error().message.c_str());
  }
  setup.report(state);
}

using enum WgmmaInput;
BENCHMARK_CAPTURE(runShared, bf16, BF16, WgmmaAccumulator::F32, false)
    ->Arg(64)
    ->Arg(128)
    ->Arg(192)
    ->Arg(256);
BENCHMARK_CAPTURE(runShared, bf16_transposed, BF16, WgmmaAccumulator::F32, true)
    ->Arg(256);
BENCHMARK_CAPTURE(runShared, f16, F16, WgmmaAccumulator::F32, false)->Arg(256);
BENCHMARK_CAPTURE(runShared, f16_f16, F16, WgmmaAccumulator::F16, false)
    ->Arg(256);
BENCHMARK_CAPTURE(runShared, tf32, TF32, WgmmaAccumulator::F32, false)
    ->Arg(256);
BENCHMARK_CAPTURE(runShared, e4m3, E4M3, WgmmaAccumulator::F32, false)
    ->Arg(256);
BENCHMARK_CAPTURE(runShared, s8, S8, WgmmaAccumulator::S32, false)->Arg(256);
BENCHMARK_CAPTURE(runRegisters, bf16, BF16)->Arg(128)->Arg(256);

} // namespace
