//===- MatrixAccess.h - Tiles that ldmatrix and stmatrix move ---*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_LAYOUT_MATRIXACCESS_H
#define HEDDLE_LAYOUT_MATRIXACCESS_H

#include "lib/Layout/TileLayout.h"

namespace heddle {

/// How `ldmatrix` and `stmatrix` move a tile of 16-bit elements between
/// registers and memory: 8x8 matrices, four with each instruction, for which
/// each lane names a row of eight elements in memory.
struct MatrixAccess {
  /// The matrices that one instruction moves.
  static constexpr int64_t numMatrices = 4;
  static constexpr int64_t rowLength = 8;

  /// Whether lanes hold columns of the matrices: `.trans`.
  bool transposed;
  /// Which row a lane names for instruction `i`: the one that registers
  /// `rowLength * i` and those that follow have in this layout.
  TileLayout rows;
  /// By instruction and matrix, the first of the two registers that have the
  /// lane's elements of it.
  llvm::SmallVector<int64_t> registers;

  /// Nothing where lanes do not hold such matrices.
  static std::optional<MatrixAccess> get(const TileLayout &layout);
};

} // namespace heddle

#endif // HEDDLE_LAYOUT_MATRIXACCESS_H
