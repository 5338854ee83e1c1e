//===- Functions.h - What the test driver exports ------------- -*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_TEST_RUNTIME_LIBCUDA_FUNCTIONS_H
#define HEDDLE_TEST_RUNTIME_LIBCUDA_FUNCTIONS_H

#include "cuda/DriverApi.h"

namespace heddle::cuda {

extern "C" {
#define HEDDLE_CUDA_FUNCTION(member, symbol, ...) Result symbol(__VA_ARGS__);
#include "cuda/DriverFunctions.def"
#define HEDDLE_CUDA_FUNCTION(member, symbol, ...) Result symbol(__VA_ARGS__);
#include "MoreFunctions.def"
}

} // namespace heddle::cuda

#endif // HEDDLE_TEST_RUNTIME_LIBCUDA_FUNCTIONS_H
