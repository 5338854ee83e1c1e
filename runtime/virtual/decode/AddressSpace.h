//===- AddressSpace.h - Windows of the generic address space ----*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_VIRTUAL_DECODE_ADDRESSSPACE_H
#define HEDDLE_VIRTUAL_DECODE_ADDRESSSPACE_H

#include "ptx/Syntax.h"

namespace heddle::vgpu {

/// Generic addresses outside the windows are global. A window's low 32 bits are
/// the address in its space. Global and constant addresses are generic already.
inline constexpr uint64_t sharedWindow = 0x00007e0000000000;
inline constexpr uint64_t localWindow = 0x00007e1000000000;
inline constexpr uint64_t paramWindow = 0x00007e2000000000;

/// A shared address is the CTA's rank in its cluster and an offset, so that
/// `shared::cta` addresses are `shared::cluster` addresses too.
inline constexpr uint32_t sharedRankShift = 24;
inline constexpr uint32_t sharedOffsetMask = (1u << sharedRankShift) - 1;

inline constexpr uint64_t windowOf(Space space) {
  switch (space) {
  case Space::Shared:
    return sharedWindow;
  case Space::Local:
    return localWindow;
  case Space::Param:
    return paramWindow;
  default:
    return 0;
  }
}

inline Space spaceOf(uint64_t generic) {
  switch (generic >> 32) {
  case sharedWindow >> 32:
    return Space::Shared;
  case localWindow >> 32:
    return Space::Local;
  case paramWindow >> 32:
    return Space::Param;
  default:
    return Space::Global;
  }
}

} // namespace heddle::vgpu

#endif // HEDDLE_VIRTUAL_DECODE_ADDRESSSPACE_H
