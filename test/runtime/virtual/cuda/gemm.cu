//===- gemm.cu - TMA and wgmma through inline PTX -------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include <cstdint>

struct alignas(64) Map {
  char bytes[128];
};

__device__ uint32_t shared32(const void *p) {
  return uint32_t(__cvta_generic_to_shared(p));
}

__device__ void wait(uint32_t barrier, uint32_t parity) {
  asm volatile("{\n.reg .pred p;\nAGAIN:\n"
               "mbarrier.try_wait.parity.shared::cta.b64 p, [%0], %1;\n"
               "@p bra DONE;\nbra AGAIN;\nDONE:\n}\n" ::"r"(barrier),
               "r"(parity)
               : "memory");
}

__device__ uint64_t descriptor(uint32_t address) {
  return uint64_t((address & 0x3ffff) >> 4) | uint64_t(1) << 16 |
         uint64_t(64) << 32 | uint64_t(1) << 62;
}

/// C[m,n] = A[m,k] B[n,k]: 64x64 tiles, one warpgroup, one stage.
extern "C" __global__ void __launch_bounds__(128)
    gemm(const __grid_constant__ Map a, const __grid_constant__ Map b, float *c,
         int n, int steps) {
  extern __shared__ __align__(1024) char tiles[];
  __shared__ __align__(8) uint64_t barrier;
  uint32_t bar = shared32(&barrier), tileA = shared32(tiles),
           tileB = tileA + 8192;
  if (threadIdx.x == 0)
    asm volatile("mbarrier.init.shared::cta.b64 [%0], 1;\n"
                 "fence.mbarrier_init.release.cluster;" ::"r"(bar)
                 : "memory");
  __syncthreads();
  float d[32];
  for (int i = 0; i < 32; ++i)
    d[i] = 0;
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
    wait(bar, s & 1);
    asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
    for (int k = 0; k < 4; ++k)
      asm volatile(
          "{\nwgmma.mma_async.sync.aligned.m64n64k16.f32.bf16.bf16 "
          "{%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15,%16,%17,%18,"
          "%19,%20,%21,%22,%23,%24,%25,%26,%27,%28,%29,%30,%31}, %32, %33, 1, "
          "1, 1, 0, 0;\n}"
          : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]), "+f"(d[4]),
            "+f"(d[5]), "+f"(d[6]), "+f"(d[7]), "+f"(d[8]), "+f"(d[9]),
            "+f"(d[10]), "+f"(d[11]), "+f"(d[12]), "+f"(d[13]), "+f"(d[14]),
            "+f"(d[15]), "+f"(d[16]), "+f"(d[17]), "+f"(d[18]), "+f"(d[19]),
            "+f"(d[20]), "+f"(d[21]), "+f"(d[22]), "+f"(d[23]), "+f"(d[24]),
            "+f"(d[25]), "+f"(d[26]), "+f"(d[27]), "+f"(d[28]), "+f"(d[29]),
            "+f"(d[30]), "+f"(d[31])
          : "l"(descriptor(tileA + k * 32)), "l"(descriptor(tileB + k * 32)));
    asm volatile("wgmma.commit_group.sync.aligned;\n"
                 "wgmma.wait_group.sync.aligned 0;" ::: "memory");
    __syncthreads();
  }
  int t = threadIdx.x;
  for (int v = 0; v < 32; ++v) {
    int row = 16 * (t / 32) + t % 32 / 4 + 8 * (v / 2 % 2);
    int column = 8 * (v / 4) + 2 * (t % 4) + v % 2;
    c[(blockIdx.y * 64 + row) * n + blockIdx.x * 64 + column] = d[v];
  }
}
