//===- Compile.h - From programs to what packages hold ----------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_LIB_JIT_COMPILE_H
#define HEDDLE_LIB_JIT_COMPILE_H

#include "lib/Jit/JitImpl.h"

namespace heddle {

/// Compiles the text of a program. The error has its diagnostics; those of a
/// program that compiles are warnings of `jit`.
Expected<PackageContents>
compileText(const Jit::Impl &jit, llvm::StringRef source, llvm::StringRef name);

/// Compiles a module in MLIR's bytecode.
Expected<PackageContents> compileBytecode(const Jit::Impl &jit,
                                          llvm::StringRef bytecode,
                                          llvm::StringRef name);

} // namespace heddle

#endif // HEDDLE_LIB_JIT_COMPILE_H
