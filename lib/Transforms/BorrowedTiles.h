//===- BorrowedTiles.h - Tiles that lie in a slot of a ring -----*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// A tile that `aref.get` borrows is in shared memory: those who can read it
/// there take its buffer, the others load it into registers.
///
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_LIB_TRANSFORMS_BORROWEDTILES_H
#define HEDDLE_LIB_TRANSFORMS_BORROWEDTILES_H

#include "dialects/Aref/Aref.h"

#include "llvm/ADT/DenseMap.h"

namespace heddle {

class BorrowedTiles {
public:
  /// The `aref.get` that `tile` was borrowed by, if `tile` is one of its
  /// results or a slice of one; else null.
  static aref::GetOp getOrigin(mlir::Value tile);

  /// Why the slices between `tile` and its origin are no buffers; empty if they
  /// are.
  static std::string getObstacle(mlir::Value tile);

  /// What the extents and places of parts of `tile`, which lies in a slot, are
  /// multiples of along `dim` if they are buffers; 0 if none are.
  static int64_t getCutUnit(mlir::RankedTensorType tile, int64_t dim);

  /// The type of the part of `source` with the shape of `tile`.
  static aref::BufferType getPart(aref::BufferType source,
                                  mlir::RankedTensorType tile);

  /// The buffer that holds `tile`, which has an origin and no obstacle.
  mlir::Value getBuffer(mlir::Value tile);

  /// Replaces `get` by `aref.wait`; what still uses its tiles as values loads
  /// them. A fence orders these reads before whatever copy fills the slot next.
  void lower(aref::GetOp get);

private:
  mlir::Value load(mlir::Value tile, mlir::Operation *before);

  llvm::DenseMap<mlir::Value, mlir::Value> buffers;
};

} // namespace heddle

#endif // HEDDLE_LIB_TRANSFORMS_BORROWEDTILES_H
