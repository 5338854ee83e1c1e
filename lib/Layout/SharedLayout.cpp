//===- SharedLayout.cpp - Addresses in a shared memory buffer -------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Layout/SharedLayout.h"

#include <algorithm>

using namespace heddle;

uint64_t WgmmaDescriptor::encode() const {
  auto field = [](int64_t bytes) { return uint64_t(bytes & 0x3FFFF) >> 4; };
  return field(start) | field(leading) << 16 | field(stride) << 32 |
         uint64_t(mode) << 62;
}

int64_t SharedLayout::getOffset(int64_t row, int64_t column) const {
  int64_t byte = column * elementBytes;
  int64_t pitch = getPitch();
  int64_t offset = byte / pitch * getPanelBytes() + row * pitch + byte % pitch;
  return offset ^ (((offset >> 7) & getSwizzleMask()) << 4);
}

std::optional<WgmmaDescriptor>
SharedLayout::getDescriptor(MajorDim major, int64_t mn, int64_t kStep) const {
  if (swizzle == 0)
    return std::nullopt;
  WgmmaDescriptor result;
  result.stride = 8 * swizzle;
  result.mode = swizzle == 128 ? 1 : swizzle == 64 ? 2 : 3;
  if (major == MajorDim::K) {
    // Rows are M or N; the pattern must start with the block.
    if (mn % 8 != 0)
      return std::nullopt;
    int64_t byte = 32 * kStep;
    result.leading = 16;
    result.start =
        byte / swizzle * getPanelBytes() + mn * swizzle + byte % swizzle;
    return result;
  }
  // Rows are K; a block of M or N is a number of panels.
  if (mn % getPanelColumns() != 0)
    return std::nullopt;
  result.leading = getPanelBytes();
  result.start = mn / getPanelColumns() * getPanelBytes() +
                 kStep * (32 / elementBytes) * swizzle;
  return result;
}

std::optional<int64_t> heddle::getWgmmaN(int64_t n, bool isInteger,
                                         int64_t granule) {
  for (int64_t size = std::min<int64_t>(n, 256) & -8; size > 0; size -= 8) {
    if (n % size != 0)
      continue;
    // One block starts at the first panel whatever its size.
    if (size != n && size % granule != 0)
      continue;
    if (isInteger && size % 16 != 0 && size != 8 && size != 24)
      continue;
    return size;
  }
  return std::nullopt;
}
