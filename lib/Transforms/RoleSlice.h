//===- RoleSlice.h - The part of a kernel that a role needs -- -*- C++ -*--===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_LIB_TRANSFORMS_ROLESLICE_H
#define HEDDLE_LIB_TRANSFORMS_ROLESLICE_H

#include "dialects/Tile/Tile.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"

#include "llvm/ADT/DenseSet.h"

namespace heddle {

/// The operations of a kernel that some of them need: their operands, the loops
/// and branches around them, and what decides how those run. Values carried
/// around loops are part of it one by one, so an accumulator is not, where only
/// the loop is needed.
class RoleSlice {
public:
  explicit RoleSlice(tile::KernelOp kernel) : kernel(kernel) {}

  /// Adds `op` and all that it needs.
  void add(mlir::Operation *op);

  /// Clones what of `block` is in the slice to where `builder` is. The block's
  /// arguments must be mapped.
  void clone(mlir::Block &block, mlir::OpBuilder &builder,
             mlir::IRMapping &mapping) const;

private:
  void addOp(mlir::Operation *op);
  void addValue(mlir::Value value);
  void addNeedsOf(mlir::Value value);
  bool isCarried(mlir::scf::ForOp loop, unsigned i) const;
  bool isCarried(mlir::scf::WhileOp loop, unsigned i) const;
  bool isPassed(mlir::scf::WhileOp loop, unsigned i) const;

  void cloneFor(mlir::scf::ForOp loop, mlir::OpBuilder &builder,
                mlir::IRMapping &mapping) const;
  void cloneIf(mlir::scf::IfOp branch, mlir::OpBuilder &builder,
               mlir::IRMapping &mapping) const;
  void cloneWhile(mlir::scf::WhileOp loop, mlir::OpBuilder &builder,
                  mlir::IRMapping &mapping) const;

  tile::KernelOp kernel;
  llvm::DenseSet<mlir::Operation *> ops;
  llvm::DenseSet<mlir::Value> values;
  llvm::SmallVector<mlir::Value> worklist;
};

} // namespace heddle

#endif // HEDDLE_LIB_TRANSFORMS_ROLESLICE_H
