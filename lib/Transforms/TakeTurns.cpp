//===- TakeTurns.cpp - Warpgroups start products in turns -----------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/Aref/Aref.h"
#include "lib/Transforms/Passes.h"
#include "lib/Transforms/Roles.h"
#include "lib/Transforms/ScheduleAttrs.h"
#include "lib/Transforms/Warpgroups.h"

namespace heddle {
#define GEN_PASS_DEF_TAKETURNS
#include "lib/Transforms/Passes.h.inc"
} // namespace heddle

using namespace mlir;
using namespace heddle;

/// The longest sum of a first product that leaves the tensor cores idle while
/// its instance computes.
static constexpr int64_t longestSum = 128;

/// The elements that each sum of `mma` adds up.
static int64_t getK(aref::MmaOp mma) {
  return mma.getB().getType().getTile().getDimSize(mma.getTransposeB() ? 1 : 0);
}

/// Whether products start together in `loop` and are in flight while the
/// instance computes; then `first` and `last` are these products. Nothing is
/// waited for between them: whoever has the turn passes it on soon.
static bool findProducts(scf::ForOp loop, aref::MmaOp &first,
                         aref::MmaOp &last) {
  bool waits = false, computes = false;
  for (Operation &op : *loop.getBody()) {
    if (auto mma = dyn_cast<aref::MmaOp>(op)) {
      if (waits)
        return false;
      first = first ? first : mma;
      last = mma;
    } else if (auto wait = dyn_cast<aref::MmaWaitOp>(op)) {
      waits = true;
      computes |= wait.getLate();
    } else {
      WalkResult multiplies =
          op.walk([](aref::MmaOp) { return WalkResult::interrupt(); });
      if (multiplies.wasInterrupted())
        return false;
    }
  }
  return computes && first != last;
}

/// Whether the role waits for a preparer: then every product is on the way from
/// a state to the next, and none is worth a wait for another warpgroup.
static bool hasState(aref::RoleOp role) {
  return bool(findRole(role->getParentOfType<tile::KernelOp>(), preparerRole));
}

static bool takeTurns(scf::ForOp loop) {
  aref::MmaOp first, last;
  if (!findProducts(loop, first, last))
    return false;
  auto request = findScheduleAttr<BoolAttr>(
      loop, tile::TileDialect::getPingPongAttrName());
  auto role = loop->getParentOfType<aref::RoleOp>();
  if (request ? !request.getValue()
              : getK(first) > longestSum || hasState(role))
    return false;
  OpBuilder builder(first);
  aref::TakeTurnOp::create(builder, first.getLoc());
  builder.setInsertionPointAfter(last);
  aref::PassTurnOp::create(builder, last.getLoc());
  return true;
}

/// Creates a `Turn` of the instance with the number `number` alone.
template <typename Turn>
static void createFor(OpBuilder &builder, aref::RoleOp role, int64_t number) {
  Location loc = role.getLoc();
  Value wanted = arith::ConstantIndexOp::create(builder, loc, number);
  Value isIt = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq,
                                     role.getInstance(), wanted);
  auto branch = scf::IfOp::create(builder, loc, isIt, /*withElseRegion=*/false);
  OpBuilder inside = branch.getThenBodyBuilder();
  Turn::create(inside, loc);
}

namespace {
struct TakeTurns : heddle::impl::TakeTurnsBase<TakeTurns> {
  void runOnOperation() override {
    if (!usesTma(getOperation()))
      return;
    for (auto role : getOperation().getBody().getOps<aref::RoleOp>()) {
      if (role.getInstances() < 2)
        continue;
      bool any = false;
      role.getBody().walk([&](scf::ForOp loop) { any |= takeTurns(loop); });
      if (!any)
        continue;
      // Every turn that is passed on is taken, also the last one.
      Block &body = role.getBody().front();
      auto builder = OpBuilder::atBlockBegin(&body);
      createFor<aref::PassTurnOp>(builder, role, role.getInstances() - 1);
      builder.setInsertionPointToEnd(&body);
      createFor<aref::TakeTurnOp>(builder, role, 0);
    }
  }
};
} // namespace
