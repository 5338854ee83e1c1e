//===- ShapeOps.cpp - Making, cutting and rearranging tiles ---------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Reference/Interpreter.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace heddle::reference;
namespace tile = heddle::tile;

static size_t getLinear(ArrayRef<int64_t> index, ArrayRef<int64_t> strides) {
  size_t linear = 0;
  for (auto [i, stride] : llvm::zip_equal(index, strides))
    linear += i * stride;
  return linear;
}

/// Fills a tile of `type`: `compute(index)` is the element at `index`.
template <typename Fn>
static Tile makeTile(RankedTensorType type, Fn compute) {
  Tile tile(type);
  size_t i = 0;
  forEachIndex(tile.shape, [&](ArrayRef<int64_t> index) {
    tile.elements[i++] = compute(index);
  });
  return tile;
}

//===----------------------------------------------------------------------===//
// tile
//===----------------------------------------------------------------------===//

static LogicalResult runBroadcast(Frame &frame, tile::BroadcastOp op) {
  const Tile &x = frame.getTile(op.getX());
  auto strides = getRowMajorStrides(x.shape);
  frame.setTile(op, makeTile(op.getType(), [&](ArrayRef<int64_t> index) {
                  SmallVector<int64_t, 4> source;
                  for (auto [dim, i] : llvm::enumerate(index))
                    if (!llvm::is_contained(op.getAxes(), int64_t(dim)))
                      source.push_back(i);
                  return x.elements[getLinear(source, strides)];
                }));
  return success();
}

static LogicalResult runTranspose(Frame &frame, tile::TransposeOp op) {
  const Tile &x = frame.getTile(op.getX());
  auto strides = getRowMajorStrides(x.shape);
  SmallVector<int64_t, 4> permuted;
  for (int64_t dim : op.getPermutation())
    permuted.push_back(strides[dim]);
  frame.setTile(op, makeTile(op.getType(), [&](ArrayRef<int64_t> index) {
                  return x.elements[getLinear(index, permuted)];
                }));
  return success();
}

static LogicalResult runIota(Frame &frame, tile::IotaOp op) {
  uint64_t mask = llvm::maskTrailingOnes<uint64_t>(
      getIntegerWidth(op.getType().getElementType()));
  frame.setTile(op, makeTile(op.getType(), [&](ArrayRef<int64_t> index) {
                  return makeInt(uint64_t(index[op.getAxis()]) & mask);
                }));
  return success();
}

//===----------------------------------------------------------------------===//
// tensor
//===----------------------------------------------------------------------===//

static LogicalResult runSplat(Frame &frame, tensor::SplatOp op) {
  Element x = frame.getScalar(op.getInput());
  frame.setTile(op,
                makeTile(op.getType(), [&](ArrayRef<int64_t>) { return x; }));
  return success();
}

static LogicalResult runEmpty(Frame &frame, tensor::EmptyOp op) {
  Element poison = getPoison(op.getType().getElementType());
  frame.setTile(
      op, makeTile(op.getType(), [&](ArrayRef<int64_t>) { return poison; }));
  return success();
}

static LogicalResult runFromElements(Frame &frame, tensor::FromElementsOp op) {
  Tile tile(cast<RankedTensorType>(op.getType()));
  for (auto [i, element] : llvm::enumerate(op.getElements()))
    tile.elements[i] = frame.getScalar(element);
  frame.setTile(op, std::move(tile));
  return success();
}

/// The same elements in another shape of the same size.
template <typename OpT>
static LogicalResult runReshape(Frame &frame, OpT op) {
  Tile tile(cast<RankedTensorType>(op.getType()));
  tile.elements = frame.getTile(op->getOperand(0)).elements;
  frame.setTile(op->getResult(0), std::move(tile));
  return success();
}

/// The place of one element in a tile.
static FailureOr<size_t> getPlace(Frame &frame, Operation *op, const Tile &tile,
                                  ValueRange indices) {
  SmallVector<int64_t> index = frame.getInts(indices);
  for (auto [dim, i] : llvm::enumerate(index))
    if (i < 0 || i >= tile.shape[dim]) {
      frame.error(op) << "index " << i << " is outside of dimension " << dim
                      << " of the tile, which has " << tile.shape[dim]
                      << " elements";
      return failure();
    }
  return getLinear(index, getRowMajorStrides(tile.shape));
}

static LogicalResult runExtract(Frame &frame, tensor::ExtractOp op) {
  const Tile &tile = frame.getTile(op.getTensor());
  FailureOr<size_t> place = getPlace(frame, op, tile, op.getIndices());
  if (failed(place))
    return failure();
  frame.set(op, tile.elements[*place]);
  return success();
}

static LogicalResult runInsert(Frame &frame, tensor::InsertOp op) {
  Tile tile = frame.getTile(op.getDest());
  FailureOr<size_t> place = getPlace(frame, op, tile, op.getIndices());
  if (failed(place))
    return failure();
  tile.elements[*place] = frame.getScalar(op.getScalar());
  frame.setTile(op, std::move(tile));
  return success();
}

static LogicalResult runDim(Frame &frame, tensor::DimOp op) {
  const Tile &tile = frame.getTile(op.getSource());
  int64_t dim = frame.getInt(op.getIndex());
  if (dim < 0 || dim >= tile.getRank())
    return frame.error(op) << "dimension " << dim
                           << " is not one of a tile of rank "
                           << tile.getRank();
  frame.setInt(op, tile.shape[dim]);
  return success();
}

/// The elements of `whole` that a slice covers, in the slice's order.
template <typename OpT>
static FailureOr<SmallVector<size_t>> getSlice(Frame &frame, OpT op,
                                               const Tile &whole) {
  auto evaluate = [&](ArrayRef<OpFoldResult> values) {
    return llvm::map_to_vector(values, [&](OpFoldResult value) {
      if (auto attribute = dyn_cast<Attribute>(value))
        return cast<IntegerAttr>(attribute).getInt();
      return frame.getInt(cast<Value>(value));
    });
  };
  SmallVector<int64_t> offsets = evaluate(op.getMixedOffsets());
  SmallVector<int64_t> sizes = evaluate(op.getMixedSizes());
  SmallVector<int64_t> strides = evaluate(op.getMixedStrides());
  for (size_t dim = 0; dim < sizes.size(); ++dim) {
    int64_t last = offsets[dim] + (sizes[dim] - 1) * strides[dim];
    if (offsets[dim] >= 0 && offsets[dim] < whole.shape[dim] && last >= 0 &&
        last < whole.shape[dim])
      continue;
    frame.error(op) << "elements " << offsets[dim] << " to " << last
                    << " are not inside of dimension " << dim
                    << " of the tile, which has " << whole.shape[dim]
                    << " elements";
    return failure();
  }
  auto wholeStrides = getRowMajorStrides(whole.shape);
  SmallVector<size_t> places;
  forEachIndex(sizes, [&](ArrayRef<int64_t> index) {
    size_t place = 0;
    for (size_t dim = 0; dim < index.size(); ++dim)
      place += (offsets[dim] + index[dim] * strides[dim]) * wholeStrides[dim];
    places.push_back(place);
  });
  return places;
}

static LogicalResult runExtractSlice(Frame &frame, tensor::ExtractSliceOp op) {
  const Tile &whole = frame.getTile(op.getSource());
  auto places = getSlice(frame, op, whole);
  if (failed(places))
    return failure();
  Tile slice(op.getType());
  for (auto [i, place] : llvm::enumerate(*places))
    slice.elements[i] = whole.elements[place];
  frame.setTile(op, std::move(slice));
  return success();
}

static LogicalResult runInsertSlice(Frame &frame, tensor::InsertSliceOp op) {
  Tile whole = frame.getTile(op.getDest());
  const Tile &slice = frame.getTile(op.getSource());
  auto places = getSlice(frame, op, whole);
  if (failed(places))
    return failure();
  for (auto [i, place] : llvm::enumerate(*places))
    whole.elements[place] = slice.elements[i];
  frame.setTile(op, std::move(whole));
  return success();
}

void heddle::reference::addShapeOps(Registry &registry) {
  registry.add<tile::BroadcastOp>(runBroadcast);
  registry.add<tile::IotaOp>(runIota);
  registry.add<tile::TransposeOp>(runTranspose);
  registry.add<tensor::CastOp>(runReshape<tensor::CastOp>);
  registry.add<tensor::CollapseShapeOp>(runReshape<tensor::CollapseShapeOp>);
  registry.add<tensor::DimOp>(runDim);
  registry.add<tensor::EmptyOp>(runEmpty);
  registry.add<tensor::ExpandShapeOp>(runReshape<tensor::ExpandShapeOp>);
  registry.add<tensor::ExtractOp>(runExtract);
  registry.add<tensor::ExtractSliceOp>(runExtractSlice);
  registry.add<tensor::FromElementsOp>(runFromElements);
  registry.add<tensor::InsertOp>(runInsert);
  registry.add<tensor::InsertSliceOp>(runInsertSlice);
  registry.add<tensor::SplatOp>(runSplat);
}
