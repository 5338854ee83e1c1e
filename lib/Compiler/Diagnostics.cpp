//===- Diagnostics.cpp - How problems are printed -------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Compiler/Diagnostics.h"

#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace heddle;

DiagnosticPrinter::DiagnosticPrinter(llvm::SourceMgr &sources,
                                     MLIRContext *context,
                                     llvm::raw_ostream &stream,
                                     bool printsRemarks)
    : print(sources, context, stream),
      drop(context, [this, printsRemarks](Diagnostic &diagnostic) {
        if (diagnostic.getSeverity() == DiagnosticSeverity::Remark &&
            !printsRemarks)
          return success();
        std::string text;
        llvm::raw_string_ostream(text)
            << diagnostic.getLocation() << diagnostic;
        return success(!said.insert(text).second);
      }) {}
