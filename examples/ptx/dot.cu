//===- dot.cu - A dot product, finished by the last block -----------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Runs without a GPU, and says if anything is wrong with the synchronization:
//
//   nvcc -std=c++17 -arch=sm_90a -lineinfo -ptx dot.cu -o dot.ptx
//   heddle run dot.ptx --launch=dot.json --sanitize=full --schedule=explore
//   heddle run dot.ptx --launch=dot.json --size N=12345
//
// Take away one of the fences, or a __syncthreads, and run it again.
//
//===----------------------------------------------------------------------===//

/// *result = sum of a[i] * b[i]. `partial` has a number for each block, and
/// `ticket` starts as 0.
extern "C" __global__ void dot(const float *a, const float *b, float *partial,
                               unsigned *ticket, float *result, int n) {
  __shared__ float warps[32];
  __shared__ bool isLast;
  float sum = 0;
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n;
       i += gridDim.x * blockDim.x)
    sum += a[i] * b[i];
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
    // What is before the ticket must be seen by whoever takes the last one,
    // who must not look before.
    __threadfence();
    isLast = atomicInc(ticket, gridDim.x - 1) == gridDim.x - 1;
    __threadfence();
  }
  __syncthreads();
  if (isLast && threadIdx.x == 0) {
    sum = 0;
    for (unsigned block = 0; block < gridDim.x; ++block)
      sum += __ldcg(&partial[block]);
    *result = sum;
  }
}
