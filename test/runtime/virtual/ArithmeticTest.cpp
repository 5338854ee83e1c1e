//===- ArithmeticTest.cpp - Arithmetic, bits and conversions --------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestDevice.h"

#include <bit>
#include <cmath>
#include <fmt/format.h>

using namespace heddle;
using namespace heddle::test;

namespace {

/// The low 32 bits that `body` leaves in %r0, computed by lane 5.
uint32_t r0(const std::string &body) {
  return uint32_t(runBody(
      body + "\ncvt.u64.u32 %rd31, %r0; st.global.u64 [%mine], %rd31;")[5]);
}
uint64_t rd0(const std::string &body) {
  return runBody(body + "\nst.global.u64 [%mine], %rd0;")[5];
}
uint32_t h0(const std::string &body) {
  return r0(body + "\nmov.b32 %r0, {%h0, 0};");
}
uint32_t bits(float x) { return std::bit_cast<uint32_t>(x); }
uint32_t f0(const std::string &body) {
  return r0(body + "\nmov.b32 %r0, %f0;");
}
uint64_t fd0(const std::string &body) {
  return rd0(body + "\nmov.b64 %rd0, %fd0;");
}

TEST(Integer, AddSubMul) {
  EXPECT_EQ(r0("mov.u32 %r1, 0xffffffff; add.u32 %r0, %r1, 3;"), 2u);
  EXPECT_EQ(r0("mov.u32 %r1, 0x7fffffff; add.sat.s32 %r0, %r1, 3;"),
            0x7fffffffu);
  EXPECT_EQ(r0("mov.u32 %r1, 0x80000000; sub.sat.s32 %r0, %r1, 3;"),
            0x80000000u);
  EXPECT_EQ(rd0("mov.u64 %rd1, -1; sub.s64 %rd0, %rd1, 9;"), uint64_t(-10));
  EXPECT_EQ(r0("mov.u32 %r1, 100000; mul.lo.s32 %r0, %r1, %r1;"), 1410065408u);
  EXPECT_EQ(r0("mov.u32 %r1, 100000; mul.hi.u32 %r0, %r1, %r1;"), 2u);
  EXPECT_EQ(r0("mov.u32 %r1, -2; mul.hi.s32 %r0, %r1, 3;"), 0xffffffffu);
  EXPECT_EQ(rd0("mov.u32 %r1, -2; mul.wide.s32 %rd0, %r1, 3;"), uint64_t(-6));
  EXPECT_EQ(rd0("mov.u32 %r1, -2; mul.wide.u32 %rd0, %r1, 3;"), 0x2fffffffau);
  EXPECT_EQ(rd0("mov.u64 %rd1, -2; mul.hi.u64 %rd0, %rd1, 3;"), 2u);
  EXPECT_EQ(rd0("mov.u64 %rd1, -2; mul.hi.s64 %rd0, %rd1, 3;"), ~0ull);
  EXPECT_EQ(rd0("mov.u64 %rd1, 7; mov.u32 %r1, -2; "
                "mad.wide.s32 %rd0, %r1, 3, %rd1;"),
            1u);
  EXPECT_EQ(h0("mov.u16 %h1, 300; mul.lo.u16 %h0, %h1, %h1;"), 90000u & 0xffff);
  EXPECT_EQ(r0("mov.u16 %h1, -3; mul.wide.s16 %r0, %h1, 5;"), uint32_t(-15));
  EXPECT_EQ(r0("mad24: mul24.lo.u32 %r0, 0x1000003, 2;"), 6u);
  EXPECT_EQ(r0("sad.s32 %r0, 3, 10, 1;"), 8u);
}

TEST(Integer, CarryChains) {
  EXPECT_EQ(rd0("mov.u32 %r1, -1; add.cc.u32 %r2, %r1, 1; "
                "addc.u32 %r3, 5, 0; mov.b64 %rd0, {%r2, %r3};"),
            6ull << 32);
  EXPECT_EQ(rd0("sub.cc.u32 %r2, 0, 1; subc.u32 %r3, 5, 0; "
                "mov.b64 %rd0, {%r2, %r3};"),
            (4ull << 32) | 0xffffffffu);
  EXPECT_EQ(rd0("mov.u32 %r1, -1; mad.lo.cc.u32 %r2, %r1, 1, 1; "
                "madc.hi.u32 %r3, %r1, %r1, 0; mov.b64 %rd0, {%r2, %r3};"),
            0xffffffffull << 32);
}

TEST(Integer, DivRemMinMaxAbs) {
  EXPECT_EQ(r0("mov.u32 %r1, -7; div.s32 %r0, %r1, 2;"), uint32_t(-3));
  EXPECT_EQ(r0("mov.u32 %r1, -7; rem.s32 %r0, %r1, 2;"), uint32_t(-1));
  EXPECT_EQ(r0("mov.u32 %r1, -7; div.u32 %r0, %r1, 2;"), 0x7ffffffcu);
  EXPECT_EQ(r0("div.u32 %r0, 7, 0;"), ~0u);
  EXPECT_EQ(r0("mov.u32 %r1, 0x80000000; div.s32 %r0, %r1, -1;"), 0x80000000u);
  EXPECT_EQ(rd0("mov.u64 %rd1, -70; rem.s64 %rd0, %rd1, 9;"), uint64_t(-7));
  EXPECT_EQ(r0("min.s32 %r0, -1, 1;"), ~0u);
  EXPECT_EQ(r0("min.u32 %r0, -1, 1;"), 1u);
  EXPECT_EQ(r0("max.s32 %r0, -1, 1;"), 1u);
  EXPECT_EQ(r0("max.relu.s32 %r0, -2, -1;"), 0u);
  EXPECT_EQ(r0("max.relu.s32 %r0, -2, 3;"), 3u);
  EXPECT_EQ(r0("min.relu.s32 %r0, -2, 3;"), 0u);
  EXPECT_EQ(r0("max.relu.s16x2 %r0, 0xffff0003, 0xfffeffff;"), 3u);
  EXPECT_EQ(r0("abs.s32 %r0, -9;"), 9u);
  EXPECT_EQ(r0("neg.s32 %r0, 9;"), uint32_t(-9));
  EXPECT_EQ(r0("max.s16x2 %r0, 0x0001ffff, 0xfffe0002;"), 0x00010002u);
}

TEST(Logic, Bits) {
  EXPECT_EQ(r0("and.b32 %r0, 0xff0, 0x0ff;"), 0x0f0u);
  EXPECT_EQ(r0("not.b32 %r0, 0xff0;"), ~0xff0u);
  EXPECT_EQ(r0("shl.b32 %r0, 1, 31;"), 0x80000000u);
  EXPECT_EQ(r0("shl.b32 %r0, 1, 32;"), 0u);
  EXPECT_EQ(r0("shr.u32 %r0, 0x80000000, 40;"), 0u);
  EXPECT_EQ(r0("shr.s32 %r0, 0x80000000, 40;"), ~0u);
  EXPECT_EQ(rd0("mov.u64 %rd1, -16; shr.s64 %rd0, %rd1, 2;"), uint64_t(-4));
  EXPECT_EQ(r0("popc.b32 %r0, 0xf0f;"), 8u);
  EXPECT_EQ(r0("mov.u64 %rd1, 1; clz.b64 %r0, %rd1;"), 63u);
  EXPECT_EQ(r0("brev.b32 %r0, 1;"), 0x80000000u);
  EXPECT_EQ(r0("bfind.u32 %r0, 0x100;"), 8u);
  EXPECT_EQ(r0("bfind.s32 %r0, -1;"), ~0u);
  EXPECT_EQ(r0("bfind.shiftamt.u32 %r0, 0x100;"), 23u);
  EXPECT_EQ(r0("bfe.u32 %r0, 0xabcd, 4, 8;"), 0xbcu);
  EXPECT_EQ(r0("bfe.s32 %r0, 0xabcd, 4, 8;"), 0xffffffbcu);
  EXPECT_EQ(r0("bfe.u32 %r0, 0xabcd, 0, 32;"), 0xabcdu);
  EXPECT_EQ(r0("bfi.b32 %r0, 0xf, 0, 28, 8;"), 0xf0000000u);
  EXPECT_EQ(rd0("mov.u64 %rd1, 5; mov.u64 %rd2, -1; "
                "bfi.b64 %rd0, %rd1, %rd2, 8, 8;"),
            0xffffffffffff05ffu);
  EXPECT_EQ(r0("lop3.b32 %r0, 0xf0, 0xcc, 0xaa, 0x96;"), 0xf0u ^ 0xcc ^ 0xaa);
  EXPECT_EQ(r0("prmt.b32 %r0, 0x33221100, 0x77665544, 0x7531;"), 0x77553311u);
  EXPECT_EQ(r0("prmt.b32 %r0, 0x80, 0, 0x8888;"), ~0u);
  EXPECT_EQ(r0("shf.l.wrap.b32 %r0, 0x80000000, 1, 33;"), 3u);
  EXPECT_EQ(r0("shf.r.clamp.b32 %r0, 5, 7, 40;"), 7u);
  EXPECT_EQ(r0("cnot.b32 %r0, 0;"), 1u);
  EXPECT_EQ(r0("dp4a.s32.s32 %r0, 0xff020304, 0x01010101, 10;"), 18u);
}

TEST(Compare, SetpCombinesAndNegates) {
  EXPECT_EQ(r0("setp.lt.s32 %p0|%p1, -1, 1; selp.b32 %r1, 2, 0, %p0; "
               "selp.b32 %r2, 4, 0, %p1; or.b32 %r0, %r1, %r2;"),
            2u);
  EXPECT_EQ(r0("setp.eq.u32 %p2, 1, 2; setp.lt.and.u32 %p0|%p1, 1, 2, !%p2; "
               "selp.b32 %r1, 2, 0, %p0; selp.b32 %r2, 4, 0, %p1; "
               "or.b32 %r0, %r1, %r2;"),
            2u);
  EXPECT_EQ(r0("setp.lo.u32 %p0, 1, -1; selp.b32 %r0, 1, 0, %p0;"), 1u);
  EXPECT_EQ(r0("setp.ltu.f32 %p0, 0f7fc00000, 0f00000000; "
               "selp.b32 %r0, 1, 0, %p0;"),
            1u);
  EXPECT_EQ(r0("setp.ne.f32 %p0, 0f7fc00000, 0f00000000; "
               "selp.b32 %r0, 1, 0, %p0;"),
            0u);
  EXPECT_EQ(r0("setp.nan.f32 %p0, 0f7fc00000, 0f00000000; "
               "selp.b32 %r0, 1, 0, %p0;"),
            1u);
  EXPECT_EQ(r0("mov.b32 %r1, 0x3c004000; setp.gt.f16x2 %p0|%p1, %r1, "
               "0x3c003c00; selp.b32 %r2, 1, 0, %p0; selp.b32 %r3, 2, 0, %p1; "
               "or.b32 %r0, %r2, %r3;"),
            1u);
  EXPECT_EQ(r0("set.lt.u32.s32 %r0, -5, 2;"), ~0u);
  EXPECT_EQ(r0("set.lt.f32.s32 %f0, -5, 2; mov.b32 %r0, %f0;"), bits(1.0f));
  EXPECT_EQ(r0("slct.u32.s32 %r0, 1, 2, -5;"), 2u);
  EXPECT_EQ(r0("testp.infinite.f32 %p0, 0f7f800000; selp.b32 %r0, 1, 0, %p0;"),
            1u);
}

TEST(Compare, LanesAreIndependent) {
  auto result = runBody("setp.gt.u32 %p0, %r31, 11; selp.b64 %rd0, 7, 3, %p0; "
                        "st.global.u64 [%mine], %rd0;");
  for (uint32_t lane = 0; lane < 32; ++lane)
    EXPECT_EQ(result[lane], lane > 11 ? 7u : 3u);
}

TEST(Float, Arithmetic) {
  EXPECT_EQ(f0("add.f32 %f0, 0f3F800000, 0f40000000;"), bits(3));
  EXPECT_EQ(f0("mul.ftz.f32 %f0, 0f00000001, 0f3f800000;"), 0u);
  EXPECT_EQ(f0("mul.f32 %f0, 0f00000001, 0f3f800000;"), 1u);
  EXPECT_EQ(f0("add.sat.f32 %f0, 0f3F800000, 0f40000000;"), bits(1));
  EXPECT_EQ(f0("fma.rn.f32 %f0, 0f3f800001, 0f3f800001, 0fbf800000;"),
            bits(std::fma(1.0000001192f, 1.0000001192f, -1.0f)));
  // One third, rounded four ways.
  EXPECT_EQ(f0("div.rn.f32 %f0, 0f3f800000, 0f40400000;"), 0x3eaaaaabu);
  EXPECT_EQ(f0("div.rz.f32 %f0, 0f3f800000, 0f40400000;"), 0x3eaaaaaau);
  EXPECT_EQ(f0("div.rp.f32 %f0, 0fbf800000, 0f40400000;"), 0xbeaaaaaau);
  EXPECT_EQ(f0("div.rm.f32 %f0, 0fbf800000, 0f40400000;"), 0xbeaaaaabu);
  EXPECT_EQ(f0("add.rp.f32 %f0, 0f3f800000, 0f0da24260;"), 0x3f800001u);
  EXPECT_EQ(f0("add.rz.f32 %f0, 0f3f800000, 0fa0000000;"), 0x3f7fffffu);
  EXPECT_EQ(f0("fma.rz.f32 %f0, 0f3f800000, 0f3f800000, 0fa0000000;"),
            0x3f7fffffu);
  EXPECT_EQ(f0("sqrt.rn.f32 %f0, 0f40000000;"), bits(std::sqrt(2.0f)));
  EXPECT_EQ(f0("sqrt.rp.f32 %f0, 0f40000000;"), 0x3fb504f4u);
  EXPECT_EQ(f0("rcp.rm.f32 %f0, 0f40400000;"), 0x3eaaaaaau);
  EXPECT_EQ(f0("min.f32 %f0, 0f7fc00000, 0f40000000;"), bits(2));
  EXPECT_EQ(f0("max.f32 %f0, 0f80000000, 0f00000000;"), 0u);
  EXPECT_TRUE(std::isnan(
      std::bit_cast<float>(f0("min.NaN.f32 %f0, 0f7fc00000, 0f40000000;"))));
  EXPECT_EQ(f0("neg.f32 %f0, 0f3f800000;"), bits(-1));
  EXPECT_EQ(f0("abs.f32 %f0, 0fbf800000;"), bits(1));
  EXPECT_EQ(f0("copysign.f32 %f0, 0fbf800000, 0f40000000;"), bits(-2));
  EXPECT_EQ(fd0("fma.rn.f64 %fd0, 0d3ff8000000000000, 0d4000000000000000, "
                "0dbff0000000000000;"),
            std::bit_cast<uint64_t>(2.0));
}

TEST(Float, Narrow) {
  // 1.5 + 2 in f16 and bf16.
  EXPECT_EQ(h0("mov.b16 %h1, 0x3e00; mov.b16 %h2, 0x4000; "
               "add.f16 %h0, %h1, %h2;"),
            0x4300u);
  EXPECT_EQ(h0("mov.b16 %h1, 0x3fc0; mov.b16 %h2, 0x4000; "
               "mul.bf16 %h0, %h1, %h2;"),
            0x4040u);
  EXPECT_EQ(r0("fma.rn.bf16x2 %r0, 0x3fc04000, 0x40004000, 0x3f803f80;"),
            0x408040a0u);
  EXPECT_EQ(r0("fma.rn.relu.f16x2 %r0, 0x3c00bc00, 0x3c003c00, 0;"),
            0x3c000000u);
  EXPECT_EQ(r0("neg.bf16x2 %r0, 0x3f803f80;"), 0xbf80bf80u);
  EXPECT_EQ(r0("max.f16x2 %r0, 0x3c00c000, 0x40003c00;"), 0x40003c00u);
}

TEST(Float, Approximations) {
  auto near = [](uint32_t got, double want) {
    float value = std::bit_cast<float>(got);
    EXPECT_LE(std::abs(value - want), std::abs(want) * 0x1p-22) << want;
  };
  for (float x : {-126.3f, -30.75f, -1.5f, -0.1f, 0.0f, 0.3f, 2.5f, 99.9f})
    near(f0(fmt::format("ex2.approx.f32 %f0, 0f{:08x};", bits(x))),
         std::exp2(double(x)));
  EXPECT_EQ(f0("ex2.approx.f32 %f0, 0fff800000;"), 0u);
  EXPECT_EQ(f0("ex2.approx.f32 %f0, 0f7f800000;"), bits(INFINITY));
  EXPECT_EQ(f0("ex2.approx.ftz.f32 %f0, 0fc3010000;"), 0u); // 2^-129
  EXPECT_EQ(f0("ex2.approx.f32 %f0, 0fc3010000;"), 1u << 20);
  near(f0("lg2.approx.f32 %f0, 0f41200000;"), std::log2(10.0));
  near(f0("rsqrt.approx.f32 %f0, 0f41200000;"), 1 / std::sqrt(10.0));
  near(f0("rcp.approx.ftz.f32 %f0, 0f41200000;"), 0.1);
  near(f0("sqrt.approx.f32 %f0, 0f41200000;"), std::sqrt(10.0));
  near(f0("sin.approx.f32 %f0, 0f3f800000;"), std::sin(1.0));
  near(f0("tanh.approx.f32 %f0, 0f3f800000;"), std::tanh(1.0));
}

TEST(Cvt, Integers) {
  EXPECT_EQ(rd0("mov.u32 %r1, -5; cvt.s64.s32 %rd0, %r1;"), uint64_t(-5));
  EXPECT_EQ(rd0("mov.u32 %r1, -5; cvt.u64.u32 %rd0, %r1;"), 0xfffffffbu);
  EXPECT_EQ(r0("mov.u64 %rd1, 0x123456789; cvt.u32.u64 %r0, %rd1;"),
            0x23456789u);
  EXPECT_EQ(r0("mov.u32 %r1, 0x1ff; cvt.s32.s8 %r0, %r1;"), ~0u);
  EXPECT_EQ(r0("mov.u32 %r1, 0x1ff; cvt.u32.u8 %r0, %r1;"), 0xffu);
  EXPECT_EQ(r0("mov.u32 %r1, 300; cvt.sat.u8.s32 %r0, %r1;"), 255u);
  EXPECT_EQ(r0("mov.u32 %r1, -300; cvt.sat.s8.s32 %r0, %r1;"), uint32_t(-128));
}

TEST(Cvt, FloatsAndIntegers) {
  EXPECT_EQ(f0("cvt.rn.f32.s32 %f0, -7;"), bits(-7));
  EXPECT_EQ(f0("mov.u32 %r1, 0x1000001; cvt.rp.f32.u32 %f0, %r1;"),
            bits(16777218.0f));
  EXPECT_EQ(f0("mov.u64 %rd1, 0x8000008000000001; cvt.rn.f32.u64 %f0, %rd1;"),
            0x5f000001u);
  EXPECT_EQ(r0("cvt.rzi.s32.f32 %r0, 0fc0200000;"), uint32_t(-2));
  EXPECT_EQ(r0("cvt.rmi.s32.f32 %r0, 0fc0200000;"), uint32_t(-3));
  EXPECT_EQ(r0("cvt.rni.s32.f32 %r0, 0fc0200000;"), uint32_t(-2));
  EXPECT_EQ(r0("cvt.rpi.u32.f32 %r0, 0fc0200000;"), 0u);
  EXPECT_EQ(r0("cvt.rzi.s32.f32 %r0, 0f7fc00000;"), 0u);
  EXPECT_EQ(r0("cvt.rzi.s32.f32 %r0, 0f7f800000;"), 0x7fffffffu);
  EXPECT_EQ(f0("cvt.rmi.f32.f32 %f0, 0fc0200000;"), bits(-3));
  EXPECT_EQ(f0("cvt.sat.f32.f32 %f0, 0fc0200000;"), 0u);
}

TEST(Cvt, Formats) {
  EXPECT_EQ(f0("mov.b16 %h1, 0x3e00; cvt.f32.f16 %f0, %h1;"), bits(1.5));
  EXPECT_EQ(h0("cvt.rn.f16.f32 %h0, 0f3fc00000;"), 0x3e00u);
  EXPECT_EQ(h0("cvt.rn.bf16.f32 %h0, 0f3f808000;"), 0x3f80u);
  EXPECT_EQ(h0("cvt.rz.bf16.f32 %h0, 0f3f80ffff;"), 0x3f80u);
  EXPECT_EQ(r0("cvt.rn.bf16x2.f32 %r0, 0f40000000, 0f3f800000;"), 0x40003f80u);
  EXPECT_EQ(r0("cvt.rn.bf16x2.f32 %r0, 0f7fc00001, 0f3f818000;"), 0x7fff3f82u);
  EXPECT_EQ(r0("cvt.rn.f16x2.f32 %r0, 0f40000000, 0f3f800000;"), 0x40003c00u);
  EXPECT_EQ(h0("cvt.rn.satfinite.e4m3x2.f32 %h0, 0f44800000, 0f3f800000;"),
            0x7e38u);
  EXPECT_EQ(r0("mov.b16 %h1, 0x4038; cvt.rn.f16x2.e4m3x2 %r0, %h1;"),
            0x40003c00u);
  EXPECT_EQ(h0("mov.b32 %r1, 0x40003c00; "
               "cvt.rn.satfinite.e5m2x2.f16x2 %h0, %r1;"),
            0x403cu);
  EXPECT_EQ(r0("mov.f32 %f1, 0f3f801000; cvt.rna.tf32.f32 %r0, %f1;"),
            0x3f802000u);
  EXPECT_EQ(fd0("cvt.f64.f32 %fd0, 0f3fc00000;"), std::bit_cast<uint64_t>(1.5));
  EXPECT_EQ(f0("cvt.rm.f32.f64 %f0, 0d3fd5555555555555;"), 0x3eaaaaaau);
  EXPECT_EQ(r0("cvt.pack.sat.u8.s32.b32 %r0, 300, -4, 0x1234;"), 0x1234ff00u);
}

TEST(Move, PackAndUnpack) {
  EXPECT_EQ(rd0("mov.b64 %rd0, {1, 2};"), 2ull << 32 | 1);
  EXPECT_EQ(r0("mov.u64 %rd1, 0x700000005; mov.b64 {%r1, %r2}, %rd1; "
               "sub.u32 %r0, %r2, %r1;"),
            2u);
  EXPECT_EQ(r0("mov.b32 {%h1, %h2}, 0x00070005; mov.b32 %r0, {%h2, %h1};"),
            0x00050007u);
  EXPECT_EQ(rd0("mov.u64 %rd1, 0x0004000300020001; "
                "mov.b64 {_, %h1, _, %h2}, %rd1; mov.b32 %r0, {%h1, %h2}; "
                "cvt.u64.u32 %rd0, %r0;"),
            0x00040002u);
}

TEST(Move, SpecialRegisters) {
  EXPECT_EQ(r0("mov.u32 %r0, %laneid;"), 5u);
  EXPECT_EQ(r0("mov.u32 %r0, %lanemask_lt;"), 31u);
  EXPECT_EQ(r0("mad.lo.u32 %r0, %ntid.x, %nctaid.x, %tid.x;"), 37u);
  EXPECT_EQ(r0("mov.u32 %r1, %clock; mov.u32 %r2, %r1; mov.u32 %r0, WARP_SZ;"),
            32u);
}

TEST(Integer, TwentyFourBitsAndWideCarries) {
  // 0x7fffff squared is 0x3fffff000001.
  EXPECT_EQ(r0("mul24.hi.u32 %r0, 0x7fffff, 0x7fffff;"), 0x3fffff00u);
  EXPECT_EQ(r0("mul24.hi.s32 %r0, 0x800000, 0x7fffff;"), 0xc0000080u);
  EXPECT_EQ(r0("mad24.lo.u32 %r0, 0x1000003, 2, 5;"), 11u);
  EXPECT_EQ(r0("mad.hi.sat.s32 %r0, 0x40000000, 0x40000000, 0x7fffffff;"),
            0x7fffffffu);
  // (2^64 - 1)^2 = 2^128 - 2^65 + 1; the low half plus 2^64 - 1 carries.
  EXPECT_EQ(rd0("mov.u64 %rd1, -1; mad.lo.cc.u64 %rd2, %rd1, %rd1, %rd1; "
                "madc.hi.u64 %rd0, %rd1, %rd1, 0;"),
            0xffffffffffffffffull);
}

TEST(Logic, Masks) {
  EXPECT_EQ(r0("fns.b32 %r0, 0xb0, 0, 2;"), 5u);
  EXPECT_EQ(r0("fns.b32 %r0, 0xb0, 7, -3;"), 4u);
  EXPECT_EQ(r0("fns.b32 %r0, 0xb0, 4, 0;"), 4u);
  EXPECT_EQ(r0("fns.b32 %r0, 0xb0, 0, 4;"), ~0u);
  EXPECT_EQ(r0("bmsk.clamp.b32 %r0, 4, 8;"), 0xff0u);
  EXPECT_EQ(r0("bmsk.clamp.b32 %r0, 28, 99;"), 0xf0000000u);
  EXPECT_EQ(r0("bmsk.wrap.b32 %r0, 36, 33;"), 0x10u);
  EXPECT_EQ(r0("szext.clamp.s32 %r0, 0x80, 8;"), 0xffffff80u);
  EXPECT_EQ(r0("szext.clamp.u32 %r0, 0xff80, 8;"), 0x80u);
  EXPECT_EQ(r0("szext.wrap.s32 %r0, 0x1234, 32;"), 0u);
  EXPECT_EQ(r0("vabsdiff4.u32.u32.u32 %r0, 0x01ff0510, 0x0300090f, 0;"),
            0x02ff0401u);
  EXPECT_EQ(r0("vabsdiff4.u32.u32.u32.add %r0, 0x01ff0510, 0x0300090f, 10;"),
            272u);
  EXPECT_EQ(r0("setp.eq.u32 %p1, 1, 2; lop3.or.b32 %r1|%p0, 6, 3, 0, 0xc0, "
               "%p1; selp.b32 %r2, 0x100, 0, %p0; or.b32 %r0, %r1, %r2;"),
            0x102u);
}

TEST(Compare, SetOfPairs) {
  // 1.0 and NaN against 0.5 and 0.5.
  EXPECT_EQ(r0("set.gt.u32.f16x2 %r0, 0x7e003c00, 0x38003800;"), 0xffffu);
  EXPECT_EQ(r0("set.gtu.u32.f16x2 %r0, 0x7e003c00, 0x38003800;"), ~0u);
  EXPECT_EQ(r0("set.gtu.f16x2.f16x2 %r0, 0x7e003c00, 0x38003800;"),
            0x3c003c00u);
  EXPECT_EQ(r0("set.lt.bf16x2.bf16x2 %r0, 0x3f800000, 0x3f803f80;"), 0x3f80u);
}

TEST(Float, DirectedF64) {
  // One third and its neighbour; overflow and the least subnormal.
  EXPECT_EQ(fd0("div.rz.f64 %fd0, 0d3ff0000000000000, 0d4008000000000000;"),
            0x3fd5555555555555u);
  EXPECT_EQ(fd0("div.rp.f64 %fd0, 0d3ff0000000000000, 0d4008000000000000;"),
            0x3fd5555555555556u);
  EXPECT_EQ(fd0("rcp.rm.f64 %fd0, 0dc008000000000000;"), 0xbfd5555555555556u);
  EXPECT_EQ(fd0("add.rp.f64 %fd0, 0d3ff0000000000000, 0d0000000000000001;"),
            0x3ff0000000000001u);
  EXPECT_EQ(fd0("sub.rm.f64 %fd0, 0d3ff0000000000000, 0d0000000000000001;"),
            0x3fefffffffffffffu);
  EXPECT_EQ(fd0("mul.rz.f64 %fd0, 0d7fefffffffffffff, 0d4000000000000000;"),
            0x7fefffffffffffffu);
  EXPECT_EQ(fd0("mul.rp.f64 %fd0, 0d0000000000000001, 0d0000000000000001;"),
            1u);
  EXPECT_EQ(fd0("fma.rm.f64 %fd0, 0d3ff0000000000000, 0d3ff0000000000000, "
                "0d8000000000000001;"),
            0x3fefffffffffffffu);
  EXPECT_EQ(fd0("sqrt.rp.f64 %fd0, 0d4000000000000000;"), 0x3ff6a09e667f3bcdu);
  EXPECT_EQ(fd0("sqrt.rm.f64 %fd0, 0d4000000000000000;"), 0x3ff6a09e667f3bccu);
  // The mode does not leak.
  EXPECT_EQ(fd0("add.rp.f64 %fd1, 0d3ff0000000000000, 0d0000000000000001; "
                "add.rn.f64 %fd0, 0d3ff0000000000000, 0d0000000000000001;"),
            0x3ff0000000000000u);
}

} // namespace
