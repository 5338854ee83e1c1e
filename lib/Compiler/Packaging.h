//===- Packaging.h - From modules to packages -------------------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_LIB_COMPILER_PACKAGING_H
#define HEDDLE_LIB_COMPILER_PACKAGING_H

#include "heddle/Runtime/Package.h"
#include "lib/Compiler/Compiler.h"
#include "mlir/IR/OwningOpRef.h"

namespace heddle {

/// Whether a package has the program's reference semantics.
enum class ReferenceSection {
  None,
  /// It has, unless they do not cover the program, which is a warning.
  IfCovered,
  /// What they do not cover is an error.
  Required,
};

struct PackageOptions {
  CompileOptions compile;
  /// Adds machine code if there is a ptxas, and what that says of it.
  bool cubins = false;
  ReferenceSection reference = ReferenceSection::IfCovered;
  /// The files that the module came from.
  std::vector<SourceFile> sources;
};

/// A copy of the module without its host functions, which is what the compiler
/// takes.
mlir::OwningOpRef<mlir::ModuleOp> cloneKernels(mlir::ModuleOp module);

/// Compiles all kernels and plans all host functions of `module`, which stays
/// as it is. Fails with diagnostics. A module without host functions makes a
/// package that can be loaded but not run.
mlir::FailureOr<PackageContents>
buildPackage(mlir::ModuleOp module, const PackageOptions &options = {});

} // namespace heddle

#endif // HEDDLE_LIB_COMPILER_PACKAGING_H
