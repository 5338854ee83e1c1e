//===- Float.cpp - Floating-point arithmetic ------------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "instructions/FloatLanes.h"
#include "instructions/Table.h"

#include <cfenv>

using namespace heddle;
using namespace heddle::vgpu;

HEDDLE_BEGIN_LANES
namespace {

struct Add {
  template <typename T>
  T operator()(T a, T b) const {
    return a + b;
  }
};
struct Sub {
  template <typename T>
  T operator()(T a, T b) const {
    return a - b;
  }
};
struct Mul {
  template <typename T>
  T operator()(T a, T b) const {
    return a * b;
  }
};
template <bool propagate>
struct Min {
  template <typename T>
  T operator()(T a, T b) const {
    return floatMin(a, b, propagate);
  }
};
template <bool propagate>
struct Max {
  template <typename T>
  T operator()(T a, T b) const {
    return floatMax(a, b, propagate);
  }
};

/// Modifiers of arithmetic; a runtime bit set in `Instruction::aux`.
enum : uint32_t { ftzBit = 1, satBit = 2, reluBit = 4 };

template <typename F, bool ftz, bool sat>
struct F32 {
  float operator()(float a, float b) const {
    float r = F{}(flushIf(ftz, a), flushIf(ftz, b));
    return saturateIf(sat, flushIf(ftz, r));
  }
};

/// 16-bit arithmetic in f32: one more rounding is innocuous, since 24 bits are
/// more than twice the bits of either format, plus two.
template <typename F, typename Format, bool ftz, bool sat>
struct Narrow {
  static float flush(float x) {
    // f16 subnormals are normal in f32.
    if (ftz && std::abs(x) < 0x1p-14f)
      return std::copysign(0.0f, x);
    return x;
  }
  uint16_t operator()(uint16_t a, uint16_t b) const {
    float r = F{}(flush(Format::load(a)), flush(Format::load(b)));
    return Format::store(saturateIf(sat, flush(r)));
  }
};
template <typename F>
struct Packed {
  uint32_t operator()(uint32_t a, uint32_t b) const {
    return uint32_t(F{}(uint16_t(a), uint16_t(b))) |
           uint32_t(F{}(uint16_t(a >> 16), uint16_t(b >> 16))) << 16;
  }
};

template <typename F, bool ftz, bool sat>
Handler floatBinaryAs(Type type) {
  switch (type) {
  case Type::F32:
    return binary<F32<F, ftz, sat>, float, float>;
  case Type::F16:
    return binary<Narrow<F, HalfFormat, ftz, sat>, uint16_t, uint16_t>;
  case Type::F16x2:
    return binary<Packed<Narrow<F, HalfFormat, ftz, sat>>, uint32_t, uint32_t>;
  case Type::BF16:
    return binary<Narrow<F, BfloatFormat, false, sat>, uint16_t, uint16_t>;
  case Type::BF16x2:
    return binary<Packed<Narrow<F, BfloatFormat, false, sat>>, uint32_t,
                  uint32_t>;
  case Type::F64:
    return ftz || sat ? nullptr : binary<F, double, double>;
  default:
    return nullptr;
  }
}

template <typename F>
Handler floatBinary(Type type, bool ftz, bool sat) {
  if (ftz)
    return sat ? floatBinaryAs<F, true, true>(type)
               : floatBinaryAs<F, true, false>(type);
  return sat ? floatBinaryAs<F, false, true>(type)
             : floatBinaryAs<F, false, false>(type);
}

bool takeRounding(Modifiers &mods, Rounding &rounding) {
  std::string_view name = mods.takeAny({"rn", "rz", "rm", "rp"});
  rounding = name == "rz"   ? Rounding::TowardZero
             : name == "rm" ? Rounding::TowardNegative
             : name == "rp" ? Rounding::TowardPositive
                            : Rounding::NearestEven;
  return !name.empty();
}

/// f32 arithmetic in f64, rounded to odd and then as asked.
enum class DirectedOp : uint8_t { Add, Sub, Mul, Fma, Div, Sqrt, Rcp };
template <DirectedOp op>
Flow directed(Warp &warp, const Instruction &i, uint32_t mask) {
  bool ftz = i.aux & ftzBit, sat = i.aux & satBit;
  auto rounding = Rounding(i.aux2);
  uint32_t *d = warp.reg32(i.dst);
  auto read = [&](unsigned n, uint32_t l) -> double {
    return flushIf(ftz, std::bit_cast<float>(warp.reg32(i.src[n])[l]));
  };
  Warp::forBits(mask, [&](uint32_t l) {
    double a = read(0, l), r = 0;
    if constexpr (op == DirectedOp::Add)
      r = oddSum(a, read(1, l));
    else if constexpr (op == DirectedOp::Sub)
      r = oddSum(a, -read(1, l));
    else if constexpr (op == DirectedOp::Mul)
      r = a * read(1, l);
    else if constexpr (op == DirectedOp::Fma)
      r = oddSum(a * read(1, l), read(2, l));
    else if constexpr (op == DirectedOp::Div) {
      double b = read(1, l);
      r = a / b;
      double rest = std::fma(-r, b, a);
      r = oddFrom(r, b < 0 ? -rest : rest);
    } else if constexpr (op == DirectedOp::Sqrt) {
      r = std::sqrt(a);
      r = oddFrom(r, std::fma(-r, r, a));
    } else {
      r = 1.0 / a;
      double rest = std::fma(-r, a, 1.0);
      r = oddFrom(r, a < 0 ? -rest : rest);
    }
    float result = flushIf(ftz, doubleToFloat(r, rounding));
    d[l] = std::bit_cast<uint32_t>(saturateIf(sat, result));
  });
  return Flow::Next;
}

/// f64 arithmetic with the host's rounding mode. Volatile operands keep the
/// operation between the two changes of the mode.
template <DirectedOp op>
Flow directed64(Warp &warp, const Instruction &i, uint32_t mask) {
  constexpr int modes[] = {FE_TONEAREST, FE_TOWARDZERO, FE_DOWNWARD, FE_UPWARD};
  std::fesetround(modes[i.aux2]);
  Warp::forBits(mask, [&](uint32_t l) {
    auto read = [&](unsigned n) {
      return std::bit_cast<double>(warp.reg64(i.src[n])[l]);
    };
    volatile double a = read(0), b = 0, c = 0, r = 0;
    if constexpr (op != DirectedOp::Sqrt && op != DirectedOp::Rcp)
      b = read(1);
    if constexpr (op == DirectedOp::Fma)
      c = read(2);
    if constexpr (op == DirectedOp::Add)
      r = a + b;
    else if constexpr (op == DirectedOp::Sub)
      r = a - b;
    else if constexpr (op == DirectedOp::Mul)
      r = a * b;
    else if constexpr (op == DirectedOp::Fma)
      r = std::fma(a, b, c);
    else if constexpr (op == DirectedOp::Div)
      r = a / b;
    else if constexpr (op == DirectedOp::Sqrt)
      r = std::sqrt(a);
    else
      r = 1.0 / a;
    warp.reg64(i.dst)[l] = std::bit_cast<uint64_t>(double(r));
  });
  std::fesetround(FE_TONEAREST);
  return Flow::Next;
}

void setOperands(Decoder &d, Type type, unsigned sources) {
  d.expectOperands(sources + 1);
  d.inst.dst = d.destination(0, type);
  for (unsigned n = 0; n < sources; ++n)
    d.inst.src[n] = d.source(n + 1, type);
}

template <typename F, DirectedOp op>
Handler decodeArithmetic(Decoder &d) {
  Rounding rounding;
  takeRounding(d.mods, rounding);
  bool ftz = d.mods.take("ftz"), sat = d.mods.take("sat");
  Type type = d.mods.takeType();
  setOperands(d, type, 2);
  if (rounding != Rounding::NearestEven) {
    if (type == Type::F64) {
      d.inst.aux2 = uint32_t(rounding);
      return directed64<op>;
    }
    d.inst.aux = ftz * ftzBit | sat * satBit;
    d.inst.aux2 = uint32_t(rounding);
    return directed<op>;
  }
  Handler handler = floatBinary<F>(type, ftz, sat);
  return handler ? handler : d.unknown();
}

// --- Minimum and maximum -----------------------------------------------------

/// The result has the exclusive or of the signs, `.xorsign.abs`.
template <typename F>
struct XorSign {
  float operator()(float a, float b) const {
    float r = F{}(std::abs(a), std::abs(b));
    return std::signbit(a) != std::signbit(b) ? -r : r;
  }
};

template <template <bool> class F>
Handler decodeMinMax(Decoder &d) {
  bool ftz = d.mods.take("ftz"), propagate = d.mods.take("NaN");
  bool xorSign = d.mods.take("xorsign");
  if (xorSign && !d.mods.take("abs"))
    return d.unknown();
  Type type = d.mods.takeType();
  setOperands(d, type, 2);
  Handler handler;
  if (xorSign)
    handler = propagate
                  ? floatBinary<XorSign<F<true>>>(
                        type == Type::F64 ? Type::None : type, ftz, false)
                  : floatBinary<XorSign<F<false>>>(
                        type == Type::F64 ? Type::None : type, ftz, false);
  else
    handler = propagate ? floatBinary<F<true>>(type, ftz, false)
                        : floatBinary<F<false>>(type, ftz, false);
  return handler ? handler : d.unknown();
}

// --- Fused multiply-add ------------------------------------------------------

template <bool ftz, bool sat>
struct FmaF32 {
  float operator()(float a, float b, float c) const {
    float r = std::fma(flushIf(ftz, a), flushIf(ftz, b), flushIf(ftz, c));
    return saturateIf(sat, flushIf(ftz, r));
  }
};
#if defined(__x86_64__)
/// The same with the instruction for it: without, `std::fma` is a call.
template <bool ftz>
__attribute__((target("avx2,fma"))) Flow fmaF32(Warp &warp,
                                                const Instruction &i,
                                                uint32_t mask) {
  if (mask != fullMask)
    return ternary<FmaF32<ftz, false>, float, float>(warp, i, mask);
  auto *d = reinterpret_cast<float *>(warp.reg32(i.dst));
  auto *a = reinterpret_cast<const float *>(warp.reg32(i.src[0]));
  auto *b = reinterpret_cast<const float *>(warp.reg32(i.src[1]));
  auto *c = reinterpret_cast<const float *>(warp.reg32(i.src[2]));
  constexpr float least = std::numeric_limits<float>::min();
  HEDDLE_LANES
  for (uint32_t l = 0; l < warpSize; ++l) {
    float x = a[l], y = b[l], z = c[l];
    if (ftz) {
      x = __builtin_fabsf(x) < least ? __builtin_copysignf(0, x) : x;
      y = __builtin_fabsf(y) < least ? __builtin_copysignf(0, y) : y;
      z = __builtin_fabsf(z) < least ? __builtin_copysignf(0, z) : z;
    }
    float r = __builtin_fmaf(x, y, z);
    if (ftz)
      r = __builtin_fabsf(r) < least ? __builtin_copysignf(0, r) : r;
    d[l] = r;
  }
  return Flow::Next;
}
bool hasFma() {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}
#else
template <bool ftz>
constexpr Handler fmaF32 = nullptr;
bool hasFma() { return false; }
#endif

struct FmaF64 {
  double operator()(double a, double b, double c) const {
    return std::fma(a, b, c);
  }
};

inline float narrowOdd(float x) { return x; }
inline float narrowOdd(double x) { return oddFloat(x); }

template <typename Format, bool packed>
Flow fmaNarrow(Warp &warp, const Instruction &i, uint32_t mask) {
  uint32_t *d = warp.reg32(i.dst);
  const uint32_t *a = warp.reg32(i.src[0]), *b = warp.reg32(i.src[1]),
                 *c = warp.reg32(i.src[2]);
  bool ftz = i.aux & ftzBit, sat = i.aux & satBit, relu = i.aux & reluBit;
  auto flush = [=](float x) {
    return ftz && std::abs(x) < 0x1p-14f ? std::copysign(0.0f, x) : x;
  };
  auto one = [=](uint32_t x, uint32_t y, uint32_t z) -> uint32_t {
    using Product = typename Format::Product;
    Product product = Product(flush(Format::load(uint16_t(x)))) *
                      Product(flush(Format::load(uint16_t(y))));
    // Rounded to odd, so that the last rounding is the only one that counts.
    float sum =
        narrowOdd(oddSum(product, Product(flush(Format::load(uint16_t(z))))));
    sum = saturateIf(sat, sum);
    sum = relu && sum <= 0 ? 0.0f : sum;
    uint16_t bits = Format::store(sum);
    return ftz && (bits & Format::exponentMask) == 0 ? bits & 0x8000 : bits;
  };
  assignLanes(mask, d, [=](uint32_t l) {
    uint32_t low = one(a[l], b[l], c[l]);
    return packed ? low | one(a[l] >> 16, b[l] >> 16, c[l] >> 16) << 16 : low;
  });
  return Flow::Next;
}

Handler decodeFma(Decoder &d) {
  Rounding rounding;
  takeRounding(d.mods, rounding);
  bool ftz = d.mods.take("ftz"), sat = d.mods.take("sat"),
       relu = d.mods.take("relu");
  Type type = d.mods.takeType();
  setOperands(d, type, 3);
  d.inst.aux = ftz * ftzBit | sat * satBit | relu * reluBit;
  if (type == Type::F32 && !relu) {
    if (rounding != Rounding::NearestEven) {
      d.inst.aux2 = uint32_t(rounding);
      return directed<DirectedOp::Fma>;
    }
    if (!sat && hasFma())
      return ftz ? Handler(fmaF32<true>) : Handler(fmaF32<false>);
    if (ftz)
      return sat ? ternary<FmaF32<true, true>, float, float>
                 : ternary<FmaF32<true, false>, float, float>;
    return sat ? ternary<FmaF32<false, true>, float, float>
               : ternary<FmaF32<false, false>, float, float>;
  }
  switch (type) {
  case Type::F64:
    if (rounding != Rounding::NearestEven) {
      d.inst.aux2 = uint32_t(rounding);
      return directed64<DirectedOp::Fma>;
    }
    return ternary<FmaF64, double, double>;
  case Type::F16:
    return fmaNarrow<HalfFormat, false>;
  case Type::F16x2:
    return fmaNarrow<HalfFormat, true>;
  case Type::BF16:
    return fmaNarrow<BfloatFormat, false>;
  case Type::BF16x2:
    return fmaNarrow<BfloatFormat, true>;
  default:
    return d.unknown();
  }
}

// --- Division ----------------------------------------------------------------

template <bool ftz>
struct DivF32 {
  float operator()(float a, float b) const {
    return flushIf(ftz, flushIf(ftz, a) / flushIf(ftz, b));
  }
};
template <bool ftz>
struct DivApprox {
  float operator()(float a, float b) const { return divApprox(a, b, ftz); }
};
struct DivF64 {
  double operator()(double a, double b) const { return a / b; }
};

Handler decodeDiv(Decoder &d) {
  bool approx = d.mods.take("approx"), full = d.mods.take("full");
  Rounding rounding;
  takeRounding(d.mods, rounding);
  bool ftz = d.mods.take("ftz");
  Type type = d.mods.takeType();
  setOperands(d, type, 2);
  if (type == Type::F64) {
    if (rounding == Rounding::NearestEven)
      return binary<DivF64, double, double>;
    d.inst.aux2 = uint32_t(rounding);
    return directed64<DirectedOp::Div>;
  }
  if (approx)
    return ftz ? binary<DivApprox<true>, float, float>
               : binary<DivApprox<false>, float, float>;
  if (full || rounding == Rounding::NearestEven)
    return ftz ? binary<DivF32<true>, float, float>
               : binary<DivF32<false>, float, float>;
  d.inst.aux = ftz * ftzBit;
  d.inst.aux2 = uint32_t(rounding);
  return directed<DirectedOp::Div>;
}

template <DirectedOp op, typename Exact64>
Handler decodeRoot(Decoder &d) {
  Rounding rounding;
  takeRounding(d.mods, rounding);
  bool ftz = d.mods.take("ftz");
  Type type = d.mods.takeType();
  setOperands(d, type, 1);
  d.inst.aux = ftz * ftzBit;
  d.inst.aux2 = uint32_t(rounding);
  if (type == Type::F32)
    return directed<op>;
  if (rounding != Rounding::NearestEven)
    return directed64<op>;
  return unary<Exact64, double, double>;
}

struct SqrtF64 {
  double operator()(double x) const { return std::sqrt(x); }
};
struct RcpF64 {
  double operator()(double x) const { return 1.0 / x; }
};

// --- Signs -------------------------------------------------------------------

template <typename U, U flip, U keep>
struct Bits {
  U operator()(U x) const { return (x ^ flip) & keep; }
};
template <bool ftz, bool negate>
struct SignF32 {
  uint32_t operator()(uint32_t x) const {
    uint32_t bits =
        std::bit_cast<uint32_t>(flushIf(ftz, std::bit_cast<float>(x)));
    return negate ? bits ^ 0x80000000u : bits & 0x7fffffffu;
  }
};

template <bool negate>
struct SignF16 {
  uint16_t operator()(uint16_t x) const {
    uint16_t flushed = x & 0x7c00 ? x : x & 0x8000;
    return negate ? flushed ^ 0x8000 : flushed & 0x7fff;
  }
};
template <bool negate>
struct SignPair {
  uint32_t operator()(uint32_t x) const {
    return SignF16<negate>{}(uint16_t(x)) |
           uint32_t(SignF16<negate>{}(uint16_t(x >> 16))) << 16;
  }
};

template <bool negate>
Handler decodeSign(Decoder &d) {
  bool ftz = d.mods.take("ftz");
  Type type = d.mods.takeType();
  setOperands(d, type, 1);
  switch (type) {
  case Type::F32:
    return ftz ? unary<SignF32<true, negate>, uint32_t, uint32_t>
               : unary<SignF32<false, negate>, uint32_t, uint32_t>;
  case Type::F64:
    return unary<Bits<uint64_t, (negate ? 1ull << 63 : 0),
                      (negate ? ~0ull : ~0ull >> 1)>,
                 uint64_t, uint64_t>;
  case Type::F16:
  case Type::BF16:
    if (ftz)
      return unary<SignF16<negate>, uint16_t, uint16_t>;
    return unary<Bits<uint16_t, negate ? 0x8000 : 0, negate ? 0xffff : 0x7fff>,
                 uint16_t, uint16_t>;
  case Type::F16x2:
  case Type::BF16x2:
    if (ftz)
      return unary<SignPair<negate>, uint32_t, uint32_t>;
    return unary<
        Bits<uint32_t, negate ? 0x80008000u : 0u, negate ? ~0u : 0x7fff7fffu>,
        uint32_t, uint32_t>;
  default:
    return d.unknown();
  }
}

/// copysign(a, b): the magnitude of b, the sign of a.
template <typename U>
struct CopySign {
  U operator()(U a, U b) const {
    constexpr U sign = U(1) << (8 * sizeof(U) - 1);
    return (a & sign) | (b & ~sign);
  }
};

Handler decodeCopySign(Decoder &d) {
  Type type = d.mods.takeType();
  setOperands(d, type, 2);
  if (type == Type::F32)
    return binary<CopySign<uint32_t>, uint32_t, uint32_t>;
  if (type == Type::F64)
    return binary<CopySign<uint64_t>, uint64_t, uint64_t>;
  return d.unknown();
}

template <typename T>
Flow testProperty(Warp &warp, const Instruction &i, uint32_t mask) {
  const auto *a = warp.reg<T>(i.src[0]);
  uint32_t result = 0;
  Warp::forBits(mask, [&](uint32_t l) {
    T x = fromLane<T>(a[l]);
    int kind = std::fpclassify(x);
    bool yes = false;
    switch (i.aux) {
    case 0:
      yes = std::isfinite(x);
      break;
    case 1:
      yes = kind == FP_INFINITE;
      break;
    case 2:
      yes = kind != FP_NAN;
      break;
    case 3:
      yes = kind == FP_NAN;
      break;
    case 4:
      yes = kind == FP_NORMAL;
      break;
    case 5:
      yes = kind == FP_SUBNORMAL;
      break;
    }
    result |= uint32_t(yes) << l;
  });
  warp.setPredicate(i.dst, mask, result);
  return Flow::Next;
}

Handler decodeTestp(Decoder &d) {
  constexpr std::string_view names[] = {"finite",     "infinite", "number",
                                        "notanumber", "normal",   "subnormal"};
  std::string_view name = d.mods.takeFirst();
  d.inst.aux = std::find(std::begin(names), std::end(names), name) - names;
  Type type = d.mods.takeType();
  if (d.inst.aux == std::size(names) || !d.expectOperands(2))
    return d.unknown();
  d.inst.dst = d.predicateDestination(d.operand(0));
  d.inst.src[0] = d.source(1, type);
  if (type == Type::F32)
    return testProperty<float>;
  if (type == Type::F64)
    return testProperty<double>;
  return d.unknown();
}

constexpr DecodeFunction decodeAdd = decodeArithmetic<Add, DirectedOp::Add>,
                         decodeSub = decodeArithmetic<Sub, DirectedOp::Sub>,
                         decodeMul = decodeArithmetic<Mul, DirectedOp::Mul>,
                         decodeSqrt = decodeRoot<DirectedOp::Sqrt, SqrtF64>,
                         decodeRcp = decodeRoot<DirectedOp::Rcp, RcpF64>;

constexpr InstructionRow rows[] = {
    {"add{.<round>}{.ftz}{.sat}.f32", decodeAdd},
    {"add{.<round>}.f64", decodeAdd, {}, Timing::Double},
    {"add{.rn}{.ftz}{.sat}.(f16|f16x2)", decodeAdd},
    {"add{.rn}.(bf16|bf16x2)",
     decodeAdd,
     {},
     Timing::Alu,
     Fidelity::Exact,
     900},
    {"sub{.<round>}{.ftz}{.sat}.f32", decodeSub},
    {"sub{.<round>}.f64", decodeSub, {}, Timing::Double},
    {"sub{.rn}{.ftz}{.sat}.(f16|f16x2)", decodeSub},
    {"sub{.rn}.(bf16|bf16x2)",
     decodeSub,
     {},
     Timing::Alu,
     Fidelity::Exact,
     900},
    {"mul{.<round>}{.ftz}{.sat}.f32", decodeMul},
    {"mul{.<round>}.f64", decodeMul, {}, Timing::Double},
    {"mul{.rn}{.ftz}{.sat}.(f16|f16x2)", decodeMul},
    {"mul{.rn}.(bf16|bf16x2)",
     decodeMul,
     {},
     Timing::Alu,
     Fidelity::Exact,
     900},
    {"fma.<round>{.ftz}{.sat}.f32", decodeFma},
    {"fma.<round>.f64", decodeFma, {}, Timing::Double},
    {"fma.rn{.ftz}{.(sat|relu)}.(f16|f16x2)", decodeFma},
    {"fma.rn{.relu}.(bf16|bf16x2)",
     decodeFma,
     {},
     Timing::Alu,
     Fidelity::Exact,
     800},
    {"mad{.<round>}{.ftz}{.sat}.f32", decodeFma},
    {"mad.<round>.f64", decodeFma, {}, Timing::Double},
    {"div.<round>{.ftz}.f32", decodeDiv},
    {"div.<round>.f64", decodeDiv, {}, Timing::Double},
    {"div.(approx|full){.ftz}.f32",
     decodeDiv,
     {},
     Timing::Special,
     Fidelity::WithinTolerance},
    {"sqrt.<round>{.ftz}.f32", decodeSqrt, {}, Timing::Special},
    {"sqrt.<round>.f64", decodeSqrt, {}, Timing::Double},
    {"rcp.<round>{.ftz}.f32", decodeRcp, {}, Timing::Special},
    {"rcp.<round>.f64", decodeRcp, {}, Timing::Double},
    {"min{.ftz}{.NaN}{.xorsign.abs}.(f32|f16|f16x2)", decodeMinMax<Min>},
    {"min{.NaN}{.xorsign.abs}.(bf16|bf16x2)",
     decodeMinMax<Min>,
     {},
     Timing::Alu,
     Fidelity::Exact,
     800},
    {"min.f64", decodeMinMax<Min>, {}, Timing::Double},
    {"max{.ftz}{.NaN}{.xorsign.abs}.(f32|f16|f16x2)", decodeMinMax<Max>},
    {"max{.NaN}{.xorsign.abs}.(bf16|bf16x2)",
     decodeMinMax<Max>,
     {},
     Timing::Alu,
     Fidelity::Exact,
     800},
    {"max.f64", decodeMinMax<Max>, {}, Timing::Double},
    {"neg{.ftz}.(f32|f16|f16x2)", decodeSign<true>},
    {"neg.(f64|bf16|bf16x2)", decodeSign<true>},
    {"abs{.ftz}.(f32|f16|f16x2)", decodeSign<false>},
    {"abs.(f64|bf16|bf16x2)", decodeSign<false>},
    {"copysign.(f32|f64)", decodeCopySign},
    {"testp.(finite|infinite|number|notanumber|normal|subnormal).(f32|f64)",
     decodeTestp},
};

} // namespace
HEDDLE_END_LANES

std::span<const InstructionRow> heddle::vgpu::floatInstructions() {
  return rows;
}
