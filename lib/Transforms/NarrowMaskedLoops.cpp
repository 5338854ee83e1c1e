//===- NarrowMaskedLoops.cpp - Skip what is masked ------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Analysis/IdleIterations.h"
#include "lib/Analysis/MaskConditions.h"
#include "lib/Transforms/Passes.h"

#include "llvm/Support/MathExtras.h"

namespace heddle {
#define GEN_PASS_DEF_NARROWMASKEDLOOPS
#include "lib/Transforms/Passes.h.inc"
} // namespace heddle

using namespace mlir;
using namespace heddle;
using Kind = MaskCondition::Kind;

/// Beyond every bound of a loop that sums are compared with.
static constexpr int64_t veryLarge = int64_t(1) << 62;

namespace {

/// Values of an induction variable, both ends included. An end that is null is
/// that of the loop.
struct Hull {
  Value first, last;

  bool isWhole() const { return !first && !last; }
};

/// Narrows one loop.
class Narrower {
public:
  explicit Narrower(scf::ForOp loop)
      : loop(loop), builder(loop), emitter(builder, loop.getLoc(), loop) {}

  void run();

private:
  /// The values of the induction variable for which `condition` may hold.
  Hull getHull(const MaskCondition &condition);
  Hull getHull(const LinearSum &sum);
  Hull intersect(const Hull &x, const Hull &y);
  Hull unite(const Hull &x, const Hull &y);
  /// Nothing, unless `holds`.
  Hull getIf(Value holds);
  /// The sum where it is greatest in the loop.
  LinearSum getGreatest(const LinearSum &sum);
  void setBounds(const Hull &hull);

  template <typename OpT>
  Value emit(Value x, Value y) {
    return builder.createOrFold<OpT>(loop.getLoc(), x, y);
  }
  Value compare(arith::CmpIPredicate predicate, Value x, Value y) {
    return builder.createOrFold<arith::CmpIOp>(loop.getLoc(), predicate, x, y);
  }
  Value select(Value which, Value x, Value y) {
    return builder.createOrFold<arith::SelectOp>(loop.getLoc(), which, x, y);
  }

  scf::ForOp loop;
  OpBuilder builder;
  SumEmitter emitter;
};

} // namespace

//===----------------------------------------------------------------------===//
// Intervals
//===----------------------------------------------------------------------===//

Hull Narrower::getIf(Value holds) {
  return {Value(), select(holds, emitter.emitConstant(veryLarge),
                          emitter.emitConstant(-veryLarge))};
}

Hull Narrower::intersect(const Hull &x, const Hull &y) {
  Hull both = x;
  if (!x.first || !y.first)
    both.first = x.first ? x.first : y.first;
  else
    both.first = emit<arith::MaxSIOp>(x.first, y.first);
  if (!x.last || !y.last)
    both.last = x.last ? x.last : y.last;
  else
    both.last = emit<arith::MinSIOp>(x.last, y.last);
  return both;
}

Hull Narrower::unite(const Hull &x, const Hull &y) {
  if (x.isWhole() || y.isWhole())
    return {};
  // Of hulls that are open at the same end, only the other end counts.
  if (!x.first && !y.first)
    return {Value(), emit<arith::MaxSIOp>(x.last, y.last)};
  if (!x.last && !y.last)
    return {emit<arith::MinSIOp>(x.first, y.first), Value()};
  // One that is empty does not count, wherever its ends are.
  auto fill = [&](Hull hull) {
    Value low = emitter.emitConstant(-veryLarge);
    Value high = emitter.emitConstant(veryLarge);
    hull.first = hull.first ? hull.first : low;
    hull.last = hull.last ? hull.last : high;
    Value isEmpty = compare(arith::CmpIPredicate::sgt, hull.first, hull.last);
    return Hull{select(isEmpty, high, hull.first),
                select(isEmpty, low, hull.last)};
  };
  Hull filledX = fill(x), filledY = fill(y);
  return {emit<arith::MinSIOp>(filledX.first, filledY.first),
          emit<arith::MaxSIOp>(filledX.last, filledY.last)};
}

LinearSum Narrower::getGreatest(const LinearSum &sum) {
  Value iv = loop.getInductionVar();
  int64_t factor = sum.getFactor(iv);
  LinearSum greatest = sum.plus(LinearSum::ofLeaf(iv), -factor);
  if (factor > 0)
    greatest.add(LinearSum::ofLeaf(loop.getUpperBound()).plus(-1), factor);
  else if (factor < 0)
    greatest.add(LinearSum::ofLeaf(loop.getLowerBound()), factor);
  return greatest;
}

Hull Narrower::getHull(const LinearSum &sum) {
  Value iv = loop.getInductionVar();
  int64_t factor = sum.getFactor(iv);
  if (sum.dividesBy(iv))
    return {};
  LinearSum rest = sum.plus(LinearSum::ofLeaf(iv), -factor);
  if (factor == 0)
    return getIf(emitter.emitAtMostZero(rest));
  if (!llvm::isPowerOf2_64(std::abs(factor)))
    return {};
  // factor * iv <= -rest, or -rest / |factor| rounded up is at most iv.
  Value shift = emitter.emitConstant(llvm::Log2_64(std::abs(factor)));
  Value end = emit<arith::ShRSIOp>(
      emitter.emit(factor > 0 ? rest.times(-1)
                              : rest.plus(std::abs(factor) - 1)),
      shift);
  return factor > 0 ? Hull{Value(), end} : Hull{end, Value()};
}

Hull Narrower::getHull(const MaskCondition &condition) {
  switch (condition.kind) {
  case Kind::Always:
    return {};
  case Kind::Never:
    return {Value(), emitter.emitConstant(-veryLarge)};
  case Kind::Flag: {
    Value flag = emitter.emitFlag(condition.flag);
    if (!condition.wanted) {
      Value yes = arith::ConstantIntOp::create(builder, loop.getLoc(), 1, 1);
      flag = emit<arith::XOrIOp>(flag, yes);
    }
    return getIf(flag);
  }
  case Kind::AtMostZero: {
    Hull hull = getHull(condition.sum);
    if (hull.isWhole())
      return hull;
    if (Value exact =
            emitIsExact(condition, loop, emitter, builder, loop.getLoc(),
                        [&](const LinearSum &sum) {
                          return emitter.emitAtMostZero(getGreatest(sum));
                        })) {
      if (hull.first)
        hull.first =
            select(exact, hull.first, emitter.emitConstant(-veryLarge));
      if (hull.last)
        hull.last = select(exact, hull.last, emitter.emitConstant(veryLarge));
    }
    return hull;
  }
  case Kind::All: {
    Hull hull;
    for (const MaskCondition &part : condition.parts)
      hull = intersect(hull, getHull(part));
    return hull;
  }
  case Kind::Any: {
    Hull hull = getHull(condition.parts.front());
    for (const MaskCondition &part : llvm::drop_begin(condition.parts))
      hull = unite(hull, getHull(part));
    return hull;
  }
  }
  return {};
}

//===----------------------------------------------------------------------===//
// The loop
//===----------------------------------------------------------------------===//

void Narrower::setBounds(const Hull &hull) {
  Value lower = loop.getLowerBound(), upper = loop.getUpperBound();
  Value step = loop.getStep();
  auto name = [&](Value value, StringRef text) {
    if (Operation *op = value.getDefiningOp())
      op->setLoc(NameLoc::get(builder.getStringAttr(text), loop.getLoc()));
    return value;
  };
  if (hull.last) {
    // Ends are far from overflowing, unless the loop's own are not.
    Value after = emit<arith::AddIOp>(hull.last, emitter.emitConstant(1));
    loop.setUpperBound(name(emit<arith::MinSIOp>(upper, after), "end"));
  }
  if (hull.first) {
    // Whole steps, and not beyond the end.
    Value one = emitter.emitConstant(1);
    Value first =
        emit<arith::MaxSIOp>(emit<arith::MinSIOp>(hull.first, upper), lower);
    Value skipped = emit<arith::SubIOp>(first, lower);
    Value steps = emit<arith::DivUIOp>(
        emit<arith::AddIOp>(skipped, emit<arith::SubIOp>(step, one)), step);
    Value moved = emit<arith::MulIOp>(steps, step);
    loop.setLowerBound(name(emit<arith::AddIOp>(lower, moved), "begin"));
  }
}

void Narrower::run() {
  if (!loop.getInductionVar().getType().isIndex() || loop.getUnsignedCmp())
    return;
  std::vector<MaskCondition> conditions;
  DenseSet<Value> seen;
  TileRanges ranges(loop, /*outside=*/true);
  for (auto select : loop.getBody()->getOps<arith::SelectOp>()) {
    Value mask = select.getCondition();
    if (!isa<RankedTensorType>(mask.getType()) || !seen.insert(mask).second)
      continue;
    for (bool masked : {false, true}) {
      MaskCondition condition = getConditionOf(mask, !masked, ranges);
      if (condition.kind != Kind::Always && isIdleIteration(loop, mask, masked))
        conditions.push_back(std::move(condition));
    }
  }
  if (conditions.empty())
    return;
  Hull hull = getHull(MaskCondition::all(conditions));
  if (!hull.isWhole())
    setBounds(hull);
}

namespace {
struct NarrowMaskedLoops
    : heddle::impl::NarrowMaskedLoopsBase<NarrowMaskedLoops> {
  void runOnOperation() override {
    getOperation()->walk([](scf::ForOp loop) { Narrower(loop).run(); });
  }
};
} // namespace
