//===- heddle-translate.cpp - From the LLVM dialect to PTX ----------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Compiler/Compiler.h"
#include "lib/Target/PTX.h"
#include "mlir/Tools/mlir-translate/MlirTranslateMain.h"
#include "mlir/Tools/mlir-translate/Translation.h"

int main(int argc, char **argv) {
  mlir::TranslateFromMLIRRegistration registration(
      "mlir-to-ptx", "translate the LLVM dialect to PTX for sm_90a",
      [](mlir::ModuleOp module,
         llvm::raw_ostream &stream) -> llvm::LogicalResult {
        llvm::Expected<std::string> ptx = heddle::emitPTX(module);
        if (!ptx)
          return module.emitError() << llvm::toString(ptx.takeError());
        stream << *ptx;
        return mlir::success();
      },
      [](mlir::DialectRegistry &registry) {
        heddle::registerDialects(registry);
      });
  return mlir::failed(
      mlir::mlirTranslateMain(argc, argv, "Heddle translations\n"));
}
