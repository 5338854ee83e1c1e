//===- Mbarrier.h - The mbarriers of one CTA --------------------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The state machines behind mbarrier objects. They live beside shared memory,
/// keyed by shared offset, so that a stray store cannot corrupt one unnoticed.
///
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_RUNTIME_VIRTUAL_UNITS_MBARRIER_H
#define HEDDLE_RUNTIME_VIRTUAL_UNITS_MBARRIER_H

#include "Fault.h"

#include <cstdint>
#include <vector>

namespace heddle::vgpu {

/// One mbarrier. A phase completes when nothing is pending and every expected
/// byte has arrived; the next phase then starts with `expected` pending.
struct MbarrierState {
  /// Phases completed so far: the number of the current phase.
  uint64_t phase = 0;
  /// Arrivals still missing in this phase.
  uint32_t pending = 0;
  /// Arrivals that each phase starts with.
  uint32_t expected = 0;
  /// Bytes expected less bytes completed; negative while a copy has finished
  /// before its expectation was announced.
  int32_t tx = 0;
  /// Bytes that expect_tx has announced in this phase.
  uint64_t announced = 0;
  bool live = false;
};

/// The mbarriers of one CTA. Every misuse is an error value of kind `Fault`.
/// Not thread-safe.
class MbarrierTable {
public:
  /// Of an mbarrier object, and what its address is a multiple of.
  static constexpr uint32_t objectBytes = 8;

  /// Largest arrival count and transaction count.
  static constexpr uint32_t maxCount = (1u << 20) - 1;

  explicit MbarrierTable(uint32_t sharedBytes);

  /// Forgets all barriers, but keeps the memory for them.
  void reset();

  Checked<void> init(uint32_t offset, uint32_t count);
  Checked<void> inval(uint32_t offset);

  /// The arrivals return the opaque 64-bit state before the arrival, for
  /// `testState` and `pendingCount`.
  Checked<uint64_t> arrive(uint32_t offset, uint32_t count = 1);
  Checked<uint64_t> arriveExpectTx(uint32_t offset, uint32_t bytes,
                                   uint32_t count = 1);
  /// Also lowers the arrivals that later phases expect.
  Checked<uint64_t> arriveDrop(uint32_t offset, uint32_t count = 1);
  Checked<uint64_t> arriveDropExpectTx(uint32_t offset, uint32_t bytes,
                                       uint32_t count = 1);
  /// `.noComplete`: an error if it would complete the phase.
  Checked<uint64_t> arriveNoComplete(uint32_t offset, uint32_t count);
  Checked<uint64_t> arriveDropNoComplete(uint32_t offset, uint32_t count);

  Checked<void> expectTx(uint32_t offset, uint32_t bytes);
  Checked<void> completeTx(uint32_t offset, uint32_t bytes);
  /// One more arrival in this phase: `cp.async.mbarrier.arrive` without
  /// `.noinc` does this when issued.
  Checked<void> incrementPending(uint32_t offset, uint32_t count = 1);

  /// Whether the phase with that parity (0 or 1) has completed: the current
  /// phase's parity is the other one. A fresh barrier passes parity 1.
  Checked<bool> testParity(uint32_t offset, uint32_t parity) const;
  /// The same for a waiter that waits for every phase. `observed` is its own
  /// memory of this barrier, 0 at first: the phases it knows are completed. An
  /// error if the barrier has run two phases ahead, so that the parity means
  /// another phase than the waiter thinks (phase aliasing).
  Checked<bool> testParity(uint32_t offset, uint32_t parity,
                           uint64_t &observed) const;
  /// Whether the phase of an arrival's state has completed. An error if that
  /// phase is neither the current nor the one before.
  Checked<bool> testState(uint32_t offset, uint64_t state) const;
  /// `mbarrier.pending_count`.
  static uint32_t pendingCount(uint64_t state) { return state & maxCount; }

  /// The barrier at `offset`, or null if none is live there.
  const MbarrierState *find(uint32_t offset) const;
  /// Whether [offset, offset + bytes) touches a live barrier: nothing but
  /// mbarrier operations may.
  bool overlapsLive(uint32_t offset, uint32_t bytes) const {
    // Most stores are far from where the barriers are.
    return offset < liveEnd && offset + bytes > liveBegin && bytes != 0 &&
           findLive(offset, bytes);
  }
  uint32_t liveCount() const { return numLive; }
  /// Calls `body(offset, state)` for each live barrier.
  template <typename F>
  void forEachLive(F &&body) const {
    for (uint32_t offset = liveBegin; offset < liveEnd; offset += objectBytes)
      if (const MbarrierState *state = find(offset))
        body(offset, *state);
  }

  /// "phase 3 (parity 1): 1 of 1 arrivals pending, 16384 bytes outstanding".
  std::string describe(uint32_t offset) const;

private:
  bool findLive(uint32_t offset, uint32_t bytes) const;
  Checked<MbarrierState *> at(uint32_t offset);
  Checked<const MbarrierState *> at(uint32_t offset) const;
  Checked<uint64_t> arriveImpl(uint32_t offset, uint32_t count,
                               uint32_t expectBytes, bool drop,
                               bool noComplete);

  /// Indexed by offset / 8; grows on demand.
  std::vector<MbarrierState> states;
  uint32_t sharedBytes;
  uint32_t numLive = 0;
  /// Offsets between which all live barriers are.
  uint32_t liveBegin = UINT32_MAX, liveEnd = 0;
};

} // namespace heddle::vgpu

#endif // HEDDLE_RUNTIME_VIRTUAL_UNITS_MBARRIER_H
