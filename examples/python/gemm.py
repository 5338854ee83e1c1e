# Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""C = A * B by examples/gemm.mlir, on the device that the argument names:

    python3 examples/python/gemm.py [virtual:0 | cuda:0]

`gemm(a, b)` takes NumPy arrays and PyTorch tensors, too, where they are.
"""

import pathlib
import sys

import heddle
import numpy as np

M, N, K = 256, 256, 128
device = sys.argv[1] if len(sys.argv) > 1 else "virtual:0"

gemm = heddle.compile(pathlib.Path(__file__).parents[1] / "gemm.mlir")
print(gemm.signature)

random = np.random.default_rng(0)
a = random.integers(-4, 5, (M, K)).astype(np.float32)
b = random.integers(-4, 5, (K, N)).astype(np.float32)

c = gemm(
    A=heddle.array(a, "bfloat16", device),
    B=heddle.array(b, "bfloat16", device),
)

# The sums are exact in f32 and rounded once, to 8 bits.
expected = a @ b
error = np.abs(c.numpy(np.float32) - expected) / np.maximum(np.abs(expected), 1)
print(f"{c.device}: largest relative error {error.max():.5f}")
sys.exit(0 if error.max() <= 2**-8 else 1)
