//===- SynchronizationTest.cpp - Rules of barriers and registers ----------===//
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

std::string runCluster(const std::string &body, uint32_t threads = 32,
                       VirtualDeviceOptions options = {.stepBudget = 1 << 24}) {
  TestDevice device(options);
  DeviceAddress out = device.upload(std::vector<uint64_t>(threads));
  LaunchConfig config;
  config.grid.x = config.cluster.x = 2;
  config.block.x = threads;
  return device.run(kernelWith(body), "k", config, {out});
}

TEST(Synchronization, ClusterBarrier) {
  std::string arrive = "barrier.cluster.arrive.aligned;\n",
              wait = "barrier.cluster.wait.aligned;\n";
  EXPECT_EQ(runCluster(arrive + wait + arrive + wait), "");
  auto faults = [](const std::string &body, const std::string &message) {
    std::string error = runCluster(body);
    EXPECT_NE(error.find(message), std::string::npos) << error;
  };
  std::string noArrival = "expected barrier.cluster.arrive before the wait";
  faults(wait, noArrival);
  faults(arrive + wait + wait, noArrival);
  faults(arrive + wait + wait + arrive, noArrival);
  faults(arrive + arrive + wait, "arrives at the cluster barrier twice");
  // Lanes may come one after the other.
  EXPECT_EQ(runCluster("setp.lt.u32 %p0, %r31, 7;\n"
                       "@%p0 barrier.cluster.arrive;\n"
                       "@!%p0 barrier.cluster.arrive;\n"
                       "@!%p0 barrier.cluster.wait;\n"
                       "@%p0 barrier.cluster.wait;\n"),
            "");
}

/// Threads from `first` to `last` exit, long after the others have come to
/// `body`.
std::string exitLate(uint32_t first, uint32_t last, const std::string &body) {
  return fmt::format("setp.ge.u32 %p0, %r31, {};\n"
                     "setp.le.and.u32 %p0, %r31, {}, %p0;\n"
                     "@!%p0 bra others; mov.u32 %r1, 0;\n"
                     "idle: add.u32 %r1, %r1, 1; setp.lt.u32 %p1, %r1, 2000;\n"
                     "@%p1 bra idle; exit;\n"
                     "others: {}",
                     first, last, body);
}

/// The whole sanitizer, under a schedule.
VirtualDeviceOptions watchUnder(const char *name) {
  auto schedule = parseSchedule(name);
  EXPECT_TRUE(schedule) << name;
  VirtualDeviceOptions options;
  options.schedule = schedule.value_or(options.schedule);
  options.stepBudget = 1 << 24;
  options.sanitize = SanitizeLevel::Full;
  return options;
}

TEST(Synchronization, NobodyWaitsForThoseThatHaveExited) {
  std::string cluster = "barrier.cluster.arrive;\nbarrier.cluster.wait;\n";
  for (const char *name : {"timed", "eager", "lazy", "random:1", "random:3"}) {
    VirtualDeviceOptions options = watchUnder(name);
    // A warp, some lanes of one, and all but a lane.
    for (auto [first, last] : {std::pair(32, 63), {32, 47}, {33, 63}, {1, 63}})
      for (const std::string &barrier :
           {cluster, cluster + cluster, std::string("barrier.sync 0;"),
            std::string("barrier.sync 0; barrier.sync 0;")})
        EXPECT_EQ(runCluster(exitLate(first, last, barrier), 64, options), "")
            << name << ": " << first << "-" << last << ", " << barrier;
    // A count says how many warps come.
    EXPECT_EQ(runCluster(exitLate(32, 47, "barrier.sync 1, 64;"), 64, options),
              "")
        << name;
    std::string error =
        runCluster(exitLate(32, 63, "barrier.sync 1, 64;"), 64, options);
    EXPECT_NE(error.find("32 arrived and warps of the CTA have exited"),
              std::string::npos)
        << name << ": " << error;
  }
}

TEST(Synchronization, LanesThatExitWhereTheOthersWillJoinThem) {
  // The threads that skip the barrier come to `ret` first, where the lanes of
  // a diverged warp meet.
  EXPECT_EQ(runCluster("setp.lt.u32 %p0, %r31, 16;\n"
                       "@%p0 bra done;\n"
                       "barrier.sync 0;\n"
                       "done:\n",
                       64),
            "");
}

TEST(Synchronization, LanesInTwoPhasesOfTheClusterBarrier) {
  // Even and odd lanes go their own ways, one of them slower.
  std::string body = R"(
and.b32 %r0, %r31, 1;
mov.u32 %r1, 0;
setp.eq.u32 %p0, %r0, 0;
@%p0 bra B;
A:
barrier.cluster.arrive;
membar.cta;
barrier.cluster.wait;
add.u32 %r1, %r1, 1;
setp.lt.u32 %p1, %r1, 20;
@%p1 bra A;
ret;
B:
barrier.cluster.arrive;
membar.cta; membar.cta; membar.cta;
barrier.cluster.wait;
add.u32 %r1, %r1, 1;
setp.lt.u32 %p1, %r1, 20;
@%p1 bra B;
)";
  for (const char *name : {"timed", "eager", "lazy", "random:1", "random:3"}) {
    VirtualDeviceOptions options = watchUnder(name);
    EXPECT_EQ(runCluster(body, 64, options), "") << name;
  }
}

TEST(Synchronization, BulkCopiesPastSharedMemory) {
  EXPECT_NE(runError("mov.u32 %r0, buffer; setp.eq.u32 %p0, %r31, 0;\n"
                     "@%p0 cp.async.bulk.global.shared::cta.bulk_group"
                     " [%out], [%r0+64], 160000;",
                     32, ".shared .align 16 .b8 buffer[1024];\n")
                .find("the copy's 160000 bytes at shared offset 64 are outside "
                      "the CTA's 1024 bytes of shared memory"),
            std::string::npos);
}

TEST(Synchronization, RegistersAskedForTwice) {
  // The consumers wait for what the producer gives back late.
  std::string text = preamble() + R"(
.visible .entry k(.param .u64 out)
.maxnreg 168
{
.reg .b32 %t, %n;
.reg .pred %p;
mov.u32 %t, %tid.x;
setp.ge.u32 %p, %t, 128;
@%p bra consumer;
mov.u32 %n, 0;
spin:
add.u32 %n, %n, 1;
setp.lt.u32 %p, %n, 2000;
@%p bra spin;
setmaxnreg.dec.sync.aligned.u32 40;
setmaxnreg.dec.sync.aligned.u32 40;
bra done;
consumer:
setmaxnreg.inc.sync.aligned.u32 232;
setmaxnreg.inc.sync.aligned.u32 232;
done:
ret;
}
)";
  TestDevice device;
  DeviceAddress out = device.upload(std::vector<uint64_t>(1));
  LaunchConfig config;
  config.block.x = 384;
  EXPECT_EQ(device.run(text, "k", config, {out}), "");
}

} // namespace
