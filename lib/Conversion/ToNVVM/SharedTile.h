//===- SharedTile.h - Where a tile is in shared memory -*- C++ -*- --------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_CONVERSION_TONVVM_SHAREDTILE_H
#define HEDDLE_CONVERSION_TONVVM_SHAREDTILE_H

#include "lib/Conversion/ToNVVM/Tiles.h"

#include <map>

namespace heddle {

/// The addresses at which one thread accesses a buffer. A register's address is
/// one that depends on the thread, of which there are few since swizzles
/// repeat, plus a constant.
class SharedTile {
public:
  SharedTile(mlir::OpBuilder &builder, mlir::Operation *op,
             const TileLayout &layout, aref::BufferType type, mlir::Value base);

  mlir::Value getPointer(int64_t reg);
  /// The same as a pointer that few registers share, and bytes behind it.
  std::pair<mlir::Value, int64_t> getPlace(int64_t reg);

  /// Elements that one access moves: at most 16 bytes, which swizzles keep
  /// together.
  int64_t getVectorLength() const {
    return std::min<int64_t>(layout.getRun(layout.getRank() - 1),
                             16 / shared.getElementBytes());
  }

private:
  mlir::Value add(mlir::Value value, int64_t constant) {
    return constant ? mlir::arith::AddIOp::create(
                          builder, loc, value, getI32(builder, loc, constant))
                    : value;
  }
  mlir::Value times(mlir::Value value, int64_t constant) {
    return constant == 1
               ? value
               : mlir::arith::MulIOp::create(builder, loc, value,
                                             getI32(builder, loc, constant));
  }
  /// The address of the element `row` rows and `column` columns from the
  /// thread's first.
  mlir::Value computePointer(int64_t row, int64_t column);

  mlir::OpBuilder &builder;
  mlir::Location loc;
  TileLayout layout;
  SharedLayout shared;
  mlir::Value base;
  /// i32: the row and the column of the thread's first element.
  mlir::Value threadRow, threadColumn;
  std::map<std::pair<int64_t, int64_t>, mlir::Value> known;
};

} // namespace heddle

#endif // HEDDLE_CONVERSION_TONVVM_SHAREDTILE_H
