//===- DriverTable.h - The test driver's functions ------------ -*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_TEST_RUNTIME_CUDA_DRIVERTABLE_H
#define HEDDLE_TEST_RUNTIME_CUDA_DRIVERTABLE_H

#include "cuda/DriverApi.h"

#include <dlfcn.h>
#include <gtest/gtest.h>

namespace heddle::test {

/// The functions of the test driver, for tests that call it themselves.
inline cuda::DriverApi openDriverApi() {
  using namespace heddle::cuda;
  void *library = dlopen(HEDDLE_TEST_DRIVER, RTLD_NOW | RTLD_LOCAL);
  EXPECT_NE(library, nullptr);
  DriverApi api;
#define HEDDLE_CUDA_FUNCTION(member, symbol, ...)                              \
  api.member = reinterpret_cast<decltype(api.member)>(dlsym(library, #symbol));
#include "cuda/DriverFunctions.def"
  return api;
}

} // namespace heddle::test

#endif // HEDDLE_TEST_RUNTIME_CUDA_DRIVERTABLE_H
