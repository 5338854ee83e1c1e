//===- Elements.h - Elements of arrays, read and compared -------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_RUNTIME_TOOLS_HEDDLE_ELEMENTS_H
#define HEDDLE_RUNTIME_TOOLS_HEDDLE_ELEMENTS_H

#include "heddle/Runtime/Reference.h"

#include <cstdio>

namespace heddle {

/// How far an element may be from what is expected:
/// `absolute + relative * |expected|`.
struct Tolerance {
  double absolute = 0, relative = 0;
};

/// How the elements of two arrays of one type and shape compare.
struct ElementComparison {
  size_t count = 0, wrong = 0;
  /// The number of the first that is wrong.
  size_t first = 0;
  double maxAbsError = 0;
};

/// Compares numbers: NaN is NaN, and 0 is -0.
ElementComparison compareElements(const HostArray &array,
                                  const HostArray &expected,
                                  Tolerance tolerance);

/// Element `index` as a user reads it.
std::string formatElement(const HostArray &array, size_t index);

/// `[2, 5]`
std::string formatIndex(const HostArray &array, size_t index);

/// Prints the least, the greatest and the mean element in one line.
void summarizeElements(std::FILE *text, const HostArray &array);

} // namespace heddle

#endif // HEDDLE_RUNTIME_TOOLS_HEDDLE_ELEMENTS_H
