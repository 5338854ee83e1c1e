//===- PTX.h - PTX text from the LLVM dialect -------------------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_TARGET_PTX_H
#define HEDDLE_TARGET_PTX_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/DialectRegistry.h"

#include "llvm/Support/Error.h"

#include <string>

namespace heddle {

struct PTXOptions {
  /// 0 to 3, of LLVM.
  unsigned optimization = 3;
  /// `.loc` directives; functions without a debug scope get one.
  bool lineTables = true;
};

/// Registers the translations of the dialects that `emitPTX` meets.
void registerPTXTranslations(mlir::DialectRegistry &registry);

/// Translates a module of the LLVM dialect to PTX for sm_90a.
llvm::Expected<std::string> emitPTX(mlir::ModuleOp module,
                                    const PTXOptions &options = {});

} // namespace heddle

#endif // HEDDLE_TARGET_PTX_H
