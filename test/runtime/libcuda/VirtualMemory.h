//===- VirtualMemory.h - Virtual memory of the test driver ---- -*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Physical memory is a file in memory, of which the same pages can be mapped
/// at several addresses. A device's address is the host's plus what a virtual
/// GPU adds to that of registered memory.
///
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_TEST_RUNTIME_LIBCUDA_VIRTUALMEMORY_H
#define HEDDLE_TEST_RUNTIME_LIBCUDA_VIRTUALMEMORY_H

#include "cuda/DriverApi.h"

#include <map>
#include <set>

namespace heddle::cuda {

/// An allocation of a device's memory: an open file.
struct PhysicalMemory {
  explicit PhysicalMemory(int file, size_t bytes) : file(file), bytes(bytes) {}
  ~PhysicalMemory();
  PhysicalMemory(const PhysicalMemory &) = delete;
  PhysicalMemory &operator=(const PhysicalMemory &) = delete;

  const int file;
  const size_t bytes;
};

struct Mapping {
  size_t bytes = 0;
  /// A mapping keeps memory that has been released.
  std::shared_ptr<PhysicalMemory> memory;
  /// The devices that may use it.
  std::set<DeviceNumber> devices;
};

/// By address and by handle.
struct VirtualMemory {
  std::map<DeviceAddress, size_t> reservations;
  std::map<DeviceAddress, Mapping> mappings;
  std::map<AllocationHandle, std::shared_ptr<PhysicalMemory>> allocations;
  AllocationHandle lastHandle = 0;

  bool isUsed() const { return !reservations.empty() || !allocations.empty(); }
  /// The mappings that make up [address, address + bytes) without a gap, or
  /// none.
  std::vector<DeviceAddress> findMappings(DeviceAddress address,
                                          size_t bytes) const;
};

} // namespace heddle::cuda

#endif // HEDDLE_TEST_RUNTIME_LIBCUDA_VIRTUALMEMORY_H
