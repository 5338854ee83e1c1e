//===- DLPack.h - Arrays of and for other libraries -------------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Arrays cross to NumPy, PyTorch, JAX and others as DLPack tensors, without a
/// copy. A CUDA device takes tensors of the same CUDA device. A virtual device
/// takes tensors in host memory, and its own memory is host memory to others.
///
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_RUNTIME_DLPACK_H
#define HEDDLE_RUNTIME_DLPACK_H

#include "heddle/Runtime/Binding.h"

#include <memory>

struct DLManagedTensor;
struct DLManagedTensorVersioned;

namespace heddle {

/// A tensor of another library in use. It ends, and the tensor's deleter is
/// called, with the object, which must not outlive its device and must be there
/// for as long as work that uses the array.
class ImportedArray {
public:
  virtual ~ImportedArray() = default;
  /// The array, dense.
  virtual const DeviceArray &getArray() const = 0;
};

/// Uses `tensor` on `device`. On success the result owns the tensor; on an
/// error it stays the caller's. Unsigned integers become signless ones of the
/// same width. Refuses tensors that are not dense, elsewhere, of a type that
/// programs have not, or not at a multiple of an element's size. The older form
/// of tensor cannot say that it is read-only.
Expected<std::unique_ptr<ImportedArray>> importDLPack(Device &device,
                                                      DLManagedTensor *tensor);
Expected<std::unique_ptr<ImportedArray>>
importDLPack(Device &device, DLManagedTensorVersioned *tensor);

/// Makes a tensor of `array`, which is dense and in the memory of `device`. Its
/// deleter, which the receiver calls, destroys it and lets go of `owner`, which
/// must keep the memory and the device alive. An error if the older form is to
/// be read-only.
Expected<DLManagedTensor *> exportDLPack(Device &device,
                                         const DeviceArray &array,
                                         std::shared_ptr<void> owner);
Expected<DLManagedTensorVersioned *>
exportDLPackVersioned(Device &device, const DeviceArray &array,
                      std::shared_ptr<void> owner);

} // namespace heddle

#endif // HEDDLE_RUNTIME_DLPACK_H
