//===- RunAhead.cpp - What a state does not reach gets a role -------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Transforms/OperandLoads.h"
#include "lib/Transforms/Passes.h"
#include "lib/Transforms/Roles.h"
#include "lib/Transforms/ScheduleAttrs.h"

#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/SmallBitVector.h"

namespace heddle {
#define GEN_PASS_DEF_RUNAHEAD
#include "lib/Transforms/Passes.h.inc"
} // namespace heddle

using namespace mlir;
using namespace heddle;

namespace {

/// Finds what of one loop's body can run ahead of its state.
class Splitter {
public:
  Splitter(scf::ForOp loop, bool anything)
      : loop(loop), body(loop.getBody()), anything(anything) {}

  /// Decides, without changing anything. Null if the loop has no state, or
  /// nothing is worth running ahead; else what is in the way, or `loop`.
  Operation *plan();
  StringRef getReason() const { return reason; }
  void apply();

private:
  void findState();
  bool isMovable(Operation *op, const DenseSet<Operation *> &movable,
                 OperandLoads &loads) const;
  bool isThere(Value value, OperandLoads &loads);
  bool findWork();
  Operation *findHandovers();
  Operation *fail(Operation *op, StringRef why) {
    reason = why;
    return op;
  }
  bool isConsumersUse(OpOperand &use) const;

  scf::ForOp loop;
  Block *body;
  /// Whether anything may be handed over.
  bool anything;
  StringRef reason;
  /// Values that depend on the state, within the body.
  DenseSet<Value> late;
  /// What runs ahead, in order.
  llvm::SetVector<Operation *> early;
  /// What of it is worth running ahead, or computed from such.
  DenseSet<Operation *> work;
  /// What of it the consumer computes, too, in order from the last.
  llvm::SetVector<Operation *> both;
};

bool isTile(Value value) { return isa<RankedTensorType>(value.getType()); }

/// The values of `body` that depend on `source`.
DenseSet<Value> getDependents(Value source, Block *body) {
  DenseSet<Value> dependents = {source};
  for (Operation &op : body->without_terminator()) {
    bool depends = false;
    op.walk([&](Operation *nested) {
      depends |= llvm::any_of(nested->getOperands(), [&](Value operand) {
        return dependents.contains(operand);
      });
    });
    if (depends)
      dependents.insert(op.result_begin(), op.result_end());
  }
  return dependents;
}

/// A state is a tile that the body computes anew, by products, from what it
/// was, and that products read as an operand, or something that depends on it.
void Splitter::findState() {
  unsigned count = loop.getNumRegionIterArgs();
  SmallVector<DenseSet<Value>> dependents;
  SmallVector<llvm::SmallBitVector> reaches;
  for (Value argument : loop.getRegionIterArgs()) {
    dependents.push_back(getDependents(argument, body));
    llvm::SmallBitVector &reached = reaches.emplace_back(count);
    for (auto [i, yielded] : llvm::enumerate(loop.getYieldedValues()))
      if (dependents.back().contains(yielded))
        reached.set(i);
  }
  for (unsigned via = 0; via < count; ++via)
    for (llvm::SmallBitVector &reached : reaches)
      if (reached[via])
        reached |= reaches[via];
  for (auto [i, argument] : llvm::enumerate(loop.getRegionIterArgs()))
    if (reaches[i][i] && isTile(argument))
      for (unsigned j = 0; j < count; ++j)
        if (j == i || reaches[i][j])
          late.insert(dependents[j].begin(), dependents[j].end());

  // A running maximum is none: no product leads to the next one.
  for (unsigned i = 0; i < count; ++i) {
    bool isRead = false, isProduct = false;
    for (auto dot : body->getOps<tile::DotOp>()) {
      if (!dependents[i].contains(dot.getResult()))
        continue;
      isRead |= dependents[i].contains(dot.getA()) ||
                dependents[i].contains(dot.getB());
      DenseSet<Value> sums = getDependents(dot.getResult(), body);
      for (auto [j, yielded] : llvm::enumerate(loop.getYieldedValues()))
        isProduct |= (j == i || reaches[j][i]) && sums.contains(yielded);
    }
    if (isRead && isProduct && reaches[i][i] &&
        isTile(loop.getRegionIterArg(i)))
      return;
  }
  late.clear();
}

/// Whether `op` may be performed at another time than what is around it, where
/// `movable` may. Scalars that do not come from tiles, every role computes.
bool Splitter::isMovable(Operation *op, const DenseSet<Operation *> &movable,
                         OperandLoads &loads) const {
  if (op->getNumRegions() != 0 || op->getNumResults() == 0 ||
      llvm::any_of(op->getResults(),
                   [&](Value result) { return late.contains(result); }))
    return false;
  auto comesFromTiles = [&](Value operand) {
    return isTile(operand) || movable.contains(operand.getDefiningOp());
  };
  if (llvm::none_of(op->getResults(), isTile) &&
      llvm::none_of(op->getOperands(), comesFromTiles))
    return false;
  if (auto load = dyn_cast<tile::LoadOp>(op))
    return !hasRole(load, producerRole) && loads.isIndependent(load);
  return isMemoryEffectFree(op);
}

/// Whether every role can have `value`, which comes from outside the body: a
/// copy of the producer's, or what takes neither products nor loops to compute.
bool Splitter::isThere(Value value, OperandLoads &loads) {
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    if (argument.getOwner() != body)
      return !isTile(value);
    return argument == loop.getInductionVar() ||
           isThere(loop.getTiedLoopInit(argument)->get(), loads);
  }
  Operation *op = value.getDefiningOp();
  if (auto load = dyn_cast<tile::LoadOp>(op))
    if (hasRole(load, producerRole) || !loads.isIndependent(load))
      return hasRole(load, producerRole);
  if (op->getNumRegions() != 0)
    return !isTile(value);
  // What the consumer computes from a copy, it gives back itself.
  return !isa<tile::DotOp>(op) &&
         llvm::all_of(op->getOperands(), [&](Value operand) {
           Operation *def = operand.getDefiningOp();
           return !(def && hasRole(def, producerRole)) &&
                  isThere(operand, loads);
         });
}

/// Whether it takes longer to hand over what `op` makes than to make it again.
bool isCheap(Operation *op) {
  return op->hasTrait<OpTrait::Elementwise>() ||
         op->hasTrait<OpTrait::ConstantLike>() ||
         isa<tile::BroadcastOp, tile::IotaOp, tile::TransposeOp,
             tensor::SplatOp, tensor::EmptyOp>(op);
}

/// Finds what runs ahead; false if no product does.
bool Splitter::findWork() {
  OperandLoads loads(loop->getParentOfType<tile::KernelOp>());
  DenseSet<Operation *> movable;
  bool hasDot = false;
  for (Operation &op : body->without_terminator()) {
    if (!isMovable(&op, movable, loads))
      continue;
    movable.insert(&op);
    bool isWork =
        !isCheap(&op) || llvm::any_of(op.getOperands(), [&](Value operand) {
          return work.contains(operand.getDefiningOp());
        });
    // What depends on something that stays stays, too.
    bool canMove = llvm::all_of(op.getOperands(), [&](Value operand) {
      Operation *def = operand.getDefiningOp();
      if (def && def->getBlock() == body)
        return !isTile(operand) || movable.contains(def) ||
               hasRole(def, producerRole);
      return isThere(operand, loads);
    });
    if (!canMove)
      movable.erase(&op);
    else if (isWork) {
      work.insert(&op);
      hasDot |= isa<tile::DotOp>(op);
    }
  }
  // What the work needs goes with it.
  DenseSet<Operation *> needed(work);
  for (Operation &op : llvm::reverse(*body)) {
    if (!movable.contains(&op) || needed.contains(&op))
      continue;
    if (llvm::any_of(op.getUsers(),
                     [&](Operation *user) { return needed.contains(user); }))
      needed.insert(&op);
  }
  for (Operation &op : *body)
    if (needed.contains(&op))
      early.insert(&op);
  return hasDot;
}

/// Whether the consumer makes `use`.
bool Splitter::isConsumersUse(OpOperand &use) const {
  Operation *user = use.getOwner();
  return !early.contains(user) || both.contains(user);
}

/// Decides for each value that the consumer needs whether it computes it or is
/// handed it over. Returns what can be neither.
Operation *Splitter::findHandovers() {
  SmallVector<std::pair<Operation *, Value>> carried;
  SmallVector<Value> values;
  for (Operation *op : llvm::reverse(early.getArrayRef()))
    llvm::append_range(values, op->getResults());
  for (Value value : values) {
    Operation *op = value.getDefiningOp();
    SmallVector<OpOperand *> uses;
    for (OpOperand &use : value.getUses()) {
      if (!isConsumersUse(use))
        continue;
      // Around the loop, values go to who started with them.
      if (use.getOwner() == body->getTerminator()) {
        unsigned i = use.getOperandNumber();
        Value argument = loop.getRegionIterArg(i);
        auto isEarly = [&](Operation *user) { return early.contains(user); };
        if (loop.getResult(i).use_empty() &&
            llvm::all_of(argument.getUsers(), isEarly)) {
          carried.push_back({op, argument});
          continue;
        }
        return fail(op, "it is carried to what waits for the state");
      }
      uses.push_back(&use);
    }
    if (uses.empty())
      continue;
    auto type = dyn_cast<RankedTensorType>(value.getType());
    if (!type)
      return fail(op,
                  "the consumer would be handed over a number; a tensor.splat "
                  "of it would do");
    // Shared memory has no form for some elements; what they are made of does.
    bool hasForm = hasSharedForm(type.getElementType());
    if (isCheap(op) && (!hasForm || !work.contains(op) ||
                        isa<tile::BroadcastOp, tile::TransposeOp>(op))) {
      both.insert(op);
      continue;
    }
    if (!hasForm)
      return fail(op, "the consumer would be handed over elements that have no "
                      "form in shared memory");
    bool isOperand = llvm::all_of(uses, [](OpOperand *use) {
      auto dot = dyn_cast<tile::DotOp>(use->getOwner());
      return dot &&
             use->getOperandNumber() != dot.getAccMutable().getOperandNumber();
    });
    if (!anything && type.getRank() != 1 && !isOperand)
      return fail(op, "the consumer would be handed over a tile that is no "
                      "operand of a product");
  }
  for (auto [op, argument] : carried)
    if (llvm::any_of(argument.getUsers(),
                     [&](Operation *user) { return both.contains(user); }))
      return fail(op, "it is carried to what waits for the state");
  return loop;
}

Operation *Splitter::plan() {
  findState();
  if (late.empty() || !findWork())
    return nullptr;
  return findHandovers();
}

void Splitter::apply() {
  OpBuilder builder(loop);
  for (Operation *op : both) {
    builder.setInsertionPointAfter(op);
    Operation *copy = builder.clone(*op);
    op->replaceUsesWithIf(
        copy, [&](OpOperand &use) { return !early.contains(use.getOwner()); });
    setRole(copy, consumerRole);
  }
  for (Operation *op : early)
    setRole(op, preparerRole);
}

struct RunAhead : heddle::impl::RunAheadBase<RunAhead> {
  void runOnOperation() override {
    SmallVector<scf::ForOp> loops;
    getOperation().getBody().walk([&](tile::LoadOp load) {
      auto loop = dyn_cast<scf::ForOp>(load->getParentOp());
      if (loop && hasRole(load, producerRole) &&
          !llvm::is_contained(loops, loop))
        loops.push_back(loop);
    });
    for (scf::ForOp loop : loops) {
      auto given = findScheduleAttr<BoolAttr>(
          loop, tile::TileDialect::getRunAheadAttrName());
      if (given && !given.getValue())
        continue;
      Splitter splitter(loop, /*anything=*/bool(given));
      Operation *obstacle = splitter.plan();
      if (!obstacle)
        continue;
      if (obstacle == loop)
        splitter.apply();
      else
        obstacle->emitRemark("keeps the loop's consumer waiting for what its "
                             "state does not reach: ")
            << splitter.getReason();
    }
  }
};

} // namespace
