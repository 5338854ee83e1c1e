//===- MakePersistent.cpp - Visit the blocks of a grid in a loop ----------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Transforms/Passes.h"
#include "lib/Transforms/Warpgroups.h"

namespace heddle {
#define GEN_PASS_DEF_MAKEPERSISTENT
#include "lib/Transforms/Passes.h.inc"
} // namespace heddle

using namespace mlir;
using namespace heddle;

/// How many block rows share a block column in turn if the kernel does not say.
static constexpr int64_t defaultRaster = 8;

namespace {
/// Makes one kernel persistent.
class Persister {
public:
  explicit Persister(tile::KernelOp kernel)
      : kernel(kernel), loc(kernel.getLoc()),
        builder(OpBuilder::atBlockBegin(&kernel.getBody().front())) {}

  LogicalResult run();

private:
  /// What printed IR calls a value.
  Location name(StringRef name) {
    return NameLoc::get(builder.getStringAttr(name), loc);
  }
  Value mul(StringRef result, Value x, Value y) {
    return arith::MulIOp::create(builder, name(result), x, y);
  }
  Value div(StringRef result, Value x, Value y) {
    return arith::DivUIOp::create(builder, name(result), x, y);
  }
  Value rem(StringRef result, Value x, Value y) {
    return arith::RemUIOp::create(builder, name(result), x, y);
  }

  Value narrow(StringRef result, Value value) {
    return arith::IndexCastOp::create(builder, name(result),
                                      builder.getI32Type(), value);
  }
  Value widen(Value value) {
    return arith::IndexCastUIOp::create(builder, loc, builder.getIndexType(),
                                        value);
  }

  void findCluster();
  LogicalResult addArguments();
  Value getExtent(unsigned dim);
  void setId(unsigned dim, Value id);
  /// Fills `ids` for the block, or the cluster, with the number `linear`.
  void computeIds(Value linear);

  tile::KernelOp kernel;
  Location loc;
  OpBuilder builder;
  /// The extents of the grid, and the coordinates of the block in it.
  Value extents[3], ids[3];
  SmallVector<gpu::BlockIdOp> idOps;
  SmallVector<gpu::GridDimOp> extentOps;
  /// The dimension of the grid along which a cluster may have more than one
  /// block, and how many at most; 1 without clusters.
  unsigned clusterDim = 0;
  int64_t clusterSize = 1;
  /// With clusters, how many blocks one has.
  Value launchedSize;
};
} // namespace

/// Clusters exist to share copies by TMA.
void Persister::findCluster() {
  auto given =
      kernel->getAttrOfType<ArrayAttr>(tile::TileDialect::getClusterAttrName());
  if (!given || !usesTma(kernel))
    return;
  SmallVector<int64_t> extents(3, 1);
  for (auto [dim, extent] : llvm::enumerate(given.getAsRange<IntegerAttr>())) {
    extents[dim] = extent.getInt();
    if (extents[dim] == 1)
      continue;
    clusterDim = dim;
    clusterSize = extents[dim];
  }
  kernel->setAttr(aref::ArefDialect::getClusterAttrName(),
                  builder.getDenseI64ArrayAttr(extents));
}

LogicalResult Persister::addArguments() {
  SmallVector<Attribute> names;
  if (ArrayAttr given = kernel.getArgNamesAttr())
    names.assign(given.begin(), given.end());
  unsigned first = kernel.getNumArguments();
  names.resize(first, builder.getStringAttr(""));
  SmallVector<unsigned> positions(3, first);
  SmallVector<Type> types(3, builder.getIndexType());
  SmallVector<DictionaryAttr> attributes(3, builder.getDictionaryAttr({}));
  SmallVector<Location> locations(3, loc);
  if (failed(kernel.insertArguments(positions, types, attributes, locations)))
    return failure();
  for (StringRef name : {"grid_x", "grid_y", "grid_z"})
    names.push_back(builder.getStringAttr(name));
  kernel.setArgNamesAttr(builder.getArrayAttr(names));
  for (unsigned i = 0; i < 3; ++i)
    extents[i] = kernel.getArgument(first + i);
  return success();
}

/// The extent of the grid of clusters in 32 bits.
Value Persister::getExtent(unsigned dim) {
  StringRef names[] = {"grid_x32", "grid_y32", "grid_z32"};
  Value extent = narrow(names[dim], extents[dim]);
  if (launchedSize && dim == clusterDim)
    extent = div("clusters", extent, launchedSize);
  return extent;
}

/// `id` is where the cluster is in the grid of clusters.
void Persister::setId(unsigned dim, Value id) {
  if (launchedSize && dim == clusterDim) {
    Value first = mul("first_of_cluster", id, launchedSize);
    Value rank =
        narrow("cluster_rank",
               gpu::ClusterBlockIdOp::create(builder, loc, gpu::Dimension::x));
    id = arith::AddIOp::create(builder, name("in_grid"), first, rank);
  }
  ids[dim] = widen(id);
}

void Persister::computeIds(Value linear) {
  bool used[3] = {};
  for (gpu::BlockIdOp op : idOps)
    used[unsigned(op.getDimension())] = true;
  // Divisions of 64 bits are calls of functions on the device.
  Value x = getExtent(0);
  // Without y and z, the blocks of a row of the grid may come in any order.
  if (!used[1] && !used[2]) {
    setId(0, rem("x", linear, x));
    return;
  }
  Value y = getExtent(1);
  Value plane = mul("plane", x, y);
  Value inPlane = rem("in_plane", linear, plane);
  setId(2, div("z", linear, plane));
  int64_t raster = defaultRaster;
  if (auto given = kernel->getAttrOfType<IntegerAttr>(
          tile::TileDialect::getRasterAttrName()))
    raster = given.getInt();
  if (!used[1]) {
    setId(0, rem("x", inPlane, x));
    return;
  }
  // Rows of clusters.
  if (clusterDim == 0 && raster > 1)
    raster = std::max<int64_t>(raster / clusterSize, 1);
  if (raster == 1) {
    setId(0, div("x", inPlane, y));
    setId(1, rem("y", inPlane, y));
    return;
  }
  // No more rows than there are, so that a group is no more than the plane.
  Value rows = arith::MinUIOp::create(
      builder, name("rows_per_group"), x,
      arith::ConstantIntOp::create(builder, loc, raster, 32));
  Value group = mul("group_size", rows, y);
  Value firstRow = mul("first_row", div("group", inPlane, group), rows);
  Value inGroup = rem("in_group", inPlane, group);
  // The last group has what rows are left.
  Value left = arith::SubIOp::create(builder, name("rows_left"), x, firstRow);
  Value height = arith::MinUIOp::create(builder, name("rows"), left, rows);
  setId(0, arith::AddIOp::create(builder, name("x"), firstRow,
                                 rem("row", inGroup, height)));
  setId(1, div("y", inGroup, height));
}

LogicalResult Persister::run() {
  Block &body = kernel.getBody().front();
  body.walk([&](gpu::BlockIdOp op) { idOps.push_back(op); });
  body.walk([&](gpu::GridDimOp op) { extentOps.push_back(op); });
  Operation *first = &body.front();
  findCluster();
  if (failed(addArguments()))
    return failure();

  // A launch has less than 2^31 blocks, and so the sum of two numbers of blocks
  // fits in 32 bits without a sign.
  builder.setInsertionPointToStart(&body);
  Value begin, step;
  if (clusterSize == 1) {
    begin = narrow("first_block",
                   gpu::BlockIdOp::create(builder, loc, gpu::Dimension::x));
    step = narrow("block_step",
                  gpu::GridDimOp::create(builder, loc, gpu::Dimension::x));
  } else {
    begin = narrow("first_cluster",
                   gpu::ClusterIdOp::create(builder, loc, gpu::Dimension::x));
    step = narrow("cluster_step",
                  gpu::ClusterDimOp::create(builder, loc, gpu::Dimension::x));
    launchedSize = narrow("cluster_size", gpu::ClusterDimBlocksOp::create(
                                              builder, loc, gpu::Dimension::x));
  }
  Value x = getExtent(0), y = getExtent(1);
  Value plane = mul("plane", x, y);
  Value end = mul("blocks", plane, getExtent(2));
  auto loop = scf::ForOp::create(builder, loc, begin, end, step, ValueRange(),
                                 /*bodyBuilder=*/nullptr, /*unsignedCmp=*/true);
  loop->setAttr(aref::ArefDialect::getBlocksAttrName(), builder.getUnitAttr());
  loop.getInductionVar().setLoc(name(launchedSize ? "cluster" : "block"));
  Block *inner = loop.getBody();
  inner->getOperations().splice(inner->getTerminator()->getIterator(),
                                body.getOperations(), first->getIterator(),
                                body.getTerminator()->getIterator());

  builder.setInsertionPointToStart(inner);
  computeIds(loop.getInductionVar());
  for (gpu::BlockIdOp op : idOps) {
    Value id = ids[unsigned(op.getDimension())];
    // The author's line, and name.
    id.setLoc(op.getLoc());
    op.replaceAllUsesWith(id);
    op.erase();
  }
  for (gpu::GridDimOp op : extentOps) {
    op.replaceAllUsesWith(extents[unsigned(op.getDimension())]);
    op.erase();
  }
  kernel->setAttr(aref::ArefDialect::getPersistentAttrName(),
                  builder.getUnitAttr());
  return success();
}

namespace {
struct MakePersistent : heddle::impl::MakePersistentBase<MakePersistent> {
  void runOnOperation() override {
    tile::KernelOp kernel = getOperation();
    bool hasDot = kernel.getBody()
                      .walk([](tile::DotOp) { return WalkResult::interrupt(); })
                      .wasInterrupted();
    bool done = kernel->hasAttr(aref::ArefDialect::getPersistentAttrName());
    if (hasDot && !done && failed(Persister(kernel).run()))
      signalPassFailure();
  }
};
} // namespace
