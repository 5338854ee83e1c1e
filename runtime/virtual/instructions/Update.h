//===- Update.h - What atomic operations do with a value --------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_VIRTUAL_INSTRUCTIONS_UPDATE_H
#define HEDDLE_VIRTUAL_INSTRUCTIONS_UPDATE_H

#include "decode/Modifiers.h"
#include "instructions/FloatLanes.h"

#include <bit>
#include <optional>
#include <type_traits>

namespace heddle::vgpu {

/// How an atomic operation or a reduction combines two values.
enum class UpdateOp : uint8_t {
  Add,
  Min,
  Max,
  And,
  Or,
  Xor,
  Exch,
  Cas,
  Inc,
  Dec
};

/// Removes the name of an operation, if there is one.
inline std::optional<UpdateOp> takeUpdateOp(Modifiers &mods) {
  constexpr std::pair<std::string_view, UpdateOp> names[] = {
      {"add", UpdateOp::Add},   {"min", UpdateOp::Min}, {"max", UpdateOp::Max},
      {"and", UpdateOp::And},   {"or", UpdateOp::Or},   {"xor", UpdateOp::Xor},
      {"exch", UpdateOp::Exch}, {"cas", UpdateOp::Cas}, {"inc", UpdateOp::Inc},
      {"dec", UpdateOp::Dec}};
  for (auto [name, op] : names)
    if (mods.take(name))
      return op;
  return std::nullopt;
}

template <typename Format>
inline uint16_t updateNarrow(UpdateOp op, uint16_t a, uint16_t b) {
  float x = Format::load(a), y = Format::load(b);
  switch (op) {
  case UpdateOp::Min:
    return Format::store(floatMin(x, y, false));
  case UpdateOp::Max:
    return Format::store(floatMax(x, y, false));
  default:
    return Format::store(x + y);
  }
}
template <typename Format>
inline uint32_t updateNarrowPair(UpdateOp op, uint32_t a, uint32_t b) {
  return updateNarrow<Format>(op, uint16_t(a), uint16_t(b)) |
         uint32_t(
             updateNarrow<Format>(op, uint16_t(a >> 16), uint16_t(b >> 16)))
             << 16;
}

/// The value that replaces `old` where `b` is combined with it; the operation
/// is not `Cas`.
template <typename U>
inline U update(UpdateOp op, Type type, U old, U b) {
  using S = std::make_signed_t<U>;
  switch (op) {
  case UpdateOp::And:
    return old & b;
  case UpdateOp::Or:
    return old | b;
  case UpdateOp::Xor:
    return old ^ b;
  case UpdateOp::Exch:
    return b;
  case UpdateOp::Inc:
    return old >= b ? 0 : old + 1;
  case UpdateOp::Dec:
    return old == 0 || old > b ? b : old - 1;
  default:
    break;
  }
  if constexpr (sizeof(U) == 8)
    if (type == Type::F64)
      return std::bit_cast<U>(std::bit_cast<double>(old) +
                              std::bit_cast<double>(b));
  if constexpr (sizeof(U) == 4) {
    if (type == Type::F32)
      return std::bit_cast<U>(std::bit_cast<float>(old) +
                              std::bit_cast<float>(b));
    if (type == Type::F16x2)
      return updateNarrowPair<HalfFormat>(op, old, b);
    if (type == Type::BF16x2)
      return updateNarrowPair<BfloatFormat>(op, old, b);
  }
  if constexpr (sizeof(U) == 2) {
    if (type == Type::F16)
      return updateNarrow<HalfFormat>(op, old, b);
    if (type == Type::BF16)
      return updateNarrow<BfloatFormat>(op, old, b);
  }
  if (op == UpdateOp::Add)
    return U(old + b);
  bool less = isSigned(type) ? S(old) < S(b) : old < b;
  return (op == UpdateOp::Min) == less ? old : b;
}

} // namespace heddle::vgpu

#endif // HEDDLE_VIRTUAL_INSTRUCTIONS_UPDATE_H
