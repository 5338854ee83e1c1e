//===- DeviceRun.cpp - Running a program on a device ----------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/heddle/DeviceRun.h"

#include "heddle/Runtime/Executable.h"
#include "tools/heddle/Buffers.h"

#include <algorithm>
#include <cstdio>
#include <fmt/format.h>

using namespace heddle;

namespace {
/// Copies of host arrays on a device, for as long as the object lives.
class DeviceBuffers {
public:
  explicit DeviceBuffers(Device &device) : device(device) {}
  ~DeviceBuffers() {
    // A device that cannot free says so at its next use.
    for (DeviceAddress address : addresses)
      (void)device.free(address);
  }
  DeviceBuffers(const DeviceBuffers &) = delete;

  Expected<void> upload(std::span<const HostArray> arrays);
  Expected<void> download(std::span<HostArray> arrays);
  std::vector<NamedArray> name(std::span<const HostArray> arrays) const;

private:
  Device &device;
  std::vector<DeviceAddress> addresses;
};
} // namespace

Expected<void> DeviceBuffers::upload(std::span<const HostArray> arrays) {
  for (const HostArray &array : arrays) {
    uint64_t bytes = getBytes(array);
    Expected<DeviceAddress> address =
        device.allocate(std::max<uint64_t>(bytes, 1));
    if (!address)
      return tl::unexpected(address.error());
    addresses.push_back(*address);
    if (bytes == 0)
      continue;
    Expected<void> filled =
        array.access == Access::Out
            ? device.fill(*address, std::byte(0xFF), bytes)
            : device.copyToDevice(*address, array.bytes.data(), bytes);
    if (!filled)
      return filled;
  }
  return {};
}

Expected<void> DeviceBuffers::download(std::span<HostArray> arrays) {
  for (size_t i = 0; i < arrays.size(); ++i) {
    HostArray &array = arrays[i];
    if (array.access == Access::In)
      continue;
    array.bytes.resize(getBytes(array));
    if (array.bytes.empty())
      continue;
    if (Expected<void> copied = device.copyToHost(
            array.bytes.data(), addresses[i], array.bytes.size());
        !copied)
      return copied;
  }
  return {};
}

std::vector<NamedArray>
DeviceBuffers::name(std::span<const HostArray> arrays) const {
  std::vector<NamedArray> named;
  for (size_t i = 0; i < arrays.size(); ++i)
    named.push_back({arrays[i].name,
                     {.address = addresses[i],
                      .type = arrays[i].type,
                      .shape = arrays[i].shape,
                      .strides = {}}});
  return named;
}

Expected<void> heddle::runOnDevice(Device &device,
                                   std::shared_ptr<const Package> package,
                                   const LaunchPlan &plan,
                                   std::span<const int64_t> sizes,
                                   std::span<HostArray> arrays) {
  Expected<std::unique_ptr<Executable>> executable =
      Executable::load(device, std::move(package));
  if (!executable)
    return tl::unexpected(executable.error());
  DeviceBuffers buffers(device);
  if (Expected<void> uploaded = buffers.upload(arrays); !uploaded)
    return uploaded;
  std::vector<NamedArray> named = buffers.name(arrays);
  std::vector<NamedSize> namedSizes;
  for (size_t i = 0; i < sizes.size(); ++i)
    namedSizes.push_back({plan.sizes[i], sizes[i]});
  Expected<std::vector<LaunchRecord>> launches =
      (*executable)->getLaunches(plan.name, named, namedSizes);
  if (!launches)
    return tl::unexpected(launches.error());
  if (Expected<void> called = (*executable)->call(plan.name, named, namedSizes);
      !called)
    return called;
  if (Expected<void> done = device.synchronize(); !done)
    return done;
  for (const LaunchRecord &launch : *launches)
    if (!launch.fallbackReason.empty())
      fmt::print(stderr,
                 "heddle: note: '{}' ran, which does without TMA, because of "
                 "{}\n",
                 launch.entry, launch.fallbackReason);
  return buffers.download(arrays);
}
