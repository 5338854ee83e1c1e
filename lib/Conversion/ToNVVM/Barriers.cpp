//===- Barriers.cpp - Shared memory pointers, mbarriers and fences -------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Analysis/SharedMemory.h"
#include "lib/Conversion/ToNVVM/Kernel.h"
#include "lib/Conversion/ToNVVM/Patterns.h"
#include "lib/Conversion/ToNVVM/SharedMemory.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"

using namespace mlir;
using namespace heddle;

//===----------------------------------------------------------------------===//
// Clusters
//===----------------------------------------------------------------------===//

Value heddle::getLaunchedClusterSize(OpBuilder &builder, Location loc) {
  return NVVM::ClusterDimBlocksXOp::create(builder, loc, builder.getI32Type());
}

//===----------------------------------------------------------------------===//
// Pointers
//===----------------------------------------------------------------------===//

Value heddle::getSharedAddress(OpBuilder &builder, Location loc,
                               Value pointer) {
  return LLVM::PtrToIntOp::create(builder, loc, builder.getI32Type(), pointer);
}

LLVM::GlobalOp heddle::getSharedMemory(ModuleOp module) {
  if (auto global = module.lookupSymbol<LLVM::GlobalOp>(sharedMemoryName))
    return global;
  OpBuilder builder = OpBuilder::atBlockBegin(module.getBody());
  auto type = LLVM::LLVMArrayType::get(builder.getI8Type(), 0);
  return LLVM::GlobalOp::create(builder, module.getLoc(), type,
                                /*isConstant=*/false, LLVM::Linkage::External,
                                sharedMemoryName, Attribute(),
                                /*alignment=*/1024, SharedSpace);
}

Value heddle::getSharedPointer(OpBuilder &builder, Location loc,
                               int64_t offset) {
  auto type = LLVM::LLVMPointerType::get(builder.getContext(), SharedSpace);
  Value base = LLVM::AddressOfOp::create(builder, loc, type, sharedMemoryName);
  return addBytes(builder, loc, base, offset);
}

Value heddle::getBarrierAddress(OpBuilder &builder, Location loc,
                                Value barriers, Value stage) {
  Value address = getSharedAddress(builder, loc, barriers);
  Value offset = arith::MulIOp::create(builder, loc, stage,
                                       getI32(builder, loc, mbarrierBytes));
  return arith::AddIOp::create(builder, loc, address, offset);
}

namespace {

/// `aref.alloc` and `aref.mbarriers` become addresses.
template <typename Op>
struct AddressPattern : OpConversionPattern<Op> {
  using OpConversionPattern<Op>::OpConversionPattern;

  LogicalResult
  matchAndRewrite(Op op, typename Op::Adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    if (!op.getOffset())
      return op.emitOpError("expected an offset in shared memory, which "
                            "allocate-shared gives it");
    rewriter.replaceOp(
        op, getSharedPointer(rewriter, op.getLoc(), *op.getOffset()));
    return success();
  }
};

struct StagePattern : OpConversionPattern<aref::StageOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(aref::StageOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Value index = adaptor.getIndex();
    if (index.getType().isIndex())
      index = arith::IndexCastOp::create(rewriter, loc, rewriter.getI32Type(),
                                         index);
    Value bytes = arith::MulIOp::create(
        rewriter, loc, index,
        getI32(rewriter, loc, getStageBytes(op.getSource().getType())));
    rewriter.replaceOp(op, addBytes(rewriter, loc, adaptor.getSource(), bytes));
    return success();
  }
};

struct RowsPattern : OpConversionPattern<aref::RowsOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(aref::RowsOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    int64_t pitch = getSharedLayout(op.getSource().getType()).getPitch();
    Value first = arith::IndexCastOp::create(
        rewriter, loc, rewriter.getI32Type(), adaptor.getFirst());
    Value bytes = arith::MulIOp::create(rewriter, loc, first,
                                        getI32(rewriter, loc, pitch));
    rewriter.replaceOp(op, addBytes(rewriter, loc, adaptor.getSource(), bytes));
    return success();
  }
};

struct ColumnsPattern : OpConversionPattern<aref::ColumnsOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(aref::ColumnsOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    SharedLayout layout = getSharedLayout(op.getSource().getType());
    Value first = arith::IndexCastOp::create(
        rewriter, loc, rewriter.getI32Type(), adaptor.getFirst());
    int64_t bytesEach = layout.getElementBytes();
    if (layout.getSwizzle() != 0) {
      first = arith::DivUIOp::create(
          rewriter, loc, first,
          getI32(rewriter, loc, layout.getPanelColumns()));
      bytesEach = layout.getPanelBytes();
    }
    Value bytes = arith::MulIOp::create(rewriter, loc, first,
                                        getI32(rewriter, loc, bytesEach));
    rewriter.replaceOp(op, addBytes(rewriter, loc, adaptor.getSource(), bytes));
    return success();
  }
};

//===----------------------------------------------------------------------===//
// Barriers
//===----------------------------------------------------------------------===//

struct AwaitPattern : OpConversionPattern<aref::AwaitOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(aref::AwaitOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Value address = getBarrierAddress(rewriter, loc, adaptor.getBarriers(),
                                      adaptor.getStage());
    // A label in braces is local, so copies of the loop do not clash.
    emitInlinePTX(rewriter, loc,
                  std::string("{\n\t"
                              ".reg .pred done;\n"
                              "again:\n\t"
                              "mbarrier.try_wait.parity.") +
                      (op.getCluster() ? "acquire.cluster." : "") +
                      "shared::cta.b64 done, [$0], $1;\n\t"
                      "@!done bra.uni again;\n\t"
                      "}",
                  "r,r", {address, adaptor.getParity()});
    rewriter.eraseOp(op);
    return success();
  }
};

struct ExpectPattern : OpConversionPattern<aref::ExpectOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(aref::ExpectOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Value address = getBarrierAddress(rewriter, loc, adaptor.getBarriers(),
                                      adaptor.getStage());
    emitInlinePTX(rewriter, loc,
                  "@$0 mbarrier.arrive.expect_tx.shared::cta.b64 _, [$1], " +
                      std::to_string(op.getBytes()) + ";",
                  "b,r", {getElected(rewriter, op), address});
    rewriter.eraseOp(op);
    return success();
  }
};

struct ArrivePattern : OpConversionPattern<aref::ArriveOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(aref::ArriveOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    if (op.getAsync())
      emitInlinePTX(rewriter, loc,
                    "cp.async.mbarrier.arrive.noinc.shared::cta.b64 [$0];", "r",
                    getBarrierAddress(rewriter, loc, adaptor.getBarriers(),
                                      adaptor.getStage()));
    if (op.getSync())
      emitInlinePTX(rewriter, loc, "bar.warp.sync 0xffffffff;", "", {});
    Value zero = getI32(rewriter, loc, 0);
    Value held = arith::CmpIOp::create(rewriter, loc, arith::CmpIPredicate::sge,
                                       adaptor.getStage(), zero);
    Value address = getBarrierAddress(rewriter, loc, adaptor.getBarriers(),
                                      adaptor.getStage());
    if (op.getCluster()) {
      // A lane per block. What it needs to know is read anew, as registers are
      // short where slots are released.
      emitInlinePTX(rewriter, loc,
                    "{\n\t"
                    ".reg .pred arrives;\n\t"
                    ".reg .b32 rank, size, remote;\n\t"
                    "mov.u32 rank, %laneid;\n\t"
                    "mov.u32 size, %cluster_nctarank;\n\t"
                    "setp.lt.and.u32 arrives, rank, size, $0;\n\t"
                    "@arrives mapa.shared::cluster.u32 remote, $1, rank;\n\t"
                    "@arrives mbarrier.arrive.release.cluster"
                    ".shared::cluster.b64 _, [remote];\n\t"
                    "}",
                    "b,r", {held, address});
      rewriter.eraseOp(op);
      return success();
    }
    Value elected = arith::CmpIOp::create(
        rewriter, loc, arith::CmpIPredicate::eq, getLane(rewriter, op), zero);
    Value arrives = arith::AndIOp::create(rewriter, loc, elected, held);
    emitInlinePTX(rewriter, loc, "@$0 mbarrier.arrive.shared::cta.b64 _, [$1];",
                  "b,r", {arrives, address});
    rewriter.eraseOp(op);
    return success();
  }
};

struct SyncPattern : OpConversionPattern<aref::SyncOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(aref::SyncOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    emitBarrier(rewriter, op.getLoc(), op);
    rewriter.eraseOp(op);
    return success();
  }
};

struct CheckPattern : OpConversionPattern<aref::CheckOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(aref::CheckOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    emitCheck(rewriter, op.getLoc(), adaptor.getCondition(), op.getMessage());
    rewriter.eraseOp(op);
    return success();
  }
};

/// Passing the turn on arrives at the barrier at which the next instance waits.
template <typename OpT>
struct TurnPattern : OpConversionPattern<OpT> {
  using OpConversionPattern<OpT>::OpConversionPattern;

  LogicalResult
  matchAndRewrite(OpT op, typename OpT::Adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    auto role = op->template getParentOfType<aref::RoleOp>();
    if (!role)
      return op.emitOpError("expected a role around it");
    BlockPlan plan(op->template getParentOfType<tile::KernelOp>());
    int64_t firstTurn = plan.getRole(role).firstTurn;
    Value instance = arith::IndexCastOp::create(
        rewriter, loc, rewriter.getI32Type(), role.getInstance());
    bool passes = std::is_same_v<OpT, aref::PassTurnOp>;
    if (passes) {
      Value isLast = arith::CmpIOp::create(
          rewriter, loc, arith::CmpIPredicate::eq, instance,
          getI32(rewriter, loc, role.getInstances() - 1));
      Value next = arith::AddIOp::create(rewriter, loc, instance,
                                         getI32(rewriter, loc, 1));
      instance = arith::SelectOp::create(rewriter, loc, isLast,
                                         getI32(rewriter, loc, 0), next);
    }
    Value barrier = arith::AddIOp::create(rewriter, loc, instance,
                                          getI32(rewriter, loc, firstTurn));
    emitInlinePTX(
        rewriter, loc,
        (passes ? "barrier.cta.arrive $0, " : "barrier.cta.sync $0, ") +
            std::to_string(2 * 32 * role.getWarps()) + ";",
        "r", barrier);
    rewriter.eraseOp(op);
    return success();
  }
};

struct FenceAsyncPattern : OpConversionPattern<aref::FenceAsyncOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(aref::FenceAsyncOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    emitInlinePTX(rewriter, op.getLoc(), "fence.proxy.async.shared::cta;", "",
                  {});
    rewriter.eraseOp(op);
    return success();
  }
};

} // namespace

void heddle::populateBarrierPatterns(const TypeConverter &converter,
                                     RewritePatternSet &patterns) {
  patterns.add<AddressPattern<aref::AllocOp>, AddressPattern<aref::MbarriersOp>,
               StagePattern, RowsPattern, ColumnsPattern, AwaitPattern,
               ExpectPattern, ArrivePattern, SyncPattern,
               TurnPattern<aref::TakeTurnOp>, TurnPattern<aref::PassTurnOp>,
               CheckPattern, FenceAsyncPattern>(converter,
                                                patterns.getContext());
}
