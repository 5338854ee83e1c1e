//===- LowerArefs.cpp - Rings become buffers and mbarriers ----------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// A slot becomes its stage, an i32. The stage and the parity of the next use
/// of a ring are carried in values: each role has a cursor for its acquires and
/// one for its waits of a ring, which `scf` operations that contain such uses
/// hand through. They are never computed from induction variables, so that
/// loops of any trip count, zero too, leave the ring in step.
///
//===----------------------------------------------------------------------===//

#include "lib/Transforms/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SetVector.h"

namespace heddle {
#define GEN_PASS_DEF_LOWERAREFS
#include "lib/Transforms/Passes.h.inc"
} // namespace heddle

using namespace mlir;
using namespace heddle;
using namespace heddle::aref;

namespace {

/// What a ring became.
struct LoweredRing {
  int64_t depth;
  /// One allocation of `depth` buffers per tile.
  SmallVector<Value> buffers;
  Value full;
  Value empty;
  /// Whether a role's threads read the slots themselves, so that lanes must be
  /// ordered before one of them gives a slot back.
  bool readByThreads;
  /// Whether copies that threads started may still be in flight when they
  /// commit a slot.
  bool async;
  /// Whether blocks of a cluster copy to the slots of one another, so that all
  /// of them release each.
  bool multicast;
};

/// The next use of a ring: which stage, and how often the ring has wrapped,
/// modulo 2. Both are i32.
struct Cursor {
  Value stage;
  Value phase;
};

/// A ring, and 1 if the cursor counts its acquires, 0 if its waits.
using CursorKey = std::pair<Value, unsigned>;
using Cursors = llvm::MapVector<CursorKey, Cursor>;

std::optional<CursorKey> getCursorKey(Operation *op) {
  if (isa<AcquireOp>(op))
    return CursorKey(op->getOperand(0), 1);
  if (isa<WaitOp>(op))
    return CursorKey(op->getOperand(0), 0);
  return std::nullopt;
}

/// The ring whose slot `buffer` is a part of, or null.
Value getRingOf(Value buffer) {
  while (Operation *op = buffer.getDefiningOp()) {
    if (auto view = dyn_cast<ViewOp>(op))
      return view.getRing();
    if (!isa<StageOp, RowsOp, ColumnsOp>(op))
      return {};
    buffer = op->getOperand(0);
  }
  return {};
}

/// Lowers the rings of one kernel.
class Lowering {
public:
  explicit Lowering(tile::KernelOp kernel)
      : kernel(kernel), b(kernel.getContext()) {}

  LogicalResult run();

private:
  LogicalResult lowerRing(RingOp ring);
  LogicalResult lowerBlock(Block &block, Cursors &cursors);
  LogicalResult lowerControlFlow(Operation *op, Cursors &cursors);
  void lowerUse(Operation *op, Cursors &cursors);
  void findFollowers(RoleOp role);
  void awaitAllReleases(RoleOp role, ArrayRef<Value> multicast,
                        const Cursors &cursors);
  llvm::SetVector<CursorKey> getCursorsInside(Operation *op);
  void advance(Location loc, Cursor &cursor, int64_t depth);

  Value constant(Location loc, int64_t value) {
    return arith::ConstantIntOp::create(b, loc, b.getI32Type(), value);
  }

  tile::KernelOp kernel;
  OpBuilder b;
  llvm::DenseMap<Value, LoweredRing> rings;
  /// In the present role, cursors that are always where another one was for the
  /// use before, and that one.
  llvm::DenseMap<CursorKey, CursorKey> followed;
  /// Where the cursors that others follow were for their last use.
  Cursors before;
};

/// The cursors that move within the regions of `op`, in order of appearance.
llvm::SetVector<CursorKey> Lowering::getCursorsInside(Operation *op) {
  llvm::SetVector<CursorKey> keys;
  op->walk([&](Operation *nested) {
    if (auto key = getCursorKey(nested); key && !followed.contains(*key))
      keys.insert(*key);
  });
  return keys;
}

/// Rings of equal depth that a role uses one after the other, each time, need
/// one cursor.
void Lowering::findFollowers(RoleOp role) {
  followed.clear();
  before.clear();
  llvm::MapVector<CursorKey, SmallVector<Operation *>> uses;
  llvm::DenseMap<Operation *, size_t> order;
  role.walk([&](Operation *op) {
    order[op] = order.size();
    if (auto key = getCursorKey(op))
      uses[*key].push_back(op);
  });
  auto follows = [&](ArrayRef<Operation *> ops, ArrayRef<Operation *> leaders) {
    if (ops.size() != leaders.size())
      return false;
    for (size_t i = 0; i < ops.size(); ++i)
      if (leaders[i]->getBlock() != ops[i]->getBlock() ||
          order[leaders[i]] > order[ops[i]] ||
          (i > 0 && order[ops[i - 1]] > order[leaders[i]]))
        return false;
    return true;
  };
  for (auto &[key, ops] : uses)
    for (auto &[leader, leaders] : uses) {
      if (leader == key)
        break;
      if (followed.contains(leader) || leader.second != key.second ||
          rings[leader.first].depth != rings[key.first].depth ||
          !follows(ops, leaders))
        continue;
      followed.insert({key, leader});
      break;
    }
}

LogicalResult Lowering::lowerRing(RingOp ring) {
  RingType type = ring.getType();
  if (!type.isPlanned())
    return ring.emitOpError("expected a planned depth, found ") << type;
  llvm::SetVector<RoleOp> producers, consumers;
  bool withBytes = false, withoutBytes = false, readByThreads = false;
  bool async = false, multicast = false;
  for (Operation *user : ring->getUsers()) {
    if (isa<PutOp, GetOp>(user))
      return user->emitOpError("expected slots, found the value-level "
                               "operation; lower-copies comes first");
    auto role = user->getParentOfType<RoleOp>();
    if (!role)
      return user->emitOpError("expected to be in a role");
    if (isa<AcquireOp>(user))
      producers.insert(role);
    if (isa<WaitOp>(user))
      consumers.insert(role);
    if (auto commit = dyn_cast<CommitOp>(user)) {
      (commit.getBytes() ? withBytes : withoutBytes) = true;
      async |= commit.getAsync();
    }
    if (auto copy = dyn_cast<CopyInOp>(user))
      multicast |= copy.getMulticast();
  }
  if (producers.size() > 1)
    return ring.emitOpError("expected one producing role, found ")
           << producers.size();
  if (withBytes && withoutBytes)
    return ring.emitOpError("expected every commit to count bytes, or none");
  kernel.walk([&](LocalLoadOp load) {
    readByThreads |= getRingOf(load.getBuffer()) == ring.getResult();
  });

  auto getWarps = [](const llvm::SetVector<RoleOp> &roles) -> int64_t {
    int64_t warps = 0;
    for (RoleOp role : roles)
      warps += int64_t(role.getWarps()) * int64_t(role.getInstances());
    return std::max<int64_t>(warps, 1);
  };
  LoweredRing lowered;
  lowered.depth = type.getDepth();
  lowered.readByThreads = readByThreads;
  lowered.async = async;
  lowered.multicast = multicast;
  // Each lane arrives for its copies, and one for what the warp stored itself.
  int64_t arrivals = withBytes ? 1 : getWarps(producers) * (async ? 33 : 1);
  b.setInsertionPoint(ring);
  for (RankedTensorType tile : type.getTiles())
    lowered.buffers.push_back(
        AllocOp::create(b, ring.getLoc(), BufferType::get(tile),
                        b.getI64IntegerAttr(lowered.depth), IntegerAttr()));
  auto barriers = MbarriersType::get(b.getContext(), lowered.depth);
  lowered.full = MbarriersOp::create(b, ring.getLoc(), barriers, arrivals);
  lowered.empty = MbarriersOp::create(b, ring.getLoc(), barriers,
                                      getWarps(consumers), multicast);
  rings[ring.getResult()] = lowered;
  return success();
}

/// Moves `cursor` to the next use.
void Lowering::advance(Location loc, Cursor &cursor, int64_t depth) {
  Value next = arith::AddIOp::create(b, loc, cursor.stage, constant(loc, 1));
  Value wrap = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, next,
                                     constant(loc, depth));
  Value flip = arith::ExtUIOp::create(b, loc, b.getI32Type(), wrap);
  cursor.stage = arith::SelectOp::create(b, loc, wrap, constant(loc, 0), next);
  cursor.phase = arith::XOrIOp::create(b, loc, cursor.phase, flip);
}

/// Replaces an operation on slots. Operands that were slots are i32 by now.
void Lowering::lowerUse(Operation *op, Cursors &cursors) {
  Location loc = op->getLoc();
  b.setInsertionPoint(op);
  if (isa<NoneOp>(op)) {
    op->getResult(0).replaceAllUsesWith(constant(loc, -1));
    op->erase();
    return;
  }
  if (auto copy = dyn_cast<CopyInOp>(op)) {
    LoweredRing &ring = rings[copy.getRing()];
    TmaLoadOp::create(
        b, loc, copy.getView(), copy.getOffsets(), copy.getBuffer(), ring.full,
        op->getOperand(op->getNumOperands() - 1), copy.getAlongAttr(),
        copy.getRoundTf32(), copy.getMulticast());
    op->erase();
    return;
  }
  LoweredRing &ring = rings[op->getOperand(0)];
  if (auto key = getCursorKey(op)) {
    auto leader = followed.find(*key);
    bool isFollower = leader != followed.end();
    Cursor &cursor = isFollower ? before[leader->second] : cursors[*key];
    if (!isFollower)
      before[*key] = cursor;
    Value stage = cursor.stage;
    if (key->second) {
      // All slots are empty at first: the phase before the first one counts as
      // completed.
      Value parity =
          arith::XOrIOp::create(b, loc, cursor.phase, constant(loc, 1));
      AwaitOp::create(b, loc, ring.empty, stage, parity, ring.multicast);
    } else {
      AwaitOp::create(b, loc, ring.full, stage, cursor.phase,
                      /*cluster=*/false);
      // Those who read asynchronously order what such copies wrote before it:
      // the thread that started them has gone on.
      if (ring.async)
        FenceAsyncOp::create(b, loc);
    }
    if (!isFollower)
      advance(loc, cursor, ring.depth);
    op->getResult(0).replaceAllUsesWith(stage);
    op->erase();
    return;
  }
  Value stage = op->getOperand(1);
  if (auto view = dyn_cast<ViewOp>(op)) {
    Value buffer = ring.buffers[view.getIndex()];
    if (ring.depth > 1)
      buffer = StageOp::create(b, loc, buffer, stage);
    view.getResult().replaceAllUsesWith(buffer);
  } else if (auto commit = dyn_cast<CommitOp>(op)) {
    if (commit.getBytes())
      ExpectOp::create(b, loc, ring.full, stage, commit.getBytesAttr());
    else
      ArriveOp::create(b, loc, ring.full, stage, /*sync=*/true, ring.async,
                       /*cluster=*/false);
  } else {
    ArriveOp::create(b, loc, ring.empty, stage, ring.readByThreads,
                     /*async=*/false, ring.multicast);
  }
  op->erase();
}

/// Hands the cursors that move within `op` through it.
LogicalResult Lowering::lowerControlFlow(Operation *op, Cursors &cursors) {
  llvm::SetVector<CursorKey> inside = getCursorsInside(op);
  if (inside.empty()) {
    for (Region &region : op->getRegions())
      for (Block &block : region)
        if (failed(lowerBlock(block, cursors)))
          return failure();
    return success();
  }
  Location loc = op->getLoc();
  b.setInsertionPoint(op);
  SmallVector<Value> outer;
  for (const CursorKey &key : inside) {
    outer.push_back(cursors[key].stage);
    outer.push_back(cursors[key].phase);
  }
  SmallVector<Type> outerTypes(outer.size(), b.getI32Type());
  SmallVector<Location> locs(outer.size(), loc);
  SmallVector<Type> types(op->getResultTypes());
  llvm::append_range(types, outerTypes);

  // The cursors as `block` receives them in its last arguments.
  auto addArguments = [&](Block &block) {
    Cursors received = cursors;
    auto arguments = block.addArguments(outerTypes, locs);
    auto it = arguments.begin();
    for (const CursorKey &key : inside) {
      received[key].stage = *it++;
      received[key].phase = *it++;
    }
    return received;
  };
  auto addOperands = [&](Block &block, Cursors &last) {
    SmallVector<Value> values;
    for (const CursorKey &key : inside) {
      values.push_back(last[key].stage);
      values.push_back(last[key].phase);
    }
    Operation *terminator = block.getTerminator();
    terminator->insertOperands(terminator->getNumOperands(), values);
  };

  Operation *replacement;
  if (auto loop = dyn_cast<scf::ForOp>(op)) {
    SmallVector<Value> inits(loop.getInitArgs());
    llvm::append_range(inits, outer);
    auto wider = scf::ForOp::create(b, loc, loop.getLowerBound(),
                                    loop.getUpperBound(), loop.getStep(), inits,
                                    nullptr, loop.getUnsignedCmp());
    wider.getRegion().takeBody(loop.getRegion());
    Cursors inner = addArguments(*wider.getBody());
    if (failed(lowerBlock(*wider.getBody(), inner)))
      return failure();
    addOperands(*wider.getBody(), inner);
    replacement = wider;
  } else if (auto branch = dyn_cast<scf::IfOp>(op)) {
    auto wider = scf::IfOp::create(b, loc, types, branch.getCondition(),
                                   /*addThenBlock=*/false,
                                   /*addElseBlock=*/false);
    wider.getThenRegion().takeBody(branch.getThenRegion());
    wider.getElseRegion().takeBody(branch.getElseRegion());
    if (wider.getElseRegion().empty()) {
      b.createBlock(&wider.getElseRegion());
      scf::YieldOp::create(b, loc);
    }
    for (Region *region : {&wider.getThenRegion(), &wider.getElseRegion()}) {
      Cursors inner = cursors;
      if (failed(lowerBlock(region->front(), inner)))
        return failure();
      addOperands(region->front(), inner);
    }
    replacement = wider;
  } else if (auto loop = dyn_cast<scf::WhileOp>(op)) {
    SmallVector<Value> inits(loop.getInits());
    llvm::append_range(inits, outer);
    auto wider = scf::WhileOp::create(b, loc, types, inits);
    wider.getBefore().takeBody(loop.getBefore());
    wider.getAfter().takeBody(loop.getAfter());
    for (Region *region : {&wider.getBefore(), &wider.getAfter()}) {
      Cursors inner = addArguments(region->front());
      if (failed(lowerBlock(region->front(), inner)))
        return failure();
      addOperands(region->front(), inner);
    }
    replacement = wider;
  } else {
    return op->emitOpError("expected rings to be used within scf.for, scf.if "
                           "and scf.while only");
  }
  replacement->setDiscardableAttrs(op->getDiscardableAttrDictionary());
  unsigned numResults = op->getNumResults();
  op->replaceAllUsesWith(replacement->getResults().take_front(numResults));
  auto it = replacement->result_begin() + numResults;
  for (const CursorKey &key : inside) {
    cursors[key].stage = *it++;
    cursors[key].phase = *it++;
  }
  op->erase();
  return success();
}

LogicalResult Lowering::lowerBlock(Block &block, Cursors &cursors) {
  for (Operation &op : llvm::make_early_inc_range(block)) {
    if (isa<AcquireOp, WaitOp, CommitOp, ReleaseOp, CopyInOp, ViewOp, NoneOp>(
            op))
      lowerUse(&op, cursors);
    else if (op.getNumRegions() != 0)
      if (failed(lowerControlFlow(&op, cursors)))
        return failure();
  }
  return success();
}

/// Blocks that release a slot arrive at barriers of others in their cluster,
/// which must not be gone by then: the producer stays until all are empty.
void Lowering::awaitAllReleases(RoleOp role, ArrayRef<Value> multicast,
                                const Cursors &cursors) {
  b.setInsertionPointToEnd(&role.getBody().front());
  Location loc = role.getLoc();
  for (Value value : multicast) {
    const LoweredRing &ring = rings[value];
    CursorKey key(value, 1);
    auto leader = followed.find(key);
    Cursor cursor =
        cursors.lookup(leader == followed.end() ? key : leader->second);
    for (int64_t i = 0; i < ring.depth; ++i) {
      Value parity =
          arith::XOrIOp::create(b, loc, cursor.phase, constant(loc, 1));
      AwaitOp::create(b, loc, ring.empty, cursor.stage, parity,
                      /*cluster=*/true);
      if (i + 1 < ring.depth)
        advance(loc, cursor, ring.depth);
    }
  }
}

LogicalResult Lowering::run() {
  SmallVector<RingOp> ringOps(kernel.getOps<RingOp>());
  if (ringOps.empty())
    return success();
  for (RingOp ring : ringOps)
    if (failed(lowerRing(ring)))
      return failure();
  WalkResult found = kernel.walk([&](Operation *op) {
    if (isa<AcquireOp, WaitOp, CommitOp, ReleaseOp, CopyInOp, ViewOp>(op))
      for (Value operand : op->getOperands())
        if (isa<RingType>(operand.getType()) && !rings.contains(operand)) {
          op->emitOpError("expected a ring made at the top of the kernel");
          return WalkResult::interrupt();
        }
    return WalkResult::advance();
  });
  if (found.wasInterrupted())
    return failure();

  // Slots that loops and branches hand on become stages where they are.
  Type i32 = b.getI32Type();
  kernel.walk([&](Operation *op) {
    for (Region &region : op->getRegions())
      for (Block &block : region)
        for (BlockArgument argument : block.getArguments())
          if (isa<SlotType>(argument.getType()))
            argument.setType(i32);
    if (isa<AcquireOp, WaitOp, NoneOp>(op))
      return;
    for (Value result : op->getResults())
      if (isa<SlotType>(result.getType()))
        result.setType(i32);
  });

  for (RoleOp role : kernel.getOps<RoleOp>()) {
    findFollowers(role);
    Cursors cursors;
    llvm::SetVector<CursorKey> keys = getCursorsInside(role);
    Block &body = role.getBody().front();
    b.setInsertionPointToStart(&body);
    if (!keys.empty()) {
      Value zero = constant(role.getLoc(), 0);
      for (const CursorKey &key : keys)
        cursors[key] = {zero, zero};
    }
    llvm::SetVector<Value> multicast;
    role.walk([&](AcquireOp acquire) {
      if (rings[acquire.getRing()].multicast)
        multicast.insert(acquire.getRing());
    });
    if (failed(lowerBlock(body, cursors)))
      return failure();
    awaitAllReleases(role, multicast.getArrayRef(), cursors);
  }
  for (RingOp ring : ringOps)
    ring.erase();
  return success();
}

struct LowerArefs : heddle::impl::LowerArefsBase<LowerArefs> {
  void runOnOperation() override {
    if (failed(Lowering(getOperation()).run()))
      signalPassFailure();
  }
};

} // namespace
