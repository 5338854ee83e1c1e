//===- Types.cpp - Names and widths of PTX types --------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ptx/Syntax.h"

#include <charconv>
#include <fmt/format.h>

using namespace heddle::vgpu;

namespace {
struct TypeRow {
  std::string_view name;
  Type type;
  unsigned bits;
};
constexpr TypeRow typeRows[] = {
    {"pred", Type::Pred, 1},      {"b8", Type::B8, 8},
    {"b16", Type::B16, 16},       {"b32", Type::B32, 32},
    {"b64", Type::B64, 64},       {"b128", Type::B128, 128},
    {"u8", Type::U8, 8},          {"u16", Type::U16, 16},
    {"u32", Type::U32, 32},       {"u64", Type::U64, 64},
    {"s8", Type::S8, 8},          {"s16", Type::S16, 16},
    {"s32", Type::S32, 32},       {"s64", Type::S64, 64},
    {"f16", Type::F16, 16},       {"f16x2", Type::F16x2, 32},
    {"bf16", Type::BF16, 16},     {"bf16x2", Type::BF16x2, 32},
    {"f32", Type::F32, 32},       {"f64", Type::F64, 64},
    {"tf32", Type::TF32, 32},     {"e4m3x2", Type::E4M3x2, 16},
    {"e5m2x2", Type::E5M2x2, 16}, {"e4m3", Type::E4M3, 8},
    {"e5m2", Type::E5M2, 8},      {"u16x2", Type::U16x2, 32},
    {"s16x2", Type::S16x2, 32},   {"f32x2", Type::F32x2, 64},
};
} // namespace

Type heddle::vgpu::parseType(std::string_view name) {
  for (const TypeRow &row : typeRows)
    if (row.name == name)
      return row.type;
  return Type::None;
}

unsigned heddle::vgpu::bits(Type type) {
  for (const TypeRow &row : typeRows)
    if (row.type == type)
      return row.bits;
  return 0;
}

bool heddle::vgpu::isFloat(Type type) {
  return type >= Type::F16 && type <= Type::E5M2;
}

bool heddle::vgpu::isSigned(Type type) {
  return type >= Type::S8 && type <= Type::S64;
}

uint32_t heddle::vgpu::parseTarget(std::string_view name) {
  if (!name.starts_with("sm_"))
    return 0;
  uint32_t number = 0;
  const char *last = name.data() + name.size();
  auto [end, status] = std::from_chars(name.data() + 3, last, number);
  if (status != std::errc() || number > 10000)
    return 0;
  // sm_100f is a family: it has what sm_100a has, for several chips.
  bool suffix = end + 1 == last && (*end == 'a' || *end == 'f');
  return end == last || suffix ? number * 10 + suffix : 0;
}

std::string heddle::vgpu::targetName(uint32_t target) {
  return fmt::format("sm_{}{}", target / 10, target % 10 ? "a" : "");
}
