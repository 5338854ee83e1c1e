//===- Chosen.cpp - Schedules that choose each step -----------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "engine/schedule/Chosen.h"

using namespace heddle;
using namespace heddle::vgpu;

/// Enough for a stretch without synchronization; a loop is left now and then.
static constexpr uint32_t quantum = 1024;

bool ChosenSchedule::step() {
  candidates.clear();
  for (auto &cta : cluster.ctas)
    for (auto &warp : cta->warps)
      if (!warp->done() && warp->ready())
        candidates.push_back({warp.get(), nullptr});
  for (PendingOperation *operation : cluster.pending.all())
    if (operation->enabled())
      candidates.push_back({nullptr, operation});
  if (candidates.empty())
    return false;
  auto index = choose(candidates);
  if (!index)
    return false;
  const Candidate &chosen = candidates[*index];
  if (chosen.warp)
    run(*chosen.warp, quantum);
  else
    cluster.pending.step(*chosen.operation);
  return true;
}

uint64_t heddle::vgpu::shuffle(uint64_t position, uint64_t total,
                               uint64_t seed) {
  // A Feistel network over the next power of four, walked until it stays
  // inside: a permutation without a table.
  unsigned half = 1;
  while (uint64_t(1) << (2 * half) < total)
    ++half;
  uint64_t mask = (uint64_t(1) << half) - 1;
  do {
    uint64_t left = position >> half, right = position & mask;
    for (unsigned round = 0; round < 4; ++round) {
      uint64_t mixed = Random(seed * 4 + round + (right << 32)).next() & mask;
      uint64_t next = left ^ mixed;
      left = right;
      right = next;
    }
    position = left << half | right;
  } while (position >= total);
  return position;
}
