//===- Roles.h - Marks of operations that belong to a role --- -*- C++ -*--===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_LIB_TRANSFORMS_ROLES_H
#define HEDDLE_LIB_TRANSFORMS_ROLES_H

#include "dialects/Aref/Aref.h"
#include "mlir/IR/BuiltinAttributes.h"

namespace heddle {

/// The role that loads the operands of dots.
inline constexpr llvm::StringLiteral producerRole = "producer";
/// The role that computes what the consumer's state does not reach, ahead of
/// it.
inline constexpr llvm::StringLiteral preparerRole = "preparer";
/// The role that does everything else with tiles.
inline constexpr llvm::StringLiteral consumerRole = "consumer";

inline void setRole(mlir::Operation *op, llvm::StringRef role) {
  op->setAttr(aref::ArefDialect::getRoleAttrName(),
              mlir::StringAttr::get(op->getContext(), role));
}

inline bool hasRole(mlir::Operation *op, llvm::StringRef role) {
  auto attribute =
      op->getAttrOfType<mlir::StringAttr>(aref::ArefDialect::getRoleAttrName());
  return attribute && attribute.getValue() == role;
}

/// The role of that name that `kernel` has been split into, if there is one.
inline aref::RoleOp findRole(tile::KernelOp kernel, llvm::StringRef name) {
  for (auto role : kernel.getBody().getOps<aref::RoleOp>())
    if (role.getName() == name)
      return role;
  return {};
}

} // namespace heddle

#endif // HEDDLE_LIB_TRANSFORMS_ROLES_H
