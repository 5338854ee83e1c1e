//===- SplitRoles.cpp - One region per role -------------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Transforms/Passes.h"
#include "lib/Transforms/RoleSlice.h"
#include "lib/Transforms/Roles.h"
#include "lib/Transforms/Warpgroups.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

namespace heddle {
#define GEN_PASS_DEF_SPLITROLES
#include "lib/Transforms/Passes.h.inc"
} // namespace heddle

using namespace mlir;
using namespace heddle;

/// Appends a role that does what the operations marked for it do.
static aref::RoleOp createRole(tile::KernelOp kernel, StringRef name,
                               int64_t warps) {
  Block &body = kernel.getBody().front();
  RoleSlice slice(kernel);
  body.walk([&](Operation *op) {
    if (hasRole(op, name) && !wouldOpBeTriviallyDead(op))
      slice.add(op);
  });
  OpBuilder builder(body.getTerminator());
  auto role = aref::RoleOp::create(builder, kernel.getLoc(), name,
                                   /*instances=*/1, warps, /*registers=*/0);
  builder.setInsertionPointToStart(&role.getBody().front());
  IRMapping mapping;
  slice.clone(body, builder, mapping);
  return role;
}

/// Whether operations marked for the role fill a ring.
static bool hasPut(tile::KernelOp kernel, StringRef role) {
  return kernel.getBody()
      .walk([&](aref::PutOp put) {
        return hasRole(put, role) ? WalkResult::interrupt()
                                  : WalkResult::advance();
      })
      .wasInterrupted();
}

namespace {
struct SplitRoles : heddle::impl::SplitRolesBase<SplitRoles> {
  void runOnOperation() override {
    tile::KernelOp kernel = getOperation();
    Block &body = kernel.getBody().front();
    if (!hasPut(kernel, producerRole))
      return;
    SmallVector<Operation *> old;
    for (Operation &op : body.without_terminator())
      if (!isa<aref::RingOp>(op))
        old.push_back(&op);
    // One thread starts a copy by TMA; without it, threads move every element.
    createRole(kernel, producerRole, usesTma(kernel) ? 1 : 4);
    if (hasPut(kernel, preparerRole))
      createRole(kernel, preparerRole, 4);
    createRole(kernel, consumerRole, 4);
    for (Operation *op : llvm::reverse(old))
      op->erase();
  }
};
} // namespace
