//===- Pending.cpp - Asynchronous operations in flight --------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "engine/Pending.h"

#include "engine/Cluster.h"
#include "engine/Diagnostics.h"

#include <algorithm>

using namespace heddle;
using namespace heddle::vgpu;

void PendingOperations::destroy(PendingOperation *operation) {
  uint32_t footprint = operation->footprint;
  operation->~PendingOperation();
  pool.deallocate(operation, footprint, alignof(std::max_align_t));
}

void PendingOperations::clear() {
  for (PendingOperation *operation : operations)
    destroy(operation);
  operations.clear();
  sequence = 0;
}

void PendingOperations::add(PendingOperation &operation,
                            PendingOperation **newest) {
  operation.sequence = sequence++;
  if (newest) {
    operation.newest = newest;
    operation.before = *newest;
    if (operation.before)
      operation.before->after = &operation;
    *newest = &operation;
  }
  operations.push_back(&operation);
}

void PendingOperations::step(PendingOperation &operation) {
  auto done = operation.execute();
  if (!done) {
    cluster.fail(describeFault(operation.warp,
                               operation.warp.indexOf(operation.instruction),
                               operation.lanes, done.error()));
    return;
  }
  if (operation.channel.kind != Channel::Kind::Timer)
    cluster.madeProgress();
  if (++operation.stage < operation.stages)
    return;
  if (operation.after)
    operation.after->before = operation.before;
  if (operation.before)
    operation.before->after = operation.after;
  if (operation.newest && *operation.newest == &operation)
    *operation.newest = operation.before;
  operations.erase(operations.begin() + positionOf(operation.sequence));
  destroy(&operation);
}

size_t PendingOperations::positionOf(uint64_t sequence) const {
  // Sequences ascend.
  return size_t(std::ranges::lower_bound(operations, sequence, {},
                                         &PendingOperation::sequence) -
                operations.begin());
}

bool PendingOperations::contains(uint64_t sequence) const {
  size_t position = positionOf(sequence);
  return position < operations.size() &&
         operations[position]->sequence == sequence;
}
