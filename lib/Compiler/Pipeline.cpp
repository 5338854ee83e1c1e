//===- Pipeline.cpp - The order of the passes -----------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Compiler/Compiler.h"
#include "lib/Conversion/Passes.h"
#include "lib/Transforms/Passes.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;
using namespace heddle;

/// Passes over one kernel, in order.
static void addKernelPasses(OpPassManager &manager,
                            ArrayRef<std::unique_ptr<Pass> (*)()> passes) {
  OpPassManager &kernels = manager.nest<tile::KernelOp>();
  for (std::unique_ptr<Pass> (*create)() : passes)
    kernels.addPass(create());
}

/// Splits kernels into roles that hand tiles to one another.
static void addRolePasses(OpPassManager &manager) {
  manager.addPass(createVersionKernels());
  addKernelPasses(manager,
                  {createMakePersistent, createAssignRoles, createInsertArefs,
                   createSplitRoles, createSplitInstances, createPipelineMma,
                   createLowerCopies, createPlanStages, createVerifyArefs});
}

/// Makes registers, barriers and addresses explicit.
static void addBarrierPasses(OpPassManager &manager) {
  addKernelPasses(manager, {createAssignLayouts, createConvertLayouts,
                            createLowerArefs, createAllocateShared});
}

void heddle::buildPipeline(OpPassManager &manager, Stage stopAfter) {
  addKernelPasses(manager, {createVerifyTarget});
  if (stopAfter >= Stage::Aref)
    addRolePasses(manager);
  if (stopAfter >= Stage::Barriers)
    addBarrierPasses(manager);
  if (stopAfter >= Stage::NVVM)
    manager.addPass(createConvertToNVVM());
  if (stopAfter >= Stage::LLVM)
    manager.addPass(createConvertScalarsToLLVM());
}

void heddle::registerPasses() {
  registerHeddlePasses();
  registerHeddleConversionPasses();
}
