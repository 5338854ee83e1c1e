//===- AssignRoles.cpp - Decide who performs what -------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Transforms/OperandLoads.h"
#include "lib/Transforms/Passes.h"
#include "lib/Transforms/Roles.h"
#include "lib/Transforms/Warpgroups.h"

namespace heddle {
#define GEN_PASS_DEF_ASSIGNROLES
#include "lib/Transforms/Passes.h.inc"
} // namespace heddle

using namespace mlir;
using namespace heddle;

/// Whether each role clones `op` and goes through what is inside.
static bool isControl(Operation *op) {
  return isa<scf::ForOp, scf::IfOp, scf::WhileOp>(op) ||
         op->hasTrait<OpTrait::IsTerminator>();
}

static bool touchesTiles(Operation *op) {
  auto isTile = [](Type type) { return isa<TensorType>(type); };
  return llvm::any_of(op->getOperandTypes(), isTile) ||
         llvm::any_of(op->getResultTypes(), isTile);
}

/// Whether `op` must be performed by one role only, or has tiles.
static bool isConsumers(Operation *op) {
  if (touchesTiles(op) ||
      !(isMemoryEffectFree(op) || wouldOpBeTriviallyDead(op)))
    return true;
  return op
      ->walk([](Operation *nested) {
        return touchesTiles(nested) ? WalkResult::interrupt()
                                    : WalkResult::advance();
      })
      .wasInterrupted();
}

/// Says why the kernel is not split, load by load.
static void explain(tile::KernelOp kernel, OperandLoads &loads) {
  InFlightDiagnostic remark = kernel.emitRemark("kernel '@")
                              << kernel.getSymName()
                              << "' runs as one role: no operand of its dots "
                                 "can be loaded ahead";
  kernel.getBody().walk([&](tile::LoadOp load) {
    bool feedsDot = llvm::any_of(load->getUsers(), [](Operation *user) {
      return isa<tile::DotOp>(user);
    });
    if (!feedsDot)
      return;
    // A load that a producer could perform, but not by TMA, is left out where
    // the kernel must use it.
    std::string obstacle = loads.getObstacle(load).str();
    remark.attachNote(load.getLoc())
        << "this load cannot: "
        << (obstacle.empty() ? getTmaObstacle(load) : obstacle);
  });
}

namespace {
struct AssignRoles : heddle::impl::AssignRolesBase<AssignRoles> {
  void runOnOperation() override {
    tile::KernelOp kernel = getOperation();
    StringRef persistent = aref::ArefDialect::getPersistentAttrName();
    if (!kernel->hasAttr(persistent))
      return;
    bool tma = usesTma(kernel);
    OperandLoads loads(kernel);
    SmallVector<tile::LoadOp> eligible = loads.getEligible();
    if (tma)
      llvm::erase_if(eligible, [](tile::LoadOp load) {
        return !getTmaObstacle(load).empty();
      });
    if (eligible.empty()) {
      explain(kernel, loads);
      return;
    }

    for (tile::LoadOp load : eligible)
      setRole(load, producerRole);
    for (tile::LoadOp load : loads.getCompanions(eligible))
      setRole(load, producerRole);
    kernel.getBody().walk<WalkOrder::PreOrder>([&](Operation *op) {
      if (isControl(op))
        return WalkResult::advance();
      if (!hasRole(op, producerRole) && isConsumers(op))
        setRole(op, consumerRole);
      return WalkResult::skip();
    });
  }
};
} // namespace
