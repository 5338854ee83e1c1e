//===- TensorMaps.cpp - What tensor maps can describe ---------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Analysis/TensorMaps.h"

#include "lib/Analysis/ArgumentView.h"

#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace heddle;
using namespace heddle::aref;

std::string heddle::getTmaObstacle(Value view, RankedTensorType tile) {
  // A tensor map describes an argument of the launch.
  std::optional<ArgumentView> part = ArgumentView::get(view);
  if (!part)
    return "its view is not an argument of the kernel, nor a part of one "
           "without gaps";
  auto type = cast<MemRefType>(view.getType());
  auto whole = cast<MemRefType>(part->getArgument().getType());
  if (part->getArgumentDim(type.getRank() - 1) != whole.getRank() - 1)
    return "its view lacks the argument's last dimension";
  if (!type.getElementType().isIntOrFloat())
    return llvm::formatv("it has elements of type {0}", type.getElementType());
  int64_t bits = type.getElementTypeBitWidth();
  if (bits % 8 != 0 || bits > 64)
    return llvm::formatv("it has elements of {0} bits", bits);
  int64_t bytes = bits / 8;
  auto [strides, offset] = type.getStridesAndOffset();
  if (strides.back() != 1)
    return "the last stride of its view is not known to be 1";
  SmallVector<int64_t> outer = llvm::to_vector(ArrayRef(strides).drop_back());
  llvm::append_range(outer,
                     ArrayRef(whole.getStridesAndOffset().first).drop_back());
  for (int64_t stride : outer)
    if (!ShapedType::isDynamic(stride) && stride * bytes % 16 != 0)
      return llvm::formatv(
          "its view has a stride of {0} bytes, not a multiple of 16",
          stride * bytes);

  ArrayRef<int64_t> shape = tile.getShape();
  int64_t rowBytes = shape.back() * bytes;
  if (rowBytes % 16 != 0)
    return llvm::formatv("its rows have {0} bytes, not a multiple of 16",
                         rowBytes);
  // A box has at most 256 elements along each dimension. Rows that are cut into
  // panels, and rows of a matrix in eights, are copied in several boxes.
  int64_t swizzle = BufferType::getSwizzleFor(rowBytes);
  if (swizzle == 0 && shape.back() > 256)
    return llvm::formatv("its rows have {0} elements, more than 256 and not a "
                         "multiple of 32 bytes",
                         shape.back());
  // The copy of a panel starts at a multiple of 128 bytes.
  int64_t panelBytes = tile.getNumElements() / shape.back() * swizzle;
  if (swizzle != 0 && rowBytes > swizzle && panelBytes % 128 != 0)
    return llvm::formatv(
        "its panels of {0} bytes per row have {1} bytes, not a "
        "multiple of 128",
        swizzle, panelBytes);
  for (int64_t extent : shape.drop_back())
    if (extent > 256 && (shape.size() != 2 || extent % 8 != 0))
      return llvm::formatv("its tile has {0} rows, more than 256", extent);
  return {};
}

/// Follows definitions up to `depth` operations.
static bool isNonNegative(Value value, int depth) {
  if (depth == 0)
    return false;
  if (std::optional<int64_t> constant = getConstantIntValue(value))
    return *constant >= 0;
  auto check = [&](Value operand) { return isNonNegative(operand, depth - 1); };

  if (auto argument = dyn_cast<BlockArgument>(value)) {
    Operation *parent = argument.getOwner()->getParentOp();
    if (auto loop = dyn_cast<scf::ForOp>(parent))
      return argument == loop.getInductionVar() && check(loop.getLowerBound());
    if (isa<RoleOp>(parent))
      return true;
    // The last three arguments of a persistent kernel are its grid.
    auto kernel = dyn_cast<tile::KernelOp>(parent);
    return kernel && kernel->hasAttr(ArefDialect::getPersistentAttrName()) &&
           argument.getArgNumber() + 3 >= kernel.getNumArguments();
  }

  Operation *op = value.getDefiningOp();
  if (isa<gpu::BlockIdOp, gpu::GridDimOp, gpu::ClusterIdOp, gpu::ClusterDimOp,
          gpu::ClusterBlockIdOp, gpu::ClusterDimBlocksOp, memref::DimOp,
          arith::ExtUIOp>(op))
    return true;
  if (auto cast = dyn_cast<arith::IndexCastUIOp>(op))
    return cast.getIn().getType().isInteger(32);
  if (isa<arith::AddIOp, arith::MulIOp, arith::MinSIOp, arith::DivSIOp,
          arith::CeilDivSIOp, arith::OrIOp>(op))
    return check(op->getOperand(0)) && check(op->getOperand(1));
  if (isa<arith::MaxSIOp, arith::MinUIOp, arith::AndIOp>(op))
    return check(op->getOperand(0)) || check(op->getOperand(1));
  // What is smaller than the first operand as an unsigned number.
  if (isa<arith::DivUIOp, arith::CeilDivUIOp, arith::RemUIOp, arith::RemSIOp,
          arith::ShRUIOp, arith::IndexCastOp>(op))
    return check(op->getOperand(0));
  if (auto select = dyn_cast<arith::SelectOp>(op))
    return check(select.getTrueValue()) && check(select.getFalseValue());
  return false;
}

bool heddle::isKnownNonNegative(Value value) {
  return isNonNegative(value, 16);
}
