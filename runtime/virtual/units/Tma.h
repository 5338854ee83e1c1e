//===- Tma.h - The tensor memory accelerator --------------------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Copies between global and shared memory as the TMA makes them, all at once:
/// when a copy happens, and what waits for it, is its caller's business.
///
/// `shared` is the host memory of a CTA's shared window of `sharedBytes` bytes;
/// offsets are addresses in that window, whose start is aligned to 1024 bytes.
/// Errors are faults that name tensor, coordinates and allocation; a copy that
/// returns an error may have been made in part.
///
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_RUNTIME_VIRTUAL_UNITS_TMA_H
#define HEDDLE_RUNTIME_VIRTUAL_UNITS_TMA_H

#include "GlobalMemory.h"

namespace heddle::vgpu {

/// The operations of `cp.reduce.async.bulk`. `Inc` and `Dec` are `atom`'s:
/// they wrap at the operand.
enum class ReduceOp : uint8_t { Add, Min, Max, Inc, Dec, And, Or, Xor };

/// The bytes of a whole box: what one copy writes to or reads from shared
/// memory and credits to an mbarrier, out-of-bounds elements included.
uint32_t tmaBoxBytes(const TensorMapSpec &spec);

/// Loads the box at `coords` (one per dimension, innermost first, in elements,
/// possibly negative) to `dstOffset`, a multiple of 128. Elements outside the
/// tensor become the fill value. Returns the bytes to credit. The spec must be
/// legal.
Checked<uint32_t> tmaLoad(const TensorMapSpec &spec,
                          std::span<const int32_t> coords, std::byte *shared,
                          uint32_t sharedBytes, uint32_t dstOffset,
                          GlobalMemory::Cursor &global);

/// Stores a box. Coordinates must not be negative; elements beyond the tensor's
/// extents are skipped.
Checked<void> tmaStore(const TensorMapSpec &spec,
                       std::span<const int32_t> coords, const std::byte *shared,
                       uint32_t sharedBytes, uint32_t srcOffset,
                       GlobalMemory::Cursor &global);

/// Combines a box into the tensor, each element atomically (relaxed). The
/// element type is the map's.
Checked<void> tmaReduce(const TensorMapSpec &spec, ReduceOp op,
                        std::span<const int32_t> coords,
                        const std::byte *shared, uint32_t sharedBytes,
                        uint32_t srcOffset, GlobalMemory::Cursor &global);

/// The one-dimensional copies of `cp.async.bulk`: addresses and sizes are
/// multiples of 16. Loads return the bytes to credit.
Checked<uint32_t> bulkLoad(DeviceAddress src, uint32_t bytes, std::byte *shared,
                           uint32_t sharedBytes, uint32_t dstOffset,
                           GlobalMemory::Cursor &global);
Checked<void> bulkStore(DeviceAddress dst, uint32_t bytes,
                        const std::byte *shared, uint32_t sharedBytes,
                        uint32_t srcOffset, GlobalMemory::Cursor &global);
Checked<void> bulkReduce(DeviceAddress dst, uint32_t bytes, TensorMapType type,
                         ReduceOp op, const std::byte *shared,
                         uint32_t sharedBytes, uint32_t srcOffset,
                         GlobalMemory::Cursor &global);
/// Combines `bytes` bytes, aligned and inside shared memory, into others.
Checked<uint32_t> sharedReduce(std::byte *to, const std::byte *from,
                               uint32_t bytes, TensorMapType type, ReduceOp op);
/// From one CTA's window to another's; the two must differ.
Checked<uint32_t> bulkCopyShared(std::byte *dstShared, uint32_t dstBytes,
                                 uint32_t dstOffset, const std::byte *srcShared,
                                 uint32_t srcBytes, uint32_t srcOffset,
                                 uint32_t bytes);

} // namespace heddle::vgpu

#endif // HEDDLE_RUNTIME_VIRTUAL_UNITS_TMA_H
