//===- ArefDialect.cpp - The compiler's dialect ---------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/Aref/Aref.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/DialectImplementation.h"
#include "mlir/Interfaces/FoldInterfaces.h"

using namespace mlir;
using namespace heddle::aref;

#include "dialects/Aref/ArefDialect.cpp.inc"

namespace {
/// Keeps constants inside the role that uses them: a tile must not be captured.
struct ArefFoldInterface : DialectFoldInterface {
  using DialectFoldInterface::DialectFoldInterface;

  bool shouldMaterializeInto(Region *region) const final {
    return isa<RoleOp>(region->getParentOp());
  }
};
} // namespace

void ArefDialect::initialize() {
  addInterfaces<ArefFoldInterface>();
  registerAttributes();
  registerTypes();
  addOperations<
#define GET_OP_LIST
#include "dialects/Aref/ArefOps.cpp.inc"
      >();
}
