//===- BarrierHistory.cpp - Who used the mbarriers of a CTA ---------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "engine/BarrierHistory.h"

using namespace heddle::vgpu;

void BarrierHistory::Entry::clear() {
  phase = 0;
  current.clear();
  before.clear();
  waiters.clear();
}

void BarrierHistory::reset() {
  for (auto &[offset, entry] : entries)
    entry.clear();
}

void BarrierHistory::arrived(uint32_t offset, uint64_t phase, const Warp &warp,
                             uint32_t pc, uint32_t lane) {
  Entry &entry = entries[offset];
  if (phase != entry.phase) {
    entry.before.clear();
    if (phase == entry.phase + 1)
      entry.before.swap(entry.current);
    entry.current.clear();
    entry.phase = phase;
  }
  // Lanes arrive one after the other.
  if (!entry.current.empty() && entry.current.back().warp == &warp &&
      entry.current.back().pc == pc)
    entry.current.back().lanes |= 1u << lane;
  else
    entry.current.push_back({&warp, pc, 1u << lane});
}

void BarrierHistory::waited(uint32_t offset, uint32_t warp, uint64_t phases) {
  std::vector<Waiter> &waiters = entries[offset].waiters;
  if (warp >= waiters.size())
    waiters.resize(warp + 1);
  Waiter &waiter = waiters[warp];
  waiter.everyPhase &= phases <= waiter.phases + 1;
  waiter.phases = phases;
}

std::span<const BarrierHistory::Arrival>
BarrierHistory::arrivalsIn(uint32_t offset, uint64_t phase) const {
  auto at = entries.find(offset);
  if (at == entries.end())
    return {};
  if (at->second.phase == phase)
    return at->second.current;
  if (at->second.phase == phase + 1)
    return at->second.before;
  return {};
}

BarrierHistory::Waiter BarrierHistory::waiter(uint32_t offset,
                                              uint32_t warp) const {
  auto at = entries.find(offset);
  if (at == entries.end() || warp >= at->second.waiters.size())
    return {};
  return at->second.waiters[warp];
}
