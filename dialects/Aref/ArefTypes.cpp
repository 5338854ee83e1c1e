//===- ArefTypes.cpp - Rings, slots and buffers ---------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/Aref/Aref.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"

#include "llvm/ADT/TypeSwitch.h"

#include <numeric>

using namespace mlir;
using namespace heddle::aref;

#define GET_TYPEDEF_CLASSES
#include "dialects/Aref/ArefTypes.cpp.inc"

void ArefDialect::registerTypes() {
  addTypes<
#define GET_TYPEDEF_LIST
#include "dialects/Aref/ArefTypes.cpp.inc"
      >();
}

//===----------------------------------------------------------------------===//
// RingType
//===----------------------------------------------------------------------===//

Type RingType::parse(AsmParser &parser) {
  int64_t depth = 0;
  if (parser.parseLess())
    return {};
  SMLoc location = parser.getCurrentLocation();
  if (failed(parser.parseOptionalQuestion())) {
    if (parser.parseInteger(depth))
      return {};
    if (depth <= 0) {
      parser.emitError(location) << "expected a positive depth or '?'";
      return {};
    }
  }
  SmallVector<RankedTensorType> tiles;
  if (parser.parseKeyword("x") || parser.parseCommaSeparatedList([&] {
        return parser.parseType(tiles.emplace_back());
      }) ||
      parser.parseGreater())
    return {};
  return get(parser.getContext(), depth, tiles);
}

void RingType::print(AsmPrinter &printer) const {
  printer << '<';
  if (isPlanned())
    printer << getDepth();
  else
    printer << '?';
  printer << " x ";
  llvm::interleaveComma(getTiles(), printer);
  printer << '>';
}

int64_t RingType::getSlotBytes() const {
  int64_t bytes = 0;
  for (RankedTensorType tile : getTiles())
    bytes += llvm::alignTo(BufferType::get(tile).getBytes(), 1024);
  return bytes;
}

SlotType RingType::getSlot() const {
  return SlotType::get(getContext(), getTiles());
}

BufferType RingType::getBuffer(unsigned index) const {
  return BufferType::get(getTiles()[index]);
}

//===----------------------------------------------------------------------===//
// BufferType
//===----------------------------------------------------------------------===//

int64_t BufferType::getSwizzleFor(int64_t rowBytes) {
  for (int64_t swizzle : {128, 64, 32})
    if (rowBytes % swizzle == 0)
      return swizzle;
  return 0;
}

static int64_t getElementBytes(Type type) {
  return llvm::divideCeil(type.getIntOrFloatBitWidth(), 8);
}

BufferType BufferType::get(RankedTensorType tile) {
  ArrayRef<int64_t> shape = tile.getShape();
  int64_t rows = std::accumulate(shape.begin(), shape.end() - 1, int64_t(1),
                                 std::multiplies<int64_t>());
  int64_t rowBytes = shape.back() * getElementBytes(tile.getElementType());
  return get(tile.getContext(), shape, tile.getElementType(),
             // A box of the TMA has at most 256 elements, or is a panel. A
             // shorter vector is read in order: it needs no swizzle.
             shape.size() == 1 && shape[0] <= 256 ? 0 : getSwizzleFor(rowBytes),
             rows);
}

Type BufferType::parse(AsmParser &parser) {
  SmallVector<int64_t> shape;
  Type elementType;
  int64_t swizzle = 0;
  if (parser.parseLess() ||
      parser.parseDimensionList(shape, /*allowDynamic=*/false) ||
      parser.parseType(elementType) || parser.parseComma() ||
      parser.parseKeyword("swizzle") || parser.parseEqual() ||
      parser.parseInteger(swizzle))
    return {};
  int64_t panelRows = 1;
  for (int64_t extent : ArrayRef(shape).drop_back())
    panelRows *= extent;
  if (succeeded(parser.parseOptionalComma()) &&
      (parser.parseKeyword("panel_rows") || parser.parseEqual() ||
       parser.parseInteger(panelRows)))
    return {};
  if (parser.parseGreater())
    return {};
  return parser.getChecked<BufferType>(parser.getContext(), shape, elementType,
                                       swizzle, panelRows);
}

void BufferType::print(AsmPrinter &printer) const {
  printer << '<';
  for (int64_t extent : getShape())
    printer << extent << 'x';
  printer << getElementType() << ", swizzle = " << getSwizzle();
  if (getPanelRows() != getRows())
    printer << ", panel_rows = " << getPanelRows();
  printer << '>';
}

LogicalResult BufferType::verify(function_ref<InFlightDiagnostic()> emitError,
                                 ArrayRef<int64_t> shape, Type elementType,
                                 int64_t swizzle, int64_t panelRows) {
  if (shape.empty() || llvm::any_of(shape, [](int64_t e) { return e <= 0; }))
    return emitError() << "expected a shape of positive extents";
  if (!elementType.isIntOrFloat())
    return emitError() << "expected integers or floats, found " << elementType;
  if (!llvm::is_contained({0, 32, 64, 128}, swizzle))
    return emitError() << "expected a swizzle of 0, 32, 64 or 128 bytes, found "
                       << swizzle;
  int64_t rowBytes = shape.back() * getElementBytes(elementType);
  if (swizzle != 0 && rowBytes % swizzle != 0)
    return emitError() << "expected rows of a multiple of " << swizzle
                       << " bytes, found " << rowBytes;
  int64_t rows = 1;
  for (int64_t extent : shape.drop_back())
    rows *= extent;
  if (panelRows < rows)
    return emitError() << "expected panels of at least " << rows
                       << " rows, found " << panelRows;
  return success();
}

int64_t BufferType::getRows() const {
  int64_t rows = 1;
  for (int64_t extent : getShape().drop_back())
    rows *= extent;
  return rows;
}

int64_t BufferType::getNumPanels() const {
  if (getSwizzle() == 0)
    return 1;
  return getShape().back() * getElementBytes(getElementType()) / getSwizzle();
}

int64_t BufferType::getPanelBytes() const {
  int64_t width = getSwizzle();
  if (width == 0)
    width = getShape().back() * getElementBytes(getElementType());
  return getPanelRows() * width;
}

int64_t BufferType::getBytes() const {
  return getNumPanels() * getPanelBytes();
}

RankedTensorType BufferType::getTile() const {
  return RankedTensorType::get(getShape(), getElementType());
}
