//===- Encoding.cpp - Layouts as tensor encodings -----------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Layout/Encoding.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace heddle;

std::optional<TileLayout> heddle::getLayout(Type type) {
  auto tile = dyn_cast<RankedTensorType>(type);
  if (!tile || !tile.hasStaticShape())
    return std::nullopt;
  auto layout = dyn_cast_or_null<aref::LayoutAttr>(tile.getEncoding());
  if (!layout || TileLayout::check(tile.getShape(), layout.getAtom(),
                                   layout.getRegisters(), layout.getLanes(),
                                   layout.getWarps()))
    return std::nullopt;
  return TileLayout::get(tile.getShape(), layout.getAtom(),
                         layout.getRegisters(), layout.getLanes(),
                         layout.getWarps());
}

RankedTensorType heddle::withLayout(RankedTensorType type,
                                    const TileLayout &layout) {
  auto encoding = aref::LayoutAttr::get(
      type.getContext(), layout.getAtom(), layout.getRegisterBases(),
      layout.getLaneBases(), layout.getWarpBases());
  return RankedTensorType::get(type.getShape(), type.getElementType(),
                               encoding);
}

int64_t heddle::getElementBytes(Type elementType) {
  if (elementType.isIndex())
    return 8;
  return llvm::divideCeil(elementType.getIntOrFloatBitWidth(), 8);
}
