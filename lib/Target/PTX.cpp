//===- PTX.cpp - PTX text from the LLVM dialect ---------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Target/PTX.h"

#include "mlir/Dialect/LLVMIR/Transforms/Passes.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/NVVM/NVVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"

#include "llvm/Analysis/TargetTransformInfo.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/Instructions.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/OptimizationLevel.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"

using namespace heddle;

static constexpr llvm::StringLiteral targetName = "nvptx64-nvidia-cuda";
static constexpr llvm::StringLiteral chipName = "sm_90a";
/// The version of the PTX language: what CUDA 12.3 and later read.
static constexpr llvm::StringLiteral features = "+ptx83";

void heddle::registerPTXTranslations(mlir::DialectRegistry &registry) {
  mlir::registerBuiltinDialectTranslation(registry);
  mlir::registerLLVMDialectTranslation(registry);
  mlir::registerNVVMDialectTranslation(registry);
}

static llvm::Error makeError(const llvm::Twine &message) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
}

static llvm::Expected<std::unique_ptr<llvm::TargetMachine>>
createTargetMachine(unsigned optimization) {
  static bool initialized = [] {
    LLVMInitializeNVPTXTarget();
    LLVMInitializeNVPTXTargetInfo();
    LLVMInitializeNVPTXTargetMC();
    LLVMInitializeNVPTXAsmPrinter();
    // Addresses in shared memory take one register. The target has no other way
    // to ask for it.
    auto &registered = llvm::cl::getRegisteredOptions();
    if (auto it = registered.find("nvptx-short-ptr"); it != registered.end())
      it->second->addOccurrence(0, it->first, "true");
    return true;
  }();
  (void)initialized;
  llvm::Triple triple(targetName);
  std::string message;
  const llvm::Target *target =
      llvm::TargetRegistry::lookupTarget(triple, message);
  if (!target)
    return makeError("expected an LLVM with the NVPTX target: " + message);
  auto level = llvm::CodeGenOpt::getLevel(optimization);
  llvm::TargetOptions options;
  return std::unique_ptr<llvm::TargetMachine>(target->createTargetMachine(
      triple, chipName, features, options, std::nullopt, std::nullopt,
      level.value_or(llvm::CodeGenOptLevel::Aggressive)));
}

/// Inline PTX may synchronize threads, so no pass may make it depend on more
/// conditions, or on fewer, than it does.
static void markConvergent(llvm::Module &module) {
  for (llvm::Function &function : module) {
    if (!function.isDeclaration())
      function.setConvergent();
    for (llvm::Instruction &inst : llvm::instructions(function)) {
      auto *call = llvm::dyn_cast<llvm::CallInst>(&inst);
      if (!call || !call->isInlineAsm())
        continue;
      call->setConvergent();
      call->setDoesNotThrow();
    }
  }
}

static void optimize(llvm::Module &module, llvm::TargetMachine &machine,
                     unsigned level) {
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager graphs;
  llvm::ModuleAnalysisManager modules;
  llvm::PipelineTuningOptions tuning;
  // Threads are vectorized already, and loops over tiles unrolled.
  tuning.LoopUnrolling = false;
  tuning.LoopInterleaving = false;
  tuning.LoopVectorization = false;
  tuning.SLPVectorization = false;
  llvm::PassBuilder builder(&machine, tuning);
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(graphs);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, graphs, modules);
  const llvm::OptimizationLevel levels[] = {
      llvm::OptimizationLevel::O0, llvm::OptimizationLevel::O1,
      llvm::OptimizationLevel::O2, llvm::OptimizationLevel::O3};
  llvm::ModulePassManager passes =
      level == 0
          ? builder.buildO0DefaultPipeline(levels[0])
          : builder.buildPerModuleDefaultPipeline(levels[std::min(level, 3u)]);
  passes.run(module, modules);
}

/// The place of an operation itself, without where its function was called.
static mlir::Location getInnermost(mlir::Location location) {
  while (true) {
    if (auto named = llvm::dyn_cast<mlir::NameLoc>(location))
      location = named.getChildLoc();
    else if (auto call = llvm::dyn_cast<mlir::CallSiteLoc>(location))
      location = call.getCallee();
    else
      return location;
  }
}

/// Gives functions a debug scope, without which there are no line numbers. An
/// instruction has one line. Of an inlined function, that would be the call's.
static llvm::Error addDebugScopes(mlir::ModuleOp module) {
  module.walk(
      [](mlir::Operation *op) { op->setLoc(getInnermost(op->getLoc())); });
  mlir::PassManager passes(module.getContext());
  mlir::LLVM::DIScopeForLLVMFuncOpPassOptions options;
  options.emissionKind = mlir::LLVM::DIEmissionKind::DebugDirectivesOnly;
  passes.addPass(mlir::LLVM::createDIScopeForLLVMFuncOpPass(options));
  if (failed(passes.run(module)))
    return makeError("cannot attach debug scopes");
  return llvm::Error::success();
}

llvm::Expected<std::string> heddle::emitPTX(mlir::ModuleOp module,
                                            const PTXOptions &options) {
  if (options.lineTables)
    if (llvm::Error error = addDebugScopes(module))
      return error;
  auto machine = createTargetMachine(options.optimization);
  if (!machine)
    return machine.takeError();

  llvm::LLVMContext context;
  std::unique_ptr<llvm::Module> llvmModule =
      mlir::translateModuleToLLVMIR(module, context);
  if (!llvmModule)
    return makeError("cannot translate the module to LLVM IR");
  llvmModule->setTargetTriple((*machine)->getTargetTriple());
  llvmModule->setDataLayout((*machine)->createDataLayout());
  markConvergent(*llvmModule);
  optimize(*llvmModule, **machine, options.optimization);

  llvm::SmallString<0> text;
  llvm::raw_svector_ostream stream(text);
  llvm::legacy::PassManager emission;
  if ((*machine)->addPassesToEmitFile(emission, stream, nullptr,
                                      llvm::CodeGenFileType::AssemblyFile))
    return makeError("cannot emit PTX");
  emission.run(*llvmModule);
  return std::string(text);
}
