//===- Programs.cpp - From modules to programs of the runtime -------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/heddle/Programs.h"

#include "lib/Compiler/HostPlan.h"

using namespace mlir;
using namespace heddle;

OwningOpRef<ModuleOp> heddle::cloneKernels(ModuleOp module) {
  OwningOpRef<ModuleOp> kernels(module.clone());
  for (tile::HostOp host :
       llvm::make_early_inc_range(kernels->getOps<tile::HostOp>()))
    host.erase();
  return kernels;
}

/// How the runtime calls the elements of a tensor map.
static std::optional<TensorMapType> getTensorMapType(Type type) {
  if (isa<FloatTF32Type>(type))
    return TensorMapType::TF32;
  std::optional<ElementType> element = getElementType(type);
  return element ? heddle::getTensorMapType(*element) : std::nullopt;
}

static FailureOr<KernelEntry> makeEntry(Location location,
                                        const KernelInfo &info) {
  KernelEntry kernel;
  kernel.entry = info.entry;
  kernel.threads = info.threads;
  kernel.sharedBytes = info.sharedBytes;
  kernel.fallback = info.fallback;
  kernel.persistent = info.persistent;
  for (Type type : info.arguments) {
    FailureOr<KernelParameter> parameter = getKernelParameter(location, type);
    if (failed(parameter))
      return failure();
    kernel.parameters.push_back(std::move(*parameter));
  }
  for (const TensorMapInfo &map : info.tensorMaps) {
    std::optional<TensorMapType> type = getTensorMapType(map.type);
    if (!type)
      return emitError(location)
             << "no tensor map has elements of " << map.type;
    kernel.tensorMaps.push_back(
        {map.argument, map.box, Swizzle(map.swizzle), *type});
  }
  return kernel;
}

FailureOr<CompiledProgram> heddle::compileProgram(ModuleOp module,
                                                  tile::HostOp host) {
  CompiledProgram result;
  FailureOr<LaunchPlan> plan = buildLaunchPlan(host);
  if (failed(plan))
    return failure();
  result.program.plans.push_back(std::move(*plan));
  OwningOpRef<ModuleOp> kernels = cloneKernels(module);
  FailureOr<CompiledModule> compiled = compileModule(*kernels, {});
  if (failed(compiled))
    return failure();
  for (const KernelInfo &info : compiled->kernels) {
    FailureOr<KernelEntry> entry = makeEntry(host.getLoc(), info);
    if (failed(entry))
      return failure();
    result.program.kernels.push_back(std::move(*entry));
  }
  result.ptx = std::move(compiled->ptx);
  return result;
}
