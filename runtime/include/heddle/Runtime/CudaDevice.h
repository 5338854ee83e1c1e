//===- CudaDevice.h - A CUDA GPU ------------------------------ -*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// CUDA GPUs, through the driver: `libcuda.so.1` is opened when the first one
/// is asked for, or the library that the environment variable
/// HEDDLE_CUDA_DRIVER names.
///
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_RUNTIME_CUDADEVICE_H
#define HEDDLE_RUNTIME_CUDADEVICE_H

#include "heddle/Runtime/Device.h"

namespace heddle {

/// How many CUDA devices there are: 0 without a driver, and an error if there
/// is one that does not work.
Expected<uint32_t> countCudaDevices();

/// Opens device `ordinal` and keeps its primary context, the one that the CUDA
/// runtime, PyTorch and cuBLAS use, until the result is destroyed. The calling
/// threads' current contexts stay as they are.
Expected<std::unique_ptr<Device>> openCudaDevice(uint32_t ordinal);

} // namespace heddle

#endif // HEDDLE_RUNTIME_CUDADEVICE_H
