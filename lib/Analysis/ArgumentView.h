//===- ArgumentView.h - Views as parts of a kernel's arguments --*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_ANALYSIS_ARGUMENTVIEW_H
#define HEDDLE_ANALYSIS_ARGUMENTVIEW_H

#include "dialects/Tile/Tile.h"

namespace heddle {

/// A view that is a box of an argument of its kernel: the argument itself, cast
/// to another type perhaps, or subviews of it whose elements lie side by side.
class ArgumentView {
public:
  /// Nothing if `view` is of another kind.
  static std::optional<ArgumentView> get(mlir::Value view);

  mlir::BlockArgument getArgument() const { return argument; }

  /// The dimension of the argument that dimension `dim` of the view lies along.
  unsigned getArgumentDim(unsigned dim) const { return dims[dim]; }

  /// Whether the view has all of the argument along its dimension `dim`, so
  /// that what is outside of the one is outside of the other.
  bool isWhole(unsigned dim) const { return whole[dim]; }
  bool isWhole() const {
    return llvm::all_of(whole, [](bool b) { return b; });
  }

  /// The dimensions of the argument that a tile of `rank` dimensions covers, or
  /// null where those are its last ones.
  mlir::DenseI64ArrayAttr getDimsOfTile(int64_t rank) const;

  /// Where an element of the view is in the argument.
  llvm::SmallVector<mlir::Value> getOffsets(mlir::OpBuilder &builder,
                                            mlir::Location loc,
                                            mlir::ValueRange offsets) const;

private:
  explicit ArgumentView(mlir::BlockArgument argument);
  /// Becomes a part of what it was; false if that is not a box.
  bool take(mlir::memref::SubViewOp subview);

  mlir::BlockArgument argument;
  /// By dimension of the argument, what sums up to where the view begins.
  llvm::SmallVector<llvm::SmallVector<mlir::OpFoldResult>> starts;
  /// By dimension of the view.
  llvm::SmallVector<unsigned> dims;
  llvm::SmallVector<bool> whole;
};

} // namespace heddle

#endif // HEDDLE_ANALYSIS_ARGUMENTVIEW_H
