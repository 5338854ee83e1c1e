//===- Mbarrier.cpp - The mbarriers of one CTA ---------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Mbarrier.h"

#include <algorithm>

using namespace heddle;
using namespace heddle::vgpu;

namespace {

constexpr uint32_t objectBytes = MbarrierTable::objectBytes;
/// The state that an arrival returns: phase above the pending count.
constexpr uint32_t phaseShift = 20;

/// Starts the next phase if this one is complete.
void completeIfDone(MbarrierState &state) {
  if (state.pending != 0 || state.tx != 0)
    return;
  ++state.phase;
  state.pending = state.expected;
  state.announced = 0;
}

std::string describeState(const MbarrierState &state) {
  std::string text =
      fmt::format("phase {} (parity {}): {} of {} arrivals pending, ",
                  state.phase, state.phase & 1, state.pending, state.expected);
  if (state.tx < 0)
    return text + fmt::format("{} bytes more completed than expected",
                              -int64_t(state.tx));
  return text + fmt::format("{} bytes outstanding", state.tx);
}

Checked<void> checkTx(uint32_t offset, const MbarrierState &state, int64_t tx,
                      const char *what) {
  if (tx > int64_t(MbarrierTable::maxCount) ||
      tx < -int64_t(MbarrierTable::maxCount))
    return makeFault(faults::transactionBytes,
                     "mbarrier at shared offset {:#x}: {} takes its "
                     "transaction count to {}; expected -(2^20-1)..2^20-1 ({})",
                     offset, what, tx, describeState(state));
  return {};
}

Checked<void> checkOvercompleted(uint32_t offset, const MbarrierState &state) {
  if (state.pending == 0 && state.tx < 0)
    return makeFault(faults::transactionBytes,
                     "mbarrier at shared offset {:#x}: all arrivals of phase "
                     "{} are in, and {} bytes more have completed than were "
                     "expected",
                     offset, state.phase, -int64_t(state.tx));
  return {};
}

} // namespace

MbarrierTable::MbarrierTable(uint32_t sharedBytes) : sharedBytes(sharedBytes) {}

void MbarrierTable::reset() {
  for (uint32_t offset = liveBegin; offset < liveEnd; offset += objectBytes)
    states[offset / objectBytes] = {};
  numLive = 0;
  liveBegin = UINT32_MAX;
  liveEnd = 0;
}

/// Whether an mbarrier can be at `offset` of a shared window.
static Checked<void> checkPlace(uint32_t offset, uint32_t sharedBytes) {
  if (offset % objectBytes != 0)
    return makeFault(faults::alignment,
                     "mbarrier at shared offset {:#x}: expected a multiple of "
                     "8",
                     offset);
  if (uint64_t(offset) + objectBytes > sharedBytes)
    return makeFault(faults::bounds,
                     "mbarrier at shared offset {:#x} is outside the {}-byte "
                     "shared window",
                     offset, sharedBytes);
  return {};
}

Checked<const MbarrierState *> MbarrierTable::at(uint32_t offset) const {
  if (Checked<void> placed = checkPlace(offset, sharedBytes); !placed)
    return tl::unexpected(placed.error());
  size_t index = offset / objectBytes;
  if (index >= states.size() || !states[index].live)
    return makeFault(faults::uninitializedBarrier,
                     "mbarrier at shared offset {:#x} was not initialised",
                     offset);
  return &states[index];
}

Checked<MbarrierState *> MbarrierTable::at(uint32_t offset) {
  return std::as_const(*this).at(offset).map([](const MbarrierState *state) {
    return const_cast<MbarrierState *>(state);
  });
}

Checked<void> MbarrierTable::init(uint32_t offset, uint32_t count) {
  if (count < 1 || count > maxCount)
    return makeFault(faults::arrivalCount,
                     "mbarrier at shared offset {:#x}: expected an arrival "
                     "count in 1..2^20-1, found {}",
                     offset, count);
  if (Checked<void> placed = checkPlace(offset, sharedBytes); !placed)
    return tl::unexpected(placed.error());
  size_t index = offset / objectBytes;
  if (index >= states.size())
    states.resize(index + 1);
  MbarrierState &state = states[index];
  if (state.live)
    return makeFault(faults::uninitializedBarrier,
                     "mbarrier at shared offset {:#x} is live; expected "
                     "mbarrier.inval before it is initialised again ({})",
                     offset, describeState(state));
  state = {};
  state.pending = state.expected = count;
  state.live = true;
  ++numLive;
  liveBegin = std::min(liveBegin, offset);
  liveEnd = std::max(liveEnd, offset + objectBytes);
  return {};
}

Checked<void> MbarrierTable::inval(uint32_t offset) {
  Checked<MbarrierState *> state = at(offset);
  if (!state)
    return tl::unexpected(state.error());
  if ((*state)->tx != 0)
    return makeFault(faults::pendingCopies,
                     "mbarrier at shared offset {:#x} is invalidated while "
                     "copies are in flight ({})",
                     offset, describeState(**state));
  **state = {};
  if (--numLive == 0) {
    liveBegin = UINT32_MAX;
    liveEnd = 0;
  }
  return {};
}

Checked<uint64_t> MbarrierTable::arriveImpl(uint32_t offset, uint32_t count,
                                            uint32_t expectBytes, bool drop,
                                            bool noComplete) {
  Checked<MbarrierState *> found = at(offset);
  if (!found)
    return tl::unexpected(found.error());
  MbarrierState &state = **found;
  if (count < 1 || count > maxCount)
    return makeFault(faults::arrivalCount,
                     "mbarrier at shared offset {:#x}: expected an arrival "
                     "count in 1..2^20-1, found {}",
                     offset, count);
  if (count > state.pending)
    return makeFault(faults::arrivalCount,
                     "mbarrier at shared offset {:#x}: arrive of {} exceeds "
                     "the {} pending arrivals of phase {}",
                     offset, count, state.pending, state.phase);
  if (drop && count > state.expected)
    return makeFault(faults::arrivalCount,
                     "mbarrier at shared offset {:#x}: drop of {} exceeds the "
                     "{} expected arrivals",
                     offset, count, state.expected);
  int64_t tx = int64_t(state.tx) + expectBytes;
  if (Checked<void> good = checkTx(offset, state, tx, "expect_tx"); !good)
    return tl::unexpected(good.error());
  if (noComplete && count == state.pending && tx == 0)
    return makeFault(faults::arrivalCount,
                     "mbarrier at shared offset {:#x}: arrive.noComplete of "
                     "{} completes phase {}; expected at most {}",
                     offset, count, state.phase, state.pending - 1);

  uint64_t token = state.phase << phaseShift | state.pending;
  state.tx = int32_t(tx);
  state.announced += expectBytes;
  state.pending -= count;
  if (drop)
    state.expected -= count;
  if (Checked<void> good = checkOvercompleted(offset, state); !good)
    return tl::unexpected(good.error());
  completeIfDone(state);
  return token;
}

Checked<uint64_t> MbarrierTable::arrive(uint32_t offset, uint32_t count) {
  return arriveImpl(offset, count, 0, false, false);
}

Checked<uint64_t> MbarrierTable::arriveExpectTx(uint32_t offset, uint32_t bytes,
                                                uint32_t count) {
  return arriveImpl(offset, count, bytes, false, false);
}

Checked<uint64_t> MbarrierTable::arriveDrop(uint32_t offset, uint32_t count) {
  return arriveImpl(offset, count, 0, true, false);
}

Checked<uint64_t> MbarrierTable::arriveDropExpectTx(uint32_t offset,
                                                    uint32_t bytes,
                                                    uint32_t count) {
  return arriveImpl(offset, count, bytes, true, false);
}

Checked<uint64_t> MbarrierTable::arriveNoComplete(uint32_t offset,
                                                  uint32_t count) {
  return arriveImpl(offset, count, 0, false, true);
}

Checked<uint64_t> MbarrierTable::arriveDropNoComplete(uint32_t offset,
                                                      uint32_t count) {
  return arriveImpl(offset, count, 0, true, true);
}

Checked<void> MbarrierTable::expectTx(uint32_t offset, uint32_t bytes) {
  Checked<MbarrierState *> found = at(offset);
  if (!found)
    return tl::unexpected(found.error());
  MbarrierState &state = **found;
  int64_t tx = int64_t(state.tx) + bytes;
  if (Checked<void> good = checkTx(offset, state, tx, "expect_tx"); !good)
    return good;
  state.tx = int32_t(tx);
  state.announced += bytes;
  return {};
}

Checked<void> MbarrierTable::completeTx(uint32_t offset, uint32_t bytes) {
  Checked<MbarrierState *> found = at(offset);
  if (!found)
    return tl::unexpected(found.error());
  MbarrierState &state = **found;
  int64_t tx = int64_t(state.tx) - bytes;
  if (Checked<void> good = checkTx(offset, state, tx, "complete_tx"); !good)
    return good;
  state.tx = int32_t(tx);
  if (Checked<void> good = checkOvercompleted(offset, state); !good)
    return good;
  completeIfDone(state);
  return {};
}

Checked<void> MbarrierTable::incrementPending(uint32_t offset, uint32_t count) {
  Checked<MbarrierState *> found = at(offset);
  if (!found)
    return tl::unexpected(found.error());
  MbarrierState &state = **found;
  if (count > maxCount - state.pending)
    return makeFault(faults::arrivalCount,
                     "mbarrier at shared offset {:#x}: {} more arrivals take "
                     "the pending count beyond 2^20-1 ({})",
                     offset, count, describeState(state));
  state.pending += count;
  return {};
}

Checked<bool> MbarrierTable::testParity(uint32_t offset,
                                        uint32_t parity) const {
  Checked<const MbarrierState *> state = at(offset);
  if (!state)
    return tl::unexpected(state.error());
  if (parity > 1)
    return makeFault(faults::parity,
                     "mbarrier at shared offset {:#x}: expected a parity of 0 "
                     "or 1, found {}",
                     offset, parity);
  return ((*state)->phase & 1) != parity;
}

Checked<bool> MbarrierTable::testParity(uint32_t offset, uint32_t parity,
                                        uint64_t &observed) const {
  Checked<bool> passed = testParity(offset, parity);
  if (!passed)
    return passed;
  uint64_t phase = states[offset / objectBytes].phase;
  // Of the two phases that the waiter can mean, the one with this parity:
  // number `observed`, or the one before, which it knows is completed.
  uint64_t completed = (observed & 1) == parity ? observed + 1 : observed;
  if (phase > completed)
    return makeFault(faults::phaseAliasing,
                     "phase aliasing on the mbarrier at shared offset {:#x}: a "
                     "waiter with parity {} that has seen {} phases complete "
                     "finds {} completed; expected at most {}, beyond which "
                     "the parity means another phase",
                     offset, parity, observed, phase, completed);
  if (*passed)
    observed = phase;
  return passed;
}

Checked<bool> MbarrierTable::testState(uint32_t offset, uint64_t token) const {
  Checked<const MbarrierState *> state = at(offset);
  if (!state)
    return tl::unexpected(state.error());
  uint64_t phase = token >> phaseShift;
  uint64_t current = (*state)->phase;
  if (phase > current || current - phase > 1)
    return makeFault(faults::phaseAliasing,
                     "mbarrier at shared offset {:#x}: expected a state of its "
                     "current phase {} or the phase before, found one of phase "
                     "{}",
                     offset, current, phase);
  return phase != current;
}

const MbarrierState *MbarrierTable::find(uint32_t offset) const {
  size_t index = offset / objectBytes;
  if (offset % objectBytes != 0 || index >= states.size() ||
      !states[index].live)
    return nullptr;
  return &states[index];
}

bool MbarrierTable::findLive(uint32_t offset, uint32_t bytes) const {
  size_t first = offset / objectBytes;
  size_t last = (uint64_t(offset) + bytes - 1) / objectBytes;
  last = std::min(last + 1, states.size());
  for (size_t i = first; i < last; ++i)
    if (states[i].live)
      return true;
  return false;
}

std::string MbarrierTable::describe(uint32_t offset) const {
  const MbarrierState *state = find(offset);
  return state ? describeState(*state) : "not initialised";
}
