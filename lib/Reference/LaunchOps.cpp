//===- LaunchOps.cpp - Host functions and the blocks of a launch ----------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/Tile/Limits.h"
#include "lib/Reference/Interpreter.h"

#include <mutex>
#include <thread>

using namespace mlir;
using namespace heddle::reference;
namespace tile = heddle::tile;

//===----------------------------------------------------------------------===//
// What can be run
//===----------------------------------------------------------------------===//

/// Whether a value of `type` can be held.
static bool isHoldable(Type type) {
  if (auto view = dyn_cast<MemRefType>(type))
    return isSupported(view.getElementType());
  if (auto tile = dyn_cast<RankedTensorType>(type))
    return tile.hasStaticShape() && isSupported(tile.getElementType());
  return isSupported(type);
}

static LogicalResult verifyOp(Operation *op) {
  if (op->hasTrait<OpTrait::IsTerminator>() &&
      isa<scf::YieldOp, scf::ConditionOp, tile::ReturnOp>(op))
    return success();
  if (!Registry::get().lookup(op))
    return op->emitError()
           << "the reference semantics do not cover this operation; they cover "
              "the tile dialect, scf, arithmetic and math on scalars and "
              "tiles, memref views and static tensors";
  for (Value result : op->getResults()) {
    auto shaped = dyn_cast<RankedTensorType>(result.getType());
    if (shaped && shaped.hasStaticShape() &&
        !llvm::is_contained(shaped.getShape(), 0) && tile::isTooLarge(shaped))
      return op->emitError()
             << "expected a tile of at most " << tile::maxElements
             << " elements, found " << shaped;
    if (!isHoldable(result.getType()))
      return op->emitError()
             << "the reference does not know the type " << result.getType()
             << "; it knows f64, f32, tf32, f16, bf16, f8E4M3FN, f8E5M2, "
                "integers of up to 64 bits and index";
  }
  return success();
}

static LogicalResult verifyBody(FunctionOpInterface function) {
  for (BlockArgument argument : function.getArguments())
    if (!isHoldable(argument.getType()))
      return function.emitError()
             << "the reference does not know the type " << argument.getType();
  WalkResult result = function.getFunctionBody().walk([](Operation *op) {
    return failed(verifyOp(op)) ? WalkResult::interrupt()
                                : WalkResult::advance();
  });
  return failure(result.wasInterrupted());
}

static tile::KernelOp getKernel(tile::LaunchOp launch) {
  return SymbolTable::lookupNearestSymbolFrom<tile::KernelOp>(
      launch, launch.getCalleeAttr());
}

LogicalResult heddle::reference::verifySupported(tile::HostOp host) {
  if (failed(verifyBody(host)))
    return failure();
  llvm::SmallPtrSet<Operation *, 4> seen;
  for (auto launch : host.getBody().getOps<tile::LaunchOp>()) {
    tile::KernelOp kernel = getKernel(launch);
    if (seen.insert(kernel).second && failed(verifyBody(kernel)))
      return failure();
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Launches
//===----------------------------------------------------------------------===//

/// Checks a view against what a kernel argument promises.
static LogicalResult verifyArgument(Frame &frame, tile::LaunchOp launch,
                                    unsigned number, MemRefType type,
                                    const View &view) {
  SmallVector<int64_t> strides;
  int64_t offset;
  if (failed(type.getStridesAndOffset(strides, offset)))
    return frame.error(launch) << "expected a strided memref, found " << type;
  for (size_t dim = 0; dim < view.shape.size(); ++dim) {
    int64_t extent = type.getDimSize(dim);
    if (!ShapedType::isDynamic(extent) && extent != view.shape[dim])
      return frame.error(launch)
             << "expected dimension " << dim << " of argument " << number
             << " to have " << extent << " elements, found " << view.shape[dim];
    // Strides of dimensions with one element or none are never used.
    if (!ShapedType::isDynamic(strides[dim]) && view.shape[dim] > 1 &&
        strides[dim] != view.strides[dim])
      return frame.error(launch)
             << "expected dimension " << dim << " of argument " << number
             << " to have stride " << strides[dim] << ", found "
             << view.strides[dim];
  }
  return success();
}

static LogicalResult runLaunch(Frame &host, tile::LaunchOp launch) {
  tile::KernelOp kernel = getKernel(launch);
  std::array<int64_t, 3> grid = {1, 1, 1};
  for (auto [dim, extent] : llvm::enumerate(host.getInts(launch.getGrid()))) {
    if (extent < 0)
      return host.error(launch)
             << "expected a grid extent of 0 or more, found " << extent;
    grid[dim] = extent;
  }
  SmallVector<RuntimeValue> arguments = host.getAll(launch.getArgs());
  for (auto [i, type] : llvm::enumerate(kernel.getArgumentTypes()))
    if (auto view = dyn_cast<MemRefType>(type);
        view && failed(verifyArgument(host, launch, i, view,
                                      std::get<View>(arguments[i]))))
      return failure();

  uint64_t total = 0;
  if (__builtin_mul_overflow(uint64_t(grid[0]), uint64_t(grid[1]), &total) ||
      __builtin_mul_overflow(total, uint64_t(grid[2]), &total))
    return host.error(launch) << "the grid has too many blocks";
  const Options &options = host.execution.options;
  uint64_t count = total;
  if (options.maxBlocks != 0)
    count = std::min(total, options.maxBlocks);
  std::atomic<uint64_t> next = 0;
  uint64_t done = 0;
  std::mutex progressMutex;
  host.execution.bytesRead = host.execution.bytesWritten = 0;
  auto work = [&] {
    for (uint64_t n; (n = next++) < count && !host.execution.failed;) {
      auto i = uint64_t((unsigned __int128)n * total / count);
      Frame frame(host.execution);
      frame.isKernel = true;
      frame.grid = grid;
      frame.block = {int64_t(i % grid[0]), int64_t(i / grid[0] % grid[1]),
                     int64_t(i / grid[0] / grid[1])};
      frame.setAll(kernel.getBody().getArguments(), arguments);
      if (failed(frame.run(kernel.getBody().front())))
        return;
      if (options.progress) {
        std::lock_guard lock(progressMutex);
        options.progress(++done, count);
      }
    }
  };
  unsigned threads = options.threads;
  if (threads == 0)
    threads = std::max(1u, std::thread::hardware_concurrency());
  std::vector<std::thread> workers;
  for (unsigned i = 1; i < std::min<uint64_t>(threads, count); ++i)
    workers.emplace_back(work);
  work();
  for (std::thread &worker : workers)
    worker.join();
  if (options.traffic && count != 0) {
    double scale = double(total) / double(count);
    options.traffic->bytesRead += scale * host.execution.bytesRead;
    options.traffic->bytesWritten += scale * host.execution.bytesWritten;
    options.traffic->isSampled |= count != total;
  }
  return failure(host.execution.failed);
}

void heddle::reference::addLaunchOps(Registry &registry) {
  registry.add<tile::LaunchOp>(runLaunch);
}

//===----------------------------------------------------------------------===//
// Host functions
//===----------------------------------------------------------------------===//

SmallVector<int64_t>
heddle::reference::getBufferShape(tile::HostOp host, unsigned i,
                                  ArrayRef<int64_t> sizes) {
  SmallVector<int64_t> shape(host.getBufferType(i).getShape());
  for (auto [dim, size] : llvm::enumerate(host.getExtentSizes(i)))
    if (size >= 0)
      shape[dim] = sizes[size];
  return shape;
}

LogicalResult heddle::reference::runHost(tile::HostOp host,
                                         ArrayRef<int64_t> sizes,
                                         MutableArrayRef<Buffer> buffers,
                                         const Options &options) {
  if (failed(verifySupported(host)))
    return failure();
  Execution execution{Registry::get(), options};
  Frame frame(execution);
  Block::BlockArgListType arguments = host.getBody().getArguments();
  for (auto [i, size] : llvm::enumerate(sizes))
    frame.setInt(arguments[i], size);
  for (auto [i, buffer] : llvm::enumerate(buffers))
    frame.set(arguments[sizes.size() + i], View::of(buffer));
  return failure(failed(frame.run(host.getBody().front())));
}
