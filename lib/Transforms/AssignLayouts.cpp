//===- AssignLayouts.cpp - Decide where elements live -------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Transforms/LayoutPlan.h"
#include "lib/Transforms/Passes.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "mlir/IR/IRMapping.h"

namespace heddle {
#define GEN_PASS_DEF_ASSIGNLAYOUTS
#include "lib/Transforms/Passes.h.inc"
} // namespace heddle

using namespace mlir;
using namespace heddle;

//===----------------------------------------------------------------------===//
// Changing types
//===----------------------------------------------------------------------===//

namespace {

/// Writes a plan into the types and puts conversions where they disagree.
class LayoutWriter {
public:
  LayoutWriter(LayoutScope scope, const LayoutPlan &plan)
      : scope(scope), plan(plan), builder(scope.kernel.getContext()) {}

  void run();

private:
  void convertOperands(Operation *op);
  void convertOperand(OpOperand &operand, const TileLayout &layout);
  /// Gives `result`, if it is a tile, the layout that follows from its
  /// operation's operands, and converts it if others wanted it elsewhere.
  void setLayout(Value result, const TileLayout &layout);

  void setInsertionPointFor(Value value);
  /// `value` in another layout.
  Value getIn(Value value, const TileLayout &layout);
  /// Whether it costs each thread less to make `value` again in `layout`, from
  /// what it is computed from element by element, than to convert it.
  bool isCheap(Value value, const TileLayout &layout, unsigned depth = 0);

  LayoutScope scope;
  const LayoutPlan &plan;
  OpBuilder builder;
  DenseMap<std::pair<Value, Type>, Value> converted;
};

} // namespace

bool LayoutWriter::isCheap(Value value, const TileLayout &layout,
                           unsigned depth) {
  // Vectors are short: what is computed from others that are known in the
  // layout is sooner computed again. Matrices are, if they come out of nothing.
  bool isVector = getTileType(value).getRank() == 1;
  if (auto convert = value.getDefiningOp<aref::ConvertLayoutOp>();
      convert && isVector)
    value = convert.getX();
  Operation *op = value.getDefiningOp();
  if (isFree(op))
    return true;
  if (isVector &&
      (getLayout(value.getType()) == layout ||
       converted.contains({value, withLayout(getTileType(value), layout)})))
    return true;
  if (!op || depth == 4 || !isElementwise(op) || !isMemoryEffectFree(op))
    return false;
  return llvm::all_of(op->getOperands(), [&](Value operand) {
    return !isTile(operand) || isCheap(operand, layout, depth + 1);
  });
}

/// What a loop carries is converted where it is needed first, perhaps while
/// products are in flight; other values where they are computed.
void LayoutWriter::setInsertionPointFor(Value value) {
  auto argument = dyn_cast<BlockArgument>(value);
  if (!argument) {
    builder.setInsertionPointAfterValue(value);
    return;
  }
  Block *block = argument.getOwner();
  Operation *first = block->getTerminator();
  for (Operation *user : value.getUsers())
    if (Operation *op = block->findAncestorOpInBlock(*user);
        op && op->isBeforeInBlock(first))
      first = op;
  builder.setInsertionPoint(first);
}

Value LayoutWriter::getIn(Value value, const TileLayout &layout) {
  RankedTensorType type = withLayout(getTileType(value), layout);
  if (type == value.getType())
    return value;
  if (Value known = converted.lookup({value, type}))
    return known;
  Operation *op = value.getDefiningOp();
  if (auto convert = dyn_cast_or_null<aref::ConvertLayoutOp>(op))
    if (getLayout(convert.getX().getType()))
      return getIn(convert.getX(), layout);

  OpBuilder::InsertionGuard guard(builder);
  auto broadcast = dyn_cast_or_null<tile::BroadcastOp>(op);
  if (!broadcast && !isCheap(value, layout)) {
    setInsertionPointFor(value);
    Value result =
        aref::ConvertLayoutOp::create(builder, value.getLoc(), type, value);
    return converted[{value, type}] = result;
  }

  // Make it again, from operands in the right layout.
  IRMapping mapping;
  for (Value operand : op->getOperands()) {
    if (isTile(operand))
      mapping.map(operand,
                  getIn(operand, broadcast ? layout.slice(broadcast.getAxes())
                                           : layout));
  }
  builder.setInsertionPointAfter(op);
  Operation *clone = builder.clone(*op, mapping);
  clone->getResult(0).setType(type);
  if (auto constant = dyn_cast<arith::ConstantOp>(clone)) {
    auto elements = cast<DenseElementsAttr>(constant.getValue());
    constant.setValueAttr(elements.reshape(type));
  }
  return converted[{value, type}] = clone->getResult(0);
}

void LayoutWriter::convertOperand(OpOperand &operand,
                                  const TileLayout &layout) {
  operand.set(getIn(operand.get(), layout));
}

void LayoutWriter::setLayout(Value result, const TileLayout &layout) {
  if (!isTile(result))
    return;
  Type wanted = result.getType();
  result.setType(withLayout(getTileType(result), layout));
  if (result.getType() == wanted)
    return;
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointAfterValue(result);
  auto convert =
      aref::ConvertLayoutOp::create(builder, result.getLoc(), wanted, result);
  result.replaceAllUsesExcept(convert, convert);
}

/// Whether each thread of a warp would write single elements of rows that are
/// too few bytes to be worth a transaction, as those of a transposed product.
static bool isScattered(Value tile, const TileLayout &layout) {
  RankedTensorType type = getTileType(tile);
  unsigned row = layout.getRank() - 1;
  return type.getRank() == 2 && layout.getRun(row) == 1 &&
         type.getDimSize(row) >= 16 &&
         getElementBytes(type.getElementType()) <= 2;
}

void LayoutWriter::convertOperands(Operation *op) {
  auto convertTo = [&](OpOperand &operand, Value like) {
    if (isTile(operand.get()))
      convertOperand(operand, *getLayout(like.getType()));
  };
  if (isElementwise(op) || isa<tile::ScanOp>(op)) {
    for (OpOperand &operand : op->getOpOperands())
      convertTo(operand, op->getResult(0));
  } else if (isa<tile::StoreOp, tile::TriInverseOp, aref::LocalStoreOp,
                 aref::ConvertLayoutOp>(op)) {
    OpOperand &value = op->getOpOperand(0);
    std::optional<TileLayout> layout = getLayout(value.get().getType());
    if (!layout ||
        (isa<tile::StoreOp>(op) && isScattered(value.get(), *layout)))
      convertOperand(value, plan.getBlocked(value.get()));
  } else if (auto load = dyn_cast<tile::LoadOp>(op)) {
    for (OpOperand &offset : load.getOffsetsMutable())
      if (isTile(offset.get()))
        convertOperand(offset, getRowLayout(*getLayout(load.getType())));
  } else if (auto broadcast = dyn_cast<tile::BroadcastOp>(op)) {
    convertOperand(broadcast.getXMutable(),
                   getLayout(broadcast.getType())->slice(broadcast.getAxes()));
  } else if (auto transpose = dyn_cast<tile::TransposeOp>(op)) {
    convertOperand(
        transpose.getXMutable(),
        getLayout(transpose.getType())
            ->permute(invertPermutationVector(transpose.getPermutation())));
  } else if (auto reduce = dyn_cast<tile::ReduceOp>(op)) {
    if (!getLayout(reduce.getX().getType()))
      convertOperand(reduce.getXMutable(), plan.getBlocked(reduce.getX()));
    TileLayout layout =
        getLayout(reduce.getX().getType())->reduce(reduce.getAxis());
    if (isTile(reduce.getInit()))
      convertOperand(reduce.getInitMutable(), layout);
    setLayout(reduce.getResult(), layout);
  } else if (auto recurrence = dyn_cast<tile::RecurrenceOp>(op)) {
    TileLayout layout = *getLayout(recurrence.getResult().getType());
    TileLayout slice = layout.reduce(recurrence.getAxis());
    convertOperand(recurrence.getAMutable(), layout);
    convertOperand(recurrence.getBMutable(), layout);
    if (isTile(recurrence.getInit()))
      convertOperand(recurrence.getInitMutable(), slice);
    setLayout(recurrence.getLast(), slice);
  } else if (auto mma = dyn_cast<aref::MmaOp>(op)) {
    convertTo(mma.getAccMutable(), mma.getResult());
    if (isTile(mma.getA()))
      convertOperand(mma.getAMutable(), plan.getOperandA(mma));
  } else if (isa<aref::MmaWaitOp>(op)) {
    for (OpOperand &operand : op->getOpOperands())
      convertTo(operand, op->getResult(operand.getOperandNumber()));
  } else if (auto loop = dyn_cast<scf::ForOp>(op)) {
    for (auto [operand, argument] :
         llvm::zip_equal(loop.getInitArgsMutable(), loop.getRegionIterArgs()))
      convertTo(operand, argument);
  } else if (auto loop = dyn_cast<scf::WhileOp>(op)) {
    for (auto [operand, argument] :
         llvm::zip_equal(loop.getInitsMutable(), loop.getBeforeArguments()))
      convertTo(operand, argument);
  } else if (auto condition = dyn_cast<scf::ConditionOp>(op)) {
    for (auto [operand, result] : llvm::zip_equal(
             condition.getArgsMutable(), op->getParentOp()->getResults()))
      convertTo(operand, result);
  } else if (auto yield = dyn_cast<scf::YieldOp>(op)) {
    Operation *parent = op->getParentOp();
    auto loop = dyn_cast<scf::WhileOp>(parent);
    ValueRange targets = loop ? ValueRange(loop.getBeforeArguments())
                              : ValueRange(parent->getResults());
    for (auto [operand, target] :
         llvm::zip_equal(yield.getResultsMutable(), targets))
      convertTo(operand, target);
  }
}

void LayoutWriter::run() {
  SmallVector<Operation *> ops, free;
  scope.walk([&](Operation *op) {
    (isFree(op) ? free : ops).push_back(op);
    for (Region &region : op->getRegions()) {
      for (Value argument : region.getArguments()) {
        if (const TileLayout *layout = plan.lookup(argument))
          argument.setType(withLayout(getTileType(argument), *layout));
      }
    }
    for (Value result : op->getResults()) {
      if (const TileLayout *layout = plan.lookup(result))
        result.setType(withLayout(getTileType(result), *layout));
    }
  });
  for (Operation *op : ops)
    convertOperands(op);
  // All uses are of clones by now.
  for (Operation *op : free) {
    if (op->use_empty())
      op->erase();
  }
}

//===----------------------------------------------------------------------===//
// The pass
//===----------------------------------------------------------------------===//

namespace {

struct AssignLayoutsPass : heddle::impl::AssignLayoutsBase<AssignLayoutsPass> {
  using AssignLayoutsBase::AssignLayoutsBase;

  void runOnOperation() override {
    for (LayoutScope scope : getLayoutScopes(getOperation())) {
      LayoutPlan plan(scope);
      if (failed(plan.run()))
        return signalPassFailure();
      LayoutWriter(scope, plan).run();
    }
  }
};

} // namespace
