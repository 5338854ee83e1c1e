//===- InstructionRow.h - What is said of an instruction --------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// One row per variant of an instruction: how it is spelled, and what those who
/// do not execute it need to know: its effects, its timing, how exact it is,
/// and the target that introduced it.
///
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_VIRTUAL_DECODE_INSTRUCTIONROW_H
#define HEDDLE_VIRTUAL_DECODE_INSTRUCTIONROW_H

#include "decode/Instruction.h"
#include "heddle/Runtime/LaunchReport.h"

#include <string_view>

namespace heddle::vgpu {

class Decoder;
class Modifiers;

using heddle::Fidelity;

/// Decodes the operands of one statement into `decoder.inst` and returns what
/// executes it, or null after `decoder.fail`.
using DecodeFunction = Handler (*)(Decoder &decoder);

/// Memory that an instruction may touch; a set.
using MemorySet = uint8_t;
inline constexpr MemorySet sharedMemory = 1, globalMemory = 2, localMemory = 4,
                           parameterMemory = 8,
                           genericMemory =
                               sharedMemory | globalMemory | localMemory,
                           anyMemory = genericMemory | parameterMemory;

/// Through which proxy it touches memory.
enum class Proxy : uint8_t { Generic, Async, Tensormap };

/// How it orders what happens before and after; a set.
using SyncSet = uint8_t;
inline constexpr SyncSet acquires = 1, releases = 2,
                         /// Meets other threads: bar, barrier, mbarrier waits.
    meets = 4,
                         /// Orders without touching memory.
    fences = 8,
                         /// Works on an mbarrier object.
    usesMbarrier = 16,
                         /// Closes a group of asynchronous operations.
    commits = 32,
                         /// Lets other threads go first.
    yields = 64;

/// How one learns that it has completed, if it completes later.
enum class Completion : uint8_t {
  AtOnce,
  Mbarrier,
  CopyGroup,
  BulkGroup,
  WgmmaGroup,
};

/// What an uninitialised operand would spoil; a set.
using SinkSet = uint8_t;
inline constexpr SinkSet addressSink = 1, branchSink = 2, storeSink = 4,
                         syncSink = 8;

/// Whether it changes memory in one step that no other thread divides, and then
/// whether it returns what was there.
enum class Update : uint8_t { None, Reduces, Returns };

struct RowEffects {
  MemorySet reads = 0, writes = 0;
  Proxy proxy = Proxy::Generic;
  SyncSet sync = 0;
  Completion completion = Completion::AtOnce;
  SinkSet sinks = 0;
  Update update = Update::None;
  /// Does more than compute, touch memory and order: ends threads, prints.
  bool hasSideEffect = false;
  /// Its result depends on how threads were scheduled.
  bool dependsOnSchedule = false;

  bool touchesMemory() const { return reads || writes; }
  bool operator==(const RowEffects &) const = default;
};

/// What executes it on a multiprocessor.
enum class Timing : uint8_t {
  /// Integer and f32 pipes.
  Alu,
  /// 64-bit floating point.
  Double,
  /// Special functions: ex2, rcp, sin.
  Special,
  /// Conversions and other half-rate work.
  Convert,
  /// Exchanges between the lanes of a warp.
  Warp,
  Memory,
  Atomic,
  /// Asynchronous copies of single threads.
  Copy,
  /// Bulk and tensor copies.
  Bulk,
  /// mma, wgmma.
  Tensor,
  /// Barriers, mbarriers and fences.
  Sync,
  Control,
};

struct InstructionRow {
  /// How it is spelled; see decode/Pattern.h.
  std::string_view pattern;
  DecodeFunction decode;
  RowEffects effects = {};
  Timing timing = Timing::Alu;
  Fidelity fidelity = Fidelity::Exact;
  /// The least target, as in sm_80; 0 if every target has it.
  uint32_t target = 0;
};

/// The row's effects, narrowed to the spaces and the order that `mods` name: a
/// row of `ld` reads any memory, `ld.acquire.gpu.shared` shared memory, and
/// acquires.
RowEffects effectsOf(const InstructionRow &row, const Modifiers &mods);

std::string_view getName(Proxy proxy);
std::string_view getName(Completion completion);
std::string_view getName(Timing timing);

} // namespace heddle::vgpu

#endif // HEDDLE_VIRTUAL_DECODE_INSTRUCTIONROW_H
