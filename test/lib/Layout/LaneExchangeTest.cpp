//===- LaneExchangeTest.cpp - Tests of exchanges by shuffles --------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Layout/LaneExchange.h"

#include <gtest/gtest.h>
#include <vector>

using namespace heddle;

namespace {

/// Runs an exchange on the coordinates of elements, as the lanes of a warp do,
/// and checks that each lane ends with those of its registers.
void expectExchange(const TileLayout &from, const TileLayout &to,
                    unsigned elementBits, int64_t shuffles) {
  auto exchange = LaneExchange::get(from, to, elementBits);
  ASSERT_TRUE(exchange);
  EXPECT_EQ(exchange->getNumShuffles(), shuffles);
  ASSERT_EQ(int64_t(exchange->places.size()), to.getNumRegisters());
  auto getBit = [](unsigned lane, unsigned bit) { return lane >> bit & 1; };

  for (int64_t warp = 0; warp != from.getNumWarps(); ++warp)
    for (unsigned lane = 0; lane != 32; ++lane)
      for (int64_t reg = 0; reg != to.getNumRegisters(); ++reg) {
        const LaneExchange::Place &place = exchange->places[reg];
        unsigned round = 0, sender = 0;
        if (exchange->rounds == 2)
          round = place.a ^ getBit(lane, exchange->bitOfB);
        for (unsigned bit = 0; bit != TileLayout::laneBits; ++bit)
          sender |= getBit(lane, exchange->sources[bit]) << bit;
        unsigned sent = 0;
        if (exchange->rounds == 2) {
          sender ^= round << exchange->bitOfA;
          sent = getBit(sender, exchange->bitOfA) ^ round;
        }
        int64_t source =
            exchange->messages[place.message][sent][place.position];
        ASSERT_GE(source, 0);
        EXPECT_EQ(from.getCoords(source, sender, warp),
                  to.getCoords(reg, lane, warp));
        // Elements of a word are received together.
        EXPECT_EQ(place.message,
                  exchange->places[reg - reg % exchange->perWord].message);
      }
}

TEST(LaneExchange, AccumulatorToOperandOf8Bits) {
  for (int64_t k : {32, 64, 96, 128, 256})
    for (int64_t m : {64, 128})
      for (int64_t warps : {4, 8})
        if (m % (16 * warps) == 0)
          expectExchange(TileLayout::wgmmaAccumulator(m, k, warps),
                         TileLayout::wgmmaOperandA(m, k, 8, warps), 8,
                         m * k / (32 * warps) / 4);
}

TEST(LaneExchange, BackAgain) {
  expectExchange(TileLayout::wgmmaOperandA(64, 96, 8),
                 TileLayout::wgmmaAccumulator(64, 96), 8, 12);
  expectExchange(TileLayout::wgmmaOperandA(64, 64, 8),
                 TileLayout::wgmmaOperandA(64, 64, 16), 32, 32);
}

TEST(LaneExchange, WideElementsTakeAWordEach) {
  expectExchange(TileLayout::wgmmaAccumulator(64, 32),
                 TileLayout::wgmmaOperandA(64, 32, 8), 16, 8);
  expectExchange(TileLayout::wgmmaAccumulator(64, 32),
                 TileLayout::wgmmaOperandA(64, 32, 8), 32, 16);
}

TEST(LaneExchange, LanesInAnotherOrderTakeOneRound) {
  auto rows = TileLayout::get({32, 4}, {32, 4}, {0, 1, 0, 2},
                              {1, 0, 2, 0, 4, 0, 8, 0, 16, 0}, {});
  auto other = TileLayout::get({32, 4}, {32, 4}, {0, 2, 0, 1},
                               {4, 0, 16, 0, 1, 0, 8, 0, 2, 0}, {});
  expectExchange(rows, other, 32, 4);
  expectExchange(rows, other, 16, 2);
  expectExchange(rows, other, 8, 1);
}

TEST(LaneExchange, WordsMayBePartlyEmpty) {
  auto rows = TileLayout::get({32, 2}, {32, 2}, {0, 1},
                              {1, 0, 2, 0, 4, 0, 8, 0, 16, 0}, {});
  auto columns = TileLayout::get({32, 2}, {32, 2}, {1, 0},
                                 {0, 1, 2, 0, 4, 0, 8, 0, 16, 0}, {});
  for (unsigned bits : {8, 16, 32})
    expectExchange(rows, columns, bits, 2);
}

TEST(LaneExchange, RefusesWhatTakesMore) {
  TileLayout sum = TileLayout::wgmmaAccumulator(64, 64);
  // Two bits leave the lanes.
  EXPECT_FALSE(LaneExchange::get(sum, TileLayout::blocked({64, 64}, 4, 1), 8));
  // Elements of other warps.
  auto moved = TileLayout::get({64, 64}, {64, 8}, {0, 1, 8, 0},
                               {0, 2, 0, 4, 1, 0, 2, 0, 4, 0}, {32, 0, 16, 0});
  EXPECT_FALSE(LaneExchange::get(sum, moved, 8));
  // Copies.
  EXPECT_FALSE(
      LaneExchange::get(sum.slice(1), TileLayout::blocked({64}, 4, 4), 32));
  // Neither masks nor numbers of 64 bits.
  TileLayout operand = TileLayout::wgmmaOperandA(64, 64, 8);
  EXPECT_FALSE(LaneExchange::get(sum, operand, 1));
  EXPECT_FALSE(LaneExchange::get(sum, operand, 64));
}

} // namespace
