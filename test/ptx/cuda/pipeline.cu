//===- pipeline.cu - Producers and consumers with cuda::barrier and pipeline ===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include <cooperative_groups.h>
#include <cuda/barrier>
#include <cuda/pipeline>
namespace cg = cooperative_groups;

using Barrier = cuda::barrier<cuda::thread_scope_block>;

/// out[i] = in[i] + 1: the first warp fills two buffers of 64 numbers, the two
/// others empty them. n is a multiple of 64.
extern "C" __global__ void relay(const int *in, int *out, int n) {
  __shared__ int buffer[2][64];
#pragma nv_diag_suppress static_var_with_dynamic_init
  __shared__ Barrier full[2], empty[2];
  if (threadIdx.x < 2) {
    init(&full[threadIdx.x], blockDim.x);
    init(&empty[threadIdx.x], blockDim.x);
  }
  __syncthreads();
  int steps = n / 64;
  if (threadIdx.x < 32) {
    for (int s = 0; s < steps; ++s) {
      int slot = s % 2;
      empty[slot].arrive_and_wait();
      buffer[slot][threadIdx.x] = in[s * 64 + threadIdx.x];
      buffer[slot][threadIdx.x + 32] = in[s * 64 + threadIdx.x + 32];
      (void)full[slot].arrive();
    }
    return;
  }
  // Both are empty at first.
  (void)empty[0].arrive();
  (void)empty[1].arrive();
  for (int s = 0; s < steps; ++s) {
    int slot = s % 2, i = threadIdx.x - 32;
    full[slot].arrive_and_wait();
    out[s * 64 + i] = buffer[slot][i] + 1;
    (void)empty[slot].arrive();
  }
}

/// out[i] = 3 in[i], with two stages of a pipeline of the whole block. n is a
/// multiple of the block.
extern "C" __global__ void staged(const int *in, int *out, int n) {
  extern __shared__ int memory[];
  __shared__ cuda::pipeline_shared_state<cuda::thread_scope_block, 2> state;
  auto block = cg::this_thread_block();
  auto pipeline = cuda::make_pipeline(block, &state);
  int size = blockDim.x, steps = n / size;
  auto fetch = [&](int s) {
    pipeline.producer_acquire();
    cuda::memcpy_async(block, memory + s % 2 * size, in + s * size,
                       sizeof(int) * size, pipeline);
    pipeline.producer_commit();
  };
  if (steps > 0)
    fetch(0);
  for (int s = 0; s < steps; ++s) {
    if (s + 1 < steps)
      fetch(s + 1);
    pipeline.consumer_wait();
    // Another thread's number, so that the wait matters.
    int other = size - 1 - threadIdx.x;
    out[s * size + other] = 3 * memory[s % 2 * size + other];
    pipeline.consumer_release();
  }
}
