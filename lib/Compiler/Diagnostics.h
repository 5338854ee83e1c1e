//===- Diagnostics.h - How problems are printed -----------------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_COMPILER_DIAGNOSTICS_H
#define HEDDLE_COMPILER_DIAGNOSTICS_H

#include "mlir/IR/Diagnostics.h"

#include "llvm/ADT/StringSet.h"

namespace heddle {

/// Prints the diagnostics of a context with the author's lines for as long as
/// it lives. A kernel and its twin without TMA share the author's lines, so
/// what is wrong with both is said once. Remarks tell what could be better, and
/// are for who asks.
class DiagnosticPrinter {
public:
  /// All of these must outlive the object.
  DiagnosticPrinter(llvm::SourceMgr &sources, mlir::MLIRContext *context,
                    llvm::raw_ostream &stream, bool printsRemarks = false);

private:
  llvm::StringSet<> said;
  mlir::SourceMgrDiagnosticHandler print;
  /// Asked first, since it was registered last.
  mlir::ScopedDiagnosticHandler drop;
};

} // namespace heddle

#endif // HEDDLE_COMPILER_DIAGNOSTICS_H
