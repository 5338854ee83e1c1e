//===- Conversion.cpp - cvt -----------------------------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "instructions/FloatLanes.h"
#include "instructions/Table.h"

using namespace heddle;
using namespace heddle::vgpu;

HEDDLE_BEGIN_LANES
namespace {

struct CvtPayload : Payload {
  Type to = Type::None, from = Type::None;
  bool wideTo = false, wideFrom = false;
  /// Rounding of the result; `integral` rounds to an integer first.
  Rounding rounding = Rounding::NearestEven;
  bool integral = false;
  bool ftz = false, sat = false;
  Saturation saturation;
};

/// Rounds to an integral value.
double roundIntegral(double x, Rounding rounding) {
  switch (rounding) {
  case Rounding::TowardZero:
    return std::trunc(x);
  case Rounding::TowardNegative:
    return std::floor(x);
  case Rounding::TowardPositive:
    return std::ceil(x);
  default:
    return std::nearbyint(x);
  }
}

bool isInteger(Type type) { return !isFloat(type) && type != Type::Pred; }

/// An integer as it sits in a register of `bits(type)` bits, extended to 64.
int64_t extend(uint64_t raw, Type type) {
  unsigned shift = 64 - bits(type);
  return isSigned(type) ? int64_t(raw << shift) >> shift
                        : int64_t(raw << shift >> shift);
}

uint64_t integerToInteger(uint64_t raw, const CvtPayload &p) {
  int64_t value = extend(raw, p.from);
  if (p.sat) {
    bool huge = !isSigned(p.from) && value < 0; // above the signed range
    unsigned width = bits(p.to);
    if (isSigned(p.to)) {
      int64_t high = int64_t(~0ull >> (65 - width)), low = -high - 1;
      value = huge || value > high ? high : std::max(value, low);
    } else {
      uint64_t high = ~0ull >> (64 - width);
      if (isSigned(p.from) && value < 0)
        value = 0;
      else if (uint64_t(value) > high)
        value = int64_t(high);
    }
  }
  // A wider register receives the extended value.
  return uint64_t(extend(uint64_t(value), p.to));
}

/// Rounded to odd in f64, which any narrower rounding then completes.
double integerToDouble(uint64_t raw, Type type) {
  int64_t value = extend(raw, type);
  double low = double(uint32_t(value));
  double high =
      isSigned(type) ? double(value >> 32) : double(uint64_t(value) >> 32);
  return oddSum(high * 0x1p32, low);
}

uint64_t floatToInteger(double x, const CvtPayload &p) {
  unsigned width = bits(p.to);
  if (x != x)
    return p.from == Type::F64 || width == 64 ? 1ull << (width - 1) : 0;
  x = roundIntegral(x, p.rounding);
  if (isSigned(p.to)) {
    double limit = std::ldexp(1.0, int(width) - 1);
    if (x >= limit)
      return ~0ull >> (65 - width);
    if (x < -limit)
      return uint64_t(int64_t(-1)) << (width - 1);
    return uint64_t(int64_t(x));
  }
  if (x <= 0)
    return 0;
  if (x >= std::ldexp(1.0, int(width)))
    return ~0ull >> (64 - width);
  return uint64_t(x);
}

double loadFloat(uint64_t raw, const CvtPayload &p) {
  switch (p.from) {
  case Type::F16:
    return f16ToFloat(uint16_t(raw));
  case Type::BF16:
    return bf16ToFloat(uint16_t(raw));
  case Type::F32:
    return flushIf(p.ftz, std::bit_cast<float>(uint32_t(raw)));
  default:
    return std::bit_cast<double>(raw);
  }
}

uint64_t storeFloat(double x, const CvtPayload &p) {
  x = saturateIf(p.sat, x);
  switch (p.to) {
  case Type::F16:
    return doubleToF16(x, p.rounding, p.saturation);
  case Type::BF16:
    return doubleToBf16(x, p.rounding, p.saturation);
  case Type::F32:
    return std::bit_cast<uint32_t>(
        flushIf(p.ftz, doubleToFloat(x, p.rounding)));
  default:
    return std::bit_cast<uint64_t>(x);
  }
}

uint64_t convert(uint64_t raw, const CvtPayload &p) {
  if (isInteger(p.from)) {
    if (isInteger(p.to))
      return integerToInteger(raw, p);
    if (p.to == Type::F64 && p.rounding == Rounding::NearestEven)
      return std::bit_cast<uint64_t>(
          isSigned(p.from) ? double(extend(raw, p.from))
                           : double(uint64_t(extend(raw, p.from))));
    return storeFloat(integerToDouble(raw, p.from), p);
  }
  double x = loadFloat(raw, p);
  if (isInteger(p.to))
    return floatToInteger(x, p);
  if (p.integral) {
    CvtPayload rounded = p;
    x = roundIntegral(x, p.rounding);
    rounded.rounding = Rounding::NearestEven;
    return storeFloat(x, rounded);
  }
  return storeFloat(x, p);
}

Flow cvt(Warp &warp, const Instruction &i, uint32_t mask) {
  auto &p = *static_cast<const CvtPayload *>(i.payload);
  Warp::forBits(mask, [&](uint32_t l) {
    uint64_t raw =
        p.wideFrom ? warp.reg64(i.src[0])[l] : warp.reg32(i.src[0])[l];
    uint64_t result = convert(raw, p);
    if (p.wideTo)
      warp.reg64(i.dst)[l] = result;
    else
      warp.reg32(i.dst)[l] = uint32_t(result);
  });
  return Flow::Next;
}

// --- Frequent conversions, vectorized ----------------------------------------

template <typename To>
struct Cast {
  template <typename From>
  To operator()(From x) const {
    return To(x);
  }
};
struct ToFloat {
  float operator()(uint16_t x) const { return bf16ToFloat(x); }
};
/// Truncation of f32 to s32 with clamping; NaN is 0.
struct ToS32 {
  int32_t operator()(float x) const {
    float y = x < -2147483648.0f ? -2147483648.0f : x;
    y = y > 2147483520.0f ? 2147483520.0f : y;
    int32_t r = int32_t(y == y ? y : 0.0f);
    return x >= 2147483648.0f ? INT32_MAX : r;
  }
};
/// Two f32 to a pair, to nearest even.
template <uint16_t (*narrow)(float)>
struct PackPair {
  uint32_t operator()(float high, float low) const {
    return narrow(low) | uint32_t(narrow(high)) << 16;
  }
};
template <uint16_t (*narrow)(float)>
struct Narrow {
  uint16_t operator()(float x) const { return narrow(x); }
};
struct FromF16 {
  float operator()(uint16_t x) const { return f16ToFloat(x); }
};

Handler fastPath(const CvtPayload &p) {
  bool plain = !p.sat && !p.ftz && !p.integral && !p.saturation.relu &&
               !p.saturation.satfinite;
  bool nearest = p.rounding == Rounding::NearestEven;
  unsigned to = bits(p.to), from = bits(p.from);
  if (plain && isInteger(p.to) && isInteger(p.from)) {
    if (p.wideTo && to == 64 && from == 32 && !p.wideFrom)
      return isSigned(p.from) ? unary<Cast<int64_t>, int64_t, int32_t>
                              : unary<Cast<uint64_t>, uint64_t, uint32_t>;
    if (!p.wideTo && to == 32 && from == 64)
      return unary<Cast<uint32_t>, uint32_t, uint64_t>;
    if (!p.wideTo && !p.wideFrom && to == 32 && from == 16)
      return isSigned(p.from) ? unary<Cast<int32_t>, int32_t, int16_t>
                              : unary<Cast<uint32_t>, uint32_t, uint16_t>;
    if (!p.wideTo && !p.wideFrom && to == 16 && from == 32)
      return unary<Cast<uint16_t>, uint16_t, uint32_t>;
    return nullptr;
  }
  if (p.wideTo != (to == 64) || p.wideFrom != (from == 64))
    return nullptr;
  if (plain && nearest && p.to == Type::F32 && p.from == Type::S32)
    return unary<Cast<float>, float, int32_t>;
  if (plain && nearest && p.to == Type::F32 && p.from == Type::U32)
    return unary<Cast<float>, float, uint32_t>;
  if (plain && p.to == Type::F32 && p.from == Type::BF16)
    return unary<ToFloat, float, uint16_t>;
  if (plain && p.to == Type::F32 && p.from == Type::F16)
    return unary<FromF16, float, uint16_t>;
  if (plain && nearest && p.to == Type::F16 && p.from == Type::F32)
    return unary<Narrow<nearestF16>, uint16_t, float>;
  if (plain && nearest && p.to == Type::BF16 && p.from == Type::F32)
    return unary<Narrow<nearestBf16>, uint16_t, float>;
  if (plain && p.to == Type::F64 && p.from == Type::F32)
    return unary<Cast<double>, double, float>;
  if (plain && nearest && p.to == Type::F32 && p.from == Type::F64)
    return unary<Cast<float>, float, double>;
  if (!p.sat && !p.ftz && p.rounding == Rounding::TowardZero &&
      p.to == Type::S32 && p.from == Type::F32)
    return unary<ToS32, int32_t, float>;
  return nullptr;
}

// --- Pairs and narrow formats ------------------------------------------------

uint32_t narrowBits(float x, const CvtPayload &p, Type element) {
  switch (element) {
  case Type::F16:
    return floatToF16(x, p.rounding, p.saturation);
  case Type::BF16:
    return floatToBf16(x, p.rounding, p.saturation);
  case Type::E4M3:
    return floatToE4m3(x, p.rounding, p.saturation);
  default:
    return floatToE5m2(x, p.rounding, p.saturation);
  }
}
float widen(uint32_t raw, Type element) {
  switch (element) {
  case Type::F16:
    return f16ToFloat(uint16_t(raw));
  case Type::BF16:
    return bf16ToFloat(uint16_t(raw));
  case Type::E4M3:
    return e4m3ToFloat(uint8_t(raw));
  default:
    return e5m2ToFloat(uint8_t(raw));
  }
}
Type elementOf(Type pair) {
  switch (pair) {
  case Type::F16x2:
    return Type::F16;
  case Type::BF16x2:
    return Type::BF16;
  case Type::E4M3x2:
    return Type::E4M3;
  case Type::E5M2x2:
    return Type::E5M2;
  default:
    return Type::None;
  }
}

/// Two f32 to a pair: operand a is the high element.
Flow cvtPack(Warp &warp, const Instruction &i, uint32_t mask) {
  auto &p = *static_cast<const CvtPayload *>(i.payload);
  Type element = elementOf(p.to);
  const uint32_t *a = warp.reg32(i.src[0]), *b = warp.reg32(i.src[1]);
  uint32_t *d = warp.reg32(i.dst);
  auto load = [&](uint32_t x) {
    return flushIf(p.ftz, std::bit_cast<float>(x));
  };
  Warp::forBits(mask, [&](uint32_t l) {
    d[l] = narrowBits(load(a[l]), p, element) << bits(element) |
           narrowBits(load(b[l]), p, element);
  });
  return Flow::Next;
}

/// A pair to another pair.
Flow cvtPair(Warp &warp, const Instruction &i, uint32_t mask) {
  auto &p = *static_cast<const CvtPayload *>(i.payload);
  Type to = elementOf(p.to), from = elementOf(p.from);
  const uint32_t *a = warp.reg32(i.src[0]);
  uint32_t *d = warp.reg32(i.dst);
  Warp::forBits(mask, [&](uint32_t l) {
    uint32_t keep = (1u << bits(from)) - 1;
    uint32_t low = narrowBits(widen(a[l] & keep, from), p, to);
    uint32_t high = narrowBits(widen(a[l] >> bits(from) & keep, from), p, to);
    d[l] = high << bits(to) | low;
  });
  return Flow::Next;
}

Flow cvtTf32(Warp &warp, const Instruction &i, uint32_t mask) {
  auto &p = *static_cast<const CvtPayload *>(i.payload);
  const uint32_t *a = warp.reg32(i.src[0]);
  uint32_t *d = warp.reg32(i.dst);
  Warp::forBits(mask, [&](uint32_t l) {
    d[l] = floatToTf32(std::bit_cast<float>(a[l]), p.rounding, p.saturation);
  });
  return Flow::Next;
}

/// cvt.pack: two s32 saturated to 8 or 16 bits, above the low half of c.
Flow cvtPackIntegers(Warp &warp, const Instruction &i, uint32_t mask) {
  auto to = Type(i.aux);
  unsigned width = bits(to);
  auto saturate = [&](uint32_t raw) {
    CvtPayload p;
    p.from = Type::S32;
    p.to = to;
    p.sat = true;
    return uint32_t(integerToInteger(raw, p)) & ((1u << width) - 1);
  };
  const uint32_t *a = warp.reg32(i.src[0]), *b = warp.reg32(i.src[1]);
  uint32_t *d = warp.reg32(i.dst);
  Warp::forBits(mask, [&](uint32_t l) {
    uint32_t low = saturate(a[l]) << width | saturate(b[l]);
    uint32_t rest = i.aux2 ? warp.reg32(i.src[2])[l] << 16 : 0;
    d[l] = low | (width == 8 ? rest : 0);
  });
  return Flow::Next;
}

Handler decodePackIntegers(Decoder &d) {
  if (!d.mods.take("sat"))
    return d.unknown();
  Type to = d.mods.takeType();
  if (d.mods.takeType() != Type::S32 || bits(to) > 16)
    return d.unknown();
  d.mods.takeType();
  d.expectOperands(3, 4);
  d.inst.dst = d.destination(0, Type::B32);
  d.inst.src[0] = d.source(1, Type::B32);
  d.inst.src[1] = d.source(2, Type::B32);
  d.inst.aux = uint32_t(to);
  if ((d.inst.aux2 = d.numOperands() == 4))
    d.inst.src[2] = d.source(3, Type::B32);
  return cvtPackIntegers;
}

Handler decodeCvt(Decoder &d) {
  if (d.mods.take("pack"))
    return decodePackIntegers(d);
  auto *p = d.payload<CvtPayload>();
  std::string_view rounding = d.mods.takeAny(
      {"rn", "rz", "rm", "rp", "rna", "rni", "rzi", "rmi", "rpi"});
  if (rounding.size() == 3 && rounding[2] == 'i')
    p->integral = true;
  if (rounding == "rna")
    p->rounding = Rounding::NearestAway;
  else if (rounding.size() >= 2)
    p->rounding = rounding[1] == 'z'   ? Rounding::TowardZero
                  : rounding[1] == 'm' ? Rounding::TowardNegative
                  : rounding[1] == 'p' ? Rounding::TowardPositive
                                       : Rounding::NearestEven;
  p->ftz = d.mods.take("ftz");
  p->saturation.relu = d.mods.take("relu");
  p->saturation.satfinite = d.mods.take("satfinite");
  p->sat = d.mods.take("sat");
  p->to = d.mods.takeType();
  p->from = d.mods.takeType();
  if (p->to == Type::None || p->from == Type::None || p->to == Type::Pred)
    return d.unknown();
  if (elementOf(p->to) != Type::None && p->from == Type::F32) {
    d.expectOperands(3);
    d.inst.dst = d.destination(0, p->to);
    d.inst.src[0] = d.source(1, p->from);
    d.inst.src[1] = d.source(2, p->from);
    if (p->to == Type::BF16x2 && !p->ftz && !p->saturation.relu &&
        !p->saturation.satfinite && p->rounding == Rounding::NearestEven)
      return binary<PackPair<nearestBf16>, uint32_t, float>;
    if (p->to == Type::F16x2 && !p->ftz && !p->saturation.relu &&
        !p->saturation.satfinite && p->rounding == Rounding::NearestEven)
      return binary<PackPair<nearestF16>, uint32_t, float>;
    return cvtPack;
  }
  d.expectOperands(2);
  if (elementOf(p->to) != Type::None && elementOf(p->from) != Type::None) {
    d.inst.dst = d.destination(0, p->to);
    d.inst.src[0] = d.source(1, p->from);
    return cvtPair;
  }
  if (p->to == Type::TF32 && p->from == Type::F32) {
    d.inst.dst = d.destination(0, p->to);
    d.inst.src[0] = d.source(1, p->from);
    return cvtTf32;
  }
  auto scalar = [](Type type) {
    return isInteger(type) || type == Type::F16 || type == Type::BF16 ||
           type == Type::F32 || type == Type::F64;
  };
  if (!scalar(p->to) || !scalar(p->from))
    return d.unknown();
  d.inst.dst = d.anyDestination(d.operand(0), p->to, p->wideTo);
  d.inst.src[0] = d.anySource(d.operand(1), p->from, p->wideFrom);
  Handler fast = fastPath(*p);
  return fast ? fast : cvt;
}

constexpr InstructionRow rows[] = {
    {"cvt{.(rn|rz|rm|rp|rni|rzi|rmi|rpi)}{.ftz}{.sat}"
     ".(u8|s8|<int>|f16|f32|f64).(u8|s8|<int>|f16|bf16|f32|f64)",
     decodeCvt,
     {},
     Timing::Convert},
    {"cvt.(rn|rz|rm|rp|rni|rzi|rmi|rpi){.sat}.(u8|s8|<int>|bf16)"
     ".(u8|s8|<int>|f16|bf16|f32|f64)",
     decodeCvt,
     {},
     Timing::Convert,
     Fidelity::Exact,
     900},
    {"cvt.(rn|rz){.relu}{.satfinite}.(f16|bf16).f32",
     decodeCvt,
     {},
     Timing::Convert},
    {"cvt.(rn|rz){.relu}{.satfinite}.(f16x2|bf16x2).f32",
     decodeCvt,
     {},
     Timing::Convert},
    {"cvt.rna{.satfinite}.tf32.f32", decodeCvt, {}, Timing::Convert},
    {"cvt.(rn|rz){.satfinite}{.relu}.tf32.f32",
     decodeCvt,
     {},
     Timing::Convert,
     Fidelity::Exact,
     900},
    {"cvt.rn.satfinite{.relu}.(e4m3x2|e5m2x2).f32",
     decodeCvt,
     {},
     Timing::Convert,
     Fidelity::Exact,
     890},
    {"cvt.rn.satfinite{.relu}.(e4m3x2|e5m2x2).f16x2",
     decodeCvt,
     {},
     Timing::Convert,
     Fidelity::Exact,
     890},
    {"cvt.rn{.relu}.f16x2.(e4m3x2|e5m2x2)",
     decodeCvt,
     {},
     Timing::Convert,
     Fidelity::Exact,
     890},
    {"cvt.pack.sat.(u8|s8|u16|s16).s32", decodeCvt, {}, Timing::Convert},
    {"cvt.pack.sat.(u8|s8).s32.b32", decodeCvt, {}, Timing::Convert},
};

} // namespace
HEDDLE_END_LANES

std::span<const InstructionRow> heddle::vgpu::conversionInstructions() {
  return rows;
}
