//===- Warpgroups.cpp - Warpgroups of a kernel and their registers --------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Transforms/Warpgroups.h"

#include "dialects/Aref/Aref.h"

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

RegisterShares heddle::getRegisterShares(tile::KernelOp kernel, bool prepares,
                                         int64_t warpgroups) {
  if (warpgroups < 3)
    return {0, 0, 0};
  bool tma = usesTma(kernel);
  // The shares of a multiprocessor's 512 registers per lane of four warps. A
  // producer that does not use TMA copies through registers: some rows at a
  // time, but whole tiles where it gathers.
  if (warpgroups == 3)
    return tma               ? RegisterShares{24, 240, 240}
           : gathers(kernel) ? RegisterShares{152, 176, 176}
                             : RegisterShares{64, 224, 224};
  // Five start with 96 each, a multiple of 8.
  if (prepares && warpgroups > 4)
    return tma ? RegisterShares{24, 96, 120} : RegisterShares{72, 96, 104};
  if (prepares)
    return tma ? RegisterShares{24, 136, 176} : RegisterShares{40, 120, 176};
  return tma ? RegisterShares{32, 0, 160} : RegisterShares{80, 0, 144};
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
