//===- MmaTest.cpp - Matrix multiply of one warp --------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Small integers, which every format holds exactly, are placed into registers
/// as the tables of the PTX ISA say, shape by shape, and multiplied here.
///
//===----------------------------------------------------------------------===//

#include "TestDevice.h"
#include "units/Numerics.h"

#include <fmt/format.h>
#include <functional>

using namespace heddle;
using namespace heddle::test;

namespace {

using Place = std::function<std::pair<int, int>(int lane, int i)>;

/// Where element i of lane g * 4 + t is, from the ISA.
Place rows16(int first, int perHalf, int step) {
  // `first` elements of row g, as many of row g + 8, then the next columns.
  return [=](int lane, int i) {
    int g = lane / 4, t = lane % 4;
    int row = i / first % 2 ? g + 8 : g;
    return std::pair(row, perHalf * t + i % first + step * (i / (2 * first)));
  };
}
Place columnB(int first, int step) {
  return [=](int lane, int i) {
    return std::pair(first * (lane % 4) + i % first + step * (i / first),
                     lane / 4);
  };
}

struct Case {
  std::string mnemonic;
  int m, k, bits;
  Place a, b;
  /// The bits of a small integer, for A, B and the accumulators.
  std::function<uint64_t(int)> encode, encodeAccumulator;
  int accumulatorBits = 32;
  int low = -3, high = 3;
};

uint64_t f32(int x) { return std::bit_cast<uint32_t>(float(x)); }
uint64_t f16(int x) { return vgpu::floatToF16(float(x)); }
uint64_t plain(int x) { return uint32_t(x); }

/// Runs `test.mnemonic` and compares with what `multiply` gives for one term.
void check(
    const Case &test,
    const std::function<int(int, int)> &multiply = [](int a,
                                                      int b) { return a * b; },
    const std::function<int(int64_t)> &finish =
        [](int64_t x) { return int(x); },
    int bias = 0) {
  SCOPED_TRACE(test.mnemonic);
  int m = test.m, n = 8, k = test.k;
  uint32_t seed = 1;
  auto next = [&] {
    seed = seed * 1664525 + 1013904223;
    return test.low + int((seed >> 16) % uint32_t(test.high - test.low + 1));
  };
  std::vector<std::vector<int>> a(m, std::vector<int>(k)),
      b(k, std::vector<int>(n)), c(m, std::vector<int>(n));
  for (auto *matrix : {&a, &b, &c})
    for (auto &row : *matrix)
      for (int &x : row)
        x = next();
  for (auto &row : c)
    for (int &x : row)
      x += bias;
  Place accumulator = [&](int lane, int i) {
    return std::pair(lane / 4 + 8 * (i / 2), 2 * (lane % 4) + i % 2);
  };
  auto pack = [](int count, int bits, const std::vector<std::vector<int>> &from,
                 const Place &place, const auto &encode) {
    // 64-bit words, one per register, lane by lane.
    int perRegister = bits == 64 ? 1 : 32 / bits;
    int registers = count / 32 / perRegister;
    std::vector<uint64_t> words(32 * registers);
    for (int lane = 0; lane < 32; ++lane)
      for (int i = 0; i < count / 32; ++i) {
        auto [row, column] = place(lane, i);
        uint64_t raw = encode(from[row][column]);
        if (bits < 64)
          raw &= (uint64_t(1) << bits) - 1;
        words[lane * registers + i / perRegister] |=
            raw << (i % perRegister * bits);
      }
    return words;
  };
  auto as = pack(m * k, test.bits, a, test.a, test.encode);
  auto bs = pack(k * n, test.bits, b, test.b, test.encode);
  auto cs =
      pack(m * n, test.accumulatorBits, c, accumulator, test.encodeAccumulator);
  std::string text = preamble() +
                     ".visible .entry k(.param .u64 a, .param .u64 b, "
                     ".param .u64 c)\n{\n.reg .b64 %rd<8>;\n.reg .b32 %t;\n"
                     "mov.u32 %t, %tid.x;\n";
  auto list = [](char name, size_t count) {
    std::string text = "{";
    for (size_t i = 0; i < count; ++i)
      text += fmt::format("{}%{}{}", i ? ", " : "", name, i);
    return text + "}";
  };
  std::string vectors;
  for (auto [name, words, width] :
       {std::tuple{'a', &as, test.bits}, std::tuple{'b', &bs, test.bits},
        std::tuple{'c', &cs, test.accumulatorBits}}) {
    size_t count = words->size() / 32;
    const char *type = width == 64 ? "b64" : "b32";
    text += fmt::format(".reg .{} %{}<{}>;\nld.param.u64 %rd0, [{}];\n"
                        "mad.wide.u32 %rd1, %t, {}, %rd0;\n",
                        type, name, count, name, 8 * count);
    for (size_t i = 0; i < count; ++i)
      text +=
          fmt::format("ld.global.{} %{}{}, [%rd1+{}];\n", type, name, i, 8 * i);
    vectors += (vectors.empty() ? "" : ", ") + list(name, count);
  }
  size_t results = cs.size() / 32;
  text +=
      fmt::format("{} {}, {};\n", test.mnemonic, list('c', results), vectors);
  for (size_t i = 0; i < results; ++i)
    text += fmt::format("st.global.{} [%rd1+{}], %c{};\n",
                        test.accumulatorBits == 64 ? "b64" : "b32", 8 * i, i);
  text += "ret;\n}\n";

  TestDevice device;
  auto aAt = device.upload(as), bAt = device.upload(bs),
       cAt = device.upload(cs);
  LaunchConfig config;
  config.block.x = 32;
  ASSERT_EQ(device.run(text, "k", config, {aAt, bAt, cAt}), "");
  std::vector<std::vector<int>> want(m, std::vector<int>(n));
  for (int i = 0; i < m; ++i)
    for (int j = 0; j < n; ++j) {
      int64_t sum = c[i][j];
      for (int l = 0; l < k; ++l)
        sum += multiply(a[i][l], b[l][j]);
      want[i][j] = finish(sum);
    }
  EXPECT_EQ(device.download<uint64_t>(cAt, cs.size()),
            pack(m * n, test.accumulatorBits, want, accumulator,
                 test.encodeAccumulator));
}

TEST(Mma, SixteenBits) {
  auto bf16 = [](int x) { return uint64_t(vgpu::floatToBf16(float(x))); };
  check({"mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32", 16, 16, 16,
         rows16(2, 2, 8), columnB(2, 8), f16, f32});
  check({"mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32", 16, 8, 16,
         rows16(2, 2, 8), columnB(2, 8), f16, f32});
  check({"mma.sync.aligned.m16n8k16.row.col.f16.f16.f16.f16", 16, 16, 16,
         rows16(2, 2, 8), columnB(2, 8), f16, f16, 16});
  check({"mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32", 16, 16, 16,
         rows16(2, 2, 8), columnB(2, 8), bf16, f32});
  check({"mma.sync.aligned.m16n8k8.row.col.f32.bf16.bf16.f32", 16, 8, 16,
         rows16(2, 2, 8), columnB(2, 8), bf16, f32});
}

TEST(Mma, OtherFloats) {
  auto e4m3 = [](int x) { return uint64_t(vgpu::floatToE4m3(float(x))); };
  auto e5m2 = [](int x) { return uint64_t(vgpu::floatToE5m2(float(x))); };
  auto f64 = [](int x) { return std::bit_cast<uint64_t>(double(x)); };
  check({"mma.sync.aligned.m16n8k4.row.col.f32.tf32.tf32.f32", 16, 4, 32,
         rows16(1, 1, 4), columnB(1, 4), f32, f32});
  check({"mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32", 16, 8, 32,
         rows16(1, 1, 4), columnB(1, 4), f32, f32});
  check({"mma.sync.aligned.m16n8k32.row.col.f32.e4m3.e4m3.f32", 16, 32, 8,
         rows16(4, 4, 16), columnB(4, 16), e4m3, f32});
  check({"mma.sync.aligned.m16n8k32.row.col.f32.e5m2.e5m2.f32", 16, 32, 8,
         rows16(4, 4, 16), columnB(4, 16), e5m2, f32});
  check({"mma.sync.aligned.m8n8k4.row.col.f64.f64.f64.f64", 8, 4, 64,
         [](int lane, int) { return std::pair(lane / 4, lane % 4); },
         columnB(1, 4), f64, f64, 64});
  check({"mma.sync.aligned.m16n8k16.row.col.f64.f64.f64.f64", 16, 16, 64,
         rows16(1, 1, 4), columnB(1, 4), f64, f64, 64});
}

TEST(Mma, Integers) {
  Place row8x4 = [](int lane, int i) {
    return std::pair(lane / 4, 4 * (lane % 4) + i);
  };
  check({"mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32", 16, 32, 8,
         rows16(4, 4, 16), columnB(4, 16), plain, plain, 32, -128, 127});
  check({"mma.sync.aligned.m16n8k16.row.col.s32.u8.u8.s32", 16, 16, 8,
         rows16(4, 4, 16), columnB(4, 16), plain, plain, 32, 0, 255});
  check({"mma.sync.aligned.m8n8k16.row.col.s32.s8.s8.s32", 8, 16, 8, row8x4,
         columnB(4, 16), plain, plain, 32, -128, 127});
  check({"mma.sync.aligned.m16n8k64.row.col.s32.s4.s4.s32", 16, 64, 4,
         rows16(8, 8, 32), columnB(8, 32), plain, plain, 32, -8, 7});
  check({"mma.sync.aligned.m16n8k256.row.col.s32.b1.b1.s32.xor.popc", 16, 256,
         1, rows16(32, 32, 128), columnB(32, 128), plain, plain, 32, 0, 1},
        [](int a, int b) { return a ^ b; });
  check({"mma.sync.aligned.m16n8k128.row.col.s32.b1.b1.s32.and.popc", 16, 128,
         1, rows16(32, 32, 128), columnB(32, 128), plain, plain, 32, 0, 1},
        [](int a, int b) { return a & b; });
}

TEST(Mma, SaturatesOrWraps) {
  Case test{"mma.sync.aligned.m16n8k32.row.col.satfinite.s32.s8.s8.s32",
            16,
            32,
            8,
            rows16(4, 4, 16),
            columnB(4, 16),
            plain,
            plain,
            32,
            -128,
            127};
  auto multiply = [](int a, int b) { return a * b; };
  int bias = INT32_MAX - 127;
  check(
      test, multiply,
      [](int64_t x) { return int(std::min<int64_t>(x, INT32_MAX)); }, bias);
  test.mnemonic = "mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32";
  check(test, multiply, [](int64_t x) { return int(uint32_t(x)); }, bias);
}

TEST(Mma, Movmatrix) {
  // Element (r, c) is 8 r + c; lane l has row l / 4, columns 2 (l % 4), + 1.
  auto result = runBody(
      "shl.b32 %r1, %r31, 1; add.u32 %r2, %r1, 1; shl.b32 %r2, %r2, 16; "
      "or.b32 %r1, %r1, %r2; movmatrix.sync.aligned.m8n8.trans.b16 %r0, %r1; "
      "cvt.u64.u32 %rd0, %r0; st.global.u64 [%mine], %rd0;");
  for (uint64_t l = 0; l < 32; ++l) {
    uint64_t row = l / 4, column = 2 * (l % 4);
    EXPECT_EQ(result[l], (8 * column + row) | (8 * (column + 1) + row) << 16);
  }
}

} // namespace
