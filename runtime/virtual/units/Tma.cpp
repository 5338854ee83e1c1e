//===- Tma.cpp - The tensor memory accelerator ---------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Tma.h"

#include "Numerics.h"
#include "TmaBox.h"

using namespace heddle;
using namespace heddle::vgpu;

namespace {

/// Fills `bytes` bytes with what elements outside the tensor read as.
void fillOutside(const TensorMapSpec &spec, std::byte *to, uint32_t bytes) {
  if (spec.fill == TensorMapFill::Zero) {
    std::memset(to, 0, bytes);
    return;
  }
  // The canonical NaNs: all ones but the sign, which is in the last byte.
  std::memset(to, 0xff, bytes);
  uint32_t size = elementBytes(spec.type);
  for (uint32_t i = size - 1; i < bytes; i += size)
    to[i] = std::byte(0x7f);
}

bool convertsOnLoad(TensorMapType type) {
  return type == TensorMapType::F32Ftz || type == TensorMapType::TF32 ||
         type == TensorMapType::TF32Ftz;
}

/// The conversion that a load of these types makes: flush subnormals, round to
/// tf32. CUDA names the types but does not say how tf32 rounds; nearest even
/// loses the least.
void convertRow(TensorMapType type, std::byte *row, uint32_t bytes) {
  for (uint32_t i = 0; i < bytes; i += 4) {
    float value;
    std::memcpy(&value, row + i, 4);
    if (type != TensorMapType::TF32)
      value = flushSubnormal(value);
    if (type != TensorMapType::F32Ftz)
      value = std::bit_cast<float>(floatToTf32(value, Rounding::NearestEven));
    std::memcpy(row + i, &value, 4);
  }
}

/// Asks for the row that is a few rows after the one at `from`. Rows lie far
/// apart, and no processor guesses where the next one is. Whether there is such
/// a row does not matter.
void prefetchRow(const TensorMapSpec &spec, const std::byte *from,
                 uint32_t bytes) {
  constexpr uint64_t rowsAhead = 8, line = 64;
  if (spec.rank == 1)
    return;
  auto next = reinterpret_cast<uintptr_t>(from) + rowsAhead * spec.strides[0];
  for (uint32_t i = 0; i < bytes; i += line)
    __builtin_prefetch(reinterpret_cast<const void *>(next + i));
}

} // namespace

uint32_t vgpu::tmaBoxBytes(const TensorMapSpec &spec) {
  uint32_t bytes = rowBytes(spec);
  for (uint32_t d = 1; d < spec.rank; ++d)
    bytes *=
        (spec.box[d] + spec.elementStrides[d] - 1) / spec.elementStrides[d];
  return bytes;
}

Checked<uint32_t> vgpu::tmaLoad(const TensorMapSpec &spec,
                                std::span<const int32_t> coords,
                                std::byte *shared, uint32_t sharedBytes,
                                uint32_t dstOffset,
                                GlobalMemory::Cursor &global) {
  if (Checked<void> good =
          checkBox(spec, coords, sharedBytes, dstOffset, "TMA load of");
      !good)
    return tl::unexpected(good.error());

  uint32_t bytes = rowBytes(spec);
  bool convert = convertsOnLoad(spec.type);
  alignas(64) std::byte buffer[maxRowBytes];
  Checked<void> good =
      forEachRow(spec, coords, [&](const TmaRow &row) -> Checked<void> {
        uint32_t to = dstOffset + row.boxOffset;
        uint32_t inside = row.insideEnd - row.insideBegin;
        if (inside == 0) {
          fillOutside(spec, buffer, bytes);
          scatterRow(shared, buffer, to, bytes, spec.swizzle);
          return {};
        }
        const std::byte *from = global.resolve(row.address, inside);
        if (!from)
          return tl::unexpected(
              global.explain(row.address, inside)
                  .in("TMA load of " + describeBox(spec, coords)));
        prefetchRow(spec, from, bytes);
        if (inside == bytes && !convert) {
          scatterRow(shared, from, to, bytes, spec.swizzle);
          return {};
        }
        if (inside != bytes)
          fillOutside(spec, buffer, bytes);
        std::memcpy(buffer + row.insideBegin, from, inside);
        if (convert)
          convertRow(spec.type, buffer + row.insideBegin, inside);
        scatterRow(shared, buffer, to, bytes, spec.swizzle);
        return {};
      });
  if (!good)
    return tl::unexpected(good.error());
  return tmaBoxBytes(spec);
}

Checked<void> vgpu::tmaStore(const TensorMapSpec &spec,
                             std::span<const int32_t> coords,
                             const std::byte *shared, uint32_t sharedBytes,
                             uint32_t srcOffset, GlobalMemory::Cursor &global) {
  if (Checked<void> good =
          checkBox(spec, coords, sharedBytes, srcOffset, "TMA store of");
      !good)
    return good;
  if (Checked<void> good = checkStoreCoords(spec, coords, "TMA store of");
      !good)
    return good;

  uint32_t bytes = rowBytes(spec);
  alignas(64) std::byte buffer[maxRowBytes];
  return forEachRow(spec, coords, [&](const TmaRow &row) -> Checked<void> {
    uint32_t inside = row.insideEnd - row.insideBegin;
    if (inside == 0)
      return {};
    std::byte *to = global.resolve(row.address, inside);
    if (!to)
      return tl::unexpected(
          global.explain(row.address, inside)
              .in("TMA store of " + describeBox(spec, coords)));
    uint32_t from = srcOffset + row.boxOffset;
    if (inside == bytes) {
      gatherRow(to, shared, from, bytes, spec.swizzle);
      return {};
    }
    gatherRow(buffer, shared, from, bytes, spec.swizzle);
    std::memcpy(to, buffer + row.insideBegin, inside);
    return {};
  });
}

Checked<uint32_t> vgpu::bulkLoad(DeviceAddress src, uint32_t bytes,
                                 std::byte *shared, uint32_t sharedBytes,
                                 uint32_t dstOffset,
                                 GlobalMemory::Cursor &global) {
  if (Checked<void> good =
          checkBulk(src, bytes, sharedBytes, dstOffset, "bulk load");
      !good)
    return tl::unexpected(good.error());
  const std::byte *from = global.resolve(src, bytes);
  if (!from && bytes != 0)
    return tl::unexpected(global.explain(src, bytes).in("bulk load"));
  if (bytes != 0)
    std::memcpy(shared + dstOffset, from, bytes);
  return bytes;
}

Checked<void> vgpu::bulkStore(DeviceAddress dst, uint32_t bytes,
                              const std::byte *shared, uint32_t sharedBytes,
                              uint32_t srcOffset,
                              GlobalMemory::Cursor &global) {
  if (Checked<void> good =
          checkBulk(dst, bytes, sharedBytes, srcOffset, "bulk store");
      !good)
    return good;
  std::byte *to = global.resolve(dst, bytes);
  if (!to && bytes != 0)
    return tl::unexpected(global.explain(dst, bytes).in("bulk store"));
  if (bytes != 0)
    std::memcpy(to, shared + srcOffset, bytes);
  return {};
}

Checked<uint32_t> vgpu::bulkCopyShared(std::byte *dstShared, uint32_t dstBytes,
                                       uint32_t dstOffset,
                                       const std::byte *srcShared,
                                       uint32_t srcBytes, uint32_t srcOffset,
                                       uint32_t bytes) {
  if (dstShared == srcShared)
    return makeFault(faults::other,
                     "bulk copy between shared windows: expected a destination "
                     "in another CTA of the cluster, found the source's own");
  if (Checked<void> good =
          checkBulk(0, bytes, dstBytes, dstOffset, "destination of bulk copy");
      !good)
    return tl::unexpected(good.error());
  if (Checked<void> good =
          checkBulk(0, bytes, srcBytes, srcOffset, "source of bulk copy");
      !good)
    return tl::unexpected(good.error());
  std::memcpy(dstShared + dstOffset, srcShared + srcOffset, bytes);
  return bytes;
}
