//===- VerifyTarget.cpp - What sm_90a can compute -------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/Tile/Limits.h"
#include "lib/Transforms/LayoutPlan.h"
#include "lib/Transforms/Passes.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

namespace heddle {
#define GEN_PASS_DEF_VERIFYTARGET
#include "lib/Transforms/Passes.h.inc"
} // namespace heddle

using namespace mlir;
using namespace heddle;

/// Checks that `value` is a multiple of `unit`; the error names the next one.
static LogicalResult verifyMultiple(tile::DotOp dot, StringRef what,
                                    int64_t value, int64_t unit) {
  if (value % unit == 0)
    return success();
  return dot.emitOpError("expected ")
         << what << " to be a multiple of " << unit << ", found " << value
         << "; " << llvm::alignTo(value, unit) << " would work";
}

static LogicalResult verifyN(tile::DotOp dot, Type element) {
  int64_t n = dot.getN();
  if (element.isInteger(8) && n % 8 == 0) {
    // wgmma has no i8 product with N an odd multiple of 8 above 24.
    if (n <= 24 || n % 16 == 0)
      return success();
    return dot.emitOpError("expected N to be 8, 16, 24 or a multiple of 16 for "
                           "i8, found ")
           << n << "; " << llvm::alignTo(n, 16) << " would work";
  }
  if (failed(verifyMultiple(dot, "N", n, 8)))
    return failure();
  // Shared memory holds b in panels of 32 bytes or more, along its last
  // dimension. If that is N, N must fill them.
  int64_t bytes = element.getIntOrFloatBitWidth() / 8;
  if (!dot.getTransposeB() && n * bytes % 32 != 0)
    return dot.emitOpError("expected N to be a multiple of ")
           << 32 / bytes << " with b indexed [k, n], found " << n << "; "
           << llvm::alignTo(n, 32 / bytes)
           << ", or b indexed [n, k] with transpose_b, would work";
  return success();
}

static LogicalResult verifyDot(tile::DotOp dot) {
  Type element = dot.getA().getType().getElementType();
  if (element.isF32() && dot.getPrecision() != tile::Precision::TF32)
    return dot.emitOpError("sm_90a has no product of f32 by f32; 'precision "
                           "tf32', or f16 or bf16 operands, would work");
  if (failed(verifyMultiple(dot, "M", dot.getM(), 64)))
    return failure();

  // Only 16-bit operands may lie either way in shared memory.
  if (element.getIntOrFloatBitWidth() != 16) {
    StringRef name = element.isF32() ? "tf32" : "8-bit";
    if (dot.getTransposeA())
      return dot.emitOpError("expected ")
             << name
             << " operands with k as the last dimension, found transpose_a; a "
                "indexed [m, k] would work";
    if (!dot.getTransposeB())
      return dot.emitOpError("expected ")
             << name
             << " operands with k as the last dimension, found b indexed "
                "[k, n]; b indexed [n, k] with transpose_b would work";
  }
  if (failed(verifyN(dot, element)))
    return failure();
  return verifyMultiple(dot, "K", dot.getK(),
                        256 / element.getIntOrFloatBitWidth());
}

/// Whether the operation computes with 8-bit floats, which the hardware can
/// only move and convert.
static bool isNarrowArithmetic(Operation *op) {
  bool isElementwise =
      op->hasTrait<OpTrait::Elementwise>() &&
      llvm::any_of(op->getResultTypes(), llvm::IsaPred<RankedTensorType>);
  if (!isElementwise &&
      !isa<tile::ReduceOp, tile::ScanOp, tile::RecurrenceOp>(op))
    return false;
  auto isNarrow = [](Type type) {
    Type element = getElementTypeOrSelf(type);
    return isa<FloatType>(element) && element.getIntOrFloatBitWidth() < 16;
  };
  auto isConvertible = [&](Type type) {
    return !isNarrow(type) ||
           isa<Float8E4M3FNType, Float8E5M2Type>(getElementTypeOrSelf(type));
  };
  if (llvm::none_of(op->getOperandTypes(), isNarrow) &&
      llvm::none_of(op->getResultTypes(), isNarrow))
    return false;
  if (isa<arith::SelectOp, arith::BitcastOp>(op))
    return false;
  if (!isa<arith::ExtFOp, arith::TruncFOp>(op))
    return true;
  Type from = op->getOperand(0).getType(), to = op->getResult(0).getType();
  return !isConvertible(from) || !isConvertible(to) ||
         getElementTypeOrSelf(from).isF64();
}

static LogicalResult verifyArithmetic(Operation *op) {
  if (!isNarrowArithmetic(op))
    return success();
  return op->emitOpError("expected arithmetic on floats of 16 bits or more; "
                         "extend 8-bit floats first");
}

/// Refuses a tile that no number of threads could hold. It is an error even if
/// nothing uses the tile, which would then be removed before anyone looks.
static LogicalResult verifyTile(Operation *op, Type type) {
  auto shaped = dyn_cast<RankedTensorType>(type);
  if (!shaped)
    return success();
  if (shaped.getRank() == 0 || !shaped.hasStaticShape() ||
      llvm::is_contained(shaped.getShape(), 0))
    return op->emitOpError("expected a tile of rank 1 or more with positive "
                           "static extents, found ")
           << type;
  if (!shaped.getElementType().isIntOrIndexOrFloat())
    return op->emitOpError("expected a tile of integers, floats or indices, "
                           "found ")
           << type;
  if (tile::isTooLarge(shaped))
    return op->emitOpError("expected a tile of at most ")
           << tile::maxElements << " elements, found " << type;
  return success();
}

static LogicalResult verifyTiles(Operation *op) {
  bool hasTiles = false;
  for (TypeRange types :
       {TypeRange(op->getOperandTypes()), TypeRange(op->getResultTypes())})
    for (Type type : types) {
      hasTiles |= isa<TensorType>(type);
      if (failed(verifyTile(op, type)))
        return failure();
    }
  // What is in roles already is not of the author's level.
  if (!hasTiles || op->getParentOfType<aref::RoleOp>() || isElementwise(op) ||
      isFree(op) ||
      isa_and_nonnull<tile::TileDialect, scf::SCFDialect, aref::ArefDialect>(
          op->getDialect()))
    return success();
  return op->emitOpError("expected an operation of the tile dialect, or one "
                         "that treats all elements alike");
}

/// Refuses what only host functions do, and what is the compiler's to choose.
static LogicalResult verifyPlace(Operation *op) {
  if (isa<memref::AllocOp>(op))
    return op->emitOpError("expected in a host function, which allocates what "
                           "kernels share; a kernel's arrays are arguments");
  if (isa<cf::AssertOp>(op))
    return op->emitOpError("expected in a host function, which checks sizes "
                           "before it launches kernels");
  if (isa<gpu::ClusterIdOp, gpu::ClusterDimOp, gpu::ClusterBlockIdOp,
          gpu::ClusterDimBlocksOp>(op))
    return op->emitOpError("expected gpu.block_id or gpu.grid_dim: blocks are "
                           "in clusters only where those divide the grid");
  return success();
}

namespace {
struct VerifyTarget : heddle::impl::VerifyTargetBase<VerifyTarget> {
  void runOnOperation() override {
    bool valid = true, validTiles = true;
    getOperation().walk([&](Operation *op) {
      if (auto dot = dyn_cast<tile::DotOp>(op)) {
        valid &= succeeded(verifyDot(dot));
        return;
      }
      valid &= succeeded(verifyPlace(op));
      // What follows from a tile that cannot be is not worth a message.
      validTiles = validTiles && succeeded(verifyTiles(op));
      valid &= validTiles && succeeded(verifyArithmetic(op));
    });
    if (!valid)
      signalPassFailure();
    markAllAnalysesPreserved();
  }
};
} // namespace
