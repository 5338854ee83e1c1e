//===- TileRanges.h - What integers a tile may hold -------------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Bounds of the elements of integer tiles that are computed from iotas and
/// scalars, as sums of scalars that can be computed where they are needed. In
/// a loop, bounds tell how they depend on its induction variable.
///
/// Arithmetic on tiles wraps around; sums here do not. So each range says what
/// must hold at run time for the two to be the same.
///
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_ANALYSIS_TILERANGES_H
#define HEDDLE_ANALYSIS_TILERANGES_H

#include "dialects/Tile/Tile.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

#include <memory>
#include <optional>

namespace heddle {

/// `constant` plus, for every term, its factor times its value.
struct LinearSum {
  /// A scalar, or the floor of a sum divided by a positive constant.
  struct Term {
    int64_t factor;
    mlir::Value leaf;
    std::shared_ptr<const LinearSum> dividend;
    int64_t divisor = 1;
  };

  LinearSum(int64_t constant = 0) : constant(constant) {}
  static LinearSum ofLeaf(mlir::Value leaf);
  /// floor(sum / divisor).
  static LinearSum ofQuotient(const LinearSum &sum, int64_t divisor);

  /// Adds `factor` times `other`.
  void add(const LinearSum &other, int64_t factor = 1);
  LinearSum plus(const LinearSum &other, int64_t factor = 1) const {
    LinearSum sum = *this;
    sum.add(other, factor);
    return sum;
  }
  LinearSum times(int64_t factor) const {
    return LinearSum().plus(*this, factor);
  }

  /// The factor of `leaf`; 0 if it is not there by itself.
  int64_t getFactor(mlir::Value leaf) const;
  /// Whether a quotient in it depends on `leaf`.
  bool dividesBy(mlir::Value leaf) const;
  /// Whether it cannot overflow 64 bits while no leaf exceeds `TileRange::
  /// maxLeafBits` bits.
  bool isSmall() const;

  llvm::SmallVector<Term, 4> terms;
  int64_t constant;
};

/// Elements are floor(x / divisor) for numbers x from `low` to `high`.
struct TileRange {
  /// Leaves have at most that many bits beside their sign.
  static constexpr unsigned maxLeafBits = 40;

  LinearSum low, high;
  int64_t divisor = 1;

  // When the tile's arithmetic does not wrap around: no leaf exceeds
  // `getLeafBits()` bits, and none of `nonNegative` is negative.
  unsigned width = 64;
  int64_t leafWeight = 0, constantWeight = 0;
  llvm::SmallVector<LinearSum, 1> nonNegative;

  /// How many bits leaves may have, or nothing if it is too few to be of use.
  std::optional<unsigned> getLeafBits() const;
};

/// Computes ranges inside of `loop`, which may be null.
class TileRanges {
public:
  /// With `outside`, ranges are in terms of the induction variable and of
  /// scalars that can be computed before the loop.
  TileRanges(mlir::scf::ForOp loop, bool outside)
      : loop(loop), outside(outside) {}

  /// The range of `value`, an integer or index or a tile of them; nothing if
  /// none is known.
  std::optional<TileRange> get(mlir::Value value);

  /// Whether a scalar can be used where the ranges will be.
  bool isAvailable(mlir::Value scalar) const;

  /// The range of x - y; nothing if it is that of no quotient.
  std::optional<TileRange> subtract(const TileRange &x, const TileRange &y);

private:
  /// The loop whose induction variable ranges must show. Inside of the loop it
  /// is a scalar like others.
  mlir::scf::ForOp getTracked() const {
    return outside ? loop : mlir::scf::ForOp();
  }
  std::optional<TileRange> getLeaf(mlir::Value value);
  std::optional<TileRange> compute(mlir::Operation *op);
  bool dependsOnLoop(mlir::Value value);

  mlir::scf::ForOp loop;
  bool outside;
};

/// Whether `value` is defined before `loop`, or by operations that can be
/// computed there.
bool isAvailableBefore(mlir::scf::ForOp loop, mlir::Value value);

/// Computes sums as values of type index.
class SumEmitter {
public:
  /// With a `loop`, code is emitted before it, and what is inside is cloned.
  SumEmitter(mlir::OpBuilder &builder, mlir::Location loc,
             mlir::scf::ForOp loop = {})
      : builder(builder), loc(loc), loop(loop) {}

  mlir::Value emit(const LinearSum &sum);
  mlir::Value emitConstant(int64_t value);
  /// `flag`, or a clone of it before the loop.
  mlir::Value emitFlag(mlir::Value flag) { return getOutside(flag); }
  /// i1: whether `leaf` has at most `bits` bits beside its sign.
  mlir::Value emitFits(mlir::Value leaf, unsigned bits);
  /// i1: whether `sum` is at most zero. Compares what is `leaf`'s part with the
  /// others, so that these may leave a loop.
  mlir::Value emitAtMostZero(const LinearSum &sum, mlir::Value leaf = {});

private:
  /// `value`, or a clone of it before the loop, as an index.
  mlir::Value getIndex(mlir::Value value);
  mlir::Value getOutside(mlir::Value value);

  mlir::OpBuilder &builder;
  mlir::Location loc;
  mlir::scf::ForOp loop;
  llvm::DenseMap<mlir::Value, mlir::Value> clones;
};

} // namespace heddle

#endif // HEDDLE_ANALYSIS_TILERANGES_H
