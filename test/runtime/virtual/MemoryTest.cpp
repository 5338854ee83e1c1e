//===- MemoryTest.cpp - Memory, atomics, warps and barriers ---------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestDevice.h"

#include <bit>
#include <fmt/format.h>

using namespace heddle;
using namespace heddle::test;

namespace {

const std::string shared = ".shared .align 16 .b8 buffer[4096];\n";

TEST(Memory, WidthsAndSigns) {
  auto result = runBody(R"(
    mov.u32 %r0, buffer; mov.u32 %r1, 0x80ff7f01; st.shared.u32 [%r0+4], %r1;
    ld.shared.s8 %r2, [%r0+7]; ld.shared.u16 %h0, [%r0+6];
    ld.shared.s16 %rd1, [%r0+6]; cvt.u32.u16 %r3, %h0;
    ld.shared.u8 %rd2, [buffer+6]; cvt.u32.u64 %r4, %rd1;
    add.u32 %r5, %r2, %r3; add.u32 %r5, %r5, %r4;
    mov.b64 %rd3, {%r5, %r2}; add.u64 %rd3, %rd3, %rd2;
    st.global.u64 [%mine], %rd3;)",
                        32, shared);
  uint32_t low = uint32_t(int8_t(0x80)) + 0x80ff + uint32_t(int16_t(0x80ff));
  EXPECT_EQ(result[1], (uint64_t(uint32_t(int8_t(0x80))) << 32 | low) + 0xff);
}

TEST(Memory, MoreThanThereIsIsRefused) {
  TestDevice device;
  uint64_t bytes = device.device->properties().memoryBytes;
  auto address = device.device->allocate(bytes + 1);
  ASSERT_FALSE(address);
  EXPECT_EQ(address.error().kind, ErrorKind::Unavailable);
  std::string big =
      ".global .align 16 .b8 big[" + std::to_string(bytes + 1) + "];\n";
  EXPECT_NE(runError("", 32, big).find("out of device memory"),
            std::string::npos);
}

TEST(Memory, Vectors) {
  auto result = runBody(R"(
    mov.u32 %r0, buffer; shl.b32 %r1, %r31, 4; add.u32 %r0, %r0, %r1;
    st.shared.v4.u32 [%r0], {1, 2, 3, %r31};
    ld.shared.v2.u64 {%rd0, %rd1}, [%r0];
    add.u64 %rd0, %rd0, %rd1; st.global.u64 [%mine], %rd0;)",
                        32, shared);
  EXPECT_EQ(result[9], (2ull + 9) << 32 | 4);
}

TEST(Memory, GenericAddresses) {
  auto result = runBody(R"(
    .local .align 8 .b8 mine_local[16];
    mov.u64 %rd0, buffer; cvta.shared.u64 %rd1, %rd0;
    mul.wide.u32 %rd2, %r31, 8; add.u64 %rd1, %rd1, %rd2;
    cvt.u64.u32 %rd3, %r31; st.u64 [%rd1], %rd3;
    mov.u64 %rd4, mine_local; cvta.local.u64 %rd5, %rd4;
    st.u64 [%rd5+8], %rd3; ld.local.u64 %rd6, [mine_local+8];
    ld.u64 %rd7, [%rd1]; add.u64 %rd8, %rd6, %rd7;
    isspacep.shared %p0, %rd1; isspacep.global %p1, %out;
    and.pred %p2, %p0, %p1; @!%p2 trap;
    isspacep.local %p3, %rd5; @!%p3 trap;
    mov.b64 %rd9, out; cvta.param.u64 %rd10, %rd9; ld.u64 %rd11, [%rd10];
    setp.ne.u64 %p4, %rd11, %out; @%p4 trap;
    st.global.u64 [%mine], %rd8;)",
                        32, shared);
  EXPECT_EQ(result[7], 14u);
}

TEST(Memory, Faults) {
  std::string error =
      runError("mov.u32 %r0, buffer; mad.lo.u32 %r0, %r31, 256, %r0; "
               "st.shared.u32 [%r0], %r1;",
               32, shared);
  EXPECT_NE(error.find("4 bytes at shared offset 4096 are outside the CTA's "
                       "4096 bytes"),
            std::string::npos)
      << error;
  EXPECT_NE(error.find("in kernel 'k', CTA (0,0,0), warp 0, lanes 16-31"),
            std::string::npos)
      << error;
  error = runError("add.u64 %rd0, %out, 2; ld.global.u32 %r0, [%rd0];");
  EXPECT_NE(error.find("is not a multiple of 4 bytes"), std::string::npos);
  error = runError(".loc 1 9 1\nld.global.u32 %r0, [%out+256];", 32,
                   ".file 1 \"a.cu\"\n");
  EXPECT_NE(error.find("test.ptx:19 (a.cu:9): ld.global.u32"),
            std::string::npos)
      << error;
  EXPECT_NE(error.find("past the end"), std::string::npos) << error;
  error = runError("mov.u64 %rd0, 64; ld.u32 %r0, [%rd0];");
  EXPECT_NE(error.find("0x40"), std::string::npos) << error;
  error = runError("setp.eq.u32 %p0, %r31, 3; @%p0 trap;");
  EXPECT_NE(error.find("the program trapped"), std::string::npos);
  EXPECT_NE(error.find("lane 3"), std::string::npos);
  // A comment says what the next instruction checks, and no later one.
  std::string check = "setp.eq.u32 %p0, %r31, 3;\n"
                      "// heddle.check  index 7 of 'x' is outside \n";
  error = runError(check + "@%p0 trap;\n");
  EXPECT_NE(error.find("trap: index 7 of 'x' is outside [fault"),
            std::string::npos)
      << error;
  error = runError(check + "mov.u32 %r1, 0;\n@%p0 trap;\n", 32,
                   "// heddle.check nothing\n");
  EXPECT_NE(error.find("the program trapped"), std::string::npos) << error;
}

TEST(Memory, StoreToLiveMbarrierFaults) {
  std::string error = runError(
      "mov.u32 %r0, buffer; setp.ne.u32 %p0, %r31, 0; @%p0 exit; "
      "mbarrier.init.shared.b64 [%r0+8], 1; st.shared.u32 [%r0+12], 0;",
      32, shared);
  EXPECT_NE(error.find("hits a live mbarrier"), std::string::npos) << error;
}

TEST(Atomic, Operations) {
  auto result = runBody(R"(
    mov.u32 %r0, buffer; setp.eq.u32 %p0, %r31, 0;
    @%p0 st.shared.v4.u32 [%r0], {0, 0, 100, 0};
    bar.warp.sync -1;
    atom.shared.add.u32 %r1, [%r0], 2;
    red.shared.max.s32 [%r0+4], %r31;
    red.relaxed.cta.shared::cta.min.u32 [%r0+8], %r31;
    red.shared.add.f32 [%r0+12], 0f3f800000;
    bar.warp.sync -1;
    atom.shared.cas.b32 %r2, [%r0], 64, 1;
    ld.shared.u32 %r3, [%r0]; ld.shared.u32 %r4, [%r0+4];
    ld.shared.u32 %r5, [%r0+8]; ld.shared.f32 %f0, [%r0+12];
    cvt.rzi.u32.f32 %r6, %f0;
    mad.lo.u32 %r7, %r4, 100, %r3; mad.lo.u32 %r7, %r6, 10000, %r7;
    mad.lo.u32 %r7, %r5, 1000000, %r7;
    mov.b64 %rd0, {%r7, %r1}; st.global.u64 [%mine], %rd0;)",
                        32, shared);
  for (uint32_t lane = 0; lane < 32; ++lane)
    EXPECT_EQ(result[lane], uint64_t(2 * lane) << 32 | 323101u);
}

TEST(Atomic, PackedHalves) {
  auto result = runBody(R"(
    mov.u32 %r0, buffer; setp.eq.u32 %p0, %r31, 0;
    @%p0 st.shared.u32 [%r0], 0; bar.sync 0;
    red.shared.add.noftz.bf16x2 [%r0], 0x40003f80; bar.sync 0;
    ld.shared.u32 %rd0, [%r0]; st.global.u64 [%mine], %rd0;)",
                        32, shared);
  EXPECT_EQ(result[0], 0x42804200u); // 64 and 32
}

TEST(Warp, ShufflesVotesAndReductions) {
  auto result = runBody(R"(
    shfl.sync.up.b32 %r0|%p0, %r31, 1, 0, -1;
    shfl.sync.down.b32 %r1, %r31, 2, 31, -1;
    shfl.sync.bfly.b32 %r2, %r31, 5, 31, -1;
    shfl.sync.idx.b32 %r3, %r31, 3, 0x181f, -1;
    @!%p0 mov.u32 %r0, 99;
    mad.lo.u32 %r4, %r1, 100, %r0; mad.lo.u32 %r4, %r2, 10000, %r4;
    mad.lo.u32 %r4, %r3, 1000000, %r4;
    setp.gt.u32 %p1, %r31, 15; vote.sync.ballot.b32 %r5, %p1, -1;
    redux.sync.add.s32 %r6, %r31, -1; add.u32 %r5, %r5, %r6;
    mov.b64 %rd0, {%r4, %r5}; st.global.u64 [%mine], %rd0;)");
  for (uint32_t lane = 0; lane < 32; ++lane) {
    uint32_t up = lane ? lane - 1 : 99, down = lane + 2 < 32 ? lane + 2 : lane,
             bfly = lane ^ 5, index = (lane & 24) | 3;
    EXPECT_EQ(result[lane],
              uint64_t(0xffff0000u + 496) << 32 |
                  (up + 100 * down + 10000 * bfly + 1000000 * index))
        << lane;
  }
}

TEST(Warp, ElectAndMatch) {
  auto result = runBody(R"(
    elect.sync %r0|%p0, -1; selp.u32 %r1, 1, 0, %p0;
    and.b32 %r2, %r31, 3; match.any.sync.b32 %r3, %r2, -1;
    mad.lo.u32 %r4, %r0, 16, %r1; mov.b64 %rd0, {%r3, %r4};
    st.global.u64 [%mine], %rd0;)");
  EXPECT_EQ(result[0], 1ull << 32 | 0x11111111u);
  EXPECT_EQ(result[6], uint64_t(0x44444444u));
}

TEST(Divergence, LoopWithDivergentExits) {
  // Collatz steps, and a vote after the lanes met again.
  auto result = runBody(R"(
    add.u32 %r0, %r31, 1; mov.u32 %r1, 0;
  loop:
    setp.eq.u32 %p0, %r0, 1; @%p0 bra done;
    add.u32 %r1, %r1, 1; and.b32 %r2, %r0, 1; setp.eq.u32 %p1, %r2, 0;
    @%p1 bra even;
    mad.lo.u32 %r0, %r0, 3, 1; bra loop;
  even:
    shr.u32 %r0, %r0, 1; bra loop;
  done:
    activemask.b32 %r3; mov.b64 %rd0, {%r1, %r3};
    st.global.u64 [%mine], %rd0;)");
  for (uint32_t lane = 0; lane < 32; ++lane) {
    uint32_t n = lane + 1, steps = 0;
    for (; n != 1; ++steps)
      n = n % 2 ? 3 * n + 1 : n / 2;
    EXPECT_EQ(result[lane], 0xffffffffull << 32 | steps) << lane;
  }
}

TEST(Divergence, LockHeldByAnotherLane) {
  auto result = runBody(R"(
    mov.u32 %r0, buffer; setp.eq.u32 %p0, %r31, 0;
    @%p0 st.shared.v2.u32 [%r0], {0, 0}; bar.warp.sync -1;
  try:
    atom.shared.cas.b32 %r1, [%r0], 0, 1; setp.ne.u32 %p1, %r1, 0;
    @%p1 bra try;
    ld.shared.u32 %r2, [%r0+4]; add.u32 %r2, %r2, %r31;
    st.shared.u32 [%r0+4], %r2; atom.shared.exch.b32 %r3, [%r0], 0;
    bar.warp.sync -1;
    ld.shared.u32 %rd0, [%r0+4]; st.global.u64 [%mine], %rd0;)",
                        32, shared);
  EXPECT_EQ(result[31], 496u);
}

TEST(Divergence, IndexedBranches) {
  auto result = runBody(R"(
    and.b32 %r0, %r31, 3;
    targets: .branchtargets a, b, c, b;
    brx.idx %r0, targets;
  a: mov.u64 %rd0, 10; bra end;
  b: mov.u64 %rd0, 20; bra end;
  c: mov.u64 %rd0, 30;
  end: st.global.u64 [%mine], %rd0;)");
  uint64_t expected[] = {10, 20, 30, 20};
  for (uint32_t lane = 0; lane < 32; ++lane)
    EXPECT_EQ(result[lane], expected[lane % 4]);
}

TEST(Barrier, NamedProducerConsumer) {
  // Warp 0 produces for warp 1 through barrier 1; warp 2 does not take part.
  auto result = runBody(R"(
    mov.u32 %r0, buffer; shr.u32 %r1, %r31, 5; and.b32 %r2, %r31, 31;
    mad.lo.u32 %r3, %r2, 4, %r0;
    setp.eq.u32 %p0, %r1, 1; @%p0 bra consume;
    setp.eq.u32 %p1, %r1, 2; @%p1 bra end;
    st.shared.u32 [%r3], %r2; bar.arrive 1, 64; bra end;
  consume:
    bar.sync 1, 64; xor.b32 %r4, %r3, 124; ld.shared.u32 %rd0, [%r4];
    st.global.u64 [%mine], %rd0;
  end:)",
                        96, shared);
  for (uint32_t lane = 0; lane < 32; ++lane)
    EXPECT_EQ(result[32 + lane], 31 - lane);
}

TEST(Barrier, Reductions) {
  auto result = runBody(R"(
    setp.lt.u32 %p0, %r31, 40; bar.red.popc.u32 %r0, 0, %p0;
    bar.red.and.pred %p1, 0, %p0; bar.red.or.pred %p2, 0, %p0;
    selp.u32 %r1, 100, 0, %p1; selp.u32 %r2, 1000, 0, %p2;
    add.u32 %r0, %r0, %r1; add.u32 %r0, %r0, %r2;
    cvt.u64.u32 %rd0, %r0; st.global.u64 [%mine], %rd0;)",
                        64);
  EXPECT_EQ(result[0], 1040u);
  EXPECT_EQ(result[63], 1040u);
}

TEST(Barrier, HangNamesWhoIsMissing) {
  std::string error =
      runError("setp.lt.u32 %p0, %r31, 32;\n@%p0 bra first;\n"
               "// heddle.role storer\nbar.sync 2, 96;\nbra end;\nfirst:\n"
               "bar.sync 3;\nend:",
               64);
  EXPECT_NE(error.find("expected at most the CTA's 64 threads"),
            std::string::npos)
      << error;
  error = runError("setp.lt.u32 %p0, %r31, 32;\n@%p0 bra first;\n"
                   "// heddle.role storer\nbar.sync 2;\nbra end;\nfirst:\n"
                   "bar.sync 3;\nend:",
                   64);
  EXPECT_NE(error.find("kernel 'k' hangs"), std::string::npos) << error;
  EXPECT_NE(error.find("test.ptx:20: bar.sync: waits at barrier 2: 32 of 64 "
                       "threads arrived; not arrived: warp 0\n"
                       "    by CTA (0,0,0), warp 1 (storer), lanes 0-31"),
            std::string::npos)
      << error;
}

TEST(Barrier, StepBudgetEndsEndlessLoops) {
  VirtualDeviceOptions options;
  options.stepBudget = 10000;
  std::string error =
      runError("again: add.u32 %r0, %r0, 1; bra again;", 32, "", options);
  EXPECT_NE(error.find("may never end"), std::string::npos) << error;
  // Nothing can end this one.
  error = runError("again: bra again;");
  EXPECT_NE(error.find("repeats a loop that does nothing"), std::string::npos)
      << error;
}

TEST(Mbarrier, ThreadsArriveAndWait) {
  auto result = runBody(R"(
    mov.u32 %r0, buffer; setp.eq.u32 %p0, %r31, 0;
    @%p0 mbarrier.init.shared::cta.b64 [%r0], 64;
    bar.sync 0;
    mad.lo.u32 %r1, %r31, 4, %r0; st.shared.u32 [%r1+16], %r31;
    mbarrier.arrive.release.cta.shared::cta.b64 %rd1, [%r0];
  wait: mbarrier.test_wait.shared::cta.b64 %p1, [%r0], %rd1;
    @!%p1 bra wait;
    xor.b32 %r2, %r31, 32; mad.lo.u32 %r2, %r2, 4, %r0;
    ld.shared.u32 %rd0, [%r2+16]; st.global.u64 [%mine], %rd0;
    bar.sync 0; @%p0 mbarrier.inval.shared::cta.b64 [%r0];)",
                        64, shared);
  EXPECT_EQ(result[3], 35u);
  EXPECT_EQ(result[40], 8u);
}

TEST(Bulk, CopiesBothWays) {
  auto result = runBody(R"(
    mov.u32 %r0, buffer; setp.ne.u32 %p0, %r31, 0;
    cvt.u64.u32 %rd0, %r31; add.u64 %rd0, %rd0, 1000;
    mad.lo.u32 %r1, %r31, 8, %r0; st.shared.u64 [%r1+256], %rd0;
    fence.proxy.async.shared::cta;
    bar.warp.sync -1; @%p0 bra end;
    cp.async.bulk.global.shared::cta.bulk_group [%out], [%r0+256], 256;
    cp.async.bulk.commit_group; cp.async.bulk.wait_group 0;
    mbarrier.init.shared::cta.b64 [%r0], 1;
    mbarrier.arrive.expect_tx.shared::cta.b64 _, [%r0], 64;
    cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes
      [%r0+1024], [%out], 64, [%r0];
  wait: mbarrier.try_wait.parity.shared::cta.b64 %p1, [%r0], 0;
    @!%p1 bra wait;
    ld.shared.u64 %rd2, [%r0+1032]; st.global.u64 [%out], %rd2;
  end:)",
                        32, shared);
  EXPECT_EQ(result[0], 1001u);
  for (uint32_t lane = 1; lane < 32; ++lane)
    EXPECT_EQ(result[lane], 1000 + lane);
}

TEST(Matrix, TransposeThroughShared) {
  auto result = runBody(R"(
    mov.u32 %r0, buffer; mad.lo.u32 %r1, %r31, 16, %r0;
    stmatrix.sync.aligned.m8n8.x1.shared.b16 [%r1], {%r31};
    bar.warp.sync -1;
    ldmatrix.sync.aligned.m8n8.x1.trans.shared.b16 {%r2}, [%r1];
    cvt.u64.u32 %rd0, %r2; st.global.u64 [%mine], %rd0;)",
                        32, shared);
  // Element (row, 2c) of the stored tile is 4 row + c, odd columns are zero.
  for (uint32_t lane = 0; lane < 32; ++lane) {
    uint32_t column = lane / 4, row = 2 * (lane % 4);
    auto element = [&](uint32_t r) {
      return column % 2 ? 0 : 4 * r + column / 2;
    };
    EXPECT_EQ(result[lane], element(row) | element(row + 1) << 16) << lane;
  }
}

/// Sets up an mbarrier that expects `bytes`, runs `operation` in one thread on
/// 16 bytes of `data` and stores the first 8 of them.
uint64_t asyncStore(const std::string &operation, uint32_t bytes) {
  return runBody(
      fmt::format(".shared .align 16 .b8 data[32]; .shared .align 8 .b64 bar;\n"
                  "mov.u64 %rd1, 7; st.shared.u64 [data], %rd1;\n"
                  "st.shared.u64 [data+8], %rd1;\n"
                  "mov.u64 %rd2, 0x100000003; st.shared.u64 [data+16], %rd2;\n"
                  "st.shared.u64 [data+24], %rd2;\n"
                  "mbarrier.init.shared.b64 [bar], 1;\n"
                  "fence.proxy.async;\n"
                  "mov.u32 %r1, data; mov.u32 %r2, bar; add.u32 %r3, %r1, 16;\n"
                  "mbarrier.arrive.expect_tx.shared.b64 _, [bar], {};\n"
                  "{}\n"
                  "wait: mbarrier.try_wait.parity.shared.b64 %p1, [bar], 0;\n"
                  "@!%p1 bra wait;\n"
                  "ld.shared.u64 %rd3, [data]; st.global.u64 [%mine], %rd3;",
                  bytes, operation),
      1)[0];
}

TEST(AsyncStore, StoresAndReduces) {
  EXPECT_EQ(asyncStore("st.async.shared::cluster.mbarrier::complete_tx::bytes"
                       ".v2.b32 [%r1], {5, 9}, [%r2];",
                       8),
            9ull << 32 | 5);
  EXPECT_EQ(asyncStore("mov.u64 %rd9, 11; st.async.shared::cluster"
                       ".mbarrier::complete_tx::bytes.b64 [%r1], %rd9, [%r2];",
                       8),
            11u);
  EXPECT_EQ(asyncStore("red.async.relaxed.cluster.shared::cluster"
                       ".mbarrier::complete_tx::bytes.add.u32 [%r1], 5, [%r2];",
                       4),
            12u);
  EXPECT_EQ(asyncStore("red.async.relaxed.cluster.shared::cluster"
                       ".mbarrier::complete_tx::bytes.min.s32 [%r1], -5, "
                       "[%r2];",
                       4),
            0xfffffffbu);
  EXPECT_EQ(asyncStore("red.async.relaxed.cluster.shared::cluster"
                       ".mbarrier::complete_tx::bytes.inc.u32 [%r1], 7, [%r2];",
                       4),
            0u);
  EXPECT_EQ(
      asyncStore("cp.reduce.async.bulk.shared::cluster.shared::cta"
                 ".mbarrier::complete_tx::bytes.add.u32 [%r1], [%r3], 16, "
                 "[%r2];",
                 16),
      1ull << 32 | 10);
}

TEST(Memory, WideRegisters) {
  // Through a register of 128 bits, whose halves change places.
  auto result = runBody(R"(
.reg .b128 %q<4>;
.shared .align 16 .b8 buffer[512];
cvt.u64.u32 %rd0, %r31; add.u64 %rd1, %rd0, 1000;
mov.b128 %q0, {%rd0, %rd1}; mov.b128 %q1, %q0;
mov.b128 {%rd0, %rd1}, %q1; mov.b128 %q1, {%rd1, %rd0};
shl.b32 %r0, %r31, 4; mov.u32 %r1, buffer; add.u32 %r0, %r0, %r1;
st.shared.b128 [%r0], %q1; ld.shared.v2.u64 {%rd2, %rd3}, [%r0];
st.release.cta.shared.b128 [%r0], %q0; ld.acquire.cta.shared.b128 %q2, [%r0];
mov.b128 {%rd4, %rd5}, %q2;
sub.u64 %rd6, %rd2, %rd3; mad.lo.u64 %rd6, %rd6, 10000, %rd5;
st.global.u64 [%mine], %rd6;)");
  for (uint64_t t = 0; t < 32; ++t)
    EXPECT_EQ(result[t], 1000u * 10000 + t + 1000);
}

TEST(Memory, WideAtomics) {
  // Threads add to two counters at once.
  auto result = runBody(R"(
.reg .b128 %q<4>;
.shared .align 16 .b8 sums[16];
mov.u32 %r1, sums; mov.u64 %rd0, 5; mov.u64 %rd1, 7;
mov.b128 %q0, {%rd0, %rd1};
setp.eq.u32 %p0, %r31, 0; @%p0 atom.shared.exch.b128 _, [%r1], %q0;
bar.sync 0;
again:
ld.relaxed.cta.shared.b128 %q1, [%r1]; mov.b128 {%rd2, %rd3}, %q1;
add.u64 %rd4, %rd2, 1; add.u64 %rd5, %rd3, 2;
mov.b128 %q2, {%rd4, %rd5};
atom.relaxed.cta.shared.cas.b128 %q3, [%r1], %q1, %q2;
mov.b128 {%rd6, %rd7}, %q3;
setp.ne.u64 %p1, %rd6, %rd2; @%p1 bra again;
bar.sync 0;
ld.shared.v2.u64 {%rd2, %rd3}, [%r1];
mad.lo.u64 %rd2, %rd2, 1000, %rd3; st.global.u64 [%mine], %rd2;)",
                        64);
  for (uint64_t sums : result)
    EXPECT_EQ(sums, (5u + 64) * 1000 + 7 + 128);
}

TEST(Memory, WideRegistersAreNoOthers) {
  auto expect = [](const std::string &statement, const std::string &message) {
    std::string error = runError(".reg .b128 %q;\n" + statement);
    EXPECT_NE(error.find(message), std::string::npos) << error;
  };
  expect("add.u64 %rd0, %q, 1;",
         "expected a register of at most 64 bits, found '%q'");
  expect("ld.global.b128 %rd0, [%out];", "expected a 128-bit register");
  expect("mov.b128 %q, {%rd0, %rd1, %rd2, %rd3};",
         "expected 2 parts of 64 bits");
  expect("ld.global.v2.b128 {%q, %q}, [%out];", "unknown modifier '.v2'");
  expect("st.global.b128 [%out+8], %q;", "is not a multiple of 16 bytes");
}

} // namespace
