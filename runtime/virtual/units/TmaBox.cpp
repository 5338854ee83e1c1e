//===- TmaBox.cpp - The rows of a tensor map's box -----------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TmaBox.h"

#include "Tma.h"

using namespace heddle;
using namespace heddle::vgpu;

namespace {

template <typename T>
std::string join(const T *values, size_t count, const char *separator) {
  return fmt::format("{}", fmt::join(values, values + count, separator));
}

} // namespace

std::string vgpu::describeBox(const TensorMapSpec &spec,
                              std::span<const int32_t> coords) {
  return fmt::format("the box ({}) at coordinates ({}) of the {} {} tensor at "
                     "{:#x}",
                     join(spec.box.data(), spec.rank, ", "),
                     join(coords.data(), coords.size(), ", "),
                     join(spec.dims.data(), spec.rank, "x"), name(spec.type),
                     spec.address);
}

Checked<void> vgpu::checkBox(const TensorMapSpec &spec,
                             std::span<const int32_t> coords,
                             uint32_t sharedBytes, uint32_t offset,
                             const char *what) {
  if (coords.size() != spec.rank)
    return makeFault(faults::other,
                     "{} {}: expected {} coordinates, one per dimension, found "
                     "{}",
                     what, describeBox(spec, coords), spec.rank, coords.size());
  if (offset % 128 != 0)
    return makeFault(faults::alignment,
                     "{} {}: expected a shared offset that is a multiple of "
                     "128, found {:#x}",
                     what, describeBox(spec, coords), offset);
  // The largest legal box, 256^5 elements, does not fit 32 bits.
  uint64_t bytes = rowBytes(spec);
  for (uint32_t d = 1; d < spec.rank; ++d)
    bytes *=
        (spec.box[d] + spec.elementStrides[d] - 1) / spec.elementStrides[d];
  // Swizzling permutes chunks inside whole spans.
  uint64_t span = std::max<uint64_t>(uint64_t(spec.swizzle), 16);
  uint64_t end = offset + (bytes + span - 1) / span * span;
  if (end > sharedBytes)
    return makeFault(faults::bounds,
                     "{} {}: {} bytes at shared offset {:#x} reach {} bytes "
                     "past the end of the {}-byte shared window",
                     what, describeBox(spec, coords), bytes, offset,
                     end - sharedBytes, sharedBytes);
  return {};
}

Checked<void> vgpu::checkStoreCoords(const TensorMapSpec &spec,
                                     std::span<const int32_t> coords,
                                     const char *what) {
  for (size_t d = 0; d < coords.size(); ++d)
    if (coords[d] < 0)
      return makeFault(faults::other,
                       "{} {}: expected coordinates that are not negative, "
                       "found {} in dimension {}",
                       what, describeBox(spec, coords), coords[d], d);
  return {};
}

Checked<void> vgpu::checkBulk(DeviceAddress global, uint32_t bytes,
                              uint32_t sharedBytes, uint32_t offset,
                              const char *what) {
  if (bytes % 16 != 0)
    return makeFault(faults::alignment,
                     "{}: expected a size that is a multiple of 16 bytes, "
                     "found {}",
                     what, bytes);
  if (global % 16 != 0)
    return makeFault(faults::alignment,
                     "{}: expected a global address that is a multiple of 16, "
                     "found {:#x}",
                     what, global);
  if (offset % 16 != 0)
    return makeFault(faults::alignment,
                     "{}: expected a shared offset that is a multiple of 16, "
                     "found {:#x}",
                     what, offset);
  if (uint64_t(offset) + bytes > sharedBytes)
    return makeFault(faults::bounds,
                     "{}: {} bytes at shared offset {:#x} reach {} bytes past "
                     "the end of the {}-byte shared window",
                     what, bytes, offset,
                     uint64_t(offset) + bytes - sharedBytes, sharedBytes);
  return {};
}
