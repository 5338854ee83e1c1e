//===- FloatOps.cpp - Arithmetic and functions of floats ------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Reference/Elementwise.h"

#include <cmath>
#include <limits>

using namespace mlir;
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

static bool compare(arith::CmpFPredicate predicate, double a, double b) {
  bool unordered = std::isnan(a) || std::isnan(b);
  switch (predicate) {
  case arith::CmpFPredicate::AlwaysFalse:
    return false;
  case arith::CmpFPredicate::OEQ:
    return a == b;
  case arith::CmpFPredicate::OGT:
    return a > b;
  case arith::CmpFPredicate::OGE:
    return a >= b;
  case arith::CmpFPredicate::OLT:
    return a < b;
  case arith::CmpFPredicate::OLE:
    return a <= b;
  case arith::CmpFPredicate::ONE:
    return !unordered && a != b;
  case arith::CmpFPredicate::ORD:
    return !unordered;
  case arith::CmpFPredicate::UEQ:
    return unordered || a == b;
  case arith::CmpFPredicate::UGT:
    return unordered || a > b;
  case arith::CmpFPredicate::UGE:
    return unordered || a >= b;
  case arith::CmpFPredicate::ULT:
    return unordered || a < b;
  case arith::CmpFPredicate::ULE:
    return unordered || a <= b;
  case arith::CmpFPredicate::UNE:
    return unordered || a != b;
  case arith::CmpFPredicate::UNO:
    return unordered;
  case arith::CmpFPredicate::AlwaysTrue:
    return true;
  }
  llvm_unreachable("all predicates are handled");
}

/// Arithmetic in f64 and one more rounding is arithmetic in f32 or narrower:
/// f64 has more than twice the bits.
static void addArithmetic(Registry &registry) {
  using D = double;
  addFloatBinary<arith::AddFOp>(registry, [](D a, D b) { return a + b; });
  addFloatBinary<arith::SubFOp>(registry, [](D a, D b) { return a - b; });
  addFloatBinary<arith::MulFOp>(registry, [](D a, D b) { return a * b; });
  addFloatBinary<arith::DivFOp>(registry, [](D a, D b) { return a / b; });
  addFloatBinary<arith::RemFOp>(registry,
                                [](D a, D b) { return std::fmod(a, b); });
  addFloatBinary<arith::MaximumFOp>(registry, maximum);
  addFloatBinary<arith::MinimumFOp>(registry, minimum);
  addFloatBinary<arith::MaxNumFOp>(registry, maxNum);
  addFloatBinary<arith::MinNumFOp>(registry, minNum);
  addFloatUnary<arith::NegFOp>(registry, [](D a) { return -a; });

  registry.add<math::FmaOp>([](Frame &frame, math::FmaOp op) {
    Type type = getResultElement(op);
    bool single = type.isF32() && !frame.isExact();
    mapElements(frame, op, [&](ArrayRef<Sequence> in, size_t i) {
      double a = in[0][i].f, b = in[1][i].f, c = in[2][i].f;
      if (single)
        return makeFloat(std::fma(float(a), float(b), float(c)));
      return makeFloat(frame.round(type, std::fma(a, b, c)));
    });
    return success();
  });
  registry.add<math::ClampFOp>([](Frame &frame, math::ClampFOp op) {
    mapElements(frame, op, [&](ArrayRef<Sequence> in, size_t i) {
      return makeFloat(minimum(maximum(in[0][i].f, in[1][i].f), in[2][i].f));
    });
    return success();
  });
  registry.add<arith::CmpFOp>([](Frame &frame, arith::CmpFOp op) {
    mapElements(frame, op, [&](ArrayRef<Sequence> in, size_t i) {
      return makeInt(compare(op.getPredicate(), in[0][i].f, in[1][i].f));
    });
    return success();
  });
}

/// Adds a test of floats.
template <typename OpT, typename Fn>
static void addTest(Registry &registry, Fn test) {
  registry.add<OpT>([test](Frame &frame, OpT op) {
    mapElements(frame, op, [&](ArrayRef<Sequence> in, size_t i) {
      return makeInt(test(in[0][i].f));
    });
    return success();
  });
}

static void addFunctions(Registry &registry) {
  using D = double;
  addFloatUnary<math::AbsFOp>(registry, [](D x) { return std::fabs(x); });
  addFloatUnary<math::AcosOp>(registry, [](D x) { return std::acos(x); });
  addFloatUnary<math::AcoshOp>(registry, [](D x) { return std::acosh(x); });
  addFloatUnary<math::AsinOp>(registry, [](D x) { return std::asin(x); });
  addFloatUnary<math::AsinhOp>(registry, [](D x) { return std::asinh(x); });
  addFloatUnary<math::AtanOp>(registry, [](D x) { return std::atan(x); });
  addFloatUnary<math::AtanhOp>(registry, [](D x) { return std::atanh(x); });
  addFloatUnary<math::CbrtOp>(registry, [](D x) { return std::cbrt(x); });
  addFloatUnary<math::CeilOp>(registry, [](D x) { return std::ceil(x); });
  addFloatUnary<math::CosOp>(registry, [](D x) { return std::cos(x); });
  addFloatUnary<math::CoshOp>(registry, [](D x) { return std::cosh(x); });
  addFloatUnary<math::ErfOp>(registry, [](D x) { return std::erf(x); });
  addFloatUnary<math::ErfcOp>(registry, [](D x) { return std::erfc(x); });
  addFloatUnary<math::ExpOp>(registry, [](D x) { return std::exp(x); });
  addFloatUnary<math::Exp2Op>(registry, [](D x) { return std::exp2(x); });
  addFloatUnary<math::ExpM1Op>(registry, [](D x) { return std::expm1(x); });
  addFloatUnary<math::FloorOp>(registry, [](D x) { return std::floor(x); });
  addFloatUnary<math::LogOp>(registry, [](D x) { return std::log(x); });
  addFloatUnary<math::Log10Op>(registry, [](D x) { return std::log10(x); });
  addFloatUnary<math::Log1pOp>(registry, [](D x) { return std::log1p(x); });
  addFloatUnary<math::Log2Op>(registry, [](D x) { return std::log2(x); });
  addFloatUnary<math::RoundOp>(registry, [](D x) { return std::round(x); });
  addFloatUnary<math::RoundEvenOp>(registry,
                                   [](D x) { return std::nearbyint(x); });
  addFloatUnary<math::RsqrtOp>(registry, [](D x) { return 1 / std::sqrt(x); });
  addFloatUnary<math::SinOp>(registry, [](D x) { return std::sin(x); });
  addFloatUnary<math::SinhOp>(registry, [](D x) { return std::sinh(x); });
  addFloatUnary<math::SqrtOp>(registry, [](D x) { return std::sqrt(x); });
  addFloatUnary<math::TanOp>(registry, [](D x) { return std::tan(x); });
  addFloatUnary<math::TanhOp>(registry, [](D x) { return std::tanh(x); });
  addFloatUnary<math::TruncOp>(registry, [](D x) { return std::trunc(x); });
  addFloatBinary<math::Atan2Op>(registry,
                                [](D y, D x) { return std::atan2(y, x); });
  addFloatBinary<math::CopySignOp>(
      registry, [](D x, D sign) { return std::copysign(x, sign); });
  addFloatBinary<math::PowFOp>(registry,
                               [](D x, D y) { return std::pow(x, y); });

  registry.add<math::FPowIOp>([](Frame &frame, math::FPowIOp op) {
    Type type = getResultElement(op);
    unsigned width = getIntegerWidth(getOperandElement(op, 1));
    mapElements(frame, op, [&](ArrayRef<Sequence> in, size_t i) {
      double exponent = double(llvm::SignExtend64(in[1][i].i, width));
      return makeFloat(frame.round(type, std::pow(in[0][i].f, exponent)));
    });
    return success();
  });
  addTest<math::IsFiniteOp>(registry, [](D x) { return std::isfinite(x); });
  addTest<math::IsInfOp>(registry, [](D x) { return std::isinf(x); });
  addTest<math::IsNaNOp>(registry, [](D x) { return std::isnan(x); });
}

void heddle::reference::addFloatOps(Registry &registry) {
  addArithmetic(registry);
  addFunctions(registry);
}
