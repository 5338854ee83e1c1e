//===- WarpWide.cpp - Shuffles, votes and elections -----------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "instructions/Lanes.h"
#include "instructions/Table.h"

#include <algorithm>

using namespace heddle;
using namespace heddle::vgpu;

HEDDLE_BEGIN_LANES
namespace {

/// The member mask of a `.sync` instruction: the first running lane's.
uint32_t memberMask(Warp &warp, uint32_t slot, uint32_t mask) {
  return warp.reg32(slot)[__builtin_ctz(mask)];
}

enum class Shuffle : uint8_t { Up, Down, Bfly, Idx };

template <Shuffle mode>
Flow shuffle(Warp &warp, const Instruction &i, uint32_t mask) {
  if (!warp.converge(i, memberMask(warp, i.src[3], mask), mask))
    return Flow::Stop;
  const uint32_t *a = warp.reg32(i.src[0]), *b = warp.reg32(i.src[1]),
                 *c = warp.reg32(i.src[2]);
  uint32_t source[warpSize], inRange = 0;
  HEDDLE_LANES
  for (uint32_t l = 0; l < warpSize; ++l) {
    uint32_t clamp = c[l] & 31, segment = (c[l] >> 8) & 31, value = b[l] & 31;
    uint32_t last = (l & segment) | (clamp & ~segment);
    uint32_t first = l & segment;
    int32_t from = 0;
    bool good = false;
    switch (mode) {
    case Shuffle::Up:
      from = int32_t(l) - int32_t(value);
      good = from >= int32_t(last);
      break;
    case Shuffle::Down:
      from = int32_t(l + value);
      good = from <= int32_t(last);
      break;
    case Shuffle::Bfly:
      from = int32_t(l ^ value);
      good = from <= int32_t(last);
      break;
    case Shuffle::Idx:
      from = int32_t(first | (value & ~segment));
      good = from <= int32_t(last);
      break;
    }
    source[l] = good ? uint32_t(from) : l;
    inRange |= uint32_t(good) << l;
  }
  assignLanes(mask, warp.reg32(i.dst),
              [&](uint32_t l) { return a[source[l]]; });
  if (i.aux)
    warp.setPredicate(i.aux, mask, inRange);
  return Flow::Next;
}

Handler decodeShuffle(Decoder &d) {
  if (!d.mods.take("sync"))
    return d.fail("expected shfl.sync; the form without .sync does not exist "
                  "on this architecture");
  std::string_view mode = d.mods.takeAny({"up", "down", "bfly", "idx"});
  if (d.mods.takeType() != Type::B32)
    return d.unknown();
  d.expectOperands(5);
  const Operand &dst = d.operand(0);
  if (dst.kind == OperandKind::Pair) {
    d.inst.dst = d.destination(dst.elements[0], Type::B32);
    d.inst.aux = d.predicateDestination(dst.elements[1]);
  } else {
    d.inst.dst = d.destination(dst, Type::B32);
  }
  for (unsigned n = 0; n < 4; ++n)
    d.inst.src[n] = d.source(n + 1, Type::B32);
  if (mode == "up")
    return shuffle<Shuffle::Up>;
  if (mode == "down")
    return shuffle<Shuffle::Down>;
  if (mode == "bfly")
    return shuffle<Shuffle::Bfly>;
  if (mode == "idx")
    return shuffle<Shuffle::Idx>;
  return d.unknown();
}

// --- Votes -------------------------------------------------------------------

enum class Vote : uint8_t { All, Any, Uni, Ballot };

template <Vote mode>
Flow vote(Warp &warp, const Instruction &i, uint32_t mask) {
  uint32_t members = memberMask(warp, i.src[1], mask);
  if (!warp.converge(i, members, mask))
    return Flow::Stop;
  uint32_t yes = (warp.predicates[i.src[0]] ^ i.aux) & mask;
  if constexpr (mode == Vote::Ballot) {
    uint32_t *d = warp.reg32(i.dst);
    forLanes(mask, [=](uint32_t l) { d[l] = yes; });
  } else {
    bool result = mode == Vote::All   ? yes == mask
                  : mode == Vote::Any ? yes != 0
                                      : yes == mask || yes == 0;
    warp.setPredicate(i.dst, mask, result ? fullMask : 0);
  }
  return Flow::Next;
}

Handler decodeVote(Decoder &d) {
  if (!d.mods.take("sync"))
    return d.fail("expected vote.sync");
  std::string_view mode = d.mods.takeAny({"all", "any", "uni", "ballot"});
  Type type = d.mods.takeType();
  d.expectOperands(3);
  bool ballot = mode == "ballot";
  if (ballot != (type == Type::B32))
    return d.unknown();
  d.inst.dst = ballot ? d.destination(0, Type::B32)
                      : d.predicateDestination(d.operand(0));
  d.inst.src[0] = d.predicateSource(d.operand(1), d.inst.aux);
  d.inst.src[1] = d.source(2, Type::B32);
  if (mode == "all")
    return vote<Vote::All>;
  if (mode == "any")
    return vote<Vote::Any>;
  if (mode == "uni")
    return vote<Vote::Uni>;
  return ballot ? vote<Vote::Ballot> : d.unknown();
}

Flow activeMask(Warp &warp, const Instruction &i, uint32_t mask) {
  uint32_t *d = warp.reg32(i.dst);
  forLanes(mask, [=](uint32_t l) { d[l] = mask; });
  return Flow::Next;
}

Handler decodeActiveMask(Decoder &d) {
  d.mods.takeType();
  d.expectOperands(1);
  d.inst.dst = d.destination(0, Type::B32);
  return activeMask;
}

/// match.any and match.all: which lanes hold the same value.
template <typename T, bool all>
Flow match(Warp &warp, const Instruction &i, uint32_t mask) {
  if (!warp.converge(i, memberMask(warp, i.src[1], mask), mask))
    return Flow::Stop;
  const auto *a = warp.reg<T>(i.src[0]);
  uint32_t result[warpSize] = {}, same = 0;
  Warp::forBits(mask, [&](uint32_t l) {
    Warp::forBits(mask, [&](uint32_t other) {
      result[l] |= uint32_t(a[other] == a[l]) << other;
    });
    if (result[l] == mask)
      same |= 1u << l;
  });
  uint32_t *d = warp.reg32(i.dst);
  Warp::forBits(mask, [&](uint32_t l) {
    d[l] = all && result[l] != mask ? 0 : result[l];
  });
  if (i.aux)
    warp.setPredicate(i.aux, mask, same);
  return Flow::Next;
}

Handler decodeMatch(Decoder &d) {
  bool all = d.mods.take("all");
  if ((!all && !d.mods.take("any")) || !d.mods.take("sync"))
    return d.unknown();
  Type type = d.mods.takeType();
  d.expectOperands(3);
  const Operand &dst = d.operand(0);
  if (dst.kind == OperandKind::Pair) {
    d.inst.dst = d.destination(dst.elements[0], Type::B32);
    d.inst.aux = d.predicateDestination(dst.elements[1]);
  } else {
    d.inst.dst = d.destination(dst, Type::B32);
  }
  d.inst.src[0] = d.source(1, type);
  d.inst.src[1] = d.source(2, Type::B32);
  if (bits(type) == 64)
    return all ? match<uint64_t, true> : match<uint64_t, false>;
  return all ? match<uint32_t, true> : match<uint32_t, false>;
}

// --- Reductions --------------------------------------------------------------

template <typename T, typename F>
Flow reduce(Warp &warp, const Instruction &i, uint32_t mask) {
  if (!warp.converge(i, memberMask(warp, i.src[1], mask), mask))
    return Flow::Stop;
  const uint32_t *a = warp.reg32(i.src[0]);
  T value = T(a[__builtin_ctz(mask)]);
  Warp::forBits(mask & (mask - 1),
                [&](uint32_t l) { value = F{}(value, T(a[l])); });
  uint32_t *d = warp.reg32(i.dst);
  forLanes(mask, [=](uint32_t l) { d[l] = uint32_t(value); });
  return Flow::Next;
}

struct Least {
  template <typename T>
  T operator()(T a, T b) const {
    return std::min(a, b);
  }
};
struct Greatest {
  template <typename T>
  T operator()(T a, T b) const {
    return std::max(a, b);
  }
};

Handler decodeRedux(Decoder &d) {
  if (!d.mods.take("sync"))
    return d.unknown();
  std::string_view op =
      d.mods.takeAny({"add", "min", "max", "and", "or", "xor"});
  Type type = d.mods.takeType();
  if (bits(type) != 32 || isFloat(type))
    return d.unknown();
  d.expectOperands(3);
  d.inst.dst = d.destination(0, type);
  d.inst.src[0] = d.source(1, type);
  d.inst.src[1] = d.source(2, Type::B32);
  bool sign = isSigned(type);
  if (op == "add")
    return reduce<uint32_t, std::plus<uint32_t>>;
  if (op == "min")
    return sign ? reduce<int32_t, Least> : reduce<uint32_t, Least>;
  if (op == "max")
    return sign ? reduce<int32_t, Greatest> : reduce<uint32_t, Greatest>;
  if (op == "and")
    return reduce<uint32_t, std::bit_and<uint32_t>>;
  if (op == "or")
    return reduce<uint32_t, std::bit_or<uint32_t>>;
  if (op == "xor")
    return reduce<uint32_t, std::bit_xor<uint32_t>>;
  return d.unknown();
}

/// The leader is the lowest member lane.
Flow elect(Warp &warp, const Instruction &i, uint32_t mask) {
  uint32_t members = memberMask(warp, i.src[0], mask);
  if (!warp.converge(i, members, mask))
    return Flow::Stop;
  if (!(members & mask))
    return warp.fault(
        i, mask,
        {faults::divergence, "expected the lane to be in the member mask"});
  uint32_t leader = uint32_t(__builtin_ctz(members & mask));
  uint32_t *d = warp.reg32(i.dst);
  forLanes(mask, [=](uint32_t l) { d[l] = leader; });
  warp.setPredicate(i.aux, mask, 1u << leader);
  return Flow::Next;
}

Handler decodeElect(Decoder &d) {
  if (!d.mods.take("sync"))
    return d.unknown();
  d.expectOperands(2);
  const Operand &dst = d.operand(0);
  if (dst.kind != OperandKind::Pair)
    return d.fail("expected a register and a predicate as destinations");
  d.inst.dst = d.destination(dst.elements[0], Type::B32);
  d.inst.aux = d.predicateDestination(dst.elements[1]);
  d.inst.src[0] = d.source(1, Type::B32);
  return elect;
}

/// movmatrix: an 8x8 matrix of 16-bit elements, two of a row in each lane, is
/// transposed.
Flow transpose(Warp &warp, const Instruction &i, uint32_t mask) {
  if (!warp.converge(i, fullMask, mask))
    return Flow::Stop;
  const uint32_t *a = warp.reg32(i.src[0]);
  uint32_t result[warpSize];
  for (uint32_t l = 0; l < warpSize; ++l) {
    // Element (row, column) of the result is (column, row) of the source.
    auto element = [&](uint32_t row, uint32_t column) {
      return a[column * 4 + row / 2] >> (16 * (row % 2)) & 0xffff;
    };
    uint32_t column = 2 * (l % 4);
    result[l] = element(l / 4, column) | element(l / 4, column + 1) << 16;
  }
  std::copy_n(result, warpSize, warp.reg32(i.dst));
  return Flow::Next;
}

Handler decodeMovmatrix(Decoder &d) {
  d.expectOperands(2);
  d.inst.dst = d.destination(0, Type::B32);
  d.inst.src[0] = d.source(1, Type::B32);
  return transpose;
}

constexpr InstructionRow rows[] = {
    {"shfl.sync.(up|down|bfly|idx).b32", decodeShuffle, {}, Timing::Warp},
    {"vote.sync.(all|any|uni).pred", decodeVote, {}, Timing::Warp},
    {"vote.sync.ballot.b32", decodeVote, {}, Timing::Warp},
    {"match.(any|all).sync.(b32|b64)", decodeMatch, {}, Timing::Warp},
    {"activemask.b32",
     decodeActiveMask,
     {.dependsOnSchedule = true},
     Timing::Warp},
    {"redux.sync.(add|min|max).(u32|s32)",
     decodeRedux,
     {},
     Timing::Warp,
     Fidelity::Exact,
     800},
    {"redux.sync.(and|or|xor).b32",
     decodeRedux,
     {},
     Timing::Warp,
     Fidelity::Exact,
     800},
    {"movmatrix.sync.aligned.m8n8.trans.b16",
     decodeMovmatrix,
     {},
     Timing::Warp,
     Fidelity::Exact,
     750},
    {"elect.sync", decodeElect, {}, Timing::Warp, Fidelity::Exact, 900},
};

} // namespace
HEDDLE_END_LANES

std::span<const InstructionRow> heddle::vgpu::warpInstructions() {
  return rows;
}
