//===- BorrowedTiles.cpp - Tiles that lie in a slot of a ring -------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Transforms/BorrowedTiles.h"

#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace heddle;
using namespace heddle::aref;

static int64_t getElementBytes(Type type) {
  return llvm::divideCeil(type.getIntOrFloatBitWidth(), 8);
}

BufferType BorrowedTiles::getPart(BufferType source, RankedTensorType tile) {
  return BufferType::get(source.getContext(), tile.getShape(),
                         source.getElementType(), source.getSwizzle(),
                         source.getPanelRows());
}

GetOp BorrowedTiles::getOrigin(Value tile) {
  while (auto slice = tile.getDefiningOp<tensor::ExtractSliceOp>())
    tile = slice.getSource();
  return tile.getDefiningOp<GetOp>();
}

int64_t BorrowedTiles::getCutUnit(RankedTensorType tile, int64_t dim) {
  int64_t swizzle = BufferType::get(tile).getSwizzle();
  int64_t elementBytes = getElementBytes(tile.getElementType());
  if (tile.getRank() == 1)
    return swizzle == 0 ? 16 / elementBytes : 0;
  // Columns of a buffer are found by whole panels only.
  return dim == 0 ? 8 : swizzle / elementBytes;
}

std::string BorrowedTiles::getObstacle(Value tile) {
  auto slice = tile.getDefiningOp<tensor::ExtractSliceOp>();
  if (!slice)
    return {};
  if (std::string obstacle = getObstacle(slice.getSource()); !obstacle.empty())
    return obstacle;
  RankedTensorType source = slice.getSourceType(), part = slice.getType();
  if (source.getRank() == 1 && part.getRank() == 1 && slice.hasUnitStride()) {
    int64_t unit = getCutUnit(source, 0);
    if (unit == 0)
      return llvm::formatv("{0} is a vector of panels", source);
    std::optional<int64_t> first =
        getConstantIntValue(slice.getMixedOffsets()[0]);
    if (part.getDimSize(0) % unit != 0 || (first && *first % unit != 0))
      return llvm::formatv("a slice of {0} is not made of 16 bytes each",
                           source);
    return {};
  }
  if (source.getRank() != 2 || part.getRank() != 2 || !slice.hasUnitStride())
    return llvm::formatv("a slice of {0} is not a range of rows and columns",
                         source);
  int64_t rows = getCutUnit(source, 0);
  if (part.getDimSize(0) % rows != 0)
    return llvm::formatv("a slice has {0} rows, not a multiple of {1}",
                         part.getDimSize(0), rows);
  std::optional<int64_t> row = getConstantIntValue(slice.getMixedOffsets()[0]);
  if (row && *row % rows != 0)
    return llvm::formatv("a slice starts at row {0}, not a multiple of {1}",
                         *row, rows);
  if (part.getDimSize(1) == source.getDimSize(1))
    return {};
  Value whole = slice.getSource();
  while (auto outer = whole.getDefiningOp<tensor::ExtractSliceOp>())
    whole = outer.getSource();
  int64_t width = getCutUnit(cast<RankedTensorType>(whole.getType()), 1);
  if (width == 0)
    return llvm::formatv("rows of {0} are not cut into panels", source);
  std::optional<int64_t> column =
      getConstantIntValue(slice.getMixedOffsets()[1]);
  if (part.getDimSize(1) % width != 0 || (column && *column % width != 0))
    return llvm::formatv("a slice of {0} columns is not a range of the panels "
                         "of {1} columns of {2}",
                         part.getDimSize(1), width, source);
  return {};
}

Value BorrowedTiles::getBuffer(Value tile) {
  Value &known = buffers[tile];
  if (known)
    return known;
  if (auto get = tile.getDefiningOp<GetOp>()) {
    OpBuilder b(get->getContext());
    b.setInsertionPointAfter(get);
    // Results are the slot and the tiles.
    int64_t index = cast<OpResult>(tile).getResultNumber() - 1;
    // Tiles come in the order of the ring.
    for (auto view = dyn_cast<ViewOp>(get->getNextNode());
         view && view.getSlot() == get.getSlot() &&
         int64_t(view.getIndex()) < index;
         view = dyn_cast<ViewOp>(view->getNextNode()))
      b.setInsertionPointAfter(view);
    return known = ViewOp::create(
               b, get.getLoc(),
               BufferType::get(cast<RankedTensorType>(tile.getType())),
               get.getRing(), get.getSlot(), index);
  }
  auto slice = tile.getDefiningOp<tensor::ExtractSliceOp>();
  Value buffer = getBuffer(slice.getSource());
  Location loc = slice.getLoc();
  OpBuilder b(slice);
  RankedTensorType source = slice.getSourceType(), part = slice.getType();
  auto getOffset = [&](unsigned dim) {
    return getValueOrCreateConstantIndexOp(b, loc,
                                           slice.getMixedOffsets()[dim]);
  };
  if (part.getRank() == 1) {
    if (part != source)
      buffer = ColumnsOp::create(
          b, loc, getPart(cast<BufferType>(buffer.getType()), part), buffer,
          getOffset(0));
    return buffers[tile] = buffer;
  }
  if (part.getDimSize(0) != source.getDimSize(0)) {
    auto rows = RankedTensorType::get(
        {part.getDimSize(0), source.getDimSize(1)}, part.getElementType());
    buffer = RowsOp::create(b, loc,
                            getPart(cast<BufferType>(buffer.getType()), rows),
                            buffer, getOffset(0));
  }
  if (part.getDimSize(1) != source.getDimSize(1))
    buffer = ColumnsOp::create(
        b, loc, getPart(cast<BufferType>(buffer.getType()), part), buffer,
        getOffset(1));
  return buffers[tile] = buffer;
}

Value BorrowedTiles::load(Value tile, Operation *before) {
  Value buffer = getBuffer(tile);
  OpBuilder b(before);
  Value loaded =
      LocalLoadOp::create(b, before->getLoc(), tile.getType(), buffer);
  // Before the slot is given back, but not sooner: elements may be read one by
  // one where they are needed.
  Operation *next = before;
  while (isMemoryEffectFree(next) && next->getNextNode())
    next = next->getNextNode();
  if (isa<ReleaseOp>(next))
    b.setInsertionPoint(next);
  FenceAsyncOp::create(b, before->getLoc());
  return loaded;
}

/// The first operation of `block` that makes some of `uses`, or holds one that
/// does, or that gives `slot` back.
static Operation *getFirstUser(Block *block, ArrayRef<OpOperand *> uses,
                               Value slot) {
  Operation *first = nullptr;
  auto visit = [&](Operation *user) {
    user = block->findAncestorOpInBlock(*user);
    if (!first || user->isBeforeInBlock(first))
      first = user;
  };
  for (OpOperand *use : uses)
    visit(use->getOwner());
  for (Operation *user : slot.getUsers())
    if (!isa<ViewOp>(user))
      visit(user);
  return first;
}

void BorrowedTiles::lower(GetOp get) {
  for (Value tile : get.getValues()) {
    SmallVector<tensor::ExtractSliceOp> slices;
    SmallVector<OpOperand *> uses;
    for (OpOperand &use : tile.getUses()) {
      auto slice = dyn_cast<tensor::ExtractSliceOp>(use.getOwner());
      if (slice && getObstacle(slice.getResult()).empty())
        slices.push_back(slice);
      else
        uses.push_back(&use);
    }
    if (!uses.empty()) {
      Operation *before = getBuffer(tile).getDefiningOp()->getNextNode();
      // Vectors are there early; matrices take too many registers.
      if (cast<RankedTensorType>(tile.getType()).getRank() > 1)
        before = getFirstUser(get->getBlock(), uses, get.getSlot());
      Value loaded = load(tile, before);
      for (OpOperand *use : uses)
        use->set(loaded);
    }
    for (tensor::ExtractSliceOp slice : slices) {
      if (!slice->use_empty())
        slice.getResult().replaceAllUsesWith(load(slice.getResult(), slice));
      buffers.erase(slice.getResult());
      slice.erase();
    }
    buffers.erase(tile);
  }
  OpBuilder b(get);
  Value slot =
      WaitOp::create(b, get.getLoc(), get.getSlot().getType(), get.getRing());
  get.getSlot().replaceAllUsesWith(slot);
  get.erase();
}
