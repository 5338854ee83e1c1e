//===- Config.h - What the environment asks of the test driver  -*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_TEST_RUNTIME_LIBCUDA_CONFIG_H
#define HEDDLE_TEST_RUNTIME_LIBCUDA_CONFIG_H

#include "cuda/DriverApi.h"

namespace heddle::cuda {

/// Makes a call fail: `cuMemAlloc_v2:2=CUDA_ERROR_OUT_OF_MEMORY`.
struct Failure {
  std::string call;
  /// The first call is 1; 0 is all of them.
  uint64_t number = 0;
  Result result = Result::InvalidValue;
};

struct Config {
  /// HEDDLE_TEST_DRIVER_VERSION.
  int version = 13000;
  /// HEDDLE_TEST_DRIVER_DEVICES.
  uint32_t devices = 1;
  /// HEDDLE_TEST_DRIVER_ARCH: the compute capability times 10.
  int arch = 90;
  /// HEDDLE_TEST_DRIVER_MEMORY: bytes of each device.
  uint64_t memoryBytes = uint64_t(141) << 30;
  /// HEDDLE_TEST_DRIVER_FAIL: several, with semicolons between.
  std::vector<Failure> failures;
  /// HEDDLE_TEST_DRIVER_LOG: a file to which each call appends a line.
  std::string log;
};

/// Reads the environment; an error names the variable.
Expected<Config> readConfig();

} // namespace heddle::cuda

#endif // HEDDLE_TEST_RUNTIME_LIBCUDA_CONFIG_H
