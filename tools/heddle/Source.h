//===- Source.h - Reading programs ------------------------------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_TOOLS_HEDDLE_SOURCE_H
#define HEDDLE_TOOLS_HEDDLE_SOURCE_H

#include "dialects/Tile/Tile.h"
#include "heddle/Runtime/Package.h"
#include "lib/Compiler/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"
#include "tools/heddle/Messages.h"

#include "llvm/Support/SourceMgr.h"

namespace heddle {

/// A program and everything that its diagnostics need. Diagnostics go to the
/// standard error with the author's line, for as long as the object lives.
class Source {
public:
  Source();

  /// Reads and verifies `file`, which is `-` for the standard input, and puts
  /// its functions where they are called. Says what is wrong if it fails.
  /// Remarks are dropped unless they are asked for.
  mlir::LogicalResult read(const std::string &file, bool printsRemarks);

  /// Says so and fails if the program has nothing to compile.
  mlir::LogicalResult requireContents();

  mlir::ModuleOp getModule() { return *module; }

  /// The name and the hash of what was read.
  SourceFile getFile() const;

  /// The text, for messages of the runtime.
  SourceText getText() const;

private:
  mlir::MLIRContext context;
  llvm::SourceMgr sourceManager;
  std::unique_ptr<DiagnosticPrinter> diagnostics;
  mlir::OwningOpRef<mlir::ModuleOp> module;
};

} // namespace heddle

#endif // HEDDLE_TOOLS_HEDDLE_SOURCE_H
