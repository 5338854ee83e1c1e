//===- MaskConditions.cpp - When a mask may be true -----------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Analysis/MaskConditions.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace heddle;
using Kind = MaskCondition::Kind;
using arith::CmpIPredicate;

static MaskCondition getKnown(bool holds) {
  MaskCondition condition;
  condition.kind = holds ? Kind::Always : Kind::Never;
  return condition;
}

/// Joins conditions of which one that is `absorbing` decides, and one that is
/// `neutral` adds nothing.
static MaskCondition joinParts(ArrayRef<MaskCondition> parts, Kind kind,
                               Kind neutral, Kind absorbing) {
  MaskCondition joined;
  joined.kind = kind;
  for (const MaskCondition &part : parts) {
    if (part.kind == absorbing)
      return part;
    if (part.kind != neutral)
      joined.parts.push_back(part);
  }
  if (joined.parts.size() == 1)
    return MaskCondition(joined.parts.front());
  return joined.parts.empty() ? getKnown(neutral == Kind::Always) : joined;
}

MaskCondition MaskCondition::all(ArrayRef<MaskCondition> parts) {
  return joinParts(parts, Kind::All, Kind::Always, Kind::Never);
}

MaskCondition MaskCondition::any(ArrayRef<MaskCondition> parts) {
  return joinParts(parts, Kind::Any, Kind::Never, Kind::Always);
}

/// The leaves of `sum`, also those in quotients.
static void addLeaves(const LinearSum &sum, SetVector<Value> &leaves) {
  for (const LinearSum::Term &term : sum.terms) {
    if (term.leaf)
      leaves.insert(term.leaf);
    else
      addLeaves(*term.dividend, leaves);
  }
}

Value heddle::emitIsExact(
    const MaskCondition &condition, scf::ForOp loop, SumEmitter &emitter,
    OpBuilder &builder, Location loc,
    function_ref<Value(const LinearSum &)> emitAtMostZero) {
  SetVector<Value> leaves;
  addLeaves(condition.sum, leaves);
  for (const LinearSum &sum : condition.nonNegative)
    addLeaves(sum, leaves);
  // What holds at the bounds of the loop holds in it, and need be tested once.
  if (leaves.remove(loop.getInductionVar())) {
    leaves.insert(loop.getLowerBound());
    leaves.insert(loop.getUpperBound());
  }
  Value exact;
  auto require = [&](Value holds) {
    exact =
        exact ? builder.createOrFold<arith::AndIOp>(loc, exact, holds) : holds;
  };
  for (Value leaf : leaves)
    if (!matchPattern(leaf, m_Zero()))
      require(emitter.emitFits(leaf, condition.leafBits));
  for (const LinearSum &sum : condition.nonNegative)
    require(emitAtMostZero(sum.times(-1)));
  return exact;
}

//===----------------------------------------------------------------------===//
// Comparisons
//===----------------------------------------------------------------------===//

/// What must hold for `sum <= 0` to hold, given that `range` is true.
static MaskCondition getAtMostZero(const LinearSum &sum,
                                   const TileRange &range) {
  std::optional<unsigned> bits = range.getLeafBits();
  if (!bits || !sum.isSmall() ||
      !llvm::all_of(range.nonNegative, std::mem_fn(&LinearSum::isSmall)))
    return getKnown(true);
  if (sum.terms.empty() && range.nonNegative.empty() && *bits >= 31)
    return getKnown(sum.constant <= 0);
  MaskCondition condition;
  condition.kind = Kind::AtMostZero;
  condition.sum = sum;
  condition.leafBits = *bits;
  condition.nonNegative = range.nonNegative;
  return condition;
}

/// The predicate for exchanged operands.
static CmpIPredicate exchange(CmpIPredicate predicate) {
  switch (predicate) {
  case CmpIPredicate::slt:
    return CmpIPredicate::sgt;
  case CmpIPredicate::sle:
    return CmpIPredicate::sge;
  case CmpIPredicate::sgt:
    return CmpIPredicate::slt;
  case CmpIPredicate::sge:
    return CmpIPredicate::sle;
  case CmpIPredicate::ult:
    return CmpIPredicate::ugt;
  case CmpIPredicate::ule:
    return CmpIPredicate::uge;
  case CmpIPredicate::ugt:
    return CmpIPredicate::ult;
  case CmpIPredicate::uge:
    return CmpIPredicate::ule;
  default:
    return predicate;
  }
}

/// What must hold for some x of one range and some y of another to compare so,
/// as signed numbers.
static MaskCondition compareRanges(CmpIPredicate predicate, const TileRange &x,
                                   const TileRange &y, TileRanges &ranges) {
  // x - y = floor(z / divisor).
  std::optional<TileRange> z = ranges.subtract(x, y);
  if (!z) {
    z = ranges.subtract(y, x);
    predicate = exchange(predicate);
  }
  if (!z)
    return getKnown(true);
  LinearSum above = z->low.plus(1 - z->divisor), below = z->high.times(-1);
  switch (predicate) {
  case CmpIPredicate::slt:
    return getAtMostZero(z->low.plus(1), *z);
  case CmpIPredicate::sle:
    return getAtMostZero(above, *z);
  case CmpIPredicate::sgt:
    return getAtMostZero(below.plus(z->divisor), *z);
  case CmpIPredicate::sge:
    return getAtMostZero(below, *z);
  case CmpIPredicate::eq:
    return MaskCondition::all(
        {getAtMostZero(above, *z), getAtMostZero(below, *z)});
  default:
    return getKnown(true);
  }
}

/// The same for unsigned numbers, if `y` would not be negative as a signed one:
/// x must then be in 0 to y, too.
static MaskCondition compareUnsigned(CmpIPredicate predicate, TileRange x,
                                     const TileRange &y, TileRanges &ranges) {
  x.nonNegative.push_back(y.low);
  TileRange zero;
  switch (predicate) {
  case CmpIPredicate::ult:
    return MaskCondition::all(
        {compareRanges(CmpIPredicate::sge, x, zero, ranges),
         compareRanges(CmpIPredicate::slt, x, y, ranges)});
  case CmpIPredicate::ule:
    return MaskCondition::all(
        {compareRanges(CmpIPredicate::sge, x, zero, ranges),
         compareRanges(CmpIPredicate::sle, x, y, ranges)});
  case CmpIPredicate::ugt:
    return MaskCondition::any(
        {compareRanges(CmpIPredicate::slt, x, zero, ranges),
         compareRanges(CmpIPredicate::sgt, x, y, ranges)});
  case CmpIPredicate::uge:
    return MaskCondition::any(
        {compareRanges(CmpIPredicate::slt, x, zero, ranges),
         compareRanges(CmpIPredicate::sge, x, y, ranges)});
  default:
    return getKnown(true);
  }
}

/// `value` before it was broadcast.
static Value stripBroadcasts(Value value) {
  while (isa_and_nonnull<tile::BroadcastOp, tile::TransposeOp>(
      value.getDefiningOp()))
    value = value.getDefiningOp()->getOperand(0);
  return value;
}

/// Whether the range of `value` has one number.
static bool isUniform(Value value) {
  value = stripBroadcasts(value);
  return !isa<RankedTensorType>(value.getType()) ||
         isa_and_nonnull<tensor::SplatOp, arith::ConstantOp>(
             value.getDefiningOp());
}

static MaskCondition compare(CmpIPredicate predicate, Value x, Value y,
                             TileRanges &ranges) {
  // The least of several is below y if any is, and above y if all are.
  bool isLess =
      predicate == CmpIPredicate::slt || predicate == CmpIPredicate::sle;
  bool isGreater =
      predicate == CmpIPredicate::sgt || predicate == CmpIPredicate::sge;
  if (isLess || isGreater) {
    for (bool left : {true, false}) {
      Operation *op = stripBroadcasts(left ? x : y).getDefiningOp();
      if (!isa_and_nonnull<arith::MinSIOp, arith::MaxSIOp>(op))
        continue;
      SmallVector<MaskCondition, 2> parts;
      for (Value operand : op->getOperands())
        parts.push_back(left ? compare(predicate, operand, y, ranges)
                             : compare(predicate, x, operand, ranges));
      bool isAny = isa<arith::MinSIOp>(op) == (isLess == left);
      return isAny ? MaskCondition::any(parts) : MaskCondition::all(parts);
    }
  }
  std::optional<TileRange> xRange = ranges.get(x), yRange = ranges.get(y);
  if (!xRange || !yRange)
    return getKnown(true);
  if (isLess || isGreater || predicate == CmpIPredicate::eq ||
      predicate == CmpIPredicate::ne)
    return compareRanges(predicate, *xRange, *yRange, ranges);
  if (isUniform(y) || !isUniform(x))
    return compareUnsigned(predicate, *xRange, *yRange, ranges);
  return compareUnsigned(exchange(predicate), *yRange, *xRange, ranges);
}

//===----------------------------------------------------------------------===//
// Masks
//===----------------------------------------------------------------------===//

MaskCondition heddle::getConditionOf(Value mask, bool wanted,
                                     TileRanges &ranges) {
  auto both = [&](Value x, bool xWanted, Value y, bool yWanted, bool isAll) {
    MaskCondition parts[] = {getConditionOf(x, xWanted, ranges),
                             getConditionOf(y, yWanted, ranges)};
    return isAll ? MaskCondition::all(parts) : MaskCondition::any(parts);
  };
  APInt constant;
  if (matchPattern(mask, m_ConstantInt(&constant)))
    return getKnown(constant.isOne() == wanted);
  if (!isa<RankedTensorType>(mask.getType()) && ranges.isAvailable(mask)) {
    MaskCondition condition;
    condition.kind = Kind::Flag;
    condition.flag = mask;
    condition.wanted = wanted;
    return condition;
  }

  Operation *op = mask.getDefiningOp();
  if (auto cmp = dyn_cast_or_null<arith::CmpIOp>(op)) {
    CmpIPredicate predicate = cmp.getPredicate();
    return compare(wanted ? predicate : arith::invertPredicate(predicate),
                   cmp.getLhs(), cmp.getRhs(), ranges);
  }
  if (isa_and_nonnull<tensor::SplatOp, tile::BroadcastOp, tile::TransposeOp>(
          op))
    return getConditionOf(op->getOperand(0), wanted, ranges);
  if (isa_and_nonnull<arith::AndIOp, arith::OrIOp>(op))
    return both(op->getOperand(0), wanted, op->getOperand(1), wanted,
                isa<arith::AndIOp>(op) == wanted);
  if (isa_and_nonnull<arith::XOrIOp>(op)) {
    Value x = op->getOperand(0), y = op->getOperand(1);
    return MaskCondition::any(
        {both(x, true, y, !wanted, true), both(x, false, y, wanted, true)});
  }
  if (auto select = dyn_cast_or_null<arith::SelectOp>(op)) {
    Value which = select.getCondition();
    return MaskCondition::any(
        {both(which, true, select.getTrueValue(), wanted, true),
         both(which, false, select.getFalseValue(), wanted, true)});
  }
  return getKnown(true);
}

MaskCondition heddle::getReplaces(arith::SelectOp select, scf::ForOp loop,
                                  bool &keepsTrue) {
  TileRanges ranges(loop, /*outside=*/false);
  keepsTrue = !matchPattern(select.getTrueValue(), m_Constant());
  return getConditionOf(select.getCondition(), !keepsTrue, ranges);
}
