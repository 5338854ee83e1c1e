//===- cp_async.cu - A double-buffered cp.async copy ----------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include <cuda_pipeline.h>

/// out[i] = 2 * in[i], 256 floats per step, with one step in flight.
extern "C" __global__ void doubled(const float *in, float *out, int steps) {
  __shared__ alignas(16) float buffer[2][256];
  int t = threadIdx.x; // 64 threads, 4 floats each
  __pipeline_memcpy_async(&buffer[0][t * 4], in + t * 4, 16);
  __pipeline_commit();
  for (int s = 0; s < steps; ++s) {
    if (s + 1 < steps)
      __pipeline_memcpy_async(&buffer[(s + 1) & 1][t * 4],
                              in + (s + 1) * 256 + t * 4, 16);
    __pipeline_commit();
    __pipeline_wait_prior(1);
    __syncthreads();
    // Another thread's data, so that the barrier matters.
    for (int i = 0; i < 4; ++i)
      out[s * 256 + i * 64 + (t ^ 1)] = 2 * buffer[s & 1][i * 64 + (t ^ 1)];
    __syncthreads();
  }
}
