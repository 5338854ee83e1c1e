//===- SharedLayoutTest.cpp - Tests of shared memory layouts --------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Layout/SharedLayout.h"

#include <gtest/gtest.h>
#include <vector>

using namespace heddle;

namespace {

/// The permutation as the PTX ISA gives it, on an absolute address.
int64_t swizzleAddress(int64_t address, int64_t swizzle) {
  int bits = swizzle == 128 ? 3 : swizzle == 64 ? 2 : swizzle == 32 ? 1 : 0;
  return address ^ (((address >> 7) & ((1 << bits) - 1)) << 4);
}

/// The address of element (mn, k) that a wgmma reads through a descriptor.
int64_t readThrough(const WgmmaDescriptor &descriptor, MajorDim major,
                    int64_t mn, int64_t k, int64_t bytes) {
  int64_t swizzle = descriptor.mode == 1 ? 128 : descriptor.mode == 2 ? 64 : 32;
  int64_t width = swizzle / bytes;
  int64_t offset =
      major == MajorDim::K
          ? mn % 8 * swizzle + mn / 8 * descriptor.stride + k * bytes
          : mn % width * bytes + mn / width * descriptor.leading +
                k % 8 * swizzle + k / 8 * descriptor.stride;
  return swizzleAddress(descriptor.start + offset, swizzle);
}

TEST(SharedLayout, EveryElementHasItsOwnAddress) {
  for (int64_t swizzle : {0, 32, 64, 128}) {
    for (int64_t bytes : {1, 2, 4}) {
      for (int64_t panels : {1, 3}) {
        int64_t columns = (swizzle ? swizzle : 48) / bytes * panels;
        SharedLayout layout(24, columns, bytes, swizzle, 24);
        std::vector<bool> used(24 * columns);
        for (int64_t row = 0; row != 24; ++row) {
          for (int64_t column = 0; column != columns; ++column) {
            int64_t offset = layout.getOffset(row, column);
            ASSERT_EQ(offset % bytes, 0);
            ASSERT_LT(offset / bytes, int64_t(used.size()));
            ASSERT_FALSE(used[offset / bytes]);
            used[offset / bytes] = true;
          }
        }
      }
    }
  }
}

TEST(SharedLayout, PlainIsRowMajor) {
  SharedLayout layout(4, 10, 4, 0, 4);
  EXPECT_EQ(layout.getOffset(3, 7), (3 * 10 + 7) * 4);
}

TEST(SharedLayout, PatternRepeats) {
  for (int64_t swizzle : {32, 64, 128}) {
    SharedLayout layout(64, swizzle / 2, 2, swizzle, 64);
    for (int64_t row = 0; row != 64 - layout.getPeriodRows(); ++row) {
      for (int64_t column = 0; column != swizzle / 2; ++column) {
        ASSERT_EQ(layout.getOffset(row + layout.getPeriodRows(), column),
                  layout.getOffset(row, column) + layout.getPeriodBytes());
      }
    }
  }
}

TEST(SharedLayout, DescriptorsReadWhatWasWritten) {
  for (int64_t swizzle : {32, 64, 128}) {
    for (int64_t bytes : {1, 2, 4}) {
      for (MajorDim major : {MajorDim::K, MajorDim::MN}) {
        if (major == MajorDim::MN && bytes != 2)
          continue;
        int64_t mnExtent = 128, kExtent = 2 * 128 / bytes;
        int64_t rows = major == MajorDim::K ? mnExtent : kExtent;
        int64_t columns = major == MajorDim::K ? kExtent : mnExtent;
        // A range of the rows of a taller buffer reads the same way.
        for (int64_t panelRows : {rows, rows + 64}) {
          SharedLayout layout(rows, columns, bytes, swizzle, panelRows);
          int64_t depth = 32 / bytes;
          for (int64_t block = 0; block != mnExtent; block += 64) {
            for (int64_t step = 0; step * depth != kExtent; ++step) {
              auto descriptor = layout.getDescriptor(major, block, step);
              ASSERT_TRUE(descriptor);
              for (int64_t mn = 0; mn != 64; ++mn) {
                for (int64_t k = 0; k != depth; ++k) {
                  int64_t inMn = block + mn, inK = step * depth + k;
                  int64_t expected = major == MajorDim::K
                                         ? layout.getOffset(inMn, inK)
                                         : layout.getOffset(inK, inMn);
                  ASSERT_EQ(readThrough(*descriptor, major, mn, k, bytes),
                            expected)
                      << "swizzle " << swizzle << ", bytes " << bytes << ", mn "
                      << inMn << ", k " << inK;
                }
              }
            }
          }
        }
      }
    }
  }
}

TEST(SharedLayout, DescriptorsNeedPanels) {
  EXPECT_FALSE(SharedLayout(64, 64, 2, 0, 64).getDescriptor(MajorDim::K, 0, 0));
  SharedLayout layout(64, 128, 2, 128, 64);
  EXPECT_FALSE(layout.getDescriptor(MajorDim::K, 4, 0));
  EXPECT_FALSE(layout.getDescriptor(MajorDim::MN, 32, 0));
}

TEST(SharedLayout, DescriptorBits) {
  WgmmaDescriptor descriptor{/*start=*/1056, /*leading=*/16, /*stride=*/1024,
                             /*mode=*/1};
  EXPECT_EQ(descriptor.encode(), uint64_t(1) << 62 | uint64_t(64) << 32 |
                                     uint64_t(1) << 16 | uint64_t(66));
}

TEST(WgmmaN, LargestThatDivides) {
  EXPECT_EQ(getWgmmaN(256, false), 256);
  EXPECT_EQ(getWgmmaN(512, false), 256);
  EXPECT_EQ(getWgmmaN(320, false), 160);
  EXPECT_EQ(getWgmmaN(40, false), 40);
  EXPECT_EQ(getWgmmaN(40, true), 8);
  EXPECT_EQ(getWgmmaN(24, true), 24);
  EXPECT_EQ(getWgmmaN(272, true), 16);
  EXPECT_EQ(getWgmmaN(288, false, 32), 96);
  EXPECT_EQ(getWgmmaN(96, false, 64), 96);
  EXPECT_EQ(getWgmmaN(12, false), std::nullopt);
  EXPECT_EQ(getWgmmaN(4, false), std::nullopt);
}

} // namespace
