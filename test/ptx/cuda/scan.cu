//===- scan.cu - Prefix sums in three launches --------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

/// The inclusive sums within a block of at most 1024 threads.
__device__ int scanBlock(int x) {
  __shared__ int warps[32];
  int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
  for (int d = 1; d < 32; d *= 2) {
    int other = __shfl_up_sync(~0u, x, d);
    if (lane >= d)
      x += other;
  }
  if (lane == 31)
    warps[warp] = x;
  __syncthreads();
  if (warp == 0) {
    int sum = lane < blockDim.x / 32 ? warps[lane] : 0;
    for (int d = 1; d < 32; d *= 2) {
      int other = __shfl_up_sync(~0u, sum, d);
      if (lane >= d)
        sum += other;
    }
    warps[lane] = sum;
  }
  __syncthreads();
  return warp ? x + warps[warp - 1] : x;
}

extern "C" __global__ void scanBlocks(const int *in, int *out, int *sums,
                                      int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  int x = scanBlock(i < n ? in[i] : 0);
  if (i < n)
    out[i] = x;
  if (threadIdx.x == blockDim.x - 1)
    sums[blockIdx.x] = x;
}

extern "C" __global__ void scanSums(int *sums, int blocks) {
  int x = scanBlock(threadIdx.x < blocks ? sums[threadIdx.x] : 0);
  if (threadIdx.x < blocks)
    sums[threadIdx.x] = x;
}

extern "C" __global__ void addSums(int *out, const int *sums, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (blockIdx.x > 0 && i < n)
    out[i] += sums[blockIdx.x - 1];
}
