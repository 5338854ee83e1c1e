//===- grid_reduce.cu - A sum over the grid, finished by its last block -===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

/// Each block writes its sum; the block that takes the last ticket adds them in
/// order, so that the result does not depend on who came when.
extern "C" __global__ void gridSum(const float *in, float *partial,
                                   unsigned *ticket, float *out, int n) {
  __shared__ float warps[32];
  __shared__ bool isLast;
  float sum = 0;
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n;
       i += gridDim.x * blockDim.x)
    sum += in[i];
  for (int m = 16; m; m /= 2)
    sum += __shfl_down_sync(~0u, sum, m);
  if (threadIdx.x % 32 == 0)
    warps[threadIdx.x / 32] = sum;
  __syncthreads();
  if (threadIdx.x == 0) {
    sum = 0;
    for (unsigned w = 0; w < blockDim.x / 32; ++w)
      sum += warps[w];
    partial[blockIdx.x] = sum;
    __threadfence();
    isLast = atomicInc(ticket, gridDim.x - 1) == gridDim.x - 1;
    __threadfence();
  }
  __syncthreads();
  if (isLast && threadIdx.x == 0) {
    sum = 0;
    for (unsigned b = 0; b < gridDim.x; ++b)
      sum += __ldcg(&partial[b]);
    *out = sum;
  }
}

/// The same with atomic additions of integers, which may come in any order.
extern "C" __global__ void atomicSum(const int *in, int *out, int n) {
  int sum = 0;
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n;
       i += gridDim.x * blockDim.x)
    sum += in[i];
  sum = __reduce_add_sync(~0u, sum);
  if (threadIdx.x % 32 == 0)
    atomicAdd(out, sum);
}
