//===- Approximate.cpp - Approximate functions ----------------------------===//
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

/// 2^x with an error below 2^-22: x = n + f, |f| <= 1/2, Taylor polynomial in
/// f. Branch-free, since softmax spends its time here.
template <bool ftz>
struct Ex2 {
  float operator()(float x) const {
    float clamped = x < -160.0f ? -160.0f : x;
    clamped = clamped > 136.0f ? 136.0f : clamped;
    // Adding and subtracting 1.5 * 2^23 rounds to an integer.
    float n = (clamped + 12582912.0f) - 12582912.0f;
    float f = clamped - n;
    float p = 1.5252734e-5f;
    p = p * f + 1.5403530e-4f;
    p = p * f + 1.3333558e-3f;
    p = p * f + 9.6181291e-3f;
    p = p * f + 5.5504109e-2f;
    p = p * f + 2.4022651e-1f;
    p = p * f + 6.9314718e-1f;
    p = p * f + 1.0f;
    // Two factors, so that subnormal results are reached by rounding once.
    int32_t e = clamped == clamped ? int32_t(n) : 0;
    int32_t half = e >> 1;
    float scale1 = std::bit_cast<float>((half + 127) << 23);
    float scale2 = std::bit_cast<float>((e - half + 127) << 23);
    float r = p * scale1 * scale2;
    r = flushIf(ftz, r);
    return x == x ? r : std::bit_cast<float>(0x7fffffffu);
  }
};

/// Calls of the scalar units.
template <float (*function)(float, bool), bool ftz>
struct Call {
  float operator()(float x) const { return function(x, ftz); }
};
struct Tanh {
  float operator()(float x) const { return tanhApprox(x); }
};
template <bool ftz>
struct Rcp {
  float operator()(float x) const {
    return flushIf(ftz, 1.0f / flushIf(ftz, x));
  }
};
template <bool ftz>
struct Sqrt {
  float operator()(float x) const {
    return flushIf(ftz, std::sqrt(flushIf(ftz, x)));
  }
};
template <bool ftz>
struct Rsqrt {
  float operator()(float x) const {
    return flushIf(ftz, float(1.0 / std::sqrt(double(flushIf(ftz, x)))));
  }
};

template <typename F, typename Format>
struct Narrow {
  uint16_t operator()(uint16_t x) const {
    return Format::store(F{}(Format::load(x)));
  }
};
template <typename F>
struct Packed {
  uint32_t operator()(uint32_t x) const {
    return uint32_t(F{}(uint16_t(x))) | uint32_t(F{}(uint16_t(x >> 16))) << 16;
  }
};

struct RcpF64 {
  double operator()(double x) const { return 1.0 / x; }
};
struct RsqrtF64 {
  double operator()(double x) const { return 1.0 / std::sqrt(x); }
};

template <typename F>
Handler narrow(Type type) {
  switch (type) {
  case Type::F16:
    return unary<Narrow<F, HalfFormat>, uint16_t, uint16_t>;
  case Type::BF16:
    return unary<Narrow<F, BfloatFormat>, uint16_t, uint16_t>;
  case Type::F16x2:
    return unary<Packed<Narrow<F, HalfFormat>>, uint32_t, uint32_t>;
  case Type::BF16x2:
    return unary<Packed<Narrow<F, BfloatFormat>>, uint32_t, uint32_t>;
  default:
    return nullptr;
  }
}

template <typename F, typename Flushing>
Handler f32(bool ftz) {
  return ftz ? unary<Flushing, float, float> : unary<F, float, float>;
}

Handler decode(Decoder &d) {
  d.mods.take("approx");
  bool ftz = d.mods.take("ftz");
  Type type = d.mods.takeType();
  d.expectOperands(2);
  d.inst.dst = d.destination(0, type);
  d.inst.src[0] = d.source(1, type);
  std::string_view base = d.mods.base();
  Handler handler = nullptr;
  if (type == Type::F32) {
    if (base == "ex2")
      handler = f32<Ex2<false>, Ex2<true>>(ftz);
    else if (base == "lg2")
      handler = f32<Call<lg2Approx, false>, Call<lg2Approx, true>>(ftz);
    else if (base == "sin")
      handler = f32<Call<sinApprox, false>, Call<sinApprox, true>>(ftz);
    else if (base == "cos")
      handler = f32<Call<cosApprox, false>, Call<cosApprox, true>>(ftz);
    else if (base == "rcp")
      handler = f32<Rcp<false>, Rcp<true>>(ftz);
    else if (base == "sqrt")
      handler = f32<Sqrt<false>, Sqrt<true>>(ftz);
    else if (base == "rsqrt")
      handler = f32<Rsqrt<false>, Rsqrt<true>>(ftz);
    else if (base == "tanh")
      handler = unary<Tanh, float, float>;
  } else if (type == Type::F64) {
    if (base == "rcp")
      handler = unary<RcpF64, double, double>;
    else if (base == "rsqrt")
      handler = unary<RsqrtF64, double, double>;
  } else if (base == "ex2") {
    handler = narrow<Ex2<false>>(type);
  } else if (base == "tanh") {
    handler = narrow<Tanh>(type);
  }
  return handler ? handler : d.unknown();
}

/// Results are correctly rounded, or nearly so.
constexpr Fidelity tolerance = Fidelity::WithinTolerance;

constexpr InstructionRow rows[] = {
    {"ex2.approx{.ftz}.f32", decode, {}, Timing::Special, tolerance},
    {"ex2.approx.(f16|f16x2)", decode, {}, Timing::Special, tolerance},
    {"ex2.approx.ftz.(bf16|bf16x2)",
     decode,
     {},
     Timing::Special,
     tolerance,
     900},
    {"lg2.approx{.ftz}.f32", decode, {}, Timing::Special, tolerance},
    {"sin.approx{.ftz}.f32", decode, {}, Timing::Special, tolerance},
    {"cos.approx{.ftz}.f32", decode, {}, Timing::Special, tolerance},
    {"tanh.approx.(f32|f16|f16x2)", decode, {}, Timing::Special, tolerance},
    {"tanh.approx.(bf16|bf16x2)", decode, {}, Timing::Special, tolerance, 900},
    {"rcp.approx{.ftz}.f32", decode, {}, Timing::Special, tolerance},
    {"rcp.approx.ftz.f64", decode, {}, Timing::Double, tolerance},
    {"sqrt.approx{.ftz}.f32", decode, {}, Timing::Special, tolerance},
    {"rsqrt.approx{.ftz}.f32", decode, {}, Timing::Special, tolerance},
    {"rsqrt.approx{.ftz}.f64", decode, {}, Timing::Double, tolerance},
};

} // namespace
HEDDLE_END_LANES

std::span<const InstructionRow> heddle::vgpu::approximateInstructions() {
  return rows;
}
