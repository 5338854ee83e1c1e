//===- Atomic.cpp - Atomics -----------------------------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "engine/Access.h"
#include "instructions/Table.h"
#include "instructions/Update.h"
#include "sanitizer/Sanitizer.h"
#include "sanitizer/Taint.h"

#include <algorithm>
#include <atomic>
#include <cstring>

using namespace heddle::vgpu;

namespace {

struct AtomicPayload : Payload {
  UpdateOp op = UpdateOp::Add;
  Type type = Type::U32;
  Space space = Space::Generic;
  bool crossCta = false, wideAddress = false;
  uint32_t cursor = 0;
  bool returns = false;
  /// For the sanitizer.
  bool acquire = false, release = false;
  Scope scope = Scope::Gpu;
  /// One slot per element of a vector, or half of 128 bits.
  std::vector<uint32_t> results, operands, desired;
};

AccessSemantics semanticsOf(const AtomicPayload &p) {
  return {.write = true,
          .atomic = true,
          .acquire = p.acquire,
          .release = p.release,
          .scope = p.scope};
}

/// Follows uninitialised memory into an atomic: what exchanges gives it on, and
/// what combines has used it.
void followTaint(Warp &warp, const Instruction &i, const AtomicPayload &p,
                 uint32_t mask, const uint64_t *addresses,
                 uint32_t elementBytes) {
  Sanitizer &sanitizer = *warp.cta.cluster.sanitizer;
  uint32_t at = warp.indexOf(i);
  for (size_t n = 0; n < p.operands.size(); ++n) {
    uint32_t lanes = sanitizer.uninitializedLanes(mask, p.space, addresses,
                                                  uint32_t(n) * elementBytes,
                                                  elementBytes, p.cursor);
    if (!lanes)
      continue;
    if (p.op != UpdateOp::Exch) {
      sanitizer.uninitialized(warp, at, lanes, at, "combines with it");
    } else if (p.returns) {
      if (!warp.taint)
        warp.taint = std::make_unique<Taint>(*warp.kernel);
      warp.taint->write(p.results[n], lanes, lanes, at);
    }
  }
}

/// Where the lanes of an atomic are.
struct AtomicLanes {
  uint64_t address[warpSize];
  std::byte *hosts[warpSize];
};

/// Finds the lanes, and tells the sanitizer what they do; false after a fault.
bool beginAtomic(Warp &warp, const Instruction &i, const AtomicPayload &p,
                 uint32_t mask, uint32_t elementBytes, AtomicLanes &out) {
  warp.addresses(i, i.src[0], p.wideAddress, out.address);
  uint32_t bytes = uint32_t(elementBytes * p.operands.size());
  for (uint32_t rest = mask; rest; rest &= rest - 1) {
    uint32_t lane = uint32_t(__builtin_ctz(rest));
    out.hosts[lane] = accessLane(warp, p.space, out.address[lane], bytes, lane,
                                 p.cursor, p.crossCta, AccessKind::Store);
    if (!out.hosts[lane]) {
      warp.fault(i, 1u << lane,
                 explainAccess(warp, p.space, out.address[lane], bytes,
                               p.crossCta, AccessKind::Store));
      return false;
    }
  }
  // What this publishes, others may acquire as soon as it has happened.
  if (Sanitizer *sanitizer = warp.cta.cluster.sanitizer.get()) {
    if (!sanitizer->allInitialized(p.space, mask, out.address, bytes, p.cursor))
        [[unlikely]]
      followTaint(warp, i, p, mask, out.address, elementBytes);
    sanitizer->access(warp, i, mask, p.space, out.address, bytes,
                      semanticsOf(p));
    sanitizer->initialized(p.space, mask, out.address, bytes, p.cursor);
  }
  return true;
}

/// After it: what a returned value tells is known.
Flow endAtomic(Warp &warp, const Instruction &i, const AtomicPayload &p,
               uint32_t mask, const AtomicLanes &lanes) {
  Sanitizer *sanitizer = warp.cta.cluster.sanitizer.get();
  if (sanitizer && p.returns)
    sanitizer->observe(warp, i, mask, p.space, lanes.address, semanticsOf(p));
  return flowAfterTaint(warp);
}

template <typename U>
Flow atomic(Warp &warp, const Instruction &i, uint32_t mask) {
  auto &p = *static_cast<const AtomicPayload *>(i.payload);
  AtomicLanes lanes;
  if (!beginAtomic(warp, i, p, mask, sizeof(U), lanes))
    return Flow::Stop;
  Warp::forBits(mask, [&](uint32_t lane) {
    for (size_t n = 0; n < p.operands.size(); ++n) {
      std::atomic_ref<U> target(
          *reinterpret_cast<U *>(lanes.hosts[lane] + n * sizeof(U)));
      U b = U(warp.reg<U>(p.operands[n])[lane]);
      U old = target.load();
      if (p.op == UpdateOp::Cas) {
        U desired = U(warp.reg<U>(p.desired[n])[lane]);
        old = b;
        target.compare_exchange_strong(old, desired);
      } else {
        while (
            !target.compare_exchange_weak(old, update(p.op, p.type, old, b))) {
        }
      }
      if (p.returns)
        warp.reg<U>(p.results[n])[lane] = old;
    }
  });
  return endAtomic(warp, i, p, mask, lanes);
}

/// Exchanges of 128 bits, in two halves. Clusters that update memory in an
/// order that shows run one at a time, so that nobody sees one half alone.
Flow atomicHalves(Warp &warp, const Instruction &i, uint32_t mask) {
  auto &p = *static_cast<const AtomicPayload *>(i.payload);
  AtomicLanes lanes;
  if (!beginAtomic(warp, i, p, mask, sizeof(uint64_t), lanes))
    return Flow::Stop;
  Warp::forBits(mask, [&](uint32_t lane) {
    uint64_t old[2], operands[2], next[2];
    std::memcpy(old, lanes.hosts[lane], sizeof(old));
    for (size_t n = 0; n < 2; ++n) {
      operands[n] = warp.reg64(p.operands[n])[lane];
      next[n] =
          p.op == UpdateOp::Cas ? warp.reg64(p.desired[n])[lane] : operands[n];
    }
    if (p.op != UpdateOp::Cas || std::ranges::equal(old, operands))
      std::memcpy(lanes.hosts[lane], next, sizeof(next));
    for (size_t n = 0; n < 2; ++n)
      warp.reg64(p.results[n])[lane] = old[n];
  });
  return endAtomic(warp, i, p, mask, lanes);
}

bool supports(UpdateOp op, Type type) {
  switch (op) {
  case UpdateOp::And:
  case UpdateOp::Or:
  case UpdateOp::Xor:
    return type == Type::B32 || type == Type::B64;
  case UpdateOp::Exch:
    return type == Type::B32 || type == Type::B64 || type == Type::B128;
  case UpdateOp::Cas:
    return type == Type::B16 || type == Type::B32 || type == Type::B64 ||
           type == Type::B128;
  case UpdateOp::Inc:
  case UpdateOp::Dec:
    return type == Type::U32;
  case UpdateOp::Min:
  case UpdateOp::Max:
    return !isFloat(type) ? bits(type) >= 32
                          : type == Type::F16 || type == Type::BF16 ||
                                type == Type::F16x2 || type == Type::BF16x2;
  case UpdateOp::Add:
    return type == Type::U32 || type == Type::S32 || type == Type::U64 ||
           type == Type::F32 || type == Type::F64 || type == Type::F16 ||
           type == Type::BF16 || type == Type::F16x2 || type == Type::BF16x2;
  }
  return false;
}

Handler decodeAtomic(Decoder &d) {
  auto *p = d.payload<AtomicPayload>();
  p->returns = d.mods.base() == "atom";
  std::string_view order =
      d.mods.takeAny({"relaxed", "acquire", "release", "acq_rel"});
  p->acquire = order == "acquire" || order == "acq_rel";
  p->release = order == "release" || order == "acq_rel";
  std::string_view space =
      d.mods.takeAny({"global", "shared::cluster", "shared::cta", "shared"});
  p->scope =
      scopeOf(d.mods.takeAny({"cta", "cluster", "gpu", "sys"}), Scope::Gpu);
  p->space = space.empty()       ? Space::Generic
             : space == "global" ? Space::Global
                                 : Space::Shared;
  p->crossCta = space.empty() || space == "shared::cluster";
  auto op = takeUpdateOp(d.mods);
  d.mods.take("noftz");
  bool hint = d.mods.take("L2::cache_hint");
  std::string_view vector = d.mods.takeAny({"v2", "v4", "v8"});
  p->type = d.mods.takeType();
  if (!op || !supports(*op, p->type))
    return d.unknown();
  p->op = *op;
  bool cas = *op == UpdateOp::Cas;
  size_t next = 0;
  auto sources = [&](const Operand &operand) {
    std::vector<uint32_t> slots;
    if (p->type == Type::B128)
      for (uint32_t half : d.sourceHalves(operand))
        slots.push_back(half);
    else
      for (const Operand *part : d.elements(operand))
        slots.push_back(d.source(*part, p->type));
    return slots;
  };
  d.expectOperands(2 + p->returns + cas, 2 + p->returns + cas + hint);
  if (p->returns && p->type == Type::B128)
    for (uint32_t half : d.destinationHalves(d.operand(next++)))
      p->results.push_back(half);
  else if (p->returns)
    for (const Operand *part : d.elements(d.operand(next++)))
      p->results.push_back(d.destination(*part, p->type));
  Space found = p->space;
  Decoder::Address address = d.address(d.operand(next++), found);
  p->space = found;
  p->wideAddress = address.wide;
  d.inst.src[0] = address.slot;
  d.inst.immediate = address.offset;
  p->cursor = d.newCursor();
  p->operands = sources(d.operand(next++));
  if (cas)
    p->desired = sources(d.operand(next++));
  if (p->type == Type::B128)
    return atomicHalves;
  size_t expected = vector.empty() ? 1 : size_t(vector[1] - '0');
  if (p->operands.size() != expected ||
      (p->returns && p->results.size() != expected))
    return d.fail("expected {} registers per vector", expected);
  if (cas && p->desired.size() != expected)
    return d.fail("expected {} registers per vector", expected);
  switch (bits(p->type)) {
  case 16:
    return atomic<uint16_t>;
  case 32:
    return atomic<uint32_t>;
  default:
    return atomic<uint64_t>;
  }
}

constexpr RowEffects atomicEffects{.reads = globalMemory | sharedMemory,
                                   .writes = globalMemory | sharedMemory,
                                   .sinks = addressSink | storeSink,
                                   .update = Update::Returns},
    reductionEffects{.reads = globalMemory | sharedMemory,
                     .writes = globalMemory | sharedMemory,
                     .sinks = addressSink | storeSink,
                     .update = Update::Reduces};

// What atom and red have in common, up to the orders that they know.
#define HEDDLE_UPDATES(prefix, effects)                                        \
  {prefix "{.<scope>}{.(global|<shared>)}.add{.L2::cache_hint}"                \
          ".(u32|s32|u64|f32|f64)",                                            \
   decodeAtomic, effects, Timing::Atomic},                                     \
      {prefix "{.<scope>}{.(global|<shared>)}.(min|max){.L2::cache_hint}"      \
              ".(u32|s32|u64|s64)",                                            \
       decodeAtomic, effects, Timing::Atomic},                                 \
      {prefix "{.<scope>}{.(global|<shared>)}.(and|or|xor){.L2::cache_hint}"   \
              ".(b32|b64)",                                                    \
       decodeAtomic, effects, Timing::Atomic},                                 \
      {prefix "{.<scope>}{.(global|<shared>)}.(inc|dec){.L2::cache_hint}.u32", \
       decodeAtomic, effects, Timing::Atomic},                                 \
      {prefix "{.<scope>}{.(global|<shared>)}.add.noftz{.L2::cache_hint}"      \
              ".(f16|f16x2)",                                                  \
       decodeAtomic, effects, Timing::Atomic},                                 \
      {prefix "{.<scope>}{.(global|<shared>)}.add.noftz{.L2::cache_hint}"      \
              ".(bf16|bf16x2)",                                                \
       decodeAtomic,                                                           \
       effects,                                                                \
       Timing::Atomic,                                                         \
       Fidelity::Exact,                                                        \
       900},                                                                   \
      {prefix "{.<scope>}{.global}.add{.L2::cache_hint}.(v2|v4).f32",          \
       decodeAtomic,                                                           \
       effects,                                                                \
       Timing::Atomic,                                                         \
       Fidelity::Exact,                                                        \
       900},                                                                   \
      {prefix "{.<scope>}{.global}.(add|min|max).noftz{.L2::cache_hint}"       \
              ".(v2|v4|v8).(f16|bf16)",                                        \
       decodeAtomic,                                                           \
       effects,                                                                \
       Timing::Atomic,                                                         \
       Fidelity::Exact,                                                        \
       900},                                                                   \
      {prefix "{.<scope>}{.global}.(add|min|max).noftz{.L2::cache_hint}"       \
              ".(v2|v4).(f16x2|bf16x2)",                                       \
       decodeAtomic,                                                           \
       effects,                                                                \
       Timing::Atomic,                                                         \
       Fidelity::Exact,                                                        \
       900}

constexpr InstructionRow rows[] = {
    HEDDLE_UPDATES("atom{.(relaxed|acquire|release|acq_rel)}", atomicEffects),
    {"atom{.(relaxed|acquire|release|acq_rel)}{.<scope>}{.(global|<shared>)}"
     ".exch{.L2::cache_hint}.(b32|b64)",
     decodeAtomic, atomicEffects, Timing::Atomic},
    {"atom{.(relaxed|acquire|release|acq_rel)}{.<scope>}{.(global|<shared>)}"
     ".cas{.L2::cache_hint}.(b16|b32|b64)",
     decodeAtomic, atomicEffects, Timing::Atomic},
    {"atom{.(relaxed|acquire|release|acq_rel)}{.<scope>}{.(global|<shared>)}"
     ".(exch|cas){.L2::cache_hint}.b128",
     decodeAtomic, atomicEffects, Timing::Atomic, Fidelity::Exact, 900},
    HEDDLE_UPDATES("red{.(relaxed|release)}", reductionEffects),
};

#undef HEDDLE_UPDATES

} // namespace

std::span<const InstructionRow> heddle::vgpu::atomicInstructions() {
  return rows;
}
