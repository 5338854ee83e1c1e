//===- GlobalTile.h - Where a tile is in global memory -*- C++ -*- --------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_CONVERSION_TONVVM_GLOBALTILE_H
#define HEDDLE_CONVERSION_TONVVM_GLOBALTILE_H

#include "lib/Conversion/ToNVVM/Tiles.h"

#include <map>

namespace heddle {

/// The accesses of one thread to a tile of a view.
class GlobalTile {
public:
  /// Offsets have one value, or, where they are tiles, one per row of a thread.
  GlobalTile(mlir::OpBuilder &builder, mlir::Operation *op,
             const TileLayout &layout, const ViewDescriptor &source,
             mlir::ValueRange indices,
             llvm::ArrayRef<mlir::ValueRange> offsets);

  /// Elements that one vector access moves; 1 if none may.
  int64_t getVectorLength() const { return vectorLength; }

  /// Whether the whole tile is inside the view and vectors are aligned.
  mlir::Value getIsPlain();
  /// Whether each row is inside along the last dimension, and vectors are
  /// aligned.
  mlir::Value getHasPlainRows();

  /// Where the element of a register is.
  mlir::Value getPointer(int64_t reg);
  /// The same as a pointer that few registers share, and bytes behind it.
  std::pair<mlir::Value, int64_t> getPlace(int64_t reg);
  /// Whether it is inside the view.
  mlir::Value getIsInside(int64_t reg);
  /// The same where its row, which is gathered, is inside.
  mlir::Value getIsInsideRow(int64_t reg);

  /// Stops the program where a row that is gathered is outside of the view.
  void emitRowChecks();

  /// Forgets values that do not dominate what is emitted from now on.
  void enter() {
    rows.clear();
    insides.clear();
  }

private:
  mlir::Value getConstant(int64_t value) {
    return mlir::arith::ConstantIntOp::create(builder, loc, value, 64);
  }
  mlir::Value compare(mlir::arith::CmpIPredicate predicate, mlir::Value a,
                      mlir::Value b) {
    return mlir::arith::CmpIOp::create(builder, loc, predicate, a, b);
  }
  mlir::Value both(mlir::Value a, mlir::Value b) {
    return a ? mlir::arith::AndIOp::create(builder, loc, a, b) : b;
  }
  /// Whether the tile is inside along its dimension `dim`.
  mlir::Value getFits(unsigned dim);
  /// Whether all of the tile is inside along its dimension `dim`, or nothing of
  /// it: the view is cut into tiles there, and this is one of them.
  bool isWholeOrOutside(unsigned dim) const;
  mlir::Value getIsAligned();
  /// The dimension of the view that dimension `dim` of the tile lies along.
  unsigned getViewDim(unsigned dim) const {
    return view.sizes.size() - layout.getRank() + dim;
  }
  /// The first dimension of the tile that lies along one of the view.
  unsigned getFirstDim() const { return gathered.empty() ? 0 : 1; }
  /// Whether the row that starts at coordinate `row` is inside where it is
  /// gathered; null if it is not.
  mlir::Value getIsRowInside(int64_t row);

  mlir::OpBuilder &builder;
  mlir::Location loc;
  TileLayout layout;
  ViewDescriptor view;
  int64_t elementBytes;
  int64_t vectorLength;
  /// i64: the tile's offsets, and the coordinates of this thread's first
  /// element, in the view.
  llvm::SmallVector<mlir::Value> offsets, coords;
  /// i64: where a row is along dimension `dim`, which tiles index.
  mlir::Value getGathered(unsigned dim, int64_t row);

  /// Where each row of this thread is, by dimension of the view that tiles
  /// index, by register of `rowLayout`.
  std::map<unsigned, llvm::SmallVector<mlir::Value>> gathered;
  /// Whether numbers of 64 bits are made where they are needed.
  bool widensLate;
  std::optional<TileLayout> rowLayout;
  /// The offsets as the program has them.
  llvm::SmallVector<mlir::Value> indices;
  /// The strides that are known, by dimension of the view.
  llvm::SmallVector<std::optional<int64_t>> strides;
  /// The address of this thread's first element.
  mlir::Value start;
  /// Whether dimensions of the view that the tile lacks are inside; or null.
  mlir::Value outerInside;
  /// Pointers and tests that registers share.
  std::map<llvm::SmallVector<int64_t, 4>, mlir::Value> rows;
  std::map<std::pair<unsigned, int64_t>, mlir::Value> insides;
};

/// Reads an element if `predicate` holds; else the result is `pad`, which
/// `toRegister` made.
mlir::Value loadElement(mlir::OpBuilder &builder, mlir::Location loc,
                        mlir::Value pointer, mlir::Value predicate,
                        mlir::Value pad, mlir::Type scalarType);

/// The constraint of inline PTX for a register of `bytes` bytes of memory.
llvm::StringRef getRegisterConstraint(int64_t bytes);

/// The integer that PTX has in a register for a scalar.
mlir::Value toRegister(mlir::OpBuilder &builder, mlir::Location loc,
                       mlir::Value scalar);

} // namespace heddle

#endif // HEDDLE_CONVERSION_TONVVM_GLOBALTILE_H
