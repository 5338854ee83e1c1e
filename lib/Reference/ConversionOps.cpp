//===- ConversionOps.cpp - From one element type to another ---------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Reference/Elementwise.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace heddle::reference;

/// Adds an operation whose result is the operand, rounded or masked to its new
/// type after `convert(element, operand type)`.
template <typename OpT, typename Fn>
static void addToFloat(Registry &registry, Fn convert) {
  registry.add<OpT>([convert](Frame &frame, OpT op) {
    Type from = getOperandElement(op), to = getResultElement(op);
    mapElements(frame, op, [&](ArrayRef<Sequence> in, size_t i) {
      return makeFloat(frame.round(to, convert(in[0][i], from)));
    });
    return success();
  });
}
template <typename OpT, typename Fn>
static void addIntToInt(Registry &registry, Fn convert) {
  registry.add<OpT>([convert](Frame &frame, OpT op) {
    unsigned from = getIntegerWidth(getOperandElement(op));
    uint64_t mask =
        llvm::maskTrailingOnes<uint64_t>(getIntegerWidth(getResultElement(op)));
    mapElements(frame, op, [&](ArrayRef<Sequence> in, size_t i) {
      return makeInt(convert(in[0][i].i, from) & mask);
    });
    return success();
  });
}

/// Adds a conversion that truncates towards zero. What does not fit is poison
/// in MLIR; here it saturates and NaN is 0, as with PTX `cvt.rzi`.
template <typename OpT, bool isSigned>
static void addFloatToInt(Registry &registry) {
  registry.add<OpT>([](Frame &frame, OpT op) {
    unsigned width = getIntegerWidth(getResultElement(op));
    uint64_t mask = llvm::maskTrailingOnes<uint64_t>(width);
    double limit = std::ldexp(1.0, isSigned ? width - 1 : width);
    uint64_t largest = isSigned ? mask >> 1 : mask;
    uint64_t smallest = isSigned ? largest + 1 : 0;
    mapElements(frame, op, [&](ArrayRef<Sequence> in, size_t i) {
      double x = std::trunc(in[0][i].f);
      if (std::isnan(x))
        return makeInt(0);
      if (x >= limit)
        return makeInt(largest);
      if (x < (isSigned ? -limit : 0.0))
        return makeInt(smallest);
      return makeInt((isSigned ? uint64_t(int64_t(x)) : uint64_t(x)) & mask);
    });
    return success();
  });
}

void heddle::reference::addConversionOps(Registry &registry) {
  auto keep = [](Element x, Type) { return x.f; };
  addToFloat<arith::ExtFOp>(registry, keep);
  addToFloat<arith::TruncFOp>(registry, keep);
  addToFloat<arith::SIToFPOp>(registry, [](Element x, Type from) {
    return double(llvm::SignExtend64(x.i, getIntegerWidth(from)));
  });
  addToFloat<arith::UIToFPOp>(registry,
                              [](Element x, Type) { return double(x.i); });
  addFloatToInt<arith::FPToSIOp, true>(registry);
  addFloatToInt<arith::FPToUIOp, false>(registry);

  auto zeroExtend = [](uint64_t x, unsigned) { return x; };
  auto signExtend = [](uint64_t x, unsigned width) -> uint64_t {
    return llvm::SignExtend64(x, width);
  };
  addIntToInt<arith::ExtUIOp>(registry, zeroExtend);
  addIntToInt<arith::ExtSIOp>(registry, signExtend);
  addIntToInt<arith::TruncIOp>(registry, zeroExtend);
  addIntToInt<arith::IndexCastUIOp>(registry, zeroExtend);
  addIntToInt<arith::IndexCastOp>(registry, signExtend);

  // Bits exist only in storage, so an exact float is rounded to have some.
  registry.add<arith::BitcastOp>([](Frame &frame, arith::BitcastOp op) {
    Type from = getOperandElement(op), to = getResultElement(op);
    mapElements(frame, op, [&](ArrayRef<Sequence> in, size_t i) {
      std::byte bytes[8] = {};
      storeElement(from, in[0][i], bytes);
      return loadElement(to, bytes);
    });
    return success();
  });
}
