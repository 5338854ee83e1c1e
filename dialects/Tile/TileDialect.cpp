//===- TileDialect.cpp - The author's dialect -----------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/Tile/Tile.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/DialectImplementation.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace heddle::tile;

#include "dialects/Tile/TileDialect.cpp.inc"
#include "dialects/Tile/TileEnums.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "dialects/Tile/TileAttrs.cpp.inc"

/// Parses one of the words of the values up to `last`.
template <typename AttrT, typename EnumT>
static Attribute parseWord(AsmParser &parser, EnumT last) {
  SMLoc loc = parser.getCurrentLocation();
  std::string found;
  bool hasWord = succeeded(parser.parseOptionalKeywordOrString(&found));
  if (std::optional<EnumT> value = symbolizeEnum<EnumT>(found))
    return AttrT::get(parser.getContext(), *value);
  InFlightDiagnostic diag = parser.emitError(loc) << "expected one of ";
  for (uint32_t value = 0; value <= uint32_t(last); ++value)
    diag << (value == 0 ? "" : ", ") << stringifyEnum(EnumT(value));
  if (hasWord)
    diag << ", found '" << found << "'";
  return {};
}

Attribute PrecisionAttr::parse(AsmParser &parser, Type) {
  return parseWord<PrecisionAttr>(parser,
                                  Precision(getMaxEnumValForPrecision()));
}

void PrecisionAttr::print(AsmPrinter &printer) const {
  printer << ' ' << stringifyEnum(getValue());
}

Attribute ReduceKindAttr::parse(AsmParser &parser, Type) {
  return parseWord<ReduceKindAttr>(parser,
                                   ReduceKind(getMaxEnumValForReduceKind()));
}

void ReduceKindAttr::print(AsmPrinter &printer) const {
  printer << ' ' << stringifyEnum(getValue());
}

void TileDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "dialects/Tile/TileAttrs.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "dialects/Tile/TileOps.cpp.inc"
      >();
}

/// Checks that `attribute` is an integer in `low..high`.
static LogicalResult verifyInteger(Operation *op, NamedAttribute attribute,
                                   int64_t low, int64_t high) {
  auto integer = dyn_cast<IntegerAttr>(attribute.getValue());
  if (!integer)
    return op->emitError() << "expected '" << attribute.getName().getValue()
                           << "' to be an integer, found "
                           << attribute.getValue();
  if (integer.getValue().slt(low) || integer.getValue().sgt(high))
    return op->emitError() << "expected '" << attribute.getName().getValue()
                           << "' to be between " << low << " and " << high
                           << ", found " << integer.getValue().getSExtValue();
  return success();
}

/// Checks that `attribute` is `[X]`, `[X, Y]` or `[X, Y, Z]`, of which one may
/// be the size of a cluster that every GPU with clusters has.
static LogicalResult verifyCluster(Operation *op, NamedAttribute attribute) {
  auto fail = [&] {
    return op->emitError()
           << "expected '" << attribute.getName().getValue()
           << "' to be one to three integers, of which one is 2, 4 or 8 and "
              "the others are 1, as [2] or [1, 2]; found "
           << attribute.getValue();
  };
  auto extents = dyn_cast<ArrayAttr>(attribute.getValue());
  if (!extents || extents.empty() || extents.size() > 3)
    return fail();
  int64_t numGreater = 0;
  for (Attribute extent : extents) {
    auto integer = dyn_cast<IntegerAttr>(extent);
    if (!integer || !integer.getType().isSignlessIntOrIndex() ||
        !integer.getValue().isSignedIntN(64) ||
        !llvm::is_contained({1, 2, 4, 8}, integer.getInt()))
      return fail();
    numGreater += integer.getInt() > 1;
  }
  return numGreater == 1 ? success() : fail();
}

LogicalResult TileDialect::verifyOperationAttribute(Operation *op,
                                                    NamedAttribute attribute) {
  StringRef name = attribute.getName().getValue();
  if (name == getStagesAttrName()) {
    if (!isa<scf::ForOp, KernelOp>(op))
      return op->emitError()
             << "expected '" << name << "' on an scf.for or a tile.kernel";
    return verifyInteger(op, attribute, 1, 64);
  }
  if (name == getRasterAttrName() || name == getWarpsAttrName() ||
      name == getClusterAttrName()) {
    if (!isa<KernelOp>(op))
      return op->emitError() << "expected '" << name << "' on a tile.kernel";
    if (name == getClusterAttrName())
      return verifyCluster(op, attribute);
    if (name == getRasterAttrName())
      return verifyInteger(op, attribute, 1, 1 << 20);
    if (failed(verifyInteger(op, attribute, 1, 16)))
      return failure();
    if (!llvm::isPowerOf2_64(cast<IntegerAttr>(attribute.getValue()).getInt()))
      return op->emitError()
             << "expected '" << name << "' to be 1, 2, 4, 8 or 16";
    return success();
  }
  if (name == getOverlapAttrName() || name == getPingPongAttrName() ||
      name == getRunAheadAttrName()) {
    if (!isa<scf::ForOp, KernelOp>(op))
      return op->emitError()
             << "expected '" << name << "' on an scf.for or a tile.kernel";
    if (!isa<BoolAttr>(attribute.getValue()))
      return op->emitError()
             << "expected '" << name << "' to be true or false, found "
             << attribute.getValue();
    return success();
  }
  return op->emitError() << "unknown attribute '" << name
                         << "'; the tile dialect has '" << getClusterAttrName()
                         << "', '" << getOverlapAttrName() << "', '"
                         << getPingPongAttrName() << "', '"
                         << getRasterAttrName() << "', '"
                         << getRunAheadAttrName() << "', '"
                         << getStagesAttrName() << "' and '"
                         << getWarpsAttrName() << "'";
}
