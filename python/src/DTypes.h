//===- DTypes.h - Element types as Python calls them ------------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_PYTHON_DTYPES_H
#define HEDDLE_PYTHON_DTYPES_H

#include "Errors.h"
#include "heddle/Runtime/ElementType.h"

namespace heddle::python {

/// The name that NumPy, ml_dtypes and PyTorch have for a type: "bfloat16".
std::string_view getDTypeName(ElementType type);

/// The element type of a NumPy, ml_dtypes or PyTorch type, or of a name of
/// theirs or of a program's. Raises an error if programs have no such type.
ElementType getElementType(nb::handle dtype);

/// The type of the elements of a NumPy array.
struct ArrayType {
  ElementType type = ElementType::F32;
  /// An integer whose bits may be those of a type that NumPy has not.
  bool isCarrier = false;
  /// The elements are not of NumPy itself, so that it exports no buffer of
  /// them: what to view them as.
  const char *viewAs = nullptr;
};

/// Reads the dtype of a NumPy array; nothing if programs have no such type.
std::optional<ArrayType> getArrayType(nb::handle dtype);

/// Whether integers of `found` can stand for elements of `wanted`.
bool isCarrierOf(ElementType found, ElementType wanted);

/// What an argument of `type` may be, for messages.
std::string describeExpected(ElementType type);

} // namespace heddle::python

#endif // HEDDLE_PYTHON_DTYPES_H
