//===- vector_add.cu - c = a + b * table ----------------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

__constant__ float table[4] = {1, 2, 3, 4};
__device__ int calls = 7;

extern "C" __global__ void vectorAdd(const float *a, const float *b, float *c,
                                     int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n)
    c[i] = a[i] + b[i] * table[i & 3];
}

/// A call that is not inlined, a switch, local memory and a division.
__device__ __noinline__ float divide(float a, int b) {
  return b > 3 ? a * b : a / b;
}

extern "C" __global__ void control(float *a, int n) {
  float local[8];
  int t = threadIdx.x;
  for (int i = 0; i < 8; ++i)
    local[(i * n + t) & 7] = a[i] + i;
  float x = divide(local[t & 7], n + t % 5);
  switch (t % 7) {
  case 0: x += 1; break;
  case 1: x *= 2; break;
  case 2: x -= 3; break;
  case 3: x = -x; break;
  case 4: x *= x; break;
  case 5: x += t; break;
  default:
    while (x > 10)
      x /= 2;
  }
  __syncthreads();
  a[8 + t] = x;
  if (t == 0)
    atomicAdd(&calls, 1);
}
