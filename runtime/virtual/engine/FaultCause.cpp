//===- FaultCause.cpp - Which kind of defect a fault is -------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "engine/Diagnostics.h"

#include <string_view>

using namespace heddle;
using namespace heddle::vgpu;

namespace {

/// Faults are raised where they are noticed, as text; what class a text is of
/// is said here, once for all. The first phrase that occurs decides.
struct Row {
  std::string_view phrase;
  FindingKind kind;
  CauseClass cause;
};

constexpr Row rows[] = {
    // Before those that name a barrier: this one says what would help.
    {"has exited", FindingKind::Access, CauseClass::PeerExit},
    {"wgmma in flight", FindingKind::WgmmaRegisters, CauseClass::MissingWait},
    {"phase aliasing", FindingKind::BarrierMisuse, CauseClass::PhaseAliasing},
    {"current phase", FindingKind::BarrierMisuse, CauseClass::PhaseAliasing},
    {"was not initialised", FindingKind::BarrierMisuse,
     CauseClass::UninitializedBarrier},
    {"is live; expected mbarrier.inval", FindingKind::BarrierMisuse,
     CauseClass::UninitializedBarrier},
    {"more have completed than were expected", FindingKind::BarrierMisuse,
     CauseClass::TransactionBytes},
    {"transaction count", FindingKind::BarrierMisuse,
     CauseClass::TransactionBytes},
    {"is invalidated while copies", FindingKind::BarrierMisuse,
     CauseClass::PendingCopies},
    {"pending arrivals of phase", FindingKind::BarrierMisuse,
     CauseClass::ArrivalCount},
    {"expected arrivals", FindingKind::BarrierMisuse, CauseClass::ArrivalCount},
    {"arrival count in", FindingKind::BarrierMisuse, CauseClass::ArrivalCount},
    {"arrive.noComplete", FindingKind::BarrierMisuse, CauseClass::ArrivalCount},
    {"the pending count beyond", FindingKind::BarrierMisuse,
     CauseClass::ArrivalCount},
    {"hits a live mbarrier", FindingKind::BarrierMisuse, CauseClass::Unknown},
    {"the warp arrives at barrier", FindingKind::BarrierMisuse,
     CauseClass::NamedBarrierCount},
    {"is in use with", FindingKind::BarrierMisuse,
     CauseClass::NamedBarrierCount},
    {"threads at the barrier", FindingKind::BarrierMisuse,
     CauseClass::NamedBarrierCount},
    {"expected a thread count", FindingKind::BarrierMisuse,
     CauseClass::NamedBarrierCount},
    {"expected a barrier from", FindingKind::BarrierMisuse,
     CauseClass::NamedBarrierCount},
    {"barrier.cluster", FindingKind::BarrierMisuse, CauseClass::ArrivalCount},
    {"same wgmma in all four warps", FindingKind::Fault,
     CauseClass::Divergence},
    {"all 32 lanes of the warp", FindingKind::Fault, CauseClass::Divergence},
    {"whole warpgroup", FindingKind::Fault, CauseClass::Divergence},
    {"member mask", FindingKind::Fault, CauseClass::Divergence},
    {"registers per thread; expected", FindingKind::Fault,
     CauseClass::RegisterPool},
    {"freed", FindingKind::Access, CauseClass::UseAfterFree},
    {"a multiple of", FindingKind::Access, CauseClass::Alignment},
    {"multiples of", FindingKind::Access, CauseClass::Alignment},
    {"past the end", FindingKind::Access, CauseClass::Bounds},
    {"outside", FindingKind::Access, CauseClass::Bounds},
    {"allocation", FindingKind::Access, CauseClass::Bounds},
    {"names rank", FindingKind::Access, CauseClass::Bounds},
    {"belongs to rank", FindingKind::Access, CauseClass::Bounds},
    {"cannot be written", FindingKind::Access, CauseClass::Bounds},
};

} // namespace

FaultClass heddle::vgpu::classifyFault(std::string_view message) {
  for (const Row &row : rows)
    if (message.find(row.phrase) != message.npos)
      return {row.kind, row.cause};
  return {FindingKind::Fault, CauseClass::Unknown};
}
