//===- TmaReduceTest.cpp - Reductions against the operators of C++ -------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "units/Numerics.h"
#include "units/Swizzle.h"
#include "units/Tma.h"

#include <cmath>
#include <cstring>
#include <gtest/gtest.h>
#include <thread>
#include <vector>

using namespace heddle;
using namespace heddle::vgpu;

namespace {

constexpr uint32_t sharedBytes = 4096;

/// Reduces one operand into one element through `bulkReduce`.
template <typename T>
Checked<T> reduce(TensorMapType type, ReduceOp op, T old, T operand) {
  GlobalMemory memory;
  GlobalMemory::Cursor cursor(memory);
  DeviceAddress address = *memory.allocate(16);
  auto *element = reinterpret_cast<T *>(memory.resolve(address, 16));
  alignas(16) T operands[16 / sizeof(T)];
  for (uint32_t i = 0; i < 16 / sizeof(T); ++i) {
    element[i] = old;
    operands[i] = operand;
  }
  Checked<void> good =
      bulkReduce(address, 16, type, op,
                 reinterpret_cast<const std::byte *>(operands), 16, 0, cursor);
  if (!good)
    return tl::unexpected(good.error());
  return element[16 / sizeof(T) - 1];
}

using enum ReduceOp;

TEST(TmaReduce, Integers) {
  using T = TensorMapType;
  EXPECT_EQ(*reduce<uint32_t>(T::U32, Add, 0xffffffff, 2), 1u);
  EXPECT_EQ(*reduce<uint32_t>(T::U32, Min, 0xffffffff, 2), 2u);
  EXPECT_EQ(*reduce<int32_t>(T::S32, Min, -1, 2), -1);
  EXPECT_EQ(*reduce<int32_t>(T::S32, Max, -1, 2), 2);
  EXPECT_EQ(*reduce<int32_t>(T::S32, Add, 0x7fffffff, 1),
            std::numeric_limits<int32_t>::min());
  EXPECT_EQ(*reduce<uint32_t>(T::U32, And, 12, 10), 8u);
  EXPECT_EQ(*reduce<uint32_t>(T::U32, Or, 12, 10), 14u);
  EXPECT_EQ(*reduce<uint32_t>(T::U32, Xor, 12, 10), 6u);
  EXPECT_EQ(*reduce<uint32_t>(T::U32, Inc, 4, 5), 5u);
  EXPECT_EQ(*reduce<uint32_t>(T::U32, Inc, 5, 5), 0u);
  EXPECT_EQ(*reduce<uint32_t>(T::U32, Dec, 4, 5), 3u);
  EXPECT_EQ(*reduce<uint32_t>(T::U32, Dec, 0, 5), 5u);
  EXPECT_EQ(*reduce<uint32_t>(T::U32, Dec, 9, 5), 5u);
  EXPECT_EQ(*reduce<uint64_t>(T::U64, Add, uint64_t(1) << 40, 1),
            (uint64_t(1) << 40) + 1);
  EXPECT_EQ(*reduce<uint64_t>(T::U64, Max, uint64_t(1) << 40, 1), uint64_t(1)
                                                                      << 40);
  EXPECT_EQ(*reduce<int64_t>(T::S64, Min, -5, 1), -5);
  EXPECT_EQ(*reduce<uint64_t>(T::U64, Xor, 12, 10), 6u);
}

TEST(TmaReduce, Floats) {
  using T = TensorMapType;
  auto h = [](float value) { return floatToF16(value); };
  auto b = [](float value) { return floatToBf16(value); };
  EXPECT_EQ(*reduce<uint16_t>(T::F16, Add, h(1.5f), h(2.0f)), h(3.5f));
  // Just above a tie.
  EXPECT_EQ(*reduce<uint16_t>(T::F16, Add, h(2048.0f), h(1.0f + 0x1p-10f)),
            h(2050.0f));
  EXPECT_EQ(*reduce<uint16_t>(T::F16, Min, h(1.5f), h(-2.0f)), h(-2.0f));
  EXPECT_EQ(*reduce<uint16_t>(T::F16, Max, 0x7fff, h(-2.0f)), h(-2.0f));
  EXPECT_EQ(*reduce<uint16_t>(T::BF16, Add, b(1.5f), b(-0.25f)), b(1.25f));
  EXPECT_EQ(*reduce<uint16_t>(T::BF16, Min, b(0.0f), b(-0.0f)), b(-0.0f));
  EXPECT_EQ(*reduce<uint16_t>(T::BF16, Max, b(-0.0f), b(0.0f)), b(0.0f));
  EXPECT_EQ(*reduce<float>(T::F32, Add, 1.5f, 2.25f), 3.75f);
  EXPECT_EQ(*reduce<double>(T::F64, Add, 1.5, 0x1p-50), 1.5 + 0x1p-50);
}

TEST(TmaReduce, RefusesWhatHasNoInstruction) {
  using T = TensorMapType;
  auto refused = [](const auto &result) {
    return !result &&
           result.error().message.find("there is no .") != std::string::npos;
  };
  EXPECT_TRUE(refused(reduce<float>(T::F32, Max, 1, 2)));
  EXPECT_TRUE(refused(reduce<double>(T::F64, Min, 1, 2)));
  EXPECT_TRUE(refused(reduce<uint16_t>(T::F16, And, 1, 2)));
  EXPECT_TRUE(refused(reduce<uint64_t>(T::U64, Inc, 1, 2)));
  EXPECT_TRUE(refused(reduce<int32_t>(T::S32, Dec, 1, 2)));
  EXPECT_TRUE(refused(reduce<uint8_t>(T::U8, Add, 1, 2)));
  EXPECT_TRUE(refused(reduce<float>(T::TF32, Add, 1, 2)));
}

TEST(TmaReduce, AddsABoxAndSkipsTheOutside) {
  GlobalMemory memory;
  GlobalMemory::Cursor cursor(memory);
  TensorMapSpec spec;
  spec.type = TensorMapType::F32;
  spec.rank = 2;
  spec.dims = {20, 10};
  spec.strides = {96};
  spec.box = {16, 8};
  spec.swizzle = Swizzle::B64;
  spec.address = *memory.allocate(960);
  auto *host = reinterpret_cast<float *>(memory.resolve(spec.address, 960));
  for (uint32_t i = 0; i < 240; ++i)
    host[i] = float(i);
  std::vector<std::byte> shared(sharedBytes);
  for (uint32_t e = 0; e < 128; ++e) {
    float value = 1000.0f * float(e);
    std::memcpy(&shared[swizzle(512 + 4 * e, Swizzle::B64)], &value, 4);
  }
  const int32_t coords[] = {8, 5};
  ASSERT_TRUE(
      tmaReduce(spec, Add, coords, shared.data(), sharedBytes, 512, cursor)
          .has_value());
  for (uint32_t y = 0; y < 10; ++y)
    for (uint32_t x = 0; x < 24; ++x) {
      float expected = float(24 * y + x);
      if (x >= 8 && x < 20 && y >= 5)
        expected += 1000.0f * float(16 * (y - 5) + x - 8);
      ASSERT_EQ(host[24 * y + x], expected) << x << ", " << y;
    }

  const int32_t negative[] = {-1, 0};
  Checked<void> refused =
      tmaReduce(spec, Add, negative, shared.data(), sharedBytes, 512, cursor);
  ASSERT_FALSE(refused.has_value());
  EXPECT_NE(refused.error().message.find("found -1 in dimension 0"),
            std::string::npos);
  spec.dims[1] = 100;
  const int32_t beyond[] = {0, 40};
  refused =
      tmaReduce(spec, Add, beyond, shared.data(), sharedBytes, 512, cursor);
  ASSERT_FALSE(refused.has_value());
  EXPECT_NE(refused.error().message.find("TMA reduction of the box (16, 8)"),
            std::string::npos);
}

TEST(TmaReduce, IsAtomic) {
  GlobalMemory memory;
  DeviceAddress address = *memory.allocate(256);
  std::memset(memory.resolve(address, 256), 0, 256);
  std::vector<float> ones(64, 1.0f);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      GlobalMemory::Cursor cursor(memory);
      for (int i = 0; i < 1000; ++i)
        EXPECT_TRUE(bulkReduce(address, 256, TensorMapType::F32, Add,
                               reinterpret_cast<std::byte *>(ones.data()), 256,
                               0, cursor)
                        .has_value());
    });
  for (std::thread &thread : threads)
    thread.join();
  float last;
  std::memcpy(&last, memory.resolve(address + 252, 4), 4);
  EXPECT_EQ(last, 4000.0f);
}

} // namespace
