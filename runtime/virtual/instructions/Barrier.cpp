//===- Barrier.cpp - Barriers of warps, CTAs and clusters -----------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "engine/Cluster.h"
#include "engine/Diagnostics.h"
#include "instructions/Lanes.h"
#include "instructions/Table.h"
#include "sanitizer/Sanitizer.h"

#include <fmt/format.h>

using namespace heddle::vgpu;

namespace {

enum class Mode : uint32_t { Sync, Arrive, RedPopc, RedAnd, RedOr };

/// "warp 3", or "warp 3 (lanes 0-15)" if the others of its live lanes are not
/// `missing`.
std::string describeMissing(const Warp &warp, uint32_t missing) {
  std::string name = describeWarpName(warp);
  return missing == warp.live
             ? name
             : fmt::format("{} ({})", name, describeLanes(missing));
}

std::string missingWarps(Cta &cta, const NamedBarrier &barrier) {
  std::string text;
  for (auto &warp : cta.warps)
    if (uint32_t missing = cta.missingAt(barrier, *warp))
      text += (text.empty() ? "" : ", ") + describeMissing(*warp, missing);
  return text.empty() ? "no warp" : text;
}

const WaitReason barrierWait{
    [](Warp &warp, const Fragment &fragment) {
      return warp.cta.barriers[fragment.a].generation != fragment.b;
    },
    [](Warp &warp, const Fragment &fragment) {
      Cta &cta = warp.cta;
      const NamedBarrier &barrier = cta.barriers[fragment.a];
      uint32_t expected =
          barrier.expected ? barrier.expected : uint32_t(cta.warps.size()) * 32;
      return fmt::format("waits at barrier {}: {} of {} threads arrived; not "
                         "arrived: {}",
                         fragment.a, cta.arrivedAt(barrier), expected,
                         missingWarps(cta, barrier));
    }};

/// The second half of bar.red, after the barrier completed.
Flow barrierResult(Warp &warp, const Instruction &i, uint32_t mask) {
  const NamedBarrier &barrier =
      warp.cta.barriers[warp.reg32(i.src[0])[__builtin_ctz(mask)]];
  auto mode = Mode(i.aux);
  if (mode == Mode::RedPopc) {
    uint32_t *d = warp.reg32(i.dst);
    uint32_t count = barrier.result;
    forLanes(mask, [=](uint32_t l) { d[l] = count; });
  } else {
    // `count` counted the lanes that decide the result.
    bool result =
        mode == Mode::RedOr ? barrier.result != 0 : barrier.result == 0;
    warp.setPredicate(i.dst, mask, result ? fullMask : 0);
  }
  return Flow::Next;
}

const WaitReason reductionWait{barrierWait.ready, barrierWait.describe,
                               [](Warp &warp, const Fragment &fragment) {
                                 barrierResult(warp, *fragment.instruction,
                                               fragment.mask);
                               }};

template <bool hasCount>
Flow barrier(Warp &warp, const Instruction &i, uint32_t mask) {
  auto mode = Mode(i.aux);
  // Aligned barriers are executed by all lanes of the warp together.
  if (i.aux2 & 1)
    if (!warp.converge(i, fullMask, mask))
      return Flow::Stop;
  uint32_t lane = uint32_t(__builtin_ctz(mask));
  uint32_t number = warp.reg32(i.src[0])[lane];
  uint32_t expected = hasCount ? warp.reg32(i.src[1])[lane] : 0;
  if (number >= warp.cta.barriers.size())
    return warp.fault(
        i, mask,
        {faults::namedBarrier,
         fmt::format("expected a barrier from 0 to 15, found {}", number)});
  if (hasCount && (expected == 0 || expected % warpSize))
    return warp.fault(i, mask,
                      {faults::namedBarrier,
                       fmt::format("expected a thread count that is a positive "
                                   "multiple of 32, found {}",
                                   expected)});
  if (expected > warp.cta.warps.size() * warpSize)
    return warp.fault(
        i, mask,
        {faults::namedBarrier,
         fmt::format("expected at most the CTA's {} threads at "
                     "the barrier, found {}",
                     warp.cta.warps.size() * warpSize, expected)});
  NamedBarrier &state = warp.cta.barriers[number];
  if (!state.active) {
    state.active = true;
    state.expected = expected;
  } else if (state.expected != expected) {
    return warp.fault(i, mask,
                      {faults::namedBarrier,
                       fmt::format("barrier {} is in use with {} threads; "
                                   "expected the same count, found {}",
                                   number, state.expected, expected)});
  }
  if (state.arrived[warp.index] & mask)
    return warp.fault(
        i, mask,
        {faults::namedBarrier,
         fmt::format("the warp arrives at barrier {} again before "
                     "it completed",
                     number)});
  state.arrived[warp.index] |= mask;
  if (Sanitizer *sanitizer = warp.cta.cluster.sanitizer.get())
    sanitizer->races().barrierArrive(Sanitizer::actorOf(warp, i, mask), number,
                                     mode != Mode::Arrive);
  uint64_t generation = state.generation;
  if (mode >= Mode::RedPopc) {
    uint32_t vote = (warp.predicates[i.src[2]] ^ uint32_t(i.immediate)) & mask;
    if (mode == Mode::RedAnd)
      vote = ~vote & mask;
    state.count += uint32_t(std::popcount(vote));
  }
  warp.cta.checkBarrier(state);
  if (mode == Mode::Arrive)
    return Flow::Next;
  if (mode == Mode::Sync) {
    if (state.generation != generation)
      return Flow::Next;
    return warp.block(i, barrierWait, /*retry=*/false, number, generation);
  }
  if (state.generation != generation)
    return barrierResult(warp, i, mask);
  return warp.block(i, reductionWait, /*retry=*/false, number, generation);
}

/// bar.warp.sync
Flow warpSync(Warp &warp, const Instruction &i, uint32_t mask) {
  uint32_t members = warp.reg32(i.src[0])[__builtin_ctz(mask)];
  if (!warp.converge(i, members, mask))
    return Flow::Stop;
  if (Sanitizer *sanitizer = warp.cta.cluster.sanitizer.get())
    sanitizer->races().syncLanes(Sanitizer::actorOf(warp, i, mask & members));
  return Flow::Next;
}

// --- Cluster -----------------------------------------------------------------

size_t clusterPosition(Warp &warp) {
  return warp.cta.rank * warp.cta.warps.size() + warp.index;
}

const WaitReason clusterWait{
    [](Warp &warp, const Fragment &fragment) {
      return warp.cta.cluster.barrier.phase != fragment.a;
    },
    [](Warp &warp, const Fragment &) {
      Cluster &cluster = warp.cta.cluster;
      std::string missing;
      size_t position = 0;
      for (auto &cta : cluster.ctas)
        for (auto &other : cta->warps) {
          uint32_t lanes = other->live & ~cluster.barrier.arrived[position++];
          if (lanes)
            missing +=
                fmt::format("{}{} {}", missing.empty() ? "" : ", ",
                            describeCta(*cta), describeMissing(*other, lanes));
        }
      return fmt::format("waits at the cluster barrier; not arrived: {}",
                         missing);
    }};

Flow clusterArrive(Warp &warp, const Instruction &i, uint32_t mask) {
  if (i.aux2 && !warp.converge(i, fullMask, mask))
    return Flow::Stop;
  auto &barrier = warp.cta.cluster.barrier;
  uint32_t &arrived = barrier.arrived[clusterPosition(warp)];
  if (uint32_t twice = (arrived | warp.clusterArrived) & mask)
    return warp.fault(i, twice,
                      {faults::arrivalCount,
                       "the thread arrives at the cluster barrier twice; "
                       "expected barrier.cluster.wait in between"});
  arrived |= mask;
  barrier.active = true;
  warp.clusterArrived |= mask;
  if (Sanitizer *sanitizer = warp.cta.cluster.sanitizer.get())
    sanitizer->races().clusterArrive(Sanitizer::actorOf(warp, i, mask),
                                     /*release=*/!i.aux);
  warp.cta.cluster.checkBarrier();
  return Flow::Next;
}

Flow clusterWaitFor(Warp &warp, const Instruction &i, uint32_t mask) {
  if (i.aux2 && !warp.converge(i, fullMask, mask))
    return Flow::Stop;
  auto &barrier = warp.cta.cluster.barrier;
  if (uint32_t early = mask & ~warp.clusterArrived)
    return warp.fault(i, early,
                      {faults::arrivalCount,
                       "expected barrier.cluster.arrive before the wait"});
  warp.clusterArrived &= ~mask;
  // Lanes that diverged may be in two phases: those of the current one are
  // still among the arrived.
  bool complete = !(barrier.arrived[clusterPosition(warp)] & mask);
  if (Sanitizer *sanitizer = warp.cta.cluster.sanitizer.get())
    sanitizer->races().clusterWait(Sanitizer::actorOf(warp, i, mask), complete);
  if (complete)
    return Flow::Next;
  return warp.block(i, clusterWait, /*retry=*/false, barrier.phase);
}

Handler decodeBarrier(Decoder &d) {
  bool isBar = d.mods.base() == "bar";
  if (isBar && d.mods.take("warp")) {
    if (!d.mods.take("sync"))
      return d.unknown();
    d.expectOperands(1);
    d.inst.src[0] = d.source(0, Type::B32);
    return warpSync;
  }
  if (d.mods.take("cluster")) {
    bool arrive = d.mods.take("arrive");
    if (!arrive && !d.mods.take("wait"))
      return d.unknown();
    d.inst.aux = d.mods.takeAny({"acquire", "release", "relaxed"}) == "relaxed";
    d.inst.aux2 = d.mods.take("aligned");
    d.expectOperands(0);
    return arrive ? clusterArrive : clusterWaitFor;
  }
  d.mods.take("cta");
  bool aligned = d.mods.take("aligned") || isBar;
  d.inst.aux2 = aligned;
  std::string_view mode = d.mods.takeAny({"sync", "arrive", "red"});
  if (mode == "red") {
    std::string_view op = d.mods.takeAny({"popc", "and", "or"});
    if (op.empty())
      return d.unknown();
    Type type = d.mods.takeType();
    if ((op == "popc") != (type == Type::U32))
      return d.unknown();
    d.expectOperands(3, 4);
    bool hasCount = d.numOperands() == 4;
    d.inst.aux = uint32_t(op == "popc"  ? Mode::RedPopc
                          : op == "and" ? Mode::RedAnd
                                        : Mode::RedOr);
    d.inst.dst = op == "popc" ? d.destination(0, Type::U32)
                              : d.predicateDestination(d.operand(0));
    d.inst.src[0] = d.source(1, Type::U32);
    if (hasCount)
      d.inst.src[1] = d.source(2, Type::U32);
    uint32_t flip = 0;
    d.inst.src[2] = d.predicateSource(d.operand(hasCount ? 3 : 2), flip);
    d.inst.immediate = flip;
    return hasCount ? barrier<true> : barrier<false>;
  }
  if (mode.empty())
    return d.unknown();
  bool arrive = mode == "arrive";
  d.inst.aux = uint32_t(arrive ? Mode::Arrive : Mode::Sync);
  d.expectOperands(arrive ? 2 : 1, 2);
  d.inst.src[0] = d.source(0, Type::U32);
  if (d.numOperands() == 1)
    return barrier<false>;
  d.inst.src[1] = d.source(1, Type::U32);
  return barrier<true>;
}

constexpr RowEffects both{.sync = meets | acquires | releases,
                          .sinks = branchSink | syncSink},
    arrival{.sync = releases, .sinks = branchSink | syncSink};

constexpr InstructionRow rows[] = {
    {"bar.warp.sync", decodeBarrier, both, Timing::Sync},
    {"bar{.cta}.sync{.aligned}", decodeBarrier, both, Timing::Sync},
    {"bar{.cta}.arrive{.aligned}", decodeBarrier, arrival, Timing::Sync},
    {"bar{.cta}.red.popc{.aligned}.u32", decodeBarrier, both, Timing::Sync},
    {"bar{.cta}.red.(and|or){.aligned}.pred", decodeBarrier, both,
     Timing::Sync},
    {"barrier{.cta}.sync{.aligned}", decodeBarrier, both, Timing::Sync},
    {"barrier{.cta}.arrive{.aligned}", decodeBarrier, arrival, Timing::Sync},
    {"barrier{.cta}.red.popc{.aligned}.u32", decodeBarrier, both, Timing::Sync},
    {"barrier{.cta}.red.(and|or){.aligned}.pred", decodeBarrier, both,
     Timing::Sync},
    {"barrier.cluster.arrive{.(release|relaxed)}{.aligned}", decodeBarrier,
     arrival, Timing::Sync, Fidelity::Exact, 900},
    {"barrier.cluster.wait{.acquire}{.aligned}",
     decodeBarrier,
     {.sync = meets | acquires, .sinks = branchSink},
     Timing::Sync,
     Fidelity::Exact,
     900},
};

} // namespace

std::span<const InstructionRow> heddle::vgpu::barrierInstructions() {
  return rows;
}
