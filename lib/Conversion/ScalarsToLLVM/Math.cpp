//===- Math.cpp - Elementary functions ------------------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Conversion/ScalarsToLLVM/Math.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Math/Transforms/Passes.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

#include "llvm/ADT/DenseSet.h"

#include <numbers>

using namespace mlir;
using namespace heddle;

static Value getConstant(OpBuilder &builder, Location loc, float value) {
  return arith::ConstantFloatOp::create(builder, loc, builder.getF32Type(),
                                        APFloat(value));
}

/// An approximation in hardware: `scale * f(x)` or `f(scale * x)`.
template <typename Op>
struct Approximation : OpRewritePattern<Op> {
  Approximation(MLIRContext *context, StringRef intrinsic, float before,
                float after)
      : OpRewritePattern<Op>(context, /*benefit=*/2), intrinsic(intrinsic),
        before(before), after(after) {}

  LogicalResult matchAndRewrite(Op op,
                                PatternRewriter &rewriter) const override {
    if (!op.getType().isF32())
      return failure();
    Location loc = op.getLoc();
    auto scale = [&](Value value, float factor) -> Value {
      if (factor == 1)
        return value;
      return arith::MulFOp::create(rewriter, loc, value,
                                   getConstant(rewriter, loc, factor));
    };
    Value x = scale(op.getOperand(), before);
    auto call = LLVM::CallIntrinsicOp::create(
        rewriter, loc, op.getType(), rewriter.getStringAttr(intrinsic), x);
    rewriter.replaceOp(op, scale(call.getResult(0), after));
    return success();
  }

private:
  StringRef intrinsic;
  float before, after;
};

/// A number between two others. The expansion in MLIR, as the text that
/// describes the operation, has the two the wrong way round.
struct Clamp : OpRewritePattern<math::ClampFOp> {
  explicit Clamp(MLIRContext *context)
      : OpRewritePattern(context, /*benefit=*/2) {}

  LogicalResult matchAndRewrite(math::ClampFOp op,
                                PatternRewriter &rewriter) const override {
    Value raised = arith::MaximumFOp::create(rewriter, op.getLoc(),
                                             op.getValue(), op.getMin());
    rewriter.replaceOpWithNewOp<arith::MinimumFOp>(op, raised, op.getMax());
    return success();
  }
};

/// Operations that PTX has, for f32 and smaller types through f32.
static bool isNative(Operation *op) {
  if (isa<math::AbsFOp, math::AbsIOp, math::CopySignOp, math::FmaOp,
          math::CountLeadingZerosOp, math::CountTrailingZerosOp, math::CtPopOp,
          math::IsFiniteOp, math::IsInfOp, math::IsNaNOp, math::IsNormalOp>(op))
    return true;
  return isa<math::SqrtOp, math::FloorOp, math::CeilOp, math::TruncOp,
             math::RoundOp, math::RoundEvenOp>(op);
}

/// Operations of one f32 that polynomials approximate.
static bool isPolynomial(StringRef name) {
  static const StringRef names[] = {
      math::ErfOp::getOperationName(),   math::ErfcOp::getOperationName(),
      math::AtanOp::getOperationName(),  math::Atan2Op::getOperationName(),
      math::SinOp::getOperationName(),   math::CosOp::getOperationName(),
      math::ExpM1Op::getOperationName(), math::Log1pOp::getOperationName(),
      math::AcosOp::getOperationName(),  math::AsinOp::getOperationName(),
      math::CbrtOp::getOperationName()};
  return llvm::is_contained(names, name);
}

/// Operations that f16 and bf16 go through f32 for.
static bool isComputedInF32(StringRef name) {
  static const StringRef names[] = {
      math::ExpOp::getOperationName(),       math::Exp2Op::getOperationName(),
      math::LogOp::getOperationName(),       math::Log2Op::getOperationName(),
      math::Log10Op::getOperationName(),     math::RsqrtOp::getOperationName(),
      math::SqrtOp::getOperationName(),      math::PowFOp::getOperationName(),
      math::FloorOp::getOperationName(),     math::CeilOp::getOperationName(),
      math::TruncOp::getOperationName(),     math::RoundOp::getOperationName(),
      math::RoundEvenOp::getOperationName(), math::SinhOp::getOperationName(),
      math::CoshOp::getOperationName(),      math::TanOp::getOperationName(),
      math::AsinhOp::getOperationName(),     math::AcoshOp::getOperationName(),
      math::AtanhOp::getOperationName()};
  return isPolynomial(name) || llvm::is_contained(names, name);
}

/// Expands `tanh`, and replaces the division in it by a product with a
/// reciprocal in hardware: the divisor is between 0.004 and 2, and a correctly
/// rounded division takes more instructions than all the rest.
static LogicalResult expandTanh(ModuleOp module) {
  SmallVector<Operation *> ops;
  llvm::DenseSet<Operation *> written;
  module.walk([&](Operation *op) {
    if (isa<math::TanhOp>(op))
      ops.push_back(op);
    else if (isa<arith::DivFOp>(op))
      written.insert(op);
  });
  if (ops.empty())
    return success();
  RewritePatternSet patterns(module.getContext());
  auto isTanh = [](StringRef name) {
    return name == math::TanhOp::getOperationName();
  };
  populateMathF32ExpansionPatterns(patterns, isTanh);
  populateMathPolynomialApproximationPatterns(patterns, isTanh);
  GreedyRewriteConfig config;
  config.setStrictness(GreedyRewriteStrictness::ExistingAndNewOps);
  if (failed(applyOpPatternsGreedily(ops, std::move(patterns), config)))
    return failure();
  module.walk([&](arith::DivFOp op) {
    if (written.contains(op))
      return;
    OpBuilder builder(op);
    Location loc = op.getLoc();
    auto reciprocal = LLVM::CallIntrinsicOp::create(
        builder, loc, op.getType(),
        builder.getStringAttr("llvm.nvvm.rcp.approx.ftz.f"), op.getRhs());
    op.replaceAllUsesWith(arith::MulFOp::create(builder, loc, op.getLhs(),
                                                reciprocal.getResult(0))
                              .getResult());
    op.erase();
  });
  return success();
}

LogicalResult heddle::expandMath(ModuleOp module) {
  if (failed(expandTanh(module)))
    return failure();
  SmallVector<Operation *> ops;
  module.walk([&](Operation *op) {
    if (isa_and_nonnull<math::MathDialect>(op->getDialect()))
      ops.push_back(op);
  });
  if (ops.empty())
    return success();

  MLIRContext *context = module.getContext();
  RewritePatternSet patterns(context);
  constexpr float log2e = std::numbers::log2e_v<float>;
  constexpr float ln2 = std::numbers::ln2_v<float>;
  constexpr StringLiteral exp2 = "llvm.nvvm.ex2.approx.ftz.f32";
  constexpr StringLiteral log2 = "llvm.nvvm.lg2.approx.f";
  patterns.add<Approximation<math::Exp2Op>>(context, exp2, 1.f, 1.f);
  patterns.add<Approximation<math::ExpOp>>(context, exp2, log2e, 1.f);
  patterns.add<Approximation<math::Log2Op>>(context, log2, 1.f, 1.f);
  patterns.add<Approximation<math::LogOp>>(context, log2, 1.f, ln2);
  patterns.add<Approximation<math::Log10Op>>(
      context, log2, 1.f, ln2 * std::numbers::log10e_v<float>);
  patterns.add<Approximation<math::RsqrtOp>>(
      context, "llvm.nvvm.rsqrt.approx.f", 1.f, 1.f);
  patterns.add<Clamp>(context);
  populateMathF32ExpansionPatterns(patterns, isComputedInF32);
  populateMathPolynomialApproximationPatterns(patterns, isPolynomial);
  math::populateExpansionPatterns(
      patterns,
      {"sinh", "cosh", "tan", "asinh", "acosh", "atanh", "fpowi", "powf"});
  GreedyRewriteConfig config;
  config.setStrictness(GreedyRewriteStrictness::ExistingAndNewOps);
  if (failed(applyOpPatternsGreedily(ops, std::move(patterns), config)))
    return failure();

  WalkResult result = module.walk([&](Operation *op) {
    if (!isa_and_nonnull<math::MathDialect>(op->getDialect()) || isNative(op))
      return WalkResult::advance();
    op->emitOpError("cannot compute ")
        << op->getResult(0).getType() << " on this target; f32 is supported "
        << "for most functions";
    return WalkResult::interrupt();
  });
  return failure(result.wasInterrupted());
}
