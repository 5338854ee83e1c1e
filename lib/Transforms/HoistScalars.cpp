//===- HoistScalars.cpp - Scalars are computed before loops ---------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Transforms/Passes.h"
#include "mlir/Interfaces/LoopLikeInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Transforms/LoopInvariantCodeMotionUtils.h"

namespace heddle {
#define GEN_PASS_DEF_HOISTSCALARS
#include "lib/Transforms/Passes.h.inc"
} // namespace heddle

using namespace mlir;
using namespace heddle;

/// Whether `op` costs next to nothing to keep: tiles would fill registers all
/// through the loop.
static bool makesScalars(Operation *op) {
  return op->getNumRegions() == 0 &&
         llvm::all_of(op->getResultTypes(), [](Type type) {
           return isa<IndexType, IntegerType, FloatType, MemRefType>(type);
         });
}

namespace {
struct HoistScalars : heddle::impl::HoistScalarsBase<HoistScalars> {
  void runOnOperation() override {
    // Inner loops first, so that what leaves one may leave the next.
    getOperation()->walk([](LoopLikeOpInterface loop) {
      moveLoopInvariantCode(
          loop.getLoopRegions(),
          [&](Value value, Region *) {
            return loop.isDefinedOutsideOfLoop(value);
          },
          [](Operation *op, Region *) {
            return makesScalars(op) && isMemoryEffectFree(op) &&
                   isSpeculatable(op);
          },
          [&](Operation *op, Region *) { loop.moveOutOfLoop(op); });
    });
  }
};
} // namespace
