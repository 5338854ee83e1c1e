//===- Control.cpp - Control flow -----------------------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "engine/Cluster.h"
#include "instructions/Lanes.h"
#include "instructions/Table.h"

#include <fmt/format.h>

using namespace heddle::vgpu;

namespace {

Flow nothing(Warp &, const Instruction &, uint32_t) { return Flow::Next; }

Flow branch(Warp &warp, const Instruction &i, uint32_t mask) {
  warp.branch(i, mask, i.aux);
  return Flow::Next;
}

Handler decodeBra(Decoder &d) {
  d.mods.take("uni");
  d.expectOperands(1);
  if (d.operand(0).kind != OperandKind::Label)
    return d.fail("expected a label");
  d.inst.aux = d.operand(0).reg;
  return branch;
}

struct TargetsPayload : Payload {
  std::vector<uint32_t> targets;
};

Flow branchIndexed(Warp &warp, const Instruction &i, uint32_t mask) {
  auto &targets = static_cast<const TargetsPayload *>(i.payload)->targets;
  const uint32_t *index = warp.reg32(i.src[0]);
  uint32_t bad = 0;
  Warp::forBits(mask, [&](uint32_t l) {
    if (index[l] >= targets.size())
      bad |= 1u << l;
  });
  if (bad)
    return warp.fault(i, bad,
                      {faults::other,
                       fmt::format("expected an index below {}, found {}",
                                   targets.size(), index[__builtin_ctz(bad)])});
  while (mask) {
    uint32_t target = targets[index[__builtin_ctz(mask)]], same = 0;
    Warp::forBits(mask, [&](uint32_t l) {
      if (targets[index[l]] == target)
        same |= 1u << l;
    });
    mask &= ~same;
    warp.branch(i, same, target);
  }
  return Flow::Next;
}

Handler decodeBrx(Decoder &d) {
  if (!d.mods.take("idx"))
    return d.unknown();
  d.mods.take("uni");
  d.expectOperands(2);
  d.inst.src[0] = d.source(0, Type::U32);
  auto *payload = d.payload<TargetsPayload>();
  const auto *targets = d.branchTargets(d.operand(1).name);
  if (!targets)
    return d.fail("expected a list of branch targets, found '{}'",
                  d.operand(1).name);
  payload->targets = *targets;
  return branchIndexed;
}

Flow exitLanes(Warp &warp, const Instruction &, uint32_t mask) {
  return warp.exitLanes(mask);
}

Handler decodeExit(Decoder &d) {
  d.mods.take("uni");
  d.expectOperands(0);
  return exitLanes;
}

/// A trap that says what it has found.
struct TrapPayload : Payload {
  std::string check;
};

Flow trap(Warp &warp, const Instruction &i, uint32_t mask) {
  auto *payload = static_cast<const TrapPayload *>(i.payload);
  return warp.fault(
      i, mask,
      {faults::other, payload ? payload->check : "the program trapped"});
}

Handler decodeTrap(Decoder &d) {
  d.expectOperands(0);
  if (!d.statement().check.empty())
    d.payload<TrapPayload>()->check = d.statement().check;
  return trap;
}

/// What is left of a call through a register when it was none of the functions
/// that it may mean.
Flow callNothing(Warp &warp, const Instruction &i, uint32_t mask) {
  uint32_t lane = uint32_t(__builtin_ctz(mask));
  return warp.fault(
      i, mask,
      {faults::other,
       fmt::format("calls {:#x}, the address of no function that has these "
                   "parameters; a function that calls itself through an "
                   "address is not supported",
                   warp.reg64(i.src[0])[lane])});
}

Handler decodeCall(Decoder &d) {
  d.mods.take("uni");
  for (size_t n = 0; n < d.numOperands(); ++n) {
    const Operand &operand = d.operand(n);
    // The symbol that follows it is a prototype.
    if (operand.kind == OperandKind::Register) {
      d.inst.src[0] = d.source(operand, Type::U64);
      return callNothing;
    }
    if (operand.kind != OperandKind::Symbol)
      continue;
    if (operand.name == "__assertfail" || operand.name == "__assert_fail")
      return decodeAssertFail(d);
    if (operand.name == "vprintf")
      return decodePrint(d);
    return d.fail("function '{}' is not defined in this module", operand.name);
  }
  return d.fail("expected the name of a function");
}

Flow setRole(Warp &warp, const Instruction &i, uint32_t) {
  warp.role = int32_t(i.aux);
  return Flow::Next;
}

Handler decodeRole(Decoder &d) {
  d.inst.aux = d.role(d.operand(0).name);
  return setRole;
}

/// Wakes lanes that sleep.
class Timer final : public PendingOperation {
public:
  Timer(Warp &warp, const Instruction &i, uint32_t mask)
      : PendingOperation(warp, i, mask, {Channel::Kind::Timer, &warp}) {}
  Checked<void> execute() override { return {}; }
};

const WaitReason sleepWait{
    [](Warp &warp, const Fragment &fragment) {
      return !warp.cta.cluster.pending.contains(fragment.a);
    },
    [](Warp &, const Fragment &) { return std::string("sleeps"); }, nullptr,
    [](Warp &, const Fragment &fragment, const PendingOperation &operation) {
      return operation.sequence == fragment.a;
    }};

/// Nanoseconds pass as instructions do.
Flow nanosleep(Warp &warp, const Instruction &i, uint32_t mask) {
  uint32_t duration = warp.reg32(i.src[0])[__builtin_ctz(mask)];
  Cluster &cluster = warp.cta.cluster;
  auto &timer = cluster.pending.create<Timer>(warp, i, mask);
  cluster.issue(timer, std::min(duration, 1000000u));
  return warp.block(i, sleepWait, /*retry=*/false, timer.sequence);
}

Handler decodeNanosleep(Decoder &d) {
  d.mods.takeType();
  d.expectOperands(1);
  d.inst.src[0] = d.source(0, Type::U32);
  return nanosleep;
}

// --- setmaxnreg --------------------------------------------------------------

Warpgroup &groupOf(Warp &warp) { return warp.cta.warpgroups[warp.index / 4]; }

const WaitReason resizeWait{
    [](Warp &warp, const Fragment &fragment) {
      Warpgroup &group = groupOf(warp);
      if (group.resizes != fragment.b)
        return true;
      // Only the warp that came last, which runs the instruction again, may
      // take the registers.
      if (fragment.pc != warp.indexOf(*fragment.instruction))
        return false;
      return int64_t(fragment.a) <=
             int64_t(group.registers) + warp.cta.registerPool;
    },
    [](Warp &warp, const Fragment &fragment) {
      Warpgroup &group = groupOf(warp);
      if (group.resizing != 0xf)
        return fmt::format("waits for the other warps of its warpgroup to "
                           "execute setmaxnreg");
      return fmt::format("waits for {} registers per thread: it has {} and the "
                         "CTA's pool {}",
                         fragment.a, group.registers, warp.cta.registerPool);
    }};

/// Registers of a warpgroup change once all four warps have asked and, when
/// they grow, the pool has enough. The pool counts registers per thread of a
/// warpgroup.
Flow setMaxRegisters(Warp &warp, const Instruction &i, uint32_t mask) {
  if (!warp.converge(i, fullMask, mask))
    return Flow::Stop;
  Warpgroup &group = groupOf(warp);
  uint32_t wanted = i.aux;
  bool increase = i.aux2;
  uint32_t bit = 1u << (warp.index % 4);
  if (warp.cta.warps.size() < (warp.index / 4 + 1) * 4)
    return warp.fault(
        i, mask,
        {faults::divergence, "expected a whole warpgroup of four warps"});
  if (group.registers != wanted && increase != (wanted > group.registers))
    return warp.fault(
        i, mask,
        {faults::registerPool,
         fmt::format("the warpgroup has {} registers per thread; "
                     "expected {} {}",
                     group.registers,
                     increase ? "an increase above" : "a decrease below",
                     group.registers)});
  group.resizing |= bit;
  if (group.resizing == 0xf) {
    int64_t difference = int64_t(wanted) - group.registers;
    if (difference <= warp.cta.registerPool) {
      warp.cta.registerPool -= difference;
      group.registers = wanted;
      group.resizing = 0;
      ++group.resizes;
      return Flow::Next;
    }
  }
  // The warp that completes the change wakes the others; it retries.
  return warp.block(i, resizeWait, group.resizing == 0xf, wanted,
                    group.resizes);
}

Handler decodeSetMaxRegisters(Decoder &d) {
  bool increase = d.mods.take("inc");
  if (!increase && !d.mods.take("dec"))
    return d.unknown();
  if (!d.mods.take("sync") || !d.mods.take("aligned"))
    return d.unknown();
  d.mods.takeType();
  d.expectOperands(1);
  uint64_t count = d.literal(d.operand(0));
  if (count < 24 || count > 256 || count % 8)
    return d.fail("expected a multiple of 8 from 24 to 256, found {}", count);
  d.inst.aux = uint32_t(count);
  d.inst.aux2 = increase;
  return setMaxRegisters;
}

/// Threads that end change what others wait for; calls that are not inlined
/// print or fail.
constexpr RowEffects leaves{.sinks = branchSink, .hasSideEffect = true};

constexpr InstructionRow rows[] = {
    {"bra{.uni}", decodeBra, {.sinks = branchSink}, Timing::Control},
    {"brx.idx{.uni}", decodeBrx, {.sinks = branchSink}, Timing::Control},
    {"call{.uni}", decodeCall, leaves, Timing::Control},
    {"ret{.uni}", decodeExit, leaves, Timing::Control},
    {"exit", decodeExit, leaves, Timing::Control},
    {"trap", decodeTrap, leaves, Timing::Control},
    {"brkpt", decodeTrap, leaves, Timing::Control},
    {"heddle.role", decodeRole, {}, Timing::Control},
    {"nanosleep.u32",
     decodeNanosleep,
     {.sync = yields},
     Timing::Control,
     Fidelity::Approximate},
    {"pmevent{.mask}", decodeNothing, {}, Timing::Control},
    {"griddepcontrol.(launch_dependents|wait)",
     decodeNothing,
     {.sync = meets},
     Timing::Control,
     Fidelity::Exact,
     900},
    {"setmaxnreg.(inc|dec).sync.aligned.u32",
     decodeSetMaxRegisters,
     {.sync = meets},
     Timing::Sync,
     Fidelity::Exact,
     901},
};

} // namespace

std::span<const InstructionRow> heddle::vgpu::controlInstructions() {
  return rows;
}

Handler heddle::vgpu::decodeNothing(Decoder &) { return nothing; }
