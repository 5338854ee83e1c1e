//===- AsyncCopy.cpp - aref.copy_async ------------------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Conversion/ToNVVM/GlobalTile.h"
#include "lib/Conversion/ToNVVM/Patterns.h"
#include "lib/Conversion/ToNVVM/SharedMemory.h"
#include "lib/Conversion/ToNVVM/SharedTile.h"

#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace heddle;

/// What one copy moves.
static constexpr int64_t copyBytes = 16;

namespace {

struct CopyAsyncPattern : OpConversionPattern<aref::CopyAsyncOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(aref::CopyAsyncOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    auto type = cast<RankedTensorType>(op.getTile());
    TileLayout layout = getTileLayout(type);
    ViewDescriptor view =
        getView(rewriter, loc, cast<MemRefType>(op.getView().getType()),
                adaptor.getView());
    GlobalTile source(rewriter, op, layout, view, op.getOffsets(),
                      adaptor.getOffsets());
    if (!op.getPadAttr())
      source.emitRowChecks();
    int64_t length = source.getVectorLength();
    int64_t count = layout.getNumRegisters();
    Type scalarType = getScalarTypeOfTile(type);
    if (length * getMemoryBytes(getMemoryType(scalarType)) != copyBytes)
      return op.emitOpError("expected threads to have runs of ")
             << copyBytes << " bytes";

    // Where a row is not inside, a copy reads nothing and writes zeros.
    bool isChecked = op.isGather() && !op.getPadAttr();
    auto branch = scf::IfOp::create(rewriter, loc, source.getHasPlainRows(),
                                    /*withElseRegion=*/true);
    rewriter.setInsertionPointToStart(branch.thenBlock());
    source.enter();
    SharedTile target(rewriter, op, layout, op.getBuffer().getType(),
                      adaptor.getBuffer().front());
    for (int64_t reg = 0; reg < count; reg += length) {
      // Sums would stay in registers throughout a loop.
      auto [to, toBytes] = target.getPlace(reg);
      auto [from, fromBytes] = source.getPlace(reg);
      std::string text =
          llvm::formatv("cp.async.cg.shared.global [$0 + {0}], [$1 + {1}], {2}",
                        toBytes, fromBytes, copyBytes);
      SmallVector<Value> operands = {getSharedAddress(rewriter, loc, to), from};
      if (isChecked) {
        emitInlinePTX(rewriter, loc, text + ";", "r,l", operands);
        continue;
      }
      operands.push_back(arith::SelectOp::create(
          rewriter, loc, source.getIsInside(reg),
          getI32(rewriter, loc, copyBytes), getI32(rewriter, loc, 0)));
      emitInlinePTX(rewriter, loc, text + ", $2;", "r,l,r", operands);
    }

    // A run at a time, so that few elements are in registers.
    rewriter.setInsertionPointToStart(branch.elseBlock());
    source.enter();
    SharedTile again(rewriter, op, layout, op.getBuffer().getType(),
                     adaptor.getBuffer().front());
    Value zero =
        toRegister(rewriter, loc,
                   arith::ConstantOp::create(rewriter, loc,
                                             rewriter.getZeroAttr(scalarType)));
    for (int64_t reg = 0; reg < count; reg += length) {
      SmallVector<Value> run;
      for (int64_t i = reg; i != reg + length; ++i)
        run.push_back(loadElement(rewriter, loc, source.getPointer(i),
                                  isChecked ? source.getIsInsideRow(i)
                                            : source.getIsInside(i),
                                  zero, scalarType));
      storeRun(rewriter, loc, again.getPointer(reg), run);
    }
    rewriter.eraseOp(op);
    return success();
  }
};

} // namespace

void heddle::populateAsyncCopyPatterns(const TypeConverter &converter,
                                       RewritePatternSet &patterns) {
  patterns.add<CopyAsyncPattern>(converter, patterns.getContext());
}
