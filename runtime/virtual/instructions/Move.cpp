//===- Move.cpp - Moves, packing and addresses ----------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "decode/AddressSpace.h"
#include "decode/Specials.h"
#include "engine/Cluster.h"
#include "instructions/Lanes.h"
#include "instructions/Table.h"

#include <chrono>
#include <fmt/format.h>

using namespace heddle::vgpu;

HEDDLE_BEGIN_LANES
namespace {

struct Copy {
  template <typename T>
  T operator()(T x) const {
    return x;
  }
};

Flow movePredicate(Warp &warp, const Instruction &i, uint32_t mask) {
  warp.setPredicate(i.dst, mask, warp.predicates[i.src[0]] ^ i.aux);
  return Flow::Next;
}

/// A clock: the cluster's time, or the host's for %globaltimer.
Flow readClock(Warp &warp, const Instruction &i, uint32_t mask) {
  auto which = Special(i.aux);
  // Time advances when the warp pauses, so it does before a clock is read.
  warp.pausedForClock = !warp.pausedForClock;
  if (warp.pausedForClock) {
    --warp.pc;
    return Flow::Stop;
  }
  uint64_t value = warp.cta.cluster.time();
  if (which >= Special::GlobalTimer)
    value = uint64_t(std::chrono::steady_clock::now().time_since_epoch() /
                     std::chrono::nanoseconds(1));
  if (which == Special::ClockHigh || which == Special::GlobalTimerHigh)
    value >>= 32;
  bool wide = i.aux2;
  Warp::forBits(mask, [&](uint32_t l) {
    if (wide)
      warp.reg64(i.dst)[l] = value;
    else
      warp.reg32(i.dst)[l] = uint32_t(value);
  });
  return Flow::Next;
}

/// mov between a scalar and a vector of its parts.
struct PackPayload : Payload {
  struct Part {
    uint32_t slot;
    bool wide;
  };
  std::vector<Part> parts;
  unsigned partBits = 0;
  bool wide = false;
};

Flow pack(Warp &warp, const Instruction &i, uint32_t mask) {
  auto &p = *static_cast<const PackPayload *>(i.payload);
  uint64_t values[warpSize] = {};
  for (size_t n = 0; n < p.parts.size(); ++n) {
    const uint32_t *part = warp.reg32(p.parts[n].slot);
    uint64_t keep = (1ull << p.partBits) - 1;
    for (uint32_t l = 0; l < warpSize; ++l)
      values[l] |= (part[l] & keep) << (n * p.partBits);
  }
  if (p.wide) {
    uint64_t *d = warp.reg64(i.dst);
    forLanes(mask, [&](uint32_t l) { d[l] = values[l]; });
  } else {
    uint32_t *d = warp.reg32(i.dst);
    forLanes(mask, [&](uint32_t l) { d[l] = uint32_t(values[l]); });
  }
  return Flow::Next;
}

Flow unpack(Warp &warp, const Instruction &i, uint32_t mask) {
  auto &p = *static_cast<const PackPayload *>(i.payload);
  uint64_t values[warpSize];
  for (uint32_t l = 0; l < warpSize; ++l)
    values[l] = p.wide ? warp.reg64(i.src[0])[l] : warp.reg32(i.src[0])[l];
  uint64_t keep = (1ull << p.partBits) - 1;
  for (size_t n = 0; n < p.parts.size(); ++n) {
    uint32_t *d = warp.reg32(p.parts[n].slot);
    forLanes(mask, [&](uint32_t l) {
      d[l] = uint32_t((values[l] >> (n * p.partBits)) & keep);
    });
  }
  return Flow::Next;
}

/// mov of 64-bit registers, to or from the halves of one of 128 bits.
struct HalvesPayload : Payload {
  std::array<uint32_t, 2> to = {}, from = {};
};

Flow moveHalves(Warp &warp, const Instruction &i, uint32_t mask) {
  auto &p = *static_cast<const HalvesPayload *>(i.payload);
  uint64_t low[warpSize], high[warpSize];
  // What is written first may be read second.
  std::memcpy(low, warp.reg64(p.from[0]), sizeof(low));
  std::memcpy(high, warp.reg64(p.from[1]), sizeof(high));
  uint64_t *toLow = warp.reg64(p.to[0]), *toHigh = warp.reg64(p.to[1]);
  forLanes(mask, [&](uint32_t l) {
    toLow[l] = low[l];
    toHigh[l] = high[l];
  });
  return Flow::Next;
}

Handler decodeMoveHalves(Decoder &d) {
  auto *p = d.payload<HalvesPayload>();
  d.expectOperands(2);
  const Operand &to = d.operand(0), &from = d.operand(1);
  auto take = [&](const Operand &operand, bool isSource) {
    if (operand.kind != OperandKind::Vector)
      return isSource ? d.sourceHalves(operand) : d.destinationHalves(operand);
    std::array<uint32_t, 2> slots = {};
    if (operand.elements.size() != 2)
      d.fail("expected 2 parts of 64 bits");
    else
      for (size_t n = 0; n < 2; ++n)
        slots[n] = isSource ? d.source(operand.elements[n], Type::B64)
                            : d.destination(operand.elements[n], Type::B64);
    return slots;
  };
  p->from = take(from, true);
  p->to = take(to, false);
  return moveHalves;
}

Type typeOfBits(unsigned width) {
  return width == 8 ? Type::B8 : width == 16 ? Type::B16 : Type::B32;
}

Handler decodeMov(Decoder &d) {
  Type type = d.mods.takeType();
  if (type == Type::B128)
    return decodeMoveHalves(d);
  d.expectOperands(2);
  const Operand &to = d.operand(0), &from = d.operand(1);
  if (type == Type::Pred) {
    d.inst.dst = d.predicateDestination(to);
    d.inst.src[0] = d.predicateSource(from, d.inst.aux);
    return movePredicate;
  }
  if (to.kind == OperandKind::Vector || from.kind == OperandKind::Vector) {
    bool packs = from.kind == OperandKind::Vector;
    const Operand &vector = packs ? from : to;
    auto *payload = d.payload<PackPayload>();
    payload->wide = bits(type) == 64;
    size_t count = vector.elements.size();
    if (count == 0 || bits(type) % count || bits(type) > 64 ||
        bits(type) / count > 32)
      return d.fail("expected 2 or 4 parts of at most 32 bits");
    payload->partBits = bits(type) / count;
    Type part = typeOfBits(payload->partBits);
    for (const Operand &element : vector.elements)
      payload->parts.push_back(
          {packs ? d.source(element, part) : d.destination(element, part),
           false});
    if (packs) {
      d.inst.dst = d.destination(to, type);
      return pack;
    }
    d.inst.src[0] = d.source(from, type);
    return unpack;
  }
  if (from.kind == OperandKind::Special)
    if (auto special = parseSpecial(from.name); special && isClock(*special)) {
      d.inst.dst = d.destination(to, type);
      d.setFidelity(Fidelity::Approximate);
      d.inst.aux = uint32_t(*special);
      d.inst.aux2 = bits(type) == 64;
      return readClock;
    }
  d.inst.dst = d.destination(to, type);
  d.inst.src[0] = d.source(from, type);
  return bits(type) == 64 ? unary<Copy, uint64_t, uint64_t>
                          : unary<Copy, uint32_t, uint32_t>;
}

// --- Address spaces ----------------------------------------------------------

std::optional<Space> takeSpace(Modifiers &mods) {
  std::string_view name =
      mods.takeAny({"global", "shared", "shared::cta", "shared::cluster",
                    "local", "param", "param::entry", "const"});
  if (name.empty())
    return std::nullopt;
  if (name.starts_with("shared"))
    return Space::Shared;
  if (name == "local")
    return Space::Local;
  if (name.starts_with("param"))
    return Space::Param;
  return name == "const" ? Space::Const : Space::Global;
}

template <typename T>
Flow addOffset(Warp &warp, const Instruction &i, uint32_t mask) {
  auto *d = warp.reg<T>(i.dst);
  const auto *a = warp.reg<T>(i.src[0]);
  T offset = T(i.immediate);
  assignLanes(mask, d, [=](uint32_t l) { return a[l] + offset; });
  return Flow::Next;
}

Handler decodeCvta(Decoder &d) {
  bool to = d.mods.take("to");
  auto space = takeSpace(d.mods);
  Type type = d.mods.takeType();
  if (!space || bits(type) != 64)
    return d.unknown();
  d.expectOperands(2);
  d.inst.dst = d.destination(0, type);
  d.inst.src[0] = d.source(1, type);
  uint64_t window = windowOf(*space);
  d.inst.immediate = int64_t(to ? 0 - window : window);
  return addOffset<uint64_t>;
}

Flow isSpace(Warp &warp, const Instruction &i, uint32_t mask) {
  const uint64_t *a = warp.reg64(i.src[0]);
  uint32_t result = 0;
  Warp::forBits(mask, [&](uint32_t l) {
    bool yes = spaceOf(a[l]) == Space(i.aux);
    // shared::cta is this CTA's part of the cluster's window.
    if (yes && i.aux2)
      yes = uint32_t(a[l]) >> sharedRankShift == warp.cta.rank;
    result |= uint32_t(yes) << l;
  });
  warp.setPredicate(i.dst, mask, result);
  return Flow::Next;
}

Handler decodeIsspacep(Decoder &d) {
  Modifiers original = d.mods;
  auto space = takeSpace(d.mods);
  if (!space)
    return d.unknown();
  d.expectOperands(2);
  d.inst.aux = uint32_t(*space == Space::Const ? Space::Global : *space);
  d.inst.aux2 = *space == Space::Shared && !original.take("shared::cluster");
  d.inst.dst = d.predicateDestination(d.operand(0));
  d.inst.src[0] = d.source(1, Type::U64);
  return isSpace;
}

/// mapa: the same offset in another CTA of the cluster.
template <typename T>
Flow mapa(Warp &warp, const Instruction &i, uint32_t mask) {
  auto *d = warp.reg<T>(i.dst);
  const auto *a = warp.reg<T>(i.src[0]);
  const uint32_t *rank = warp.reg32(i.src[1]);
  uint32_t bad = 0;
  Warp::forBits(mask, [&](uint32_t l) {
    if (rank[l] >= warp.cta.cluster.ctas.size())
      bad |= 1u << l;
    T keep = a[l] & ~(T(0xff) << sharedRankShift);
    d[l] = keep | T(rank[l]) << sharedRankShift;
  });
  if (bad)
    return warp.fault(
        i, bad,
        {faults::other, fmt::format("expected a rank below the cluster's {} "
                                    "CTAs",
                                    warp.cta.cluster.ctas.size())});
  return Flow::Next;
}

Handler decodeMapa(Decoder &d) {
  d.mods.take("shared::cluster");
  Type type = d.mods.takeType();
  d.expectOperands(3);
  d.inst.dst = d.destination(0, type);
  d.inst.src[0] = d.source(1, type);
  d.inst.src[1] = d.source(2, Type::U32);
  return bits(type) == 64 ? mapa<uint64_t> : mapa<uint32_t>;
}

/// getctarank: the CTA that a shared address belongs to.
template <typename T>
Flow ctaRank(Warp &warp, const Instruction &i, uint32_t mask) {
  const auto *a = warp.reg<T>(i.src[0]);
  uint32_t *d = warp.reg32(i.dst);
  forLanes(mask, [=](uint32_t l) { d[l] = uint32_t(a[l]) >> sharedRankShift; });
  return Flow::Next;
}

Handler decodeCtaRank(Decoder &d) {
  d.mods.take("shared::cluster");
  Type type = d.mods.takeType();
  d.expectOperands(2);
  d.inst.dst = d.destination(0, Type::U32);
  d.inst.src[0] = d.source(1, type);
  return bits(type) == 64 ? ctaRank<uint64_t> : ctaRank<uint32_t>;
}

constexpr InstructionRow rows[] = {
    {"mov.(pred|<scalar>|b128)", decodeMov},
    {"cvta{.to}.<space>.u64", decodeCvta},
    {"isspacep.<space>", decodeIsspacep},
    {"mapa{.shared::cluster}.(u32|u64)",
     decodeMapa,
     {},
     Timing::Alu,
     Fidelity::Exact,
     900},
    {"getctarank{.shared::cluster}.(u32|u64)",
     decodeCtaRank,
     {},
     Timing::Alu,
     Fidelity::Exact,
     900},
};

} // namespace
HEDDLE_END_LANES

std::span<const InstructionRow> heddle::vgpu::moveInstructions() {
  return rows;
}
