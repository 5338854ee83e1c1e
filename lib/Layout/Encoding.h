//===- Encoding.h - Layouts as tensor encodings -*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Between the encoding of a tile's type, `#aref.layout`, and the layout it
/// describes.
///
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_LAYOUT_ENCODING_H
#define HEDDLE_LAYOUT_ENCODING_H

#include "dialects/Aref/Aref.h"
#include "lib/Layout/TileLayout.h"

namespace heddle {

/// The layout of a tile, or nothing if its type has none or one that does not
/// fit its shape.
std::optional<TileLayout> getLayout(mlir::Type type);

/// The tile type with this layout, whatever its encoding was.
mlir::RankedTensorType withLayout(mlir::RankedTensorType type,
                                  const TileLayout &layout);

/// Bytes of one element in memory: `i1` takes one byte, `index` eight.
int64_t getElementBytes(mlir::Type elementType);

} // namespace heddle

#endif // HEDDLE_LAYOUT_ENCODING_H
