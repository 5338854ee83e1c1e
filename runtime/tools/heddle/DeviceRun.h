//===- DeviceRun.h - Running a program on a device --------------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_RUNTIME_TOOLS_HEDDLE_DEVICERUN_H
#define HEDDLE_RUNTIME_TOOLS_HEDDLE_DEVICERUN_H

#include "heddle/Runtime/Package.h"
#include "heddle/Runtime/Reference.h"

namespace heddle {

/// Runs a host function of `package`; the arrays then hold the results. What it
/// does not write is all ones in arrays that are only written.
Expected<void> runOnDevice(Device &device,
                           std::shared_ptr<const Package> package,
                           const LaunchPlan &plan,
                           std::span<const int64_t> sizes,
                           std::span<HostArray> arrays);

} // namespace heddle

#endif // HEDDLE_RUNTIME_TOOLS_HEDDLE_DEVICERUN_H
