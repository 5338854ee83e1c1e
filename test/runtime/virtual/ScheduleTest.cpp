//===- ScheduleTest.cpp - Orders that a GPU may choose --------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestDevice.h"

#include <fmt/format.h>
#include <set>

using namespace heddle;
using namespace heddle::test;

namespace {

constexpr uint64_t budget = 1 << 24;

Schedule scheduleOf(std::string_view name) {
  auto schedule = parseSchedule(name);
  EXPECT_TRUE(schedule) << name;
  return schedule ? *schedule : Schedule();
}

struct Outcome {
  std::string error;
  LaunchReport report;
  std::vector<uint64_t> values;
};

/// Runs `body`, as `runBody` does, in `blocks` blocks.
Outcome runUnder(const Schedule &schedule, const std::string &body,
                 uint32_t threads = 32, uint32_t blocks = 1,
                 uint32_t shared = 0, bool record = false) {
  Outcome outcome;
  VirtualDeviceOptions options;
  options.stepBudget = budget;
  options.schedule = schedule;
  options.recordTrace = record;
  options.hostThreads = 4;
  options.onReport = [&](const LaunchReport &report) {
    outcome.report = report;
  };
  TestDevice device(options);
  uint32_t count = threads * blocks;
  DeviceAddress out = device.upload(std::vector<uint64_t>(count));
  LaunchConfig config;
  config.grid.x = blocks;
  config.block.x = threads;
  config.dynamicSharedBytes = shared;
  outcome.error = device.run(
      kernelWith(body, ".extern .shared .align 1024 .b8 buffer[];\n"), "k",
      config, {out});
  outcome.values = device.download<uint64_t>(out, count);
  return outcome;
}

/// Each thread stores, then lane 0 copies what all stored back after a long
/// while, waiting for the copy or not.
std::string copyBack(bool wait) {
  return fmt::format(R"(
    cvt.u64.u32 %rd0, %r31; add.u64 %rd0, %rd0, 7; st.global.u64 [%mine], %rd0;
    mov.u32 %r0, buffer; setp.ne.u32 %p0, %r31, 0; bar.sync 0;
    @%p0 bra end;
    mbarrier.init.shared::cta.b64 [%r0], 1; fence.proxy.async;
    mbarrier.arrive.expect_tx.shared::cta.b64 _, [%r0], 256;
    cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes
      [%r0+1024], [%out], 256, [%r0];
    mov.u32 %r1, 0;
  idle: add.u32 %r1, %r1, 1; setp.lt.u32 %p1, %r1, 2000; @%p1 bra idle;
    {}
    ld.shared.u64 %rd1, [%r0+1032]; st.global.u64 [%out], %rd1;
  end:)",
                     wait ? "again: mbarrier.try_wait.parity.shared::cta.b64 "
                            "%p2, [%r0], 0; @!%p2 bra again;"
                          : "");
}

TEST(Schedule, LazyFindsAMissingWait) {
  for (const char *name : {"timed", "eager", "lazy", "random:1", "random:3"})
    EXPECT_EQ(runUnder(scheduleOf(name), copyBack(true), 32, 1, 4096).values[0],
              8u)
        << name;
  // The copy is long done by the clock, yet nothing made sure of it.
  EXPECT_EQ(runUnder({}, copyBack(false), 32, 1, 4096).values[0], 8u);
  EXPECT_EQ(
      runUnder(scheduleOf("eager"), copyBack(false), 32, 1, 4096).values[0],
      8u);
  EXPECT_EQ(
      runUnder(scheduleOf("lazy"), copyBack(false), 32, 1, 4096).values[0],
      ~uint64_t(0));
}

/// A bulk store whose source is overwritten after `wait`, and whose destination
/// is read.
std::string storeOut(const char *wait) {
  return fmt::format(R"(
    mov.u32 %r0, buffer; setp.ne.u32 %p0, %r31, 0; @%p0 bra end;
    mov.u64 %rd0, 5; st.shared.u64 [%r0], %rd0; st.shared.u64 [%r0+8], %rd0;
    fence.proxy.async;
    cp.async.bulk.global.shared::cta.bulk_group [%out], [%r0], 16;
    cp.async.bulk.commit_group; {}
    mov.u64 %rd1, 6; st.shared.u64 [%r0], %rd1;
    ld.global.u64 %rd2, [%out]; st.global.u64 [%out+16], %rd2;
  end:)",
                     wait);
}

TEST(Schedule, StoresReadTheirSourceBeforeTheyWrite) {
  Schedule lazy = scheduleOf("lazy");
  auto all = runUnder(lazy, storeOut("cp.async.bulk.wait_group 0;"), 32, 1, 64);
  EXPECT_EQ(all.values[0], 5u);
  EXPECT_EQ(all.values[2], 5u);
  // The source is safe, but the destination not there yet.
  auto read =
      runUnder(lazy, storeOut("cp.async.bulk.wait_group.read 0;"), 32, 1, 64);
  EXPECT_EQ(read.values[0], 5u);
  EXPECT_EQ(read.values[2], 0u);
  auto none = runUnder(lazy, storeOut(""), 32, 1, 64);
  EXPECT_EQ(none.values[0], 6u);
  // By the clock too.
  auto timed =
      runUnder({}, storeOut("cp.async.bulk.wait_group.read 0;"), 32, 1, 64);
  EXPECT_EQ(timed.values[0], 5u);
  EXPECT_EQ(timed.values[2], 0u);
}

/// Each warp of each block takes a number.
const char *takeNumbers = R"(
    and.b32 %r0, %r31, 31; setp.ne.u32 %p0, %r0, 0; @%p0 bra end;
    mov.u32 %r1, %ctaid.x; mov.u32 %r2, %ntid.x;
    mad.lo.u32 %r3, %r1, %r2, %r31;
    mad.wide.u32 %mine, %r3, 8, %out;
    atom.global.add.u64 %rd0, [%out+8], 1;
    atom.global.add.u64 %rd1, [%out+8], 1;
    shl.b64 %rd1, %rd1, 32; or.b64 %rd0, %rd0, %rd1;
    st.global.u64 [%mine], %rd0;
  end:)";

TEST(Schedule, OneSeedGivesOneResult) {
  std::set<std::vector<uint64_t>> results;
  for (uint64_t seed = 0; seed < 12; ++seed) {
    Schedule schedule{.kind = Schedule::Kind::Random, .seed = seed};
    auto first = runUnder(schedule, takeNumbers, 128, 5, 0, true);
    auto second = runUnder(schedule, takeNumbers, 128, 5, 0, true);
    EXPECT_EQ(first.error, "");
    EXPECT_EQ(first.values, second.values) << seed;
    EXPECT_EQ(first.report.trace, second.report.trace) << seed;
    EXPECT_EQ(first.report.schedule, fmt::format("random:{}", seed));
    results.insert(first.values);
  }
  EXPECT_GE(results.size(), 6u);
}

TEST(Schedule, ReplaysARecordedRun) {
  for (const char *name : {"random:5", "random:7", "lazy", "timed"}) {
    auto recorded = runUnder(scheduleOf(name), takeNumbers, 128, 5, 0, true);
    Schedule replay{.kind = Schedule::Kind::Replay,
                    .trace = recorded.report.trace};
    auto replayed = runUnder(replay, takeNumbers, 128, 5);
    EXPECT_EQ(replayed.error, "");
    EXPECT_EQ(recorded.values, replayed.values) << name;
  }
}

TEST(Schedule, RefusesATraceThatDoesNotFit) {
  auto recorded =
      runUnder(scheduleOf("random:5"), takeNumbers, 128, 5, 0, true);
  std::string trace = recorded.report.trace;
  auto errorOf = [](const std::string &trace, uint32_t blocks) {
    return runUnder({.kind = Schedule::Kind::Replay, .trace = trace},
                    takeNumbers, 128, blocks)
        .error;
  };
  EXPECT_NE(errorOf("", 5).find("begins with 'heddle-trace 1'"),
            std::string::npos);
  EXPECT_NE(errorOf(trace, 4).find("trace is of another launch"),
            std::string::npos);
  size_t choices = trace.find('\n', trace.find("schedule")) + 1;
  std::string damaged =
      trace.substr(0, choices) + "77 " + trace.substr(choices);
  EXPECT_NE(errorOf(damaged, 5).find("does not fit the program: choice 0"),
            std::string::npos)
      << errorOf(damaged, 5);
  EXPECT_NE(errorOf(trace.substr(0, trace.size() / 2), 5), "");
  EXPECT_NE(errorOf(trace.substr(0, choices) + "zzz", 5), "");
}

TEST(Schedule, NamesAreRead) {
  for (const char *name : {"timed", "eager", "lazy", "random:18"})
    EXPECT_EQ(getName(scheduleOf(name)), name);
  for (const char *name : {"", "random", "random:", "random:x", "random:1x",
                           "timed:3", "replay", "fast"})
    EXPECT_FALSE(parseSchedule(name)) << name;
}

/// Sums of floats in whatever order; every host thread could take part.
const char *floatSum = R"(
    mov.u32 %r0, %ctaid.x; cvt.rn.f32.u32 %f0, %r0;
    mad.lo.u32 %r1, %r0, 7919, %r31; cvt.rn.f32.u32 %f1, %r1;
    add.f32 %f1, %f1, 0f3DCCCCCD; div.rn.f32 %f1, 0f3F800000, %f1;
    red.global.add.f32 [%out], %f1;)";

TEST(Schedule, TimedResultsAreReproducible) {
  auto first = runUnder({}, floatSum, 64, 200);
  for (int repeat = 0; repeat < 5; ++repeat)
    EXPECT_EQ(runUnder({}, floatSum, 64, 200).values, first.values);
  EXPECT_EQ(first.report.resultClass, ResultClass::SchedulesExplored);
  EXPECT_NE(first.report.classReason.find("red.global.add.f32 at test.ptx:"),
            std::string::npos)
      << first.report.classReason;
}

TEST(Schedule, FirstFaultOfTheGridIsReported) {
  // Every block from 37 on faults.
  const char *body = R"(
    mov.u32 %r0, %ctaid.x; setp.lt.u32 %p0, %r0, 37; @%p0 bra end; trap; end:)";
  for (int repeat = 0; repeat < 10; ++repeat) {
    auto outcome = runUnder({}, body, 32, 400);
    EXPECT_NE(outcome.error.find("CTA (37,0,0)"), std::string::npos)
        << outcome.error;
  }
}

/// Block 0 waits until the last block has written.
const char *waitForLast = R"(
    setp.ge.u32 %p3, %r31, 32; @%p3 bra end;
    mov.u32 %r0, %ctaid.x; mov.u32 %r1, %nctaid.x; sub.u32 %r1, %r1, 1;
    setp.eq.u32 %p0, %r0, %r1; @%p0 bra last;
    setp.ne.u32 %p1, %r0, 0; @%p1 bra end;
  again: ld.acquire.gpu.global.u64 %rd0, [%out]; setp.eq.u64 %p2, %rd0, 0;
    @%p2 bra again; bra end;
  last: mov.u64 %rd1, 1; st.release.gpu.global.u64 [%out], %rd1;
  end:)";

TEST(Residency, LaterBlocksComeAsLongAsTheyFit) {
  for (const char *name : {"timed", "eager", "lazy", "random:2"})
    EXPECT_EQ(runUnder(scheduleOf(name), waitForLast, 32, 5000).error, "")
        << name;
}

TEST(Residency, WaitingForABlockThatDoesNotFit) {
  // Every block but the last waits for the last.
  std::string body = waitForLast;
  size_t at = body.find("setp.ne.u32 %p1, %r0, 0; @%p1 bra end;");
  body.erase(at, std::string("setp.ne.u32 %p1, %r0, 0; @%p1 bra end;").size());
  for (const char *name : {"timed", "lazy"}) {
    auto outcome = runUnder(scheduleOf(name), body, 1024, 300);
    ASSERT_EQ(outcome.report.findings.size(), 1u) << outcome.error;
    EXPECT_EQ(outcome.report.findings[0].kind, FindingKind::Deadlock);
    EXPECT_EQ(outcome.report.findings[0].cause, CauseClass::Residency);
    EXPECT_NE(outcome.error.find("264 of its 300 clusters fit at one time; all "
                                 "that run wait, and 36 have not begun"),
              std::string::npos)
        << outcome.error;
    EXPECT_NE(outcome.error.find("ld.acquire.gpu.global.u64: polls memory"),
              std::string::npos)
        << outcome.error;
  }
}

TEST(Spin, AFlagThatNobodySets) {
  const char *body = R"(
    again: ld.volatile.global.u64 %rd0, [%out]; nanosleep.u32 100;
    setp.eq.u64 %p0, %rd0, 0; @%p0 bra again;)";
  for (const char *name : {"timed", "eager", "lazy", "random:2", "random:3"}) {
    auto outcome = runUnder(scheduleOf(name), body, 64, 3);
    ASSERT_EQ(outcome.report.findings.size(), 1u) << outcome.error;
    EXPECT_EQ(outcome.report.findings[0].kind, FindingKind::Deadlock);
    EXPECT_EQ(outcome.report.findings[0].cause, CauseClass::MissingSignal);
    EXPECT_LT(outcome.report.instructions, 100000u) << name;
  }
}

TEST(Spin, CountedPollsEnd) {
  // Each thread counts its polls, and gives up after many.
  const char *copy = R"(
    mov.u32 %r0, buffer; setp.eq.u32 %p0, %r31, 0; mov.u32 %r1, 0;
    cvt.u64.u32 %rd0, %r31; add.u64 %rd0, %rd0, 7; st.global.u64 [%mine], %rd0;
    @%p0 mbarrier.init.shared::cta.b64 [%r0], 1;
    fence.proxy.async; bar.sync 0;
    @%p0 mbarrier.arrive.expect_tx.shared::cta.b64 _, [%r0], 256;
    @%p0 cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes
      [%r0+1024], [%out], 256, [%r0];
  again: mbarrier.test_wait.parity.shared::cta.b64 %p1, [%r0], 0;
    @%p1 bra done; add.u32 %r1, %r1, 1; setp.lt.u32 %p2, %r1, 100000;
    @%p2 bra again; trap;
  done: ld.shared.u64 %rd1, [%r0+1032]; st.global.u64 [%mine], %rd1;)";
  // A flag that a warp sets after it has slept.
  const char *sleep = R"(
    setp.eq.u32 %p0, %r31, 0; mov.u32 %r1, 0; mov.u64 %rd1, 8;
    setp.ge.u32 %p1, %r31, 32; @%p1 bra again;
    nanosleep.u32 1000; @%p0 st.volatile.global.u64 [%out], %rd1; bra done;
  again: ld.volatile.global.u64 %rd0, [%out]; setp.eq.u64 %p1, %rd0, %rd1;
    @%p1 bra done; add.u32 %r1, %r1, 1; setp.lt.u32 %p2, %r1, 100000;
    @%p2 bra again; trap;
  done: st.global.u64 [%mine], %rd1;)";
  for (const char *name : {"timed", "eager", "lazy", "random:1", "random:3"})
    for (const char *body : {copy, sleep}) {
      auto outcome = runUnder(scheduleOf(name), body, 64, 1, 4096);
      EXPECT_EQ(outcome.error, "") << name;
      EXPECT_EQ(outcome.values[33], 8u) << name;
    }
}

TEST(Spin, CountersEndLoopsAsWritten) {
  // A wait with a timeout is no endless loop.
  const char *body = R"(
    mov.u32 %r0, 0;
    again: ld.volatile.global.u64 %rd0, [%out]; add.u32 %r0, %r0, 1;
    setp.lt.u32 %p0, %r0, 5000; @%p0 bra again;
    cvt.u64.u32 %rd1, %r0; st.global.u64 [%mine], %rd1;)";
  for (const char *name : {"timed", "lazy", "random:2"})
    EXPECT_EQ(runUnder(scheduleOf(name), body).values[3], 5000u) << name;
}

} // namespace
