//===- TileLayoutTest.cpp - Tests of register layouts ---------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Layout/TileLayout.h"

#include "llvm/ADT/STLExtras.h"

#include <gtest/gtest.h>
#include <map>
#include <set>
#include <string>
#include <vector>

using namespace heddle;

namespace {

using Coords = TileLayout::Coords;
using Shape = std::vector<int64_t>;

const std::vector<Shape> shapes = {
    {1},       {3},        {100},        {256},       {2880},      {32768},
    {1, 1},    {3, 5},     {128, 64},    {64, 80},    {128, 100},  {96, 2880},
    {7, 4096}, {64, 1},    {1, 64},      {2, 3, 4},   {4, 32, 48}, {16, 16, 16},
    {1, 8, 1}, {128, 128}, {2, 2, 2, 2}, {5, 4, 3, 8}};

/// Checks that the elements held by threads that are not copies of others are
/// each element of the tile once, and that copies hold what the originals do.
void expectCover(const TileLayout &layout) {
  std::set<std::vector<int64_t>> seen;
  int64_t elements = 1;
  for (int64_t extent : layout.getShape())
    elements *= extent;
  int64_t laneCopies = layout.getReplicatedLaneMask();
  int64_t warpCopies = layout.getReplicatedWarpMask();
  for (int64_t warp = 0; warp != layout.getNumWarps(); ++warp) {
    for (int64_t lane = 0; lane != 32; ++lane) {
      bool isCopy = (lane & laneCopies) || (warp & warpCopies);
      for (int64_t reg = 0; reg != layout.getNumRegisters(); ++reg) {
        Coords coords = layout.getCoords(reg, lane, warp);
        if (isCopy) {
          ASSERT_EQ(coords, layout.getCoords(reg, lane & ~laneCopies,
                                             warp & ~warpCopies));
          continue;
        }
        for (unsigned dim = 0; dim != layout.getRank(); ++dim) {
          ASSERT_GE(coords[dim], 0);
          ASSERT_LT(coords[dim], layout.getShape()[dim]);
        }
        ASSERT_TRUE(
            seen.insert(std::vector<int64_t>(coords.begin(), coords.end()))
                .second);
      }
    }
  }
  ASSERT_EQ(int64_t(seen.size()), elements);
}

/// Checks that `getRun` is right and that no longer run is.
void expectRuns(const TileLayout &layout) {
  auto isRun = [&](unsigned dim, int64_t run) {
    for (int64_t warp = 0; warp != layout.getNumWarps(); ++warp) {
      for (int64_t lane = 0; lane != 32; ++lane) {
        for (int64_t reg = 0; reg != layout.getNumRegisters(); ++reg) {
          Coords first = layout.getCoords(reg - reg % run, lane, warp);
          if (first[dim] % run != 0)
            return false;
          first[dim] += reg % run;
          if (layout.getCoords(reg, lane, warp) != first)
            return false;
        }
      }
    }
    return true;
  };
  for (unsigned dim = 0; dim != layout.getRank(); ++dim) {
    int64_t run = layout.getRun(dim);
    EXPECT_TRUE(isRun(dim, run));
    if (layout.getNumRegisters() % (2 * run) == 0)
      EXPECT_FALSE(isRun(dim, 2 * run));
  }
}

TEST(TileLayout, BlockedCoversAnyShape) {
  for (const Shape &shape : shapes) {
    for (int64_t warps : {1, 2, 4, 8, 16}) {
      for (int64_t bytes : {1, 2, 4, 8}) {
        SCOPED_TRACE(testing::PrintToString(shape) + " warps " +
                     std::to_string(warps) + " bytes " + std::to_string(bytes));
        TileLayout layout = TileLayout::blocked(shape, warps, bytes);
        EXPECT_EQ(layout.getNumWarps(), warps);
        if (bytes == 2 && (warps == 1 || warps == 4)) {
          expectCover(layout);
          expectRuns(layout);
        }
      }
    }
  }
}

TEST(TileLayout, BlockedIsCoalesced) {
  TileLayout layout = TileLayout::blocked({128, 64}, 4, 2);
  EXPECT_EQ(layout.getRun(1), 8);
  EXPECT_EQ(layout.getNumRegisters(), 64);
  EXPECT_EQ(layout.getCoords(0, 1, 0), (Coords{0, 8}));
  EXPECT_EQ(layout.getCoords(0, 8, 0), (Coords{1, 0}));
  EXPECT_EQ(layout.getCoords(0, 0, 1), (Coords{4, 0}));
  EXPECT_EQ(layout.getCoords(8, 0, 0), (Coords{16, 0}));
  // Busy threads are worth more than wide accesses.
  EXPECT_EQ(TileLayout::blocked({256}, 4, 4).getRun(0), 2);
  // Threads that are left over repeat others.
  TileLayout small = TileLayout::blocked({16}, 4, 4);
  EXPECT_EQ(small.getNumRegisters(), 1);
  EXPECT_EQ(small.getReplicatedLaneMask(), 16u);
  EXPECT_EQ(small.getReplicatedWarpMask(), 3u);
}

TEST(TileLayout, BlockedKeepsWarpsOffReducedDimensions) {
  auto isShared = [](const TileLayout &layout, unsigned dim) {
    return llvm::any_of(layout.getWarpBases(dim),
                        [](int64_t base) { return base != 0; });
  };
  EXPECT_TRUE(isShared(TileLayout::blocked({8, 1024}, 4, 4), 1));
  TileLayout rows = TileLayout::blocked({8, 1024}, 4, 4, /*reduced=*/1);
  EXPECT_FALSE(isShared(rows, 1));
  expectCover(rows);
  EXPECT_EQ(rows.getRun(1), 4);
  // One row is too few for four warps.
  TileLayout row = TileLayout::blocked({1, 1024}, 4, 4, /*reduced=*/1);
  EXPECT_TRUE(isShared(row, 1));
  expectCover(row);
  // The lanes' bits come first, whatever is reduced.
  TileLayout columns = TileLayout::blocked({64, 512}, 4, 4, /*reduced=*/0);
  EXPECT_FALSE(isShared(columns, 0));
  expectCover(columns);
}

TEST(TileLayout, ScannedCoversAnyShape) {
  for (const Shape &shape : shapes) {
    for (int64_t warps : {1, 8}) {
      for (int64_t bytes : {2, 8}) {
        for (unsigned axis = 0; axis != shape.size(); ++axis) {
          TileLayout layout = TileLayout::scanned(shape, warps, bytes, axis);
          EXPECT_EQ(layout.getNumWarps(), warps);
          expectCover(layout);
        }
      }
    }
  }
}

/// Who holds the parts of an axis, and how many there are: `r2 l8 w4`.
std::string describeParts(const TileLayout &layout, unsigned axis) {
  std::string text;
  for (const AxisPart &part : layout.getAxisParts(axis))
    text += (text.empty() ? "" : " ") + std::string(1, "rlw"[part.holder]) +
            std::to_string(part.count);
  return text;
}

TEST(TileLayout, ScannedKeepsLinesTogether) {
  auto describe = [](Shape shape, unsigned axis, int64_t bytes = 4) {
    return describeParts(TileLayout::scanned(shape, 4, bytes, axis), axis);
  };
  // A channel per thread.
  EXPECT_EQ(describe({64, 128}, 0), "r64");
  EXPECT_EQ(describe({65, 128}, 0), "r65");
  // Rows of a warp; reads stay wide.
  EXPECT_EQ(describe({64, 128}, 1), "r4 l32");
  EXPECT_EQ(describe({64, 128}, 1, 2), "r8 l16");
  // Every warp scans a vector that is short.
  EXPECT_EQ(describe({64}, 0), "l32 r2");
  EXPECT_EQ(describe({4096}, 0), "r4 l32 w4 r8");
  // Few channels: lanes and warps each have consecutive steps.
  EXPECT_EQ(describe({64, 16}, 0), "r16 l2 w2");
  EXPECT_EQ(describe({256, 1}, 0), "r8 l32");
  EXPECT_EQ(describe({3}, 0), "r3");
  // Sums over 16 states of 128 channels are a thread's own.
  TileLayout states = TileLayout::scanned({4, 16, 128}, 4, 4, 0, 1);
  EXPECT_EQ(describeParts(states, 0), "r4");
  EXPECT_EQ(describeParts(states, 1), "r16");
  EXPECT_EQ(describe({1}, 0), "");
}

TEST(TileLayout, WgmmaAccumulator) {
  for (int64_t n : {8, 24, 64, 80, 256}) {
    TileLayout layout = TileLayout::wgmmaAccumulator(64, n);
    ASSERT_EQ(layout.getNumRegisters(), n / 2);
    for (int64_t t = 0; t != 128; ++t) {
      for (int64_t v = 0; v != n / 2; ++v) {
        int64_t row = 16 * (t / 32) + t % 32 / 4 + 8 * (v / 2 % 2);
        int64_t column = 8 * (v / 4) + 2 * (t % 4) + v % 2;
        ASSERT_EQ(layout.getCoords(v, t % 32, t / 32), (Coords{row, column}));
      }
    }
    expectCover(layout);
    expectRuns(layout);
  }
}

TEST(TileLayout, WgmmaAccumulatorOfSeveralBlocks) {
  // Blocks of 64 rows are blocks of registers.
  TileLayout two = TileLayout::wgmmaAccumulator(128, 64);
  TileLayout one = TileLayout::wgmmaAccumulator(64, 64);
  for (int64_t reg = 0; reg != 32; ++reg) {
    Coords coords = one.getCoords(reg, 9, 2);
    EXPECT_EQ(two.getCoords(reg, 9, 2), coords);
    coords[0] += 64;
    EXPECT_EQ(two.getCoords(32 + reg, 9, 2), coords);
  }
  // Warpgroups take turns.
  TileLayout wide = TileLayout::wgmmaAccumulator(256, 64, 8);
  expectCover(wide);
  EXPECT_EQ(wide.getCoords(0, 0, 4), (Coords{64, 0}));
  EXPECT_EQ(wide.getCoords(32, 0, 0), (Coords{128, 0}));
}

TEST(TileLayout, WgmmaOperandA) {
  for (int64_t steps : {1, 3, 4}) {
    TileLayout half = TileLayout::wgmmaOperandA(64, 16 * steps, 16);
    TileLayout byte = TileLayout::wgmmaOperandA(64, 32 * steps, 8);
    TileLayout word = TileLayout::wgmmaOperandA(64, 8 * steps, 32);
    for (int64_t t = 0; t != 128; ++t) {
      int64_t row = 16 * (t / 32) + t % 32 / 4;
      for (int64_t v = 0; v != 8 * steps; ++v) {
        ASSERT_EQ(
            half.getCoords(v, t % 32, t / 32),
            (Coords{row + 8 * (v / 2 % 2), 8 * (v / 4) + 2 * (t % 4) + v % 2}));
      }
      for (int64_t v = 0; v != 16 * steps; ++v) {
        ASSERT_EQ(byte.getCoords(v, t % 32, t / 32),
                  (Coords{row + 8 * (v / 4 % 2),
                          16 * (v / 8) + 4 * (t % 4) + v % 4}));
      }
      for (int64_t v = 0; v != 4 * steps; ++v) {
        ASSERT_EQ(word.getCoords(v, t % 32, t / 32),
                  (Coords{row + 8 * (v % 2), 4 * (v / 2) + t % 4}));
      }
    }
    expectCover(half);
    expectCover(byte);
    expectCover(word);
  }
}

TEST(TileLayout, AccumulatorIsOperandAOf16Bits) {
  EXPECT_EQ(TileLayout::wgmmaAccumulator(128, 64),
            TileLayout::wgmmaOperandA(128, 64, 16));
  EXPECT_NE(TileLayout::wgmmaAccumulator(128, 64),
            TileLayout::wgmmaOperandA(128, 64, 8));
}

TEST(TileLayout, EqualMapsAreEqual) {
  TileLayout small =
      TileLayout::get({64, 24}, {64, 8}, {0, 1, 8, 0},
                      {0, 2, 0, 4, 1, 0, 2, 0, 4, 0}, {16, 0, 32, 0});
  TileLayout large =
      TileLayout::get({64, 32}, {64, 16}, {0, 1, 8, 0, 0, 8},
                      {0, 2, 0, 4, 1, 0, 2, 0, 4, 0}, {16, 0, 32, 0});
  EXPECT_EQ(small, TileLayout::wgmmaAccumulator(64, 24));
  EXPECT_EQ(large, TileLayout::wgmmaAccumulator(64, 32));
  // A bit that is not the fastest repetition stays.
  TileLayout rows =
      TileLayout::get({128, 16}, {128, 8}, {0, 1, 8, 0, 64, 0},
                      {0, 2, 0, 4, 1, 0, 2, 0, 4, 0}, {16, 0, 32, 0});
  EXPECT_NE(rows, TileLayout::wgmmaAccumulator(128, 16));
  EXPECT_EQ(rows.getConversion(TileLayout::wgmmaAccumulator(128, 16)),
            LayoutConversion::Registers);
}

TEST(TileLayout, FindRegisterInvertsOffset) {
  for (const Shape &shape : shapes) {
    TileLayout layout = TileLayout::blocked(shape, 4, 2);
    for (int64_t reg = 0; reg != layout.getNumRegisters(); ++reg)
      ASSERT_EQ(layout.findRegister(layout.getRegisterOffset(reg)), reg);
  }
  TileLayout layout = TileLayout::blocked({128, 64}, 4, 2);
  EXPECT_EQ(layout.findRegister({0, 8}), std::nullopt);
  EXPECT_EQ(layout.findRegister({128, 0}), std::nullopt);
  EXPECT_EQ(layout.findRegister({0, -1}), std::nullopt);
}

TEST(TileLayout, SliceIsTheProjection) {
  std::vector<TileLayout> layouts = {TileLayout::wgmmaAccumulator(128, 80),
                                     TileLayout::wgmmaOperandA(64, 64, 8)};
  for (const Shape &shape : shapes) {
    if (shape.size() > 1)
      layouts.push_back(TileLayout::blocked(shape, 4, 2));
  }
  for (const TileLayout &layout : layouts) {
    for (unsigned axis = 0; axis != layout.getRank(); ++axis) {
      TileLayout slice = layout.slice(axis);
      expectCover(slice);
      for (int64_t warp : {0, 1, 3}) {
        for (int64_t lane : {0, 1, 6, 31}) {
          std::set<std::vector<int64_t>> expected, found;
          for (int64_t reg = 0; reg != layout.getNumRegisters(); ++reg) {
            Coords coords = layout.getCoords(reg, lane, warp);
            coords.erase(coords.begin() + axis);
            expected.emplace(coords.begin(), coords.end());
          }
          for (int64_t reg = 0; reg != slice.getNumRegisters(); ++reg) {
            Coords coords = slice.getCoords(reg, lane, warp);
            ASSERT_TRUE(found.emplace(coords.begin(), coords.end()).second);
          }
          // What a thread held along the axis was of its coordinates only.
          ASSERT_EQ(found, expected);
        }
      }
    }
  }
}

TEST(TileLayout, SliceOfSeveralDimensions) {
  TileLayout layout = TileLayout::blocked({4, 32, 48}, 4, 4);
  EXPECT_EQ(layout.slice({0, 2}), layout.slice(2u).slice(0u));
  EXPECT_EQ(layout.slice({0, 2}).getShape(), llvm::ArrayRef<int64_t>({32}));
}

TEST(TileLayout, ReductionsLeaveASliceOrOneElement) {
  TileLayout mma = TileLayout::wgmmaAccumulator(64, 64);
  EXPECT_EQ(mma.reduce(0), mma.slice(0u));
  for (int64_t reg = 0; reg != mma.getNumRegisters(); ++reg)
    EXPECT_EQ(
        mma.slice(1u).getRegisterOffset(mma.getReducedRegister(reg, 1))[0],
        mma.getRegisterOffset(reg)[0]);
  TileLayout row = TileLayout::blocked({1000}, 4, 4).reduce(0);
  EXPECT_EQ(row.getNumRegisters(), 1);
  EXPECT_EQ(row.getReplicatedLaneMask(), 31u);
  EXPECT_EQ(row.getReplicatedWarpMask(), 3u);
}

TEST(TileLayout, AxisPartsGoFromElementsToTheWhole) {
  TileLayout mma = TileLayout::wgmmaAccumulator(128, 24);
  EXPECT_EQ(describeParts(mma, 0), "l8 r2 w4 r2");
  EXPECT_EQ(describeParts(mma, 1), "r2 l4 r3");
  auto parts = mma.getAxisParts(0);
  EXPECT_EQ(parts[0].mask, 0b11100u);
  EXPECT_EQ(parts[0].extent, 1);
  EXPECT_EQ(parts[2].mask, 0b11u);
  EXPECT_EQ(parts[2].extent, 16);
  EXPECT_EQ(parts[3].extent, 64);
  EXPECT_EQ(mma.getWarpParts(0), 4);
  EXPECT_EQ(mma.getWarpParts(1), 1);
  // Lanes whose bits do not ascend are parts of parts.
  TileLayout swapped = TileLayout::get({32}, {32}, {}, {2, 1, 4, 8, 16}, {});
  EXPECT_EQ(describeParts(swapped, 0), "l2 l16");
  EXPECT_EQ(swapped.getAxisParts(0)[0].mask, 0b10u);
  EXPECT_EQ(swapped.getAxisParts(0)[1].mask, 0b11101u);
}

TEST(TileLayout, CoarseTilesAreWhereTheirElementsAre) {
  std::vector<TileLayout> layouts = {TileLayout::wgmmaAccumulator(128, 24),
                                     TileLayout::blocked({64, 80}, 4, 2),
                                     TileLayout::scanned({96, 16}, 8, 4, 0)};
  for (const TileLayout &layout : layouts) {
    for (unsigned axis : {0u, 1u}) {
      for (const AxisPart &part : layout.getAxisParts(axis)) {
        TileLayout coarse = layout.coarsen(axis, part.extent);
        expectCover(coarse);
        EXPECT_EQ(coarse.getShape()[axis] * part.extent,
                  layout.getShape()[axis]);
        for (int64_t reg = 0; reg != layout.getNumRegisters(); ++reg) {
          for (int64_t lane = 0; lane != 32; ++lane) {
            for (int64_t warp = 0; warp != layout.getNumWarps(); ++warp) {
              Coords offset = layout.getRegisterOffset(reg);
              offset[axis] /= part.extent;
              auto inCoarse = coarse.findRegister(offset);
              ASSERT_TRUE(inCoarse);
              Coords coords = layout.getCoords(reg, lane, warp);
              coords[axis] /= part.extent;
              ASSERT_EQ(coarse.getCoords(*inCoarse, lane, warp), coords);
            }
          }
        }
      }
    }
  }
}

TEST(TileLayout, PermuteKeepsElements) {
  TileLayout layout = TileLayout::blocked({4, 32, 48}, 4, 4);
  TileLayout permuted = layout.permute({2, 0, 1});
  EXPECT_EQ(permuted.getShape(), llvm::ArrayRef<int64_t>({48, 4, 32}));
  expectCover(permuted);
  for (int64_t reg = 0; reg != layout.getNumRegisters(); ++reg) {
    Coords offset = layout.getRegisterOffset(reg);
    EXPECT_TRUE(permuted.findRegister({offset[2], offset[0], offset[1]}));
  }
  EXPECT_EQ(permuted.permute({1, 2, 0}).getConversion(layout),
            LayoutConversion::Identity);
}

TEST(TileLayout, Conversions) {
  TileLayout mma = TileLayout::wgmmaAccumulator(64, 64);
  EXPECT_EQ(mma.getConversion(mma), LayoutConversion::Identity);
  EXPECT_EQ(mma.getConversion(TileLayout::blocked({64, 64}, 4, 2)),
            LayoutConversion::Threads);
  EXPECT_EQ(mma.getConversion(TileLayout::wgmmaOperandA(64, 64, 8)),
            LayoutConversion::Threads);
}

TEST(TileLayout, CheckNamesTheFault) {
  std::vector<int64_t> lanes = {1, 2, 4, 8, 16};
  EXPECT_EQ(TileLayout::check({64}, {32}, {}, lanes, {}), std::nullopt);
  EXPECT_EQ(TileLayout::check({64, 1}, {32}, {}, lanes, {}),
            "expected an atom of rank 2, found rank 1");
  EXPECT_EQ(TileLayout::check({48}, {32}, {}, lanes, {}),
            "expected an atom that divides the tile, found extent 32 for 48");
  EXPECT_EQ(TileLayout::check({48}, {24}, {}, lanes, {}),
            "expected extents of the atom that are powers of two, found 24");
  EXPECT_EQ(TileLayout::check({64}, {32}, {1}, lanes, {}),
            "expected different vectors, found 1 twice in dimension 0");
  EXPECT_EQ(TileLayout::check({64}, {64}, {}, lanes, {}),
            "expected vectors that cover the atom, found a hole in dimension "
            "0");
  EXPECT_EQ(TileLayout::check({64}, {32}, {}, {1, 2, 4, 8}, {}),
            "expected 5 lane vectors of rank 1, found 4 numbers");
  EXPECT_EQ(TileLayout::check({64}, {32}, {0}, lanes, {}),
            "expected vectors with one number that is not zero");
  EXPECT_EQ(TileLayout::check({64}, {32}, {}, {1, 2, 4, 8, 3}, {}),
            "expected powers of two inside the atom, found 3");
}

} // namespace
