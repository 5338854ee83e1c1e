//===- Constants.cpp - Constants, splats and iotas -----------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Conversion/ToNVVM/Tiles.h"

using namespace mlir;
using namespace heddle;

namespace {

/// A constant tile: one scalar for all registers.
struct ConstantPattern : OpConversionPattern<arith::ConstantOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(arith::ConstantOp op, OneToNOpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    auto elements = dyn_cast<SplatElementsAttr>(op.getValue());
    if (!elements) {
      // An 8-bit float by itself.
      if (getScalarType(op.getType()) == op.getType())
        return rewriter.notifyMatchFailure(op, "expected one value");
      rewriter.replaceOp(
          op, getScalarConstant(rewriter, op.getLoc(), op.getValue()));
      return success();
    }
    int64_t count =
        getTileLayout(cast<RankedTensorType>(op.getType())).getNumRegisters();
    Value scalar =
        getScalarConstant(rewriter, op.getLoc(),
                          cast<TypedAttr>(elements.getSplatValue<Attribute>()));
    rewriter.replaceOpWithMultiple(op, {SmallVector<Value>(count, scalar)});
    return success();
  }
};

/// A scalar in all registers.
struct SplatPattern : OpConversionPattern<tensor::SplatOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(tensor::SplatOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    int64_t count =
        getTileLayout(cast<RankedTensorType>(op.getType())).getNumRegisters();
    Value scalar = adaptor.getInput().front();
    rewriter.replaceOpWithMultiple(op, {SmallVector<Value>(count, scalar)});
    return success();
  }
};

/// The coordinate of each element.
struct IotaPattern : OpConversionPattern<tile::IotaOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(tile::IotaOp op, OneToNOpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    TileLayout layout = getTileLayout(op.getType());
    Type type = op.getType().getElementType();
    unsigned axis = op.getAxis();
    Value base = ThreadCoords(rewriter, op, layout).getBase(axis);
    // Nobody moves this, so what depends on it stays as well.
    if (op->hasAttr(aref::ArefDialect::getPinnedAttrName()))
      base = emitInlinePTX(rewriter, loc, "mov.b32 $0, $1;", "=r,r", base,
                           rewriter.getI32Type(), /*touchesMemory=*/false);
    if (type.isIndex())
      base = arith::IndexCastUIOp::create(rewriter, loc, type, base);
    else if (type.getIntOrFloatBitWidth() > 32)
      base = arith::ExtUIOp::create(rewriter, loc, type, base);
    else if (type.getIntOrFloatBitWidth() < 32)
      base = arith::TruncIOp::create(rewriter, loc, type, base);
    SmallVector<Value> results;
    DenseMap<int64_t, Value> known;
    for (int64_t reg = 0; reg != layout.getNumRegisters(); ++reg) {
      int64_t offset = layout.getRegisterOffset(reg)[axis];
      Value &value = known[offset];
      if (!value && offset == 0) {
        value = base;
      } else if (!value) {
        // Narrow types wrap around.
        TypedAttr constant =
            type.isIndex()
                ? rewriter.getIndexAttr(offset)
                : rewriter.getIntegerAttr(
                      type, APInt(64, offset)
                                .zextOrTrunc(type.getIntOrFloatBitWidth()));
        value = arith::AddIOp::create(
            rewriter, loc, base,
            arith::ConstantOp::create(rewriter, loc, constant));
      }
      results.push_back(value);
    }
    rewriter.replaceOpWithMultiple(op, {results});
    return success();
  }
};

} // namespace

void heddle::populateConstantPatterns(const TypeConverter &converter,
                                      RewritePatternSet &patterns) {
  patterns.add<ConstantPattern, IotaPattern, SplatPattern>(
      converter, patterns.getContext());
}
