//===- WmmaTest.cpp - Matrix multiply by fragments ------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Small integers, which every format holds exactly, go through wmma.load,
/// wmma.mma and wmma.store for every shape, type and order of rows, in shared
/// and in global memory.
///
//===----------------------------------------------------------------------===//

#include "TestDevice.h"
#include "units/Numerics.h"

#include <fmt/format.h>
#include <functional>

using namespace heddle;
using namespace heddle::test;

namespace {

using Encode = std::function<uint64_t(int)>;

uint64_t f16(int x) { return vgpu::floatToF16(float(x)); }
uint64_t bf16(int x) { return vgpu::floatToBf16(float(x)); }
uint64_t f32(int x) { return std::bit_cast<uint32_t>(float(x)); }
uint64_t f64(int x) { return std::bit_cast<uint64_t>(double(x)); }
uint64_t plain(int x) { return uint32_t(x); }

/// The type of an operand.
struct Kind {
  std::string name;
  int bits, registers;
  Encode encode;
};

struct Case {
  int m, n, k;
  Kind a, b, c, d;
  /// The part of wmma.mma after the shape.
  std::string types;
  int low = -3, high = 3;
  std::string operation;
  std::function<int(int, int)> multiply = [](int a, int b) { return a * b; };
};

struct Layout {
  bool aRows, bRows, cRows, dRows;
  /// Elements between rows beyond what they hold.
  int padding;
  bool shared;
};

using Matrix = std::vector<std::vector<int>>;

/// A matrix as it lies in memory; other bytes are 0xee.
std::vector<uint8_t> pack(const Matrix &matrix, const Kind &kind, bool rows,
                          int padding) {
  int height = int(matrix.size()), width = int(matrix[0].size());
  int pitch = (rows ? width : height) + padding;
  int bytes = pitch * (rows ? height : width) * kind.bits / 8;
  std::vector<uint8_t> out(bytes, 0xee);
  for (int i = 0; i < height; ++i)
    for (int j = 0; j < width; ++j) {
      int bit = (rows ? i * pitch + j : j * pitch + i) * kind.bits;
      uint64_t value = kind.encode(matrix[i][j]);
      if (kind.bits >= 8) {
        std::memcpy(out.data() + bit / 8, &value, kind.bits / 8);
        continue;
      }
      int mask = ((1 << kind.bits) - 1) << bit % 8;
      out[bit / 8] =
          uint8_t((out[bit / 8] & ~mask) | (int(value) << bit % 8 & mask));
    }
  return out;
}

std::string registers(const std::string &name, int count) {
  std::string text = "{";
  for (int i = 0; i < count; ++i)
    text += fmt::format("{}%{}{}", i ? ", " : "", name, i);
  return text + "}";
}

std::string rowsOrColumns(bool rows) { return rows ? "row" : "col"; }

/// A kernel of parameters a, b, c and d, in %a, %b, %c and %d, with registers
/// %a0..7 and so on of 32 bits, %wa0..1 of 64.
std::string kernelOf(const std::string &body) {
  std::string text = preamble() +
                     ".visible .entry k(.param .u64 a, .param .u64 b, "
                     ".param .u64 c, .param .u64 d)\n{\n.reg .b64 %a, %b, %c, "
                     "%d, %x<4>;\n.reg .b32 %t, %r<4>;\n.reg .pred %p<4>;\n"
                     "mov.u32 %t, %tid.x;\n";
  for (const char *name : {"a", "b", "c", "d"})
    text += fmt::format(".reg .b32 %{0}<8>;\n.reg .b64 %w{0}<2>;\n"
                        "ld.param.u64 %{0}, [{0}];\n",
                        name);
  return text + body + "ret;\n}\n";
}

/// Copies `bytes` bytes, of shared memory if its name is a variable's.
std::string copy(const std::string &to, const std::string &from, size_t bytes) {
  std::string text;
  for (size_t at = 0; at < bytes; at += 32)
    text +=
        fmt::format("setp.lt.u32 %p0, %t, {3};\ncvt.u64.u32 %x0, %t;\n"
                    "add.u64 %x1, %x0, {0};\nadd.u64 %x2, %x0, {1};\n"
                    "@%p0 ld.u8 %r0, [%x2+{2}];\n@%p0 st.u8 [%x1+{2}], %r0;\n",
                    to, from, at, bytes - at);
  return text;
}

void check(const Case &test, const Layout &layout) {
  std::string shape = fmt::format("m{}n{}k{}", test.m, test.n, test.k);
  SCOPED_TRACE(fmt::format("{} {} {} {} {} {} {} {}", shape, test.types,
                           layout.aRows, layout.bRows, layout.cRows,
                           layout.dRows, layout.padding, layout.shared));
  uint32_t seed = 1;
  auto fill = [&](int rows, int columns) {
    Matrix result(rows, std::vector<int>(columns));
    for (auto &row : result)
      for (int &x : row) {
        seed = seed * 1664525 + 1013904223;
        x = test.low + int((seed >> 16) % uint32_t(test.high - test.low + 1));
      }
    return result;
  };
  Matrix a = fill(test.m, test.k), b = fill(test.k, test.n),
         c = fill(test.m, test.n), d = c;
  for (int i = 0; i < test.m; ++i)
    for (int j = 0; j < test.n; ++j)
      for (int l = 0; l < test.k; ++l)
        d[i][j] += test.multiply(a[i][l], b[l][j]);

  struct Memory {
    std::string name;
    const Kind *kind;
    bool rows;
    int pitch;
    std::vector<uint8_t> bytes;
    DeviceAddress at = 0;
  };
  auto memoryOf = [&](const char *name, const Kind &kind, const Matrix &from,
                      bool rows) {
    int pitch = int(rows ? from[0].size() : from.size()) + layout.padding;
    return Memory{name, &kind, rows, pitch,
                  pack(from, kind, rows, layout.padding)};
  };
  std::vector<Memory> all = {memoryOf("a", test.a, a, layout.aRows),
                             memoryOf("b", test.b, b, layout.bRows),
                             memoryOf("c", test.c, c, layout.cRows),
                             memoryOf("d", test.d, d, layout.dRows)};
  std::string variables, loads, end;
  TestDevice device({.sanitize = SanitizeLevel::Full});
  for (Memory &each : all) {
    bool isResult = each.name == "d";
    std::vector<uint8_t> start = each.bytes;
    if (isResult)
      std::fill(start.begin(), start.end(), 0xee);
    each.at = device.upload(start);
    std::string place = "%" + each.name, space = "global";
    if (layout.shared) {
      variables += fmt::format(".shared .align 16 .b8 s{}[{}];\n", each.name,
                               start.size());
      std::string generic = "%x3";
      std::string get =
          fmt::format("mov.u64 {0}, s{1};\ncvta.shared.u64 {0}, {0};\n",
                      generic, each.name);
      loads += get + copy(generic, place, start.size()) + "bar.sync 0;\n";
      if (isResult)
        end = "bar.sync 0;\n" + get + copy(place, generic, start.size());
      place = "s" + each.name;
      space = "shared";
    }
    std::string fragment = registers(
        (each.kind->bits == 64 ? "w" : "") + each.name, each.kind->registers);
    if (isResult)
      end = fmt::format("wmma.store.d.sync.aligned.{}.{}.{}.{} [{}], {}, {};\n",
                        rowsOrColumns(each.rows), shape, space, each.kind->name,
                        place, fragment, each.pitch) +
            end;
    else
      loads += fmt::format(
          "wmma.load.{}.sync.aligned.{}.{}.{}.{} {}, [{}]{};\n", each.name,
          rowsOrColumns(each.rows), shape, space, each.kind->name, fragment,
          place, layout.padding ? fmt::format(", {}", each.pitch) : "");
  }
  auto operand = [&](const Memory &each) {
    return registers((each.kind->bits == 64 ? "w" : "") + each.name,
                     each.kind->registers);
  };
  std::string multiply = fmt::format(
      "wmma.mma.{}sync.aligned.{}.{}.{}.{} {}, {}, {}, {};\n", test.operation,
      rowsOrColumns(layout.aRows), rowsOrColumns(layout.bRows), shape,
      test.types, operand(all[3]), operand(all[0]), operand(all[1]),
      operand(all[2]));
  LaunchConfig config;
  config.block.x = 32;
  ASSERT_EQ(device.run(kernelOf(variables + loads + multiply + end), "k",
                       config, {all[0].at, all[1].at, all[2].at, all[3].at}),
            "");
  EXPECT_EQ(device.download<uint8_t>(all[3].at, all[3].bytes.size()),
            all[3].bytes);
}

/// In all orders of rows, with and without space between them.
void checkAll(const Case &test) {
  for (int bits = 0; bits < 16; ++bits) {
    // Rows of 16 bytes more than they hold.
    int padding = bits % 3 == 0 ? 0 : 16;
    check(test, {bool(bits & 1), bool(bits & 2), bool(bits & 4), bool(bits & 8),
                 padding, bits % 2 == 1});
  }
}

Kind halves(int registers) { return {"f16", 16, registers, f16}; }

TEST(Wmma, Halves) {
  Kind narrow = halves(4), wide{"f32", 32, 8, f32};
  for (auto [m, n] : {std::pair{16, 16}, std::pair{32, 8}, std::pair{8, 32}})
    for (auto [c, d] : {std::pair{wide, wide}, std::pair{narrow, narrow},
                        std::pair{narrow, wide}, std::pair{wide, narrow}})
      checkAll({m, n, 16, halves(8), halves(8), c, d, d.name + "." + c.name});
}

TEST(Wmma, OtherFloats) {
  Kind wide{"f32", 32, 8, f32};
  auto ofBf16 = [](int registers) { return Kind{"bf16", 16, registers, bf16}; };
  const std::string types = "f32.bf16.bf16.f32";
  checkAll({16, 16, 16, ofBf16(4), ofBf16(4), wide, wide, types});
  checkAll({32, 8, 16, ofBf16(8), ofBf16(2), wide, wide, types});
  checkAll({8, 32, 16, ofBf16(2), ofBf16(8), wide, wide, types});
  Kind tf32{"tf32", 32, 4, f32};
  checkAll({16, 16, 8, tf32, tf32, wide, wide, "f32.tf32.tf32.f32"});
  Kind one{"f64", 64, 1, f64}, two{"f64", 64, 2, f64};
  checkAll({8, 8, 4, one, one, two, two, "f64.f64.f64.f64"});
  checkAll({8, 8, 4, one, one, two, two, "rn.f64.f64.f64.f64"});
}

TEST(Wmma, Integers) {
  Kind wide{"s32", 32, 8, plain};
  for (auto [name, low, high] :
       {std::tuple{"s8", -128, 127}, std::tuple{"u8", 0, 255}}) {
    auto of = [&, name = name](int registers) {
      return Kind{name, 8, registers, plain};
    };
    std::string types = fmt::format("s32.{0}.{0}.s32", name);
    checkAll({16, 16, 16, of(2), of(2), wide, wide, types, low, high});
    checkAll({32, 8, 16, of(4), of(1), wide, wide, types, low, high});
    checkAll(
        {8, 32, 16, of(1), of(4), wide, wide, types + ".satfinite", low, high});
  }
}

TEST(Wmma, LessThanAByte) {
  Kind two{"s32", 32, 2, plain};
  for (bool cRows : {false, true}) {
    auto layout = [&](int padding) {
      return Layout{true, false, cRows, !cRows, padding, cRows};
    };
    for (auto [name, low, high] :
         {std::tuple{"s4", -8, 7}, std::tuple{"u4", 0, 15}}) {
      Kind one{name, 4, 1, plain};
      Case test{8,   8,   32,  one,
                one, two, two, fmt::format("s32.{0}.{0}.s32", name),
                low, high};
      check(test, layout(0));
      check(test, layout(32));
    }
    Kind bit{"b1", 1, 1, plain};
    Case test{8,   8,   128,         bit,
              bit, two, two,         "s32.b1.b1.s32",
              0,   1,   "xor.popc.", [](int a, int b) { return a ^ b; }};
    check(test, layout(0));
    test.operation = "and.popc.";
    test.multiply = [](int a, int b) { return a & b; };
    check(test, layout(128));
  }
}

/// What PTX leaves open is here as machine code for sm_80 has it.
TEST(Wmma, FragmentsAreThoseOfMma) {
  TestDevice device;
  std::vector<float> c(256);
  for (size_t i = 0; i < c.size(); ++i)
    c[i] = float(i);
  DeviceAddress from = device.upload(c),
                to = device.upload(std::vector<float>(256));
  std::string body = "wmma.load.c.sync.aligned.row.m16n16k16.global.f32 " +
                     registers("c", 8) +
                     ", [%c];\nmul.wide.u32 %x0, %t, 32;\n"
                     "add.u64 %x0, %x0, %d;\n";
  for (int i = 0; i < 8; ++i)
    body += fmt::format("st.global.b32 [%x0+{}], %c{};\n", 4 * i, i);
  LaunchConfig config;
  config.block.x = 32;
  ASSERT_EQ(device.run(kernelOf(body), "k", config, {from, from, from, to}),
            "");
  auto found = device.download<float>(to, 256);
  for (int l = 0; l < 32; ++l)
    for (int i = 0; i < 8; ++i)
      EXPECT_EQ(found[l * 8 + i], float(16 * (l / 4 + 8 * (i / 2 % 2)) +
                                        2 * (l % 4) + i % 2 + 8 * (i / 4)));
}

/// D may be any registers of the other operands.
TEST(Wmma, ResultsMayReplaceOperands) {
  TestDevice device;
  std::vector<uint16_t> ones(256, uint16_t(f16(1)));
  std::vector<float> c(256);
  for (size_t i = 0; i < c.size(); ++i)
    c[i] = float(i);
  DeviceAddress ab = device.upload(ones), from = device.upload(c),
                to = device.upload(std::vector<float>(512));
  const std::string mixed = "{%c4, %c5, %c6, %c7, %c0, %c1, %c2, %c3}";
  std::string body =
      "wmma.load.a.sync.aligned.row.m16n16k16.global.f16 " + registers("a", 8) +
      ", [%a];\n" + "wmma.load.b.sync.aligned.col.m16n16k16.global.f16 " +
      registers("b", 8) + ", [%b];\n" +
      "wmma.load.c.sync.aligned.row.m16n16k16.global.f32 " + registers("c", 8) +
      ", [%c];\n" + "wmma.mma.sync.aligned.row.col.m16n16k16.f32.f32 " + mixed +
      ", " + registers("a", 8) + ", " + registers("b", 8) + ", " +
      registers("c", 8) + ";\n" +
      "wmma.store.d.sync.aligned.row.m16n16k16.global.f32 [%d], " + mixed +
      ";\n" + "wmma.mma.sync.aligned.row.col.m16n16k16.f32.f32 " +
      registers("a", 8) + ", " + registers("a", 8) + ", " + registers("b", 8) +
      ", " + mixed + ";\n" +
      "wmma.store.d.sync.aligned.row.m16n16k16.global.f32 [%d+1024], " +
      registers("a", 8) + ";\n";
  LaunchConfig config;
  config.block.x = 32;
  ASSERT_EQ(device.run(kernelOf(body), "k", config, {ab, ab, from, to}), "");
  auto found = device.download<float>(to, 512);
  for (size_t i = 0; i < 256; ++i) {
    EXPECT_EQ(found[i], c[i] + 16);
    EXPECT_EQ(found[256 + i], c[i] + 32);
  }
}

/// The error of a load of A with `address` in %x0 and `stride` in %r1.
std::string loadError(const std::string &setup, const std::string &guard = "") {
  TestDevice device;
  DeviceAddress at = device.upload(std::vector<uint16_t>(256));
  LaunchConfig config;
  config.block.x = 32;
  return device.run(
      kernelOf("mov.u64 %x0, %a;\nmov.u32 %r1, 16;\n" + setup + guard +
               "wmma.load.a.sync.aligned.row.m16n16k16.global.f16 " +
               registers("b", 8) + ", [%x0], %r1;\n"),
      "k", config, {at, at, at, at});
}

TEST(Wmma, BadAddressesFault) {
  auto expect = [](const std::string &error, const std::string &part) {
    EXPECT_NE(error.find(part), std::string::npos) << error;
  };
  EXPECT_EQ(loadError(""), "");
  expect(loadError("add.u64 %x0, %x0, 8;\n"), "is not a multiple of 16 bytes");
  expect(loadError("mov.u32 %r1, 20;\n"),
         "the stride of 20 elements, 40 bytes, is not a multiple of 16 bytes");
  expect(loadError("mov.u32 %r1, 24;\n"), "of the 512-byte allocation");
  expect(loadError("cvt.u64.u32 %x1, %t;\nadd.u64 %x0, %x0, %x1;\n"),
         "expected one address in all lanes of the warp");
  expect(loadError("add.u32 %r1, %r1, %t;\n"),
         "expected one stride in all lanes of the warp, found 16 in lane 0 and "
         "17 in lane 1");
  expect(loadError("setp.lt.u32 %p0, %t, 16;\n", "@%p0 "), "all 32 lanes");
}

TEST(Wmma, RacesAreFound) {
  std::vector<Finding> findings;
  TestDevice device({.sanitize = SanitizeLevel::Full,
                     .onReport = [&](const LaunchReport &report) {
                       findings = report.findings;
                     }});
  DeviceAddress at = device.upload(std::vector<float>(256));
  LaunchConfig config;
  config.block.x = 64;
  auto run = [&](const std::string &barrier) {
    findings.clear();
    // Each warp reads what the other has written.
    return device.run(
        kernelOf(".shared .align 16 .b8 s[2048];\nmov.u32 %r1, s;\n"
                 "and.b32 %r2, %t, 32;\nshl.b32 %r2, %r2, 5;\n"
                 "add.u32 %r0, %r1, %r2;\nxor.b32 %r2, %r2, 1024;\n"
                 "add.u32 %r1, %r1, %r2;\n"
                 "wmma.store.d.sync.aligned.row.m16n16k16.shared.f32 [%r0], " +
                 registers("d", 8) + ";\n" + barrier +
                 "wmma.load.c.sync.aligned.row.m16n16k16.shared.f32 " +
                 registers("c", 8) + ", [%r1];\n"),
        "k", config, {at, at, at, at});
  };
  EXPECT_EQ(run("bar.sync 0;\n"), "");
  EXPECT_TRUE(findings.empty());
  EXPECT_NE(run(""), "");
  ASSERT_FALSE(findings.empty());
  EXPECT_EQ(findings[0].kind, FindingKind::Race);
}

TEST(Wmma, OtherFormsAreRefused) {
  auto expect = [](const std::string &statement, const std::string &message) {
    TestDevice device;
    std::string text = kernelOf(statement);
    auto module = device.device->loadModule(
        {.name = "in.ptx", .ptx = text, .cubins = {}});
    ASSERT_FALSE(module);
    EXPECT_TRUE(module.error().message.starts_with("in.ptx:"));
    EXPECT_NE(module.error().message.find(message), std::string::npos)
        << module.error().message;
  };
  expect("wmma.load.a.sync.aligned.row.m16n16k16.f16 {%a0, %a1}, [%a];",
         "wmma.load.a.sync.aligned.row.m16n16k16.f16: expected 8 registers, "
         "found 2");
  expect("wmma.load.a.sync.aligned.col.m8n8k32.s4 {%a0}, [%a];",
         "wmma.load.a.sync.aligned.col.m8n8k32.s4: unknown modifier '.col'");
  expect("wmma.mma.sync.aligned.row.col.m16n16k16.s32.u8.s8.s32 " +
             registers("d", 8) + ", " + registers("a", 2) + ", " +
             registers("b", 2) + ", " + registers("c", 8) + ";",
         "unknown combination of modifiers");
  expect("wmma.mma.sync.aligned.row.col.m16n16k16.f32.f32 " +
             registers("d", 8) + ", " + registers("a", 2) + ", " +
             registers("b", 8) + ", " + registers("c", 8) + ";",
         "expected 8 registers for operand 1, found 2");
}

} // namespace
