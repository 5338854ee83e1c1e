//===- SharedDescriptor.h - wgmma's shared-memory operands ------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The 64-bit matrix descriptors through which wgmma finds A and B.
///
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_RUNTIME_VIRTUAL_UNITS_SHAREDDESCRIPTOR_H
#define HEDDLE_RUNTIME_VIRTUAL_UNITS_SHAREDDESCRIPTOR_H

#include "Fault.h"
#include "Swizzle.h"

namespace heddle::vgpu {

/// Which index of an operand is contiguous in shared memory. A is M x K, B is
/// N x K; "mn" is the index that is not k.
enum class Major : uint8_t { K, MN };

struct SharedDescriptor {
  /// Address in the shared window and the two byte offsets, multiples of 16.
  uint32_t start = 0;
  uint32_t leading = 0;
  uint32_t stride = 0;
  Swizzle swizzle = Swizzle::None;

  /// The shared address of element (mn, k) of `elementBytes` bytes.
  uint32_t addressOf(Major major, uint32_t elementBytes, uint32_t mn,
                     uint32_t k) const;
};

/// Decodes a descriptor. A base offset other than zero is refused.
Checked<SharedDescriptor> decodeSharedDescriptor(uint64_t bits);
uint64_t encodeSharedDescriptor(const SharedDescriptor &descriptor);

} // namespace heddle::vgpu

#endif // HEDDLE_RUNTIME_VIRTUAL_UNITS_SHAREDDESCRIPTOR_H
