//===- CudaLaunch.cpp - Modules and launches on a CUDA GPU ----------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CudaDevice.h"
#include "heddle/Runtime/MakeError.h"

#include <algorithm>

using namespace heddle;
using namespace heddle::cuda;

/// The largest cluster on any device, and on every device.
static constexpr uint64_t maxClusterBlocks = 16, portableClusterBlocks = 8;
static constexpr uint32_t maxGridX = 0x7fffffff, maxGridYZ = 0xffff;
static constexpr uint32_t maxBlockZ = 64;

static std::string getText(Dim3 d) {
  return fmt::format("({},{},{})", d.x, d.y, d.z);
}

static bool isCluster(Dim3 d) { return d.x != 1 || d.y != 1 || d.z != 1; }

namespace {

/// A launch in the driver's terms, which point into this.
struct DriverLaunch {
  DriverLaunch(const LaunchConfig &config, StreamHandle stream) {
    driver = {config.grid.x,
              config.grid.y,
              config.grid.z,
              config.block.x,
              config.block.y,
              config.block.z,
              config.dynamicSharedBytes,
              stream,
              attributes,
              0};
    if (isCluster(config.cluster)) {
      LaunchAttribute &cluster = add(LaunchAttributeId::ClusterDimension);
      cluster.value.cluster = {config.cluster.x, config.cluster.y,
                               config.cluster.z};
    }
    if (config.cooperative)
      add(LaunchAttributeId::Cooperative).value.cooperative = 1;
  }
  DriverLaunch(const DriverLaunch &) = delete;
  DriverLaunch &operator=(const DriverLaunch &) = delete;

  LaunchAttribute &add(LaunchAttributeId id) {
    LaunchAttribute &attribute = attributes[driver.attributeCount++];
    attribute = {};
    attribute.id = id;
    return attribute;
  }

  DriverLaunchConfig driver;
  LaunchAttribute attributes[2];
};

} // namespace

Expected<std::unique_ptr<Module>>
CudaDevice::loadModule(const ModuleImage &image) {
  CurrentContext current(context);
  if (!current)
    return current.makeError(fmt::format("loading '{}'", image.name));
  return loadCudaModule(context, image, props.smArch, props.name);
}

Expected<CudaFunction *>
CudaDevice::findFunction(Module &module, std::string_view kernel) const {
  auto *own = dynamic_cast<CudaModule *>(&module);
  if (!own || &own->context != &context)
    return makeError(ErrorKind::InvalidInput,
                     "launch of '{}': the module belongs to another device",
                     kernel);
  return own->find(kernel);
}

/// Refuses what no kernel can be launched with.
static Expected<void> verifyShape(const DeviceProperties &props,
                                  const CudaFunction &function,
                                  const LaunchConfig &config) {
  auto refuse = [&]<typename... Args>(fmt::format_string<Args...> format,
                                      Args &&...args) {
    return makeError(ErrorKind::InvalidInput, "launch of '{}': {}",
                     *function.name,
                     fmt::format(format, std::forward<Args>(args)...));
  };
  const auto &[grid, block, cluster, shared, cooperative] = config;
  if (grid.count() == 0 || block.count() == 0 || cluster.count() == 0)
    return refuse("expected a grid, a block and a cluster that are not empty, "
                  "found {}, {} and {}",
                  getText(grid), getText(block), getText(cluster));
  if (grid.x > maxGridX || grid.y > maxGridYZ || grid.z > maxGridYZ)
    return refuse("expected a grid of at most {}, found {}",
                  getText({maxGridX, maxGridYZ, maxGridYZ}), getText(grid));
  if (block.count() > props.maxThreadsPerBlock)
    return refuse("expected at most {} threads per block, found {}",
                  props.maxThreadsPerBlock, block.count());
  if (block.count() > function.maxThreads)
    return refuse("expected at most {} threads per block, as the kernel's "
                  "registers and directives allow, found {}",
                  function.maxThreads, block.count());
  if (block.z > maxBlockZ)
    return refuse("expected a block of a depth of at most {}, found {}",
                  maxBlockZ, block.z);
  if (cluster.count() > maxClusterBlocks)
    return refuse("expected clusters of at most {} blocks, found {}",
                  maxClusterBlocks, cluster.count());
  if (grid.x % cluster.x || grid.y % cluster.y || grid.z % cluster.z)
    return refuse("expected a grid that is a multiple of the cluster {}, found "
                  "{}",
                  getText(cluster), getText(grid));
  if (uint64_t(function.staticSharedBytes) + shared >
      props.maxSharedBytesPerBlock)
    return refuse("{} bytes of static and {} bytes of dynamic shared memory "
                  "exceed the {} bytes of a block",
                  function.staticSharedBytes, shared,
                  props.maxSharedBytesPerBlock);
  return {};
}

Expected<void> CudaDevice::prepare(CudaFunction &function,
                                   const LaunchConfig &config) {
  if (Expected<void> legal = verifyShape(props, function, config); !legal)
    return legal;
  auto what = [&] { return fmt::format("kernel '{}'", *function.name); };
  // All that the kernel can have, so that this happens once. What a launch does
  // not ask for costs it nothing.
  if (config.dynamicSharedBytes >
      function.dynamicSharedLimit.load(std::memory_order_relaxed)) {
    uint32_t most = props.maxSharedBytesPerBlock - function.staticSharedBytes;
    Result result = context.api.funcSetAttribute(
        function.handle, FunctionAttribute::MaxDynamicSharedSizeBytes,
        int(most));
    if (result != Result::Success)
      return context.makeError(result, "cuFuncSetAttribute", what());
    function.dynamicSharedLimit = most;
  }
  if (config.cluster.count() > portableClusterBlocks &&
      !function.allowsLargeClusters.load(std::memory_order_relaxed)) {
    Result result = context.api.funcSetAttribute(
        function.handle, FunctionAttribute::NonPortableClusterSizeAllowed, 1);
    if (result != Result::Success)
      return context.makeError(result, "cuFuncSetAttribute", what());
    function.allowsLargeClusters = true;
  }
  return {};
}

Expected<uint32_t>
CudaDevice::getResidentBlocks(const CudaFunction &function,
                              const LaunchConfig &config) const {
  int count = 0;
  auto what = [&] { return fmt::format("occupancy of '{}'", *function.name); };
  if (!isCluster(config.cluster)) {
    Result result = context.api.occupancyMaxActiveBlocks(
        &count, function.handle, int(config.block.count()),
        config.dynamicSharedBytes);
    if (result != Result::Success)
      return context.makeError(
          result, "cuOccupancyMaxActiveBlocksPerMultiprocessor", what());
    return uint32_t(std::max(count, 0)) * props.multiprocessors;
  }
  DriverLaunch launch(config, nullptr);
  Result result = context.api.occupancyMaxActiveClusters(
      &count, function.handle, &launch.driver);
  if (result != Result::Success)
    return context.makeError(result, "cuOccupancyMaxActiveClusters", what());
  return uint32_t(std::max(count, 0)) * uint32_t(config.cluster.count());
}

Expected<uint32_t> CudaDevice::getResidentBlocks(Module &module,
                                                 std::string_view kernel,
                                                 const LaunchConfig &config) {
  CurrentContext current(context);
  if (!current)
    return current.makeError(fmt::format("occupancy of '{}'", kernel));
  Expected<CudaFunction *> function = findFunction(module, kernel);
  if (!function)
    return tl::unexpected(function.error());
  if (Expected<void> prepared = prepare(**function, config); !prepared)
    return tl::unexpected(prepared.error());
  return getResidentBlocks(**function, config);
}

static Expected<void>
verifyArguments(const CudaFunction &function,
                std::span<const KernelArgument> arguments) {
  if (!function.knowsParameters)
    return {};
  if (arguments.size() != function.parameters.size())
    return makeError(ErrorKind::InvalidInput,
                     "launch of '{}': expected {} arguments, found {}",
                     *function.name, function.parameters.size(),
                     arguments.size());
  for (size_t i = 0; i < arguments.size(); ++i)
    if (arguments[i].size() != function.parameters[i])
      return makeError(ErrorKind::InvalidInput,
                       "launch of '{}': expected {} bytes for argument {}, "
                       "found {}",
                       *function.name, function.parameters[i], i,
                       arguments[i].size());
  return {};
}

tl::unexpected<Error> CudaDevice::makeLaunchError(const CudaFunction &function,
                                                  const LaunchConfig &config,
                                                  Result result) const {
  if (result == Result::CooperativeLaunchTooLarge) {
    Expected<uint32_t> blocks = getResidentBlocks(function, config);
    if (blocks)
      return makeError(ErrorKind::InvalidInput,
                       "cooperative launch of '{}': {} blocks do not fit at "
                       "once; the largest grid that does has {}",
                       *function.name, config.grid.count(), *blocks);
  }
  return context.makeError(
      result, "cuLaunchKernelEx",
      fmt::format("launch of '{}' with a grid of {}, blocks of {}, clusters of "
                  "{} and {} bytes of dynamic shared memory",
                  *function.name, getText(config.grid), getText(config.block),
                  getText(config.cluster), config.dynamicSharedBytes));
}

Expected<void> CudaDevice::launch(Module &module, std::string_view kernel,
                                  const LaunchConfig &config,
                                  std::span<const KernelArgument> arguments,
                                  Stream *stream) {
  Expected<StreamHandle> handle = getHandle(stream);
  if (!handle)
    return tl::unexpected(handle.error());
  CurrentContext current(context);
  if (!current)
    return current.makeError(fmt::format("launch of '{}'", kernel));
  Expected<CudaFunction *> found = findFunction(module, kernel);
  if (!found)
    return tl::unexpected(found.error());
  CudaFunction &function = **found;
  if (Expected<void> prepared = prepare(function, config); !prepared)
    return prepared;
  if (Expected<void> legal = verifyArguments(function, arguments); !legal)
    return legal;

  // Few kernels have more parameters than this.
  std::array<void *, 64> few;
  std::vector<void *> many;
  void **pointers = few.data();
  if (arguments.size() > few.size()) {
    many.resize(arguments.size());
    pointers = many.data();
  }
  for (size_t i = 0; i < arguments.size(); ++i)
    pointers[i] = const_cast<std::byte *>(arguments[i].data());

  DriverLaunch launch(config, *handle);
  context.lastKernel.store(function.name, std::memory_order_relaxed);
  Result result = context.api.launchKernelEx(&launch.driver, function.handle,
                                             pointers, nullptr);
  if (result != Result::Success)
    return makeLaunchError(function, config, result);
  return {};
}
