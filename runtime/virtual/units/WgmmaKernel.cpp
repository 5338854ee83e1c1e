//===- WgmmaKernel.cpp - The inner loops of wgmma ------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "WgmmaKernel.h"

#include "Numerics.h"

#include <cstring>

// Registers are arrays of vectors here, which scalable vectors cannot be.
#define HWY_DISABLED_TARGETS                                                   \
  (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "units/WgmmaKernel.cpp"
#include "hwy/foreach_target.h" // IWYU pragma: keep
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace heddle::vgpu {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

/// At most 16 lanes: half a warp.
using VectorTag = hn::CappedTag<float, 16>;
using Vector = hn::Vec<VectorTag>;
using Quad = hn::FixedTag<float, 4>;
constexpr uint32_t warpLanes = 32;

//===----------------------------------------------------------------------===//
// Conversion
//===----------------------------------------------------------------------===//

/// Decodes small floats whose exponent and mantissa fields `magnitude` already
/// stand where f32 has them: scaling rebiases the exponent, subnormals
/// included, and leaves infinities and NaN to be patched. Exact.
template <class D, class V = hn::VFromD<D>>
HWY_INLINE V rebias(D d, V magnitude, V sign, float scale, uint32_t special) {
  using F = hn::RebindToFloat<D>;
  F f;
  V value =
      hn::BitCast(d, hn::Mul(hn::BitCast(f, magnitude), hn::Set(f, scale)));
  auto isSpecial =
      hn::Not(hn::Lt(hn::BitCast(hn::RebindToSigned<D>(), magnitude),
                     hn::Set(hn::RebindToSigned<D>(), int32_t(special))));
  V patched = hn::Or(magnitude, hn::Set(d, 0x7f800000u));
  value = hn::IfThenElse(hn::RebindMask(d, isSpecial), patched, value);
  return hn::Or(value, sign);
}

struct FromBf16 {
  using Element = uint16_t;
  template <class D, class V>
  HWY_INLINE V operator()(D, V bits) const {
    return hn::ShiftLeft<16>(bits);
  }
};

struct FromF16 {
  using Element = uint16_t;
  template <class D, class V>
  HWY_INLINE V operator()(D d, V bits) const {
    V sign = hn::ShiftLeft<16>(hn::And(bits, hn::Set(d, 0x8000u)));
    V magnitude = hn::ShiftLeft<13>(hn::And(bits, hn::Set(d, 0x7fffu)));
    return rebias(d, magnitude, sign, 0x1p112f, 0x7c00u << 13);
  }
};

struct FromE5m2 {
  using Element = uint8_t;
  template <class D, class V>
  HWY_INLINE V operator()(D d, V bits) const {
    return FromF16()(d, hn::ShiftLeft<8>(bits));
  }
};

struct FromE4m3 {
  using Element = uint8_t;
  template <class D, class V>
  HWY_INLINE V operator()(D d, V bits) const {
    V sign = hn::ShiftLeft<24>(hn::And(bits, hn::Set(d, 0x80u)));
    V magnitude = hn::ShiftLeft<20>(hn::And(bits, hn::Set(d, 0x7fu)));
    return rebias(d, magnitude, sign, 0x1p120f, 0x7fu << 20);
  }
};

struct FromTf32 {
  using Element = uint32_t;
  template <class D, class V>
  HWY_INLINE V operator()(D d, V bits) const {
    return hn::And(bits, hn::Set(d, 0xffffe000u));
  }
};

struct FromU8 {
  using Element = uint8_t;
  template <class D, class V>
  HWY_INLINE V operator()(D, V bits) const {
    hn::RebindToSigned<D> i;
    return hn::BitCast(
        D(), hn::ConvertTo(hn::RebindToFloat<D>(), hn::BitCast(i, bits)));
  }
};

struct FromS8 {
  using Element = uint8_t;
  template <class D, class V>
  HWY_INLINE V operator()(D, V bits) const {
    hn::RebindToSigned<D> i;
    auto value = hn::ShiftRight<24>(hn::BitCast(i, hn::ShiftLeft<24>(bits)));
    return hn::BitCast(D(), hn::ConvertTo(hn::RebindToFloat<D>(), value));
  }
};

template <class D>
HWY_INLINE hn::VFromD<D> loadWide(D d, const uint32_t *from) {
  return hn::LoadU(d, from);
}
template <class D, typename T>
HWY_INLINE hn::VFromD<D> loadWide(D d, const T *from) {
  return hn::PromoteTo(d, hn::LoadU(hn::Rebind<T, D>(), from));
}

template <class Converter>
void convertAll(const std::byte *shared, const uint32_t *chunks, uint32_t count,
                float *elements) {
  using Element = typename Converter::Element;
  constexpr size_t perChunk = 16 / sizeof(Element);
  const hn::CappedTag<uint32_t, perChunk> d;
  const hn::RebindToFloat<decltype(d)> f;
  for (uint32_t c = 0; c < count; ++c) {
    Element chunk[perChunk];
    std::memcpy(chunk, shared + chunks[c], sizeof(chunk));
    for (size_t i = 0; i < perChunk; i += hn::Lanes(d))
      hn::StoreU(hn::BitCast(f, Converter()(d, loadWide(d, chunk + i))), f,
                 elements + c * perChunk + i);
  }
}

void convertChunks(WgmmaInput type, const std::byte *shared,
                   const uint32_t *chunks, uint32_t count, float *elements) {
  switch (type) {
  case WgmmaInput::F16:
    return convertAll<FromF16>(shared, chunks, count, elements);
  case WgmmaInput::BF16:
    return convertAll<FromBf16>(shared, chunks, count, elements);
  case WgmmaInput::TF32:
    return convertAll<FromTf32>(shared, chunks, count, elements);
  case WgmmaInput::E4M3:
    return convertAll<FromE4m3>(shared, chunks, count, elements);
  case WgmmaInput::E5M2:
    return convertAll<FromE5m2>(shared, chunks, count, elements);
  case WgmmaInput::S8:
    return convertAll<FromS8>(shared, chunks, count, elements);
  case WgmmaInput::U8:
    return convertAll<FromU8>(shared, chunks, count, elements);
  }
}

void widenF16(const uint32_t *pairs, float *low, float *high) {
  const hn::CappedTag<uint32_t, 16> d;
  const hn::RebindToFloat<decltype(d)> f;
  for (uint32_t lane = 0; lane < warpLanes; lane += hn::Lanes(d)) {
    auto bits = hn::LoadU(d, pairs + lane);
    auto first = FromF16()(d, hn::And(bits, hn::Set(d, 0xffffu)));
    auto second = FromF16()(d, hn::ShiftRight<16>(bits));
    hn::StoreU(hn::BitCast(f, first), f, low + lane);
    hn::StoreU(hn::BitCast(f, second), f, high + lane);
  }
}

/// f32 to f16 in the low 16 bits of each lane.
template <class D, class V>
HWY_INLINE V toF16(D d, V bits) {
  const hn::RebindToFloat<D> f;
  const hn::RebindToSigned<D> i;
  V magnitude = hn::And(bits, hn::Set(d, 0x7fffffffu));
  V sign = hn::ShiftRight<16>(hn::AndNot(hn::Set(d, 0x7fffffffu), bits));
  auto below = [&](uint32_t limit) {
    return hn::RebindMask(
        d, hn::Lt(hn::BitCast(i, magnitude), hn::Set(i, int32_t(limit))));
  };
  V odd = hn::And(hn::ShiftRight<13>(magnitude), hn::Set(d, 1u));
  V rounded = hn::Add(hn::Add(magnitude, hn::Set(d, 0xfffu)), odd);
  V normal = hn::Sub(hn::ShiftRight<13>(rounded), hn::Set(d, 112u << 10));
  // One half has f16's smallest subnormal as its last place: adding it makes
  // the adder round there.
  auto half = hn::Set(f, 0.5f);
  V subnormal =
      hn::Sub(hn::BitCast(d, hn::Add(hn::BitCast(f, magnitude), half)),
              hn::BitCast(d, half));
  V finite = hn::IfThenElse(below(0x38800000u), subnormal, normal);
  V result = hn::Or(
      hn::IfThenElse(below(0x47800000u), finite, hn::Set(d, 0x7c00u)), sign);
  return hn::IfThenElse(below(0x7f800001u), result, hn::Set(d, 0x7fffu));
}

void narrowF16(const float *low, const float *high, uint32_t *pairs) {
  const hn::CappedTag<uint32_t, 16> d;
  const hn::RebindToFloat<decltype(d)> f;
  for (uint32_t lane = 0; lane < warpLanes; lane += hn::Lanes(d)) {
    auto first = toF16(d, hn::BitCast(d, hn::LoadU(f, low + lane)));
    auto second = toF16(d, hn::BitCast(d, hn::LoadU(f, high + lane)));
    hn::StoreU(hn::Or(first, hn::ShiftLeft<16>(second)), d, pairs + lane);
  }
}

//===----------------------------------------------------------------------===//
// Packing
//===----------------------------------------------------------------------===//

void packB(const float *elements, Major major, uint32_t n, uint32_t k,
           float *b) {
  const Quad d;
  if (major == Major::MN) {
    for (uint32_t j = 0; j < n / 8; ++j)
      for (uint32_t i = 0; i < k; ++i) {
        const float *from = elements + i * n + 8 * j;
        auto low = hn::LoadU(d, from);
        auto high = hn::LoadU(d, from + 4);
        float *to = b + (j * k + i) * 8;
        hn::Store(hn::ConcatEven(d, high, low), d, to);
        hn::Store(hn::ConcatOdd(d, high, low), d, to + 4);
      }
    return;
  }
  // 4x4 transpositions: four columns of one parity, four steps of k.
  for (uint32_t jp = 0; jp < n / 4; ++jp) {
    uint32_t j = jp / 2, p = jp % 2;
    for (uint32_t i = 0; i < k; i += 4) {
      const float *from = elements + (8 * j + p) * k + i;
      auto r0 = hn::LoadU(d, from);
      auto r1 = hn::LoadU(d, from + 2 * k);
      auto r2 = hn::LoadU(d, from + 4 * k);
      auto r3 = hn::LoadU(d, from + 6 * k);
      auto low02 = hn::InterleaveLower(d, r0, r2);
      auto low13 = hn::InterleaveLower(d, r1, r3);
      auto high02 = hn::InterleaveUpper(d, r0, r2);
      auto high13 = hn::InterleaveUpper(d, r1, r3);
      float *to = b + (j * k + i) * 8 + 4 * p;
      hn::Store(hn::InterleaveLower(d, low02, low13), d, to);
      hn::Store(hn::InterleaveUpper(d, low02, low13), d, to + 8);
      hn::Store(hn::InterleaveLower(d, high02, high13), d, to + 16);
      hn::Store(hn::InterleaveUpper(d, high02, high13), d, to + 24);
    }
  }
}

void packA(const float *elements, Major major, uint32_t k, float sign,
           float *a) {
  const Quad d;
  uint32_t rowStep = major == Major::K ? k : 1;
  uint32_t kStep = major == Major::K ? 1 : wgmmaRows;
  auto scale = hn::Set(d, sign);
  for (uint32_t block = 0; block < 8; ++block)
    for (uint32_t i = 0; i < k; ++i) {
      const float *from = elements + 8 * block * rowStep + i * kStep;
      float *to = a + (block * k + i) * warpLanes;
      for (uint32_t row = 0; row < 8; ++row)
        hn::Store(hn::Mul(scale, hn::Set(d, from[row * rowStep])), d,
                  to + 4 * row);
    }
}

//===----------------------------------------------------------------------===//
// Multiplication
//===----------------------------------------------------------------------===//

/// Accumulates `Cols` 8-column blocks of D for eight rows, i.e. registers
/// 4j + 2h and 4j + 2h + 1 of one warp.
template <uint32_t Vectors, uint32_t Cols>
HWY_INLINE void multiplyTile(const float *HWY_RESTRICT a,
                             const float *HWY_RESTRICT b, uint32_t k,
                             bool accumulate, float *const *registers) {
  const VectorTag d;
  constexpr uint32_t lanes = HWY_LANES(float) < 16 ? HWY_LANES(float) : 16;
  Vector sum[2 * Cols][Vectors];
  for (uint32_t c = 0; c < 2 * Cols; ++c)
    for (uint32_t v = 0; v < Vectors; ++v)
      sum[c][v] =
          accumulate ? hn::LoadU(d, registers[c] + v * lanes) : hn::Zero(d);
  for (uint32_t i = 0; i < k; ++i) {
    Vector left[Vectors];
    for (uint32_t v = 0; v < Vectors; ++v)
      left[v] = hn::Load(d, a + i * warpLanes + v * lanes);
    for (uint32_t c = 0; c < 2 * Cols; ++c) {
      Vector right = hn::LoadDup128(d, b + ((c / 2) * k + i) * 8 + (c % 2) * 4);
      for (uint32_t v = 0; v < Vectors; ++v)
        sum[c][v] = hn::MulAdd(left[v], right, sum[c][v]);
    }
  }
  for (uint32_t c = 0; c < 2 * Cols; ++c)
    for (uint32_t v = 0; v < Vectors; ++v)
      hn::StoreU(sum[c][v], d, registers[c] + v * lanes);
}

/// Handles the 32 lanes of a row block `Vectors` vectors at a time, so that the
/// accumulators fit the registers: 16 of 32 with AVX-512, 8 of 16 otherwise.
template <uint32_t Cols>
HWY_INLINE void multiplyColumns(const float *a, const float *b, uint32_t k,
                                bool accumulate, float *const *registers) {
  constexpr uint32_t lanes = HWY_LANES(float) < 16 ? HWY_LANES(float) : 16;
  for (uint32_t lane = 0; lane < warpLanes; lane += 2 * lanes) {
    float *shifted[2 * Cols];
    for (uint32_t c = 0; c < 2 * Cols; ++c)
      shifted[c] = registers[c] + lane;
    multiplyTile<2, Cols>(a + lane, b, k, accumulate, shifted);
  }
}

void multiplyPanels(const float *a, const float *b, uint32_t n, uint32_t k,
                    bool accumulate, const WarpgroupRegisters &d) {
  constexpr uint32_t tile = HWY_LANES(float) >= 16 ? 4 : 2;
  for (uint32_t block = 0; block < 8; ++block) {
    uint32_t *const *warp = d[block / 2];
    uint32_t half = block % 2;
    const float *rows = a + block * k * warpLanes;
    auto registersOf = [&](uint32_t j, uint32_t p) {
      return reinterpret_cast<float *>(warp[4 * j + 2 * half + p]);
    };
    uint32_t j = 0;
    for (; j + tile <= n / 8; j += tile) {
      float *registers[2 * tile];
      for (uint32_t c = 0; c < 2 * tile; ++c)
        registers[c] = registersOf(j + c / 2, c % 2);
      multiplyColumns<tile>(rows, b + j * k * 8, k, accumulate, registers);
    }
    for (; j < n / 8; ++j) {
      float *registers[2] = {registersOf(j, 0), registersOf(j, 1)};
      multiplyColumns<1>(rows, b + j * k * 8, k, accumulate, registers);
    }
  }
}

} // namespace
} // namespace HWY_NAMESPACE
} // namespace heddle::vgpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

namespace heddle::vgpu {

HWY_EXPORT(convertChunks);
HWY_EXPORT(packA);
HWY_EXPORT(packB);
HWY_EXPORT(multiplyPanels);
HWY_EXPORT(narrowF16);
HWY_EXPORT(widenF16);

void convertChunks(WgmmaInput type, const std::byte *shared,
                   const uint32_t *chunks, uint32_t count, float *elements) {
  HWY_DYNAMIC_DISPATCH(convertChunks)(type, shared, chunks, count, elements);
}

void widenF16(const uint32_t *pairs, float *low, float *high) {
  HWY_DYNAMIC_DISPATCH(widenF16)(pairs, low, high);
}

void narrowF16(const float *low, const float *high, uint32_t *pairs) {
  HWY_DYNAMIC_DISPATCH(narrowF16)(low, high, pairs);
}

void packA(const float *elements, Major major, uint32_t k, float sign,
           float *a) {
  HWY_DYNAMIC_DISPATCH(packA)(elements, major, k, sign, a);
}

void packB(const float *elements, Major major, uint32_t n, uint32_t k,
           float *b) {
  HWY_DYNAMIC_DISPATCH(packB)(elements, major, n, k, b);
}

void multiplyPanels(const float *a, const float *b, uint32_t n, uint32_t k,
                    bool accumulate, const WarpgroupRegisters &d) {
  HWY_DYNAMIC_DISPATCH(multiplyPanels)(a, b, n, k, accumulate, d);
}

} // namespace heddle::vgpu

#endif // HWY_ONCE
