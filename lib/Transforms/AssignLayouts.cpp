//===- AssignLayouts.cpp - Decide where elements live -------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/Aref/Aref.h"
#include "lib/Layout/Encoding.h"
#include "lib/Transforms/LayoutScope.h"
#include "lib/Transforms/Passes.h"
#include "mlir/Interfaces/FunctionInterfaces.h"

#include <deque>

namespace heddle {
#define GEN_PASS_DEF_ASSIGNLAYOUTS
#include "lib/Transforms/Passes.h.inc"
} // namespace heddle

using namespace mlir;
using namespace heddle;

namespace {

bool isTile(Value value) { return isa<RankedTensorType>(value.getType()); }

RankedTensorType getTileType(Value value) {
  return cast<RankedTensorType>(value.getType());
}

/// Whether each thread can make the value by itself in any layout, for nothing.
bool isFree(Operation *op) {
  return op && op->getNumResults() == 1 && isTile(op->getResult(0)) &&
         isa<arith::ConstantOp, tensor::SplatOp, tile::IotaOp>(op);
}

bool isFree(Value value) { return isFree(value.getDefiningOp()); }

/// Whether elements of results depend on the operands' elements at the same
/// coordinates only.
bool isElementwise(Operation *op) {
  return op->hasTrait<OpTrait::Elementwise>() && op->getNumResults() == 1 &&
         isTile(op->getResult(0));
}

SmallVector<int64_t> invert(ArrayRef<int64_t> permutation) {
  SmallVector<int64_t> inverse(permutation.size());
  for (auto [i, dim] : llvm::enumerate(permutation))
    inverse[dim] = i;
  return inverse;
}

//===----------------------------------------------------------------------===//
// Spreading layouts
//===----------------------------------------------------------------------===//

/// Decides the layout of every tile of a scope, before anything is changed.
class LayoutPlan {
public:
  LayoutPlan(LayoutScope scope) : scope(scope) {}

  /// Fails with a diagnostic where there is no layout.
  LogicalResult run();

  /// The layout of a tile, or nothing for one that is free.
  const TileLayout *lookup(Value tile) const {
    auto it = layouts.find(tile);
    return it == layouts.end() ? nullptr : &it->second;
  }

  TileLayout getBlocked(Value tile) const {
    RankedTensorType type = getTileType(tile);
    return TileLayout::blocked(type.getShape(), scope.numWarps,
                               getElementBytes(type.getElementType()));
  }

  /// The layout that register operand A of a product must have.
  TileLayout getOperandA(aref::MmaOp mma) const {
    auto type = cast<RankedTensorType>(mma.getA().getType());
    return TileLayout::wgmmaOperandA(type.getDimSize(0), type.getDimSize(1),
                                     type.getElementTypeBitWidth(),
                                     scope.numWarps);
  }

private:
  LogicalResult check();
  LogicalResult check(aref::MmaOp mma);

  /// Gives `tile` a layout unless it has one or needs none.
  void assign(Value tile, const TileLayout &layout);
  /// Spreads what is assigned until nothing changes.
  void spread();
  void spreadToOperands(Operation *op, OpResult result,
                        const TileLayout &layout);
  void spreadToUser(OpOperand &use, const TileLayout &layout);
  /// The values that a loop or branch ties to `value`, which is an argument, a
  /// result, or an operand of a loop, a branch or their terminators.
  void assignAll(ArrayRef<Value> tied, const TileLayout &layout) {
    for (Value value : tied)
      assign(value, layout);
  }
  SmallVector<Value> getTied(scf::ForOp loop, unsigned i);
  SmallVector<Value> getTied(scf::IfOp branch, unsigned i);
  SmallVector<Value> getTiedBefore(scf::WhileOp loop, unsigned i);
  SmallVector<Value> getTiedAfter(scf::WhileOp loop, unsigned i);

  /// Tiles that go to or come from memory, the largest first.
  SmallVector<Value> getMemoryTiles();

  LayoutScope scope;
  DenseMap<Value, TileLayout> layouts;
  std::deque<Value> worklist;
  /// Whether layouts spread through transposes. Two accesses to memory on
  /// either side are better served by a conversion.
  bool crossTransposes = true;
};

} // namespace

LogicalResult LayoutPlan::check(aref::MmaOp mma) {
  if (scope.numWarps % 4 != 0)
    return mma.emitOpError("expected a multiple of 4 warps, found ")
           << scope.numWarps;
  int64_t rows = getTileType(mma.getAcc()).getDimSize(0);
  if (rows % (16 * scope.numWarps) != 0) {
    return mma.emitOpError("expected a multiple of ")
           << 16 * scope.numWarps << " rows for " << scope.numWarps
           << " warps, found " << rows;
  }
  int64_t columns = getTileType(mma.getAcc()).getDimSize(1);
  if (columns % 8 != 0)
    return mma.emitOpError("expected a multiple of 8 columns, found ")
           << columns;
  if (auto a = dyn_cast<RankedTensorType>(mma.getA().getType())) {
    int64_t bits = a.getElementTypeBitWidth();
    if (a.getDimSize(1) % (256 / bits) != 0) {
      return mma.emitOpError("expected a K that is a multiple of ")
             << 256 / bits << " for " << a.getElementType() << ", found "
             << a.getDimSize(1);
    }
  }
  return success();
}

/// Says what of a type cannot be spread over threads, or nothing.
static std::optional<std::string> checkType(Type type) {
  auto tile = dyn_cast<RankedTensorType>(type);
  if (!tile)
    return std::nullopt;
  if (tile.getRank() == 0 || !tile.hasStaticShape() ||
      tile.getNumElements() == 0)
    return "expected a tile of rank 1 or more with positive static extents";
  if (!tile.getElementType().isIntOrIndexOrFloat())
    return "expected a tile of integers, floats or indices";
  return std::nullopt;
}

LogicalResult LayoutPlan::check() {
  LogicalResult result = success();
  scope.walk([&](Operation *op) {
    if (failed(result) || (llvm::none_of(op->getOperands(), isTile) &&
                           llvm::none_of(op->getResults(), isTile)))
      return;
    if (!llvm::isPowerOf2_64(scope.numWarps)) {
      result = op->emitOpError("expected a power of two of warps to spread "
                               "tiles over, found ")
               << scope.numWarps;
      return;
    }
    for (Type type :
         llvm::concat<const Type>(llvm::to_vector(op->getOperandTypes()),
                                  llvm::to_vector(op->getResultTypes()))) {
      if (auto error = checkType(type)) {
        result = op->emitOpError(*error) << ", found " << type;
        return;
      }
    }
    if (auto constant = dyn_cast<arith::ConstantOp>(op);
        constant && !isa<DenseElementsAttr>(constant.getValue())) {
      result = op->emitOpError("expected dense elements");
      return;
    }
    if (auto mma = dyn_cast<aref::MmaOp>(op)) {
      result = check(mma);
      return;
    }
    if (isElementwise(op) || isFree(op) ||
        isa<tile::LoadOp, tile::StoreOp, tile::ReduceOp, tile::BroadcastOp,
            tile::TransposeOp, aref::LocalLoadOp, aref::LocalStoreOp,
            aref::MmaWaitOp, aref::ConvertLayoutOp, scf::ForOp, scf::IfOp,
            scf::WhileOp, scf::YieldOp, scf::ConditionOp>(op))
      return;
    result = op->emitOpError("expected an operation whose tiles can be spread "
                             "over threads; rings and products must be "
                             "lowered to buffers first");
  });
  return result;
}

void LayoutPlan::assign(Value tile, const TileLayout &layout) {
  if (!isTile(tile) || isFree(tile))
    return;
  if (layouts.try_emplace(tile, layout).second)
    worklist.push_back(tile);
}

SmallVector<Value> LayoutPlan::getTied(scf::ForOp loop, unsigned i) {
  return {loop.getResult(i), loop.getRegionIterArg(i), loop.getInitArgs()[i],
          loop.getYieldedValues()[i]};
}

SmallVector<Value> LayoutPlan::getTied(scf::IfOp branch, unsigned i) {
  return {branch.getResult(i), branch.thenYield().getOperand(i),
          branch.elseYield().getOperand(i)};
}

SmallVector<Value> LayoutPlan::getTiedBefore(scf::WhileOp loop, unsigned i) {
  return {loop.getBeforeArguments()[i], loop.getInits()[i],
          loop.getYieldOp().getOperand(i)};
}

SmallVector<Value> LayoutPlan::getTiedAfter(scf::WhileOp loop, unsigned i) {
  return {loop.getResult(i), loop.getAfterArguments()[i],
          loop.getConditionOp().getArgs()[i]};
}

void LayoutPlan::spreadToOperands(Operation *op, OpResult result,
                                  const TileLayout &layout) {
  unsigned i = result.getResultNumber();
  if (isElementwise(op)) {
    for (Value operand : op->getOperands())
      assign(operand, layout);
  } else if (auto reduce = dyn_cast<tile::ReduceOp>(op)) {
    assign(reduce.getInit(), layout);
  } else if (auto broadcast = dyn_cast<tile::BroadcastOp>(op)) {
    assign(broadcast.getX(), layout.slice(broadcast.getAxes()));
  } else if (auto transpose = dyn_cast<tile::TransposeOp>(op)) {
    if (crossTransposes)
      assign(transpose.getX(),
             layout.permute(invert(transpose.getPermutation())));
  } else if (auto mma = dyn_cast<aref::MmaOp>(op)) {
    assign(mma.getAcc(), layout);
  } else if (isa<aref::MmaWaitOp>(op)) {
    assign(op->getOperand(i), layout);
  } else if (auto loop = dyn_cast<scf::ForOp>(op)) {
    assignAll(getTied(loop, i), layout);
  } else if (auto branch = dyn_cast<scf::IfOp>(op)) {
    assignAll(getTied(branch, i), layout);
  } else if (auto loop = dyn_cast<scf::WhileOp>(op)) {
    assignAll(getTiedAfter(loop, i), layout);
  }
}

void LayoutPlan::spreadToUser(OpOperand &use, const TileLayout &layout) {
  Operation *op = use.getOwner();
  unsigned i = use.getOperandNumber();
  if (isElementwise(op)) {
    assign(op->getResult(0), layout);
  } else if (auto reduce = dyn_cast<tile::ReduceOp>(op)) {
    assign(reduce.getResult(),
           i == 0 ? layout.slice(unsigned(reduce.getAxis())) : layout);
  } else if (auto transpose = dyn_cast<tile::TransposeOp>(op)) {
    if (crossTransposes)
      assign(transpose.getResult(), layout.permute(transpose.getPermutation()));
  } else if (isa<aref::MmaWaitOp>(op)) {
    assign(op->getResult(i), layout);
  } else if (auto loop = dyn_cast<scf::ForOp>(op)) {
    assignAll(getTied(loop, i - loop.getNumControlOperands()), layout);
  } else if (auto loop = dyn_cast<scf::WhileOp>(op)) {
    assignAll(getTiedBefore(loop, i), layout);
  } else if (isa<scf::ConditionOp>(op)) {
    assignAll(getTiedAfter(cast<scf::WhileOp>(op->getParentOp()), i - 1),
              layout);
  } else if (isa<scf::YieldOp>(op)) {
    Operation *parent = op->getParentOp();
    if (auto loop = dyn_cast<scf::ForOp>(parent))
      assignAll(getTied(loop, i), layout);
    else if (auto branch = dyn_cast<scf::IfOp>(parent))
      assignAll(getTied(branch, i), layout);
    else if (auto loop = dyn_cast<scf::WhileOp>(parent))
      assignAll(getTiedBefore(loop, i), layout);
  }
}

void LayoutPlan::spread() {
  while (!worklist.empty()) {
    Value value = worklist.front();
    worklist.pop_front();
    TileLayout layout = layouts.find(value)->second;
    if (auto argument = dyn_cast<BlockArgument>(value)) {
      Operation *parent = argument.getOwner()->getParentOp();
      unsigned i = argument.getArgNumber();
      if (auto loop = dyn_cast<scf::ForOp>(parent))
        assignAll(getTied(loop, i - loop.getNumInductionVars()), layout);
      else if (auto loop = dyn_cast<scf::WhileOp>(parent))
        assignAll(argument.getOwner() == loop.getBeforeBody()
                      ? getTiedBefore(loop, i)
                      : getTiedAfter(loop, i),
                  layout);
    } else {
      spreadToOperands(value.getDefiningOp(), cast<OpResult>(value), layout);
    }
    for (OpOperand &use : value.getUses())
      spreadToUser(use, layout);
  }
}

SmallVector<Value> LayoutPlan::getMemoryTiles() {
  // The largest tile costs most to convert; among equals, the narrowest
  // elements need the most of them in one thread, and the first one wins.
  SmallVector<std::tuple<int64_t, int64_t, size_t, Value>> order;
  scope.walk([&](Operation *op) {
    Value tile;
    if (isa<tile::LoadOp, aref::LocalLoadOp>(op))
      tile = op->getResult(0);
    else if (isa<tile::StoreOp, aref::LocalStoreOp>(op))
      tile = op->getOperand(0);
    else
      return;
    RankedTensorType type = getTileType(tile);
    order.emplace_back(-type.getNumElements(),
                       getElementBytes(type.getElementType()), order.size(),
                       tile);
  });
  llvm::sort(order, [](const auto &a, const auto &b) {
    return std::tie(std::get<0>(a), std::get<1>(a), std::get<2>(a)) <
           std::tie(std::get<0>(b), std::get<1>(b), std::get<2>(b));
  });
  return llvm::map_to_vector(
      order, [](const auto &entry) { return std::get<3>(entry); });
}

LogicalResult LayoutPlan::run() {
  if (failed(check()))
    return failure();
  SmallVector<aref::MmaOp> products;
  scope.walk([&](Operation *op) {
    if (auto mma = dyn_cast<aref::MmaOp>(op))
      products.push_back(mma);
  });
  for (aref::MmaOp mma : products) {
    RankedTensorType type = getTileType(mma.getResult());
    assign(mma.getResult(),
           TileLayout::wgmmaAccumulator(type.getDimSize(0), type.getDimSize(1),
                                        scope.numWarps));
  }
  spread();
  // After accumulators, so that what is computed from one product for the next
  // is converted at its narrowest, as an operand.
  for (aref::MmaOp mma : products) {
    if (isTile(mma.getA()))
      assign(mma.getA(), getOperandA(mma));
  }
  spread();

  crossTransposes = false;
  for (Value tile : getMemoryTiles()) {
    if (isFree(tile))
      continue;
    assign(tile, getBlocked(tile));
    spread();
  }
  crossTransposes = true;
  scope.walk([&](Operation *op) {
    if (!isa<tile::TransposeOp>(op))
      return;
    for (Value tile : {op->getOperand(0), Value(op->getResult(0))}) {
      if (lookup(tile))
        worklist.push_back(tile);
    }
  });
  spread();

  // What nothing asks for.
  scope.walk([&](Operation *op) {
    for (Region &region : op->getRegions()) {
      for (Value argument : region.getArguments()) {
        if (isTile(argument))
          assign(argument, getBlocked(argument));
      }
    }
    for (Value result : op->getResults()) {
      if (isTile(result) && !isFree(result) && !lookup(result))
        assign(result, getBlocked(result));
    }
    spread();
  });
  return success();
}

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

  /// `value` in another layout.
  Value getIn(Value value, const TileLayout &layout);
  /// Whether it costs each thread next to nothing to make `value` again.
  static bool isCheap(Value value, unsigned depth = 0);

  LayoutScope scope;
  const LayoutPlan &plan;
  OpBuilder builder;
  DenseMap<std::pair<Value, Type>, Value> converted;
};

} // namespace

bool LayoutWriter::isCheap(Value value, unsigned depth) {
  Operation *op = value.getDefiningOp();
  if (isFree(op))
    return true;
  if (!op || depth == 4 || !isElementwise(op) || !isMemoryEffectFree(op))
    return false;
  return llvm::all_of(op->getOperands(), [&](Value operand) {
    return !isTile(operand) || isCheap(operand, depth + 1);
  });
}

Value LayoutWriter::getIn(Value value, const TileLayout &layout) {
  RankedTensorType type = withLayout(getTileType(value), layout);
  if (type == value.getType())
    return value;
  if (Value known = converted.lookup({value, type}))
    return known;
  Operation *op = value.getDefiningOp();
  if (auto convert = dyn_cast_or_null<aref::ConvertLayoutOp>(op)) {
    if (convert.getX().getType() == type)
      return convert.getX();
  }

  OpBuilder::InsertionGuard guard(builder);
  auto broadcast = dyn_cast_or_null<tile::BroadcastOp>(op);
  if (!broadcast && !isCheap(value)) {
    builder.setInsertionPointAfterValue(value);
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

void LayoutWriter::convertOperands(Operation *op) {
  auto convertTo = [&](OpOperand &operand, Value like) {
    if (isTile(operand.get()))
      convertOperand(operand, *getLayout(like.getType()));
  };
  if (isElementwise(op)) {
    for (OpOperand &operand : op->getOpOperands())
      convertTo(operand, op->getResult(0));
  } else if (isa<tile::StoreOp, aref::LocalStoreOp, aref::ConvertLayoutOp>(
                 op)) {
    OpOperand &value = op->getOpOperand(0);
    if (!getLayout(value.get().getType()))
      convertOperand(value, plan.getBlocked(value.get()));
  } else if (auto broadcast = dyn_cast<tile::BroadcastOp>(op)) {
    convertOperand(broadcast.getXMutable(),
                   getLayout(broadcast.getType())->slice(broadcast.getAxes()));
  } else if (auto transpose = dyn_cast<tile::TransposeOp>(op)) {
    convertOperand(transpose.getXMutable(),
                   getLayout(transpose.getType())
                       ->permute(invert(transpose.getPermutation())));
  } else if (auto reduce = dyn_cast<tile::ReduceOp>(op)) {
    if (!getLayout(reduce.getX().getType()))
      convertOperand(reduce.getXMutable(), plan.getBlocked(reduce.getX()));
    // The result follows from `x`; it is converted if others wanted it
    // elsewhere.
    TileLayout layout =
        getLayout(reduce.getX().getType())->slice(unsigned(reduce.getAxis()));
    convertOperand(reduce.getInitMutable(), layout);
    Type wanted = reduce.getType();
    Value result = reduce.getResult();
    result.setType(withLayout(reduce.getType(), layout));
    if (result.getType() != wanted) {
      OpBuilder::InsertionGuard guard(builder);
      builder.setInsertionPointAfter(reduce);
      auto convert = aref::ConvertLayoutOp::create(builder, reduce.getLoc(),
                                                   wanted, result);
      result.replaceAllUsesExcept(convert, convert);
    }
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
