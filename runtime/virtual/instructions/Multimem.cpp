//===- Multimem.cpp - Memory of several devices at one address ------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// multimem.ld_reduce, st and red, on the addresses of multicast objects. Each
/// is an access of every device's copy, one after another in the order of the
/// devices, which is the order in which sums are rounded, too.
///
//===----------------------------------------------------------------------===//

#include "engine/Cluster.h"
#include "instructions/Table.h"
#include "instructions/Update.h"
#include "sanitizer/Sanitizer.h"
#include "sanitizer/Taint.h"
#include "units/Multicast.h"

#include <atomic>

using namespace heddle::vgpu;

namespace {

enum class Kind : uint8_t { LoadReduce, Store, Reduce };

struct MultimemPayload : Payload {
  Kind kind = Kind::LoadReduce;
  UpdateOp op = UpdateOp::Add;
  Type type = Type::U32;
  /// Sums of 16-bit numbers are in f32 until all devices are in.
  bool wideSum = false;
  bool wideAddress = false;
  uint32_t cursor = 0;
  bool acquire = false, release = false;
  Scope scope = Scope::None;
  /// One slot per element of a vector.
  std::vector<uint32_t> registers;

  uint32_t elementBytes() const { return bits(type) / 8; }
  uint32_t bytes() const { return elementBytes() * uint32_t(registers.size()); }
};

/// Lanes whose addresses are in one multicast object.
struct Replicas {
  uint32_t lanes = 0;
  uint32_t members = 0;
  /// By member and lane.
  uint64_t address[Multicast::maxMembers][warpSize];
  std::byte *host[Multicast::maxMembers][warpSize];
};

/// Finds the copies that `mask`'s first lane accesses, and those of the lanes
/// in the same object. A fault is that of `faultLane`.
Checked<void> locate(Warp &warp, const MultimemPayload &p, uint32_t mask,
                     const uint64_t *addresses, Replicas &out,
                     uint32_t &faultLane) {
  const GlobalMemory &memory = *warp.cta.cluster.launch.memory;
  GlobalMemory::Cursor &cursor = warp.cta.cluster.cursors[p.cursor];
  uint32_t bytes = p.bytes(), first = uint32_t(__builtin_ctz(mask));
  faultLane = first;
  if (addresses[first] % bytes)
    return makeFault(faults::alignment,
                     "address {:#x} is not a multiple of {} bytes",
                     addresses[first], bytes);
  Checked<Multicast> object = memory.findMulticast(addresses[first], bytes);
  if (!object)
    return tl::unexpected(object.error());
  out.members = object->members;
  out.lanes = 0;
  Warp::forBits(mask, [&](uint32_t l) {
    if (addresses[l] % bytes == 0 && object->contains(addresses[l], bytes))
      out.lanes |= 1u << l;
  });
  warp.cta.cluster.traffic.count(
      p.kind == Kind::LoadReduce ? AccessKind::Load : AccessKind::Store,
      uint64_t(std::popcount(out.lanes)) * out.members * bytes);
  for (uint32_t member = 0; member < out.members; ++member)
    for (uint32_t rest = out.lanes; rest; rest &= rest - 1) {
      uint32_t l = uint32_t(__builtin_ctz(rest));
      uint64_t at = object->memory[member] + (addresses[l] - object->begin);
      out.address[member][l] = at;
      out.host[member][l] = cursor.resolve(at, bytes);
      if (out.host[member][l])
        continue;
      faultLane = l;
      return tl::unexpected(memory.explain(at, bytes).in(
          fmt::format("the memory of device {} for the multicast "
                      "object at {:#x}",
                      member, object->begin)));
    }
  return {};
}

AccessSemantics semanticsOf(const MultimemPayload &p) {
  return {.write = p.kind != Kind::LoadReduce,
          .atomic = p.kind == Kind::Reduce,
          .acquire = p.acquire,
          .release = p.release,
          .scope = p.scope};
}

/// Tells the sanitizer of the accesses of all copies, if there is one.
void watch(Warp &warp, const Instruction &i, const MultimemPayload &p,
           const Replicas &replicas) {
  Sanitizer *sanitizer = warp.cta.cluster.sanitizer.get();
  if (!sanitizer)
    return;
  uint32_t bytes = p.bytes(), at = warp.indexOf(i);
  for (uint32_t member = 0; member < replicas.members; ++member) {
    const uint64_t *addresses = replicas.address[member];
    bool reads = p.kind != Kind::Store;
    if (reads && !sanitizer->allInitialized(Space::Global, replicas.lanes,
                                            addresses, bytes, p.cursor))
      for (size_t n = 0; n < p.registers.size(); ++n) {
        uint32_t lanes = sanitizer->uninitializedLanes(
            replicas.lanes, Space::Global, addresses,
            uint32_t(n) * p.elementBytes(), p.elementBytes(), p.cursor);
        if (!lanes)
          continue;
        if (p.kind == Kind::Reduce) {
          sanitizer->uninitialized(warp, at, lanes, at, "combines with it");
          continue;
        }
        // One copy that nobody wrote spoils the result.
        if (!warp.taint)
          warp.taint = std::make_unique<Taint>(*warp.kernel);
        lanes |= warp.taint->lanesOf(p.registers[n]) & replicas.lanes;
        warp.taint->write(p.registers[n], lanes, lanes, at);
      }
    sanitizer->access(warp, i, replicas.lanes, Space::Global, addresses, bytes,
                      semanticsOf(p));
    if (p.kind != Kind::LoadReduce)
      sanitizer->initialized(Space::Global, replicas.lanes, addresses, bytes,
                             p.cursor);
  }
}

template <typename Format>
uint16_t sumWide(const Replicas &replicas, uint32_t lane, size_t offset) {
  float sum = 0;
  for (uint32_t member = 0; member < replicas.members; ++member) {
    auto *from =
        reinterpret_cast<uint16_t *>(replicas.host[member][lane] + offset);
    float value = Format::load(std::atomic_ref<uint16_t>(*from).load());
    sum = member ? sum + value : value;
  }
  return Format::store(sum);
}

/// The element at `offset` of all copies, combined.
template <typename U>
U reduceCopies(const MultimemPayload &p, const Replicas &replicas,
               uint32_t lane, size_t offset) {
  if constexpr (sizeof(U) <= 4)
    if (p.wideSum) {
      bool half = p.type == Type::F16 || p.type == Type::F16x2;
      auto sum = half ? sumWide<HalfFormat> : sumWide<BfloatFormat>;
      U result = sum(replicas, lane, offset);
      if constexpr (sizeof(U) == 4)
        result |= U(sum(replicas, lane, offset + 2)) << 16;
      return result;
    }
  U result = 0;
  for (uint32_t member = 0; member < replicas.members; ++member) {
    auto *from = reinterpret_cast<U *>(replicas.host[member][lane] + offset);
    U value = std::atomic_ref<U>(*from).load();
    result = member ? update(p.op, p.type, result, value) : value;
  }
  return result;
}

template <typename U>
void loadReduce(Warp &warp, const MultimemPayload &p,
                const Replicas &replicas) {
  for (size_t n = 0; n < p.registers.size(); ++n)
    Warp::forBits(replicas.lanes, [&](uint32_t l) {
      warp.reg<U>(p.registers[n])[l] =
          reduceCopies<U>(p, replicas, l, n * sizeof(U));
    });
}

template <typename U>
void storeAll(Warp &warp, const MultimemPayload &p, const Replicas &replicas) {
  for (uint32_t member = 0; member < replicas.members; ++member)
    for (size_t n = 0; n < p.registers.size(); ++n)
      Warp::forBits(replicas.lanes, [&](uint32_t l) {
        auto *to =
            reinterpret_cast<U *>(replicas.host[member][l] + n * sizeof(U));
        std::atomic_ref<U>(*to).store(U(warp.reg<U>(p.registers[n])[l]));
      });
}

template <typename U>
void updateAll(Warp &warp, const MultimemPayload &p, const Replicas &replicas) {
  for (uint32_t member = 0; member < replicas.members; ++member)
    for (size_t n = 0; n < p.registers.size(); ++n)
      Warp::forBits(replicas.lanes, [&](uint32_t l) {
        std::atomic_ref<U> target(
            *reinterpret_cast<U *>(replicas.host[member][l] + n * sizeof(U)));
        U b = U(warp.reg<U>(p.registers[n])[l]), old = target.load();
        while (!target.compare_exchange_weak(old, update(p.op, p.type, old, b)))
          ;
      });
}

template <typename U>
Flow multimem(Warp &warp, const Instruction &i, uint32_t mask) {
  auto &p = *static_cast<const MultimemPayload *>(i.payload);
  uint64_t addresses[warpSize];
  warp.addresses(i, i.src[0], p.wideAddress, addresses);
  // Lanes may mean several objects, but mostly do not.
  while (mask) {
    Replicas replicas;
    uint32_t lane = 0;
    if (auto found = locate(warp, p, mask, addresses, replicas, lane); !found)
      return warp.fault(i, 1u << lane, found.error());
    mask &= ~replicas.lanes;
    if (p.kind == Kind::LoadReduce) {
      // What others published with the values that are read, an acquire finds
      // after.
      loadReduce<U>(warp, p, replicas);
      watch(warp, i, p, replicas);
      continue;
    }
    // Before others can see what is written.
    watch(warp, i, p, replicas);
    if (p.kind == Kind::Store)
      storeAll<U>(warp, p, replicas);
    else
      updateAll<U>(warp, p, replicas);
  }
  return flowAfterTaint(warp);
}

Handler decodeMultimem(Decoder &d) {
  auto *p = d.payload<MultimemPayload>();
  p->kind = d.mods.take("ld_reduce") ? Kind::LoadReduce
            : d.mods.take("st")      ? Kind::Store
                                     : Kind::Reduce;
  d.mods.take("red");
  bool weak = d.mods.take("weak");
  p->acquire = d.mods.take("acquire");
  p->release = d.mods.take("release");
  bool strong = d.mods.take("relaxed") || p->acquire || p->release;
  if (weak && strong)
    return d.unknown();
  p->scope = scopeOf(d.mods.takeAny({"cta", "cluster", "gpu", "sys"}),
                     p->kind == Kind::Reduce ? Scope::System : Scope::None);
  if (p->kind != Kind::Store)
    p->op = takeUpdateOp(d.mods).value_or(UpdateOp::Add);
  p->wideSum = d.mods.take("acc::f32");
  std::string_view vector = d.mods.takeAny({"v2", "v4", "v8"});
  p->type = d.mods.takeType();
  d.expectOperands(2);
  bool loads = p->kind == Kind::LoadReduce;
  auto parts = d.elements(d.operand(loads ? 0 : 1));
  size_t expected = vector.empty() ? 1 : size_t(vector[1] - '0');
  if (parts.size() != expected)
    return d.fail("expected {} registers, found {}", expected, parts.size());
  for (const Operand *part : parts)
    p->registers.push_back(loads ? d.destination(*part, p->type)
                                 : d.source(*part, p->type));
  Space space = Space::Global;
  Decoder::Address address = d.address(d.operand(loads ? 1 : 0), space);
  p->wideAddress = address.wide;
  d.inst.src[0] = address.slot;
  d.inst.immediate = address.offset;
  p->cursor = d.newCursor();
  switch (bits(p->type)) {
  case 16:
    return multimem<uint16_t>;
  case 32:
    return multimem<uint32_t>;
  default:
    return multimem<uint64_t>;
  }
}

constexpr RowEffects loadEffects{.reads = globalMemory, .sinks = addressSink},
    storeEffects{.writes = globalMemory, .sinks = addressSink | storeSink},
    reductionEffects{.reads = globalMemory,
                     .writes = globalMemory,
                     .sinks = addressSink | storeSink,
                     .update = Update::Reduces};

constexpr InstructionRow load(std::string_view pattern,
                              Fidelity fidelity = Fidelity::Exact) {
  return {pattern, decodeMultimem, loadEffects, Timing::Memory, fidelity, 900};
}
constexpr InstructionRow store(std::string_view pattern) {
  return {pattern,        decodeMultimem,  storeEffects,
          Timing::Memory, Fidelity::Exact, 900};
}
constexpr InstructionRow reduction(std::string_view pattern) {
  return {pattern,        decodeMultimem,  reductionEffects,
          Timing::Atomic, Fidelity::Exact, 900};
}

/// In which order the devices are summed is open, and so is where sums round.
constexpr Fidelity inexact = Fidelity::Approximate;

#define HEDDLE_LOAD                                                            \
  "multimem.ld_reduce{.weak}{.(relaxed|acquire).<scope>}{.global}"
#define HEDDLE_STORE "multimem.st{.weak}{.(relaxed|release).<scope>}{.global}"
#define HEDDLE_REDUCTION "multimem.red{.(relaxed|release).<scope>}{.global}"

constexpr InstructionRow rows[] = {
    load(HEDDLE_LOAD ".add.(u32|s32|u64)"),
    load(HEDDLE_LOAD ".(min|max).(u32|s32|u64|s64)"),
    load(HEDDLE_LOAD ".(and|or|xor).(b32|b64)"),
    load(HEDDLE_LOAD ".add.f64", inexact),
    load(HEDDLE_LOAD ".add{.(v2|v4)}.f32", inexact),
    load(HEDDLE_LOAD ".add{.acc::f32}{.(v2|v4)}.(f16x2|bf16x2)", inexact),
    load(HEDDLE_LOAD ".add{.acc::f32}.(v2|v4|v8).(f16|bf16)", inexact),
    load(HEDDLE_LOAD ".(min|max){.(v2|v4)}.(f16x2|bf16x2)"),
    load(HEDDLE_LOAD ".(min|max).(v2|v4|v8).(f16|bf16)"),
    store(HEDDLE_STORE ".(b32|b64|u32|s32|u64|s64|f64)"),
    store(HEDDLE_STORE "{.(v2|v4)}.(f32|f16x2|bf16x2)"),
    store(HEDDLE_STORE ".(v2|v4|v8).(f16|bf16)"),
    reduction(HEDDLE_REDUCTION ".add.(u32|s32|u64|f64)"),
    reduction(HEDDLE_REDUCTION ".(min|max).(u32|s32|u64|s64)"),
    reduction(HEDDLE_REDUCTION ".(and|or|xor).(b32|b64)"),
    reduction(HEDDLE_REDUCTION ".add{.(v2|v4)}.(f32|f16x2|bf16x2)"),
    reduction(HEDDLE_REDUCTION ".add.(v2|v4|v8).(f16|bf16)"),
    reduction(HEDDLE_REDUCTION ".(min|max).(v2|v4).(f16x2|bf16x2)"),
    reduction(HEDDLE_REDUCTION ".(min|max).(v2|v4|v8).(f16|bf16)"),
};

#undef HEDDLE_LOAD
#undef HEDDLE_STORE
#undef HEDDLE_REDUCTION

} // namespace

std::span<const InstructionRow> heddle::vgpu::multimemInstructions() {
  return rows;
}
