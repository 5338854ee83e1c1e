//===- Warpgroups.cpp - Warpgroups of a kernel and their registers --------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Transforms/Warpgroups.h"

#include "lib/Transforms/Roles.h"

using namespace mlir;
using namespace heddle;

/// Whether tiles say where the rows of others are.
static bool gathers(tile::KernelOp kernel) {
  return kernel
      ->walk([](tile::LoadOp load) {
        return load.isGather() ? WalkResult::interrupt()
                               : WalkResult::advance();
      })
      .wasInterrupted();
}

/// Shares for `warpgroups` warpgroups, which must find what they wait for: all
/// start with the same number of registers, a multiple of 8, and only what
/// others give back can be taken.
template <int64_t warpgroups, int64_t producer, int64_t preparer,
          int64_t consumer>
static constexpr RegisterShares share() {
  constexpr int64_t atStart = 512 / warpgroups / 8 * 8;
  constexpr int64_t consumers = warpgroups - 1 - (preparer ? 1 : 0);
  static_assert(producer + preparer + consumers * consumer <=
                warpgroups * atStart);
  return {producer, preparer, consumer};
}

RegisterShares heddle::getRegisterShares(tile::KernelOp kernel, bool prepares,
                                         int64_t warpgroups) {
  bool tma = usesTma(kernel);
  // A producer that does not use TMA copies through registers: some rows at a
  // time, but whole tiles where it gathers.
  switch (warpgroups) {
  case 3:
    if (prepares)
      return tma               ? share<3, 24, 240, 240>()
             : gathers(kernel) ? share<3, 152, 176, 176>()
                               : share<3, 56, 224, 224>();
    return tma               ? share<3, 24, 0, 240>()
           : gathers(kernel) ? share<3, 152, 0, 176>()
                             : share<3, 56, 0, 224>();
  case 4:
    if (prepares)
      return tma ? share<4, 24, 136, 176>() : share<4, 40, 120, 176>();
    return tma ? share<4, 32, 0, 160>() : share<4, 80, 0, 144>();
  case 5:
    return tma ? share<5, 24, 96, 120>() : share<5, 72, 96, 104>();
  default:
    return {0, 0, 0};
  }
}

RegisterShares heddle::getAsyncRegisterShares(tile::KernelOp kernel,
                                              int64_t warpgroups) {
  return warpgroups == 3
             ? share<3, 104, 0, 200>()
             : getRegisterShares(kernel, /*prepares=*/false, warpgroups);
}

int64_t heddle::countWarpgroups(tile::KernelOp kernel) {
  int64_t warpgroups = 0;
  for (auto role : kernel.getBody().getOps<aref::RoleOp>())
    warpgroups += role.getInstances() * llvm::divideCeil(role.getWarps(), 4);
  return warpgroups;
}

void heddle::setRegisters(tile::KernelOp kernel, const RegisterShares &shares) {
  for (auto role : kernel.getBody().getOps<aref::RoleOp>())
    role.setRegisters(role.getName() == producerRole   ? shares.producer
                      : role.getName() == preparerRole ? shares.preparer
                                                       : shares.consumer);
}

int64_t heddle::getInstancesFor(int64_t m) {
  if (m == 192)
    return 3;
  return m == 128 || m == 256 ? 2 : 1;
}

bool heddle::usesTma(tile::KernelOp kernel) {
  auto copies =
      kernel->getAttrOfType<StringAttr>(aref::ArefDialect::getCopiesAttrName());
  return copies && copies.getValue() == "tma";
}
