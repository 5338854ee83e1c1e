//===- Errors.h - Errors of the runtime as exceptions -----------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_PYTHON_ERRORS_H
#define HEDDLE_PYTHON_ERRORS_H

#include "heddle/Runtime/Error.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nanobind/nanobind.h>
// In every file, since casts of strings mean something else without it.
#include <nanobind/stl/string.h>

namespace heddle::python {

namespace nb = nanobind;

/// Raises the exception of heddle/_errors.py for the kind of `error`.
[[noreturn]] void raise(const Error &error);
/// Raises a `CompileError` instead if the input is wrong.
[[noreturn]] void raiseCompileError(const Error &error);

/// Raises an `InputError`.
template <typename... Args>
[[noreturn]] void refuse(fmt::format_string<Args...> format, Args &&...args) {
  raise(Error{ErrorKind::InvalidInput,
              fmt::format(format, std::forward<Args>(args)...)});
}

/// Raises an `InputError` with the Python error that is set as its cause, and
/// with what that says after `prefix`.
[[noreturn]] void refuseFromCurrent(const std::string &prefix);

/// The value, or an exception.
template <typename T>
T unwrap(Expected<T> result) {
  if (!result)
    raise(result.error());
  if constexpr (!std::is_void_v<T>)
    return std::move(*result);
}

} // namespace heddle::python

#endif // HEDDLE_PYTHON_ERRORS_H
