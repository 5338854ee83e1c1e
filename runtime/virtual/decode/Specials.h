//===- Specials.h - Names of special registers ------------------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_VIRTUAL_DECODE_SPECIALS_H
#define HEDDLE_VIRTUAL_DECODE_SPECIALS_H

#include "decode/Kernel.h"

#include <optional>

namespace heddle::vgpu {

/// The special register spelled `name`, with its `%`.
std::optional<Special> parseSpecial(std::string_view name);

/// The shared memory that a block has beyond what a program may use, of which
/// cooperative groups use a part.
inline constexpr uint32_t reservedSharedBytes = 1024;
/// Where `%reserved_smem_offset_begin`, `_end`, `_cap`, `_0` or `_1` is in the
/// shared memory of a kernel that names one of them.
std::optional<uint32_t> parseReservedShared(std::string_view name);

/// Whether its value changes while a warp runs.
inline bool isClock(Special special) { return special >= Special::Clock; }

} // namespace heddle::vgpu

#endif // HEDDLE_VIRTUAL_DECODE_SPECIALS_H
