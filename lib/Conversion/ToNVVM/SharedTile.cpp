//===- SharedTile.cpp - Where a tile is in shared memory ------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Conversion/ToNVVM/SharedTile.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace heddle;

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
  auto [pointer, bytes] = getPlace(reg);
  return addBytes(builder, loc, pointer, bytes);
}

std::pair<Value, int64_t> SharedTile::getPlace(int64_t reg) {
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
  return {pointer, constant};
}
