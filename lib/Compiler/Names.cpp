//===- Names.cpp - The author's names for values --------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Compiler/Names.h"

#include "dialects/Aref/Aref.h"
#include "mlir/AsmParser/AsmParser.h"
#include "mlir/AsmParser/AsmParserState.h"
#include "mlir/Parser/Parser.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/SourceMgr.h"

using namespace mlir;
using namespace heddle;

/// The location of a value that is called what `range` of the source says.
/// Numbers are not names.
static Location addName(Location location, SMRange range) {
  const char *begin = range.Start.getPointer();
  if (!range.isValid() || *begin != '%')
    return location;
  StringRef name(begin + 1, range.End.getPointer() - begin - 1);
  name = name.take_while(
      [](char c) { return llvm::isAlnum(c) || StringRef("_$.-").contains(c); });
  if (name.empty() || llvm::isDigit(name.front()))
    return location;
  return NameLoc::get(StringAttr::get(location.getContext(), name), location);
}

OwningOpRef<ModuleOp> heddle::parseWithNames(const llvm::SourceMgr &sources,
                                             MLIRContext *context) {
  Block block;
  AsmParserState state;
  ParserConfig config(context);
  if (failed(parseAsmSourceFile(sources, &block, config, &state)))
    return {};
  for (const AsmParserState::OperationDefinition &definition :
       state.getOpDefs()) {
    // The name of an operation is that of all its results.
    if (definition.resultGroups.size() == 1)
      definition.op->setLoc(addName(definition.op->getLoc(),
                                    definition.resultGroups[0].definition.loc));
  }
  for (const AsmParserState::BlockDefinition &definition : state.getBlockDefs())
    for (auto [argument, source] :
         llvm::zip(definition.block->getArguments(), definition.arguments))
      argument.setLoc(addName(argument.getLoc(), source.loc));
  const llvm::MemoryBuffer *buffer =
      sources.getMemoryBuffer(sources.getMainFileID());
  return detail::constructContainerOpForParserIfNecessary<ModuleOp>(
      &block, context,
      FileLineColLoc::get(context, buffer->getBufferIdentifier(), 0, 0));
}

/// The location without its name.
static Location dropName(Location location) {
  while (auto named = dyn_cast<NameLoc>(location))
    location = named.getChildLoc();
  return location;
}

void heddle::printWithNames(ModuleOp module, llvm::raw_ostream &stream) {
  module.walk([](Operation *op) {
    // A loop that a pass made anew gave its arguments its own location.
    for (Region &region : op->getRegions())
      for (BlockArgument argument : region.getArguments())
        if (argument.getLoc() == op->getLoc())
          argument.setLoc(dropName(argument.getLoc()));
    // A product is still that of the author's dot.
    if (isa_and_nonnull<aref::ArefDialect>(op->getDialect()) &&
        !isa<aref::MmaOp>(op))
      op->setLoc(dropName(op->getLoc()));
  });
  module.print(stream, OpPrintingFlags().printNameLocAsPrefix());
  stream << '\n';
}
