//===- ConvertLayouts.cpp - Move tiles between layouts ------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/Aref/Aref.h"
#include "lib/Layout/Encoding.h"
#include "lib/Layout/LaneExchange.h"
#include "lib/Layout/MatrixAccess.h"
#include "lib/Transforms/LayoutScope.h"
#include "lib/Transforms/Passes.h"

namespace heddle {
#define GEN_PASS_DEF_CONVERTLAYOUTS
#include "lib/Transforms/Passes.h.inc"
} // namespace heddle

using namespace mlir;
using namespace heddle;

namespace {

/// Scratch buffers of a scope, one per type. Every use of one starts with a
/// barrier, so that uses may follow one another.
class Scratch {
public:
  Scratch(LayoutScope scope) : scope(scope) {}

  /// A row-major buffer without swizzle.
  Value getPlain(Location loc, ArrayRef<int64_t> shape, Type elementType) {
    return get(loc, getPlainType(shape, elementType));
  }
  static aref::BufferType getPlainType(ArrayRef<int64_t> shape,
                                       Type elementType) {
    int64_t rows = 1;
    for (int64_t extent : shape.drop_back())
      rows *= extent;
    return aref::BufferType::get(elementType.getContext(), shape, elementType,
                                 /*swizzle=*/0, rows);
  }

  /// The buffer of this type if all that `op`'s instance has stored to it last,
  /// and ordered by a barrier, is `op`'s operand.
  Value getHeld(aref::BufferType type, aref::ConvertLayoutOp op) {
    auto it = held.find(type);
    return it != held.end() && it->second.first == op.getX() &&
                   it->second.second == op->getBlock()
               ? buffers.lookup(type)
               : Value();
  }
  void setHeld(aref::BufferType type, aref::ConvertLayoutOp op) {
    held[type] = {op.getX(), op->getBlock()};
  }

  /// The scope's own buffer of this type, to be written.
  Value get(Location loc, aref::BufferType type) {
    held.erase(type);
    Value &buffer = buffers[type];
    if (buffer)
      return buffer;
    auto builder = OpBuilder::atBlockBegin(&scope.kernel.getBody().front());
    int64_t instances = scope.role ? scope.role.getInstances() : 1;
    buffer = aref::AllocOp::create(builder, loc, type, instances,
                                   /*offset=*/IntegerAttr());
    if (instances > 1) {
      builder.setInsertionPointToStart(scope.getBody());
      buffer = aref::StageOp::create(builder, loc, type, buffer,
                                     scope.role.getInstance());
    }
    return buffer;
  }

private:
  LayoutScope scope;
  DenseMap<Type, Value> buffers;
  /// By buffer, the tile that was stored to it last, and where.
  DenseMap<Type, std::pair<Value, Block *>> held;
};

} // namespace

/// What elements of this type are in shared memory.
static Type getStoredType(Type elementType) {
  MLIRContext *context = elementType.getContext();
  if (elementType.isIndex())
    return IntegerType::get(context, 64);
  if (elementType.isInteger(1))
    return IntegerType::get(context, 8);
  return elementType;
}

static void convertThroughScratch(aref::ConvertLayoutOp op, Scratch &scratch) {
  OpBuilder builder(op);
  Location loc = op.getLoc();
  auto from = cast<RankedTensorType>(op.getX().getType());
  auto to = cast<RankedTensorType>(op.getType());
  Type element = from.getElementType();
  Type stored = getStoredType(element);
  // Where threads hold parts of several rows, those would be in the same banks
  // but for the swizzle.
  aref::BufferType type =
      from.getRank() > 1 ? aref::BufferType::get(
                               RankedTensorType::get(from.getShape(), stored))
                         : Scratch::getPlainType(from.getShape(), stored);

  RankedTensorType storedFrom = from.clone(stored), storedTo = to.clone(stored);
  // One tile may be wanted in several layouts.
  Value buffer = scratch.getHeld(type, op);
  if (!buffer) {
    buffer = scratch.get(loc, type);
    Value x = op.getX();
    if (element.isIndex())
      x = arith::IndexCastOp::create(builder, loc, storedFrom, x);
    else if (element != stored)
      x = arith::ExtUIOp::create(builder, loc, storedFrom, x);
    aref::SyncOp::create(builder, loc);
    aref::LocalStoreOp::create(builder, loc, x, buffer);
    aref::SyncOp::create(builder, loc);
    scratch.setHeld(type, op);
  }
  Value result = aref::LocalLoadOp::create(builder, loc, storedTo, buffer);
  if (element.isIndex())
    result = arith::IndexCastOp::create(builder, loc, to, result);
  else if (element != stored)
    result = arith::TruncIOp::create(builder, loc, to, result);
  op.replaceAllUsesWith(result);
  op.erase();
}

/// Instructions with which a thread moves its elements of a row-major buffer.
static int64_t countAccesses(const TileLayout &layout, int64_t bytes) {
  if (bytes == 2)
    if (auto matrices = MatrixAccess::get(layout))
      return matrices->registers.size() / MatrixAccess::numMatrices;
  int64_t run = layout.getRun(layout.getRank() - 1);
  return layout.getNumRegisters() /
         std::min(run, std::max<int64_t>(16 / bytes, 1));
}

/// Whether shuffles move the elements, and no more of them than there would be
/// accesses of shared memory, which needs barriers, too.
static bool isExchange(aref::ConvertLayoutOp op, const TileLayout &from,
                       const TileLayout &to) {
  Type element = cast<RankedTensorType>(op.getType()).getElementType();
  if (!element.isIntOrFloat())
    return false;
  unsigned bits = element.getIntOrFloatBitWidth();
  auto exchange = LaneExchange::get(from, to, bits);
  return exchange &&
         exchange->getNumShuffles() <=
             countAccesses(from, bits / 8) + countAccesses(to, bits / 8);
}

static void convert(aref::ConvertLayoutOp op, Scratch &scratch) {
  auto from = getLayout(op.getX().getType()), to = getLayout(op.getType());
  // One without layouts is not of this compiler's making; it is left alone.
  if (!from || !to)
    return;
  switch (from->getConversion(*to)) {
  case LayoutConversion::Identity: {
    // Types may still differ in how they say the same.
    if (op.getX().getType() != op.getType())
      return;
    op.replaceAllUsesWith(op.getX());
    op.erase();
    return;
  }
  case LayoutConversion::Registers:
    return;
  case LayoutConversion::Threads:
    if (!isExchange(op, *from, *to))
      convertThroughScratch(op, scratch);
    return;
  }
}

/// Lets a reduction use scratch if several warps hold parts of its axis.
static void exchangeParts(tile::ReduceOp op, Scratch &scratch) {
  auto layout = getLayout(op.getX().getType());
  if (!layout)
    return;
  int64_t parts = layout->getWarpParts(op.getAxis());
  if (parts == 1)
    return;
  OpBuilder builder(op);
  Type type = op.getType();
  auto tile = dyn_cast<RankedTensorType>(type);
  Value buffer =
      scratch.getPlain(op.getLoc(), {parts, tile ? tile.getNumElements() : 1},
                       getStoredType(getElementTypeOrSelf(type)));
  auto reduce =
      aref::ReduceOp::create(builder, op.getLoc(), type, op.getKind(),
                             op.getX(), op.getInit(), op.getAxis(), buffer);
  op.replaceAllUsesWith(reduce.getResult());
  op.erase();
}

/// Scratch for what warps pass on in a scan along `axis`: for each part of the
/// finest ones that different warps hold, an element in each of `rows` rows.
/// Null if each warp has whole lines.
static Value getPassedOn(Operation *op, RankedTensorType type, unsigned axis,
                         int64_t rows, Scratch &scratch) {
  auto layout = getLayout(type);
  if (!layout)
    return {};
  for (const AxisPart &part : layout->getAxisParts(axis)) {
    if (part.holder != AxisPart::Warps)
      continue;
    Type element = type.getElementType();
    if (isa<FloatType>(element) && element.getIntOrFloatBitWidth() < 32)
      element = Float32Type::get(element.getContext());
    return scratch.getPlain(op->getLoc(),
                            {rows, type.getNumElements() / part.extent},
                            getStoredType(element));
  }
  return {};
}

/// Lets scans use scratch if several warps hold parts of their axis.
static void passOn(tile::ScanOp op, Scratch &scratch) {
  Value buffer = getPassedOn(op, op.getType(), op.getAxis(), 1, scratch);
  if (!buffer)
    return;
  OpBuilder builder(op);
  auto scan = aref::ScanOp::create(builder, op.getLoc(), op.getType(),
                                   op.getKind(), op.getX(), op.getAxis(),
                                   op.getReverse(), op.getExclusive(), buffer);
  op.replaceAllUsesWith(scan.getResult());
  op.erase();
}

static void passOn(tile::RecurrenceOp op, Scratch &scratch) {
  Value buffer =
      getPassedOn(op, op.getResult().getType(), op.getAxis(), 2, scratch);
  if (!buffer)
    return;
  OpBuilder builder(op);
  auto recurrence = aref::RecurrenceOp::create(
      builder, op.getLoc(), op.getResultTypes(), op.getA(), op.getB(),
      op.getInit(), op.getAxis(), op.getReverse(), op.getExclusive(), buffer);
  op.replaceAllUsesWith(recurrence);
  op.erase();
}

/// Gives an inverse its scratch: blocks of 16 rows, which are 8 elements longer
/// so that the pairs that lanes access are in different banks.
static void invertInScratch(tile::TriInverseOp op, Scratch &scratch) {
  if (!getLayout(op.getA().getType()))
    return;
  OpBuilder builder(op);
  RankedTensorType type = op.getType();
  int64_t rows = llvm::alignTo(type.getDimSize(0), 16);
  Value buffer =
      scratch.getPlain(op.getLoc(), {rows, rows + 8}, type.getElementType());
  auto inverse = aref::TriInverseOp::create(
      builder, op.getLoc(), type, op.getA(), buffer, op.getPrecision());
  op.replaceAllUsesWith(inverse.getResult());
  op.erase();
}

namespace {

struct ConvertLayoutsPass
    : heddle::impl::ConvertLayoutsBase<ConvertLayoutsPass> {
  using ConvertLayoutsBase::ConvertLayoutsBase;

  void runOnOperation() override {
    for (LayoutScope scope : getLayoutScopes(getOperation())) {
      Scratch scratch(scope);
      SmallVector<Operation *> ops;
      scope.walk([&](Operation *op) { ops.push_back(op); });
      for (Operation *op : ops) {
        if (auto conversion = dyn_cast<aref::ConvertLayoutOp>(op))
          convert(conversion, scratch);
        else if (auto reduce = dyn_cast<tile::ReduceOp>(op))
          exchangeParts(reduce, scratch);
        else if (auto scan = dyn_cast<tile::ScanOp>(op))
          passOn(scan, scratch);
        else if (auto recurrence = dyn_cast<tile::RecurrenceOp>(op))
          passOn(recurrence, scratch);
        else if (auto inverse = dyn_cast<tile::TriInverseOp>(op))
          invertInScratch(inverse, scratch);
      }
    }
  }
};

} // namespace
