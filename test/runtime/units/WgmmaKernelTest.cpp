//===- WgmmaKernelTest.cpp - wgmma's inner loops on every instruction set ===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "units/WgmmaKernel.h"

#include "units/Numerics.h"

#include <cstring>
#include <gtest/gtest.h>
#include <hwy/targets.h>
#include <random>

using namespace heddle;
using namespace heddle::vgpu;

namespace {

/// Runs each test once for every instruction set that this machine has.
class WgmmaKernelTest : public testing::TestWithParam<int64_t> {
protected:
  void SetUp() override {
    hwy::SetSupportedTargetsForTest(GetParam());
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
  }
  void TearDown() override {
    hwy::SetSupportedTargetsForTest(0);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
  }
};

TEST_P(WgmmaKernelTest, WidensEveryHalf) {
  for (uint32_t code = 0; code < 65536; code += 64) {
    uint32_t pairs[32];
    float low[32], high[32];
    for (uint32_t lane = 0; lane < 32; ++lane)
      pairs[lane] = (code + 2 * lane) | (code + 2 * lane + 1) << 16;
    widenF16(pairs, low, high);
    for (uint32_t lane = 0; lane < 32; ++lane) {
      float expectedLow = f16ToFloat(uint16_t(pairs[lane]));
      float expectedHigh = f16ToFloat(uint16_t(pairs[lane] >> 16));
      // NaN payloads may differ.
      if (expectedLow == expectedLow)
        ASSERT_EQ(std::bit_cast<uint32_t>(low[lane]),
                  std::bit_cast<uint32_t>(expectedLow));
      else
        ASSERT_NE(low[lane], low[lane]);
      if (expectedHigh == expectedHigh)
        ASSERT_EQ(std::bit_cast<uint32_t>(high[lane]),
                  std::bit_cast<uint32_t>(expectedHigh));
      else
        ASSERT_NE(high[lane], high[lane]);
    }
  }
}

TEST_P(WgmmaKernelTest, NarrowsLikeTheScalarConversion) {
  std::mt19937 random(3);
  // Exponents around the range of f16 with every kind of tail.
  for (uint32_t exponent = 95; exponent < 150; ++exponent)
    for (uint32_t round = 0; round < 64; ++round) {
      float low[32], high[32];
      uint32_t pairs[32];
      for (uint32_t lane = 0; lane < 32; ++lane) {
        uint32_t tail = round % 4 == 0   ? uint32_t(random()) & 0x7fe000
                        : round % 4 == 1 ? uint32_t(random()) | 0x1000
                                         : uint32_t(random());
        if (round % 4 == 2)
          tail &= 0x7ff000;
        uint32_t bits = exponent << 23 | (tail & 0x7fffff);
        low[lane] = std::bit_cast<float>(bits);
        high[lane] = std::bit_cast<float>(bits | 0x80000000u);
      }
      narrowF16(low, high, pairs);
      for (uint32_t lane = 0; lane < 32; ++lane)
        ASSERT_EQ(pairs[lane], uint32_t(floatToF16(low[lane])) |
                                   uint32_t(floatToF16(high[lane])) << 16)
            << low[lane];
    }
  float low[32] = {0.0f, 65519.0f, 65520.0f, INFINITY, NAN, 1e-40f, -0.0f};
  float high[32] = {-NAN, -INFINITY, -1e38f, 6e-8f, 3e-8f, 2.98e-8f};
  uint32_t pairs[32];
  narrowF16(low, high, pairs);
  for (uint32_t lane = 0; lane < 32; ++lane)
    EXPECT_EQ(pairs[lane], uint32_t(floatToF16(low[lane])) |
                               uint32_t(floatToF16(high[lane])) << 16)
        << "lane " << lane;
}

TEST_P(WgmmaKernelTest, ConvertsEveryCode) {
  using enum WgmmaInput;
  struct Case {
    WgmmaInput type;
    uint32_t bytes;
    float (*decode)(uint32_t);
  };
  const Case cases[] = {
      {F16, 2, [](uint32_t bits) { return f16ToFloat(uint16_t(bits)); }},
      {BF16, 2, [](uint32_t bits) { return bf16ToFloat(uint16_t(bits)); }},
      {E4M3, 1, [](uint32_t bits) { return e4m3ToFloat(uint8_t(bits)); }},
      {E5M2, 1, [](uint32_t bits) { return e5m2ToFloat(uint8_t(bits)); }},
      {S8, 1, [](uint32_t bits) { return float(int8_t(bits)); }},
      {U8, 1, [](uint32_t bits) { return float(uint8_t(bits)); }},
  };
  for (const Case &c : cases)
    for (uint32_t code = 0; code < 1u << (8 * c.bytes); code += 16 / c.bytes) {
      std::byte shared[64];
      float found[16];
      for (uint32_t i = 0; i < 16 / c.bytes; ++i) {
        uint32_t bits = code + i;
        std::memcpy(shared + 32 + i * c.bytes, &bits, c.bytes);
      }
      const uint32_t chunk = 32;
      convertChunks(c.type, shared, &chunk, 1, found);
      for (uint32_t i = 0; i < 16 / c.bytes; ++i) {
        float expected = c.decode(code + i);
        if (expected == expected)
          ASSERT_EQ(std::bit_cast<uint32_t>(found[i]),
                    std::bit_cast<uint32_t>(expected))
              << "type " << int(c.type) << " code " << code + i;
        else
          ASSERT_NE(found[i], found[i]);
      }
    }
}

TEST_P(WgmmaKernelTest, MultipliesPanels) {
  std::mt19937 random(4);
  std::uniform_int_distribution<int> small(-8, 8);
  for (uint32_t k : {8u, 16u, 32u})
    for (uint32_t n : {8u, 40u, 96u, 256u})
      for (Major major : {Major::K, Major::MN}) {
        auto scratch = std::make_unique<WgmmaScratch>();
        std::vector<float> a(64 * k), b(n * k);
        for (float &value : a)
          value = float(small(random));
        for (float &value : b)
          value = float(small(random));
        packA(a.data(), major, k, -1.0f, scratch->a);
        packB(b.data(), major, n, k, scratch->b);
        std::vector<std::vector<uint32_t *>> registers(4);
        WarpgroupRegisters d;
        for (uint32_t warp = 0; warp < 4; ++warp) {
          for (uint32_t r = 0; r < n / 2; ++r)
            registers[warp].push_back(reinterpret_cast<uint32_t *>(
                scratch->d + (warp * (n / 2) + r) * 32));
          d[warp] = registers[warp].data();
        }
        std::fill(std::begin(scratch->d), std::end(scratch->d), 0.5f);
        multiplyPanels(scratch->a, scratch->b, n, k, true, d);
        for (uint32_t row = 0; row < 64; ++row)
          for (uint32_t column = 0; column < n; ++column) {
            float expected = 0.5f;
            for (uint32_t i = 0; i < k; ++i)
              expected -=
                  (major == Major::K ? a[row * k + i] : a[i * 64 + row]) *
                  (major == Major::K ? b[column * k + i] : b[i * n + column]);
            uint32_t r = column / 8 * 4 + row % 16 / 8 * 2 + column % 2;
            uint32_t lane = row % 8 * 4 + column % 8 / 2;
            ASSERT_EQ(std::bit_cast<float>(d[row / 16][r][lane]), expected)
                << "k " << k << " n " << n;
          }
      }
}

std::vector<int64_t> supportedTargets() {
  std::vector<int64_t> targets;
  int64_t supported = hwy::SupportedTargets() & ~(HWY_EMU128 | HWY_SCALAR);
  for (int bit = 0; bit < 62; ++bit)
    if (supported & HWY_TARGETS & (int64_t(1) << bit))
      targets.push_back(int64_t(1) << bit);
  return targets;
}

INSTANTIATE_TEST_SUITE_P(EveryInstructionSet, WgmmaKernelTest,
                         testing::ValuesIn(supportedTargets()),
                         [](const auto &info) {
                           return std::string(hwy::TargetName(info.param));
                         });

} // namespace
