//===- LayoutScope.h - The warps that share a layout --------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// A tile is spread over the warps of one instance of a role, or of a kernel
/// without roles. Passes over layouts visit these scopes one by one.
///
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_TRANSFORMS_LAYOUTSCOPE_H
#define HEDDLE_TRANSFORMS_LAYOUTSCOPE_H

#include "dialects/Aref/Aref.h"

namespace heddle {

/// Code that a number of warps run together.
struct LayoutScope {
  tile::KernelOp kernel;
  /// Null for what of the kernel is outside its roles.
  aref::RoleOp role;
  int64_t numWarps;

  mlir::Block *getBody() {
    return role ? &role.getBody().front() : &kernel.getBody().front();
  }

  /// Calls `visit` for every operation of the scope, outer ones first.
  void walk(llvm::function_ref<void(mlir::Operation *)> visit);
};

/// The scopes of a kernel.
llvm::SmallVector<LayoutScope> getLayoutScopes(tile::KernelOp kernel);

} // namespace heddle

#endif // HEDDLE_TRANSFORMS_LAYOUTSCOPE_H
