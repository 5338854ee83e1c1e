//===- cuda.cu - Originals that nvcc compiles -----------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Loops stay loops, so that each synchronization is one instruction that runs
/// several times.
///
//===----------------------------------------------------------------------===//

#include <cooperative_groups.h>
#include <cstdint>
#include <cuda_pipeline.h>

namespace cg = cooperative_groups;

/// Doubles rows of 256 numbers that come through two buffers.
extern "C" __global__ void __launch_bounds__(64)
    doubled(const float *in, float *out, int steps) {
  __shared__ alignas(16) float buffer[2][256];
  int t = threadIdx.x;
  __pipeline_memcpy_async(&buffer[0][t * 4], in + t * 4, 16);
  __pipeline_commit();
#pragma unroll 1
  for (int s = 0; s < steps; ++s) {
    if (s + 1 < steps)
      __pipeline_memcpy_async(&buffer[(s + 1) & 1][t * 4],
                              in + (s + 1) * 256 + t * 4, 16);
    __pipeline_commit();
    __pipeline_wait_prior(1);
    __syncthreads();
    // Another warp's data, so that the barrier matters.
    for (int i = 0; i < 4; ++i) {
      int from = i * 64 + (t ^ 33);
      out[s * 256 + from] = 2 * buffer[s & 1][from];
    }
    __syncthreads();
  }
}

/// C = A B with tiles of 16 x 16; the sizes are multiples of 16.
extern "C" __global__ void __launch_bounds__(256)
    sgemm(const float *a, const float *b, float *c, int n, int k) {
  __shared__ float tileA[16][17], tileB[16][17];
  int x = threadIdx.x, y = threadIdx.y;
  int row = blockIdx.y * 16 + y, column = blockIdx.x * 16 + x;
  float sum = 0;
#pragma unroll 1
  for (int l = 0; l < k; l += 16) {
    tileA[y][x] = a[row * k + l + x];
    tileB[y][x] = b[(l + y) * n + column];
    __syncthreads();
    for (int i = 0; i < 16; ++i)
      sum += tileA[y][i] * tileB[i][x];
    __syncthreads();
  }
  c[row * n + column] = sum;
}

/// The sum of 64 numbers of each block; the last block adds up the sums.
extern "C" __global__ void __launch_bounds__(64)
    lastBlock(const int *in, int *sums, unsigned *tickets, int *total) {
  __shared__ int parts[2];
  __shared__ bool last;
  int t = threadIdx.x;
  int sum = __reduce_add_sync(~0u, in[blockIdx.x * 64 + t]);
  if (t % 32 == 0)
    parts[t / 32] = sum;
  __syncthreads();
  if (t == 0) {
    sums[blockIdx.x] = parts[0] + parts[1];
    __threadfence();
    last = atomicAdd(tickets, 1) == gridDim.x - 1;
    __threadfence();
  }
  __syncthreads();
  if (last && t < 32) {
    int value = t < gridDim.x ? sums[t] : 0;
    value = __reduce_add_sync(~0u, value);
    if (t == 0)
      *total = value;
  }
}

/// Each block writes what its neighbour in the cluster has.
extern "C" __global__ void __cluster_dims__(4, 1, 1) rotate(int *out) {
  __shared__ int mine[32];
  auto cluster = cg::this_cluster();
  mine[threadIdx.x] = 100 * cluster.block_rank() + threadIdx.x;
  cluster.sync();
  int peer = (cluster.block_rank() + 1) % cluster.num_blocks();
  out[blockIdx.x * 32 + threadIdx.x] =
      cluster.map_shared_rank(mine, peer)[threadIdx.x];
  cluster.sync();
}

struct alignas(64) Map {
  char bytes[128];
};

__device__ uint64_t descriptor(uint32_t address) {
  return uint64_t((address & 0x3ffff) >> 4) | uint64_t(1) << 16 |
         uint64_t(64) << 32 | uint64_t(1) << 62;
}

/// C[m,n] = A[m,k] B[n,k]: 64 x 64 tiles, one warpgroup, one stage.
extern "C" __global__ void __launch_bounds__(128)
    hgemm(const __grid_constant__ Map a, const __grid_constant__ Map b,
          float *c, int n, int steps) {
  extern __shared__ __align__(1024) char tiles[];
  __shared__ __align__(8) uint64_t barrier;
  uint32_t bar = uint32_t(__cvta_generic_to_shared(&barrier)),
           tileA = uint32_t(__cvta_generic_to_shared(tiles)),
           tileB = tileA + 8192;
  if (threadIdx.x == 0) {
    asm volatile("mbarrier.init.shared::cta.b64 [%0], 1;" ::"r"(bar)
                 : "memory");
    asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
  }
  __syncthreads();
  float d[32];
  for (int i = 0; i < 32; ++i)
    d[i] = 0;
#pragma unroll 1
  for (int s = 0; s < steps; ++s) {
    if (threadIdx.x == 0) {
      asm volatile(
          "mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], 16384;" ::"r"(bar)
          : "memory");
      asm volatile("cp.async.bulk.tensor.2d.shared::cluster.global.mbarrier::"
                   "complete_tx::bytes [%0], [%1, {%2, %3}], [%4];" ::"r"(tileA),
                   "l"(&a), "r"(s * 64), "r"(blockIdx.y * 64), "r"(bar)
                   : "memory");
      asm volatile("cp.async.bulk.tensor.2d.shared::cluster.global.mbarrier::"
                   "complete_tx::bytes [%0], [%1, {%2, %3}], [%4];" ::"r"(tileB),
                   "l"(&b), "r"(s * 64), "r"(blockIdx.x * 64), "r"(bar)
                   : "memory");
    }
    asm volatile("{\n.reg .pred done;\nagain:\n"
                 "mbarrier.try_wait.parity.shared::cta.b64 done, [%0], %1;\n"
                 "@!done bra again;\n}" ::"r"(bar),
                 "r"(s & 1)
                 : "memory");
    asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
#pragma unroll
    for (int k = 0; k < 4; ++k)
      asm volatile(
          "wgmma.mma_async.sync.aligned.m64n64k16.f32.bf16.bf16 "
          "{%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15,%16,%17,%18,"
          "%19,%20,%21,%22,%23,%24,%25,%26,%27,%28,%29,%30,%31}, %32, %33, 1, "
          "1, 1, 0, 0;"
          : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]), "+f"(d[4]),
            "+f"(d[5]), "+f"(d[6]), "+f"(d[7]), "+f"(d[8]), "+f"(d[9]),
            "+f"(d[10]), "+f"(d[11]), "+f"(d[12]), "+f"(d[13]), "+f"(d[14]),
            "+f"(d[15]), "+f"(d[16]), "+f"(d[17]), "+f"(d[18]), "+f"(d[19]),
            "+f"(d[20]), "+f"(d[21]), "+f"(d[22]), "+f"(d[23]), "+f"(d[24]),
            "+f"(d[25]), "+f"(d[26]), "+f"(d[27]), "+f"(d[28]), "+f"(d[29]),
            "+f"(d[30]), "+f"(d[31])
          : "l"(descriptor(tileA + k * 32)), "l"(descriptor(tileB + k * 32)));
    asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
    asm volatile("wgmma.wait_group.sync.aligned 0;" ::: "memory");
    __syncthreads();
  }
  int t = threadIdx.x;
  for (int v = 0; v < 32; ++v) {
    int row = 16 * (t / 32) + t % 32 / 4 + 8 * (v / 2 % 2);
    int column = 8 * (v / 4) + 2 * (t % 4) + v % 2;
    c[(blockIdx.y * 64 + row) * n + blockIdx.x * 64 + column] = d[v];
  }
}
