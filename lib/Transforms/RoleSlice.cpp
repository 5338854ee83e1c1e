//===- RoleSlice.cpp - The part of a kernel that a role needs -------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Transforms/RoleSlice.h"

#include "dialects/Aref/Aref.h"

using namespace mlir;
using namespace heddle;

//===----------------------------------------------------------------------===//
// What is in the slice
//===----------------------------------------------------------------------===//

void RoleSlice::add(Operation *op) {
  addOp(op);
  while (!worklist.empty())
    addNeedsOf(worklist.pop_back_val());
}

void RoleSlice::addValue(Value value) {
  if (values.insert(value).second)
    worklist.push_back(value);
}

void RoleSlice::addOp(Operation *op) {
  // Rings belong to the kernel.
  if (op == kernel || isa<aref::RingOp>(op) || !ops.insert(op).second)
    return;
  addOp(op->getParentOp());
  if (auto loop = dyn_cast<scf::ForOp>(op)) {
    addValue(loop.getLowerBound());
    addValue(loop.getUpperBound());
    addValue(loop.getStep());
  } else if (auto branch = dyn_cast<scf::IfOp>(op)) {
    addValue(branch.getCondition());
  } else if (auto loop = dyn_cast<scf::WhileOp>(op)) {
    addValue(loop.getConditionOp().getCondition());
  } else {
    // An operation with a region of another kind is cloned as a whole.
    op->walk([&](Operation *nested) {
      for (Value operand : nested->getOperands())
        if (!op->isAncestor(operand.getParentRegion()->getParentOp()))
          addValue(operand);
    });
  }
}

void RoleSlice::addNeedsOf(Value value) {
  if (Operation *op = value.getDefiningOp()) {
    addOp(op);
    unsigned i = cast<OpResult>(value).getResultNumber();
    if (auto loop = dyn_cast<scf::ForOp>(op)) {
      addValue(loop.getInits()[i]);
      addValue(loop.getYieldedValues()[i]);
    } else if (auto branch = dyn_cast<scf::IfOp>(op)) {
      addValue(branch.thenYield().getOperand(i));
      addValue(branch.elseYield().getOperand(i));
    } else if (auto loop = dyn_cast<scf::WhileOp>(op)) {
      addValue(loop.getConditionOp().getArgs()[i]);
    }
    return;
  }

  auto argument = cast<BlockArgument>(value);
  Operation *parent = argument.getOwner()->getParentOp();
  if (parent == kernel)
    return;
  addOp(parent);
  unsigned i = argument.getArgNumber();
  if (auto loop = dyn_cast<scf::ForOp>(parent)) {
    if (value != loop.getInductionVar())
      addValue(loop.getResult(i - 1));
  } else if (auto loop = dyn_cast<scf::WhileOp>(parent)) {
    if (argument.getOwner() == loop.getAfterBody()) {
      addValue(loop.getConditionOp().getArgs()[i]);
    } else {
      addValue(loop.getInits()[i]);
      addValue(loop.getYieldOp().getOperand(i));
    }
  }
}

/// Whether the loop of the slice carries value `i`. Adding the iteration
/// argument added the result, too.
bool RoleSlice::isCarried(scf::ForOp loop, unsigned i) const {
  return values.contains(loop.getResult(i));
}

bool RoleSlice::isCarried(scf::WhileOp loop, unsigned i) const {
  return values.contains(loop.getBeforeArguments()[i]);
}

/// Whether the condition of the loop of the slice passes value `i` on.
bool RoleSlice::isPassed(scf::WhileOp loop, unsigned i) const {
  return values.contains(loop.getAfterArguments()[i]) ||
         values.contains(loop.getResult(i));
}

//===----------------------------------------------------------------------===//
// Cloning
//===----------------------------------------------------------------------===//

/// The numbers below `count` that `keep` accepts.
static SmallVector<unsigned> select(unsigned count,
                                    function_ref<bool(unsigned)> keep) {
  SmallVector<unsigned> kept;
  for (unsigned i = 0; i < count; ++i)
    if (keep(i))
      kept.push_back(i);
  return kept;
}

/// What the values with the numbers `kept` became.
static SmallVector<Value> lookup(ValueRange values, ArrayRef<unsigned> kept,
                                 IRMapping &mapping) {
  SmallVector<Value> found;
  for (unsigned i : kept)
    found.push_back(mapping.lookupOrDefault(values[i]));
  return found;
}

void RoleSlice::clone(Block &block, OpBuilder &builder,
                      IRMapping &mapping) const {
  for (Operation &op : block) {
    if (!ops.contains(&op) || op.hasTrait<OpTrait::IsTerminator>())
      continue;
    if (auto loop = dyn_cast<scf::ForOp>(op)) {
      cloneFor(loop, builder, mapping);
    } else if (auto branch = dyn_cast<scf::IfOp>(op)) {
      cloneIf(branch, builder, mapping);
    } else if (auto loop = dyn_cast<scf::WhileOp>(op)) {
      cloneWhile(loop, builder, mapping);
    } else {
      Operation *copy = builder.clone(op, mapping);
      copy->removeAttr(aref::ArefDialect::getRoleAttrName());
    }
  }
}

void RoleSlice::cloneFor(scf::ForOp loop, OpBuilder &builder,
                         IRMapping &mapping) const {
  SmallVector<unsigned> kept = select(
      loop.getNumResults(), [&](unsigned i) { return isCarried(loop, i); });
  auto copy = scf::ForOp::create(
      builder, loop.getLoc(), mapping.lookupOrDefault(loop.getLowerBound()),
      mapping.lookupOrDefault(loop.getUpperBound()),
      mapping.lookupOrDefault(loop.getStep()),
      lookup(loop.getInits(), kept, mapping),
      /*bodyBuilder=*/nullptr, loop.getUnsignedCmp());
  copy->setDiscardableAttrs(loop->getDiscardableAttrDictionary());
  auto map = [&](Value from, Value to) {
    mapping.map(from, to);
    to.setLoc(from.getLoc());
  };
  map(loop.getInductionVar(), copy.getInductionVar());
  for (auto [position, i] : llvm::enumerate(kept)) {
    map(loop.getRegionIterArg(i), copy.getRegionIterArg(position));
    mapping.map(loop.getResult(i), copy.getResult(position));
  }
  OpBuilder::InsertionGuard guard(builder);
  // A loop that carries nothing has its terminator already.
  Block *body = copy.getBody();
  if (kept.empty())
    builder.setInsertionPoint(body->getTerminator());
  else
    builder.setInsertionPointToEnd(body);
  clone(*loop.getBody(), builder, mapping);
  if (!kept.empty())
    scf::YieldOp::create(builder, loop.getBody()->getTerminator()->getLoc(),
                         lookup(loop.getYieldedValues(), kept, mapping));
}

void RoleSlice::cloneIf(scf::IfOp branch, OpBuilder &builder,
                        IRMapping &mapping) const {
  SmallVector<unsigned> kept = select(branch.getNumResults(), [&](unsigned i) {
    return values.contains(branch.getResult(i));
  });
  SmallVector<Type> types;
  for (unsigned i : kept)
    types.push_back(branch.getResult(i).getType());
  bool hasElse =
      branch.elseBlock() &&
      (!kept.empty() || llvm::any_of(*branch.elseBlock(), [&](Operation &op) {
        return ops.contains(&op);
      }));
  auto copy = scf::IfOp::create(builder, branch.getLoc(), types,
                                mapping.lookupOrDefault(branch.getCondition()),
                                /*addThenBlock=*/true, hasElse);
  copy->setDiscardableAttrs(branch->getDiscardableAttrDictionary());
  for (auto [position, i] : llvm::enumerate(kept))
    mapping.map(branch.getResult(i), copy.getResult(position));
  auto cloneBranch = [&](Block *from, Block *to) {
    OpBuilder::InsertionGuard guard(builder);
    to->clear();
    builder.setInsertionPointToEnd(to);
    clone(*from, builder, mapping);
    scf::YieldOp::create(
        builder, from->getTerminator()->getLoc(),
        lookup(from->getTerminator()->getOperands(), kept, mapping));
  };
  cloneBranch(branch.thenBlock(), copy.thenBlock());
  if (hasElse)
    cloneBranch(branch.elseBlock(), copy.elseBlock());
}

void RoleSlice::cloneWhile(scf::WhileOp loop, OpBuilder &builder,
                           IRMapping &mapping) const {
  SmallVector<unsigned> carried = select(
      loop.getInits().size(), [&](unsigned i) { return isCarried(loop, i); });
  SmallVector<unsigned> passed = select(
      loop.getNumResults(), [&](unsigned i) { return isPassed(loop, i); });
  SmallVector<Type> types;
  for (unsigned i : passed)
    types.push_back(loop.getResult(i).getType());
  auto copy = scf::WhileOp::create(builder, loop.getLoc(), types,
                                   lookup(loop.getInits(), carried, mapping));
  copy->setDiscardableAttrs(loop->getDiscardableAttrDictionary());
  for (auto [position, i] : llvm::enumerate(passed))
    mapping.map(loop.getResult(i), copy.getResult(position));

  auto cloneRegion = [&](Block *from, Region &to, ArrayRef<unsigned> kept,
                         function_ref<void(Operation *)> terminate) {
    Block &block = to.empty() ? to.emplaceBlock() : to.front();
    for (unsigned i : kept) {
      BlockArgument argument = from->getArgument(i);
      mapping.map(argument,
                  block.addArgument(argument.getType(), argument.getLoc()));
    }
    builder.setInsertionPointToEnd(&block);
    clone(*from, builder, mapping);
    terminate(from->getTerminator());
  };
  OpBuilder::InsertionGuard guard(builder);
  cloneRegion(loop.getBeforeBody(), copy.getBefore(), carried,
              [&](Operation *) {
                scf::ConditionOp condition = loop.getConditionOp();
                scf::ConditionOp::create(
                    builder, condition.getLoc(),
                    mapping.lookupOrDefault(condition.getCondition()),
                    lookup(condition.getArgs(), passed, mapping));
              });
  cloneRegion(
      loop.getAfterBody(), copy.getAfter(), passed, [&](Operation *yield) {
        scf::YieldOp::create(builder, yield->getLoc(),
                             lookup(yield->getOperands(), carried, mapping));
      });
}
