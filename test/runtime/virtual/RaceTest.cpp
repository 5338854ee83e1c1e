//===- RaceTest.cpp - Races and missing proxy fences ----------------------===//
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

/// What a launch with everything checked reports.
struct Result {
  std::string error;
  LaunchReport report;

  /// "kind cause; kind cause", each pair once.
  std::string causes() const {
    std::string text;
    for (const Finding &finding : report.findings) {
      // That a missing wait is also a leak is not the point here.
      if (finding.kind == FindingKind::Leak)
        continue;
      std::string one = std::string(getName(finding.kind)) + " " +
                        std::string(getName(finding.cause));
      if (text.find(one) == std::string::npos)
        text += (text.empty() ? "" : "; ") + one;
    }
    return text;
  }
};

struct Setup {
  uint32_t threads = 64;
  uint32_t grid = 1, cluster = 1;
  bool foreign = false;
  std::string module;
};

/// Runs `body` (see `kernelWith`) on a buffer of 64 KiB of zeros.
Result check(const std::string &body, const Setup &setup = {}) {
  Result result;
  VirtualDeviceOptions options;
  options.stepBudget = 1 << 22;
  options.sanitize = SanitizeLevel::Full;
  options.foreign = setup.foreign;
  options.onReport = [&](const LaunchReport &report) {
    result.report = report;
  };
  TestDevice device(options);
  DeviceAddress out = device.upload(std::vector<uint64_t>(8192));
  LaunchConfig config;
  config.block.x = setup.threads;
  config.grid.x = setup.grid;
  config.cluster.x = setup.cluster;
  result.error = device.run(kernelWith(body, setup.module), "k", config, {out});
  return result;
}

/// Shared addresses: %r1 of this thread's word, %r2 of its neighbour's in the
/// other warp.
const std::string words = R"(
.shared .align 128 .b8 words[1024];
.shared .align 8 .b64 bar;
mov.u32 %r0, words;
shl.b32 %r3, %r31, 2;
add.u32 %r1, %r0, %r3;
xor.b32 %r3, %r3, 128;
add.u32 %r2, %r0, %r3;
setp.eq.u32 %p1, %r31, 0;
and.b32 %r4, %r31, 31;
setp.eq.u32 %p2, %r4, 0;
setp.lt.u32 %p3, %r31, 32;
)";

TEST(Race, BarrierOrders) {
  EXPECT_EQ(check(words + R"(
st.shared.u32 [%r1], 1;
bar.sync 0;
ld.shared.u32 %r5, [%r2];
bar.sync 0;
st.shared.u32 [%r2], 2;)")
                .error,
            "");
  EXPECT_EQ(check(words + R"(
st.shared.u32 [%r1], 1;
ld.shared.u32 %r5, [%r2];)")
                .causes(),
            "race no-synchronization");
  // Only one direction is ordered.
  EXPECT_EQ(check(words + R"(
st.shared.u32 [%r1], 1;
bar.sync 0;
ld.shared.u32 %r5, [%r2];
st.shared.u32 [%r1], 2;)")
                .causes(),
            "race no-synchronization");
}

TEST(Race, AsyncStores) {
  // Lane 0 of warp 0 expects the bytes, and warp 1 stores them.
  auto with = [&](const std::string &store, const std::string &wait) {
    return check(words + R"(
@%p1 mbarrier.init.shared.b64 [bar], 1;
st.shared.u32 [%r1], 0;
bar.sync 0;
mov.u32 %r8, bar;
@%p1 mbarrier.arrive.expect_tx.shared.b64 _, [bar], 128;
@!%p3 )" + store +
                 R"(
LOOP:)" + wait + R"(
ld.shared.u32 %r7, [%r0];)")
        .causes();
  };
  std::string wait = R"(
mbarrier.try_wait.parity.shared.b64 %p4, [bar], 0;
@!%p4 bra LOOP;)";
  std::string store = "st.async.shared::cluster.mbarrier::complete_tx::bytes"
                      ".b32 [%r2], %r4, [%r8];";
  // All lanes reduce into one word.
  std::string reduce =
      "red.async.relaxed.cluster.shared::cluster.mbarrier::complete_tx::bytes"
      ".add.u32 [%r0], %r4, [%r8];";
  EXPECT_EQ(with(store, wait), "");
  EXPECT_EQ(with(reduce, wait), "");
  EXPECT_EQ(with(store, ""), "race missing-wait");
  EXPECT_EQ(with(reduce, ""), "race missing-wait");
}

TEST(Race, LanesOfOneWarp) {
  std::string swap = words + R"(
mov.u32 %r6, words;
sub.u32 %r5, 31, %r4;
shl.b32 %r5, %r5, 2;
add.u32 %r5, %r5, %r6;
st.shared.u32 [%r1], %r4;
SYNC
ld.shared.u32 %r7, [%r5];)";
  auto with = [&](const std::string &sync) {
    std::string text = swap;
    text.replace(text.find("SYNC"), 4, sync);
    return check(text, {.threads = 32}).causes();
  };
  EXPECT_EQ(with("bar.warp.sync 0xffffffff;"), "");
  EXPECT_EQ(with("bar.sync 0;"), "");
  EXPECT_EQ(with(""), "race no-synchronization");
  EXPECT_EQ(with("shfl.sync.idx.b32 %r8, %r4, 0, 31, -1;"),
            "race no-synchronization");
  // Its own word, a thread may always read.
  EXPECT_EQ(check(words + "st.shared.u32 [%r1], 1;\n"
                          "ld.shared.u32 %r5, [%r1];\n"
                          "ld.shared.u8 %r5, [%r1+3];")
                .error,
            "");
}

/// Warp 0 stores, arrives; warp 1 waits, loads.
std::string handOver(const std::string &arrive, const std::string &wait,
                     const std::string &count = "1") {
  return words + R"(
mov.u32 %r6, bar;
@%p1 mbarrier.init.shared.b64 [%r6], )" +
         count + R"(;
bar.sync 0;
@!%p3 bra reader;
)" + arrive +
         R"(
bra done;
reader:
)" + wait +
         R"(
ld.shared.u32 %r5, [%r2];
done:
)";
}

TEST(Race, Mbarrier) {
  std::string wait = "loop:\n"
                     "mbarrier.try_wait.parity.shared.b64 %p4, [%r6], 0;\n"
                     "@!%p4 bra loop;";
  std::string store = "st.shared.u32 [%r1], 7;\n", sync = "bar.warp.sync -1;\n",
              arrive = "@%p2 mbarrier.arrive.shared.b64 _, [%r6];\n",
              arriveAll = "mbarrier.arrive.shared.b64 _, [%r6];\n";
  EXPECT_EQ(check(handOver(store + sync + arrive, wait)).error, "");
  EXPECT_EQ(check(handOver(store + arriveAll, wait, "32")).error, "");
  Result laneOnly = check(handOver(store + arrive, wait));
  EXPECT_EQ(laneOnly.causes(), "race lane-only-release");
  ASSERT_FALSE(laneOnly.report.findings.empty());
  EXPECT_NE(laneOnly.report.findings[0].missing.find("bar.warp.sync"),
            std::string::npos);
  EXPECT_EQ(check(handOver(sync + arrive + store, wait)).causes(),
            "race early-release");
  EXPECT_EQ(check(handOver("mov.u32 %r9, 0;\nspin:\nadd.u32 %r9, %r9, 1;\n"
                           "setp.lt.u32 %p5, %r9, 3000;\n@%p5 bra spin;\n" +
                               store + sync + arrive,
                           "mov.u32 %r9, 0;\nspin2:\nadd.u32 %r9, %r9, 1;\n"
                           "setp.lt.u32 %p5, %r9, 9000;\n@%p5 bra spin2;\n"))
                .causes(),
            "race missing-wait");
  std::string relaxed =
      "loop:\n"
      "mbarrier.try_wait.parity.relaxed.cta.shared.b64 %p4, [%r6], 0;\n"
      "@!%p4 bra loop;";
  EXPECT_EQ(check(handOver(store + sync + arrive, relaxed)).causes(),
            "race weak-order");
  std::string relaxedArrive =
      "@%p2 mbarrier.arrive.relaxed.cta.shared.b64 _, [%r6];\n";
  EXPECT_EQ(check(handOver(store + sync + relaxedArrive, wait)).causes(),
            "race weak-order");
}

TEST(Race, MbarrierInit) {
  std::string text = handOver("st.shared.u32 [%r1], 7;\nbar.warp.sync -1;\n"
                              "@%p2 mbarrier.arrive.shared.b64 _, [%r6];\n",
                              "");
  size_t at = text.find("bar.sync 0;");
  text.replace(at, 11,
               "mov.u32 %r9, 0;\nspin:\nadd.u32 %r9, %r9, 1;\n"
               "setp.lt.u32 %p5, %r9, 900;\n@%p5 bra spin;\n");
  Result result = check(text + "mbarrier.try_wait.parity.shared.b64 "
                               "%p4, [%r6], 0;\n");
  EXPECT_NE(result.causes().find("barrier-misuse uninitialized-barrier"),
            std::string::npos)
      << result.error;
}

/// One thread copies 512 bytes to `words`; all read them.
std::string bulkLoad(const std::string &before, const std::string &wait) {
  return words + R"(
mov.u32 %r6, bar;
@%p1 mbarrier.init.shared.b64 [%r6], 1;
bar.sync 0;
)" + before +
         R"(
@!%p1 bra issued;
mbarrier.arrive.expect_tx.shared.b64 _, [%r6], 512;
cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%r0], [%out], 512, [%r6];
issued:
)" + wait +
         R"(
ld.shared.u32 %r5, [%r1];
)";
}

TEST(Race, BulkCopy) {
  std::string wait = "loop:\n"
                     "mbarrier.try_wait.parity.shared.b64 %p4, [%r6], 0;\n"
                     "@!%p4 bra loop;\n";
  EXPECT_EQ(check(bulkLoad("", wait)).error, "");
  // Some read before the copy is issued, some while it is under way.
  EXPECT_EQ(check(bulkLoad("bar.sync 0;\n", "bar.sync 0;\n")).causes(),
            "race missing-wait");
  // Generic reads before the asynchronous write.
  std::string read = "st.shared.u32 [%r1], 1;\nld.shared.u32 %r7, [%r1];\n";
  EXPECT_EQ(
      check(bulkLoad(read + "fence.proxy.async;\nbar.sync 0;\n", wait)).error,
      "");
  EXPECT_EQ(
      check(bulkLoad(read + "bar.sync 0;\nfence.proxy.async;\n", wait)).error,
      "");
  EXPECT_EQ(check(bulkLoad(read + "bar.sync 0;\n", wait)).causes(),
            "missing-proxy-fence missing-proxy-fence");
  EXPECT_EQ(check(bulkLoad(read + "fence.proxy.async;\n", wait)).causes(),
            "race no-synchronization");
  // Only a read, of what nobody wrote: our own code must fence it, other
  // people's is warned.
  std::string onlyRead = "ld.shared.u32 %r7, [%r1];\nbar.sync 0;\n";
  EXPECT_NE(check(bulkLoad(onlyRead, wait)).error, "");
  Result foreign = check(bulkLoad(onlyRead, wait), {.foreign = true});
  EXPECT_EQ(foreign.error, "");
  EXPECT_EQ(foreign.causes(), "missing-proxy-fence missing-proxy-fence");
}

std::string bulkStore(const std::string &between, const std::string &after) {
  return words + R"(
st.shared.u32 [%r1], 1;
)" + between +
         R"(
@!%p1 bra issued;
cp.async.bulk.global.shared::cta.bulk_group [%out], [%r0], 256;
cp.async.bulk.commit_group;
)" + after +
         R"(
issued:
bar.sync 0;
st.shared.u32 [%r1], 2;
)";
}

TEST(Race, BulkStore) {
  std::string wait = "cp.async.bulk.wait_group.read 0;";
  EXPECT_EQ(check(bulkStore("fence.proxy.async;\nbar.sync 0;", wait)).error,
            "");
  EXPECT_EQ(check(bulkStore("bar.sync 0;", wait)).causes(),
            "missing-proxy-fence missing-proxy-fence");
  // A fence of the other memory is none.
  EXPECT_EQ(
      check(bulkStore("fence.proxy.async.global;\nbar.sync 0;", wait)).causes(),
      "missing-proxy-fence missing-proxy-fence");
  EXPECT_EQ(check(bulkStore("fence.proxy.async;\nbar.sync 0;", "")).causes(),
            "race missing-wait");
  EXPECT_EQ(check(bulkStore("fence.proxy.async;\nbar.sync 0;",
                            "cp.async.bulk.wait_group.read 1;"))
                .causes(),
            "race missing-wait");
}

TEST(Race, CpAsync) {
  auto copy = [&](const std::string &wait) {
    return check(words + R"(
mul.wide.u32 %rd1, %r31, 4;
add.u64 %rd1, %rd1, %out;
cp.async.ca.shared.global [%r1], [%rd1], 4;
cp.async.commit_group;
)" + wait + R"(
ld.shared.u32 %r5, [%r2];)")
        .causes();
  };
  EXPECT_EQ(copy("cp.async.wait_group 0;\nbar.sync 0;"), "");
  EXPECT_EQ(copy("cp.async.wait_all;\nbar.sync 0;"), "");
  EXPECT_EQ(copy("bar.sync 0;\ncp.async.wait_group 0;"), "race early-release");
  EXPECT_EQ(copy("cp.async.wait_group 1;\nbar.sync 0;"), "race missing-wait");
  EXPECT_EQ(copy("bar.sync 0;"), "race missing-wait");
}

TEST(Race, GlobalFlags) {
  // CTA 0 writes and raises a flag; CTA 1 spins on it and reads.
  auto message = [&](const std::string &raise, const std::string &look,
                     const std::string &after = "") {
    return check(R"(
mov.u32 %r1, %ctaid.x;
setp.ne.u32 %p1, %r1, 0;
@%p1 bra reader;
st.global.u32 [%out+4096], 5;
)" + raise + R"(
bra done;
reader:
)" + look + R"(
setp.eq.u32 %p2, %r2, 0;
@%p2 bra reader;
)" + after + R"(
ld.global.u32 %r3, [%out+4096];
done:
)",
                 {.threads = 1, .grid = 2})
        .causes();
  };
  EXPECT_EQ(message("st.release.gpu.global.u32 [%out], 1;",
                    "ld.acquire.gpu.global.u32 %r2, [%out];"),
            "");
  EXPECT_EQ(message("red.release.gpu.global.add.u32 [%out], 1;",
                    "ld.acquire.gpu.global.u32 %r2, [%out];"),
            "");
  EXPECT_EQ(message("fence.acq_rel.gpu;\nst.relaxed.gpu.global.u32 [%out], 1;",
                    "ld.relaxed.gpu.global.u32 %r2, [%out];",
                    "fence.acq_rel.gpu;"),
            "");
  EXPECT_EQ(message("membar.gl;\nst.volatile.global.u32 [%out], 1;",
                    "ld.volatile.global.u32 %r2, [%out];", "membar.gl;"),
            "");
  EXPECT_NE(message("st.relaxed.gpu.global.u32 [%out], 1;",
                    "ld.acquire.gpu.global.u32 %r2, [%out];"),
            "");
  EXPECT_NE(message("st.release.gpu.global.u32 [%out], 1;",
                    "ld.relaxed.gpu.global.u32 %r2, [%out];"),
            "");
  EXPECT_NE(message("st.release.cta.global.u32 [%out], 1;",
                    "ld.acquire.cta.global.u32 %r2, [%out];"),
            "");
  EXPECT_EQ(message("st.global.u32 [%out], 1;",
                    "ld.acquire.gpu.global.u32 %r2, [%out];")
                .find("race weak-order"),
            0u);
}

TEST(Race, LanesThatReadTheSame) {
  // Lanes of each half of a warp read one word, which the last of them writes.
  auto causes = [&](const std::string &between) {
    return check(words + R"(
st.shared.u32 [%r1], 1;
bar.sync 0;
and.b32 %r7, %r31, 16;
shl.b32 %r7, %r7, 3;
add.u32 %r7, %r7, %r0;
ld.shared.u32 %r5, [%r7];
)" + between + R"(
and.b32 %r8, %r31, 15;
setp.eq.u32 %p5, %r8, 15;
@%p5 st.shared.u32 [%r7], %r5;
)",
                 {.threads = 32})
        .causes();
  };
  EXPECT_EQ(causes("bar.warp.sync -1;"), "");
  EXPECT_EQ(causes(""), "race no-synchronization");
}

TEST(Race, ScopesOfFences) {
  // Each CTA writes and takes a ticket; the last one reads what all wrote.
  auto lastBlock = [&](const std::string &release, const std::string &acquire) {
    return check(R"(
mov.u32 %r1, %ctaid.x;
mad.wide.u32 %rd1, %r1, 256, %out;
st.global.u32 [%rd1+4096], 5;
)" + release + "\natom.global.add.u32 %r2, [%out], 1;\n" +
                     acquire + R"(
setp.ne.u32 %p1, %r2, 3;
@%p1 bra done;
ld.global.u32 %r3, [%out+4096];
ld.global.u32 %r3, [%out+4352];
ld.global.u32 %r3, [%out+4608];
ld.global.u32 %r3, [%out+4864];
done:
)",
                 {.threads = 1, .grid = 4})
        .causes();
  };
  EXPECT_EQ(lastBlock("membar.gl;", "membar.gl;"), "");
  EXPECT_EQ(lastBlock("membar.cta;", "membar.gl;"), "race scope");
  EXPECT_EQ(lastBlock("membar.gl;", "membar.cta;"), "race scope");
  EXPECT_EQ(lastBlock("", "membar.gl;"), "race no-synchronization");
  EXPECT_EQ(lastBlock("membar.gl;", ""), "race no-synchronization");
}

TEST(Race, FencesBeforeBarriers) {
  // All threads store and fence; one takes the ticket of all; all of the last
  // CTA fence and read.
  auto lastBlock = [&](const std::string &before, const std::string &between,
                       const std::string &after) {
    return check(".shared .align 4 .b32 ticket;\n"
                 "setp.eq.u32 %p1, %r31, 0;\n"
                 "mov.u32 %r1, %ctaid.x;\n"
                 "mad.wide.u32 %rd1, %r1, 512, %mine;\n"
                 "st.global.u64 [%rd1+4096], %rd1;\n" +
                     before + "\n" + between + R"(
@!%p1 bra taken;
atom.global.add.u32 %r2, [%out], 1;
st.shared.u32 [ticket], %r2;
taken:
)" + between + R"(
ld.shared.u32 %r2, [ticket];
setp.ne.u32 %p2, %r2, 2;
@%p2 bra done;
)" + after + R"(
ld.global.u64 %rd2, [%mine+4096];
ld.global.u64 %rd2, [%mine+4608];
ld.global.u64 %rd2, [%mine+5120];
done:
)",
                 {.grid = 3})
        .causes();
  };
  std::string sync = "bar.sync 0;";
  EXPECT_EQ(lastBlock("membar.gl;", sync, "membar.gl;"), "");
  EXPECT_EQ(lastBlock("fence.acq_rel.sys;", sync, "membar.gl;"), "");
  EXPECT_EQ(lastBlock("membar.cta;", sync, "membar.gl;"), "race scope");
  EXPECT_EQ(lastBlock("membar.gl;", sync, "membar.cta;"), "race scope");
  EXPECT_EQ(lastBlock("", sync, "membar.gl;"), "race no-synchronization");
  EXPECT_EQ(lastBlock("membar.gl;", sync, ""), "race no-synchronization");
  // Threads of which one alone fences before its barrier.
  EXPECT_EQ(lastBlock("@%p1 membar.gl;", sync, "membar.gl;"),
            "race no-synchronization");
}

/// Lane l of CTA 0 stores to its word, `fences`, and stores its flag, for
/// which lane l of CTA 1 waits.
std::string flagsOfLanes(const std::string &fences) {
  return check(R"(
setp.lt.u32 %p1, %r31, 16;
mov.u32 %r1, %ctaid.x;
setp.ne.u32 %p2, %r1, 0;
@%p2 bra reader;
st.global.u32 [%mine+4096], 5;
)" + fences + R"(
st.volatile.global.u32 [%mine], 1;
bra done;
reader:
ld.volatile.global.u32 %r2, [%mine];
setp.eq.u32 %p3, %r2, 0;
@%p3 bra reader;
membar.gl;
ld.global.u32 %r3, [%mine+4096];
done:
)",
               {.threads = 32, .grid = 2})
      .causes();
}

TEST(Race, SeveralFences) {
  EXPECT_EQ(flagsOfLanes("membar.gl;"), "");
  // A narrow fence does not undo a wide one, nor is it one.
  EXPECT_EQ(flagsOfLanes("membar.gl;\nmembar.cta;"), "");
  EXPECT_EQ(flagsOfLanes("membar.cta;\nmembar.gl;"), "");
  EXPECT_EQ(flagsOfLanes("membar.cta;\nmembar.cta;"), "race scope");
  // What comes after the wide one, it does not publish.
  EXPECT_EQ(flagsOfLanes("membar.gl;\nst.global.u32 [%mine+4096], 6;\n"
                         "membar.cta;"),
            "race scope");
}

TEST(Race, FencesOfLanes) {
  auto halves = [](const std::string &first, const std::string &second) {
    return flagsOfLanes("@!%p1 bra second;\n" + first +
                        "\nbra both;\nsecond:\n" + second + "\nboth:");
  };
  EXPECT_EQ(halves("membar.gl;", "membar.sys;"), "");
  EXPECT_EQ(halves("membar.sys;", "membar.gl;"), "");
  EXPECT_EQ(halves("membar.gl;", "membar.cta;"), "race scope");
  EXPECT_EQ(halves("membar.cta;", "membar.gl;"), "race scope");
  EXPECT_EQ(halves("", "membar.gl;"), "race no-synchronization");
  EXPECT_EQ(halves("membar.gl;", ""), "race no-synchronization");
}

TEST(Race, LocksInSharedMemory) {
  // Each thread adds to a word that a lock guards.
  auto add = [&](const std::string &taken, const std::string &free) {
    return check(R"(
.shared .align 4 .b32 lock;
.shared .align 4 .b32 value;
setp.eq.u32 %p1, %r31, 0;
@%p1 st.shared.u32 [lock], 0;
@%p1 st.shared.u32 [value], 0;
bar.sync 0;
again:
atom.shared.cas.b32 %r1, [lock], 0, 1;
setp.ne.u32 %p1, %r1, 0;
@%p1 bra again;
)" + taken + R"(
ld.shared.u32 %r2, [value];
add.u32 %r2, %r2, 1;
st.shared.u32 [value], %r2;
)" + free + "\natom.shared.exch.b32 %r1, [lock], 0;\n",
                 {.threads = 36})
        .causes();
  };
  EXPECT_EQ(add("membar.cta;", "membar.cta;"), "");
  EXPECT_NE(add("", "membar.cta;"), "");
  EXPECT_NE(add("membar.cta;", ""), "");
}

TEST(Race, LaneOfAnotherCluster) {
  // Lane 0 of CTA 0 publishes its own store, which lane 0 of CTA 1 reads.
  std::string text = R"(
mov.u32 %r1, %ctaid.x;
setp.ne.u32 %p1, %r31, 0;
@%p1 bra done;
setp.ne.u32 %p1, %r1, 0;
@%p1 bra reader;
st.global.u32 [%out+4096], 5;
st.release.gpu.global.u32 [%out], 1;
bra done;
reader:
ld.acquire.gpu.global.u32 %r2, [%out];
setp.eq.u32 %p2, %r2, 0;
@%p2 bra reader;
done:
bar.sync 0;
setp.eq.u32 %p2, %r1, 0;
setp.ne.or.u32 %p1, %r31, 0, %p2;
@%p1 bra exit;
ld.global.u32 %r3, [%out+4096];
exit:
)";
  EXPECT_EQ(check(text, {.grid = 2}).causes(), "");
}

TEST(Race, LastBlock) {
  // Whoever counts last reads what all have written.
  auto last = [&](const std::string &order) {
    return check(R"(
mov.u32 %r1, %ctaid.x;
setp.ne.u32 %p1, %r31, 0;
@%p1 bra exit;
mad.wide.u32 %rd1, %r1, 4, %out;
st.global.u32 [%rd1+4096], %r1;
atom.)" + order + R"(.gpu.global.add.u32 %r2, [%out], 1;
setp.ne.u32 %p1, %r2, 299;
@%p1 bra exit;
mov.u32 %r3, 0;
mov.u32 %r4, 0;
again:
mad.wide.u32 %rd1, %r3, 4, %out;
ld.global.u32 %r5, [%rd1+4096];
add.u32 %r4, %r4, %r5;
add.u32 %r3, %r3, 1;
setp.lt.u32 %p1, %r3, 300;
@%p1 bra again;
st.global.u32 [%out+8], %r4;
exit:
)",
                 {.threads = 32, .grid = 300})
        .causes();
  };
  EXPECT_EQ(last("acq_rel"), "");
  EXPECT_NE(last("release"), "");
  EXPECT_NE(last("acquire"), "");
}

TEST(Race, BulkReadsBeforeAWrite) {
  // All CTAs read one range, and the last writes a byte of it, or beside it.
  auto write = [&](const std::string &offset) {
    return check(words + R"(
mov.u32 %r6, bar;
mov.u32 %r5, %ctaid.x;
@%p1 mbarrier.init.shared.b64 [%r6], 1;
bar.sync 0;
@!%p1 bra issued;
mbarrier.arrive.expect_tx.shared.b64 _, [%r6], 512;
cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%r0], [%out], 256, [%r6];
cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%r0+256], [%out], 256, [%r6];
issued:
mbarrier.try_wait.parity.shared.b64 %p4, [%r6], 0;
@!%p4 bra issued;
setp.ne.or.u32 %p4, %r5, 19, !%p1;
@%p4 bra exit;
st.global.u8 [%out+)" +
                     offset + R"(], 1;
exit:
)",
                 {.grid = 20})
        .causes();
  };
  EXPECT_EQ(write("256"), "");
  EXPECT_EQ(write("255"), "race no-synchronization");
}

TEST(Race, ProxyFenceOfGlobalMemory) {
  // Lanes store what one of them copies.
  auto copy = [&](const std::string &fence) {
    return check(words + R"(
mov.u32 %r6, bar;
@%p1 mbarrier.init.shared.b64 [%r6], 1;
mul.wide.u32 %rd1, %r31, 4;
add.u64 %rd1, %rd1, %out;
st.global.u32 [%rd1], %r31;
)" + fence + R"(
bar.sync 0;
@!%p1 bra issued;
mbarrier.arrive.expect_tx.shared.b64 _, [%r6], 256;
cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%r0], [%out], 256, [%r6];
issued:
mbarrier.try_wait.parity.shared.b64 %p4, [%r6], 0;
@!%p4 bra issued;
)")
        .causes();
  };
  EXPECT_EQ(copy("fence.proxy.async.global;"), "");
  EXPECT_EQ(copy("fence.proxy.async;"), "");
  EXPECT_EQ(copy(""), "missing-proxy-fence missing-proxy-fence");
}

TEST(Race, GlobalMemory) {
  // Every CTA adds to one word, and writes its own.
  EXPECT_EQ(check("red.global.add.u32 [%out], 1;\n"
                  "mov.u32 %r1, %ctaid.x;\n"
                  "mad.wide.u32 %rd1, %r1, 512, %mine;\n"
                  "st.global.u64 [%rd1+64], %rd1;",
                  {.grid = 4})
                .error,
            "");
  EXPECT_EQ(check("st.global.u64 [%mine], %out;", {.grid = 2}).causes(),
            "race no-synchronization");
}

TEST(Race, AtomicsThatFault) {
  // What is no memory, nobody watches.
  for (std::string atom : {"atom.shared.add.u32 %r5, [%r0+500000], 1;",
                           "red.shared.add.u32 [%r0+500000], 1;",
                           "red.shared::cluster.add.u32 [%r0+218103808], 1;",
                           "atom.global.add.u32 %r5, [%rd1+4096], 1;"})
    EXPECT_EQ(check(words + "mov.u64 %rd1, 0;\n" + atom).causes(),
              "access bounds")
        << atom;
}

TEST(Race, Clusters) {
  // Each CTA writes to its neighbour's shared memory and reads its own.
  auto exchange = [&](const std::string &arrive, const std::string &wait) {
    return check(words + R"(
mov.u32 %r6, %cluster_ctarank;
xor.b32 %r6, %r6, 1;
mapa.shared::cluster.u32 %r7, %r1, %r6;
barrier.cluster.arrive.aligned;
barrier.cluster.wait.aligned;
st.shared::cluster.u32 [%r7], 3;
)" + arrive + wait + R"(
ld.shared.u32 %r8, [%r1];
)",
                 {.grid = 2, .cluster = 2})
        .causes();
  };
  std::string wait = "barrier.cluster.wait.aligned;\n";
  EXPECT_EQ(exchange("barrier.cluster.arrive.aligned;\n", wait), "");
  EXPECT_EQ(exchange("barrier.cluster.arrive.release.aligned;\n",
                     "barrier.cluster.wait.acquire.aligned;\n"),
            "");
  EXPECT_NE(exchange("barrier.cluster.arrive.relaxed.aligned;\n", wait), "");
  EXPECT_NE(exchange("bar.sync 0;\n", ""), "");
}

} // namespace
