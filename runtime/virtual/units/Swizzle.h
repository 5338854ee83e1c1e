//===- Swizzle.h - The shared-memory swizzle --------------------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The one address permutation that TMA and wgmma share.
///
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_RUNTIME_VIRTUAL_UNITS_SWIZZLE_H
#define HEDDLE_RUNTIME_VIRTUAL_UNITS_SWIZZLE_H

#include "heddle/Runtime/Device.h"

namespace heddle::vgpu {

/// The number of 16-byte chunks in a swizzle span, less one: 7, 3, 1 or 0.
constexpr uint32_t swizzleMask(Swizzle mode) {
  return mode == Swizzle::None ? 0 : uint32_t(mode) / 16 - 1;
}

/// Where the byte at `address` of the CTA's shared window really lies. The
/// permutation exchanges 16-byte chunks inside a 128-byte line and depends on
/// absolute address bits; the window itself is aligned to 1024 bytes.
constexpr uint32_t swizzle(uint32_t address, Swizzle mode) {
  return address ^ (((address >> 7) & swizzleMask(mode)) << 4);
}

} // namespace heddle::vgpu

#endif // HEDDLE_RUNTIME_VIRTUAL_UNITS_SWIZZLE_H
