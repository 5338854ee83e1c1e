//===- reduce.cu - Shuffles, atomics and softmax --------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include <math_constants.h>

extern "C" __global__ void sum(const float *a, float *total, unsigned *ticket,
                               int n) {
  __shared__ float partial[32];
  float x = 0;
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n;
       i += gridDim.x * blockDim.x)
    x += a[i];
  for (int m = 16; m; m /= 2)
    x += __shfl_xor_sync(~0u, x, m);
  if (threadIdx.x % 32 == 0)
    partial[threadIdx.x / 32] = x;
  __syncthreads();
  if (threadIdx.x < 32) {
    x = threadIdx.x < blockDim.x / 32 ? partial[threadIdx.x] : 0;
    for (int m = 16; m; m /= 2)
      x += __shfl_down_sync(~0u, x, m);
    if (threadIdx.x == 0) {
      atomicAdd(total, x);
      __threadfence();
      atomicInc(ticket, gridDim.x - 1);
    }
  }
}

/// One warp per row.
extern "C" __global__ void softmax(const float *in, float *out, int columns) {
  int row = blockIdx.x * (blockDim.x / 32) + threadIdx.x / 32;
  int lane = threadIdx.x % 32;
  in += row * columns;
  out += row * columns;
  float top = -CUDART_INF_F;
  for (int i = lane; i < columns; i += 32)
    top = fmaxf(top, in[i]);
  for (int m = 16; m; m /= 2)
    top = fmaxf(top, __shfl_xor_sync(~0u, top, m));
  float total = 0;
  for (int i = lane; i < columns; i += 32)
    total += __expf(in[i] - top);
  for (int m = 16; m; m /= 2)
    total += __shfl_xor_sync(~0u, total, m);
  for (int i = lane; i < columns; i += 32)
    out[i] = __expf(in[i] - top) / total;
}

/// Blocks that wait for each other through a flag in memory.
extern "C" __global__ void relay(unsigned *flag, unsigned *order) {
  if (threadIdx.x == 0) {
    volatile unsigned *watched = flag;
    while (*watched != gridDim.x - 1 - blockIdx.x) {
    }
    order[blockIdx.x] = *watched;
    __threadfence();
    atomicAdd(flag, 1);
  }
}
