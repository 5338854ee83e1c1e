//===- MakeError.h - Making errors ------------------------------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// For Heddle's own sources: the headers that are installed do without fmt.
///
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_RUNTIME_MAKEERROR_H
#define HEDDLE_RUNTIME_MAKEERROR_H

#include "heddle/Runtime/Error.h"

#include <fmt/format.h>
#include <utility>

namespace heddle {

/// Builds an error result: `return makeError(ErrorKind::Fault, "... {}", x);`.
template <typename... Args>
tl::unexpected<Error>
makeError(ErrorKind kind, fmt::format_string<Args...> format, Args &&...args) {
  return tl::unexpected<Error>(
      Error{kind, fmt::format(format, std::forward<Args>(args)...)});
}

} // namespace heddle

#endif // HEDDLE_RUNTIME_MAKEERROR_H
