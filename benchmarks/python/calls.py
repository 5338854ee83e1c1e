# Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What a call from Python costs over the launch itself.

The arrays are empty, so that nothing is launched: what is left is finding the
arrays, their device and the prepared call. Prints JSON, in microseconds.

    python3 benchmarks/python/calls.py
"""

import json
import platform
import timeit

import heddle
import numpy as np

PROGRAM = """\
tile.kernel @scale(%x: memref<?xf32>, %y: memref<?xf32>) {
  %c0 = arith.constant 0 : index
  %t = tile.load %x[%c0] : memref<?xf32> -> tensor<256xf32>
  tile.store %t, %y[%c0] : tensor<256xf32>, memref<?xf32>
}
tile.host @run[%N](%x: memref<?xf32>[%N], out %y: memref<?xf32>[%N]) {
  tile.launch @scale grid(%N) args(%x, %y) : memref<?xf32>, memref<?xf32>
}
"""


def measure(call, calls=2000, rounds=20):
    """The least time of several rounds, per call."""
    return round(min(timeit.repeat(call, number=calls, repeat=rounds)) / calls * 1e6, 2)


def main():
    program = heddle.compile_source(PROGRAM)
    x, y = np.zeros(0, np.float32), np.zeros(0, np.float32)
    own_x, own_y = (heddle.empty(0, "f32", "virtual") for _ in range(2))
    results = {
        "NumPy, by position": measure(lambda: program(x, y)),
        "NumPy, by name": measure(lambda: program(x=x, y=y)),
        "NumPy, output allocated": measure(lambda: program(x)),
        "heddle.Array": measure(lambda: program(own_x, own_y)),
    }
    try:
        import torch
    except ImportError:
        pass
    else:
        tensors = torch.zeros(0), torch.zeros(0)
        results["PyTorch on the CPU"] = measure(lambda: program(*tensors))
        results["__dlpack__ of one tensor alone"] = measure(
            lambda: tensors[0].__dlpack__(max_version=(1, 1))
        )
    print(
        json.dumps(
            {
                "machine": platform.machine(),
                "python": platform.python_version(),
                "numpy": np.__version__,
                "heddle": heddle.__version__,
                "microseconds": results,
            },
            indent=2,
        )
    )


if __name__ == "__main__":
    main()
