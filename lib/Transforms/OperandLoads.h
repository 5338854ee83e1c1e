//===- OperandLoads.h - Loads that a producer can perform ---- -*- C++ -*--===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_LIB_TRANSFORMS_OPERANDLOADS_H
#define HEDDLE_LIB_TRANSFORMS_OPERANDLOADS_H

#include "dialects/Tile/Tile.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/DenseSet.h"

namespace heddle {

/// Whether rings can hand over tiles of these elements: booleans and indices
/// have no form in shared memory.
bool hasSharedForm(mlir::Type element);

/// Whether elements outside the view may become positive zeros.
bool isPadZero(tile::LoadOp load);

/// Decides which loads of a kernel can run ahead of everything else, in a role
/// of their own: those that operands of dots are computed from, from memory
/// that the kernel does not write, at places that take no dot to compute.
class OperandLoads {
public:
  explicit OperandLoads(tile::KernelOp kernel);

  /// Why a producer cannot perform `load`; empty if it can.
  llvm::StringRef getObstacle(tile::LoadOp load);

  /// Whether another role than that of what is around it can perform `load`,
  /// earlier, though not as a copy.
  bool isIndependent(tile::LoadOp load);

  /// The loads of the kernel that a producer can perform, in program order.
  llvm::SmallVector<tile::LoadOp> getEligible();

  /// Of the other loads, those that can as well run ahead of the loop that some
  /// of `eligible` are in: of vectors that are repeated for each row, such as
  /// statistics of the queries that arrive. They are worth no producer of their
  /// own, nor a kernel that falls back on another one because of their strides.
  llvm::SmallVector<tile::LoadOp>
  getCompanions(llvm::ArrayRef<tile::LoadOp> eligible);

private:
  /// What keeps a producer from running ahead with `load`, whoever uses it.
  llvm::StringRef getDependence(tile::LoadOp load);
  /// What keeps any role from it.
  llvm::StringRef getOrderObstacle(tile::LoadOp load);
  llvm::StringRef visit(mlir::Value value);
  llvm::StringRef visitOperands(mlir::Operation *op);
  /// What decides whether and how often the operations in `parent` run.
  llvm::StringRef visitControl(mlir::Operation *parent);
  llvm::StringRef visitDefinition(mlir::Operation *op);
  /// Whether memory behind `view` may change while the kernel runs.
  bool mayBeWritten(mlir::Value view) const;

  tile::KernelOp kernel;
  /// Kernel arguments that the kernel writes.
  llvm::DenseSet<mlir::Value> written;
  /// The kernel writes memory that is not known to be behind one argument.
  bool writesUnknown = false;
  /// What was visited for the present query.
  llvm::DenseSet<mlir::Value> visitedValues;
  llvm::DenseSet<mlir::Operation *> visitedControl;
};

/// The value that `view` is a part or another form of.
mlir::Value getRootView(mlir::Value view);

/// The root views that `kernel` writes, by tiles, scalars or copies.
llvm::SmallDenseSet<mlir::Value> getWrittenViews(tile::KernelOp kernel);

/// Why the TMA cannot perform `load`, whatever the addresses and strides at run
/// time; empty if it can.
std::string getTmaObstacle(tile::LoadOp load);

} // namespace heddle

#endif // HEDDLE_LIB_TRANSFORMS_OPERANDLOADS_H
