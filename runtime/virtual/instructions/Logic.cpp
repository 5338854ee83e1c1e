//===- Logic.cpp - Bits and shifts ----------------------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "instructions/Lanes.h"
#include "instructions/Table.h"

using namespace heddle::vgpu;

HEDDLE_BEGIN_LANES
namespace {

struct And {
  template <typename T>
  T operator()(T a, T b) const {
    return a & b;
  }
};
struct Or {
  template <typename T>
  T operator()(T a, T b) const {
    return a | b;
  }
};
struct Xor {
  template <typename T>
  T operator()(T a, T b) const {
    return a ^ b;
  }
};
struct Not {
  template <typename T>
  T operator()(T a) const {
    return T(~a);
  }
};
struct Shl {
  template <typename T>
  T operator()(T a, uint32_t b) const {
    return b < 8 * sizeof(T) ? T(a << b) : T(0);
  }
};
struct Shr {
  template <typename T>
  T operator()(T a, uint32_t b) const {
    constexpr uint32_t width = 8 * sizeof(T);
    return T(a >> (b < width             ? b
                   : std::is_signed_v<T> ? width - 1
                                         : 0)) *
           T(std::is_signed_v<T> || b < width);
  }
};
struct Popc {
  template <typename T>
  uint32_t operator()(T a) const {
    return std::popcount(a);
  }
};
struct Clz {
  template <typename T>
  uint32_t operator()(T a) const {
    return std::countl_zero(a);
  }
};
struct Brev {
  template <typename T>
  T operator()(T a) const {
    T r = 0;
    for (unsigned i = 0; i < 8 * sizeof(T); ++i)
      r |= T((a >> i) & 1) << (8 * sizeof(T) - 1 - i);
    return r;
  }
};
template <bool shiftAmount>
struct Bfind {
  template <typename T>
  uint32_t operator()(T a) const {
    using U = std::make_unsigned_t<T>;
    U bits = a < 0 ? U(~a) : U(a);
    if (bits == 0)
      return ~0u;
    uint32_t lead = std::countl_zero(bits);
    return shiftAmount ? lead : 8 * sizeof(T) - 1 - lead;
  }
};
struct Bfe {
  template <typename T>
  T operator()(T a, uint32_t position, uint32_t length) const {
    using U = std::make_unsigned_t<T>;
    constexpr uint32_t width = 8 * sizeof(T);
    uint32_t pos = position & 0xff, len = length & 0xff;
    if (len == 0)
      return 0;
    bool sign = false;
    if (std::is_signed_v<T>) {
      uint32_t top = std::min(pos + len - 1, width - 1);
      sign = (U(a) >> top) & 1;
    }
    U bits = pos < width ? U(a) >> pos : 0;
    // Above the register, the sign continues.
    uint32_t valid = pos < width ? std::min(len, width - pos) : 0;
    U keep = valid >= width ? ~U(0) : (U(1) << valid) - 1;
    return T((bits & keep) | (sign ? ~keep : U(0)));
  }
};
template <typename T>
Flow bfi(Warp &warp, const Instruction &i, uint32_t mask) {
  auto *d = warp.reg<T>(i.dst);
  const auto *a = warp.reg<T>(i.src[0]), *b = warp.reg<T>(i.src[1]);
  const uint32_t *c = warp.reg32(i.src[2]), *n = warp.reg32(i.src[3]);
  constexpr uint32_t width = 8 * sizeof(T);
  assignLanes(mask, d, [=](uint32_t l) {
    uint32_t pos = c[l] & 0xff, len = n[l] & 0xff;
    T field = len >= width ? T(~T(0)) : T((T(1) << len) - 1);
    T keep = pos < width ? T(field << pos) : T(0);
    T value = pos < width ? T(a[l] << pos) : T(0);
    return T((b[l] & ~keep) | (value & keep));
  });
  return Flow::Next;
}
Flow lop3(Warp &warp, const Instruction &i, uint32_t mask) {
  uint32_t *d = warp.reg32(i.dst);
  const uint32_t *a = warp.reg32(i.src[0]), *b = warp.reg32(i.src[1]),
                 *c = warp.reg32(i.src[2]);
  uint32_t table = i.aux;
  assignLanes(mask, d, [=](uint32_t l) {
    uint32_t r = 0;
    for (uint32_t k = 0; k < 8; ++k) {
      uint32_t term = ((k & 4) ? a[l] : ~a[l]) & ((k & 2) ? b[l] : ~b[l]) &
                      ((k & 1) ? c[l] : ~c[l]);
      r |= term & (0 - (table >> k & 1));
    }
    return r;
  });
  return Flow::Next;
}

uint32_t permute(uint32_t a, uint32_t b, uint32_t selector) {
  uint64_t bytes = uint64_t(b) << 32 | a;
  uint32_t r = 0;
  for (uint32_t k = 0; k < 4; ++k) {
    uint32_t s = selector >> (4 * k) & 0xf;
    uint32_t byte = uint32_t(bytes >> (8 * (s & 7))) & 0xff;
    if (s & 8)
      byte = (byte & 0x80) ? 0xff : 0;
    r |= byte << (8 * k);
  }
  return r;
}
struct Prmt {
  uint32_t operator()(uint32_t a, uint32_t b, uint32_t c) const {
    return permute(a, b, c);
  }
};
/// The selectors of prmt's modes, by the low two bits of operand c.
template <int mode>
struct PrmtMode {
  uint32_t operator()(uint32_t a, uint32_t b, uint32_t c) const {
    constexpr uint16_t tables[6][4] = {
        {0x3210, 0x4321, 0x5432, 0x6543}, {0x5670, 0x6701, 0x7012, 0x0123},
        {0x0000, 0x1111, 0x2222, 0x3333}, {0x3210, 0x3211, 0x3222, 0x3333},
        {0x0000, 0x1110, 0x2210, 0x3210}, {0x1010, 0x3232, 0x1010, 0x3232}};
    return permute(a, b, tables[mode][c & 3]);
  }
};
template <bool left, bool wrapAround>
struct Funnel {
  uint32_t operator()(uint32_t a, uint32_t b, uint32_t c) const {
    uint32_t n = wrapAround ? c & 31 : std::min(c, 32u);
    uint64_t both = uint64_t(b) << 32 | a;
    return left ? uint32_t((both << n) >> 32) : uint32_t(both >> n);
  }
};

template <typename F>
Flow predicateLogic(Warp &warp, const Instruction &i, uint32_t mask) {
  uint32_t a = warp.predicates[i.src[0]] ^ i.aux;
  uint32_t b = warp.predicates[i.src[1]] ^ i.aux2;
  warp.setPredicate(i.dst, mask, F{}(a, b));
  return Flow::Next;
}
Flow predicateNot(Warp &warp, const Instruction &i, uint32_t mask) {
  warp.setPredicate(i.dst, mask, ~(warp.predicates[i.src[0]] ^ i.aux));
  return Flow::Next;
}

template <typename F>
Handler decodeBitwise(Decoder &d) {
  Type type = d.mods.takeType();
  d.expectOperands(3);
  if (type == Type::Pred) {
    d.inst.dst = d.predicateDestination(d.operand(0));
    d.inst.src[0] = d.predicateSource(d.operand(1), d.inst.aux);
    d.inst.src[1] = d.predicateSource(d.operand(2), d.inst.aux2);
    return predicateLogic<F>;
  }
  d.inst.dst = d.destination(0, type);
  d.inst.src[0] = d.source(1, type);
  d.inst.src[1] = d.source(2, type);
  switch (bits(type)) {
  case 16:
    return binary<F, uint16_t, uint16_t>;
  case 32:
    return binary<F, uint32_t, uint32_t>;
  case 64:
    return binary<F, uint64_t, uint64_t>;
  default:
    return d.unknown();
  }
}

struct IsZero {
  template <typename T>
  T operator()(T a) const {
    return a == 0;
  }
};

Handler decodeNot(Decoder &d) {
  Type type = d.mods.takeType();
  d.expectOperands(2);
  bool logical = d.mods.base() == "cnot";
  if (type == Type::Pred && !logical) {
    d.inst.dst = d.predicateDestination(d.operand(0));
    d.inst.src[0] = d.predicateSource(d.operand(1), d.inst.aux);
    return predicateNot;
  }
  d.inst.dst = d.destination(0, type);
  d.inst.src[0] = d.source(1, type);
  switch (bits(type)) {
  case 16:
    return logical ? unary<IsZero, uint16_t, uint16_t>
                   : unary<Not, uint16_t, uint16_t>;
  case 32:
    return logical ? unary<IsZero, uint32_t, uint32_t>
                   : unary<Not, uint32_t, uint32_t>;
  case 64:
    return logical ? unary<IsZero, uint64_t, uint64_t>
                   : unary<Not, uint64_t, uint64_t>;
  default:
    return d.unknown();
  }
}

Handler decodeShift(Decoder &d) {
  bool left = d.mods.base() == "shl";
  Type type = d.mods.takeType();
  d.expectOperands(3);
  d.inst.dst = d.destination(0, type);
  d.inst.src[0] = d.source(1, type);
  d.inst.src[1] = d.source(2, Type::U32);
  bool sign = isSigned(type);
  switch (bits(type)) {
  case 16:
    return left   ? binary<Shl, uint16_t, uint16_t, uint32_t>
           : sign ? binary<Shr, int16_t, int16_t, uint32_t>
                  : binary<Shr, uint16_t, uint16_t, uint32_t>;
  case 32:
    return left   ? binary<Shl, uint32_t, uint32_t, uint32_t>
           : sign ? binary<Shr, int32_t, int32_t, uint32_t>
                  : binary<Shr, uint32_t, uint32_t, uint32_t>;
  case 64:
    return left   ? binary<Shl, uint64_t, uint64_t, uint32_t>
           : sign ? binary<Shr, int64_t, int64_t, uint32_t>
                  : binary<Shr, uint64_t, uint64_t, uint32_t>;
  default:
    return d.unknown();
  }
}

template <typename F>
Handler decodeCount(Decoder &d) {
  Type type = d.mods.takeType();
  d.expectOperands(2);
  d.inst.dst = d.destination(0, Type::U32);
  d.inst.src[0] = d.source(1, type);
  return bits(type) == 32   ? unary<F, uint32_t, uint32_t>
         : bits(type) == 64 ? unary<F, uint32_t, uint64_t>
                            : d.unknown();
}

Handler decodeBrev(Decoder &d) {
  Type type = d.mods.takeType();
  d.expectOperands(2);
  d.inst.dst = d.destination(0, type);
  d.inst.src[0] = d.source(1, type);
  return bits(type) == 32   ? unary<Brev, uint32_t, uint32_t>
         : bits(type) == 64 ? unary<Brev, uint64_t, uint64_t>
                            : d.unknown();
}

template <typename F>
Handler bfindAs(Type type) {
  switch (type) {
  case Type::U32:
    return unary<F, uint32_t, uint32_t>;
  case Type::S32:
    return unary<F, uint32_t, int32_t>;
  case Type::U64:
    return unary<F, uint32_t, uint64_t>;
  case Type::S64:
    return unary<F, uint32_t, int64_t>;
  default:
    return nullptr;
  }
}

Handler decodeBfind(Decoder &d) {
  bool amount = d.mods.take("shiftamt");
  Type type = d.mods.takeType();
  d.expectOperands(2);
  d.inst.dst = d.destination(0, Type::U32);
  d.inst.src[0] = d.source(1, type);
  Handler handler =
      amount ? bfindAs<Bfind<true>>(type) : bfindAs<Bfind<false>>(type);
  return handler ? handler : d.unknown();
}

Handler decodeBfe(Decoder &d) {
  Type type = d.mods.takeType();
  d.expectOperands(4);
  d.inst.dst = d.destination(0, type);
  d.inst.src[0] = d.source(1, type);
  d.inst.src[1] = d.source(2, Type::U32);
  d.inst.src[2] = d.source(3, Type::U32);
  switch (type) {
  case Type::U32:
    return ternary<Bfe, uint32_t, uint32_t, uint32_t, uint32_t>;
  case Type::S32:
    return ternary<Bfe, int32_t, int32_t, uint32_t, uint32_t>;
  case Type::U64:
    return ternary<Bfe, uint64_t, uint64_t, uint32_t, uint32_t>;
  case Type::S64:
    return ternary<Bfe, int64_t, int64_t, uint32_t, uint32_t>;
  default:
    return d.unknown();
  }
}

Handler decodeBfi(Decoder &d) {
  Type type = d.mods.takeType();
  d.expectOperands(5);
  d.inst.dst = d.destination(0, type);
  d.inst.src[0] = d.source(1, type);
  d.inst.src[1] = d.source(2, type);
  d.inst.src[2] = d.source(3, Type::U32);
  d.inst.src[3] = d.source(4, Type::U32);
  return bits(type) == 32   ? bfi<uint32_t>
         : bits(type) == 64 ? bfi<uint64_t>
                            : d.unknown();
}

void ternaryOperands(Decoder &d) {
  d.inst.dst = d.destination(0, Type::B32);
  for (unsigned n = 0; n < 3; ++n)
    d.inst.src[n] = d.source(n + 1, Type::B32);
}

/// lop3.or and lop3.and: also whether any bit is set, joined with a predicate.
struct Lop3Payload : Payload {
  uint32_t result = 0, other = 0, otherFlip = 0;
  bool isOr = false;
};

Flow lop3Predicate(Warp &warp, const Instruction &i, uint32_t mask) {
  auto &p = *static_cast<const Lop3Payload *>(i.payload);
  lop3(warp, i, mask);
  const uint32_t *d = warp.reg32(i.dst);
  uint32_t set = 0, other = warp.predicates[p.other] ^ p.otherFlip;
  Warp::forBits(mask, [&](uint32_t l) { set |= uint32_t(d[l] != 0) << l; });
  warp.setPredicate(p.result, mask, p.isOr ? set | other : set & other);
  return Flow::Next;
}

Handler decodeLop3(Decoder &d) {
  bool isOr = d.mods.has("or"), predicate = isOr || d.mods.has("and");
  d.expectOperands(5 + predicate);
  d.inst.aux = uint32_t(d.literal(d.operand(4)));
  if (!predicate) {
    ternaryOperands(d);
    return lop3;
  }
  auto *p = d.payload<Lop3Payload>();
  const Operand &to = d.operand(0);
  if (to.kind != OperandKind::Pair)
    return d.fail("expected a register and a predicate as destinations");
  d.inst.dst = d.destination(to.elements[0], Type::B32);
  p->result = d.predicateDestination(to.elements[1]);
  p->isOr = isOr;
  for (unsigned n = 0; n < 3; ++n)
    d.inst.src[n] = d.source(n + 1, Type::B32);
  p->other = d.predicateSource(d.operand(5), p->otherFlip);
  return lop3Predicate;
}

// --- Masks -------------------------------------------------------------------

/// fns: the position of the n-th set bit of the mask from a base, or all ones.
struct Fns {
  uint32_t operator()(uint32_t mask, uint32_t base, uint32_t offset) const {
    int32_t n = int32_t(offset);
    if (base > 31)
      return ~0u;
    if (n == 0)
      return mask >> base & 1 ? base : ~0u;
    int step = n > 0 ? 1 : -1;
    uint32_t rest = n > 0 ? uint32_t(n) : 0u - uint32_t(n);
    for (int at = int(base); at >= 0 && at < 32; at += step)
      if ((mask >> at & 1) && --rest == 0)
        return uint32_t(at);
    return ~0u;
  }
};

/// bmsk: `b` ones from bit `a`.
template <bool clamp>
struct Bmsk {
  uint32_t operator()(uint32_t a, uint32_t b) const {
    uint32_t from = clamp ? a : a & 31, count = clamp ? b : b & 31;
    uint64_t ones = count >= 32 ? 0xffffffffull : (1ull << count) - 1;
    return from >= 32 ? 0 : uint32_t(ones << from);
  }
};

/// szext: the low `n` bits of `a`, extended.
template <bool clamp, bool sign>
struct Szext {
  uint32_t operator()(uint32_t a, uint32_t n) const {
    uint32_t count = clamp ? n : n & 31;
    if (count >= 32)
      return a;
    if (count == 0)
      return 0;
    uint32_t value = a & ((1u << count) - 1);
    return sign && (value >> (count - 1) & 1) ? value | ~0u << count : value;
  }
};

void binaryOperands(Decoder &d) {
  d.expectOperands(3);
  d.inst.dst = d.destination(0, Type::B32);
  d.inst.src[0] = d.source(1, Type::B32);
  d.inst.src[1] = d.source(2, Type::B32);
}

Handler decodeFns(Decoder &d) {
  d.expectOperands(4);
  ternaryOperands(d);
  return ternary<Fns, uint32_t, uint32_t>;
}

Handler decodeBmsk(Decoder &d) {
  binaryOperands(d);
  return d.mods.has("clamp") ? binary<Bmsk<true>, uint32_t, uint32_t>
                             : binary<Bmsk<false>, uint32_t, uint32_t>;
}

Handler decodeSzext(Decoder &d) {
  binaryOperands(d);
  bool clamp = d.mods.has("clamp");
  if (d.mods.has("s32"))
    return clamp ? binary<Szext<true, true>, uint32_t, uint32_t>
                 : binary<Szext<false, true>, uint32_t, uint32_t>;
  return clamp ? binary<Szext<true, false>, uint32_t, uint32_t>
               : binary<Szext<false, false>, uint32_t, uint32_t>;
}

Handler decodePrmt(Decoder &d) {
  if (d.mods.takeType() != Type::B32)
    return d.unknown();
  d.expectOperands(4);
  ternaryOperands(d);
  using U = uint32_t;
  std::string_view mode =
      d.mods.takeAny({"f4e", "b4e", "rc8", "ecl", "ecr", "rc16"});
  if (mode == "f4e")
    return ternary<PrmtMode<0>, U, U>;
  if (mode == "b4e")
    return ternary<PrmtMode<1>, U, U>;
  if (mode == "rc8")
    return ternary<PrmtMode<2>, U, U>;
  if (mode == "ecl")
    return ternary<PrmtMode<3>, U, U>;
  if (mode == "ecr")
    return ternary<PrmtMode<4>, U, U>;
  if (mode == "rc16")
    return ternary<PrmtMode<5>, U, U>;
  return ternary<Prmt, U, U>;
}

Handler decodeFunnel(Decoder &d) {
  bool left = d.mods.take("l");
  if (!left && !d.mods.take("r"))
    return d.unknown();
  bool wrapAround = d.mods.take("wrap");
  if (!wrapAround && !d.mods.take("clamp"))
    return d.unknown();
  if (d.mods.takeType() != Type::B32)
    return d.unknown();
  d.expectOperands(4);
  ternaryOperands(d);
  using U = uint32_t;
  if (left)
    return wrapAround ? ternary<Funnel<true, true>, U, U>
                      : ternary<Funnel<true, false>, U, U>;
  return wrapAround ? ternary<Funnel<false, true>, U, U>
                    : ternary<Funnel<false, false>, U, U>;
}

/// Dot products of bytes (dp4a) or of two halves with two bytes (dp2a).
Flow dotBytes(Warp &warp, const Instruction &i, uint32_t mask) {
  uint32_t *d = warp.reg32(i.dst);
  const uint32_t *a = warp.reg32(i.src[0]), *b = warp.reg32(i.src[1]),
                 *c = warp.reg32(i.src[2]);
  bool signA = i.aux & 1, signB = i.aux & 2, two = i.aux & 4, high = i.aux & 8;
  Warp::forBits(mask, [&](uint32_t l) {
    uint32_t sum = c[l];
    auto byteOf = [&](uint32_t x, uint32_t k, bool sign) {
      uint8_t v = uint8_t(x >> (8 * k));
      return sign ? int32_t(int8_t(v)) : int32_t(v);
    };
    for (uint32_t k = 0; k < (two ? 2u : 4u); ++k) {
      int32_t x = byteOf(a[l], k, signA);
      if (two) {
        uint16_t v = uint16_t(a[l] >> (16 * k));
        x = signA ? int32_t(int16_t(v)) : int32_t(v);
      }
      int32_t y = byteOf(b[l], two && high ? k + 2 : k, signB);
      sum += uint32_t(x) * uint32_t(y);
    }
    d[l] = sum;
  });
  return Flow::Next;
}

Handler decodeDotBytes(Decoder &d) {
  bool two = d.mods.base() == "dp2a";
  bool high = two && d.mods.take("hi");
  if (two && !high)
    d.mods.take("lo");
  Type a = d.mods.takeType(), b = d.mods.takeType();
  if (bits(a) != 32 || bits(b) != 32)
    return d.unknown();
  d.expectOperands(4);
  ternaryOperands(d);
  d.inst.aux = isSigned(a) | isSigned(b) << 1 | two << 2 | high << 3;
  return dotBytes;
}

/// vabsdiff4: absolute differences of bytes, or their sum added to c.
template <bool add>
struct AbsoluteDifferences {
  uint32_t operator()(uint32_t a, uint32_t b, uint32_t c) const {
    uint32_t bytes = 0, sum = c;
    for (uint32_t shift = 0; shift < 32; shift += 8) {
      uint32_t x = a >> shift & 0xff, y = b >> shift & 0xff;
      uint32_t difference = x < y ? y - x : x - y;
      bytes |= difference << shift;
      sum += difference;
    }
    return add ? sum : bytes;
  }
};

Handler decodeAbsoluteDifferences(Decoder &d) {
  d.expectOperands(4);
  ternaryOperands(d);
  return d.mods.has("add")
             ? ternary<AbsoluteDifferences<true>, uint32_t, uint32_t>
             : ternary<AbsoluteDifferences<false>, uint32_t, uint32_t>;
}

constexpr InstructionRow rows[] = {
    {"and.(pred|<bits>)", decodeBitwise<And>},
    {"or.(pred|<bits>)", decodeBitwise<Or>},
    {"xor.(pred|<bits>)", decodeBitwise<Xor>},
    {"not.(pred|<bits>)", decodeNot},
    {"cnot.<bits>", decodeNot},
    {"shl.<bits>", decodeShift},
    {"shr.(<bits>|<int>)", decodeShift},
    {"shf.(l|r).(wrap|clamp).b32", decodeFunnel},
    {"popc.(b32|b64)", decodeCount<Popc>},
    {"clz.(b32|b64)", decodeCount<Clz>},
    {"brev.(b32|b64)", decodeBrev},
    {"bfind{.shiftamt}.(u32|s32|u64|s64)", decodeBfind},
    {"bfe.(u32|s32|u64|s64)", decodeBfe},
    {"bfi.(b32|b64)", decodeBfi},
    {"fns.b32", decodeFns},
    {"vabsdiff4.u32.u32.u32{.add}", decodeAbsoluteDifferences},
    {"bmsk.(clamp|wrap).b32", decodeBmsk},
    {"szext.(clamp|wrap).(u32|s32)", decodeSzext},
    {"lop3{.(or|and)}.b32", decodeLop3},
    {"prmt.b32{.(f4e|b4e|rc8|ecl|ecr|rc16)}", decodePrmt},
    {"dp4a.(u32|s32).(u32|s32)", decodeDotBytes},
    {"dp2a.(lo|hi).(u32|s32).(u32|s32)", decodeDotBytes},
};

} // namespace
HEDDLE_END_LANES

std::span<const InstructionRow> heddle::vgpu::logicInstructions() {
  return rows;
}
