//===- Kernel.h - How a kernel's roles share a block ------------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_CONVERSION_TONVVM_KERNEL_H
#define HEDDLE_CONVERSION_TONVVM_KERNEL_H

#include "dialects/Aref/Aref.h"

namespace heddle {

/// The warps and named barriers of one role.
struct RolePlan {
  aref::RoleOp role;
  int64_t firstWarp;
  /// Warps from one instance to the next: `warps` in whole warpgroups.
  int64_t warpsReserved;
  /// Instance `i` has barrier `firstBarrier + i`.
  int64_t firstBarrier;
  /// It waits for its turn at barrier `firstTurn + i`, if instances take turns.
  int64_t firstTurn;
};

/// Roles are laid out in order of appearance. Every instance starts at a
/// warpgroup, as `wgmma` and `setmaxnreg` demand.
class BlockPlan {
public:
  explicit BlockPlan(tile::KernelOp kernel);

  int64_t getNumWarps() const { return numWarps; }
  /// Barriers in use, the one of the whole block included.
  int64_t getNumBarriers() const { return numBarriers; }
  llvm::ArrayRef<RolePlan> getRoles() const { return roles; }
  const RolePlan &getRole(aref::RoleOp role) const;

private:
  llvm::SmallVector<RolePlan> roles;
  int64_t numWarps = 0;
  int64_t numBarriers = 1;
};

/// Numbers the tensor maps that the kernel's copies need, one per different
/// (argument, box, swizzle): puts them in the kernel's attribute
/// `aref.tensor_maps`, gives the kernel's body an `!llvm.ptr` argument for each
/// and each copy the attribute `aref.map`.
llvm::LogicalResult assignTensorMaps(tile::KernelOp kernel);

/// Emits the initialisation of the kernel's mbarriers before its first role:
/// by one thread, made visible to all threads and to TMA. Has the kernel's
/// tensor maps fetched meanwhile.
void initializeBarriers(tile::KernelOp kernel);

/// Once a kernel's tiles are scalars: lets loops carry elements of fewer than
/// 32 bits that fill a register as that register, where a statement of PTX made
/// it. LLVM would carry them one by one, or in other parts.
void carryWords(tile::KernelOp kernel);

/// Marks the waits that end a loop of products in flight where the role stores
/// tiles to views itself. Such stores are conditional, and ptxas 13.0 runs the
/// products of the loop one by one (C7514) if accumulators are read where not
/// every path reads them. Their values are then copied right after the wait.
void markDetachedWaits(tile::KernelOp kernel);

/// Lets each wait hold the tiles that its products read in registers. Nothing
/// else would keep their registers from being written while products that are
/// in flight read them.
void holdOperands(tile::KernelOp kernel);

/// Turns a kernel, of which nothing is left but scalars, into an `llvm.func`
/// that dispatches warps to roles.
llvm::LogicalResult flattenKernel(tile::KernelOp kernel);

} // namespace heddle

#endif // HEDDLE_CONVERSION_TONVVM_KERNEL_H
