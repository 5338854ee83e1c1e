//===- CompileToRun.cpp - Programs that are compiled when they run --------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Compiler/HostPlan.h"
#include "lib/Compiler/Packaging.h"
#include "lib/Reference/Translate.h"
#include "reference/ProgramReference.h"
#include "tools/heddle/Commands.h"
#include "tools/heddle/Load.h"
#include "tools/heddle/Source.h"

using namespace mlir;
using namespace heddle;

/// What `module` means, where that is all that is asked for: nothing is
/// compiled.
static FailureOr<LoadedProgram> loadReference(ModuleOp module) {
  LoadedProgram loaded;
  for (tile::HostOp host : module.getOps<tile::HostOp>()) {
    FailureOr<LaunchPlan> plan = buildLaunchPlan(host);
    if (failed(plan))
      return failure();
    loaded.program.plans.push_back(std::move(*plan));
  }
  FailureOr<reference::Program> program = reference::translateProgram(module);
  if (failed(program))
    return failure();
  loaded.reference = reference::makeReference(std::move(*program));
  return loaded;
}

/// The same package as `heddle compile` makes, but for machine code.
static FailureOr<LoadedProgram> loadPackage(ModuleOp module,
                                            const LoadRequest &request) {
  PackageOptions options;
  options.reference = request.needsReference ? ReferenceSection::Required
                                             : ReferenceSection::None;
  FailureOr<PackageContents> contents = buildPackage(module, options);
  if (failed(contents))
    return failure();
  Expected<std::shared_ptr<const Package>> package =
      Package::parse(formatPackage(*contents), request.file);
  if (!package)
    return module.emitError() << package.error().message;
  Expected<LoadedProgram> loaded = openPackage(std::move(*package), request);
  if (!loaded)
    return module.emitError() << loaded.error().message;
  return std::move(*loaded);
}

std::optional<LoadedProgram> heddle::compileToRun(const LoadRequest &request) {
  Source source;
  if (failed(source.read(request.file, request.remarks)))
    return std::nullopt;
  FailureOr<LoadedProgram> loaded =
      request.needsCode ? loadPackage(source.getModule(), request)
                        : loadReference(source.getModule());
  if (failed(loaded))
    return std::nullopt;
  loaded->source = source.getText();
  return std::move(*loaded);
}
