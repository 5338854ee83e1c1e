//===- Program.cpp - Programs in a form that needs no MLIR ----------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "reference/Program.h"

#include "heddle/Runtime/MakeError.h"
#include "reference/Limits.h"
#include "reference/Registry.h"

#include <algorithm>

// Not all of heddle, which has another Program.
using namespace heddle::reference;
using heddle::ErrorKind;
using heddle::Expected;
using heddle::makeError;
using heddle::maxTileElements;

//===----------------------------------------------------------------------===//
// Types
//===----------------------------------------------------------------------===//

int64_t Type::getNumElements() const {
  // Other extents may be anything if one is 0.
  if (std::ranges::count(shape, 0) != 0)
    return 0;
  int64_t count = 1;
  for (int64_t extent : shape)
    count *= extent;
  return count;
}

std::string Type::getName() const {
  std::string text;
  for (int64_t extent : shape)
    text += extent == dynamic ? "?x" : fmt::format("{}x", extent);
  return text + element.getName();
}

std::string heddle::reference::verifyType(const Type &type) {
  bool isView = type.form == Form::View;
  size_t rank = type.shape.size(), largest = isView ? maxViewRank : maxTileRank;
  if (type.form == Form::Scalar)
    return rank == 0 && type.strides.empty()
               ? ""
               : "expected a number without a shape";
  if (rank > largest)
    return fmt::format("expected at most {} dimensions", largest);
  if (isView != (type.strides.size() == rank) && rank != 0)
    return "expected a stride for each dimension of a view";
  for (int64_t extent : type.shape)
    if (extent < 0 && !(isView && extent == dynamic))
      return "expected extents of 0 or more";
  if (isView || std::ranges::count(type.shape, 0) != 0)
    return "";
  int64_t left = maxTileElements;
  for (int64_t extent : type.shape)
    left /= extent;
  if (left == 0)
    return fmt::format("expected a tile of at most {} elements",
                       maxTileElements);
  return "";
}

//===----------------------------------------------------------------------===//
// Operations
//===----------------------------------------------------------------------===//

// Here, since a region is not yet complete in the header.
Operation::Operation() = default;
Operation::Operation(Operation &&) = default;
Operation &Operation::operator=(Operation &&) = default;
Operation::~Operation() = default;

const Attribute *Operation::find(std::string_view name) const {
  for (const auto &[key, attribute] : attributes)
    if (key == name)
      return &attribute;
  return nullptr;
}

int64_t Operation::getInt(std::string_view name, int64_t otherwise) const {
  const Attribute *attribute = find(name);
  return attribute ? std::get<int64_t>(*attribute) : otherwise;
}

const Ints &Operation::getInts(std::string_view name) const {
  return std::get<Ints>(*find(name));
}

const std::string &Operation::getString(std::string_view name) const {
  return std::get<std::string>(*find(name));
}

const Numbers &Operation::getNumbers(std::string_view name) const {
  return std::get<Numbers>(*find(name));
}

//===----------------------------------------------------------------------===//
// Programs
//===----------------------------------------------------------------------===//

const Function *Program::findKernel(std::string_view name) const {
  for (const Function &function : functions)
    if (function.isKernel && function.name == name)
      return &function;
  return nullptr;
}

Expected<const Function *> Program::findHost(std::string_view name) const {
  std::vector<std::string_view> names;
  const Function *only = nullptr;
  for (const Function &function : functions) {
    if (function.isKernel)
      continue;
    if (function.name == name)
      return &function;
    only = &function;
    names.push_back(function.name);
  }
  if (name.empty() && names.size() == 1)
    return only;
  if (name.empty())
    return makeError(ErrorKind::InvalidInput,
                     "expected the name of a host function; there are: {}",
                     fmt::join(names, ", "));
  return makeError(ErrorKind::InvalidInput,
                   "the reference has no host function '{}'; it has: {}", name,
                   fmt::join(names, ", "));
}

std::string Program::format(Location location) const {
  if (location.line == 0 || location.file >= files.size())
    return "";
  return fmt::format("{}:{}:{}", files[location.file], location.line,
                     location.column);
}

std::string heddle::reference::verifyOperation(const Program &program,
                                               const Function &function,
                                               const Operation &op) {
  const Definition &definition = *op.definition;
  if (op.regions.size() < definition.minRegions ||
      op.regions.size() > definition.maxRegions)
    return fmt::format("expected {} regions or more, and at most {}, found {}",
                       definition.minRegions, definition.maxRegions,
                       op.regions.size());
  for (const AttributeSpec &spec : definition.attributes) {
    const Attribute *attribute = op.find(spec.name);
    if (!attribute && spec.isRequired)
      return fmt::format("expected attribute '{}'", spec.name);
    if (attribute && attribute->index() != size_t(spec.kind))
      return fmt::format("attribute '{}' is of another kind", spec.name);
  }
  if (definition.isTerminator)
    return op.results.empty() ? "" : "expected no results";
  return definition.verify(Site{program, function, op});
}
