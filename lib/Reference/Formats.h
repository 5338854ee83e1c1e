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

#ifndef HEDDLE_LIB_REFERENCE_FORMATS_H
#define HEDDLE_LIB_REFERENCE_FORMATS_H

#include "mlir/IR/BuiltinTypes.h"

#include <cstddef>
#include <cstdint>

namespace heddle::reference {

/// One number. Floats are kept as doubles, integers zero-extended from their
/// width; `index` has 64 bits.
union Element {
  double f;
  uint64_t i;
};

inline Element makeFloat(double value) { return {.f = value}; }
inline Element makeInt(uint64_t value) { return {.i = value}; }

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

  /// The format of `type`, or null if the reference does not know it: it knows
  /// f64, f32, tf32, f16, bf16, f8E4M3FN and f8E5M2.
  static const FloatFormat *get(mlir::Type type);
  static const FloatFormat &tf32();

  /// Rounds to nearest, ties to even.
  double round(double value) const;
  /// The distance to the next number at `value`, which need not be in range.
  double ulp(double value) const;
  /// The bits of a number of this format, and back.
  uint64_t encode(double value) const;
  double decode(uint64_t bits) const;
};

/// Whether elements of `type` can be interpreted: a float as above, an integer
/// of up to 64 bits, or an index.
bool isSupported(mlir::Type type);

/// The width of an integer or index.
unsigned getIntegerWidth(mlir::Type type);

/// Bytes that an element takes in memory; i1 takes one.
unsigned getByteWidth(mlir::Type type);

Element loadElement(mlir::Type type, const std::byte *from);
/// Rounds a float to `type` first.
void storeElement(mlir::Type type, Element value, std::byte *to);

/// What memory that nobody wrote holds: NaN, or a conspicuous integer.
Element getPoison(mlir::Type type);

} // namespace heddle::reference

#endif // HEDDLE_LIB_REFERENCE_FORMATS_H
