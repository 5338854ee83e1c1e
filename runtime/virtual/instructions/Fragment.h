//===- Fragment.h - Matrices in the registers of a warp ---------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// What mma and wmma have in common: the types of elements, shapes, and where
/// the elements of a fragment are.
///
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_VIRTUAL_INSTRUCTIONS_FRAGMENT_H
#define HEDDLE_VIRTUAL_INSTRUCTIONS_FRAGMENT_H

#include <charconv>
#include <cstdint>
#include <string_view>

namespace heddle::vgpu {

enum class Element : uint8_t {
  F16,
  BF16,
  TF32,
  E4M3,
  E5M2,
  F32,
  F64,
  S8,
  U8,
  S4,
  U4,
  B1,
  S32,
};

struct ElementRow {
  std::string_view name;
  Element element;
  unsigned bits;
};
inline constexpr ElementRow elementRows[] = {
    {"f16", Element::F16, 16},   {"bf16", Element::BF16, 16},
    {"tf32", Element::TF32, 32}, {"e4m3", Element::E4M3, 8},
    {"e5m2", Element::E5M2, 8},  {"f32", Element::F32, 32},
    {"f64", Element::F64, 64},   {"s8", Element::S8, 8},
    {"u8", Element::U8, 8},      {"s4", Element::S4, 4},
    {"u4", Element::U4, 4},      {"b1", Element::B1, 1},
    {"s32", Element::S32, 32}};

inline const ElementRow *findElement(std::string_view name) {
  for (const ElementRow &row : elementRows)
    if (row.name == name)
      return &row;
  return nullptr;
}

struct MatrixShape {
  uint32_t m = 0, n = 0, k = 0;
};

/// "m16n8k32" as three numbers; the pattern has checked the form.
inline MatrixShape parseMatrixShape(std::string_view text) {
  MatrixShape shape;
  const char *end = text.data() + text.size();
  std::from_chars(text.data() + 1, end, shape.m);
  std::from_chars(text.data() + text.find('n') + 1, end, shape.n);
  std::from_chars(text.data() + text.find('k') + 1, end, shape.k);
  return shape;
}
inline bool isMatrixShape(std::string_view part) {
  return part.size() > 1 && part[0] == 'm' && part[1] >= '0' && part[1] <= '9';
}

/// A fragment of wmma is in blocks of 8 rows, each of them a register of A or
/// B, or two elements of an accumulator, in every lane. Rows are those of A and
/// the accumulator and the columns of B; K goes along the rows of A and B.
/// Blocks of A and the accumulator follow each other down, and then to the
/// right, and those of B along K first. So a fragment is one or more of mma,
/// side by side, which is what machine code for sm_80 and later makes of it.
struct FragmentBlocks {
  /// In blocks.
  uint32_t rows = 0, columns = 0;
  bool isB = false;

  uint32_t count() const { return rows * columns; }
  uint32_t at(uint32_t row, uint32_t column) const {
    return isB ? row * columns + column : column * rows + row;
  }
  uint32_t rowOf(uint32_t block) const {
    return isB ? block / columns : block % rows;
  }
  uint32_t columnOf(uint32_t block) const {
    return isB ? block % columns : block / rows;
  }
};
/// The blocks of A, B or, 'c' and 'd', an accumulator. A lane has as many
/// elements side by side in a block as a register holds: 32 bits, or one f64.
inline FragmentBlocks fragmentBlocks(char operand, const MatrixShape &shape,
                                     unsigned elementBits) {
  if (operand == 'c' || operand == 'd')
    return {shape.m / 8, shape.n / 8, false};
  uint32_t width = 4 * (elementBits < 32 ? 32 / elementBits : 1);
  return {(operand == 'a' ? shape.m : shape.n) / 8, shape.k / width,
          operand == 'b'};
}
/// The registers of a fragment of wmma. There are always eight of f16 in A and
/// B, which then hold what there is more than once.
inline uint32_t fragmentRegisters(char operand, const MatrixShape &shape,
                                  const ElementRow &element) {
  uint32_t blocks = fragmentBlocks(operand, shape, element.bits).count();
  if (operand == 'c' || operand == 'd')
    return element.bits == 16 ? blocks : 2 * blocks;
  return element.element == Element::F16 ? 8 : blocks;
}

} // namespace heddle::vgpu

#endif // HEDDLE_VIRTUAL_INSTRUCTIONS_FRAGMENT_H
