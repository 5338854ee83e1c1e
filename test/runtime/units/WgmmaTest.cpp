//===- WgmmaTest.cpp - wgmma against three nested loops ------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "units/Wgmma.h"

#include "units/Numerics.h"

#include <cmath>
#include <cstring>
#include <gtest/gtest.h>
#include <random>
#include <vector>

using namespace heddle;
using namespace heddle::vgpu;

namespace {

constexpr uint32_t sharedBytes = 128 * 1024;
constexpr uint32_t startB = 64 * 1024;

struct Registers {
  explicit Registers(uint32_t count)
      : count(count), values(4 * count * 32), pointers(4 * count) {
    for (uint32_t i = 0; i < pointers.size(); ++i)
      pointers[i] = values.data() + 32 * i;
    for (uint32_t warp = 0; warp < 4; ++warp)
      view[warp] = pointers.data() + warp * count;
  }
  /// Register `r` of thread `t` of the warpgroup.
  uint32_t &at(uint32_t t, uint32_t r) {
    return values[(t / 32 * count + r) * 32 + t % 32];
  }
  uint32_t count;
  std::vector<uint32_t> values;
  std::vector<uint32_t *> pointers;
  WarpgroupRegisters view;
};

bool isInteger(const WgmmaOp &op) { return op.d == WgmmaAccumulator::S32; }

double decode(WgmmaInput type, uint32_t bits) {
  switch (type) {
  case WgmmaInput::F16:
    return f16ToFloat(uint16_t(bits));
  case WgmmaInput::BF16:
    return bf16ToFloat(uint16_t(bits));
  case WgmmaInput::TF32:
    return tf32ToFloat(bits);
  case WgmmaInput::E4M3:
    return e4m3ToFloat(uint8_t(bits));
  case WgmmaInput::E5M2:
    return e5m2ToFloat(uint8_t(bits));
  case WgmmaInput::S8:
    return int8_t(bits);
  case WgmmaInput::U8:
    return uint8_t(bits);
  }
  return 0;
}

uint32_t encode(WgmmaInput type, float value) {
  switch (type) {
  case WgmmaInput::F16:
    return floatToF16(value);
  case WgmmaInput::BF16:
    return floatToBf16(value);
  case WgmmaInput::TF32:
    // Low bits that the tensor core must ignore.
    return std::bit_cast<uint32_t>(value) | 0x155;
  case WgmmaInput::E4M3:
    return floatToE4m3(value);
  case WgmmaInput::E5M2:
    return floatToE5m2(value);
  case WgmmaInput::S8:
  case WgmmaInput::U8:
    return uint32_t(int32_t(value * 40)) & 0xff;
  }
  return 0;
}

/// Row and column of accumulator element `v` of thread `t`.
std::pair<uint32_t, uint32_t> accumulatorPlace(uint32_t t, uint32_t v) {
  return {16 * (t / 32) + (t % 32) / 4 + 8 * ((v / 2) % 2),
          8 * (v / 4) + 2 * (t % 4) + v % 2};
}

/// Row and k of element `v` of A's fragment.
std::pair<uint32_t, uint32_t> fragmentPlace(uint32_t bytes, uint32_t t,
                                            uint32_t v) {
  uint32_t row = 16 * (t / 32) + (t % 32) / 4;
  if (bytes == 2)
    return {row + 8 * ((v / 2) % 2), 8 * (v / 4) + 2 * (t % 4) + v % 2};
  if (bytes == 1)
    return {row + 8 * ((v / 4) % 2), 16 * (v / 8) + 4 * (t % 4) + v % 4};
  return {row + 8 * (v % 2), 4 * (v / 2) + t % 4};
}

/// A layout that suits 64 or 256 rows and one k step.
SharedDescriptor layout(Major major, Swizzle mode, uint32_t start) {
  uint32_t span = uint32_t(mode);
  SharedDescriptor descriptor = {.start = start, .swizzle = mode};
  descriptor.stride = span ? 8 * span : 256;
  descriptor.leading = span ? (major == Major::MN ? 16 * span : 16) : 128;
  if (major == Major::MN && !span)
    descriptor.leading = 128;
  return descriptor;
}

class WgmmaRun {
public:
  explicit WgmmaRun(const WgmmaOp &op, Swizzle modeA = Swizzle::B128,
                    Swizzle modeB = Swizzle::B128)
      : op(op), shared(sharedBytes), fragment(wgmmaARegisters),
        d(op.accumulatorRegisters()) {
    std::mt19937 random(op.n + uint32_t(op.a) * 1000);
    std::uniform_real_distribution<float> range(-3.0f, 3.0f);
    uint32_t k = op.k(), bytes = op.elementBytes();
    Major majorA = op.transA ? Major::MN : Major::K;
    Major majorB = op.transB ? Major::MN : Major::K;
    SharedDescriptor a = layout(majorA, modeA, 1024);
    SharedDescriptor b = layout(majorB, modeB, startB);
    descA = encodeSharedDescriptor(a);
    descB = encodeSharedDescriptor(b);
    matrixA.resize(64 * k);
    matrixB.resize(op.n * k);
    for (uint32_t row = 0; row < 64; ++row)
      for (uint32_t i = 0; i < k; ++i) {
        uint32_t bits = encode(op.a, range(random));
        matrixA[row * k + i] = bits;
        std::memcpy(&shared[a.addressOf(majorA, bytes, row, i)], &bits, bytes);
      }
    for (uint32_t column = 0; column < op.n; ++column)
      for (uint32_t i = 0; i < k; ++i) {
        uint32_t bits = encode(op.b, range(random));
        matrixB[column * k + i] = bits;
        std::memcpy(&shared[b.addressOf(majorB, bytes, column, i)], &bits,
                    bytes);
      }
    for (uint32_t t = 0; t < 128; ++t)
      for (uint32_t v = 0; v < wgmmaARegisters * 4 / bytes; ++v) {
        auto [row, i] = fragmentPlace(bytes, t, v);
        fragment.at(t, v * bytes / 4) |= matrixA[row * k + i]
                                         << (v * bytes % 4 * 8);
      }
    for (uint32_t &bits : d.values) {
      float value = range(random);
      bits = op.d == WgmmaAccumulator::F32   ? std::bit_cast<uint32_t>(value)
             : op.d == WgmmaAccumulator::S32 ? uint32_t(random())
                                             : floatToF16(value) * 0x10001u;
    }
    before = d.values;
  }

  Checked<void> runShared() {
    return wgmma(op, shared.data(), sharedBytes, descA, descB, d.view);
  }
  Checked<void> runRegisters() {
    return wgmma(op, shared.data(), sharedBytes, fragment.view, descB, d.view);
  }

  /// Compares D with the definition, bit for bit.
  void check() {
    uint32_t k = op.k();
    Registers old(d.count);
    old.values = before;
    for (uint32_t t = 0; t < 128; ++t)
      for (uint32_t v = 0; v < op.n / 2; ++v) {
        auto [row, column] = accumulatorPlace(t, v);
        const uint32_t *a = &matrixA[row * k], *b = &matrixB[column * k];
        bool half = op.d == WgmmaAccumulator::F16;
        uint32_t r = half ? v / 2 : v;
        uint32_t found = d.at(t, r), start = old.at(t, r);
        if (half) {
          found = found >> (v % 2 * 16) & 0xffff;
          start = start >> (v % 2 * 16) & 0xffff;
        }
        ASSERT_EQ(found, expected(a, b, start))
            << "thread " << t << " element " << v << " row " << row
            << " column " << column;
      }
  }

  WgmmaOp op;
  std::vector<std::byte> shared;
  Registers fragment, d;
  uint64_t descA, descB;

private:
  uint32_t expected(const uint32_t *a, const uint32_t *b, uint32_t start) {
    if (isInteger(op)) {
      int64_t sum = op.scaleD ? int32_t(start) : 0;
      for (uint32_t i = 0; i < op.k(); ++i)
        sum += int64_t(decode(op.a, a[i]) * decode(op.b, b[i]));
      if (op.saturate)
        sum = std::clamp<int64_t>(sum, INT32_MIN, INT32_MAX);
      return uint32_t(sum);
    }
    bool half = op.d == WgmmaAccumulator::F16;
    float sum = !op.scaleD ? 0.0f
                : half     ? f16ToFloat(uint16_t(start))
                           : std::bit_cast<float>(start);
    float sign = float(op.scaleA * op.scaleB);
    for (uint32_t i = 0; i < op.k(); ++i)
      sum = std::fma(sign * float(decode(op.a, a[i])),
                     float(decode(op.b, b[i])), sum);
    return half ? floatToF16(sum) : std::bit_cast<uint32_t>(sum);
  }

  std::vector<uint32_t> matrixA, matrixB, before;
};

constexpr uint32_t allN[] = {8, 24, 64, 192, 256};

struct Types {
  WgmmaInput a, b;
  WgmmaAccumulator d;
};

constexpr Types allTypes[] = {
    {WgmmaInput::F16, WgmmaInput::F16, WgmmaAccumulator::F32},
    {WgmmaInput::F16, WgmmaInput::F16, WgmmaAccumulator::F16},
    {WgmmaInput::BF16, WgmmaInput::BF16, WgmmaAccumulator::F32},
    {WgmmaInput::TF32, WgmmaInput::TF32, WgmmaAccumulator::F32},
    {WgmmaInput::E4M3, WgmmaInput::E4M3, WgmmaAccumulator::F32},
    {WgmmaInput::E4M3, WgmmaInput::E5M2, WgmmaAccumulator::F16},
    {WgmmaInput::E5M2, WgmmaInput::E4M3, WgmmaAccumulator::F32},
    {WgmmaInput::S8, WgmmaInput::S8, WgmmaAccumulator::S32},
    {WgmmaInput::U8, WgmmaInput::S8, WgmmaAccumulator::S32},
    {WgmmaInput::U8, WgmmaInput::U8, WgmmaAccumulator::S32},
};

TEST(Wgmma, EveryTypeAndWidth) {
  for (const Types &types : allTypes)
    for (uint32_t n : allN)
      for (bool scaleD : {true, false}) {
        SCOPED_TRACE(testing::Message()
                     << "a " << int(types.a) << " b " << int(types.b) << " d "
                     << int(types.d) << " n " << n);
        WgmmaOp op = {
            .n = n, .a = types.a, .b = types.b, .d = types.d, .scaleD = scaleD};
        WgmmaRun fromShared(op);
        ASSERT_TRUE(fromShared.runShared().has_value());
        ASSERT_NO_FATAL_FAILURE(fromShared.check());
        WgmmaRun fromRegisters(op);
        ASSERT_TRUE(fromRegisters.runRegisters().has_value());
        ASSERT_NO_FATAL_FAILURE(fromRegisters.check());
      }
}

TEST(Wgmma, EveryTransposition) {
  for (WgmmaInput type : {WgmmaInput::F16, WgmmaInput::BF16})
    for (uint32_t n : allN)
      for (int trans = 0; trans < 4; ++trans) {
        WgmmaRun run({.n = n,
                      .a = type,
                      .b = type,
                      .transA = (trans & 1) != 0,
                      .transB = (trans & 2) != 0});
        ASSERT_TRUE(run.runShared().has_value());
        ASSERT_NO_FATAL_FAILURE(run.check()) << "trans " << trans << " n " << n;
      }
}

TEST(Wgmma, EverySwizzle) {
  constexpr Swizzle modes[] = {Swizzle::None, Swizzle::B32, Swizzle::B64,
                               Swizzle::B128};
  for (Swizzle a : modes)
    for (Swizzle b : modes)
      for (bool trans : {false, true}) {
        WgmmaRun run({.n = 128, .transA = trans, .transB = trans}, a, b);
        ASSERT_TRUE(run.runShared().has_value());
        ASSERT_NO_FATAL_FAILURE(run.check())
            << "swizzles " << int(a) << " and " << int(b);
      }
}

TEST(Wgmma, NegatedOperands) {
  for (int a : {1, -1})
    for (int b : {1, -1}) {
      WgmmaRun run({.n = 64, .scaleA = a, .scaleB = b});
      ASSERT_TRUE(run.runShared().has_value());
      ASSERT_NO_FATAL_FAILURE(run.check());
    }
}

TEST(Wgmma, ReadsSpecialValues) {
  // Row 0 of A is one special value, and column 0 of B is one.
  struct Case {
    WgmmaInput type;
    uint32_t bits, one;
    double value;
  };
  for (const Case &c : {Case{WgmmaInput::F16, 0x0001, 0x3c00, 0x1p-24},
                        Case{WgmmaInput::F16, 0x7c00, 0x3c00, INFINITY},
                        Case{WgmmaInput::F16, 0xfc00, 0x3c00, -INFINITY},
                        Case{WgmmaInput::F16, 0x7e00, 0x3c00, NAN},
                        Case{WgmmaInput::E5M2, 0x01, 0x3c, 0x1p-16},
                        Case{WgmmaInput::E5M2, 0xfc, 0x3c, -INFINITY},
                        Case{WgmmaInput::E4M3, 0x01, 0x38, 0x1p-9},
                        Case{WgmmaInput::E4M3, 0x7e, 0x38, 448},
                        Case{WgmmaInput::E4M3, 0xff, 0x38, NAN}}) {
    WgmmaOp op = {.n = 8, .a = c.type, .b = c.type, .scaleD = false};
    WgmmaRun run(op);
    std::fill(run.shared.begin(), run.shared.end(), std::byte(0));
    Checked<SharedDescriptor> a = decodeSharedDescriptor(run.descA);
    Checked<SharedDescriptor> b = decodeSharedDescriptor(run.descB);
    uint32_t bytes = op.elementBytes();
    std::memcpy(&run.shared[a->addressOf(Major::K, bytes, 0, 3)], &c.bits,
                bytes);
    std::memcpy(&run.shared[b->addressOf(Major::K, bytes, 0, 3)], &c.one,
                bytes);
    ASSERT_TRUE(run.runShared().has_value());
    float found = std::bit_cast<float>(run.d.at(0, 0));
    if (std::isnan(c.value))
      EXPECT_TRUE(std::isnan(found));
    else
      EXPECT_EQ(found, float(c.value));
  }
}

TEST(Wgmma, IntegerSaturation) {
  for (bool saturate : {false, true}) {
    WgmmaRun run({.n = 8,
                  .a = WgmmaInput::S8,
                  .b = WgmmaInput::U8,
                  .d = WgmmaAccumulator::S32,
                  .saturate = saturate});
    std::fill(run.shared.begin(), run.shared.end(), std::byte(0x7f));
    std::fill(run.d.values.begin(), run.d.values.end(), 0x7fffff00u);
    ASSERT_TRUE(run.runShared().has_value());
    uint32_t product = 32 * 127 * 127;
    EXPECT_EQ(run.d.at(5, 1), saturate ? 0x7fffffffu : 0x7fffff00u + product);
  }
}

TEST(Wgmma, ExtentSpansTheTile) {
  WgmmaOp op = {.n = 64};
  SharedDescriptor tile = layout(Major::K, Swizzle::B128, 2048);
  uint64_t bits = encodeSharedDescriptor(tile);
  Checked<SharedExtent> extent = wgmmaExtentB(op, bits);
  ASSERT_TRUE(extent.has_value());
  EXPECT_EQ(extent->begin, 2048u);
  EXPECT_LE(extent->end, 2048u + 64 * 128);
  EXPECT_GT(extent->end, 2048u + 63 * 128);
}

std::string message(const Checked<void> &result) {
  return result ? "no error" : result.error().message;
}

TEST(Wgmma, NamesTheOperandThatLeavesSharedMemory) {
  WgmmaRun run({.n = 64});
  run.descB = encodeSharedDescriptor(
      layout(Major::K, Swizzle::B128, sharedBytes - 1024));
  std::vector<uint32_t> before = run.d.values;
  std::string text = message(run.runShared());
  EXPECT_NE(
      text.find("operand B: its 64x16 bf16 tile at shared offset 0x1fc00"),
      std::string::npos)
      << text;
  EXPECT_NE(text.find("past the end of the 131072-byte"), std::string::npos)
      << text;
  EXPECT_EQ(run.d.values, before);
  run.descA = run.descB;
  EXPECT_NE(message(run.runShared()).find("operand A"), std::string::npos);
  run.descA |= uint64_t(1) << 49;
  EXPECT_NE(message(run.runShared()).find("operand A: matrix descriptor"),
            std::string::npos);
}

TEST(Wgmma, ATileMayEndWhereTheWindowEnds) {
  for (Swizzle mode :
       {Swizzle::None, Swizzle::B32, Swizzle::B64, Swizzle::B128})
    for (bool trans : {false, true})
      for (uint32_t n : {8u, 72u, 256u}) {
        WgmmaRun run({.n = n, .transB = trans}, Swizzle::B128, mode);
        Checked<SharedDescriptor> b = decodeSharedDescriptor(run.descB);
        uint32_t end = 0;
        for (uint32_t mn = 0; mn < n; ++mn)
          for (uint32_t k = 0; k < 16; ++k)
            end = std::max(
                end, 2 + b->addressOf(trans ? Major::MN : Major::K, 2, mn, k));
        Checked<SharedExtent> extent = wgmmaExtentB(run.op, run.descB);
        ASSERT_TRUE(extent.has_value());
        EXPECT_EQ(extent->end, end);
        EXPECT_EQ(message(wgmma(run.op, run.shared.data(), end, run.descA,
                                run.descB, run.d.view)),
                  "no error");
        std::string text = message(wgmma(run.op, run.shared.data(), end - 16,
                                         run.descA, run.descB, run.d.view));
        EXPECT_NE(text.find("reaches 16 bytes past"), std::string::npos)
            << text;
      }
}

TEST(Wgmma, RefusesWhatHasNoInstruction) {
  auto refusal = [](const WgmmaOp &op, bool registers = false) {
    return message(verifyWgmma(op, registers));
  };
  using enum WgmmaInput;
  EXPECT_EQ(refusal({.n = 64}), "no error");
  EXPECT_NE(refusal({.n = 12}).find("found 12"), std::string::npos);
  EXPECT_NE(refusal({.n = 264}).find("found 264"), std::string::npos);
  EXPECT_NE(refusal({.n = 0}).find("found 0"), std::string::npos);
  EXPECT_NE(refusal({.n = 40, .a = S8, .b = S8, .d = WgmmaAccumulator::S32})
                .find("the nearest are 32 and 48"),
            std::string::npos);
  EXPECT_NE(refusal({.n = 8, .a = F16, .b = BF16}).find("found f16 and bf16"),
            std::string::npos);
  EXPECT_NE(refusal({.n = 8, .d = WgmmaAccumulator::F16}).find("found f16"),
            std::string::npos);
  EXPECT_NE(refusal({.n = 8, .a = U8, .b = U8}).find("type s32"),
            std::string::npos);
  EXPECT_NE(refusal({.n = 8, .a = TF32, .b = TF32, .transB = true})
                .find("MN-major B of type tf32"),
            std::string::npos);
  EXPECT_NE(refusal({.n = 8, .transA = true}, true).find("in registers"),
            std::string::npos);
  EXPECT_NE(refusal({.n = 8, .scaleA = 2}).find("found 2"), std::string::npos);
  EXPECT_NE(refusal({.n = 8, .saturate = true}).find("satfinite"),
            std::string::npos);
}

} // namespace
