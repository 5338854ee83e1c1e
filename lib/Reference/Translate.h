//===- Translate.h - From modules to what they mean -------------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_LIB_REFERENCE_TRANSLATE_H
#define HEDDLE_LIB_REFERENCE_TRANSLATE_H

#include "dialects/Tile/Tile.h"
#include "runtime/reference/Program.h"

namespace heddle::reference {

/// The author's program in the form that the runtime interprets: all host
/// functions of `module` and the kernels that they launch. Emits an error at
/// every operation that the reference does not know.
mlir::FailureOr<Program> translateProgram(mlir::ModuleOp module);

/// The same for one host function.
mlir::FailureOr<Program> translateProgram(tile::HostOp host);

} // namespace heddle::reference

#endif // HEDDLE_LIB_REFERENCE_TRANSLATE_H
