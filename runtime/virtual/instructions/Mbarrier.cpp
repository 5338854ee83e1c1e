//===- Mbarrier.cpp - mbarrier objects ------------------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "engine/Access.h"
#include "engine/Diagnostics.h"
#include "instructions/Lanes.h"
#include "instructions/MbarrierAddress.h"
#include "instructions/Table.h"
#include "sanitizer/Sanitizer.h"

using namespace heddle;
using namespace heddle::vgpu;

namespace {

enum class Op : uint8_t {
  Init,
  Inval,
  Arrive,
  ArriveDrop,
  ArriveExpectTx,
  ArriveDropExpectTx,
  ArriveNoComplete,
  ArriveDropNoComplete,
  ExpectTx,
  CompleteTx,
  Wait,
};

struct MbarrierPayload : MbarrierAddress {
  Op op = Op::Init;
  bool hasState = false, hasCount = false;
  bool parity = false, blocking = false;
  /// No acquire or release.
  bool relaxed = false;
  uint32_t state = 0, count = 0, tx = 0;
};

Checked<uint64_t> apply(MbarrierTable &table, Op op, uint32_t offset,
                        uint32_t count, uint32_t tx) {
  auto asState = [](Checked<void> done) -> Checked<uint64_t> {
    if (!done)
      return tl::unexpected(done.error());
    return uint64_t(0);
  };
  switch (op) {
  case Op::Init:
    return asState(table.init(offset, count));
  case Op::Inval:
    return asState(table.inval(offset));
  case Op::Arrive:
    return table.arrive(offset, count);
  case Op::ArriveDrop:
    return table.arriveDrop(offset, count);
  case Op::ArriveExpectTx:
    return table.arriveExpectTx(offset, tx, count);
  case Op::ArriveDropExpectTx:
    return table.arriveDropExpectTx(offset, tx, count);
  case Op::ArriveNoComplete:
    return table.arriveNoComplete(offset, count);
  case Op::ArriveDropNoComplete:
    return table.arriveDropNoComplete(offset, count);
  case Op::ExpectTx:
    return asState(table.expectTx(offset, tx));
  case Op::CompleteTx:
    return asState(table.completeTx(offset, tx));
  case Op::Wait:
    break;
  }
  return uint64_t(0);
}

Sanitizer::BarrierUse useOf(const MbarrierPayload &p) {
  switch (p.op) {
  case Op::Init:
    return Sanitizer::BarrierUse::Init;
  case Op::Inval:
    return Sanitizer::BarrierUse::Inval;
  case Op::ExpectTx:
  case Op::CompleteTx:
  case Op::Wait:
    return Sanitizer::BarrierUse::Other;
  default:
    return p.relaxed ? Sanitizer::BarrierUse::Relaxed
                     : Sanitizer::BarrierUse::Arrive;
  }
}

/// The lanes of `mask` that mean the same barrier as `lane`.
uint32_t lanesAt(Warp &warp, const MbarrierPayload &p, uint32_t lane,
                 uint32_t mask) {
  uint32_t same = 0;
  Warp::forBits(mask, [&](uint32_t l) {
    bool equal = p.wide ? warp.reg64(p.slot)[l] == warp.reg64(p.slot)[lane]
                        : warp.reg32(p.slot)[l] == warp.reg32(p.slot)[lane];
    same |= uint32_t(equal) << l;
  });
  return same;
}

/// Notes for messages who does what, before `lane` does it.
void remember(const MbarrierPlace &place, Op op, const Warp &warp, uint32_t pc,
              uint32_t lane) {
  BarrierHistory &history = *place.cta->history;
  const MbarrierState *state = place.cta->mbarriers.find(place.offset);
  if (op == Op::Init)
    history.init(place.offset);
  else if (state && op >= Op::Arrive && op <= Op::ArriveDropNoComplete)
    history.arrived(place.offset, state->phase, warp, pc, lane);
}

/// Everything but waits: one lane after the other.
Flow operate(Warp &warp, const Instruction &i, uint32_t mask) {
  auto &p = *static_cast<const MbarrierPayload *>(i.payload);
  Sanitizer *sanitizer = warp.cta.cluster.sanitizer.get();
  uint32_t unknown = mask;
  for (; mask; mask &= mask - 1) {
    uint32_t lane = uint32_t(__builtin_ctz(mask));
    auto place = locateMbarrier(warp, p, lane);
    if (!place)
      return warp.fault(i, 1u << lane, place.error());
    // Lanes that arrive together release together.
    if (sanitizer && (unknown >> lane & 1)) {
      uint32_t together = lanesAt(warp, p, lane, unknown);
      unknown &= ~together;
      sanitizer->mbarrier(warp, i, together, *place->cta, place->offset,
                          useOf(p));
    }
    uint32_t count = p.hasCount ? warp.reg32(p.count)[lane] : 1;
    uint32_t tx = p.tx ? warp.reg32(p.tx)[lane] : 0;
    if (place->cta->history)
      remember(*place, p.op, warp, warp.indexOf(i), lane);
    auto state = apply(place->cta->mbarriers, p.op, place->offset, count, tx);
    if (!state)
      return warp.fault(i, 1u << lane, state.error());
    if (p.hasState)
      warp.reg64(p.state)[lane] = *state;
  }
  return Flow::Next;
}

// --- Waits -------------------------------------------------------------------

Checked<bool> test(Warp &warp, const MbarrierPayload &p, uint32_t lane) {
  auto place = locateMbarrier(warp, p, lane);
  if (!place)
    return tl::unexpected(place.error());
  if (p.parity)
    return place->cta->mbarriers.testParity(place->offset,
                                            warp.reg32(p.state)[lane] & 1);
  return place->cta->mbarriers.testState(place->offset,
                                         warp.reg64(p.state)[lane]);
}

const WaitReason phaseWait{
    [](Warp &warp, const Fragment &fragment) {
      auto &p =
          *static_cast<const MbarrierPayload *>(fragment.instruction->payload);
      // An error wakes the lanes too: running again reports it.
      if (fragment.a) { // all lanes wait for the same thing
        auto done = test(warp, p, uint32_t(__builtin_ctz(fragment.mask)));
        return !done || *done;
      }
      for (uint32_t mask = fragment.mask; mask; mask &= mask - 1) {
        auto done = test(warp, p, uint32_t(__builtin_ctz(mask)));
        if (!done || *done)
          return true;
      }
      return false;
    },
    [](Warp &warp, const Fragment &fragment) {
      auto &p =
          *static_cast<const MbarrierPayload *>(fragment.instruction->payload);
      uint32_t lane = uint32_t(__builtin_ctz(fragment.mask));
      auto place = locateMbarrier(warp, p, lane);
      if (!place)
        return place.error().message;
      std::string what =
          p.parity ? fmt::format("parity {}", warp.reg32(p.state)[lane] & 1)
                   : std::string("the phase of a state");
      return fmt::format("waits for {} of the mbarrier at shared offset {}, "
                         "which is in {}",
                         what, place->offset,
                         place->cta->mbarriers.describe(place->offset));
    },
    nullptr,
    [](Warp &warp, const Fragment &fragment,
       const PendingOperation &operation) {
      if (operation.channel.kind != Channel::Kind::Mbarrier)
        return false;
      auto &p =
          *static_cast<const MbarrierPayload *>(fragment.instruction->payload);
      uint32_t mask =
          fragment.a ? fragment.mask & -fragment.mask : fragment.mask;
      for (; mask; mask &= mask - 1) {
        auto place = locateMbarrier(warp, p, uint32_t(__builtin_ctz(mask)));
        if (place && operation.channel == Channel{Channel::Kind::Mbarrier,
                                                  place->cta, place->offset})
          return true;
      }
      return false;
    }};

Flow wait(Warp &warp, const Instruction &i, uint32_t mask) {
  auto &p = *static_cast<const MbarrierPayload *>(i.payload);
  uint32_t done = 0, rest = mask;
  bool same = true;
  uint32_t first = uint32_t(__builtin_ctz(mask));
  const uint32_t *address32 = warp.reg32(p.slot);
  const uint64_t *address64 = warp.reg64(p.slot);
  const uint32_t *state32 = warp.reg32(p.state);
  const uint64_t *state64 = warp.reg64(p.state);
  Warp::forBits(mask, [&](uint32_t l) {
    same &= p.wide ? address64[l] == address64[first]
                   : address32[l] == address32[first];
    same &=
        p.parity ? state32[l] == state32[first] : state64[l] == state64[first];
  });
  for (; rest; rest &= rest - 1) {
    uint32_t lane = uint32_t(__builtin_ctz(rest));
    auto result = test(warp, p, lane);
    if (!result)
      return warp.fault(i, 1u << lane, result.error());
    if (same) {
      done = *result ? mask : 0;
      break;
    }
    done |= uint32_t(*result) << lane;
  }
  if (!done) {
    // try_wait may suspend the thread: it sleeps until the phase completes.
    if (p.blocking && !warp.cta.cluster.schedule().failsSpuriously())
      return warp.block(i, phaseWait, /*retry=*/true, same);
    warp.setPredicate(i.dst, mask, 0);
    return warp.yield();
  }
  BarrierHistory *history = warp.cta.history.get();
  if (history)
    for (uint32_t left = done; left;) {
      uint32_t lane = uint32_t(__builtin_ctz(left));
      uint32_t together = lanesAt(warp, p, lane, left);
      left &= ~together;
      auto place = locateMbarrier(warp, p, lane);
      if (const MbarrierState *state =
              place->cta->mbarriers.find(place->offset))
        place->cta->history->waited(place->offset, warp.index, state->phase);
      if (Sanitizer *sanitizer = warp.cta.cluster.sanitizer.get())
        sanitizer->mbarrierWaited(warp, i, together, *place->cta, place->offset,
                                  !p.relaxed);
    }
  warp.setPredicate(i.dst, mask, done);
  return Flow::Next;
}

/// mbarrier.pending_count
Flow pendingCount(Warp &warp, const Instruction &i, uint32_t mask) {
  uint32_t *d = warp.reg32(i.dst);
  const uint64_t *a = warp.reg64(i.src[0]);
  Warp::forBits(mask,
                [&](uint32_t l) { d[l] = MbarrierTable::pendingCount(a[l]); });
  return Flow::Next;
}

Handler decodeWait(Decoder &d, MbarrierPayload *p) {
  p->op = Op::Wait;
  p->parity = d.mods.take("parity");
  d.expectOperands(3, p->blocking ? 4 : 3);
  d.inst.dst = d.predicateDestination(d.operand(0));
  decodeMbarrierAddress(d, d.operand(1), *p);
  p->state = d.source(2, p->parity ? Type::U32 : Type::B64);
  d.waits(phaseWait);
  return wait;
}

Handler decodeMbarrier(Decoder &d) {
  auto *p = d.payload<MbarrierPayload>();
  std::string_view name =
      d.mods.takeAny({"init", "inval", "arrive_drop", "arrive", "test_wait",
                      "try_wait", "pending_count", "expect_tx", "complete_tx"});
  // arrive.expect_tx lists both.
  bool expect = name.starts_with("arrive") && d.mods.take("expect_tx");
  bool noComplete = d.mods.take("noComplete");
  p->relaxed = d.mods.takeAny({"release", "acquire", "relaxed"}) == "relaxed";
  d.mods.takeAny({"cta", "cluster"});
  std::string_view space =
      d.mods.takeAny({"shared::cluster", "shared::cta", "shared"});
  p->generic = space.empty();
  p->crossCta = space.empty() || space == "shared::cluster";
  if (d.mods.takeType() != Type::B64)
    return d.unknown();
  if (name == "pending_count") {
    d.expectOperands(2);
    d.inst.dst = d.destination(0, Type::U32);
    d.inst.src[0] = d.source(1, Type::B64);
    return pendingCount;
  }
  if (name == "test_wait" || name == "try_wait") {
    p->blocking = name == "try_wait";
    return decodeWait(d, p);
  }
  size_t next = 0;
  bool arrives = name.starts_with("arrive");
  if (arrives) {
    p->hasState = d.operand(0).kind != OperandKind::Address &&
                  d.operand(0).kind != OperandKind::Sink;
    if (p->hasState)
      p->state = d.destination(0, Type::B64);
    next = d.operand(0).kind != OperandKind::Address;
  }
  decodeMbarrierAddress(d, d.operand(next++), *p);
  bool drop = name == "arrive_drop";
  if (name == "init") {
    p->op = Op::Init;
    p->hasCount = true;
    p->count = d.source(next++, Type::U32);
  } else if (name == "inval") {
    p->op = Op::Inval;
  } else if (name == "expect_tx" || name == "complete_tx") {
    p->op = name == "expect_tx" ? Op::ExpectTx : Op::CompleteTx;
    p->tx = d.source(next++, Type::U32);
  } else if (arrives && expect) {
    p->op = drop ? Op::ArriveDropExpectTx : Op::ArriveExpectTx;
    p->tx = d.source(next++, Type::U32);
  } else if (arrives) {
    p->op = noComplete
                ? (drop ? Op::ArriveDropNoComplete : Op::ArriveNoComplete)
                : (drop ? Op::ArriveDrop : Op::Arrive);
    p->hasCount = next < d.numOperands();
    if (p->hasCount)
      p->count = d.source(next++, Type::U32);
  } else {
    return d.unknown();
  }
  d.expectOperands(next);
  return operate;
}

constexpr RowEffects object{.reads = sharedMemory,
                            .writes = sharedMemory,
                            .sync = usesMbarrier,
                            .sinks = addressSink | syncSink},
    arrival{.reads = sharedMemory,
            .writes = sharedMemory,
            .sync = usesMbarrier | releases,
            .sinks = addressSink | syncSink},
    waiting{.reads = sharedMemory,
            .sync = usesMbarrier | meets | acquires,
            .sinks = addressSink | syncSink};

constexpr InstructionRow rows[] = {
    {"mbarrier.init{.<cta>}.b64", decodeMbarrier, object, Timing::Sync,
     Fidelity::Exact, 800},
    {"mbarrier.inval{.<cta>}.b64", decodeMbarrier, object, Timing::Sync,
     Fidelity::Exact, 800},
    {"mbarrier.(arrive|arrive_drop){.noComplete}{.release.cta}{.<shared>}.b64",
     decodeMbarrier, arrival, Timing::Sync, Fidelity::Exact, 800},
    {"mbarrier.(arrive|arrive_drop){.expect_tx}{.(release|relaxed).(cta|"
     "cluster)}{.<shared>}.b64",
     decodeMbarrier, arrival, Timing::Sync, Fidelity::Exact, 900},
    {"mbarrier.(expect_tx|complete_tx){.relaxed.(cta|cluster)}{.<shared>}.b64",
     decodeMbarrier, object, Timing::Sync, Fidelity::Exact, 900},
    {"mbarrier.test_wait{.parity}{.(acquire|relaxed).(cta|cluster)}{.<cta>}"
     ".b64",
     decodeMbarrier, waiting, Timing::Sync, Fidelity::Exact, 800},
    {"mbarrier.try_wait{.parity}{.(acquire|relaxed).(cta|cluster)}{.<cta>}"
     ".b64",
     decodeMbarrier, waiting, Timing::Sync, Fidelity::Exact, 900},
    {"mbarrier.pending_count.b64",
     decodeMbarrier,
     {},
     Timing::Sync,
     Fidelity::Exact,
     800},
};

} // namespace

std::span<const InstructionRow> heddle::vgpu::mbarrierInstructions() {
  return rows;
}

std::optional<PhaseWait> heddle::vgpu::findPhaseWait(Warp &warp,
                                                     const Fragment &fragment) {
  // Lanes that poll sleep for another reason.
  if (!fragment.wait || !fragment.instruction ||
      warp.kernel->info[warp.indexOf(*fragment.instruction)].wait != &phaseWait)
    return std::nullopt;
  auto &p =
      *static_cast<const MbarrierPayload *>(fragment.instruction->payload);
  uint32_t lane = uint32_t(__builtin_ctz(fragment.mask));
  auto place = locateMbarrier(warp, p, lane);
  if (!place)
    return std::nullopt;
  PhaseWait wait{place->cta, place->offset, std::nullopt};
  if (p.parity)
    wait.parity = warp.reg32(p.state)[lane] & 1;
  return wait;
}

void heddle::vgpu::decodeMbarrierAddress(Decoder &d, const Operand &operand,
                                         MbarrierAddress &address) {
  Space space = address.generic ? Space::Generic : Space::Shared;
  Decoder::Address decoded = d.address(operand, space);
  if (space == Space::Shared)
    address.generic = false;
  address.slot = decoded.slot;
  address.wide = decoded.wide;
  address.offset = decoded.offset;
}

Checked<MbarrierPlace> heddle::vgpu::locateMbarrier(Warp &warp,
                                                    const MbarrierAddress &p,
                                                    uint32_t lane) {
  uint64_t address =
      (p.wide ? warp.reg64(p.slot)[lane] : uint64_t(warp.reg32(p.slot)[lane])) +
      uint64_t(p.offset);
  if (p.generic && spaceOf(address) != Space::Shared)
    return makeFault(faults::other,
                     "expected an mbarrier in shared memory, found the generic "
                     "address {:#x}",
                     address);
  uint32_t window = uint32_t(address);
  Cta *cta = &warp.cta;
  if (window >> sharedRankShift != cta->rank)
    cta = p.crossCta ? warp.cta.cluster.liveCtaOf(window) : nullptr;
  uint32_t offset = window & sharedOffsetMask;
  if (!cta || offset % 8 || offset + 8 > cta->sharedBytes)
    return tl::unexpected(explainAccess(warp, Space::Shared, window, 8,
                                        p.crossCta, AccessKind::Load)
                              .in("mbarrier"));
  return MbarrierPlace{cta, offset};
}
