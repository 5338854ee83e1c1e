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
                                     llvm::raw_ostream &stream)
    : print(sources, context, stream),
      dropRepeated(context, [this](Diagnostic &diagnostic) {
        std::string text;
        llvm::raw_string_ostream(text)
            << diagnostic.getLocation() << diagnostic;
        return success(!said.insert(text).second);
      }) {}
