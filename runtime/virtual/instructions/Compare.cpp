//===- Compare.cpp - Comparison and selection -----------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "instructions/FloatLanes.h"
#include "instructions/Table.h"

using namespace heddle::vgpu;

HEDDLE_BEGIN_LANES
namespace {

enum class Compare : uint8_t {
  Eq,
  Ne,
  Lt,
  Le,
  Gt,
  Ge,
  // Unordered: true if either is NaN.
  Equ,
  Neu,
  Ltu,
  Leu,
  Gtu,
  Geu,
  // Ordered and unordered.
  Num,
  Nan,
};

template <Compare op, typename T>
bool compare(T a, T b) {
  bool unordered = a != a || b != b;
  switch (op) {
  case Compare::Eq:
    return a == b;
  case Compare::Ne:
    return !unordered && a != b;
  case Compare::Lt:
    return a < b;
  case Compare::Le:
    return a <= b;
  case Compare::Gt:
    return a > b;
  case Compare::Ge:
    return a >= b;
  case Compare::Equ:
    return unordered || a == b;
  case Compare::Neu:
    return a != b;
  case Compare::Ltu:
    return unordered || a < b;
  case Compare::Leu:
    return unordered || a <= b;
  case Compare::Gtu:
    return unordered || a > b;
  case Compare::Geu:
    return unordered || a >= b;
  case Compare::Num:
    return !unordered;
  case Compare::Nan:
    return unordered;
  }
  return false;
}

/// How 16-bit floats load.
template <typename T>
struct Direct {
  using Value = T;
  using Lane = T;
  static T load(T x) { return x; }
};
struct FlushedF32 {
  using Value = float;
  using Lane = float;
  static float load(float x) { return flushSubnormal(x); }
};
template <typename Format>
struct Half {
  using Value = float;
  using Lane = uint16_t;
  static float load(uint16_t x) { return Format::load(x); }
};

template <Compare op, typename Source>
uint32_t compareLanes(Warp &warp, const Instruction &i) {
  using L = typename Source::Lane;
  const auto *a = warp.reg<L>(i.src[0]), *b = warp.reg<L>(i.src[1]);
  uint32_t result = 0;
  HEDDLE_LANES
  for (uint32_t l = 0; l < warpSize; ++l)
    result |=
        uint32_t(compare<op, typename Source::Value>(
            Source::load(fromLane<L>(a[l])), Source::load(fromLane<L>(b[l]))))
        << l;
  return result;
}

/// `aux`: third operand predicate and flip, packed in a payload when present.
struct SetpPayload : Payload {
  enum class Combine : uint8_t { None, And, Or, Xor } combine = Combine::None;
  uint32_t other = 0, otherFlip = 0;
  /// The second destination gets the negated comparison; 0 if there is none.
  uint32_t second = 0;
};

uint32_t combined(Warp &warp, const SetpPayload &p, uint32_t value) {
  uint32_t other = warp.predicates[p.other] ^ p.otherFlip;
  switch (p.combine) {
  case SetpPayload::Combine::And:
    return value & other;
  case SetpPayload::Combine::Or:
    return value | other;
  case SetpPayload::Combine::Xor:
    return value ^ other;
  case SetpPayload::Combine::None:
    break;
  }
  return value;
}

template <Compare op, typename Source>
struct Setp {
  static Flow run(Warp &warp, const Instruction &i, uint32_t mask) {
    uint32_t value = compareLanes<op, Source>(warp, i);
    if (!i.payload) [[likely]] {
      warp.setPredicate(i.dst, mask, value);
      return Flow::Next;
    }
    auto &p = *static_cast<const SetpPayload *>(i.payload);
    uint32_t first = combined(warp, p, value);
    uint32_t second = combined(warp, p, ~value);
    warp.setPredicate(i.dst, mask, first);
    if (p.second)
      warp.setPredicate(p.second, mask, second);
    return Flow::Next;
  }
};

/// set: the result is all ones or 1.0 in a register.
template <Compare op, typename Source>
struct Set {
  static Flow run(Warp &warp, const Instruction &i, uint32_t mask) {
    uint32_t value = compareLanes<op, Source>(warp, i);
    if (i.payload)
      value =
          combined(warp, *static_cast<const SetpPayload *>(i.payload), value);
    uint32_t *d = warp.reg32(i.dst);
    Warp::forBits(mask,
                  [&](uint32_t l) { d[l] = (value >> l & 1) ? i.aux : 0; });
    return Flow::Next;
  }
};

/// setp.f16x2: one predicate per half.
template <Compare op, typename Format>
Flow setpPair(Warp &warp, const Instruction &i, uint32_t mask) {
  const uint32_t *a = warp.reg32(i.src[0]), *b = warp.reg32(i.src[1]);
  uint32_t low = 0, high = 0;
  Warp::forBits(mask, [&](uint32_t l) {
    auto test = [&](unsigned shift) {
      return compare<op, float>(Format::load(uint16_t(a[l] >> shift)),
                                Format::load(uint16_t(b[l] >> shift)));
    };
    low |= uint32_t(test(0)) << l;
    high |= uint32_t(test(16)) << l;
  });
  SetpPayload none;
  auto &p = i.payload ? *static_cast<const SetpPayload *>(i.payload) : none;
  low = combined(warp, p, low);
  high = combined(warp, p, high);
  warp.setPredicate(i.dst, mask, low);
  if (p.second)
    warp.setPredicate(p.second, mask, high);
  return Flow::Next;
}

template <template <Compare, typename> class H, typename Source>
Handler byOp(Compare op) {
  switch (op) {
  case Compare::Eq:
    return H<Compare::Eq, Source>::run;
  case Compare::Ne:
    return H<Compare::Ne, Source>::run;
  case Compare::Lt:
    return H<Compare::Lt, Source>::run;
  case Compare::Le:
    return H<Compare::Le, Source>::run;
  case Compare::Gt:
    return H<Compare::Gt, Source>::run;
  case Compare::Ge:
    return H<Compare::Ge, Source>::run;
  default:
    break;
  }
  if constexpr (std::is_floating_point_v<typename Source::Value>) {
    switch (op) {
    case Compare::Equ:
      return H<Compare::Equ, Source>::run;
    case Compare::Neu:
      return H<Compare::Neu, Source>::run;
    case Compare::Ltu:
      return H<Compare::Ltu, Source>::run;
    case Compare::Leu:
      return H<Compare::Leu, Source>::run;
    case Compare::Gtu:
      return H<Compare::Gtu, Source>::run;
    case Compare::Geu:
      return H<Compare::Geu, Source>::run;
    case Compare::Num:
      return H<Compare::Num, Source>::run;
    case Compare::Nan:
      return H<Compare::Nan, Source>::run;
    default:
      break;
    }
  }
  return nullptr;
}

template <template <Compare, typename> class H>
Handler byType(Type type, Compare op, bool ftz) {
  switch (type) {
  case Type::B16:
  case Type::U16:
    return byOp<H, Direct<uint16_t>>(op);
  case Type::S16:
    return byOp<H, Direct<int16_t>>(op);
  case Type::B32:
  case Type::U32:
    return byOp<H, Direct<uint32_t>>(op);
  case Type::S32:
    return byOp<H, Direct<int32_t>>(op);
  case Type::B64:
  case Type::U64:
    return byOp<H, Direct<uint64_t>>(op);
  case Type::S64:
    return byOp<H, Direct<int64_t>>(op);
  case Type::F32:
    return ftz ? byOp<H, FlushedF32>(op) : byOp<H, Direct<float>>(op);
  case Type::F64:
    return byOp<H, Direct<double>>(op);
  case Type::F16:
    return byOp<H, Half<HalfFormat>>(op);
  case Type::BF16:
    return byOp<H, Half<BfloatFormat>>(op);
  default:
    return nullptr;
  }
}

template <Compare op, typename Format>
struct Pair {
  static Flow run(Warp &warp, const Instruction &i, uint32_t mask) {
    return setpPair<op, typename Format::Format>(warp, i, mask);
  }
};
struct HalfPair {
  using Value = float;
  using Format = HalfFormat;
};
struct BfloatPair {
  using Value = float;
  using Format = BfloatFormat;
};

std::optional<Compare> takeCompare(Modifiers &mods, bool isUnsigned) {
  struct Row {
    std::string_view name;
    Compare op;
  };
  constexpr Row rows[] = {
      {"eq", Compare::Eq},   {"ne", Compare::Ne},   {"lt", Compare::Lt},
      {"le", Compare::Le},   {"gt", Compare::Gt},   {"ge", Compare::Ge},
      {"equ", Compare::Equ}, {"neu", Compare::Neu}, {"ltu", Compare::Ltu},
      {"leu", Compare::Leu}, {"gtu", Compare::Gtu}, {"geu", Compare::Geu},
      {"num", Compare::Num}, {"nan", Compare::Nan}};
  for (const Row &row : rows)
    if (mods.take(row.name))
      return row.op;
  // Names for unsigned integers.
  constexpr Row unsignedRows[] = {{"lo", Compare::Lt},
                                  {"ls", Compare::Le},
                                  {"hi", Compare::Gt},
                                  {"hs", Compare::Ge}};
  for (const Row &row : unsignedRows)
    if (isUnsigned && mods.take(row.name))
      return row.op;
  return std::nullopt;
}

void takeCombine(Decoder &d, SetpPayload *&payload) {
  std::string_view name = d.mods.takeAny({"and", "or", "xor"});
  if (name.empty())
    return;
  if (!payload)
    payload = d.payload<SetpPayload>();
  payload->combine = name == "and"  ? SetpPayload::Combine::And
                     : name == "or" ? SetpPayload::Combine::Or
                                    : SetpPayload::Combine::Xor;
}

Handler decodeSetp(Decoder &d) {
  SetpPayload *payload = nullptr;
  takeCombine(d, payload);
  bool ftz = d.mods.take("ftz");
  Type type = d.mods.takeType();
  auto op = takeCompare(d.mods, true);
  if (!op)
    return d.unknown();
  d.expectOperands(payload ? 4 : 3);
  const Operand &dst = d.operand(0);
  if (dst.kind == OperandKind::Pair) {
    if (!payload)
      payload = d.payload<SetpPayload>();
    d.inst.dst = d.predicateDestination(dst.elements[0]);
    payload->second = d.predicateDestination(dst.elements[1]);
  } else {
    d.inst.dst = d.predicateDestination(dst);
  }
  d.inst.src[0] = d.source(1, type);
  d.inst.src[1] = d.source(2, type);
  if (payload && payload->combine != SetpPayload::Combine::None)
    payload->other = d.predicateSource(d.operand(3), payload->otherFlip);
  Handler handler = nullptr;
  if (type == Type::F16x2)
    handler = byOp<Pair, HalfPair>(*op);
  else if (type == Type::BF16x2)
    handler = byOp<Pair, BfloatPair>(*op);
  else
    handler = byType<Setp>(type, *op, ftz);
  return handler ? handler : d.unknown();
}

Handler decodeSet(Decoder &d) {
  SetpPayload *payload = nullptr;
  takeCombine(d, payload);
  bool ftz = d.mods.take("ftz");
  Type result = d.mods.takeType(), type = d.mods.takeType();
  auto op = takeCompare(d.mods, true);
  if (!op || bits(result) > 32)
    return d.unknown();
  d.expectOperands(payload ? 4 : 3);
  d.inst.dst = d.destination(0, result);
  d.inst.src[0] = d.source(1, type);
  d.inst.src[1] = d.source(2, type);
  if (payload)
    payload->other = d.predicateSource(d.operand(3), payload->otherFlip);
  switch (result) {
  case Type::F32:
    d.inst.aux = 0x3f800000;
    break;
  case Type::F16:
    d.inst.aux = 0x3c00;
    break;
  case Type::BF16:
    d.inst.aux = 0x3f80;
    break;
  default:
    d.inst.aux = bits(result) == 16 ? 0xffff : ~0u;
  }
  Handler handler = byType<Set>(type, *op, ftz);
  return handler ? handler : d.unknown();
}

/// set.f16x2: 1.0 or 0 per half; with an integer result, all ones or 0.
template <Compare op, typename Format>
struct SetHalves {
  static Flow run(Warp &warp, const Instruction &i, uint32_t mask) {
    using F = typename Format::Format;
    const uint32_t *a = warp.reg32(i.src[0]), *b = warp.reg32(i.src[1]);
    uint32_t *d = warp.reg32(i.dst);
    uint32_t half[2] = {};
    Warp::forBits(mask, [&](uint32_t l) {
      for (unsigned k = 0; k < 2; ++k)
        half[k] |=
            uint32_t(compare<op, float>(F::load(uint16_t(a[l] >> (16 * k))),
                                        F::load(uint16_t(b[l] >> (16 * k)))))
            << l;
    });
    if (i.payload)
      for (uint32_t &value : half)
        value =
            combined(warp, *static_cast<const SetpPayload *>(i.payload), value);
    Warp::forBits(mask, [&](uint32_t l) {
      d[l] = ((half[0] >> l & 1) ? i.aux : 0) |
             ((half[1] >> l & 1) ? i.aux << 16 : 0);
    });
    return Flow::Next;
  }
};

Handler decodeSetPair(Decoder &d) {
  SetpPayload *payload = nullptr;
  takeCombine(d, payload);
  Type result = d.mods.takeType(), type = d.mods.takeType();
  auto op = takeCompare(d.mods, true);
  d.expectOperands(payload ? 4 : 3);
  d.inst.dst = d.destination(0, result);
  d.inst.src[0] = d.source(1, type);
  d.inst.src[1] = d.source(2, type);
  if (payload)
    payload->other = d.predicateSource(d.operand(3), payload->otherFlip);
  d.inst.aux = result == Type::F16x2    ? 0x3c00
               : result == Type::BF16x2 ? 0x3f80
                                        : 0xffff;
  Handler handler = type == Type::F16x2 ? byOp<SetHalves, HalfPair>(*op)
                                        : byOp<SetHalves, BfloatPair>(*op);
  return handler ? handler : d.unknown();
}

template <typename T>
Flow selp(Warp &warp, const Instruction &i, uint32_t mask) {
  auto *d = warp.reg<T>(i.dst);
  const auto *a = warp.reg<T>(i.src[0]), *b = warp.reg<T>(i.src[1]);
  uint32_t chosen = warp.predicates[i.src[2]] ^ i.aux;
  assignLanes(mask, d,
              [=](uint32_t l) { return (chosen >> l & 1) ? a[l] : b[l]; });
  return Flow::Next;
}

Handler decodeSelp(Decoder &d) {
  Type type = d.mods.takeType();
  d.expectOperands(4);
  d.inst.dst = d.destination(0, type);
  d.inst.src[0] = d.source(1, type);
  d.inst.src[1] = d.source(2, type);
  d.inst.src[2] = d.predicateSource(d.operand(3), d.inst.aux);
  return bits(type) == 64 ? selp<uint64_t> : selp<uint32_t>;
}

template <typename T, bool isFloat>
Flow slct(Warp &warp, const Instruction &i, uint32_t mask) {
  auto *d = warp.reg<T>(i.dst);
  const auto *a = warp.reg<T>(i.src[0]), *b = warp.reg<T>(i.src[1]);
  const uint32_t *c = warp.reg32(i.src[2]);
  assignLanes(mask, d, [=](uint32_t l) {
    bool first = isFloat ? std::bit_cast<float>(c[l]) >= 0 : int32_t(c[l]) >= 0;
    return first ? a[l] : b[l];
  });
  return Flow::Next;
}

Handler decodeSlct(Decoder &d) {
  d.mods.take("ftz");
  Type type = d.mods.takeType(), selector = d.mods.takeType();
  if (selector != Type::S32 && selector != Type::F32)
    return d.unknown();
  d.expectOperands(4);
  d.inst.dst = d.destination(0, type);
  d.inst.src[0] = d.source(1, type);
  d.inst.src[1] = d.source(2, type);
  d.inst.src[2] = d.source(3, selector);
  if (selector == Type::F32)
    return bits(type) == 64 ? slct<uint64_t, true> : slct<uint32_t, true>;
  return bits(type) == 64 ? slct<uint64_t, false> : slct<uint32_t, false>;
}

constexpr InstructionRow rows[] = {
    {"setp.<compare>{.<combine>}{.ftz}.(<bits>|<int>|f32|f64)", decodeSetp},
    {"setp.<compare>{.<combine>}{.ftz}.(f16|f16x2)", decodeSetp},
    {"setp.<compare>{.<combine>}.(bf16|bf16x2)",
     decodeSetp,
     {},
     Timing::Alu,
     Fidelity::Exact,
     900},
    {"set.<compare>{.<combine>}{.ftz}.(u32|s32|f32).(<bits>|<int>|f32|f64)",
     decodeSet},
    {"set.<compare>{.<combine>}{.ftz}.(f16|bf16|u16|s16|u32|s32|f32)"
     ".(f16|bf16|<int>|<bits>|f32|f64)",
     decodeSet},
    {"set.<compare>{.<combine>}{.ftz}.(f16x2|u32|s32).f16x2", decodeSetPair},
    {"set.<compare>{.<combine>}.(bf16x2|u32|s32).bf16x2",
     decodeSetPair,
     {},
     Timing::Alu,
     Fidelity::Exact,
     900},
    {"selp.(<bits>|<int>|f32|f64)", decodeSelp},
    {"slct{.ftz}.(<bits>|<int>|f32|f64).(s32|f32)", decodeSlct},
};

} // namespace
HEDDLE_END_LANES

std::span<const InstructionRow> heddle::vgpu::compareInstructions() {
  return rows;
}
