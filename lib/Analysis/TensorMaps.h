//===- TensorMaps.h - What tensor maps can describe -------------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_ANALYSIS_TENSORMAPS_H
#define HEDDLE_ANALYSIS_TENSORMAPS_H

#include "dialects/Aref/Aref.h"

namespace heddle {

/// Whether the TMA can copy a tile of type `tile` from or to `view`, given
/// aligned addresses and strides at run time.
bool canCopyByTma(mlir::Value view, mlir::RankedTensorType tile);

/// Whether `value`, an integer or index, is known not to be negative as a
/// signed number.
bool isKnownNonNegative(mlir::Value value);

} // namespace heddle

#endif // HEDDLE_ANALYSIS_TENSORMAPS_H
