//===- Suggest.cpp - What somebody may have meant -------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/heddle/Suggest.h"

#include <algorithm>
#include <fmt/format.h>
#include <numeric>
#include <utility>

using namespace heddle;

/// How many letters must be added, dropped or replaced to make `b` of `a`.
static size_t getDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t(0));
  for (size_t i = 0; i < a.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i + 1);
    for (size_t j = 0; j < b.size(); ++j) {
      size_t replaced = diagonal + (a[i] != b[j]);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, diagonal + 1});
    }
  }
  return row.back();
}

std::string heddle::suggest(std::string_view found,
                            const std::vector<std::string> &names,
                            std::string otherwise) {
  auto getDistanceTo = [&](const std::string &name) {
    return getDistance(found, name);
  };
  auto nearest = std::ranges::min_element(names, {}, getDistanceTo);
  if (nearest == names.end() ||
      getDistanceTo(*nearest) > std::max<size_t>(2, found.size() / 3))
    return otherwise;
  return fmt::format("; did you mean '{}'?", *nearest);
}
