//===- DriverTest.cpp - What the test driver refuses ----------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The runtime checks most of this before it calls a driver, so that the test
// driver is called directly.
//
//===----------------------------------------------------------------------===//

#include "DriverTable.h"
#include "TestDriver.h"

#include <fmt/format.h>
#include <thread>

using namespace heddle;
using namespace heddle::cuda;
using namespace heddle::test;

/// A context that is current, and the kernels loaded in it.
class DriverTest : public testing::Test {
protected:
  void SetUp() override {
    ASSERT_EQ(api.init(0), Result::Success);
    ASSERT_EQ(api.devicePrimaryCtxRetain(&context, 0), Result::Success);
    ASSERT_EQ(api.ctxPushCurrent(context), Result::Success);
    ASSERT_EQ(api.moduleLoadDataEx(&module, getKernels().c_str(), 0, nullptr,
                                   nullptr),
              Result::Success);
  }
  void TearDown() override {
    (void)api.moduleUnload(module);
    (void)api.ctxPopCurrent(&context);
    EXPECT_EQ(api.devicePrimaryCtxRelease(0), Result::Success);
    EXPECT_EQ(driver.countLines("leak"), 0u);
  }

  FunctionHandle getFunction(const char *name) {
    FunctionHandle function = nullptr;
    EXPECT_EQ(api.moduleGetFunction(&function, module, name), Result::Success);
    return function;
  }
  static DriverLaunchConfig makeConfig(uint32_t sharedBytes = 0) {
    DriverLaunchConfig config = {};
    config.gridX = config.gridY = config.gridZ = 1;
    config.blockX = config.blockY = config.blockZ = 1;
    config.sharedBytes = sharedBytes;
    return config;
  }

  TestDriver driver;
  DriverApi api = openDriverApi();
  ContextHandle context = nullptr;
  ModuleHandle module = nullptr;
};

TEST_F(DriverTest, NeedsACurrentContext) {
  std::thread([&] {
    DeviceAddress address = 0;
    EXPECT_EQ(api.memAlloc(&address, 16), Result::InvalidContext);
    EXPECT_EQ(api.ctxPopCurrent(&context), Result::InvalidContext);
    EXPECT_EQ(api.streamSynchronize(nullptr), Result::InvalidContext);
  }).join();
  EXPECT_EQ(api.ctxPushCurrent(reinterpret_cast<ContextHandle>(this)),
            Result::InvalidContext);
}

TEST_F(DriverTest, KnowsItsHandles) {
  auto wrong = [this]<typename T>(T *) { return reinterpret_cast<T *>(this); };
  StreamHandle stream = wrong(StreamHandle());
  EventHandle event = wrong(EventHandle());
  FunctionHandle function = wrong(FunctionHandle());
  int value = 0;
  EXPECT_EQ(api.streamSynchronize(stream), Result::InvalidHandle);
  EXPECT_EQ(api.streamDestroy(stream), Result::InvalidHandle);
  EXPECT_EQ(api.eventRecord(event, nullptr), Result::InvalidHandle);
  EXPECT_EQ(api.eventDestroy(event), Result::InvalidHandle);
  EXPECT_EQ(api.moduleUnload(wrong(ModuleHandle())), Result::InvalidHandle);
  EXPECT_EQ(api.funcGetAttribute(&value, FunctionAttribute::SharedSizeBytes,
                                 function),
            Result::InvalidHandle);
  DriverLaunchConfig config = makeConfig();
  EXPECT_EQ(api.launchKernelEx(&config, function, nullptr, nullptr),
            Result::InvalidHandle);
  config.stream = stream;
  EXPECT_EQ(api.launchKernelEx(&config, getFunction("empty"), nullptr, nullptr),
            Result::InvalidHandle);
}

TEST_F(DriverTest, EndsFunctionsWithTheirModule) {
  FunctionHandle function = getFunction("empty");
  DriverLaunchConfig config = makeConfig();
  EXPECT_EQ(api.launchKernelEx(&config, function, nullptr, nullptr),
            Result::Success);
  EXPECT_EQ(api.moduleUnload(module), Result::Success);
  EXPECT_EQ(api.launchKernelEx(&config, function, nullptr, nullptr),
            Result::InvalidHandle);
  EXPECT_EQ(api.moduleUnload(module), Result::InvalidHandle);
}

TEST_F(DriverTest, LimitsSharedMemory) {
  FunctionHandle function = getFunction("empty");
  DriverLaunchConfig config = makeConfig(48 * 1024 + 1);
  EXPECT_EQ(api.launchKernelEx(&config, function, nullptr, nullptr),
            Result::InvalidValue);
  int blocks = -1;
  EXPECT_EQ(api.occupancyMaxActiveBlocks(&blocks, function, 32, 64 * 1024),
            Result::Success);
  EXPECT_EQ(blocks, 0);
  auto limit = FunctionAttribute::MaxDynamicSharedSizeBytes;
  EXPECT_EQ(api.funcSetAttribute(function, limit, 227 * 1024 + 1),
            Result::InvalidValue);
  EXPECT_EQ(api.funcSetAttribute(function, limit, 227 * 1024), Result::Success);
  EXPECT_EQ(api.launchKernelEx(&config, function, nullptr, nullptr),
            Result::Success);
  EXPECT_EQ(api.funcSetAttribute(getFunction("bounded"), limit, 223 * 1024 + 1),
            Result::InvalidValue);
}

TEST_F(DriverTest, LimitsClusters) {
  FunctionHandle function = getFunction("empty");
  LaunchAttribute attribute = {};
  attribute.id = LaunchAttributeId::ClusterDimension;
  attribute.value.cluster = {16, 1, 1};
  DriverLaunchConfig config = makeConfig();
  config.gridX = 16;
  config.attributes = &attribute;
  config.attributeCount = 1;
  EXPECT_EQ(api.launchKernelEx(&config, function, nullptr, nullptr),
            Result::InvalidClusterSize);
  EXPECT_EQ(api.funcSetAttribute(
                function, FunctionAttribute::NonPortableClusterSizeAllowed, 1),
            Result::Success);
  EXPECT_EQ(api.launchKernelEx(&config, function, nullptr, nullptr),
            Result::Success);
  attribute.id = LaunchAttributeId(63);
  EXPECT_EQ(api.launchKernelEx(&config, function, nullptr, nullptr),
            Result::InvalidValue);
}

TEST_F(DriverTest, WantsParameters) {
  DriverLaunchConfig config = makeConfig();
  FunctionHandle function = getFunction("add");
  uint64_t data = 0;
  void *parameters[] = {&data, nullptr};
  EXPECT_EQ(api.launchKernelEx(&config, function, nullptr, nullptr),
            Result::InvalidValue);
  EXPECT_EQ(api.launchKernelEx(&config, function, parameters, nullptr),
            Result::InvalidValue);
  void *extra[] = {nullptr};
  EXPECT_EQ(api.launchKernelEx(&config, getFunction("empty"), nullptr, extra),
            Result::InvalidValue);
}

TEST_F(DriverTest, ChecksTensorMaps) {
  TensorMap maps[2];
  uint64_t dims[] = {64}, strides[] = {0};
  uint32_t box[] = {64}, elementStrides[] = {1};
  auto encode = [&](void *place, uintptr_t address) {
    return api.tensorMapEncodeTiled(
        static_cast<TensorMap *>(place), TensorMapDataType(TensorMapType::BF16),
        1, reinterpret_cast<void *>(address), dims, strides, box,
        elementStrides, TensorMapInterleave::None, TensorMapSwizzle::B128,
        TensorMapL2Promotion::B128, TensorMapOobFill::None);
  };
  EXPECT_EQ(encode(maps, 4096), Result::Success);
  EXPECT_EQ(encode(maps, 4100), Result::InvalidValue);
  EXPECT_EQ(encode(reinterpret_cast<char *>(maps) + 32, 4096),
            Result::InvalidValue);
  box[0] = 128;
  EXPECT_EQ(encode(maps, 4096), Result::InvalidValue);
}

TEST_F(DriverTest, KnowsWhatWasFreed) {
  DeviceAddress address = 0;
  EXPECT_EQ(api.memAlloc(&address, 0), Result::InvalidValue);
  ASSERT_EQ(api.memAlloc(&address, 16), Result::Success);
  EXPECT_EQ(api.memFree(address), Result::Success);
  EXPECT_EQ(api.memFree(address), Result::InvalidValue);
  char bytes[16];
  EXPECT_EQ(api.memcpyDtoH(bytes, address, 16), Result::InvalidValue);
}

TEST(DriverLog, SaysWhatLeaks) {
  TestDriver driver;
  DriverApi api = openDriverApi();
  ContextHandle context = nullptr;
  DeviceAddress address = 0;
  StreamHandle stream = nullptr;
  ASSERT_EQ(api.init(0), Result::Success);
  ASSERT_EQ(api.devicePrimaryCtxRetain(&context, 0), Result::Success);
  ASSERT_EQ(api.ctxPushCurrent(context), Result::Success);
  EXPECT_EQ(api.memAlloc(&address, 16), Result::Success);
  EXPECT_EQ(api.streamCreate(&stream, 0), Result::Success);
  EXPECT_EQ(api.ctxPopCurrent(&context), Result::Success);
  EXPECT_EQ(api.devicePrimaryCtxRelease(0), Result::Success);
  EXPECT_EQ(driver.countLines(fmt::format("leak: 16 bytes at {:#x}", address)),
            1u);
  EXPECT_EQ(driver.countLines("leak: 1 streams"), 1u);
}
