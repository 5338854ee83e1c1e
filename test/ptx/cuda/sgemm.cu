//===- sgemm.cu - Tiled SGEMM through shared memory ---------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

constexpr int tile = 16;

/// C[m,n] = A[m,k] B[k,n] of any size; blocks of 16x16 threads.
extern "C" __global__ void sgemm(const float *a, const float *b, float *c,
                                 int m, int n, int k) {
  __shared__ float tileA[tile][tile + 1], tileB[tile][tile + 1];
  int x = threadIdx.x, y = threadIdx.y;
  int row = blockIdx.y * tile + y, column = blockIdx.x * tile + x;
  float sum = 0;
  for (int i = 0; i < k; i += tile) {
    tileA[y][x] = row < m && i + x < k ? a[row * k + i + x] : 0;
    tileB[y][x] = i + y < k && column < n ? b[(i + y) * n + column] : 0;
    __syncthreads();
    for (int j = 0; j < tile; ++j)
      sum += tileA[y][j] * tileB[j][x];
    __syncthreads();
  }
  if (row < m && column < n)
    c[row * n + column] = sum;
}
