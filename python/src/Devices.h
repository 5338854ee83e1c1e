//===- Devices.h - Devices that a process has opened ------------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_PYTHON_DEVICES_H
#define HEDDLE_PYTHON_DEVICES_H

#include "Errors.h"
#include "heddle/Runtime/Device.h"

namespace heddle::python {

/// A device, as Python has it. The process opens each once.
struct DeviceRef {
  std::shared_ptr<Device> device;
};

/// The device of that name, opened if it was not yet. Must have the GIL, which
/// it lets go of meanwhile.
std::shared_ptr<Device> openShared(const std::string &name);

/// The device that a Python argument names: a string or a `Device`.
std::shared_ptr<Device> getDevice(nb::handle nameOrDevice);

/// "cuda:0".
std::string getName(const Device &device);

void bindDevices(nb::module_ &module);

} // namespace heddle::python

#endif // HEDDLE_PYTHON_DEVICES_H
