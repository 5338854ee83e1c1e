//===- RingVerifier.h - Checks what roles do with rings ---------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Two roles that share rings are a network of queues: whether it gets stuck
/// depends on the order in which each role takes and gives back slots, not on
/// how fast it is. So one run of the traces of all roles decides it.
///
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_ANALYSIS_RINGVERIFIER_H
#define HEDDLE_ANALYSIS_RINGVERIFIER_H

#include "lib/Analysis/RoleTrace.h"

#include "llvm/ADT/EquivalenceClasses.h"
#include "llvm/ADT/MapVector.h"

namespace heddle {

class RingVerifier {
public:
  explicit RingVerifier(tile::KernelOp kernel) : kernel(kernel) {}

  /// Checks that each ring has one producing role and consuming ones which use
  /// it in the same loops and branches, and that each role uses slots rightly
  /// (see `traceRole`). Emits a diagnostic and fails if not.
  mlir::LogicalResult checkUses();

  /// After `checkUses`: the most slots of each ring that a role holds at once,
  /// the least depth that does not get stuck for sure.
  int64_t getHeld(aref::RingOp ring) { return held[ring.getResult()].most; }

  /// Checks, after `checkUses`, that planned depths suffice and that no two
  /// roles wait for each other.
  mlir::LogicalResult checkDepths();

private:
  /// A use of a ring, or control flow around uses of it.
  struct Node {
    mlir::Operation *op;
    /// What is in each region of the control flow.
    std::vector<std::vector<Node>> regions;
  };
  std::vector<Node> getStructure(mlir::Block &block, mlir::Value ring,
                                 bool producing);
  mlir::LogicalResult match(aref::RingOp ring, llvm::ArrayRef<Node> puts,
                            llvm::ArrayRef<Node> gets,
                            mlir::Operation *aroundPuts,
                            mlir::Operation *aroundGets);
  mlir::LogicalResult checkRoles(aref::RingOp ring);
  /// Calls `visit` for every course worth a look, until it fails.
  mlir::LogicalResult
  forEachCourse(int64_t most,
                llvm::function_ref<mlir::LogicalResult(const Course &)> visit);
  mlir::LogicalResult simulate(const Course &course);

  tile::KernelOp kernel;
  /// Loops and branches of different roles that run alike.
  llvm::EquivalenceClasses<mlir::Operation *> alike;
  llvm::DenseMap<mlir::Value, RoleTrace::Held> held;
};

} // namespace heddle

#endif // HEDDLE_ANALYSIS_RINGVERIFIER_H
