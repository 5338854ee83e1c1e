//===- Combine.h - How reductions combine two elements ----------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_RUNTIME_REFERENCE_COMBINE_H
#define HEDDLE_RUNTIME_REFERENCE_COMBINE_H

#include "reference/Interpreter.h"

namespace heddle::reference {

/// The kinds of `tile.reduce` and `tile.store`, in the order of their numbers.
enum class ReduceKind : int64_t { Add, Mul, Max, Min, And, Or, Xor };

/// `a` combined with `b`, both of `type`. Floats have no bitwise kinds.
Element combine(ReduceKind kind, NumberType type, Element a, Element b,
                Rounding round);

} // namespace heddle::reference

#endif // HEDDLE_RUNTIME_REFERENCE_COMBINE_H
