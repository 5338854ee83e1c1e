//===- OpenCudaDevice.cpp - Finding and opening CUDA GPUs -----------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CudaDevice.h"
#include "heddle/Runtime/CudaDevice.h"
#include "heddle/Runtime/MakeError.h"

using namespace heddle;
using namespace heddle::cuda;

/// Initializes the driver and counts its devices.
static Expected<uint32_t> countDevices(const DriverApi &api) {
  Result result = api.init(0);
  if (result == Result::NoDevice || result == Result::StubLibrary)
    return 0;
  if (result != Result::Success)
    return makeDriverError(api, result, "cuInit", "starting the CUDA driver");
  int count = 0;
  result = api.deviceGetCount(&count);
  if (result == Result::NoDevice)
    return 0;
  if (result != Result::Success)
    return makeDriverError(api, result, "cuDeviceGetCount",
                           "counting CUDA devices");
  return uint32_t(std::max(count, 0));
}

Expected<uint32_t> heddle::countCudaDevices() {
  if (!hasDriver())
    return 0;
  Expected<const DriverApi *> api = loadDriver();
  if (!api)
    return tl::unexpected(api.error());
  return countDevices(**api);
}

static Expected<DeviceProperties>
readProperties(const DriverApi &api, DeviceNumber device, uint32_t ordinal) {
  std::string what = fmt::format("properties of cuda:{}", ordinal);
  DeviceProperties props;
  props.kind = DeviceKind::Cuda;
  props.ordinal = int(ordinal);
  props.driverVersion = api.version;

  char name[256] = {};
  Result result = api.deviceGetName(name, sizeof(name) - 1, device);
  if (result != Result::Success)
    return makeDriverError(api, result, "cuDeviceGetName", what);
  props.name = name;
  props.isSimulated = props.name.starts_with(testDriverName);

  size_t bytes = 0;
  result = api.deviceTotalMem(&bytes, device);
  if (result != Result::Success)
    return makeDriverError(api, result, "cuDeviceTotalMem_v2", what);
  props.memoryBytes = bytes;

  uint32_t major = 0, minor = 0, l2Bytes = 0;
  const std::pair<DeviceAttribute, uint32_t *> attributes[] = {
      {DeviceAttribute::ComputeCapabilityMajor, &major},
      {DeviceAttribute::ComputeCapabilityMinor, &minor},
      {DeviceAttribute::L2CacheSize, &l2Bytes},
      {DeviceAttribute::MultiprocessorCount, &props.multiprocessors},
      {DeviceAttribute::MaxThreadsPerBlock, &props.maxThreadsPerBlock},
      {DeviceAttribute::MaxSharedMemoryPerBlockOptin,
       &props.maxSharedBytesPerBlock},
      {DeviceAttribute::MaxRegistersPerMultiprocessor,
       &props.registersPerMultiprocessor},
      {DeviceAttribute::MaxThreadsPerMultiprocessor,
       &props.maxThreadsPerMultiprocessor},
  };
  for (auto [attribute, place] : attributes) {
    int value = 0;
    result = api.deviceGetAttribute(&value, attribute, device);
    if (result != Result::Success)
      return makeDriverError(api, result, "cuDeviceGetAttribute", what);
    *place = uint32_t(std::max(value, 0));
  }
  props.smArch = int(major * 10 + minor);
  props.l2Bytes = l2Bytes;
  return props;
}

Expected<std::unique_ptr<Device>> heddle::openCudaDevice(uint32_t ordinal) {
  Expected<const DriverApi *> loaded = loadDriver();
  if (!loaded)
    return tl::unexpected(loaded.error());
  const DriverApi &api = **loaded;
  Expected<uint32_t> count = countDevices(api);
  if (!count)
    return tl::unexpected(count.error());
  if (*count == 0)
    return makeError(ErrorKind::Unavailable,
                     "the CUDA driver found no device; use the device "
                     "'virtual'");
  if (ordinal >= *count)
    return makeError(ErrorKind::InvalidInput,
                     "expected a CUDA device below cuda:{}, found 'cuda:{}'; "
                     "found {} device{}",
                     *count, ordinal, *count, *count == 1 ? "" : "s");

  DeviceNumber device = 0;
  Result result = api.deviceGet(&device, int(ordinal));
  if (result != Result::Success)
    return makeDriverError(api, result, "cuDeviceGet",
                           fmt::format("opening cuda:{}", ordinal));
  Expected<DeviceProperties> props = readProperties(api, device, ordinal);
  if (!props)
    return tl::unexpected(props.error());
  ContextHandle context = nullptr;
  result = api.devicePrimaryCtxRetain(&context, device);
  if (result != Result::Success)
    return makeDriverError(
        api, result, "cuDevicePrimaryCtxRetain",
        fmt::format("opening cuda:{} ({})", ordinal, props->name));
  return std::make_unique<CudaDevice>(api, device, context, std::move(*props));
}
