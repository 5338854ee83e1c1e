//===- SharedMemory.cpp - What shared memory holds ------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Analysis/SharedMemory.h"

using namespace mlir;
using namespace heddle;
using namespace heddle::aref;

int64_t heddle::getStageBytes(BufferType buffer) {
  return llvm::alignTo(buffer.getBytes(), bufferAlignment);
}

int64_t heddle::getAllocBytes(AllocOp alloc) {
  return int64_t(alloc.getDepth()) * getStageBytes(alloc.getType());
}

int64_t heddle::getMbarrierBytes(int64_t depth) {
  return llvm::alignTo(8 * depth, 16);
}

int64_t heddle::getRingBytes(RingType ring, int64_t depth) {
  return depth * ring.getSlotBytes() + 2 * getMbarrierBytes(depth);
}

std::optional<RequestedStages> heddle::getRequestedStages(RingOp ring) {
  StringRef name = tile::TileDialect::getStagesAttrName();
  std::optional<RequestedStages> stages;
  for (Operation *user : ring->getUsers())
    for (Operation *op = user->getParentOp(); op && !stages;
         op = op->getParentOp())
      if (auto attribute = op->getAttrOfType<IntegerAttr>(name))
        stages = {attribute.getInt(), op};
  // What the ring itself says was found when its loads were still together.
  if (std::optional<uint64_t> depth = ring.getRequestedDepth())
    stages = {int64_t(*depth), stages ? stages->op : ring.getOperation()};
  return stages;
}

bool heddle::isUsedInInnerLoop(RingOp ring) {
  return llvm::any_of(ring->getUsers(), [](Operation *user) {
    for (Operation *op = user->getParentOp(); op; op = op->getParentOp())
      if (isa<LoopLikeOpInterface>(op) &&
          !op->hasAttr(ArefDialect::getBlocksAttrName()))
        return true;
    return false;
  });
}

std::string heddle::describeTiles(RingType ring) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  llvm::interleaveComma(ring.getTiles(), stream);
  return text;
}
