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

#include "lib/Conversion/ToNVVM/GlobalTile.h"

using namespace mlir;
using namespace heddle;

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
