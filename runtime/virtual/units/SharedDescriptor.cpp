//===- SharedDescriptor.cpp - wgmma's shared-memory operands -------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SharedDescriptor.h"

using namespace heddle;
using namespace heddle::vgpu;

namespace {

constexpr uint32_t chunkBytes = 16;
/// Rows (or columns of k) of one core matrix.
constexpr uint32_t coreRows = 8;
/// Descriptor fields count 16-byte chunks in 14 bits.
constexpr uint64_t fieldMask = 0x3fff;

constexpr Swizzle modes[] = {Swizzle::None, Swizzle::B128, Swizzle::B64,
                             Swizzle::B32};

} // namespace

uint32_t SharedDescriptor::addressOf(Major major, uint32_t elementBytes,
                                     uint32_t mn, uint32_t k) const {
  uint32_t offset;
  if (major == Major::K) {
    offset = mn / coreRows * stride;
    if (swizzle == Swizzle::None) {
      uint32_t perChunk = chunkBytes / elementBytes;
      offset += mn % coreRows * chunkBytes + k / perChunk * leading +
                k % perChunk * elementBytes;
    } else {
      offset += mn % coreRows * uint32_t(swizzle) + k * elementBytes;
    }
  } else if (swizzle == Swizzle::None) {
    uint32_t perChunk = chunkBytes / elementBytes;
    offset = mn / perChunk * stride + mn % perChunk * elementBytes +
             k / coreRows * leading + k % coreRows * chunkBytes;
  } else {
    uint32_t perSpan = uint32_t(swizzle) / elementBytes;
    offset = mn / perSpan * leading + mn % perSpan * elementBytes +
             k / coreRows * stride + k % coreRows * uint32_t(swizzle);
  }
  return vgpu::swizzle(start + offset, swizzle);
}

Checked<SharedDescriptor> vgpu::decodeSharedDescriptor(uint64_t bits) {
  uint32_t baseOffset = bits >> 49 & 7;
  if (baseOffset != 0)
    return makeFault(faults::other,
                     "matrix descriptor {:#018x}: expected a base offset of 0, "
                     "found {}; start the tile where its swizzle pattern "
                     "starts",
                     bits, baseOffset);
  SharedDescriptor descriptor;
  descriptor.start = uint32_t(bits & fieldMask) * chunkBytes;
  descriptor.leading = uint32_t(bits >> 16 & fieldMask) * chunkBytes;
  descriptor.stride = uint32_t(bits >> 32 & fieldMask) * chunkBytes;
  descriptor.swizzle = modes[bits >> 62];
  return descriptor;
}

uint64_t vgpu::encodeSharedDescriptor(const SharedDescriptor &descriptor) {
  uint64_t mode = 0;
  while (modes[mode] != descriptor.swizzle)
    ++mode;
  return (descriptor.start / chunkBytes & fieldMask) |
         (descriptor.leading / chunkBytes & fieldMask) << 16 |
         (descriptor.stride / chunkBytes & fieldMask) << 32 | mode << 62;
}
