//===- OpenDeviceTest.cpp - Devices by name, and what may be missing ------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestDriver.h"
#include "heddle/Runtime/CudaDevice.h"

#include <fmt/format.h>

using namespace heddle;
using namespace heddle::test;

static ErrorKind getKind(const Expected<std::unique_ptr<Device>> &device) {
  return device ? ErrorKind::InvalidInput : device.error().kind;
}

TEST(OpenDevice, RefusesOtherNames) {
  TestDriver driver;
  for (const char *name : {"", "gpu", "cuda:", "cuda:x", "cuda:1x", "cuda:-1",
                           "virtual:", "auto:0", "cuda:99999999999", ":0"}) {
    Expected<std::unique_ptr<Device>> device = openDevice(name);
    EXPECT_EQ(getKind(device), ErrorKind::InvalidInput);
    EXPECT_EQ(getMessage(device),
              fmt::format("expected cuda, cuda:N, virtual, virtual:N or auto, "
                          "found '{}'",
                          name));
  }
  EXPECT_EQ(getMessage(openDevice("virtual:64")),
            "expected a virtual device below 64, found 'virtual:64'");
}

TEST(OpenDevice, NumbersDevices) {
  TestDriver driver({{"DEVICES", "2"}});
  EXPECT_EQ(TAKE(countCudaDevices()), 2u);
  std::unique_ptr<Device> first = TAKE(openDevice("cuda:0"));
  std::unique_ptr<Device> second = TAKE(openDevice("cuda:1"));
  EXPECT_EQ(first->properties().ordinal, 0);
  EXPECT_EQ(second->properties().ordinal, 1);
  EXPECT_EQ(TAKE(openDevice("virtual:3"))->properties().ordinal, 3);
  Expected<std::unique_ptr<Device>> third = openDevice("cuda:2");
  EXPECT_EQ(getKind(third), ErrorKind::InvalidInput);
  EXPECT_EQ(getMessage(third), "expected a CUDA device below cuda:2, found "
                               "'cuda:2'; found 2 devices");
}

TEST(OpenDevice, PrefersCuda) {
  TestDriver driver;
  EXPECT_EQ(TAKE(openDevice("auto"))->properties().kind, DeviceKind::Cuda);
}

TEST(OpenDevice, DoesWithoutADriver) {
  TestDriver driver({}, "/nowhere/libcuda.so.1");
  EXPECT_EQ(TAKE(openDevice("auto"))->properties().kind, DeviceKind::Virtual);
  EXPECT_EQ(TAKE(countCudaDevices()), 0u);
  Expected<std::unique_ptr<Device>> device = openDevice("cuda");
  EXPECT_EQ(getKind(device), ErrorKind::Unavailable);
  EXPECT_MESSAGE(device, "no CUDA driver: /nowhere/libcuda.so.1 was not found");
  EXPECT_MESSAGE(device, "use the device 'virtual'");
}

TEST(OpenDevice, ADriverThatCannotBeLoadedIsAnError) {
  // A text is no library, but it is there.
  TestDriver driver({}, HEDDLE_TEST_KERNELS "/kernels.ptx");
  for (const char *name : {"cuda", "auto"}) {
    Expected<std::unique_ptr<Device>> device = openDevice(name);
    ASSERT_FALSE(device) << name;
    EXPECT_EQ(device.error().kind, ErrorKind::Unavailable);
    EXPECT_MESSAGE(device, "kernels.ptx cannot be loaded (");
  }
}

TEST(OpenDevice, DoesWithoutADevice) {
  TestDriver driver({{"DEVICES", "0"}});
  EXPECT_EQ(TAKE(openDevice("auto"))->properties().kind, DeviceKind::Virtual);
  Expected<std::unique_ptr<Device>> device = openDevice("cuda");
  EXPECT_EQ(getKind(device), ErrorKind::Unavailable);
  EXPECT_MESSAGE(device, "the CUDA driver found no device");
}

TEST(OpenDevice, RefusesADriverThatLacksFunctions) {
  TestDriver driver({}, HEDDLE_TEST_OLD_DRIVER);
  for (const char *name : {"cuda", "auto"}) {
    Expected<std::unique_ptr<Device>> device = openDevice(name);
    EXPECT_EQ(getKind(device), ErrorKind::Unavailable);
    EXPECT_MESSAGE(device,
                   "the CUDA driver is too old: it has no cuGetErrorName, "
                   "which needs CUDA 12.0 or newer, found 11.4");
  }
}

TEST(OpenDevice, RefusesADriverOfAnOldVersion) {
  // Another name, since a driver is asked for its version once.
  std::filesystem::path link = std::filesystem::temp_directory_path() /
                               fmt::format("heddle-old-driver-{}.so", getpid());
  std::filesystem::remove(link);
  std::filesystem::create_symlink(HEDDLE_TEST_DRIVER, link);
  TestDriver driver({{"VERSION", "11040"}}, link);
  EXPECT_MESSAGE(openDevice("cuda"), "the CUDA driver is too old: Heddle needs "
                                     "CUDA 12.0 or newer, found 11.4");
  std::filesystem::remove(link);
}

TEST(OpenDevice, RefusesALibraryThatIsNoDriver) {
  TestDriver driver({}, "libm.so.6");
  EXPECT_MESSAGE(openDevice("cuda"), "a library without cuInit");
}

TEST(OpenDevice, SaysWhatTheDriverSays) {
  TestDriver driver({{"FAIL", "cuInit:*=CUDA_ERROR_SYSTEM_DRIVER_MISMATCH"}});
  for (const char *name : {"cuda", "auto"})
    EXPECT_EQ(getMessage(openDevice(name)),
              "starting the CUDA driver: cuInit: "
              "CUDA_ERROR_SYSTEM_DRIVER_MISMATCH (driver and library versions "
              "do not match, error 803)");
}

TEST(OpenDevice, SaysHowMuchMemoryIsFree) {
  TestDriver driver({{"MEMORY", "1000000"}});
  std::unique_ptr<Device> device = TAKE(openDevice("cuda"));
  EXPECT_EQ(device->properties().memoryBytes, 1000000u);
  DeviceAddress address = TAKE(device->allocate(600000));
  Expected<DeviceAddress> more = device->allocate(500000);
  ASSERT_FALSE(more);
  EXPECT_EQ(more.error().kind, ErrorKind::Unavailable);
  EXPECT_EQ(more.error().message,
            "allocation of 500000 bytes on cuda:0: cuMemAlloc_v2: "
            "CUDA_ERROR_OUT_OF_MEMORY (out of memory, error 2); 400000 of "
            "1000000 bytes are free");
  EXPECT_GOOD(device->free(address));
  address = TAKE(device->allocate(1000000));
  EXPECT_GOOD(device->free(address));
}
