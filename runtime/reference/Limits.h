//===- Limits.h - How large tiles may be ------------------------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_RUNTIME_REFERENCE_LIMITS_H
#define HEDDLE_RUNTIME_REFERENCE_LIMITS_H

#include <cstdint>

namespace heddle {

/// The most elements of a tile, in the dialect and in the reference: more than
/// every thread of the largest block could hold, however roles share it out.
inline constexpr int64_t maxTileElements = 1 << 20;

} // namespace heddle

#endif // HEDDLE_RUNTIME_REFERENCE_LIMITS_H
