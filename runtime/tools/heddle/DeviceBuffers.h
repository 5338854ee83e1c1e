//===- DeviceBuffers.h - Host arrays on a device ----------------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_RUNTIME_TOOLS_HEDDLE_DEVICEBUFFERS_H
#define HEDDLE_RUNTIME_TOOLS_HEDDLE_DEVICEBUFFERS_H

#include "heddle/Runtime/Reference.h"

namespace heddle {

/// Copies of host arrays on a device, for as long as the object lives.
class DeviceBuffers {
public:
  explicit DeviceBuffers(Device &device) : device(device) {}
  ~DeviceBuffers();
  DeviceBuffers(const DeviceBuffers &) = delete;

  /// Arrays that are only written hold all ones.
  Expected<void> upload(std::span<const HostArray> arrays);
  /// All but those that are only read.
  Expected<void> download(std::span<HostArray> arrays);

  DeviceAddress getAddress(size_t array) const { return addresses[array]; }

private:
  Device &device;
  std::vector<DeviceAddress> addresses;
};

} // namespace heddle

#endif // HEDDLE_RUNTIME_TOOLS_HEDDLE_DEVICEBUFFERS_H
