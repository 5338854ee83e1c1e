//===- Packaging.cpp - From modules to packages ---------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Compiler/Packaging.h"

#include "lib/Compiler/HostPlan.h"
#include "lib/Reference/Translate.h"
#include "lib/Target/Cubin.h"

#include "llvm/Config/llvm-config.h"

using namespace mlir;
using namespace heddle;

/// The architecture that the compiler emits code for.
static constexpr StringLiteral targetName = "sm_90a";

OwningOpRef<ModuleOp> heddle::cloneKernels(ModuleOp module) {
  OwningOpRef<ModuleOp> kernels(module.clone());
  for (tile::HostOp host :
       llvm::make_early_inc_range(kernels->getOps<tile::HostOp>()))
    host.erase();
  return kernels;
}

//===----------------------------------------------------------------------===//
// Kernels
//===----------------------------------------------------------------------===//

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
  kernel.cluster = {info.cluster[0], info.cluster[1], info.cluster[2]};
  kernel.unordered = info.unordered;
  kernel.location = getFileAndLine(location);
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

static LogicalResult addKernels(ModuleOp module, const PackageOptions &options,
                                PackageContents &contents) {
  OwningOpRef<ModuleOp> kernels = cloneKernels(module);
  FailureOr<CompiledModule> compiled = compileModule(*kernels, options.compile);
  if (failed(compiled))
    return failure();
  for (const KernelInfo &info : compiled->kernels) {
    // Where the author wrote it; passes may have moved it.
    auto author = module.lookupSymbol<tile::KernelOp>(info.name);
    FailureOr<KernelEntry> entry =
        makeEntry(author ? author.getLoc() : module.getLoc(), info);
    if (failed(entry))
      return failure();
    contents.info.program.kernels.push_back(std::move(*entry));
  }
  contents.ptx = std::move(compiled->ptx);
  return success();
}

//===----------------------------------------------------------------------===//
// Machine code
//===----------------------------------------------------------------------===//

/// Assembles the PTX text if there is a ptxas.
static LogicalResult addCubin(ModuleOp module, PackageContents &contents) {
  llvm::Expected<std::string> ptxas = findPtxas();
  if (!ptxas) {
    llvm::consumeError(ptxas.takeError());
    return success();
  }
  llvm::Expected<std::string> version = getPtxasVersion();
  if (!version)
    return module.emitError() << llvm::toString(version.takeError());
  llvm::Expected<Cubin> cubin = assembleCubin(contents.ptx);
  if (!cubin)
    return module.emitError() << llvm::toString(cubin.takeError());
  for (const std::string &warning : cubin->warnings)
    module.emitWarning() << "ptxas: " << warning;
  for (const EntryUsage &usage : cubin->entries)
    contents.info.resources.push_back(
        {usage.entry, targetName.str(), usage.registers, usage.sharedBytes,
         usage.spillStoreBytes, usage.spillLoadBytes});
  contents.cubins.push_back({targetName.str(), std::move(cubin->image)});
  contents.info.producer += ", ptxas " + *version;
  return success();
}

//===----------------------------------------------------------------------===//
// Packages
//===----------------------------------------------------------------------===//

/// Adds what the program means, if that is wanted.
static LogicalResult addReference(ModuleOp module, ReferenceSection kind,
                                  PackageContents &contents) {
  if (kind == ReferenceSection::None)
    return success();
  if (kind == ReferenceSection::Required) {
    FailureOr<reference::Program> program = reference::translateProgram(module);
    if (failed(program))
      return failure();
    contents.reference = program->serialize();
    return success();
  }
  // The first error becomes a warning at the same place.
  std::optional<Location> place;
  std::string why;
  FailureOr<reference::Program> program = [&] {
    ScopedDiagnosticHandler keep(module.getContext(), [&](Diagnostic &error) {
      if (!place) {
        place = error.getLocation();
        why = error.str();
      }
      return success();
    });
    return reference::translateProgram(module);
  }();
  if (succeeded(program))
    contents.reference = program->serialize();
  else
    emitWarning(*place) << "the package cannot be checked: " << why;
  return success();
}

FailureOr<PackageContents> heddle::buildPackage(ModuleOp module,
                                                const PackageOptions &options) {
  PackageContents contents;
  contents.info.producer =
      "heddle " HEDDLE_VERSION ", LLVM " LLVM_VERSION_STRING;
  contents.info.target = targetName.str();
  contents.info.sources = options.sources;
  for (tile::HostOp host : module.getOps<tile::HostOp>()) {
    FailureOr<LaunchPlan> plan = buildLaunchPlan(host);
    if (failed(plan))
      return failure();
    contents.info.program.plans.push_back(std::move(*plan));
  }
  if (failed(addReference(module, options.reference, contents)) ||
      failed(addKernels(module, options, contents)))
    return failure();
  if (Expected<void> valid = verifyProgram(contents.info.program); !valid)
    return module.emitError()
           << "the runtime cannot run this: " << valid.error().message;
  if (options.cubins && failed(addCubin(module, contents)))
    return failure();
  return contents;
}
