//===- Programs.h - From modules to programs of the runtime -----*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_TOOLS_HEDDLE_PROGRAMS_H
#define HEDDLE_TOOLS_HEDDLE_PROGRAMS_H

#include "dialects/Tile/Tile.h"
#include "heddle/Runtime/LaunchPlan.h"
#include "lib/Compiler/Compiler.h"
#include "mlir/IR/OwningOpRef.h"

namespace heddle {

/// A copy of the module without its host functions, which is what the compiler
/// takes.
mlir::OwningOpRef<mlir::ModuleOp> cloneKernels(mlir::ModuleOp module);

/// A compiled host function.
struct CompiledProgram {
  Program program;
  std::string ptx;
};

/// Compiles the kernels of `module` and plans the launches of `host`. Fails
/// with diagnostics.
mlir::FailureOr<CompiledProgram> compileProgram(mlir::ModuleOp module,
                                                tile::HostOp host);

} // namespace heddle

#endif // HEDDLE_TOOLS_HEDDLE_PROGRAMS_H
