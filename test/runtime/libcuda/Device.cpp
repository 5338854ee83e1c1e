//===- Device.cpp - Devices and contexts of the test driver ---------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Driver.h"
#include "heddle/Runtime/VirtualDevice.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <fmt/format.h>

using namespace heddle;
using namespace heddle::cuda;

/// Reads the environment anew, unless that could change what is in use.
static Result refresh() {
  Driver &driver = getDriver();
  std::lock_guard lock(driver.mutex);
  for (const std::unique_ptr<ContextTag> &context : driver.contexts)
    if (context)
      return Result::Success;
  if (driver.virtualMemory.isUsed())
    return Result::Success;
  Expected<Config> config = readConfig();
  if (!config) {
    fmt::print(stderr, "test driver: {}\n", config.error().message);
    return Result::InvalidValue;
  }
  driver.config = std::move(*config);
  driver.properties = createVirtualDevice()->properties();
  driver.counts.clear();
  driver.contexts.clear();
  driver.contexts.resize(driver.config.devices);
  return Result::Success;
}

extern "C" Result cuda::cuInit(unsigned flags) {
  Result refreshed = refresh();
  Call call(__func__, Call::Nothing);
  if (call.early() != Result::Success)
    return call.early();
  if (refreshed != Result::Success)
    return call.refuse(refreshed, "the environment is not understood");
  if (flags != 0)
    return call.refuse(Result::InvalidValue, "expected no flags, found {}",
                       flags);
  Driver &driver = getDriver();
  driver.isInitialized = driver.config.devices > 0;
  return call.done(driver.isInitialized ? Result::Success : Result::NoDevice);
}

extern "C" Result cuda::cuDriverGetVersion(int *version) {
  Result refreshed = refresh();
  Call call(__func__, Call::Nothing);
  if (call.early() != Result::Success)
    return call.early();
  if (refreshed != Result::Success || !version)
    return call.refuse(Result::InvalidValue, "no place for the version");
  *version = getDriver().config.version;
  return call.done();
}

extern "C" Result cuda::cuDeviceGetCount(int *count) {
  Call call(__func__, Call::Initialized);
  if (call.early() != Result::Success)
    return call.early();
  if (!count)
    return call.refuse(Result::InvalidValue, "no place for the count");
  *count = int(getDriver().config.devices);
  return call.done();
}

static bool isDevice(DeviceNumber device) {
  return device >= 0 && uint32_t(device) < getDriver().config.devices;
}

extern "C" Result cuda::cuDeviceGet(DeviceNumber *device, int ordinal) {
  Call call(__func__, Call::Initialized);
  if (call.early() != Result::Success)
    return call.early();
  if (!device || !isDevice(ordinal))
    return call.refuse(device ? Result::InvalidDevice : Result::InvalidValue,
                       "found device {}", ordinal);
  *device = ordinal;
  return call.done();
}

extern "C" Result cuda::cuDeviceGetName(char *name, int length,
                                        DeviceNumber device) {
  Call call(__func__, Call::Initialized);
  if (call.early() != Result::Success)
    return call.early();
  if (!isDevice(device))
    return call.refuse(Result::InvalidDevice, "found device {}", device);
  if (!name || length < 1)
    return call.refuse(Result::InvalidValue, "no place for the name");
  std::string text =
      fmt::format("{} ({})", testDriverName, getDriver().properties.name);
  size_t used = std::min(text.size(), size_t(length) - 1);
  std::memcpy(name, text.data(), used);
  name[used] = '\0';
  return call.done();
}

static std::optional<int> getAttribute(DeviceAttribute attribute) {
  const DeviceProperties &properties = getDriver().properties;
  const int arch = getDriver().config.arch;
  switch (attribute) {
  case DeviceAttribute::MaxThreadsPerBlock:
    return properties.maxThreadsPerBlock;
  case DeviceAttribute::MultiprocessorCount:
    return properties.multiprocessors;
  case DeviceAttribute::L2CacheSize:
    return int(properties.l2Bytes);
  case DeviceAttribute::MaxThreadsPerMultiprocessor:
    return properties.maxThreadsPerMultiprocessor;
  case DeviceAttribute::ComputeCapabilityMajor:
    return arch / 10;
  case DeviceAttribute::ComputeCapabilityMinor:
    return arch % 10;
  case DeviceAttribute::MaxRegistersPerMultiprocessor:
    return properties.registersPerMultiprocessor;
  case DeviceAttribute::MaxSharedMemoryPerBlockOptin:
    return properties.maxSharedBytesPerBlock;
  }
  return std::nullopt;
}

extern "C" Result cuda::cuDeviceGetAttribute(int *value,
                                             DeviceAttribute attribute,
                                             DeviceNumber device) {
  Call call(__func__, Call::Initialized);
  if (call.early() != Result::Success)
    return call.early();
  if (!isDevice(device))
    return call.refuse(Result::InvalidDevice, "found device {}", device);
  std::optional<int> known = getAttribute(attribute);
  if (!value || !known)
    return call.refuse(Result::InvalidValue,
                       "the test driver has no attribute {}",
                       uint32_t(attribute));
  *value = *known;
  return call.done();
}

extern "C" Result cuda::cuDeviceTotalMem_v2(size_t *bytes,
                                            DeviceNumber device) {
  Call call(__func__, Call::Initialized);
  if (call.early() != Result::Success)
    return call.early();
  if (!isDevice(device))
    return call.refuse(Result::InvalidDevice, "found device {}", device);
  if (!bytes)
    return call.refuse(Result::InvalidValue, "no place for the size");
  *bytes = getDriver().config.memoryBytes;
  return call.done();
}

extern "C" Result cuda::cuDevicePrimaryCtxRetain(ContextHandle *context,
                                                 DeviceNumber device) {
  Call call(__func__, Call::Initialized);
  if (call.early() != Result::Success)
    return call.early();
  if (!isDevice(device))
    return call.refuse(Result::InvalidDevice, "found device {}", device);
  if (!context)
    return call.refuse(Result::InvalidValue, "no place for the context");
  std::unique_ptr<ContextTag> &own = getDriver().contexts[device];
  if (!own) {
    own = std::make_unique<ContextTag>();
    own->device = device;
    own->gpu = std::make_shared<Gpu>();
    VirtualDeviceOptions options;
    options.ordinal = uint32_t(device);
    own->gpu->device = createVirtualDevice(options);
    if (!getDriver().beginAllAccess(*own)) {
      own.reset();
      return call.refuse(Result::OutOfMemory, "no room for what is mapped");
    }
  }
  ++own->retained;
  *context = own.get();
  return call.done();
}

/// Says in the log what a context still has when it ends. Nothing can be given
/// back to one in which a kernel failed.
static void logLeaks(const ContextTag &context) {
  Driver &driver = getDriver();
  if (context.gpu->sticky != Result::Success)
    return;
  for (auto [address, bytes] : context.allocations)
    driver.log(fmt::format("leak: {} bytes at {:#x}", bytes, address));
  const std::pair<std::string_view, size_t> counts[] = {
      {"streams", context.streams.size()},
      {"events", context.events.size()},
      {"modules", context.modules.size()},
  };
  for (auto [what, count] : counts)
    if (count > 0)
      driver.log(fmt::format("leak: {} {}", count, what));
}

extern "C" Result cuda::cuDevicePrimaryCtxRelease_v2(DeviceNumber device) {
  Call call(__func__, Call::Initialized);
  if (call.early() != Result::Success)
    return call.early();
  if (!isDevice(device))
    return call.refuse(Result::InvalidDevice, "found device {}", device);
  std::unique_ptr<ContextTag> &own = getDriver().contexts[device];
  if (!own)
    return call.refuse(Result::InvalidContext, "the context is not active");
  if (--own->retained == 0) {
    logLeaks(*own);
    // Code lies in the GPU's memory.
    std::shared_ptr<Gpu> gpu = own->gpu;
    own.reset();
  }
  return call.done();
}

extern "C" Result cuda::cuCtxGetCurrent(ContextHandle *context) {
  Call call(__func__, Call::Initialized);
  if (call.early() != Result::Success)
    return call.early();
  if (!context)
    return call.refuse(Result::InvalidValue, "no place for the context");
  const std::vector<ContextHandle> &stack = getContextStack();
  *context = stack.empty() ? nullptr : stack.back();
  return call.done();
}

extern "C" Result cuda::cuCtxPushCurrent_v2(ContextHandle context) {
  Call call(__func__, Call::Initialized);
  if (call.early() != Result::Success)
    return call.early();
  if (!getDriver().hasContext(context))
    return call.refuse(Result::InvalidContext, "found {}", fmt::ptr(context));
  getContextStack().push_back(context);
  return call.done();
}

extern "C" Result cuda::cuCtxPopCurrent_v2(ContextHandle *context) {
  Call call(__func__, Call::Initialized);
  if (call.early() != Result::Success)
    return call.early();
  std::vector<ContextHandle> &stack = getContextStack();
  if (stack.empty())
    return call.refuse(Result::InvalidContext, "no context is current");
  if (context)
    *context = stack.back();
  stack.pop_back();
  return call.done();
}

extern "C" Result cuda::cuCtxSetCurrent(ContextHandle context) {
  Call call(__func__, Call::Initialized);
  if (call.early() != Result::Success)
    return call.early();
  if (context && !getDriver().hasContext(context))
    return call.refuse(Result::InvalidContext, "found {}", fmt::ptr(context));
  std::vector<ContextHandle> &stack = getContextStack();
  if (!stack.empty())
    stack.pop_back();
  if (context)
    stack.push_back(context);
  return call.done();
}

extern "C" Result cuda::cuCtxGetDevice(DeviceNumber *device) {
  Call call(__func__, Call::CurrentContext);
  if (call.early() != Result::Success)
    return call.early();
  if (!device)
    return call.refuse(Result::InvalidValue, "no place for the device");
  *device = call.context().device;
  return call.done();
}

extern "C" Result cuda::cuCtxSynchronize() {
  Call call(__func__, Call::CurrentContext);
  if (call.early() != Result::Success)
    return call.early();
  return call.wait();
}
