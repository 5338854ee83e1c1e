//===- grid_sync.cu - A grid that waits for itself ----------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include <cooperative_groups.h>
namespace cg = cooperative_groups;

/// Rounds of x[i] = x[i] + x[i - 1] around a ring, in turns from one buffer to
/// the other; the grid waits after each.
extern "C" __global__ void rounds(int *x, int *y, int n, int count) {
  auto grid = cg::this_grid();
  int i = grid.thread_rank();
  for (int r = 0; r < count; ++r) {
    const int *from = r % 2 ? y : x;
    int *to = r % 2 ? x : y;
    if (i < n)
      to[i] = from[i] + from[(i + n - 1) % n];
    grid.sync();
  }
}
