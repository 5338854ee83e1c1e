//===- Reduce.cpp - tile.reduce and aref.reduce ---------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// A reduction goes through a thread's registers first, then, by butterflies,
/// through the lanes that share the axis, and through warps by shared memory.
///
//===----------------------------------------------------------------------===//

#include "lib/Conversion/ToNVVM/Combine.h"
#include "lib/Conversion/ToNVVM/Tiles.h"

using namespace mlir;
using namespace heddle;
using tile::ReduceKind;

/// The registers of the slice, each reduced over what the warp holds of it.
static SmallVector<Value> reduceInWarp(OpBuilder &builder, Location loc,
                                       ReduceKind kind,
                                       const TileLayout &layout, unsigned axis,
                                       ValueRange values) {
  SmallVector<SmallVector<Value>> parts(layout.reduce(axis).getNumRegisters());
  for (int64_t reg = 0; reg != layout.getNumRegisters(); ++reg)
    parts[layout.getReducedRegister(reg, axis)].push_back(values[reg]);
  SmallVector<Value> results;
  for (SmallVector<Value> &part : parts) {
    // A tree, for the sake of latency and of rounding.
    while (part.size() > 1) {
      SmallVector<Value> next;
      for (size_t i = 0; i + 1 < part.size(); i += 2)
        next.push_back(combine(builder, loc, kind, part[i], part[i + 1]));
      if (part.size() % 2)
        next.push_back(part.back());
      part = std::move(next);
    }
    Value result = part.front();
    for (auto [bit, base] : llvm::enumerate(layout.getLaneBases(axis))) {
      if (base)
        result = combine(builder, loc, kind, result,
                         shuffle(builder, loc, NVVM::ShflKind::bfly, result,
                                 getI32(builder, loc, int64_t(1) << bit)));
    }
    results.push_back(result);
  }
  return results;
}

/// The bits of the warp's number that tell parts of the axis apart.
static uint64_t getAxisWarps(const TileLayout &layout, unsigned axis) {
  uint64_t mask = 0;
  for (auto [bit, base] : llvm::enumerate(layout.getWarpBases(axis))) {
    if (base)
      mask |= uint64_t(1) << bit;
  }
  return mask;
}

/// Whether `type` is that of what a reduction leaves where it is: a number, or
/// a tile in a slice of the operand's layout.
static bool isReduced(Type type, const TileLayout &layout, unsigned axis) {
  auto tile = dyn_cast<RankedTensorType>(type);
  return !tile || getTileLayout(tile) == layout.slice(axis);
}

namespace {

struct ReducePattern : OpConversionPattern<tile::ReduceOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(tile::ReduceOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    TileLayout layout = getTileLayout(op.getX().getType());
    unsigned axis = op.getAxis();
    if (!isReduced(op.getType(), layout, axis))
      return rewriter.notifyMatchFailure(
          op, "expected a result in a slice of the operand's layout");
    if (getAxisWarps(layout, axis))
      return rewriter.notifyMatchFailure(
          op, "expected convert-layouts to have given it scratch");
    SmallVector<Value> results = reduceInWarp(
        rewriter, op.getLoc(), op.getKind(), layout, axis, adaptor.getX());
    for (auto [result, init] : llvm::zip_equal(results, adaptor.getInit()))
      result = combine(rewriter, op.getLoc(), op.getKind(), init, result);
    rewriter.replaceOpWithMultiple(op, {results});
    return success();
  }
};

struct ReduceAcrossWarpsPattern : OpConversionPattern<aref::ReduceOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(aref::ReduceOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    TileLayout layout =
        getTileLayout(cast<RankedTensorType>(op.getX().getType()));
    unsigned axis = op.getAxis();
    TileLayout slice = layout.reduce(axis);
    if (!isReduced(op.getType(), layout, axis))
      return rewriter.notifyMatchFailure(
          op, "expected a result in a slice of the operand's layout");
    SmallVector<Value> partial =
        reduceInWarp(rewriter, loc, op.getKind(), layout, axis, adaptor.getX());

    // One row per part; in it, the slice in row-major order.
    Type scalarType = partial.front().getType();
    int64_t bytes = getMemoryBytes(getMemoryType(scalarType));
    uint64_t axisWarps = getAxisWarps(layout, axis);
    int64_t rowBytes = bytes, parts = int64_t(1) << llvm::popcount(axisWarps);
    SmallVector<int64_t> steps(slice.getRank());
    for (unsigned dim = slice.getRank(); dim-- > 0;) {
      steps[dim] = rowBytes;
      rowBytes *= slice.getShape()[dim];
    }
    ThreadCoords thread(rewriter, op, slice);
    Value distance = getI32(rewriter, loc, 0);
    for (unsigned dim = 0; dim != slice.getRank(); ++dim) {
      Value step = arith::MulIOp::create(rewriter, loc, thread.getBase(dim),
                                         getI32(rewriter, loc, steps[dim]));
      distance = arith::AddIOp::create(rewriter, loc, distance, step);
    }
    Value column =
        addBytes(rewriter, loc, adaptor.getScratch().front(), distance);
    SmallVector<int64_t> constants;
    for (int64_t reg = 0; reg != slice.getNumRegisters(); ++reg) {
      int64_t constant = 0;
      for (auto [coord, step] :
           llvm::zip_equal(slice.getRegisterOffset(reg), steps))
        constant += coord * step;
      constants.push_back(constant);
    }

    emitBarrier(rewriter, loc, op);
    auto writeParts = [&] {
      Value row =
          arith::MulIOp::create(rewriter, loc, thread.getWarpPart(axisWarps),
                                getI32(rewriter, loc, rowBytes));
      Value pointer = addBytes(rewriter, loc, column, row);
      for (auto [value, constant] : llvm::zip_equal(partial, constants))
        storeRun(rewriter, loc, addBytes(rewriter, loc, pointer, constant),
                 value);
    };
    if (Value isFirst = thread.getIsFirstCopy(axisWarps)) {
      auto branch = scf::IfOp::create(rewriter, loc, isFirst,
                                      /*withElseRegion=*/false);
      OpBuilder::InsertionGuard guard(rewriter);
      rewriter.setInsertionPointToStart(branch.thenBlock());
      writeParts();
    } else {
      writeParts();
    }
    emitBarrier(rewriter, loc, op);

    SmallVector<Value> results;
    for (auto [constant, init] :
         llvm::zip_equal(constants, adaptor.getInit())) {
      Value result = init;
      for (int64_t part = 0; part != parts; ++part) {
        Value pointer =
            addBytes(rewriter, loc, column, constant + part * rowBytes);
        result = combine(rewriter, loc, op.getKind(), result,
                         loadRun(rewriter, loc, pointer, 1, scalarType)[0]);
      }
      results.push_back(result);
    }
    rewriter.replaceOpWithMultiple(op, {results});
    return success();
  }
};

} // namespace

void heddle::populateReducePatterns(const TypeConverter &converter,
                                    RewritePatternSet &patterns) {
  patterns.add<ReduceAcrossWarpsPattern, ReducePattern>(converter,
                                                        patterns.getContext());
}
