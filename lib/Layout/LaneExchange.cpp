//===- LaneExchange.cpp - Layouts between which shuffles move -------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Layout/LaneExchange.h"

#include "llvm/ADT/STLExtras.h"

#include <map>
#include <set>

using namespace heddle;
using llvm::ArrayRef;
using llvm::SmallVector;

/// The vector of bit `i` of the lane.
static ArrayRef<int64_t> getLaneBase(const TileLayout &layout, unsigned i) {
  return layout.getLaneBases().slice(i * layout.getRank(), layout.getRank());
}

/// The bit of the lane that has `base`.
static std::optional<unsigned> findLaneBit(const TileLayout &layout,
                                           ArrayRef<int64_t> base) {
  for (unsigned i = 0; i < TileLayout::laneBits; ++i)
    if (getLaneBase(layout, i) == base)
      return i;
  return std::nullopt;
}

std::optional<LaneExchange> LaneExchange::get(const TileLayout &from,
                                              const TileLayout &to,
                                              unsigned elementBits) {
  if (!llvm::is_contained({8u, 16u, 32u}, elementBits) ||
      from.getShape() != to.getShape() ||
      from.getWarpBases() != to.getWarpBases() ||
      from.getReplicatedLaneMask() != 0 || to.getReplicatedLaneMask() != 0)
    return std::nullopt;

  LaneExchange exchange;
  exchange.perWord = wordBits / elementBits;
  SmallVector<unsigned, 2> leaving, entering;
  for (unsigned i = 0; i < TileLayout::laneBits; ++i) {
    if (std::optional<unsigned> bit = findLaneBit(to, getLaneBase(from, i)))
      exchange.sources[i] = *bit;
    else
      leaving.push_back(i);
    if (!findLaneBit(from, getLaneBase(to, i)))
      entering.push_back(i);
  }
  if (leaving.size() > 1)
    return std::nullopt;
  exchange.rounds = leaving.empty() ? 1 : 2;
  TileLayout::Coords a(from.getRank(), 0), b = a;
  if (!leaving.empty()) {
    exchange.bitOfA = leaving[0];
    exchange.bitOfB = entering[0];
    exchange.sources[exchange.bitOfA] = exchange.bitOfB;
    llvm::copy(getLaneBase(from, exchange.bitOfA), a.begin());
    llvm::copy(getLaneBase(to, exchange.bitOfB), b.begin());
  }

  // Elements are known by their offset for a = b = 0.
  std::map<TileLayout::Coords, Place> known;
  int64_t count = to.getNumRegisters();
  for (int64_t word = 0; word < count; word += exchange.perWord) {
    int64_t end = std::min<int64_t>(word + exchange.perWord, count);
    std::set<TileLayout::Coords> fresh;
    SmallVector<std::pair<TileLayout::Coords, unsigned>> wanted;
    for (int64_t reg = word; reg < end; ++reg) {
      TileLayout::Coords key = to.getRegisterOffset(reg);
      unsigned partOfA = 0;
      for (unsigned dim = 0; dim < key.size(); ++dim)
        if (key[dim] & a[dim]) {
          key[dim] -= a[dim];
          partOfA = 1;
        }
      if (!known.count(key))
        fresh.insert(key);
      wanted.emplace_back(key, partOfA);
    }
    // A word's elements come together.
    size_t used = exchange.messages.empty()
                      ? exchange.perWord
                      : exchange.messages.back()[0].size();
    if (!fresh.empty() && used + fresh.size() > exchange.perWord)
      exchange.messages.emplace_back();
    for (const TileLayout::Coords &key : fresh) {
      auto &message = exchange.messages.back();
      TileLayout::Coords other = key;
      for (unsigned dim = 0; dim < key.size(); ++dim)
        other[dim] += b[dim];
      std::optional<int64_t> first = from.findRegister(key),
                             second = from.findRegister(other);
      if (!first || !second)
        return std::nullopt;
      known[key] = {int64_t(exchange.messages.size()) - 1, 0,
                    unsigned(message[0].size())};
      message[0].push_back(*first);
      message[1].push_back(*second);
    }
    for (auto &[key, partOfA] : wanted) {
      Place place = known.at(key);
      place.a = partOfA;
      exchange.places.push_back(place);
      if (place.message != exchange.places[word].message)
        return std::nullopt;
    }
  }
  for (auto &message : exchange.messages)
    for (auto &registers : message)
      registers.resize(exchange.perWord, -1);
  return exchange;
}
