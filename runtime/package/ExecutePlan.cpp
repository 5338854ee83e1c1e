//===- ExecutePlan.cpp - Parameters, tensor maps and launches -------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "heddle/Runtime/LaunchPlan.h"
#include "heddle/Runtime/MakeError.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <numeric>

using namespace heddle;

namespace {
/// An argument of a launch: a dense view of a buffer, or the bits of a scalar.
struct Argument {
  bool isView = false;
  ElementType type = ElementType::F32;
  DeviceAddress address = 0;
  std::vector<int64_t> extents, strides;
  uint64_t bits = 0;
};

/// Parameters in the order of their declaration.
class Parameters {
public:
  template <typename T>
  void add(const T &value) {
    add(&value, sizeof(T));
  }
  void add(const void *from, size_t size) {
    const auto *begin = static_cast<const std::byte *>(from);
    bytes.insert(bytes.end(), begin, begin + size);
    extents.push_back(size);
  }
  /// Moves them to `launch`.
  void moveTo(PreparedLaunch &launch) {
    launch.bytes = std::move(bytes);
    std::span<const std::byte> rest(launch.bytes);
    for (size_t extent : extents) {
      launch.arguments.push_back(rest.first(extent));
      rest = rest.subspan(extent);
    }
  }

private:
  std::vector<std::byte> bytes;
  std::vector<size_t> extents;
};
} // namespace

/// " (file:line)", where that is known.
static std::string describeLocation(const Launch &launch) {
  return launch.location.empty() ? "" : fmt::format(" ({})", launch.location);
}

static Argument makeView(ElementType type, DeviceAddress address,
                         std::vector<int64_t> extents) {
  Argument view;
  view.isView = true;
  view.type = type;
  view.address = address;
  view.extents = std::move(extents);
  view.strides.assign(view.extents.size(), 1);
  // The strides of an empty buffer may overflow, and mean nothing.
  for (size_t dim = view.extents.size(); dim-- > 1;)
    view.strides[dim - 1] =
        int64_t(uint64_t(view.strides[dim]) * uint64_t(view.extents[dim]));
  return view;
}

/// Checks an argument against what the kernel was compiled for.
static Expected<void> verifyArgument(const Launch &launch, size_t number,
                                     const Argument &argument,
                                     const KernelParameter &parameter) {
  auto fail = [&](const std::string &expected, const std::string &found) {
    return makeError(ErrorKind::InvalidInput,
                     "argument {} of kernel '{}'{}: expected {}, found {}",
                     number, launch.kernel, describeLocation(launch), expected,
                     found);
  };
  if (argument.isView != parameter.isView)
    return fail(parameter.isView ? "a view" : "a scalar",
                argument.isView ? "a buffer" : "a scalar");
  if (!argument.isView)
    return {};
  size_t rank = parameter.extents.size();
  if (argument.extents.size() != rank || argument.type != parameter.type)
    return fail(fmt::format("rank {} of {}", rank, getName(parameter.type)),
                fmt::format("rank {} of {}", argument.extents.size(),
                            getName(argument.type)));
  for (size_t dim = 0; dim < rank; ++dim) {
    int64_t extent = parameter.extents[dim], stride = parameter.strides[dim];
    if (extent >= 0 && argument.extents[dim] != extent)
      return fail(fmt::format("extent {} in dimension {}", extent, dim),
                  fmt::format("{}", argument.extents[dim]));
    if (stride >= 0 && argument.extents[dim] > 1 &&
        argument.strides[dim] != stride)
      return fail(fmt::format("stride {} in dimension {}", stride, dim),
                  fmt::format("{}", argument.strides[dim]));
  }
  return {};
}

/// The tensor map of `plan` for the view `argument`, which may be illegal.
static Expected<TensorMapSpec> makeSpec(const TensorMapPlan &plan,
                                        const Argument &argument) {
  size_t rank = argument.extents.size();
  if (plan.box.size() != rank || rank > 5 ||
      elementBytes(plan.type) != getBytes(argument.type))
    return makeError(ErrorKind::InvalidInput,
                     "a tensor map cannot describe rank {} of {} with a box of "
                     "rank {} of {}",
                     rank, getName(argument.type), plan.box.size(),
                     name(plan.type));
  TensorMapSpec spec;
  spec.type = plan.type;
  spec.rank = uint32_t(rank);
  spec.address = argument.address;
  spec.swizzle = plan.swizzle;
  for (size_t dim = 0; dim < rank; ++dim) {
    size_t from = rank - 1 - dim;
    spec.dims[dim] = uint64_t(argument.extents[from]);
    spec.box[dim] = plan.box[dim];
    if (dim > 0)
      spec.strides[dim - 1] =
          uint64_t(argument.strides[from]) * getBytes(argument.type);
  }
  return spec;
}

/// The kernel that can run with these arguments: `kernel`, or its fallback, in
/// which case `reason` says why.
static Expected<const KernelEntry *>
chooseKernel(const Program &program, const Launch &launch,
             const KernelEntry &kernel, const std::vector<Argument> &arguments,
             std::string &reason) {
  for (const TensorMapPlan &map : kernel.tensorMaps) {
    if (map.argument >= arguments.size() || !arguments[map.argument].isView)
      return makeError(ErrorKind::InvalidInput,
                       "a tensor map of kernel '{}' describes argument {}, "
                       "which is not a view",
                       kernel.entry, map.argument);
    Expected<TensorMapSpec> spec = makeSpec(map, arguments[map.argument]);
    if (!spec)
      return tl::unexpected(spec.error());
    Expected<void> legal = verifyTensorMapSpec(*spec);
    if (legal)
      continue;
    reason =
        fmt::format("argument {}: {}", map.argument, legal.error().message);
    if (kernel.fallback.empty())
      return makeError(ErrorKind::InvalidInput,
                       "kernel '{}'{} cannot run on these buffers: {}",
                       kernel.entry, describeLocation(launch), reason);
    const KernelEntry *fallback = program.find(kernel.fallback);
    if (!fallback)
      return makeError(ErrorKind::InvalidInput,
                       "kernel '{}' has no entry '{}' to fall back on",
                       kernel.entry, kernel.fallback);
    std::string ignored;
    return chooseKernel(program, launch, *fallback, arguments, ignored);
  }
  return &kernel;
}

static Expected<Parameters>
makeParameters(Device &device, const KernelEntry &kernel,
               const std::vector<Argument> &arguments,
               const std::array<uint64_t, 3> &grid) {
  Parameters parameters;
  for (const Argument &argument : arguments) {
    if (!argument.isView) {
      // The low bytes of a little-endian number are its first ones.
      parameters.add(&argument.bits, getBytes(argument.type));
      continue;
    }
    parameters.add(argument.address);
    for (int64_t extent : argument.extents)
      parameters.add(extent);
    for (int64_t stride : argument.strides)
      parameters.add(stride);
  }
  if (kernel.persistent)
    for (uint64_t extent : grid)
      parameters.add(extent);
  for (const TensorMapPlan &plan : kernel.tensorMaps) {
    Expected<TensorMapSpec> spec = makeSpec(plan, arguments[plan.argument]);
    if (!spec)
      return tl::unexpected(spec.error());
    Expected<TensorMap> map = device.encodeTensorMap(*spec);
    if (!map)
      return tl::unexpected(map.error());
    parameters.add(*map);
  }
  return parameters;
}

/// The blocks per cluster that are launched. Those of a persistent kernel are
/// in a row, and find out how many they are: as many as divide the author's
/// grid.
static Dim3 getLaunchedCluster(const KernelEntry &kernel,
                               const std::array<uint64_t, 3> &grid) {
  const Dim3 &most = kernel.cluster;
  if (!kernel.persistent)
    return most;
  uint64_t blocks = std::gcd(grid[0], most.x) * std::gcd(grid[1], most.y) *
                    std::gcd(grid[2], most.z);
  return {uint32_t(blocks), 1, 1};
}

/// The blocks that are launched for the author's grid, which is not empty. On a
/// device that has no room for a cluster, `config` loses it.
static Expected<Dim3> getLaunchedGrid(Device &device, Module &module,
                                      const Launch &launch,
                                      const KernelEntry &kernel,
                                      LaunchConfig &config,
                                      const std::array<uint64_t, 3> &grid) {
  constexpr uint64_t maxX = std::numeric_limits<int32_t>::max(), maxYZ = 65535;
  if (!kernel.persistent) {
    if (grid[0] > maxX || grid[1] > maxYZ || grid[2] > maxYZ)
      return makeError(ErrorKind::InvalidInput,
                       "the grid of kernel '{}'{} is {}x{}x{}; the largest is "
                       "{}x{}x{}",
                       launch.kernel, describeLocation(launch), grid[0],
                       grid[1], grid[2], maxX, maxYZ, maxYZ);
    return Dim3{uint32_t(grid[0]), uint32_t(grid[1]), uint32_t(grid[2])};
  }
  // Kernels count their blocks in 32 bits.
  uint64_t total = 0;
  if (__builtin_mul_overflow(grid[0], grid[1], &total) ||
      __builtin_mul_overflow(total, grid[2], &total) || total > maxX)
    return makeError(ErrorKind::InvalidInput,
                     "the grid of kernel '{}'{} is {}x{}x{}; it may have {} "
                     "blocks in all",
                     launch.kernel, describeLocation(launch), grid[0], grid[1],
                     grid[2], maxX);
  auto getResidentBlocks = [&] {
    // The grid does not matter here, but must be one of whole clusters.
    LaunchConfig smallest = config;
    smallest.grid = config.cluster;
    return device.getResidentBlocks(module, kernel.entry, smallest);
  };
  Expected<uint32_t> resident = getResidentBlocks();
  if (resident && *resident == 0 && config.cluster.count() > 1) {
    config.cluster = {1, 1, 1};
    resident = getResidentBlocks();
  }
  if (!resident)
    return tl::unexpected(resident.error());
  if (*resident == 0)
    return makeError(ErrorKind::Unavailable,
                     "kernel '{}'{} needs {} threads and {} bytes of shared "
                     "memory, which '{}' does not have",
                     launch.kernel, describeLocation(launch), kernel.threads,
                     kernel.sharedBytes, device.properties().name);
  // Whole clusters only, of which there is one at least.
  uint64_t cluster = config.cluster.count();
  uint64_t blocks = std::min<uint64_t>(total, *resident) / cluster * cluster;
  return Dim3{uint32_t(std::max(blocks, cluster)), 1, 1};
}

/// Adds a launch to `prepared`, unless its grid is empty.
static Expected<void>
prepareLaunch(Device &device, Module &module, const Program &program,
              const LaunchPlan &plan, const Launch &launch,
              std::span<const uint64_t> values, std::vector<Argument> arguments,
              std::vector<PreparedLaunch> &prepared) {
  const KernelEntry *kernel = program.find(launch.kernel);
  if (!kernel)
    return makeError(ErrorKind::InvalidInput,
                     "'{}' launches kernel '{}'{}, which is not compiled",
                     plan.name, launch.kernel, describeLocation(launch));
  if (arguments.size() != kernel->parameters.size())
    return makeError(ErrorKind::InvalidInput,
                     "kernel '{}'{}: expected {} arguments, found {}",
                     launch.kernel, describeLocation(launch),
                     kernel->parameters.size(), arguments.size());
  for (size_t i = 0; i < arguments.size(); ++i) {
    const KernelParameter &parameter = kernel->parameters[i];
    if (Expected<void> valid =
            verifyArgument(launch, i, arguments[i], parameter);
        !valid)
      return valid;
    if (!arguments[i].isView)
      arguments[i].type = parameter.type;
  }

  std::array<uint64_t, 3> grid = {1, 1, 1};
  for (size_t dim = 0; dim < launch.grid.size() && dim < 3; ++dim) {
    grid[dim] = values[launch.grid[dim]];
    if (int64_t(grid[dim]) < 0)
      return makeError(ErrorKind::InvalidInput,
                       "the grid of kernel '{}'{} has a negative extent, {}",
                       launch.kernel, describeLocation(launch),
                       int64_t(grid[dim]));
  }
  if (std::find(grid.begin(), grid.end(), 0) != grid.end())
    return {};

  LaunchRecord record;
  Expected<const KernelEntry *> chosen =
      chooseKernel(program, launch, *kernel, arguments, record.fallbackReason);
  if (!chosen)
    return tl::unexpected(chosen.error());
  kernel = *chosen;
  LaunchConfig config;
  config.block = {kernel->threads, 1, 1};
  config.cluster = getLaunchedCluster(*kernel, grid);
  config.dynamicSharedBytes = kernel->sharedBytes;
  config.cooperative = kernel->cooperative;
  Expected<Dim3> launched =
      getLaunchedGrid(device, module, launch, *kernel, config, grid);
  if (!launched)
    return tl::unexpected(launched.error());
  config.grid = *launched;
  Expected<Parameters> parameters =
      makeParameters(device, *kernel, arguments, grid);
  if (!parameters)
    return tl::unexpected(parameters.error());

  record.entry = kernel->entry;
  record.grid = config.grid;
  PreparedLaunch &result = prepared.emplace_back();
  result.record = std::move(record);
  result.config = config;
  parameters->moveTo(result);
  return {};
}

/// Allocates the scratch arrays of `plan`; null if there are none.
static Expected<std::shared_ptr<std::vector<DeviceMemory>>>
allocateScratch(Device &device, const LaunchPlan &plan,
                std::span<const uint64_t> values) {
  if (plan.scratch.empty())
    return nullptr;
  auto memory = std::make_shared<std::vector<DeviceMemory>>();
  for (const ScratchPlan &scratch : plan.scratch) {
    Expected<uint64_t> bytes = getBytes(scratch, values);
    if (!bytes)
      return tl::unexpected(bytes.error());
    Expected<DeviceMemory> allocated = DeviceMemory::allocate(device, *bytes);
    if (!allocated)
      return tl::unexpected(allocated.error());
    memory->push_back(std::move(*allocated));
  }
  return memory;
}

Expected<std::vector<PreparedLaunch>>
heddle::prepareLaunches(Device &device, Module &module, const Program &program,
                        const LaunchPlan &plan, std::span<const int64_t> sizes,
                        std::span<const DeviceAddress> buffers) {
  Expected<std::vector<uint64_t>> values = evaluate(plan, sizes);
  if (!values)
    return tl::unexpected(values.error());
  if (buffers.size() != plan.buffers.size())
    return makeError(ErrorKind::InvalidInput,
                     "expected {} buffers for '{}', found {}",
                     plan.buffers.size(), plan.name, buffers.size());
  for (size_t i = 0; i < buffers.size(); ++i)
    if (Expected<uint64_t> bytes = getBytes(plan, i, sizes); !bytes)
      return tl::unexpected(bytes.error());

  auto scratch = allocateScratch(device, plan, *values);
  if (!scratch)
    return tl::unexpected(scratch.error());

  std::vector<PreparedLaunch> prepared;
  for (const Launch &launch : plan.launches) {
    std::vector<Argument> arguments;
    for (const LaunchArgument &argument : launch.arguments) {
      uint32_t number = argument.number;
      if (argument.isBuffer && number < buffers.size()) {
        arguments.push_back(makeView(plan.buffers[number].type, buffers[number],
                                     getShape(plan, number, sizes)));
        continue;
      }
      if (argument.isBuffer) {
        number -= buffers.size();
        std::vector<int64_t> extents;
        for (uint32_t extent : plan.scratch[number].extents)
          extents.push_back(int64_t((*values)[extent]));
        arguments.push_back(makeView(plan.scratch[number].type,
                                     (**scratch)[number].getAddress(),
                                     std::move(extents)));
        continue;
      }
      Argument &scalar = arguments.emplace_back();
      scalar.bits = (*values)[argument.number];
    }
    if (Expected<void> done =
            prepareLaunch(device, module, program, plan, launch, *values,
                          std::move(arguments), prepared);
        !done)
      return tl::unexpected(done.error());
  }
  for (PreparedLaunch &launch : prepared)
    launch.scratch = *scratch;
  return prepared;
}

Expected<void> heddle::launchAll(Device &device, Module &module,
                                 std::span<const PreparedLaunch> launches,
                                 Stream *stream) {
  for (const PreparedLaunch &launch : launches)
    if (Expected<void> launched =
            device.launch(module, launch.record.entry, launch.config,
                          launch.arguments, stream);
        !launched)
      return launched;
  return {};
}

Expected<std::vector<LaunchRecord>>
heddle::executePlan(Device &device, Module &module, const Program &program,
                    const LaunchPlan &plan, std::span<const int64_t> sizes,
                    std::span<const DeviceAddress> buffers, Stream *stream) {
  Expected<std::vector<PreparedLaunch>> prepared =
      prepareLaunches(device, module, program, plan, sizes, buffers);
  if (!prepared)
    return tl::unexpected(prepared.error());
  std::vector<LaunchRecord> records;
  for (PreparedLaunch &launch : *prepared)
    records.push_back(launch.record);
  if (Expected<void> launched = launchAll(device, module, *prepared, stream);
      !launched)
    return tl::unexpected(launched.error());
  return records;
}
