//===- Elementwise.h - Operations on scalars and tiles ----------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_LIB_REFERENCE_ELEMENTWISE_H
#define HEDDLE_LIB_REFERENCE_ELEMENTWISE_H

#include "lib/Reference/Interpreter.h"

#include "llvm/Support/MathExtras.h"

namespace heddle::reference {

/// One operand of an elementwise operation, seen as a sequence.
struct Sequence {
  const Element *elements;
  /// 0 for scalars, which repeat.
  size_t step;
  Element operator[](size_t i) const { return elements[i * step]; }
};

/// Computes `op`'s only result from its operands, element by element:
/// `combine(operands, i)` returns element `i`, already in its type.
template <typename Fn>
void mapElements(Frame &frame, Operation *op, Fn combine) {
  llvm::SmallVector<Sequence, 4> operands;
  for (mlir::Value operand : op->getOperands()) {
    const RuntimeValue &value = frame.get(operand);
    if (const Element *scalar = std::get_if<Element>(&value))
      operands.push_back({scalar, 0});
    else
      operands.push_back({frame.getTile(operand).elements.data(), 1});
  }
  mlir::Value result = op->getResult(0);
  auto type = mlir::dyn_cast<mlir::RankedTensorType>(result.getType());
  if (!type)
    return frame.set(result, combine(ArrayRef<Sequence>(operands), size_t(0)));
  Tile tile(type);
  for (size_t i = 0, e = tile.elements.size(); i < e; ++i)
    tile.elements[i] = combine(ArrayRef<Sequence>(operands), i);
  frame.setTile(result, std::move(tile));
}

/// `op`'s element type, or its operand's.
inline mlir::Type getResultElement(Operation *op) {
  return mlir::getElementTypeOrSelf(op->getResult(0).getType());
}
inline mlir::Type getOperandElement(Operation *op, unsigned i = 0) {
  return mlir::getElementTypeOrSelf(op->getOperand(i).getType());
}

/// Adds operations from floats to a float: `compute` takes and returns
/// doubles, and the result is rounded.
template <typename OpT, typename Fn>
void addFloatUnary(Registry &registry, Fn compute) {
  registry.add<OpT>([compute](Frame &frame, OpT op) {
    mlir::Type type = getResultElement(op);
    mapElements(frame, op, [&](ArrayRef<Sequence> in, size_t i) {
      return makeFloat(frame.round(type, compute(in[0][i].f)));
    });
    return mlir::success();
  });
}
template <typename OpT, typename Fn>
void addFloatBinary(Registry &registry, Fn compute) {
  registry.add<OpT>([compute](Frame &frame, OpT op) {
    mlir::Type type = getResultElement(op);
    mapElements(frame, op, [&](ArrayRef<Sequence> in, size_t i) {
      return makeFloat(frame.round(type, compute(in[0][i].f, in[1][i].f)));
    });
    return mlir::success();
  });
}

/// Adds operations on integers: `compute` takes them zero-extended, with their
/// width, and returns the result in its low bits.
template <typename OpT, typename Fn>
void addIntUnary(Registry &registry, Fn compute) {
  registry.add<OpT>([compute](Frame &frame, OpT op) {
    unsigned width = getIntegerWidth(getResultElement(op));
    uint64_t mask = llvm::maskTrailingOnes<uint64_t>(width);
    mapElements(frame, op, [&](ArrayRef<Sequence> in, size_t i) {
      return makeInt(compute(in[0][i].i, width) & mask);
    });
    return mlir::success();
  });
}
template <typename OpT, typename Fn>
void addIntBinary(Registry &registry, Fn compute) {
  registry.add<OpT>([compute](Frame &frame, OpT op) {
    unsigned width = getIntegerWidth(getResultElement(op));
    uint64_t mask = llvm::maskTrailingOnes<uint64_t>(width);
    mapElements(frame, op, [&](ArrayRef<Sequence> in, size_t i) {
      return makeInt(compute(in[0][i].i, in[1][i].i, width) & mask);
    });
    return mlir::success();
  });
}

} // namespace heddle::reference

#endif // HEDDLE_LIB_REFERENCE_ELEMENTWISE_H
