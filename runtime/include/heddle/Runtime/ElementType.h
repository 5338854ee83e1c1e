//===- ElementType.h - What the elements of buffers are ---------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_RUNTIME_ELEMENTTYPE_H
#define HEDDLE_RUNTIME_ELEMENTTYPE_H

#include "heddle/Runtime/Device.h"

#include <optional>

namespace heddle {

/// The types of buffer elements and of scalars that kernels take.
enum class ElementType {
  I1,
  I8,
  I16,
  I32,
  I64,
  Index,
  F8E4M3,
  F8E5M2,
  BF16,
  F16,
  F32,
  F64,
};

/// The name in a program: `bf16`, `f8E4M3FN`, `index`.
std::string_view getName(ElementType type);
std::optional<ElementType> parseElementType(std::string_view name);

/// Bytes in memory and as a kernel parameter.
uint32_t getBytes(ElementType type);

/// How a tensor map calls the type, or nothing if it has no name for it.
std::optional<TensorMapType> getTensorMapType(ElementType type);

} // namespace heddle

#endif // HEDDLE_RUNTIME_ELEMENTTYPE_H
