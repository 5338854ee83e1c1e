//===- IdleIterations.h - When an iteration changes nothing -----*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_ANALYSIS_IDLEITERATIONS_H
#define HEDDLE_ANALYSIS_IDLEITERATIONS_H

#include "dialects/Tile/Tile.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

namespace heddle {

/// Whether an iteration of `loop` in which every element of `mask`, a tile of
/// i1, is `value` passes on what it was given and writes nothing. Floats that
/// are loaded or carried are taken to be finite: then x - x and 0 * x are 0,
/// and -inf + x is -inf.
bool isIdleIteration(mlir::scf::ForOp loop, mlir::Value mask, bool value);

} // namespace heddle

#endif // HEDDLE_ANALYSIS_IDLEITERATIONS_H
