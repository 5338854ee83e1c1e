//===- Elementwise.h - Operations on scalars and tiles ----------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_RUNTIME_REFERENCE_ELEMENTWISE_H
#define HEDDLE_RUNTIME_REFERENCE_ELEMENTWISE_H

#include "reference/Interpreter.h"
#include "reference/Rules.h"

namespace heddle::reference {

/// One operand of an elementwise operation, seen as a sequence.
struct Sequence {
  const Element *elements = nullptr;
  /// 0 for scalars, which repeat.
  size_t step = 0;
  Element operator[](size_t i) const { return elements[i * step]; }
};

/// The most operands of an elementwise operation.
using Sequences = std::array<Sequence, 3>;

/// Computes `op`'s only result from its operands, element by element:
/// `combine(operands, i)` returns element `i`, already in its type.
template <typename Fn>
bool mapElements(Frame &frame, const Operation &op, Fn combine) {
  Sequences operands;
  for (size_t i = 0; i < op.operands.size(); ++i) {
    const RuntimeValue &value = frame.get(op.operands[i]);
    if (const Element *scalar = std::get_if<Element>(&value))
      operands[i] = {scalar, 0};
    else
      operands[i] = {frame.getTile(op.operands[i]).elements.data(), 1};
  }
  uint32_t result = op.results.front();
  const Type &type = frame.getType(result);
  if (type.form == Form::Scalar) {
    frame.set(result, Element(combine(std::as_const(operands), size_t(0))));
    return true;
  }
  Tile tile(type);
  for (size_t i = 0, e = tile.elements.size(); i < e; ++i)
    tile.elements[i] = combine(std::as_const(operands), i);
  frame.setTile(result, std::move(tile));
  return true;
}

/// The element type of `op`'s result, or of an operand.
inline NumberType getResultElement(const Frame &frame, const Operation &op) {
  return frame.getType(op.results.front()).element;
}
inline NumberType getOperandElement(const Frame &frame, const Operation &op,
                                    unsigned i = 0) {
  return frame.getType(op.operands[i]).element;
}

/// Adds operations from floats to a float: `compute` takes and returns
/// doubles, and the result is rounded.
template <typename Fn>
void addFloatUnary(Registry &registry, const char *name, Fn compute) {
  registry.add(
      name, alike(1, floats), [compute](Frame &frame, const Operation &op) {
        Rounding round = frame.getRounding(getResultElement(frame, op));
        return mapElements(frame, op, [&](const Sequences &in, size_t i) {
          return makeFloat(round(compute(in[0][i].f)));
        });
      });
}
template <typename Fn>
void addFloatBinary(Registry &registry, const char *name, Fn compute) {
  registry.add(
      name, alike(2, floats), [compute](Frame &frame, const Operation &op) {
        Rounding round = frame.getRounding(getResultElement(frame, op));
        return mapElements(frame, op, [&](const Sequences &in, size_t i) {
          return makeFloat(round(compute(in[0][i].f, in[1][i].f)));
        });
      });
}

/// Adds operations on integers: `compute` takes them zero-extended, with their
/// width, and returns the result in its low bits.
template <typename Fn>
void addIntUnary(Registry &registry, const char *name, Fn compute) {
  registry.add(
      name, alike(1, integers), [compute](Frame &frame, const Operation &op) {
        unsigned width = getResultElement(frame, op).width;
        return mapElements(frame, op, [&](const Sequences &in, size_t i) {
          return makeInt(compute(in[0][i].i, width) & getMask(width));
        });
      });
}
template <typename Fn>
void addIntBinary(Registry &registry, const char *name, Fn compute) {
  registry.add(
      name, alike(2, integers), [compute](Frame &frame, const Operation &op) {
        unsigned width = getResultElement(frame, op).width;
        return mapElements(frame, op, [&](const Sequences &in, size_t i) {
          return makeInt(compute(in[0][i].i, in[1][i].i, width) &
                         getMask(width));
        });
      });
}

} // namespace heddle::reference

#endif // HEDDLE_RUNTIME_REFERENCE_ELEMENTWISE_H
