//===- SynchronizationTest.cpp - Rules of barriers and registers ----------===//
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

std::string runCluster(const std::string &body) {
  TestDevice device;
  DeviceAddress out = device.upload(std::vector<uint64_t>(64));
  LaunchConfig config;
  config.grid.x = config.cluster.x = 2;
  config.block.x = 32;
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
