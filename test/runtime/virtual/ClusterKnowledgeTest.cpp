//===- ClusterKnowledgeTest.cpp - What is known of other clusters ---------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sanitizer/Knowledge.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <map>
#include <random>

using namespace heddle::vgpu;

namespace {

/// A clock of agent 0, which stands for what is known of a cluster.
using Reference = std::map<uint32_t, uint32_t>;

ClusterKnowledge::Local local(uint32_t clock) {
  auto result = std::make_shared<LocalKnowledge>();
  result->seen.raise(0, ~0u, clock);
  return result;
}

/// Far apart, close by, and with the highest bit.
constexpr uint32_t numbers[] = {0,   1,    2,    3,          7,         8,
                                100, 4095, 4096, 0x80000000, 0xffffffff};

void expectEqual(const ClusterKnowledge &found, const Reference &expected) {
  EXPECT_EQ(found.empty(), expected.empty());
  for (uint32_t number : numbers) {
    const LocalKnowledge *known = found.find(number);
    auto at = expected.find(number);
    ASSERT_EQ(known != nullptr, at != expected.end()) << number;
    if (known)
      EXPECT_EQ(known->seen.all(0), at->second) << number;
  }
}

bool covers(const Reference &a, const Reference &b) {
  return std::ranges::all_of(b, [&](const auto &entry) {
    auto at = a.find(entry.first);
    return at != a.end() && at->second >= entry.second;
  });
}

TEST(ClusterKnowledge, IsAMap) {
  std::mt19937 random(1);
  std::vector<std::pair<ClusterKnowledge, Reference>> all(6);
  for (uint32_t step = 0; step < 4000; ++step) {
    auto &[known, reference] = all[random() % all.size()];
    const auto [other, otherReference] = all[random() % all.size()];
    uint32_t number = numbers[random() % std::size(numbers)];
    uint32_t clock = 1 + random() % 9;
    EXPECT_EQ(known.covers(other), covers(reference, otherReference));
    switch (random() % 6) {
    case 0:
      known.set(number, local(clock));
      reference[number] = clock;
      break;
    case 1:
      known = known.without(number);
      reference.erase(number);
      break;
    case 2:
      expectEqual(known.only(number),
                  reference.count(number)
                      ? Reference{{number, reference[number]}}
                      : Reference{});
      break;
    case 3:
      known.transform([](uint32_t, const ClusterKnowledge::Local &old) {
        return local(old->seen.all(0) + 1);
      });
      for (auto &[cluster, value] : reference)
        ++value;
      break;
    default:
      known.join(other);
      for (auto [cluster, value] : otherReference)
        reference[cluster] = std::max(reference[cluster], value);
      EXPECT_TRUE(known.covers(other));
      break;
    }
    expectEqual(known, reference);
  }
}

TEST(ClusterKnowledge, JoinsThatAddNothingCostNothing) {
  ClusterKnowledge all, some;
  for (uint32_t number : numbers) {
    all.set(number, local(2));
    if (number % 2)
      some.set(number, local(1));
  }
  ClusterKnowledge joined = all;
  joined.join(some);
  EXPECT_EQ(joined, all);
  joined = some;
  joined.join(all);
  EXPECT_EQ(joined, all);
  EXPECT_FALSE(some.covers(all));
}

} // namespace
