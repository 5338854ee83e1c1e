//===- says.cu - Kernels that print and assert --------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include <cassert>
#include <cstdio>

extern "C" __global__ void greet(int n) {
  if (threadIdx.x == 0)
    printf("block %d of %u: %5.2f %s 0x%llx%%\n", blockIdx.x, gridDim.x,
           n / 4.0, "text", 0x1234567890ull);
}

extern "C" __global__ void check(const int *x, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n)
    assert(x[i] >= 0 && "numbers are positive");
}
