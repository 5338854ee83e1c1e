//===- TrafficTest.cpp - Bytes that launches ask of global memory ---------===//
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

struct Bytes {
  uint64_t read, written;
  bool operator==(const Bytes &) const = default;
};

void PrintTo(const Bytes &bytes, std::ostream *out) {
  *out << bytes.read << " read, " << bytes.written << " written";
}

/// What `body`, as `runBody` has it, moves in blocks of 32 threads.
Bytes count(const std::string &body, uint32_t blocks = 1,
            uint32_t cluster = 1) {
  Bytes bytes{};
  VirtualDeviceOptions options;
  options.stepBudget = 1 << 24;
  options.onReport = [&](const LaunchReport &report) {
    bytes = {report.bytesRead, report.bytesWritten};
  };
  TestDevice device(options);
  DeviceAddress out = device.upload(std::vector<uint64_t>(4096));
  LaunchConfig config;
  config.grid.x = blocks;
  config.cluster.x = cluster;
  config.block.x = 32;
  config.dynamicSharedBytes = 4096;
  std::string error = device.run(
      kernelWith(body, ".extern .shared .align 1024 .b8 buffer[];\n"), "k",
      config, {out});
  EXPECT_EQ(error, "");
  return bytes;
}

/// A copy of 256 bytes to `where`, one thread's, and the wait of all blocks
/// that it reaches.
std::string copyIn(const std::string &multicast, const std::string &who) {
  return R"(
    mov.u32 %r0, buffer; setp.ne.u32 %p0, %r31, 0; @%p0 bra end;
    mbarrier.init.shared::cta.b64 [%r0], 1;
    fence.mbarrier_init.release.cluster;
    barrier.cluster.arrive.release; barrier.cluster.wait.acquire;
    mbarrier.arrive.expect_tx.shared::cta.b64 _, [%r0], 256;
    mov.u32 %r2, %cluster_ctarank; setp.eq.u32 %p3, %r2, 0; mov.b16 %h0, 3;
    )" + who +
         R"( cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes)" +
         multicast + R"( [%r0+1024], [%out], 256, [%r0])" +
         (multicast.empty() ? "" : ", %h0") + R"(;
  again: mbarrier.try_wait.parity.shared::cta.b64 %p2, [%r0], 0;
    @!%p2 bra again;
    barrier.cluster.arrive; barrier.cluster.wait;
  end:)";
}

TEST(Traffic, CountsTheLanesThatTakePart) {
  EXPECT_EQ(count("st.global.u64 [%mine], %rd0;"), (Bytes{0, 256}));
  EXPECT_EQ(
      count("setp.lt.u32 %p0, %r31, 5; @%p0 ld.global.u64 %rd0, [%mine];"),
      (Bytes{40, 0}));
  EXPECT_EQ(count("ld.global.v4.u32 {%r0, %r1, %r2, %r3}, [%out];"),
            (Bytes{512, 0}));
  // Far apart, through a generic address, and in one lane.
  EXPECT_EQ(count("mad.wide.u32 %rd0, %r31, 512, %out;"
                  "cvta.global.u64 %rd0, %rd0; ld.volatile.u32 %r0, [%rd0];"),
            (Bytes{128, 0}));
  EXPECT_EQ(count("setp.eq.u32 %p0, %r31, 7; @%p0 st.global.u8 [%mine], %r0;"),
            (Bytes{0, 1}));
  EXPECT_EQ(count("st.global.u32 [%mine], %r31;", 6), (Bytes{0, 6 * 128}));
}

TEST(Traffic, AtomicsWrite) {
  EXPECT_EQ(count("atom.global.add.u32 %r0, [%out], 1;"), (Bytes{0, 128}));
  EXPECT_EQ(count("red.global.add.u64 [%mine], 1;"), (Bytes{0, 256}));
}

TEST(Traffic, LeavesOutWhatIsNotGlobal) {
  EXPECT_EQ(count("mov.u32 %r0, buffer; mad.lo.u32 %r0, %r31, 4, %r0;"
                  "st.shared.u32 [%r0], %r31; ld.shared.u32 %r1, [%r0];"
                  "cvt.u64.u32 %rd0, %r0; cvta.shared.u64 %rd0, %rd0;"
                  "ld.u32 %r1, [%rd0];"),
            (Bytes{0, 0}));
}

TEST(Traffic, CountsAsynchronousCopies) {
  // The last 8 of 16 bytes are zeros.
  EXPECT_EQ(count("mov.u32 %r0, buffer; mad.lo.u32 %r0, %r31, 16, %r0;"
                  "mad.wide.u32 %rd0, %r31, 16, %out;"
                  "cp.async.cg.shared.global [%r0], [%rd0], 16, 8;"
                  "cp.async.wait_all;"),
            (Bytes{256, 0}));
  EXPECT_EQ(count(copyIn("", "")), (Bytes{256, 0}));
  EXPECT_EQ(count("mov.u32 %r0, buffer; setp.ne.u32 %p0, %r31, 0;"
                  "@%p0 bra end; st.shared.u64 [%r0], %out;"
                  "st.shared.u64 [%r0+8], %out; fence.proxy.async;"
                  "cp.async.bulk.global.shared::cta.bulk_group [%out], [%r0], "
                  "16; cp.async.bulk.commit_group;"
                  "cp.async.bulk.wait_group 0; end:"),
            (Bytes{0, 16}));
}

TEST(Traffic, ReadsOnceWhatGoesToSeveralBlocks) {
  EXPECT_EQ(count(copyIn(".multicast::cluster", "@%p3"), 4, 2),
            (Bytes{2 * 256, 0}));
  EXPECT_EQ(count(copyIn("", ""), 4, 2), (Bytes{4 * 256, 0}));
}

} // namespace
