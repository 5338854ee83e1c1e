//===- Names.h - The author's names for values --------------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// MLIR forgets what values are called. Here, names are kept as locations,
/// which passes hand on anyway, so that printed IR reads like the author's
/// program.
///
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_COMPILER_NAMES_H
#define HEDDLE_COMPILER_NAMES_H

#include "mlir/IR/BuiltinOps.h"

namespace llvm {
class SourceMgr;
} // namespace llvm

namespace heddle {

/// Parses the main buffer of `sources`; locations have names. Null after an
/// error, which was reported.
mlir::OwningOpRef<mlir::ModuleOp> parseWithNames(const llvm::SourceMgr &sources,
                                                 mlir::MLIRContext *context);

/// Prints `module` under the names that its locations have. Where an operation
/// is the compiler's and only has the location of the author's, it loses its
/// name.
void printWithNames(mlir::ModuleOp module, llvm::raw_ostream &stream);

} // namespace heddle

#endif // HEDDLE_COMPILER_NAMES_H
