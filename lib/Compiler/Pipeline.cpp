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
#include "mlir/Pass/PassRegistry.h"
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

/// mlir's pass with its default options: overloaded, it has no one address.
static std::unique_ptr<Pass> createCanonicalize() {
  return createCanonicalizerPass();
}

/// Checks what the author wrote and brings it into its simplest form. Functions
/// go first, so that no other pass knows them.
static void addTilePasses(OpPassManager &manager) {
  manager.addPass(createInlineFunctions());
  addKernelPasses(manager, {createVerifyTarget, createCanonicalize});
}

/// Splits kernels into roles that hand tiles to one another. Each role has its
/// own copy of the loops and scalars, which is tidied before products and
/// copies become asynchronous; from then on, equal operations are not
/// interchangeable. Rings share what shared memory layouts leave, so they are
/// planned last.
static void addRolePasses(OpPassManager &manager) {
  addKernelPasses(manager, {createNarrowMaskedLoops});
  manager.addPass(createVersionKernels());
  addKernelPasses(manager, {createMakePersistent,     createAssignRoles,
                            createRunAhead,           createInsertArefs,
                            createOverlapDots,        createSplitRoles,
                            createSplitInstances,     createCanonicalize,
                            createGuardMasks,         createCSEPass,
                            createHoistScalars,       createPipelineMma,
                            createTakeTurns,          createCheckIndices,
                            createLowerCopies,        createMulticastCopies,
                            createAssignLayouts,      createConvertLayouts,
                            createCopyAsynchronously, createPlanStages,
                            createVerifyArefs});
}

/// Makes barriers and addresses explicit.
static void addBarrierPasses(OpPassManager &manager) {
  addKernelPasses(manager,
                  {createOrderMemory, createLowerArefs, createAllocateShared});
}

void heddle::buildPipeline(OpPassManager &manager, Stage stopAfter) {
  addTilePasses(manager);
  if (stopAfter >= Stage::Aref)
    addRolePasses(manager);
  if (stopAfter >= Stage::Barriers)
    addBarrierPasses(manager);
  if (stopAfter >= Stage::NVVM) {
    manager.addPass(createConvertToNVVM());
    manager.addPass(createPackMasks());
  }
  if (stopAfter >= Stage::LLVM)
    manager.addPass(createConvertScalarsToLLVM());
}

namespace {
struct PipelineOptions : PassPipelineOptions<PipelineOptions> {
  Option<Stage> stopAfter{
      *this, "stop-after", llvm::cl::desc("the level to stop at"),
      llvm::cl::init(Stage::LLVM),
      llvm::cl::values(
          clEnumValN(Stage::Tile, "tile",
                     "as the author wrote it, verified and simplified"),
          clEnumValN(Stage::Aref, "aref", "split into roles, with layouts"),
          clEnumValN(Stage::Barriers, "barriers",
                     "with mbarriers and addresses"),
          clEnumValN(Stage::NVVM, "nvvm", "functions of one thread"),
          clEnumValN(Stage::LLVM, "llvm", "the LLVM dialect"))};
};
} // namespace

void heddle::registerPasses() {
  PassPipelineRegistration<PipelineOptions>(
      "heddle-pipeline", "every pass from tile kernels to the LLVM dialect",
      [](OpPassManager &manager, const PipelineOptions &options) {
        buildPipeline(manager, options.stopAfter);
      });
  registerHeddlePasses();
  registerHeddleConversionPasses();
}
