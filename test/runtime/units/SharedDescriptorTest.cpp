//===- SharedDescriptorTest.cpp - Swizzles and matrix descriptors --------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "units/SharedDescriptor.h"

#include <gtest/gtest.h>
#include <set>

using namespace heddle;
using namespace heddle::vgpu;

namespace {

TEST(Swizzle, MatchesTheBitFormula) {
  // Bits 4-6 of the address are xored with the lowest 3, 2 or 1 of bits 7-9.
  for (uint32_t address = 0; address < 8192; ++address) {
    uint32_t row = address / 128, chunk = address / 16 % 8;
    auto moved = [&](uint32_t count) {
      return address - chunk * 16 + (chunk ^ row % count) * 16;
    };
    ASSERT_EQ(swizzle(address, Swizzle::None), address);
    ASSERT_EQ(swizzle(address, Swizzle::B32), moved(2));
    ASSERT_EQ(swizzle(address, Swizzle::B64), moved(4));
    ASSERT_EQ(swizzle(address, Swizzle::B128), moved(8));
  }
}

TEST(Swizzle, IsItsOwnInverse) {
  for (Swizzle mode :
       {Swizzle::None, Swizzle::B32, Swizzle::B64, Swizzle::B128})
    for (uint32_t address = 0; address < 4096; address += 3)
      ASSERT_EQ(swizzle(swizzle(address, mode), mode), address);
}

TEST(SharedDescriptor, RoundTrips) {
  for (Swizzle mode :
       {Swizzle::None, Swizzle::B32, Swizzle::B64, Swizzle::B128}) {
    SharedDescriptor made = {
        .start = 0x3fff0, .leading = 0x20, .stride = 1024, .swizzle = mode};
    Checked<SharedDescriptor> found =
        decodeSharedDescriptor(encodeSharedDescriptor(made));
    ASSERT_TRUE(found.has_value());
    EXPECT_EQ(found->start, made.start);
    EXPECT_EQ(found->leading, made.leading);
    EXPECT_EQ(found->stride, made.stride);
    EXPECT_EQ(found->swizzle, made.swizzle);
  }
}

TEST(SharedDescriptor, HasTheHardwaresBits) {
  // A 128-byte-swizzled K-major tile at 0x400 with a stride of 1024 bytes.
  SharedDescriptor tile = {
      .start = 0x400, .leading = 16, .stride = 1024, .swizzle = Swizzle::B128};
  EXPECT_EQ(encodeSharedDescriptor(tile), 0x4000004000010040u);
  tile.swizzle = Swizzle::B64;
  EXPECT_EQ(encodeSharedDescriptor(tile) >> 62, 2u);
  tile.swizzle = Swizzle::B32;
  EXPECT_EQ(encodeSharedDescriptor(tile) >> 62, 3u);
}

TEST(SharedDescriptor, RefusesABaseOffset) {
  Checked<SharedDescriptor> found = decodeSharedDescriptor(uint64_t(3) << 49);
  ASSERT_FALSE(found.has_value());
  EXPECT_NE(found.error().message.find("expected a base offset of 0, found 3"),
            std::string::npos);
}

/// The canonical layouts, element by element. The tile is placed where all
/// swizzle bits matter.
struct Layout {
  Major major;
  Swizzle swizzle;
};

class SharedDescriptorLayout : public testing::TestWithParam<Layout> {};

TEST_P(SharedDescriptorLayout, MatchesTheFormula) {
  auto [major, mode] = GetParam();
  constexpr uint32_t start = 4096, leading = 2048, stride = 512;
  SharedDescriptor descriptor = {
      .start = start, .leading = leading, .stride = stride, .swizzle = mode};
  uint32_t span = uint32_t(mode);
  for (uint32_t bytes : {1u, 2u, 4u}) {
    if (major == Major::MN && bytes != 2)
      continue;
    uint32_t t = 16 / bytes, w = span / bytes;
    for (uint32_t mn = 0; mn < 256; ++mn)
      for (uint32_t k = 0; k < 32 / bytes; ++k) {
        uint32_t offset;
        if (major == Major::K && span)
          offset = (mn % 8) * span + (mn / 8) * stride + k * bytes;
        else if (major == Major::K)
          offset = (mn % 8) * 16 + (mn / 8) * stride + (k % t) * bytes +
                   (k / t) * leading;
        else if (span)
          offset = (mn % w) * bytes + (mn / w) * leading + (k % 8) * span +
                   (k / 8) * stride;
        else
          offset = (mn % t) * bytes + (mn / t) * stride + (k % 8) * 16 +
                   (k / 8) * leading;
        uint32_t address = start + offset;
        uint32_t bits = span == 128 ? 7 : span == 64 ? 3 : span == 32 ? 1 : 0;
        address ^= ((address >> 7) & bits) << 4;
        ASSERT_EQ(descriptor.addressOf(major, bytes, mn, k), address)
            << "mn " << mn << " k " << k << " bytes " << bytes;
      }
  }
}

TEST_P(SharedDescriptorLayout, CanonicalStridesMakeADenseTile) {
  auto [major, mode] = GetParam();
  uint32_t span = uint32_t(mode);
  // 64 x 16 elements of two bytes with the strides that leave no gap. A row of
  // a swizzled K-major atom is a whole span, of which one k step covers 32
  // bytes: that many k steps fill the atom.
  SharedDescriptor descriptor = {.start = 0, .swizzle = mode};
  uint32_t k = 16;
  if (major == Major::K) {
    descriptor.stride = span ? 8 * span : 128;
    descriptor.leading = span ? 16 : 64 * 16;
    k = span ? span / 2 : 16;
  } else {
    descriptor.stride = span ? 8 * span : 128;
    descriptor.leading = span ? 16 * span : 64 * 16;
  }
  std::set<uint32_t> seen;
  for (uint32_t mn = 0; mn < 64; ++mn)
    for (uint32_t i = 0; i < k; ++i)
      seen.insert(descriptor.addressOf(major, 2, mn, i));
  EXPECT_EQ(seen.size(), 64u * k);
  EXPECT_EQ(*seen.rbegin(), 64 * k * 2 - 2);
}

INSTANTIATE_TEST_SUITE_P(AllVariants, SharedDescriptorLayout,
                         testing::Values(Layout{Major::K, Swizzle::None},
                                         Layout{Major::K, Swizzle::B32},
                                         Layout{Major::K, Swizzle::B64},
                                         Layout{Major::K, Swizzle::B128},
                                         Layout{Major::MN, Swizzle::None},
                                         Layout{Major::MN, Swizzle::B32},
                                         Layout{Major::MN, Swizzle::B64},
                                         Layout{Major::MN, Swizzle::B128}));

} // namespace
