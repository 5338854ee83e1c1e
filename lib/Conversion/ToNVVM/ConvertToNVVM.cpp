//===- ConvertToNVVM.cpp - Kernels as what one thread does ----------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Conversion/Passes.h"
#include "lib/Conversion/ToNVVM/Kernel.h"
#include "lib/Conversion/ToNVVM/Patterns.h"
#include "lib/Conversion/ToNVVM/SharedMemory.h"
#include "lib/Conversion/ToNVVM/Tiles.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/SCF/Transforms/Patterns.h"

namespace heddle {
#define GEN_PASS_DEF_CONVERTTONVVM
#include "lib/Conversion/Passes.h.inc"
} // namespace heddle

using namespace mlir;
using namespace heddle;

namespace {

/// A special register per dimension, which counts from zero.
template <typename Op, typename X, typename Y, typename Z>
struct SpecialRegisterPattern : OpConversionPattern<Op> {
  using OpConversionPattern<Op>::OpConversionPattern;

  LogicalResult
  matchAndRewrite(Op op, typename Op::Adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Type i32 = rewriter.getI32Type();
    Value value;
    switch (op.getDimension()) {
    case gpu::Dimension::x:
      value = X::create(rewriter, loc, i32);
      break;
    case gpu::Dimension::y:
      value = Y::create(rewriter, loc, i32);
      break;
    case gpu::Dimension::z:
      value = Z::create(rewriter, loc, i32);
      break;
    }
    rewriter.replaceOpWithNewOp<arith::IndexCastUIOp>(op, op.getType(), value);
    return success();
  }
};

/// Whether the order in which blocks store matters to a sum.
bool addsFloatsToMemory(tile::KernelOp kernel) {
  auto isSum = [](std::optional<tile::ReduceKind> kind, Type element) {
    return kind == tile::ReduceKind::Add && isa<FloatType>(element);
  };
  return kernel
      .walk([&](Operation *op) {
        auto store = dyn_cast<tile::StoreOp>(op);
        auto copy = dyn_cast<aref::CopyOutOp>(op);
        bool found =
            (store && isSum(store.getReduce(),
                            store.getValue().getType().getElementType())) ||
            (copy && isSum(copy.getReduce(),
                           copy.getBuffer().getType().getElementType()));
        return found ? WalkResult::interrupt() : WalkResult::advance();
      })
      .wasInterrupted();
}

struct ConvertToNVVM : heddle::impl::ConvertToNVVMBase<ConvertToNVVM> {
  void runOnOperation() override;
};

} // namespace

void ConvertToNVVM::runOnOperation() {
  MLIRContext *context = &getContext();
  ScalarTypeConverter converter(context);
  RewritePatternSet patterns(context);
  ConversionTarget target(*context);
  target.addLegalDialect<LLVM::LLVMDialect, NVVM::NVVMDialect,
                         cf::ControlFlowDialect>();
  target.addLegalOp<tile::KernelOp, tile::ReturnOp, aref::RoleOp,
                    UnrealizedConversionCastOp>();
  target.addIllegalDialect<memref::MemRefDialect, tensor::TensorDialect,
                           gpu::GPUDialect>();
  target.markUnknownOpDynamicallyLegal([&](Operation *op) {
    if (isa<tile::TileDialect, aref::ArefDialect>(op->getDialect()))
      return false;
    return converter.isLegal(op);
  });
  scf::populateSCFStructuralTypeConversionsAndLegality(converter, patterns,
                                                       target);
  populateTilePatterns(converter, patterns);
  populateBarrierPatterns(converter, patterns);
  populateTmaPatterns(converter, patterns);
  populateWgmmaPatterns(converter, patterns);
  populateViewPatterns(converter, patterns);
  patterns.add<SpecialRegisterPattern<gpu::BlockIdOp, NVVM::BlockIdXOp,
                                      NVVM::BlockIdYOp, NVVM::BlockIdZOp>,
               SpecialRegisterPattern<gpu::GridDimOp, NVVM::GridDimXOp,
                                      NVVM::GridDimYOp, NVVM::GridDimZOp>,
               SpecialRegisterPattern<gpu::ClusterIdOp, NVVM::ClusterIdXOp,
                                      NVVM::ClusterIdYOp, NVVM::ClusterIdZOp>,
               SpecialRegisterPattern<gpu::ClusterDimOp, NVVM::ClusterDimXOp,
                                      NVVM::ClusterDimYOp, NVVM::ClusterDimZOp>,
               SpecialRegisterPattern<
                   gpu::ClusterBlockIdOp, NVVM::BlockInClusterIdXOp,
                   NVVM::BlockInClusterIdYOp, NVVM::BlockInClusterIdZOp>,
               SpecialRegisterPattern<
                   gpu::ClusterDimBlocksOp, NVVM::ClusterDimBlocksXOp,
                   NVVM::ClusterDimBlocksYOp, NVVM::ClusterDimBlocksZOp>>(
      converter, context);
  FrozenRewritePatternSet frozen(std::move(patterns));

  SmallVector<tile::KernelOp> kernels(getOperation().getOps<tile::KernelOp>());
  if (!kernels.empty())
    getSharedMemory(getOperation());
  for (tile::KernelOp kernel : kernels) {
    if (failed(assignTensorMaps(kernel)))
      return signalPassFailure();
    if (addsFloatsToMemory(kernel))
      kernel->setAttr(aref::ArefDialect::getUnorderedAttrName(),
                      UnitAttr::get(context));
  }
  for (tile::KernelOp kernel : kernels) {
    initializeBarriers(kernel);
    markDetachedWaits(kernel);
    holdOperands(kernel);
    markRecomputations(kernel);
    if (failed(applyPartialConversion(kernel, target, frozen)))
      return signalPassFailure();
    carryWords(kernel);
    if (failed(flattenKernel(kernel)))
      return signalPassFailure();
  }
}
