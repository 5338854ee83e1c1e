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

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/MapVector.h"

namespace heddle {

/// Whether `op` makes a tile out of no other tile, so that each of its users
/// may have it whole or cut as it likes.
bool isTileSource(mlir::Operation *op);

/// Decides how the tiles of a role can be cut into one part per instance, each
/// along one dimension, starting from the rows of the dots' accumulators.
/// Tiles that no cut reaches stay whole: every instance has them.
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
