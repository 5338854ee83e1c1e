//===- InstanceMemory.cpp - Memory between instances of a role ------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Transforms/OperandLoads.h"
#include "lib/Transforms/TileCut.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;
using namespace heddle;

namespace {
/// A load or store of a role.
struct Access {
  Operation *op;
  Value view;
  /// The dimension of the view along which instances share the tile out.
  int64_t dim;
  /// Of that dimension.
  Value offset;
  int64_t extent;

  bool isWhole() const { return dim == TileCut::whole; }
  bool isStore() const { return isa<tile::StoreOp>(op); }
  std::optional<tile::ReduceKind> getReduce() const {
    auto store = dyn_cast<tile::StoreOp>(op);
    return store ? store.getReduce() : std::nullopt;
  }
  bool isLike(const Access &other) const {
    return view == other.view && dim == other.dim && offset == other.offset &&
           extent == other.extent;
  }
};
} // namespace

static Access makeAccess(Operation *op, Value view, OperandRange offsets,
                         RankedTensorType tile, int64_t dim) {
  if (dim == TileCut::whole)
    return {op, view, dim, {}, 0};
  int64_t viewDim = int64_t(offsets.size()) - tile.getRank() + dim;
  return {op, view, viewDim, offsets[viewDim], tile.getDimSize(dim)};
}

/// Whether `op` repeats: a loop other than that over blocks.
static bool isInnerLoop(Operation *op) {
  return isa<LoopLikeOpInterface>(op) &&
         !op->hasAttr(aref::ArefDialect::getBlocksAttrName());
}

/// Adds to `strides` by how much `value * scale` grows with each iteration of
/// each inner loop. Fails if that is not known.
static LogicalResult
addStrides(Value value, int64_t scale,
           llvm::SmallMapVector<Operation *, int64_t, 4> &strides) {
  bool repeats = false;
  for (Operation *op = value.getParentRegion()->getParentOp();
       op && !isa<aref::RoleOp>(op); op = op->getParentOp())
    repeats |= isInnerLoop(op);
  if (!repeats)
    return success();
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    auto loop = dyn_cast<scf::ForOp>(argument.getOwner()->getParentOp());
    if (!loop || value != loop.getInductionVar())
      return failure();
    std::optional<int64_t> step = getConstantIntValue(loop.getStep());
    if (!step)
      return failure();
    strides[loop] += scale * *step;
    return addStrides(loop.getLowerBound(), scale, strides);
  }
  if (getConstantIntValue(value))
    return success();
  if (auto add = value.getDefiningOp<arith::AddIOp>())
    return failed(addStrides(add.getLhs(), scale, strides))
               ? failure()
               : addStrides(add.getRhs(), scale, strides);
  if (auto mul = value.getDefiningOp<arith::MulIOp>()) {
    if (std::optional<int64_t> factor = getConstantIntValue(mul.getRhs()))
      return addStrides(mul.getLhs(), scale * *factor, strides);
    if (std::optional<int64_t> factor = getConstantIntValue(mul.getLhs()))
      return addStrides(mul.getRhs(), scale * *factor, strides);
  }
  return failure();
}

/// Whether no element of `access` in one iteration of a loop belongs to another
/// instance in another iteration.
static bool staysApart(const Access &access) {
  // A view of a part of an argument may be of another part in each iteration.
  if (Operation *op = access.view.getDefiningOp())
    for (Operation *parent = op->getParentOp(); !isa<aref::RoleOp>(parent);
         parent = parent->getParentOp())
      if (isInnerLoop(parent))
        return false;
  llvm::SmallMapVector<Operation *, int64_t, 4> strides;
  if (failed(addStrides(access.offset, 1, strides)))
    return false;
  // Two loops could make up for one another's strides.
  strides.remove_if([](auto &entry) { return entry.second == 0; });
  return strides.empty() || (strides.size() == 1 &&
                             std::abs(strides.front().second) >= access.extent);
}

LogicalResult heddle::verifyIndependence(aref::RoleOp role, const TileCut &cut,
                                         Operation *&obstacle,
                                         StringRef &reason) {
  auto fail = [&](Operation *op, StringRef why) {
    obstacle = op;
    reason = why;
    return failure();
  };
  llvm::MapVector<Value, SmallVector<Access>> accesses;
  auto collect = [&](Operation *op) -> LogicalResult {
    if (auto load = dyn_cast<tile::LoadOp>(op)) {
      for (OpOperand &use : load->getUses())
        accesses[getRootView(load.getView())].push_back(
            makeAccess(op, load.getView(), load.getOffsets(), load.getType(),
                       cut.getDim(use)));
      return success();
    }
    if (auto store = dyn_cast<tile::StoreOp>(op)) {
      accesses[getRootView(store.getView())].push_back(
          makeAccess(op, store.getView(), store.getOffsets(),
                     store.getValue().getType(), cut.getDim(store.getValue())));
      return success();
    }
    if (isa<aref::GetOp, aref::PinOp, aref::ReleaseOp>(op) ||
        isMemoryEffectFree(op) ||
        op->hasTrait<OpTrait::HasRecursiveMemoryEffects>())
      return success();
    auto interface = dyn_cast<MemoryEffectOpInterface>(op);
    if (!interface)
      return fail(op, "it would happen once per warpgroup");
    SmallVector<MemoryEffects::EffectInstance> effects;
    interface.getEffects(effects);
    for (const MemoryEffects::EffectInstance &effect : effects) {
      if (!isa<MemoryEffects::Read>(effect.getEffect()) || !effect.getValue())
        return fail(op, "it would happen once per warpgroup");
      accesses[getRootView(effect.getValue())].push_back(
          {op, effect.getValue(), TileCut::whole, {}, 0});
    }
    return success();
  };
  WalkResult walked = role.getBody().walk(
      [&](Operation *op) { return WalkResult(collect(op)); });
  if (walked.wasInterrupted())
    return failure();

  for (auto &[root, all] : accesses) {
    const Access *store = llvm::find_if(
        all, [](const Access &access) { return access.isStore(); });
    if (store == all.end())
      continue;
    auto argument = dyn_cast<BlockArgument>(root);
    if (!argument || !isa<tile::KernelOp>(argument.getOwner()->getParentOp()))
      return fail(store->op, "what it writes may be what others read");
    // Instance 0 performs the stores of whole tiles, in order.
    if (llvm::all_of(all, [](const Access &access) {
          return access.isStore() && access.isWhole();
        }))
      continue;
    // In whatever order instances reduce, the result is the same.
    if (llvm::all_of(all, [&](const Access &access) {
          return access.getReduce() && access.getReduce() == store->getReduce();
        }))
      continue;
    for (const Access &access : all)
      if (access.isWhole() || !access.isLike(all.front()) ||
          !staysApart(access))
        return fail(access.op, "a warpgroup may depend on what another one "
                               "writes to its view");
  }
  return success();
}
