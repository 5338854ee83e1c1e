# Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Small programs, and the arrays that the tests call them with."""

import numpy as np

SCALE = """\
tile.kernel @scale(%x: memref<?xf32>, %y: memref<?xf32>, %a: f32) {
  %c256 = arith.constant 256 : index
  %b = gpu.block_id x
  %i = arith.muli %b, %c256 : index
  %t = tile.load %x[%i] : memref<?xf32> -> tensor<256xf32>
  %s = tensor.splat %a : tensor<256xf32>
  %r = arith.mulf %t, %s : tensor<256xf32>
  tile.store %r, %y[%i] : tensor<256xf32>, memref<?xf32>
}
"""

DOUBLE_HOST = """\
tile.host @double[%N](%x: memref<?xf32>[%N], out %y: memref<?xf32>[%N]) {
  %c256 = arith.constant 256 : index
  %a = arith.constant 2.0 : f32
  %blocks = arith.ceildivui %N, %c256 : index
  tile.launch @scale grid(%blocks) args(%x, %y, %a)
    : memref<?xf32>, memref<?xf32>, f32
}
"""

#: y = 2 x
DOUBLE = SCALE + DOUBLE_HOST

#: Two host functions: x doubled, and x doubled and tripled.
SEVERAL = DOUBLE + """\
tile.host @both[%N](%x: memref<?xf32>[%N], out %y: memref<?xf32>[%N],
                    out %z: memref<?xf32>[%N]) {
  %c256 = arith.constant 256 : index
  %a = arith.constant 2.0 : f32
  %b = arith.constant 3.0 : f32
  %blocks = arith.ceildivui %N, %c256 : index
  tile.launch @scale grid(%blocks) args(%x, %y, %a)
    : memref<?xf32>, memref<?xf32>, f32
  tile.launch @scale grid(%blocks) args(%x, %z, %b)
    : memref<?xf32>, memref<?xf32>, f32
}
"""

#: The first %N elements of x doubled in place; no shape tells %N.
IN_PLACE = """\
tile.kernel @twice_tile(%x: memref<?xf32>) {
  %c256 = arith.constant 256 : index
  %b = gpu.block_id x
  %i = arith.muli %b, %c256 : index
  %t = tile.load %x[%i] : memref<?xf32> -> tensor<256xf32>
  %r = arith.addf %t, %t : tensor<256xf32>
  tile.store %r, %x[%i] : tensor<256xf32>, memref<?xf32>
}
tile.host @twice[%M, %N](inout %x: memref<?xf32>[%M]) {
  %c256 = arith.constant 256 : index
  %blocks = arith.ceildivui %N, %c256 : index
  tile.launch @twice_tile grid(%blocks) args(%x) : memref<?xf32>
}
"""

#: Reads and writes behind the four elements of x.
BEYOND = """\
tile.kernel @beyond_tile(%x: memref<?xf32>) {
  %c4 = arith.constant 4 : index
  %f = memref.load %x[%c4] : memref<?xf32>
  memref.store %f, %x[%c4] : memref<?xf32>
}
tile.host @beyond[%N](inout %x: memref<?xf32>[%N]) {
  %one = arith.constant 1 : index
  tile.launch @beyond_tile grid(%one) args(%x) : memref<?xf32>
}
"""


def copy(dtype):
    """y = x, for elements of a type as programs call it."""
    return f"""\
tile.kernel @copy_tile(%x: memref<?x{dtype}>, %y: memref<?x{dtype}>) {{
  %c256 = arith.constant 256 : index
  %b = gpu.block_id x
  %i = arith.muli %b, %c256 : index
  %t = tile.load %x[%i] : memref<?x{dtype}> -> tensor<256x{dtype}>
  tile.store %t, %y[%i] : tensor<256x{dtype}>, memref<?x{dtype}>
}}
tile.host @copy[%N](%x: memref<?x{dtype}>[%N], out %y: memref<?x{dtype}>[%N]) {{
  %c256 = arith.constant 256 : index
  %blocks = arith.ceildivui %N, %c256 : index
  tile.launch @copy_tile grid(%blocks) args(%x, %y)
    : memref<?x{dtype}>, memref<?x{dtype}>
}}
"""


def numbers(count, dtype=np.float32):
    return np.arange(count).astype(dtype)
