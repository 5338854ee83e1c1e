//===- FailureTest.cpp - Every call of the driver fails once --------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestDriver.h"

#include <fmt/format.h>
#include <thread>

using namespace heddle;
using namespace heddle::test;

namespace {

/// Memory that is freed whatever happens.
struct Memory {
  explicit Memory(Device &device) : device(device) {}
  ~Memory() {
    if (address)
      (void)device.free(address);
  }
  Device &device;
  DeviceAddress address = 0;
};

} // namespace

#define CHECK(...)                                                             \
  if (auto &&done = (__VA_ARGS__); !done)                                      \
    return tl::unexpected(done.error());

/// What a program does with a device. `atEnd` runs before what it made goes.
template <typename F>
static Expected<void> useDevice(F atEnd) {
  auto device = openDevice("cuda");
  CHECK(device);
  Memory memory(**device);
  auto address = (*device)->allocate(4096);
  CHECK(address);
  memory.address = *address;
  auto stream = (*device)->createStream();
  CHECK(stream);
  auto adopted = (*device)->adoptStream((*stream)->getNative());
  CHECK(adopted);
  auto begin = (*device)->createEvent(), end = (*device)->createEvent();
  CHECK(begin);
  CHECK(end);
  std::vector<uint32_t> data(1024, 1);
  CHECK((*device)->copyToDevice(*address, data.data(), 4096));
  CHECK((*device)->copyToDevice(*address, data.data(), 64, stream->get()));
  CHECK((*device)->fill(*address, std::byte(0), 64, stream->get()));
  TensorMapSpec spec;
  spec.rank = 1;
  spec.address = *address;
  spec.dims = {2048};
  spec.box = {64};
  CHECK((*device)->encodeTensorMap(spec));

  auto module = (*device)->loadModule(makeImage(getKernels()));
  CHECK(module);
  LaunchConfig config = {.grid = {16, 1, 1}};
  CHECK((*device)->getResidentBlocks(**module, "empty", config));
  config.cluster.x = 16;
  config.dynamicSharedBytes = 64 * 1024;
  CHECK((*device)->getResidentBlocks(**module, "empty", config));
  CHECK((*device)->record(**begin, stream->get()));
  CHECK((*device)->launch(**module, "empty", config, {}, adopted->get()));
  CHECK(launchAdd(**device, **module, *address, 3, 1, 32, stream->get()));
  CHECK((*device)->record(**end, stream->get()));
  CHECK((*device)->wait(nullptr, **end));
  CHECK((*device)->synchronize(stream->get()));
  CHECK((*device)->synchronize(**end));
  CHECK((*device)->getMilliseconds(**begin, **end));
  CHECK((*device)->copyToHost(data.data(), *address, 64, stream->get()));
  CHECK((*device)->copyToHost(data.data(), *address, 4096));
  memory.address = 0;
  CHECK((*device)->free(*address));
  atEnd();
  return {};
}

/// The calls that a use makes, up to where it destroys what it made.
static std::vector<std::string> getCalls() {
  TestDriver driver;
  std::vector<std::string> calls;
  EXPECT_GOOD(useDevice([&] { calls = driver.getLog(); }));
  EXPECT_EQ(driver.countLines("leak"), 0u);
  EXPECT_EQ(driver.countLines("cuDevicePrimaryCtxRetain"),
            driver.countLines("cuDevicePrimaryCtxRelease"));
  for (std::string &call : calls)
    call = call.substr(0, call.find(' '));
  return calls;
}

/// Runs a use in which the n-th of a call fails; what is wrong with how that
/// went, or "".
static std::string failOne(const std::string &call, uint32_t n,
                           const std::string &result) {
  TestDriver driver({{"FAIL", fmt::format("{}:{}={}", call, n, result)}});
  Expected<void> done;
  // A thread of its own, for contexts that stay current.
  std::thread([&] { done = useDevice([] {}); }).join();
  // Earlier work's errors are for the next call to report, and what cannot be
  // freed stays.
  if (call == "cuCtxPopCurrent_v2")
    return "";
  // The end of a kernel's parameters.
  if (call == "cuFuncGetParamInfo" && result == "CUDA_ERROR_INVALID_VALUE")
    return "";
  if (done)
    return "no error";
  bool isFault = result == "CUDA_ERROR_ILLEGAL_ADDRESS";
  if (isFault != (done.error().kind == ErrorKind::Fault))
    return "the wrong kind of error";
  if (call != "cuInit" && call != "cuModuleGetFunction" &&
      done.error().message.find(call) == std::string::npos)
    return "a message without the call: " + done.error().message;
  bool wasFreeing = done.error().message.starts_with("freeing");
  if (!wasFreeing && driver.countLines("leak") > 0)
    return "a leak";
  if (driver.countLines("cuDevicePrimaryCtxRetain CUDA_SUCCESS") !=
      driver.countLines("cuDevicePrimaryCtxRelease_v2 CUDA_SUCCESS"))
    return "a context that was not released";
  return "";
}

TEST(DriverFailure, OfEachCallIsAnError) {
  std::map<std::string, uint32_t> counts;
  for (const std::string &call : getCalls())
    ++counts[call];
  // The driver is asked for its version once in a process.
  counts.erase("cuDriverGetVersion");
  EXPECT_GT(counts.size(), 35u);
  for (const char *result : {"CUDA_ERROR_UNKNOWN", "CUDA_ERROR_INVALID_VALUE",
                             "CUDA_ERROR_ILLEGAL_ADDRESS"})
    for (const auto &[call, count] : counts)
      for (uint32_t n = 1; n <= count; ++n)
        EXPECT_EQ(failOne(call, n, result), "")
            << call << " " << n << " " << result;
}

TEST(DriverFailure, OfACallThatEndsSomethingIsIgnored) {
  for (const char *call : {"cuStreamDestroy_v2", "cuEventDestroy_v2",
                           "cuCtxSynchronize", "cuModuleUnload"}) {
    TestDriver driver({{"FAIL", fmt::format("{}:*=999", call)}});
    EXPECT_GOOD(useDevice([] {}));
    EXPECT_GT(driver.countLines(call), 0u);
  }
}

TEST(CudaModule, IsUnloadedWhenTheDeviceIsDone) {
  TestDriver driver;
  EXPECT_GOOD(useDevice([] {}));
  std::vector<std::string> log = driver.getLog();
  for (size_t i = 0; i < log.size(); ++i)
    if (log[i].starts_with("cuModuleUnload")) {
      ASSERT_GT(i, 0u);
      EXPECT_TRUE(log[i - 1].starts_with("cuCtxSynchronize")) << log[i - 1];
    }
  EXPECT_GT(driver.countLines("cuModuleUnload"), 0u);
}

TEST(DriverFailure, OfAReleaseIsIgnored) {
  // In a process of its own, in which the context stays.
  EXPECT_EXIT(
      {
        TestDriver driver({{"FAIL", "cuDevicePrimaryCtxRelease_v2:*=999"}});
        std::_Exit(useDevice([] {}) ? 0 : 1);
      },
      testing::ExitedWithCode(0), "");
}
