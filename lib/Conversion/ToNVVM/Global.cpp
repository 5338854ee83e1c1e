//===- Global.cpp - tile.load and tile.store
//-------------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// A tile may overhang its view on any side, and nothing is known about the
/// alignment of a view. So there are two ways through every access, and one
/// test, the same for all threads, between them: where the whole tile is inside
/// and aligned, vectors without predicates; else, elements with one each.
///
//===----------------------------------------------------------------------===//

#include "lib/Conversion/ToNVVM/Tiles.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

#include <map>

using namespace mlir;
using namespace heddle;

namespace {

/// The accesses of one thread to a tile of a view.
class GlobalTile {
public:
  /// Offsets have one value, or, where they are tiles, one per row of a thread.
  GlobalTile(OpBuilder &builder, Operation *op, const TileLayout &layout,
             const ViewDescriptor &source, ValueRange indices,
             ArrayRef<ValueRange> offsets);

  /// Elements that one vector access moves; 1 if none may.
  int64_t getVectorLength() const { return vectorLength; }

  /// Whether the whole tile is inside the view and vectors are aligned.
  Value getIsPlain();

  /// Where the element of a register is.
  Value getPointer(int64_t reg);
  /// Whether it is inside the view.
  Value getIsInside(int64_t reg);

  /// Stops the program where a row that is gathered is outside of the view.
  void emitRowChecks();

  /// Forgets values that do not dominate what is emitted from now on.
  void enter() {
    rows.clear();
    insides.clear();
  }

private:
  Value getConstant(int64_t value) {
    return arith::ConstantIntOp::create(builder, loc, value, 64);
  }
  Value compare(arith::CmpIPredicate predicate, Value a, Value b) {
    return arith::CmpIOp::create(builder, loc, predicate, a, b);
  }
  Value both(Value a, Value b) {
    return a ? arith::AndIOp::create(builder, loc, a, b) : b;
  }
  /// The dimension of the view that dimension `dim` of the tile lies along.
  unsigned getViewDim(unsigned dim) const {
    return view.sizes.size() - layout.getRank() + dim;
  }
  /// The first dimension of the tile that lies along one of the view.
  unsigned getFirstDim() const { return gathered.empty() ? 0 : 1; }
  /// Whether the row that starts at coordinate `row` is inside where it is
  /// gathered; null if it is not.
  Value getIsRowInside(int64_t row);

  OpBuilder &builder;
  Location loc;
  TileLayout layout;
  ViewDescriptor view;
  int64_t elementBytes;
  int64_t vectorLength;
  /// i64: the tile's offsets, and the coordinates of this thread's first
  /// element, in the view.
  SmallVector<Value> offsets, coords;
  /// Where each row of this thread is, by dimension of the view that tiles
  /// index: i64, by register of `rowLayout`.
  std::map<unsigned, SmallVector<Value>> gathered;
  std::optional<TileLayout> rowLayout;
  /// The strides that are known, by dimension of the view.
  SmallVector<std::optional<int64_t>> strides;
  /// The address of this thread's first element.
  Value start;
  /// Whether dimensions of the view that the tile lacks are inside; or null.
  Value outerInside;
  /// Pointers and tests that registers share.
  std::map<SmallVector<int64_t, 4>, Value> rows;
  std::map<std::pair<unsigned, int64_t>, Value> insides;
};

} // namespace

GlobalTile::GlobalTile(OpBuilder &builder, Operation *op,
                       const TileLayout &layout, const ViewDescriptor &source,
                       ValueRange indices, ArrayRef<ValueRange> values)
    : builder(builder), loc(op->getLoc()), layout(layout), view(source),
      elementBytes(getMemoryBytes(getMemoryType(view.element))) {
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
    gathered[dim] = llvm::map_to_vector(values[dim], widen);
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
  for (unsigned dim = getFirstDim(); dim != layout.getRank(); ++dim) {
    unsigned viewDim = getViewDim(dim);
    Value last = arith::SubIOp::create(builder, loc, view.sizes[viewDim],
                                       getConstant(layout.getShape()[dim]));
    result = both(result, compare(arith::CmpIPredicate::sge, offsets[viewDim],
                                  getConstant(0)));
    result = both(result,
                  compare(arith::CmpIPredicate::sle, offsets[viewDim], last));
  }
  if (vectorLength == 1)
    return result;

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
  return both(result, compare(arith::CmpIPredicate::eq, bits, getConstant(0)));
}

Value GlobalTile::getPointer(int64_t reg) {
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
      Value place = places[*rowLayout->findRegister(offset.front())];
      Value distance =
          arith::MulIOp::create(builder, loc, place, view.strides[dim]);
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
  return addBytes(builder, loc, row, immediate * elementBytes);
}

Value GlobalTile::getIsRowInside(int64_t row) {
  Value &inside = insides[{0, row}];
  if (!inside)
    for (auto &[dim, places] : gathered)
      inside = both(inside, compare(arith::CmpIPredicate::ult,
                                    places[*rowLayout->findRegister(row)],
                                    view.sizes[dim]));
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
  Value result = outerInside;
  for (auto [dim, offset] : llvm::enumerate(layout.getRegisterOffset(reg))) {
    if (dim < getFirstDim()) {
      result = both(result, getIsRowInside(offset));
      continue;
    }
    Value &inside = insides[{unsigned(dim), offset}];
    if (!inside) {
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

static StringRef getRegisterConstraint(int64_t bytes) {
  return bytes <= 2 ? "h" : bytes == 4 ? "r" : "l";
}

static Value toRegister(OpBuilder &builder, Location loc, Value scalar) {
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

/// Reads an element if `predicate` holds; else the result is `pad`, which
/// `toRegister` made.
static Value loadElement(OpBuilder &builder, Location loc, Value pointer,
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

static void storeElement(OpBuilder &builder, Location loc, Value pointer,
                         Value predicate, Value scalar) {
  Value value = toRegister(builder, loc, scalar);
  int64_t bytes = getMemoryBytes(getMemoryType(scalar.getType()));
  std::string text =
      "@$2 st.global.b" + std::to_string(8 * bytes) + " [$0], $1;";
  std::string constraints = ("l," + getRegisterConstraint(bytes) + ",b").str();
  emitInlinePTX(builder, loc, text, constraints, {pointer, value, predicate});
}

//===----------------------------------------------------------------------===//
// Reductions
//===----------------------------------------------------------------------===//

/// "red.relaxed.gpu.global.add" and what else comes before the type.
static std::string getReduction(tile::ReduceKind kind, Type element) {
  std::string text = "red.relaxed.gpu.global.";
  text += stringifyReduceKind(kind);
  if (isa<Float16Type, BFloat16Type>(element))
    text += ".noftz";
  return text;
}

/// The type as which PTX reduces an element. Sums have no sign.
static StringRef getReductionType(tile::ReduceKind kind, Type element) {
  return llvm::TypeSwitch<Type, StringRef>(element)
      .Case([](Float16Type) { return "f16"; })
      .Case([](BFloat16Type) { return "bf16"; })
      .Case([](Float32Type) { return "f32"; })
      .Case([](Float64Type) { return "f64"; })
      .Default([&](Type type) -> StringRef {
        if (kind == tile::ReduceKind::Add)
          return type.isInteger(32) ? "u32" : "u64";
        return type.isInteger(32) ? "s32" : "s64";
      });
}

/// Combines an element with what is in memory, if `predicate`, which may be
/// null, holds.
static void reduceElement(OpBuilder &builder, Location loc,
                          tile::ReduceKind kind, Value pointer, Value predicate,
                          Value scalar) {
  Type element = scalar.getType();
  std::string text = predicate ? "@$2 " : "";
  text += getReduction(kind, element) + "." +
          getReductionType(kind, element).str() + " [$0], $1;";
  std::string constraints =
      ("l," + getRegisterConstraint(getMemoryBytes(getMemoryType(element))))
          .str();
  SmallVector<Value> operands = {pointer, toRegister(builder, loc, scalar)};
  if (predicate) {
    constraints += ",b";
    operands.push_back(predicate);
  }
  emitInlinePTX(builder, loc, text, constraints, operands);
}

/// Combines neighbouring elements, which are aligned, with what is in memory.
static void reduceRun(OpBuilder &builder, Location loc, tile::ReduceKind kind,
                      Value pointer, ValueRange values) {
  Type element = values.front().getType();
  int64_t bytes = getMemoryBytes(getMemoryType(element));
  if (!isa<Float16Type, BFloat16Type, Float32Type>(element)) {
    for (auto [i, value] : llvm::enumerate(values))
      reduceElement(builder, loc, kind,
                    addBytes(builder, loc, pointer, int64_t(i) * bytes), {},
                    value);
    return;
  }
  // Registers of 32 bits: one f32, or two halves.
  SmallVector<Value> registers;
  if (element.isF32())
    llvm::append_range(registers, values);
  else
    for (size_t i = 0; i < values.size(); i += 2)
      registers.push_back(LLVM::BitcastOp::create(
          builder, loc, builder.getI32Type(),
          packVector(builder, loc, values.slice(i, 2))));
  std::string text = getReduction(kind, element);
  if (registers.size() > 1)
    text += ".v" + std::to_string(registers.size());
  text += "." + getReductionType(kind, element).str();
  if (!element.isF32())
    text += "x2";
  text += registers.size() > 1 ? " [$0], {$1" : " [$0], $1";
  std::string constraints = element.isF32() ? "l,f" : "l,r";
  for (size_t i = 1; i < registers.size(); ++i) {
    text += ", $" + std::to_string(i + 1);
    constraints += element.isF32() ? ",f" : ",r";
  }
  text += registers.size() > 1 ? "};" : ";";
  registers.insert(registers.begin(), pointer);
  emitInlinePTX(builder, loc, text, constraints, registers);
}

//===----------------------------------------------------------------------===//
// Patterns
//===----------------------------------------------------------------------===//

namespace {

struct LoadPattern : OpConversionPattern<tile::LoadOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(tile::LoadOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    TileLayout layout = getTileLayout(op.getType());
    ViewDescriptor view =
        getView(rewriter, loc, cast<MemRefType>(op.getView().getType()),
                adaptor.getView());
    GlobalTile tile(rewriter, op, layout, view, op.getOffsets(),
                    adaptor.getOffsets());
    if (!op.getPadAttr())
      tile.emitRowChecks();
    Type scalarType = getScalarTypeOfTile(op.getType());
    Value pad = op.getPadAttr()
                    ? getScalarConstant(rewriter, loc, op.getPadAttr())
                    : arith::ConstantOp::create(
                          rewriter, loc, rewriter.getZeroAttr(scalarType));
    int64_t count = layout.getNumRegisters();

    auto loadElements = [&](OpBuilder &builder) {
      tile.enter();
      SmallVector<Value> results;
      Value otherwise = toRegister(builder, loc, pad);
      for (int64_t reg = 0; reg != count; ++reg) {
        results.push_back(loadElement(builder, loc, tile.getPointer(reg),
                                      tile.getIsInside(reg), otherwise,
                                      scalarType));
      }
      return results;
    };
    if (tile.getVectorLength() == 1) {
      rewriter.replaceOpWithMultiple(op, {loadElements(rewriter)});
      return success();
    }

    int64_t length = tile.getVectorLength();
    Type stored = getMemoryType(scalarType);
    // Small elements leave the branches together, as what they mostly are for:
    // to be stored again. One by one, each would take a register.
    bool together = getMemoryBytes(stored) < 4;
    SmallVector<Type> types(count, scalarType);
    if (together)
      types.assign(count / length, VectorType::get(length, stored));
    auto branch = scf::IfOp::create(rewriter, loc, types, tile.getIsPlain(),
                                    /*addThenBlock=*/true,
                                    /*addElseBlock=*/true);
    {
      OpBuilder::InsertionGuard guard(rewriter);
      rewriter.setInsertionPointToStart(branch.thenBlock());
      tile.enter();
      SmallVector<Value> results;
      for (int64_t reg = 0; reg < count; reg += length) {
        Value pointer = tile.getPointer(reg);
        if (together)
          results.push_back(
              loadVector(rewriter, loc, pointer, length, scalarType));
        else
          llvm::append_range(
              results, loadRun(rewriter, loc, pointer, length, scalarType));
      }
      scf::YieldOp::create(rewriter, loc, results);
      rewriter.setInsertionPointToStart(branch.elseBlock());
      SmallVector<Value> elements = loadElements(rewriter);
      results = elements;
      if (together) {
        results.clear();
        for (int64_t reg = 0; reg < count; reg += length)
          results.push_back(
              packVector(rewriter, loc, ArrayRef(elements).slice(reg, length)));
      }
      scf::YieldOp::create(rewriter, loc, results);
    }
    if (together) {
      SmallVector<Value> results;
      for (Value vector : branch.getResults())
        llvm::append_range(results,
                           unpackVector(rewriter, loc, vector, scalarType));
      rewriter.replaceOpWithMultiple(op, {results});
      return success();
    }
    rewriter.replaceOpWithMultiple(op, {branch.getResults()});
    return success();
  }
};

struct StorePattern : OpConversionPattern<tile::StoreOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(tile::StoreOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    TileLayout layout = getTileLayout(op.getValue().getType());
    ViewDescriptor view =
        getView(rewriter, loc, cast<MemRefType>(op.getView().getType()),
                adaptor.getView());
    // Only one of the threads that hold an element writes it.
    if (Value isFirst = ThreadCoords(rewriter, op, layout).getIsFirstCopy()) {
      auto branch = scf::IfOp::create(rewriter, loc, isFirst,
                                      /*withElseRegion=*/false);
      rewriter.setInsertionPointToStart(branch.thenBlock());
    }
    GlobalTile tile(rewriter, op, layout, view, op.getOffsets(),
                    adaptor.getOffsets());
    ValueRange values = adaptor.getValue();
    int64_t count = values.size(), length = tile.getVectorLength();

    auto storeElements = [&] {
      tile.enter();
      for (int64_t reg = 0; reg != count; ++reg) {
        Value pointer = tile.getPointer(reg), inside = tile.getIsInside(reg);
        if (auto kind = op.getReduce())
          reduceElement(rewriter, loc, *kind, pointer, inside, values[reg]);
        else
          storeElement(rewriter, loc, pointer, inside, values[reg]);
      }
    };
    if (length == 1) {
      storeElements();
    } else {
      auto branch = scf::IfOp::create(rewriter, loc, tile.getIsPlain(),
                                      /*withElseRegion=*/true);
      rewriter.setInsertionPointToStart(branch.thenBlock());
      tile.enter();
      for (int64_t reg = 0; reg < count; reg += length) {
        Value pointer = tile.getPointer(reg);
        ValueRange run = values.slice(reg, length);
        if (auto kind = op.getReduce())
          reduceRun(rewriter, loc, *kind, pointer, run);
        else
          storeRun(rewriter, loc, pointer, run);
      }
      rewriter.setInsertionPointToStart(branch.elseBlock());
      storeElements();
    }
    rewriter.eraseOp(op);
    return success();
  }
};

} // namespace

void heddle::populateGlobalPatterns(const TypeConverter &converter,
                                    RewritePatternSet &patterns) {
  patterns.add<LoadPattern, StorePattern>(converter, patterns.getContext());
}
