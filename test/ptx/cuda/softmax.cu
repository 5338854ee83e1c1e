//===- softmax.cu - Softmax in one pass over its input ------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include <math_constants.h>

/// A block per row: each thread keeps a maximum and a sum relative to it, and
/// these are merged as pairs.
struct Running {
  float top, sum;
};

__device__ Running merge(Running a, Running b) {
  float top = fmaxf(a.top, b.top);
  // Nothing seen yet: -inf minus -inf would be NaN.
  float sum = (a.top == top ? a.sum : a.sum * __expf(a.top - top)) +
              (b.top == top ? b.sum : b.sum * __expf(b.top - top));
  return {top, sum};
}

extern "C" __global__ void softmax(const float *in, float *out, int columns) {
  __shared__ Running warps[32];
  in += size_t(blockIdx.x) * columns;
  out += size_t(blockIdx.x) * columns;
  Running mine = {-CUDART_INF_F, 0};
  for (int i = threadIdx.x; i < columns; i += blockDim.x)
    mine = merge(mine, {in[i], 1});
  for (int m = 16; m; m /= 2)
    mine = merge(mine, {__shfl_xor_sync(~0u, mine.top, m),
                        __shfl_xor_sync(~0u, mine.sum, m)});
  if (threadIdx.x % 32 == 0)
    warps[threadIdx.x / 32] = mine;
  __syncthreads();
  Running all = {-CUDART_INF_F, 0};
  for (unsigned w = 0; w < blockDim.x / 32; ++w)
    all = merge(all, warps[w]);
  for (int i = threadIdx.x; i < columns; i += blockDim.x)
    out[i] = __expf(in[i] - all.top) / all.sum;
}
