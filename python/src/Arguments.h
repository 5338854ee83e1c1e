//===- Arguments.h - Python objects as arrays -------------------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_PYTHON_ARGUMENTS_H
#define HEDDLE_PYTHON_ARGUMENTS_H

#include "Errors.h"
#include "heddle/Runtime/DLPack.h"

#include <memory>

namespace heddle::python {

/// Where the memory of an object is.
struct Place {
  /// The CUDA device; -1 for host memory, which a virtual device uses.
  int cuda = -1;
  /// The device of a `heddle.Array`, also of a virtual one.
  std::shared_ptr<Device> device;
};

/// Finds out where `object` is; `name` is the argument's, for messages. Raises
/// an error if it is no array.
Place locate(nb::handle object, std::string_view name);

/// The device that can use memory there.
std::shared_ptr<Device> openDeviceOf(const Place &place);
/// Whether `device` can use it where it is.
bool isUsable(const Device &device, const Place &place);
/// "host memory" or "cuda:0", for messages.
std::string describe(const Place &place);

bool isNumPyArray(nb::handle object);
/// Without importing PyTorch.
bool isTorchTensor(nb::handle object);

/// An object whose memory a device uses, without a copy, for as long as this
/// lives. Destroyed with the GIL.
struct BorrowedArray {
  DeviceArray array;
  /// Keeps the memory.
  std::shared_ptr<void> owner;
};

/// Borrows `object`, which `isUsable` on `device`, as an argument of elements
/// of `type`. `stream` is where it is used, if the device is a CUDA device; the
/// work that others submitted for it comes first.
BorrowedArray borrow(Device &device, nb::handle object, std::string_view name,
                     ElementType type, void *stream);

} // namespace heddle::python

#endif // HEDDLE_PYTHON_ARGUMENTS_H
