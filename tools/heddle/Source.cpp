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

llvm::raw_ostream &heddle::printError() {
  return llvm::errs() << "heddle: error: ";
}

static DialectRegistry getRegistry() {
  DialectRegistry registry;
  registerDialects(registry);
  return registry;
}

Source::Source() : context(getRegistry()) {
  context.printOpOnDiagnostic(false);
}

LogicalResult Source::read(const std::string &path) {
  file = path;
  std::string message;
  std::unique_ptr<llvm::MemoryBuffer> buffer = openInputFile(path, &message);
  if (!buffer) {
    printError() << message << '\n';
    return failure();
  }
  sourceManager.AddNewSourceBuffer(std::move(buffer), SMLoc());
  diagnostics = std::make_unique<DiagnosticPrinter>(sourceManager, &context,
                                                    llvm::errs());
  module = parseWithNames(sourceManager, &context);
  return success(bool(module));
}

SourceFile Source::getFile() const {
  const llvm::MemoryBuffer *buffer =
      sourceManager.getMemoryBuffer(sourceManager.getMainFileID());
  return {buffer->getBufferIdentifier().str(),
          getContentHash(buffer->getBuffer())};
}

/// Prints names with commas between them.
template <typename Range>
static void printNames(Range names) {
  llvm::interleaveComma(names, llvm::errs(),
                        [](StringRef name) { llvm::errs() << name; });
}

tile::HostOp Source::getHost(const std::string &entry) {
  auto hosts = llvm::to_vector(module->getOps<tile::HostOp>());
  for (tile::HostOp host : hosts)
    if (host.getSymName() == entry || (entry.empty() && hosts.size() == 1))
      return host;
  if (hosts.empty()) {
    printError() << "'" << file
                 << "' has no tile.host function, so there is nothing to run\n";
    return {};
  }
  if (entry.empty())
    printError() << "'" << file
                 << "' has several host functions; choose one with --entry: ";
  else
    printError() << "'" << file << "' has no host function '" << entry
                 << "'; it has: ";
  printNames(llvm::map_range(
      hosts, [](tile::HostOp host) { return host.getSymName(); }));
  llvm::errs() << '\n';
  return {};
}

FailureOr<SmallVector<int64_t>> Source::getSizes(tile::HostOp host,
                                                 const NamedSizes &sizes) {
  SmallVector<StringRef> names =
      llvm::to_vector(host.getSizeNames().getAsValueRange<StringAttr>());
  SmallVector<int64_t> values(names.size(), -1);
  for (const auto &[name, value] : sizes) {
    auto *found = llvm::find(names, name);
    if (found == names.end()) {
      printError() << "'" << host.getSymName() << "' has no size '" << name
                   << "'";
      if (!names.empty()) {
        llvm::errs() << "; it has: ";
        printNames(names);
      }
      llvm::errs() << '\n';
      return failure();
    }
    values[found - names.begin()] = value;
  }
  if (!llvm::is_contained(values, -1))
    return values;
  printError() << "missing";
  for (auto [name, value] : llvm::zip_equal(names, values))
    if (value < 0)
      llvm::errs() << " --size " << name << "=INT";
  llvm::errs() << "; the sizes of '" << host.getSymName() << "' are ";
  printNames(names);
  llvm::errs() << '\n';
  return failure();
}
