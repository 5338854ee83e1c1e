//===- ArgumentView.cpp - Views as parts of a kernel's arguments ----------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Analysis/ArgumentView.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace heddle;

ArgumentView::ArgumentView(BlockArgument argument) : argument(argument) {
  unsigned rank = cast<MemRefType>(argument.getType()).getRank();
  starts.resize(rank);
  dims = llvm::to_vector(llvm::seq(rank));
  whole.assign(rank, true);
}

std::optional<ArgumentView> ArgumentView::get(Value view) {
  // From the view to the argument.
  SmallVector<memref::SubViewOp> subviews;
  while (Operation *op = view.getDefiningOp()) {
    if (auto subview = dyn_cast<memref::SubViewOp>(op))
      subviews.push_back(subview);
    else if (!isa<memref::CastOp>(op))
      return std::nullopt;
    view = op->getOperand(0);
  }
  auto argument = cast<BlockArgument>(view);
  if (!isa<tile::KernelOp>(argument.getOwner()->getParentOp()) ||
      !isa<MemRefType>(argument.getType()))
    return std::nullopt;
  ArgumentView result(argument);
  for (memref::SubViewOp subview : llvm::reverse(subviews))
    if (!result.take(subview))
      return std::nullopt;
  return result;
}

/// Whether `size` is the extent of dimension `dim` of `view`.
static bool isExtent(OpFoldResult size, Value view, unsigned dim) {
  int64_t extent = cast<MemRefType>(view.getType()).getDimSize(dim);
  if (std::optional<int64_t> constant = getConstantIntValue(size))
    return *constant == extent;
  auto value = dyn_cast<Value>(size);
  auto op = value ? value.getDefiningOp<memref::DimOp>() : memref::DimOp();
  auto skipCasts = [](Value view) {
    while (auto cast = view.getDefiningOp<memref::CastOp>())
      view = cast.getSource();
    return view;
  };
  return op && op.getConstantIndex() == int64_t(dim) &&
         skipCasts(op.getSource()) == skipCasts(view);
}

bool ArgumentView::take(memref::SubViewOp subview) {
  llvm::SmallBitVector dropped = subview.getDroppedDims();
  SmallVector<OpFoldResult> offsets = subview.getMixedOffsets();
  SmallVector<OpFoldResult> sizes = subview.getMixedSizes();
  SmallVector<unsigned> keptDims;
  SmallVector<bool> keptWhole;
  for (auto [dim, stride] : llvm::enumerate(subview.getMixedStrides())) {
    if (getConstantIntValue(stride) != 1)
      return false;
    bool isFirst = isZeroInteger(offsets[dim]);
    if (!isFirst)
      starts[dims[dim]].push_back(offsets[dim]);
    if (dropped[dim])
      continue;
    keptDims.push_back(dims[dim]);
    keptWhole.push_back(whole[dim] && isFirst &&
                        isExtent(sizes[dim], subview.getSource(), dim));
  }
  dims = keptDims;
  whole = keptWhole;
  return true;
}

DenseI64ArrayAttr ArgumentView::getDimsOfTile(int64_t rank) const {
  SmallVector<int64_t> covered(ArrayRef(dims).take_back(rank));
  if (covered.front() == int64_t(starts.size()) - rank)
    return {};
  return DenseI64ArrayAttr::get(argument.getContext(), covered);
}

SmallVector<Value> ArgumentView::getOffsets(OpBuilder &builder, Location loc,
                                            ValueRange offsets) const {
  SmallVector<Value> result(starts.size());
  for (auto [dim, offset] : llvm::enumerate(offsets))
    result[dims[dim]] = offset;
  for (auto [offset, parts] : llvm::zip_equal(result, starts)) {
    for (OpFoldResult part : parts) {
      Value start = getValueOrCreateConstantIndexOp(builder, loc, part);
      offset =
          offset ? arith::AddIOp::create(builder, loc, start, offset) : start;
    }
    if (!offset)
      offset = arith::ConstantIndexOp::create(builder, loc, 0);
  }
  return result;
}
