//===- ConversionOps.cpp - From one element type to another ---------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "reference/Elementwise.h"

#include <cmath>
#include <limits>

using namespace heddle::reference;

/// Adds an operation whose result is the operand, rounded or masked to its new
/// type after `convert(element, operand type)`.
template <typename Fn>
static void addToFloat(Registry &registry, const char *name, NumberClass from,
                       Fn convert) {
  registry.add(
      name, converts(from, floats),
      [convert](Frame &frame, const Operation &op) {
        NumberType from = getOperandElement(frame, op);
        Rounding round = frame.getRounding(getResultElement(frame, op));
        return mapElements(frame, op, [&](const Sequences &in, size_t i) {
          return makeFloat(round(convert(in[0][i], from)));
        });
      });
}
template <typename Fn>
static void addIntToInt(Registry &registry, const char *name, Fn convert) {
  registry.add(name, converts(integers, integers),
               [convert](Frame &frame, const Operation &op) {
                 unsigned from = getOperandElement(frame, op).width;
                 uint64_t mask = getMask(getResultElement(frame, op).width);
                 return mapElements(
                     frame, op, [&](const Sequences &in, size_t i) {
                       return makeInt(convert(in[0][i].i, from) & mask);
                     });
               });
}

/// Adds a conversion that truncates towards zero. What does not fit is poison
/// in MLIR; here it saturates and NaN is 0, as with PTX `cvt.rzi`.
template <bool isSigned>
static void addFloatToInt(Registry &registry, const char *name) {
  registry.add(
      name, converts(floats, integers), [](Frame &frame, const Operation &op) {
        unsigned width = getResultElement(frame, op).width;
        uint64_t mask = getMask(width);
        double limit = std::ldexp(1.0, isSigned ? width - 1 : width);
        uint64_t largest = isSigned ? mask >> 1 : mask;
        uint64_t smallest = isSigned ? largest + 1 : 0;
        return mapElements(frame, op, [&](const Sequences &in, size_t i) {
          double x = std::trunc(in[0][i].f);
          if (std::isnan(x))
            return makeInt(0);
          if (x >= limit)
            return makeInt(largest);
          if (x < (isSigned ? -limit : 0.0))
            return makeInt(smallest);
          return makeInt((isSigned ? uint64_t(int64_t(x)) : uint64_t(x)) &
                         mask);
        });
      });
}

void heddle::reference::addConversionOps(Registry &registry) {
  auto keep = [](Element x, NumberType) { return x.f; };
  addToFloat(registry, "arith.extf", floats, keep);
  addToFloat(registry, "arith.truncf", floats, keep);
  addToFloat(registry, "arith.sitofp", integers,
             [](Element x, NumberType from) {
               return double(signExtend(x.i, from.width));
             });
  addToFloat(registry, "arith.uitofp", integers,
             [](Element x, NumberType) { return double(x.i); });
  addFloatToInt<true>(registry, "arith.fptosi");
  addFloatToInt<false>(registry, "arith.fptoui");

  auto zeroExtend = [](uint64_t x, unsigned) { return x; };
  auto extendSign = [](uint64_t x, unsigned width) -> uint64_t {
    return signExtend(x, width);
  };
  addIntToInt(registry, "arith.extui", zeroExtend);
  addIntToInt(registry, "arith.extsi", extendSign);
  addIntToInt(registry, "arith.trunci", zeroExtend);
  addIntToInt(registry, "arith.index_castui", zeroExtend);
  addIntToInt(registry, "arith.index_cast", extendSign);

  // Bits exist only in storage, so an exact float is rounded to have some.
  constexpr NumberClass numbers = {"numbers", [](NumberType) { return true; }};
  Rule rule = converts(numbers, numbers);
  registry.add(
      "arith.bitcast",
      [rule](const Site &site) -> std::string {
        if (std::string wrong = rule(site); !wrong.empty())
          return wrong;
        if (getByteWidth(site.operand(0).element) !=
            getByteWidth(site.result().element))
          return "expected types of the same width";
        return "";
      },
      [](Frame &frame, const Operation &op) {
        NumberType from = getOperandElement(frame, op);
        NumberType to = getResultElement(frame, op);
        return mapElements(frame, op, [&](const Sequences &in, size_t i) {
          std::byte bytes[8] = {};
          storeElement(from, in[0][i], bytes);
          return loadElement(to, bytes);
        });
      });
}
