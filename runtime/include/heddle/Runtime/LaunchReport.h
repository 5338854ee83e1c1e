//===- LaunchReport.h - What a launch on the virtual GPU showed -*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Findings of the sanitizer, and what one may conclude from a run: whether its
/// result depends on the schedule, and how exact its arithmetic was.
///
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_RUNTIME_LAUNCHREPORT_H
#define HEDDLE_RUNTIME_LAUNCHREPORT_H

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace heddle {

/// What kind of defect a finding is. `getName` spells it as JSON does.
enum class FindingKind {
  /// Two accesses, at least one a write, that nothing orders.
  Race,
  /// Ordered, but no proxy fence makes the one visible to the other.
  MissingProxyFence,
  /// Registers of a wgmma touched without wgmma.fence or before its wait.
  WgmmaRegisters,
  /// A synchronization object used against its rules.
  BarrierMisuse,
  Deadlock,
  /// The instruction budget is spent: the program may never end.
  Livelock,
  /// Something unfinished when a CTA exits: copies, bytes, shared memory that a
  /// peer still uses.
  Leak,
  Uninitialized,
  /// Out of bounds, misaligned, or after free.
  Access,
  /// What else the program did wrong: trap, assertion, illegal operands.
  Fault,
};

/// Why, in one of a few classes; `getName` spells it as JSON does.
enum class CauseClass {
  Unknown,
  // Races.
  /// No synchronization at all between the two.
  NoSynchronization,
  /// One lane released what other lanes of its warp did.
  LaneOnlyRelease,
  /// A release came before the wait for the asynchronous operation.
  EarlyRelease,
  /// The wait for an asynchronous operation is missing or too weak.
  MissingWait,
  MissingProxyFence,
  /// Release or acquire at a scope that does not reach the other side.
  Scope,
  /// A relaxed or plain access where a release or acquire was needed.
  WeakOrder,
  // Barriers and deadlocks.
  ArrivalCount,
  TransactionBytes,
  Parity,
  PhaseAliasing,
  UninitializedBarrier,
  NamedBarrierCount,
  /// A thread that was waited for has exited.
  EarlyExit,
  RegisterPool,
  /// Waits for a CTA that cannot be resident.
  Residency,
  MissingSignal,
  /// Lanes or warps that should execute an instruction together did not.
  Divergence,
  // Memory.
  PendingCopies,
  PeerExit,
  Bounds,
  UseAfterFree,
  Alignment,
  UninitializedMemory,
};

enum class Severity { Warning, Error };

/// One place in a program, and who was there.
struct FindingSite {
  /// What it did there: "store of 4 bytes at shared offset 128".
  std::string what;
  std::string opcode;
  /// File and line of the PTX.
  std::string ptx;
  uint32_t ptxLine = 0;
  /// File and line of the source that `.loc` names; empty and 0 without.
  std::string source;
  uint32_t sourceLine = 0;
  /// "CTA (0,0,0), warp 4 (consumer), lanes 0-31".
  std::string thread;
};

struct Finding {
  FindingKind kind = FindingKind::Fault;
  CauseClass cause = CauseClass::Unknown;
  Severity severity = Severity::Error;
  /// One sentence: what is wrong.
  std::string message;
  /// The site at fault first, then what it conflicts with or waits for.
  std::vector<FindingSite> sites;
  /// What would have ordered the sites, or let the program go on.
  std::string missing;
  /// The nearest thing that works.
  std::string hint;
  /// How many times; only the first is described.
  uint64_t count = 1;
};

/// What the result of a run may depend on.
enum class ResultClass {
  /// Nothing was checked, so nothing is known.
  Unknown,
  /// No races, and no step of the synchronization depends on which thread came
  /// first: every legal schedule gives this result.
  ScheduleIndependent,
  /// Atomics or flags decide: only the schedules tried are known.
  SchedulesExplored,
};

/// How exactly instructions were executed.
enum class Fidelity {
  /// The bits that hardware gives.
  Exact,
  /// Within the tolerance that the ISA states, perhaps not the same bits.
  WithinTolerance,
  /// The ISA leaves the value open: order of sums in tensor cores, clocks.
  Approximate,
};

struct LaunchReport {
  std::string kernel;
  /// As `--schedule` takes it: "timed", "random:7".
  std::string schedule;
  std::vector<Finding> findings;
  ResultClass resultClass = ResultClass::Unknown;
  /// Why the class is not `ScheduleIndependent`: "atom.add at x.ptx:12".
  std::string classReason;
  /// Warp instructions executed.
  uint64_t instructions = 0;
  /// What they asked of global memory, before caches. What one copies to
  /// several blocks is read once; reductions and atomics only write.
  uint64_t bytesRead = 0, bytesWritten = 0;
  /// Opcodes executed that are not exact, and how often (warp instructions).
  std::map<std::string, uint64_t> withinTolerance, approximate;
  /// The schedule's choices, one line each, for `--schedule=replay:FILE`; empty
  /// unless asked for.
  std::string trace;
  /// What the program printed.
  std::string output;

  bool hasErrors() const;
};

std::string_view getName(FindingKind kind);
std::string_view getName(CauseClass cause);
std::string_view getName(Severity severity);
std::string_view getName(ResultClass resultClass);

/// A finding as a person reads it: several lines, the first without a prefix.
std::string describe(const Finding &finding);

/// The errors of a report, one after the other; empty without any.
std::string describeErrors(const LaunchReport &report);

/// All of a report as one JSON object, indented.
std::string toJson(const LaunchReport &report);

} // namespace heddle

#endif // HEDDLE_RUNTIME_LAUNCHREPORT_H
