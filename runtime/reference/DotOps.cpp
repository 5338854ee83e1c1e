//===- DotOps.cpp - Matrix products ---------------------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "reference/Interpreter.h"
#include "reference/Rules.h"

#include <fmt/format.h>

using namespace heddle::reference;

/// The operand as an `rows` x `columns` matrix of `T`; transposed if asked to.
template <typename T, typename Fn>
static std::vector<T> getMatrix(const Tile &tile, int64_t rows, int64_t columns,
                                bool transposed, Fn convert) {
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
    T *__restrict row = result.data() + i * n;
    for (int64_t l = 0; l < k; ++l) {
      Product factor = a[i * k + l];
      const T *__restrict other = b.data() + l * n;
      for (int64_t j = 0; j < n; ++j)
        row[j] = T(row[j] + factor * Product(other[j]));
    }
  }
}

/// Rows and columns of an operand, as multiplied.
struct Extents {
  int64_t rows, columns;
};
static Extents getExtents(const Type &type, bool transposed) {
  return transposed ? Extents{type.shape[1], type.shape[0]}
                    : Extents{type.shape[0], type.shape[1]};
}

template <typename T, typename Product, typename FromOperand, typename FromAcc,
          typename ToElement>
static bool runDot(Frame &frame, const Operation &op, FromOperand fromOperand,
                   FromAcc fromAcc, ToElement toElement) {
  const Tile &a = frame.getTile(op.operands[0]),
             &b = frame.getTile(op.operands[1]);
  bool transposeA = op.getInt("transpose_a"),
       transposeB = op.getInt("transpose_b");
  auto [m, k] = getExtents(*a.type, transposeA);
  int64_t n = getExtents(*b.type, transposeB).columns;
  auto left = getMatrix<T>(a, m, k, transposeA, fromOperand);
  auto right = getMatrix<T>(b, k, n, transposeB, fromOperand);
  auto sum = getMatrix<T>(frame.getTile(op.operands[2]), m, n, false, fromAcc);
  multiply<T, Product>(left, right, sum, m, n, k);
  Tile result(frame.getType(op.results[0]));
  for (size_t i = 0; i < sum.size(); ++i)
    result.elements[i] = toElement(sum[i]);
  frame.setTile(op.results[0], std::move(result));
  return true;
}

static bool runDotOp(Frame &frame, const Operation &op) {
  NumberType type = frame.getType(op.operands[0]).element;
  if (!type.isFloat()) {
    auto fromOperand = [](Element x) { return uint32_t(int8_t(x.i)); };
    auto fromAcc = [](Element x) { return uint32_t(x.i); };
    return runDot<uint32_t, uint32_t>(frame, op, fromOperand, fromAcc,
                                      [](uint32_t x) { return makeInt(x); });
  }
  bool tf32 = op.getInt("precision") != 0;
  auto fromOperand = [&](Element x) {
    return tf32 ? FloatFormat::tf32().round(x.f) : x.f;
  };
  auto fromAcc = [](Element x) { return x.f; };
  auto toElement = [](double x) { return makeFloat(x); };
  if (frame.isExact())
    return runDot<double, double>(frame, op, fromOperand, fromAcc, toElement);
  if (type.kind == NumberKind::F32 && !tf32)
    return runDot<float, double>(frame, op, fromOperand, fromAcc, toElement);
  // The operands are so narrow that f32 holds their products.
  return runDot<float, float>(frame, op, fromOperand, fromAcc, toElement);
}

static std::string verifyDot(const Site &site) {
  if (std::string wrong = verifyCounts(site, 3, 1); !wrong.empty())
    return wrong;
  for (size_t i = 0; i < 3; ++i)
    if (site.operand(i).form != Form::Tile || site.operand(i).shape.size() != 2)
      return fmt::format("expected a tile of two dimensions, found {}",
                         site.operand(i).getName());
  if (site.operand(2) != site.result())
    return "expected an accumulator of the result's type";
  Extents a = getExtents(site.operand(0), site.op.getInt("transpose_a"));
  Extents b = getExtents(site.operand(1), site.op.getInt("transpose_b"));
  const Type &sum = site.result();
  if (a.columns != b.rows || sum.shape[0] != a.rows ||
      sum.shape[1] != b.columns)
    return fmt::format("shapes {}, {} and {} do not multiply",
                       site.operand(0).getName(), site.operand(1).getName(),
                       sum.getName());
  NumberType left = site.operand(0).element, right = site.operand(1).element;
  auto isOperand = [](NumberType type) {
    return type.isFloat() && type.kind != NumberKind::F64 &&
           type.kind != NumberKind::TF32;
  };
  bool isInteger =
      left.isInteger(8) && right.isInteger(8) && sum.element.isInteger(32);
  bool isFloat = isOperand(left) && isOperand(right) &&
                 getByteWidth(left) == getByteWidth(right) &&
                 sum.element.kind == NumberKind::F32;
  if (!isInteger && !isFloat)
    return fmt::format(
        "expected operands of f32, f16, bf16 or 8-bit floats with "
        "f32, or i8 with i32, found {}, {} and {}",
        left.getName(), right.getName(), sum.element.getName());
  return "";
}

void heddle::reference::addDotOps(Registry &registry) {
  registry.add({.name = "tile.dot",
                .attributes = {{"transpose_a", AttributeKind::Int, false},
                               {"transpose_b", AttributeKind::Int, false},
                               {"fast_accum", AttributeKind::Int, false},
                               {"precision", AttributeKind::Int, false}},
                .verify = verifyDot,
                .run = runDotOp});
}
