//===- MaskConditions.h - When a mask may be true ---------------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Conditions on scalars without which no element of a tile of i1 is true, or
/// none is false. What is not known, as a tile that was loaded, may be both.
///
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_ANALYSIS_MASKCONDITIONS_H
#define HEDDLE_ANALYSIS_MASKCONDITIONS_H

#include "lib/Analysis/TileRanges.h"

namespace heddle {

/// A formula over scalars.
struct MaskCondition {
  enum class Kind {
    Always,
    Never,
    /// `sum` is at most zero, or the range that it came from is not true.
    AtMostZero,
    /// `flag`, an i1, is `wanted`.
    Flag,
    /// All, or any, of `parts` hold.
    All,
    Any,
  };

  static MaskCondition all(llvm::ArrayRef<MaskCondition> parts);
  static MaskCondition any(llvm::ArrayRef<MaskCondition> parts);

  Kind kind = Kind::Always;
  LinearSum sum;
  /// What must hold for `sum` to mean anything: its leaves have that many bits,
  /// and those sums are not negative.
  unsigned leafBits = 0;
  llvm::SmallVector<LinearSum, 1> nonNegative;
  mlir::Value flag;
  bool wanted = true;
  std::vector<MaskCondition> parts;
};

/// What must hold for any element of `mask`, a tile of i1 or an i1, to be
/// `wanted`.
MaskCondition getConditionOf(mlir::Value mask, bool wanted, TileRanges &ranges);

/// What scalars tell of an iteration of `loop` in which `select`, which picks
/// elements of tiles, may replace any of those that are computed: the true ones
/// if `keepsTrue`, else the false ones. A constant fills in for them.
MaskCondition getReplaces(mlir::arith::SelectOp select, mlir::scf::ForOp loop,
                          bool &keepsTrue);

/// i1: whether the comparison that `condition`, of kind `AtMostZero`, came from
/// does not wrap around in an iteration of `loop`; null if it cannot.
/// `emitAtMostZero` tells whether a sum is where the caller needs to know.
mlir::Value
emitIsExact(const MaskCondition &condition, mlir::scf::ForOp loop,
            SumEmitter &emitter, mlir::OpBuilder &builder, mlir::Location loc,
            llvm::function_ref<mlir::Value(const LinearSum &)> emitAtMostZero);

} // namespace heddle

#endif // HEDDLE_ANALYSIS_MASKCONDITIONS_H
