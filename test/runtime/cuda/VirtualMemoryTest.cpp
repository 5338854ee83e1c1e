//===- VirtualMemoryTest.cpp - Memory mapped at several addresses ---------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DriverTable.h"
#include "TestDriver.h"

using namespace heddle;
using namespace heddle::cuda;
using namespace heddle::test;

static constexpr size_t granule = 2 << 20;

/// The test driver with two devices, used directly and through the runtime.
class VirtualMemoryTest : public testing::Test {
protected:
  void SetUp() override {
    properties.type = MemAllocationType::Pinned;
    properties.location = {MemLocationType::Device, 0};
  }

  Result setAccess(DeviceAddress address, size_t bytes, int device,
                   MemAccessFlags flags = MemAccessFlags::ReadWrite) {
    MemAccess access = {{MemLocationType::Device, device}, flags};
    return api.memSetAccess(address, bytes, &access, 1);
  }

  TestDriver driver{{{"DEVICES", "2"}}};
  std::unique_ptr<Device> first = TAKE(openDevice("cuda:0"));
  std::unique_ptr<Device> second = TAKE(openDevice("cuda:1"));
  DriverApi api = openDriverApi();
  MemAllocationProperties properties = {};
};

TEST_F(VirtualMemoryTest, SharesMemoryBetweenAddressesAndDevices) {
  size_t bytes = 0;
  EXPECT_EQ(api.memGetAllocationGranularity(&bytes, &properties, 0),
            Result::Success);
  EXPECT_EQ(bytes, granule);
  AllocationHandle memory = 0;
  EXPECT_EQ(api.memCreate(&memory, granule, &properties, 0), Result::Success);
  DeviceAddress address = 0;
  EXPECT_EQ(api.memAddressReserve(&address, 4 * granule, 4 * granule, 0, 0),
            Result::Success);
  EXPECT_EQ(address % (4 * granule), 0u);
  // The same memory twice, with a gap.
  DeviceAddress other = address + 2 * granule;
  EXPECT_EQ(api.memMap(address, granule, 0, memory, 0), Result::Success);
  EXPECT_EQ(api.memMap(other, granule, 0, memory, 0), Result::Success);
  // A mapping needs no handle.
  EXPECT_EQ(api.memRelease(memory), Result::Success);
  uint32_t value = 42, back = 0;
  EXPECT_FALSE(first->copyToDevice(address, &value, 4));
  EXPECT_EQ(setAccess(address, granule, 0), Result::Success);
  EXPECT_EQ(setAccess(other, granule, 1), Result::Success);
  EXPECT_GOOD(first->copyToDevice(address, &value, 4));
  EXPECT_GOOD(second->copyToHost(&back, other, 4));
  EXPECT_EQ(back, 42u);
  EXPECT_FALSE(second->copyToHost(&back, address, 4));

  // Kernels of each device see what the other's did.
  for (Device *device : {first.get(), second.get()}) {
    std::unique_ptr<Module> module =
        TAKE(device->loadModule(makeImage(getKernels())));
    DeviceAddress mine = device == first.get() ? address : other;
    EXPECT_GOOD(launchAdd(*device, *module, mine, 100, 1, 1));
    EXPECT_GOOD(device->synchronize());
  }
  EXPECT_GOOD(first->copyToHost(&back, address, 4));
  EXPECT_EQ(back, 242u);

  EXPECT_EQ(setAccess(address, granule, 0, MemAccessFlags::None),
            Result::Success);
  EXPECT_FALSE(first->copyToHost(&back, address, 4));
  EXPECT_EQ(api.memUnmap(address, granule), Result::Success);
  EXPECT_EQ(api.memUnmap(other, granule), Result::Success);
  EXPECT_FALSE(second->copyToHost(&back, other, 4));
  EXPECT_EQ(api.memAddressFree(address, 4 * granule), Result::Success);
}

TEST_F(VirtualMemoryTest, RefusesWhatADriverRefuses) {
  AllocationHandle memory = 0;
  DeviceAddress address = 0;
  EXPECT_EQ(api.memCreate(&memory, 4096, &properties, 0), Result::InvalidValue);
  properties.location.id = 2;
  EXPECT_EQ(api.memCreate(&memory, granule, &properties, 0),
            Result::InvalidValue);
  properties.location.id = 1;
  ASSERT_EQ(api.memCreate(&memory, granule, &properties, 0), Result::Success);
  EXPECT_EQ(api.memAddressReserve(&address, 4096, 0, 0, 0),
            Result::InvalidValue);
  EXPECT_EQ(api.memAddressReserve(&address, granule, 3, 0, 0),
            Result::InvalidValue);
  ASSERT_EQ(api.memAddressReserve(&address, 2 * granule, 0, 0, 0),
            Result::Success);
  EXPECT_EQ(setAccess(address, granule, 0), Result::InvalidValue);
  EXPECT_EQ(api.memMap(address + 4096, granule, 0, memory, 0),
            Result::InvalidValue);
  EXPECT_EQ(api.memMap(address, 2 * granule, 0, memory, 0),
            Result::InvalidValue);
  EXPECT_EQ(api.memMap(address + 2 * granule, granule, 0, memory, 0),
            Result::InvalidValue);
  EXPECT_EQ(api.memMap(address, granule, 0, memory + 1, 0),
            Result::InvalidValue);
  ASSERT_EQ(api.memMap(address, granule, 0, memory, 0), Result::Success);
  EXPECT_EQ(api.memMap(address, granule, 0, memory, 0), Result::InvalidValue);
  EXPECT_EQ(api.memAddressFree(address, 2 * granule), Result::InvalidValue);
  EXPECT_EQ(api.memUnmap(address, 2 * granule), Result::InvalidValue);
  EXPECT_EQ(setAccess(address, granule, 2), Result::InvalidValue);
  EXPECT_EQ(api.memUnmap(address, granule), Result::Success);
  EXPECT_EQ(api.memAddressFree(address, granule), Result::InvalidValue);
  EXPECT_EQ(api.memAddressFree(address, 2 * granule), Result::Success);
  EXPECT_EQ(api.memRelease(memory), Result::Success);
  EXPECT_EQ(api.memRelease(memory), Result::InvalidValue);
}
