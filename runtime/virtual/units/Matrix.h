//===- Matrix.h - ldmatrix and stmatrix -------------------------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The warp-wide moves of 8x8 tiles of 16-bit elements, `.m8n8.b16`.
///
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_RUNTIME_VIRTUAL_UNITS_MATRIX_H
#define HEDDLE_RUNTIME_VIRTUAL_UNITS_MATRIX_H

#include "Fault.h"

#include <cstddef>
#include <cstdint>
#include <span>

namespace heddle::vgpu {

/// Loads `count` (1, 2 or 4) tiles. Lane 8i + r supplies the shared address of
/// row r of tile i, a multiple of 16; other lanes' addresses are ignored.
/// `registers[i][lane]` receives two elements of tile i.
Checked<void> ldmatrix(const std::byte *shared, uint32_t sharedBytes,
                       std::span<const uint32_t, 32> addresses, uint32_t count,
                       bool trans, uint32_t *const *registers);

/// Stores `count` tiles: the inverse of `ldmatrix`.
Checked<void> stmatrix(std::byte *shared, uint32_t sharedBytes,
                       std::span<const uint32_t, 32> addresses, uint32_t count,
                       bool trans, const uint32_t *const *registers);

} // namespace heddle::vgpu

#endif // HEDDLE_RUNTIME_VIRTUAL_UNITS_MATRIX_H
