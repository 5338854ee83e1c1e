//===- PlanStages.cpp - How many slots each ring has ----------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Analysis/RingVerifier.h"
#include "lib/Analysis/SharedMemory.h"
#include "lib/Transforms/Passes.h"
#include "lib/Transforms/Roles.h"

namespace heddle {
#define GEN_PASS_DEF_PLANSTAGES
#include "lib/Transforms/Passes.h.inc"
} // namespace heddle

using namespace mlir;
using namespace heddle;
using namespace heddle::aref;

/// More slots than this hide no more latency.
static constexpr int64_t mostSlots = 8;

namespace {

/// A ring and the depth that it will have.
struct Plan {
  RingOp ring;
  int64_t depth;
  /// The depth may grow up to this.
  int64_t most;
  std::optional<RequestedStages> requested;
  /// Whether a preparer fills it: with one slot, it would never run ahead.
  bool isPrepared;

  int64_t getBytes() { return getRingBytes(ring.getType(), depth); }
};

class Planner {
public:
  explicit Planner(tile::KernelOp kernel) : kernel(kernel) {}

  LogicalResult run();

private:
  LogicalResult addRing(RingOp ring, int64_t held);
  LogicalResult refuse();
  int64_t getBytes() {
    int64_t bytes = fixed;
    for (Plan &plan : plans)
      bytes += plan.getBytes();
    return bytes;
  }

  tile::KernelOp kernel;
  SmallVector<Plan> plans;
  /// Bytes that do not depend on the plan.
  int64_t fixed = 0;
};

/// Whether `a` should get another slot rather than `b`.
bool isShorter(Plan &a, Plan &b) {
  auto getRank = [](Plan &plan) {
    return std::tuple(!isUsedInInnerLoop(plan.ring),
                      !plan.isPrepared || plan.depth > 1, plan.depth);
  };
  return getRank(a) < getRank(b);
}

bool isFilledByPreparer(RingOp ring) {
  auto kernel = ring->getParentOfType<tile::KernelOp>();
  RoleOp preparer = findRole(kernel, preparerRole);
  return preparer && llvm::any_of(ring->getUsers(), [&](Operation *user) {
           return isa<AcquireOp>(user) && preparer->isAncestor(user);
         });
}

/// Where an author finds a ring: its loop, or the first of its uses.
Operation *getPlace(Plan &plan) {
  if (plan.requested)
    return plan.requested->op;
  Operation *place = plan.ring;
  for (Operation *user : plan.ring->getUsers())
    if (isa<WaitOp, GetOp>(user))
      place = user;
  return place;
}

LogicalResult Planner::addRing(RingOp ring, int64_t held) {
  int64_t least = std::max<int64_t>(ring.getMinDepth(), held);
  ring.setMinDepth(least);
  if (ring.getType().isPlanned()) {
    int64_t depth = ring.getType().getDepth();
    plans.push_back({ring, depth, depth, std::nullopt, false});
    return success();
  }
  int64_t most = mostSlots;
  if (ring.getMaxDepth())
    most = std::min<int64_t>(most, *ring.getMaxDepth());
  // A tile per block needs to be ahead of its use by one block at most.
  bool inner = isUsedInInnerLoop(ring);
  if (!inner)
    most = std::min<int64_t>(most, 2);
  most = std::max(most, least);
  std::optional<RequestedStages> requested = getRequestedStages(ring);
  // What an author demands is meant for loads, and for the loops inside.
  bool isPrepared = isFilledByPreparer(ring);
  if (isPrepared)
    requested.reset();
  if (requested && !inner && !isa<scf::ForOp>(requested->op))
    requested.reset();
  if (!requested) {
    plans.push_back({ring, least, most, std::nullopt, isPrepared});
    return success();
  }
  if (requested->depth < least)
    return requested->op->emitError()
           << "tile.stages = " << requested->depth << ": the ring of "
           << describeTiles(ring.getType()) << " needs at least " << least
           << " slots, since its consumer holds as many at once";
  plans.push_back({ring, requested->depth, requested->depth, requested, false});
  return success();
}

/// Says which rings are too much, and how long they may be.
LogicalResult Planner::refuse() {
  Plan *worst = nullptr;
  for (Plan &plan : plans)
    if (!worst || (bool(plan.requested) && !worst->requested) ||
        (bool(plan.requested) == bool(worst->requested) &&
         plan.getBytes() > worst->getBytes()))
      worst = &plan;
  if (!worst)
    return kernel.emitError()
           << "buffers need " << fixed << " bytes of shared memory, more than "
           << "the " << maxSharedBytes << " that a block of sm_90a has";
  // One demand may be for several rings, which then have the same depth.
  SmallVector<Plan *> alike;
  int64_t others = fixed, slotBytes = 0, least = 0;
  for (Plan &plan : plans) {
    bool isAlike =
        &plan == worst || (worst->requested && plan.requested &&
                           plan.requested->op == worst->requested->op);
    if (!isAlike) {
      others += plan.getBytes();
      continue;
    }
    alike.push_back(&plan);
    slotBytes += plan.ring.getType().getSlotBytes();
    least = std::max<int64_t>(least, plan.ring.getMinDepth());
  }
  auto fits = [&](int64_t depth) {
    int64_t bytes = others;
    for (Plan *plan : alike)
      bytes += getRingBytes(plan->ring.getType(), depth);
    return bytes <= maxSharedBytes;
  };
  int64_t legal = worst->depth;
  while (legal > 0 && !fits(legal))
    --legal;
  InFlightDiagnostic diag = getPlace(*worst)->emitError();
  if (worst->requested)
    diag << "tile.stages = " << worst->depth << ": ";
  bool isOne = alike.size() == 1;
  if (isOne)
    diag << "the ring of " << describeTiles(worst->ring.getType()) << " needs ";
  else
    diag << "the " << alike.size() << " rings that this is for need ";
  diag << worst->depth << " x " << slotBytes << " = "
       << worst->depth * slotBytes << " bytes of shared memory; "
       << std::max<int64_t>(maxSharedBytes - others, 0) << " of "
       << maxSharedBytes << " are left for " << (isOne ? "it" : "them");
  if (legal >= least)
    diag << "; the largest legal depth is " << legal;
  else
    diag << ", and " << (isOne ? "it needs" : "each needs") << " at least "
         << least << (least == 1 ? " slot" : " slots") << "; use smaller tiles";
  return diag;
}

LogicalResult Planner::run() {
  SmallVector<RingOp> rings(kernel.getOps<RingOp>());
  if (rings.empty())
    return success();
  RingVerifier verifier(kernel);
  if (failed(verifier.checkUses()))
    return failure();
  for (RingOp ring : rings)
    if (failed(addRing(ring, verifier.getHeld(ring))))
      return failure();
  kernel.walk([&](AllocOp alloc) { fixed += getAllocBytes(alloc); });
  if (getBytes() > maxSharedBytes)
    return refuse();

  // The shortest ring of those used most often grows first.
  while (true) {
    Plan *shortest = nullptr;
    for (Plan &plan : plans) {
      if (plan.depth >= plan.most)
        continue;
      int64_t more =
          getRingBytes(plan.ring.getType(), plan.depth + 1) - plan.getBytes();
      if (getBytes() + more > maxSharedBytes)
        continue;
      if (!shortest || isShorter(plan, *shortest))
        shortest = &plan;
    }
    if (!shortest)
      break;
    ++shortest->depth;
  }
  for (Plan &plan : plans)
    plan.ring.getResult().setType(RingType::get(
        kernel.getContext(), plan.depth, plan.ring.getType().getTiles()));
  return success();
}

struct PlanStages : heddle::impl::PlanStagesBase<PlanStages> {
  void runOnOperation() override {
    if (failed(Planner(getOperation()).run()))
      signalPassFailure();
  }
};

} // namespace
