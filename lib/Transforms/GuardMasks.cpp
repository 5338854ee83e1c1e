//===- GuardMasks.cpp - Mask only where it matters ------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Analysis/MaskConditions.h"
#include "lib/Transforms/Passes.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

namespace heddle {
#define GEN_PASS_DEF_GUARDMASKS
#include "lib/Transforms/Passes.h.inc"
} // namespace heddle

using namespace mlir;
using namespace heddle;
using Kind = MaskCondition::Kind;

namespace {

/// Emits conditions as i1, where they are asked.
class ConditionEmitter {
public:
  ConditionEmitter(OpBuilder &builder, Location loc, scf::ForOp loop)
      : builder(builder), loc(loc), loop(loop), emitter(builder, loc) {}

  /// i1: whether `condition` cannot hold.
  Value emitNot(const MaskCondition &condition);

private:
  Value getConstant(bool value) {
    return arith::ConstantIntOp::create(builder, loc, value, 1);
  }

  OpBuilder &builder;
  Location loc;
  scf::ForOp loop;
  SumEmitter emitter;
};

} // namespace

Value ConditionEmitter::emitNot(const MaskCondition &condition) {
  switch (condition.kind) {
  case Kind::Always:
    return getConstant(false);
  case Kind::Never:
    return getConstant(true);
  case Kind::Flag:
    return condition.wanted ? builder.createOrFold<arith::XOrIOp>(
                                  loc, condition.flag, getConstant(true))
                            : condition.flag;
  case Kind::AtMostZero: {
    // 1 - sum <= 0.
    auto emitAtMostZero = [&](const LinearSum &sum) {
      return emitter.emitAtMostZero(sum, loop.getInductionVar());
    };
    Value above = emitAtMostZero(condition.sum.times(-1).plus(1));
    Value exact =
        emitIsExact(condition, loop, emitter, builder, loc, emitAtMostZero);
    return exact ? builder.createOrFold<arith::AndIOp>(loc, exact, above)
                 : above;
  }
  case Kind::All:
  case Kind::Any: {
    Value result;
    for (const MaskCondition &part : condition.parts) {
      Value negated = emitNot(part);
      if (!result)
        result = negated;
      else if (condition.kind == Kind::All)
        result = builder.createOrFold<arith::OrIOp>(loc, result, negated);
      else
        result = builder.createOrFold<arith::AndIOp>(loc, result, negated);
    }
    return result;
  }
  }
  return {};
}

/// Operations before `select` in its block that only `mask` needs, last ones
/// first.
static SmallVector<Operation *> getOwnOperations(arith::SelectOp select) {
  SmallVector<Operation *> own;
  DenseSet<Operation *> members = {select};
  for (Operation *op = select->getPrevNode(); op; op = op->getPrevNode()) {
    bool makesTile = op->getNumResults() == 1 && op->getNumRegions() == 0 &&
                     isa<RankedTensorType>(op->getResult(0).getType());
    if (!makesTile || !isMemoryEffectFree(op) ||
        op->getResult(0) == select.getTrueValue() ||
        op->getResult(0) == select.getFalseValue() || op->use_empty())
      continue;
    if (llvm::all_of(op->getUsers(),
                     [&](Operation *user) { return members.contains(user); })) {
      members.insert(op);
      own.push_back(op);
    }
  }
  return own;
}

/// Makes the iotas that operations of `block` need in it. Elements of the mask
/// that follow from them do not change from one iteration to the next, and
/// would take a register each if they were computed before the loop.
static void pinIotas(Block *block) {
  DenseMap<Operation *, Operation *> pinned;
  auto builder = OpBuilder::atBlockBegin(block);
  for (Operation &op : *block) {
    for (OpOperand &operand : op.getOpOperands()) {
      auto iota = operand.get().getDefiningOp<tile::IotaOp>();
      if (!iota || iota->getBlock() == block)
        continue;
      Operation *&clone = pinned[iota];
      if (!clone)
        clone = builder.clone(*iota);
      operand.set(clone->getResult(0));
    }
  }
  for (auto iota : block->getOps<tile::IotaOp>())
    iota->setAttr(aref::ArefDialect::getPinnedAttrName(),
                  builder.getUnitAttr());
}

/// Puts `select` under a branch, if scalars may tell that it replaces nothing.
static void guard(arith::SelectOp select, scf::ForOp loop) {
  bool keepsTrue;
  MaskCondition replaces = getReplaces(select, loop, keepsTrue);
  if (replaces.kind == Kind::Always || replaces.kind == Kind::Never)
    return;
  Location loc = select.getLoc();
  OpBuilder builder(select);
  Value whole = ConditionEmitter(builder, loc, loop).emitNot(replaces);
  SmallVector<Operation *> own = getOwnOperations(select);
  auto branch = scf::IfOp::create(builder, loc, TypeRange(select.getType()),
                                  whole, /*addThenBlock=*/true,
                                  /*addElseBlock=*/true);
  branch.getResult(0).setLoc(loc);
  select.getResult().replaceAllUsesWith(branch.getResult(0));
  builder.setInsertionPointToEnd(branch.thenBlock());
  scf::YieldOp::create(
      builder, loc, keepsTrue ? select.getTrueValue() : select.getFalseValue());
  builder.setInsertionPointToEnd(branch.elseBlock());
  auto yield = scf::YieldOp::create(builder, loc, select.getResult());
  select->moveBefore(yield);
  Operation *next = select;
  for (Operation *op : own) {
    op->moveBefore(next);
    next = op;
  }
  pinIotas(branch.elseBlock());
}

namespace {
struct GuardMasks : heddle::impl::GuardMasksBase<GuardMasks> {
  void runOnOperation() override {
    SmallVector<std::pair<arith::SelectOp, scf::ForOp>> selects;
    getOperation()->walk([&](arith::SelectOp select) {
      auto loop = select->getParentOfType<scf::ForOp>();
      if (loop && isa<RankedTensorType>(select.getCondition().getType()))
        selects.emplace_back(select, loop);
    });
    for (auto [select, loop] : selects)
      guard(select, loop);
  }
};
} // namespace
