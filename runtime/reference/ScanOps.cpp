//===- ScanOps.cpp - Running sums and recurrences along an axis -----------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "reference/Combine.h"
#include "reference/Rules.h"

#include <fmt/format.h>
#include <limits>

using namespace heddle::reference;

/// What floats are computed in: f32 if they have fewer bits.
static NumberType getComputeType(NumberType type) {
  if (!type.isFloat() || type.kind == NumberKind::F64)
    return type;
  return NumberType::floating(NumberKind::F32);
}

/// What combines with any element to that element.
static Element getNeutral(ReduceKind kind, NumberType type) {
  bool isFloat = type.isFloat();
  const double infinity = std::numeric_limits<double>::infinity();
  uint64_t sign = isFloat ? 0 : uint64_t(1) << (type.width - 1);
  switch (kind) {
  case ReduceKind::Mul:
    return isFloat ? makeFloat(1) : makeInt(1);
  case ReduceKind::Max:
    return isFloat ? makeFloat(-infinity) : makeInt(sign);
  case ReduceKind::Min:
    return isFloat ? makeFloat(infinity) : makeInt(sign - 1);
  case ReduceKind::And:
    return makeInt(getMask(type.width));
  case ReduceKind::Add:
  case ReduceKind::Or:
  case ReduceKind::Xor:
    break;
  }
  return isFloat ? makeFloat(0) : makeInt(0);
}

namespace {
/// The lines of a tile along an axis, numbered as the elements of a tile
/// without it.
struct Lines {
  Lines(const Type &type, const Operation &op)
      : isReverse(op.getInt("reverse")) {
    size_t axis = size_t(op.getInt("axis"));
    extent = size_t(type.shape[axis]);
    for (size_t dim = 0; dim < type.shape.size(); ++dim)
      if (dim != axis)
        (dim < axis ? outer : inner) *= size_t(type.shape[dim]);
  }

  size_t getCount() const { return outer * inner; }

  /// Calls `step(line, element)` for every element, those of a line in order.
  template <typename Fn>
  void forEachStep(Fn step) const {
    for (size_t i = 0; i < extent; ++i) {
      size_t place = isReverse ? extent - 1 - i : i;
      for (size_t line = 0; line < getCount(); ++line)
        step(line, (line / inner * extent + place) * inner + line % inner);
    }
  }

  size_t outer = 1, extent, inner = 1;
  bool isReverse;
};
} // namespace

static bool runScan(Frame &frame, const Operation &op) {
  const Tile &x = frame.getTile(op.operands[0]);
  Tile result(*x.type);
  auto kind = ReduceKind(op.getInt("kind"));
  bool exclusive = op.getInt("exclusive");
  NumberType type = x.type->element, wide = getComputeType(type);
  Rounding round = frame.getRounding(type), roundWide = frame.getRounding(wide);
  Lines lines(*x.type, op);
  std::vector<Element> sums(lines.getCount(), getNeutral(kind, type));
  lines.forEachStep([&](size_t line, size_t i) {
    Element before = sums[line];
    sums[line] = combine(kind, wide, before, x.elements[i], roundWide);
    Element element = exclusive ? before : sums[line];
    result.elements[i] = type.isFloat() ? makeFloat(round(element.f)) : element;
  });
  frame.setTile(op.results[0], std::move(result));
  return true;
}

static bool runRecurrence(Frame &frame, const Operation &op) {
  const Tile &a = frame.getTile(op.operands[0]),
             &b = frame.getTile(op.operands[1]);
  Tile result(*a.type);
  std::vector<Element> last = frame.getElements(op.operands[2]);
  bool exclusive = op.getInt("exclusive");
  NumberType type = a.type->element;
  Rounding round = frame.getRounding(type),
           roundWide = frame.getRounding(getComputeType(type));
  Lines(*a.type, op).forEachStep([&](size_t line, size_t i) {
    double before = last[line].f;
    double after =
        roundWide(roundWide(a.elements[i].f * before) + b.elements[i].f);
    last[line] = makeFloat(after);
    result.elements[i] = makeFloat(round(exclusive ? before : after));
  });
  for (Element &element : last)
    element = makeFloat(round(element.f));
  frame.setTile(op.results[0], std::move(result));
  frame.setElements(op.results[1], std::move(last));
  return true;
}

static std::string verifyScan(const Site &site) {
  if (std::string wrong = verifyCounts(site, 1, 1); !wrong.empty())
    return wrong;
  const Type &x = site.operand(0);
  int64_t axis = site.op.getInt("axis");
  if (std::string wrong = verifyAxis(x, axis); !wrong.empty())
    return wrong;
  if (site.result() != x)
    return fmt::format("expected {} to become {}, found {}", x.getName(),
                       x.getName(), site.result().getName());
  return verifyReduceKind(site.op.getInt("kind"), x.element);
}

static std::string verifyRecurrence(const Site &site) {
  if (std::string wrong = verifyCounts(site, 3, 2); !wrong.empty())
    return wrong;
  const Type &a = site.operand(0);
  int64_t axis = site.op.getInt("axis");
  if (std::string wrong = verifyAxis(a, axis); !wrong.empty())
    return wrong;
  if (!a.element.isFloat())
    return fmt::format("expected floats, found {}", a.getName());
  Type rest = getWithoutAxis(a, axis);
  if (site.operand(1) != a || site.result() != a)
    return fmt::format("expected factors, terms and results of one type, found "
                       "{}, {} and {}",
                       a.getName(), site.operand(1).getName(),
                       site.result().getName());
  if (site.operand(2) != rest || site.result(1) != rest)
    return fmt::format("expected {} before the first and after the last, found "
                       "{} and {}",
                       rest.getName(), site.operand(2).getName(),
                       site.result(1).getName());
  return "";
}

void heddle::reference::addScanOps(Registry &registry) {
  AttributeSpec axis = {"axis", AttributeKind::Int};
  AttributeSpec reverse = {"reverse", AttributeKind::Int, /*isRequired=*/false};
  AttributeSpec exclusive = {"exclusive", AttributeKind::Int,
                             /*isRequired=*/false};
  registry.add(
      {.name = "tile.scan",
       .attributes = {{"kind", AttributeKind::Int}, axis, reverse, exclusive},
       .verify = verifyScan,
       .run = runScan});
  registry.add({.name = "tile.recurrence",
                .attributes = {axis, reverse, exclusive},
                .verify = verifyRecurrence,
                .run = runRecurrence});
}
