//===- UninitializedTest.cpp - Memory that nobody has written -------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestDevice.h"

using namespace heddle;
using namespace heddle::test;

namespace {

/// The findings of uninitialised memory of a launch with everything checked:
/// what the first site does, by PTX opcode, one after another.
std::string check(const std::string &body, uint32_t threads = 32) {
  LaunchReport report;
  VirtualDeviceOptions options;
  options.stepBudget = 1 << 22;
  options.sanitize = SanitizeLevel::Full;
  options.onReport = [&](const LaunchReport &done) { report = done; };
  TestDevice device(options);
  DeviceAddress out = device.upload(std::vector<uint64_t>(8192));
  LaunchConfig config;
  config.block.x = threads;
  std::string error = device.run(kernelWith(body), "k", config, {out});
  std::string text;
  for (const Finding &finding : report.findings) {
    if (finding.kind != FindingKind::Uninitialized)
      continue;
    EXPECT_EQ(finding.cause, CauseClass::UninitializedMemory);
    EXPECT_EQ(finding.sites.size(), 2u);
    text += (text.empty() ? "" : "; ") + finding.sites.at(0).opcode + " " +
            finding.sites.at(0).what + " (" + finding.sites.at(1).opcode + " " +
            finding.sites.at(1).thread + ")";
  }
  if (report.findings.empty())
    text += error;
  return text;
}

/// %r1 is the address of this thread's word of shared memory, half of whose 256
/// bytes are written: those of even threads.
const std::string words = R"(
.shared .align 128 .b8 words[256];
mov.u32 %r0, words;
shl.b32 %r3, %r31, 2;
add.u32 %r1, %r0, %r3;
and.b32 %r4, %r31, 1;
setp.eq.u32 %p1, %r4, 0;
@%p1 st.shared.u32 [%r1], %r31;
)";

TEST(Uninitialized, WhatIsWrittenIsNot) {
  EXPECT_EQ(check(words + "@%p1 ld.shared.u32 %r5, [%r1];\n"
                          "@%p1 st.global.u32 [%mine], %r5;\n"),
            "");
}

TEST(Uninitialized, UnusedValuesAreNoError) {
  EXPECT_EQ(check(words + "ld.shared.u32 %r5, [%r1];\nadd.u32 %r6, %r5, 1;\n"
                          "@%p1 st.global.u32 [%mine], %r6;\n"
                          "mov.u32 %r6, 0;\nst.global.u32 [%mine], %r6;\n"),
            "");
}

TEST(Uninitialized, StoreOfOddLanes) {
  EXPECT_EQ(check(words + "ld.shared.u32 %r5, [%r1];\nadd.u32 %r6, %r5, 1;\n"
                          "mov.u32 %r7, %r6;\nst.global.u32 [%mine], %r7;\n"),
            "st.global.u32 stores it to global memory (ld.shared.u32 CTA "
            "(0,0,0), warp 0, lanes "
            "1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31)");
}

TEST(Uninitialized, AddressesBranchesAndGuards) {
  EXPECT_EQ(check(words + R"(
ld.shared.u32 %r5, [%r1+128];
and.b32 %r5, %r5, 127;
add.u32 %r5, %r5, %r0;
and.b32 %r5, %r5, 0xfffffffc;
ld.shared.u32 %r6, [%r5];
)"),
            "ld.shared.u32 uses it as an address (ld.shared.u32 CTA (0,0,0), "
            "warp 0, lanes 0-31)");
  EXPECT_EQ(check(words + R"(
ld.shared.u32 %r5, [%r0+252];
setp.eq.u32 %p2, %r5, 0;
@%p2 bra done;
st.global.u32 [%mine], %r31;
done:
)"),
            "bra branches by it (ld.shared.u32 CTA (0,0,0), warp 0, lanes "
            "0-31)");
  EXPECT_EQ(check(words + R"(
ld.shared.u32 %r5, [%r0+252];
setp.eq.u32 %p2, %r5, 0;
@%p2 mov.u32 %r6, 0;
)"),
            "mov.u32 is guarded by it (ld.shared.u32 CTA (0,0,0), warp 0, "
            "lanes 0-31)");
}

TEST(Uninitialized, ChosenValues) {
  // What selp does not choose does not count.
  std::string load = words + "ld.shared.u32 %r5, [%r1];\n";
  EXPECT_EQ(check(load + "selp.u32 %r6, %r5, 0, %p1;\n"
                         "st.global.u32 [%mine], %r6;\n"),
            "");
  EXPECT_NE(check(load + "selp.u32 %r6, 0, %r5, %p1;\n"
                         "st.global.u32 [%mine], %r6;\n"),
            "");
}

TEST(Uninitialized, PredicatesThatDecide) {
  std::string load = words + "ld.shared.u32 %r5, [%r1];\n"
                             "setp.gt.u32 %p2, %r5, 7;\n";
  std::string use = "@%p3 st.global.u32 [%mine], %r31;\n";
  EXPECT_EQ(check(load + "and.pred %p3, %p1, %p2;\n" + use), "");
  EXPECT_EQ(check(load + "not.pred %p4, %p1;\nor.pred %p3, %p2, %p4;\n" + use),
            "");
  EXPECT_NE(check(load + "or.pred %p3, %p1, %p2;\n" + use), "");
}

TEST(Uninitialized, LanesExchange) {
  std::string load = words + "ld.shared.u32 %r5, [%r1];\n";
  // Odd lanes get what even ones hold, in place too.
  EXPECT_EQ(check(load + "and.b32 %r7, %r31, 30;\n"
                         "shfl.sync.idx.b32 %r5, %r5, %r7, 31, 0xffffffff;\n"
                         "st.global.u32 [%mine], %r5;\n"),
            "");
  EXPECT_NE(check(load + "or.b32 %r7, %r31, 1;\n"
                         "shfl.sync.idx.b32 %r6, %r5, %r7, 31, 0xffffffff;\n"
                         "@%p1 st.global.u32 [%mine], %r6;\n"),
            "");
  EXPECT_NE(check(load + "redux.sync.add.u32 %r6, %r5, 0xffffffff;\n"
                         "@%p1 st.global.u32 [%mine], %r6;\n"),
            "");
}

TEST(Uninitialized, ThroughSharedMemory) {
  std::string copy = words + "ld.shared.u32 %r5, [%r1];\n"
                             "st.shared.u32 [%r1+128], %r5;\n"
                             "ld.shared.u32 %r6, [%r1+128];\n";
  EXPECT_EQ(check(copy + "@%p1 st.global.u32 [%mine], %r6;\n"), "");
  EXPECT_NE(check(copy + "@!%p1 st.global.u32 [%mine], %r6;\n"), "");
}

TEST(Uninitialized, PartsOfVectors) {
  std::string load = words + "and.b32 %r8, %r31, 15;\nshl.b32 %r8, %r8, 3;\n"
                             "add.u32 %r8, %r8, %r0;\n"
                             "ld.shared.v2.u32 {%r5, %r6}, [%r8];\n";
  EXPECT_EQ(check(load + "st.global.u32 [%mine], %r5;\n"), "");
  EXPECT_NE(check(load + "st.global.u32 [%mine], %r6;\n"), "");
  // A value that is written in part may be used in part.
  EXPECT_EQ(check(load + "ld.shared.u64 %rd1, [%r8];\ncvt.u32.u64 %r5, %rd1;\n"
                         "st.global.u32 [%mine], %r5;\n"),
            "");
}

TEST(Uninitialized, Synchronization) {
  EXPECT_EQ(check(words + "ld.shared.u32 %r5, [%r0+252];\n"
                          "and.b32 %r5, %r5, 1;\nbar.sync %r5;\n"),
            "bar.sync synchronises by it (ld.shared.u32 CTA (0,0,0), warp 0, "
            "lanes 0-31)");
}

} // namespace
