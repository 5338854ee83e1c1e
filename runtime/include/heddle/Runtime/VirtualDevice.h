//===- VirtualDevice.h - A GPU on the CPU -----------------------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The virtual GPU: executes PTX on the CPU, checks what a real GPU would not,
/// and explains faults and hangs.
///
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_RUNTIME_VIRTUALDEVICE_H
#define HEDDLE_RUNTIME_VIRTUALDEVICE_H

#include "heddle/Runtime/Device.h"

namespace heddle {

struct VirtualDeviceOptions {
  /// The number of the device.
  uint32_t ordinal = 0;
  /// Host threads that execute clusters; 0 means one per hardware thread.
  unsigned hostThreads = 0;
  /// Warp instructions that one cluster may execute before the launch is given
  /// up as one that never ends.
  uint64_t stepBudget = uint64_t(1) << 33;
  /// Reserved for schedules that depend on chance.
  uint64_t seed = 0;
};

/// A virtual H200: 132 multiprocessors, 227 KiB of shared memory per block.
std::unique_ptr<Device>
createVirtualDevice(const VirtualDeviceOptions &options = {});

} // namespace heddle

#endif // HEDDLE_RUNTIME_VIRTUALDEVICE_H
