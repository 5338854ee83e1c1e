//===- GlobalTile.cpp - Where a tile is in global memory ------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Conversion/ToNVVM/GlobalTile.h"

#include "lib/Analysis/Multiples.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace heddle;

GlobalTile::GlobalTile(OpBuilder &builder, Operation *op,
                       const TileLayout &layout, const ViewDescriptor &source,
                       ValueRange indices, ArrayRef<ValueRange> values)
    : builder(builder), loc(op->getLoc()), layout(layout), view(source),
      elementBytes(getMemoryBytes(getMemoryType(view.element))),
      widensLate(isa<aref::CopyAsyncOp>(op)), indices(indices) {
  ThreadCoords thread(builder, op, layout);
  Type i64 = builder.getI64Type();
  for (Value &stride : view.strides)
    stride = computeAt(builder, op, stride);
  auto widen = [&](Value index) -> Value {
    if (index.getType().isIndex())
      return arith::IndexCastOp::create(builder, loc, i64, index);
    return index.getType() == i64
               ? index
               : arith::ExtSIOp::create(builder, loc, i64, index);
  };
  for (auto [dim, index] : llvm::enumerate(indices)) {
    auto tile = dyn_cast<RankedTensorType>(index.getType());
    if (!tile)
      continue;
    rowLayout = getTileLayout(tile);
    gathered[dim] = llvm::to_vector(values[dim]);
    if (!widensLate)
      for (Value &place : gathered[dim])
        place = widen(place);
  }
  unsigned outer = getViewDim(getFirstDim());
  Value distance;
  for (auto [dim, value] : llvm::enumerate(values)) {
    strides.push_back(getConstantIntValue(view.strides[dim]));
    if (gathered.count(dim)) {
      offsets.push_back({});
      coords.push_back({});
      continue;
    }
    Value offset = widen(llvm::getSingleElement(value));
    Value coord = offset;
    if (dim >= outer) {
      Value base = thread.getBase(dim - outer + getFirstDim());
      base = arith::ExtUIOp::create(builder, loc, i64, base);
      coord = arith::AddIOp::create(builder, loc, offset, base);
    } else {
      outerInside = both(outerInside, compare(arith::CmpIPredicate::ult, offset,
                                              view.sizes[dim]));
    }
    offsets.push_back(offset);
    coords.push_back(coord);
    Value part = arith::MulIOp::create(builder, loc, coord, view.strides[dim]);
    distance =
        distance ? arith::AddIOp::create(builder, loc, distance, part) : part;
  }
  start = view.base;
  if (distance)
    start = addBytes(builder, loc, view.base,
                     arith::MulIOp::create(builder, loc, distance,
                                           getConstant(elementBytes)));

  vectorLength = 1;
  if (strides.back() == 1 && getFirstDim() < layout.getRank())
    vectorLength = std::min<int64_t>(layout.getRun(layout.getRank() - 1),
                                     16 / elementBytes);
}

Value GlobalTile::getIsPlain() {
  Value result = outerInside;
  if (rowLayout)
    for (int64_t reg = 0, count = rowLayout->getNumRegisters(); reg != count;
         ++reg)
      result = both(result,
                    getIsRowInside(rowLayout->getRegisterOffset(reg).front()));
  for (unsigned dim = getFirstDim(); dim != layout.getRank(); ++dim)
    result = both(result, getFits(dim));
  return vectorLength == 1 ? result : both(result, getIsAligned());
}

Value GlobalTile::getHasPlainRows() {
  return both(getFits(layout.getRank() - 1), getIsAligned());
}

bool GlobalTile::isWholeOrOutside(unsigned dim) const {
  unsigned viewDim = getViewDim(dim);
  int64_t extent = layout.getShape()[dim];
  std::optional<int64_t> size = getConstantIntValue(view.sizes[viewDim]);
  return size && *size % extent == 0 &&
         isKnownMultiple(indices[viewDim], extent);
}

Value GlobalTile::getFits(unsigned dim) {
  unsigned viewDim = getViewDim(dim);
  if (isWholeOrOutside(dim))
    return compare(arith::CmpIPredicate::ult, offsets[viewDim],
                   view.sizes[viewDim]);
  Value last = arith::SubIOp::create(builder, loc, view.sizes[viewDim],
                                     getConstant(layout.getShape()[dim]));
  Value begins =
      compare(arith::CmpIPredicate::sge, offsets[viewDim], getConstant(0));
  return both(begins,
              compare(arith::CmpIPredicate::sle, offsets[viewDim], last));
}

Value GlobalTile::getIsAligned() {
  // Every address is a sum of multiples of these.
  Value bits = offsets.back();
  for (Value stride : llvm::drop_end(view.strides))
    bits = arith::OrIOp::create(builder, loc, bits, stride);
  bits = arith::MulIOp::create(builder, loc, bits, getConstant(elementBytes));
  Value address =
      LLVM::PtrToIntOp::create(builder, loc, builder.getI64Type(), view.base);
  bits = arith::OrIOp::create(builder, loc, bits, address);
  bits = arith::AndIOp::create(builder, loc, bits,
                               getConstant(vectorLength * elementBytes - 1));
  return compare(arith::CmpIPredicate::eq, bits, getConstant(0));
}

Value GlobalTile::getPointer(int64_t reg) {
  auto [pointer, bytes] = getPlace(reg);
  return addBytes(builder, loc, pointer, bytes);
}

std::pair<Value, int64_t> GlobalTile::getPlace(int64_t reg) {
  TileLayout::Coords offset = layout.getRegisterOffset(reg);
  // Dimensions of known strides are folded into the access.
  int64_t immediate = 0;
  for (auto [dim, coord] : llvm::enumerate(offset)) {
    if (dim < getFirstDim())
      continue;
    if (auto stride = strides[getViewDim(dim)]) {
      immediate += coord * *stride;
      coord = 0;
    }
  }
  Value &row = rows[offset];
  if (!row) {
    row = start;
    for (auto &[dim, places] : gathered) {
      Value distance = arith::MulIOp::create(
          builder, loc, getGathered(dim, offset.front()), view.strides[dim]);
      distance = arith::MulIOp::create(builder, loc, distance,
                                       getConstant(elementBytes));
      row = addBytes(builder, loc, row, distance);
    }
    for (auto [dim, coord] : llvm::enumerate(offset)) {
      if (coord == 0 || dim < getFirstDim())
        continue;
      Value distance =
          arith::MulIOp::create(builder, loc, view.strides[getViewDim(dim)],
                                getConstant(coord * elementBytes));
      row = addBytes(builder, loc, row, distance);
    }
  }
  return {row, immediate * elementBytes};
}

Value GlobalTile::getGathered(unsigned dim, int64_t row) {
  Value place = gathered[dim][*rowLayout->findRegister(row)];
  Type i64 = builder.getI64Type();
  if (place.getType().isInteger(32))
    return emitInlinePTX(builder, loc, "cvt.s64.s32 $0, $1;", "=l,r", place,
                         i64);
  if (place.getType().isIndex())
    return arith::IndexCastOp::create(builder, loc, i64, place);
  return place.getType() == i64
             ? place
             : arith::ExtSIOp::create(builder, loc, i64, place);
}

Value GlobalTile::getIsRowInside(int64_t row) {
  Value &inside = insides[{0, row}];
  if (!inside)
    for (auto &[dim, places] : gathered)
      inside = both(inside, compare(arith::CmpIPredicate::ult,
                                    getGathered(dim, row), view.sizes[dim]));
  return inside;
}

void GlobalTile::emitRowChecks() {
  if (!rowLayout)
    return;
  Value result = outerInside;
  for (int64_t reg = 0, count = rowLayout->getNumRegisters(); reg != count;
       ++reg)
    result =
        both(result, getIsRowInside(rowLayout->getRegisterOffset(reg).front()));
  emitCheck(builder, loc, result,
            "a row that is gathered is outside of the view, and the load has "
            "no pad");
}

Value GlobalTile::getIsInside(int64_t reg) {
  Value result = getIsInsideRow(reg);
  if (rowLayout)
    result =
        both(result, getIsRowInside(layout.getRegisterOffset(reg).front()));
  return result;
}

Value GlobalTile::getIsInsideRow(int64_t reg) {
  Value result = outerInside;
  for (auto [dim, offset] : llvm::enumerate(layout.getRegisterOffset(reg))) {
    if (dim < getFirstDim())
      continue;
    bool isWhole = isWholeOrOutside(dim);
    Value &inside = insides[{unsigned(dim), isWhole ? 0 : offset}];
    if (!inside && isWhole) {
      inside = getFits(dim);
    } else if (!inside) {
      unsigned viewDim = getViewDim(dim);
      Value coord = coords[viewDim];
      if (offset)
        coord = arith::AddIOp::create(builder, loc, coord, getConstant(offset));
      // Negative coordinates are large ones.
      inside = compare(arith::CmpIPredicate::ult, coord, view.sizes[viewDim]);
    }
    result = both(result, inside);
  }
  return result;
}

//===----------------------------------------------------------------------===//
// Elements with a predicate
//===----------------------------------------------------------------------===//

/// The integer that a memory type of `bytes` bytes has in a register of PTX.
static Type getRegisterType(OpBuilder &builder, int64_t bytes) {
  return builder.getIntegerType(std::max<int64_t>(8 * bytes, 16));
}

Value heddle::toRegister(OpBuilder &builder, Location loc, Value scalar) {
  Value stored = toMemory(builder, loc, scalar);
  int64_t bytes = getMemoryBytes(stored.getType());
  if (isa<FloatType>(stored.getType()))
    stored = arith::BitcastOp::create(
        builder, loc, builder.getIntegerType(8 * bytes), stored);
  if (bytes == 1)
    stored = arith::ExtUIOp::create(builder, loc, getRegisterType(builder, 1),
                                    stored);
  return stored;
}

static Value fromRegister(OpBuilder &builder, Location loc, Value value,
                          Type scalarType) {
  Type stored = getMemoryType(scalarType);
  if (getMemoryBytes(stored) == 1)
    value = arith::TruncIOp::create(builder, loc, stored, value);
  if (isa<FloatType>(stored))
    value = arith::BitcastOp::create(builder, loc, stored, value);
  return fromMemory(builder, loc, value, scalarType);
}

Value heddle::loadElement(OpBuilder &builder, Location loc, Value pointer,
                          Value predicate, Value pad, Type scalarType) {
  int64_t bytes = getMemoryBytes(getMemoryType(scalarType));
  std::string text =
      "@$2 ld.global.b" + std::to_string(8 * bytes) + " $0, [$1];";
  std::string constraints =
      ("=" + getRegisterConstraint(bytes) + ",l,b,0").str();
  Value value =
      emitInlinePTX(builder, loc, text, constraints, {pointer, predicate, pad},
                    getRegisterType(builder, bytes));
  return fromRegister(builder, loc, value, scalarType);
}

StringRef heddle::getRegisterConstraint(int64_t bytes) {
  return bytes <= 2 ? "h" : bytes == 4 ? "r" : "l";
}
