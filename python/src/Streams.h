//===- Streams.h - Streams of the caller ------------------------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_PYTHON_STREAMS_H
#define HEDDLE_PYTHON_STREAMS_H

#include "Errors.h"
#include "heddle/Runtime/Device.h"

namespace heddle::python {

/// The `CUstream` that `stream` stands for: none for the default stream, a
/// number, or an object of PyTorch, CuPy or cuda.core.
void *getNativeStream(nb::handle stream);

/// PyTorch's current stream on CUDA device `ordinal`.
void *getCurrentTorchStream(int ordinal);

/// The number by which the DLPack protocol calls a stream of a CUDA device.
inline uintptr_t getDLPackStream(void *native) {
  constexpr uintptr_t legacyDefault = 1;
  return native ? reinterpret_cast<uintptr_t>(native) : legacyDefault;
}

/// Calls `use` with the stream of `device` that `native` is; with null for the
/// default one.
template <typename Use>
Expected<void> withStream(Device &device, void *native, Use use) {
  if (!native)
    return use(nullptr);
  Expected<std::unique_ptr<Stream>> stream = device.adoptStream(native);
  if (!stream)
    return tl::unexpected(stream.error());
  return use(stream->get());
}

} // namespace heddle::python

#endif // HEDDLE_PYTHON_STREAMS_H
