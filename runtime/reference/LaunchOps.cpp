//===- LaunchOps.cpp - Host functions and the blocks of a launch ----------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "device/HostMemory.h"
#include "heddle/Runtime/MakeError.h"
#include "reference/Interpreter.h"
#include "reference/Rules.h"

#include <algorithm>
#include <numeric>
#include <thread>

// Not all of heddle, which has another Program.
using namespace heddle::reference;
using heddle::ErrorKind;
using heddle::Expected;
using heddle::makeError;

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

/// The most bytes that the values of one block may take: each may be there
/// twice, as itself and as what a loop passes on.
static double getFrameBytes(const Program &program, const Function &function) {
  double bytes =
      2.0 * sizeof(RuntimeValue) * double(function.valueTypes.size());
  for (uint32_t type : function.valueTypes)
    if (program.types[type].form == Form::Tile)
      bytes +=
          2.0 * sizeof(Element) * double(program.types[type].getNumElements());
  return bytes;
}

/// How many blocks fit into half of the machine's memory.
static double getBlocksThatFit(double frameBytes) {
  return double(heddle::getHostMemoryBytes()) / 2 / std::max(frameBytes, 1.0);
}

//===----------------------------------------------------------------------===//
// Launches
//===----------------------------------------------------------------------===//

/// Checks a view against what a kernel argument promises.
static bool verifyArgument(Frame &frame, const Operation &op, size_t number,
                           const Type &type, const View &view) {
  for (size_t dim = 0; dim < view.rank; ++dim) {
    if (type.shape[dim] != dynamic && type.shape[dim] != view.shape[dim])
      return frame.error(op,
                         "expected dimension {} of argument {} to have {} "
                         "elements, found {}",
                         dim, number, type.shape[dim], view.shape[dim]);
    // Strides of dimensions with one element or none are never used.
    if (type.strides[dim] != dynamic && view.shape[dim] > 1 &&
        uint64_t(type.strides[dim]) != view.strides[dim])
      return frame.error(op,
                         "expected dimension {} of argument {} to have stride "
                         "{}, found {}",
                         dim, number, type.strides[dim],
                         int64_t(view.strides[dim]));
  }
  return true;
}

namespace {
/// The blocks of one launch, which threads share out.
class Blocks {
public:
  Blocks(Execution &execution, const Function &kernel,
         std::array<int64_t, 3> grid, std::span<const RuntimeValue> arguments)
      : execution(execution), kernel(kernel), grid(grid), arguments(arguments) {
  }

  /// Runs `count` of `total` blocks, evenly spread. The first error, if any, is
  /// in the execution.
  void run(uint64_t newCount, uint64_t newTotal, unsigned threads);

private:
  /// Runs blocks until there are no more.
  void work();
  bool runBlock(Frame &frame, uint64_t number);

  Execution &execution;
  const Function &kernel;
  std::array<int64_t, 3> grid;
  std::span<const RuntimeValue> arguments;
  uint64_t count = 0, total = 0;
  std::atomic<uint64_t> next = 0;
  uint64_t done = 0;
  std::mutex progressMutex;
};
} // namespace

bool Blocks::runBlock(Frame &frame, uint64_t number) {
  auto i = uint64_t((unsigned __int128)number * total / count);
  uint64_t x = uint64_t(grid[0]), y = uint64_t(grid[1]);
  frame.restart();
  frame.grid = grid;
  frame.block = {int64_t(i % x), int64_t(i / x % y), int64_t(i / x / y)};
  frame.setAll(kernel.body.arguments, arguments);
  return frame.run(kernel.body) != nullptr;
}

void Blocks::work() {
  try {
    Frame frame(execution, kernel);
    for (uint64_t n; (n = next++) < count && !execution.failed;) {
      if (!runBlock(frame, n))
        return;
      if (execution.options.progress) {
        std::lock_guard lock(progressMutex);
        execution.options.progress(++done, count);
      }
    }
  } catch (const std::bad_alloc &) {
    if (!execution.failed.exchange(true))
      execution.message = "the reference ran out of memory";
  }
}

void Blocks::run(uint64_t newCount, uint64_t newTotal, unsigned threads) {
  count = newCount;
  total = newTotal;
  std::vector<std::thread> workers;
  for (unsigned i = 1; i < std::min<uint64_t>(threads, count); ++i)
    try {
      workers.emplace_back([this] { work(); });
    } catch (const std::system_error &) {
      // The machine has no more threads: fewer do.
      break;
    }
  work();
  for (std::thread &worker : workers)
    worker.join();
}

/// Whether blocks combine what they store with what others have stored. They
/// then run in order, so that each run rounds the same sums.
static bool reducesMemory(const Region &region) {
  return std::ranges::any_of(region.operations, [](const Operation &op) {
    return (op.definition->name == "tile.store" && op.find("reduce")) ||
           std::ranges::any_of(op.regions, reducesMemory);
  });
}

static void findLoads(const Program &program, const Region &region,
                      const std::vector<std::string> &places,
                      std::set<const Operation *> &found) {
  for (const Operation &op : region.operations) {
    if (op.definition->name == "tile.load" &&
        std::ranges::find(places, program.format(op.location)) != places.end())
      found.insert(&op);
    for (const Region &nested : op.regions)
      findLoads(program, nested, places, found);
  }
}

/// Finds what neighbours in `grid` load once, if somebody counts bytes.
static void findSharedLoads(Execution &execution, const Function &kernel,
                            const std::array<int64_t, 3> &grid) {
  execution.sharedLoads.clear();
  execution.sharers = 1;
  if (!execution.options.traffic)
    return;
  for (const SharedLoads &shared : execution.options.traffic->shared) {
    if (shared.kernel != kernel.name)
      continue;
    for (size_t dim = 0; dim < 3; ++dim)
      execution.sharers *= uint64_t(std::gcd(grid[dim], shared.cluster[dim]));
    findLoads(execution.program, kernel.body, shared.loads,
              execution.sharedLoads);
  }
}

static bool runLaunch(Frame &host, const Operation &op) {
  Execution &execution = host.execution;
  const Function &kernel =
      *execution.program.findKernel(op.getString("callee"));
  auto dims = size_t(op.getInts("operandSegmentSizes")[0]);
  std::array<int64_t, 3> grid = {1, 1, 1};
  for (size_t dim = 0; dim < dims; ++dim) {
    grid[dim] = host.getInt(op.operands[dim]);
    if (grid[dim] < 0)
      return host.error(op, "expected a grid extent of 0 or more, found {}",
                        grid[dim]);
  }
  std::vector<RuntimeValue> arguments =
      host.getAll(std::span(op.operands).subspan(dims));
  for (size_t i = 0; i < arguments.size(); ++i)
    if (const View *view = std::get_if<View>(&arguments[i]))
      if (const Type &type = execution.program.types[kernel.valueTypes[i]];
          !verifyArgument(host, op, i, type, *view))
        return false;

  uint64_t total = 0;
  if (__builtin_mul_overflow(uint64_t(grid[0]), uint64_t(grid[1]), &total) ||
      __builtin_mul_overflow(total, uint64_t(grid[2]), &total))
    return host.error(op, "the grid has too many blocks");
  double frameBytes = getFrameBytes(execution.program, kernel);
  double fitting = getBlocksThatFit(frameBytes);
  if (fitting < 1)
    return host.error(op,
                      "a block of this kernel has tiles of {:.3g} GiB, and the "
                      "machine has no memory for that",
                      frameBytes / (1 << 30));
  const Options &options = execution.options;
  uint64_t count =
      options.maxBlocks == 0 ? total : std::min(total, options.maxBlocks);
  unsigned threads = options.threads;
  if (threads == 0)
    threads = std::max(1u, std::thread::hardware_concurrency());
  if (threads > fitting)
    threads = unsigned(fitting);
  if (reducesMemory(kernel.body))
    threads = 1;
  execution.bytesRead = execution.bytesWritten = 0;
  findSharedLoads(execution, kernel, grid);
  Blocks(execution, kernel, grid, arguments).run(count, total, threads);
  if (options.traffic && count != 0) {
    double scale = double(total) / double(count);
    options.traffic->bytesRead += scale * double(execution.bytesRead);
    options.traffic->bytesWritten += scale * double(execution.bytesWritten);
    options.traffic->isSampled |= count != total;
  }
  return !execution.failed;
}

static std::string verifyLaunch(const Site &site) {
  if (site.function.isKernel)
    return "expected a host function around a launch";
  const Function *kernel = site.program.findKernel(site.op.getString("callee"));
  if (!kernel)
    return fmt::format("there is no kernel '{}'", site.op.getString("callee"));
  const Ints &segments = site.op.getInts("operandSegmentSizes");
  size_t arguments = kernel->body.arguments.size();
  if (segments.size() != 2 || segments[0] < 1 || segments[0] > 3 ||
      site.getNumOperands() != size_t(segments[0]) + arguments ||
      site.getNumResults() != 0)
    return fmt::format("expected a grid of one to three extents, {} arguments "
                       "and no result",
                       arguments);
  auto dims = size_t(segments[0]);
  for (size_t i = 0; i < arguments; ++i) {
    const Type &given = site.operand(dims + i);
    const Type &taken = site.program.types[kernel->valueTypes[i]];
    if (given.form != taken.form || given.element != taken.element ||
        given.shape.size() != taken.shape.size())
      return fmt::format("expected argument {} to be {}, found {}", i,
                         taken.getName(), given.getName());
  }
  return verifyIndices(site, 0, dims);
}

//===----------------------------------------------------------------------===//
// Scratch arrays
//===----------------------------------------------------------------------===//

static bool runAlloc(Frame &host, const Operation &op) {
  const Type &type = host.getType(op.results[0]);
  std::vector<int64_t> shape = type.shape;
  size_t next = 0;
  double bytes = sizeof(Element) + 1;
  for (int64_t &extent : shape) {
    if (extent == dynamic)
      extent = host.getInt(op.operands[next++]);
    if (extent < 0)
      return host.error(op, "expected extents of 0 or more, found {}", extent);
    bytes *= double(extent);
  }
  if (bytes > double(heddle::getHostMemoryBytes()))
    return host.error(op,
                      "the array takes {:.3g} GiB, and the machine has no "
                      "memory for that",
                      bytes / (1 << 30));
  Buffer &buffer = host.execution.scratch.emplace_back(
      Buffer::makePoison(type.element, shape));
  host.set(op.results[0], View::of(buffer));
  return true;
}

static std::string verifyAlloc(const Site &site) {
  if (site.function.isKernel)
    return "expected a host function around an allocation";
  if (site.getNumResults() != 1)
    return "expected a result";
  const Type &type = site.result();
  if (type.form != Form::View ||
      site.getNumOperands() != size_t(std::ranges::count(type.shape, dynamic)))
    return fmt::format("expected a view and its dynamic extents, found {}",
                       type.getName());
  return verifyIndices(site, 0, site.getNumOperands());
}

//===----------------------------------------------------------------------===//
// Checks
//===----------------------------------------------------------------------===//

static bool runAssert(Frame &host, const Operation &op) {
  return host.getInt(op.operands[0]) != 0 ||
         host.error(op, "{}", op.getString("msg"));
}

static std::string verifyAssert(const Site &site) {
  if (site.function.isKernel)
    return "expected a host function around a check of sizes";
  if (site.getNumOperands() != 1 || site.getNumResults() != 0 ||
      site.operand(0).form != Form::Scalar)
    return "expected a condition and no result";
  return "";
}

void heddle::reference::addLaunchOps(Registry &registry) {
  registry.add({.name = "cf.assert",
                .attributes = {{"msg", AttributeKind::String}},
                .verify = verifyAssert,
                .run = runAssert});
  registry.add("memref.alloc", verifyAlloc, runAlloc);
  registry.add({.name = "tile.launch",
                .attributes = {{"callee", AttributeKind::String},
                               {"operandSegmentSizes", AttributeKind::Ints}},
                .verify = verifyLaunch,
                .run = runLaunch});
}

//===----------------------------------------------------------------------===//
// Host functions
//===----------------------------------------------------------------------===//

std::vector<int64_t>
heddle::reference::getBufferShape(const Program &program, const Function &host,
                                  size_t i, std::span<const int64_t> sizes) {
  std::vector<int64_t> shape =
      program.types[host.valueTypes[host.sizes.size() + i]].shape;
  for (size_t dim = 0; dim < shape.size(); ++dim)
    if (int64_t size = host.buffers[i].extents[dim]; size >= 0)
      shape[dim] = sizes[size_t(size)];
  return shape;
}

Expected<void> heddle::reference::runHost(const Program &program,
                                          const Function &host,
                                          std::span<const int64_t> sizes,
                                          std::span<Buffer> buffers,
                                          const Options &options) {
  if (getBlocksThatFit(getFrameBytes(program, host)) < 1)
    return makeError(ErrorKind::Unavailable,
                     "the tiles of host function '{}' do not fit into memory",
                     host.name);
  Execution execution{program, options};
  try {
    Frame frame(execution, host);
    for (size_t i = 0; i < sizes.size(); ++i)
      frame.setInt(host.body.arguments[i], sizes[i]);
    for (size_t i = 0; i < buffers.size(); ++i)
      frame.set(host.body.arguments[sizes.size() + i], View::of(buffers[i]));
    if (frame.run(host.body))
      return {};
  } catch (const std::bad_alloc &) {
    return makeError(ErrorKind::Unavailable, "the reference ran out of memory");
  }
  return makeError(ErrorKind::Fault, "{}", execution.message);
}
