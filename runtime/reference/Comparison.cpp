//===- Comparison.cpp - How far a result may be off -----------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "reference/Comparison.h"

#include "reference/Registry.h"

#include <algorithm>
#include <cmath>
#include <limits>

using namespace heddle::reference;

double Comparison::getRatio() const {
  if (maxAbsError == 0)
    return 0;
  return maxAbsError / referenceError;
}

/// The multi-index of element `linear`.
static std::vector<int64_t> getIndex(std::span<const int64_t> shape,
                                     int64_t linear) {
  std::vector<int64_t> index(shape.size());
  for (int64_t dim = int64_t(shape.size()) - 1; dim >= 0; --dim) {
    index[dim] = linear % shape[dim];
    linear /= shape[dim];
  }
  return index;
}

static Comparison compareIntegers(const Buffer &output, const Buffer &storage,
                                  const Buffer &exact) {
  Comparison result;
  unsigned width = output.elementType.width;
  for (size_t i = 0; i < exact.elements.size(); ++i) {
    if (!exact.written[i]) {
      ++result.unwritten;
      continue;
    }
    ++result.compared;
    // Bits of a float are those that it was rounded to; a number that was
    // rounded to an integer may be on either side.
    if (output.elements[i].i == exact.elements[i].i ||
        (storage.written[i] && output.elements[i].i == storage.elements[i].i))
      continue;
    double expected = signExtend(exact.elements[i].i, width);
    double error =
        std::fabs(double(signExtend(output.elements[i].i, width)) - expected);
    ++result.wrong;
    if (expected != 0)
      result.maxRelError =
          std::max(result.maxRelError, error / std::fabs(expected));
    if (error < result.maxAbsError)
      continue;
    result.maxAbsError = error;
    result.worst = getIndex(exact.shape, i);
    result.got = output.elements[i];
    result.expected = exact.elements[i];
  }
  return result;
}

/// The distance of two floats; 0 if they are the same, even if not finite.
static double getError(double a, double b) {
  if (a == b || (std::isnan(a) && std::isnan(b)))
    return 0;
  if (!std::isfinite(a) || !std::isfinite(b))
    return std::numeric_limits<double>::infinity();
  return std::fabs(a - b);
}

static Comparison compareFloats(const Buffer &output, const Buffer &storage,
                                const Buffer &exact, bool fastAccum) {
  const FloatFormat &format = *FloatFormat::get(output.elementType);
  auto getExact = [&](size_t i) {
    double x = exact.elements[i].f;
    return std::fabs(x) > format.max ? format.round(x) : x;
  };
  auto getHalfUlp = [&](double x) {
    return format.bits == 64 ? 0.0 : format.ulp(x) / 2;
  };

  // How far the reference is off, and how large the numbers are.
  Comparison result;
  double unexplained = 0, largest = 0;
  for (size_t i = 0; i < exact.elements.size(); ++i) {
    if (!exact.written[i])
      continue;
    double x = getExact(i);
    double error = getError(storage.elements[i].f, x);
    if (!std::isfinite(x) || !std::isfinite(error))
      continue;
    largest = std::max(largest, std::fabs(x));
    result.referenceError = std::max(result.referenceError, error);
    unexplained = std::max(unexplained, error - getHalfUlp(x));
  }
  double shared = 2 * unexplained + std::ldexp(largest, fastAccum ? -6 : -18);

  double worstUse = -1;
  for (size_t i = 0; i < exact.elements.size(); ++i) {
    if (!exact.written[i]) {
      ++result.unwritten;
      continue;
    }
    ++result.compared;
    double x = getExact(i), out = output.elements[i].f;
    double error = getError(out, x);
    // The reference may overflow, or meet a NaN, where the exact run does not.
    if (!std::isfinite(error) && getError(out, storage.elements[i].f) == 0)
      error = 0;
    double tolerance = getHalfUlp(x) + shared;
    result.wrong += !(error <= tolerance);
    result.maxAbsError = std::max(result.maxAbsError, error);
    if (x != 0 && std::isfinite(x))
      result.maxRelError = std::max(result.maxRelError, error / std::fabs(x));
    double use = error == 0 ? 0 : error / tolerance;
    if (use <= worstUse)
      continue;
    worstUse = use;
    result.worst = getIndex(exact.shape, i);
    result.got = output.elements[i];
    result.expected = makeFloat(x);
    result.tolerance = tolerance;
  }
  return result;
}

Comparison heddle::reference::compare(const Buffer &output,
                                      const Buffer &storage,
                                      const Buffer &exact, bool fastAccum) {
  if (output.elementType.isFloat())
    return compareFloats(output, storage, exact, fastAccum);
  return compareIntegers(output, storage, exact);
}

static bool usesFastAccum(const Program &program, const Region &region) {
  for (const Operation &op : region.operations) {
    if (op.definition->name == "tile.dot" && op.getInt("fast_accum"))
      return true;
    if (op.definition->name == "tile.launch" &&
        usesFastAccum(program,
                      program.findKernel(op.getString("callee"))->body))
      return true;
    for (const Region &nested : op.regions)
      if (usesFastAccum(program, nested))
        return true;
  }
  return false;
}

bool heddle::reference::usesFastAccum(const Program &program,
                                      const Function &host) {
  return ::usesFastAccum(program, host.body);
}
