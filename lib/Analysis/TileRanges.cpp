//===- TileRanges.cpp - What integers a tile may hold ---------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Analysis/TileRanges.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "llvm/Support/CheckedArithmetic.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace heddle;

/// Constants and factors stay below this, so that 64 bits hold every sum.
static constexpr int64_t maxConstant = int64_t(1) << 58;
static constexpr int64_t maxFactor = int64_t(1) << 18;

//===----------------------------------------------------------------------===//
// LinearSum
//===----------------------------------------------------------------------===//

/// Arithmetic that stays at the limits once it gets there; `isSmall` and
/// `getLeafBits` refuse what did.
static int64_t addSaturated(int64_t x, int64_t y) {
  return llvm::checkedAdd(x, y).value_or(x < 0 ? INT64_MIN : INT64_MAX);
}
static int64_t mulSaturated(int64_t x, int64_t y) {
  return llvm::checkedMul(x, y).value_or((x < 0) == (y < 0) ? INT64_MAX
                                                            : INT64_MIN);
}

LinearSum LinearSum::ofLeaf(Value leaf) {
  LinearSum sum;
  sum.terms.push_back({1, leaf, nullptr, 1});
  return sum;
}

LinearSum LinearSum::ofQuotient(const LinearSum &sum, int64_t divisor) {
  if (divisor == 1)
    return sum;
  if (sum.terms.empty())
    return LinearSum(llvm::divideFloorSigned(sum.constant, divisor));
  LinearSum quotient;
  quotient.terms.push_back(
      {1, Value(), std::make_shared<const LinearSum>(sum), divisor});
  return quotient;
}

void LinearSum::add(const LinearSum &other, int64_t factor) {
  constant = addSaturated(constant, mulSaturated(other.constant, factor));
  for (const Term &term : other.terms) {
    int64_t added = mulSaturated(term.factor, factor);
    auto *same = llvm::find_if(terms, [&](const Term &own) {
      return own.leaf && own.leaf == term.leaf;
    });
    if (same == terms.end()) {
      terms.push_back(term);
      terms.back().factor = added;
    } else {
      same->factor = addSaturated(same->factor, added);
    }
  }
  llvm::erase_if(terms, [](const Term &term) { return term.factor == 0; });
}

int64_t LinearSum::getFactor(Value leaf) const {
  for (const Term &term : terms)
    if (term.leaf == leaf)
      return term.factor;
  return 0;
}

bool LinearSum::dividesBy(Value leaf) const {
  return llvm::any_of(terms, [&](const Term &term) {
    return term.dividend && (term.dividend->getFactor(leaf) != 0 ||
                             term.dividend->dividesBy(leaf));
  });
}

bool LinearSum::isSmall() const {
  int64_t factors = 0;
  for (const Term &term : terms) {
    if (term.dividend && !term.dividend->isSmall())
      return false;
    if (term.factor < -maxFactor || term.factor > maxFactor)
      return false;
    factors += std::abs(term.factor);
  }
  return factors <= maxFactor && constant >= -maxConstant &&
         constant <= maxConstant;
}

//===----------------------------------------------------------------------===//
// TileRange
//===----------------------------------------------------------------------===//

std::optional<unsigned> TileRange::getLeafBits() const {
  // The largest sum in the narrowest type on the way.
  int64_t limit = width >= 60 ? maxConstant : (int64_t(1) << (width - 1)) - 1;
  if (constantWeight < 0 || constantWeight > limit || leafWeight < 0)
    return std::nullopt;
  if (leafWeight == 0)
    return maxLeafBits;
  uint64_t most = uint64_t(limit - constantWeight) / leafWeight;
  // Below, sizes of some thousand would not fit.
  constexpr unsigned fewest = 12;
  if (most < (uint64_t(1) << fewest))
    return std::nullopt;
  return std::min(maxLeafBits, llvm::Log2_64(most));
}

/// What makes ranges of both operands true.
static TileRange join(const TileRange &x, const TileRange &y) {
  TileRange range;
  range.width = std::min(x.width, y.width);
  range.leafWeight = addSaturated(x.leafWeight, y.leafWeight);
  range.constantWeight = addSaturated(x.constantWeight, y.constantWeight);
  range.nonNegative = x.nonNegative;
  range.nonNegative.append(y.nonNegative.begin(), y.nonNegative.end());
  return range;
}

static TileRange getConstantRange(int64_t low, int64_t high) {
  TileRange range;
  range.low = low;
  range.high = high;
  range.constantWeight =
      low == INT64_MIN ? INT64_MAX : std::max(std::abs(low), std::abs(high));
  return range;
}

/// The same range without a division, unless the division depends on `loop`.
static std::optional<TileRange> divide(TileRange range, scf::ForOp loop) {
  if (range.divisor == 1)
    return range;
  if (loop && (range.low.getFactor(loop.getInductionVar()) != 0 ||
               range.high.getFactor(loop.getInductionVar()) != 0))
    return std::nullopt;
  range.low = LinearSum::ofQuotient(range.low, range.divisor);
  range.high = LinearSum::ofQuotient(range.high, range.divisor);
  range.divisor = 1;
  return range;
}

static std::optional<TileRange> addRanges(TileRange x, TileRange y,
                                          scf::ForOp loop) {
  // floor(x / d) + y = floor((x + d y) / d).
  if (x.divisor != 1 && y.divisor != 1) {
    if (std::optional<TileRange> divided = divide(y, loop))
      y = *divided;
    else if ((divided = divide(x, loop)))
      x = *divided;
    else
      return std::nullopt;
  }
  if (y.divisor != 1)
    std::swap(x, y);
  TileRange sum = join(x, y);
  sum.divisor = x.divisor;
  sum.low = x.low.plus(y.low, x.divisor);
  sum.high = x.high.plus(y.high, x.divisor);
  return sum;
}

/// `range` times a constant.
static std::optional<TileRange> scale(const TileRange &range, int64_t factor,
                                      scf::ForOp loop) {
  TileRange result = range;
  if (std::optional<TileRange> divided = divide(range, loop)) {
    result.low = divided->low.times(factor);
    result.high = divided->high.times(factor);
    result.divisor = 1;
  } else if (factor == range.divisor) {
    // The multiple of `factor` at or below x.
    result.low = range.low.plus(LinearSum(1 - factor));
    result.divisor = 1;
  } else {
    return std::nullopt;
  }
  if (factor < 0)
    std::swap(result.low, result.high);
  int64_t magnitude = factor == INT64_MIN ? INT64_MAX : std::abs(factor);
  result.leafWeight = mulSaturated(range.leafWeight, magnitude);
  result.constantWeight = mulSaturated(range.constantWeight, magnitude);
  return result;
}

//===----------------------------------------------------------------------===//
// TileRanges
//===----------------------------------------------------------------------===//

bool heddle::isAvailableBefore(scf::ForOp loop, Value value) {
  if (loop.isDefinedOutsideOfLoop(value))
    return true;
  Operation *op = value.getDefiningOp();
  return op && op->getNumRegions() == 0 && isMemoryEffectFree(op) &&
         isSpeculatable(op) &&
         llvm::all_of(op->getOperands(), [&](Value operand) {
           return isAvailableBefore(loop, operand);
         });
}

bool TileRanges::dependsOnLoop(Value value) {
  if (!loop || loop.isDefinedOutsideOfLoop(value))
    return false;
  Operation *op = value.getDefiningOp();
  return !op || llvm::any_of(op->getOperands(), [&](Value operand) {
    return dependsOnLoop(operand);
  });
}

bool TileRanges::isAvailable(Value scalar) const {
  return !outside || isAvailableBefore(loop, scalar);
}

std::optional<TileRange> TileRanges::getLeaf(Value value) {
  if (!(loop && value == loop.getInductionVar()) && !isAvailable(value))
    return std::nullopt;
  TileRange range;
  range.low = range.high = LinearSum::ofLeaf(value);
  range.leafWeight = 1;
  return range;
}

/// The constant that all elements of `value` are.
static std::optional<int64_t> getConstant(Value value) {
  APInt constant;
  if (!matchPattern(value, m_ConstantInt(&constant)) ||
      constant.getSignificantBits() > 62)
    return std::nullopt;
  return constant.getSExtValue();
}

std::optional<TileRange> TileRanges::get(Value value) {
  Type element = getElementTypeOrSelf(value);
  if (!element.isIntOrIndex() || element.isInteger(1))
    return std::nullopt;
  std::optional<TileRange> range;
  if (std::optional<int64_t> constant = getConstant(value)) {
    range = getConstantRange(*constant, *constant);
  } else {
    Operation *op = value.getDefiningOp();
    bool isTile = isa<RankedTensorType>(value.getType());
    if (op && (isTile || dependsOnLoop(value)))
      range = compute(op);
    if (!range && !isTile)
      range = getLeaf(value);
  }
  if (range && !element.isIndex())
    range->width = std::min(range->width, element.getIntOrFloatBitWidth());
  return range;
}

std::optional<TileRange> TileRanges::subtract(const TileRange &x,
                                              const TileRange &y) {
  std::optional<TileRange> negated = scale(y, -1, getTracked());
  return negated ? addRanges(x, *negated, getTracked()) : std::nullopt;
}

std::optional<TileRange> TileRanges::compute(Operation *op) {
  scf::ForOp tracked = getTracked();
  if (auto iota = dyn_cast<tile::IotaOp>(op))
    return getConstantRange(0, iota.getType().getDimSize(iota.getAxis()) - 1);
  if (isa<tensor::SplatOp, tile::BroadcastOp, tile::TransposeOp, arith::ExtSIOp,
          arith::TruncIOp, arith::IndexCastOp>(op))
    return get(op->getOperand(0));
  if (isa<arith::ExtUIOp, arith::IndexCastUIOp>(op)) {
    std::optional<TileRange> range = get(op->getOperand(0));
    if (range)
      range->nonNegative.push_back(range->low);
    return range;
  }
  if (op->getNumOperands() != 2)
    return std::nullopt;

  // `x & (2^n - 1)` is bounded whatever x is.
  std::optional<int64_t> constant = getConstant(op->getOperand(1));
  if (isa<arith::AndIOp>(op))
    return constant && *constant >= 0
               ? std::optional(getConstantRange(0, *constant))
               : std::nullopt;
  std::optional<TileRange> x = get(op->getOperand(0));
  if (!x)
    return std::nullopt;
  if (isa<arith::RemSIOp, arith::RemUIOp>(op)) {
    if (!constant || *constant <= 0)
      return std::nullopt;
    TileRange range = getConstantRange(0, *constant - 1);
    range.width = x->width;
    range.leafWeight = x->leafWeight;
    range.constantWeight = std::max(range.constantWeight, x->constantWeight);
    range.nonNegative = x->nonNegative;
    range.nonNegative.push_back(x->low);
    return range;
  }
  if (isa<arith::DivSIOp, arith::DivUIOp, arith::FloorDivSIOp, arith::ShRSIOp,
          arith::ShRUIOp>(op)) {
    bool isShift = isa<arith::ShRSIOp, arith::ShRUIOp>(op);
    if (!constant || *constant < (isShift ? 0 : 1) ||
        *constant > (isShift ? 16 : maxFactor))
      return std::nullopt;
    int64_t divisor = isShift ? int64_t(1) << *constant : *constant;
    x->divisor = mulSaturated(x->divisor, divisor);
    // Otherwise, divisions round towards zero.
    if (!isa<arith::FloorDivSIOp, arith::ShRSIOp>(op))
      x->nonNegative.push_back(x->low);
    return x->divisor <= maxFactor ? x : std::nullopt;
  }
  if (isa<arith::ShLIOp>(op))
    return constant && *constant >= 0 && *constant <= 16
               ? scale(*x, int64_t(1) << *constant, tracked)
               : std::nullopt;
  std::optional<TileRange> y = get(op->getOperand(1));
  if (!y)
    return std::nullopt;
  if (isa<arith::AddIOp>(op))
    return addRanges(*x, *y, tracked);
  if (isa<arith::SubIOp>(op))
    return subtract(*x, *y);
  if (isa<arith::MulIOp>(op)) {
    if (constant)
      return scale(*x, *constant, tracked);
    if (std::optional<int64_t> factor = getConstant(op->getOperand(0)))
      return scale(*y, *factor, tracked);
  }
  return std::nullopt;
}

//===----------------------------------------------------------------------===//
// SumEmitter
//===----------------------------------------------------------------------===//

Value SumEmitter::getOutside(Value value) {
  if (!loop || loop.isDefinedOutsideOfLoop(value))
    return value;
  if (Value known = clones.lookup(value))
    return known;
  IRMapping mapping;
  Operation *op = value.getDefiningOp();
  for (Value operand : op->getOperands())
    mapping.map(operand, getOutside(operand));
  Operation *clone = builder.clone(*op, mapping);
  for (auto [from, to] : llvm::zip(op->getResults(), clone->getResults()))
    clones[from] = to;
  return clones[value];
}

Value SumEmitter::getIndex(Value value) {
  value = getOutside(value);
  if (value.getType().isIndex())
    return value;
  return builder.createOrFold<arith::IndexCastOp>(loc, builder.getIndexType(),
                                                  value);
}

Value SumEmitter::emitConstant(int64_t value) {
  return arith::ConstantIndexOp::create(builder, loc, value);
}

Value SumEmitter::emit(const LinearSum &sum) {
  Value result;
  for (const LinearSum::Term &term : sum.terms) {
    Value value;
    if (term.leaf) {
      value = getIndex(term.leaf);
    } else {
      value = emit(*term.dividend);
      value = llvm::isPowerOf2_64(term.divisor)
                  ? builder.createOrFold<arith::ShRSIOp>(
                        loc, value, emitConstant(llvm::Log2_64(term.divisor)))
                  : builder.createOrFold<arith::FloorDivSIOp>(
                        loc, value, emitConstant(term.divisor));
    }
    if (result && term.factor == -1) {
      result = builder.createOrFold<arith::SubIOp>(loc, result, value);
      continue;
    }
    if (term.factor != 1)
      value = builder.createOrFold<arith::MulIOp>(loc, value,
                                                  emitConstant(term.factor));
    result = result ? builder.createOrFold<arith::AddIOp>(loc, result, value)
                    : value;
  }
  if (!result)
    return emitConstant(sum.constant);
  if (sum.constant == 0)
    return result;
  return builder.createOrFold<arith::AddIOp>(loc, result,
                                             emitConstant(sum.constant));
}

Value SumEmitter::emitFits(Value leaf, unsigned bits) {
  int64_t limit = int64_t(1) << bits;
  Value moved = builder.createOrFold<arith::AddIOp>(loc, getIndex(leaf),
                                                    emitConstant(limit));
  return builder.createOrFold<arith::CmpIOp>(loc, arith::CmpIPredicate::ult,
                                             moved, emitConstant(2 * limit));
}

Value SumEmitter::emitAtMostZero(const LinearSum &sum, Value leaf) {
  LinearSum left, right;
  for (const LinearSum::Term &term : sum.terms) {
    LinearSum single;
    single.terms.push_back(term);
    if (leaf ? term.leaf == leaf : term.factor > 0)
      left.add(single);
    else
      right.add(single, -1);
  }
  right.add(LinearSum(sum.constant), -1);
  return builder.createOrFold<arith::CmpIOp>(loc, arith::CmpIPredicate::sle,
                                             emit(left), emit(right));
}
