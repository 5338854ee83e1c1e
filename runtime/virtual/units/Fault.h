//===- Fault.h - What a program did wrong -----------------------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_RUNTIME_VIRTUAL_UNITS_FAULT_H
#define HEDDLE_RUNTIME_VIRTUAL_UNITS_FAULT_H

#include "heddle/Runtime/LaunchReport.h"

#include <fmt/format.h>
#include <tl/expected.hpp>

namespace heddle::vgpu {

/// What kind of defect a fault is, and why.
struct FaultClass {
  FindingKind kind = FindingKind::Fault;
  CauseClass cause = CauseClass::Unknown;
};

/// The classes of faults, for those who raise them.
namespace faults {
inline constexpr FaultClass other{},
    alignment{FindingKind::Access, CauseClass::Alignment},
    bounds{FindingKind::Access, CauseClass::Bounds},
    peerExit{FindingKind::Access, CauseClass::PeerExit},
    useAfterFree{FindingKind::Access, CauseClass::UseAfterFree},
    arrivalCount{FindingKind::BarrierMisuse, CauseClass::ArrivalCount},
    namedBarrier{FindingKind::BarrierMisuse, CauseClass::NamedBarrierCount},
    parity{FindingKind::BarrierMisuse, CauseClass::Parity},
    pendingCopies{FindingKind::BarrierMisuse, CauseClass::PendingCopies},
    phaseAliasing{FindingKind::BarrierMisuse, CauseClass::PhaseAliasing},
    storeToBarrier{FindingKind::BarrierMisuse, CauseClass::Unknown},
    transactionBytes{FindingKind::BarrierMisuse, CauseClass::TransactionBytes},
    uninitializedBarrier{FindingKind::BarrierMisuse,
                         CauseClass::UninitializedBarrier},
    divergence{FindingKind::Fault, CauseClass::Divergence},
    registerPool{FindingKind::Fault, CauseClass::RegisterPool},
    wgmmaRegisters{FindingKind::WgmmaRegisters, CauseClass::MissingWait};
} // namespace faults

/// Something that the program did while it ran and that ends it.
struct Fault {
  FaultClass type;
  /// What is wrong, and the nearest thing that would work.
  std::string message;

  /// The same, of a part of a larger operation.
  Fault in(std::string_view what) const {
    return {type, fmt::format("{}: {}", what, message)};
  }
};

template <typename T>
using Checked = tl::expected<T, Fault>;

/// Builds a result: `return makeFault(faults::bounds, "... {}", x);`.
template <typename... Args>
tl::unexpected<Fault>
makeFault(FaultClass type, fmt::format_string<Args...> format, Args &&...args) {
  return tl::unexpected<Fault>(
      Fault{type, fmt::format(format, std::forward<Args>(args)...)});
}

} // namespace heddle::vgpu

#endif // HEDDLE_RUNTIME_VIRTUAL_UNITS_FAULT_H
