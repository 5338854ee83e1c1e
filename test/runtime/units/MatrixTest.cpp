//===- MatrixTest.cpp - ldmatrix and stmatrix ----------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "units/Matrix.h"

#include <array>
#include <cstring>
#include <gtest/gtest.h>
#include <vector>

using namespace heddle;
using namespace heddle::vgpu;

namespace {

constexpr uint32_t sharedBytes = 4096;

struct Fixture {
  Fixture() {
    for (uint32_t i = 0; i < shared.size(); i += 2) {
      uint16_t value = uint16_t(i / 2);
      std::memcpy(&shared[i], &value, 2);
    }
    // Rows scattered over memory, in no particular order.
    for (uint32_t lane = 0; lane < 32; ++lane)
      addresses[lane] = (lane * 37 % 32) * 112;
    for (uint32_t i = 0; i < 4; ++i)
      pointers[i] = registers[i].data();
  }
  uint16_t element(uint32_t tile, uint32_t row, uint32_t column) const {
    return uint16_t((addresses[8 * tile + row] + 2 * column) / 2);
  }
  std::vector<std::byte> shared = std::vector<std::byte>(sharedBytes);
  std::array<uint32_t, 32> addresses;
  std::array<std::array<uint32_t, 32>, 4> registers = {};
  std::array<uint32_t *, 4> pointers;
};

TEST(Matrix, LoadsTiles) {
  for (uint32_t count : {1u, 2u, 4u})
    for (bool trans : {false, true}) {
      Fixture f;
      // Lanes beyond the tiles' rows may hold anything.
      for (uint32_t lane = 8 * count; lane < 32; ++lane)
        f.addresses[lane] = 0xdeadbeef;
      ASSERT_TRUE(ldmatrix(f.shared.data(), sharedBytes, f.addresses, count,
                           trans, f.pointers.data())
                      .has_value());
      for (uint32_t tile = 0; tile < count; ++tile)
        for (uint32_t lane = 0; lane < 32; ++lane)
          for (uint32_t j = 0; j < 2; ++j) {
            uint32_t row = lane / 4, column = 2 * (lane % 4) + j;
            if (trans)
              std::swap(row, column);
            EXPECT_EQ(f.registers[tile][lane] >> (16 * j) & 0xffff,
                      f.element(tile, row, column));
          }
    }
}

TEST(Matrix, StoresWhatItLoads) {
  for (bool trans : {false, true}) {
    Fixture f;
    ASSERT_TRUE(ldmatrix(f.shared.data(), sharedBytes, f.addresses, 4, trans,
                         f.pointers.data())
                    .has_value());
    std::vector<std::byte> before = f.shared;
    for (uint32_t address : f.addresses)
      std::memset(&f.shared[address], 0, 16);
    ASSERT_NE(f.shared, before);
    ASSERT_TRUE(stmatrix(f.shared.data(), sharedBytes, f.addresses, 4, trans,
                         f.pointers.data())
                    .has_value());
    EXPECT_EQ(f.shared, before);
  }
}

TEST(Matrix, Errors) {
  Fixture f;
  auto load = [&](uint32_t count) {
    Checked<void> result = ldmatrix(f.shared.data(), sharedBytes, f.addresses,
                                    count, false, f.pointers.data());
    return result ? std::string() : result.error().message;
  };
  EXPECT_EQ(load(3), "ldmatrix: expected 1, 2 or 4 tiles, found 3");
  f.addresses[9] = 8;
  EXPECT_EQ(load(1), "");
  EXPECT_NE(load(2).find("multiples of 16, found 0x8 in lane 9"),
            std::string::npos);
  f.addresses[9] = sharedBytes;
  EXPECT_NE(load(2).find("0x1000 in lane 9 is outside the 4096-byte"),
            std::string::npos);
  f.addresses[9] = 0xfffffff0;
  EXPECT_NE(load(2).find("outside"), std::string::npos);
  Checked<void> stored = stmatrix(f.shared.data(), sharedBytes, f.addresses, 2,
                                  false, f.pointers.data());
  ASSERT_FALSE(stored.has_value());
  EXPECT_NE(stored.error().message.find("stmatrix"), std::string::npos);
}

} // namespace
