//===- Compile.cpp - From programs to what packages hold ------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Jit/Compile.h"

#include "heddle/Dialects.h"
#include "lib/Compiler/Compiler.h"
#include "lib/Compiler/Diagnostics.h"
#include "lib/Compiler/Names.h"
#include "lib/Compiler/Packaging.h"
#include "mlir/Parser/Parser.h"

#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/SourceMgr.h"

using namespace mlir;
using namespace heddle;

static DialectRegistry getRegistry() {
  DialectRegistry registry;
  registerDialects(registry);
  return registry;
}

/// How the main buffer of some sources becomes a module.
using Parse =
    llvm::function_ref<OwningOpRef<ModuleOp>(llvm::SourceMgr &, MLIRContext *)>;

/// Parses `program`, which came from `files`, in a context of its own and
/// compiles it.
static Expected<PackageContents> compile(const Jit::Impl &jit,
                                         StringRef program, StringRef name,
                                         std::vector<SourceFile> files,
                                         Parse parse) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  auto getText = [&] { return StringRef(text).rtrim('\n').str(); };

  MLIRContext context(getRegistry());
  context.printOpOnDiagnostic(false);
  llvm::SourceMgr sources;
  sources.AddNewSourceBuffer(
      llvm::MemoryBuffer::getMemBufferCopy(program, name), SMLoc());
  DiagnosticPrinter diagnostics(sources, &context, stream);
  OwningOpRef<ModuleOp> module = parse(sources, &context);
  if (!module || failed(inlineFunctions(*module)))
    return tl::unexpected(Error{ErrorKind::InvalidInput, getText()});
  PackageOptions options;
  options.compile.optimization = jit.options.optimization;
  options.cubins = jit.options.assembleCubins;
  options.sources = std::move(files);
  FailureOr<PackageContents> contents = buildPackage(*module, options);
  if (failed(contents))
    return tl::unexpected(Error{ErrorKind::InvalidInput, getText()});
  if (!text.empty())
    jit.warn(getText());
  return std::move(*contents);
}

Expected<PackageContents>
heddle::compileText(const Jit::Impl &jit, StringRef source, StringRef name) {
  return compile(jit, source, name, {{name.str(), getContentHash(source)}},
                 [](llvm::SourceMgr &sources, MLIRContext *context) {
                   return parseWithNames(sources, context);
                 });
}

Expected<PackageContents> heddle::compileBytecode(const Jit::Impl &jit,
                                                  StringRef bytecode,
                                                  StringRef name) {
  return compile(jit, bytecode, name, {},
                 [](llvm::SourceMgr &sources, MLIRContext *context) {
                   return parseSourceFile<ModuleOp>(sources, context);
                 });
}
