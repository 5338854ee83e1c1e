//===- ReadFile.h - Whole files in memory -----------------------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_RUNTIME_PACKAGE_READFILE_H
#define HEDDLE_RUNTIME_PACKAGE_READFILE_H

#include "heddle/Runtime/Error.h"

#include <cstddef>
#include <string>
#include <string_view>

namespace heddle::package {

/// The contents of a regular file of at most `maxBytes`. Messages call it
/// `what`: "a package".
Expected<std::string> readFile(const std::string &path, size_t maxBytes,
                               std::string_view what);

} // namespace heddle::package

#endif // HEDDLE_RUNTIME_PACKAGE_READFILE_H
