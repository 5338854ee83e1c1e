//===- Errors.h - CUDA's errors by name ----------------------- -*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_TEST_RUNTIME_LIBCUDA_ERRORS_H
#define HEDDLE_TEST_RUNTIME_LIBCUDA_ERRORS_H

#include "cuda/DriverApi.h"

#include <optional>

namespace heddle::cuda {

/// The name of an error, or null for a number that is none.
const char *getName(Result result);
/// The error with that name or number.
std::optional<Result> parseResult(std::string_view text);
/// Errors after which the context is of no more use.
bool isSticky(Result result);

} // namespace heddle::cuda

#endif // HEDDLE_TEST_RUNTIME_LIBCUDA_ERRORS_H
