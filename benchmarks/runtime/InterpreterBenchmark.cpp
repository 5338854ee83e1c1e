//===- InterpreterBenchmark.cpp - Warp instructions per second ------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Run: InterpreterBenchmark
//
// Loops of a few instructions in one CTA of four warps on one host thread. The
// counter `instructions/s` counts warp instructions.
//
//===----------------------------------------------------------------------===//

#include "heddle/Runtime/VirtualDevice.h"

#include <benchmark/benchmark.h>
#include <fmt/format.h>

using namespace heddle;

namespace {

constexpr uint64_t rounds = 20000;
constexpr uint32_t warps = 4;

/// A loop of `instructions` instructions, with the three that count included.
struct Loop {
  const char *body;
  uint64_t instructions;
};

constexpr Loop arithmetic = {R"(
  fma.rn.f32 %f1, %f1, %f2, %f3;
  add.s32 %r1, %r1, %r2;
  xor.b32 %r3, %r3, %r1;
  mul.lo.s32 %r4, %r3, %r2;
  add.f32 %f3, %f3, %f1;
  shl.b32 %r5, %r4, 3;
)",
                             9};

/// Each thread reads and writes a word of its own.
constexpr Loop mixed = {R"(
  ld.shared.f32 %f1, [%address];
  fma.rn.f32 %f1, %f1, %f2, %f3;
  xor.b32 %r3, %r3, %r1;
  st.shared.f32 [%address], %f1;
  ld.shared.f32 %f3, [%address+512];
  add.s32 %r1, %r1, %r2;
)",
                        9};

/// Words that lie a few banks apart.
constexpr Loop strided = {R"(
  ld.shared.f32 %f1, [%strided];
  fma.rn.f32 %f1, %f1, %f2, %f3;
  xor.b32 %r3, %r3, %r1;
  st.shared.f32 [%strided], %f1;
  ld.shared.f32 %f3, [%strided+4];
  add.s32 %r1, %r1, %r2;
)",
                          9};

constexpr Loop vectors = {R"(
  ld.shared.v4.f32 {%f1, %f2, %f3, %f4}, [%vector];
  fma.rn.f32 %f1, %f1, %f2, %f3;
  add.s32 %r1, %r1, %r2;
  st.shared.v4.f32 [%vector], {%f1, %f2, %f3, %f4};
  ld.global.f32 %f5, [%mine];
  st.global.f32 [%mine], %f5;
)",
                          9};

/// The lanes go two ways. Both are counted: 10 instructions in each round.
constexpr Loop divergent = {R"(
  @%odd bra ODD;
  add.s32 %r1, %r1, %r2;
  fma.rn.f32 %f1, %f1, %f2, %f3;
  bra MEET;
ODD:
  sub.s32 %r1, %r1, %r2;
  fma.rn.f32 %f1, %f1, %f3, %f2;
MEET:
  xor.b32 %r3, %r3, %r1;
)",
                            10};

constexpr Loop warpWide = {R"(
  shfl.sync.bfly.b32 %r3, %r1, 1, 31, -1;
  add.s32 %r1, %r3, %r2;
  setp.lt.s32 %p1, %r1, %r2;
  selp.b32 %r4, %r1, %r3, %p1;
  cvt.rn.bf16x2.f32 %r5, %f1, %f2;
  ex2.approx.f32 %f1, %f3;
)",
                           9};

std::string kernelOf(const Loop &loop) {
  return fmt::format(R"(.version 8.0
.target sm_90a
.address_size 64
.visible .entry k(.param .u64 out)
{{
  .reg .b32 %r<16>;
  .reg .b32 %address, %strided, %vector, %i, %tid;
  .reg .b64 %out, %mine;
  .reg .f32 %f<16>;
  .reg .pred %p<4>;
  .reg .pred %odd;
  .shared .align 16 .b8 memory[4096];
  ld.param.u64 %out, [out];
  mov.u32 %tid, %tid.x;
  mov.u32 %address, memory;
  mad.lo.s32 %strided, %tid, 12, %address;
  mad.lo.s32 %vector, %tid, 16, %address;
  mad.lo.s32 %address, %tid, 4, %address;
  mad.wide.u32 %mine, %tid, 4, %out;
  and.b32 %r0, %tid, 1;
  setp.ne.s32 %odd, %r0, 0;
  mov.b32 %r1, %tid;
  mov.b32 %r2, 3;
  mov.b32 %r3, 0;
  mov.f32 %f1, 0f3F800000;
  mov.f32 %f2, 0f3F000000;
  mov.f32 %f3, 0f3E800000;
  mov.f32 %f4, 0f3E800000;
  st.shared.f32 [%address], %f1;
  st.shared.f32 [%address+512], %f1;
  st.shared.f32 [%address+1024], %f1;
  st.shared.f32 [%address+1536], %f1;
  st.global.f32 [%mine], %f1;
  bar.sync 0;
  mov.u32 %i, 0;
AGAIN:
{}
  add.u32 %i, %i, 1;
  setp.lt.u32 %p0, %i, {};
  @%p0 bra AGAIN;
  add.f32 %f1, %f1, %f3;
  st.global.f32 [%mine], %f1;
  ret;
}}
)",
                     loop.body, rounds);
}

void run(benchmark::State &state, Loop loop, SanitizeLevel sanitize) {
  VirtualDeviceOptions options;
  options.hostThreads = 1;
  options.sanitize = sanitize;
  auto device = createVirtualDevice(options);
  auto out = device->allocate(warps * 32 * 4);
  std::string ptx = kernelOf(loop);
  auto module =
      device->loadModule({.name = "loop.ptx", .ptx = ptx, .cubins = {}});
  if (!module)
    return state.SkipWithError(module.error().message.c_str());
  LaunchConfig config;
  config.block.x = warps * 32;
  uint64_t address = *out;
  const KernelArgument argument =
      std::as_bytes(std::span<const uint64_t>(&address, 1));
  for (auto _ : state)
    if (auto done = device->launch(**module, "k", config, {&argument, 1});
        !done)
      return state.SkipWithError(done.error().message.c_str());
  state.counters["instructions/s"] =
      benchmark::Counter(double(warps * rounds * loop.instructions),
                         benchmark::Counter::kIsIterationInvariantRate);
}

BENCHMARK_CAPTURE(run, arithmetic, arithmetic, SanitizeLevel::Off);
BENCHMARK_CAPTURE(run, mixed, mixed, SanitizeLevel::Off);
BENCHMARK_CAPTURE(run, strided, strided, SanitizeLevel::Off);
BENCHMARK_CAPTURE(run, vectors, vectors, SanitizeLevel::Off);
BENCHMARK_CAPTURE(run, divergent, divergent, SanitizeLevel::Off);
BENCHMARK_CAPTURE(run, warp_wide, warpWide, SanitizeLevel::Off);
BENCHMARK_CAPTURE(run, arithmetic_full, arithmetic, SanitizeLevel::Full);
BENCHMARK_CAPTURE(run, mixed_full, mixed, SanitizeLevel::Full);
BENCHMARK_CAPTURE(run, strided_full, strided, SanitizeLevel::Full);
BENCHMARK_CAPTURE(run, vectors_full, vectors, SanitizeLevel::Full);

} // namespace
