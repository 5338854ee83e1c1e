//===- DeviceMemoryTest.cpp - Memory that frees itself --------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "heddle/Runtime/DeviceMemory.h"

#include "heddle/Runtime/VirtualDevice.h"
#include "test/runtime/FakeDevice.h"

#include <gtest/gtest.h>

using namespace heddle;
using namespace heddle::test;

namespace {
TEST(DeviceMemory, CopiesThereAndBack) {
  std::unique_ptr<Device> device = createVirtualDevice();
  std::vector<int> numbers = {1, 2, 3, 4};
  auto memory =
      DeviceMemory::upload(*device, std::as_bytes(std::span(numbers)));
  ASSERT_TRUE(memory) << memory.error().message;
  EXPECT_EQ(memory->getBytes(), 16u);
  int five = 5;
  ASSERT_TRUE(memory->write(std::as_bytes(std::span(&five, 1)), 4));
  ASSERT_TRUE(memory->read(std::as_writable_bytes(std::span(numbers))));
  EXPECT_EQ(numbers, (std::vector<int>{1, 5, 3, 4}));
  ASSERT_TRUE(memory->fill(std::byte(0)));
  int last = 1;
  ASSERT_TRUE(memory->read(std::as_writable_bytes(std::span(&last, 1)), 12));
  EXPECT_EQ(last, 0);
}

TEST(DeviceMemory, RefusesWhatDoesNotFit) {
  std::unique_ptr<Device> device = createVirtualDevice();
  auto memory = DeviceMemory::allocate(*device, 16);
  ASSERT_TRUE(memory);
  std::vector<std::byte> bytes(17);
  Expected<void> written = memory->write(bytes);
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().message,
            "expected at most 16 bytes of device memory, found 17 at offset 0");
  bytes.resize(8);
  EXPECT_TRUE(memory->read(bytes, 8));
  EXPECT_FALSE(memory->read(bytes, 9));
  EXPECT_FALSE(memory->read(bytes, SIZE_MAX));
  EXPECT_FALSE(DeviceMemory::allocate(*device, SIZE_MAX));
}

TEST(DeviceMemory, FreesOnce) {
  FakeDevice device;
  {
    auto memory = DeviceMemory::allocate(device, 16);
    DeviceMemory moved = std::move(*memory);
    EXPECT_EQ(memory->getAddress(), 0u);
    DeviceMemory assigned;
    assigned = std::move(moved);
    EXPECT_EQ(assigned.getBytes(), 16u);
    EXPECT_TRUE(device.freed.empty());
  }
  EXPECT_EQ(device.freed.size(), 1u);
  {
    auto memory = DeviceMemory::allocate(device, 16);
    EXPECT_EQ(memory->release(), 0x100u);
  }
  EXPECT_EQ(device.freed.size(), 1u);
}

TEST(DeviceMemory, MayBeEmpty) {
  std::unique_ptr<Device> device = createVirtualDevice();
  auto memory = DeviceMemory::upload(*device, {});
  ASSERT_TRUE(memory) << memory.error().message;
  EXPECT_EQ(memory->getBytes(), 0u);
  EXPECT_TRUE(memory->fill(std::byte(0)));
  EXPECT_TRUE(DeviceMemory().fill(std::byte(0)));
}
} // namespace
