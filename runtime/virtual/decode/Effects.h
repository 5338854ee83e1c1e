//===- Effects.h - How instructions meet other threads ----------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// What schedules and reports need to know about an instruction: whether it is
/// a point at which other threads should get a turn, and whether what it does
/// may depend on which thread came first.
///
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_VIRTUAL_DECODE_EFFECTS_H
#define HEDDLE_VIRTUAL_DECODE_EFFECTS_H

namespace heddle::vgpu {

class Modifiers;
struct Function;
struct InstructionRow;
struct Kernel;

struct Effects {
  /// Synchronizes, or starts something asynchronous.
  bool synchronizes = false;
  /// Changes memory or a synchronization object: a loop that has it does not
  /// merely wait.
  bool writes = false;
  /// Orders global memory between clusters, or changes it in an order that
  /// shows: clusters then run one at a time.
  bool communicates = false;
  /// Its outcome may depend on which thread came first, even without a race.
  bool orderDependent = false;
};

/// The effects of an instruction of `row` with modifiers `mods` by itself.
Effects getEffects(const InstructionRow &row, const Modifiers &mods);

/// Fills `Kernel::info`'s effects, and what follows from them for the kernel.
void findEffects(const Function &function, Kernel &kernel);

} // namespace heddle::vgpu

#endif // HEDDLE_VIRTUAL_DECODE_EFFECTS_H
