//===- Integer.cpp - Integer arithmetic -----------------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "instructions/Lanes.h"
#include "instructions/Table.h"

#include <limits>

using namespace heddle::vgpu;

HEDDLE_BEGIN_LANES
namespace {

template <typename T>
using U = typename UnsignedOf<sizeof(T)>::type;

/// Wrapping arithmetic in the unsigned type, without promotion surprises.
template <typename T>
T wrap(uint64_t value) {
  return T(U<T>(value));
}

struct Add {
  template <typename T>
  T operator()(T a, T b) const {
    return wrap<T>(uint64_t(a) + uint64_t(b));
  }
};
struct Sub {
  template <typename T>
  T operator()(T a, T b) const {
    return wrap<T>(uint64_t(a) - uint64_t(b));
  }
};
struct AddSat {
  int32_t operator()(int32_t a, int32_t b) const {
    int64_t sum = int64_t(a) + b;
    return int32_t(
        std::min<int64_t>(std::max<int64_t>(sum, INT32_MIN), INT32_MAX));
  }
};
struct SubSat {
  int32_t operator()(int32_t a, int32_t b) const {
    int64_t sum = int64_t(a) - b;
    return int32_t(
        std::min<int64_t>(std::max<int64_t>(sum, INT32_MIN), INT32_MAX));
  }
};
struct MulLo {
  template <typename T>
  T operator()(T a, T b) const {
    return wrap<T>(uint64_t(a) * uint64_t(b));
  }
};
struct MulHi {
  template <typename T>
  T operator()(T a, T b) const {
    if constexpr (sizeof(T) == 8) {
      using Wide =
          std::conditional_t<std::is_signed_v<T>, __int128, unsigned __int128>;
      return T((Wide(a) * Wide(b)) >> 64);
    } else {
      using Wide = std::conditional_t<std::is_signed_v<T>, int64_t, uint64_t>;
      return T((Wide(a) * Wide(b)) >> (8 * sizeof(T)));
    }
  }
};
template <typename T>
using Doubled = std::conditional_t<
    sizeof(T) == 2, std::conditional_t<std::is_signed_v<T>, int32_t, uint32_t>,
    std::conditional_t<std::is_signed_v<T>, int64_t, uint64_t>>;
struct MulWide {
  template <typename T>
  Doubled<T> operator()(T a, T b) const {
    using W = Doubled<T>;
    return W(W(a) * W(b));
  }
};
struct MadLo {
  template <typename T>
  T operator()(T a, T b, T c) const {
    return Add{}(MulLo{}(a, b), c);
  }
};
struct MadHi {
  template <typename T>
  T operator()(T a, T b, T c) const {
    return Add{}(MulHi{}(a, b), c);
  }
};
struct MadWide {
  template <typename T>
  Doubled<T> operator()(T a, T b, Doubled<T> c) const {
    return Add{}(MulWide{}(a, b), c);
  }
};
/// Bits 0 to 31 of a product of 24-bit numbers, or bits 16 to 47.
template <bool high>
struct Mul24 {
  template <typename T>
  T operator()(T a, T b) const {
    using Wide = std::conditional_t<std::is_signed_v<T>, int64_t, uint64_t>;
    auto low = [](T x) { return Wide(T(U<T>(x) << 8) >> 8); };
    return wrap<T>(uint64_t(low(a) * low(b)) >> (high ? 16 : 0));
  }
};
template <bool high>
struct Mad24 {
  template <typename T>
  T operator()(T a, T b, T c) const {
    return Add{}(Mul24<high>{}(a, b), c);
  }
};
struct MadHiSat {
  int32_t operator()(int32_t a, int32_t b, int32_t c) const {
    return AddSat{}(MulHi{}(a, b), c);
  }
};
struct Mad24HiSat {
  int32_t operator()(int32_t a, int32_t b, int32_t c) const {
    return AddSat{}(Mul24<true>{}(a, b), c);
  }
};
struct Div {
  template <typename T>
  T operator()(T a, T b) const {
    // Division by zero is unspecified but does not trap.
    if (b == 0)
      return T(-1);
    if (std::is_signed_v<T> && b == T(-1))
      return wrap<T>(0 - uint64_t(a));
    return T(a / b);
  }
};
struct Rem {
  template <typename T>
  T operator()(T a, T b) const {
    if (b == 0)
      return a;
    if (std::is_signed_v<T> && b == T(-1))
      return 0;
    return T(a % b);
  }
};
struct Min {
  template <typename T>
  T operator()(T a, T b) const {
    return a < b ? a : b;
  }
};
struct Max {
  template <typename T>
  T operator()(T a, T b) const {
    return a > b ? a : b;
  }
};
/// `F`, and 0 instead of negative results.
template <typename F>
struct Relu {
  template <typename T>
  T operator()(T a, T b) const {
    return std::max<T>(F{}(a, b), 0);
  }
};
struct Neg {
  template <typename T>
  T operator()(T a) const {
    return wrap<T>(0 - uint64_t(a));
  }
};
struct Abs {
  template <typename T>
  T operator()(T a) const {
    return a < 0 ? Neg{}(a) : a;
  }
};
struct Sad {
  template <typename T>
  T operator()(T a, T b, T c) const {
    return Add{}(c, a < b ? Sub{}(b, a) : Sub{}(a, b));
  }
};
/// Two 16-bit halves of a 32-bit register.
template <typename F, typename T>
struct Halves {
  uint32_t operator()(uint32_t a, uint32_t b) const {
    uint32_t low = uint16_t(F{}(T(uint16_t(a)), T(uint16_t(b))));
    uint32_t high = uint16_t(F{}(T(uint16_t(a >> 16)), T(uint16_t(b >> 16))));
    return low | high << 16;
  }
};

template <typename F>
Handler binaryByType(Type type) {
  switch (type) {
  case Type::U16:
    return binary<F, uint16_t, uint16_t>;
  case Type::S16:
    return binary<F, int16_t, int16_t>;
  case Type::B32:
  case Type::U32:
    return binary<F, uint32_t, uint32_t>;
  case Type::S32:
    return binary<F, int32_t, int32_t>;
  case Type::B64:
  case Type::U64:
    return binary<F, uint64_t, uint64_t>;
  case Type::S64:
    return binary<F, int64_t, int64_t>;
  default:
    return nullptr;
  }
}

template <typename F>
Handler ternaryByType(Type type) {
  switch (type) {
  case Type::U16:
    return ternary<F, uint16_t, uint16_t>;
  case Type::S16:
    return ternary<F, int16_t, int16_t>;
  case Type::B32:
  case Type::U32:
    return ternary<F, uint32_t, uint32_t>;
  case Type::S32:
    return ternary<F, int32_t, int32_t>;
  case Type::B64:
  case Type::U64:
    return ternary<F, uint64_t, uint64_t>;
  case Type::S64:
    return ternary<F, int64_t, int64_t>;
  default:
    return nullptr;
  }
}

Type widened(Type type) {
  switch (type) {
  case Type::U16:
    return Type::U32;
  case Type::S16:
    return Type::S32;
  case Type::U32:
    return Type::U64;
  case Type::S32:
    return Type::S64;
  default:
    return Type::None;
  }
}

void operands(Decoder &d, Type result, std::initializer_list<Type> sources) {
  d.expectOperands(sources.size() + 1);
  d.inst.dst = d.destination(0, result);
  size_t index = 0;
  for (Type type : sources) {
    d.inst.src[index] = d.source(index + 1, type);
    ++index;
  }
}

// --- Carry chains: the carry of each lane is a predicate of the warp ---------

template <typename T, bool subtract, bool useCarry, bool setCarry>
Flow carry(Warp &warp, const Instruction &i, uint32_t mask) {
  auto *d = warp.reg<T>(i.dst);
  const auto *a = warp.reg<T>(i.src[0]), *b = warp.reg<T>(i.src[1]);
  uint32_t in = useCarry ? warp.carry : 0, out = 0;
  Warp::forBits(mask, [&](uint32_t l) {
    unsigned __int128 x = a[l], y = b[l], c = in >> l & 1;
    unsigned __int128 r = subtract ? x - y - c : x + y + c;
    d[l] = T(r);
    out |= uint32_t((r >> (8 * sizeof(T))) & 1) << l;
  });
  if (setCarry)
    warp.carry = (warp.carry & ~mask) | out;
  return Flow::Next;
}

template <bool subtract, bool useCarry>
Handler decodeCarry(Decoder &d, Type type, bool setCarry) {
  operands(d, type, {type, type});
  if (bits(type) == 64)
    return setCarry ? carry<uint64_t, subtract, useCarry, true>
                    : carry<uint64_t, subtract, useCarry, false>;
  if (bits(type) == 32)
    return setCarry ? carry<uint32_t, subtract, useCarry, true>
                    : carry<uint32_t, subtract, useCarry, false>;
  return d.unknown();
}

template <bool subtract>
Handler decodeCarryIn(Decoder &d) {
  bool set = d.mods.take("cc");
  return decodeCarry<subtract, true>(d, d.mods.takeType(), set);
}

template <typename F, typename Saturating>
Handler decodeAddSub(Decoder &d, Type type) {
  bool saturate = d.mods.take("sat");
  operands(d, type, {type, type});
  if (type == Type::S16x2)
    return binary<Halves<F, int16_t>, uint32_t, uint32_t>;
  if (type == Type::U16x2)
    return binary<Halves<F, uint16_t>, uint32_t, uint32_t>;
  if (saturate)
    return type == Type::S32 ? Handler(binary<Saturating, int32_t, int32_t>)
                             : d.unknown();
  return binaryByType<F>(type);
}

/// madc and mad.cc: multiply, then add with a carry.
template <typename T, bool useCarry>
Flow madCarry(Warp &warp, const Instruction &i, uint32_t mask) {
  using Wide = unsigned __int128;
  constexpr unsigned width = 8 * sizeof(T);
  auto *d = warp.reg<T>(i.dst);
  const auto *a = warp.reg<T>(i.src[0]), *b = warp.reg<T>(i.src[1]),
             *c = warp.reg<T>(i.src[2]);
  bool high = i.aux & 1, sign = i.aux & 2, set = i.aux & 4;
  uint32_t out = 0, in = useCarry ? warp.carry : 0;
  using S = std::make_signed_t<T>;
  Warp::forBits(mask, [&](uint32_t l) {
    Wide product =
        sign ? Wide(__int128(S(a[l])) * __int128(S(b[l]))) : Wide(a[l]) * b[l];
    Wide sum =
        Wide(T(high ? product >> width : product)) + c[l] + (in >> l & 1);
    d[l] = T(sum);
    out |= uint32_t(sum >> width & 1) << l;
  });
  if (set)
    warp.carry = (warp.carry & ~mask) | out;
  return Flow::Next;
}

template <bool useCarry>
Handler decodeMadCarry(Decoder &d) {
  bool high = d.mods.has("hi"), set = d.mods.has("cc");
  Type type = d.mods.takeType();
  operands(d, type, {type, type, type});
  d.inst.aux = high | uint32_t(isSigned(type)) << 1 | set << 2;
  return bits(type) == 64 ? madCarry<uint64_t, useCarry>
                          : madCarry<uint32_t, useCarry>;
}

Handler decodeSad(Decoder &d) {
  Type type = d.mods.takeType();
  operands(d, type, {type, type, type});
  Handler handler = ternaryByType<Sad>(type);
  return handler ? handler : d.unknown();
}

template <typename T>
Handler mul24As(bool high, bool add) {
  if (add)
    return high ? ternary<Mad24<true>, T, T> : ternary<Mad24<false>, T, T>;
  return high ? binary<Mul24<true>, T, T> : binary<Mul24<false>, T, T>;
}

Handler decodeMul24(Decoder &d) {
  bool high = d.mods.has("hi"), add = d.mods.base() == "mad24";
  Type type = d.mods.takeType();
  if (add)
    operands(d, type, {type, type, type});
  else
    operands(d, type, {type, type});
  if (d.mods.has("sat"))
    return ternary<Mad24HiSat, int32_t, int32_t>;
  return isSigned(type) ? mul24As<int32_t>(high, add)
                        : mul24As<uint32_t>(high, add);
}

Handler decodeRem(Decoder &d) {
  Type type = d.mods.takeType();
  operands(d, type, {type, type});
  Handler handler = binaryByType<Rem>(type);
  return handler ? handler : d.unknown();
}

Handler decodeInteger(Decoder &d) {
  Type type = d.mods.takeType();
  std::string_view base = d.mods.base();
  Handler handler = nullptr;
  if (base == "add" || base == "sub") {
    bool subtract = base == "sub";
    if (d.mods.take("cc"))
      return subtract ? decodeCarry<true, false>(d, type, true)
                      : decodeCarry<false, false>(d, type, true);
    handler = subtract ? decodeAddSub<Sub, SubSat>(d, type)
                       : decodeAddSub<Add, AddSat>(d, type);
  } else if (base == "mul") {
    std::string_view part = d.mods.takeAny({"lo", "hi", "wide"});
    if (part == "wide") {
      operands(d, widened(type), {type, type});
      switch (type) {
      case Type::U16:
        return binary<MulWide, uint32_t, uint16_t>;
      case Type::S16:
        return binary<MulWide, int32_t, int16_t>;
      case Type::U32:
        return binary<MulWide, uint64_t, uint32_t>;
      case Type::S32:
        return binary<MulWide, int64_t, int32_t>;
      default:
        return d.unknown();
      }
    }
    operands(d, type, {type, type});
    handler = part == "hi"   ? binaryByType<MulHi>(type)
              : part == "lo" ? binaryByType<MulLo>(type)
                             : nullptr;
  } else if (base == "mad") {
    std::string_view part = d.mods.takeAny({"lo", "hi", "wide"});
    if (part == "wide") {
      operands(d, widened(type), {type, type, widened(type)});
      switch (type) {
      case Type::U16:
        return ternary<MadWide, uint32_t, uint16_t, uint16_t, uint32_t>;
      case Type::S16:
        return ternary<MadWide, int32_t, int16_t, int16_t, int32_t>;
      case Type::U32:
        return ternary<MadWide, uint64_t, uint32_t, uint32_t, uint64_t>;
      case Type::S32:
        return ternary<MadWide, int64_t, int32_t, int32_t, int64_t>;
      default:
        return d.unknown();
      }
    }
    operands(d, type, {type, type, type});
    if (d.mods.has("sat"))
      return ternary<MadHiSat, int32_t, int32_t>;
    handler = part == "hi"   ? ternaryByType<MadHi>(type)
              : part == "lo" ? ternaryByType<MadLo>(type)
                             : nullptr;
  } else if (base == "div") {
    operands(d, type, {type, type});
    handler = binaryByType<Div>(type);
  } else if (base == "min" || base == "max") {
    bool least = base == "min";
    operands(d, type, {type, type});
    if (d.mods.take("relu")) {
      if (type == Type::S32)
        return least ? binary<Relu<Min>, int32_t, int32_t>
                     : binary<Relu<Max>, int32_t, int32_t>;
      if (type == Type::S16x2)
        return least ? binary<Halves<Relu<Min>, int16_t>, uint32_t, uint32_t>
                     : binary<Halves<Relu<Max>, int16_t>, uint32_t, uint32_t>;
      return d.unknown();
    }
    if (type == Type::S16x2)
      return least ? binary<Halves<Min, int16_t>, uint32_t, uint32_t>
                   : binary<Halves<Max, int16_t>, uint32_t, uint32_t>;
    if (type == Type::U16x2)
      return least ? binary<Halves<Min, uint16_t>, uint32_t, uint32_t>
                   : binary<Halves<Max, uint16_t>, uint32_t, uint32_t>;
    handler = least ? binaryByType<Min>(type) : binaryByType<Max>(type);
  } else if (base == "neg" || base == "abs") {
    bool negate = base == "neg";
    operands(d, type, {type});
    switch (type) {
    case Type::S16:
      return negate ? unary<Neg, int16_t, int16_t>
                    : unary<Abs, int16_t, int16_t>;
    case Type::S32:
      return negate ? unary<Neg, int32_t, int32_t>
                    : unary<Abs, int32_t, int32_t>;
    case Type::S64:
      return negate ? unary<Neg, int64_t, int64_t>
                    : unary<Abs, int64_t, int64_t>;
    default:
      break;
    }
  }
  return handler ? handler : d.unknown();
}

constexpr InstructionRow rows[] = {
    {"add.(<int>|u16x2|s16x2)", decodeInteger},
    {"add.sat.s32", decodeInteger},
    {"add.cc.(u32|s32|u64|s64)", decodeInteger},
    {"addc{.cc}.(u32|s32|u64|s64)", decodeCarryIn<false>},
    {"sub.<int>", decodeInteger},
    {"sub.sat.s32", decodeInteger},
    {"sub.cc.(u32|s32|u64|s64)", decodeInteger},
    {"subc{.cc}.(u32|s32|u64|s64)", decodeCarryIn<true>},
    {"mul.(lo|hi).<int>", decodeInteger},
    {"mul.wide.(u16|s16|u32|s32)", decodeInteger},
    {"mad.(lo|hi).<int>", decodeInteger},
    {"mad.hi.sat.s32", decodeInteger},
    {"mad.wide.(u16|s16|u32|s32)", decodeInteger},
    {"mad.(lo|hi).cc.(u32|s32|u64|s64)", decodeMadCarry<false>},
    {"madc.(lo|hi){.cc}.(u32|s32|u64|s64)", decodeMadCarry<true>},
    {"mul24.(lo|hi).(u32|s32)", decodeMul24},
    {"mad24.(lo|hi).(u32|s32)", decodeMul24},
    {"mad24.hi.sat.s32", decodeMul24},
    {"sad.<int>", decodeSad},
    {"div.<int>", decodeInteger},
    {"rem.<int>", decodeRem},
    {"min.(<int>|u16x2|s16x2)", decodeInteger},
    {"min.relu.(s32|s16x2)", decodeInteger},
    {"max.(<int>|u16x2|s16x2)", decodeInteger},
    {"max.relu.(s32|s16x2)", decodeInteger},
    {"neg.(s16|s32|s64)", decodeInteger},
    {"abs.(s16|s32|s64)", decodeInteger},
};

} // namespace
HEDDLE_END_LANES

std::span<const InstructionRow> heddle::vgpu::integerInstructions() {
  return rows;
}
