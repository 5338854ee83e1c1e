//===- IntegerOps.cpp - Arithmetic on integers and index ------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Reference/Elementwise.h"

#include <bit>

using namespace mlir;
using namespace heddle::reference;

static int64_t sext(uint64_t value, unsigned width) {
  return llvm::SignExtend64(value, width);
}

/// Adds a division; a zero divisor is an error. `compute` takes sign-extended
/// or zero-extended operands, and the operands are never the smallest number
/// and minus one, whose quotient does not fit and wraps.
template <typename OpT, bool isSigned, typename Fn>
static void addDivision(Registry &registry, Fn compute) {
  registry.add<OpT>([compute](Frame &frame, OpT op) -> LogicalResult {
    unsigned width = getIntegerWidth(getResultElement(op));
    uint64_t mask = llvm::maskTrailingOnes<uint64_t>(width);
    bool dividedByZero = false;
    mapElements(frame, op, [&](ArrayRef<Sequence> in, size_t i) {
      uint64_t a = in[0][i].i, b = in[1][i].i;
      if (b == 0) {
        dividedByZero = true;
        return makeInt(0);
      }
      if constexpr (isSigned) {
        // a / -1 is -a without overflow, and the remainder is 0.
        if (b == mask)
          return makeInt((compute(int64_t(1), int64_t(-1)) == 0 ? 0 : -a) &
                         mask);
        return makeInt(compute(sext(a, width), sext(b, width)) & mask);
      } else {
        return makeInt(compute(a, b) & mask);
      }
    });
    if (dividedByZero)
      return frame.error(op) << "division by zero";
    return success();
  });
}

static int64_t floorDiv(int64_t a, int64_t b) {
  return a / b - (a % b != 0 && (a < 0) != (b < 0));
}
static int64_t ceilDiv(int64_t a, int64_t b) {
  return a / b + (a % b != 0 && (a < 0) == (b < 0));
}

static void addDivisions(Registry &registry) {
  using I = int64_t;
  using U = uint64_t;
  addDivision<arith::DivSIOp, true>(registry, [](I a, I b) { return a / b; });
  addDivision<arith::DivUIOp, false>(registry, [](U a, U b) { return a / b; });
  addDivision<arith::RemSIOp, true>(registry, [](I a, I b) { return a % b; });
  addDivision<arith::RemUIOp, false>(registry, [](U a, U b) { return a % b; });
  addDivision<arith::FloorDivSIOp, true>(registry, floorDiv);
  addDivision<arith::CeilDivSIOp, true>(registry, ceilDiv);
  addDivision<arith::CeilDivUIOp, false>(
      registry, [](U a, U b) { return a / b + (a % b != 0); });
}

/// Shifts by the width or more are poison in MLIR; here they shift everything
/// out, as the GPU does.
static void addShifts(Registry &registry) {
  addIntBinary<arith::ShLIOp>(registry, [](uint64_t a, uint64_t b, unsigned w) {
    return b >= w ? 0 : a << b;
  });
  addIntBinary<arith::ShRUIOp>(
      registry,
      [](uint64_t a, uint64_t b, unsigned w) { return b >= w ? 0 : a >> b; });
  addIntBinary<arith::ShRSIOp>(
      registry, [](uint64_t a, uint64_t b, unsigned w) -> uint64_t {
        return sext(a, w) >> std::min<uint64_t>(b, w - 1);
      });
}

static void addMinMax(Registry &registry) {
  using U = uint64_t;
  addIntBinary<arith::MaxUIOp>(
      registry, [](U a, U b, unsigned) { return std::max(a, b); });
  addIntBinary<arith::MinUIOp>(
      registry, [](U a, U b, unsigned) { return std::min(a, b); });
  addIntBinary<arith::MaxSIOp>(registry, [](U a, U b, unsigned w) {
    return sext(a, w) > sext(b, w) ? a : b;
  });
  addIntBinary<arith::MinSIOp>(registry, [](U a, U b, unsigned w) {
    return sext(a, w) < sext(b, w) ? a : b;
  });
}

static bool compare(arith::CmpIPredicate predicate, uint64_t a, uint64_t b,
                    unsigned width) {
  int64_t sa = sext(a, width), sb = sext(b, width);
  switch (predicate) {
  case arith::CmpIPredicate::eq:
    return a == b;
  case arith::CmpIPredicate::ne:
    return a != b;
  case arith::CmpIPredicate::slt:
    return sa < sb;
  case arith::CmpIPredicate::sle:
    return sa <= sb;
  case arith::CmpIPredicate::sgt:
    return sa > sb;
  case arith::CmpIPredicate::sge:
    return sa >= sb;
  case arith::CmpIPredicate::ult:
    return a < b;
  case arith::CmpIPredicate::ule:
    return a <= b;
  case arith::CmpIPredicate::ugt:
    return a > b;
  case arith::CmpIPredicate::uge:
    return a >= b;
  }
  llvm_unreachable("all predicates are handled");
}

/// `a * b` as 128 bits, cut into two results of the operands' width.
template <typename OpT, typename Wide, typename Extend>
static void addExtendedMultiplication(Registry &registry, Extend extend) {
  registry.add<OpT>([extend](Frame &frame, OpT op) -> LogicalResult {
    if (isa<ShapedType>(op.getLow().getType()))
      return frame.error(op)
             << "the reference runs this operation on scalars only; widen the "
                "tile with arith.extsi or arith.extui and use arith.muli";
    unsigned width = getIntegerWidth(op.getLow().getType());
    Wide product = Wide(extend(frame.getScalar(op.getLhs()).i, width)) *
                   Wide(extend(frame.getScalar(op.getRhs()).i, width));
    frame.setInt(op.getLow(), int64_t(product));
    frame.setInt(op.getHigh(), int64_t(product >> width));
    return success();
  });
}

void heddle::reference::addIntegerOps(Registry &registry) {
  using U = uint64_t;
  addIntBinary<arith::AddIOp>(registry,
                              [](U a, U b, unsigned) { return a + b; });
  addIntBinary<arith::SubIOp>(registry,
                              [](U a, U b, unsigned) { return a - b; });
  addIntBinary<arith::MulIOp>(registry,
                              [](U a, U b, unsigned) { return a * b; });
  addIntBinary<arith::AndIOp>(registry,
                              [](U a, U b, unsigned) { return a & b; });
  addIntBinary<arith::OrIOp>(registry,
                             [](U a, U b, unsigned) { return a | b; });
  addIntBinary<arith::XOrIOp>(registry,
                              [](U a, U b, unsigned) { return a ^ b; });
  addDivisions(registry);
  addShifts(registry);
  addMinMax(registry);
  addExtendedMultiplication<arith::MulUIExtendedOp, unsigned __int128>(
      registry, [](U a, unsigned) { return a; });
  addExtendedMultiplication<arith::MulSIExtendedOp, __int128>(registry, sext);

  addIntUnary<math::AbsIOp>(
      registry, [](U a, unsigned w) { return sext(a, w) < 0 ? -a : a; });
  addIntUnary<math::CtPopOp>(
      registry, [](U a, unsigned) -> U { return std::popcount(a); });
  addIntUnary<math::CountLeadingZerosOp>(registry, [](U a, unsigned w) -> U {
    return std::countl_zero(a) - (64 - w);
  });
  addIntUnary<math::CountTrailingZerosOp>(registry, [](U a, unsigned w) -> U {
    return std::min<unsigned>(std::countr_zero(a), w);
  });
  addIntBinary<math::IPowIOp>(registry, [](U a, U b, unsigned w) -> U {
    if (sext(b, w) < 0)
      return sext(a, w) == 1 ? 1 : sext(a, w) == -1 ? (b & 1 ? a : 1) : 0;
    U power = 1;
    for (; b; b >>= 1, a *= a)
      if (b & 1)
        power *= a;
    return power;
  });

  registry.add<arith::CmpIOp>([](Frame &frame, arith::CmpIOp op) {
    unsigned width = getIntegerWidth(getOperandElement(op));
    mapElements(frame, op, [&](ArrayRef<Sequence> in, size_t i) {
      return makeInt(compare(op.getPredicate(), in[0][i].i, in[1][i].i, width));
    });
    return success();
  });
  registry.add<arith::SelectOp>([](Frame &frame, arith::SelectOp op) {
    if (isa<MemRefType>(op.getType())) {
      bool condition = frame.getScalar(op.getCondition()).i;
      RuntimeValue chosen =
          frame.get(condition ? op.getTrueValue() : op.getFalseValue());
      frame.set(op, std::move(chosen));
      return success();
    }
    mapElements(frame, op, [&](ArrayRef<Sequence> in, size_t i) {
      return in[0][i].i ? in[1][i] : in[2][i];
    });
    return success();
  });
}
