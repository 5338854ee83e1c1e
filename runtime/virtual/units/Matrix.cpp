//===- Matrix.cpp - ldmatrix and stmatrix --------------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Matrix.h"

#include <cstring>

using namespace heddle;
using namespace heddle::vgpu;

namespace {

constexpr uint32_t rowsPerTile = 8;
constexpr uint32_t rowBytes = 16;

Checked<void> check(const char *what, uint32_t sharedBytes,
                    std::span<const uint32_t, 32> addresses, uint32_t count) {
  if (count != 1 && count != 2 && count != 4)
    return makeFault(faults::other, "{}: expected 1, 2 or 4 tiles, found {}",
                     what, count);
  for (uint32_t lane = 0; lane < count * rowsPerTile; ++lane) {
    uint32_t address = addresses[lane];
    if (address % rowBytes != 0)
      return makeFault(faults::alignment,
                       "{}: expected row addresses that are multiples of 16, "
                       "found {:#x} in lane {}",
                       what, address, lane);
    if (uint64_t(address) + rowBytes > sharedBytes)
      return makeFault(faults::bounds,
                       "{}: the row at shared offset {:#x} in lane {} is "
                       "outside the {}-byte shared window",
                       what, address, lane, sharedBytes);
  }
  return {};
}

using Tile = uint16_t[8][8];

} // namespace

Checked<void> vgpu::ldmatrix(const std::byte *shared, uint32_t sharedBytes,
                             std::span<const uint32_t, 32> addresses,
                             uint32_t count, bool trans,
                             uint32_t *const *registers) {
  if (Checked<void> good = check("ldmatrix", sharedBytes, addresses, count);
      !good)
    return good;
  for (uint32_t i = 0; i < count; ++i) {
    Tile tile;
    for (uint32_t row = 0; row < rowsPerTile; ++row)
      std::memcpy(tile[row], shared + addresses[rowsPerTile * i + row],
                  rowBytes);
    for (uint32_t lane = 0; lane < 32; ++lane) {
      uint32_t row = lane / 4, column = lane % 4 * 2;
      uint32_t low = trans ? tile[column][row] : tile[row][column];
      uint32_t high = trans ? tile[column + 1][row] : tile[row][column + 1];
      registers[i][lane] = low | high << 16;
    }
  }
  return {};
}

Checked<void> vgpu::stmatrix(std::byte *shared, uint32_t sharedBytes,
                             std::span<const uint32_t, 32> addresses,
                             uint32_t count, bool trans,
                             const uint32_t *const *registers) {
  if (Checked<void> good = check("stmatrix", sharedBytes, addresses, count);
      !good)
    return good;
  for (uint32_t i = 0; i < count; ++i) {
    Tile tile;
    for (uint32_t lane = 0; lane < 32; ++lane) {
      uint32_t row = lane / 4, column = lane % 4 * 2;
      uint32_t bits = registers[i][lane];
      (trans ? tile[column][row] : tile[row][column]) = uint16_t(bits);
      (trans ? tile[column + 1][row] : tile[row][column + 1]) =
          uint16_t(bits >> 16);
    }
    for (uint32_t row = 0; row < rowsPerTile; ++row)
      std::memcpy(shared + addresses[rowsPerTile * i + row], tile[row],
                  rowBytes);
  }
  return {};
}
