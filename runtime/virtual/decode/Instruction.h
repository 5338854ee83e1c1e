//===- Instruction.h - A decoded instruction --------------------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_VIRTUAL_DECODE_INSTRUCTION_H
#define HEDDLE_VIRTUAL_DECODE_INSTRUCTION_H

#include "decode/Effects.h"
#include "ptx/Syntax.h"

#include <memory>

namespace heddle::vgpu {

class Warp;
struct Instruction;
struct InstructionRow;
struct WaitReason;

/// What the dispatch loop does after an instruction.
enum class Flow : uint8_t {
  Next,
  /// The current lanes blocked, exited or faulted, or the warp gives way.
  Stop,
};

/// Executes one instruction for the lanes in `mask`, which is not empty. The
/// program counter already points at the next instruction.
using Handler = Flow (*)(Warp &warp, const Instruction &instruction,
                         uint32_t mask);

/// Operands that only some instructions have; their handlers know the type.
struct Payload {
  virtual ~Payload() = default;
};

/// Registers are slots of 128 bytes, 32 lanes of 4 bytes; 64-bit registers take
/// two. Immediates and special registers are slots too, filled when a warp
/// starts. Predicates are 32-bit masks, numbered apart; number 0 is true.
struct Instruction {
  Handler execute = nullptr;
  uint32_t dst = 0;
  uint32_t src[4] = {};
  uint32_t guard = 0;
  /// All ones for `@!p`.
  uint32_t guardFlip = 0;
  /// Branch target, predicate number or small flag, as the handler sees fit.
  uint32_t aux = 0;
  uint32_t aux2 = 0;
  int64_t immediate = 0;
  const Payload *payload = nullptr;
};

inline constexpr uint32_t slotBytes = 128;
inline constexpr uint32_t warpSize = 32;
inline constexpr uint32_t fullMask = ~0u;
/// No reconvergence before the lanes exit.
inline constexpr uint32_t neverReconverges = ~0u;
inline constexpr uint32_t noInstruction = ~0u;

/// What messages and checks need to know about an instruction.
struct InstructionInfo {
  std::string opcode;
  /// What the table says of it; see also `effectsOf`.
  const InstructionRow *row = nullptr;
  /// If it is not exact: its number in `Kernel::inexact`, and what executes it
  /// beneath the handler that counts.
  uint32_t inexact = 0;
  Handler counted = nullptr;
  uint32_t line = 0;
  SourceLocation location;
  /// Registers read or written, to find uses of in-flight wgmma operands.
  std::vector<uint32_t> slots;
  /// The same apart, and predicates: what uninitialised memory is followed
  /// through.
  struct Operands {
    std::vector<uint32_t> addresses, reads, writes;
    std::vector<uint32_t> predicateReads, predicateWrites;
  };
  Operands operands;
  /// wgmma orders its own use of accumulators.
  bool mayTouchInFlight = false;
  Effects effects = {};
  /// What lanes wait for that repeat it until it succeeds.
  const WaitReason *wait = nullptr;
};

} // namespace heddle::vgpu

#endif // HEDDLE_VIRTUAL_DECODE_INSTRUCTION_H
