//===- ClusterUniformity.h - What blocks of a cluster share -----*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_TRANSFORMS_CLUSTERUNIFORMITY_H
#define HEDDLE_TRANSFORMS_CLUSTERUNIFORMITY_H

#include "dialects/Aref/Aref.h"

namespace heddle {

/// What is the same in all blocks of a cluster: numbers, and how often
/// operations of a role run.
///
/// A cluster has as many blocks as the kernel asks for, or a number that
/// divides that: neighbours, so that an id over what the kernel asks for, or
/// over a multiple of it, is the same for all.
class ClusterUniformity {
public:
  /// `size` is what the kernel asks for.
  ClusterUniformity(aref::RoleOp role, int64_t size);

  /// Whether all blocks have the same `value`, each time that they get there.
  bool isUniform(mlir::Value value) const { return !varying.contains(value); }

  /// Whether all blocks perform `op` equally often.
  bool isPerformedAlike(mlir::Operation *op) const;

private:
  bool update(mlir::Operation *op);
  bool mark(mlir::Value value) { return varying.insert(value).second; }
  bool mark(mlir::ValueRange values);
  bool isSameQuotient(mlir::Operation *op) const;
  bool isControlUniform(mlir::Operation *op) const;

  aref::RoleOp role;
  int64_t size;
  llvm::SmallDenseSet<mlir::Value> written;
  llvm::DenseSet<mlir::Value> varying;
};

} // namespace heddle

#endif // HEDDLE_TRANSFORMS_CLUSTERUNIFORMITY_H
