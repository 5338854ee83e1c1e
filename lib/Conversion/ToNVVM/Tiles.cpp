//===- Tiles.cpp - What the patterns on tiles share ----------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Conversion/ToNVVM/Tiles.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace heddle;

//===----------------------------------------------------------------------===//
// ThreadCoords
//===----------------------------------------------------------------------===//

/// On what is computed anew in a loop; see `markRecomputations`.
static constexpr llvm::StringLiteral recomputeAttrName = "aref.recompute";

void heddle::markRecomputations(tile::KernelOp kernel) {
  kernel.walk([](scf::ForOp loop) {
    WalkResult found = loop.getBody()->walk([](Operation *op) {
      return isa<aref::MmaOp, aref::LocalStoreOp>(op) ? WalkResult::interrupt()
                                                      : WalkResult::advance();
    });
    if (!found.wasInterrupted())
      return;
    loop.walk([](Operation *op) {
      if (isa<aref::LocalLoadOp, aref::LocalStoreOp, tile::LoadOp,
              tile::StoreOp, aref::ScanOp, aref::RecurrenceOp,
              aref::TriInverseOp>(op))
        op->setAttr(recomputeAttrName, UnitAttr::get(op->getContext()));
    });
  });
}

Value heddle::computeAt(OpBuilder &builder, Operation *op, Value value) {
  if (!op->hasAttr(recomputeAttrName) || getConstantIntValue(value))
    return value;
  bool isWide = value.getType().isInteger(64);
  return emitInlinePTX(builder, op->getLoc(),
                       isWide ? "mov.b64 $0, $1;" : "mov.b32 $0, $1;",
                       isWide ? "=l,l" : "=r,r", value, value.getType());
}

ThreadCoords::ThreadCoords(OpBuilder &builder, Operation *op,
                           const TileLayout &layout)
    : builder(builder), op(op), loc(op->getLoc()), layout(layout),
      thread(getThreadInInstance(builder, op)), known(layout.getRank()) {}

Value ThreadCoords::getConstant(int64_t value) {
  return getI32(builder, loc, value);
}

Value ThreadCoords::getSum(ArrayRef<int64_t> bases) {
  Value sum;
  for (size_t bit = 0; bit < bases.size();) {
    if (bases[bit] == 0) {
      ++bit;
      continue;
    }
    // Bits that keep their order and distance move together.
    size_t end = bit + 1;
    while (end < bases.size() && bases[end] == 2 * bases[end - 1])
      ++end;
    Value part = thread;
    if (bit > 0)
      part = arith::ShRUIOp::create(builder, loc, part, getConstant(bit));
    int64_t mask = (int64_t(1) << (end - bit)) - 1;
    part = arith::AndIOp::create(builder, loc, part, getConstant(mask));
    if (bases[bit] > 1)
      part = arith::ShLIOp::create(builder, loc, part,
                                   getConstant(llvm::Log2_64(bases[bit])));
    sum = sum ? arith::OrIOp::create(builder, loc, sum, part) : part;
    bit = end;
  }
  return sum ? sum : getConstant(0);
}

Value ThreadCoords::getBase(unsigned dim) {
  if (!known[dim]) {
    SmallVector<int64_t> bases = layout.getLaneBases(dim);
    llvm::append_range(bases, layout.getWarpBases(dim));
    known[dim] = computeAt(builder, op, getSum(bases));
  }
  return known[dim];
}

Value ThreadCoords::getIsFirstCopy(uint64_t exceptWarps) {
  uint64_t mask = layout.getReplicatedLaneMask() |
                  (layout.getReplicatedWarpMask() & ~exceptWarps)
                      << TileLayout::laneBits;
  if (mask == 0)
    return {};
  Value bits = arith::AndIOp::create(builder, loc, thread, getConstant(mask));
  return arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq, bits,
                               getConstant(0));
}

Value ThreadCoords::getWarpPart(uint64_t mask) {
  SmallVector<int64_t> bases(TileLayout::laneBits, 0);
  for (int64_t next = 1; mask; mask >>= 1) {
    bases.push_back(mask & 1 ? next : 0);
    next <<= mask & 1;
  }
  return getSum(bases);
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

Type heddle::getMemoryType(Type elementType) {
  MLIRContext *context = elementType.getContext();
  if (elementType.isInteger(1))
    return IntegerType::get(context, 8);
  if (elementType.isIndex())
    return IntegerType::get(context, 64);
  return getScalarType(elementType);
}

Value heddle::toMemory(OpBuilder &builder, Location loc, Value scalar) {
  Type type = scalar.getType(), stored = getMemoryType(type);
  if (type == stored)
    return scalar;
  if (type.isIndex())
    return arith::IndexCastOp::create(builder, loc, stored, scalar);
  return arith::ExtUIOp::create(builder, loc, stored, scalar);
}

Value heddle::fromMemory(OpBuilder &builder, Location loc, Value stored,
                         Type scalarType) {
  if (stored.getType() == scalarType)
    return stored;
  if (scalarType.isIndex())
    return arith::IndexCastOp::create(builder, loc, scalarType, stored);
  Value zero = arith::ConstantOp::create(builder, loc,
                                         builder.getZeroAttr(stored.getType()));
  return arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::ne, stored,
                               zero);
}

int64_t heddle::getMemoryBytes(Type memoryType) {
  return memoryType.getIntOrFloatBitWidth() / 8;
}

Value heddle::loadVector(OpBuilder &builder, Location loc, Value pointer,
                         int64_t count, Type scalarType) {
  Type stored = getMemoryType(scalarType);
  unsigned alignment = count * getMemoryBytes(stored);
  return LLVM::LoadOp::create(builder, loc, VectorType::get(count, stored),
                              pointer, alignment);
}

Value heddle::packVector(OpBuilder &builder, Location loc, ValueRange scalars) {
  SmallVector<Value> values;
  for (Value scalar : scalars)
    values.push_back(toMemory(builder, loc, scalar));
  auto type = VectorType::get(values.size(), values.front().getType());
  Value vector = LLVM::PoisonOp::create(builder, loc, type);
  for (auto [i, value] : llvm::enumerate(values)) {
    vector = LLVM::InsertElementOp::create(builder, loc, vector, value,
                                           getI32(builder, loc, i));
  }
  return vector;
}

SmallVector<Value> heddle::unpackVector(OpBuilder &builder, Location loc,
                                        Value vector, Type scalarType) {
  SmallVector<Value> result;
  for (int64_t i = 0, count = cast<VectorType>(vector.getType()).getDimSize(0);
       i != count; ++i) {
    Value value = LLVM::ExtractElementOp::create(builder, loc, vector,
                                                 getI32(builder, loc, i));
    result.push_back(fromMemory(builder, loc, value, scalarType));
  }
  return result;
}

SmallVector<Value> heddle::loadRun(OpBuilder &builder, Location loc,
                                   Value pointer, int64_t count,
                                   Type scalarType) {
  if (count == 1) {
    Type stored = getMemoryType(scalarType);
    Value value = LLVM::LoadOp::create(builder, loc, stored, pointer,
                                       getMemoryBytes(stored));
    return {fromMemory(builder, loc, value, scalarType)};
  }
  Value vector = loadVector(builder, loc, pointer, count, scalarType);
  return unpackVector(builder, loc, vector, scalarType);
}

void heddle::storeRun(OpBuilder &builder, Location loc, Value pointer,
                      ValueRange scalars) {
  if (scalars.size() == 1) {
    Value value = toMemory(builder, loc, scalars.front());
    LLVM::StoreOp::create(builder, loc, value, pointer,
                          getMemoryBytes(value.getType()));
    return;
  }
  Value vector = packVector(builder, loc, scalars);
  Type stored = cast<VectorType>(vector.getType()).getElementType();
  LLVM::StoreOp::create(builder, loc, vector, pointer,
                        scalars.size() * getMemoryBytes(stored));
}

//===----------------------------------------------------------------------===//
// Scalars
//===----------------------------------------------------------------------===//

Value heddle::getScalarConstant(OpBuilder &builder, Location loc,
                                TypedAttr value) {
  Type type = getScalarType(value.getType());
  if (type != value.getType()) {
    APInt bits = cast<FloatAttr>(value).getValue().bitcastToAPInt();
    value = IntegerAttr::get(type, bits);
  }
  return arith::ConstantOp::create(builder, loc, value);
}

Type heddle::getScalarTypeOfTile(Type tile) {
  return getScalarType(cast<RankedTensorType>(tile).getElementType());
}

void heddle::populateTilePatterns(const TypeConverter &converter,
                                  RewritePatternSet &patterns) {
  populateAsyncCopyPatterns(converter, patterns);
  populateConstantPatterns(converter, patterns);
  populateElementwisePatterns(converter, patterns);
  populateGlobalPatterns(converter, patterns);
  populateLaneExchangePatterns(converter, patterns);
  populateReducePatterns(converter, patterns);
  populateRelabelPatterns(converter, patterns);
  populateScanPatterns(converter, patterns);
  populateSharedPatterns(converter, patterns);
  populateTriInversePatterns(converter, patterns);
}
