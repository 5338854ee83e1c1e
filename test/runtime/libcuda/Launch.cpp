//===- Launch.cpp - Launches of the test driver ---------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Driver.h"

#include <algorithm>
#include <cstdio>
#include <fmt/format.h>

using namespace heddle;
using namespace heddle::cuda;

static constexpr uint32_t portableClusterBlocks = 8, maxClusterBlocks = 16;
static constexpr uint64_t maxBlocksPerMultiprocessor = 32;
/// Shared memory of a multiprocessor, of which each block reserves some.
static constexpr uint64_t sharedBytesPerMultiprocessor = 228 * 1024;
static constexpr uint64_t reservedSharedBytes = 1024;
static constexpr unsigned maxAttributes = 64;

/// Reads attributes; false if there is one that is not known.
static bool readAttributes(const DriverLaunchConfig &driver,
                           LaunchConfig &config) {
  if (driver.attributeCount > maxAttributes ||
      (driver.attributeCount && !driver.attributes))
    return false;
  for (uint32_t i = 0; i < driver.attributeCount; ++i) {
    const LaunchAttribute &attribute = driver.attributes[i];
    switch (attribute.id) {
    case LaunchAttributeId::Cooperative:
      config.cooperative = attribute.value.cooperative != 0;
      continue;
    case LaunchAttributeId::ClusterDimension:
      config.cluster = {attribute.value.cluster.x, attribute.value.cluster.y,
                        attribute.value.cluster.z};
      continue;
    }
    return false;
  }
  return true;
}

/// Checks a launch as the driver documents it. Fills `config`.
static Result check(Call &call, const DriverLaunchConfig *driver,
                    FunctionHandle function, LaunchConfig &config) {
  if (!driver)
    return call.refuse(Result::InvalidValue, "found no configuration");
  if (!call.context().functions.contains(function))
    return call.refuse(Result::InvalidHandle, "found no function {}",
                       fmt::ptr(function));
  if (!call.context().hasStream(driver->stream))
    return call.refuse(Result::InvalidHandle, "found no stream {}",
                       fmt::ptr(driver->stream));
  config.grid = {driver->gridX, driver->gridY, driver->gridZ};
  config.block = {driver->blockX, driver->blockY, driver->blockZ};
  config.dynamicSharedBytes = driver->sharedBytes;
  if (function->requiredCluster.x)
    config.cluster = function->requiredCluster;
  if (!readAttributes(*driver, config))
    return call.refuse(Result::InvalidValue, "found an unknown attribute");
  if (config.grid.count() == 0 || config.block.count() == 0 ||
      config.grid.x > 0x7fffffff || config.grid.y > 0xffff ||
      config.grid.z > 0xffff || config.block.z > 64)
    return call.refuse(Result::InvalidValue, "found an illegal grid or block");
  if (config.block.count() > function->maxThreads)
    return call.refuse(Result::InvalidValue,
                       "expected at most {} threads per block, found {}",
                       function->maxThreads, config.block.count());
  const uint64_t cluster = config.cluster.count();
  if (cluster == 0 || cluster > maxClusterBlocks ||
      (cluster > portableClusterBlocks && !function->allowsLargeClusters) ||
      config.grid.x % config.cluster.x || config.grid.y % config.cluster.y ||
      config.grid.z % config.cluster.z)
    return call.refuse(Result::InvalidClusterSize,
                       "found clusters of {} blocks", cluster);
  if (config.dynamicSharedBytes > function->maxDynamicSharedBytes)
    return call.refuse(Result::InvalidValue,
                       "{} bytes of dynamic shared memory exceed {}, and "
                       "cuFuncSetAttribute has not raised that",
                       config.dynamicSharedBytes,
                       function->maxDynamicSharedBytes);
  return Result::Success;
}

/// How many blocks of the kernel one multiprocessor holds.
static uint64_t getBlocksPerMultiprocessor(const FunctionTag &function,
                                           uint64_t threads,
                                           uint64_t dynamicSharedBytes) {
  const DeviceProperties &properties = getDriver().properties;
  if (threads == 0 || threads > function.maxThreads ||
      dynamicSharedBytes > function.maxDynamicSharedBytes)
    return 0;
  uint64_t shared =
      reservedSharedBytes + function.staticSharedBytes + dynamicSharedBytes;
  uint64_t blocks = std::min({maxBlocksPerMultiprocessor,
                              properties.maxThreadsPerMultiprocessor / threads,
                              sharedBytesPerMultiprocessor / shared});
  if (function.registers)
    blocks = std::min(blocks, properties.registersPerMultiprocessor /
                                  (function.registers * threads));
  return blocks;
}

static uint64_t getResidentBlocks(const FunctionTag &function,
                                  const LaunchConfig &config) {
  uint64_t blocks = getBlocksPerMultiprocessor(function, config.block.count(),
                                               config.dynamicSharedBytes) *
                    getDriver().properties.multiprocessors;
  return blocks / config.cluster.count() * config.cluster.count();
}

/// What a GPU says of what the virtual one explains.
static Result getFaultResult(const std::string &message) {
  if (message.find("aligned") != message.npos)
    return Result::MisalignedAddress;
  if (message.find(" bytes at 0x") != message.npos)
    return Result::IllegalAddress;
  return Result::LaunchFailed;
}

extern "C" Result cuda::cuLaunchKernelEx(const DriverLaunchConfig *driver,
                                         FunctionHandle function,
                                         void **parameters, void **extra) {
  Call call(__func__, Call::CurrentContext);
  if (call.early() != Result::Success)
    return call.early();
  LaunchConfig config;
  if (Result legal = check(call, driver, function, config);
      legal != Result::Success)
    return legal;
  const size_t count = function->parameters.size();
  if (extra || (count && !parameters))
    return call.refuse(Result::InvalidValue,
                       "expected {} parameters and no extra ones", count);
  std::vector<KernelArgument> arguments;
  arguments.reserve(count);
  for (size_t i = 0; i < count; ++i) {
    if (!parameters[i])
      return call.refuse(Result::InvalidValue, "parameter {} is null", i);
    arguments.emplace_back(static_cast<const std::byte *>(parameters[i]),
                           function->parameters[i].size);
  }
  if (config.cooperative &&
      config.grid.count() > getResidentBlocks(*function, config))
    return call.refuse(Result::CooperativeLaunchTooLarge,
                       "{} blocks do not fit at once", config.grid.count());

  // The module may be unloaded and the context end while the kernel runs.
  std::shared_ptr<Gpu> gpu = call.context().gpu;
  std::shared_ptr<heddle::Module> code = function->code;
  std::string name = function->name;
  Expected<void> ran = call.run([&](Device &device) {
    return device.launch(*code, name, config, arguments);
  });
  if (ran)
    return call.done();
  if (ran.error().kind != ErrorKind::Fault)
    return call.refuse(Result::InvalidValue, "{}", ran.error().message);
  // A GPU would not say; the next call that waits returns the error.
  fmt::print(stderr, "test driver: kernel '{}' failed: {}\n", name,
             ran.error().message);
  gpu->pending = getFaultResult(ran.error().message);
  return call.done();
}

extern "C" Result cuda::cuOccupancyMaxActiveBlocksPerMultiprocessor(
    int *blocks, FunctionHandle function, int threads, size_t sharedBytes) {
  Call call(__func__, Call::CurrentContext);
  if (call.early() != Result::Success)
    return call.early();
  if (!call.context().functions.contains(function))
    return call.refuse(Result::InvalidHandle, "found no function {}",
                       fmt::ptr(function));
  if (!blocks || threads < 1)
    return call.refuse(Result::InvalidValue, "found {} threads", threads);
  *blocks = int(
      getBlocksPerMultiprocessor(*function, uint64_t(threads), sharedBytes));
  return call.done();
}

extern "C" Result
cuda::cuOccupancyMaxActiveClusters(int *clusters, FunctionHandle function,
                                   const DriverLaunchConfig *driver) {
  Call call(__func__, Call::CurrentContext);
  if (call.early() != Result::Success)
    return call.early();
  if (!clusters)
    return call.refuse(Result::InvalidValue, "no place for the count");
  LaunchConfig config;
  if (Result legal = check(call, driver, function, config);
      legal != Result::Success)
    return legal;
  *clusters =
      int(getResidentBlocks(*function, config) / config.cluster.count());
  return call.done();
}
