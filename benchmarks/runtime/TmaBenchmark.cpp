//===- TmaBenchmark.cpp - How fast TMA copies run on a CPU ---------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Run: TmaBenchmark
//
//===----------------------------------------------------------------------===//

#include "units/Tma.h"

#include <benchmark/benchmark.h>
#include <cstring>
#include <vector>

using namespace heddle;
using namespace heddle::vgpu;

namespace {

constexpr uint32_t sharedBytes = 64 * 1024;

struct Setup {
  GlobalMemory memory;
  GlobalMemory::Cursor cursor{memory};
  TensorMapSpec spec;
  std::vector<std::byte> shared = std::vector<std::byte>(sharedBytes);

  Setup() {
    spec.type = TensorMapType::BF16;
    spec.rank = 2;
    spec.dims = {1024, 1024};
    spec.strides = {2048};
    spec.box = {64, 128};
    spec.swizzle = Swizzle::B128;
    spec.address = *memory.allocate(1024 * 2048);
    std::memset(memory.resolve(spec.address, 1024 * 2048), 0, 1024 * 2048);
  }
};

/// A 64 x 128 box of bf16 with the 128-byte swizzle; `range(0)` is its first
/// coordinate, so that 992 overhangs.
void load(benchmark::State &state) {
  Setup setup;
  const int32_t coords[] = {int32_t(state.range(0)), 256};
  for (auto _ : state)
    benchmark::DoNotOptimize(tmaLoad(setup.spec, coords, setup.shared.data(),
                                     sharedBytes, 0, setup.cursor));
  state.SetBytesProcessed(int64_t(state.iterations()) *
                          tmaBoxBytes(setup.spec));
}
BENCHMARK(load)->Arg(64)->Arg(992);

void store(benchmark::State &state) {
  Setup setup;
  const int32_t coords[] = {int32_t(state.range(0)), 256};
  for (auto _ : state)
    benchmark::DoNotOptimize(tmaStore(setup.spec, coords, setup.shared.data(),
                                      sharedBytes, 0, setup.cursor));
  state.SetBytesProcessed(int64_t(state.iterations()) *
                          tmaBoxBytes(setup.spec));
}
BENCHMARK(store)->Arg(64)->Arg(992);

void reduceAdd(benchmark::State &state) {
  Setup setup;
  const int32_t coords[] = {64, 256};
  for (auto _ : state)
    benchmark::DoNotOptimize(tmaReduce(setup.spec, ReduceOp::Add, coords,
                                       setup.shared.data(), sharedBytes, 0,
                                       setup.cursor));
  state.SetBytesProcessed(int64_t(state.iterations()) *
                          tmaBoxBytes(setup.spec));
}
BENCHMARK(reduceAdd);

} // namespace
