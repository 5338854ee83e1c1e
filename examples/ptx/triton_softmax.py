# Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A kernel in Triton, compiled for a GPU that need not be there.

Usage: python3 triton_softmax.py FOLDER

Writes softmax.ptx, a launch, its input and what NumPy makes of it. Then

  heddle run FOLDER/softmax.ptx --launch=FOLDER/softmax.json --sanitize=full

runs it on the virtual GPU. Needs Triton and NumPy, and no GPU.
"""

import json
import os
import sys

import numpy as np
import triton
import triton.language as tl
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource


@triton.jit
def softmax(x, y, columns, BLOCK: tl.constexpr):
    """A program per row, which fits in one block."""
    row, at = tl.program_id(0), tl.arange(0, BLOCK)
    values = tl.load(x + row * columns + at, mask=at < columns, other=float("-inf"))
    weights = tl.exp(values - tl.max(values, 0))
    tl.store(y + row * columns + at, weights / tl.sum(weights, 0), mask=at < columns)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    folder = sys.argv[1]
    os.makedirs(folder, exist_ok=True)

    source = ASTSource(
        fn=softmax,
        signature={"x": "*fp32", "y": "*fp32", "columns": "i32", "BLOCK": "constexpr"},
        constexprs={(3,): 1024},
    )
    compiled = triton.compile(source, target=GPUTarget("cuda", 90, 32))
    with open(os.path.join(folder, "softmax.ptx"), "w") as file:
        file.write(compiled.asm["ptx"])

    rows, columns = 5, 1000
    x = np.random.default_rng(0).standard_normal((rows, columns)).astype("float32")
    weights = np.exp(x - x.max(axis=1, keepdims=True), dtype="float64")
    np.save(os.path.join(folder, "x.npy"), x)
    np.save(os.path.join(folder, "y.npy"), weights / weights.sum(axis=1, keepdims=True))
    launch = {
        "buffers": {
            "x": {"type": "f32", "shape": [rows, columns], "init": "x.npy"},
            "y": {
                "type": "f32",
                "shape": [rows, columns],
                "expected": "y.npy",
                "tolerance": 1e-6,
            },
        },
        "kernel": "softmax",
        "grid": rows,
        "sharedBytes": compiled.metadata.shared,
        # Two addresses of scratch memory, which this kernel does without.
        "arguments": ["x", "y", columns, 0, 0],
    }
    with open(os.path.join(folder, "softmax.json"), "w") as file:
        json.dump(launch, file, indent=2)


if __name__ == "__main__":
    main()
