//===- LocalAccess.cpp - aref.local_load and aref.local_store
//--------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Conversion/ToNVVM/Patterns.h"
#include "lib/Conversion/ToNVVM/SharedTile.h"
#include "lib/Layout/MatrixAccess.h"

using namespace mlir;
using namespace heddle;

/// The way of a tile between registers and shared memory by whole matrices, if
/// there is one.
static std::optional<MatrixAccess> getMatrixAccess(Type tile,
                                                   aref::BufferType buffer) {
  auto type = cast<RankedTensorType>(tile);
  // Rows of a matrix must not be torn apart by a swizzle, and start at
  // multiples of 16 bytes.
  if (!type.getElementType().isIntOrFloat() ||
      type.getElementTypeBitWidth() != 16 ||
      getSharedLayout(buffer).getPitch() % 16 != 0)
    return std::nullopt;
  return MatrixAccess::get(getTileLayout(type));
}

static NVVM::MMALayout getMatrixLayout(const MatrixAccess &access) {
  return access.transposed ? NVVM::MMALayout::col : NVVM::MMALayout::row;
}

/// An 8x8 matrix of 16 bits each.
static NVVM::LdStMatrixShapeAttr getMatrixShape(MLIRContext *context) {
  return NVVM::LdStMatrixShapeAttr::get(context, MatrixAccess::rowLength,
                                        MatrixAccess::rowLength);
}

namespace {

struct LocalLoadPattern : OpConversionPattern<aref::LocalLoadOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(aref::LocalLoadOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    auto type = cast<RankedTensorType>(op.getType());
    TileLayout layout = getTileLayout(type);
    if (std::optional<MatrixAccess> access =
            getMatrixAccess(type, op.getBuffer().getType())) {
      loadMatrices(op, adaptor, *access, rewriter);
      return success();
    }
    SharedTile tile(rewriter, op, layout, op.getBuffer().getType(),
                    adaptor.getBuffer().front());
    SmallVector<Value> results;
    int64_t length = tile.getVectorLength();
    for (int64_t reg = 0; reg < layout.getNumRegisters(); reg += length) {
      llvm::append_range(results,
                         loadRun(rewriter, op.getLoc(), tile.getPointer(reg),
                                 length, getScalarTypeOfTile(type)));
    }
    rewriter.replaceOpWithMultiple(op, {results});
    return success();
  }

private:
  void loadMatrices(aref::LocalLoadOp op, OneToNOpAdaptor adaptor,
                    const MatrixAccess &access,
                    ConversionPatternRewriter &rewriter) const {
    Location loc = op.getLoc();
    auto type = cast<RankedTensorType>(op.getType());
    SharedTile tile(rewriter, op, access.rows, op.getBuffer().getType(),
                    adaptor.getBuffer().front());
    Type i32 = rewriter.getI32Type();
    auto four = LLVM::LLVMStructType::getLiteral(
        rewriter.getContext(),
        SmallVector<Type>(MatrixAccess::numMatrices, i32));
    SmallVector<Value> results(2 * access.registers.size());
    for (size_t i = 0; i < access.registers.size();
         i += MatrixAccess::numMatrices) {
      Value loaded = NVVM::LdMatrixOp::create(
          rewriter, loc, four, tile.getPointer(2 * i),
          MatrixAccess::numMatrices, getMatrixLayout(access),
          getMatrixShape(rewriter.getContext()), NVVM::LdStMatrixEltType::B16);
      for (int64_t matrix = 0; matrix < MatrixAccess::numMatrices; ++matrix) {
        Value pair =
            LLVM::ExtractValueOp::create(rewriter, loc, loaded, matrix);
        int64_t reg = access.registers[i + matrix];
        for (auto [k, value] : llvm::enumerate(unpackRegisters(
                 rewriter, loc, pair, getScalarTypeOfTile(type))))
          results[reg + k] = value;
      }
    }
    rewriter.replaceOpWithMultiple(op, {results});
  }
};

struct LocalStorePattern : OpConversionPattern<aref::LocalStoreOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(aref::LocalStoreOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    if (std::optional<MatrixAccess> access = getMatrixAccess(
            op.getValue().getType(), op.getBuffer().getType())) {
      storeMatrices(op, adaptor, *access, rewriter);
      return success();
    }
    TileLayout layout =
        getTileLayout(cast<RankedTensorType>(op.getValue().getType()));
    if (Value isFirst = ThreadCoords(rewriter, op, layout).getIsFirstCopy()) {
      auto branch = scf::IfOp::create(rewriter, op.getLoc(), isFirst,
                                      /*withElseRegion=*/false);
      rewriter.setInsertionPointToStart(branch.thenBlock());
    }
    SharedTile tile(rewriter, op, layout, op.getBuffer().getType(),
                    adaptor.getBuffer().front());
    ValueRange values = adaptor.getValue();
    int64_t length = tile.getVectorLength();
    for (int64_t reg = 0; reg < layout.getNumRegisters(); reg += length)
      storeRun(rewriter, op.getLoc(), tile.getPointer(reg),
               values.slice(reg, length));
    rewriter.eraseOp(op);
    return success();
  }

private:
  void storeMatrices(aref::LocalStoreOp op, OneToNOpAdaptor adaptor,
                     const MatrixAccess &access,
                     ConversionPatternRewriter &rewriter) const {
    Location loc = op.getLoc();
    SharedTile tile(rewriter, op, access.rows, op.getBuffer().getType(),
                    adaptor.getBuffer().front());
    ValueRange values = adaptor.getValue();
    for (size_t i = 0; i < access.registers.size();
         i += MatrixAccess::numMatrices) {
      SmallVector<Value> pairs;
      for (int64_t matrix = 0; matrix < MatrixAccess::numMatrices; ++matrix)
        pairs.push_back(packRegister(
            rewriter, loc, values.slice(access.registers[i + matrix], 2)));
      NVVM::StMatrixOp::create(
          rewriter, loc, tile.getPointer(2 * i), pairs, getMatrixLayout(access),
          getMatrixShape(rewriter.getContext()), NVVM::LdStMatrixEltType::B16);
    }
    rewriter.eraseOp(op);
  }
};

} // namespace

void heddle::populateSharedPatterns(const TypeConverter &converter,
                                    RewritePatternSet &patterns) {
  patterns.add<LocalLoadPattern, LocalStorePattern>(converter,
                                                    patterns.getContext());
}
