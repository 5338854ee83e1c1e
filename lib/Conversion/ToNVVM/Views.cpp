//===- Views.cpp - Sizes and single elements of views ---------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Conversion/ToNVVM/Patterns.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace heddle;

ViewDescriptor heddle::getView(OpBuilder &builder, Location loc,
                               MemRefType type, ValueRange values) {
  int64_t rank = type.getRank();
  ViewDescriptor view;
  view.base = values[0];
  view.element = getScalarType(type.getElementType());
  SmallVector<int64_t> strides;
  int64_t offset;
  // Views are strided by their verifiers.
  (void)type.getStridesAndOffset(strides, offset);
  auto get = [&](int64_t known, Value value) -> Value {
    if (ShapedType::isDynamic(known))
      return value;
    return arith::ConstantIntOp::create(builder, loc, known, 64);
  };
  for (int64_t i = 0; i < rank; ++i) {
    view.sizes.push_back(get(type.getDimSize(i), values[1 + i]));
    view.strides.push_back(get(strides[i], values[1 + rank + i]));
  }
  return view;
}

/// The address of one element.
/// Where the element at `indices`, which are i64, is.
static Value getElement(OpBuilder &builder, Location loc,
                        const ViewDescriptor &view, ArrayRef<Value> indices) {
  Value offset;
  for (auto [index, stride] : llvm::zip_equal(indices, view.strides)) {
    Value part = arith::MulIOp::create(builder, loc, index, stride);
    offset = offset ? arith::AddIOp::create(builder, loc, offset, part) : part;
  }
  if (!offset)
    return view.base;
  Type element = view.element.isInteger(1) ? builder.getI8Type() : view.element;
  return LLVM::GEPOp::create(builder, loc, view.base.getType(), element,
                             view.base, offset);
}

/// Elements of views are scalars of LLVM but for these.
static SmallVector<Value> getIndices(OpBuilder &builder, Location loc,
                                     ArrayRef<ValueRange> indices) {
  return llvm::map_to_vector(indices, [&](ValueRange index) -> Value {
    return arith::IndexCastOp::create(builder, loc, builder.getI64Type(),
                                      llvm::getSingleElement(index));
  });
}

static bool isMemoryType(Type type) {
  return !type.isIndex() && !type.isInteger(1);
}

namespace {

struct DimPattern : OpConversionPattern<memref::DimOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(memref::DimOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    auto type = dyn_cast<MemRefType>(op.getSource().getType());
    std::optional<int64_t> dim = op.getConstantIndex();
    if (!type || !dim || *dim < 0 || *dim >= type.getRank())
      return op.emitOpError("expected a constant dimension of a view");
    ViewDescriptor view =
        getView(rewriter, op.getLoc(), type, adaptor.getSource());
    rewriter.replaceOpWithNewOp<arith::IndexCastOp>(op, rewriter.getIndexType(),
                                                    view.sizes[*dim]);
    return success();
  }
};

struct CastPattern : OpConversionPattern<memref::CastOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(memref::CastOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    if (!isa<MemRefType>(op.getType()))
      return failure();
    rewriter.replaceOpWithMultiple(op, {adaptor.getSource()});
    return success();
  }
};

struct SubViewPattern : OpConversionPattern<memref::SubViewOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(memref::SubViewOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    ViewDescriptor view =
        getView(rewriter, loc, op.getSourceType(), adaptor.getSource());
    if (!isMemoryType(view.element))
      return op.emitOpError("expected elements of whole bytes, found ")
             << view.element;
    auto get = [&](OpFoldResult part) -> Value {
      if (auto value = dyn_cast<Value>(part))
        return arith::IndexCastOp::create(rewriter, loc, rewriter.getI64Type(),
                                          value);
      return arith::ConstantIntOp::create(rewriter, loc,
                                          *getConstantIntValue(part), 64);
    };
    llvm::SmallBitVector dropped = op.getDroppedDims();
    SmallVector<Value> offsets, sizes, strides;
    for (auto [dim, offset] : llvm::enumerate(op.getMixedOffsets())) {
      offsets.push_back(get(offset));
      if (dropped[dim])
        continue;
      sizes.push_back(get(op.getMixedSizes()[dim]));
      OpFoldResult step = op.getMixedStrides()[dim];
      strides.push_back(view.strides[dim]);
      if (getConstantIntValue(step) != 1)
        strides.back() =
            arith::MulIOp::create(rewriter, loc, strides.back(), get(step));
    }
    SmallVector<Value> values = {getElement(rewriter, loc, view, offsets)};
    llvm::append_range(values, sizes);
    llvm::append_range(values, strides);
    rewriter.replaceOpWithMultiple(op, {values});
    return success();
  }
};

struct LoadPattern : OpConversionPattern<memref::LoadOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(memref::LoadOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    ViewDescriptor view =
        getView(rewriter, loc, op.getMemRefType(), adaptor.getMemref());
    if (!isMemoryType(view.element))
      return op.emitOpError("expected elements of whole bytes, found ")
             << view.element;
    Value address = getElement(rewriter, loc, view,
                               getIndices(rewriter, loc, adaptor.getIndices()));
    rewriter.replaceOpWithNewOp<LLVM::LoadOp>(op, view.element, address);
    return success();
  }
};

struct StorePattern : OpConversionPattern<memref::StoreOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(memref::StoreOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    ViewDescriptor view =
        getView(rewriter, loc, op.getMemRefType(), adaptor.getMemref());
    if (!isMemoryType(view.element))
      return op.emitOpError("expected elements of whole bytes, found ")
             << view.element;
    Value address = getElement(rewriter, loc, view,
                               getIndices(rewriter, loc, adaptor.getIndices()));
    // One thread of those that all have the same scalar.
    Value elected = getElected(rewriter, op);
    auto branch = scf::IfOp::create(rewriter, loc, elected);
    OpBuilder body = branch.getThenBodyBuilder();
    LLVM::StoreOp::create(body, loc, llvm::getSingleElement(adaptor.getValue()),
                          address);
    rewriter.eraseOp(op);
    return success();
  }
};

} // namespace

void heddle::populateViewPatterns(const TypeConverter &converter,
                                  RewritePatternSet &patterns) {
  patterns
      .add<DimPattern, CastPattern, SubViewPattern, LoadPattern, StorePattern>(
          converter, patterns.getContext());
}
