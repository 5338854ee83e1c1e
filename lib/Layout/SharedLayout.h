//===- SharedLayout.h - Addresses in a shared memory buffer -----*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Where the elements of an `!aref.buffer` are, and how wgmma's descriptors
/// describe them. All offsets are bytes from the start of the buffer, which
/// starts at a multiple of the pattern's period.
///
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_LAYOUT_SHAREDLAYOUT_H
#define HEDDLE_LAYOUT_SHAREDLAYOUT_H

#include <cstdint>
#include <optional>

namespace heddle {

/// Which dimension of a wgmma operand is contiguous in shared memory. A is M by
/// K and B is N by K in these terms.
enum class MajorDim { K, MN };

/// What one wgmma needs to know about an operand in shared memory.
struct WgmmaDescriptor {
  /// Bytes from the start of the buffer.
  int64_t start;
  /// The leading and the stride byte offsets. The leading one is 16 where the
  /// hardware ignores it.
  int64_t leading;
  int64_t stride;
  /// Bits 63:62: 1, 2 and 3 for swizzles of 128, 64 and 32 bytes.
  int64_t mode;

  /// The 64 bits for a buffer whose address is added in bits 13:0 later, in
  /// units of 16 bytes.
  uint64_t encode() const;
};

/// The layout of one buffer: `rows` of `rowBytes` bytes each, in panels of
/// `swizzle` bytes. A swizzle of 0 is plain row-major.
class SharedLayout {
public:
  /// `panelRows` is how many rows the panels of the buffer have that this one
  /// may be a part of.
  SharedLayout(int64_t rows, int64_t columns, int64_t elementBytes,
               int64_t swizzle, int64_t panelRows)
      : rows(rows), columns(columns), elementBytes(elementBytes),
        swizzle(swizzle), panelRows(panelRows) {}

  int64_t getRows() const { return rows; }
  int64_t getColumns() const { return columns; }
  int64_t getElementBytes() const { return elementBytes; }
  int64_t getSwizzle() const { return swizzle; }
  int64_t getPanelRows() const { return panelRows; }

  /// Columns of one panel, and bytes between panels.
  int64_t getPanelColumns() const {
    return swizzle ? swizzle / elementBytes : columns;
  }
  int64_t getPanelBytes() const {
    return panelRows * (swizzle ? swizzle : columns * elementBytes);
  }
  /// Bytes of a row within one panel.
  int64_t getPitch() const { return getPanelColumns() * elementBytes; }

  /// Rows after which the permutation of 16-byte chunks repeats: 1 without
  /// swizzle, else 8.
  int64_t getPeriodRows() const { return swizzle ? 8 : 1; }
  /// Bytes after which it repeats, to which a buffer must be aligned.
  int64_t getPeriodBytes() const { return swizzle ? 8 * swizzle : 16; }

  /// The bits of an offset in front of the permutation that are xored into its
  /// bits from 4 on: (offset >> 7) & mask, shifted left by 4.
  int64_t getSwizzleMask() const { return swizzle ? swizzle / 16 - 1 : 0; }

  /// The byte offset of an element.
  int64_t getOffset(int64_t row, int64_t column) const;

  /// How a wgmma reads the operand whose block of M or N starts at `mn`, at
  /// the step `kStep` of 32 bytes (16, 32 or 8 elements) along K. Nothing if
  /// the buffer has no swizzle or the block does not start where a descriptor
  /// can.
  std::optional<WgmmaDescriptor> getDescriptor(MajorDim major, int64_t mn,
                                               int64_t kStep) const;

private:
  int64_t rows;
  int64_t columns;
  int64_t elementBytes;
  int64_t swizzle;
  int64_t panelRows;
};

/// The largest N of a wgmma that divides `n` and is a multiple of `granule`,
/// or nothing. Integers have fewer to choose from. `granule` is 8 for a K-major
/// B, and the panel's columns for an MN-major one of more than one block.
std::optional<int64_t> getWgmmaN(int64_t n, bool isInteger,
                                 int64_t granule = 8);

} // namespace heddle

#endif // HEDDLE_LAYOUT_SHAREDLAYOUT_H
