//===- MemoryOps.cpp - Moving tiles and scalars between views and values --===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Reference/Interpreter.h"

using namespace mlir;
using namespace heddle::reference;
namespace tile = heddle::tile;

/// Calls `visit(i, address)` for every element `i` of a tile at `offsets` of
/// `view`, with the place of the element in the buffer, or -1 if it is outside
/// of the view. The tile covers the last dimensions of the view.
template <typename Fn>
static void forEachAccess(const View &view, ArrayRef<int64_t> offsets,
                          ArrayRef<int64_t> tileShape, Fn visit) {
  size_t leading = view.shape.size() - tileShape.size();
  bool leadingInside = true;
  int64_t base = view.offset;
  for (size_t dim = 0; dim < leading; ++dim) {
    leadingInside &= offsets[dim] >= 0 && offsets[dim] < view.shape[dim];
    base += offsets[dim] * view.strides[dim];
  }
  size_t i = 0;
  forEachIndex(tileShape, [&](ArrayRef<int64_t> index) {
    bool inside = leadingInside;
    int64_t address = base;
    for (size_t d = 0; d < index.size(); ++d) {
      int64_t at = offsets[leading + d] + index[d];
      inside &= at >= 0 && at < view.shape[leading + d];
      address += at * view.strides[leading + d];
    }
    visit(i++, inside ? address : -1);
  });
}

/// An error if a dimension that only an offset indexes is left by it.
template <typename OpT>
static LogicalResult verifyLeading(Frame &frame, OpT op, const View &view,
                                   ArrayRef<int64_t> offsets,
                                   int64_t tileRank) {
  for (size_t dim = 0; dim < view.shape.size() - tileRank; ++dim)
    if (offsets[dim] < 0 || offsets[dim] >= view.shape[dim])
      return frame.error(op)
             << "offset " << offsets[dim] << " is outside of dimension " << dim
             << " of the view, which has " << view.shape[dim]
             << " elements; a tile may overhang only in its own dimensions, "
                "unless the load has a pad";
  return success();
}

static Element getPad(TypedAttr attribute) {
  if (auto number = dyn_cast<FloatAttr>(attribute)) {
    APFloat value = number.getValue();
    bool losesInfo;
    value.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven,
                  &losesInfo);
    return makeFloat(value.convertToDouble());
  }
  return makeInt(cast<IntegerAttr>(attribute).getValue().getZExtValue());
}

static LogicalResult runLoad(Frame &frame, tile::LoadOp op) {
  const View &view = frame.getView(op.getView());
  SmallVector<int64_t> offsets = frame.getInts(op.getOffsets());
  Tile tile(op.getType());
  Element pad = getPoison(tile.elementType);
  if (TypedAttr attribute = op.getPadAttr()) {
    if (!isa<FloatAttr, IntegerAttr>(attribute))
      return frame.error(op) << "expected a number as pad, found " << attribute;
    pad = getPad(attribute);
  } else if (failed(verifyLeading(frame, op, view, offsets, tile.getRank()))) {
    return failure();
  }
  uint64_t inside = 0;
  forEachAccess(view, offsets, tile.shape, [&](size_t i, int64_t address) {
    tile.elements[i] = address < 0 ? pad : view.buffer->elements[address];
    inside += address >= 0;
  });
  frame.execution.bytesRead += inside * getByteWidth(tile.elementType);
  frame.setTile(op, std::move(tile));
  return success();
}

static LogicalResult runStore(Frame &frame, tile::StoreOp op) {
  const View &view = frame.getView(op.getView());
  SmallVector<int64_t> offsets = frame.getInts(op.getOffsets());
  const Tile &tile = frame.getTile(op.getValue());
  uint64_t inside = 0;
  forEachAccess(view, offsets, tile.shape, [&](size_t i, int64_t address) {
    if (address < 0)
      return;
    ++inside;
    view.buffer->elements[address] = tile.elements[i];
    view.buffer->written[address] = 1;
  });
  frame.execution.bytesWritten += inside * getByteWidth(tile.elementType);
  return success();
}

/// The place of one element in the buffer.
static FailureOr<int64_t> getAddress(Frame &frame, Operation *op,
                                     const View &view, ValueRange indices) {
  int64_t address = view.offset;
  for (auto [dim, index] : llvm::enumerate(frame.getInts(indices))) {
    if (index < 0 || index >= view.shape[dim]) {
      frame.error(op) << "index " << index << " is outside of dimension " << dim
                      << " of the memref, which has " << view.shape[dim]
                      << " elements";
      return failure();
    }
    address += index * view.strides[dim];
  }
  return address;
}

static LogicalResult runScalarLoad(Frame &frame, memref::LoadOp op) {
  const View &view = frame.getView(op.getMemref());
  FailureOr<int64_t> address = getAddress(frame, op, view, op.getIndices());
  if (failed(address))
    return failure();
  frame.execution.bytesRead += getByteWidth(op.getType());
  frame.set(op, Element(view.buffer->elements[*address]));
  return success();
}

static LogicalResult runScalarStore(Frame &frame, memref::StoreOp op) {
  const View &view = frame.getView(op.getMemref());
  FailureOr<int64_t> address = getAddress(frame, op, view, op.getIndices());
  if (failed(address))
    return failure();
  view.buffer->elements[*address] = frame.getScalar(op.getValue());
  view.buffer->written[*address] = 1;
  frame.execution.bytesWritten += getByteWidth(op.getValue().getType());
  return success();
}

static LogicalResult runDim(Frame &frame, memref::DimOp op) {
  const View &view = frame.getView(op.getSource());
  int64_t dim = frame.getInt(op.getIndex());
  if (dim < 0 || dim >= int64_t(view.shape.size()))
    return frame.error(op) << "dimension " << dim
                           << " is not one of a memref of rank "
                           << view.shape.size();
  frame.setInt(op, view.shape[dim]);
  return success();
}

/// The numbers of a mixed list of constants and values.
static SmallVector<int64_t> getMixed(Frame &frame,
                                     ArrayRef<OpFoldResult> values) {
  return llvm::map_to_vector(values, [&](OpFoldResult value) {
    if (auto attribute = dyn_cast<Attribute>(value))
      return cast<IntegerAttr>(attribute).getInt();
    return frame.getInt(cast<Value>(value));
  });
}

static LogicalResult runSubview(Frame &frame, memref::SubViewOp op) {
  View source = frame.getView(op.getSource());
  SmallVector<int64_t> offsets = getMixed(frame, op.getMixedOffsets());
  SmallVector<int64_t> sizes = getMixed(frame, op.getMixedSizes());
  SmallVector<int64_t> strides = getMixed(frame, op.getMixedStrides());
  llvm::SmallBitVector dropped = op.getDroppedDims();
  View result{source.buffer, source.offset, {}, {}};
  for (size_t dim = 0; dim < offsets.size(); ++dim) {
    int64_t last = offsets[dim] + (sizes[dim] - 1) * strides[dim];
    bool inside = offsets[dim] >= 0 && sizes[dim] >= 0 && last >= 0 &&
                  offsets[dim] < source.shape[dim] && last < source.shape[dim];
    if (sizes[dim] != 0 && !inside)
      return frame.error(op) << "elements " << offsets[dim] << " to " << last
                             << " are not inside of dimension " << dim
                             << " of the memref, which has "
                             << source.shape[dim] << " elements";
    result.offset += offsets[dim] * source.strides[dim];
    if (dropped[dim])
      continue;
    result.shape.push_back(sizes[dim]);
    result.strides.push_back(source.strides[dim] * strides[dim]);
  }
  frame.set(op, std::move(result));
  return success();
}

static LogicalResult runCast(Frame &frame, memref::CastOp op) {
  View view = frame.getView(op.getSource());
  auto type = dyn_cast<MemRefType>(op.getType());
  if (!type)
    return frame.error(op) << "the reference does not run casts to "
                           << op.getType();
  for (auto [dim, extent] : llvm::enumerate(type.getShape()))
    if (!ShapedType::isDynamic(extent) && extent != view.shape[dim])
      return frame.error(op)
             << "expected dimension " << dim << " to have " << extent
             << " elements, found " << view.shape[dim];
  frame.set(op, std::move(view));
  return success();
}

void heddle::reference::addMemoryOps(Registry &registry) {
  registry.add<tile::LoadOp>(runLoad);
  registry.add<tile::StoreOp>(runStore);
  registry.add<memref::CastOp>(runCast);
  registry.add<memref::DimOp>(runDim);
  registry.add<memref::LoadOp>(runScalarLoad);
  registry.add<memref::StoreOp>(runScalarStore);
  registry.add<memref::SubViewOp>(runSubview);
}
