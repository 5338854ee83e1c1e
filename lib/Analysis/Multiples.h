//===- Multiples.h - Numbers that are multiples of others -------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_ANALYSIS_MULTIPLES_H
#define HEDDLE_ANALYSIS_MULTIPLES_H

#include "mlir/IR/Value.h"

namespace heddle {

/// Whether `value`, an integer or index, is known to be a multiple of `factor`,
/// which is positive. Products and sums are taken not to overflow unless
/// `factor` is a power of two, for which it does not matter.
bool isKnownMultiple(mlir::Value value, int64_t factor);

} // namespace heddle

#endif // HEDDLE_ANALYSIS_MULTIPLES_H
