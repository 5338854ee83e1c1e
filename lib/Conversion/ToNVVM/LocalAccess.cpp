//===- LocalAccess.cpp - aref.local_load and aref.local_store
//--------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Conversion/ToNVVM/Tiles.h"

#include "llvm/Support/MathExtras.h"

#include <map>

using namespace mlir;
using namespace heddle;

namespace {

/// The addresses at which one thread accesses a buffer. A register's address is
/// one that depends on the thread, of which there are few since swizzles
/// repeat, plus a constant.
class SharedTile {
public:
  SharedTile(OpBuilder &builder, Operation *op, const TileLayout &layout,
             aref::BufferType type, Value base);

  Value getPointer(int64_t reg);

  /// Elements that one access moves: at most 16 bytes, which swizzles keep
  /// together.
  int64_t getVectorLength() const {
    return std::min<int64_t>(layout.getRun(layout.getRank() - 1),
                             16 / shared.getElementBytes());
  }

private:
  Value add(Value value, int64_t constant) {
    return constant ? arith::AddIOp::create(builder, loc, value,
                                            getI32(builder, loc, constant))
                    : value;
  }
  Value times(Value value, int64_t constant) {
    return constant == 1
               ? value
               : arith::MulIOp::create(builder, loc, value,
                                       getI32(builder, loc, constant));
  }
  /// The address of the element `row` rows and `column` columns from the
  /// thread's first.
  Value computePointer(int64_t row, int64_t column);

  OpBuilder &builder;
  Location loc;
  TileLayout layout;
  SharedLayout shared;
  Value base;
  /// i32: the row and the column of the thread's first element.
  Value threadRow, threadColumn;
  std::map<std::pair<int64_t, int64_t>, Value> known;
};

} // namespace

SharedTile::SharedTile(OpBuilder &builder, Operation *op,
                       const TileLayout &layout, aref::BufferType type,
                       Value base)
    : builder(builder), loc(op->getLoc()), layout(layout),
      shared(getSharedLayout(type)), base(base) {
  ThreadCoords thread(builder, op, layout);
  unsigned last = layout.getRank() - 1;
  threadColumn = thread.getBase(last);
  int64_t rows = 1;
  for (unsigned dim = last; dim-- > 0; rows *= layout.getShape()[dim]) {
    Value part = times(thread.getBase(dim), rows);
    threadRow =
        threadRow ? arith::AddIOp::create(builder, loc, threadRow, part) : part;
  }
  if (!threadRow)
    threadRow = getI32(builder, loc, 0);
}

Value SharedTile::computePointer(int64_t row, int64_t column) {
  Value rows = add(threadRow, row);
  Value bytes = times(add(threadColumn, column), shared.getElementBytes());
  int64_t pitch = shared.getPitch();
  if (shared.getSwizzle() == 0) {
    Value offset =
        arith::AddIOp::create(builder, loc, times(rows, pitch), bytes);
    return addBytes(builder, loc, base, offset);
  }
  Value panel = arith::ShRUIOp::create(
      builder, loc, bytes, getI32(builder, loc, llvm::Log2_64(pitch)));
  Value within = arith::AndIOp::create(builder, loc, bytes,
                                       getI32(builder, loc, pitch - 1));
  Value linear =
      arith::AddIOp::create(builder, loc, times(rows, pitch), within);
  linear = arith::AddIOp::create(builder, loc, linear,
                                 times(panel, shared.getPanelBytes()));
  // Bits from 7 on, shifted to bits from 4 on.
  Value chunk =
      arith::ShRUIOp::create(builder, loc, linear, getI32(builder, loc, 3));
  chunk = arith::AndIOp::create(
      builder, loc, chunk, getI32(builder, loc, shared.getSwizzleMask() << 4));
  Value offset = arith::XOrIOp::create(builder, loc, linear, chunk);
  return addBytes(builder, loc, base, offset);
}

Value SharedTile::getPointer(int64_t reg) {
  TileLayout::Coords offset = layout.getRegisterOffset(reg);
  int64_t column = offset.back();
  int64_t row = 0;
  for (unsigned dim = 0; dim + 1 != layout.getRank(); ++dim)
    row = row * layout.getShape()[dim] + offset[dim];
  // Whole periods of the pattern and whole panels are constants.
  int64_t restRow = row % shared.getPeriodRows();
  int64_t constant = (row - restRow) * shared.getPitch();
  int64_t restColumn = 0;
  if (shared.getSwizzle() == 0) {
    constant += column * shared.getElementBytes();
  } else if (shared.getPanelBytes() % shared.getPeriodBytes() == 0) {
    restColumn = column % shared.getPanelColumns();
    constant += column / shared.getPanelColumns() * shared.getPanelBytes();
  } else {
    restColumn = column;
  }
  Value &pointer = known[{restRow, restColumn}];
  if (!pointer)
    pointer = computePointer(restRow, restColumn);
  return addBytes(builder, loc, pointer, constant);
}

namespace {

struct LocalLoadPattern : OpConversionPattern<aref::LocalLoadOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(aref::LocalLoadOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    auto type = cast<RankedTensorType>(op.getType());
    TileLayout layout = getTileLayout(type);
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
};

struct LocalStorePattern : OpConversionPattern<aref::LocalStoreOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(aref::LocalStoreOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
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
};

} // namespace

void heddle::populateSharedPatterns(const TypeConverter &converter,
                                    RewritePatternSet &patterns) {
  patterns.add<LocalLoadPattern, LocalStorePattern>(converter,
                                                    patterns.getContext());
}
