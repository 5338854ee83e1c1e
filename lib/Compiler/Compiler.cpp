//===- Compiler.cpp - From tile programs to PTX ---------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Compiler/Compiler.h"

#include "dialects/Aref/Aref.h"
#include "lib/Target/PTX.h"
#include "lib/Transforms/Passes.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/UB/IR/UBOps.h"

using namespace mlir;
using namespace heddle;

/// The grid that a persistent kernel takes after what its author declared.
static constexpr size_t gridArguments = 3;

void heddle::registerDialects(DialectRegistry &registry) {
  registry.insert<tile::TileDialect, aref::ArefDialect, arith::ArithDialect,
                  cf::ControlFlowDialect, func::FuncDialect, gpu::GPUDialect,
                  LLVM::LLVMDialect, math::MathDialect, memref::MemRefDialect,
                  NVVM::NVVMDialect, scf::SCFDialect, tensor::TensorDialect,
                  ub::UBDialect>();
  registerPTXTranslations(registry);
}

const KernelInfo *CompiledModule::find(StringRef entry) const {
  for (const KernelInfo &kernel : kernels)
    if (kernel.entry == entry)
      return &kernel;
  return nullptr;
}

/// The number of an attribute that `convert-to-nvvm` leaves.
static int64_t getNumber(Operation *op, StringRef name) {
  auto attr = op->getAttrOfType<IntegerAttr>(name);
  return attr ? attr.getInt() : 0;
}

static TensorMapInfo getTensorMap(DictionaryAttr attr) {
  TensorMapInfo info;
  info.argument = attr.getAs<IntegerAttr>("argument").getInt();
  info.swizzle = attr.getAs<IntegerAttr>("swizzle").getInt();
  info.type = attr.getAs<TypeAttr>("type").getValue();
  for (int64_t extent : attr.getAs<DenseI64ArrayAttr>("box").asArrayRef())
    info.box.push_back(extent);
  return info;
}

static KernelInfo getKernel(LLVM::LLVMFuncOp function) {
  KernelInfo info;
  info.name = info.entry = function.getSymName().str();
  info.threads = getNumber(function, "aref.threads");
  info.sharedBytes =
      getNumber(function, aref::ArefDialect::getSharedBytesAttrName());
  Attribute fallback =
      function->getAttr(aref::ArefDialect::getFallbackAttrName());
  if (auto name = dyn_cast_if_present<StringAttr>(fallback))
    info.fallback = name.str();
  else if (auto symbol = dyn_cast_if_present<FlatSymbolRefAttr>(fallback))
    info.fallback = symbol.getValue().str();
  info.persistent = function->hasAttr("aref.persistent");
  if (auto cluster = function->getAttrOfType<DenseI64ArrayAttr>(
          aref::ArefDialect::getClusterAttrName()))
    llvm::copy(cluster.asArrayRef(), info.cluster.begin());
  info.unordered = function->hasAttr(aref::ArefDialect::getUnorderedAttrName());
  auto arguments = function->getAttrOfType<ArrayAttr>("aref.arguments");
  for (Type type : arguments.getAsValueRange<TypeAttr>())
    info.arguments.push_back(type);
  if (info.persistent)
    info.arguments.resize(info.arguments.size() -
                          std::min(gridArguments, info.arguments.size()));
  if (auto maps = function->getAttrOfType<ArrayAttr>("aref.tensor_maps"))
    for (auto map : maps.getAsRange<DictionaryAttr>())
      info.tensorMaps.push_back(getTensorMap(map));
  return info;
}

LogicalResult heddle::inlineFunctions(ModuleOp module) {
  PassManager manager(module.getContext());
  manager.addPass(createInlineFunctions());
  return manager.run(module);
}

LogicalResult heddle::runPipeline(ModuleOp module, Stage stage) {
  PassManager manager(module.getContext());
  buildPipeline(manager, stage);
  return manager.run(module);
}

FailureOr<CompiledModule> heddle::compileModule(ModuleOp module,
                                                const CompileOptions &options) {
  if (failed(runPipeline(module, Stage::LLVM)))
    return failure();
  CompiledModule compiled;
  for (auto function : module.getOps<LLVM::LLVMFuncOp>())
    if (function->hasAttr(NVVM::NVVMDialect::getKernelFuncAttrName()))
      compiled.kernels.push_back(getKernel(function));
  // A fallback is launched in its origin's name.
  for (const KernelInfo &kernel : compiled.kernels)
    for (KernelInfo &other : compiled.kernels)
      if (!kernel.fallback.empty() && other.entry == kernel.fallback)
        other.name = kernel.name;

  PTXOptions ptxOptions;
  ptxOptions.optimization = options.optimization;
  ptxOptions.lineTables = options.lineTables;
  llvm::Expected<std::string> ptx = emitPTX(module, ptxOptions);
  if (!ptx) {
    module.emitError() << llvm::toString(ptx.takeError());
    return failure();
  }
  compiled.ptx = std::move(*ptx);
  return compiled;
}
