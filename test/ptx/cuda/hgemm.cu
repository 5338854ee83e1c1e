//===- hgemm.cu - Multistage HGEMM with cp.async, ldmatrix and mma.sync -===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include <cuda_fp16.h>

/// C[m,n] = A[m,k] B[n,k]: tiles of 64x64x32, three stages, four warps of
/// 32x32 each. k is a multiple of 8, m and n are any.
constexpr int tileM = 64, tileN = 64, tileK = 32, stages = 3;
/// Rows of 80 bytes: eight of them touch all banks once.
constexpr int pitch = tileK + 8;

__device__ unsigned shared32(const void *p) {
  return unsigned(__cvta_generic_to_shared(p));
}

/// Copies 16 bytes, or zeros where there is nothing.
__device__ void copy16(void *to, const void *from, bool inside) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(
                   shared32(to)),
               "l"(from), "r"(inside ? 16 : 0)
               : "memory");
}

__device__ void load(half (*tile)[pitch], const half *matrix, int row0, int k0,
                     int rows, int k) {
  // 64 rows of four chunks, two per thread.
  for (int i = threadIdx.x; i < tileM * tileK / 8; i += 128) {
    int row = i / 4, chunk = i % 4 * 8;
    bool inside = row0 + row < rows && k0 + chunk < k;
    const half *from =
        inside ? matrix + size_t(row0 + row) * k + k0 + chunk : matrix;
    copy16(&tile[row][chunk], from, inside);
  }
}

extern "C" __global__ void __launch_bounds__(128)
    hgemm(const half *a, const half *b, half *c, int m, int n, int k) {
  __shared__ __align__(16) half tileA[stages][tileM][pitch];
  __shared__ __align__(16) half tileB[stages][tileN][pitch];
  int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
  int row0 = blockIdx.y * tileM, column0 = blockIdx.x * tileN;
  int warpRow = warp / 2 * 32, warpColumn = warp % 2 * 32;
  int steps = (k + tileK - 1) / tileK;

  for (int s = 0; s < stages - 1; ++s) {
    if (s < steps) {
      load(tileA[s], a, row0, s * tileK, m, k);
      load(tileB[s], b, column0, s * tileK, n, k);
    }
    asm volatile("cp.async.commit_group;" ::: "memory");
  }

  float d[2][4][4] = {};
  for (int s = 0; s < steps; ++s) {
    asm volatile("cp.async.wait_group %0;" ::"n"(stages - 2) : "memory");
    __syncthreads();
    int next = s + stages - 1;
    if (next < steps) {
      load(tileA[next % stages], a, row0, next * tileK, m, k);
      load(tileB[next % stages], b, column0, next * tileK, n, k);
    }
    asm volatile("cp.async.commit_group;" ::: "memory");
    for (int kk = 0; kk < tileK; kk += 16) {
      unsigned fragA[2][4], fragB[4][2];
      for (int i = 0; i < 2; ++i) {
        const half *from = &tileA[s % stages][warpRow + i * 16 + lane % 16]
                                 [kk + lane / 16 * 8];
        asm volatile(
            "ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
            : "=r"(fragA[i][0]), "=r"(fragA[i][1]), "=r"(fragA[i][2]),
              "=r"(fragA[i][3])
            : "r"(shared32(from))
            : "memory");
      }
      for (int j = 0; j < 4; ++j) {
        const half *from = &tileB[s % stages][warpColumn + j * 8 + lane % 8]
                                 [kk + lane / 8 % 2 * 8];
        asm volatile(
            "ldmatrix.sync.aligned.m8n8.x2.shared.b16 {%0,%1}, [%2];"
            : "=r"(fragB[j][0]), "=r"(fragB[j][1])
            : "r"(shared32(from))
            : "memory");
      }
      for (int i = 0; i < 2; ++i)
        for (int j = 0; j < 4; ++j)
          asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 "
                       "{%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
                       : "+f"(d[i][j][0]), "+f"(d[i][j][1]), "+f"(d[i][j][2]),
                         "+f"(d[i][j][3])
                       : "r"(fragA[i][0]), "r"(fragA[i][1]), "r"(fragA[i][2]),
                         "r"(fragA[i][3]), "r"(fragB[j][0]), "r"(fragB[j][1]));
    }
  }

  for (int i = 0; i < 2; ++i)
    for (int j = 0; j < 4; ++j)
      for (int v = 0; v < 4; ++v) {
        int row = row0 + warpRow + i * 16 + lane / 4 + v / 2 * 8;
        int column = column0 + warpColumn + j * 8 + lane % 4 * 2 + v % 2;
        if (row < m && column < n)
          c[size_t(row) * n + column] = __float2half(d[i][j][v]);
      }
}
