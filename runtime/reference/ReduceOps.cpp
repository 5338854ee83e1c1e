//===- ReduceOps.cpp - Sums, products and extrema along an axis -----------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "reference/Combine.h"
#include "reference/Rules.h"

#include <fmt/format.h>

using namespace heddle::reference;

static bool runReduce(Frame &frame, const Operation &op) {
  const Tile &x = frame.getTile(op.operands[0]);
  std::vector<Element> sums = frame.getElements(op.operands[1]);
  NumberType type = x.type->element;
  auto kind = ReduceKind(op.getInt("kind"));
  Rounding round = frame.getRounding(type);
  // The tile is outer x extent x inner, and the result outer x inner.
  size_t axis = size_t(op.getInt("axis"));
  size_t extent = size_t(x.getShape()[axis]), inner = 1;
  for (size_t dim = axis + 1; dim < x.getRank(); ++dim)
    inner *= size_t(x.getShape()[dim]);
  for (size_t i = 0; i < x.elements.size(); ++i) {
    size_t outer = i / (extent * inner);
    Element &sum = sums[outer * inner + i % inner];
    sum = combine(kind, type, sum, x.elements[i], round);
  }
  frame.setElements(op.results[0], std::move(sums));
  return true;
}

static std::string verifyReduce(const Site &site) {
  if (std::string wrong = verifyCounts(site, 2, 1); !wrong.empty())
    return wrong;
  const Type &x = site.operand(0);
  int64_t axis = site.op.getInt("axis");
  if (std::string wrong = verifyAxis(x, axis); !wrong.empty())
    return wrong;
  Type rest = getWithoutAxis(x, axis);
  if (site.operand(1) != rest || site.result() != rest)
    return fmt::format("expected {} to become {}, found {}", x.getName(),
                       rest.getName(), site.result().getName());
  return verifyReduceKind(site.op.getInt("kind"), x.element);
}

void heddle::reference::addReduceOps(Registry &registry) {
  registry.add({.name = "tile.reduce",
                .attributes = {{"kind", AttributeKind::Int},
                               {"axis", AttributeKind::Int}},
                .verify = verifyReduce,
                .run = runReduce});
}
