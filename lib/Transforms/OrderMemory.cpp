//===- OrderMemory.cpp - Program order between threads --------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The author's program accesses memory in order; the threads that share its
/// tiles out do so only where a barrier makes them. One is needed between two
/// accesses to one view, of which one writes, unless each thread meets nothing
/// but its own elements.
///
//===----------------------------------------------------------------------===//

#include "lib/Layout/Encoding.h"
#include "lib/Transforms/LayoutScope.h"
#include "lib/Transforms/OperandLoads.h"
#include "lib/Transforms/Passes.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

namespace heddle {
#define GEN_PASS_DEF_ORDERMEMORY
#include "lib/Transforms/Passes.h.inc"
} // namespace heddle

using namespace mlir;
using namespace heddle;

namespace {

/// A load or store, since which there was no barrier.
struct Access {
  Operation *op;
  Value view;
  SmallVector<Value> offsets;
  /// Null for an access to one element.
  RankedTensorType tile;
  bool writes;
  /// How a store combines its elements with those in memory, if it does.
  std::optional<tile::ReduceKind> reduce;
  /// The loop of which an earlier iteration made the access, if one did.
  Operation *loop = nullptr;
  /// Iterations of several loops lie between.
  bool isFar = false;

  bool isSame(const Access &other) const {
    return op == other.op && loop == other.loop && isFar == other.isFar;
  }
};

using Accesses = SmallVector<Access>;

/// Puts barriers into one scope.
class MemoryOrder {
public:
  explicit MemoryOrder(LayoutScope scope) : scope(scope) {}
  void run() {
    Accesses open;
    visit(*scope.getBody(), open);
  }

private:
  void visit(Block &block, Accesses &open);
  void visitLoop(Operation *loop, Accesses &open);
  void visitBranches(Operation *op, Accesses &open);
  void visitAccess(Access access, Accesses &open);

  LayoutScope scope;
};

} // namespace

//===----------------------------------------------------------------------===//
// Conflicts
//===----------------------------------------------------------------------===//

static std::optional<Access> getAccess(Operation *op) {
  return llvm::TypeSwitch<Operation *, std::optional<Access>>(op)
      .Case([](tile::LoadOp load) {
        return Access{load, load.getView(), load.getOffsets(), load.getType(),
                      false};
      })
      .Case([](aref::CopyAsyncOp copy) {
        return Access{copy, copy.getView(), copy.getOffsets(),
                      cast<RankedTensorType>(copy.getTile()), false};
      })
      .Case([](tile::StoreOp store) {
        return Access{store,
                      store.getView(),
                      store.getOffsets(),
                      store.getValue().getType(),
                      true,
                      store.getReduce()};
      })
      .Case([](memref::LoadOp load) {
        return Access{load, load.getMemRef(), load.getIndices(), {}, false};
      })
      .Case([](memref::StoreOp store) {
        return Access{store, store.getMemRef(), store.getIndices(), {}, true};
      })
      .Default([](Operation *) { return std::nullopt; });
}

static bool isKernelArgument(Value root) {
  auto argument = dyn_cast<BlockArgument>(root);
  return argument && isa<tile::KernelOp>(argument.getOwner()->getParentOp());
}

/// Whether several threads hold the same element of `tile`.
static bool isShared(RankedTensorType tile) {
  std::optional<TileLayout> layout = getLayout(tile);
  return !layout || layout->getReplicatedLaneMask() != 0 ||
         layout->getReplicatedWarpMask() != 0;
}

/// By how much `value` grows with each iteration of `loop`, if that is known.
static std::optional<int64_t> getStride(Value value, scf::ForOp loop) {
  if (value == loop.getInductionVar())
    return getConstantIntValue(loop.getStep());
  if (loop.isDefinedOutsideOfLoop(value) || getConstantIntValue(value))
    return 0;
  Operation *op = value.getDefiningOp();
  if (!isa_and_nonnull<arith::AddIOp, arith::MulIOp>(op))
    return std::nullopt;
  std::optional<int64_t> lhs = getStride(op->getOperand(0), loop);
  std::optional<int64_t> rhs = getStride(op->getOperand(1), loop);
  if (!lhs || !rhs)
    return std::nullopt;
  if (isa<arith::AddIOp>(op))
    return *lhs + *rhs;
  if (auto factor = getConstantIntValue(op->getOperand(1)))
    return *lhs * *factor;
  if (auto factor = getConstantIntValue(op->getOperand(0)))
    return *rhs * *factor;
  return *lhs == 0 && *rhs == 0 ? std::optional<int64_t>(0) : std::nullopt;
}

/// Whether different iterations of `loop` access different elements.
static bool advances(const Access &access, Operation *loop) {
  auto forOp = dyn_cast<scf::ForOp>(loop);
  if (!forOp || !forOp.isDefinedOutsideOfLoop(access.view))
    return false;
  int64_t outer = int64_t(access.offsets.size()) - access.tile.getRank();
  for (auto [dim, offset] : llvm::enumerate(access.offsets)) {
    int64_t extent =
        int64_t(dim) < outer ? 1 : access.tile.getDimSize(dim - outer);
    if (auto stride = getStride(offset, forOp);
        stride && std::abs(*stride) >= extent)
      return true;
  }
  return false;
}

/// Whether one thread may meet in `later` what another does in `earlier`.
static bool conflict(const Access &earlier, const Access &later) {
  if (!earlier.writes && !later.writes)
    return false;
  // The order of reductions does not matter.
  if (earlier.reduce && earlier.reduce == later.reduce)
    return false;
  Value first = getRootView(earlier.view), second = getRootView(later.view);
  if (first != second && isKernelArgument(first) && isKernelArgument(second))
    return false;
  if (earlier.isFar || !earlier.tile || earlier.tile != later.tile ||
      earlier.view != later.view || earlier.offsets != later.offsets)
    return true;
  return earlier.loop ? !advances(earlier, earlier.loop)
                      : isShared(earlier.tile);
}

//===----------------------------------------------------------------------===//
// In program order
//===----------------------------------------------------------------------===//

static void add(Accesses &accesses, const Access &access) {
  if (llvm::none_of(accesses,
                    [&](const Access &other) { return access.isSame(other); }))
    accesses.push_back(access);
}

void MemoryOrder::visitAccess(Access access, Accesses &open) {
  if (llvm::any_of(open, [&](const Access &earlier) {
        return conflict(earlier, access);
      })) {
    OpBuilder builder(access.op);
    aref::SyncOp::create(builder, access.op->getLoc());
    open.clear();
  }
  add(open, access);
}

void MemoryOrder::visitLoop(Operation *loop, Accesses &open) {
  // Nothing orders one block and the next.
  if (loop->hasAttr(aref::ArefDialect::getBlocksAttrName())) {
    Accesses inside;
    visit(loop->getRegion(0).front(), inside);
    open.clear();
    return;
  }
  // Each pass adds what earlier iterations leave open, until that is all.
  for (size_t before = size_t(-1); before != open.size();) {
    before = open.size();
    Accesses inside = open;
    for (Region &region : loop->getRegions())
      visit(region.front(), inside);
    for (Access access : inside) {
      access.isFar |= access.loop && access.loop != loop;
      access.loop = loop;
      add(open, access);
    }
  }
}

void MemoryOrder::visitBranches(Operation *op, Accesses &open) {
  // No region may run, too.
  Accesses result = open;
  for (Region &region : op->getRegions()) {
    if (region.empty())
      continue;
    Accesses inside = open;
    visit(region.front(), inside);
    for (const Access &access : inside)
      add(result, access);
  }
  open = result;
}

void MemoryOrder::visit(Block &block, Accesses &open) {
  for (Operation &op : llvm::make_early_inc_range(block)) {
    if (isa<aref::RoleOp>(op))
      continue;
    if (isa<aref::SyncOp>(op))
      open.clear();
    else if (std::optional<Access> access = getAccess(&op))
      visitAccess(*access, open);
    else if (isa<LoopLikeOpInterface>(op))
      visitLoop(&op, open);
    else if (op.getNumRegions() != 0)
      visitBranches(&op, open);
  }
}

namespace {

struct OrderMemoryPass : heddle::impl::OrderMemoryBase<OrderMemoryPass> {
  using OrderMemoryBase::OrderMemoryBase;

  void runOnOperation() override {
    for (LayoutScope scope : getLayoutScopes(getOperation()))
      MemoryOrder(scope).run();
  }
};

} // namespace
