//===- Files.h - Writing files ----------------------------------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_TOOLS_HEDDLE_FILES_H
#define HEDDLE_TOOLS_HEDDLE_FILES_H

#include "heddle/Runtime/Error.h"

#include "llvm/ADT/StringRef.h"

namespace heddle {

/// Writes a file, which appears whole or not at all; `-` is the standard
/// output.
Expected<void> writeFile(llvm::StringRef path, llvm::StringRef contents);

} // namespace heddle

#endif // HEDDLE_TOOLS_HEDDLE_FILES_H
