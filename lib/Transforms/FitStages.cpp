//===- FitStages.cpp - Shorten rings that layouts leave no room for -------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Analysis/SharedMemory.h"
#include "lib/Transforms/Passes.h"

namespace heddle {
#define GEN_PASS_DEF_FITSTAGES
#include "lib/Transforms/Passes.h.inc"
} // namespace heddle

using namespace mlir;
using namespace heddle;
using namespace heddle::aref;

namespace {

struct FitStages : heddle::impl::FitStagesBase<FitStages> {
  void runOnOperation() override;
};

/// Whether `ring` may lose a slot: nobody asked for it or depends on it.
bool isShrinkable(RingOp ring) {
  int64_t least = std::max<int64_t>(ring.getMinDepth(), 1);
  return ring.getType().isPlanned() && ring.getType().getDepth() > least &&
         !getRequestedStages(ring);
}

void FitStages::runOnOperation() {
  tile::KernelOp kernel = getOperation();
  int64_t bytes = 0;
  kernel.walk([&](AllocOp alloc) { bytes += getAllocBytes(alloc); });
  SmallVector<RingOp> rings(kernel.getOps<RingOp>());
  for (RingOp ring : rings)
    bytes += getRingBytes(ring.getType(), ring.getType().getDepth());

  while (bytes > maxSharedBytes) {
    RingOp longest;
    for (RingOp ring : rings)
      if (isShrinkable(ring) && (!longest || ring.getType().getDepth() >
                                                 longest.getType().getDepth()))
        longest = ring;
    // What does not fit is refused when addresses are assigned.
    if (!longest)
      return;
    RingType type = longest.getType();
    int64_t depth = type.getDepth() - 1;
    bytes -= getRingBytes(type, depth + 1) - getRingBytes(type, depth);
    longest.getResult().setType(
        RingType::get(&getContext(), depth, type.getTiles()));
  }
}

} // namespace
