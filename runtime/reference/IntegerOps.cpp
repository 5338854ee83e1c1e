//===- IntegerOps.cpp - Arithmetic on integers and index ------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "reference/Elementwise.h"

#include <algorithm>
#include <bit>
#include <fmt/format.h>

using namespace heddle::reference;

static int64_t sext(uint64_t value, unsigned width) {
  return signExtend(value, width);
}

/// Adds a division; a zero divisor is an error. `compute` takes sign-extended
/// or zero-extended operands, and the operands are never the smallest number
/// and minus one, whose quotient does not fit and wraps.
template <bool isSigned, typename Fn>
static void addDivision(Registry &registry, const char *name, Fn compute) {
  registry.add(
      name, alike(2, integers), [compute](Frame &frame, const Operation &op) {
        unsigned width = getResultElement(frame, op).width;
        uint64_t mask = getMask(width);
        bool dividedByZero = false;
        mapElements(frame, op, [&](const Sequences &in, size_t i) {
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
        return !dividedByZero || frame.error(op, "division by zero");
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
  addDivision<true>(registry, "arith.divsi", [](I a, I b) { return a / b; });
  addDivision<false>(registry, "arith.divui", [](U a, U b) { return a / b; });
  addDivision<true>(registry, "arith.remsi", [](I a, I b) { return a % b; });
  addDivision<false>(registry, "arith.remui", [](U a, U b) { return a % b; });
  addDivision<true>(registry, "arith.floordivsi", floorDiv);
  addDivision<true>(registry, "arith.ceildivsi", ceilDiv);
  addDivision<false>(registry, "arith.ceildivui",
                     [](U a, U b) { return a / b + (a % b != 0); });
}

/// Shifts by the width or more are poison in MLIR; here they shift everything
/// out, as the GPU does.
static void addShifts(Registry &registry) {
  addIntBinary(registry, "arith.shli", [](uint64_t a, uint64_t b, unsigned w) {
    return b >= w ? 0 : a << b;
  });
  addIntBinary(registry, "arith.shrui", [](uint64_t a, uint64_t b, unsigned w) {
    return b >= w ? 0 : a >> b;
  });
  addIntBinary(registry, "arith.shrsi",
               [](uint64_t a, uint64_t b, unsigned w) -> uint64_t {
                 return sext(a, w) >> std::min<uint64_t>(b, w - 1);
               });
}

static void addMinMax(Registry &registry) {
  using U = uint64_t;
  addIntBinary(registry, "arith.maxui",
               [](U a, U b, unsigned) { return std::max(a, b); });
  addIntBinary(registry, "arith.minui",
               [](U a, U b, unsigned) { return std::min(a, b); });
  addIntBinary(registry, "arith.maxsi", [](U a, U b, unsigned w) {
    return sext(a, w) > sext(b, w) ? a : b;
  });
  addIntBinary(registry, "arith.minsi", [](U a, U b, unsigned w) {
    return sext(a, w) < sext(b, w) ? a : b;
  });
}

/// `arith.cmpi`'s predicates, in the order of their numbers.
enum Predicate : int64_t { EQ, NE, SLT, SLE, SGT, SGE, ULT, ULE, UGT, UGE };

static bool compare(int64_t predicate, uint64_t a, uint64_t b, unsigned width) {
  int64_t sa = sext(a, width), sb = sext(b, width);
  switch (predicate) {
  case EQ:
    return a == b;
  case NE:
    return a != b;
  case SLT:
    return sa < sb;
  case SLE:
    return sa <= sb;
  case SGT:
    return sa > sb;
  case SGE:
    return sa >= sb;
  case ULT:
    return a < b;
  case ULE:
    return a <= b;
  case UGT:
    return a > b;
  default:
    return a >= b;
  }
}

static std::string verifyCompare(const Site &site) {
  if (uint64_t(site.op.getInt("predicate")) > UGE)
    return fmt::format("expected a predicate in 0..{}, found {}", int64_t(UGE),
                       site.op.getInt("predicate"));
  return verifyTest(site, 2, integers);
}

/// `a * b` as 128 bits, cut into two results of the operands' width.
template <typename Wide, typename Extend>
static void addExtendedMultiplication(Registry &registry, const char *name,
                                      Extend extend) {
  registry.add(
      name,
      [](const Site &site) -> std::string {
        if (std::string wrong = verifyCounts(site, 2, 2); !wrong.empty())
          return wrong;
        const Type &type = site.operand(0);
        if (type.form == Form::Tile)
          return "the reference runs this operation on scalars only; widen the "
                 "tile with arith.extsi or arith.extui and use arith.muli";
        if (type != site.operand(1) || type != site.result(0) ||
            type != site.result(1) || type.form != Form::Scalar ||
            type.element.isFloat())
          return "expected two operands and two results of one integer type";
        return "";
      },
      [extend](Frame &frame, const Operation &op) {
        unsigned width = getResultElement(frame, op).width;
        auto product =
            (unsigned __int128)(Wide(extend(frame.getScalar(op.operands[0]).i,
                                            width)) *
                                Wide(extend(frame.getScalar(op.operands[1]).i,
                                            width)));
        frame.setInt(op.results[0], int64_t(product));
        frame.setInt(op.results[1], int64_t(product >> width));
        return true;
      });
}

/// A condition, or a tile of them, and two values of any one type.
static std::string verifySelect(const Site &site) {
  if (std::string wrong = verifyCounts(site, 3, 1); !wrong.empty())
    return wrong;
  const Type &condition = site.operand(0), &type = site.result();
  if (site.operand(1) != type || site.operand(2) != type)
    return "expected two values of the result's type";
  bool perElement = condition.form == Form::Tile && type.form == Form::Tile &&
                    condition.shape == type.shape;
  if (!condition.element.isInteger(1) ||
      !(condition.form == Form::Scalar || perElement))
    return fmt::format("expected a condition of i1, found {}",
                       condition.getName());
  return "";
}

void heddle::reference::addIntegerOps(Registry &registry) {
  using U = uint64_t;
  addIntBinary(registry, "arith.addi",
               [](U a, U b, unsigned) { return a + b; });
  addIntBinary(registry, "arith.subi",
               [](U a, U b, unsigned) { return a - b; });
  addIntBinary(registry, "arith.muli",
               [](U a, U b, unsigned) { return a * b; });
  addIntBinary(registry, "arith.andi",
               [](U a, U b, unsigned) { return a & b; });
  addIntBinary(registry, "arith.ori", [](U a, U b, unsigned) { return a | b; });
  addIntBinary(registry, "arith.xori",
               [](U a, U b, unsigned) { return a ^ b; });
  addDivisions(registry);
  addShifts(registry);
  addMinMax(registry);
  addExtendedMultiplication<unsigned __int128>(registry, "arith.mului_extended",
                                               [](U a, unsigned) { return a; });
  addExtendedMultiplication<__int128>(registry, "arith.mulsi_extended", sext);

  addIntUnary(registry, "math.absi",
              [](U a, unsigned w) { return sext(a, w) < 0 ? -a : a; });
  addIntUnary(registry, "math.ctpop",
              [](U a, unsigned) -> U { return std::popcount(a); });
  addIntUnary(registry, "math.ctlz", [](U a, unsigned w) -> U {
    return std::countl_zero(a) - (64 - w);
  });
  addIntUnary(registry, "math.cttz", [](U a, unsigned w) -> U {
    return std::min<unsigned>(std::countr_zero(a), w);
  });
  addIntBinary(registry, "math.ipowi", [](U a, U b, unsigned w) -> U {
    if (sext(b, w) < 0)
      return sext(a, w) == 1 ? 1 : sext(a, w) == -1 ? (b & 1 ? a : 1) : 0;
    U power = 1;
    for (; b; b >>= 1, a *= a)
      if (b & 1)
        power *= a;
    return power;
  });

  registry.add(
      {.name = "arith.cmpi",
       .attributes = {{"predicate", AttributeKind::Int}},
       .verify = verifyCompare,
       .run = [](Frame &frame, const Operation &op) {
         int64_t predicate = op.getInt("predicate");
         unsigned width = getOperandElement(frame, op).width;
         return mapElements(frame, op, [&](const Sequences &in, size_t i) {
           return makeInt(compare(predicate, in[0][i].i, in[1][i].i, width));
         });
       }});
  registry.add(
      "arith.select", verifySelect, [](Frame &frame, const Operation &op) {
        if (frame.getType(op.results[0]).form == Form::View) {
          bool condition = frame.getScalar(op.operands[0]).i;
          frame.set(op.results[0],
                    RuntimeValue(frame.get(op.operands[condition ? 1 : 2])));
          return true;
        }
        return mapElements(frame, op, [&](const Sequences &in, size_t i) {
          return in[0][i].i ? in[1][i] : in[2][i];
        });
      });
}
