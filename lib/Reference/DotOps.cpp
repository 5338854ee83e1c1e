//===- DotOps.cpp - Matrix products ---------------------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Reference/Interpreter.h"

using namespace mlir;
using namespace heddle::reference;

/// The operand as an `rows` x `columns` matrix of `T`; transposed if asked to.
template <typename T, typename Fn>
static std::vector<T> getMatrix(const heddle::reference::Tile &tile,
                                int64_t rows, int64_t columns, bool transposed,
                                Fn convert) {
  std::vector<T> matrix(rows * columns);
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = 0; c < columns; ++c)
      matrix[r * columns + c] =
          convert(tile.elements[transposed ? c * rows + r : r * columns + c]);
  return matrix;
}

/// `result += a * b`, in the order of k. `Product` is wide enough for exact
/// products; sums are rounded to `T`.
template <typename T, typename Product>
static void multiply(const std::vector<T> &a, const std::vector<T> &b,
                     std::vector<T> &result, int64_t m, int64_t n, int64_t k) {
  for (int64_t i = 0; i < m; ++i) {
    T *row = result.data() + i * n;
    for (int64_t l = 0; l < k; ++l) {
      Product factor = a[i * k + l];
      const T *other = b.data() + l * n;
      for (int64_t j = 0; j < n; ++j)
        row[j] = T(row[j] + factor * Product(other[j]));
    }
  }
}

template <typename T, typename Product, typename FromA, typename FromB,
          typename FromAcc, typename ToElement>
static void runDot(Frame &frame, heddle::tile::DotOp op, FromA fromA,
                   FromB fromB, FromAcc fromAcc, ToElement toElement) {
  int64_t m = op.getM(), n = op.getN(), k = op.getK();
  auto a =
      getMatrix<T>(frame.getTile(op.getA()), m, k, op.getTransposeA(), fromA);
  auto b =
      getMatrix<T>(frame.getTile(op.getB()), k, n, op.getTransposeB(), fromB);
  auto sum = getMatrix<T>(frame.getTile(op.getAcc()), m, n, false, fromAcc);
  multiply<T, Product>(a, b, sum, m, n, k);
  heddle::reference::Tile result(op.getType());
  for (size_t i = 0; i < sum.size(); ++i)
    result.elements[i] = toElement(sum[i]);
  frame.setTile(op, std::move(result));
}

static LogicalResult runDotOp(Frame &frame, heddle::tile::DotOp op) {
  Type type = op.getA().getType().getElementType();
  if (isa<IntegerType>(type)) {
    auto fromOperand = [](Element x) { return uint32_t(int8_t(x.i)); };
    auto fromAcc = [](Element x) { return uint32_t(x.i); };
    runDot<uint32_t, uint32_t>(frame, op, fromOperand, fromOperand, fromAcc,
                               [](uint32_t x) { return makeInt(x); });
    return success();
  }
  bool tf32 = op.getPrecision() == heddle::tile::Precision::TF32;
  auto fromOperand = [&](Element x) {
    return tf32 ? FloatFormat::tf32().round(x.f) : x.f;
  };
  auto fromAcc = [](Element x) { return x.f; };
  auto toElement = [](double x) { return makeFloat(x); };
  if (frame.isExact())
    runDot<double, double>(frame, op, fromOperand, fromOperand, fromAcc,
                           toElement);
  else if (type.isF32() && !tf32)
    runDot<float, double>(frame, op, fromOperand, fromOperand, fromAcc,
                          toElement);
  else // The operands are so narrow that f32 holds their products.
    runDot<float, float>(frame, op, fromOperand, fromOperand, fromAcc,
                         toElement);
  return success();
}

void heddle::reference::addDotOps(Registry &registry) {
  registry.add<tile::DotOp>(runDotOp);
}
