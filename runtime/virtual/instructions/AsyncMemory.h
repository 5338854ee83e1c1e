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
#include "instructions/MbarrierAddress.h"
#include "units/Tma.h"

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
Expected<SharedPlace> locateShared(Warp &warp, uint64_t address, uint32_t bytes,
                                   uint32_t align, bool crossCta);

/// The CTAs of a multicast, or just `only`.
Expected<std::vector<Cta *>> multicastTargets(Warp &warp, Cta *only,
                                              bool multicast, uint32_t mask);

/// Fills what an asynchronous copy will write with a NaN pattern, so that
/// reading before the wait, or writing before the readers are done, shows.
void poison(Cta &cta, uint32_t offset, uint32_t bytes);

std::optional<ReduceOp> takeReduceOp(Modifiers &mods);

} // namespace heddle::vgpu

#endif // HEDDLE_VIRTUAL_INSTRUCTIONS_ASYNCMEMORY_H
