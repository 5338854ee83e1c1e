//===- AsyncMemory.h - Operands of asynchronous copies ----------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_VIRTUAL_INSTRUCTIONS_ASYNCMEMORY_H
#define HEDDLE_VIRTUAL_INSTRUCTIONS_ASYNCMEMORY_H

#include "engine/Access.h"
#include "engine/Pending.h"
#include "instructions/MbarrierAddress.h"
#include "sanitizer/Sanitizer.h"
#include "units/Tma.h"

#include <optional>

namespace heddle::vgpu {

/// An address operand that one thread at a time uses.
struct ThreadAddress {
  uint32_t slot = 0;
  bool wide = false;
  int64_t offset = 0;

  uint64_t of(Warp &warp, uint32_t lane) const {
    return wide ? warp.reg64(slot)[lane] + uint64_t(offset)
                : uint32_t(warp.reg32(slot)[lane] + uint32_t(offset));
  }
};

inline ThreadAddress threadAddress(Decoder &d, const Operand &operand,
                                   Space space) {
  Decoder::Address address = d.address(operand, space);
  return {address.slot, address.wide, address.offset};
}

/// A range of some CTA's shared memory.
struct SharedPlace {
  Cta *cta = nullptr;
  uint32_t offset = 0;
};

/// The CTA and offset of a shared address, or an error.
Checked<SharedPlace> locateShared(Warp &warp, uint64_t address, uint32_t bytes,
                                  uint32_t align, bool crossCta);

/// The ranks of the CTAs of a multicast, one bit each. An error if the cluster
/// has no such ranks.
Checked<uint32_t> multicastTargets(Warp &warp, uint32_t mask);

/// Fills what an asynchronous copy will write with a NaN pattern, so that
/// reading before the wait, or writing before the readers are done, shows.
void poison(Cta &cta, uint32_t offset, uint32_t bytes);

/// Issues a copy of global memory to `place` of its CTA, or of each of the CTAs
/// that a multicast names, which credits an mbarrier of its own then.
/// `create(place, barrier)` makes the operation of one.
template <typename F>
void multicastLoad(Warp &warp, const Instruction &i, uint32_t lane,
                   SharedPlace place, uint32_t bytes, MbarrierPlace barrier,
                   std::optional<uint32_t> targets, const GlobalRange &source,
                   F &&create) {
  Cluster &cluster = warp.cta.cluster;
  uint32_t ranks = targets.value_or(1u << place.cta->rank);
  for (; ranks; ranks &= ranks - 1) {
    place.cta = cluster.ctas[__builtin_ctz(ranks)].get();
    if (targets)
      barrier.cta = place.cta;
    poison(*place.cta, place.offset, bytes);
    if (cluster.sanitizer)
      cluster.sanitizer->copyToShared(warp, i, lane, *place.cta, place.offset,
                                      bytes, source, *barrier.cta,
                                      barrier.offset);
    cluster.issue(create(place, barrier), copyLatency);
  }
}

/// A copy of global memory to shared memory of one CTA, which credits an
/// mbarrier.
class SharedLoad : public PendingOperation {
public:
  SharedLoad(Warp &warp, const Instruction &i, uint32_t lane, SharedPlace to,
             MbarrierPlace barrier)
      : PendingOperation(
            warp, i, 1u << lane,
            {Channel::Kind::Mbarrier, barrier.cta, barrier.offset}),
        to(to), barrier(barrier), phase(phaseOf(barrier)) {}
  Checked<void> execute() final;

protected:
  /// Copies; returns the bytes to credit.
  virtual Checked<uint32_t> copy() = 0;

  const SharedPlace to;
  const MbarrierPlace barrier;

private:
  static uint64_t phaseOf(const MbarrierPlace &barrier);
  /// The barrier's when the copy was issued.
  const uint64_t phase;
};

/// A bulk store of shared memory by one thread: the source is read first and
/// the destination written later.
class SharedStore : public PendingOperation {
public:
  /// Counts the store among the bulk operations of the thread.
  SharedStore(Warp &warp, const Instruction &i, uint32_t lane, SharedPlace from,
              uint32_t bytes);
  Checked<void> execute() final;
  /// Issues it.
  void issue();

protected:
  /// Writes what was read.
  virtual Checked<void> write() = 0;

  const SharedPlace from;
  /// A shared window of which [offset, offset + bytes) was read, such that
  /// swizzles have the phase that they have in the CTA's.
  std::pmr::vector<std::byte> window;
  uint32_t offset = 0;

private:
  const uint32_t bytes;
};

std::optional<ReduceOp> takeReduceOp(Modifiers &mods);
/// The elements of a reduction, or nothing if there are none of `type`.
std::optional<TensorMapType> reduceType(Type type);

} // namespace heddle::vgpu

#endif // HEDDLE_VIRTUAL_INSTRUCTIONS_ASYNCMEMORY_H
