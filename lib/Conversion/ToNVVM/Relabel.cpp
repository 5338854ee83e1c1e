//===- Relabel.cpp - Operations that only rename registers ---------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Conversion/ToNVVM/Tiles.h"

using namespace mlir;
using namespace heddle;

/// For each register of `to`, the value of the register of `from` that holds
/// the element at `project` of its offset. Empty if there is none.
static SmallVector<Value> relabel(
    const TileLayout &from, const TileLayout &to, ValueRange values,
    function_ref<SmallVector<int64_t>(const TileLayout::Coords &)> project) {
  SmallVector<Value> results;
  for (int64_t reg = 0; reg != to.getNumRegisters(); ++reg) {
    auto source = from.findRegister(project(to.getRegisterOffset(reg)));
    if (!source)
      return {};
    results.push_back(values[*source]);
  }
  return results;
}

namespace {

struct BroadcastPattern : OpConversionPattern<tile::BroadcastOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(tile::BroadcastOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    TileLayout from = getTileLayout(op.getX().getType());
    TileLayout to = getTileLayout(op.getType());
    if (from != to.slice(op.getAxes()))
      return rewriter.notifyMatchFailure(
          op, "expected an operand in a slice of the result's layout");
    SmallVector<Value> results =
        relabel(from, to, adaptor.getX(), [&](const auto &coords) {
          SmallVector<int64_t> kept;
          for (auto [dim, coord] : llvm::enumerate(coords)) {
            if (!llvm::is_contained(op.getAxes(), int64_t(dim)))
              kept.push_back(coord);
          }
          return kept;
        });
    rewriter.replaceOpWithMultiple(op, {results});
    return success();
  }
};

struct TransposePattern : OpConversionPattern<tile::TransposeOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(tile::TransposeOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    TileLayout from = getTileLayout(op.getX().getType());
    TileLayout to = getTileLayout(op.getType());
    // Registers may be in another order.
    if (from.permute(op.getPermutation()).getConversion(to) ==
        LayoutConversion::Threads)
      return rewriter.notifyMatchFailure(
          op, "expected each thread to keep its elements");
    SmallVector<Value> results =
        relabel(from, to, adaptor.getX(), [&](const auto &coords) {
          SmallVector<int64_t> source(coords.size());
          for (auto [dim, from] : llvm::enumerate(op.getPermutation()))
            source[from] = coords[dim];
          return source;
        });
    rewriter.replaceOpWithMultiple(op, {results});
    return success();
  }
};

struct ConvertLayoutPattern : OpConversionPattern<aref::ConvertLayoutOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(aref::ConvertLayoutOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    TileLayout from =
        getTileLayout(cast<RankedTensorType>(op.getX().getType()));
    TileLayout to = getTileLayout(cast<RankedTensorType>(op.getType()));
    if (from.getConversion(to) == LayoutConversion::Threads)
      return rewriter.notifyMatchFailure(
          op, "expected convert-layouts to have lowered this conversion");
    SmallVector<Value> results =
        relabel(from, to, adaptor.getX(), [](const auto &coords) {
          return SmallVector<int64_t>(coords.begin(), coords.end());
        });
    rewriter.replaceOpWithMultiple(op, {results});
    return success();
  }
};

} // namespace

void heddle::populateRelabelPatterns(const TypeConverter &converter,
                                     RewritePatternSet &patterns) {
  patterns.add<BroadcastPattern, ConvertLayoutPattern, TransposePattern>(
      converter, patterns.getContext());
}
