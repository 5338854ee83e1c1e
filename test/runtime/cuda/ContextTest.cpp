//===- ContextTest.cpp - Sharing the driver with a host application -------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DriverTable.h"
#include "TestDriver.h"

#include <thread>

using namespace heddle;
using namespace heddle::cuda;
using namespace heddle::test;

/// A host application that uses the same driver.
struct HostApplication {
  ContextHandle retain(int device) {
    ContextHandle context = nullptr;
    EXPECT_EQ(api.devicePrimaryCtxRetain(&context, device), Result::Success);
    return context;
  }
  void release(int device) {
    EXPECT_EQ(api.devicePrimaryCtxRelease(device), Result::Success);
  }
  ContextHandle getCurrent() {
    ContextHandle context = nullptr;
    EXPECT_EQ(api.ctxGetCurrent(&context), Result::Success);
    return context;
  }
  void push(ContextHandle context) {
    EXPECT_EQ(api.ctxPushCurrent(context), Result::Success);
  }
  ContextHandle pop() {
    ContextHandle context = nullptr;
    EXPECT_EQ(api.ctxPopCurrent(&context), Result::Success);
    return context;
  }
  StreamHandle createStream() {
    constexpr unsigned nonBlocking = 1;
    StreamHandle stream = nullptr;
    EXPECT_EQ(api.streamCreate(&stream, nonBlocking), Result::Success);
    return stream;
  }
  void destroyStream(StreamHandle stream) {
    EXPECT_EQ(api.streamDestroy(stream), Result::Success);
  }

  DriverApi api = openDriverApi();
};

/// Uses everything of a device that makes its context current.
static void useAll(Device &device) {
  std::unique_ptr<Module> module =
      TAKE(device.loadModule(makeImage(getKernels())));
  DeviceAddress data = TAKE(device.allocate(128));
  std::unique_ptr<Stream> stream = TAKE(device.createStream());
  std::unique_ptr<Event> event = TAKE(device.createEvent());
  EXPECT_GOOD(device.fill(data, std::byte(0), 128, stream.get()));
  EXPECT_GOOD(launchAdd(device, *module, data, 5, 1, 32, stream.get()));
  EXPECT_GOOD(device.record(*event, stream.get()));
  EXPECT_GOOD(device.synchronize(*event));
  uint32_t value = 0;
  EXPECT_GOOD(device.copyToHost(&value, data, 4));
  EXPECT_EQ(value, 5u);
  EXPECT_FALSE(device.launch(*module, "nothing", {}, {}));
  EXPECT_GOOD(device.free(data));
}

TEST(CudaContext, LeavesThatOfTheHostApplication) {
  TestDriver driver({{"DEVICES", "2"}});
  HostApplication host;
  std::unique_ptr<Device> device = TAKE(openDevice("cuda:0"));
  ContextHandle foreign = host.retain(1);
  host.push(foreign);
  useAll(*device);
  device.reset();
  EXPECT_EQ(host.getCurrent(), foreign);
  EXPECT_EQ(host.pop(), foreign);
  EXPECT_EQ(host.getCurrent(), nullptr);
  host.release(1);
  EXPECT_EQ(driver.countLines("leak"), 0u);
}

TEST(CudaContext, LeavesNoneWhereThereWasNone) {
  TestDriver driver;
  HostApplication host;
  std::unique_ptr<Device> device = TAKE(openDevice("cuda"));
  std::thread([&] {
    useAll(*device);
    EXPECT_EQ(host.getCurrent(), nullptr);
  }).join();
}

TEST(CudaContext, IsThePrimaryOne) {
  TestDriver driver;
  HostApplication host;
  std::unique_ptr<Device> device = TAKE(openDevice("cuda"));
  host.push(host.retain(0));
  // Nothing needs to be made current but by the host application.
  useAll(*device);
  EXPECT_EQ(driver.countLines("cuCtxPushCurrent_v2"), 1u);
  // The host application's reference keeps it.
  device.reset();
  host.destroyStream(host.createStream());
  (void)host.pop();
  host.release(0);
}

TEST(CudaContext, AdoptsStreams) {
  TestDriver driver({{"DEVICES", "2"}});
  HostApplication host;
  std::unique_ptr<Device> first = TAKE(openDevice("cuda:0"));
  std::unique_ptr<Device> second = TAKE(openDevice("cuda:1"));
  ContextHandle primary = host.retain(0);
  host.push(primary);
  StreamHandle native = host.createStream();
  (void)host.pop();

  std::unique_ptr<Module> module =
      TAKE(first->loadModule(makeImage(getKernels())));
  std::unique_ptr<Stream> stream = TAKE(first->adoptStream(native));
  EXPECT_EQ(stream->getNative(), native);
  EXPECT_GOOD(first->launch(*module, "empty", {}, {}, stream.get()));
  EXPECT_GOOD(first->synchronize(stream.get()));
  EXPECT_EQ(TAKE(first->adoptStream(nullptr))->getNative(), nullptr);
  EXPECT_MESSAGE(second->adoptStream(native),
                 "expected a stream of the primary context of cuda:1, found "
                 "one of another context");
  EXPECT_MESSAGE(first->adoptStream(&host), "CUDA_ERROR_INVALID_HANDLE");
  EXPECT_MESSAGE(second->synchronize(stream.get()),
                 "expected a stream of cuda:1, found one of another device");
  std::unique_ptr<Event> event = TAKE(second->createEvent());
  EXPECT_MESSAGE(first->record(*event), "found one of another");
  stream.reset();
  host.push(primary);
  // It is still the host application's.
  host.destroyStream(native);
  (void)host.pop();
  host.release(0);
}

TEST(CudaContext, KeepsDevicesApart) {
  TestDriver driver({{"DEVICES", "2"}});
  std::unique_ptr<Device> first = TAKE(openDevice("cuda:0"));
  std::unique_ptr<Device> second = TAKE(openDevice("cuda:1"));
  std::unique_ptr<Module> module =
      TAKE(first->loadModule(makeImage(getKernels())));
  EXPECT_MESSAGE(second->launch(*module, "empty", {}, {}),
                 "the module belongs to another device");
  std::thread other([&] { useAll(*first); });
  useAll(*second);
  other.join();
}

TEST(CudaContext, ReportsAFaultFromThenOn) {
  TestDriver driver;
  std::unique_ptr<Device> device = TAKE(openDevice("cuda"));
  std::unique_ptr<Module> module =
      TAKE(device->loadModule(makeImage(getKernels())));
  DeviceAddress data = TAKE(device->allocate(128));
  // As on a GPU, the launch itself is fine.
  EXPECT_GOOD(device->launch(*module, "stray", {}, {}));
  Expected<void> done = device->synchronize();
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().kind, ErrorKind::Fault);
  EXPECT_EQ(done.error().message,
            "waiting for a stream: cuStreamSynchronize: "
            "CUDA_ERROR_ILLEGAL_ADDRESS (an illegal memory access was "
            "encountered, error 700); the last kernel launched was 'stray'; "
            "the device 'virtual' says where a program goes wrong");
  for (Expected<void> later :
       {device->fill(data, std::byte(0), 4), device->free(data),
        device->launch(*module, "empty", {}, {}), device->synchronize()}) {
    ASSERT_FALSE(later);
    EXPECT_EQ(later.error().kind, ErrorKind::Fault);
  }
  module.reset();
  device.reset();
  // A new context is a new beginning.
  device = TAKE(openDevice("cuda"));
  useAll(*device);
}
