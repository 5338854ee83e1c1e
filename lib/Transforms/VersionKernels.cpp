//===- VersionKernels.cpp - One kernel per way of copying tiles -----------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Transforms/OperandLoads.h"
#include "lib/Transforms/Passes.h"
#include "mlir/IR/SymbolTable.h"

namespace heddle {
#define GEN_PASS_DEF_VERSIONKERNELS
#include "lib/Transforms/Passes.h.inc"
} // namespace heddle

using namespace mlir;
using namespace heddle;

static bool hasDot(tile::KernelOp kernel) {
  return kernel.getBody()
      .walk([](tile::DotOp) { return WalkResult::interrupt(); })
      .wasInterrupted();
}

/// Whether the kernel gets a version whose producer copies by TMA. It does if
/// every load of the producer can: two mechanisms in one producer would need
/// two kinds of barriers.
static bool canUseTma(tile::KernelOp kernel) {
  SmallVector<tile::LoadOp> loads = OperandLoads(kernel).getEligible();
  for (tile::LoadOp load : loads) {
    std::string obstacle = getTmaObstacle(load);
    if (obstacle.empty())
      continue;
    // Rows that are gathered could not be copied in another way; views often
    // could.
    InFlightDiagnostic diagnostic = load.isGather()
                                        ? load.emitRemark("keeps kernel '@")
                                        : load.emitWarning("keeps kernel '@");
    diagnostic << kernel.getSymName() << "' from using the TMA: " << obstacle;
    return false;
  }
  return !loads.empty();
}

namespace {
struct VersionKernels : heddle::impl::VersionKernelsBase<VersionKernels> {
  void runOnOperation() override {
    SymbolTable symbols(getOperation());
    Builder builder(&getContext());
    StringRef copies = aref::ArefDialect::getCopiesAttrName();
    for (tile::KernelOp kernel :
         llvm::to_vector(getOperation().getOps<tile::KernelOp>())) {
      // The author chose.
      if (kernel->hasAttr(copies))
        continue;
      kernel->setAttr(copies, builder.getStringAttr("plain"));
      if (!hasDot(kernel) || !canUseTma(kernel))
        continue;
      tile::KernelOp plain = kernel.clone();
      plain->removeAttr(tile::TileDialect::getClusterAttrName());
      plain.setSymName((kernel.getSymName() + "_plain").str());
      // Makes the name unique.
      StringAttr name = symbols.insert(plain, ++Block::iterator(kernel));
      kernel->setAttr(copies, builder.getStringAttr("tma"));
      kernel->setAttr(aref::ArefDialect::getFallbackAttrName(), name);
    }
  }
};
} // namespace
