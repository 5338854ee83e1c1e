//===- Kernel.h - A decoded kernel ------------------------------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_VIRTUAL_DECODE_KERNEL_H
#define HEDDLE_VIRTUAL_DECODE_KERNEL_H

#include "decode/Instruction.h"
#include "heddle/Runtime/LaunchReport.h"

namespace heddle::vgpu {

/// Special registers with one value per lane for the life of a warp.
enum class Special : uint8_t {
  TidX,
  TidY,
  TidZ,
  NtidX,
  NtidY,
  NtidZ,
  CtaidX,
  CtaidY,
  CtaidZ,
  NctaidX,
  NctaidY,
  NctaidZ,
  LaneId,
  WarpId,
  NwarpId,
  SmId,
  NsmId,
  GridId,
  ClusterIdX,
  ClusterIdY,
  ClusterIdZ,
  NclusterIdX,
  NclusterIdY,
  NclusterIdZ,
  ClusterCtaidX,
  ClusterCtaidY,
  ClusterCtaidZ,
  ClusterNctaidX,
  ClusterNctaidY,
  ClusterNctaidZ,
  ClusterCtaRank,
  ClusterNctaRank,
  IsExplicitCluster,
  LaneMaskEq,
  LaneMaskLt,
  LaneMaskLe,
  LaneMaskGt,
  LaneMaskGe,
  DynamicSmemSize,
  TotalSmemSize,
  Zero,
  /// The halves of the address of the words that a cooperative grid waits with.
  GridWorkspaceLow,
  GridWorkspaceHigh,
  /// The clocks change while a warp runs; only `mov` reads them.
  Clock,
  ClockHigh,
  Clock64,
  GlobalTimer,
  GlobalTimerLow,
  GlobalTimerHigh,
};

/// A slot that is filled when a warp starts.
struct Constant {
  enum class Kind : uint8_t {
    Value,
    /// A shared offset: the CTA's rank in its cluster is added.
    SharedAddress,
    SpecialRegister,
  };
  Kind kind = Kind::Value;
  Special special = Special::Zero;
  bool wide = false;
  uint32_t slot = 0;
  uint64_t value = 0;
};

struct KernelParameter {
  std::string name;
  uint32_t offset = 0;
  uint32_t size = 0;
};

struct Kernel {
  std::string name;
  /// What messages call the PTX.
  std::string moduleName;
  const std::map<uint32_t, std::string> *files = nullptr;

  std::vector<Instruction> code;
  std::vector<InstructionInfo> info;
  /// Where the lanes of a divergent branch meet, by instruction.
  std::vector<uint32_t> reconvergence;
  std::vector<Constant> constants;
  std::vector<std::unique_ptr<Payload>> payloads;
  /// Names that `heddle.role` markers set.
  std::vector<std::string> roles;

  /// Instructions that are not exact, so that a launch counts them.
  struct Inexact {
    uint32_t pc = 0;
    Fidelity fidelity = Fidelity::Approximate;
  };
  std::vector<Inexact> inexact;

  /// Slots of registers proper come first, those of constants after.
  uint32_t registerSlots = 0;
  uint32_t slots = 0;
  uint32_t predicates = 1;
  /// Two slots for taint that lanes exchange.
  uint32_t taintScratch = 0;
  /// Instructions that access global memory, each with a cursor of its own.
  uint32_t cursors = 1;

  std::vector<KernelParameter> parameters;
  uint32_t parameterBytes = 0;
  /// At the start of shared memory, and part of the static bytes; not of those
  /// that a program may use.
  uint32_t reservedSharedBytes = 0;
  uint32_t staticSharedBytes = 0;
  /// Where dynamic shared memory starts: a multiple of 1024.
  uint32_t dynamicSharedOffset = 0;
  uint32_t localBytes = 0;
  Dim3 requiredThreads{0, 0, 0}, maxThreads{0, 0, 0}, requiredCluster{0, 0, 0};
  uint32_t maxRegisters = 0;
  bool usesWgmma = false;

  /// Whether an instruction communicates between clusters, and the first one
  /// whose outcome depends on the order of threads. See `Effects`.
  bool communicates = false;
  uint32_t firstOrderDependent = noInstruction;

  /// "kernel.ptx:12 (gemm.cu:7)".
  std::string place(uint32_t pc) const;
};

} // namespace heddle::vgpu

#endif // HEDDLE_VIRTUAL_DECODE_KERNEL_H
