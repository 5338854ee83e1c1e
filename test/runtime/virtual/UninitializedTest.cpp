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

/// The findings of uninitialised memory of a launch: what the first site does,
/// by PTX opcode, one after another.
std::string describe(const LaunchReport &report) {
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
  return text;
}

/// A device with everything checked, and the report of its last launch.
struct CheckedDevice {
  LaunchReport report;
  TestDevice device{[this] {
    VirtualDeviceOptions options;
    options.stepBudget = 1 << 22;
    options.sanitize = SanitizeLevel::Full;
    options.onReport = [this](const LaunchReport &done) { report = done; };
    return options;
  }()};

  std::string check(const std::string &body, DeviceAddress out,
                    uint32_t threads = 32) {
    LaunchConfig config;
    config.block.x = threads;
    std::string error = device.run(kernelWith(body), "k", config, {out});
    return report.findings.empty() ? error : describe(report);
  }
  DeviceAddress allocate(size_t bytes) {
    return *device.device->allocate(bytes);
  }
};

std::string check(const std::string &body, uint32_t threads = 32) {
  CheckedDevice device;
  return device.check(body, device.device.upload(std::vector<uint64_t>(8192)),
                      threads);
}

/// The same where nothing has written the memory of %out.
std::string checkFresh(const std::string &body, uint32_t threads = 32) {
  CheckedDevice device;
  return device.check(body, device.allocate(8192 * sizeof(uint64_t)), threads);
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

//===----------------------------------------------------------------------===//
// Global memory
//===----------------------------------------------------------------------===//

TEST(UninitializedGlobal, LoadsAreReportedWhereTheyAreUsed) {
  std::string load = "ld.global.u32 %r5, [%mine+4096];\n";
  EXPECT_EQ(checkFresh(load), "");
  EXPECT_EQ(checkFresh(load + "st.global.u32 [%mine], %r5;\n"),
            "st.global.u32 stores it to global memory (ld.global.u32 CTA "
            "(0,0,0), warp 0, lanes 0-31)");
  EXPECT_EQ(checkFresh(load + "setp.eq.u32 %p2, %r5, 0;\n@%p2 bra done;\n"
                              "st.global.u32 [%mine], %r31;\ndone:\n"),
            "bra branches by it (ld.global.u32 CTA (0,0,0), warp 0, lanes "
            "0-31)");
  EXPECT_EQ(checkFresh("ld.global.u64 %rd1, [%mine+4096];\n"
                       "and.b64 %rd1, %rd1, 4088;\n"
                       "add.u64 %rd1, %rd1, %out;\n"
                       "st.global.u32 [%rd1], %r31;\n",
                       1),
            "st.global.u32 uses it as an address (ld.global.u64 CTA (0,0,0), "
            "warp 0, lane 0)");
  EXPECT_EQ(checkFresh(load + "and.b32 %r5, %r5, 1;\nbar.sync %r5;\n"),
            "bar.sync synchronises by it (ld.global.u32 CTA (0,0,0), warp 0, "
            "lanes 0-31)");
  // Each way to load.
  for (std::string way :
       {"ld.u32", "ld.global.nc.u32", "ld.volatile.global.u32",
        "ld.relaxed.gpu.global.u32", "ld.acquire.sys.u32"})
    EXPECT_NE(checkFresh(way + " %r5, [%mine+4096];\n"
                               "st.global.u32 [%mine], %r5;\n"),
              "")
        << way;
  // Lanes that are far apart, and few of them.
  EXPECT_NE(checkFresh("mad.wide.u32 %rd1, %r31, 1024, %out;\n"
                       "ld.global.u32 %r5, [%rd1+512];\n"
                       "st.global.u32 [%mine], %r5;\n"),
            "");
  EXPECT_EQ(checkFresh("setp.eq.u32 %p1, %r31, 7;\n"
                       "@%p1 ld.global.u32 %r5, [%mine+4096];\n"
                       "@%p1 st.global.u32 [%mine], %r5;\n"),
            "st.global.u32 stores it to global memory (ld.global.u32 CTA "
            "(0,0,0), warp 0, lane 7)");
}

TEST(UninitializedGlobal, WhatIsWrittenIsNot) {
  std::string use = "st.global.u32 [%mine], %r5;\n";
  // Also what looks like fresh memory.
  for (std::string value : {"%r31", "-1"})
    EXPECT_EQ(checkFresh("mov.u32 %r6, " + value +
                         ";\nst.global.u32 [%mine+4096], %r6;\n"
                         "ld.global.u32 %r5, [%mine+4096];\n" +
                         use),
              "");
  EXPECT_EQ(checkFresh("mad.wide.u32 %rd1, %r31, 1024, %out;\n"
                       "st.global.u32 [%rd1+512], %r31;\n"
                       "ld.global.u32 %r5, [%rd1+512];\n" +
                       use),
            "");
  EXPECT_EQ(checkFresh("st.global.u64 [%mine+4096], %out;\n"
                       "ld.u32 %r5, [%mine+4100];\n" +
                       use),
            "");
  // Half of a word's lanes.
  std::string half = "and.b32 %r4, %r31, 1;\nsetp.eq.u32 %p1, %r4, 0;\n"
                     "@%p1 st.global.u32 [%mine+4096], %r31;\n"
                     "ld.global.u32 %r5, [%mine+4096];\n";
  EXPECT_EQ(checkFresh(half + "@%p1 st.global.u32 [%mine], %r5;\n"), "");
  EXPECT_EQ(checkFresh(half + "selp.u32 %r5, %r5, 0, %p1;\n" + use), "");
  EXPECT_NE(checkFresh(half + "@!%p1 st.global.u32 [%mine], %r5;\n"), "");
}

TEST(UninitializedGlobal, PartsOfWords) {
  std::string store = "st.global.u8 [%mine+4097], %r31;\n";
  std::string use = "st.global.u32 [%mine], %r5;\n";
  EXPECT_EQ(checkFresh(store + "ld.global.u8 %r5, [%mine+4097];\n" + use), "");
  EXPECT_NE(checkFresh(store + "ld.global.u8 %r5, [%mine+4096];\n" + use), "");
  EXPECT_EQ(checkFresh(store + "ld.global.u16 %r5, [%mine+4096];\n" + use), "");
  EXPECT_NE(checkFresh(store + "ld.global.u16 %r5, [%mine+4098];\n" + use), "");
  std::string vector = "st.global.u32 [%mine+4096], %r31;\n"
                       "ld.global.v2.u32 {%r5, %r6}, [%mine+4096];\n";
  EXPECT_EQ(checkFresh(vector + use), "");
  EXPECT_NE(checkFresh(vector + "st.global.u32 [%mine], %r6;\n"), "");
}

TEST(UninitializedGlobal, OneReportOfACopy) {
  // What a report was about counts as written.
  EXPECT_EQ(checkFresh("ld.global.u32 %r5, [%mine+4096];\n"
                       "st.global.u32 [%mine], %r5;\n"
                       "ld.global.u32 %r6, [%mine];\n"
                       "st.global.u32 [%mine+8192], %r6;\n"),
            "st.global.u32 stores it to global memory (ld.global.u32 CTA "
            "(0,0,0), warp 0, lanes 0-31)");
}

TEST(UninitializedGlobal, Atomics) {
  auto updates = [](const std::string &opcode, const std::string &lanes) {
    return opcode + " combines with it (" + opcode + " CTA (0,0,0), warp 0, " +
           lanes + ")";
  };
  EXPECT_EQ(checkFresh("red.global.add.u32 [%out], 1;\n"),
            updates("red.global.add.u32", "lanes 0-31"));
  EXPECT_EQ(checkFresh("atom.add.f32 %f1, [%mine], %f0;\n", 1),
            updates("atom.add.f32", "lane 0"));
  EXPECT_EQ(checkFresh("atom.global.cas.b32 %r5, [%mine], 0, 1;\n", 1),
            updates("atom.global.cas.b32", "lane 0"));
  EXPECT_EQ(checkFresh("st.global.u32 [%out], 0;\nbar.warp.sync -1;\n"
                       "red.global.add.u32 [%out], 1;\n"
                       "red.global.add.u32 [%out], 1;\n",
                       1),
            "");
  // An exchange hands it on, and writes.
  std::string exchange = "atom.global.exch.b32 %r5, [%mine], %r31;\n";
  EXPECT_EQ(checkFresh(exchange + "red.global.add.u32 [%mine], 1;\n"), "");
  EXPECT_EQ(checkFresh(exchange + "st.global.u32 [%mine+4096], %r5;\n", 1),
            "st.global.u32 stores it to global memory (atom.global.exch.b32 "
            "CTA (0,0,0), warp 0, lane 0)");
  EXPECT_EQ(check("red.global.add.u32 [%out], 1;\n"), "");
}

TEST(UninitializedGlobal, ThroughAsynchronousCopies) {
  auto copy = [](const std::string &before, const std::string &size) {
    return ".shared .align 128 .b8 words[512];\nmov.u32 %r0, words;\n"
           "shl.b32 %r3, %r31, 4;\nadd.u32 %r1, %r0, %r3;\n"
           "mad.wide.u32 %rd1, %r31, 16, %out;\n" +
           before + "cp.async.ca.shared.global [%r1], [%rd1+4096], 16" + size +
           ";\ncp.async.wait_all;\nld.shared.u32 %r5, [%r1];\n"
           "ld.shared.u32 %r6, [%r1+12];\n";
  };
  std::string first = "st.global.u32 [%mine], %r5;\n",
              last = "st.global.u32 [%mine], %r6;\n";
  EXPECT_EQ(checkFresh(copy("", "")), "");
  EXPECT_NE(checkFresh(copy("", "") + first), "");
  EXPECT_NE(checkFresh(copy("", "") + last), "");
  // What is filled with zeros is written.
  EXPECT_NE(checkFresh(copy("", ", 8") + first), "");
  EXPECT_EQ(checkFresh(copy("", ", 8") + last), "");
  EXPECT_EQ(checkFresh(copy("", ", 0") + first), "");
  std::string write = "st.global.u32 [%rd1+4108], %r31;\n";
  EXPECT_NE(checkFresh(copy(write, "") + first), "");
  EXPECT_EQ(checkFresh(copy(write, "") + last), "");
}

/// A bulk copy of 512 bytes from %out + 4096 to shared memory at %r0, of which
/// this thread's word is %r5.
std::string bulkLoad() {
  return R"(
.shared .align 8 .b64 bar;
mov.u32 %r6, bar;
setp.eq.u32 %p1, %r31, 0;
@%p1 mbarrier.init.shared.b64 [%r6], 1;
bar.sync 0;
@!%p1 bra wait;
fence.proxy.async;
mbarrier.arrive.expect_tx.shared.b64 _, [%r6], 512;
cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%r0], [%out+4096], 512, [%r6];
wait:
mbarrier.try_wait.parity.shared.b64 %p4, [%r6], 0;
@!%p4 bra wait;
ld.shared.u32 %r5, [%r1];
)";
}

TEST(UninitializedGlobal, BulkCopies) {
  std::string words = ".shared .align 128 .b8 words[512];\n"
                      "mov.u32 %r0, words;\nshl.b32 %r3, %r31, 2;\n"
                      "add.u32 %r1, %r0, %r3;\n"
                      "mad.wide.u32 %rd1, %r31, 4, %out;\n";
  std::string use = "st.global.u32 [%mine], %r5;\n";
  EXPECT_EQ(checkFresh(words + bulkLoad(), 128), "");
  EXPECT_NE(checkFresh(words + bulkLoad() + use, 128), "");
  // Half of it is written.
  std::string half = "setp.lt.u32 %p2, %r31, 64;\n"
                     "@%p2 st.global.u32 [%rd1+4096], %r31;\nbar.sync 0;\n"
                     "fence.proxy.async;\nbar.sync 0;\n";
  EXPECT_EQ(checkFresh(words + half + bulkLoad() + "@%p2 " + use, 128), "");
  EXPECT_NE(checkFresh(words + half + bulkLoad() + use, 128), "");
  // All of it, by a bulk store.
  auto store = [&](const std::string &copy) {
    return words +
           "st.shared.u32 [%r1], %r31;\nfence.proxy.async;\n"
           "bar.sync 0;\nsetp.eq.u32 %p1, %r31, 0;\n@%p1 " +
           copy +
           " [%out+4096], [%r0], 512;\n@%p1 cp.async.bulk.commit_group;\n"
           "cp.async.bulk.wait_group 0;\nbar.sync 0;\n";
  };
  std::string plain = "cp.async.bulk.global.shared::cta.bulk_group",
              sum = "cp.reduce.async.bulk.global.shared::cta.bulk_group.add."
                    "u32";
  EXPECT_EQ(checkFresh(store(plain) + bulkLoad() + use, 128), "");
  EXPECT_EQ(checkFresh(store(sum), 128), sum + " combines with it (" + sum +
                                             " CTA (0,0,0), warp 0, lane 0)");
  EXPECT_EQ(checkFresh(store(plain) + "@%p1 " + sum +
                           " [%out+4096], [%r0], 512;\n"
                           "@%p1 cp.async.bulk.commit_group;\n"
                           "cp.async.bulk.wait_group 0;\n",
                       128),
            "");
}

TEST(UninitializedGlobal, BoxesOfTensors) {
  // 16 rows of 32 words, of which the first `rows` are written, and 16 of which
  // at column 8 are loaded, swizzled; a block copies them on, word by word.
  constexpr uint32_t height = 16, width = 16;
  auto run = [&](uint32_t rows, uint32_t columns, uint32_t used) {
    CheckedDevice device;
    DeviceAddress tensor = device.allocate(height * 32 * 4);
    std::vector<uint32_t> values(32, 5);
    for (uint32_t row = 0; row < rows; ++row)
      EXPECT_TRUE(device.device.device->copyToDevice(
          tensor + row * 128, values.data(), columns * 4));
    TensorMapSpec spec;
    spec.address = tensor;
    spec.type = TensorMapType::U32;
    spec.rank = 2;
    spec.dims = {32, height};
    spec.strides = {128};
    spec.box = {width, height};
    spec.swizzle = Swizzle::B64;
    auto map = device.device.device->encodeTensorMap(spec);
    EXPECT_TRUE(map);
    DeviceAddress out = device.allocate(width * height * 4);
    std::string ptx = preamble() + R"(
.visible .entry k(.param .align 64 .b8 map[128], .param .u64 out, .param .u32 used)
{
.reg .b32 %r<16>;
.reg .b64 %rd<8>;
.reg .pred %p<4>;
.shared .align 1024 .b8 words[1024];
.shared .align 8 .b64 bar;
mov.u32 %r0, words;
mov.u32 %r1, bar;
mov.u32 %r2, %tid.x;
ld.param.u64 %rd1, [out];
cvta.to.global.u64 %rd1, %rd1;
ld.param.u32 %r3, [used];
setp.eq.u32 %p1, %r2, 0;
@%p1 mbarrier.init.shared.b64 [%r1], 1;
bar.sync 0;
@!%p1 bra wait;
fence.proxy.async;
mbarrier.arrive.expect_tx.shared.b64 _, [%r1], 1024;
mov.u64 %rd2, map;
cvta.param.u64 %rd2, %rd2;
mov.u32 %r4, 8;
mov.u32 %r5, 0;
cp.async.bulk.tensor.2d.shared::cluster.global.tile.mbarrier::complete_tx::bytes [%r0], [%rd2, {%r4, %r5}], [%r1];
wait:
mbarrier.try_wait.parity.shared.b64 %p2, [%r1], 0;
@!%p2 bra wait;
shl.b32 %r6, %r2, 2;
shr.u32 %r7, %r6, 7;
and.b32 %r7, %r7, 3;
shl.b32 %r7, %r7, 4;
xor.b32 %r7, %r7, %r6;
add.u32 %r7, %r7, %r0;
ld.shared.u32 %r8, [%r7];
setp.lt.u32 %p3, %r2, %r3;
mad.wide.u32 %rd3, %r2, 4, %rd1;
@%p3 st.global.u32 [%rd3], %r8;
ret;
}
)";
    LaunchConfig config;
    config.block.x = width * height;
    device.report = {};
    std::string error =
        device.device.run(ptx, "k", config, {map->bytes, out, used});
    return device.report.findings.empty() ? error : describe(device.report);
  };
  constexpr uint32_t all = width * height;
  EXPECT_EQ(run(16, 32, all), "");
  EXPECT_EQ(run(9, 32, 9 * width), "");
  EXPECT_NE(run(9, 32, 9 * width + 1), "");
  EXPECT_NE(run(0, 0, 1), "");
  // Of a row in part: columns 8 to 18 are words 0 to 10 of the box.
  EXPECT_EQ(run(16, 19, 11), "");
  EXPECT_NE(run(16, 19, 12), "");
}

TEST(UninitializedGlobal, HostAndEarlierLaunches) {
  CheckedDevice device;
  Device &own = *device.device.device;
  std::string load = "ld.global.u32 %r5, [%mine];\n"
                     "st.global.u32 [%mine+4096], %r5;\n";
  DeviceAddress memory = device.allocate(8192);
  EXPECT_NE(device.check(load, memory, 64), "");
  // Half by a launch, half by the host, and then by another launch.
  memory = device.allocate(8192);
  EXPECT_EQ(device.check("st.global.u64 [%mine], %out;\n", memory), "");
  EXPECT_EQ(device.check(load, memory), "");
  EXPECT_NE(device.check(load, memory, 33), "");
  memory = device.allocate(8192);
  EXPECT_EQ(device.check("st.global.u64 [%mine], %out;\n", memory), "");
  EXPECT_TRUE(own.fill(memory + 32 * 8, std::byte(0xff), 32 * 8));
  EXPECT_EQ(device.check(load, memory, 64), "");
  EXPECT_TRUE(own.getHostPointer(memory, 8192));
  EXPECT_EQ(device.check(load, memory, 512), "");
  // Variables start as zeros.
  LaunchConfig config;
  EXPECT_EQ(device.device.run(kernelWith("ld.global.u32 %r5, [counter];\n"
                                         "st.global.u32 [%mine], %r5;\n",
                                         ".global .align 4 .u32 counter;\n"),
                              "k", config, {memory}),
            "");
}

} // namespace
