//===- transpose.cu - Transposes of matrices ----------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

/// out[n,m] = in[m,n]; blocks of 32x8 threads move 32x32 elements.
template <typename T>
__device__ void transposeTile(const T *in, T *out, int m, int n) {
  __shared__ T tile[32][33];
  int x = blockIdx.x * 32 + threadIdx.x, y = blockIdx.y * 32;
  for (int i = threadIdx.y; i < 32; i += blockDim.y)
    if (x < n && y + i < m)
      tile[i][threadIdx.x] = in[size_t(y + i) * n + x];
  __syncthreads();
  x = blockIdx.y * 32 + threadIdx.x;
  y = blockIdx.x * 32;
  for (int i = threadIdx.y; i < 32; i += blockDim.y)
    if (x < m && y + i < n)
      out[size_t(y + i) * m + x] = tile[threadIdx.x][i];
}

extern "C" __global__ void transpose32(const float *in, float *out, int m,
                                       int n) {
  transposeTile(in, out, m, n);
}
extern "C" __global__ void transpose8(const char *in, char *out, int m, int n) {
  transposeTile(in, out, m, n);
}
extern "C" __global__ void transpose64(const double *in, double *out, int m,
                                       int n) {
  transposeTile(in, out, m, n);
}
