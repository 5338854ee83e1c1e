//===- Compile.cpp - heddle compile ---------------------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Compiler/HostPlan.h"
#include "lib/Compiler/Names.h"
#include "lib/Compiler/Packaging.h"
#include "lib/Target/Cubin.h"
#include "tools/heddle/Commands.h"
#include "tools/heddle/Files.h"
#include "tools/heddle/Source.h"

#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace heddle;

/// The text of a module at `stage`.
static FailureOr<std::string> emitStage(ModuleOp module, Stage stage) {
  if (failed(runPipeline(module, stage)))
    return failure();
  std::string text;
  llvm::raw_string_ostream stream(text);
  printWithNames(module, stream);
  return text;
}

/// The machine code of the PTX text; warnings of ptxas are passed on.
static FailureOr<std::string> emitCubin(StringRef ptx) {
  llvm::Expected<Cubin> cubin = assembleCubin(ptx);
  if (!cubin) {
    printError(llvm::toString(cubin.takeError()));
    return failure();
  }
  for (const std::string &warning : cubin->warnings)
    llvm::errs() << "heddle: warning: ptxas: " << warning << '\n';
  return std::move(cubin->image);
}

/// Makes a package, with machine code if there is a ptxas.
static ExitCode emitPackage(Source &source, const std::string &output) {
  PackageOptions options;
  options.cubins = true;
  options.sources = {source.getFile()};
  FailureOr<PackageContents> contents =
      buildPackage(source.getModule(), options);
  if (failed(contents))
    return ExitCode::BadInput;
  if (contents->cubins.empty())
    llvm::errs() << "heddle: note: the package has PTX only, since there is no "
                    "ptxas; a GPU's driver compiles that when it is loaded\n";
  Expected<void> written = output == "-"
                               ? writeFile(output, formatPackage(*contents))
                               : writePackage(output, *contents);
  if (written)
    return ExitCode::Good;
  printError(written.error().message);
  return ExitCode::BadInput;
}

/// What the command writes, unless it is a package.
static FailureOr<std::string> emit(Source &source, EmitKind kind) {
  if (kind == EmitKind::Tile)
    return emitStage(source.getModule(), Stage::Tile);
  // Host functions are checked, although only packages hold them.
  for (tile::HostOp host : source.getModule().getOps<tile::HostOp>())
    if (failed(buildLaunchPlan(host)))
      return failure();
  OwningOpRef<ModuleOp> kernels = cloneKernels(source.getModule());
  switch (kind) {
  case EmitKind::Tile:
  case EmitKind::Package:
    break;
  case EmitKind::Aref:
    return emitStage(*kernels, Stage::Aref);
  case EmitKind::NVVM:
    return emitStage(*kernels, Stage::NVVM);
  case EmitKind::LLVM:
    return emitStage(*kernels, Stage::LLVM);
  case EmitKind::PTX:
  case EmitKind::Cubin: {
    FailureOr<CompiledModule> compiled = compileModule(*kernels, {});
    if (failed(compiled))
      return failure();
    return kind == EmitKind::PTX ? std::move(compiled->ptx)
                                 : emitCubin(compiled->ptx);
  }
  }
  llvm_unreachable("all kinds are handled");
}

ExitCode heddle::compile(const CompileCommand &command) {
  if (Expected<void> writable = checkWritable(command.output); !writable) {
    printError(writable.error().message);
    return ExitCode::BadInput;
  }
  Source source;
  if (failed(source.read(command.file, command.remarks)))
    return ExitCode::BadInput;
  if (failed(source.requireContents()))
    return ExitCode::BadInput;
  if (command.emit == EmitKind::Package)
    return emitPackage(source, command.output);
  FailureOr<std::string> text = emit(source, command.emit);
  if (failed(text))
    return ExitCode::BadInput;
  if (Expected<void> written = writeFile(command.output, *text); !written) {
    printError(written.error().message);
    return ExitCode::BadInput;
  }
  return ExitCode::Good;
}
