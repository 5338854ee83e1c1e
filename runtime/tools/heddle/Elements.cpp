//===- Elements.cpp - Elements of arrays, read and compared ---------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/heddle/Elements.h"

#include "reference/Formats.h"
#include "tools/heddle/Buffers.h"

#include <cmath>
#include <fmt/format.h>

using namespace heddle;
using reference::Element;
using reference::NumberType;

static NumberType getNumberType(const HostArray &array) {
  return *NumberType::parse(getName(array.type));
}

static double getValue(NumberType type, Element element) {
  return type.isFloat() ? element.f
                        : double(reference::signExtend(element.i, type.width));
}

ElementComparison heddle::compareElements(const HostArray &array,
                                          const HostArray &expected,
                                          Tolerance tolerance) {
  ElementComparison result;
  NumberType type = getNumberType(array), from = getNumberType(expected);
  size_t width = getByteWidth(type), fromWidth = getByteWidth(from);
  result.count = array.bytes.size() / width;
  for (size_t i = 0; i < result.count; ++i) {
    Element a = loadElement(type, array.bytes.data() + i * width),
            b = loadElement(from, expected.bytes.data() + i * fromWidth);
    bool same = false;
    if (!type.isFloat() && tolerance.absolute == 0 && tolerance.relative == 0) {
      same = a.i == b.i;
    } else {
      double x = getValue(type, a), y = getValue(from, b);
      double error = std::fabs(x - y);
      if (error > result.maxAbsError)
        result.maxAbsError = error;
      same = x == y || (std::isnan(x) && std::isnan(y)) ||
             error <= tolerance.absolute + tolerance.relative * std::fabs(y);
      // An infinity has no numbers near it.
      if (std::isinf(y) && x != y)
        same = false;
    }
    if (!same && result.wrong++ == 0)
      result.first = i;
  }
  return result;
}

std::string heddle::formatElement(const HostArray &array, size_t index) {
  NumberType type = getNumberType(array);
  return reference::format(
      type, loadElement(type, array.bytes.data() + index * getByteWidth(type)));
}

std::string heddle::formatIndex(const HostArray &array, size_t index) {
  std::vector<size_t> indices(array.shape.size());
  for (size_t d = indices.size(); d-- > 0;) {
    indices[d] = index % size_t(array.shape[d]);
    index /= size_t(array.shape[d]);
  }
  return fmt::format("[{}]", fmt::join(indices, ", "));
}

void heddle::summarizeElements(std::FILE *text, const HostArray &array) {
  NumberType type = getNumberType(array);
  size_t width = getByteWidth(type);
  size_t count = array.bytes.size() / width;
  double sum = 0, low = INFINITY, high = -INFINITY;
  for (size_t i = 0; i < count; ++i) {
    double value =
        getValue(type, loadElement(type, array.bytes.data() + i * width));
    sum += value;
    low = std::fmin(low, value);
    high = std::fmax(high, value);
  }
  fmt::print(text, "{} ({})", array.name, describe(array));
  if (count > 0)
    fmt::print(text, ": min {:.6g}, max {:.6g}, mean {:.6g}", low, high,
               sum / double(count));
  fmt::print(text, "\n");
}
