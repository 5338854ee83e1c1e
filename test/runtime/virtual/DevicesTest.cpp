//===- DevicesTest.cpp - Several devices at once --------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestDevice.h"

#include <algorithm>

using namespace heddle;
using namespace heddle::test;

namespace {

/// A kernel of parameters out, data, flag and rank, which are in %out, %data,
/// %flag and %rank; %p0 is true in thread 0.
std::string kernelOf(const std::string &body) {
  return preamble() +
         ".visible .entry k(.param .u64 out, .param .u64 data, "
         ".param .u64 flag, .param .u32 rank)\n{\n"
         ".reg .pred %p<8>;\n.reg .b32 %r<16>, %rank, %tid;\n"
         ".reg .b64 %out, %data, %flag;\n"
         "ld.param.u64 %out, [out];\nld.param.u64 %data, [data];\n"
         "ld.param.u64 %flag, [flag];\nld.param.u32 %rank, [rank];\n"
         "mov.u32 %tid, %tid.x;\nsetp.eq.u32 %p0, %tid, 0;\n" +
         body + "\nret;\n}\n";
}

struct DevicesRun {
  std::string error;
  std::vector<Finding> findings;
  std::vector<uint32_t> out;
};

/// Runs `body` on `devices` devices of `grid` blocks of 32 threads.
DevicesRun run(const std::string &body, uint32_t devices = 2, uint32_t grid = 1,
               Schedule schedule = {}, uint32_t sharedBytes = 0,
               SanitizeLevel sanitize = SanitizeLevel::Full) {
  DevicesRun result;
  TestDevice device({.stepBudget = 1 << 20,
                     .schedule = schedule,
                     .sanitize = sanitize,
                     .onReport = [&](const LaunchReport &report) {
                       result.findings = report.findings;
                     }});
  DeviceAddress out = device.upload(std::vector<uint32_t>(64)),
                data = device.upload(std::vector<uint32_t>(64)),
                flag = device.upload(std::vector<uint32_t>(64));
  LaunchConfig config;
  config.grid.x = grid;
  config.block.x = 32;
  config.dynamicSharedBytes = sharedBytes;
  std::vector<std::vector<Argument>> arguments;
  for (uint32_t rank = 0; rank < devices; ++rank)
    arguments.push_back({out, data, flag, rank});
  result.error = device.runOnDevices(kernelOf(body), "k", config, arguments);
  result.out = device.download<uint32_t>(out, 64);
  return result;
}

std::vector<Schedule> schedules() {
  return {{.kind = Schedule::Kind::Timed},
          {.kind = Schedule::Kind::Eager},
          {.kind = Schedule::Kind::Lazy},
          {.kind = Schedule::Kind::Random, .seed = 1},
          {.kind = Schedule::Kind::Random, .seed = 7}};
}

/// Device 0 writes data and `release`s the flag; device 1 waits with `acquire`,
/// which loads it into %r2, and then `fence`, and reads data.
std::string passData(const std::string &release, const std::string &acquire,
                     const std::string &fence = "") {
  return "@!%p0 bra done;\nsetp.ne.u32 %p1, %rank, 0;\n@%p1 bra wait;\n"
         "mov.u32 %r0, 42;\nst.global.u32 [%data], %r0;\nmov.u32 %r1, 1;\n" +
         release + "\nbra done;\nwait:\n" + acquire +
         "\nsetp.eq.u32 %p2, %r2, 0;\n@%p2 bra wait;\n" + fence +
         "\nld.global.u32 %r3, [%data];\nst.global.u32 [%out], %r3;\ndone:";
}

void expectGood(const std::string &body, uint32_t expected,
                uint32_t devices = 2, uint32_t grid = 1) {
  for (const Schedule &schedule : schedules()) {
    SCOPED_TRACE(getName(schedule));
    DevicesRun found = run(body, devices, grid, schedule);
    EXPECT_EQ(found.error, "");
    EXPECT_TRUE(found.findings.empty()) << describe(found.findings[0]);
    EXPECT_EQ(found.out[0], expected);
  }
}

void expectScope(const std::string &body, uint32_t devices = 2) {
  for (const Schedule &schedule : schedules()) {
    SCOPED_TRACE(getName(schedule));
    DevicesRun found = run(body, devices, 1, schedule);
    ASSERT_FALSE(found.findings.empty());
    EXPECT_TRUE(std::ranges::any_of(found.findings, [](const Finding &each) {
      return each.kind == FindingKind::Race && each.cause == CauseClass::Scope;
    })) << describe(found.findings[0]);
  }
}

TEST(Devices, SystemScopeOrders) {
  expectGood(passData("st.release.sys.global.u32 [%flag], %r1;",
                      "ld.acquire.sys.global.u32 %r2, [%flag];"),
             42);
  expectGood(passData("fence.acq_rel.sys;\nst.relaxed.sys.global.u32 "
                      "[%flag], %r1;",
                      "ld.relaxed.sys.global.u32 %r2, [%flag];",
                      "fence.acq_rel.sys;"),
             42);
  expectGood(passData("membar.sys;\nst.volatile.global.u32 [%flag], %r1;",
                      "ld.volatile.global.u32 %r2, [%flag];", "membar.sys;"),
             42);
  expectGood(passData("red.release.sys.global.add.u32 [%flag], %r1;",
                      "atom.acquire.sys.global.or.b32 %r2, [%flag], 0;"),
             42);
}

TEST(Devices, DeviceScopeDoesNot) {
  expectScope(passData("st.release.gpu.global.u32 [%flag], %r1;",
                       "ld.acquire.sys.global.u32 %r2, [%flag];"));
  expectScope(passData("st.release.sys.global.u32 [%flag], %r1;",
                       "ld.acquire.gpu.global.u32 %r2, [%flag];"));
  // Either fence alone is too narrow.
  expectScope(passData("membar.gl;\nst.volatile.global.u32 [%flag], %r1;",
                       "ld.volatile.global.u32 %r2, [%flag];", "membar.sys;"));
  expectScope(passData("membar.sys;\nst.volatile.global.u32 [%flag], %r1;",
                       "ld.volatile.global.u32 %r2, [%flag];", "membar.gl;"));
}

TEST(Devices, AtomicsOfAll) {
  auto with = [](const std::string &scope) {
    return "@%p0 atom.relaxed." + scope + ".global.add.u32 %r0, [%out], 1;";
  };
  expectGood(with("sys"), 3 * 5, 3, 5);
  expectScope(with("gpu"));
}

TEST(Devices, WhatADeviceHasAcquiredGoesOn) {
  // Rank 0 tells rank 1 at system scope, rank 1's first block its second one at
  // device scope.
  expectGood("@!%p0 bra done;\nmov.u32 %r1, 1;\nmov.u32 %r4, %ctaid.x;\n"
             "setp.ne.u32 %p1, %rank, 0;\nsetp.ne.u32 %p2, %r4, 0;\n"
             "@%p1 bra one;\n@%p2 bra done;\nmov.u32 %r0, 42;\n"
             "st.global.u32 [%data], %r0;\n"
             "st.release.sys.global.u32 [%flag], %r1;\nbra done;\none:\n"
             "@%p2 bra last;\nwait:\nld.acquire.sys.global.u32 %r2, [%flag];\n"
             "setp.eq.u32 %p3, %r2, 0;\n@%p3 bra wait;\n"
             "st.release.gpu.global.u32 [%flag+128], %r1;\nbra done;\nlast:\n"
             "ld.acquire.gpu.global.u32 %r2, [%flag+128];\n"
             "setp.eq.u32 %p3, %r2, 0;\n@%p3 bra last;\n"
             "ld.global.u32 %r3, [%data];\nst.global.u32 [%out], %r3;\ndone:",
             42, 2, 2);
}

TEST(Devices, EachHasItsOwnRoom) {
  // A barrier over all blocks of three devices, which fill each one.
  const std::string barrier =
      "@!%p0 bra done;\nred.release.sys.global.add.u32 [%flag], 1;\nwait:\n"
      "ld.acquire.sys.global.u32 %r2, [%flag];\n"
      "setp.lt.u32 %p1, %r2, TOTAL;\n@%p1 bra wait;\n"
      "red.relaxed.sys.global.add.u32 [%out], 1;\ndone:";
  // One block of so much shared memory fits on a multiprocessor.
  constexpr uint32_t fits = 132, bytes = 200 * 1024;
  auto of = [&](uint32_t grid) {
    std::string text = barrier;
    return text.replace(text.find("TOTAL"), 5, std::to_string(3 * grid));
  };
  DevicesRun good = run(of(fits), 3, fits, {}, bytes, SanitizeLevel::Off);
  EXPECT_EQ(good.error, "");
  EXPECT_EQ(good.out[0], 3 * fits);
  DevicesRun starved =
      run(of(fits + 1), 3, fits + 1, {}, bytes, SanitizeLevel::Off);
  ASSERT_FALSE(starved.findings.empty());
  EXPECT_EQ(starved.findings[0].cause, CauseClass::Residency);
  EXPECT_NE(starved.findings[0].message.find(
                "132 of its 133 clusters fit on each device at one time; all "
                "that run wait, and 3 have not begun"),
            std::string::npos)
      << describe(starved.findings[0]);
}

TEST(Devices, Refused) {
  TestDevice device;
  EXPECT_EQ(device.runOnDevices(kernelOf(""), "k", {}, {}),
            "launch of 'k': expected 1 to 16 devices, found 0");
  EXPECT_EQ(device.runOnDevices(kernelOf(""), "k", {},
                                std::vector<std::vector<Argument>>(17)),
            "launch of 'k': expected 1 to 16 devices, found 17");
}

} // namespace
