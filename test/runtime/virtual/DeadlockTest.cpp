//===- DeadlockTest.cpp - Programs that hang, and why ---------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestDevice.h"

#include <fmt/format.h>

using namespace heddle;
using namespace heddle::test;

namespace {

struct Outcome {
  std::string error;
  LaunchReport report;
  const Finding &finding() const {
    static const Finding none;
    return report.findings.empty() ? none : report.findings[0];
  }
};

Outcome check(const std::string &body, uint32_t threads = 64,
              SanitizeLevel level = SanitizeLevel::Off, uint32_t cluster = 1) {
  Outcome outcome;
  VirtualDeviceOptions options;
  options.stepBudget = 1 << 24;
  options.sanitize = level;
  options.onReport = [&](const LaunchReport &report) {
    outcome.report = report;
  };
  TestDevice device(options);
  DeviceAddress out = device.upload(std::vector<uint64_t>(threads));
  LaunchConfig config;
  config.grid.x = config.cluster.x = cluster;
  config.block.x = threads;
  config.dynamicSharedBytes = 4096;
  outcome.error = device.run(
      kernelWith(body, ".extern .shared .align 1024 .b8 buffer[];\n"), "k",
      config, {out});
  return outcome;
}

/// Thread 0 initialises the mbarrier at shared offset 0 with `count`.
std::string initialised(const char *count) {
  return std::string("mov.u32 %r0, buffer; setp.eq.u32 %p0, %r31, 0;\n"
                     "@%p0 mbarrier.init.shared::cta.b64 [%r0], ") +
         count + ";\nbar.sync 0;\n";
}

const std::string waitForPhase =
    "again: mbarrier.try_wait.parity.shared::cta.b64 %p1, [%r0], 0;\n"
    "@!%p1 bra again;\n";

void expectCause(const Outcome &outcome, CauseClass cause,
                 const std::string &text) {
  EXPECT_EQ(outcome.finding().kind, FindingKind::Deadlock) << outcome.error;
  EXPECT_EQ(getName(outcome.finding().cause), getName(cause)) << outcome.error;
  EXPECT_NE(outcome.error.find(text), std::string::npos) << outcome.error;
}

TEST(Deadlock, LoopWithoutRegisters) {
  VirtualDeviceOptions options;
  LaunchReport report;
  options.onReport = [&](const LaunchReport &made) { report = made; };
  TestDevice device(options);
  LaunchConfig config;
  config.block.x = 32;
  device.run(preamble() + ".visible .entry k()\n{\nagain: bra again;\n}\n", "k",
             config, {});
  ASSERT_EQ(report.findings.size(), 1u);
  EXPECT_EQ(report.findings[0].kind, FindingKind::Deadlock);
}

TEST(Deadlock, ArrivalCount) {
  expectCause(
      check(initialised("65") + "mbarrier.arrive.shared::cta.b64 _, [%r0];\n" +
            waitForPhase),
      CauseClass::ArrivalCount,
      "64 of the 65 arrivals that phase 0 of the mbarrier at shared offset 0 "
      "expects came, and nobody is left to arrive");
}

TEST(Deadlock, TransactionBytes) {
  expectCause(
      check(initialised("1") +
            "@%p0 mbarrier.arrive.expect_tx.shared::cta.b64 _, [%r0], 512;\n"
            "@%p0 cp.async.bulk.shared::cluster.global"
            ".mbarrier::complete_tx::bytes [%r0+1024], [%out], 256, [%r0];\n" +
            waitForPhase),
      CauseClass::TransactionBytes,
      "all 1 arrivals of phase 0 of the mbarrier at shared offset 0 are in, "
      "but 256 of the bytes that they expect were not copied: 512 bytes "
      "expected and 256 copied");
}

TEST(Deadlock, Parity) {
  expectCause(check(initialised("1") + waitForPhase +
                    "@%p0 mbarrier.arrive.shared::cta.b64 _, [%r0];"),
              CauseClass::Parity, "waits with parity 1");
}

TEST(Deadlock, PollingAPhase) {
  std::string poll = waitForPhase;
  poll.replace(poll.find("try_wait"), 8, "test_wait");
  expectCause(check(initialised("65") +
                    "mbarrier.arrive.shared::cta.b64 _, [%r0];\n" + poll),
              CauseClass::ArrivalCount, "64 of the 65 arrivals");
}

TEST(Deadlock, NamedBarrierCount) {
  // Warp 1 is at another barrier.
  expectCause(check("setp.lt.u32 %p0, %r31, 32; @%p0 bra first; bar.sync 2; "
                    "bra end; first: bar.sync 3; end:"),
              CauseClass::NamedBarrierCount,
              "barrier 3 waits for 64 threads, 32 arrived");
}

TEST(Deadlock, LanesThatDoNotArrive) {
  // Half of warp 1 is at another barrier.
  auto at = [](const char *here, const char *there) {
    return fmt::format("setp.ge.u32 %p0, %r31, 32;\n"
                       "setp.lt.and.u32 %p0, %r31, 48, %p0;\n"
                       "@%p0 bra low; {} bra end; low: {} end:",
                       here, there);
  };
  std::string cluster = "barrier.cluster.arrive; barrier.cluster.wait;";
  auto expectText = [](const Outcome &outcome, const std::string &text) {
    EXPECT_NE(outcome.error.find(text), std::string::npos) << outcome.error;
  };
  Outcome outcome = check(at("barrier.sync 0;", "barrier.sync 3;"));
  expectText(outcome, "32 of 64 threads arrived; not arrived: warp 1 (lanes "
                      "0-15)");
  expectText(outcome, "0 of 64 threads arrived; not arrived: warp 0, warp 1 "
                      "(lanes 16-31)");
  expectText(check(at(cluster.c_str(), "barrier.sync 0;")),
             "not arrived: CTA (0,0,0) warp 1 (lanes 0-15)");
}

TEST(Deadlock, EarlyExit) {
  expectCause(
      check("setp.lt.u32 %p0, %r31, 32; @%p0 exit; bar.sync 1, 64;"),
      CauseClass::EarlyExit,
      "barrier 1 waits for 64 threads, 32 arrived and warps of the CTA have "
      "exited");
}

TEST(Deadlock, Divergence) {
  expectCause(check("setp.lt.u32 %p0, %r31, 16; @%p0 bra low;\n"
                    "bar.warp.sync 0xffffffff; bra end;\n"
                    "low: shfl.sync.idx.b32 %r1, %r31, 0, 31, 0xffffffff;\n"
                    "end:",
                    32),
              CauseClass::Divergence, "wait at different places");
}

/// Warpgroup 1 asks for more registers, twice; warpgroup 0 may give some back.
std::string resizing(const char *give) {
  return std::string("setp.lt.u32 %p0, %r31, 128; @%p0 bra first;\n"
                     "setmaxnreg.inc.sync.aligned.u32 256;\n"
                     "setmaxnreg.inc.sync.aligned.u32 256; bra end;\n"
                     "first: mov.u32 %r3, 0;\n"
                     "idle: add.u32 %r3, %r3, 1; setp.lt.u32 %p1, %r3, 999;\n"
                     "@%p1 bra idle;\n") +
         give + "\nend:";
}

TEST(Deadlock, RegisterPool) {
  EXPECT_EQ(check(resizing("setmaxnreg.dec.sync.aligned.u32 24;"), 256).error,
            "");
  expectCause(check(resizing(""), 256), CauseClass::RegisterPool,
              "registers that no warpgroup gives back are waited for");
}

TEST(Leak, CopiesThatNobodyWaitsFor) {
  std::string body =
      initialised("1") +
      "@%p0 mbarrier.arrive.expect_tx.shared::cta.b64 _, [%r0], 256;\n"
      "@%p0 cp.async.bulk.shared::cluster.global"
      ".mbarrier::complete_tx::bytes [%r0+1024], [%out], 256, [%r0];\n";
  EXPECT_EQ(check(body).error, "");
  auto leak = check(body, 64, SanitizeLevel::Sync);
  EXPECT_EQ(leak.finding().kind, FindingKind::Leak) << leak.error;
  EXPECT_EQ(leak.finding().cause, CauseClass::PendingCopies);
  EXPECT_EQ(check(body + waitForPhase, 64, SanitizeLevel::Sync).error, "");
}

TEST(Leak, PeerThatHasExited) {
  // Rank 1 reads shared memory of rank 0, which may be gone.
  auto body = [](const char *wait) {
    return std::string(
               "mov.u32 %r0, buffer; mov.u32 %r1, %cluster_ctarank;\n"
               "mapa.shared::cluster.u32 %r2, %r0, 0;\n"
               "st.shared.u32 [%r0], %r31;\n"
               "barrier.cluster.arrive; barrier.cluster.wait;\n"
               "setp.eq.u32 %p0, %r1, 0; @%p0 bra end; mov.u32 %r3, 0;\n"
               "idle: add.u32 %r3, %r3, 1; setp.lt.u32 %p1, %r3, 9999;\n"
               "@%p1 bra idle; ld.shared::cluster.u32 %r4, [%r2];\nend:") +
           wait;
  };
  auto outcome = check(body(""), 32, SanitizeLevel::Off, 2);
  EXPECT_EQ(outcome.finding().cause, CauseClass::PeerExit) << outcome.error;
  EXPECT_NE(outcome.error.find("belongs to rank 0 of the cluster, CTA (0,0,0), "
                               "which has exited"),
            std::string::npos)
      << outcome.error;
  EXPECT_EQ(check(body("barrier.cluster.arrive; barrier.cluster.wait;"), 32,
                  SanitizeLevel::Off, 2)
                .error,
            "");
}

/// Warp 1 arrives, warp 0 waits for that phase; then warp 1 arrives `more`
/// times, and warp 0 waits with `parity`.
std::string phases(uint32_t more, const char *parity) {
  std::string wait = "mbarrier.try_wait.parity.shared::cta.b64 %p3, [%r0], ";
  std::string body = initialised("1") +
                     "setp.lt.u32 %p1, %r31, 32; setp.eq.u32 %p2, %r31, 32;\n"
                     "@%p2 mbarrier.arrive.shared::cta.b64 _, [%r0];\n"
                     "@!%p1 bra seen;\nfirst: " +
                     wait + "0; @!%p3 bra first;\nseen: bar.sync 0;\n";
  for (uint32_t i = 0; i < more; ++i)
    body += "@%p2 mbarrier.arrive.shared::cta.b64 _, [%r0];\n";
  return body + "bar.sync 0; @!%p1 bra end;\nsecond: " + wait + parity +
         "; @!%p3 bra second;\nend:";
}

TEST(Deadlock, PhasesThatWarpsMiss) {
  EXPECT_EQ(check(phases(1, "1"), 64, SanitizeLevel::Sync).error, "");
  expectCause(
      check(phases(1, "0"), 64, SanitizeLevel::Sync), CauseClass::Parity,
      "warp 0 waits with parity 0 for phase 2 of the mbarrier at shared "
      "offset 0, but has not waited for phase 1, which is complete and "
      "has parity 1");
  expectCause(
      check(phases(2, "1"), 64, SanitizeLevel::Sync), CauseClass::PhaseAliasing,
      "warp 0 waits with parity 1 for phase 1 of the mbarrier at shared "
      "offset 0, which is complete; but the mbarrier has come to phase "
      "3, for which the same parity stands");
}

TEST(Deadlock, NamesWhoArrived) {
  auto outcome =
      check(initialised("65") + "mbarrier.arrive.shared::cta.b64 _, [%r0];\n" +
                waitForPhase,
            64, SanitizeLevel::Sync);
  EXPECT_NE(outcome.error.find("mbarrier.arrive.shared::cta.b64: arrived in "
                               "phase 0 of the mbarrier at shared offset 0\n"
                               "    by CTA (0,0,0), warp 1, lanes 0-31"),
            std::string::npos)
      << outcome.error;
  outcome = check(
      initialised("1") + "bra wait; " +
          "mbarrier.arrive.shared::cta.b64 _, [%r0];\nwait:" + waitForPhase,
      64, SanitizeLevel::Sync);
  EXPECT_NE(outcome.error.find("the program arrives at mbarriers at test.ptx:"),
            std::string::npos)
      << outcome.error;
  outcome = check(initialised("1") + waitForPhase, 64, SanitizeLevel::Sync);
  EXPECT_NE(outcome.error.find("the program arrives at no mbarrier"),
            std::string::npos)
      << outcome.error;
}

TEST(Deadlock, ExitedThreadsDoNotHoldTheClusterBarrier) {
  EXPECT_EQ(check("setp.ge.u32 %p0, %r31, 32; mov.u32 %r1, 0;\n"
                  "@!%p0 bra meet;\n"
                  "idle: add.u32 %r1, %r1, 1; setp.lt.u32 %p1, %r1, 999;\n"
                  "@%p1 bra idle; exit;\n"
                  "meet: barrier.cluster.arrive; barrier.cluster.wait;")
                .error,
            "");
}

TEST(Misuse, UninitializedBarrier) {
  auto outcome =
      check("mov.u32 %r0, buffer; mbarrier.arrive.shared::cta.b64 _, [%r0+8];");
  EXPECT_EQ(outcome.finding().kind, FindingKind::BarrierMisuse);
  EXPECT_EQ(outcome.finding().cause, CauseClass::UninitializedBarrier);
  EXPECT_NE(
      outcome.error.find("mbarrier at shared offset 0x8 was not initialised"),
      std::string::npos)
      << outcome.error;
}

TEST(Leak, BulkStoresThatNobodyWaitsFor) {
  std::string body =
      "mov.u32 %r0, buffer; setp.ne.u32 %p0, %r31, 0; @%p0 bra end;\n"
      "cp.async.bulk.global.shared::cta.bulk_group [%out], [%r0], 256;\n"
      "cp.async.bulk.commit_group;\n";
  // However early it happens to be complete.
  std::string idle = "mov.u32 %r3, 0;\n"
                     "idle: add.u32 %r3, %r3, 1;\n"
                     "setp.lt.u32 %p1, %r3, 9999; @%p1 bra idle;\nend:";
  auto leak = check(body + idle, 64, SanitizeLevel::Sync);
  EXPECT_EQ(leak.finding().kind, FindingKind::Leak) << leak.error;
  EXPECT_EQ(leak.finding().cause, CauseClass::PendingCopies) << leak.error;
  EXPECT_EQ(check(body + idle).error, "");
  EXPECT_EQ(check(body + "cp.async.bulk.wait_group.read 0;\nend:", 64,
                  SanitizeLevel::Sync)
                .error,
            "");
}

TEST(Leak, BytesThatNoCopyBrings) {
  std::string body = initialised("2") +
                     "@%p0 mbarrier.arrive.expect_tx.shared::cta.b64 _, "
                     "[%r0], 256;\n";
  EXPECT_EQ(check(body).error, "");
  auto leak = check(body, 64, SanitizeLevel::Sync);
  EXPECT_EQ(leak.finding().kind, FindingKind::Leak) << leak.error;
  EXPECT_EQ(leak.finding().cause, CauseClass::TransactionBytes) << leak.error;
  EXPECT_NE(leak.error.find("the CTA exits while phase 0 of the mbarrier at "
                            "shared offset 0 has 256 bytes expected and 0 "
                            "copied"),
            std::string::npos)
      << leak.error;
}

TEST(Leak, HalfArrivedBarrierIsAWarning) {
  auto outcome =
      check("setp.ge.u32 %p0, %r31, 32; @%p0 exit; bar.arrive 1, 64;", 64,
            SanitizeLevel::Sync);
  EXPECT_EQ(outcome.error, "");
  EXPECT_EQ(outcome.finding().cause, CauseClass::NamedBarrierCount);
  EXPECT_EQ(outcome.finding().severity, Severity::Warning);
}

TEST(Leak, PeerThatMayHaveExited) {
  // Rank 0 is slow enough that rank 1 finds its memory, by luck.
  auto body = [](const char *end) {
    return std::string(
               "mov.u32 %r0, buffer; mov.u32 %r1, %cluster_ctarank;\n"
               "mapa.shared::cluster.u32 %r2, %r0, 0;\n"
               "st.shared.u32 [%r0], 7;\n"
               "barrier.cluster.arrive; barrier.cluster.wait;\n"
               "setp.eq.u32 %p0, %r1, 0; @%p0 bra slow;\n"
               "ld.shared::cluster.u32 %r4, [%r2]; bra end;\n"
               "slow: mov.u32 %r3, 0;\n"
               "idle: add.u32 %r3, %r3, 1; setp.lt.u32 %p1, %r3, 9999;\n"
               "@%p1 bra idle;\nend:") +
           end;
  };
  auto outcome = check(body(""), 1, SanitizeLevel::Full, 2);
  EXPECT_EQ(outcome.finding().kind, FindingKind::Leak) << outcome.error;
  EXPECT_EQ(outcome.finding().cause, CauseClass::PeerExit) << outcome.error;
  EXPECT_NE(outcome.error.find("CTA (0,0,0) may have exited"),
            std::string::npos)
      << outcome.error;
  for (const char *arrive :
       {"barrier.cluster.arrive; ", "barrier.cluster.arrive.relaxed; "})
    EXPECT_EQ(
        check(body((arrive + std::string("barrier.cluster.wait;")).c_str()), 1,
              SanitizeLevel::Full, 2)
            .error,
        "");
}

} // namespace
