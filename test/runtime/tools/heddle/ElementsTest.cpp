//===- ElementsTest.cpp - Elements of arrays, read and compared -----------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/heddle/Elements.h"

#include <cmath>
#include <cstring>
#include <gtest/gtest.h>

using namespace heddle;

namespace {

template <typename T>
HostArray makeArray(ElementType type, std::vector<T> values) {
  HostArray array;
  array.type = type;
  array.shape = {int64_t(values.size())};
  array.bytes.resize(values.size() * sizeof(T));
  std::memcpy(array.bytes.data(), values.data(), array.bytes.size());
  return array;
}

HostArray floats(std::vector<float> values) {
  return makeArray(ElementType::F32, std::move(values));
}

TEST(Elements, CompareExactly) {
  ElementComparison same = compareElements(floats({0.f, NAN, INFINITY}),
                                           floats({-0.f, NAN, INFINITY}), {});
  EXPECT_EQ(same.wrong, 0u);
  EXPECT_EQ(same.count, 3u);
  ElementComparison other = compareElements(
      floats({1, 2, NAN, 4}), floats({1, 2.5f, 3, -INFINITY}), {});
  EXPECT_EQ(other.wrong, 3u);
  EXPECT_EQ(other.first, 1u);
  ElementComparison integers = compareElements(
      makeArray<int64_t>(ElementType::I64, {INT64_MAX, 7}),
      makeArray<int64_t>(ElementType::I64, {INT64_MAX - 1, 7}), {});
  EXPECT_EQ(integers.wrong, 1u);
}

TEST(Elements, CompareWithinTolerance) {
  HostArray found = floats({1.1f, 100.f}), expected = floats({1.f, 101.f});
  EXPECT_EQ(compareElements(found, expected, {.absolute = 0.2}).wrong, 1u);
  EXPECT_EQ(compareElements(found, expected, {.relative = 0.01}).wrong, 1u);
  EXPECT_EQ(compareElements(found, expected, {0.2, 0.01}).wrong, 0u);
  // Nothing is near an infinity, and NaN is near nothing.
  EXPECT_EQ(
      compareElements(floats({1e30f}), floats({INFINITY}), {1e38, 1}).wrong,
      1u);
  EXPECT_EQ(compareElements(floats({NAN}), floats({0}), {1e38, 1}).wrong, 1u);
}

TEST(Elements, CompareWithWiderNumbers) {
  HostArray wide = makeArray<double>(ElementType::F64, {0.1});
  EXPECT_EQ(compareElements(floats({0.1f}), wide, {}).wrong, 1u);
  EXPECT_EQ(compareElements(floats({0.1f}), wide, {1e-8, 0}).wrong, 0u);
}

TEST(Elements, Format) {
  HostArray array = floats({1, 2, 3, 4, 5, 0.1f});
  array.shape = {3, 2};
  EXPECT_EQ(formatIndex(array, 3), "[1, 1]");
  EXPECT_EQ(formatElement(array, 5), "0.1");
  EXPECT_EQ(formatElement(makeArray<int8_t>(ElementType::I8, {-3}), 0), "-3");
}

} // namespace
