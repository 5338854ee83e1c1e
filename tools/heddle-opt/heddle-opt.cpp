//===- heddle-opt.cpp - Runs Heddle's passes one by one -------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/Aref/Aref.h"
#include "dialects/Tile/Tile.h"
#include "lib/Transforms/Passes.h"
#include "mlir/InitAllDialects.h"
#include "mlir/InitAllPasses.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  mlir::registerAllDialects(registry);
  registry.insert<heddle::tile::TileDialect, heddle::aref::ArefDialect>();
  mlir::registerAllPasses();
  heddle::registerHeddlePasses();
  return mlir::asMainReturnCode(
      mlir::MlirOptMain(argc, argv, "Heddle pass driver\n", registry));
}
