//===- ReduceOps.cpp - Sums, products and extrema along an axis -----------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Reference/Interpreter.h"

#include "llvm/Support/MathExtras.h"

#include <cmath>

using namespace mlir;
using namespace heddle::reference;
using heddle::tile::ReduceKind;

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
  llvm_unreachable("the verifier rejects bitwise reductions of floats");
}

static uint64_t combineInts(ReduceKind kind, uint64_t a, uint64_t b,
                            unsigned width) {
  int64_t sa = llvm::SignExtend64(a, width), sb = llvm::SignExtend64(b, width);
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
  llvm_unreachable("all kinds are handled");
}

static LogicalResult runReduce(Frame &frame, heddle::tile::ReduceOp op) {
  const auto &x = frame.getTile(op.getX());
  auto result = frame.getTile(op.getInit());
  Type type = result.elementType;
  const FloatFormat *format = FloatFormat::get(type);
  unsigned width = format ? 0 : getIntegerWidth(type);
  // The tile is outer x extent x inner, and the result outer x inner.
  int64_t extent = x.shape[op.getAxis()], inner = 1;
  for (int64_t dim = op.getAxis() + 1; dim < x.getRank(); ++dim)
    inner *= x.shape[dim];
  for (size_t i = 0; i < x.elements.size(); ++i) {
    int64_t outer = int64_t(i) / (extent * inner);
    Element &sum = result.elements[outer * inner + int64_t(i) % inner];
    if (format)
      sum.f = frame.round(type,
                          combineFloats(op.getKind(), sum.f, x.elements[i].f));
    else
      sum.i = combineInts(op.getKind(), sum.i, x.elements[i].i, width) &
              llvm::maskTrailingOnes<uint64_t>(width);
  }
  frame.setTile(op, std::move(result));
  return success();
}

void heddle::reference::addReduceOps(Registry &registry) {
  registry.add<tile::ReduceOp>(runReduce);
}
