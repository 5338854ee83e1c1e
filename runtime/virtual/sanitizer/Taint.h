//===- Taint.h - Registers that hold uninitialised memory -------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Reading memory that nobody has written is no error by itself: what was read
/// may go unused. A load taints its destination registers, what is computed
/// from tainted registers is tainted too, and what depends on taint - an
/// address, a branch, a store to global memory, a synchronization - is
/// reported.
///
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_VIRTUAL_SANITIZER_TAINT_H
#define HEDDLE_VIRTUAL_SANITIZER_TAINT_H

#include "decode/Kernel.h"
#include "engine/Warp.h"

#include <utility>
#include <vector>

namespace heddle::vgpu {

/// The tainted registers of one warp.
class Taint {
public:
  explicit Taint(const Kernel &kernel)
      : registers(kernel.slots), predicates(kernel.predicates) {}
  void clear();

  bool any() const { return count != 0; }
  /// Whether taint has appeared where none was since this was asked last.
  bool takeBegan() { return std::exchange(began, false); }

  /// Lanes of the register at `slot` that are tainted.
  uint32_t lanesOf(uint32_t slot) const { return registers[slot].lanes; }
  /// The load that its taint comes from.
  uint32_t originOf(uint32_t slot) const { return registers[slot].origin; }
  /// `lanes` of the register have been written: those of `tainted` with what
  /// `origin` loaded.
  void write(uint32_t slot, uint32_t lanes, uint32_t tainted, uint32_t origin) {
    write(registers[slot], lanes, tainted, origin);
  }

  /// What an instruction's results will be tainted with.
  struct Step {
    uint32_t mask = 0, tainted = 0, origin = 0;
    /// Of shfl: the taint of the value, which lanes exchange.
    uint32_t value = 0;
    /// The results are written.
    bool done = false;
  };
  /// Before `active` lanes ask whether they execute the instruction.
  void checkGuard(Warp &warp, const Instruction &instruction, uint32_t at);
  /// Before and after `mask` executes it.
  Step before(Warp &warp, const Instruction &instruction, uint32_t at,
              uint32_t mask);
  void after(Warp &warp, const Instruction &instruction, uint32_t at,
             const Step &step);

private:
  struct Entry {
    uint32_t lanes = 0;
    uint32_t origin = 0;
  };
  void write(Entry &entry, uint32_t lanes, uint32_t tainted, uint32_t origin) {
    uint32_t now = (entry.lanes & ~lanes) | (tainted & lanes);
    if (tainted & lanes)
      entry.origin = origin;
    if (!entry.lanes && now) {
      began |= count == 0;
      ++count;
    } else if (entry.lanes && !now) {
      --count;
    }
    entry.lanes = now;
  }
  void writeResults(const InstructionInfo::Operands &operands, uint32_t mask,
                    uint32_t tainted, uint32_t origin);
  /// The tainted lanes of one of these, and where its taint comes from.
  Entry gather(const std::vector<Entry> &entries,
               const std::vector<uint32_t> &numbers, uint32_t mask) const;

  std::vector<Entry> registers, predicates;
  /// Entries with tainted lanes.
  uint32_t count = 0;
  bool began = false;
};

/// How an instruction ends that may have tainted registers: the first taint of
/// a warp is looked after from there on.
inline Flow flowAfterTaint(Warp &warp) {
  return warp.taint && warp.taint->takeBegan() ? warp.recheck() : Flow::Next;
}

} // namespace heddle::vgpu

#endif // HEDDLE_VIRTUAL_SANITIZER_TAINT_H
