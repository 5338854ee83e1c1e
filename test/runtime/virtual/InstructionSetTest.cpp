//===- InstructionSetTest.cpp - Instruction sets of the host agree --------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "instructions/InstructionSet.h"

#include "TestDevice.h"

#include <bit>
#include <random>

using namespace heddle;
using namespace heddle::test;
using vgpu::InstructionSet;

namespace {

/// Operands are registers 1 to 3 of each kind, the result is number 4, all of
/// the same bits.
const char *const cases[] = {
    "add.u16 %h4, %h1, %h2",
    "add.s32 %r4, %r1, %r2",
    "add.sat.s32 %r4, %r1, %r2",
    "add.u64 %rd4, %rd1, %rd2",
    "sub.s64 %rd4, %rd1, %rd2",
    "mul.lo.s16 %h4, %h1, %h2",
    "mul.lo.s32 %r4, %r1, %r2",
    "mul.hi.u32 %r4, %r1, %r2",
    "mul.hi.s64 %rd4, %rd1, %rd2",
    "mul.wide.s32 %rd4, %r1, %r2",
    "mad.wide.u32 %rd4, %r1, %r2, %rd3",
    "mad.lo.s32 %r4, %r1, %r2, %r3",
    "div.s32 %r4, %r1, %r2",
    "rem.u64 %rd4, %rd1, %rd2",
    "min.s32 %r4, %r1, %r2",
    "max.u64 %rd4, %rd1, %rd2",
    "abs.s32 %r4, %r1",
    "sad.u32 %r4, %r1, %r2, %r3",
    "and.b64 %rd4, %rd1, %rd2",
    "not.b16 %h4, %h1",
    "shl.b32 %r4, %r1, %r2",
    "shr.s32 %r4, %r1, %r2",
    "shr.u64 %rd4, %rd1, %r2",
    "shf.l.wrap.b32 %r4, %r1, %r2, %r3",
    "bfe.s32 %r4, %r1, %r2, %r3",
    "bfi.b32 %r4, %r1, %r2, %r3, %r3",
    "brev.b32 %r4, %r1",
    "clz.b64 %r4, %rd1",
    "popc.b32 %r4, %r1",
    "bfind.s32 %r4, %r1",
    "prmt.b32 %r4, %r1, %r2, %r3",
    "lop3.b32 %r4, %r1, %r2, %r3, 0x6a",
    "add.f32 %f4, %f1, %f2",
    "add.ftz.f32 %f4, %f1, %f2",
    "add.rz.f32 %f4, %f1, %f2",
    "sub.rn.sat.f32 %f4, %f1, %f2",
    "mul.f32 %f4, %f1, %f2",
    "mul.rp.ftz.f32 %f4, %f1, %f2",
    "fma.rn.f32 %f4, %f1, %f2, %f3",
    "fma.rm.f32 %f4, %f1, %f2, %f3",
    "fma.rn.f64 %fd4, %fd1, %fd2, %fd3",
    "fma.rn.f16x2 %r4, %r1, %r2, %r3",
    "fma.rn.bf16 %h4, %h1, %h2, %h3",
    "add.f16 %h4, %h1, %h2",
    "mul.bf16x2 %r4, %r1, %r2",
    "min.f32 %f4, %f1, %f2",
    "max.NaN.f32 %f4, %f1, %f2",
    "max.f64 %fd4, %fd1, %fd2",
    "min.f16x2 %r4, %r1, %r2",
    "neg.f32 %f4, %f1",
    "abs.ftz.f32 %f4, %f1",
    "div.rn.f32 %f4, %f1, %f2",
    "div.full.f32 %f4, %f1, %f2",
    "div.rn.f64 %fd4, %fd1, %fd2",
    "rcp.rn.f32 %f4, %f1",
    "rcp.approx.ftz.f32 %f4, %f1",
    "sqrt.rn.f32 %f4, %f1",
    "sqrt.approx.f32 %f4, %f1",
    "rsqrt.approx.f32 %f4, %f1",
    "ex2.approx.f32 %f4, %f1",
    "ex2.approx.ftz.f32 %f4, %f1",
    "lg2.approx.f32 %f4, %f1",
    "sin.approx.f32 %f4, %f1",
    "tanh.approx.f32 %f4, %f1",
    "ex2.approx.f16x2 %r4, %r1",
    "setp.lt.s32 %p1, %r1, %r2",
    "setp.ge.u64 %p1, %rd1, %rd2",
    "setp.neu.f32 %p1, %f1, %f2",
    "setp.lt.and.f32 %p1, %f1, %f2, !%p3",
    "setp.num.f64 %p1, %fd1, %fd2",
    "set.gt.u32.f32 %r4, %f1, %f2",
    "selp.b32 %r4, %r1, %r2, %p3",
    "slct.f32.s32 %f4, %f1, %f2, %r3",
    "cvt.rn.f16.f32 %h4, %f1",
    "cvt.rz.bf16.f32 %h4, %f1",
    "cvt.rn.bf16x2.f32 %r4, %f1, %f2",
    "cvt.rn.f16x2.f32 %r4, %f1, %f2",
    "cvt.rna.tf32.f32 %r4, %f1",
    "cvt.f32.f16 %f4, %h1",
    "cvt.f32.bf16 %f4, %h1",
    "cvt.rzi.s32.f32 %r4, %f1",
    "cvt.rni.u32.f32 %r4, %f1",
    "cvt.rmi.s64.f32 %rd4, %f1",
    "cvt.rpi.u64.f64 %rd4, %fd1",
    "cvt.rzi.s16.f32 %h4, %f1",
    "cvt.rn.f32.s32 %f4, %r1",
    "cvt.rn.f32.u64 %f4, %rd1",
    "cvt.rz.f32.s64 %f4, %rd1",
    "cvt.rn.f64.u32 %fd4, %r1",
    "cvt.rn.f32.f64 %f4, %fd1",
    "cvt.rmi.f32.f32 %f4, %f1",
    "cvt.f64.f32 %fd4, %f1",
    "cvt.s64.s32 %rd4, %r1",
    "cvt.sat.u16.s32 %h4, %r1",
    "cvt.u32.u64 %r4, %rd1",
    "mov.b64 %rd4, {%r1, %r2}",
    "mov.b64 {%r4, %r5}, %rd1",
    "mov.b32 %r4, {%h1, %h2}",
    "st.shared.v2.b32 [%slot], {%r1, %r2}",
    "ld.shared.b64 %rd4, [%slot]",
    "ld.shared.v2.b32 {%r4, %r5}, [%slot]",
    "st.shared.b16 [%slot+6], %h1",
    "ld.shared.s8 %r4, [%reversed+3]",
    "st.shared.b64 [%reversed], %rd1",
    "ld.global.v2.b64 {%rd4, %rd5}, [%in]",
    "ld.global.s16 %r4, [%in+4]",
    "ld.global.b32 %r4, [%in+8]",
};

/// Eight words for each thread: the results, and what is in shared memory.
constexpr uint32_t results = 8;
constexpr uint32_t threads = 256;

std::string kernelsOf() {
  std::string module = ".version 8.3\n.target sm_90a\n.address_size 64\n";
  for (size_t i = 0; i < std::size(cases); ++i)
    module += ".visible .entry k" + std::to_string(i) +
              R"((.param .u64 in, .param .u64 out, .param .u32 mask)
{
  .reg .b16 %h<8>;
  .reg .b32 %r<8>;
  .reg .f32 %f<8>;
  .reg .b64 %rd<8>;
  .reg .f64 %fd<8>;
  .reg .pred %p<8>;
  .reg .b32 %tid, %lane, %mask, %slot, %reversed, %bit;
  .reg .b64 %in, %out;
  .shared .align 16 .b8 memory[2048];
  mov.u32 %tid, %tid.x;
  mov.u32 %lane, %laneid;
  ld.param.u64 %in, [in];
  ld.param.u64 %out, [out];
  ld.param.u32 %mask, [mask];
  mad.wide.u32 %in, %tid, 32, %in;
  mad.wide.u32 %out, %tid, 64, %out;
  mov.u32 %slot, memory;
  mad.lo.u32 %slot, %tid, 8, %slot;
  xor.b32 %reversed, %slot, 248;
  ld.global.b64 %rd1, [%in];
  ld.global.b64 %rd2, [%in+8];
  ld.global.b64 %rd3, [%in+16];
  st.shared.b64 [%slot], %rd3;
  mov.b64 %fd1, %rd1;
  mov.b64 %fd2, %rd2;
  mov.b64 %fd3, %rd3;
  cvt.u32.u64 %r1, %rd1;
  cvt.u32.u64 %r2, %rd2;
  cvt.u32.u64 %r3, %rd3;
  mov.b32 %f1, %r1;
  mov.b32 %f2, %r2;
  mov.b32 %f3, %r3;
  cvt.u16.u32 %h1, %r1;
  cvt.u16.u32 %h2, %r2;
  cvt.u16.u32 %h3, %r3;
  mov.b64 %rd4, 0;
  mov.b64 %rd5, 0;
  mov.b64 %fd4, %rd4;
  mov.b32 %r4, 0;
  mov.b32 %r5, 0;
  mov.b32 %f4, %r4;
  mov.b16 %h4, 0;
  setp.ne.u32 %p1, %r4, 0;
  and.b32 %bit, %lane, 3;
  setp.eq.u32 %p3, %bit, 1;
  shr.u32 %bit, %mask, %lane;
  and.b32 %bit, %bit, 1;
  setp.ne.u32 %p2, %bit, 0;
  @%p2 )" + cases[i] +
              R"(;
  selp.u32 %bit, 1, 0, %p1;
  st.global.b64 [%out], %rd4;
  st.global.f64 [%out+8], %fd4;
  st.global.b32 [%out+16], %r4;
  st.global.f32 [%out+20], %f4;
  st.global.b32 [%out+24], %bit;
  st.global.b16 [%out+28], %h4;
  st.global.b64 [%out+32], %rd5;
  st.global.b32 [%out+40], %r5;
  bar.sync 0;
  ld.shared.b64 %rd4, [%slot];
  st.global.b64 [%out+48], %rd4;
  ret;
}
)";
  return module;
}

/// Words whose halves are numbers of all kinds, as integers and as floats.
std::vector<uint64_t> makeInputs() {
  constexpr uint32_t corners[] = {
      0,          1,          31,         32,         33,         0x7fffffff,
      0x80000000, 0xffffffff, 0x3f800000, 0xbf800000, 0x7f800000, 0xff800000,
      0x7fc00000, 0x7f800001, 0x00400000, 0x807fffff, 0x4f000000, 0xcf000000,
      0x4f800000, 0x5f000000, 0x7bff7bff, 0x7c007c01, 0x03ff8001, 0x477fe000};
  std::mt19937 random(7);
  std::vector<uint64_t> inputs(threads * 4);
  auto word = [&]() -> uint32_t {
    uint32_t kind = random() % 4;
    if (kind == 0)
      return corners[random() % std::size(corners)];
    if (kind == 1)
      return random() % 64;
    if (kind == 2) // A float near one.
      return (0x3c000000 + random() % 0x07000000) |
             (random() << 31 & 0x80000000);
    return random();
  };
  for (uint64_t &input : inputs) {
    uint64_t high = word();
    input = high << 32 | word();
  }
  return inputs;
}

/// What every case gives with each mask.
std::vector<std::vector<uint64_t>> runAll(InstructionSet set) {
  vgpu::useInstructionSet(set);
  TestDevice device;
  std::string ptx = kernelsOf();
  auto module =
      device.device->loadModule({.name = "sets.ptx", .ptx = ptx, .cubins = {}});
  vgpu::useInstructionSet(vgpu::bestInstructionSet());
  std::vector<std::vector<uint64_t>> all;
  EXPECT_TRUE(module) << module.error().message;
  if (!module)
    return all;
  DeviceAddress in = device.upload(makeInputs());
  for (size_t i = 0; i < std::size(cases); ++i)
    for (uint32_t mask : {0xffffffffu, 0xa5a5f00fu, 0x00000080u}) {
      DeviceAddress out =
          device.upload(std::vector<uint64_t>(threads * results));
      LaunchConfig config;
      config.block.x = threads;
      Argument arguments[] = {in, out, mask};
      std::vector<KernelArgument> spans(std::begin(arguments),
                                        std::end(arguments));
      auto done = device.device->launch(**module, "k" + std::to_string(i),
                                        config, spans);
      EXPECT_TRUE(done) << cases[i] << ": " << done.error().message;
      all.push_back(device.download<uint64_t>(out, threads * results));
      EXPECT_TRUE(device.device->free(out));
    }
  return all;
}

TEST(InstructionSet, SameBitsOnEach) {
  auto expected = runAll(InstructionSet::Baseline);
  for (InstructionSet set : {InstructionSet::Avx2, InstructionSet::Avx512}) {
    if (set > vgpu::bestInstructionSet())
      continue;
    auto found = runAll(set);
    ASSERT_EQ(found.size(), expected.size());
    for (size_t i = 0; i < found.size(); ++i)
      for (size_t at = 0; at < found[i].size(); ++at)
        ASSERT_EQ(found[i][at], expected[i][at])
            << cases[i / 3] << ", mask " << i % 3 << ", instruction set "
            << int(set) << ", thread " << at / results << ", word "
            << at % results;
  }
}

} // namespace
