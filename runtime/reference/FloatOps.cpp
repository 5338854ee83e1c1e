//===- FloatOps.cpp - Arithmetic and functions of floats ------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "reference/Elementwise.h"

#include <cmath>
#include <fmt/format.h>
#include <limits>

using namespace heddle::reference;

/// IEEE 754-2019 minimum and maximum: a NaN operand makes the result NaN, and
/// -0 is less than +0.
static double maximum(double a, double b) {
  if (std::isnan(a) || std::isnan(b))
    return std::numeric_limits<double>::quiet_NaN();
  if (a == b)
    return std::signbit(a) ? b : a;
  return a > b ? a : b;
}
static double minimum(double a, double b) { return -maximum(-a, -b); }

/// minNum and maxNum: a NaN operand is ignored.
static double maxNum(double a, double b) {
  return std::isnan(a) ? b : std::isnan(b) ? a : maximum(a, b);
}
static double minNum(double a, double b) {
  return std::isnan(a) ? b : std::isnan(b) ? a : minimum(a, b);
}

/// `arith.cmpf`'s predicates, in the order of their numbers.
enum Predicate : int64_t {
  AlwaysFalse,
  OEQ,
  OGT,
  OGE,
  OLT,
  OLE,
  ONE,
  ORD,
  UEQ,
  UGT,
  UGE,
  ULT,
  ULE,
  UNE,
  UNO,
  AlwaysTrue,
};

static bool compare(int64_t predicate, double a, double b) {
  bool unordered = std::isnan(a) || std::isnan(b);
  switch (predicate) {
  case OEQ:
    return a == b;
  case OGT:
    return a > b;
  case OGE:
    return a >= b;
  case OLT:
    return a < b;
  case OLE:
    return a <= b;
  case ONE:
    return !unordered && a != b;
  case ORD:
    return !unordered;
  case UEQ:
    return unordered || a == b;
  case UGT:
    return unordered || a > b;
  case UGE:
    return unordered || a >= b;
  case ULT:
    return unordered || a < b;
  case ULE:
    return unordered || a <= b;
  case UNE:
    return unordered || a != b;
  case UNO:
    return unordered;
  case AlwaysTrue:
    return true;
  default:
    return false;
  }
}

/// Arithmetic in f64 and one more rounding is arithmetic in f32 or narrower:
/// f64 has more than twice the bits.
static void addArithmetic(Registry &registry) {
  using D = double;
  addFloatBinary(registry, "arith.addf", [](D a, D b) { return a + b; });
  addFloatBinary(registry, "arith.subf", [](D a, D b) { return a - b; });
  addFloatBinary(registry, "arith.mulf", [](D a, D b) { return a * b; });
  addFloatBinary(registry, "arith.divf", [](D a, D b) { return a / b; });
  addFloatBinary(registry, "arith.remf",
                 [](D a, D b) { return std::fmod(a, b); });
  addFloatBinary(registry, "arith.maximumf", maximum);
  addFloatBinary(registry, "arith.minimumf", minimum);
  addFloatBinary(registry, "arith.maxnumf", maxNum);
  addFloatBinary(registry, "arith.minnumf", minNum);
  addFloatUnary(registry, "arith.negf", [](D a) { return -a; });

  registry.add(
      "math.fma", alike(3, floats), [](Frame &frame, const Operation &op) {
        NumberType type = getResultElement(frame, op);
        Rounding round = frame.getRounding(type);
        bool single = type.kind == NumberKind::F32 && !frame.isExact();
        return mapElements(frame, op, [&](const Sequences &in, size_t i) {
          double a = in[0][i].f, b = in[1][i].f, c = in[2][i].f;
          if (single)
            return makeFloat(std::fma(float(a), float(b), float(c)));
          return makeFloat(round(std::fma(a, b, c)));
        });
      });
  registry.add(
      "math.clampf", alike(3, floats), [](Frame &frame, const Operation &op) {
        return mapElements(frame, op, [&](const Sequences &in, size_t i) {
          return makeFloat(
              minimum(maximum(in[0][i].f, in[1][i].f), in[2][i].f));
        });
      });
  registry.add(
      {.name = "arith.cmpf",
       .attributes = {{"predicate", AttributeKind::Int}},
       .verify =
           [](const Site &site) {
             if (uint64_t(site.op.getInt("predicate")) > AlwaysTrue)
               return fmt::format("expected a predicate in 0..{}, found {}",
                                  int64_t(AlwaysTrue),
                                  site.op.getInt("predicate"));
             return verifyTest(site, 2, floats);
           },
       .run =
           [](Frame &frame, const Operation &op) {
             int64_t predicate = op.getInt("predicate");
             return mapElements(frame, op, [&](const Sequences &in, size_t i) {
               return makeInt(compare(predicate, in[0][i].f, in[1][i].f));
             });
           }});
}

/// Adds a test of floats.
template <typename Fn>
static void addTest(Registry &registry, const char *name, Fn test) {
  registry.add(
      name, [](const Site &site) { return verifyTest(site, 1, floats); },
      [test](Frame &frame, const Operation &op) {
        return mapElements(frame, op, [&](const Sequences &in, size_t i) {
          return makeInt(test(in[0][i].f));
        });
      });
}

/// A float, or a tile of floats, and as many integers.
static std::string verifyFPowI(const Site &site) {
  if (std::string wrong = verifyCounts(site, 2, 1); !wrong.empty())
    return wrong;
  const Type &base = site.operand(0), &exponent = site.operand(1);
  if (base != site.result() || !base.element.isFloat() ||
      exponent.element.isFloat() || base.form != exponent.form ||
      base.form == Form::View || base.shape != exponent.shape)
    return fmt::format("expected floats and as many integers, found {} and {}",
                       base.getName(), exponent.getName());
  return "";
}

static void addFunctions(Registry &registry) {
  using D = double;
  addFloatUnary(registry, "math.absf", [](D x) { return std::fabs(x); });
  addFloatUnary(registry, "math.acos", [](D x) { return std::acos(x); });
  addFloatUnary(registry, "math.acosh", [](D x) { return std::acosh(x); });
  addFloatUnary(registry, "math.asin", [](D x) { return std::asin(x); });
  addFloatUnary(registry, "math.asinh", [](D x) { return std::asinh(x); });
  addFloatUnary(registry, "math.atan", [](D x) { return std::atan(x); });
  addFloatUnary(registry, "math.atanh", [](D x) { return std::atanh(x); });
  addFloatUnary(registry, "math.cbrt", [](D x) { return std::cbrt(x); });
  addFloatUnary(registry, "math.ceil", [](D x) { return std::ceil(x); });
  addFloatUnary(registry, "math.cos", [](D x) { return std::cos(x); });
  addFloatUnary(registry, "math.cosh", [](D x) { return std::cosh(x); });
  addFloatUnary(registry, "math.erf", [](D x) { return std::erf(x); });
  addFloatUnary(registry, "math.erfc", [](D x) { return std::erfc(x); });
  addFloatUnary(registry, "math.exp", [](D x) { return std::exp(x); });
  addFloatUnary(registry, "math.exp2", [](D x) { return std::exp2(x); });
  addFloatUnary(registry, "math.expm1", [](D x) { return std::expm1(x); });
  addFloatUnary(registry, "math.floor", [](D x) { return std::floor(x); });
  addFloatUnary(registry, "math.log", [](D x) { return std::log(x); });
  addFloatUnary(registry, "math.log10", [](D x) { return std::log10(x); });
  addFloatUnary(registry, "math.log1p", [](D x) { return std::log1p(x); });
  addFloatUnary(registry, "math.log2", [](D x) { return std::log2(x); });
  addFloatUnary(registry, "math.round", [](D x) { return std::round(x); });
  addFloatUnary(registry, "math.roundeven",
                [](D x) { return std::nearbyint(x); });
  addFloatUnary(registry, "math.rsqrt", [](D x) { return 1 / std::sqrt(x); });
  addFloatUnary(registry, "math.sin", [](D x) { return std::sin(x); });
  addFloatUnary(registry, "math.sinh", [](D x) { return std::sinh(x); });
  addFloatUnary(registry, "math.sqrt", [](D x) { return std::sqrt(x); });
  addFloatUnary(registry, "math.tan", [](D x) { return std::tan(x); });
  addFloatUnary(registry, "math.tanh", [](D x) { return std::tanh(x); });
  addFloatUnary(registry, "math.trunc", [](D x) { return std::trunc(x); });
  addFloatBinary(registry, "math.atan2",
                 [](D y, D x) { return std::atan2(y, x); });
  addFloatBinary(registry, "math.copysign",
                 [](D x, D sign) { return std::copysign(x, sign); });
  addFloatBinary(registry, "math.powf",
                 [](D x, D y) { return std::pow(x, y); });

  registry.add(
      "math.fpowi", verifyFPowI, [](Frame &frame, const Operation &op) {
        Rounding round = frame.getRounding(getResultElement(frame, op));
        unsigned width = getOperandElement(frame, op, 1).width;
        return mapElements(frame, op, [&](const Sequences &in, size_t i) {
          double exponent = double(signExtend(in[1][i].i, width));
          return makeFloat(round(std::pow(in[0][i].f, exponent)));
        });
      });
  addTest(registry, "math.isfinite", [](D x) { return std::isfinite(x); });
  addTest(registry, "math.isinf", [](D x) { return std::isinf(x); });
  addTest(registry, "math.isnan", [](D x) { return std::isnan(x); });
}

void heddle::reference::addFloatOps(Registry &registry) {
  addArithmetic(registry);
  addFunctions(registry);
}
