//===- SharedMemory.h - What shared memory holds ----------------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// How many bytes of shared memory rings, buffers and mbarriers take, and how
/// many there are.
///
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_ANALYSIS_SHAREDMEMORY_H
#define HEDDLE_ANALYSIS_SHAREDMEMORY_H

#include "dialects/Aref/Aref.h"

#include <optional>

namespace heddle {

/// The shared memory that one block of sm_90a can have, in bytes.
constexpr int64_t maxSharedBytes = 232448;

/// Buffers, and each of the buffers of an allocation, start at multiples of
/// this: the period of the widest swizzle.
constexpr int64_t bufferAlignment = 1024;

/// The distance in bytes between two buffers of an allocation.
int64_t getStageBytes(aref::BufferType buffer);

/// The bytes of all buffers of an allocation.
int64_t getAllocBytes(aref::AllocOp alloc);

/// The bytes of an array of `depth` mbarriers.
int64_t getMbarrierBytes(int64_t depth);

/// The bytes of a ring if it had `depth` slots, its mbarriers included.
int64_t getRingBytes(aref::RingType ring, int64_t depth);

/// The number of slots that `tile.stages` demands of a ring, and on which
/// operation: the innermost loop around a use of the ring that has the
/// attribute, or the kernel, or the ring itself.
struct RequestedStages {
  int64_t depth;
  mlir::Operation *op;
};
std::optional<RequestedStages> getRequestedStages(aref::RingOp ring);

/// Whether `ring` is used in a loop other than that over the blocks of a
/// persistent kernel: there, more slots hide more latency.
bool isUsedInInnerLoop(aref::RingOp ring);

/// "tensor<128x64xbf16>, tensor<64x256xbf16>".
std::string describeTiles(aref::RingType ring);

} // namespace heddle

#endif // HEDDLE_ANALYSIS_SHAREDMEMORY_H
