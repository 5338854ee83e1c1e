//===- ExecutableTest.cpp - Loading, calling and calling again ------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "heddle/Runtime/Executable.h"

#include "test/runtime/FakeDevice.h"
#include "test/runtime/FakePackage.h"

#include <cstring>
#include <gtest/gtest.h>
#include <thread>

using namespace heddle;
using namespace heddle::test;

namespace {
class ExecutableTest : public testing::Test {
protected:
  /// The message of the error, or "".
  std::string load() {
    auto loaded = Executable::load(device, package);
    if (!loaded)
      return loaded.error().message;
    executable = std::move(*loaded);
    return "";
  }
  static std::vector<NamedArray> makeArrays(int64_t rows,
                                            DeviceAddress address = 0x1000) {
    std::vector<NamedArray> arrays(2);
    arrays[0] = {"A", {address, ElementType::BF16, {rows, 64}, {}}};
    arrays[1] = {"C", {0x100000, ElementType::F32, {rows}, {}}};
    return arrays;
  }
  std::string call(const std::vector<NamedArray> &arrays,
                   std::string_view host = "host") {
    Expected<void> called = executable->call(host, arrays);
    return called ? "" : called.error().message;
  }
  size_t countMaps() const { return device.maps.size(); }

  FakeDevice device;
  std::shared_ptr<FakePackage> package = makeFakePackage();
  std::unique_ptr<Executable> executable;
};

TEST_F(ExecutableTest, CallsLaunch) {
  ASSERT_EQ(load(), "");
  EXPECT_EQ(&executable->getDevice(), &device);
  EXPECT_EQ(&executable->getPackage(), package.get());
  EXPECT_EQ(call(makeArrays(100)), "");
  ASSERT_EQ(device.calls.size(), 1u);
  EXPECT_EQ(device.calls[0].kernel, "k");
  EXPECT_EQ(device.calls[0].config.grid.x, 2u);
  uint64_t address = 0;
  std::memcpy(&address, device.calls[0].arguments[0].data(), sizeof(address));
  EXPECT_EQ(address, 0x1000u);
}

TEST_F(ExecutableTest, ErrorsAreNotRemembered) {
  ASSERT_EQ(load(), "");
  std::vector<NamedArray> arrays = makeArrays(100);
  arrays[1].array.shape[0] = 99;
  for (int i = 0; i < 2; ++i)
    EXPECT_EQ(call(arrays), "host function 'host': size 'M' is 100 by 'A' and "
                            "99 by 'C'");
  EXPECT_EQ(call({}, "none"),
            "test.heddle: no host function is called 'none'; expected one of "
            "@host, @other");
  EXPECT_EQ(call({}, ""), "test.heddle: expected the name of one of the host "
                          "functions @host, @other");
  EXPECT_TRUE(device.calls.empty());
}

TEST_F(ExecutableTest, RepeatedCallsOnlyLaunch) {
  package->info.program.kernels[0].tensorMaps = {
      {0, {64, 64}, Swizzle::B128, TensorMapType::BF16}};
  ASSERT_EQ(load(), "");
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(call(makeArrays(100)), "");
  EXPECT_EQ(device.calls.size(), 3u);
  EXPECT_EQ(countMaps(), 1u);
  // Whatever the launches depend on makes another call.
  EXPECT_EQ(call(makeArrays(101)), "");
  EXPECT_EQ(countMaps(), 2u);
  EXPECT_EQ(call(makeArrays(100, 0x2000)), "");
  EXPECT_EQ(countMaps(), 3u);
  std::vector<NamedArray> arrays = makeArrays(100);
  std::vector<NamedSize> sizes = {{"K", 65}};
  EXPECT_FALSE(executable->call("host", arrays, sizes));
  // 256 calls are remembered, and the first is used least.
  for (int64_t rows = 200; rows < 456; ++rows)
    EXPECT_EQ(call(makeArrays(rows)), "");
  EXPECT_EQ(countMaps(), 3u + 256);
  EXPECT_EQ(call(makeArrays(455)), "");
  EXPECT_EQ(countMaps(), 3u + 256);
  EXPECT_EQ(call(makeArrays(100)), "");
  EXPECT_EQ(countMaps(), 4u + 256);
}

TEST_F(ExecutableTest, LaunchesCanBeLookedAt) {
  ASSERT_EQ(load(), "");
  std::vector<NamedArray> arrays = makeArrays(100);
  auto launches = executable->getLaunches("host", arrays);
  ASSERT_TRUE(launches) << launches.error().message;
  ASSERT_EQ(launches->size(), 1u);
  EXPECT_EQ(launches->front().entry, "k");
  EXPECT_TRUE(device.calls.empty());
}

TEST_F(ExecutableTest, ThreadsMayCallAtOnce) {
  ASSERT_EQ(load(), "");
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      // More shapes than are remembered, so that entries come and go.
      for (int64_t i = 0; i < 1000; ++i)
        EXPECT_EQ(call(makeArrays(1 + i % 300)), "");
    });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(device.calls.size(), 4000u);
}

TEST_F(ExecutableTest, PackagesForOtherDevicesAreRefused) {
  package->info.target = "sm_100a";
  device.description.name = "virtual H200";
  EXPECT_EQ(load(), "test.heddle: virtual:0 ('virtual H200') is sm_90 and runs "
                    "PTX, and the package has PTX for sm_100a");
  package->image.cubins = {{"sm_90a", {}}};
  EXPECT_EQ(load(),
            "test.heddle: virtual:0 ('virtual H200') is sm_90 and runs PTX, "
            "and the package has PTX for sm_100a, machine code for sm_90a");
  device.description.kind = DeviceKind::Cuda;
  EXPECT_EQ(load(), "");
  package->image.cubins.clear();
  package->image.ptx = "";
  EXPECT_NE(load().find("the package has no code"), std::string::npos);
  EXPECT_FALSE(Executable::load(device, nullptr));
}

TEST_F(ExecutableTest, TargetsFollowTheRulesOfPTX) {
  auto runs = [&](const char *target, int smArch) {
    package->info.target = target;
    device.description.smArch = smArch;
    return load() == "";
  };
  EXPECT_TRUE(runs("sm_90a", 90));
  EXPECT_FALSE(runs("sm_90a", 100));
  EXPECT_TRUE(runs("sm_80", 90));
  EXPECT_FALSE(runs("sm_90", 80));
  EXPECT_TRUE(runs("sm_100f", 103));
  EXPECT_FALSE(runs("sm_100f", 120));
  EXPECT_FALSE(runs("sm_90ab", 90));
  EXPECT_FALSE(runs("sm_", 90));
  EXPECT_FALSE(runs("", 90));
  EXPECT_FALSE(runs("gfx90a", 90));
}
} // namespace
