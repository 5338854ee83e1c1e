//===- Source.cpp - Reading programs --------------------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/heddle/Source.h"

#include "lib/Compiler/Compiler.h"
#include "lib/Compiler/Names.h"

using namespace mlir;
using namespace heddle;

static DialectRegistry getRegistry() {
  DialectRegistry registry;
  registerDialects(registry);
  return registry;
}

Source::Source() : context(getRegistry()) {
  context.printOpOnDiagnostic(false);
}

LogicalResult Source::read(const std::string &path, bool printsRemarks) {
  llvm::ErrorOr<std::unique_ptr<llvm::MemoryBuffer>> buffer =
      llvm::MemoryBuffer::getFileOrSTDIN(path, /*IsText=*/true);
  if (!buffer) {
    printError("cannot read '" + path + "': " + buffer.getError().message());
    return failure();
  }
  sourceManager.AddNewSourceBuffer(std::move(*buffer), SMLoc());
  diagnostics = std::make_unique<DiagnosticPrinter>(
      sourceManager, &context, llvm::errs(), printsRemarks);
  module = parseWithNames(sourceManager, &context);
  return success(module && succeeded(inlineFunctions(*module)));
}

LogicalResult Source::requireContents() {
  if (!module->getOps<tile::KernelOp>().empty() ||
      !module->getOps<tile::HostOp>().empty())
    return success();
  printError("'" + getFile().name +
             "' has no tile.kernel, so there is nothing to compile");
  return failure();
}

SourceFile Source::getFile() const {
  const llvm::MemoryBuffer *buffer =
      sourceManager.getMemoryBuffer(sourceManager.getMainFileID());
  return {buffer->getBufferIdentifier().str(),
          getContentHash(buffer->getBuffer())};
}

SourceText Source::getText() const {
  const llvm::MemoryBuffer *buffer =
      sourceManager.getMemoryBuffer(sourceManager.getMainFileID());
  return {buffer->getBufferIdentifier().str(), buffer->getBuffer().str()};
}
