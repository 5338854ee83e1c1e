//===- Error.h - Errors as values -------------------------------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The runtime reports failures as values. Nothing below the C ABI throws on
/// user input: a function that can fail returns `Expected<T>`.
///
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_RUNTIME_ERROR_H
#define HEDDLE_RUNTIME_ERROR_H

#include <string>
#include <tl/expected.hpp>

namespace heddle {

/// What kind of thing went wrong; the driver turns it into an exit code.
enum class ErrorKind {
  /// The caller's input is wrong: a file, a shape, an option, a program.
  InvalidInput,
  /// The program is well formed but did something illegal while it ran: out of
  /// bounds, misaligned, deadlocked.
  Fault,
  /// A resource or tool is missing: memory, driver, ptxas.
  Unavailable,
};

/// One message a user can act on: what, where and the nearest thing that works.
struct Error {
  ErrorKind kind = ErrorKind::InvalidInput;
  std::string message;
};

template <typename T>
using Expected = tl::expected<T, Error>;

} // namespace heddle

#endif // HEDDLE_RUNTIME_ERROR_H
