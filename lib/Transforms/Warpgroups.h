//===- Warpgroups.h - Warpgroups of a kernel and their registers *- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_LIB_TRANSFORMS_WARPGROUPS_H
#define HEDDLE_LIB_TRANSFORMS_WARPGROUPS_H

#include "dialects/Tile/Tile.h"

namespace heddle {

/// The most registers that a thread can have.
inline constexpr int64_t maxRegisters = 255;
/// Registers of a thread that hold neither sums nor operands of products.
inline constexpr int64_t otherRegisters = 28;

/// Registers of each thread of a role.
struct RegisterShares {
  int64_t producer, preparer, consumer;
};

/// What the roles of `kernel`, with `warpgroups` warpgroups, one of them the
/// producer's and perhaps one the preparer's, share the registers of a
/// multiprocessor out as; 0 where there are enough for all.
RegisterShares getRegisterShares(tile::KernelOp kernel, bool prepares,
                                 int64_t warpgroups);

/// The same where the producer is a warpgroup whose copies do not go through
/// registers, though places of rows do.
RegisterShares getAsyncRegisterShares(tile::KernelOp kernel,
                                      int64_t warpgroups);

/// The warpgroups of the roles that `kernel` has been split into.
int64_t countWarpgroups(tile::KernelOp kernel);

/// Gives each role of `kernel` its share.
void setRegisters(tile::KernelOp kernel, const RegisterShares &shares);

/// How many instances of the consumer compute dots with `m` rows.
int64_t getInstancesFor(int64_t m);

/// Whether the kernel copies by TMA; otherwise it is what one that does falls
/// back on.
bool usesTma(tile::KernelOp kernel);

} // namespace heddle

#endif // HEDDLE_LIB_TRANSFORMS_WARPGROUPS_H
