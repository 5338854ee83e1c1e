//===- Rules.h - What many operations require -------------------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Rules return what is wrong, or nothing. They count operands and results
/// before they look at one.
///
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_RUNTIME_REFERENCE_RULES_H
#define HEDDLE_RUNTIME_REFERENCE_RULES_H

#include "reference/Registry.h"

namespace heddle::reference {

/// A kind of numbers, and what messages call it.
struct NumberClass {
  const char *name;
  bool (*contains)(NumberType);
};
extern const NumberClass floats, integers;

/// That many operands and results.
std::string verifyCounts(const Site &site, size_t operands, size_t results);

/// `count` operands and a result of one type: a number of `numbers`, or a tile
/// of them.
std::string verifyAlike(const Site &site, size_t count, NumberClass numbers);
Rule alike(size_t count, NumberClass numbers);

/// One operand and one result of the same shape.
Rule converts(NumberClass from, NumberClass to);

/// `count` operands of one type, and a result of i1 of that shape.
std::string verifyTest(const Site &site, size_t count, NumberClass numbers);

/// Operands from `first` to `last` are indices.
std::string verifyIndices(const Site &site, size_t first, size_t last);

/// The region has one block with arguments of these types, whose terminator
/// `name` passes on values of those types after `skipped` others.
std::string verifyRegion(const Site &site, const Region &region,
                         const std::vector<Type> &arguments,
                         std::string_view name,
                         const std::vector<Type> &yielded, size_t skipped = 0);

/// A tile without dimension `axis`: a number if it has no other.
Type getWithoutAxis(const Type &tile, int64_t axis);

/// `tile` is one, and has a dimension `axis`.
std::string verifyAxis(const Type &tile, int64_t axis);

/// `kind` is a `ReduceKind` that combines numbers of `type`.
std::string verifyReduceKind(int64_t kind, NumberType type);

/// The types of values.
std::vector<Type> getTypes(const Site &site, std::span<const uint32_t> values);

/// Offsets, sizes and strides of a part of something of rank `rank`, whose
/// operands start at `first` and are the last ones.
std::string verifySlice(const Site &site, size_t first, size_t rank);

} // namespace heddle::reference

#endif // HEDDLE_RUNTIME_REFERENCE_RULES_H
