//===- Programs.cpp - Kernels, host functions and launches ----------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/Tile/Tile.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Interfaces/FunctionImplementation.h"

using namespace mlir;
using namespace heddle::tile;

/// SSA names become names that users type on the command line, so the leading
/// `%` goes.
static StringAttr makeNameAttr(OpAsmParser &parser, StringRef ssaName) {
  return parser.getBuilder().getStringAttr(ssaName.drop_front());
}

static StringRef getNameOr(ArrayAttr names, unsigned i) {
  return names && i < names.size() ? cast<StringAttr>(names[i]).getValue() : "";
}

/// Prints the body with its terminator left out, as it is when parsed.
static void printBody(OpAsmPrinter &printer, Region &body) {
  printer << ' ';
  printer.printRegion(body, /*printEntryBlockArgs=*/false,
                      /*printBlockTerminators=*/false);
}

//===----------------------------------------------------------------------===//
// KernelOp
//===----------------------------------------------------------------------===//

ParseResult KernelOp::parse(OpAsmParser &parser, OperationState &result) {
  Builder &builder = parser.getBuilder();
  StringAttr name;
  SmallVector<OpAsmParser::Argument> arguments;
  if (parser.parseSymbolName(name, getSymNameAttrName(result.name),
                             result.attributes) ||
      parser.parseArgumentList(arguments, OpAsmParser::Delimiter::Paren,
                               /*allowType=*/true, /*allowAttrs=*/true) ||
      parser.parseOptionalAttrDictWithKeyword(result.attributes))
    return failure();

  SmallVector<Type> types;
  SmallVector<Attribute> names;
  for (const OpAsmParser::Argument &argument : arguments) {
    types.push_back(argument.type);
    names.push_back(makeNameAttr(parser, argument.ssaName.name));
  }
  result.addAttribute(
      getFunctionTypeAttrName(result.name),
      TypeAttr::get(builder.getFunctionType(types, /*results=*/{})));
  if (!result.attributes.get(getArgNamesAttrName(result.name)))
    result.addAttribute(getArgNamesAttrName(result.name),
                        builder.getArrayAttr(names));
  call_interface_impl::addArgAndResultAttrs(
      builder, result, arguments, /*resultAttrs=*/{},
      getArgAttrsAttrName(result.name), getResAttrsAttrName(result.name));
  Region *body = result.addRegion();
  if (parser.parseRegion(*body, arguments))
    return failure();
  ensureTerminator(*body, builder, result.location);
  return success();
}

void KernelOp::print(OpAsmPrinter &printer) {
  printer << ' ';
  printer.printSymbolName(getSymName());
  printer << '(';
  ArrayAttr attributes = getArgAttrsAttr();
  for (BlockArgument argument : getBody().getArguments()) {
    if (argument.getArgNumber() != 0)
      printer << ", ";
    ArrayRef<NamedAttribute> own;
    if (attributes)
      own =
          cast<DictionaryAttr>(attributes[argument.getArgNumber()]).getValue();
    printer.printRegionArgument(argument, own);
  }
  printer << ')';
  printer.printOptionalAttrDictWithKeyword(
      (*this)->getAttrs(),
      {getSymNameAttrName(), getFunctionTypeAttrName(), getArgNamesAttrName(),
       getArgAttrsAttrName(), getResAttrsAttrName()});
  printBody(printer, getBody());
}

void KernelOp::getAsmBlockArgumentNames(Region &region,
                                        OpAsmSetValueNameFn setNameFn) {
  ArrayAttr names = getArgNamesAttr();
  for (BlockArgument argument : region.getArguments()) {
    StringRef name = getNameOr(names, argument.getArgNumber());
    if (!name.empty())
      setNameFn(argument, name);
  }
}

LogicalResult KernelOp::verify() {
  if (getFunctionType().getNumResults() != 0)
    return emitOpError("expected no results, found ")
           << getFunctionType().getNumResults();
  for (BlockArgument argument : getBody().getArguments()) {
    Type type = argument.getType();
    if (isa<IntegerType, IndexType, FloatType>(type))
      continue;
    auto view = dyn_cast<MemRefType>(type);
    if (!view)
      return emitOpError("expected argument ")
             << argument.getArgNumber() << " to be a memref or a scalar, found "
             << type;
    if (!view.isStrided() || view.getRank() < 1 || view.getRank() > 5 ||
        view.getMemorySpace())
      return emitOpError("expected argument ")
             << argument.getArgNumber()
             << " to be a strided memref of rank 1 to 5 in default memory, "
                "found "
             << type;
  }
  return success();
}

//===----------------------------------------------------------------------===//
// HostOp
//===----------------------------------------------------------------------===//

/// Parses `[%M, %N]` where each must name a size, and appends their numbers.
static ParseResult parseExtents(OpAsmParser &parser, ArrayRef<Attribute> sizes,
                                MemRefType type,
                                SmallVector<int32_t> &extents) {
  int64_t expected = type.getNumDynamicDims();
  if (expected == 0)
    return success();
  SmallVector<OpAsmParser::UnresolvedOperand> names;
  SMLoc location = parser.getCurrentLocation();
  if (parser.parseOperandList(names, OpAsmParser::Delimiter::Square))
    return failure();
  if (int64_t(names.size()) != expected)
    return parser.emitError(location)
           << "expected " << expected << " sizes, one per dynamic extent of "
           << type << ", found " << names.size();
  for (const OpAsmParser::UnresolvedOperand &name : names) {
    StringAttr attribute = makeNameAttr(parser, name.name);
    auto *found = llvm::find(sizes, Attribute(attribute));
    if (found == sizes.end())
      return parser.emitError(name.location)
             << "'" << name.name << "' is not a size of this host function";
    extents.push_back(found - sizes.begin());
  }
  return success();
}

ParseResult HostOp::parse(OpAsmParser &parser, OperationState &result) {
  Builder &builder = parser.getBuilder();
  StringAttr name;
  if (parser.parseSymbolName(name, getSymNameAttrName(result.name),
                             result.attributes))
    return failure();

  SmallVector<OpAsmParser::Argument> arguments;
  SmallVector<Attribute> sizeNames, bufferNames;
  if (parser.parseArgumentList(arguments,
                               OpAsmParser::Delimiter::OptionalSquare,
                               /*allowType=*/false))
    return failure();
  for (OpAsmParser::Argument &size : arguments) {
    size.type = builder.getIndexType();
    sizeNames.push_back(makeNameAttr(parser, size.ssaName.name));
  }

  SmallVector<int32_t> accesses, extents;
  auto parseBuffer = [&]() -> ParseResult {
    Access access = Access::In;
    if (succeeded(parser.parseOptionalKeyword("out")))
      access = Access::Out;
    else if (succeeded(parser.parseOptionalKeyword("inout")))
      access = Access::InOut;
    OpAsmParser::Argument &buffer = arguments.emplace_back();
    SMLoc location = parser.getCurrentLocation();
    if (parser.parseArgument(buffer, /*allowType=*/true))
      return failure();
    auto type = dyn_cast<MemRefType>(buffer.type);
    if (!type)
      return parser.emitError(location)
             << "expected a memref, found " << buffer.type;
    bufferNames.push_back(makeNameAttr(parser, buffer.ssaName.name));
    accesses.push_back(int32_t(access));
    return parseExtents(parser, sizeNames, type, extents);
  };
  if (parser.parseCommaSeparatedList(OpAsmParser::Delimiter::Paren,
                                     parseBuffer) ||
      parser.parseOptionalAttrDictWithKeyword(result.attributes))
    return failure();

  SmallVector<Type> types;
  for (const OpAsmParser::Argument &argument : arguments)
    types.push_back(argument.type);
  auto &properties = result.getOrAddProperties<Properties>();
  properties.function_type =
      TypeAttr::get(builder.getFunctionType(types, /*results=*/{}));
  properties.size_names = builder.getArrayAttr(sizeNames);
  properties.buffer_names = builder.getArrayAttr(bufferNames);
  properties.accesses = builder.getDenseI32ArrayAttr(accesses);
  properties.extents = builder.getDenseI32ArrayAttr(extents);
  Region *body = result.addRegion();
  if (parser.parseRegion(*body, arguments))
    return failure();
  ensureTerminator(*body, builder, result.location);
  return success();
}

void HostOp::print(OpAsmPrinter &printer) {
  printer << ' ';
  printer.printSymbolName(getSymName());
  Block::BlockArgListType arguments = getBody().getArguments();
  auto sizes = arguments.take_front(getNumSizes());
  if (!sizes.empty()) {
    printer << '[';
    llvm::interleaveComma(sizes, printer, [&](BlockArgument size) {
      printer.printOperand(size);
    });
    printer << ']';
  }
  printer << '(';
  for (unsigned i = 0; i < getNumBuffers(); ++i) {
    if (i != 0)
      printer << ", ";
    if (getAccess(i) != Access::In)
      printer << stringifyAccess(getAccess(i)) << ' ';
    printer.printRegionArgument(arguments[getNumSizes() + i]);
    SmallVector<Value> extents;
    for (int32_t size : getExtentSizes(i))
      if (size >= 0)
        extents.push_back(arguments[size]);
    if (!extents.empty())
      printer << '[' << extents << ']';
  }
  printer << ')';
  printer.printOptionalAttrDictWithKeyword(
      (*this)->getAttrs(),
      {getSymNameAttrName(), getFunctionTypeAttrName(), getSizeNamesAttrName(),
       getBufferNamesAttrName(), getAccessesAttrName(), getExtentsAttrName(),
       getArgAttrsAttrName(), getResAttrsAttrName()});
  printBody(printer, getBody());
}

void HostOp::getAsmBlockArgumentNames(Region &region,
                                      OpAsmSetValueNameFn setNameFn) {
  for (BlockArgument argument : region.getArguments()) {
    unsigned i = argument.getArgNumber();
    setNameFn(argument, i < getNumSizes() ? getSizeName(i)
                                          : getBufferName(i - getNumSizes()));
  }
}

SmallVector<int32_t> HostOp::getExtentSizes(unsigned i) {
  unsigned next = 0;
  for (unsigned before = 0; before < i; ++before)
    next += getBufferType(before).getNumDynamicDims();
  SmallVector<int32_t> sizes;
  for (int64_t extent : getBufferType(i).getShape())
    sizes.push_back(ShapedType::isDynamic(extent) ? getExtents()[next++] : -1);
  return sizes;
}

LogicalResult HostOp::verify() {
  unsigned expected = getNumSizes() + getNumBuffers();
  if (getArgumentTypes().size() != expected ||
      getAccesses().size() != getNumBuffers())
    return emitOpError("expected one type per size and buffer");
  unsigned dynamicExtents = 0;
  for (unsigned i = 0; i < getNumSizes(); ++i)
    if (!getArgumentTypes()[i].isIndex())
      return emitOpError("expected size '")
             << getSizeName(i) << "' to be an index";
  for (unsigned i = 0; i < getNumBuffers(); ++i) {
    auto type = dyn_cast<MemRefType>(getArgumentTypes()[getNumSizes() + i]);
    if (!type || type.getRank() < 1 || type.getRank() > 5 ||
        !type.getLayout().isIdentity() || type.getMemorySpace())
      return emitOpError("expected buffer '")
             << getBufferName(i)
             << "' to be a dense memref of rank 1 to 5 in default memory";
    dynamicExtents += type.getNumDynamicDims();
  }
  if (getExtents().size() != dynamicExtents)
    return emitOpError("expected ")
           << dynamicExtents << " extents bound to sizes, found "
           << getExtents().size();
  for (int32_t size : getExtents())
    if (size < 0 || unsigned(size) >= getNumSizes())
      return emitOpError("expected extents to name sizes 0 to ")
             << int(getNumSizes()) - 1 << ", found " << size;
  return success();
}

LogicalResult HostOp::verifyRegions() {
  for (Operation &op : getBody().front()) {
    if (auto alloc = dyn_cast<memref::AllocOp>(op)) {
      MemRefType type = alloc.getType();
      if (type.getRank() < 1 || type.getRank() > 5 ||
          !type.getLayout().isIdentity() || type.getMemorySpace())
        return alloc.emitOpError("expected a dense memref of rank 1 to 5 in "
                                 "default memory, found ")
               << type;
      continue;
    }
    if (!isa<LaunchOp, ReturnOp, cf::AssertOp, func::CallOp>(op) &&
        op.getName().getDialectNamespace() != "arith")
      return op.emitOpError("is not allowed in a host function, which holds "
                            "arith operations, cf.assert, func.call, "
                            "memref.alloc and tile.launch");
  }
  return success();
}

//===----------------------------------------------------------------------===//
// LaunchOp
//===----------------------------------------------------------------------===//

LogicalResult LaunchOp::verify() {
  if (getGrid().empty() || getGrid().size() > 3)
    return emitOpError("expected one to three grid extents, found ")
           << getGrid().size();
  return success();
}

LogicalResult LaunchOp::verifySymbolUses(SymbolTableCollection &symbolTable) {
  auto kernel =
      symbolTable.lookupNearestSymbolFrom<KernelOp>(*this, getCalleeAttr());
  if (!kernel)
    return emitOpError("expected '@")
           << getCallee() << "' to be a tile.kernel of this module";
  ArrayRef<Type> expected = kernel.getArgumentTypes();
  if (getArgs().size() != expected.size())
    return emitOpError("expected ")
           << expected.size() << " arguments for '@" << getCallee()
           << "', found " << getArgs().size();
  for (auto [i, type, argument] : llvm::enumerate(expected, getArgs())) {
    if (argument.getType() == type ||
        memref::CastOp::areCastCompatible(argument.getType(), type))
      continue;
    return emitOpError("expected argument ")
           << i << " of '@" << getCallee() << "' to be " << type << ", found "
           << argument.getType();
  }
  return success();
}
