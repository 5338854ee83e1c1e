//===- OverlapDots.cpp - Dots of two iterations run together --------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// In a loop whose second dot needs what was computed from the first, the
/// tensor cores wait while threads compute, and threads wait while they
/// multiply. This pass splits the loop into two stages and runs the second
/// stage of an iteration together with the first of the next:
///
///   first(0); for i = 1 .. n-1 { first(i); second(i-1) }; second(n-1)
///
/// What the first stage hands to the second is carried by the loop. The first
/// stage's dots come first in an iteration, then the second stage, then the
/// rest of the first: whoever makes products asynchronous can keep all of them
/// in flight while the rest is computed.
///
//===----------------------------------------------------------------------===//

#include "lib/Analysis/MaskConditions.h"
#include "lib/Transforms/Passes.h"
#include "lib/Transforms/Roles.h"
#include "lib/Transforms/ScheduleAttrs.h"
#include "lib/Transforms/Warpgroups.h"
#include "mlir/IR/IRMapping.h"

#include "llvm/ADT/SetVector.h"

namespace heddle {
#define GEN_PASS_DEF_OVERLAPDOTS
#include "lib/Transforms/Passes.h.inc"
} // namespace heddle

using namespace mlir;
using namespace heddle;

namespace {

/// Operations of a loop's body in the stages that they belong to.
class Stages {
public:
  explicit Stages(scf::ForOp loop)
      : loop(loop), body(loop.getBody()), yield(body->getTerminator()) {}

  /// Finds the stages. Fails if the loop has but one, or if its operations
  /// cannot be told apart; then `getObstacle` says why, if it is of interest.
  LogicalResult compute();
  StringRef getObstacle() const { return obstacle; }
  Operation *getCulprit() const { return culprit; }

  /// Registers per thread that sums and carried tiles take.
  int64_t getRegisters(int64_t threads) const;

  void rewrite();

private:
  LogicalResult fail(Operation *op, StringRef reason) {
    culprit = op;
    obstacle = reason;
    return failure();
  }
  /// Visits the operands of `op` and of what is nested in it that the loop's
  /// body defines, with the body's operation that defines each.
  void forEachOperand(Operation *op,
                      function_ref<void(Value, Operation *)> visit) const;
  bool isScalar(Operation *op) const;
  SmallVector<tile::DotOp> findLateDots();
  bool isLateResult(unsigned i) const;
  DenseSet<Value> getLateArguments();
  void addUsersOfLate();
  LogicalResult placeRings();
  void sinkIntoSecond();
  void findCarried();
  void findRescaled();

  bool isComputedWith(Value value) const;
  /// The operations of a stage with the scalars that it needs, in order.
  SmallVector<Operation *> withScalars(const DenseSet<Operation *> &stage,
                                       ValueRange also) const;
  SmallVector<Operation *> getFirst() const;
  void orderFirst(SmallVectorImpl<Operation *> &before,
                  SmallVectorImpl<Operation *> &after) const;

  scf::ForOp loop;
  Block *body;
  Operation *yield;
  StringRef obstacle;
  Operation *culprit = nullptr;
  SmallVector<tile::DotOp> dots;
  DenseSet<Operation *> second;
  /// What the second stage needs of the first of the same iteration.
  llvm::SetVector<Value> carried;
  /// A sum that the second stage goes on with, once it has computed with it.
  struct Rescaled {
    /// Which of the values that the loop carries.
    unsigned index;
    /// What the product is added to, and the operations that compute it, in
    /// order, from what is carried.
    Value sum;
    SmallVector<Operation *> ops;
  };
  SmallVector<Rescaled, 1> rescaled;
  /// Their operations, which belong to no stage.
  DenseSet<Operation *> rescaling;
};

} // namespace

void Stages::forEachOperand(
    Operation *op, function_ref<void(Value, Operation *)> visit) const {
  op->walk([&](Operation *nested) {
    for (Value operand : nested->getOperands())
      if (operand.getParentBlock() == body)
        visit(operand, operand.getDefiningOp());
  });
}

/// Scalars are computed again wherever a stage needs them; so is what branches
/// to find them.
bool Stages::isScalar(Operation *op) const {
  if (op->hasTrait<OpTrait::IsTerminator>() || op->getNumResults() == 0 ||
      llvm::any_of(op->getResultTypes(), llvm::IsaPred<ShapedType>) ||
      !(isMemoryEffectFree(op) || wouldOpBeTriviallyDead(op)))
    return false;
  WalkResult tiles = op->walk([](Operation *nested) {
    return WalkResult(failure(
        llvm::any_of(nested->getOperandTypes(), llvm::IsaPred<TensorType>) ||
        llvm::any_of(nested->getResultTypes(), llvm::IsaPred<TensorType>)));
  });
  return !tiles.wasInterrupted();
}

/// The dots that need the result of another one, but as the sum that they add
/// to, in the same iteration.
SmallVector<tile::DotOp> Stages::findLateDots() {
  DenseSet<Operation *> needsDot;
  SmallVector<tile::DotOp> late;
  for (Operation &op : *body) {
    auto dot = dyn_cast<tile::DotOp>(op);
    bool needs = false;
    forEachOperand(&op, [&](Value operand, Operation *def) {
      bool isSum = dot && operand == dot.getAcc() && operand != dot.getA() &&
                   operand != dot.getB() && isa_and_nonnull<tile::DotOp>(def);
      needs |=
          def && (needsDot.contains(def) || (isa<tile::DotOp>(def) && !isSum));
    });
    if (needs)
      needsDot.insert(&op);
    if (!dot)
      continue;
    dots.push_back(dot);
    if (needs)
      late.push_back(dot);
  }
  return late;
}

/// Whether the second stage computes value `i` that the loop carries.
bool Stages::isLateResult(unsigned i) const {
  Operation *def = yield->getOperand(i).getDefiningOp();
  return def && second.contains(def);
}

/// What the second stage carries around the loop.
DenseSet<Value> Stages::getLateArguments() {
  DenseSet<Value> late;
  for (auto [i, argument] : llvm::enumerate(loop.getRegionIterArgs()))
    if (isLateResult(i))
      late.insert(argument);
  return late;
}

/// What uses a result of the second stage, or a value that the second stage
/// carries around the loop, is of the second stage as well.
void Stages::addUsersOfLate() {
  for (bool changed = true; changed;) {
    changed = false;
    DenseSet<Value> lateArguments = getLateArguments();
    for (Operation &op : body->without_terminator()) {
      if (second.contains(&op))
        continue;
      bool isLate = false;
      forEachOperand(&op, [&](Value operand, Operation *def) {
        isLate |= def ? second.contains(def) : lateArguments.contains(operand);
      });
      if (isLate)
        changed |= second.insert(&op).second;
    }
  }
}

/// A ring is filled and emptied by the stage that uses its tiles.
LogicalResult Stages::placeRings() {
  DenseMap<Value, bool> isLate;
  for (auto get : body->getOps<aref::GetOp>()) {
    bool early = false, late = false;
    for (Value tile : get.getValues())
      for (Operation *user : tile.getUsers()) {
        Operation *op = body->findAncestorOpInBlock(*user);
        (op && second.contains(op) ? late : early) = true;
      }
    if (early && late)
      return fail(get, "the tile is needed by both stages");
    auto [it, isNew] = isLate.insert({get.getRing(), late});
    if (!isNew)
      return fail(get, "the ring is emptied twice in the loop");
    if (late)
      second.insert(get);
  }
  for (Operation &op : *body) {
    if (auto release = dyn_cast<aref::ReleaseOp>(op)) {
      auto it = isLate.find(release.getRing());
      if (it == isLate.end())
        return fail(&op, "the slot was borrowed outside of the loop");
      if (it->second)
        second.insert(&op);
    } else if (auto put = dyn_cast<aref::PutOp>(op)) {
      auto it = isLate.find(put.getRing());
      if (it == isLate.end())
        return fail(&op, "the ring is not emptied in the loop");
      if (!it->second)
        continue;
      second.insert(&op);
      for (Value tile : put.getValues())
        if (Operation *load = tile.getDefiningOp();
            load && load->getBlock() == body)
          second.insert(load);
    }
  }
  return success();
}

/// The size of `value` in registers, of which a Boolean takes a whole one.
static int64_t getBits(Value value) {
  auto tile = dyn_cast<RankedTensorType>(value.getType());
  if (!tile)
    return 0;
  Type element = tile.getElementType();
  int64_t bits = element.isIndex()      ? 64
                 : element.isInteger(1) ? 32
                                        : element.getIntOrFloatBitWidth();
  return tile.getNumElements() * bits;
}

/// Moves operations whose results only the second stage needs there, where that
/// makes what is carried no larger.
void Stages::sinkIntoSecond() {
  for (Operation &op : llvm::reverse(body->without_terminator())) {
    if (second.contains(&op) || isScalar(&op) || op.getNumRegions() != 0 ||
        !isMemoryEffectFree(&op) || isa<tile::DotOp>(op) || op.use_empty())
      continue;
    bool onlyLate = llvm::all_of(op.getUsers(), [&](Operation *user) {
      Operation *ancestor = body->findAncestorOpInBlock(*user);
      return ancestor && ancestor != yield && second.contains(ancestor);
    });
    if (!onlyLate)
      continue;
    int64_t results = 0, operands = 0;
    for (Value result : op.getResults())
      results += getBits(result);
    forEachOperand(
        &op, [&](Value operand, Operation *) { operands += getBits(operand); });
    if (operands <= results)
      second.insert(&op);
  }
}

void Stages::findCarried() {
  DenseSet<Value> lateArguments = getLateArguments();
  auto visit = [&](Value value, Operation *def, auto &self) -> void {
    if (def && (second.contains(def) || rescaling.contains(def)))
      return;
    if (def && isScalar(def)) {
      forEachOperand(def, [&](Value operand, Operation *inner) {
        self(operand, inner, self);
      });
      return;
    }
    if (!lateArguments.contains(value))
      carried.insert(value);
  };
  for (Operation &op : *body)
    if (second.contains(&op))
      forEachOperand(&op, [&](Value operand, Operation *def) {
        visit(operand, def, visit);
      });
}

/// Whether whole tiles branch around a mask of the loop.
static bool hasGuard(scf::ForOp loop) {
  return loop
      ->walk([&](arith::SelectOp select) {
        bool keepsTrue;
        if (!isa<RankedTensorType>(select.getCondition().getType()))
          return WalkResult::advance();
        MaskCondition replaces = getReplaces(select, loop, keepsTrue);
        return replaces.kind == MaskCondition::Kind::Always ||
                       replaces.kind == MaskCondition::Kind::Never
                   ? WalkResult::advance()
                   : WalkResult::interrupt();
      })
      .wasInterrupted();
}

/// Finds sums with which the second stage only computes what its product adds
/// to, from what the first stage has found out. The iteration that ends has all
/// of it, and may do so as soon as the sum is known. It does in loops that
/// branch while products are in flight: sums that go on as they are would have
/// to be copied there. Elsewhere products hide it.
void Stages::findRescaled() {
  if (!hasGuard(loop))
    return;
  for (auto [i, argument] : llvm::enumerate(loop.getRegionIterArgs())) {
    auto dot = yield->getOperand(i).getDefiningOp<tile::DotOp>();
    if (!dot || !second.contains(dot) || !dot->hasOneUse() ||
        dot.getAcc() == argument)
      continue;
    // From the product's sum back to what is carried.
    DenseSet<Operation *> slice;
    SmallVector<Value> worklist = {dot.getAcc()};
    bool isPure = true;
    while (isPure && !worklist.empty()) {
      Value value = worklist.pop_back_val();
      Operation *op = value.getDefiningOp();
      if (value == argument || carried.contains(value) ||
          value.getParentBlock() != body)
        continue;
      isPure = op && second.contains(op) && op->getNumRegions() == 0 &&
               isMemoryEffectFree(op) && !isa<tile::DotOp>(op);
      if (isPure && slice.insert(op).second)
        llvm::append_range(worklist, op->getOperands());
    }
    auto isInside = [&](Operation *user) {
      return slice.contains(user) || user == dot;
    };
    // What the product multiplies is not known any more once it is rescaled.
    auto isRescaled = [&](Value operand) {
      return operand == argument || (operand.getDefiningOp() &&
                                     slice.contains(operand.getDefiningOp()));
    };
    if (!isPure || slice.empty() ||
        !llvm::all_of(argument.getUsers(), isInside) ||
        llvm::any_of(dot->getOperands().take_front(2), isRescaled))
      continue;
    Rescaled found{unsigned(i), dot.getAcc(), {}};
    bool isPrivate = true;
    for (Operation &op : *body) {
      if (!slice.contains(&op))
        continue;
      found.ops.push_back(&op);
      isPrivate &= llvm::all_of(op.getUsers(), isInside);
    }
    if (isPrivate)
      rescaled.push_back(std::move(found));
  }
  for (const Rescaled &sum : rescaled)
    for (Operation *op : sum.ops) {
      second.erase(op);
      rescaling.insert(op);
    }
  if (rescaled.empty())
    return;
  carried.clear();
  findCarried();
}

LogicalResult Stages::compute() {
  SmallVector<tile::DotOp> late = findLateDots();
  if (late.empty())
    return failure();
  WalkResult nested = loop.walk([&](tile::DotOp dot) {
    return dot->getBlock() == body ? WalkResult::advance()
                                   : WalkResult::interrupt();
  });
  if (nested.wasInterrupted())
    return failure();
  second.insert(late.begin(), late.end());
  addUsersOfLate();
  if (failed(placeRings()))
    return failure();
  for (Operation &op : body->without_terminator()) {
    // Loads of what the loop does not write may take place at any time.
    bool isRing = isa<aref::PutOp, aref::GetOp, aref::ReleaseOp>(op);
    if (!isRing && !isa<tile::LoadOp>(op) && !isMemoryEffectFree(&op) &&
        !isScalar(&op))
      return fail(&op, "it has effects on memory");
    if (isScalar(&op) && second.contains(&op))
      return fail(&op, "it depends on the second stage");
  }
  if (llvm::all_of(dots, [&](tile::DotOp dot) { return second.contains(dot); }))
    return fail(late.front(),
                "the next iteration's first dot needs its result");
  // What the next iteration's first stage needs may not come out of the second.
  for (auto [argument, yielded] :
       llvm::zip(loop.getRegionIterArgs(), yield->getOperands()))
    if (auto other = dyn_cast<BlockArgument>(yielded);
        other && other.getOwner() == body && other != argument)
      return fail(yield, "it swaps the values that the loop carries");
  sinkIntoSecond();
  findCarried();
  findRescaled();
  return success();
}

int64_t Stages::getRegisters(int64_t threads) const {
  int64_t bits = 0;
  for (tile::DotOp dot : dots)
    bits += getBits(dot.getResult());
  for (Value value : carried)
    bits += getBits(value);
  return llvm::divideCeil(bits, 32 * threads);
}

SmallVector<Operation *> Stages::withScalars(const DenseSet<Operation *> &stage,
                                             ValueRange also) const {
  DenseSet<Operation *> needed(stage);
  SmallVector<Operation *> worklist(stage.begin(), stage.end());
  auto add = [&](Value, Operation *def) {
    if (def && isScalar(def) && needed.insert(def).second)
      worklist.push_back(def);
  };
  for (Value value : also)
    if (value.getParentBlock() == body)
      add(value, value.getDefiningOp());
  while (!worklist.empty())
    forEachOperand(worklist.pop_back_val(), add);
  SmallVector<Operation *> ordered;
  for (Operation &op : body->without_terminator())
    if (needed.contains(&op))
      ordered.push_back(&op);
  return ordered;
}

SmallVector<Operation *> Stages::getFirst() const {
  DenseSet<Operation *> first;
  for (Operation &op : body->without_terminator())
    if (!second.contains(&op) && !rescaling.contains(&op) && !isScalar(&op))
      first.insert(&op);
  SmallVector<Value> also(yield->getOperands());
  llvm::append_range(also, carried);
  return withScalars(first, also);
}

/// Splits the first stage into its dots, with what they and the producer need,
/// and the rest, in which conversions of what the second stage needs come last:
/// until then, the second stage's products read the registers that they
/// overwrite.
void Stages::orderFirst(SmallVectorImpl<Operation *> &before,
                        SmallVectorImpl<Operation *> &after) const {
  DenseSet<Operation *> early;
  SmallVector<Operation *> first = getFirst(), worklist;
  auto add = [&](Value, Operation *def) {
    if (def && early.insert(def).second)
      worklist.push_back(def);
  };
  for (Operation *op : first)
    if (isa<tile::DotOp, aref::GetOp, aref::PutOp>(op) ||
        hasRole(op, producerRole)) {
      early.insert(op);
      worklist.push_back(op);
    }
  while (!worklist.empty())
    forEachOperand(worklist.pop_back_val(), add);

  SmallVector<Operation *> last;
  for (Operation *op : first) {
    if (early.contains(op)) {
      before.push_back(op);
      continue;
    }
    bool onlyCarried = isMemoryEffectFree(op) && op->getNumResults() == 1 &&
                       carried.contains(op->getResult(0)) &&
                       llvm::all_of(op->getUsers(), [&](Operation *user) {
                         Operation *ancestor =
                             body->findAncestorOpInBlock(*user);
                         return ancestor && second.contains(ancestor);
                       });
    (onlyCarried ? last : after).push_back(op);
  }
  after.append(last);
}

/// Whether the second stage does more with `value` than to multiply it.
bool Stages::isComputedWith(Value value) const {
  return llvm::any_of(value.getUsers(), [&](Operation *user) {
    Operation *op = body->findAncestorOpInBlock(*user);
    return op && second.contains(op) && !isa<tile::DotOp>(user);
  });
}

static Value createPin(OpBuilder &builder, Value tile) {
  Type element = getElementTypeOrSelf(tile);
  if (!isa<RankedTensorType>(tile.getType()) ||
      !(element.isF32() || element.isInteger(32)))
    return tile;
  auto pin = aref::PinOp::create(builder, tile.getLoc(), tile.getType(), tile);
  setRole(pin, consumerRole);
  return pin;
}

void Stages::rewrite() {
  OpBuilder builder(loop);
  auto clone = [&](ArrayRef<Operation *> ops, IRMapping &mapping) {
    for (Operation *op : ops)
      builder.clone(*op, mapping);
  };
  Location loc = loop.getLoc();
  SmallVector<Operation *> before, after, late = withScalars(second, {});
  orderFirst(before, after);
  auto named = [&](StringRef name) {
    return NameLoc::get(builder.getStringAttr(name), loc);
  };
  unsigned numResults = loop.getNumResults();

  Value runs =
      arith::CmpIOp::create(builder, named("runs"),
                            loop.getUnsignedCmp() ? arith::CmpIPredicate::ult
                                                  : arith::CmpIPredicate::slt,
                            loop.getLowerBound(), loop.getUpperBound());
  auto branch = scf::IfOp::create(builder, loc, loop.getResultTypes(), runs,
                                  /*withElseRegion=*/true);

  // The first iteration's first stage.
  builder.setInsertionPointToStart(branch.thenBlock());
  IRMapping mapping;
  mapping.map(loop.getInductionVar(), loop.getLowerBound());
  for (auto [argument, init] :
       llvm::zip(loop.getRegionIterArgs(), loop.getInits()))
    mapping.map(argument, init);
  clone(before, mapping);
  clone(after, mapping);
  for (const Rescaled &sum : rescaled)
    clone(sum.ops, mapping);
  SmallVector<Value> inits;
  for (unsigned i = 0; i < numResults; ++i)
    inits.push_back(isLateResult(i)
                        ? loop.getInits()[i]
                        : mapping.lookupOrDefault(yield->getOperand(i)));
  for (const Rescaled &sum : rescaled)
    inits[sum.index] = mapping.lookup(sum.sum);
  for (Value value : carried)
    inits.push_back(mapping.lookupOrDefault(value));

  Value begin = arith::AddIOp::create(builder, named("second"),
                                      loop.getLowerBound(), loop.getStep());
  auto rotated =
      scf::ForOp::create(builder, loc, begin, loop.getUpperBound(),
                         loop.getStep(), inits, nullptr, loop.getUnsignedCmp());
  rotated->setDiscardableAttrs(loop->getDiscardableAttrDictionary());
  rotated.getInductionVar().setLoc(loop.getInductionVar().getLoc());
  auto mapLate = [&](IRMapping &mapping, ValueRange values) {
    for (unsigned i = 0; i < numResults; ++i)
      mapping.map(loop.getRegionIterArg(i), values[i]);
    for (auto [value, current] :
         llvm::zip(carried, values.drop_front(numResults)))
      mapping.map(value, current);
    for (const Rescaled &sum : rescaled)
      mapping.map(sum.sum, values[sum.index]);
  };

  builder.setInsertionPointToEnd(rotated.getBody());
  IRMapping early, last;
  early.map(loop.getInductionVar(), rotated.getInductionVar());
  for (unsigned i = 0; i < numResults; ++i) {
    early.map(loop.getRegionIterArg(i), rotated.getRegionIterArg(i));
    rotated.getRegionIterArg(i).setLoc(loop.getRegionIterArg(i).getLoc());
  }
  for (auto [i, value] : llvm::enumerate(carried))
    rotated.getRegionIterArg(numResults + i).setLoc(value.getLoc());
  mapLate(last, rotated.getRegionIterArgs());
  clone(before, early);
  // What the last iteration's second stage computes is hidden by the products
  // that were started above.
  for (auto [value, argument] :
       llvm::zip(carried, rotated.getRegionIterArgs().drop_front(numResults)))
    if (isComputedWith(value))
      last.map(value, createPin(builder, argument));
  clone(late, last);
  clone(after, early);
  SmallVector<Value> yields;
  for (unsigned i = 0; i < numResults; ++i)
    yields.push_back(
        (isLateResult(i) ? last : early).lookupOrDefault(yield->getOperand(i)));
  for (const Rescaled &sum : rescaled) {
    IRMapping next = early;
    next.map(loop.getRegionIterArg(sum.index), yields[sum.index]);
    clone(sum.ops, next);
    yields[sum.index] = next.lookup(sum.sum);
  }
  for (Value value : carried)
    yields.push_back(early.lookupOrDefault(value));
  scf::YieldOp::create(builder, yield->getLoc(), yields);

  // The last iteration's second stage.
  builder.setInsertionPointToEnd(branch.thenBlock());
  IRMapping drain;
  mapLate(drain, rotated.getResults());
  clone(late, drain);
  SmallVector<Value> results;
  for (unsigned i = 0; i < numResults; ++i)
    results.push_back(isLateResult(i)
                          ? drain.lookupOrDefault(yield->getOperand(i))
                          : rotated.getResult(i));
  scf::YieldOp::create(builder, yield->getLoc(), results);

  builder.setInsertionPointToEnd(branch.elseBlock());
  scf::YieldOp::create(builder, yield->getLoc(), loop.getInits());
  loop.replaceAllUsesWith(branch.getResults());
  loop.erase();
}

static void overlap(tile::KernelOp kernel, scf::ForOp loop) {
  auto request =
      findScheduleAttr<BoolAttr>(loop, tile::TileDialect::getOverlapAttrName());
  if (request && !request.getValue())
    return;
  // With a state, what runs ahead is the preparer's.
  if (llvm::any_of(*loop.getBody(),
                   [](Operation &op) { return hasRole(&op, preparerRole); }))
    return;
  // The fallback is slow anyway; one remark is enough.
  bool tma = usesTma(kernel);
  Stages stages(loop);
  if (failed(stages.compute())) {
    if (Operation *culprit = stages.getCulprit(); culprit && tma)
      culprit->emitRemark("keeps dots of two iterations from running at the "
                          "same time: ")
          << stages.getObstacle();
    return;
  }
  int64_t instances = 1;
  loop.walk([&](tile::DotOp dot) {
    instances = std::max(instances, getInstancesFor(dot.getM()));
  });
  int64_t limit =
      getRegisterShares(kernel, /*prepares=*/false, instances + 1).consumer;
  if (!limit)
    limit = maxRegisters;
  int64_t registers = stages.getRegisters(128 * instances);
  if (registers + otherRegisters > limit) {
    if (tma)
      loop.emitRemark("runs the dots of each iteration on their own: with the "
                      "next iteration's they would take ")
          << registers << " registers of every thread, which has " << limit
          << " and needs " << otherRegisters << " of them for other values";
    return;
  }
  stages.rewrite();
}

namespace {
struct OverlapDots : heddle::impl::OverlapDotsBase<OverlapDots> {
  void runOnOperation() override {
    SmallVector<scf::ForOp> loops;
    getOperation().getBody().walk([&](scf::ForOp loop) {
      if (!loop.getBody()->getOps<tile::DotOp>().empty())
        loops.push_back(loop);
    });
    for (scf::ForOp loop : loops)
      overlap(getOperation(), loop);
  }
};
} // namespace
