//===- OpsTest.cpp - Every group of operations ----------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/lib/Reference/TestProgram.h"

#include <cmath>
#include <limits>

using namespace heddle::reference;

static const double inf = std::numeric_limits<double>::infinity();
static const double notANumber = std::numeric_limits<double>::quiet_NaN();

/// Runs `body` on one tile, and returns `%y`.
static std::vector<double> map(const std::string &shape,
                               const std::string &from, const std::string &to,
                               const std::string &body,
                               const std::vector<double> &x,
                               Precision precision = Precision::Storage) {
  TestProgram program(makeTileProgram(shape, from, to, body));
  EXPECT_TRUE(program.run({}, {x}, precision)) << program.message;
  return program.get(1);
}

TEST(ReferenceOps, FloatArithmeticRoundsToItsType) {
  // 2049 needs twelve bits, and f16 has eleven.
  std::string body = R"(
    %c = arith.constant dense<1.0> : tensor<3xf16>
    %y = arith.addf %x, %c : tensor<3xf16>)";
  EXPECT_EQ(map("3", "f16", "f16", body, {2048, 2050, 65504}),
            (std::vector<double>{2048, 2052, 65504}));
  EXPECT_EQ(map("3", "f16", "f16", body, {2048, 2050, 65504}, Precision::Exact),
            (std::vector<double>{2049, 2051, 65505}));
}

TEST(ReferenceOps, MinimaAndMaximaOfNaN) {
  auto with = [](const std::string &op) {
    return "%c = arith.constant dense<[2.0, 2.0, -0.0]> : tensor<3xf32>\n"
           "%y = arith." +
           op + " %x, %c : tensor<3xf32>";
  };
  std::vector<double> x = {notANumber, 1, 0.0};
  auto propagates = map("3", "f32", "f32", with("maximumf"), x);
  EXPECT_TRUE(std::isnan(propagates[0]));
  EXPECT_EQ(propagates[1], 2);
  EXPECT_FALSE(std::signbit(propagates[2]));
  auto ignores = map("3", "f32", "f32", with("maxnumf"), x);
  EXPECT_EQ(ignores[0], 2);
  auto least = map("3", "f32", "f32", with("minimumf"), x);
  EXPECT_TRUE(std::isnan(least[0]));
  EXPECT_EQ(least[1], 1);
  EXPECT_TRUE(std::signbit(least[2]));
  EXPECT_EQ(map("3", "f32", "f32", with("minnumf"), x)[0], 2);
}

TEST(ReferenceOps, ConversionsRoundAndSaturate) {
  std::string body = "%y = arith.truncf %x : tensor<4xf32> to tensor<4xT>";
  auto to = [&](std::string type) {
    std::string text = body;
    text.replace(text.rfind("T>"), 1, type);
    return text;
  };
  std::vector<double> x = {1000, -inf, 17, 1.0625};
  EXPECT_EQ(map("4", "f32", "f8E4M3FN", to("f8E4M3FN"), x),
            (std::vector<double>{448, -448, 16, 1}));
  EXPECT_EQ(map("4", "f32", "f8E5M2", to("f8E5M2"), x),
            (std::vector<double>{1024, -57344, 16, 1}));
  EXPECT_EQ(
      map("4", "f32", "bf16", to("bf16"), {1.00390625, 1.01171875, -inf, 3}),
      (std::vector<double>{1, 1.015625, -inf, 3}));
  EXPECT_EQ(map("4", "f32", "i8",
                "%y = arith.fptosi %x : tensor<4xf32> to tensor<4xi8>",
                {300, -300, notANumber, -1.5}),
            (std::vector<double>{127, -128, 0, -1}));
}

TEST(ReferenceOps, IntegersWrapAndExtend) {
  std::string body = R"(
    %c = arith.constant dense<100> : tensor<3xi8>
    %s = arith.addi %x, %c : tensor<3xi8>
    %y = arith.extsi %s : tensor<3xi8> to tensor<3xi32>)";
  EXPECT_EQ(map("3", "i8", "i32", body, {100, -100, -128}),
            (std::vector<double>{-56, 0, -28}));
  std::string unsignedBody =
      "%y = arith.extui %x : tensor<2xi8> to tensor<2xi32>";
  EXPECT_EQ(map("2", "i8", "i32", unsignedBody, {-1, 5}),
            (std::vector<double>{255, 5}));
}

TEST(ReferenceOps, DivisionsOfNegativeNumbers) {
  auto with = [](const std::string &op) {
    return "%c = arith.constant dense<[2, 2, -1]> : tensor<3xi32>\n%y = "
           "arith." +
           op + " %x, %c : tensor<3xi32>";
  };
  std::vector<double> x = {-7, 7, -2147483648.0};
  EXPECT_EQ(map("3", "i32", "i32", with("divsi"), x),
            (std::vector<double>{-3, 3, -2147483648.0}));
  EXPECT_EQ(map("3", "i32", "i32", with("floordivsi"), x),
            (std::vector<double>{-4, 3, -2147483648.0}));
  EXPECT_EQ(map("3", "i32", "i32", with("ceildivsi"), x),
            (std::vector<double>{-3, 4, -2147483648.0}));
  EXPECT_EQ(map("3", "i32", "i32", with("remsi"), x),
            (std::vector<double>{-1, 1, 0}));
}

TEST(ReferenceOps, DivisionByZeroIsAnError) {
  TestProgram program(makeTileProgram(
      "2", "i32", "i32", "%y = arith.divsi %x, %x : tensor<2xi32>"));
  EXPECT_FALSE(program.run({}, {{1, 0}}));
  EXPECT_NE(program.message.find("division by zero"), std::string::npos);
}

TEST(ReferenceOps, ComparisonsAndSelections) {
  std::string body = R"(
    %c = arith.constant dense<1.0> : tensor<4xf32>
    %lt = arith.cmpf ult, %x, %c : tensor<4xf32>
    %y = arith.select %lt, %x, %c : tensor<4xi1>, tensor<4xf32>)";
  auto y = map("4", "f32", "f32", body, {0, 1, 2, notANumber});
  EXPECT_EQ(y[0], 0);
  EXPECT_EQ(y[2], 1);
  EXPECT_TRUE(std::isnan(y[3]));
}

TEST(ReferenceOps, Functions) {
  std::vector<double> x = {0.5, 2};
  auto with = [&](const std::string &op) {
    return map("2", "f64", "f64", "%y = math." + op + " %x : tensor<2xf64>", x);
  };
  EXPECT_EQ(with("exp2")[1], 4);
  EXPECT_EQ(with("rsqrt")[0], 1 / std::sqrt(0.5));
  EXPECT_EQ(with("erf")[0], std::erf(0.5));
  EXPECT_EQ(with("tanh")[1], std::tanh(2.0));
  EXPECT_EQ(with("log1p")[1], std::log1p(2.0));
}

TEST(ReferenceOps, ReductionsAlongEitherAxis) {
  std::string body = R"(
    %i = arith.constant dense<[10.0, 20.0, 30.0]> : tensor<3xf32>
    %r = tile.reduce add %x, %i axis 0 : tensor<2x3xf32> -> tensor<3xf32>
    %y = tile.broadcast %r axes [0] : tensor<3xf32> -> tensor<2x3xf32>)";
  EXPECT_EQ(map("2x3", "f32", "f32", body, {1, 2, 3, 4, 5, 6}),
            (std::vector<double>{15, 27, 39, 15, 27, 39}));
  std::string rows = R"(
    %i = arith.constant dense<0.0> : tensor<2xf32>
    %r = tile.reduce max %x, %i axis 1 : tensor<2x3xf32> -> tensor<2xf32>
    %y = tile.broadcast %r axes [1] : tensor<2xf32> -> tensor<2x3xf32>)";
  EXPECT_EQ(map("2x3", "f32", "f32", rows, {1, notANumber, 3, -4, -5, -6}),
            (std::vector<double>{3, 3, 3, 0, 0, 0}));
}

TEST(ReferenceOps, IntegerReductionsAreSigned) {
  std::string body = R"(
    %i = arith.constant dense<-100> : tensor<2xi8>
    %r = tile.reduce max %x, %i axis 1 : tensor<2x2xi8> -> tensor<2xi8>
    %y = tile.broadcast %r axes [1] : tensor<2xi8> -> tensor<2x2xi8>)";
  EXPECT_EQ(map("2x2", "i8", "i8", body, {-1, 5, -3, -2}),
            (std::vector<double>{5, 5, -2, -2}));
}

TEST(ReferenceOps, VectorsComeToNumbers) {
  std::string body = R"(
    %i = arith.constant 10.0 : f32
    %r = tile.reduce add %x, %i axis 0 : tensor<3xf32> -> f32
    %c = arith.constant dense<2.0> : tensor<3xf32>
    %h, %last = tile.recurrence %c, %x, %r axis 0 exclusive : tensor<3xf32>, f32
    %s = tensor.splat %last : tensor<3xf32>
    %y = arith.addf %h, %s : tensor<3xf32>)";
  // 16, 33, 68 and 139.
  EXPECT_EQ(map("3", "f32", "f32", body, {1, 2, 3}),
            (std::vector<double>{155, 172, 207}));
}

TEST(ReferenceOps, ScansInAllDirections) {
  auto scan = [](const std::string &kind, const std::string &rest,
                 const std::vector<double> &x,
                 const std::string &type = "f32") {
    return map("2x3", type, type,
               "%y = tile.scan " + kind + " %x " + rest + " : tensor<2x3x" +
                   type + ">",
               x);
  };
  std::vector<double> x = {1, 2, 3, 4, 5, 6};
  EXPECT_EQ(scan("add", "axis 1", x), (std::vector<double>{1, 3, 6, 4, 9, 15}));
  EXPECT_EQ(scan("add", "axis 0", x), (std::vector<double>{1, 2, 3, 5, 7, 9}));
  EXPECT_EQ(scan("mul", "axis 1 reverse", x),
            (std::vector<double>{6, 6, 3, 120, 30, 6}));
  EXPECT_EQ(scan("add", "axis 1 reverse exclusive", x),
            (std::vector<double>{5, 3, 0, 11, 6, 0}));
  EXPECT_EQ(scan("max", "axis 1 exclusive", {3, notANumber, 1, 0, 0, 0}),
            (std::vector<double>{-inf, 3, 3, -inf, 0, 0}));
  EXPECT_EQ(scan("min", "axis 1 exclusive", {3, -5, 1, 0, 0, 0}, "i8"),
            (std::vector<double>{127, 3, -5, 127, 0, 0}));
  EXPECT_EQ(scan("and", "axis 0", {7, 6, 5, 3, 3, 3}, "i32"),
            (std::vector<double>{7, 6, 5, 3, 2, 1}));
}

TEST(ReferenceOps, NarrowScansRoundOnce) {
  // 2049 needs twelve bits, and f16 has eleven.
  EXPECT_EQ(map("4", "f16", "f16",
                "%y = tile.scan add %x axis 0 : tensor<4xf16>",
                {2048, 1, 1, 1}),
            (std::vector<double>{2048, 2048, 2050, 2052}));
}

TEST(ReferenceOps, RecurrencesChain) {
  auto run = [](const std::string &rest) {
    return R"(
    %c = arith.constant dense<2.0> : tensor<3x2xf32>
    %i = arith.constant dense<[1.0, -1.0]> : tensor<2xf32>
    %h, %last = tile.recurrence %c, %x, %i axis 0 )" +
           rest + R"( : tensor<3x2xf32>, tensor<2xf32>
    %l = tile.broadcast %last axes [0] : tensor<2xf32> -> tensor<3x2xf32>)";
  };
  std::vector<double> x = {1, 0, 2, 0, 3, 1};
  std::string states = "\n%y = arith.addf %h, %zeros : tensor<3x2xf32>",
              after = "\n%y = arith.addf %l, %zeros : tensor<3x2xf32>",
              zeros = "%zeros = arith.constant dense<0.0> : tensor<3x2xf32>\n";
  auto get = [&](const std::string &rest, const std::string &what) {
    return map("3x2", "f32", "f32", zeros + run(rest) + what, x);
  };
  EXPECT_EQ(get("", states), (std::vector<double>{3, -2, 8, -4, 19, -7}));
  EXPECT_EQ(get("", after), (std::vector<double>{19, -7, 19, -7, 19, -7}));
  EXPECT_EQ(get("exclusive", states),
            (std::vector<double>{1, -1, 3, -2, 8, -4}));
  EXPECT_EQ(get("reverse", states),
            (std::vector<double>{25, -4, 12, -2, 5, -1}));
  EXPECT_EQ(get("reverse", after),
            (std::vector<double>{25, -4, 25, -4, 25, -4}));
}

TEST(ReferenceOps, InverseIgnoresAllButTheLowerPart) {
  std::string body = R"(
    %y = tile.tri_inverse %x : tensor<3x3xf32>)";
  std::vector<double> x = {9, notANumber, 9, 2, 0, 9, 3, 4, notANumber};
  EXPECT_EQ(map("3x3", "f32", "f32", body, x),
            (std::vector<double>{1, 0, 0, -2, 1, 0, 5, -4, 1}));
  EXPECT_EQ(map("3x3", "f32", "f32", body, x, Precision::Exact),
            (std::vector<double>{1, 0, 0, -2, 1, 0, 5, -4, 1}));
  EXPECT_EQ(map("1x1", "f32", "f32",
                "%y = tile.tri_inverse %x : tensor<1x1xf32>", {7}),
            (std::vector<double>{1}));
}

/// The product of 1 + L and what `precision` says its inverse is, for L with
/// entries of `size`.
static double getInverseError(int64_t extent, double size,
                              const std::string &precision,
                              Precision run = Precision::Storage) {
  std::vector<double> a(extent * extent);
  for (size_t i = 0; i < a.size(); ++i)
    a[i] = float(size * std::sin(double(i)));
  std::string shape = std::to_string(extent) + "x" + std::to_string(extent);
  std::vector<double> x = map(shape, "f32", "f32",
                              "%y = tile.tri_inverse %x precision " +
                                  precision + " : tensor<" + shape + "xf32>",
                              a, run);
  double error = 0;
  for (int64_t i = 0; i < extent; ++i)
    for (int64_t j = 0; j < extent; ++j) {
      double sum = x[i * extent + j] - (i == j);
      for (int64_t k = 0; k < i; ++k)
        sum += a[i * extent + k] * x[k * extent + j];
      error = std::max(error, std::fabs(sum));
    }
  return error;
}

TEST(ReferenceOps, InversesOfSeveralBlocks) {
  for (int64_t extent : {16, 17, 33, 64, 128}) {
    EXPECT_LT(getInverseError(extent, 0.2, "f16", Precision::Exact), 1e-6);
    EXPECT_LT(getInverseError(extent, 0.2, "ieee"), 1e-5);
    EXPECT_LT(getInverseError(extent, 0.2, "tf32"), 1e-2);
  }
  // Blocks of the diagonal are as exact in any precision; others are rounded.
  EXPECT_LT(getInverseError(16, 0.2, "f16"), 1e-6);
  EXPECT_GT(getInverseError(17, 0.2, "f16"), 1e-6);
  EXPECT_GT(getInverseError(17, 0.2, "tf32"), 1e-6);
}

TEST(ReferenceOps, InversesBeyondF16) {
  std::vector<double> a(17 * 17);
  a[16 * 17] = 1e6;
  auto invert = [&](const std::string &precision) {
    return map("17x17", "f32", "f32",
               "%y = tile.tri_inverse %x precision " + precision +
                   " : tensor<17x17xf32>",
               a)[16 * 17];
  };
  EXPECT_EQ(invert("ieee"), -1e6);
  EXPECT_EQ(invert("f16"), -std::numeric_limits<double>::infinity());
}

TEST(ReferenceOps, TransposeIotaAndSlices) {
  std::string body = R"(
    %t = tile.transpose %x [1, 0] : tensor<2x3xf32> -> tensor<3x2xf32>
    %y = tensor.collapse_shape %t [[0, 1]] : tensor<3x2xf32> into tensor<6xf32>
    %y2 = tensor.expand_shape %y [[0, 1]] output_shape [2, 3] : tensor<6xf32> into tensor<2x3xf32>)";
  body.replace(body.find("%y = "), 4, "%f =");
  body.replace(body.find("%y [[0, 1]] output"), 2, "%f");
  body.replace(body.find("%y2"), 3, "%y");
  EXPECT_EQ(map("2x3", "f32", "f32", body, {1, 2, 3, 4, 5, 6}),
            (std::vector<double>{1, 4, 2, 5, 3, 6}));
  std::string slice = R"(
    %i = tile.iota axis 1 : tensor<2x3xi32>
    %s = tensor.extract_slice %i[1, 0] [1, 2] [1, 2] : tensor<2x3xi32> to tensor<1x2xi32>
    %y = tensor.insert_slice %s into %x[0, 1] [1, 2] [1, 1] : tensor<1x2xi32> into tensor<2x3xi32>)";
  EXPECT_EQ(map("2x3", "i32", "i32", slice, {9, 9, 9, 9, 9, 9}),
            (std::vector<double>{9, 0, 2, 9, 9, 9}));
}

TEST(ReferenceOps, Loops) {
  std::string body = R"(
    %lo = arith.constant 1 : i32
    %hi = arith.constant 5 : i32
    %s = scf.for %i = %lo to %hi step %lo iter_args(%a = %x) -> (tensor<1xi32>) : i32 {
      %t = tensor.splat %i : tensor<1xi32>
      %b = arith.addi %a, %t : tensor<1xi32>
      scf.yield %b : tensor<1xi32>
    }
    %limit = arith.constant 100 : i32
    %y = scf.while (%a = %s) : (tensor<1xi32>) -> tensor<1xi32> {
      %e = tensor.extract %a[%zero] : tensor<1xi32>
      %c = arith.cmpi slt, %e, %limit : i32
      scf.condition(%c) %a : tensor<1xi32>
    } do {
    ^bb0(%a: tensor<1xi32>):
      %d = arith.addi %a, %a : tensor<1xi32>
      scf.yield %d : tensor<1xi32>
    })";
  EXPECT_EQ(map("1", "i32", "i32", body, {3}), (std::vector<double>{104}));
}

//===----------------------------------------------------------------------===//
// Dots
//===----------------------------------------------------------------------===//

/// A product of 2x3 and 3x2 with operands of `type`, and what `flags` say.
static std::string makeDot(const std::string &a, const std::string &b,
                           const std::string &type, const std::string &acc,
                           const std::string &flags) {
  auto text = [](const char *kind, const std::string &shape,
                 const std::string &type) {
    return std::string(kind) + "<" + shape + "x" + type + ">";
  };
  std::string aView = text("memref", a, type), bView = text("memref", b, type),
              cView = text("memref", "2x2", acc);
  std::string cTile = text("tensor", "2x2", acc);
  std::string zero = acc == "i32" ? "0" : "0.0";
  return "tile.kernel @k(%A: " + aView + ", %B: " + bView + ", %C: " + cView +
         ") {\n %z = arith.constant 0 : index\n %i = arith.constant dense<" +
         zero + "> : " + cTile + "\n %a = tile.load %A[%z, %z] : " + aView +
         " -> " + text("tensor", a, type) +
         "\n %b = tile.load %B[%z, %z] : " + bView + " -> " +
         text("tensor", b, type) + "\n %d = tile.dot %a, %b, %i " + flags +
         " : " + text("tensor", a, type) + ", " + text("tensor", b, type) +
         " -> " + cTile + "\n tile.store %d, %C[%z, %z] : " + cTile + ", " +
         cView + "\n}\ntile.host @h(%A: " + aView + ", %B: " + bView +
         ", out %C: " + cView +
         ") {\n %one = arith.constant 1 : index\n tile.launch @k grid(%one) "
         "args(%A, %B, %C) : " +
         aView + ", " + bView + ", " + cView + "\n}\n";
}

TEST(ReferenceDot, Transpositions) {
  std::vector<double> a = {1, 2, 3, 4, 5, 6}, aT = {1, 4, 2, 5, 3, 6};
  std::vector<double> b = {1, 0, 2, 1, 0, 3}, bT = {1, 2, 0, 0, 1, 3};
  std::vector<double> expected = {5, 11, 14, 23};
  for (const char *type : {"bf16", "f16", "f32", "f8E4M3FN", "f8E5M2", "i8"}) {
    std::string acc = std::string(type) == "i8" ? "i32" : "f32";
    TestProgram plain(makeDot("2x3", "3x2", type, acc, ""));
    ASSERT_TRUE(plain.run({}, {a, b})) << plain.message;
    EXPECT_EQ(plain.get(2), expected) << type;
    TestProgram transposed(
        makeDot("3x2", "2x3", type, acc, "transpose_a transpose_b"));
    ASSERT_TRUE(transposed.run({}, {aT, bT})) << transposed.message;
    EXPECT_EQ(transposed.get(2), expected) << type;
  }
}

TEST(ReferenceDot, AccumulatesInF32InOrder) {
  // 2^24 + 1 + 1 stays 2^24 if summed one by one in f32.
  std::vector<double> a = {16777216, 1, 1, 0, 0, 0}, b = {1, 0, 1, 0, 1, 0};
  TestProgram program(makeDot("2x3", "3x2", "bf16", "f32", ""));
  ASSERT_TRUE(program.run({}, {a, b}));
  EXPECT_EQ(program.get(2)[0], 16777216);
  ASSERT_TRUE(program.run({}, {a, b}, Precision::Exact));
  EXPECT_EQ(program.get(2)[0], 16777218);
}

TEST(ReferenceDot, TF32RoundsItsOperandsInBothPrecisions) {
  // Ties go to the even neighbour: 1 + 2^-11 to 1, 1 + 3 * 2^-11 to 1 + 2^-9.
  std::vector<double> a = {1 + 0x1p-11, 0, 0, 1 + 0x3p-11, 0, 0},
                      b = {1, 0, 0, 0, 0, 0};
  TestProgram program(makeDot("2x3", "3x2", "f32", "f32", "precision tf32"));
  for (Precision precision : {Precision::Storage, Precision::Exact}) {
    ASSERT_TRUE(program.run({}, {a, b}, precision)) << program.message;
    EXPECT_EQ(program.get(2)[0], 1);
    EXPECT_EQ(program.get(2)[2], 1 + 0x1p-9);
  }
}

TEST(ReferenceDot, IntegersWrap) {
  TestProgram program(makeDot("2x3", "3x2", "i8", "i32", ""));
  ASSERT_TRUE(program.run(
      {}, {{-128, -128, -128, 1, 0, 0}, {-128, 127, -128, 127, -128, 127}}));
  EXPECT_EQ(program.get(2), (std::vector<double>{49152, -48768, -128, 127}));
}
