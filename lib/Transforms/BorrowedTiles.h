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

  /// Why parts of `length` elements of `vector`, which lies in a slot, are no
  /// buffers; empty if they are.
  static std::string getCutObstacle(mlir::RankedTensorType vector,
                                    int64_t length);

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
