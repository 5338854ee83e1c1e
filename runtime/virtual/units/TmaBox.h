//===- TmaBox.h - The rows of a tensor map's box ----------------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// What loads, stores and reductions of boxes share: a box seen as rows along
/// dimension 0, each with its place in shared memory and in the tensor.
///
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_RUNTIME_VIRTUAL_UNITS_TMABOX_H
#define HEDDLE_RUNTIME_VIRTUAL_UNITS_TMABOX_H

#include "Fault.h"
#include "Swizzle.h"

#include <algorithm>
#include <cstring>

namespace heddle::vgpu {

/// The widest row of a box: 256 elements of 8 bytes.
inline constexpr uint32_t maxRowBytes = 256 * 8;

/// One row of a box.
struct TmaRow {
  /// Byte offset of the row in the unswizzled box.
  uint32_t boxOffset = 0;
  /// Address of the first element inside the tensor.
  DeviceAddress address = 0;
  /// The row's bytes that are inside the tensor: [insideBegin, insideEnd).
  uint32_t insideBegin = 0, insideEnd = 0;
};

/// "the box (64, 8) at coordinates (0, -1) of the 256x100 bf16 tensor at 0x..".
std::string describeBox(const TensorMapSpec &spec,
                        std::span<const int32_t> coords);

/// Checks rank, alignment and bounds of a box in shared memory. `what` starts
/// the message: "TMA load of".
Checked<void> checkBox(const TensorMapSpec &spec,
                       std::span<const int32_t> coords, uint32_t sharedBytes,
                       uint32_t offset, const char *what);

/// Refuses what only loads may do: start outside at negative coordinates.
Checked<void> checkStoreCoords(const TensorMapSpec &spec,
                               std::span<const int32_t> coords,
                               const char *what);

/// Bytes of one row of the box.
inline uint32_t rowBytes(const TensorMapSpec &spec) {
  return spec.box[0] * elementBytes(spec.type);
}

/// Calls `visit(row)` for each row of the box, dimension 1 fastest, until it
/// returns an error.
template <typename Visitor>
Checked<void> forEachRow(const TensorMapSpec &spec,
                         std::span<const int32_t> coords, Visitor visit) {
  // Without interleaving, dimension 0 ignores its element stride.
  std::array<uint32_t, 5> count = {1, 1, 1, 1, 1};
  uint32_t rows = 1;
  for (uint32_t d = 1; d < spec.rank; ++d) {
    count[d] =
        (spec.box[d] + spec.elementStrides[d] - 1) / spec.elementStrides[d];
    rows *= count[d];
  }
  uint32_t bytes = elementBytes(spec.type);
  int64_t first = coords[0];
  int64_t begin = std::clamp<int64_t>(-first, 0, spec.box[0]);
  int64_t end =
      std::clamp<int64_t>(int64_t(spec.dims[0]) - first, begin, spec.box[0]);

  std::array<uint32_t, 5> index = {};
  for (uint32_t r = 0; r < rows; ++r) {
    TmaRow row;
    row.boxOffset = r * rowBytes(spec);
    bool inside = true;
    uint64_t offset = uint64_t(first + begin) * bytes;
    for (uint32_t d = 1; d < spec.rank; ++d) {
      int64_t at = int64_t(coords[d]) +
                   int64_t(index[d]) * int64_t(spec.elementStrides[d]);
      inside &= at >= 0 && uint64_t(at) < spec.dims[d];
      offset += uint64_t(at) * spec.strides[d - 1];
    }
    if (inside) {
      row.address = spec.address + offset;
      row.insideBegin = uint32_t(begin) * bytes;
      row.insideEnd = uint32_t(end) * bytes;
    }
    if (Checked<void> good = visit(row); !good)
      return good;
    for (uint32_t d = 1; d < spec.rank && ++index[d] == count[d]; ++d)
      index[d] = 0;
  }
  return {};
}

/// Copies a row from shared memory, undoing the swizzle. `offset` is the row's
/// shared offset before swizzling and a multiple of 16, like `bytes`.
inline void gatherRow(std::byte *row, const std::byte *shared, uint32_t offset,
                      uint32_t bytes, Swizzle mode) {
  if (mode == Swizzle::None) {
    std::memcpy(row, shared + offset, bytes);
    return;
  }
  for (uint32_t i = 0; i < bytes; i += 16)
    std::memcpy(row + i, shared + swizzle(offset + i, mode), 16);
}

/// The inverse of `gatherRow`.
inline void scatterRow(std::byte *shared, const std::byte *row, uint32_t offset,
                       uint32_t bytes, Swizzle mode) {
  if (mode == Swizzle::None) {
    std::memcpy(shared + offset, row, bytes);
    return;
  }
  for (uint32_t i = 0; i < bytes; i += 16)
    std::memcpy(shared + swizzle(offset + i, mode), row + i, 16);
}

/// Checks the operands of a one-dimensional bulk copy.
Checked<void> checkBulk(DeviceAddress global, uint32_t bytes,
                        uint32_t sharedBytes, uint32_t offset,
                        const char *what);

} // namespace heddle::vgpu

#endif // HEDDLE_RUNTIME_VIRTUAL_UNITS_TMABOX_H
