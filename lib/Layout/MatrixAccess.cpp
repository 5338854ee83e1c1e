//===- MatrixAccess.cpp - Tiles that ldmatrix and stmatrix move -----------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Layout/MatrixAccess.h"

using namespace heddle;

/// Whether a pair of registers holds lane by lane what one 8x8 matrix has
/// across its lanes: two neighbours along `across`, four pairs of them, and
/// eight rows along the other dimension.
static bool isMatrix(const TileLayout &layout, unsigned across) {
  auto is = [&](llvm::ArrayRef<int64_t> bases, unsigned i, unsigned dim,
                int64_t step) {
    return bases[2 * i + dim] == step && bases[2 * i + 1 - dim] == 0;
  };
  llvm::ArrayRef<int64_t> lanes = layout.getLaneBases();
  if (layout.getRun(across) < 2)
    return false;
  for (unsigned i = 0; i < TileLayout::laneBits; ++i)
    if (i < 2 ? !is(lanes, i, across, int64_t(2) << i)
              : !is(lanes, i, 1 - across, int64_t(1) << (i - 2)))
      return false;
  return true;
}

std::optional<MatrixAccess> MatrixAccess::get(const TileLayout &layout) {
  if (layout.getRank() != 2 || layout.getReplicatedLaneMask() != 0 ||
      layout.getReplicatedWarpMask() != 0 ||
      layout.getNumRegisters() % (2 * numMatrices) != 0)
    return std::nullopt;
  bool transposed = !isMatrix(layout, 1);
  if (transposed && !isMatrix(layout, 0))
    return std::nullopt;

  // The first three bits of a lane count the rows of a matrix in memory, the
  // others the matrices, as the bits of registers after the first do.
  TileLayout::Coords second = layout.getRegisterOffset(2);
  TileLayout::Coords third = layout.getRegisterOffset(4);
  llvm::SmallVector<int64_t> registers = {0, 1, 0, 2, 0, 4};
  llvm::SmallVector<int64_t> lanes = {1, 0, 2, 0, 4, 0};
  lanes.append(second.begin(), second.end());
  lanes.append(third.begin(), third.end());
  llvm::SmallVector<int64_t> atom = {1, 1};
  for (llvm::ArrayRef<int64_t> bases :
       {llvm::ArrayRef<int64_t>(registers), llvm::ArrayRef<int64_t>(lanes),
        layout.getWarpBases()})
    for (size_t i = 0; i < bases.size(); ++i)
      atom[i % 2] += bases[i];
  if (TileLayout::check(layout.getShape(), atom, registers, lanes,
                        layout.getWarpBases()))
    return std::nullopt;
  MatrixAccess access{transposed,
                      TileLayout::get(layout.getShape(), atom, registers, lanes,
                                      layout.getWarpBases()),
                      {}};
  if (access.rows.getNumRegisters() != layout.getNumRegisters())
    return std::nullopt;
  for (int64_t reg = 0; reg < layout.getNumRegisters();
       reg += 2 * numMatrices) {
    for (int64_t matrix = 0; matrix < numMatrices; ++matrix) {
      TileLayout::Coords offset = access.rows.getRegisterOffset(reg);
      for (unsigned dim = 0; dim < 2; ++dim)
        offset[dim] +=
            (matrix & 1 ? second[dim] : 0) + (matrix & 2 ? third[dim] : 0);
      std::optional<int64_t> found = layout.findRegister(offset);
      if (!found)
        return std::nullopt;
      access.registers.push_back(*found);
    }
  }
  return access;
}
