//===- wgmma_gemm.cu - A persistent, warp-specialized GEMM --------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include <cstdint>

/// C[m,n] = A[m,k] B[n,k] in bf16 with f32 results: TMA fills a ring of three
/// stages, two consumer warpgroups multiply 64x64x64 each, and blocks loop over
/// the tiles of 128x64. Rows of A and B are a multiple of 16 bytes; else all
/// sizes may be odd, since TMA reads zeros outside.
constexpr int tileM = 128, tileN = 64, tileK = 64, stages = 3;
constexpr int bytesA = tileM * tileK * 2, bytesB = tileN * tileK * 2;

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

__device__ void arrive(uint32_t barrier) {
  asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" ::"r"(barrier)
               : "memory");
}

__device__ void load(uint32_t to, const Map *map, int k, int row,
                     uint32_t barrier) {
  asm volatile("cp.async.bulk.tensor.2d.shared::cluster.global.mbarrier::"
               "complete_tx::bytes [%0], [%1, {%2, %3}], [%4];" ::"r"(to),
               "l"(map), "r"(k), "r"(row), "r"(barrier)
               : "memory");
}

/// Rows of 128 bytes, swizzled; eight of them are 1024 bytes.
__device__ uint64_t descriptor(uint32_t address) {
  return uint64_t((address & 0x3ffff) >> 4) | uint64_t(1) << 16 |
         uint64_t(64) << 32 | uint64_t(1) << 62;
}

__device__ void multiply(float (&d)[32], uint64_t a, uint64_t b) {
  asm volatile(
      "wgmma.mma_async.sync.aligned.m64n64k16.f32.bf16.bf16 "
      "{%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15,%16,%17,%18,"
      "%19,%20,%21,%22,%23,%24,%25,%26,%27,%28,%29,%30,%31}, %32, %33, 1, "
      "1, 1, 0, 0;"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]), "+f"(d[4]), "+f"(d[5]),
        "+f"(d[6]), "+f"(d[7]), "+f"(d[8]), "+f"(d[9]), "+f"(d[10]),
        "+f"(d[11]), "+f"(d[12]), "+f"(d[13]), "+f"(d[14]), "+f"(d[15]),
        "+f"(d[16]), "+f"(d[17]), "+f"(d[18]), "+f"(d[19]), "+f"(d[20]),
        "+f"(d[21]), "+f"(d[22]), "+f"(d[23]), "+f"(d[24]), "+f"(d[25]),
        "+f"(d[26]), "+f"(d[27]), "+f"(d[28]), "+f"(d[29]), "+f"(d[30]),
        "+f"(d[31])
      : "l"(a), "l"(b));
}

extern "C" __global__ void __launch_bounds__(384)
    gemm(const __grid_constant__ Map a, const __grid_constant__ Map b, float *c,
         int m, int n, int k) {
  extern __shared__ __align__(1024) char ring[];
  __shared__ __align__(8) uint64_t barriers[2 * stages];
  uint32_t full = shared32(barriers), empty = full + 8 * stages;
  uint32_t ringA = shared32(ring), ringB = ringA + stages * bytesA;
  int group = threadIdx.x / 128;
  if (threadIdx.x == 0) {
    for (int s = 0; s < stages; ++s)
      asm volatile("mbarrier.init.shared::cta.b64 [%0], 1;\n"
                   "mbarrier.init.shared::cta.b64 [%1], 2;" ::"r"(full + 8 * s),
                   "r"(empty + 8 * s)
                   : "memory");
    asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
  }
  __syncthreads();

  int columns = (n + tileN - 1) / tileN;
  int tiles = (m + tileM - 1) / tileM * columns;
  int steps = (k + tileK - 1) / tileK;
  // Stage and phase go on from tile to tile.
  int stage = 0;
  uint32_t phase = 0;
  auto advance = [&] {
    if (++stage == stages) {
      stage = 0;
      phase ^= 1;
    }
  };

  if (group == 0) {
    asm volatile("setmaxnreg.dec.sync.aligned.u32 40;");
    if (threadIdx.x != 0)
      return;
    for (int tile = blockIdx.x; tile < tiles; tile += gridDim.x)
      for (int s = 0; s < steps; ++s, advance()) {
        wait(empty + 8 * stage, phase ^ 1);
        uint32_t barrier = full + 8 * stage;
        asm volatile(
            "mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(
                barrier),
            "n"(bytesA + bytesB)
            : "memory");
        load(ringA + stage * bytesA, &a, s * tileK, tile / columns * tileM,
             barrier);
        load(ringB + stage * bytesB, &b, s * tileK, tile % columns * tileN,
             barrier);
      }
    return;
  }

  asm volatile("setmaxnreg.inc.sync.aligned.u32 224;");
  for (int tile = blockIdx.x; tile < tiles; tile += gridDim.x) {
    float d[32];
    for (float &x : d)
      x = 0;
    for (int s = 0; s < steps; ++s, advance()) {
      wait(full + 8 * stage, phase);
      uint32_t tileA = ringA + stage * bytesA + (group - 1) * bytesA / 2;
      uint32_t tileB = ringB + stage * bytesB;
      asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
#pragma unroll
      for (int i = 0; i < 4; ++i)
        multiply(d, descriptor(tileA + i * 32), descriptor(tileB + i * 32));
      asm volatile("wgmma.commit_group.sync.aligned;\n"
                   "wgmma.wait_group.sync.aligned 0;" ::
                       : "memory");
      // One thread speaks for the group: all have waited for its products.
      asm volatile("bar.sync %0, 128;" ::"r"(group) : "memory");
      if (threadIdx.x % 128 == 0)
        arrive(empty + 8 * stage);
    }
    int t = threadIdx.x % 128;
    for (int v = 0; v < 32; ++v) {
      int row = tile / columns * tileM + (group - 1) * 64 + 16 * (t / 32) +
                t % 32 / 4 + 8 * (v / 2 % 2);
      int column = tile % columns * tileN + 8 * (v / 4) + 2 * (t % 4) + v % 2;
      if (row < m && column < n)
        c[size_t(row) * n + column] = d[v];
    }
  }
}
