//===- CopyAsynchronously.cpp - Gathered tiles bypass registers -----------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Layout/Encoding.h"
#include "lib/Transforms/OperandLoads.h"
#include "lib/Transforms/Passes.h"
#include "lib/Transforms/Roles.h"
#include "lib/Transforms/Warpgroups.h"

#include "llvm/ADT/SetVector.h"

namespace heddle {
#define GEN_PASS_DEF_COPYASYNCHRONOUSLY
#include "lib/Transforms/Passes.h.inc"
} // namespace heddle

using namespace mlir;
using namespace heddle;
using namespace heddle::aref;

/// What one asynchronous copy of a thread moves.
static constexpr int64_t copyBytes = 16;
/// Registers for places of rows that a producer has room for, of each copy,
/// when it leaves others to the consumers.
static constexpr int64_t mostPlaces = 16;

/// Whether each thread has runs of whole copies along rows of `view`, and no
/// other thread has them, too.
static bool canCopy(RankedTensorType tile, MemRefType view) {
  SmallVector<int64_t> strides;
  int64_t offset;
  if (failed(view.getStridesAndOffset(strides, offset)) || strides.back() != 1)
    return false;
  Type element = tile.getElementType();
  std::optional<TileLayout> layout = getLayout(tile);
  return layout && element.isIntOrFloat() &&
         element.getIntOrFloatBitWidth() % 8 == 0 &&
         layout->getReplicatedLaneMask() == 0 &&
         layout->getReplicatedWarpMask() == 0 &&
         layout->getRun(layout->getRank() - 1) *
                 element.getIntOrFloatBitWidth() / 8 >=
             copyBytes;
}

/// The ring whose slot `store` writes to, or null.
static RingOp getRing(LocalStoreOp store) {
  Value buffer = store.getBuffer();
  if (auto rows = buffer.getDefiningOp<RowsOp>())
    buffer = rows.getSource();
  auto view = buffer.getDefiningOp<ViewOp>();
  return view ? view.getRing().getDefiningOp<RingOp>() : RingOp();
}

/// The load that could as well go straight to where `store` puts what it read;
/// or null.
static tile::LoadOp getLoad(LocalStoreOp store,
                            const llvm::SmallDenseSet<Value> &written) {
  auto load = store.getValue().getDefiningOp<tile::LoadOp>();
  if (!load || !load->hasOneUse() || load->getBlock() != store->getBlock() ||
      !canCopy(load.getType(), load.getView().getType()) ||
      written.contains(getRootView(load.getView())))
    return {};
  for (Type offset : load.getOffsets().getTypes())
    if (isa<RankedTensorType>(offset) && !getLayout(offset))
      return {};
  return isPadZero(load) ? load : tile::LoadOp();
}

/// Whether a thread of `role` has no elements in registers, and few numbers.
static bool needsFewRegisters(RoleOp role) {
  WalkResult found = role.walk([](Operation *op) {
    auto copy = dyn_cast<CopyAsyncOp>(op);
    if (!copy)
      return isa<LocalStoreOp>(op) ? WalkResult::interrupt()
                                   : WalkResult::advance();
    int64_t places = 0;
    for (Type type : copy.getOffsets().getTypes())
      if (isa<RankedTensorType>(type))
        places += getLayout(type)->getNumRegisters();
    return places > mostPlaces ? WalkResult::interrupt()
                               : WalkResult::advance();
  });
  return !found.wasInterrupted();
}

/// Removes the fence before `commit` if threads only copy to the slot: it might
/// make them wait, and those who wait for the slot have one of their own.
static void eraseFence(CommitOp commit) {
  auto fence = dyn_cast_or_null<FenceAsyncOp>(commit->getPrevNode());
  if (!fence)
    return;
  for (Operation *op = fence->getPrevNode(); op; op = op->getPrevNode()) {
    if (isa<LocalStoreOp>(op) || op->getNumRegions() != 0)
      return;
    if (op == commit.getSlot().getDefiningOp()) {
      fence.erase();
      return;
    }
  }
}

namespace {
struct CopyAsynchronously
    : heddle::impl::CopyAsynchronouslyBase<CopyAsynchronously> {
  void runOnOperation() override;
};
} // namespace

void CopyAsynchronously::runOnOperation() {
  tile::KernelOp kernel = getOperation();
  llvm::SmallDenseSet<Value> written = getWrittenViews(kernel);
  SmallVector<std::pair<LocalStoreOp, tile::LoadOp>> copies;
  bool gathers = false;
  kernel.walk([&](LocalStoreOp store) {
    if (!getRing(store))
      return;
    if (tile::LoadOp load = getLoad(store, written)) {
      copies.emplace_back(store, load);
      gathers |= load.isGather();
    }
  });
  // Others have a twin that copies by TMA, and run if views are not aligned.
  if (!gathers)
    return;

  llvm::SmallSetVector<RingOp, 4> rings;
  for (auto [store, load] : copies) {
    OpBuilder builder(store);
    rings.insert(getRing(store));
    CopyAsyncOp::create(builder, load.getLoc(), load.getView(),
                        load.getOffsets(), load.getPadAttr(), store.getBuffer(),
                        load.getType());
    store.erase();
    load.erase();
  }
  for (RingOp ring : rings)
    for (Operation *user : ring->getUsers())
      if (auto commit = dyn_cast<CommitOp>(user)) {
        commit.setAsync(true);
        eraseFence(commit);
      }

  // A producer that needs few registers leaves the others to the consumers.
  RoleOp producer = findRole(kernel, producerRole);
  if (producer && needsFewRegisters(producer) &&
      !findRole(kernel, preparerRole))
    setRegisters(kernel,
                 getAsyncRegisterShares(kernel, countWarpgroups(kernel)));
}
