//===- Formats.h - How values of each type round and are stored -*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The element types that the reference knows: how a real number rounds to one
/// and what its bytes in memory are. Written from the formats' definitions and
/// shared with nothing, so that it can be trusted to disagree.
///
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_RUNTIME_REFERENCE_FORMATS_H
#define HEDDLE_RUNTIME_REFERENCE_FORMATS_H

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace heddle::reference {

enum class NumberKind : uint8_t {
  Integer,
  Index,
  F64,
  F32,
  TF32,
  F16,
  BF16,
  F8E4M3,
  F8E5M2,
};

/// The type of a number, with the names of MLIR.
struct NumberType {
  NumberKind kind = NumberKind::Index;
  /// The bits of an integer, 1 to 64; an index has 64. 0 for floats.
  uint8_t width = 64;

  static NumberType integer(unsigned width) {
    return {NumberKind::Integer, uint8_t(width)};
  }
  static NumberType index() { return {NumberKind::Index, 64}; }
  static NumberType floating(NumberKind kind) { return {kind, 0}; }
  /// The type of that name, `bf16` or `i7`, or nothing.
  static std::optional<NumberType> parse(std::string_view name);

  bool isFloat() const {
    return kind != NumberKind::Integer && kind != NumberKind::Index;
  }
  bool isInteger(unsigned bits) const {
    return kind == NumberKind::Integer && width == bits;
  }
  std::string getName() const;
  bool operator==(const NumberType &) const = default;
};

/// One number. Floats are kept as doubles, integers zero-extended from their
/// width; `index` has 64 bits.
union Element {
  double f;
  uint64_t i;
};

inline Element makeFloat(double value) { return {.f = value}; }
inline Element makeInt(uint64_t value) { return {.i = value}; }

/// The low `width` bits, 1 to 64 of them.
inline uint64_t getMask(unsigned width) { return ~uint64_t(0) >> (64 - width); }
/// The number that the low `width` bits are.
inline int64_t signExtend(uint64_t value, unsigned width) {
  return int64_t(value << (64 - width)) >> (64 - width);
}

/// A binary floating-point format.
struct FloatFormat {
  unsigned bits;
  /// Significant bits, with the hidden one.
  int precision;
  /// Exponent of the smallest normal number.
  int minExponent;
  /// The largest finite number.
  double max;
  /// Numbers beyond `max` become `max`, as PTX conversions with `.satfinite`
  /// do; otherwise they become infinite.
  bool saturates;
  /// The all-ones exponent holds numbers, and only all ones is a NaN.
  bool finiteOnly;

  /// The format of `type`, or null if that is no float.
  static const FloatFormat *get(NumberType type);
  static const FloatFormat &tf32();

  /// Rounds to nearest, ties to even.
  double round(double value) const {
    return bits == 64 ? value : bits == 32 ? float(value) : roundNarrow(value);
  }
  /// The distance to the next number at `value`, which need not be in range.
  double ulp(double value) const;
  /// The bits of a number of this format, and back.
  uint64_t encode(double value) const;
  double decode(uint64_t bits) const;

private:
  double roundNarrow(double value) const;
};

/// Bytes that an element takes in memory; i1 takes one.
unsigned getByteWidth(NumberType type);

Element loadElement(NumberType type, const std::byte *from);
/// Rounds a float to `type` first.
void storeElement(NumberType type, Element value, std::byte *to);

/// What memory that nobody wrote holds: NaN, or a conspicuous integer.
Element getPoison(NumberType type);

/// A number as a user reads it.
std::string format(NumberType type, Element element);

} // namespace heddle::reference

#endif // HEDDLE_RUNTIME_REFERENCE_FORMATS_H
