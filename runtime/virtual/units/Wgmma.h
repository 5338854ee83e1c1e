//===- Wgmma.h - The warpgroup's matrix unit --------------------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// One `wgmma.mma_async`, executed at once: D (64 x n) = A (64 x k) B (k x n)
/// + D. k is 32 bytes' worth of elements.
///
/// Floating-point results are "exact" in this sense: operands convert to f32
/// without loss, and every element of D is a chain of f32 fused multiply-adds
/// in ascending k that starts from D's old value (from +0 with `scaleD` off);
/// an f16 D rounds once, at the end. Hardware leaves the order unspecified, so
/// comparisons need a tolerance. Integer results are exact and wrap unless
/// `saturate` is set.
///
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_RUNTIME_VIRTUAL_UNITS_WGMMA_H
#define HEDDLE_RUNTIME_VIRTUAL_UNITS_WGMMA_H

#include "SharedDescriptor.h"

#include <span>

namespace heddle::vgpu {

enum class WgmmaInput : uint8_t { F16, BF16, TF32, E4M3, E5M2, S8, U8 };
enum class WgmmaAccumulator : uint8_t { F32, F16, S32 };

struct WgmmaOp {
  /// 8..256 in steps of 8; integers: 8, 16, 24, 32, then in steps of 16.
  uint32_t n = 0;
  WgmmaInput a = WgmmaInput::BF16;
  WgmmaInput b = WgmmaInput::BF16;
  WgmmaAccumulator d = WgmmaAccumulator::F32;
  /// The operand is MN-major in shared memory; 16-bit types only.
  bool transA = false, transB = false;
  /// 1 or -1; integers: 1 only.
  int scaleA = 1, scaleB = 1;
  /// False: D = A B.
  bool scaleD = true;
  /// `.satfinite` of the integer forms.
  bool saturate = false;

  /// Bytes per element of A and B.
  uint32_t elementBytes() const;
  uint32_t k() const { return 32 / elementBytes(); }
  /// Registers of D that each thread holds: n/2, or n/4 when D is f16.
  uint32_t accumulatorRegisters() const {
    return d == WgmmaAccumulator::F16 ? n / 4 : n / 2;
  }
};

/// Registers of A that each thread holds in the register form, for every type.
inline constexpr uint32_t wgmmaARegisters = 4;

/// The registers of a warpgroup: `registers[warp][r][lane]`.
using WarpgroupRegisters = std::array<uint32_t *const *, 4>;

/// A reason why there is no such instruction, or success. `aInRegisters` says
/// which form.
Checked<void> verifyWgmma(const WgmmaOp &op, bool aInRegisters);

/// The shared bytes [begin, end) that an operand's tile spans.
struct SharedExtent {
  uint32_t begin = 0, end = 0;
};

/// The bytes that operand A (64 x k) or B (n x k) spans, without bounds check.
Checked<SharedExtent> wgmmaExtentA(const WgmmaOp &op, uint64_t descA);
Checked<SharedExtent> wgmmaExtentB(const WgmmaOp &op, uint64_t descB);

/// The shared addresses of the 16-byte chunks of operand A or B; none if the
/// descriptor is malformed. Valid until the next call of the thread.
std::span<const uint32_t> wgmmaChunks(const WgmmaOp &op, bool isB,
                                      uint64_t descriptor);

/// Executes `op` with both operands in shared memory. D is updated in place.
/// Ops that `verifyWgmma` refuses, malformed descriptors and tiles that leave
/// the shared window are errors and leave D as it was.
Checked<void> wgmma(const WgmmaOp &op, const std::byte *shared,
                    uint32_t sharedBytes, uint64_t descA, uint64_t descB,
                    const WarpgroupRegisters &d);

/// Executes `op` with A in registers.
Checked<void> wgmma(const WgmmaOp &op, const std::byte *shared,
                    uint32_t sharedBytes, const WarpgroupRegisters &a,
                    uint64_t descB, const WarpgroupRegisters &d);

} // namespace heddle::vgpu

#endif // HEDDLE_RUNTIME_VIRTUAL_UNITS_WGMMA_H
