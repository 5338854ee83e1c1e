//===- TensorMapCodec.cpp - The virtual GPU's tensor map encoding --------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TensorMapCodec.h"

#include "heddle/Runtime/MakeError.h"

#include <algorithm>
#include <cstring>

using namespace heddle;
using namespace heddle::vgpu;

namespace {

using Words = std::array<uint64_t, 16>;

constexpr uint64_t magic = 0x70616d2d656c6468; // "hdle-map"
enum WordIndex : size_t {
  Magic = 0,
  Unused = 1,
  Address = 2,
  Header = 3,
  Dims = 4,
  Strides = 9,
  Box = 13,
  ElementStrides = 14,
  Checksum = 15,
};

/// A multiply-xor hash; every step is a bijection, so any single changed word
/// changes it.
uint64_t checksumOf(const Words &words) {
  uint64_t hash = 0x9e3779b97f4a7c15;
  for (size_t i = 0; i < Checksum; ++i) {
    if (i == Unused)
      continue;
    hash = (hash ^ words[i]) * 0xd6e8feb86659fd93;
    hash ^= hash >> 32;
  }
  return hash;
}

uint64_t packTwelve(const std::array<uint32_t, 5> &values) {
  uint64_t word = 0;
  for (size_t d = 0; d < 5; ++d)
    word |= uint64_t(values[d] & 0xfff) << (12 * d);
  return word;
}

std::array<uint32_t, 5> unpackTwelve(uint64_t word) {
  std::array<uint32_t, 5> values;
  for (size_t d = 0; d < 5; ++d)
    values[d] = uint32_t(word >> (12 * d)) & 0xfff;
  return values;
}

} // namespace

TensorMap vgpu::encodeTensorMap(const TensorMapSpec &spec) {
  Words words = {};
  words[Magic] = magic;
  words[Address] = spec.address;
  words[Header] = uint64_t(spec.type) | uint64_t(spec.rank & 0xff) << 8 |
                  uint64_t(spec.swizzle) << 16 | uint64_t(spec.fill) << 24;
  for (size_t d = 0; d < 5; ++d)
    words[Dims + d] = spec.dims[d];
  for (size_t d = 0; d < 4; ++d)
    words[Strides + d] = spec.strides[d];
  words[Box] = packTwelve(spec.box);
  words[ElementStrides] = packTwelve(spec.elementStrides);
  words[Checksum] = checksumOf(words);

  TensorMap map;
  static_assert(sizeof(words) == sizeof(map.bytes));
  std::memcpy(map.bytes.data(), words.data(), sizeof(words));
  return map;
}

static tl::unexpected<Fault> makeForeignError(uint64_t firstWord) {
  return makeFault(faults::other,
                   "uninitialised or foreign tensor map: expected a map that "
                   "this device encoded, found first word {:#018x}",
                   firstWord);
}

Checked<TensorMapSpec>
vgpu::decodeTensorMapFields(std::span<const std::byte, 128> bytes) {
  Words words;
  std::memcpy(words.data(), bytes.data(), sizeof(words));
  if (words == Words{})
    return TensorMapSpec{};
  if (words[Magic] != magic)
    return makeForeignError(words[Magic]);
  if (words[Checksum] != checksumOf(words))
    return makeFault(faults::other,
                     "corrupted tensor map: expected checksum {:#018x}, found "
                     "{:#018x}; its bytes changed after it was encoded",
                     checksumOf(words), words[Checksum]);

  TensorMapSpec spec;
  spec.type = TensorMapType(words[Header] & 0xff);
  spec.rank = uint32_t(words[Header] >> 8 & 0xff);
  spec.swizzle = Swizzle(words[Header] >> 16 & 0xff);
  spec.fill = TensorMapFill(words[Header] >> 24 & 0xff);
  spec.address = words[Address];
  for (size_t d = 0; d < 5; ++d)
    spec.dims[d] = words[Dims + d];
  for (size_t d = 0; d < 4; ++d)
    spec.strides[d] = words[Strides + d];
  spec.box = unpackTwelve(words[Box]);
  spec.elementStrides = unpackTwelve(words[ElementStrides]);
  return spec;
}

Checked<TensorMapSpec>
vgpu::decodeTensorMap(std::span<const std::byte, 128> bytes) {
  auto spec = decodeTensorMapFields(bytes);
  if (!spec)
    return spec;
  // Only a map that is still being built may be all zero.
  if (std::ranges::all_of(bytes, [](std::byte b) { return b == std::byte(0); }))
    return makeForeignError(0);
  if (Expected<void> good = verifyTensorMapSpec(*spec); !good)
    return makeFault(faults::other, "{}", good.error().message);
  return spec;
}
