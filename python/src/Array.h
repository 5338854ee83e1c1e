//===- Array.h - Arrays in the memory of a device ---------------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_PYTHON_ARRAY_H
#define HEDDLE_PYTHON_ARRAY_H

#include "Errors.h"
#include "heddle/Runtime/Binding.h"
#include "heddle/Runtime/DeviceMemory.h"

namespace heddle::python {

/// Memory and, for as long, its device.
struct Storage {
  std::shared_ptr<Device> device;
  DeviceMemory memory;
};

/// `heddle.Array`: a dense array that Heddle has allocated.
struct Array {
  std::shared_ptr<Storage> storage;
  DeviceArray array;

  Device &getDevice() const { return *storage->device; }
  size_t getBytes() const { return storage->memory.getBytes(); }
};

/// An array with undefined contents.
Array makeEmpty(std::shared_ptr<Device> device, ElementType type,
                std::vector<int64_t> shape);

void bindArray(nb::module_ &module);

} // namespace heddle::python

#endif // HEDDLE_PYTHON_ARRAY_H
