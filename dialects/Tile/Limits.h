//===- Limits.h - How large tiles may be ------------------------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_DIALECTS_TILE_LIMITS_H
#define HEDDLE_DIALECTS_TILE_LIMITS_H

#include "mlir/IR/BuiltinTypes.h"
#include "runtime/reference/Limits.h"

namespace heddle::tile {

/// The most elements of a tile.
inline constexpr int64_t maxElements = maxTileElements;

/// Whether a statically shaped tile has more elements than that. Its extents
/// are positive; their product may overflow.
inline bool isTooLarge(mlir::RankedTensorType tile) {
  int64_t left = maxElements;
  for (int64_t extent : tile.getShape())
    left /= extent;
  return left == 0;
}

} // namespace heddle::tile

#endif // HEDDLE_DIALECTS_TILE_LIMITS_H
