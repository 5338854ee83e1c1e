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
#include "llvm/ADT/MapVector.h"

namespace heddle {
#define GEN_PASS_DEF_INSERTAREFS
#include "lib/Transforms/Passes.h.inc"
} // namespace heddle

using namespace mlir;
using namespace heddle;

namespace {
/// Tiles that travel through one ring. All are made in one block, by one role.
struct Group {
  SmallVector<Value> tiles;
  /// What to name in messages about the ring.
  Location loc;
  StringRef from;
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
static void groupLoads(tile::KernelOp kernel, SmallVectorImpl<Group> &groups) {
  DenseSet<Operation *> seen;
  kernel.getBody().walk([&](tile::LoadOp load) {
    if (!hasRole(load, producerRole) || !seen.insert(load).second)
      return;
    Group &group =
        groups.emplace_back(Group{{load}, load.getLoc(), producerRole});
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
    group.tiles = {a, b};
    seen.insert(a);
    seen.insert(b);
  });
}

static bool isPreparers(Operation *op) { return hasRole(op, preparerRole); }

/// Whether `user` is of `role`, and needs what `maker` makes from a ring.
static bool isOf(Operation *user, StringRef role, Operation *maker) {
  if (role == preparerRole)
    return isPreparers(user) && !isPreparers(maker);
  // Around a loop, values go to who made them.
  bool isCarried =
      isPreparers(maker) && user == maker->getBlock()->getTerminator();
  return !isPreparers(user) && !hasRole(user, producerRole) && !isCarried;
}

/// What the preparer makes for the consumer of one loop shares a ring: it is
/// waited for once.
static void groupPrepared(tile::KernelOp kernel,
                          SmallVectorImpl<Group> &groups) {
  llvm::MapVector<Operation *, Group> prepared;
  kernel.getBody().walk([&](Operation *op) {
    if (!isPreparers(op))
      return;
    for (Value tile : op->getResults()) {
      if (llvm::none_of(tile.getUsers(), [&](Operation *user) {
            return isOf(user, consumerRole, op);
          }))
        continue;
      auto [it, isNew] = prepared.insert(
          {op->getParentOp(), Group{{}, op->getLoc(), preparerRole}});
      it->second.tiles.push_back(tile);
    }
  });
  for (auto &[place, group] : prepared)
    groups.push_back(std::move(group));
}

/// Whether `op` makes each element of its result from one of each operand's.
static bool isElementwise(Operation *op) {
  return op->hasTrait<OpTrait::Elementwise>() || isa<tile::TransposeOp>(op);
}

/// Lets `role` get the ring's tiles in place of `tiles`, where it uses them.
static void insertGet(aref::RingOp ring, const Group &group, StringRef role) {
  Operation *maker = group.tiles.front().getDefiningOp();
  Block *block = maker->getBlock();
  auto isRoles = [&](Operation *user) { return isOf(user, role, maker); };
  // The operations of the block that use the tiles, or hold their users.
  Operation *firstUse = nullptr, *lastUse = nullptr;
  auto use = [&](Operation *user) {
    if (!firstUse || user->isBeforeInBlock(firstUse))
      firstUse = user;
    if (!lastUse || lastUse->isBeforeInBlock(user))
      lastUse = user;
  };
  for (Value tile : group.tiles)
    for (Operation *user : tile.getUsers()) {
      if (!isRoles(user))
        continue;
      use(block->findAncestorOpInBlock(*user));
      // Elements can be read where they are needed: all of them at once take
      // too many registers.
      while (role == preparerRole && isElementwise(user) && user->hasOneUse() &&
             isElementwise(*user->user_begin()) &&
             user->user_begin()->getBlock() == block) {
        user = *user->user_begin();
        use(user);
      }
    }
  if (!firstUse)
    return;
  ArrayRef<RankedTensorType> tiles = ring.getType().getTiles();
  SmallVector<Type> results = {aref::SlotType::get(ring.getContext(), tiles)};
  results.append(tiles.begin(), tiles.end());
  OpBuilder builder(firstUse);
  auto get = aref::GetOp::create(builder, group.loc, results, ring.getRing());
  setRole(get, role);
  builder.setInsertionPointAfter(lastUse);
  auto release = aref::ReleaseOp::create(builder, group.loc, ring.getRing(),
                                         get.getSlot());
  setRole(release, role);
  for (auto [tile, value] : llvm::zip(group.tiles, get.getValues())) {
    Value(tile).replaceUsesWithIf(
        value, [&](OpOperand &use) { return isRoles(use.getOwner()); });
  }
}

static void insertRing(tile::KernelOp kernel, const Group &group) {
  MLIRContext *context = kernel.getContext();
  SmallVector<RankedTensorType> types;
  Operation *last = group.tiles.front().getDefiningOp();
  for (Value tile : group.tiles) {
    types.push_back(cast<RankedTensorType>(tile.getType()));
    if (last->isBeforeInBlock(tile.getDefiningOp()))
      last = tile.getDefiningOp();
  }

  auto builder = OpBuilder::atBlockBegin(&kernel.getBody().front());
  // Rings come in the order of their loads.
  for (Operation &op : kernel.getBody().front()) {
    if (!isa<aref::RingOp>(op))
      break;
    builder.setInsertionPointAfter(&op);
  }
  auto ring = aref::RingOp::create(
      builder, group.loc, aref::RingType::get(context, /*depth=*/0, types));
  // Authors ask for stages of what they load.
  if (auto depth = findScheduleAttr<IntegerAttr>(
          last, tile::TileDialect::getStagesAttrName());
      depth && group.from == producerRole)
    ring.setRequestedDepth(depth.getInt());

  for (StringRef role : {preparerRole, consumerRole})
    insertGet(ring, group, role);
  builder.setInsertionPointAfter(last);
  auto put =
      aref::PutOp::create(builder, last->getLoc(), ring.getRing(), group.tiles);
  setRole(put, group.from);
}

namespace {
struct InsertArefs : heddle::impl::InsertArefsBase<InsertArefs> {
  void runOnOperation() override {
    SmallVector<Group> groups;
    groupLoads(getOperation(), groups);
    groupPrepared(getOperation(), groups);
    for (const Group &group : groups)
      insertRing(getOperation(), group);
  }
};
} // namespace
