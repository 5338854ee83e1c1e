//===- SizeExpression.h - Arithmetic on named sizes -------------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_RUNTIME_TOOLS_HEDDLE_SIZEEXPRESSION_H
#define HEDDLE_RUNTIME_TOOLS_HEDDLE_SIZEEXPRESSION_H

#include "heddle/Runtime/Error.h"
#include "tools/heddle/CommandLine.h"

namespace heddle {

/// The value of an expression of integers, names of `sizes`, + - * / %,
/// parentheses, and the functions ceildiv, min and max: `ceildiv(N, 16) * 2`.
/// Divisions round towards zero. Values that need more than 64 bits are
/// errors.
Expected<int64_t> evaluateSize(std::string_view expression,
                               const NamedSizes &sizes);

} // namespace heddle

#endif // HEDDLE_RUNTIME_TOOLS_HEDDLE_SIZEEXPRESSION_H
