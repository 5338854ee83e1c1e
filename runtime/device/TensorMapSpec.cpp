//===- TensorMapSpec.cpp - Legality of tensor maps -----------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "heddle/Runtime/Device.h"
#include "heddle/Runtime/MakeError.h"

using namespace heddle;

namespace {

struct TypeInfo {
  std::string_view name;
  uint32_t bytes;
  bool isFloat;
};

/// Indexed by `TensorMapType`.
constexpr TypeInfo types[] = {
    {"u8", 1, false},      {"u16", 2, false},    {"u32", 4, false},
    {"s32", 4, false},     {"u64", 8, false},    {"s64", 8, false},
    {"f16", 2, true},      {"f32", 4, true},     {"f64", 8, true},
    {"bf16", 2, true},     {"f32.ftz", 4, true}, {"tf32", 4, true},
    {"tf32.ftz", 4, true},
};

constexpr TypeInfo unknownType = {"unknown", 1, false};

const TypeInfo &info(TensorMapType type) {
  return size_t(type) < std::size(types) ? types[size_t(type)] : unknownType;
}

constexpr uint64_t maxExtent = uint64_t(1) << 32;
constexpr uint64_t strideLimit = uint64_t(1) << 40;

bool isSwizzle(Swizzle swizzle) {
  return swizzle == Swizzle::None || swizzle == Swizzle::B32 ||
         swizzle == Swizzle::B64 || swizzle == Swizzle::B128;
}

/// The rules that speak of a whole map.
Expected<void> verifyHeader(const TensorMapSpec &spec) {
  if (size_t(spec.type) >= std::size(types))
    return makeError(ErrorKind::InvalidInput,
                     "tensor map: expected an element type in 0..{}, found {}",
                     std::size(types) - 1, unsigned(spec.type));
  if (spec.rank < 1 || spec.rank > 5)
    return makeError(ErrorKind::InvalidInput,
                     "tensor map: expected a rank in 1..5, found {}",
                     spec.rank);
  if (spec.address % 16 != 0)
    return makeError(ErrorKind::InvalidInput,
                     "tensor map: expected an address that is a multiple of 16 "
                     "bytes, found {:#x}; the nearest below is {:#x}",
                     spec.address, spec.address & ~uint64_t(15));
  if (!isSwizzle(spec.swizzle))
    return makeError(ErrorKind::InvalidInput,
                     "tensor map: expected a swizzle of 0 (none), 32, 64 or "
                     "128 bytes, found {}",
                     unsigned(spec.swizzle));
  if (spec.fill != TensorMapFill::Zero && spec.fill != TensorMapFill::NaN)
    return makeError(ErrorKind::InvalidInput,
                     "tensor map: expected a fill of 0 (zero) or 1 (NaN), "
                     "found {}",
                     unsigned(spec.fill));
  if (spec.fill == TensorMapFill::NaN && !info(spec.type).isFloat)
    return makeError(ErrorKind::InvalidInput,
                     "tensor map: expected zero fill since the element type "
                     "{} has no NaN, found NaN fill",
                     info(spec.type).name);
  return {};
}

/// The rules that speak of dimension `d`.
Expected<void> verifyDimension(const TensorMapSpec &spec, uint32_t d) {
  if (spec.dims[d] < 1 || spec.dims[d] > maxExtent)
    return makeError(ErrorKind::InvalidInput,
                     "tensor map dimension {}: expected an extent in 1..2^32, "
                     "found {}",
                     d, spec.dims[d]);
  if (spec.box[d] < 1 || spec.box[d] > 256)
    return makeError(ErrorKind::InvalidInput,
                     "tensor map dimension {}: expected a box extent in "
                     "1..256, found {}",
                     d, spec.box[d]);
  if (spec.elementStrides[d] < 1 || spec.elementStrides[d] > 8)
    return makeError(ErrorKind::InvalidInput,
                     "tensor map dimension {}: expected an element stride in "
                     "1..8, found {}",
                     d, spec.elementStrides[d]);
  if (d == 0)
    return {};
  uint64_t stride = spec.strides[d - 1];
  if (stride % 16 != 0)
    return makeError(ErrorKind::InvalidInput,
                     "tensor map dimension {}: expected a stride that is a "
                     "multiple of 16 bytes, found {}; pad it to {}",
                     d, stride, (stride | 15) + 1);
  if (stride >= strideLimit)
    return makeError(ErrorKind::InvalidInput,
                     "tensor map dimension {}: expected a stride below 2^40 "
                     "bytes, found {}",
                     d, stride);
  return {};
}

} // namespace

uint32_t heddle::elementBytes(TensorMapType type) { return info(type).bytes; }

std::string_view heddle::name(TensorMapType type) { return info(type).name; }

Expected<void> heddle::verifyTensorMapSpec(const TensorMapSpec &spec) {
  if (Expected<void> good = verifyHeader(spec); !good)
    return good;
  for (uint32_t d = 0; d < spec.rank; ++d)
    if (Expected<void> good = verifyDimension(spec, d); !good)
      return good;

  uint32_t bytes = info(spec.type).bytes;
  uint32_t inner = spec.box[0] * bytes;
  if (inner % 16 != 0)
    return makeError(ErrorKind::InvalidInput,
                     "tensor map dimension 0: expected a box extent whose "
                     "bytes are a multiple of 16, found {} elements of {} "
                     "bytes; the nearest above is {}",
                     spec.box[0], bytes, (inner / 16 + 1) * 16 / bytes);
  uint32_t span = uint32_t(spec.swizzle);
  if (span != 0 && inner > span)
    return makeError(ErrorKind::InvalidInput,
                     "tensor map dimension 0: expected a box extent of at most "
                     "{} bytes, the span of its swizzle, found {}; the largest "
                     "is {} elements",
                     span, inner, span / bytes);
  return {};
}
