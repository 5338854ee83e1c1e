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

/// Gives long types short names. Types of mbarriers are short already.
struct ArefAsmInterface : OpAsmDialectInterface {
  using OpAsmDialectInterface::OpAsmDialectInterface;

  AliasResult getAlias(Type type, raw_ostream &os) const final {
    if (isa<RingType>(type)) {
      os << "ring";
    } else if (isa<SlotType>(type)) {
      os << "slot";
    } else if (auto buffer = dyn_cast<BufferType>(type)) {
      os << buffer.getElementType() << '_';
      llvm::interleave(buffer.getShape(), os, "x");
      bool isPart = buffer.getPanelRows() != buffer.getRows();
      os << (isPart ? "_rows" : "_buffer");
    } else {
      return AliasResult::NoAlias;
    }
    return AliasResult::FinalAlias;
  }
};
} // namespace

void ArefDialect::initialize() {
  addInterfaces<ArefFoldInterface, ArefAsmInterface>();
  registerAttributes();
  registerTypes();
  addOperations<
#define GET_OP_LIST
#include "dialects/Aref/ArefOps.cpp.inc"
      >();
}

int64_t heddle::aref::getClusterSize(tile::KernelOp kernel) {
  auto extents = kernel->getAttrOfType<DenseI64ArrayAttr>(
      ArefDialect::getClusterAttrName());
  return extents ? llvm::product_of(extents.asArrayRef()) : 1;
}
