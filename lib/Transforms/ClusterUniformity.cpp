//===- ClusterUniformity.cpp - What blocks of a cluster share -------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Everything is taken to be the same until something says that it is not:
/// values are marked until nothing more is to be marked, so that what loops
/// carry needs no special care.
///
//===----------------------------------------------------------------------===//

#include "lib/Transforms/ClusterUniformity.h"

#include "lib/Transforms/OperandLoads.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;
using namespace heddle;

ClusterUniformity::ClusterUniformity(aref::RoleOp role, int64_t size)
    : role(role), size(size),
      written(getWrittenViews(role->getParentOfType<tile::KernelOp>())) {
  auto kernel = role->getParentOfType<tile::KernelOp>();
  bool changed = true;
  while (changed) {
    changed = false;
    // Outside of roles, scalars that they capture.
    for (Operation &op : kernel.getBody().front())
      if (!isa<aref::RoleOp>(op))
        op.walk<WalkOrder::PreOrder>(
            [&](Operation *nested) { changed |= update(nested); });
    role.getBody().walk<WalkOrder::PreOrder>(
        [&](Operation *op) { changed |= update(op); });
  }
}

bool ClusterUniformity::mark(ValueRange values) {
  bool changed = false;
  for (Value value : values)
    changed |= mark(value);
  return changed;
}

/// The value before casts that keep every id, which has less than 32 bits.
static Value skipCasts(Value value) {
  auto keepsIds = [](Type type) {
    return type.isIndex() || type.getIntOrFloatBitWidth() >= 32;
  };
  while (Operation *op = value.getDefiningOp()) {
    if (!isa<arith::IndexCastOp, arith::IndexCastUIOp, arith::ExtUIOp>(op) ||
        !keepsIds(op->getResult(0).getType()))
      break;
    value = op->getOperand(0);
  }
  return value;
}

template <typename Op>
static bool isRegister(Value value) {
  auto op = skipCasts(value).getDefiningOp<Op>();
  return op && op.getDimension() == gpu::Dimension::x;
}

/// Whether `op` divides an id by a number of whole clusters. An id is the place
/// of the cluster times the blocks that it has, plus the block's place in it.
bool ClusterUniformity::isSameQuotient(Operation *op) const {
  if (!isa<arith::DivUIOp, arith::DivSIOp, arith::FloorDivSIOp, arith::ShRUIOp,
           arith::ShRSIOp>(op))
    return false;
  std::optional<int64_t> divisor = getConstantIntValue(op->getOperand(1));
  if (!divisor || *divisor <= 0)
    return false;
  if (isa<arith::ShRUIOp, arith::ShRSIOp>(op)) {
    if (*divisor >= 31)
      return false;
    divisor = int64_t(1) << *divisor;
  }
  auto sum = skipCasts(op->getOperand(0)).getDefiningOp<arith::AddIOp>();
  if (*divisor % size != 0 || !sum)
    return false;
  for (auto [first, rank] : {std::pair(sum.getLhs(), sum.getRhs()),
                             std::pair(sum.getRhs(), sum.getLhs())}) {
    auto product = first.getDefiningOp<arith::MulIOp>();
    if (!product || !isRegister<gpu::ClusterBlockIdOp>(rank) ||
        !isUniform(product.getLhs()) || !isUniform(product.getRhs()))
      continue;
    if (isRegister<gpu::ClusterDimBlocksOp>(product.getLhs()) ||
        isRegister<gpu::ClusterDimBlocksOp>(product.getRhs()))
      return true;
  }
  return false;
}

/// Whether all blocks go through the regions of `op` alike.
bool ClusterUniformity::isControlUniform(Operation *op) const {
  if (auto loop = dyn_cast<scf::ForOp>(op))
    return isUniform(loop.getLowerBound()) && isUniform(loop.getUpperBound()) &&
           isUniform(loop.getStep());
  if (auto branch = dyn_cast<scf::IfOp>(op))
    return isUniform(branch.getCondition());
  if (auto loop = dyn_cast<scf::WhileOp>(op))
    return isUniform(loop.getConditionOp().getCondition());
  return false;
}

/// Marks what is not the same because of `op`; whether that is more than
/// before.
bool ClusterUniformity::update(Operation *op) {
  if (op->getNumRegions() != 0) {
    if (!isa<scf::ForOp, scf::IfOp, scf::WhileOp>(op)) {
      bool changed = mark(op->getResults());
      for (Region &region : op->getRegions())
        for (Block &block : region)
          changed |= mark(block.getArguments());
      return changed;
    }
    bool changed = false;
    if (!isControlUniform(op))
      changed |= mark(op->getResults());
    if (auto loop = dyn_cast<scf::ForOp>(op)) {
      if (!isUniform(loop.getLowerBound()) || !isUniform(loop.getStep()))
        changed |= mark(loop.getInductionVar());
      for (auto [init, argument, yielded, result] :
           llvm::zip_equal(loop.getInitArgs(), loop.getRegionIterArgs(),
                           loop.getYieldedValues(), loop.getResults()))
        if (!isUniform(init) || !isUniform(yielded)) {
          changed |= mark(argument);
          changed |= mark(result);
        }
    } else if (auto branch = dyn_cast<scf::IfOp>(op)) {
      for (Region *region : {&branch.getThenRegion(), &branch.getElseRegion()})
        if (!region->empty())
          for (auto [yielded, result] :
               llvm::zip_equal(region->front().getTerminator()->getOperands(),
                               branch.getResults()))
            if (!isUniform(yielded))
              changed |= mark(result);
    } else if (auto loop = dyn_cast<scf::WhileOp>(op)) {
      auto yielded = loop.getYieldOp().getResults();
      for (auto [init, value, argument] :
           llvm::zip_equal(loop.getInits(), yielded, loop.getBeforeArguments()))
        if (!isUniform(init) || !isUniform(value))
          changed |= mark(argument);
      for (auto [value, argument, result] :
           llvm::zip_equal(loop.getConditionOp().getArgs(),
                           loop.getAfterArguments(), loop.getResults()))
        if (!isUniform(value)) {
          changed |= mark(argument);
          changed |= mark(result);
        }
    }
    return changed;
  }
  if (isa<gpu::ClusterIdOp, gpu::ClusterDimOp, gpu::ClusterDimBlocksOp,
          gpu::GridDimOp, gpu::BlockDimOp>(op) ||
      isSameQuotient(op))
    return false;
  bool isSame = isMemoryEffectFree(op) &&
                llvm::all_of(op->getOperands(),
                             [&](Value value) { return isUniform(value); });
  // What nobody writes reads the same everywhere.
  if (auto load = dyn_cast<memref::LoadOp>(op))
    isSame = !written.contains(getRootView(load.getMemRef())) &&
             llvm::all_of(op->getOperands(),
                          [&](Value value) { return isUniform(value); });
  if (isa<gpu::ClusterBlockIdOp, gpu::BlockIdOp, gpu::ThreadIdOp,
          gpu::LaneIdOp>(op))
    isSame = false;
  // Roles, rings and buffers are each block's own, in the same places.
  if (isa<aref::RingOp, aref::AllocOp, aref::ViewOp, aref::AcquireOp>(op))
    isSame = true;
  return isSame ? false : mark(op->getResults());
}

bool ClusterUniformity::isPerformedAlike(Operation *op) const {
  Operation *parent = op->getParentOp();
  for (; parent && parent != role; parent = parent->getParentOp())
    if (!isControlUniform(parent))
      return false;
  return parent;
}
