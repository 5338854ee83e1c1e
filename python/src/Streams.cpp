//===- Streams.cpp - Streams of the caller --------------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Streams.h"

using namespace heddle;
using namespace heddle::python;

static void *toStream(nb::handle number) {
  size_t handle = PyLong_AsSize_t(number.ptr());
  if (PyErr_Occurred())
    refuseFromCurrent("stream: ");
  // DLPack and CUDA both call the legacy default stream 1.
  return handle == 1 ? nullptr : reinterpret_cast<void *>(handle);
}

void *heddle::python::getNativeStream(nb::handle stream) {
  if (stream.is_none())
    return nullptr;
  if (nb::isinstance<nb::int_>(stream))
    return toStream(stream);
  // PyTorch, CuPy.
  for (const char *name : {"cuda_stream", "ptr"})
    if (nb::hasattr(stream, name))
      return toStream(stream.attr(name));
  if (nb::hasattr(stream, "__cuda_stream__"))
    return toStream(nb::object(stream.attr("__cuda_stream__")())[1]);
  refuse("expected a stream as None, a CUstream's number or an object with "
         "cuda_stream, ptr or __cuda_stream__, found {}",
         nb::type_name(stream.type()).c_str());
}

void *heddle::python::getCurrentTorchStream(int ordinal) {
  nb::object cuda = nb::module_::import_("torch.cuda");
  return toStream(cuda.attr("current_stream")(ordinal).attr("cuda_stream"));
}
