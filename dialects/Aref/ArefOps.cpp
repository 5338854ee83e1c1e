//===- ArefOps.cpp - Roles, rings and asynchronous operations -------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/Aref/Aref.h"
#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace heddle;
using namespace heddle::aref;

/// Parses and prints the whole type of a ring or buffer, never an alias of it.
static ParseResult parseWholeRing(OpAsmParser &parser, Type &type) {
  RingType ring;
  if (parser.parseCustomTypeWithFallback(ring))
    return failure();
  type = ring;
  return success();
}

static void printWholeRing(OpAsmPrinter &printer, Operation *, Type type) {
  cast<RingType>(type).print(printer);
}

static ParseResult parseWholeBuffer(OpAsmParser &parser, Type &type) {
  BufferType buffer;
  if (parser.parseCustomTypeWithFallback(buffer))
    return failure();
  type = buffer;
  return success();
}

static void printWholeBuffer(OpAsmPrinter &printer, Operation *, Type type) {
  cast<BufferType>(type).print(printer);
}

#define GET_OP_CLASSES
#include "dialects/Aref/ArefOps.cpp.inc"

/// The tile without its layout: what rings and buffers know of it.
static RankedTensorType getPlain(Type type) {
  auto tile = cast<RankedTensorType>(type);
  return RankedTensorType::get(tile.getShape(), tile.getElementType());
}

//===----------------------------------------------------------------------===//
// RoleOp
//===----------------------------------------------------------------------===//

void RoleOp::build(OpBuilder &builder, OperationState &state, StringRef name,
                   int64_t instances, int64_t warps, int64_t registers) {
  state.addAttribute("name", builder.getStringAttr(name));
  state.addAttribute("instances", builder.getI64IntegerAttr(instances));
  state.addAttribute("warps", builder.getI64IntegerAttr(warps));
  state.addAttribute("registers", builder.getI64IntegerAttr(registers));
  Region *body = state.addRegion();
  body->emplaceBlock().addArgument(builder.getIndexType(), state.location);
}

/// Parses `keyword ( integer )`.
static ParseResult parseCount(OpAsmParser &parser, StringRef keyword,
                              StringAttr name, OperationState &result) {
  int64_t count;
  if (parser.parseKeyword(keyword) || parser.parseLParen() ||
      parser.parseInteger(count) || parser.parseRParen())
    return failure();
  result.addAttribute(name, parser.getBuilder().getI64IntegerAttr(count));
  return success();
}

ParseResult RoleOp::parse(OpAsmParser &parser, OperationState &result) {
  Builder &builder = parser.getBuilder();
  StringAttr name;
  OpAsmParser::Argument instance;
  instance.type = builder.getIndexType();
  int64_t instances, registers = 0;
  if (parser.parseAttribute(name, getNameAttrName(result.name),
                            result.attributes) ||
      parser.parseKeyword("instances") || parser.parseLParen() ||
      parser.parseArgument(instance) || parser.parseEqual() ||
      parser.parseInteger(instances) || parser.parseRParen() ||
      parseCount(parser, "warps", getWarpsAttrName(result.name), result))
    return failure();
  result.addAttribute(getInstancesAttrName(result.name),
                      builder.getI64IntegerAttr(instances));
  if (succeeded(parser.parseOptionalKeyword("registers")) &&
      (parser.parseLParen() || parser.parseInteger(registers) ||
       parser.parseRParen()))
    return failure();
  result.addAttribute(getRegistersAttrName(result.name),
                      builder.getI64IntegerAttr(registers));
  if (parser.parseOptionalAttrDictWithKeyword(result.attributes))
    return failure();
  return parser.parseRegion(*result.addRegion(), instance);
}

void RoleOp::print(OpAsmPrinter &printer) {
  printer << ' ';
  printer.printAttributeWithoutType(getNameAttr());
  printer << " instances(";
  printer.printOperand(getInstance());
  printer << " = " << getInstances() << ") warps(" << getWarps() << ')';
  if (getRegisters() != 0)
    printer << " registers(" << getRegisters() << ')';
  printer.printOptionalAttrDictWithKeyword(
      (*this)->getAttrs(), {getNameAttrName(), getInstancesAttrName(),
                            getWarpsAttrName(), getRegistersAttrName()});
  printer << ' ';
  printer.printRegion(getBody(), /*printEntryBlockArgs=*/false);
}

void RoleOp::getAsmBlockArgumentNames(Region &region,
                                      OpAsmSetValueNameFn setNameFn) {
  setNameFn(region.getArgument(0), "instance");
}

LogicalResult RoleOp::verify() {
  if (getInstances() < 1 || getInstances() > 8)
    return emitOpError("expected 1 to 8 instances, found ") << getInstances();
  if (getWarps() < 1 || getWarps() > 16)
    return emitOpError("expected 1 to 16 warps, found ") << getWarps();
  int64_t registers = getRegisters();
  if (registers != 0 &&
      (registers < 24 || registers > 256 || registers % 8 != 0))
    return emitOpError("expected registers to be a multiple of 8 in 24..256, "
                       "found ")
           << registers;
  if (getBody().getNumArguments() != 1 ||
      !getBody().getArgument(0).getType().isIndex())
    return emitOpError("expected one body argument of type index");
  return success();
}

LogicalResult RoleOp::verifyRegions() {
  WalkResult result = getBody().walk([&](Operation *op) {
    for (Value operand : op->getOperands()) {
      if (getBody().isAncestor(operand.getParentRegion()))
        continue;
      if (isa<TensorType, SlotType>(operand.getType())) {
        op->emitOpError("captures ")
            << operand.getType() << " from outside role \"" << getName()
            << "\"; tiles cross roles through rings only";
        return WalkResult::interrupt();
      }
    }
    return WalkResult::advance();
  });
  return failure(result.wasInterrupted());
}

//===----------------------------------------------------------------------===//
// Rings
//===----------------------------------------------------------------------===//

LogicalResult RingOp::verify() {
  RingType ring = getType();
  if (ring.isPlanned() && ring.getDepth() < int64_t(getMinDepth()))
    return emitOpError("expected a depth of at least ")
           << getMinDepth()
           << ", or its consumer and producer wait for each "
              "other, found "
           << ring.getDepth();
  return success();
}

LogicalResult GetOp::inferReturnTypes(MLIRContext *, std::optional<Location>,
                                      Adaptor get,
                                      SmallVectorImpl<Type> &types) {
  auto ring = cast<RingType>(get.getRing().getType());
  types.push_back(ring.getSlot());
  llvm::append_range(types, ring.getTiles());
  return success();
}

LogicalResult ViewOp::inferReturnTypes(MLIRContext *,
                                       std::optional<Location> location,
                                       Adaptor view,
                                       SmallVectorImpl<Type> &types) {
  auto ring = cast<RingType>(view.getRing().getType());
  size_t numTiles = ring.getTiles().size();
  if (view.getIndex() >= numTiles)
    return emitOptionalError(
        location, "'aref.view' op expected an index of 0 to ", numTiles - 1,
        ", found ", int64_t(view.getIndex()));
  types.push_back(ring.getBuffer(view.getIndex()));
  return success();
}

//===----------------------------------------------------------------------===//
// Shared memory
//===----------------------------------------------------------------------===//

LogicalResult AllocOp::verify() {
  if (int64_t(getDepth()) < 1)
    return emitOpError("expected a depth of 1 or more");
  if (auto offset = getOffset(); offset && *offset % 16 != 0)
    return emitOpError("expected an offset that is a multiple of 16, found ")
           << *offset;
  return success();
}

LogicalResult RowsOp::verify() {
  BufferType source = getSource().getType(), result = getType();
  if (source.getShape().size() != 2 || result.getShape().size() != 2 ||
      source.getElementType() != result.getElementType() ||
      source.getSwizzle() != result.getSwizzle() ||
      source.getPanelRows() != result.getPanelRows() ||
      source.getShape()[1] != result.getShape()[1])
    return emitOpError("expected a result like ")
           << source << " but for its rows, found " << result;
  if (result.getShape()[0] > source.getShape()[0] ||
      result.getShape()[0] % 8 != 0)
    return emitOpError("expected a multiple of 8 rows of ")
           << source.getShape()[0] << ", found " << result.getShape()[0];
  return success();
}

LogicalResult ColumnsOp::verify() {
  BufferType source = getSource().getType(), result = getType();
  size_t rank = source.getShape().size();
  if (rank > 2 || result.getShape().size() != rank ||
      source.getElementType() != result.getElementType() ||
      source.getSwizzle() != result.getSwizzle() ||
      source.getPanelRows() != result.getPanelRows() ||
      source.getShape().drop_back() != result.getShape().drop_back())
    return emitOpError("expected a result like ")
           << source << " but for its columns, found " << result;
  int64_t panels = source.getNumPanels();
  int64_t all = source.getShape().back(), columns = result.getShape().back();
  if (rank == 1 && source.getSwizzle() == 0) {
    if (columns > all)
      return emitOpError("expected 1 to ")
             << all << " elements, found " << columns;
    return success();
  }
  int64_t width = all / panels;
  if (columns % width != 0 || columns > all)
    return emitOpError("expected 1 to ")
           << panels << " panels of " << width << " columns of " << all
           << ", found " << columns;
  return success();
}

/// Checks that `type` is the tile that `buffer` holds, layout aside.
static LogicalResult verifyBuffer(Operation *op, BufferType buffer, Type type) {
  if (getPlain(type) != buffer.getTile())
    return op->emitOpError("expected a tile of type ")
           << buffer.getTile() << ", as the buffer has, found " << type;
  return success();
}

LogicalResult LocalLoadOp::verify() {
  return verifyBuffer(*this, getBuffer().getType(), getType());
}

LogicalResult LocalStoreOp::verify() {
  return verifyBuffer(*this, getBuffer().getType(), getValue().getType());
}

//===----------------------------------------------------------------------===//
// Asynchronous copies
//===----------------------------------------------------------------------===//

bool CopyAsyncOp::isGather() {
  return llvm::any_of(getOffsets().getTypes(), llvm::IsaPred<RankedTensorType>);
}

LogicalResult CopyAsyncOp::verify() {
  auto view = cast<MemRefType>(getView().getType());
  auto tile = cast<RankedTensorType>(getTile());
  if (int64_t(getOffsets().size()) != view.getRank())
    return emitOpError("expected ")
           << view.getRank() << " offsets, one per dimension of " << view
           << ", found " << getOffsets().size();
  if (view.getElementType() != tile.getElementType())
    return emitOpError("expected a tile of ") << view << ", found " << tile;
  if (auto pad = getPadAttr();
      pad && pad != Builder(getContext()).getZeroAttr(view.getElementType()))
    return emitOpError("expected zeros for a pad, found ") << pad;
  return verifyBuffer(*this, getBuffer().getType(), tile);
}

static LogicalResult verifyCopy(Operation *op, Type viewType, BufferType buffer,
                                size_t numOffsets,
                                std::optional<ArrayRef<int64_t>> along) {
  auto view = cast<MemRefType>(viewType);
  if (int64_t(numOffsets) != view.getRank())
    return op->emitOpError("expected ")
           << view.getRank() << " offsets, one per dimension of " << view
           << ", found " << numOffsets;
  if (view.getElementType() != buffer.getElementType() ||
      view.getRank() < int64_t(buffer.getShape().size()))
    return op->emitOpError("expected a buffer of a tile of ")
           << view << ", found " << buffer;
  if (along &&
      (along->size() != buffer.getShape().size() ||
       llvm::adjacent_find(*along, std::greater_equal<>()) != along->end() ||
       along->front() < 0 || along->back() != view.getRank() - 1))
    return op->emitOpError("expected one dimension of ")
           << view << " for each of " << buffer
           << ", in increasing order and up to its last, found [" << *along
           << "]";
  return success();
}

/// Checks that what is rounded to tf32 on its way to `buffer` is f32.
static LogicalResult verifyRounding(Operation *op, bool roundTf32,
                                    BufferType buffer) {
  if (roundTf32 && !buffer.getElementType().isF32())
    return op->emitOpError("expected a buffer of f32, which can be rounded to "
                           "tf32, found ")
           << buffer;
  return success();
}

/// Checks that blocks share a copy only where there are clusters of them.
static LogicalResult verifyMulticast(Operation *op, bool isMulticast) {
  auto kernel = op->getParentOfType<tile::KernelOp>();
  if (isMulticast && kernel && getClusterSize(kernel) <= 1)
    return op->emitOpError("expected a kernel with '")
           << ArefDialect::getClusterAttrName() << "' around a multicast";
  return success();
}

LogicalResult CopyInOp::verify() {
  if (failed(verifyRounding(*this, getRoundTf32(), getBuffer().getType())) ||
      failed(verifyMulticast(*this, getMulticast())))
    return failure();
  return verifyCopy(*this, getView().getType(), getBuffer().getType(),
                    getOffsets().size(), getAlong());
}

LogicalResult CopyOutOp::verify() {
  return verifyCopy(*this, getView().getType(), getBuffer().getType(),
                    getOffsets().size(), getAlong());
}

LogicalResult TmaLoadOp::verify() {
  if (failed(verifyRounding(*this, getRoundTf32(), getBuffer().getType())) ||
      failed(verifyMulticast(*this, getMulticast())))
    return failure();
  return verifyCopy(*this, getView().getType(), getBuffer().getType(),
                    getOffsets().size(), getAlong());
}

//===----------------------------------------------------------------------===//
// RoundTF32Op
//===----------------------------------------------------------------------===//

OpFoldResult RoundTF32Op::fold(FoldAdaptor) {
  return getX().getDefiningOp<RoundTF32Op>() ? getX() : Value();
}

//===----------------------------------------------------------------------===//
// MmaOp
//===----------------------------------------------------------------------===//

LogicalResult MmaOp::verify() {
  RankedTensorType a;
  if (auto buffer = dyn_cast<BufferType>(getA().getType()))
    a = buffer.getTile();
  else
    a = getPlain(getA().getType());
  RankedTensorType b = getB().getType().getTile();
  auto acc = cast<RankedTensorType>(getAcc().getType());
  if (a.getRank() != 2 || b.getRank() != 2 || acc.getRank() != 2)
    return emitOpError("expected operands of rank 2");
  int64_t aM = a.getDimSize(getTransposeA() ? 1 : 0);
  int64_t aK = a.getDimSize(getTransposeA() ? 0 : 1);
  int64_t bK = b.getDimSize(getTransposeB() ? 1 : 0);
  int64_t bN = b.getDimSize(getTransposeB() ? 0 : 1);
  if (aM != acc.getDimSize(0) || aK != bK || bN != acc.getDimSize(1))
    return emitOpError("expected shapes that multiply, found ")
           << a << ", " << b << " and " << acc;
  if (!isa<BufferType>(getA().getType()) && getTransposeA())
    return emitOpError("expected a in shared memory with transpose_a");
  return success();
}

//===----------------------------------------------------------------------===//
// ConvertLayoutOp
//===----------------------------------------------------------------------===//

LogicalResult ConvertLayoutOp::verify() {
  if (getPlain(getX().getType()) != getPlain(getType()))
    return emitOpError("expected a result of type ")
           << getPlain(getX().getType()) << " but for its layout, found "
           << getType();
  return success();
}

OpFoldResult ConvertLayoutOp::fold(FoldAdaptor) {
  return getX().getType() == getType() ? OpFoldResult(getX()) : OpFoldResult();
}
