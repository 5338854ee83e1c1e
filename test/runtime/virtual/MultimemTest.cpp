//===- MultimemTest.cpp - Memory of several devices at one address --------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestDevice.h"

#include <algorithm>
#include <bit>
#include <fmt/format.h>

using namespace heddle;
using namespace heddle::test;

namespace {

/// A kernel of parameters data and flags, multicast objects, mine and myFlags,
/// the device's own copies of them, out and rank. They are in registers of
/// these names; %tid is the thread, and %p0 is true in thread 0.
std::string kernelOf(const std::string &body) {
  return preamble() +
         ".visible .entry k(.param .u64 data, .param .u64 mine, "
         ".param .u64 flags, .param .u64 myFlags, .param .u64 out, "
         ".param .u32 rank)\n{\n"
         ".reg .pred %p<8>;\n.reg .b16 %h<16>;\n.reg .b32 %r<16>, %rank, %tid;"
         "\n.reg .f32 %f<8>;\n.reg .f64 %fd<4>;\n.reg .b64 %rd<16>, %data, "
         "%mine, %flags, %myFlags, %out;\n"
         "ld.param.u64 %data, [data];\nld.param.u64 %mine, [mine];\n"
         "ld.param.u64 %flags, [flags];\nld.param.u64 %myFlags, [myFlags];\n"
         "ld.param.u64 %out, [out];\nld.param.u32 %rank, [rank];\n"
         "mov.u32 %tid, %tid.x;\nsetp.eq.u32 %p0, %tid, 0;\n" +
         body + "\nret;\n}\n";
}

/// Words of a multicast object in these tests.
constexpr size_t words = 64;

/// Devices with two multicast objects, of data and of flags.
class Group {
public:
  explicit Group(uint32_t devices, Schedule schedule = {},
                 SanitizeLevel sanitize = SanitizeLevel::Full)
      : test({.stepBudget = 1 << 20,
              .schedule = schedule,
              .sanitize = sanitize,
              .onReport = [this](const LaunchReport &report) {
                findings = report.findings;
              }}) {
    data = create(devices);
    flags = create(devices);
    for (uint32_t member = 0; member < devices; ++member) {
      memory.push_back(test.upload(std::vector<uint32_t>(words)));
      flagMemory.push_back(test.upload(std::vector<uint32_t>(words)));
      bind(data, member, memory.back());
      bind(flags, member, flagMemory.back());
    }
    out = test.upload(std::vector<uint32_t>(words * devices));
  }
  Group(const Group &) = delete;

  DeviceAddress create(uint32_t devices) {
    auto made = createMulticast(*test.device, devices, words * 4);
    EXPECT_TRUE(made);
    return *made;
  }
  void bind(DeviceAddress object, uint32_t member, DeviceAddress from) {
    auto bound = bindMulticast(*test.device, object, member, from);
    EXPECT_TRUE(bound) << bound.error().message;
  }
  /// Device `member`'s copy of the data.
  template <typename T>
  void set(uint32_t member, const std::vector<T> &values) {
    EXPECT_TRUE(test.device->copyToDevice(memory[member], values.data(),
                                          values.size() * sizeof(T)));
  }

  /// Runs `body` in 32 threads on all devices, or on the first.
  std::string run(const std::string &body, bool onAll = true,
                  uint32_t threads = 32) {
    LaunchConfig config;
    config.block.x = threads;
    std::vector<std::vector<Argument>> arguments;
    for (uint32_t rank = 0; rank < (onAll ? memory.size() : 1); ++rank)
      arguments.push_back(
          {data, memory[rank], flags, flagMemory[rank], out, rank});
    return test.runOnDevices(kernelOf(body), "k", config, arguments);
  }
  template <typename T>
  std::vector<T> result(size_t count) {
    return test.download<T>(out, count);
  }

  TestDevice test;
  std::vector<Finding> findings;
  DeviceAddress data = 0, flags = 0, out = 0;
  std::vector<DeviceAddress> memory, flagMemory;
};

std::vector<Schedule> schedules() {
  return {{.kind = Schedule::Kind::Timed},
          {.kind = Schedule::Kind::Eager},
          {.kind = Schedule::Kind::Lazy},
          {.kind = Schedule::Kind::Random, .seed = 1},
          {.kind = Schedule::Kind::Random, .seed = 4},
          {.kind = Schedule::Kind::Random, .seed = 7}};
}

// --- Values ------------------------------------------------------------------

template <typename T>
T reduceOne(const std::string &instruction, const std::string &store,
            const std::vector<T> &copies) {
  Group group(uint32_t(copies.size()));
  for (uint32_t member = 0; member < copies.size(); ++member)
    group.set(member, std::vector<T>{copies[member]});
  EXPECT_EQ(group.run("multimem.ld_reduce." + instruction +
                          ", [%data];\n@%p0 st.global." + store + ";",
                      false),
            "");
  EXPECT_TRUE(group.findings.empty());
  return group.result<T>(1)[0];
}

uint32_t reduceB32(const std::string &modifiers,
                   const std::vector<uint32_t> &copies) {
  return reduceOne<uint32_t>(modifiers + " %r1", "b32 [%out], %r1", copies);
}
uint64_t reduceB64(const std::string &modifiers,
                   const std::vector<uint64_t> &copies) {
  return reduceOne<uint64_t>(modifiers + " %rd1", "b64 [%out], %rd1", copies);
}

TEST(Multimem, Integers) {
  constexpr uint32_t minusOne = UINT32_MAX;
  EXPECT_EQ(reduceB32("add.u32", {1, 2, 3, minusOne}), 5u);
  EXPECT_EQ(reduceB32("global.add.s32", {7}), 7u);
  EXPECT_EQ(reduceB32("min.u32", {4, minusOne, 9}), 4u);
  EXPECT_EQ(reduceB32("min.s32", {4, minusOne, 9}), minusOne);
  EXPECT_EQ(reduceB32("max.u32", {4, minusOne, 9}), minusOne);
  EXPECT_EQ(reduceB32("max.s32", {4, minusOne, 9}), 9u);
  EXPECT_EQ(reduceB32("and.b32", {14, 7, 13}), 4u);
  EXPECT_EQ(reduceB32("weak.global.or.b32", {8, 3}), 11u);
  EXPECT_EQ(reduceB32("relaxed.sys.global.xor.b32", {8, 3, 9, 1}), 3u);
  constexpr uint64_t big = uint64_t(1) << 40;
  EXPECT_EQ(reduceB64("acquire.gpu.add.u64", {big, big, 1}), 2 * big + 1);
  EXPECT_EQ(reduceB64("min.s64", {big, UINT64_MAX}), UINT64_MAX);
  EXPECT_EQ(reduceB64("max.u64", {big, 3}), big);
  EXPECT_EQ(reduceB64("xor.b64", {big, 3, big}), 3u);
}

TEST(Multimem, Floats) {
  EXPECT_EQ(reduceOne<float>("add.f32 %f1", "f32 [%out], %f1",
                             {0.5f, 1.25f, -3.f, 8.f}),
            6.75f);
  EXPECT_EQ(
      reduceOne<double>("add.f64 %fd1", "f64 [%out], %fd1", {0.1, 1e16, 1}),
      0.1 + 1e16 + 1);
  // 2 and -1, 3 and infinity, NaN and 1: a number beats NaN.
  EXPECT_EQ(reduceB32("max.f16x2", {0xbc004000, 0x7c004200, 0x3c007fff}),
            0x7c004200u);
  EXPECT_EQ(reduceB32("min.bf16x2", {0xbf804000, 0x7f804040, 0x3f807fff}),
            0xbf804000u);
}

/// Sums of 16-bit numbers go through the devices in order. Each step rounds to
/// the type, or, with .acc::f32, the end alone.
TEST(Multimem, SumsAreRoundedInTheOrderOfDevices) {
  // 2048 + 1 is a tie that goes to 2048 in f16.
  constexpr uint32_t f16[] = {0x68000001, 0x3c003c00, 0x3c003c00};
  EXPECT_EQ(reduceB32("add.f16x2", {0x6800, 0x3c00, 0x3c00}), 0x6800u);
  EXPECT_EQ(reduceB32("add.acc::f32.f16x2", {0x6800, 0x3c00, 0x3c00}), 0x6801u);
  EXPECT_EQ(reduceB32("add.f16x2", {0x3c00, 0x3c00, 0x6800}), 0x6801u);
  EXPECT_EQ(reduceB32("add.acc::f32.f16x2", {f16[0], f16[1], f16[2]}) >> 16,
            0x6801u);
  // 256 + 1 is one in bf16.
  EXPECT_EQ(reduceB32("add.bf16x2", {0x43800000, 0x3f800000, 0x3f800000}),
            0x43800000u);
  EXPECT_EQ(
      reduceB32("add.acc::f32.bf16x2", {0x43800000, 0x3f800000, 0x3f800000}),
      0x43810000u);
}

TEST(Multimem, Vectors) {
  Group group(2);
  std::vector<uint16_t> ones(8, 0x3c00), twos(8, 0x4000);
  ones[7] = 0x4400;
  group.set(0, ones);
  group.set(1, twos);
  const std::string list = "{%h0, %h1, %h2, %h3, %h4, %h5, %h6, %h7}";
  EXPECT_EQ(group.run("@!%p0 bra done;\n"
                      "multimem.ld_reduce.relaxed.sys.global.add.acc::f32.v8"
                      ".f16 " +
                          list +
                          ", [%data];\n"
                          "multimem.st.relaxed.sys.global.v8.f16 [%data+16], " +
                          list +
                          ";\nmultimem.red.add.v4.f16x2 [%data+16], "
                          "{0x3c003c00, 0x3c003c00, 0x3c003c00, 0x3c003c00};"
                          "\nmultimem.red.max.v2.bf16 [%data+32], {%h7, %h0};"
                          "\ndone:",
                      false),
            "");
  for (uint32_t member = 0; member < 2; ++member) {
    auto found = group.test.download<uint16_t>(group.memory[member], 18);
    for (size_t i = 8; i < 15; ++i)
      EXPECT_EQ(found[i], 0x4400) << member << " " << i;
    EXPECT_EQ(found[15], 0x4700);
    EXPECT_EQ(found[16], 0x4600);
    EXPECT_EQ(found[17], 0x4200);
  }
}

TEST(Multimem, ReductionsReachAllDevices) {
  for (uint32_t devices : {2u, 4u}) {
    Group group(devices);
    EXPECT_EQ(group.run("multimem.red.relaxed.sys.global.add.u32 [%data], 1;\n"
                        "multimem.red.max.u64 [%data+8], 77;\n"
                        "multimem.red.release.sys.or.b32 [%data+4], 5;\n"
                        "mov.f32 %f1, 0f3f000000;\n"
                        "multimem.red.add.f32 [%data+16], %f1;"),
              "");
    EXPECT_TRUE(group.findings.empty());
    for (uint32_t member = 0; member < devices; ++member) {
      auto found = group.test.download<uint32_t>(group.memory[member], 5);
      EXPECT_EQ(found[0], 32 * devices);
      EXPECT_EQ(found[1], 5u);
      EXPECT_EQ(found[2], 77u);
      EXPECT_EQ(std::bit_cast<float>(found[4]), 16.f * float(devices));
    }
  }
}

TEST(Multimem, LanesMayUseSeveralObjects) {
  Group group(3);
  EXPECT_EQ(group.run("setp.lt.u32 %p1, %tid, 7;\n"
                      "selp.b64 %rd0, %data, %flags, %p1;\n"
                      "mul.wide.u32 %rd1, %tid, 4;\n"
                      "add.u64 %rd0, %rd0, %rd1;\n"
                      "multimem.st.u32 [%rd0], %tid;",
                      false),
            "");
  for (uint32_t member = 0; member < 3; ++member) {
    auto data = group.test.download<uint32_t>(group.memory[member], 32),
         flags = group.test.download<uint32_t>(group.flagMemory[member], 32);
    for (uint32_t l = 0; l < 32; ++l) {
      EXPECT_EQ(data[l], l < 7 ? l : 0);
      EXPECT_EQ(flags[l], l < 7 ? 0 : l);
    }
  }
}

// --- What orders accesses ----------------------------------------------------

/// All threads of all devices meet: one thread of each counts on every device's
/// flag, and waits until all have.
std::string barrier(uint32_t number, uint32_t devices,
                    const std::string &release = "release.sys",
                    const std::string &acquire = "acquire.sys") {
  return fmt::format(
      "bar.sync 0;\n@!%p0 bra met{0};\n"
      "multimem.red.{2}.global.add.u32 [%flags+{1}], 1;\nwait{0}:\n"
      "ld.{3}.global.u32 %r0, [%myFlags+{1}];\nsetp.ne.u32 %p1, %r0, {4};\n"
      "@%p1 bra wait{0};\nmet{0}:\nbar.sync 0;\n",
      number, number * 4, release, acquire, devices);
}

/// Each device writes its copy, thread t `rank + t`; after `first`, each sums
/// its share of them and writes the sum to all; after `second`, each stores its
/// copy of the sums.
std::string allReduce(uint32_t devices, const std::string &first,
                      const std::string &second) {
  return fmt::format(
      "mul.wide.u32 %rd1, %tid, 4;\nadd.u64 %rd2, %mine, %rd1;\n"
      "add.u32 %r1, %rank, %tid;\nst.global.u32 [%rd2], %r1;\n{1}"
      "rem.u32 %r2, %tid, {0};\nsetp.ne.u32 %p2, %r2, %rank;\n"
      "add.u64 %rd3, %data, %rd1;\n@%p2 bra others;\n"
      "multimem.ld_reduce.weak.global.add.u32 %r3, [%rd3];\n"
      "multimem.st.weak.global.u32 [%rd3+128], %r3;\nothers:\n{2}"
      "ld.global.u32 %r4, [%rd2+128];\n"
      "mad.lo.u32 %r5, %rank, 32, %tid;\nmul.wide.u32 %rd4, %r5, 4;\n"
      "add.u64 %rd4, %out, %rd4;\nst.global.u32 [%rd4], %r4;\n",
      devices, first, second);
}

TEST(Multimem, AllReduce) {
  for (uint32_t devices : {1u, 2u, 3u, 4u})
    for (const Schedule &schedule : schedules()) {
      SCOPED_TRACE(fmt::format("{} {}", devices, getName(schedule)));
      Group group(devices, schedule);
      EXPECT_EQ(group.run(allReduce(devices, barrier(0, devices),
                                    barrier(1, devices))),
                "");
      EXPECT_TRUE(group.findings.empty()) << describe(group.findings[0]);
      auto found = group.result<uint32_t>(32 * devices);
      for (uint32_t i = 0; i < found.size(); ++i)
        EXPECT_EQ(found[i], devices * (devices - 1) / 2 + devices * (i % 32))
            << i;
    }
}

/// Whether there are findings, all of them races.
::testing::AssertionResult onlyRaces(const std::vector<Finding> &findings) {
  if (findings.empty())
    return ::testing::AssertionFailure() << "no findings";
  for (const Finding &finding : findings)
    if (finding.kind != FindingKind::Race)
      return ::testing::AssertionFailure() << describe(finding);
  return ::testing::AssertionSuccess();
}

TEST(Multimem, RacesAreFound) {
  const std::string block = "bar.sync 0;\n";
  for (const Schedule &schedule : schedules()) {
    SCOPED_TRACE(getName(schedule));
    for (const std::string &body :
         {// Nothing orders what a device wrote before the sum of another, ...
          allReduce(2, block, barrier(1, 2)),
          // ... or the sum before its use.
          allReduce(2, barrier(0, 2), block),
          // The release does not reach the other device, ...
          allReduce(2, barrier(0, 2, "release.gpu"), barrier(1, 2)),
          // ... is none, ...
          allReduce(2, barrier(0, 2, "relaxed.sys"), barrier(1, 2)),
          // ... or is not acquired.
          allReduce(2, barrier(0, 2),
                    barrier(1, 2, "release.sys", "relaxed.sys"))}) {
      Group group(2, schedule);
      EXPECT_NE(group.run(body), "");
      EXPECT_TRUE(onlyRaces(group.findings)) << body;
    }
    Group group(2, schedule);
    EXPECT_NE(group.run("@%p0 multimem.st.u32 [%data], %rank;"), "");
    EXPECT_TRUE(onlyRaces(group.findings));
  }
}

TEST(Multimem, FencesOrder) {
  // In the place of release and acquire; ld_reduce polls all copies.
  const std::string fenced =
      "bar.sync 0;\n@!%p0 bra met;\nfence.acq_rel.sys;\n"
      "multimem.red.relaxed.sys.global.add.u32 [%flags], 1;\nwait:\n"
      "multimem.ld_reduce.relaxed.sys.global.min.u32 %r0, [%flags];\n"
      "setp.ne.u32 %p1, %r0, 2;\n@%p1 bra wait;\nfence.acq_rel.sys;\nmet:\n"
      "bar.sync 0;\n";
  for (const Schedule &schedule : schedules()) {
    SCOPED_TRACE(getName(schedule));
    Group group(2, schedule);
    EXPECT_EQ(group.run(allReduce(2, fenced, barrier(1, 2))), "");
    EXPECT_TRUE(group.findings.empty()) << describe(group.findings[0]);
  }
}

TEST(Multimem, AnAcquireOfAllCopiesOrders) {
  // Each device says so in its own copy alone.
  const std::string own =
      "bar.sync 0;\n@!%p0 bra met;\n"
      "st.release.sys.global.u32 [%myFlags], 1;\nwait:\n"
      "multimem.ld_reduce.acquire.sys.global.add.u32 %r0, [%flags];\n"
      "setp.ne.u32 %p1, %r0, 4;\n@%p1 bra wait;\nmet:\nbar.sync 0;\n";
  for (const Schedule &schedule : schedules()) {
    SCOPED_TRACE(getName(schedule));
    Group group(4, schedule);
    EXPECT_EQ(group.run(allReduce(4, own, barrier(1, 4))), "");
    EXPECT_TRUE(group.findings.empty()) << describe(group.findings[0]);
  }
}

TEST(Multimem, AWaitForNobodyIsExplained) {
  Group group(2);
  std::string error =
      group.run("@!%p0 bra done;\nwait:\n"
                "multimem.ld_reduce.acquire.sys.add.u32 %r0, [%flags];\n"
                "setp.ne.u32 %p1, %r0, 2;\n@%p1 bra wait;\ndone:");
  EXPECT_NE(error.find("multimem.ld_reduce.acquire.sys.add.u32: polls memory "
                       "that nobody writes"),
            std::string::npos)
      << error;
}

// --- Uninitialised memory ----------------------------------------------------

TEST(Multimem, UninitializedCopiesAreFollowed) {
  for (auto [body, use] :
       std::initializer_list<std::pair<const char *, const char *>>{
           {"multimem.ld_reduce.add.u32 %r1, [%rd0];\n"
            "@%p0 st.global.u32 [%out], %r1;",
            "stores it to global memory"},
           {"@%p0 multimem.ld_reduce.add.v2.f32 {%f1, %f2}, [%rd0];\n"
            "@%p0 multimem.st.f32 [%data], %f2;",
            "stores it"},
           {"@%p0 multimem.red.add.u32 [%rd0], 1;", "combines with it"}}) {
    Group group(2);
    DeviceAddress object = group.create(2);
    group.bind(object, 0, group.test.upload(std::vector<uint32_t>(words)));
    group.bind(object, 1, *group.test.device->allocate(words * 4));
    std::string error =
        group.run(fmt::format("mov.u64 %rd0, {};\n{}", object, body), false);
    EXPECT_NE(error.find(use), std::string::npos) << error;
    ASSERT_EQ(group.findings.size(), 1u);
    EXPECT_EQ(group.findings[0].kind, FindingKind::Uninitialized);
  }
  // What goes unused does no harm, and a store to all copies initialises them.
  Group group(2);
  DeviceAddress object = group.create(2);
  for (uint32_t member = 0; member < 2; ++member)
    group.bind(object, member, *group.test.device->allocate(words * 4));
  EXPECT_EQ(group.run(fmt::format("mov.u64 %rd0, {};\n@!%p0 bra done;\n"
                                  "multimem.ld_reduce.add.u32 %r1, [%rd0];\n"
                                  "multimem.st.u32 [%rd0], 3;\n"
                                  "multimem.ld_reduce.add.u32 %r1, [%rd0];\n"
                                  "st.global.u32 [%out], %r1;\ndone:",
                                  object),
                      false),
            "");
  EXPECT_EQ(group.result<uint32_t>(1)[0], 6u);
}

// --- Faults ------------------------------------------------------------------

/// The error of `body` on one of two devices, with the addresses of the object
/// and of its first copy as "DATA" and "MINE".
std::string faultOf(const std::string &body,
                    SanitizeLevel sanitize = SanitizeLevel::Off) {
  Group group(2, {}, sanitize);
  std::string text = group.run(body, false, 1);
  for (auto [address, name] :
       {std::pair{group.data, "DATA"}, std::pair{group.memory[0], "MINE"}})
    for (std::string found = fmt::format("{:#x}", address);;) {
      size_t at = text.find(found);
      if (at == std::string::npos)
        break;
      text.replace(at, found.size(), name);
    }
  return text.substr(0, text.find('\n'));
}

TEST(Multimem, OtherAccessesFault) {
  const std::string buffer = ".shared .align 16 .b8 buffer[32];\n";
  const std::string said =
      " at DATA are at offset 0 of the 256-byte multicast object at DATA; "
      "expected a multimem instruction, or the address of one device's memory";
  for (auto [instruction, bytes] :
       std::initializer_list<std::pair<const char *, int>>{
           {"ld.global.u32 %r1, [%data];", 4},
           {"ld.v2.u64 {%rd1, %rd2}, [%data];", 16},
           {"st.global.u64 [%data], %rd1;", 8},
           {"st.release.sys.global.u32 [%data], 1;", 4},
           {"atom.global.add.u32 %r1, [%data], 1;", 4},
           {"red.relaxed.sys.global.add.u32 [%data], 1;", 4},
           {"cp.async.ca.shared.global [buffer], [%data], 16;", 16}}) {
    std::string mnemonic = instruction;
    mnemonic = mnemonic.substr(0, mnemonic.find(' '));
    std::string error = faultOf(buffer + instruction);
    EXPECT_NE(error.find(fmt::format("{}: {} bytes{}", mnemonic, bytes, said)),
              std::string::npos)
        << error;
  }
  std::string bulk =
      faultOf(buffer + "cp.async.bulk.global.shared::cta.bulk_group "
                       "[%data], [buffer], 32;\n"
                       "cp.async.bulk.commit_group;\n"
                       "cp.async.bulk.wait_group 0;");
  EXPECT_NE(bulk.find("of the 256-byte multicast object at DATA; expected a "
                      "multimem instruction"),
            std::string::npos)
      << bulk;
}

TEST(Multimem, OtherAddressesFault) {
  auto expect = [](const std::string &body, const std::string &message) {
    std::string error = faultOf(body);
    EXPECT_NE(error.find(message), std::string::npos) << error;
  };
  expect("multimem.ld_reduce.add.u32 %r1, [%mine];",
         "multimem.ld_reduce.add.u32: 4 bytes at MINE are in no multicast "
         "object; expected the address of one, or ld, st or red in the place "
         "of multimem");
  expect("multimem.st.u32 [%data+2], 1;", "is not a multiple of 4 bytes");
  expect("multimem.red.add.v4.f32 [%data+8], {%f1, %f1, %f1, %f1};",
         "is not a multiple of 16 bytes");
  expect("multimem.st.f64 [%data+256], %fd1;",
         "0 bytes past the end of the 256-byte multicast object at DATA");
  expect("mov.u64 %rd1, 0;\nmultimem.st.u32 [%rd1], 1;",
         "4 bytes at 0x0 are in no multicast object");
}

TEST(Multimem, MemoryMustBeBoundAndLive) {
  Group group(2);
  DeviceAddress object = group.create(2);
  auto run = [&] {
    return group.run(
        fmt::format("mov.u64 %rd0, {};\nmultimem.st.u32 [%rd0+4], 1;", object),
        false, 1);
  };
  auto contains = [](const std::string &text, const std::string &part) {
    EXPECT_NE(text.find(part), std::string::npos) << text;
  };
  DeviceAddress one = group.test.upload(std::vector<uint32_t>(words)),
                two = group.test.upload(std::vector<uint32_t>(words));
  group.bind(object, 0, one);
  contains(run(), fmt::format("are at offset 4 of the 256-byte multicast "
                              "object at {:#x}, to which no memory of device 1 "
                              "is bound",
                              object));
  group.bind(object, 1, two);
  EXPECT_EQ(run(), "");
  EXPECT_TRUE(group.test.device->free(two));
  contains(run(), fmt::format("the memory of device 1 for the multicast object "
                              "at {:#x}: 4 bytes at {:#x} are at offset 4 of "
                              "the 256-byte allocation at {:#x}, which was "
                              "freed",
                              object, two + 4, two));
  EXPECT_TRUE(freeMulticast(*group.test.device, object));
  contains(run(), "multicast object");
  EXPECT_FALSE(freeMulticast(*group.test.device, object));
}

TEST(Multimem, BadObjectsAreRefused) {
  TestDevice test;
  Device &device = *test.device;
  auto messageOf = [](const auto &result) {
    return result ? std::string() : result.error().message;
  };
  EXPECT_EQ(messageOf(createMulticast(device, 0, 64)),
            "expected a multicast object of 1 to 16 devices, found 0");
  EXPECT_EQ(messageOf(createMulticast(device, 17, 64)),
            "expected a multicast object of 1 to 16 devices, found 17");
  EXPECT_NE(messageOf(createMulticast(device, 2, 0)), "");
  EXPECT_NE(messageOf(createMulticast(device, 2, SIZE_MAX)), "");
  DeviceAddress object = *createMulticast(device, 2, 64);
  DeviceAddress memory = test.upload(std::vector<uint32_t>(64));
  EXPECT_EQ(messageOf(bindMulticast(device, object + 16, 0, memory)),
            fmt::format("expected the address of a multicast object, found "
                        "{:#x}",
                        object + 16));
  EXPECT_EQ(messageOf(bindMulticast(device, object, 2, memory)),
            fmt::format("the multicast object at {:#x} has 2 devices; expected "
                        "one of them, found device 2",
                        object));
  EXPECT_EQ(messageOf(bindMulticast(device, object, 0, memory + 4)),
            fmt::format("expected memory that is aligned to 16 bytes, found "
                        "{:#x}",
                        memory + 4));
  EXPECT_NE(messageOf(bindMulticast(device, object, 0, memory + 208))
                .find("memory of device 0 for a multicast object: 64 bytes at"),
            std::string::npos);
  EXPECT_EQ(messageOf(bindMulticast(device, object, 0, memory)), "");
  EXPECT_EQ(messageOf(bindMulticast(device, object, 0, memory + 64)),
            fmt::format("memory of device 0 is bound to the multicast object "
                        "at {:#x} already",
                        object));
  EXPECT_EQ(messageOf(bindMulticast(device, object, 1, memory + 48)),
            fmt::format("the memory of device 1 at {:#x} overlaps that of "
                        "device 0 at {:#x}; expected memory of its own",
                        memory + 48, memory));
  EXPECT_EQ(messageOf(bindMulticast(device, object, 1, memory + 64)), "");
}

TEST(Multimem, OtherFormsAreRefused) {
  Group group(2);
  auto expect = [&](const std::string &body, const std::string &message) {
    std::string error = group.run(body, false);
    EXPECT_NE(error.find(message), std::string::npos) << error;
    EXPECT_TRUE(error.starts_with("test.ptx:")) << error;
  };
  expect("multimem.ld_reduce.mul.u32 %r1, [%data];",
         "multimem.ld_reduce.mul.u32: unknown modifier '.mul', expected .add");
  expect("multimem.ld_reduce.acquire.add.u32 %r1, [%data];",
         "multimem.ld_reduce.acquire.add.u32: expected .cta, .cluster, .gpu or "
         ".sys");
  expect("multimem.ld_reduce.weak.relaxed.sys.add.u32 %r1, [%data];",
         "multimem.ld_reduce.weak.relaxed.sys.add.u32: unknown combination of "
         "modifiers");
  expect("multimem.red.acquire.sys.add.u32 [%data], %r1;",
         "multimem.red.acquire.sys.add.u32: unknown modifier '.acquire'");
  expect("multimem.ld_reduce.add.acc::f16.v4.e4m3x4 {%r1, %r2, %r3, %r4}, "
         "[%data];",
         "needs sm_100a; the virtual GPU runs sm_90a and older");
  expect("multimem.ld_reduce.add.v4.f32 {%f1, %f2}, [%data];",
         "multimem.ld_reduce.add.v4.f32: expected 4 registers, found 2");
}

} // namespace
