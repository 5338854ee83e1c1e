//===- TileCut.h - Which tiles instances share out ----------- -*- C++ -*--===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_LIB_TRANSFORMS_TILECUT_H
#define HEDDLE_LIB_TRANSFORMS_TILECUT_H

#include "dialects/Aref/Aref.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/MapVector.h"

namespace heddle {

/// Whether `op` makes a tile out of no other tile, so that each of its users
/// may have it whole or cut as it likes.
bool isTileSource(mlir::Operation *op);

/// Whether several warpgroups may each add a part of the sum that `dot` is: it
/// starts from zero, and all that is done with it is to add it to memory.
bool canSumInParts(tile::DotOp dot);

/// Decides how the tiles of a role can be cut into one part per instance, each
/// along one dimension, starting from the rows of the dots' accumulators.
/// Tiles that no cut reaches stay whole: every instance has them. Dots that can
/// be summed in parts may be cut along K instead; their results are whole, and
/// each instance has its own.
class TileCut {
public:
  /// Dimension of a tile that is whole.
  static constexpr int64_t whole = -1;

  TileCut(aref::RoleOp role, int64_t instances)
      : role(role), instances(instances) {}

  /// Fails if some operation cannot be cut; then there is an obstacle.
  llvm::LogicalResult compute();

  /// What keeps the role from being cut, and why.
  mlir::Operation *getObstacle() const { return obstacle; }
  llvm::StringRef getReason() const { return reason; }

  /// The dimension that `value`, which is not from a source, is cut along.
  int64_t getDim(mlir::Value value) const;
  /// The dimension along which `use` wants its tile cut.
  int64_t getDim(mlir::OpOperand &use) const;
  /// Whether each instance has a part of the sum that `dot` is.
  bool isPartial(tile::DotOp dot) const { return partial.contains(dot); }
  /// The values that are cut, each with its dimension.
  const llvm::MapVector<mlir::Value, int64_t> &getCutValues() const {
    return dims;
  }

private:
  llvm::LogicalResult fail(mlir::Operation *op, llvm::StringRef why);
  /// Cuts `value` along `dim`, on behalf of `op`.
  llvm::LogicalResult require(mlir::Operation *op, mlir::Value value,
                              int64_t dim);
  llvm::LogicalResult requireAll(mlir::Operation *op, mlir::ValueRange values,
                                 int64_t dim);
  llvm::LogicalResult cutDefinition(mlir::Value value, int64_t dim);
  /// Cuts what is in `dims`, and all that this reaches.
  llvm::LogicalResult spread();
  llvm::LogicalResult cutAlongK(tile::DotOp dot);
  llvm::LogicalResult cutUse(mlir::OpOperand &use, int64_t dim);
  /// Cuts all tiles of an operation whose result is cut along `dim`.
  llvm::LogicalResult cutFromResult(mlir::Operation *op, int64_t dim);
  llvm::LogicalResult cutCarried(mlir::scf::ForOp loop, unsigned i,
                                 int64_t dim);
  llvm::LogicalResult cutPassed(mlir::scf::WhileOp loop, unsigned i,
                                int64_t dim);
  llvm::LogicalResult cutCarried(mlir::scf::WhileOp loop, unsigned i,
                                 int64_t dim);

  aref::RoleOp role;
  int64_t instances;
  llvm::MapVector<mlir::Value, int64_t> dims;
  /// How many of them have been spread.
  size_t numSpread = 0;
  llvm::DenseSet<mlir::Operation *> partial;
  mlir::Operation *obstacle = nullptr;
  llvm::StringRef reason;
};

/// Checks that instances of `role` that each have their part of the tiles do
/// not depend on one another through memory. On failure, `obstacle` and
/// `reason` say which operation keeps them from it.
llvm::LogicalResult verifyIndependence(aref::RoleOp role, const TileCut &cut,
                                       mlir::Operation *&obstacle,
                                       llvm::StringRef &reason);

} // namespace heddle

#endif // HEDDLE_LIB_TRANSFORMS_TILECUT_H
