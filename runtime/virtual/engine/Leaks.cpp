//===- Leaks.cpp - What is unfinished when all threads have exited --------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "engine/Cluster.h"
#include "engine/Diagnostics.h"

#include <algorithm>
#include <fmt/format.h>

using namespace heddle;
using namespace heddle::vgpu;

namespace {

Finding leak(CauseClass cause, std::string message) {
  Finding finding;
  finding.kind = FindingKind::Leak;
  finding.cause = cause;
  finding.message = std::move(message);
  return finding;
}

void reportUnawaited(const Cluster &cluster, const Warp &warp, uint32_t pc,
                     uint32_t lanes, Severity severity = Severity::Error) {
  Finding finding =
      leak(CauseClass::PendingCopies,
           "the CTA exits before what it started is complete; its shared "
           "memory is then no longer its own");
  finding.severity = severity;
  finding.sites.push_back(
      getSite(warp, pc, lanes, "started and not waited for"));
  finding.missing = "a wait for it before the last thread exits";
  cluster.report(std::move(finding));
}

/// Copies and products that no thread has waited for. Global memory may still
/// be written then; shared memory may not be used. Bulk stores and wgmmas are
/// told by the waits, whether or not they happen to be complete.
void reportOperations(const Cluster &cluster) {
  for (const PendingOperation *operation : cluster.pending.all()) {
    Channel::Kind kind = operation->channel.kind;
    if (kind == Channel::Kind::Mbarrier || kind == Channel::Kind::CopyGroup)
      reportUnawaited(cluster, operation->warp,
                      operation->warp.indexOf(operation->instruction),
                      operation->lanes,
                      // Nothing reads what such a copy brings, and it is short.
                      kind == Channel::Kind::CopyGroup ? Severity::Warning
                                                       : Severity::Error);
  }
  for (auto &cta : cluster.ctas)
    for (auto &warp : cta->warps) {
      for (uint32_t lane = 0; lane < warp->bulkGroups.size(); ++lane)
        if (const AsyncGroups &stores = warp->bulkGroups[lane];
            stores.issued > stores.awaited)
          reportUnawaited(cluster, *warp, stores.newestPc, 1u << lane);
      if (const AsyncGroups &products = warp->wgmmaGroups;
          products.issued > products.completed)
        reportUnawaited(cluster, *warp, products.newestPc, fullMask);
    }
}

/// mbarriers whose phase waits for bytes that no copy under way will bring.
void reportBytes(const Cluster &cluster, Cta &cta) {
  cta.mbarriers.forEachLive([&](uint32_t offset, const MbarrierState &state) {
    Channel channel{Channel::Kind::Mbarrier, &cta, offset};
    if (!state.tx ||
        std::ranges::any_of(cluster.pending.all(),
                            [&](const PendingOperation *operation) {
                              return operation->channel == channel;
                            }))
      return;
    Finding finding = leak(
        CauseClass::TransactionBytes,
        fmt::format("the CTA exits while phase {} of the mbarrier at shared "
                    "offset {} has {}",
                    state.phase, offset, describeBytes(state)));
    if (cta.history)
      for (const auto &arrival : cta.history->arrivalsIn(offset, state.phase))
        finding.sites.push_back(
            getSite(*arrival.warp, arrival.pc, arrival.lanes,
                    fmt::format("arrived in phase {}", state.phase)));
    finding.hint =
        "let expect_tx say the bytes that the copies of the phase bring";
    cluster.report(std::move(finding));
  });
}

/// Harmless on hardware, and some pipelines end so: a warning.
void reportHalfArrived(const Cluster &cluster, const Cta &cta) {
  for (size_t number = 0; number < cta.barriers.size(); ++number) {
    const NamedBarrier &barrier = cta.barriers[number];
    if (!barrier.active || !barrier.expected)
      continue;
    uint32_t arrived = 0;
    for (uint32_t lanes : barrier.arrived)
      arrived += lanes ? warpSize : 0;
    Finding finding = leak(
        CauseClass::NamedBarrierCount,
        fmt::format("the CTA exits while barrier {} waits for {} threads, of "
                    "which {} arrived",
                    number, barrier.expected, arrived));
    finding.severity = Severity::Warning;
    cluster.report(std::move(finding));
  }
}

} // namespace

void heddle::vgpu::reportLeaks(const Cluster &cluster) {
  reportOperations(cluster);
  for (auto &cta : cluster.ctas) {
    reportBytes(cluster, *cta);
    reportHalfArrived(cluster, *cta);
  }
}
