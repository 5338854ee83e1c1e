//===- cluster_reduce.cu - Sums of rows by clusters, through distributed memory ===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include <cooperative_groups.h>
namespace cg = cooperative_groups;

/// out[row] = sum of row; a cluster of four blocks has a row, and the first
/// reads what the others found.
extern "C" __global__ void __cluster_dims__(4, 1, 1)
    clusterSum(const float *in, float *out, int columns) {
  __shared__ float partial[8], total;
  auto cluster = cg::this_cluster();
  unsigned rank = cluster.block_rank(), blocks = cluster.num_blocks();
  int row = blockIdx.x / blocks;
  float sum = 0;
  for (int i = rank * blockDim.x + threadIdx.x; i < columns;
       i += blocks * blockDim.x)
    sum += in[size_t(row) * columns + i];
  for (int m = 16; m; m /= 2)
    sum += __shfl_xor_sync(~0u, sum, m);
  if (threadIdx.x % 32 == 0)
    partial[threadIdx.x / 32] = sum;
  __syncthreads();
  if (threadIdx.x == 0) {
    total = 0;
    for (unsigned w = 0; w < blockDim.x / 32; ++w)
      total += partial[w];
  }
  cluster.sync();
  if (rank == 0 && threadIdx.x == 0) {
    float all = 0;
    for (unsigned r = 0; r < blocks; ++r)
      all += *cluster.map_shared_rank(&total, r);
    out[row] = all;
  }
  // The others stay until their memory has been read.
  cluster.sync();
}
