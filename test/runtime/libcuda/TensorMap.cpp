//===- TensorMap.cpp - Tensor maps of the test driver ---------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Driver.h"
#include "units/TensorMapCodec.h"

#include <algorithm>
#include <fmt/format.h>

using namespace heddle;
using namespace heddle::cuda;

static std::optional<Swizzle> getSwizzle(TensorMapSwizzle swizzle) {
  switch (swizzle) {
  case TensorMapSwizzle::None:
    return Swizzle::None;
  case TensorMapSwizzle::B32:
    return Swizzle::B32;
  case TensorMapSwizzle::B64:
    return Swizzle::B64;
  case TensorMapSwizzle::B128:
    return Swizzle::B128;
  }
  return std::nullopt;
}

extern "C" Result cuda::cuTensorMapEncodeTiled(
    TensorMap *map, TensorMapDataType type, uint32_t rank, void *address,
    const uint64_t *dims, const uint64_t *strides, const uint32_t *box,
    const uint32_t *elementStrides, TensorMapInterleave interleave,
    TensorMapSwizzle swizzle, TensorMapL2Promotion promotion,
    TensorMapOobFill fill) {
  Call call(__func__, Call::Initialized);
  if (call.early() != Result::Success)
    return call.early();
  if (!map || uintptr_t(map) % 64 != 0)
    return call.refuse(Result::InvalidValue,
                       "expected a place aligned to 64 bytes, found {}",
                       fmt::ptr(map));
  constexpr uint32_t maxRank = 5, lastPromotion = 3;
  std::optional<Swizzle> known = getSwizzle(swizzle);
  if (rank < 1 || rank > maxRank || !dims || (rank > 1 && !strides) || !box ||
      !elementStrides || interleave != TensorMapInterleave::None || !known ||
      uint32_t(promotion) > lastPromotion || uint32_t(fill) > 1)
    return call.refuse(Result::InvalidValue,
                       "found a mode that the test driver does not have");
  TensorMapSpec spec;
  spec.type = TensorMapType(std::min(type, 255u));
  spec.rank = rank;
  spec.address = reinterpret_cast<DeviceAddress>(address);
  std::copy_n(dims, rank, spec.dims.begin());
  if (rank > 1)
    std::copy_n(strides, rank - 1, spec.strides.begin());
  std::copy_n(box, rank, spec.box.begin());
  std::copy_n(elementStrides, rank, spec.elementStrides.begin());
  spec.swizzle = *known;
  spec.fill =
      fill == TensorMapOobFill::NaN ? TensorMapFill::NaN : TensorMapFill::Zero;
  if (Expected<void> legal = verifyTensorMapSpec(spec); !legal)
    return call.refuse(Result::InvalidValue, "{}", legal.error().message);
  *map = vgpu::encodeTensorMap(spec);
  return call.done();
}
