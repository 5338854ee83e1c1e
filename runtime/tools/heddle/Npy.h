//===- Npy.h - Arrays in the file format of NumPy ---------------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Reads and writes `.npy` files. xtensor's reader was not used because it
/// throws on, and in cases walks over, what it does not expect, and knows
/// neither NumPy's void types, in which bf16 and f8 travel, nor dictionaries in
/// another order. The format: numpy.org/neps/nep-0001-npy-format.html.
///
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_RUNTIME_TOOLS_HEDDLE_NPY_H
#define HEDDLE_RUNTIME_TOOLS_HEDDLE_NPY_H

#include "heddle/Runtime/Error.h"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace heddle {

/// An array of little-endian numbers in row-major order.
struct NpyArray {
  /// NumPy's kind: f, i, u, b or V.
  char kind = 'f';
  /// Bytes of an element: 1, 2, 4 or 8.
  uint32_t width = 4;
  std::vector<int64_t> shape;
  std::vector<std::byte> bytes;
};

/// Reads a file of at most `maxBytes`, which may be a pipe. Arrays in Fortran
/// order are transposed.
Expected<NpyArray> readNpy(const std::string &path, size_t maxBytes);

/// Parses the contents of a file; `name` is what messages call it.
Expected<NpyArray> parseNpy(std::string contents, const std::string &name);

/// The contents of a file.
std::string formatNpy(const NpyArray &array);

} // namespace heddle

#endif // HEDDLE_RUNTIME_TOOLS_HEDDLE_NPY_H
