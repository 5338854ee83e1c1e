//===- TensorMapCodec.h - The virtual GPU's tensor map encoding -*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Tensor maps are opaque to programs, so the virtual GPU has an encoding of
/// its own. As little-endian 64-bit words:
///
///   0      magic
///   1      unused: host libraries are known to edit a bit of this word
///   2      address
///   3      type, rank, swizzle, fill (one byte each)
///   4-8    extents
///   9-12   byte strides of dimensions 1-4
///   13     box extents, 12 bits each
///   14     element strides, 12 bits each
///   15     checksum of the words 0 and 2-14
///
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_RUNTIME_VIRTUAL_UNITS_TENSORMAPCODEC_H
#define HEDDLE_RUNTIME_VIRTUAL_UNITS_TENSORMAPCODEC_H

#include "Fault.h"
#include "heddle/Runtime/Device.h"

namespace heddle::vgpu {

/// Encodes a spec that `verifyTensorMapSpec` accepts. Fields of a spec that it
/// does not accept may be cut to their width.
TensorMap encodeTensorMap(const TensorMapSpec &spec);

/// Decodes and checks. Bytes that `encodeTensorMap` did not make are refused as
/// "uninitialised or foreign tensor map", changed ones as "corrupted".
Checked<TensorMapSpec> decodeTensorMap(std::span<const std::byte, 128> bytes);

/// Decodes a map that is being built field by field: unlike above, the fields
/// need not be legal together. All-zero bytes are an empty map.
Checked<TensorMapSpec>
decodeTensorMapFields(std::span<const std::byte, 128> bytes);

} // namespace heddle::vgpu

#endif // HEDDLE_RUNTIME_VIRTUAL_UNITS_TENSORMAPCODEC_H
