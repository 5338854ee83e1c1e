//===- WgmmaKernel.h - The inner loops of wgmma -----------------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The vectorized steps of a wgmma, compiled for each instruction set and
/// chosen at run time.
///
/// Both panels are laid out for the accumulator fragment, in which register
/// 4j + 2h + p of lane l of warp w holds row 16w + 8h + l/4 and column
/// 8j + 2(l%4) + p. So a register is an 8x4 outer product per k, and D never
/// has to leave its fragment:
///
///   a[2w + h][k][lane] = A[16w + 8h + lane/4][k]     each element four times
///   b[j][k][p][q]      = B[k][8j + 2q + p]           q < 4, repeated on load
///
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_RUNTIME_VIRTUAL_UNITS_WGMMAKERNEL_H
#define HEDDLE_RUNTIME_VIRTUAL_UNITS_WGMMAKERNEL_H

#include "Wgmma.h"

namespace heddle::vgpu {

inline constexpr uint32_t wgmmaRows = 64;
inline constexpr uint32_t maxWgmmaK = 32;
inline constexpr uint32_t maxWgmmaN = 256;

/// Scratch space of one wgmma. One per thread: it is too large for a stack.
struct alignas(64) WgmmaScratch {
  /// Operand elements in memory order, as f32.
  float elements[maxWgmmaN * maxWgmmaK];
  float a[8 * maxWgmmaK * 32];
  float b[maxWgmmaN * maxWgmmaK];
  /// An accumulator that is not f32, as f32: [warp][register][lane].
  float d[4 * (maxWgmmaN / 2) * 32];
  /// Shared addresses of an operand's 16-byte chunks.
  uint32_t chunks[maxWgmmaN * maxWgmmaK / 4];
};

/// Converts the 16-byte chunks at `shared + chunks[i]` to f32, in order.
void convertChunks(WgmmaInput type, const std::byte *shared,
                   const uint32_t *chunks, uint32_t count, float *elements);

/// Packs B from `elements`: [n][k] if `major` is K, else [k][n].
void packB(const float *elements, Major major, uint32_t n, uint32_t k,
           float *b);

/// Packs A, 64 rows, likewise, times `sign`.
void packA(const float *elements, Major major, uint32_t k, float sign,
           float *a);

/// f16 pairs to f32 and back, rounding to nearest even, for one register of a
/// warp: `low` and `high` receive the 32 lanes' lower and upper halves.
void widenF16(const uint32_t *pairs, float *low, float *high);
void narrowF16(const float *low, const float *high, uint32_t *pairs);

/// D = A B + D, or A B. `d[w][r]` points to 32 f32 lanes.
void multiplyPanels(const float *a, const float *b, uint32_t n, uint32_t k,
                    bool accumulate, const WarpgroupRegisters &d);

} // namespace heddle::vgpu

#endif // HEDDLE_RUNTIME_VIRTUAL_UNITS_WGMMAKERNEL_H
