//===- LaneExchange.h - Layouts between which shuffles move -----*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_LAYOUT_LANEEXCHANGE_H
#define HEDDLE_LAYOUT_LANEEXCHANGE_H

#include "lib/Layout/TileLayout.h"

#include <array>

namespace heddle {

/// How the lanes of a warp turn one layout into another by shuffles of 32-bit
/// words, where at most one bit of the coordinates changes its place between
/// lanes and registers. Call that which leaves the lanes `a`, and that which
/// enters them `b`: a lane has an `a` of its own and words for either `b`
/// before, a `b` and words for either `a` afterwards. In round i it sends its
/// word for b = a ^ i and receives the one for a = b ^ i, from the lane that
/// has this `a`. Where no such bit exists, one round moves all words.
struct LaneExchange {
  static constexpr unsigned wordBits = 32;

  /// Where an element of the new layout is in what a lane received.
  struct Place {
    /// Which pair of received words, or which word if there is one round.
    int64_t message;
    /// The element's `a`, and where it is in the word.
    unsigned a;
    unsigned position;
  };

  /// 1 or 2.
  unsigned rounds;
  /// The bit of the lane that is `a` before and the one that is `b` afterwards,
  /// if there are two rounds.
  unsigned bitOfA = 0, bitOfB = 0;
  /// In round 0, bit i of the lane to read from is bit `sources[i]` of the
  /// reader's lane; in round 1, bit `bitOfA` is the opposite.
  std::array<unsigned, TileLayout::laneBits> sources;
  /// Elements of a word.
  unsigned perWord;
  /// By message and `b`, the registers that its word holds; -1 for nothing.
  llvm::SmallVector<std::array<llvm::SmallVector<int64_t, 4>, 2>> messages;
  /// By register of the new layout. Registers that make a word together come
  /// out of one message.
  llvm::SmallVector<Place> places;

  /// The exchange of elements of `elementBits`, or nothing if it takes more.
  static std::optional<LaneExchange>
  get(const TileLayout &from, const TileLayout &to, unsigned elementBits);

  int64_t getNumShuffles() const { return rounds * messages.size(); }
};

} // namespace heddle

#endif // HEDDLE_LAYOUT_LANEEXCHANGE_H
