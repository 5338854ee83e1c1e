//===- Deadlock.cpp - Why nothing can go on -------------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Each group of lanes that waits is a wait of one of a few kinds. The one to
/// blame is the one whose want nobody can supply: the rules below are ordered
/// from what is certain to what may follow from something else.
///
//===----------------------------------------------------------------------===//

#include "engine/Cluster.h"
#include "engine/Diagnostics.h"

#include <algorithm>
#include <fmt/format.h>
#include <tuple>

using namespace heddle;
using namespace heddle::vgpu;

namespace {

/// How surely a wait is the root of a hang, the surest first.
enum class Blame {
  Bytes,
  Registers,
  Barrier,
  SomeArrived,
  FirstPhase,
  Parity,
  NoneArrived,
  Cluster,
  Divergence,
  Memory,
  Other,
};

struct Wait {
  Blame blame = Blame::Other;
  CauseClass cause = CauseClass::Unknown;
  /// Earlier phases are waited for by what waits for later ones.
  uint64_t phase = 0;
  size_t order = 0;
  std::string reason, missing, hint;
  FindingSite site;
  /// Who arrived at the mbarrier that is waited for.
  std::vector<FindingSite> arrivals;
};

/// The live warps of the CTA that `barrier` lacks.
std::vector<Warp *> getMissing(Cta &cta, const NamedBarrier &barrier) {
  std::vector<Warp *> missing;
  for (auto &warp : cta.warps)
    if (cta.missingAt(barrier, *warp))
      missing.push_back(warp.get());
  return missing;
}

/// Whether nothing has happened to any mbarrier of the CTA since its init.
bool allUntouched(Cta &cta) {
  for (uint32_t offset = 0; offset < cta.sharedBytes; offset += 8)
    if (const MbarrierState *state = cta.mbarriers.find(offset))
      if (state->phase || state->tx || state->pending != state->expected)
        return false;
  return true;
}

/// Lists who arrived in the phase; if nobody did, in the one before; if nobody
/// has, where the program arrives at mbarriers at all.
void listArrivals(const PhaseWait &phase, const MbarrierState &state,
                  const Kernel &kernel, Wait &wait) {
  if (!phase.cta->history)
    return;
  constexpr size_t most = 8;
  auto list = [&](uint64_t number) {
    auto arrivals = phase.cta->history->arrivalsIn(phase.offset, number);
    for (const auto &arrival : arrivals.first(std::min(most, arrivals.size())))
      wait.arrivals.push_back(getSite(
          *arrival.warp, arrival.pc, arrival.lanes,
          fmt::format("arrived in phase {} of the mbarrier at shared offset {}",
                      number, phase.offset)));
    return !arrivals.empty();
  };
  if (list(state.phase) || (state.phase && list(state.phase - 1)))
    return;
  std::string places;
  size_t count = 0;
  for (uint32_t pc = 0; pc < kernel.info.size() && count < most; ++pc) {
    std::string_view opcode = kernel.info[pc].opcode;
    if (!opcode.starts_with("mbarrier.arrive") &&
        !opcode.starts_with("cp.async.mbarrier.arrive"))
      continue;
    places += (count++ ? ", " : "") + kernel.place(pc);
  }
  wait.missing += places.empty()
                      ? "; the program arrives at no mbarrier"
                      : "; the program arrives at mbarriers at " + places;
}

/// A warp that has waited for every phase of the mbarrier waits for one that is
/// not the next that it has not seen. True if that explains the wait.
bool explainSkip(const PhaseWait &phase, const MbarrierState &state,
                 const Warp &warp, const std::string &name, Wait &wait) {
  if (!phase.cta->history || !phase.parity)
    return false;
  BarrierHistory::Waiter seen =
      phase.cta->history->waiter(phase.offset, warp.index);
  if (!seen.phases || !seen.everyPhase || state.phase <= seen.phases)
    return false;
  uint64_t next = seen.phases;
  wait.blame = Blame::Parity;
  if (*phase.parity == (next & 1)) {
    wait.cause = CauseClass::PhaseAliasing;
    wait.reason = fmt::format(
        "{} waits with parity {} for phase {} of {}, which is complete; but "
        "the mbarrier has come to phase {}, for which the same parity stands",
        describeWarpName(warp), *phase.parity, next, name, state.phase);
    wait.hint = "let no phase complete before all who wait for the one before "
                "have seen that";
    return true;
  }
  wait.cause = CauseClass::Parity;
  wait.reason = fmt::format(
      "{} waits with parity {} for phase {} of {}, but has not waited for "
      "phase {}, which is complete and has parity {}",
      describeWarpName(warp), *phase.parity, state.phase, name, next, next & 1);
  wait.hint = "count the phases of each mbarrier through the whole kernel: a "
              "parity from a loop's index starts again with the loop";
  return true;
}

void explainPhase(const PhaseWait &phase, const Warp &warp, Wait &wait) {
  const MbarrierState *state = phase.cta->mbarriers.find(phase.offset);
  std::string name =
      fmt::format("the mbarrier at shared offset {}", phase.offset);
  if (!state) {
    wait.blame = Blame::Bytes;
    wait.cause = CauseClass::UninitializedBarrier;
    wait.reason = fmt::format("{} was not initialised", name);
    return;
  }
  wait.phase = state->phase;
  uint32_t arrived =
      state->expected - std::min(state->pending, state->expected);
  if (state->pending == 0) {
    wait.blame = Blame::Bytes;
    wait.cause = CauseClass::TransactionBytes;
    wait.reason = fmt::format("all {} arrivals of phase {} of {} are in, but "
                              "{} of the bytes that they expect were not "
                              "copied: {}",
                              state->expected, state->phase, name, state->tx,
                              describeBytes(*state));
    listArrivals(phase, *state, *warp.kernel, wait);
    wait.missing =
        fmt::format("copies of {} bytes that complete on {}", state->tx, name);
    wait.hint =
        "let expect_tx say the bytes that the copies of the phase bring";
    return;
  }
  wait.missing =
      fmt::format("{} of {} arrivals in phase {} of {}", state->pending,
                  state->expected, state->phase, name);
  listArrivals(phase, *state, *warp.kernel, wait);
  if (phase.parity == 0u && allUntouched(*phase.cta)) {
    wait.blame = Blame::FirstPhase;
    wait.cause = CauseClass::Parity;
    wait.reason =
        fmt::format("{} is in its first phase and nobody has arrived at any: "
                    "parity 0 waits for that phase to complete",
                    name);
    wait.hint = "who fills the first slots waits with parity 1, which a fresh "
                "mbarrier passes";
    return;
  }
  if (explainSkip(phase, *state, warp, name, wait))
    return;
  wait.blame = arrived ? Blame::SomeArrived : Blame::NoneArrived;
  wait.cause = CauseClass::ArrivalCount;
  wait.reason =
      fmt::format("{} of the {} arrivals that phase {} of {} expects came, and "
                  "nobody is left to arrive",
                  arrived, state->expected, state->phase, name);
  if (state->tx < 0)
    wait.reason += fmt::format(", though {} bytes were copied", -state->tx);
  wait.hint = arrived ? "initialise it with as many arrivals as come in a phase"
                      : "arrive on it once its slot may be used again";
}

void explainBarrier(Warp &warp, const Fragment &fragment, Wait &wait) {
  Cta &cta = warp.cta;
  const NamedBarrier &barrier = cta.barriers[fragment.a];
  std::vector<Warp *> missing = getMissing(cta, barrier);
  bool elsewhere = std::ranges::any_of(missing, [](Warp *other) {
    return std::ranges::any_of(other->fragments, [&](const Fragment &at) {
      return findPhaseWait(*other, at).has_value() || isConvergence(at) ||
             isSpin(at);
    });
  });
  wait.blame = elsewhere ? Blame::Other : Blame::Barrier;
  uint32_t arrived = cta.arrivedAt(barrier);
  bool exited =
      std::ranges::any_of(cta.warps, [](auto &other) { return other->done(); });
  uint32_t expected = barrier.expected ? barrier.expected
                                       : uint32_t(cta.warps.size()) * warpSize;
  // Even with all that are left it would not be complete.
  bool tooFew = arrived + missing.size() * warpSize < expected;
  wait.cause =
      exited && tooFew ? CauseClass::EarlyExit : CauseClass::NamedBarrierCount;
  wait.reason = fmt::format("barrier {} waits for {} threads, {} arrived{}",
                            fragment.a, expected, arrived,
                            wait.cause == CauseClass::EarlyExit
                                ? " and warps of the CTA have exited"
                                : "");
  wait.missing =
      fmt::format("{} threads at barrier {}",
                  expected - std::min(arrived, expected), fragment.a);
  wait.hint = wait.cause == CauseClass::EarlyExit
                  ? "let every warp that the count includes arrive before it "
                    "exits"
                  : "give the same number and count to all who take part";
}

Wait explain(Warp &warp, const Fragment &fragment) {
  Wait wait;
  uint32_t at = fragment.instruction && fragment.wait
                    ? warp.indexOf(*fragment.instruction)
                    : fragment.pc;
  wait.site =
      getSite(warp, at, fragment.mask,
              fragment.wait ? fragment.wait->describe(warp, fragment) : "runs");
  if (!fragment.wait)
    return wait;
  std::string_view opcode = wait.site.opcode;
  auto is = [&](std::string_view prefix) { return opcode.starts_with(prefix); };
  if (isConvergence(fragment)) {
    wait.blame = Blame::Divergence;
    wait.cause = CauseClass::Divergence;
    wait.reason = "lanes of one warp that must execute an instruction together "
                  "wait at different places";
  } else if (auto phase = findPhaseWait(warp, fragment)) {
    explainPhase(*phase, warp, wait);
  } else if (isSpin(fragment)) {
    wait.blame = Blame::Memory;
    wait.cause = CauseClass::MissingSignal;
    wait.reason = "nobody writes the memory that is polled";
  } else if (is("setmaxnreg")) {
    wait.blame = Blame::Registers;
    wait.cause = CauseClass::RegisterPool;
    wait.reason = "registers that no warpgroup gives back are waited for";
    wait.hint = "let the counts of all warpgroups together not exceed what the "
                "CTA was launched with";
  } else if (is("barrier.cluster")) {
    wait.blame = Blame::Cluster;
    wait.cause = CauseClass::ArrivalCount;
    wait.reason = "not all threads of the cluster arrive at its barrier";
  } else if (is("bar")) {
    explainBarrier(warp, fragment, wait);
  } else if (is("wgmma")) {
    wait.blame = Blame::Divergence;
    wait.cause = CauseClass::Divergence;
    wait.reason = "not all four warps of a warpgroup issue the same wgmma";
  }
  return wait;
}

} // namespace

Finding heddle::vgpu::describeHang(Cluster &cluster) {
  std::vector<Wait> waits;
  for (auto &cta : cluster.ctas)
    for (auto &warp : cta->warps)
      for (const Fragment &fragment : warp->fragments)
        waits.emplace_back(explain(*warp, fragment)).order = waits.size();
  std::ranges::sort(waits, {}, [](const Wait &wait) {
    return std::tuple(wait.blame, wait.phase, wait.order);
  });
  Finding finding;
  std::vector<FindingSite> arrivals;
  finding.kind = FindingKind::Deadlock;
  finding.message = fmt::format(
      "kernel '{}' hangs: no warp of {} can run and no copy is in flight",
      cluster.launch.kernel->name, describeCta(*cluster.ctas.front()));
  if (!waits.empty()) {
    Wait &root = waits.front();
    arrivals = std::move(root.arrivals);
    finding.cause = root.cause;
    if (!root.reason.empty())
      finding.message += "; " + root.reason;
    finding.missing = root.missing;
    finding.hint = root.hint;
  }
  for (Wait &wait : waits)
    finding.sites.push_back(std::move(wait.site));
  std::ranges::move(arrivals, std::back_inserter(finding.sites));
  return finding;
}
