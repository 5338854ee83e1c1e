//===- Random.cpp - Random priorities -------------------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Probabilistic concurrency testing (Burckhardt, Kothari, Musuvathi and
/// Nagarakatte, "A Randomized Scheduler with Probabilistic Guarantees of
/// Finding Bugs", 2010): the candidate of highest priority goes on, and at a
/// few random points falls behind all others. Every fourth seed chooses each
/// step at random instead, which finds what needs many changes.
///
//===----------------------------------------------------------------------===//

#include "engine/schedule/Chosen.h"
#include "engine/schedule/Trace.h"

#include <unordered_map>

using namespace heddle;
using namespace heddle::vgpu;

namespace {

/// Of a cluster.
constexpr uint32_t mostChanges = 64;
/// Steps in a row after which a warp falls behind: it may wait for others in a
/// way that cannot be seen.
constexpr uint32_t mostRepeats = 256;

class RandomLaunchSchedule;

class RandomSchedule final : public ChosenSchedule {
public:
  RandomSchedule(Cluster &cluster, RandomLaunchSchedule &owner)
      : ChosenSchedule(cluster), owner(owner) {}
  void start() override;
  void issued(PendingOperation &operation, uint64_t) override {
    operation.priority = priority();
  }
  bool failsSpuriously() override;

protected:
  std::optional<size_t> choose(std::span<const Candidate> candidates) override;

private:
  /// Above all that have fallen behind.
  uint64_t priority() { return random.next() | uint64_t(1) << 63; }
  uint64_t &priorityOf(const Candidate &candidate) {
    return candidate.warp ? warps[candidate.warp]
                          : candidate.operation->priority;
  }

  RandomLaunchSchedule &owner;
  Random random{0};
  std::unordered_map<const Warp *, uint64_t> warps;
  uint64_t lowest = 0;
  uint32_t changes = 0, repeats = 0;
  unsigned rarity = 0;
  const Warp *last = nullptr;
};

class RandomLaunchSchedule final : public LaunchSchedule {
public:
  RandomLaunchSchedule(const Launch &launch, uint64_t seed)
      : launch(launch), seed(seed), random(~seed),
        recorded(launch, {.kind = Schedule::Kind::Random, .seed = seed}) {}

  std::unique_ptr<ClusterSchedule> createFor(Cluster &cluster) override {
    return std::make_unique<RandomSchedule>(cluster, *this);
  }
  uint64_t slice() override { return randomSlice; }
  uint64_t window(uint64_t capacity) const override {
    return std::min(capacity, randomWindow);
  }
  uint64_t orderOf(uint64_t position, uint64_t total) const override {
    return shuffle(position, total, seed);
  }
  size_t choose(size_t count) override {
    auto value = uint32_t(random.below(count));
    record({Choice::Kind::Cluster, value});
    return value;
  }
  std::string trace() const override { return recorded.text(); }
  void record(Choice choice) {
    if (launch.recordTrace)
      recorded.add(choice);
  }

  const Launch &launch;
  const uint64_t seed;

private:
  Random random;
  Trace recorded;
};

void RandomSchedule::start() {
  random = Random(Random(owner.seed).next() ^ cluster.index * 0x9e3779b9);
  warps.clear();
  for (auto &cta : cluster.ctas)
    for (auto &warp : cta->warps)
      warps[warp.get()] = priority();
  lowest = uint64_t(1) << 62;
  changes = repeats = 0;
  last = nullptr;
  rarity = unsigned(2 + random.below(6));
}

std::optional<size_t>
RandomSchedule::choose(std::span<const Candidate> candidates) {
  if (candidates.size() == 1)
    return 0;
  size_t best = 0;
  if (owner.seed % 4 == 3) {
    best = random.below(candidates.size());
  } else {
    for (size_t i = 1; i < candidates.size(); ++i)
      if (priorityOf(candidates[i]) > priorityOf(candidates[best]))
        best = i;
    const Warp *warp = candidates[best].warp;
    repeats = warp && warp == last ? repeats + 1 : 0;
    last = warp;
    bool change = changes < mostChanges && random.next() >> (64 - rarity) == 0;
    if (change)
      ++changes;
    if (change || repeats >= mostRepeats) {
      priorityOf(candidates[best]) = --lowest;
      repeats = 0;
    }
  }
  owner.record({Choice::Kind::Step, uint32_t(best)});
  return best;
}

bool RandomSchedule::failsSpuriously() {
  bool fails = random.below(8) == 0;
  owner.record({Choice::Kind::TryWait, fails});
  return fails;
}

} // namespace

std::unique_ptr<LaunchSchedule>
heddle::vgpu::createRandomSchedule(const Launch &launch, uint64_t seed) {
  return std::make_unique<RandomLaunchSchedule>(launch, seed);
}
