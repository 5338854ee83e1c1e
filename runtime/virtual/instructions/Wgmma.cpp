//===- Wgmma.cpp - Warpgroup matrix multiply ------------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "units/Wgmma.h"

#include "engine/Cluster.h"
#include "engine/Diagnostics.h"
#include "instructions/Table.h"
#include "sanitizer/Sanitizer.h"

#include <charconv>
#include <fmt/format.h>

using namespace heddle;
using namespace heddle::vgpu;

namespace {

struct WgmmaPayload : Payload {
  WgmmaOp op;
  bool aInRegisters = false;
  uint32_t descA = 0, descB = 0;
  uint32_t scale = 0, scaleFlip = 0;
  std::vector<uint32_t> a, d;
  /// Both, for the check of registers in flight.
  std::vector<uint32_t> held;
};

Warpgroup &groupOf(Warp &warp) { return warp.cta.warpgroups[warp.index / 4]; }

/// The oldest wgmma of a warpgroup, which all four warps have issued.
class Product final : public PendingOperation {
public:
  Product(Warp &warp, const Instruction &i, Warpgroup &group)
      : PendingOperation(warp, i, fullMask, {Channel::Kind::Wgmma, &group}),
        group(group) {}
  Checked<void> execute() override;

private:
  Warpgroup &group;
};

/// Operands are read and D is written now.
Checked<void> Product::execute() {
  Cta &cta = warp.cta;
  uint32_t firstWarp = warp.index / 4 * 4;
  PendingWgmma pending = group.queue.front();
  group.queue.pop_front();
  ++group.completed;
  auto &p = *static_cast<const WgmmaPayload *>(pending.instruction->payload);
  uint32_t *d[4][128], *a[4][wgmmaARegisters];
  WarpgroupRegisters dRegisters, aRegisters;
  for (uint32_t w = 0; w < 4; ++w) {
    Warp &member = *cta.warps[firstWarp + w];
    for (size_t r = 0; r < p.d.size(); ++r)
      d[w][r] = member.reg32(p.d[r]);
    for (size_t r = 0; r < p.a.size(); ++r)
      a[w][r] = member.reg32(p.a[r]);
    dRegisters[w] = d[w];
    aRegisters[w] = a[w];
  }
  WgmmaOp op = p.op;
  op.scaleD = pending.scaleD;
  if (p.aInRegisters)
    return wgmma(op, cta.shared(), cta.sharedBytes, aRegisters, pending.descB,
                 dRegisters);
  return wgmma(op, cta.shared(), cta.sharedBytes, pending.descA, pending.descB,
               dRegisters);
}

/// The instruction at `pc` touched registers of the wgmma `i`, and no
/// wgmma.fence came between.
void reportUnfenced(Warp &warp, const Instruction &i, uint32_t pc) {
  Finding finding;
  finding.kind = FindingKind::WgmmaRegisters;
  finding.cause = CauseClass::NoSynchronization;
  finding.sites.push_back(getSite(warp, warp.indexOf(i), fullMask));
  if (pc == WgmmaRegisters::neverFenced) {
    finding.message = "wgmma without a wgmma.fence before it";
    finding.missing = "expected wgmma.fence before the first wgmma of a warp";
  } else {
    finding.message = "wgmma uses registers that were touched since the last "
                      "wgmma.fence";
    finding.sites.push_back(getSite(warp, pc, fullMask));
    finding.missing = "expected wgmma.fence between the two: nothing else "
                      "orders wgmma after what the thread does to registers";
    // Compilers place moves of their own after a fence of the author's.
    if (warp.cta.cluster.launch.foreign &&
        warp.kernel->info[pc].opcode.starts_with("mov")) {
      finding.severity = Severity::Warning;
      finding.hint = "a compiler may have put the move there; initialise the "
                     "registers before the fence in inline assembly, or let "
                     "the first wgmma ignore them (scale-d of 0)";
    }
  }
  warp.cta.cluster.report(std::move(finding));
}

Flow issue(Warp &warp, const Instruction &i, uint32_t mask) {
  auto &p = *static_cast<const WgmmaPayload *>(i.payload);
  if (!warp.converge(i, fullMask, mask))
    return Flow::Stop;
  if (warp.live != fullMask || mask != fullMask)
    return warp.fault(i, mask,
                      {faults::divergence,
                       "expected all 32 lanes of the warp to execute "
                       "wgmma"});
  if (warp.cta.warps.size() < (warp.index / 4 + 1) * 4)
    return warp.fault(
        i, mask,
        {faults::divergence, "expected a whole warpgroup of four warps"});
  Warpgroup &group = groupOf(warp);
  PendingWgmma mine;
  mine.instruction = &i;
  mine.descA = p.aInRegisters ? 0 : warp.reg64(p.descA)[0];
  mine.descB = warp.reg64(p.descB)[0];
  mine.scaleD = (warp.predicates[p.scale] ^ p.scaleFlip) & 1;
  uint64_t position = warp.wgmmaGroups.issued++ - group.completed;
  if (position == group.queue.size())
    group.queue.push_back(mine);
  PendingWgmma &shared = group.queue[position];
  if (shared.instruction != mine.instruction || shared.descA != mine.descA ||
      shared.descB != mine.descB || shared.scaleD != mine.scaleD)
    return warp.fault(
        i, mask,
        {faults::divergence,
         fmt::format("expected the same wgmma in all four warps; another warp "
                     "issued {} with descriptors {:#x}, {:#x}, this one {:#x}, "
                     "{:#x}",
                     warp.kernel->place(warp.indexOf(*shared.instruction)),
                     shared.descA, shared.descB, mine.descA, mine.descB)});
  shared.issued |= 1u << (warp.index % 4);
  if (warp.wgmmaRegisters)
    if (auto touched = warp.wgmmaRegisters->use(p.held))
      reportUnfenced(warp, i, *touched);
  if (Sanitizer *sanitizer = warp.cta.cluster.sanitizer.get())
    sanitizer->wgmma(warp, i, p.op, p.aInRegisters, mine.descA, mine.descB);
  warp.wgmmaGroups.newestPc = warp.indexOf(i);
  warp.holdSlots(p.held);
  warp.wgmmaHeld.push_back(&p.held);
  if (shared.issued == 0xf) {
    Cluster &cluster = warp.cta.cluster;
    group.busyUntil = std::max(group.busyUntil, cluster.time()) + wgmmaLatency;
    cluster.issue(cluster.pending.create<Product>(warp, i, group),
                  group.busyUntil - cluster.time(), &group.newest);
  }
  // The loop that checks registers in flight takes over.
  return warp.recheck();
}

Flow commit(Warp &warp, const Instruction &i, uint32_t mask) {
  if (!warp.converge(i, fullMask, mask))
    return Flow::Stop;
  warp.wgmmaGroups.commit();
  if (Sanitizer *sanitizer = warp.cta.cluster.sanitizer.get())
    sanitizer->races().wgmmaCommit(Sanitizer::actorOf(warp, i, mask));
  return Flow::Next;
}

const WaitReason groupWait{
    [](Warp &warp, const Fragment &fragment) {
      return groupOf(warp).completed >= fragment.a;
    },
    [](Warp &warp, const Fragment &fragment) {
      Warpgroup &group = groupOf(warp);
      std::string missing;
      if (!group.queue.empty())
        for (uint32_t w = 0; w < 4; ++w)
          if (!(group.queue.front().issued >> w & 1))
            missing += fmt::format("{}warp {}", missing.empty() ? "" : ", ",
                                   warp.index / 4 * 4 + w);
      return fmt::format("waits for {} wgmmas of its warpgroup; the oldest was "
                         "not issued by {}",
                         fragment.a - group.completed,
                         missing.empty() ? "no warp" : missing);
    },
    nullptr,
    [](Warp &warp, const Fragment &, const PendingOperation &operation) {
      return operation.channel.owner == &groupOf(warp);
    }};

Flow wait(Warp &warp, const Instruction &i, uint32_t mask) {
  if (!warp.converge(i, fullMask, mask))
    return Flow::Stop;
  AsyncGroups &groups = warp.wgmmaGroups;
  uint64_t target =
      std::max(groups.completed, groups.target(uint64_t(i.immediate)));
  if (warp.cta.warps.size() < (warp.index / 4 + 1) * 4 ||
      groupOf(warp).completed >= target) {
    for (; groups.completed < target; ++groups.completed) {
      warp.releaseSlots(*warp.wgmmaHeld.front());
      warp.wgmmaHeld.pop_front();
    }
    if (Sanitizer *sanitizer = warp.cta.cluster.sanitizer.get())
      sanitizer->races().wgmmaWait(Sanitizer::actorOf(warp, i, mask),
                                   uint64_t(i.immediate));
    return Flow::Next;
  }
  return warp.block(i, groupWait, /*retry=*/true, target);
}

/// Register and shared memory accesses before it are ordered by program order.
Flow fence(Warp &warp, const Instruction &i, uint32_t mask) {
  if (!warp.converge(i, fullMask, mask))
    return Flow::Stop;
  if (warp.wgmmaRegisters)
    warp.wgmmaRegisters->fence();
  return Flow::Next;
}

std::optional<WgmmaInput> inputOf(Type type) {
  switch (type) {
  case Type::F16:
    return WgmmaInput::F16;
  case Type::BF16:
    return WgmmaInput::BF16;
  case Type::TF32:
    return WgmmaInput::TF32;
  case Type::E4M3:
    return WgmmaInput::E4M3;
  case Type::E5M2:
    return WgmmaInput::E5M2;
  case Type::S8:
    return WgmmaInput::S8;
  case Type::U8:
    return WgmmaInput::U8;
  default:
    return std::nullopt;
  }
}

int scaleLiteral(Decoder &d, size_t index) {
  int64_t value = int64_t(d.literal(d.operand(index)));
  if (value != 1 && value != -1)
    d.fail("expected a scale of 1 or -1, found {}", value);
  return int(value);
}

bool transLiteral(Decoder &d, size_t index) {
  uint64_t value = d.literal(d.operand(index));
  if (value > 1)
    d.fail("expected 0 or 1 for transposition, found {}", value);
  return value == 1;
}

Handler decodeMma(Decoder &d) {
  auto *p = d.payload<WgmmaPayload>();
  std::string_view shape = d.mods.takeFirst();
  uint32_t m = 0, n = 0, k = 0;
  auto number = [&](char letter, uint32_t &value) {
    if (shape.empty() || shape[0] != letter)
      return;
    auto [end, status] =
        std::from_chars(shape.data() + 1, shape.data() + shape.size(), value);
    shape = shape.substr(end - shape.data());
  };
  number('m', m);
  number('n', n);
  number('k', k);
  Type dType = d.mods.takeType();
  auto a = inputOf(d.mods.takeType());
  auto b = inputOf(d.mods.takeType());
  p->op.saturate = d.mods.take("satfinite");
  if (m != 64 || !shape.empty() || !a || !b)
    return d.unknown();
  p->op.n = n;
  p->op.a = *a;
  p->op.b = *b;
  if (k != p->op.k())
    return d.fail("expected k{} for this type, found k{}", p->op.k(), k);
  switch (dType) {
  case Type::F32:
    p->op.d = WgmmaAccumulator::F32;
    break;
  case Type::F16:
    p->op.d = WgmmaAccumulator::F16;
    break;
  case Type::S32:
    p->op.d = WgmmaAccumulator::S32;
    break;
  default:
    return d.unknown();
  }
  const Operand &aOperand = d.operand(1);
  p->aInRegisters = aOperand.kind == OperandKind::Vector;
  bool integer = *a == WgmmaInput::S8 || *a == WgmmaInput::U8;
  bool sixteen = *a == WgmmaInput::F16 || *a == WgmmaInput::BF16;
  size_t expected =
      4 + (integer ? 0 : 2) + (sixteen ? (p->aInRegisters ? 1 : 2) : 0);
  if (!d.expectOperands(expected))
    return nullptr;
  for (const Operand *element : d.elements(d.operand(0)))
    p->d.push_back(d.destination(*element, Type::B32));
  if (p->aInRegisters)
    for (const Operand *element : d.elements(aOperand))
      p->a.push_back(d.source(*element, Type::B32));
  else
    p->descA = d.source(aOperand, Type::B64);
  p->descB = d.source(2, Type::B64);
  p->scale = d.predicateSource(d.operand(3), p->scaleFlip);
  if (!integer) {
    p->op.scaleA = scaleLiteral(d, 4);
    p->op.scaleB = scaleLiteral(d, 5);
  }
  if (sixteen) {
    size_t next = 6;
    if (!p->aInRegisters)
      p->op.transA = transLiteral(d, next++);
    p->op.transB = transLiteral(d, next);
  }
  if (auto legal = verifyWgmma(p->op, p->aInRegisters); !legal)
    return d.fail("{}", legal.error().message);
  if (p->d.size() != p->op.accumulatorRegisters())
    return d.fail("expected {} accumulator registers, found {}",
                  p->op.accumulatorRegisters(), p->d.size());
  if (p->aInRegisters && p->a.size() != wgmmaARegisters)
    return d.fail("expected {} registers of A, found {}", wgmmaARegisters,
                  p->a.size());
  p->held = p->d;
  p->held.insert(p->held.end(), p->a.begin(), p->a.end());
  d.mayTouchInFlight();
  return issue;
}

Handler decodeWgmma(Decoder &d) {
  std::string_view name =
      d.mods.takeAny({"mma_async", "fence", "commit_group", "wait_group"});
  if (d.mods.take("sp"))
    return d.fail("sparse wgmma is not supported; expected "
                  "wgmma.mma_async without .sp");
  if (!d.mods.take("sync") || !d.mods.take("aligned"))
    return d.unknown();
  if (name == "mma_async")
    return decodeMma(d);
  if (name == "wait_group") {
    d.expectOperands(1);
    d.inst.immediate = int64_t(d.literal(d.operand(0)));
    return wait;
  }
  d.expectOperands(0);
  if (name == "fence")
    return fence;
  return name == "commit_group" ? commit : d.unknown();
}

constexpr RowEffects mmaEffects{.reads = sharedMemory,
                                .proxy = Proxy::Async,
                                .completion = Completion::WgmmaGroup,
                                .sinks = addressSink | branchSink};

constexpr InstructionRow rows[] = {
    {"wgmma.mma_async.sync.aligned.m64n#k16.(f16|f32).f16.f16", decodeWgmma,
     mmaEffects, Timing::Tensor, Fidelity::Approximate, 901},
    {"wgmma.mma_async.sync.aligned.m64n#k16.f32.bf16.bf16", decodeWgmma,
     mmaEffects, Timing::Tensor, Fidelity::Approximate, 901},
    {"wgmma.mma_async.sync.aligned.m64n#k8.f32.tf32.tf32", decodeWgmma,
     mmaEffects, Timing::Tensor, Fidelity::Approximate, 901},
    {"wgmma.mma_async.sync.aligned.m64n#k32.(f16|f32).(e4m3|e5m2).(e4m3|e5m2)",
     decodeWgmma, mmaEffects, Timing::Tensor, Fidelity::Approximate, 901},
    {"wgmma.mma_async.sync.aligned.m64n#k32{.satfinite}.s32.(s8|u8).(s8|u8)",
     decodeWgmma, mmaEffects, Timing::Tensor, Fidelity::Exact, 901},
    {"wgmma.mma_async.sp.*", decodeWgmma, mmaEffects, Timing::Tensor,
     Fidelity::Approximate, 901},
    {"wgmma.fence.sync.aligned",
     decodeWgmma,
     {.sync = fences},
     Timing::Tensor,
     Fidelity::Exact,
     901},
    {"wgmma.commit_group.sync.aligned",
     decodeWgmma,
     {.sync = commits},
     Timing::Tensor,
     Fidelity::Exact,
     901},
    {"wgmma.wait_group.sync.aligned",
     decodeWgmma,
     {.sync = meets},
     Timing::Tensor,
     Fidelity::Exact,
     901},
};

} // namespace

std::span<const InstructionRow> heddle::vgpu::wgmmaInstructions() {
  return rows;
}
