//===- Launch.h - What a running kernel shares ------------------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_VIRTUAL_ENGINE_LAUNCH_H
#define HEDDLE_VIRTUAL_ENGINE_LAUNCH_H

#include "decode/Kernel.h"
#include "engine/FindingLog.h"
#include "heddle/Runtime/VirtualDevice.h"
#include "units/GlobalMemory.h"

namespace heddle::vgpu {

class GlobalShadow;
class LaunchOutput;

/// What differs between the devices of a launch.
struct DeviceShare {
  /// The parameter space, with room to read a vector past its end.
  std::vector<std::byte> parameters;
  /// Two words, the second a barrier, or null if blocks cannot wait for all.
  DeviceAddress gridWorkspace = 0;
};

struct Launch {
  const Kernel *kernel = nullptr;
  /// Of each device.
  LaunchConfig config;
  /// One or more, over the same memory.
  std::vector<DeviceShare> devices;
  GlobalMemory *memory = nullptr;
  uint32_t multiprocessors = 132;
  uint32_t registersPerMultiprocessor = 65536;
  uint32_t hostThreads = 1;
  /// Clusters that are on one device at one time.
  uint32_t residentClusters = 1;
  /// Warp instructions that a cluster may execute.
  uint64_t stepBudget = 0;
  Schedule schedule;
  SanitizeLevel sanitize = SanitizeLevel::Off;
  bool foreign = false;
  bool recordTrace = false;
  /// Global memory as the sanitizer sees it; `runLaunch` sets it.
  GlobalShadow *globalShadow = nullptr;
  /// Where findings go; `runLaunch` sets it.
  FindingLog *findings = nullptr;
  LaunchOutput *output = nullptr;

  uint64_t clustersPerDevice() const {
    return config.grid.count() / config.cluster.count();
  }
  /// What each thread starts with: the kernel's cap, or an even share.
  uint32_t registersPerThread() const;
};

/// Runs every CTA of the grids on at most `hostThreads` threads. What the
/// program does wrong is a finding of the report; errors are bad requests.
Expected<LaunchReport> runLaunch(Launch &launch);

} // namespace heddle::vgpu

#endif // HEDDLE_VIRTUAL_ENGINE_LAUNCH_H
