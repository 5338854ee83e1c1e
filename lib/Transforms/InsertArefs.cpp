//===- InsertArefs.cpp - Rings between loads and dots ---------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Transforms/Passes.h"
#include "lib/Transforms/Roles.h"
#include "lib/Transforms/ScheduleAttrs.h"

#include "llvm/ADT/DenseSet.h"

namespace heddle {
#define GEN_PASS_DEF_INSERTAREFS
#include "lib/Transforms/Passes.h.inc"
} // namespace heddle

using namespace mlir;
using namespace heddle;

namespace {
/// Loads that travel through one ring. All are in one block.
struct Group {
  SmallVector<tile::LoadOp> loads;
  /// What to name in messages about the ring.
  Location loc;
};
} // namespace

/// The load behind an operand of a dot, if it is the producer's.
static tile::LoadOp getProducerLoad(Value operand) {
  auto load = operand.getDefiningOp<tile::LoadOp>();
  return load && hasRole(load, producerRole) ? load : tile::LoadOp();
}

/// A and B of one dot share a ring if they arrive together and only it reads
/// them. Anything else has a ring of its own, so that it is released as early
/// as possible.
static SmallVector<Group> groupLoads(tile::KernelOp kernel) {
  SmallVector<Group> groups;
  DenseSet<Operation *> seen;
  kernel.getBody().walk([&](tile::LoadOp load) {
    if (!hasRole(load, producerRole) || !seen.insert(load).second)
      return;
    Group &group = groups.emplace_back(Group{{load}, load.getLoc()});
    if (!load->hasOneUse())
      return;
    auto dot = dyn_cast<tile::DotOp>(*load->user_begin());
    if (!dot)
      return;
    group.loc = dot.getLoc();
    tile::LoadOp a = getProducerLoad(dot.getA());
    tile::LoadOp b = getProducerLoad(dot.getB());
    if (!a || !b || a == b || !a->hasOneUse() || !b->hasOneUse() ||
        a->getBlock() != b->getBlock())
      return;
    group.loads = {a, b};
    seen.insert(a);
    seen.insert(b);
  });
  return groups;
}

static void insertRing(tile::KernelOp kernel, const Group &group) {
  MLIRContext *context = kernel.getContext();
  SmallVector<RankedTensorType> tiles;
  SmallVector<Value> values;
  Operation *lastLoad = group.loads.front();
  Block *block = lastLoad->getBlock();
  // The operations of the block that use the tiles, or hold their users.
  Operation *firstUse = nullptr, *lastUse = nullptr;
  for (tile::LoadOp load : group.loads) {
    tiles.push_back(load.getType());
    values.push_back(load);
    if (lastLoad->isBeforeInBlock(load))
      lastLoad = load;
    for (Operation *user : load->getUsers()) {
      Operation *ancestor = block->findAncestorOpInBlock(*user);
      if (!firstUse || ancestor->isBeforeInBlock(firstUse))
        firstUse = ancestor;
      if (!lastUse || lastUse->isBeforeInBlock(ancestor))
        lastUse = ancestor;
    }
  }

  auto builder = OpBuilder::atBlockBegin(&kernel.getBody().front());
  // Rings come in the order of their loads.
  for (Operation &op : kernel.getBody().front()) {
    if (!isa<aref::RingOp>(op))
      break;
    builder.setInsertionPointAfter(&op);
  }
  auto ring = aref::RingOp::create(
      builder, group.loc, aref::RingType::get(context, /*depth=*/0, tiles));
  if (auto depth = findScheduleAttr<IntegerAttr>(
          group.loads.front(), tile::TileDialect::getStagesAttrName()))
    ring.setRequestedDepth(depth.getInt());

  SmallVector<Type> results = {aref::SlotType::get(context, tiles)};
  results.append(tiles.begin(), tiles.end());
  builder.setInsertionPoint(firstUse);
  auto get = aref::GetOp::create(builder, group.loc, results, ring.getRing());
  setRole(get, consumerRole);
  builder.setInsertionPointAfter(lastUse);
  auto release = aref::ReleaseOp::create(builder, group.loc, ring.getRing(),
                                         get.getSlot());
  setRole(release, consumerRole);
  for (auto [load, value] : llvm::zip(values, get.getValues()))
    load.replaceAllUsesWith(value);

  builder.setInsertionPointAfter(lastLoad);
  auto put =
      aref::PutOp::create(builder, lastLoad->getLoc(), ring.getRing(), values);
  setRole(put, producerRole);
}

namespace {
struct InsertArefs : heddle::impl::InsertArefsBase<InsertArefs> {
  void runOnOperation() override {
    for (const Group &group : groupLoads(getOperation()))
      insertRing(getOperation(), group);
  }
};
} // namespace
