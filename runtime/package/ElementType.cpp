//===- ElementType.cpp - What the elements of buffers are -----------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "heddle/Runtime/ElementType.h"

using namespace heddle;

namespace {
struct Description {
  ElementType type;
  std::string_view name;
  uint32_t bytes;
  std::optional<TensorMapType> tensorMap;
};
} // namespace

/// In the order of the enumeration.
static constexpr Description descriptions[] = {
    {ElementType::I1, "i1", 1, std::nullopt},
    {ElementType::I8, "i8", 1, TensorMapType::U8},
    {ElementType::I16, "i16", 2, TensorMapType::U16},
    {ElementType::I32, "i32", 4, TensorMapType::S32},
    {ElementType::I64, "i64", 8, TensorMapType::S64},
    {ElementType::Index, "index", 8, TensorMapType::S64},
    {ElementType::F8E4M3, "f8E4M3FN", 1, TensorMapType::U8},
    {ElementType::F8E5M2, "f8E5M2", 1, TensorMapType::U8},
    {ElementType::BF16, "bf16", 2, TensorMapType::BF16},
    {ElementType::F16, "f16", 2, TensorMapType::F16},
    {ElementType::F32, "f32", 4, TensorMapType::F32},
    {ElementType::F64, "f64", 8, TensorMapType::F64},
};

static const Description &describe(ElementType type) {
  return descriptions[size_t(type)];
}

std::string_view heddle::getName(ElementType type) {
  return describe(type).name;
}

std::optional<ElementType> heddle::parseElementType(std::string_view name) {
  for (const Description &description : descriptions)
    if (description.name == name)
      return description.type;
  return std::nullopt;
}

uint32_t heddle::getBytes(ElementType type) { return describe(type).bytes; }

std::optional<TensorMapType> heddle::getTensorMapType(ElementType type) {
  return describe(type).tensorMap;
}
