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
