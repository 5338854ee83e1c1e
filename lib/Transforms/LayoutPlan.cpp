//===- LayoutPlan.cpp - Layouts of the tiles of a scope -------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Transforms/LayoutPlan.h"

#include "mlir/Dialect/Utils/IndexingUtils.h"

#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace heddle;

bool heddle::isFree(Operation *op) {
  return op && op->getNumResults() == 1 && isTile(op->getResult(0)) &&
         isa<arith::ConstantOp, tensor::SplatOp, tile::IotaOp>(op);
}

bool heddle::isElementwise(Operation *op) {
  return op->hasTrait<OpTrait::Elementwise>() && op->getNumResults() == 1 &&
         isTile(op->getResult(0));
}

std::optional<unsigned> heddle::getScanAxis(Operation *op) {
  if (auto scan = dyn_cast_or_null<tile::ScanOp>(op))
    return scan.getAxis();
  if (auto recurrence = dyn_cast_or_null<tile::RecurrenceOp>(op))
    return recurrence.getAxis();
  return std::nullopt;
}

//===----------------------------------------------------------------------===//
// What has a layout
//===----------------------------------------------------------------------===//

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

/// The most elements of one tile that a thread may hold. Threads have 255
/// registers; far beyond, code grows until nothing can compile or run it.
static constexpr int64_t maxRegisters = 1024;

/// Says what of a type cannot be spread over `threads` threads, or nothing.
static std::optional<std::string> checkType(Type type, int64_t threads) {
  auto tile = dyn_cast<RankedTensorType>(type);
  if (!tile)
    return std::nullopt;
  if (tile.getRank() == 0 || !tile.hasStaticShape() ||
      tile.getNumElements() == 0)
    return "expected a tile of rank 1 or more with positive static extents";
  if (!tile.getElementType().isIntOrIndexOrFloat())
    return "expected a tile of integers, floats or indices";
  int64_t left = maxRegisters * threads;
  for (int64_t extent : tile.getShape())
    left /= extent;
  if (left == 0)
    return llvm::formatv("expected a tile of at most {0} elements for {1} "
                         "threads",
                         maxRegisters * threads, threads);
  return std::nullopt;
}

LogicalResult LayoutPlan::checkRegisters() {
  LogicalResult result = success();
  scope.walk([&](Operation *op) {
    for (Value tile : op->getResults()) {
      const TileLayout *layout = lookup(tile);
      if (failed(result) || !layout ||
          layout->getNumRegisters() <= maxRegisters)
        continue;
      result = op->emitOpError("expected a tile of which each of ")
               << 32 * scope.numWarps << " threads holds at most "
               << maxRegisters << " elements, found " << tile.getType()
               << ", of which it would hold " << layout->getNumRegisters()
               << "; extents that are multiples of larger powers of two, or "
                  "smaller ones, would work";
    }
  });
  return result;
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
      if (auto error = checkType(type, 32 * scope.numWarps)) {
        result = op->emitOpError(*error) << ", found " << type;
        return;
      }
    }
    if (auto constant = dyn_cast<arith::ConstantOp>(op);
        constant && !isa<SplatElementsAttr>(constant.getValue())) {
      result = op->emitOpError("expected one value for all elements; compute "
                               "others from tile.iota or load them");
      return;
    }
    if (auto mma = dyn_cast<aref::MmaOp>(op)) {
      result = check(mma);
      return;
    }
    if (isElementwise(op) || isFree(op) ||
        isa<tile::LoadOp, tile::StoreOp, tile::ReduceOp, tile::ScanOp,
            tile::RecurrenceOp, tile::BroadcastOp, tile::TransposeOp,
            tile::TriInverseOp, aref::LocalLoadOp, aref::LocalStoreOp,
            aref::MmaWaitOp, aref::ConvertLayoutOp, scf::ForOp, scf::IfOp,
            scf::WhileOp, scf::YieldOp, scf::ConditionOp>(op))
      return;
    result = op->emitOpError("expected an operation whose tiles can be spread "
                             "over threads; rings and products must be "
                             "lowered to buffers first");
  });
  return result;
}

//===----------------------------------------------------------------------===//
// Spreading layouts
//===----------------------------------------------------------------------===//

bool LayoutPlan::accepts(Value tile, const TileLayout &layout) const {
  // Nor do all threads compute much of what comes of a vector's scan: to
  // convert a result costs less, and none waits in registers.
  if (scannedVectors.contains(tile) && isElementwise(tile.getDefiningOp()))
    return layout.getNumRegisters() <=
           4 * getScanned(getTileType(tile), 0).getNumRegisters();
  std::optional<unsigned> axis = getScanAxis(tile.getDefiningOp());
  if (!axis || cast<OpResult>(tile).getResultNumber() != 0)
    return true;
  int64_t parts = layout.getWarpParts(*axis);
  TileLayout scanned = getScanned(getTileType(tile), *axis);
  // Nor do all threads scan all of a vector.
  if (layout.getNumRegisters() > 4 * scanned.getNumRegisters())
    return false;
  return parts == 1 || parts <= scanned.getWarpParts(*axis);
}

void LayoutPlan::assign(Value tile, const TileLayout &layout) {
  if (!isTile(tile) || isFree(tile) || !accepts(tile, layout))
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

TileLayout heddle::getRowLayout(const TileLayout &layout) {
  return layout.getRank() == 1
             ? layout
             : layout.slice(llvm::to_vector(
                   llvm::seq<int64_t>(1, int64_t(layout.getRank()))));
}

void LayoutPlan::spreadToOperands(Operation *op, OpResult result,
                                  const TileLayout &layout) {
  unsigned i = result.getResultNumber();
  if (isElementwise(op) || isa<tile::ScanOp>(op)) {
    for (Value operand : op->getOperands())
      assign(operand, layout);
  } else if (auto load = dyn_cast<tile::LoadOp>(op)) {
    for (Value offset : load.getOffsets())
      if (isTile(offset))
        assign(offset, getRowLayout(layout));
  } else if (auto reduce = dyn_cast<tile::ReduceOp>(op)) {
    assign(reduce.getInit(), layout);
  } else if (auto recurrence = dyn_cast<tile::RecurrenceOp>(op)) {
    if (i == 1) {
      assign(recurrence.getInit(), layout);
      return;
    }
    assign(recurrence.getA(), layout);
    assign(recurrence.getB(), layout);
    assign(recurrence.getLast(), layout.reduce(recurrence.getAxis()));
  } else if (auto broadcast = dyn_cast<tile::BroadcastOp>(op)) {
    assign(broadcast.getX(), layout.slice(broadcast.getAxes()));
  } else if (auto transpose = dyn_cast<tile::TransposeOp>(op)) {
    if (crossTransposes)
      assign(transpose.getX(), layout.permute(invertPermutationVector(
                                   transpose.getPermutation())));
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
  if (isElementwise(op) || isa<tile::ScanOp>(op)) {
    assign(op->getResult(0), layout);
  } else if (auto recurrence = dyn_cast<tile::RecurrenceOp>(op)) {
    bool isInit = i == recurrence.getInitMutable().getOperandNumber();
    assign(isInit ? recurrence.getLast() : recurrence.getResult(), layout);
  } else if (auto reduce = dyn_cast<tile::ReduceOp>(op)) {
    assign(reduce.getResult(),
           i == 0 ? layout.reduce(reduce.getAxis()) : layout);
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
    if (auto reduce = dyn_cast<tile::ReduceOp>(op))
      reducedAxes.try_emplace(
          llvm::to_vector(reduce.getX().getType().getShape()),
          reduce.getAxis());
    if (std::optional<unsigned> axis = getScanAxis(op))
      scannedAxes.try_emplace(
          llvm::to_vector(getTileType(op->getResult(0)).getShape()), *axis);
    if (op->getNumResults() != 0 && isTile(op->getResult(0)) &&
        getTileType(op->getResult(0)).getRank() == 1 &&
        (getScanAxis(op) ||
         (isElementwise(op) &&
          llvm::any_of(op->getOperands(), [&](Value operand) {
            return scannedVectors.contains(operand);
          }))))
      scannedVectors.insert(op->getResult(0));
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

  // Before what is loaded for them, which may be only a slice of their tiles.
  scope.walk([&](Operation *op) {
    if (std::optional<unsigned> axis = getScanAxis(op)) {
      Value result = op->getResult(0);
      assign(result, getScanned(getTileType(result), *axis));
      spread();
    }
  });

  // Vectors that have to do with products serve other matrices, too, if those
  // are spread as sums are.
  if (!products.empty())
    scope.walk([&](Operation *op) {
      auto broadcast = dyn_cast<tile::BroadcastOp>(op);
      if (!broadcast)
        return;
      RankedTensorType type = broadcast.getType();
      if (broadcast.getX().getType().getRank() != 1 || type.getRank() != 2 ||
          type.getDimSize(0) % (16 * scope.numWarps) != 0 ||
          type.getDimSize(1) % 8 != 0)
        return;
      assign(broadcast.getResult(),
             TileLayout::wgmmaAccumulator(type.getDimSize(0),
                                          type.getDimSize(1), scope.numWarps));
      spread();
    });

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
  return checkRegisters();
}
