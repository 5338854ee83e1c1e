//===- TileLayout.h - Where the elements of a tile live ---------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The F2-linear map of `#aref.layout`, over a tile of a given shape:
/// (register, lane, warp) to coordinates. Wgmma fragments, vectorised accesses
/// to global and shared memory, reductions and conversions all ask this class.
///
/// Every basis vector is one power of two in one dimension, and no two of them
/// are equal unless they are zero. So bits never carry into one another, and
///
///   coordinate(d) = threadBase(d; lane, warp) + registerOffset(d; register)
///
/// where the first summand is known only when the kernel runs and the second is
/// a constant. Code generation needs nothing else.
///
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_LAYOUT_TILELAYOUT_H
#define HEDDLE_LAYOUT_TILELAYOUT_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"

#include <cstdint>
#include <optional>
#include <string>

namespace heddle {

/// What it takes to turn one layout of a tile into another.
enum class LayoutConversion {
  /// Nothing: every register already holds what it should.
  Identity,
  /// Each thread has its elements, in other registers.
  Registers,
  /// Elements move between threads: by a `LaneExchange` or through shared
  /// memory.
  Threads,
};

/// Holders of consecutive parts of an axis.
struct AxisPart {
  enum Holder { Registers, Lanes, Warps } holder;
  /// How many parts there are.
  int64_t count;
  /// How many elements of the axis one of them has.
  int64_t extent;
  /// The bits of the lane, or of the warp, that number the parts in order; 0
  /// for registers.
  uint64_t mask;
};

/// A layout of one tile. Values are in a normal form: two layouts of a shape
/// are the same map if and only if they compare equal.
class TileLayout {
public:
  using Coords = llvm::SmallVector<int64_t, 4>;

  /// Number of bits of a lane number.
  static constexpr unsigned laneBits = 5;

  /// Says what is wrong with a layout, or nothing. `registers`, `lanes` and
  /// `warps` hold basis vectors of `atom.size()` numbers each.
  static std::optional<std::string> check(llvm::ArrayRef<int64_t> shape,
                                          llvm::ArrayRef<int64_t> atom,
                                          llvm::ArrayRef<int64_t> registers,
                                          llvm::ArrayRef<int64_t> lanes,
                                          llvm::ArrayRef<int64_t> warps);

  /// The layout with these basis vectors; `check` finds nothing wrong with it.
  static TileLayout get(llvm::ArrayRef<int64_t> shape,
                        llvm::ArrayRef<int64_t> atom,
                        llvm::ArrayRef<int64_t> registers,
                        llvm::ArrayRef<int64_t> lanes,
                        llvm::ArrayRef<int64_t> warps);

  /// A layout for coalesced access to rows of the last dimension: up to 16
  /// bytes per thread, then lanes, then warps, then repetitions. Any shape of
  /// positive extents has one; threads that find no element of their own
  /// repeat those of others. `numWarps` is a power of two. Warps share the
  /// dimension `reduced`, along which the tile will be reduced, only if others
  /// do not suffice.
  static TileLayout blocked(llvm::ArrayRef<int64_t> shape, int64_t numWarps,
                            int64_t elementBytes,
                            std::optional<unsigned> reduced = std::nullopt);

  /// A layout for scans along `axis`. A thread has whole lines if there are
  /// enough of them, else lanes, and only if that were too much for one warp,
  /// warps hold consecutive parts. Along the last dimension lanes do in any
  /// case, for coalesced access. Threads share the dimension `reduced`, along
  /// which the tile will be reduced, only if others do not suffice.
  static TileLayout scanned(llvm::ArrayRef<int64_t> shape, int64_t numWarps,
                            int64_t elementBytes, unsigned axis,
                            std::optional<unsigned> reduced = std::nullopt);

  /// The accumulator of `wgmma` for `m` by `n`. `numWarps` is 4 times a power
  /// of two, `m` a multiple of 16 * `numWarps` and `n` of 8. One warpgroup's
  /// registers are those of one 64-row block after another, and within a block
  /// those of `m64nNk*` in order, for any N that divides `n`.
  static TileLayout wgmmaAccumulator(int64_t m, int64_t n,
                                     int64_t numWarps = 4);

  /// Operand A of `wgmma` in registers, for `m` by `k` elements of 8, 16 or 32
  /// bits. `k` is a multiple of 256 / `elementBits`.
  static TileLayout wgmmaOperandA(int64_t m, int64_t k, unsigned elementBits,
                                  int64_t numWarps = 4);

  unsigned getRank() const { return shape.size(); }
  llvm::ArrayRef<int64_t> getShape() const { return shape; }
  llvm::ArrayRef<int64_t> getAtom() const { return atom; }
  /// Basis vectors, concatenated.
  llvm::ArrayRef<int64_t> getRegisterBases() const { return registers; }
  llvm::ArrayRef<int64_t> getLaneBases() const { return lanes; }
  llvm::ArrayRef<int64_t> getWarpBases() const { return warps; }

  /// Registers that one thread holds.
  int64_t getNumRegisters() const;
  int64_t getNumWarps() const;

  /// The constant part of the coordinates of a register.
  Coords getRegisterOffset(int64_t reg) const;
  /// What each bit of the lane, or of the warp, adds to coordinate `dim`.
  llvm::SmallVector<int64_t> getLaneBases(unsigned dim) const;
  llvm::SmallVector<int64_t> getWarpBases(unsigned dim) const;
  /// The coordinates of what a thread holds in a register.
  Coords getCoords(int64_t reg, int64_t lane, int64_t warp) const;

  /// Bits of the lane, or of the warp, on which nothing depends: threads that
  /// differ in them only hold the same elements.
  uint64_t getReplicatedLaneMask() const;
  uint64_t getReplicatedWarpMask() const;

  /// The largest power of two R such that registers R*i .. R*i + R - 1 hold,
  /// in order, elements that are consecutive along `dim`, of which the first
  /// is at a multiple of R.
  int64_t getRun(unsigned dim) const;

  /// The register of which the offset is `offset`, if there is one.
  std::optional<int64_t> findRegister(llvm::ArrayRef<int64_t> offset) const;

  /// How dimension `axis` is shared out, from elements to the whole: the parts
  /// of one entry are together one part of the next. Empty if the extent is 1.
  llvm::SmallVector<AxisPart> getAxisParts(unsigned axis) const;
  /// How many parts of dimension `axis` different warps hold.
  int64_t getWarpParts(unsigned axis) const;

  /// The layout of a tile that has one element for each `extent`, as an entry
  /// of `getAxisParts(axis)` has it, consecutive ones of this tile along
  /// `axis`. It is where those were.
  TileLayout coarsen(unsigned axis, int64_t extent) const;

  /// The layout of the tile without dimension `axis`, in which each thread
  /// holds the projections of its elements, each once. The rank is two or more.
  TileLayout slice(unsigned axis) const;
  /// `slice` for several dimensions, in increasing order.
  TileLayout slice(llvm::ArrayRef<int64_t> axes) const;

  /// The layout of what a reduction along `axis` leaves: a slice, or a tile of
  /// one element, which every thread has, if there is no other dimension.
  TileLayout reduce(unsigned axis) const;
  /// The register of `reduce(axis)` that register `reg` is reduced to.
  int64_t getReducedRegister(int64_t reg, unsigned axis) const;

  /// The layout of a tile of which dimension `d` is dimension
  /// `permutation[d]` of this one, and in which every thread keeps its
  /// elements.
  TileLayout permute(llvm::ArrayRef<int64_t> permutation) const;

  /// What it takes to convert to `other`, a layout of the same shape.
  LayoutConversion getConversion(const TileLayout &other) const;

  friend bool operator==(const TileLayout &a, const TileLayout &b) {
    return a.shape == b.shape && a.atom == b.atom &&
           a.registers == b.registers && a.lanes == b.lanes &&
           a.warps == b.warps;
  }
  friend bool operator!=(const TileLayout &a, const TileLayout &b) {
    return !(a == b);
  }

private:
  TileLayout() = default;

  /// Makes repetitions of the highest bits of registers that could be
  /// repetitions, so that equal maps have equal descriptions.
  void normalize();

  llvm::SmallVector<int64_t, 4> shape;
  llvm::SmallVector<int64_t, 4> atom;
  llvm::SmallVector<int64_t, 8> registers;
  llvm::SmallVector<int64_t, 10> lanes;
  llvm::SmallVector<int64_t, 4> warps;
};

} // namespace heddle

#endif // HEDDLE_LAYOUT_TILELAYOUT_H
