//===- OperandLoads.cpp - Loads that a producer can perform ---------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Transforms/OperandLoads.h"

#include "lib/Analysis/ArgumentView.h"
#include "lib/Analysis/TensorMaps.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Interfaces/ViewLikeInterface.h"

using namespace mlir;
using namespace heddle;

Value heddle::getRootView(Value view) {
  while (auto op = view.getDefiningOp<ViewLikeOpInterface>())
    view = op.getViewSource();
  return view;
}

llvm::SmallDenseSet<Value> heddle::getWrittenViews(tile::KernelOp kernel) {
  llvm::SmallDenseSet<Value> written;
  kernel.walk([&](Operation *op) {
    if (auto store = dyn_cast<tile::StoreOp>(op))
      written.insert(getRootView(store.getView()));
    else if (auto copy = dyn_cast<aref::CopyOutOp>(op))
      written.insert(getRootView(copy.getView()));
    else if (auto store = dyn_cast<memref::StoreOp>(op))
      written.insert(getRootView(store.getMemRef()));
  });
  return written;
}

/// Whether `root` is an argument of a kernel: what else it may overlap is
/// known.
static bool isKernelArgument(Value root) {
  auto argument = dyn_cast<BlockArgument>(root);
  return argument && isa<tile::KernelOp>(argument.getOwner()->getParentOp());
}

OperandLoads::OperandLoads(tile::KernelOp kernel) : kernel(kernel) {
  kernel.getBody().walk([&](Operation *op) {
    if (op->hasTrait<OpTrait::HasRecursiveMemoryEffects>() ||
        op->hasTrait<OpTrait::IsTerminator>())
      return;
    auto interface = dyn_cast<MemoryEffectOpInterface>(op);
    if (!interface) {
      writesUnknown = true;
      return;
    }
    SmallVector<MemoryEffects::EffectInstance> effects;
    interface.getEffects(effects);
    for (const MemoryEffects::EffectInstance &effect : effects) {
      if (!isa<MemoryEffects::Write>(effect.getEffect()))
        continue;
      Value root = effect.getValue() ? getRootView(effect.getValue()) : Value();
      if (root && isKernelArgument(root))
        written.insert(root);
      else
        writesUnknown = true;
    }
  });
}

bool OperandLoads::mayBeWritten(Value view) const {
  Value root = getRootView(view);
  if (!isKernelArgument(root))
    return writesUnknown || !written.empty();
  return writesUnknown || written.contains(root);
}

//===----------------------------------------------------------------------===//
// What a load depends on
//===----------------------------------------------------------------------===//

static constexpr StringRef dependsOnTile =
    "where or whether it reads depends on a tile";
static constexpr StringRef dependsOnWrites =
    "where or whether it reads depends on memory that the kernel writes";
static constexpr StringRef dependsOnUnknown =
    "where or whether it reads depends on an operation with side effects or "
    "on control flow other than scf.for, scf.if and scf.while";

/// Whether a producer does not compute `value`: it is a tile that takes a
/// product, or that control flow chooses, or it is an element of one.
static bool isForConsumers(Value value) {
  Operation *op = value.getDefiningOp();
  if (!isa<TensorType>(value.getType()))
    return op && llvm::any_of(op->getOperandTypes(), llvm::IsaPred<TensorType>);
  return !op || isa<tile::DotOp>(op) || op->getNumRegions() != 0 ||
         isa<FloatType>(getElementTypeOrSelf(value));
}

StringRef OperandLoads::visit(Value value) {
  if (isForConsumers(value))
    return dependsOnTile;
  if (!visitedValues.insert(value).second)
    return {};
  if (Operation *op = value.getDefiningOp()) {
    if (StringRef obstacle = visitControl(op->getParentOp()); !obstacle.empty())
      return obstacle;
    unsigned i = cast<OpResult>(value).getResultNumber();
    if (auto loop = dyn_cast<scf::ForOp>(op))
      return visit(loop.getRegionIterArg(i));
    if (auto branch = dyn_cast<scf::IfOp>(op)) {
      if (StringRef obstacle = visit(branch.getCondition()); !obstacle.empty())
        return obstacle;
      if (StringRef obstacle = visit(branch.thenYield().getOperand(i));
          !obstacle.empty())
        return obstacle;
      return visit(branch.elseYield().getOperand(i));
    }
    if (auto loop = dyn_cast<scf::WhileOp>(op))
      return visit(loop.getAfterArguments()[i]);
    return visitDefinition(op);
  }

  auto argument = cast<BlockArgument>(value);
  Operation *parent = argument.getOwner()->getParentOp();
  if (parent == kernel)
    return {};
  if (StringRef obstacle = visitControl(parent); !obstacle.empty())
    return obstacle;
  unsigned i = argument.getArgNumber();
  if (auto loop = dyn_cast<scf::ForOp>(parent)) {
    if (value == loop.getInductionVar())
      return {};
    if (StringRef obstacle = visit(loop.getTiedLoopInit(argument)->get());
        !obstacle.empty())
      return obstacle;
    return visit(loop.getTiedLoopYieldedValue(argument)->get());
  }
  if (auto loop = dyn_cast<scf::WhileOp>(parent)) {
    if (argument.getOwner() == loop.getAfterBody())
      return visit(loop.getConditionOp().getArgs()[i]);
    if (StringRef obstacle = visit(loop.getInits()[i]); !obstacle.empty())
      return obstacle;
    return visit(loop.getYieldOp().getOperand(i));
  }
  return dependsOnUnknown;
}

StringRef OperandLoads::visitControl(Operation *parent) {
  if (parent == kernel || !visitedControl.insert(parent).second)
    return {};
  SmallVector<Value> decisive;
  if (auto loop = dyn_cast<scf::ForOp>(parent))
    decisive = {loop.getLowerBound(), loop.getUpperBound(), loop.getStep()};
  else if (auto branch = dyn_cast<scf::IfOp>(parent))
    decisive = {branch.getCondition()};
  else if (auto loop = dyn_cast<scf::WhileOp>(parent))
    decisive = {loop.getConditionOp().getCondition()};
  else
    return dependsOnUnknown;
  for (Value value : decisive)
    if (StringRef obstacle = visit(value); !obstacle.empty())
      return obstacle;
  return visitControl(parent->getParentOp());
}

StringRef OperandLoads::visitOperands(Operation *op) {
  for (Value operand : op->getOperands())
    if (StringRef obstacle = visit(operand); !obstacle.empty())
      return obstacle;
  return {};
}

StringRef OperandLoads::visitDefinition(Operation *op) {
  if (op->getNumRegions() != 0)
    return dependsOnUnknown;
  if (!isMemoryEffectFree(op)) {
    auto interface = dyn_cast<MemoryEffectOpInterface>(op);
    if (!interface)
      return dependsOnUnknown;
    SmallVector<MemoryEffects::EffectInstance> effects;
    interface.getEffects(effects);
    for (const MemoryEffects::EffectInstance &effect : effects) {
      if (!isa<MemoryEffects::Read>(effect.getEffect()) || !effect.getValue())
        return dependsOnUnknown;
      if (mayBeWritten(effect.getValue()))
        return dependsOnWrites;
    }
  }
  return visitOperands(op);
}

//===----------------------------------------------------------------------===//
// Eligibility
//===----------------------------------------------------------------------===//

bool heddle::isPadZero(tile::LoadOp load) {
  TypedAttr pad = load.getPadAttr();
  if (!pad)
    return true;
  if (auto number = dyn_cast<FloatAttr>(pad))
    return number.getValue().isPosZero();
  auto number = dyn_cast<IntegerAttr>(pad);
  return number && number.getValue().isZero();
}

bool heddle::hasSharedForm(Type element) {
  return element.isFloat() || (element.isInteger() && !element.isInteger(1));
}

/// Whether an operand of a product is what `load` reads, or is computed from it
/// element by element. Tiles that are not large may also be scanned or
/// transposed on the way; of others, a ring would take the room of operands.
static bool feedsDot(tile::LoadOp load) {
  constexpr int64_t largeBytes = 32 << 10;
  RankedTensorType tileType = load.getType();
  bool isLarge =
      tileType.getNumElements() * int64_t(tileType.getElementTypeBitWidth()) >
      8 * largeBytes;
  SmallVector<Value> open = {load.getResult()};
  llvm::SmallDenseSet<Value> seen;
  while (!open.empty()) {
    Value tile = open.pop_back_val();
    if (!seen.insert(tile).second)
      continue;
    for (OpOperand &use : tile.getUses()) {
      Operation *user = use.getOwner();
      auto dot = dyn_cast<tile::DotOp>(user);
      if (dot &&
          use.getOperandNumber() != dot.getAccMutable().getOperandNumber())
        return true;
      if (OpTrait::hasElementwiseMappableTraits(user) ||
          (!isLarge &&
           isa<tile::ScanOp, tile::RecurrenceOp, tile::TransposeOp>(user)))
        llvm::append_range(open, user->getResults());
    }
  }
  return false;
}

StringRef OperandLoads::getObstacle(tile::LoadOp load) {
  if (load->use_empty())
    return "it is not used";
  for (Operation *user : load->getUsers())
    if (user->hasTrait<OpTrait::IsTerminator>())
      return "a loop or a branch hands it on";
  if (!hasSharedForm(load.getType().getElementType()))
    return "its elements have no form in shared memory";
  if (!feedsDot(load))
    return "no operand of a tile.dot is computed from it, element by element, "
           "in a scan or transposed";
  return getDependence(load);
}

StringRef OperandLoads::getDependence(tile::LoadOp load) {
  if (!hasSharedForm(load.getType().getElementType()))
    return "its elements have no form in shared memory";
  if (!isPadZero(load))
    return "its pad is not zero";
  return getOrderObstacle(load);
}

StringRef OperandLoads::getOrderObstacle(tile::LoadOp load) {
  if (mayBeWritten(load.getView()))
    return "the kernel writes the view it reads, or may do so";
  visitedValues.clear();
  visitedControl.clear();
  if (StringRef obstacle = visitControl(load->getParentOp()); !obstacle.empty())
    return obstacle;
  return visitOperands(load);
}

bool OperandLoads::isIndependent(tile::LoadOp load) {
  return getOrderObstacle(load).empty();
}

SmallVector<tile::LoadOp> OperandLoads::getEligible() {
  SmallVector<tile::LoadOp> loads;
  kernel.getBody().walk([&](tile::LoadOp load) {
    if (getObstacle(load).empty())
      loads.push_back(load);
  });
  return loads;
}

/// Whether the TMA can perform `load` if the view's address is aligned. Rows
/// that lie one after the other are a multiple apart of what is known of their
/// size.
static bool hasAlignedStrides(tile::LoadOp load) {
  auto view = cast<MemRefType>(load.getView().getType());
  if (!getTmaObstacle(load).empty())
    return false;
  if (!view.getLayout().isIdentity())
    return llvm::none_of(view.getStridesAndOffset().first,
                         ShapedType::isDynamic);
  int64_t bits = view.getElementTypeBitWidth();
  for (int64_t size : llvm::reverse(view.getShape().drop_front())) {
    if (!ShapedType::isDynamic(size))
      bits *= size;
    if (bits % (16 * 8) != 0)
      return false;
  }
  return true;
}

/// Whether all that is done with `load` is to repeat it for each row of a tile,
/// so that warpgroups that share rows out each need the whole of it.
static bool isRepeatedAlongRows(tile::LoadOp load) {
  return load.getType().getRank() == 1 && !load->use_empty() &&
         llvm::all_of(load->getUsers(), [](Operation *user) {
           auto broadcast = dyn_cast<tile::BroadcastOp>(user);
           return broadcast && broadcast.getAxes() == ArrayRef<int64_t>{0};
         });
}

SmallVector<tile::LoadOp>
OperandLoads::getCompanions(ArrayRef<tile::LoadOp> eligible) {
  DenseSet<Block *> loops;
  for (tile::LoadOp load : eligible)
    if (isa<scf::ForOp>(load->getParentOp()))
      loops.insert(load->getBlock());
  SmallVector<tile::LoadOp> loads;
  kernel.getBody().walk([&](tile::LoadOp load) {
    if (loops.contains(load->getBlock()) && isRepeatedAlongRows(load) &&
        hasAlignedStrides(load) && getDependence(load).empty())
      loads.push_back(load);
  });
  return loads;
}

//===----------------------------------------------------------------------===//
// TMA
//===----------------------------------------------------------------------===//

std::string heddle::getTmaObstacle(tile::LoadOp load) {
  if (load.isGather())
    return "it gathers rows";
  if (std::optional<ArgumentView> part = ArgumentView::get(load.getView());
      part && !part->isWhole() && load.getPadAttr())
    return "it pads a view that ends before the argument it is a part of, "
           "where the TMA would go on; without a pad, or with offsets into the "
           "argument itself, it could";
  return getTmaObstacle(load.getView(), load.getType());
}
