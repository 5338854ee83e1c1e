//===- Elementwise.cpp - Arithmetic on tiles -----------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Conversion/ToNVVM/Tiles.h"

using namespace mlir;
using namespace heddle;

static bool isFloat8(Type type) {
  return isa<FloatType>(type) && type.getIntOrFloatBitWidth() == 8;
}

/// The name of an 8-bit float in PTX; empty if PTX has none.
static StringRef getFloat8Name(Type type) {
  return isa<Float8E4M3FNType>(type) ? "e4m3"
         : isa<Float8E5M2Type>(type) ? "e5m2"
                                     : "";
}

/// Emits PTX that only computes.
static Value emitPure(OpBuilder &builder, Location loc, const Twine &text,
                      StringRef constraints, ValueRange operands, Type result) {
  return LLVM::InlineAsmOp::create(
             builder, loc, TypeRange(result), operands,
             builder.getStringAttr(text), builder.getStringAttr(constraints),
             /*has_side_effects=*/nullptr,
             /*is_align_stack=*/nullptr, LLVM::TailCallKindAttr(),
             /*asm_dialect=*/nullptr, /*operand_attrs=*/nullptr)
      .getResult(0);
}

/// Rounds f32 to 8-bit floats, two at a time, as the hardware does: to nearest
/// even, and to the largest finite value beyond it. Four fill a register, in
/// one statement: LLVM would carry them around loops in several.
static SmallVector<Value> truncateToFloat8(OpBuilder &builder, Location loc,
                                           StringRef name, ValueRange wide) {
  Type i8 = builder.getI8Type(), i16 = builder.getI16Type();
  std::string convert = ("cvt.rn.satfinite." + name + "x2.f32 ").str();
  SmallVector<Value> results;
  while (wide.size() >= 4) {
    Value word = emitPure(
        builder, loc,
        "{\n\t.reg .b16 low, high;\n\t" + convert + "low, $2, $1;\n\t" +
            convert + "high, $4, $3;\n\tmov.b32 $0, {low, high};\n\t}",
        "=r,f,f,f,f", wide.take_front(4), builder.getI32Type());
    llvm::append_range(results, unpackRegisters(builder, loc, word, i8));
    wide = wide.drop_front(4);
  }
  for (size_t i = 0; i < wide.size(); i += 2) {
    Value low = wide[i], high = i + 1 < wide.size() ? wide[i + 1] : low;
    Value pair = emitPure(builder, loc, convert + "$0, $1, $2;", "=h,f,f",
                          {high, low}, i16);
    results.push_back(arith::TruncIOp::create(builder, loc, i8, pair));
    if (i + 1 == wide.size())
      break;
    Value eight = arith::ConstantIntOp::create(builder, loc, 8, 16);
    Value shifted = arith::ShRUIOp::create(builder, loc, pair, eight);
    results.push_back(arith::TruncIOp::create(builder, loc, i8, shifted));
  }
  return results;
}

namespace {

/// Any elementwise operation: one of it per register, on scalars.
struct ElementwisePattern : ConversionPattern {
  ElementwisePattern(const TypeConverter &converter, MLIRContext *context)
      : ConversionPattern(converter, MatchAnyOpTypeTag(), /*benefit=*/1,
                          context) {}

  LogicalResult
  matchAndRewrite(Operation *op, ArrayRef<ValueRange> operands,
                  ConversionPatternRewriter &rewriter) const override {
    if (!op->hasTrait<OpTrait::Elementwise>() || op->getNumResults() != 1)
      return failure();
    auto type = dyn_cast<RankedTensorType>(op->getResult(0).getType());
    if (!type)
      return failure();
    // Moving bits around is all that a GPU can do with 8-bit floats.
    auto isNarrow = [](Type type) {
      return isFloat8(getElementTypeOrSelf(type));
    };
    if ((llvm::any_of(op->getOperandTypes(), isNarrow) || isNarrow(type)) &&
        !isa<arith::SelectOp, arith::BitcastOp>(op))
      return rewriter.notifyMatchFailure(op, "no arithmetic on 8-bit floats");

    Type scalarType = getScalarTypeOfTile(type);
    SmallVector<Value> results;
    for (int64_t reg = 0, count = getTileLayout(type).getNumRegisters();
         reg != count; ++reg) {
      SmallVector<Value> scalars;
      for (auto [operand, values] : llvm::zip(op->getOperands(), operands)) {
        bool isTile = isa<RankedTensorType>(operand.getType());
        if (isTile && int64_t(values.size()) != count)
          return rewriter.notifyMatchFailure(op, "expected equal layouts");
        scalars.push_back(isTile ? values[reg] : values.front());
      }
      if (isa<arith::BitcastOp>(op) && scalars[0].getType() == scalarType) {
        results.push_back(scalars[0]);
        continue;
      }
      OperationState state(op->getLoc(), op->getName(), scalars, scalarType,
                           op->getAttrs());
      results.push_back(rewriter.create(state)->getResult(0));
    }
    rewriter.replaceOpWithMultiple(op, {results});
    return success();
  }
};

/// The name of two 16-bit floats of this type in one register, in PTX; empty
/// for other types.
StringRef getPairName(Type element) {
  return element.isBF16() ? "bf16x2" : element.isF16() ? "f16x2" : "";
}

/// Computes with 16-bit floats two at a time. LLVM would do so one by one, each
/// in a register of its own.
template <typename OpT>
struct ComputePairsPattern : OpConversionPattern<OpT> {
  ComputePairsPattern(const TypeConverter &converter, MLIRContext *context,
                      StringRef instruction)
      : OpConversionPattern<OpT>(converter, context, /*benefit=*/2),
        instruction(instruction) {}

  LogicalResult
  matchAndRewrite(OpT op,
                  typename OpConversionPattern<OpT>::OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Type element = getElementTypeOrSelf(op.getType());
    StringRef name = getPairName(element);
    ValueRange left = adaptor.getLhs();
    ValueRange right = adaptor.getRhs();
    if (name.empty() || left.size() != right.size() || left.size() % 2 != 0)
      return failure();
    Location loc = op.getLoc();
    std::string text = (instruction + name + " $0, $1, $2;").str();
    SmallVector<Value> pairs;
    for (auto [a, b] : llvm::zip(packRegisters(rewriter, loc, left),
                                 packRegisters(rewriter, loc, right)))
      pairs.push_back(emitPure(rewriter, loc, text, "=r,r,r", {a, b},
                               rewriter.getI32Type()));
    rewriter.replaceOpWithMultiple(
        op, {unpackRegisters(rewriter, loc, pairs, element)});
    return success();
  }

private:
  StringRef instruction;
};

/// Rounds f32 to 16-bit floats that are computed with, or stored or multiplied
/// and widened again later: two at a time, into one register. LLVM would keep
/// one in each.
struct TruncatePairsPattern : OpConversionPattern<arith::TruncFOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(arith::TruncFOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Type to = getElementTypeOrSelf(op.getType());
    StringRef name = getPairName(to);
    ValueRange wide = adaptor.getIn();
    bool isComputedWith = llvm::any_of(
        op->getUsers(),
        llvm::IsaPred<arith::AddFOp, arith::SubFOp, arith::MulFOp>);
    bool isWidenedLater =
        !op->hasOneUse() &&
        llvm::any_of(op->getUsers(), llvm::IsaPred<arith::ExtFOp>);
    if (!getElementTypeOrSelf(op.getIn().getType()).isF32() || name.empty() ||
        wide.size() % 2 != 0 || !(isComputedWith || isWidenedLater))
      return failure();
    Location loc = op.getLoc();
    SmallVector<Value> pairs;
    for (size_t i = 0; i < wide.size(); i += 2)
      pairs.push_back(emitPure(rewriter, loc,
                               "cvt.rn." + name + ".f32 $0, $1, $2;", "=r,f,f",
                               {wide[i + 1], wide[i]}, rewriter.getI32Type()));
    rewriter.replaceOpWithMultiple(op,
                                   {unpackRegisters(rewriter, loc, pairs, to)});
    return success();
  }
};

/// Widens bf16 of such pairs, wherever they are in them: its bits are the upper
/// ones of an f32.
struct ExtendPairsPattern : OpConversionPattern<arith::ExtFOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(arith::ExtFOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    if (!getElementTypeOrSelf(op.getIn().getType()).isBF16() ||
        !getElementTypeOrSelf(op.getType()).isF32())
      return failure();
    // Each element's pair, and whether it is the upper half.
    SmallVector<std::pair<Value, bool>> halves;
    for (Value half : adaptor.getIn()) {
      auto extract = half.getDefiningOp<LLVM::ExtractElementOp>();
      auto cast = extract ? extract.getVector().getDefiningOp<LLVM::BitcastOp>()
                          : LLVM::BitcastOp();
      std::optional<int64_t> position =
          extract ? getConstantIntValue(extract.getPosition()) : std::nullopt;
      if (!cast || !position ||
          !cast.getArg().getDefiningOp<LLVM::InlineAsmOp>())
        return failure();
      halves.emplace_back(cast.getArg(), *position == 1);
    }
    Location loc = op.getLoc();
    Value sixteen = arith::ConstantIntOp::create(rewriter, loc, 16, 32);
    Value mask = arith::ConstantIntOp::create(rewriter, loc, -65536, 32);
    SmallVector<Value> results;
    for (auto [pair, isUpper] : halves) {
      Value bits =
          isUpper ? arith::AndIOp::create(rewriter, loc, pair, mask).getResult()
                  : arith::ShLIOp::create(rewriter, loc, pair, sixteen);
      results.push_back(
          arith::BitcastOp::create(rewriter, loc, rewriter.getF32Type(), bits));
    }
    rewriter.replaceOpWithMultiple(op, {results});
    return success();
  }
};

struct TruncateToFloat8Pattern : OpConversionPattern<arith::TruncFOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(arith::TruncFOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    StringRef name = getFloat8Name(getElementTypeOrSelf(op.getType()));
    Type from = getElementTypeOrSelf(op.getIn().getType());
    if (name.empty() || from.getIntOrFloatBitWidth() > 32)
      return failure();
    Location loc = op.getLoc();
    SmallVector<Value> wide;
    for (Value value : adaptor.getIn()) {
      wide.push_back(from.isF32()
                         ? value
                         : arith::ExtFOp::create(rewriter, loc,
                                                 rewriter.getF32Type(), value));
    }
    rewriter.replaceOpWithMultiple(
        op, {truncateToFloat8(rewriter, loc, name, wide)});
    return success();
  }
};

/// Widens 8-bit floats, two at a time, through f16, which holds them all.
struct ExtendFromFloat8Pattern : OpConversionPattern<arith::ExtFOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(arith::ExtFOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    StringRef name = getFloat8Name(getElementTypeOrSelf(op.getIn().getType()));
    Type to = getElementTypeOrSelf(op.getType());
    if (name.empty())
      return failure();
    Location loc = op.getLoc();
    Type i16 = rewriter.getI16Type(), i32 = rewriter.getI32Type();
    auto widen = [&](Value bits) {
      Value half =
          arith::BitcastOp::create(rewriter, loc, rewriter.getF16Type(), bits);
      if (to.isF16())
        return half;
      Value single =
          arith::ExtFOp::create(rewriter, loc, rewriter.getF32Type(), half);
      if (to.isF32())
        return single;
      if (to.isF64())
        return Value(arith::ExtFOp::create(rewriter, loc, to, single));
      return Value(arith::TruncFOp::create(rewriter, loc, to, single));
    };
    SmallVector<Value> results;
    ValueRange in = adaptor.getIn();
    for (size_t i = 0; i < in.size(); i += 2) {
      Value pair = arith::ExtUIOp::create(rewriter, loc, i16, in[i]);
      if (i + 1 < in.size()) {
        Value eight = arith::ConstantIntOp::create(rewriter, loc, 8, 16);
        Value high = arith::ExtUIOp::create(rewriter, loc, i16, in[i + 1]);
        high = arith::ShLIOp::create(rewriter, loc, high, eight);
        pair = arith::OrIOp::create(rewriter, loc, pair, high);
      }
      Value halves =
          emitPure(rewriter, loc, "cvt.rn.f16x2." + name + "x2 $0, $1;", "=r,h",
                   pair, i32);
      results.push_back(
          widen(arith::TruncIOp::create(rewriter, loc, i16, halves)));
      if (i + 1 == in.size())
        break;
      Value sixteen = arith::ConstantIntOp::create(rewriter, loc, 16, 32);
      Value high = arith::ShRUIOp::create(rewriter, loc, halves, sixteen);
      results.push_back(
          widen(arith::TruncIOp::create(rewriter, loc, i16, high)));
    }
    rewriter.replaceOpWithMultiple(op, {results});
    return success();
  }
};

struct RoundTF32Pattern : OpConversionPattern<aref::RoundTF32Op> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(aref::RoundTF32Op op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    SmallVector<Value> results;
    for (Value value : adaptor.getX()) {
      Value bits = NVVM::ConvertFloatToTF32Op::create(
          rewriter, loc, rewriter.getI32Type(), value,
          NVVM::FPRoundingMode::RN);
      results.push_back(
          arith::BitcastOp::create(rewriter, loc, rewriter.getF32Type(), bits));
    }
    rewriter.replaceOpWithMultiple(op, {results});
    return success();
  }
};

/// An asm statement without instructions: nothing moves across it.
struct PinPattern : OpConversionPattern<aref::PinOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(aref::PinOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Type type = adaptor.getX().front().getType();
    unsigned bits = type.getIntOrFloatBitWidth();
    if (bits > 32 || adaptor.getX().size() * bits % 32 != 0)
      return op.emitOpError("expected elements that fill registers of 32 bits, "
                            "found ")
             << op.getType();
    SmallVector<Value> registers = packRegisters(rewriter, loc, adaptor.getX());
    for (Value &reg : registers)
      reg = emitInlinePTX(rewriter, loc, "// pinned", "=r,0", reg,
                          rewriter.getI32Type());
    rewriter.replaceOpWithMultiple(
        op, {unpackRegisters(rewriter, loc, registers, type)});
    return success();
  }
};

/// Makes 8-bit floats of integers through f32, which rounds no integer that
/// they do not round to infinity or their largest number. Nobody writes this,
/// but simplification joins two conversions that somebody wrote.
template <typename OpT>
struct IntegerToFloat8Pattern : OpConversionPattern<OpT> {
  using OpConversionPattern<OpT>::OpConversionPattern;

  LogicalResult
  matchAndRewrite(OpT op,
                  typename OpConversionPattern<OpT>::OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    StringRef name = getFloat8Name(getElementTypeOrSelf(op.getType()));
    if (name.empty())
      return failure();
    SmallVector<Value> wide;
    for (Value value : adaptor.getIn())
      wide.push_back(
          OpT::create(rewriter, op.getLoc(), rewriter.getF32Type(), value));
    rewriter.replaceOpWithMultiple(
        op, {truncateToFloat8(rewriter, op.getLoc(), name, wide)});
    return success();
  }
};

} // namespace

void heddle::populateElementwisePatterns(const TypeConverter &converter,
                                         RewritePatternSet &patterns) {
  MLIRContext *context = patterns.getContext();
  patterns.add<ElementwisePattern>(converter, context);
  patterns.add<ExtendFromFloat8Pattern, TruncateToFloat8Pattern,
               TruncatePairsPattern, ExtendPairsPattern, PinPattern,
               RoundTF32Pattern, IntegerToFloat8Pattern<arith::SIToFPOp>,
               IntegerToFloat8Pattern<arith::UIToFPOp>>(converter, context,
                                                        /*benefit=*/2);
  patterns.add<ComputePairsPattern<arith::AddFOp>>(converter, context,
                                                   "add.rn.");
  patterns.add<ComputePairsPattern<arith::SubFOp>>(converter, context,
                                                   "sub.rn.");
  patterns.add<ComputePairsPattern<arith::MulFOp>>(converter, context,
                                                   "mul.rn.");
}
