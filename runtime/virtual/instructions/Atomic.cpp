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

#include <atomic>

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
  /// One slot per element of a vector.
  std::vector<uint32_t> results, operands;
  uint32_t desired = 0;
};

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

template <typename U>
Flow atomic(Warp &warp, const Instruction &i, uint32_t mask) {
  auto &p = *static_cast<const AtomicPayload *>(i.payload);
  uint64_t address[warpSize];
  warp.addresses(i, i.src[0], p.wideAddress, address);
  uint32_t bytes = uint32_t(sizeof(U) * p.operands.size());
  std::byte *hosts[warpSize];
  for (uint32_t rest = mask; rest; rest &= rest - 1) {
    uint32_t lane = uint32_t(__builtin_ctz(rest));
    hosts[lane] = accessLane(warp, p.space, address[lane], bytes, lane,
                             p.cursor, p.crossCta, AccessKind::Store);
    if (!hosts[lane])
      return warp.fault(i, 1u << lane,
                        explainAccess(warp, p.space, address[lane], bytes,
                                      p.crossCta, AccessKind::Store));
  }
  // What this publishes, others may acquire as soon as it has happened.
  uint32_t lanes = mask;
  Sanitizer *sanitizer = warp.cta.cluster.sanitizer.get();
  AccessSemantics semantics;
  if (sanitizer) {
    semantics = {.write = true,
                 .atomic = true,
                 .acquire = p.acquire,
                 .release = p.release,
                 .scope = p.scope};
    if (!sanitizer->allInitialized(p.space, mask, address, bytes, p.cursor))
        [[unlikely]]
      followTaint(warp, i, p, mask, address, sizeof(U));
    sanitizer->access(warp, i, mask, p.space, address, bytes, semantics);
    sanitizer->initialized(p.space, mask, address, bytes, p.cursor);
  }
  for (; mask; mask &= mask - 1) {
    uint32_t lane = uint32_t(__builtin_ctz(mask));
    for (size_t n = 0; n < p.operands.size(); ++n) {
      std::atomic_ref<U> target(
          *reinterpret_cast<U *>(hosts[lane] + n * sizeof(U)));
      U b = U(warp.reg<U>(p.operands[n])[lane]);
      U old = target.load();
      if (p.op == UpdateOp::Cas) {
        U desired = U(warp.reg<U>(p.desired)[lane]);
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
  }
  if (sanitizer && p.returns)
    sanitizer->observe(warp, i, lanes, p.space, address, semantics);
  return flowAfterTaint(warp);
}

bool supports(UpdateOp op, Type type) {
  switch (op) {
  case UpdateOp::And:
  case UpdateOp::Or:
  case UpdateOp::Xor:
    return type == Type::B32 || type == Type::B64;
  case UpdateOp::Exch:
    return type == Type::B32 || type == Type::B64;
  case UpdateOp::Cas:
    return type == Type::B16 || type == Type::B32 || type == Type::B64;
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
  d.expectOperands(2 + p->returns + cas, 2 + p->returns + cas + hint);
  if (p->returns)
    for (const Operand *part : d.elements(d.operand(next++)))
      p->results.push_back(d.destination(*part, p->type));
  Space found = p->space;
  Decoder::Address address = d.address(d.operand(next++), found);
  p->space = found;
  p->wideAddress = address.wide;
  d.inst.src[0] = address.slot;
  d.inst.immediate = address.offset;
  p->cursor = d.newCursor();
  for (const Operand *part : d.elements(d.operand(next++)))
    p->operands.push_back(d.source(*part, p->type));
  size_t expected = vector.empty() ? 1 : size_t(vector[1] - '0');
  if (p->operands.size() != expected ||
      (p->returns && p->results.size() != expected))
    return d.fail("expected {} registers per vector", expected);
  if (cas)
    p->desired = d.source(d.operand(next++), p->type);
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
    HEDDLE_UPDATES("red{.(relaxed|release)}", reductionEffects),
};

#undef HEDDLE_UPDATES

} // namespace

std::span<const InstructionRow> heddle::vgpu::atomicInstructions() {
  return rows;
}
