//===- Files.h - Writing files ----------------------------------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_RUNTIME_TOOLS_HEDDLE_FILES_H
#define HEDDLE_RUNTIME_TOOLS_HEDDLE_FILES_H

#include "heddle/Runtime/Error.h"

namespace heddle {

/// Writes a file, which appears whole or not at all; `-` is the standard
/// output.
Expected<void> writeFile(const std::string &path, std::string_view contents);

/// Fails, with the same message, if `writeFile` is bound to fail, now.
Expected<void> checkWritable(const std::string &path);

} // namespace heddle

#endif // HEDDLE_RUNTIME_TOOLS_HEDDLE_FILES_H
