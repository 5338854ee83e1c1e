//===- LayoutScope.cpp - The warps that share a layout ------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Transforms/LayoutScope.h"

using namespace mlir;
using namespace heddle;

void LayoutScope::walk(function_ref<void(Operation *)> visit) {
  getBody()->walk<WalkOrder::PreOrder>([&](Operation *op) {
    if (isa<aref::RoleOp>(op))
      return WalkResult::skip();
    visit(op);
    return WalkResult::advance();
  });
}

SmallVector<LayoutScope> heddle::getLayoutScopes(tile::KernelOp kernel) {
  int64_t numWarps = 4;
  StringRef name = tile::TileDialect::getWarpsAttrName();
  if (auto warps = kernel->getAttrOfType<IntegerAttr>(name))
    numWarps = warps.getInt();
  SmallVector<LayoutScope> scopes = {{kernel, nullptr, numWarps}};
  for (auto role : kernel.getBody().getOps<aref::RoleOp>())
    scopes.push_back({kernel, role, int64_t(role.getWarps())});
  return scopes;
}
