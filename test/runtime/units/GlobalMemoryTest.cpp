//===- GlobalMemoryTest.cpp - Allocations, red zones and messages --------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "units/GlobalMemory.h"

#include <cstring>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <thread>
#include <vector>

using namespace heddle;
using namespace heddle::vgpu;

namespace {

TEST(GlobalMemory, AllocatesPoisonedAlignedMemory) {
  GlobalMemory memory;
  Expected<DeviceAddress> a = memory.allocate(1000);
  Expected<DeviceAddress> b = memory.allocate(1);
  ASSERT_TRUE(a && b);
  EXPECT_EQ(*a % 256, 0u);
  EXPECT_EQ(*b % 256, 0u);
  EXPECT_GE(*a, GlobalMemory::defaultBase);
  EXPECT_GE(*b, *a + 1000 + GlobalMemory::redZoneBytes);
  const std::byte *bytes = memory.resolve(*a, 1000);
  ASSERT_NE(bytes, nullptr);
  for (size_t i = 0; i < 1000; ++i)
    EXPECT_EQ(bytes[i], GlobalMemory::poison);
  EXPECT_EQ(memory.liveBytes(), 1001u);
  EXPECT_EQ(memory.liveAllocations(), 2u);
}

TEST(GlobalMemory, KnowsWhatIsWritten) {
  GlobalMemory memory(GlobalMemory::defaultBase, UINT64_MAX,
                      /*tracksWrites=*/true);
  DeviceAddress a = *memory.allocate(4097), b = *memory.allocate(1);
  GlobalMemory::Cursor cursor(memory);
  EXPECT_TRUE(cursor.noneWritten(a, 4097));
  EXPECT_FALSE(cursor.allWritten(a, 1));
  cursor.write(a + 63, 2);
  EXPECT_TRUE(cursor.allWritten(a + 63, 2));
  EXPECT_FALSE(cursor.allWritten(a + 62, 2));
  EXPECT_FALSE(cursor.noneWritten(a + 62, 2));
  EXPECT_TRUE(cursor.noneWritten(a, 63));
  EXPECT_TRUE(cursor.noneWritten(a + 65, 4032));
  cursor.write(a + 128, 3969);
  EXPECT_TRUE(cursor.allWritten(a + 4096, 1));
  EXPECT_FALSE(cursor.isWholeWritten(a));
  // What is outside is somebody else's business.
  EXPECT_TRUE(cursor.allWritten(a + 4096, 2));
  EXPECT_FALSE(cursor.noneWritten(a + 4096, 2));
  // Of another allocation, and of one that takes no place of the first.
  EXPECT_TRUE(cursor.noneWritten(b, 1));
  ASSERT_TRUE(memory.free(a));
  EXPECT_FALSE(cursor.noneWritten(a, 1));
  DeviceAddress c = *memory.allocate(4097);
  EXPECT_TRUE(cursor.noneWritten(c, 4097));
}

TEST(GlobalMemory, WhatTheHostMayWriteIsWritten) {
  GlobalMemory memory(GlobalMemory::defaultBase, UINT64_MAX,
                      /*tracksWrites=*/true);
  DeviceAddress a = *memory.allocate(256);
  GlobalMemory::Cursor cursor(memory);
  ASSERT_NE(memory.resolve(a, 256), nullptr);
  EXPECT_TRUE(cursor.noneWritten(a, 256));
  std::byte *host = memory.resolveForHost(a + 16, 16);
  EXPECT_TRUE(cursor.allWritten(a + 16, 16));
  EXPECT_TRUE(cursor.noneWritten(a, 16));
  EXPECT_TRUE(cursor.noneWritten(a + 32, 224));
  // Registered where it is.
  EXPECT_EQ(*memory.registerHost(host + 16, 8), a + 32);
  EXPECT_TRUE(cursor.allWritten(a + 16, 24));
  EXPECT_FALSE(cursor.isWholeWritten(a));
  EXPECT_EQ(memory.resolveForHost(a, 257), nullptr);
  memory.resolveForHost(a, 256);
  EXPECT_TRUE(cursor.isWholeWritten(a));
  EXPECT_TRUE(cursor.allWritten(a, 256));
  cursor.write(a, 1);
  // Memory of the host is nobody's but its own.
  alignas(16) std::byte own[64];
  DeviceAddress registered = *memory.registerHost(own, sizeof(own));
  EXPECT_TRUE(cursor.allWritten(registered, 64));
  EXPECT_FALSE(cursor.noneWritten(registered, 64));
}

TEST(GlobalMemory, KeepsNoAccountUnlessAsked) {
  GlobalMemory memory;
  DeviceAddress a = *memory.allocate(64);
  GlobalMemory::Cursor cursor(memory);
  EXPECT_TRUE(cursor.allWritten(a, 64));
  EXPECT_FALSE(cursor.noneWritten(a, 64));
  EXPECT_TRUE(cursor.isWholeWritten(a));
}

TEST(GlobalMemory, SeveralThreadsWrite) {
  GlobalMemory memory(GlobalMemory::defaultBase, UINT64_MAX,
                      /*tracksWrites=*/true);
  constexpr uint64_t bytes = 1 << 14;
  constexpr uint64_t count = 4;
  DeviceAddress a = *memory.allocate(bytes);
  // Neighbours are bits of one word.
  std::vector<std::thread> threads;
  for (uint64_t t = 0; t < count; ++t)
    threads.emplace_back([&, t] {
      GlobalMemory::Cursor cursor(memory);
      for (uint64_t i = t; i < bytes; i += count)
        cursor.write(a + i, 1);
    });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_TRUE(GlobalMemory::Cursor(memory).allWritten(a, bytes));
}

TEST(GlobalMemory, ResolvesOnlyInsideOneAllocation) {
  GlobalMemory memory;
  DeviceAddress a = *memory.allocate(4096);
  ASSERT_TRUE(memory.allocate(4096).has_value());
  GlobalMemory::Cursor cursor(memory);
  // Twice: once to fill the cursor, once to hit it.
  for (int i = 0; i < 2; ++i) {
    std::byte *start = memory.resolve(a, 1);
    EXPECT_EQ(cursor.resolve(a, 4096), start);
    EXPECT_EQ(cursor.resolve(a + 4095, 1), start + 4095);
    EXPECT_EQ(cursor.resolve(a + 4095, 2), nullptr);
    EXPECT_EQ(cursor.resolve(a + 4096, 1), nullptr);
    EXPECT_EQ(cursor.resolve(a - 1, 1), nullptr);
    EXPECT_EQ(cursor.resolve(a - 1, 8), nullptr);
    EXPECT_EQ(cursor.resolve(a, SIZE_MAX), nullptr);
    EXPECT_EQ(cursor.resolve(a + 1, SIZE_MAX), nullptr);
    EXPECT_EQ(cursor.resolve(0, 1), nullptr);
    EXPECT_EQ(cursor.resolve(UINT64_MAX, 1), nullptr);
    EXPECT_EQ(memory.resolve(a + 4095, 2), nullptr);
    EXPECT_EQ(memory.resolve(a, SIZE_MAX), nullptr);
  }
}

TEST(GlobalMemory, CursorsNoticeFrees) {
  GlobalMemory memory;
  DeviceAddress a = *memory.allocate(64), b = *memory.allocate(64);
  GlobalMemory::Cursor cursor(memory);
  ASSERT_NE(cursor.resolve(a, 64), nullptr);
  ASSERT_TRUE(memory.free(a).has_value());
  EXPECT_EQ(cursor.resolve(a, 64), nullptr);
  EXPECT_NE(cursor.resolve(b, 64), nullptr);
  EXPECT_EQ(memory.liveBytes(), 64u);
  // Addresses are not reused.
  DeviceAddress c = *memory.allocate(64);
  EXPECT_GT(c, b);
}

TEST(GlobalMemory, ExplainsWhereAnAccessLies) {
  GlobalMemory memory(0x10000000);
  DeviceAddress a = *memory.allocate(4096);
  DeviceAddress b = *memory.allocate(100);
  std::string hexA = fmt::format("the 4096-byte allocation at {:#x}", a);
  std::string hexB = fmt::format("the 100-byte allocation at {:#x}", b);
  EXPECT_EQ(memory.explain(a + 4096 + 16, 4).message,
            fmt::format("4 bytes at {:#x} are 16 bytes past the end of {}",
                        a + 4096 + 16, hexA));
  EXPECT_EQ(memory.explain(a + 4092, 16).message,
            fmt::format("16 bytes at {:#x} are at offset 4092 of {} and reach "
                        "12 bytes past its end",
                        a + 4092, hexA));
  EXPECT_EQ(memory.explain(b - 8, 1).message,
            fmt::format("1 byte at {:#x} is 8 bytes before {}", b - 8, hexB));
  EXPECT_EQ(memory.explain(0x10, 4).message,
            "4 bytes at 0x10 are in no allocation: "
            "the address looks like a null pointer");
  EXPECT_EQ(memory.explain(0x7000000000000, 4).message,
            "4 bytes at 0x7000000000000 are in no allocation");
  ASSERT_TRUE(memory.free(a).has_value());
  EXPECT_EQ(memory.explain(a + 8, 4).message,
            fmt::format("4 bytes at {:#x} are at offset 8 of {}, which was "
                        "freed",
                        a + 8, hexA));
}

TEST(GlobalMemory, Errors) {
  GlobalMemory memory(GlobalMemory::defaultBase, 1000);
  Expected<DeviceAddress> none = memory.allocate(0);
  ASSERT_FALSE(none.has_value());
  EXPECT_EQ(none.error().kind, ErrorKind::InvalidInput);
  DeviceAddress a = *memory.allocate(600);
  Expected<DeviceAddress> full = memory.allocate(500);
  ASSERT_FALSE(full.has_value());
  EXPECT_EQ(full.error().kind, ErrorKind::Unavailable);
  EXPECT_EQ(full.error().message, "out of device memory: expected at most 400 "
                                  "bytes, found 500");
  EXPECT_FALSE(memory.allocate(SIZE_MAX).has_value());
  Expected<void> inner = memory.free(a + 8);
  ASSERT_FALSE(inner.has_value());
  EXPECT_NE(inner.error().message.find("offset 8 of the 600-byte"),
            std::string::npos);
  EXPECT_TRUE(memory.free(a).has_value());
  Expected<void> twice = memory.free(a);
  ASSERT_FALSE(twice.has_value());
  EXPECT_NE(twice.error().message.find("was freed before"), std::string::npos);
  EXPECT_TRUE(memory.allocate(1000).has_value());
}

TEST(GlobalMemory, ThreadsResolveWhileOthersAllocate) {
  GlobalMemory memory;
  DeviceAddress a = *memory.allocate(1 << 16);
  std::vector<std::thread> threads;
  for (uint32_t t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      GlobalMemory::Cursor cursor(memory);
      for (uint32_t i = 0; i < 2000; ++i) {
        uint64_t offset = 4 * (t + 4 * i);
        std::memcpy(cursor.resolve(a + offset, 4), &i, 4);
        DeviceAddress own = *memory.allocate(16);
        EXPECT_NE(cursor.resolve(own, 16), nullptr);
        EXPECT_TRUE(memory.free(own).has_value());
        EXPECT_EQ(cursor.resolve(own, 16), nullptr);
      }
    });
  for (std::thread &thread : threads)
    thread.join();
  uint32_t last;
  std::memcpy(&last, memory.resolve(a + 4 * (3 + 4 * 1999), 4), 4);
  EXPECT_EQ(last, 1999u);
  EXPECT_EQ(memory.liveAllocations(), 1u);
}

TEST(GlobalMemory, HostMemoryHasOneAddress) {
  GlobalMemory memory;
  std::vector<std::byte> host(1000);
  DeviceAddress all = *memory.registerHost(host.data(), 1000);
  DeviceAddress part = *memory.registerHost(host.data() + 100, 50);
  EXPECT_EQ(part, all + 100);
  EXPECT_EQ(all % 256, uintptr_t(host.data()) % 256);
  EXPECT_EQ(memory.liveBytes(), 0u);
  GlobalMemory::Cursor cursor(memory);
  // Behind the start of `part`, but only inside `all`.
  EXPECT_EQ(cursor.resolve(all + 120, 200), host.data() + 120);
  EXPECT_EQ(memory.resolve(all, 1000), host.data());
  EXPECT_EQ(memory.resolve(all, 1001), nullptr);
  EXPECT_NE(memory.explain(all + 1004, 4).message.find("past the end"),
            std::string::npos)
      << memory.explain(all + 1004, 4).message;

  EXPECT_TRUE(memory.unregisterHost(all, 1000));
  EXPECT_EQ(cursor.resolve(all + 120, 4), host.data() + 120);
  EXPECT_EQ(cursor.resolve(all + 120, 31), nullptr);
  EXPECT_FALSE(memory.unregisterHost(all, 1000));
  EXPECT_FALSE(memory.unregisterHost(part, 49));
  EXPECT_TRUE(memory.unregisterHost(part, 50));
  EXPECT_EQ(cursor.resolve(all + 120, 4), nullptr);
  EXPECT_EQ(
      memory.explain(all, 4).message,
      fmt::format("4 bytes at {:#x} are in no registered host memory", all));
}

TEST(GlobalMemory, HostMemoryIsRegisteredAsOftenAsItSays) {
  GlobalMemory memory;
  int value = 7;
  DeviceAddress address = *memory.registerHost(&value, sizeof(value));
  EXPECT_EQ(*memory.registerHost(&value, sizeof(value)), address);
  EXPECT_TRUE(memory.unregisterHost(address, sizeof(value)));
  EXPECT_NE(memory.resolve(address, sizeof(value)), nullptr);
  EXPECT_TRUE(memory.unregisterHost(address, sizeof(value)));
  EXPECT_EQ(memory.resolve(address, sizeof(value)), nullptr);
  EXPECT_FALSE(memory.registerHost(nullptr, 4));
  EXPECT_FALSE(memory.registerHost(&value, 0));
  EXPECT_FALSE(memory.registerHost(&value, SIZE_MAX));
}

TEST(GlobalMemory, AllocationsKeepTheirAddressAsHostMemory) {
  GlobalMemory memory;
  DeviceAddress a = *memory.allocate(256);
  std::byte *host = memory.resolve(a, 256);
  EXPECT_EQ(*memory.registerHost(host + 16, 32), a + 16);
  EXPECT_TRUE(memory.unregisterHost(a + 16, 32));
  EXPECT_EQ(memory.resolve(a, 256), host);
  EXPECT_TRUE(memory.free(a));
  // What the host does with the memory now is no business of the device's.
  EXPECT_TRUE(memory.unregisterHost(a + 16, 32));
}

} // namespace
