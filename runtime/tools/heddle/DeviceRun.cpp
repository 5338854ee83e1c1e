//===- DeviceRun.cpp - Running a program on a device ----------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/heddle/DeviceRun.h"

#include "heddle/Runtime/Executable.h"
#include "tools/heddle/DeviceBuffers.h"

#include <cstdio>
#include <fmt/format.h>

using namespace heddle;

static std::vector<NamedArray> nameArrays(std::span<const HostArray> arrays,
                                          const DeviceBuffers &buffers) {
  std::vector<NamedArray> named;
  for (size_t i = 0; i < arrays.size(); ++i)
    named.push_back({arrays[i].name,
                     {.address = buffers.getAddress(i),
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
  std::vector<NamedArray> named = nameArrays(arrays, buffers);
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
