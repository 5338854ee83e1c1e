//===- sgemm.cu - Tiled SGEMM through shared memory -----------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

/// C[m,n] = A[m,k] B[k,n]; blocks of 16x16 threads, sizes multiples of 16.
extern "C" __global__ void sgemm(const float *a, const float *b, float *c,
                                 int n, int k) {
  __shared__ float tileA[16][17], tileB[16][17];
  int x = threadIdx.x, y = threadIdx.y;
  int row = blockIdx.y * 16 + y, column = blockIdx.x * 16 + x;
  float sum = 0;
  for (int i = 0; i < k; i += 16) {
    tileA[y][x] = a[row * k + i + x];
    tileB[y][x] = b[(i + y) * n + column];
    __syncthreads();
    for (int j = 0; j < 16; ++j)
      sum += tileA[y][j] * tileB[j][x];
    __syncthreads();
  }
  c[row * n + column] = sum;
}
