//===- Combine.cpp - How reductions combine two elements ------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "reference/Combine.h"

#include <cmath>

using namespace heddle::reference;

static double combineFloats(ReduceKind kind, double a, double b) {
  switch (kind) {
  case ReduceKind::Add:
    return a + b;
  case ReduceKind::Mul:
    return a * b;
  case ReduceKind::Max:
    return std::fmax(a, b);
  case ReduceKind::Min:
    return std::fmin(a, b);
  case ReduceKind::And:
  case ReduceKind::Or:
  case ReduceKind::Xor:
    break;
  }
  // The rules reject bitwise reductions of floats.
  return a;
}

static uint64_t combineInts(ReduceKind kind, uint64_t a, uint64_t b,
                            unsigned width) {
  int64_t sa = signExtend(a, width), sb = signExtend(b, width);
  switch (kind) {
  case ReduceKind::Add:
    return a + b;
  case ReduceKind::Mul:
    return a * b;
  case ReduceKind::Max:
    return sa > sb ? a : b;
  case ReduceKind::Min:
    return sa < sb ? a : b;
  case ReduceKind::And:
    return a & b;
  case ReduceKind::Or:
    return a | b;
  case ReduceKind::Xor:
    return a ^ b;
  }
  return a;
}

Element heddle::reference::combine(ReduceKind kind, NumberType type, Element a,
                                   Element b, Rounding round) {
  if (type.isFloat())
    return makeFloat(round(combineFloats(kind, a.f, b.f)));
  return makeInt(combineInts(kind, a.i, b.i, type.width) & getMask(type.width));
}
