//===- BugsTest.cpp - Bugs that shipped, in small kernels -----------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Each file of bugs/ is a correct kernel and a broken one that differs in one
/// thing. The correct one is free of reports under every schedule, and the
/// report on the broken one says what docs/sanitizer.md says.
///
//===----------------------------------------------------------------------===//

#include "TestDevice.h"

#include <algorithm>
#include <bit>
#include <functional>
#include <numeric>

using namespace heddle;
using namespace heddle::test;

namespace {

/// A kernel that ran, and what it left.
struct BugRun {
  std::string error;
  std::vector<Finding> findings;
  std::vector<uint32_t> out, expected;
  std::string trace;
};

using LaunchBug = std::function<void(TestDevice &, const std::string &ptx,
                                     const std::string &name, BugRun &run)>;

struct Bug {
  std::string name;
  LaunchBug launch;
  std::vector<FindingKind> kinds;
  /// More than one where the schedule decides what goes wrong first.
  std::vector<CauseClass> causes;
  /// Source lines of the sites.
  std::vector<uint32_t> lines;
  /// What the text names: both sites and the missing edge.
  std::vector<std::string> says;
};

std::vector<uint32_t> numbers(uint32_t count) {
  std::vector<uint32_t> values(count);
  std::iota(values.begin(), values.end(), 100);
  return values;
}

LaunchConfig threads(uint32_t count, uint32_t grid = 1, uint32_t cluster = 1) {
  LaunchConfig config;
  config.grid.x = grid;
  config.block.x = count;
  config.cluster.x = cluster;
  return config;
}

/// `kernel(in, out, more...)` over 32-bit integers.
void launchInOut(TestDevice &device, const std::string &ptx,
                 const std::string &name, BugRun &run,
                 const LaunchConfig &config, const std::vector<uint32_t> &in,
                 std::vector<Argument> more = {}) {
  DeviceAddress pin = device.upload(in),
                pout =
                    device.upload(std::vector<uint32_t>(run.expected.size()));
  std::vector<Argument> arguments = {pin, pout};
  arguments.insert(arguments.end(), more.begin(), more.end());
  run.error = device.run(ptx, "kernel", config, arguments, name);
  run.out = device.download<uint32_t>(pout, run.expected.size());
}

/// `kernel(out)` over 32-bit integers.
void launchOut(TestDevice &device, const std::string &ptx,
               const std::string &name, BugRun &run,
               const LaunchConfig &config) {
  DeviceAddress pout =
      device.upload(std::vector<uint32_t>(run.expected.size()));
  run.error = device.run(ptx, "kernel", config, {pout}, name);
  run.out = device.download<uint32_t>(pout, run.expected.size());
}

std::vector<uint32_t> reversed(std::vector<uint32_t> values) {
  std::ranges::reverse(values);
  return values;
}

/// 32 values per row, each row reversed.
std::vector<uint32_t> rowsReversed(std::vector<uint32_t> values) {
  for (size_t at = 0; at < values.size(); at += 32)
    std::reverse(values.begin() + at, values.begin() + at + 32);
  return values;
}

void launchLaneOnlyArrive(TestDevice &device, const std::string &ptx,
                          const std::string &name, BugRun &run) {
  run.expected = reversed(numbers(32));
  launchInOut(device, ptx, name, run, threads(64), numbers(32));
}

void launchEarlyRelease(TestDevice &device, const std::string &ptx,
                        const std::string &name, BugRun &run) {
  // Step s adds 16 products of s and 1 to each element.
  constexpr uint32_t steps = 5, tile = 1152;
  std::vector<uint16_t> in(steps * tile, 0x3f80);
  float sum = 0;
  for (uint32_t s = 0; s < steps; ++s) {
    std::fill_n(in.begin() + s * tile, 1024,
                uint16_t(std::bit_cast<uint32_t>(float(s + 1)) >> 16));
    sum += 16 * float(s + 1);
  }
  run.expected.assign(512, std::bit_cast<uint32_t>(sum));
  DeviceAddress pin = device.upload(in),
                pout = device.upload(std::vector<uint32_t>(512));
  LaunchConfig config = threads(160);
  config.dynamicSharedBytes = 6144;
  run.error = device.run(ptx, "kernel", config, {pin, pout, steps}, name);
  run.out = device.download<uint32_t>(pout, 512);
}

void launchStoreWithoutFence(TestDevice &device, const std::string &ptx,
                             const std::string &name, BugRun &run) {
  run.expected = numbers(32);
  launchInOut(device, ptx, name, run, threads(32), numbers(32));
}

void launchReuseWithoutFence(TestDevice &device, const std::string &ptx,
                             const std::string &name, BugRun &run) {
  run.expected = rowsReversed(numbers(160));
  launchInOut(device, ptx, name, run, threads(64), numbers(160), {5u});
}

void launchParityFromIndex(TestDevice &device, const std::string &ptx,
                           const std::string &name, BugRun &run) {
  constexpr uint32_t steps = 3, tiles = 3;
  std::vector<uint32_t> in = numbers(32 * steps * tiles);
  run.expected.assign(32, 0);
  for (size_t i = 0; i < in.size(); ++i)
    run.expected[i % 32] += in[i];
  launchInOut(device, ptx, name, run, threads(64), in, {steps, tiles});
}

void launchTransactionBytes(TestDevice &device, const std::string &ptx,
                            const std::string &name, BugRun &run) {
  run.expected = numbers(64);
  launchInOut(device, ptx, name, run, threads(64), numbers(64));
}

void launchEarlyReturn(TestDevice &device, const std::string &ptx,
                       const std::string &name, BugRun &run) {
  std::vector<uint32_t> in = numbers(96);
  run.expected.resize(96);
  for (uint32_t i = 0; i < 96; ++i)
    run.expected[i] = in[32 * (2 - i / 32) + i % 32];
  launchInOut(device, ptx, name, run, threads(128), in, {3u});
}

void launchInitWithoutClusterSync(TestDevice &device, const std::string &ptx,
                                  const std::string &name, BugRun &run) {
  run.expected.assign(32, 1);
  launchOut(device, ptx, name, run, threads(32, 2, 2));
}

void launchPeerExit(TestDevice &device, const std::string &ptx,
                    const std::string &name, BugRun &run) {
  run.expected.resize(64);
  for (uint32_t i = 0; i < 64; ++i)
    run.expected[i] = i ^ 32;
  launchOut(device, ptx, name, run, threads(32, 2, 2));
}

void launchNarrowRelease(TestDevice &device, const std::string &ptx,
                         const std::string &name, BugRun &run) {
  run.expected = reversed(numbers(32));
  DeviceAddress data = device.upload(std::vector<uint32_t>(32)),
                flag = device.upload(std::vector<uint32_t>(1));
  launchInOut(device, ptx, name, run, threads(32, 2), numbers(32),
              {data, flag});
}

/// `kernel(in, out, data, flag, rank)` on two devices at once.
void launchMissingSystemRelease(TestDevice &device, const std::string &ptx,
                                const std::string &name, BugRun &run) {
  run.expected = reversed(numbers(32));
  DeviceAddress in = device.upload(numbers(32)),
                out = device.upload(std::vector<uint32_t>(32)),
                data = device.upload(std::vector<uint32_t>(32)),
                flag = device.upload(std::vector<uint32_t>(1));
  std::vector<std::vector<Argument>> arguments;
  for (uint32_t rank = 0; rank < 2; ++rank)
    arguments.push_back({in, out, data, flag, rank});
  run.error = device.runOnDevices(ptx, "kernel", threads(32), arguments, name);
  run.out = device.download<uint32_t>(out, 32);
}

void launchRegisterPool(TestDevice &device, const std::string &ptx,
                        const std::string &name, BugRun &run) {
  run.expected.resize(256);
  std::iota(run.expected.begin(), run.expected.end(), 128);
  launchOut(device, ptx, name, run, threads(384));
}

const Bug bugs[] = {
    {"lane-only-arrive",
     launchLaneOnlyArrive,
     {FindingKind::Race},
     {CauseClass::LaneOnlyRelease},
     {7, 2},
     {"lane", "bar.warp.sync"}},
    {"early-release",
     launchEarlyRelease,
     {FindingKind::Race},
     {CauseClass::EarlyRelease},
     {5, 10},
     {"wgmma", "wait"}},
    {"store-without-fence",
     launchStoreWithoutFence,
     {FindingKind::MissingProxyFence},
     {CauseClass::MissingProxyFence},
     {5, 1},
     {"fence.proxy.async"}},
    {"reuse-without-fence",
     launchReuseWithoutFence,
     {FindingKind::MissingProxyFence},
     {CauseClass::MissingProxyFence},
     {5, 10},
     {"fence.proxy.async"}},
    {"parity-from-index",
     launchParityFromIndex,
     {FindingKind::Race, FindingKind::Deadlock, FindingKind::BarrierMisuse},
     {CauseClass::Parity, CauseClass::MissingWait},
     {},
     {"mbarrier at shared offset"}},
    {"transaction-bytes",
     launchTransactionBytes,
     {FindingKind::Deadlock},
     {CauseClass::TransactionBytes},
     {6},
     {"512", "256", "expect_tx"}},
    {"early-return",
     launchEarlyReturn,
     {FindingKind::Deadlock},
     {CauseClass::EarlyExit},
     {3},
     {"exited", "barrier 1"}},
    {"init-without-cluster-sync",
     launchInitWithoutClusterSync,
     {FindingKind::BarrierMisuse},
     {CauseClass::UninitializedBarrier},
     {6, 2},
     {"init", "cluster"}},
    {"peer-exit",
     launchPeerExit,
     {FindingKind::Leak, FindingKind::Fault, FindingKind::Access},
     {CauseClass::PeerExit},
     {3},
     {"exited", "cluster barrier", "barrier.cluster"}},
    {"narrow-release",
     launchNarrowRelease,
     {FindingKind::Race},
     {CauseClass::Scope},
     {6, 4},
     {".cta", ".gpu"}},
    {"missing-system-release",
     launchMissingSystemRelease,
     {FindingKind::Race},
     {CauseClass::Scope},
     {6, 4},
     {"device 0", "device 1", ".sys"}},
    {"register-pool",
     launchRegisterPool,
     {FindingKind::Deadlock},
     {CauseClass::RegisterPool},
     {5},
     {"240"}},
};

std::vector<Schedule> schedules() {
  std::vector<Schedule> all = {{.kind = Schedule::Kind::Timed},
                               {.kind = Schedule::Kind::Eager},
                               {.kind = Schedule::Kind::Lazy}};
  for (uint64_t seed = 1; seed <= 8; ++seed)
    all.push_back({.kind = Schedule::Kind::Random, .seed = seed});
  return all;
}

/// The kernel as it is in the file, which is correct, or broken. Both have the
/// same lines.
std::string textOf(const std::string &name, bool broken) {
  std::istringstream file(readFile(HEDDLE_TEST_BUGS "/" + name + ".ptx"));
  std::string text;
  for (std::string line; std::getline(file, line);) {
    if (broken && line.ends_with("// correct"))
      line.clear();
    if (broken && line.starts_with("//!"))
      line = line.substr(3);
    text += line + "\n";
  }
  return text;
}

BugRun runBug(const Bug &bug, bool broken, const Schedule &schedule,
              bool recordTrace = false) {
  BugRun run;
  TestDevice device({.hostThreads = 1,
                     .stepBudget = 1 << 20,
                     .schedule = schedule,
                     .sanitize = SanitizeLevel::Full,
                     .recordTrace = recordTrace,
                     .onReport = [&](const LaunchReport &report) {
                       run.findings = report.findings;
                       run.trace = report.trace;
                     }});
  bug.launch(device, textOf(bug.name, broken), bug.name + ".ptx", run);
  return run;
}

std::string describeAll(const BugRun &run) {
  std::string text;
  for (const Finding &finding : run.findings)
    text += describe(finding) + "\n";
  return text + run.error;
}

std::string nameOf(const Schedule &schedule) {
  switch (schedule.kind) {
  case Schedule::Kind::Timed:
    return "timed";
  case Schedule::Kind::Eager:
    return "eager";
  case Schedule::Kind::Lazy:
    return "lazy";
  case Schedule::Kind::Random:
    return "random:" + std::to_string(schedule.seed);
  case Schedule::Kind::Replay:
    return "replay";
  }
  return "";
}

class Bugs : public testing::TestWithParam<Bug> {};

TEST_P(Bugs, CorrectKernelHasNoReport) {
  for (const Schedule &schedule : schedules()) {
    SCOPED_TRACE(nameOf(schedule));
    BugRun run = runBug(GetParam(), /*broken=*/false, schedule);
    EXPECT_EQ(describeAll(run), "");
    EXPECT_EQ(run.out, run.expected);
  }
}

TEST_P(Bugs, BrokenKernelIsExplained) {
  const Bug &bug = GetParam();
  // If an operation comes before what it should follow, there is one site only:
  // some schedule names both.
  bool isExplained = false;
  for (const Schedule &schedule : schedules()) {
    SCOPED_TRACE(nameOf(schedule));
    BugRun run = runBug(bug, /*broken=*/true, schedule);
    auto found = std::ranges::find_if(run.findings, [&](const Finding &f) {
      return f.severity == Severity::Error &&
             std::ranges::count(bug.causes, f.cause) &&
             std::ranges::count(bug.kinds, f.kind);
    });
    ASSERT_NE(found, run.findings.end()) << describeAll(run);
    ASSERT_FALSE(found->sites.empty());
    if (!bug.lines.empty()) {
      EXPECT_TRUE(std::ranges::count(bug.lines, found->sites[0].sourceLine))
          << describe(*found);
    }
    bool names = std::ranges::all_of(bug.lines, [&](uint32_t line) {
      return std::ranges::any_of(found->sites, [&](const FindingSite &site) {
        return site.sourceLine == line;
      });
    });
    bool says = std::ranges::all_of(bug.says, [&](const std::string &word) {
      return describe(*found).find(word) != std::string::npos;
    });
    isExplained |= names && says;
  }
  EXPECT_TRUE(isExplained) << describeAll(
      runBug(bug, /*broken=*/true, {.kind = Schedule::Kind::Timed}));
}

TEST_P(Bugs, SeedsAndTracesReplay) {
  const Bug &bug = GetParam();
  Schedule seed = {.kind = Schedule::Kind::Random, .seed = 5};
  BugRun first = runBug(bug, /*broken=*/true, seed, /*recordTrace=*/true);
  BugRun second = runBug(bug, /*broken=*/true, seed, /*recordTrace=*/true);
  EXPECT_EQ(describeAll(first), describeAll(second));
  EXPECT_EQ(first.out, second.out);
  EXPECT_EQ(first.trace, second.trace);
  ASSERT_NE(first.trace, "");
  BugRun replayed =
      runBug(bug, /*broken=*/true,
             {.kind = Schedule::Kind::Replay, .trace = first.trace});
  EXPECT_EQ(describeAll(first), describeAll(replayed));
  EXPECT_EQ(first.out, replayed.out);
}

INSTANTIATE_TEST_SUITE_P(All, Bugs, testing::ValuesIn(bugs),
                         [](const testing::TestParamInfo<Bug> &info) {
                           std::string name = info.param.name;
                           std::ranges::replace(name, '-', '_');
                           return name;
                         });

} // namespace
