//===- InverseOps.cpp - Inverses of triangular matrices -------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "reference/Interpreter.h"
#include "reference/Rules.h"

#include <algorithm>
#include <fmt/format.h>

using namespace heddle::reference;

/// Rows and columns of the blocks outside of which products are rounded.
static constexpr int64_t blockExtent = 16;

/// What operands of products between blocks are rounded to, by the number of
/// `precision`; null is not at all.
static const FloatFormat *getProductFormat(int64_t precision) {
  switch (precision) {
  case 0:
    return nullptr;
  case 1:
    return &FloatFormat::tf32();
  default:
    return FloatFormat::get(NumberType::floating(NumberKind::F16));
  }
}

namespace {
/// The inverse of 1 + L, row by row. Numbers are of type `T`.
template <typename T>
class Inverse {
public:
  Inverse(const Tile &a, Rounding round)
      : a(a), extent(a.getShape()[0]), round(round), x(extent * extent) {}

  std::vector<T> compute();

private:
  T getL(int64_t row, int64_t column) const {
    return T(a.elements[row * extent + column].f);
  }
  T &at(int64_t row, int64_t column) { return x[row * extent + column]; }

  const Tile &a;
  int64_t extent;
  Rounding round;
  std::vector<T> x;
};
} // namespace

/// A block of rows is found from those above: S = 1 - L X with the blocks of L
/// left of the diagonal, then the block of the diagonal is solved for, as the
/// product of its inverse and S.
template <typename T>
std::vector<T> Inverse<T>::compute() {
  for (int64_t first = 0; first < extent; first += blockExtent) {
    int64_t end = std::min(first + blockExtent, extent);
    // The block of the diagonal.
    for (int64_t column = first; column < end; ++column) {
      at(column, column) = 1;
      for (int64_t row = column + 1; row < end; ++row) {
        T sum = 0;
        for (int64_t k = column; k < row; ++k)
          sum = T(sum - double(getL(row, k)) * at(k, column));
        at(row, column) = sum;
      }
    }
    // Those left of it.
    for (int64_t column = 0; column < first; ++column) {
      T sums[blockExtent];
      for (int64_t row = first; row < end; ++row) {
        T sum = 0;
        for (int64_t k = column / blockExtent * blockExtent; k < first; ++k)
          sum = T(sum - round(getL(row, k)) * round(at(k, column)));
        sums[row - first] = sum;
      }
      for (int64_t row = first; row < end; ++row) {
        T sum = 0;
        for (int64_t k = first; k <= row; ++k)
          sum = T(sum + round(at(row, k)) * round(sums[k - first]));
        at(row, column) = sum;
      }
    }
  }
  return std::move(x);
}

template <typename T>
static void runInverse(Frame &frame, const Operation &op, Rounding round) {
  Tile result(frame.getType(op.results[0]));
  std::vector<T> inverse =
      Inverse<T>(frame.getTile(op.operands[0]), round).compute();
  std::ranges::transform(inverse, result.elements.begin(),
                         [](T x) { return makeFloat(x); });
  frame.setTile(op.results[0], std::move(result));
}

static bool runTriInverse(Frame &frame, const Operation &op) {
  if (frame.isExact())
    runInverse<double>(frame, op, Rounding());
  else
    runInverse<float>(frame, op, {getProductFormat(op.getInt("precision"))});
  return true;
}

static std::string verifyTriInverse(const Site &site) {
  if (std::string wrong = verifyCounts(site, 1, 1); !wrong.empty())
    return wrong;
  const Type &a = site.operand(0);
  if (a.form != Form::Tile || a.shape.size() != 2 || a.shape[0] != a.shape[1] ||
      a.element.kind != NumberKind::F32)
    return fmt::format("expected a square of f32, found {}", a.getName());
  if (site.result() != a)
    return fmt::format("expected {} to become the same, found {}", a.getName(),
                       site.result().getName());
  int64_t precision = site.op.getInt("precision");
  if (precision < 0 || precision > 2)
    return fmt::format("expected a precision in 0..2, found {}", precision);
  return "";
}

void heddle::reference::addInverseOps(Registry &registry) {
  registry.add({.name = "tile.tri_inverse",
                .attributes = {{"precision", AttributeKind::Int, false}},
                .verify = verifyTriInverse,
                .run = runTriInverse});
}
