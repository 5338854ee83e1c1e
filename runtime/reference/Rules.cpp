//===- Rules.cpp - What many operations require ---------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "reference/Rules.h"

#include "reference/Combine.h"

#include <algorithm>
#include <fmt/format.h>

using namespace heddle;
using namespace heddle::reference;

const NumberClass heddle::reference::floats = {
    "floats", [](NumberType type) { return type.isFloat(); }};
const NumberClass heddle::reference::integers = {
    "integers", [](NumberType type) { return !type.isFloat(); }};

std::string heddle::reference::verifyCounts(const Site &site, size_t operands,
                                            size_t results) {
  if (site.getNumOperands() == operands && site.getNumResults() == results)
    return "";
  return fmt::format("expected {} operands and {} results, found {} and {}",
                     operands, results, site.getNumOperands(),
                     site.getNumResults());
}

static bool isNumbers(const Type &type, NumberClass numbers) {
  return type.form != Form::View && numbers.contains(type.element);
}

std::string heddle::reference::verifyAlike(const Site &site, size_t count,
                                           NumberClass numbers) {
  if (std::string wrong = verifyCounts(site, count, 1); !wrong.empty())
    return wrong;
  for (size_t i = 0; i < count; ++i)
    if (site.operand(i) != site.result() || !isNumbers(site.result(), numbers))
      return fmt::format("expected operands and a result of one type of {}, "
                         "found {} and {}",
                         numbers.name, site.operand(i).getName(),
                         site.result().getName());
  return "";
}

Rule heddle::reference::alike(size_t count, NumberClass numbers) {
  return [=](const Site &site) { return verifyAlike(site, count, numbers); };
}

/// Whether both are numbers, or tiles of one shape.
static bool haveSameShape(const Type &a, const Type &b) {
  return a.form == b.form && a.form != Form::View && a.shape == b.shape;
}

Rule heddle::reference::converts(NumberClass from, NumberClass to) {
  return [=](const Site &site) -> std::string {
    if (std::string wrong = verifyCounts(site, 1, 1); !wrong.empty())
      return wrong;
    if (isNumbers(site.operand(0), from) && isNumbers(site.result(), to) &&
        haveSameShape(site.operand(0), site.result()))
      return "";
    return fmt::format("expected {} that become {}, found {} and {}", from.name,
                       to.name, site.operand(0).getName(),
                       site.result().getName());
  };
}

std::string heddle::reference::verifyTest(const Site &site, size_t count,
                                          NumberClass numbers) {
  if (std::string wrong = verifyCounts(site, count, 1); !wrong.empty())
    return wrong;
  for (size_t i = 0; i < count; ++i)
    if (!isNumbers(site.operand(i), numbers) ||
        site.operand(i) != site.operand(0))
      return fmt::format("expected operands of one type of {}, found {}",
                         numbers.name, site.operand(i).getName());
  if (!site.result().element.isInteger(1) ||
      !haveSameShape(site.operand(0), site.result()))
    return fmt::format("expected a result of i1 for {}, found {}",
                       site.operand(0).getName(), site.result().getName());
  return "";
}

std::string heddle::reference::verifyIndices(const Site &site, size_t first,
                                             size_t last) {
  for (size_t i = first; i < last; ++i)
    if (!site.operand(i).isIndex())
      return fmt::format("expected operand {} to be an index, found {}", i,
                         site.operand(i).getName());
  return "";
}

Type heddle::reference::getWithoutAxis(const Type &tile, int64_t axis) {
  if (tile.shape.size() == 1)
    return {.form = Form::Scalar, .element = tile.element};
  Type rest = tile;
  rest.shape.erase(rest.shape.begin() + axis);
  return rest;
}

std::string heddle::reference::verifyAxis(const Type &tile, int64_t axis) {
  if (tile.form == Form::Tile && axis >= 0 && axis < int64_t(tile.shape.size()))
    return "";
  return fmt::format("{} has no axis {}", tile.getName(), axis);
}

std::string heddle::reference::verifyReduceKind(int64_t kind, NumberType type) {
  auto most = int64_t(type.isFloat() ? ReduceKind::Min : ReduceKind::Xor);
  if (kind >= 0 && kind <= most)
    return "";
  return fmt::format("expected a kind in 0..{}, found {}", most, kind);
}

std::vector<Type>
heddle::reference::getTypes(const Site &site,
                            std::span<const uint32_t> values) {
  std::vector<Type> types;
  for (uint32_t value : values)
    types.push_back(site.getType(value));
  return types;
}

std::string heddle::reference::verifyRegion(
    const Site &site, const Region &region, const std::vector<Type> &arguments,
    std::string_view name, const std::vector<Type> &yielded, size_t skipped) {
  if (region.operations.empty())
    return "expected a region with a block";
  if (getTypes(site, region.arguments) != arguments)
    return "the arguments of a region are not of the types of what it gets";
  const Operation &last = region.operations.back();
  if (last.definition->name != name)
    return fmt::format("expected a region that ends with {}, found {}", name,
                       last.definition->name);
  if (last.operands.size() < skipped ||
      getTypes(site, std::span(last.operands).subspan(skipped)) != yielded)
    return "a region does not pass on values of the right types";
  return "";
}

std::string heddle::reference::verifySlice(const Site &site, size_t first,
                                           size_t rank) {
  const Ints &segments = site.op.getInts("operandSegmentSizes");
  if (segments.size() < 3)
    return "expected segments of operands";
  size_t next = first;
  const char *names[] = {"static_offsets", "static_sizes", "static_strides"};
  for (size_t i = 0; i < 3; ++i) {
    const Ints &numbers = site.op.getInts(names[i]);
    int64_t operands = segments[segments.size() - 3 + i];
    if (numbers.size() != rank ||
        std::ranges::count(numbers, dynamic) != operands)
      return fmt::format("expected {} numbers or operands as {}", rank,
                         names[i]);
    next += size_t(operands);
  }
  if (next != site.getNumOperands())
    return fmt::format("expected {} operands, found {}", next,
                       site.getNumOperands());
  return verifyIndices(site, first, next);
}
