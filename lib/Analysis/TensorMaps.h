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

/// Why the TMA cannot copy a tile of type `tile` from or to `view`, whatever
/// the addresses and strides at run time, in words that follow those for the
/// copy; empty if it can.
std::string getTmaObstacle(mlir::Value view, mlir::RankedTensorType tile);

/// Whether `value`, an integer or index, is known not to be negative as a
/// signed number.
bool isKnownNonNegative(mlir::Value value);

} // namespace heddle

#endif // HEDDLE_ANALYSIS_TENSORMAPS_H
