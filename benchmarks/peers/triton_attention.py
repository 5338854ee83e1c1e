#!/usr/bin/env python3
"""Compiles a flash attention forward with Triton for sm_90a, without a GPU.

The kernel is that of test/ptx, causal, with heads of 128 bf16 and blocks of 128 by
128 as in examples/attention.mlir. Prints one JSON object, as triton_matmul.py does.
"""

import json
import os
import pathlib
import sys
import tempfile
import time

os.environ["TRITON_CACHE_DIR"] = tempfile.mkdtemp()
sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "test" / "ptx"))

import triton
import triton_kernels
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource


def main():
    half = dict.fromkeys(("q", "k", "v", "o"), "*bf16")
    constants = {"CAUSAL": True, "HEAD": 128, "BLOCK_M": 128, "BLOCK_N": 128}
    source = ASTSource(
        fn=triton_kernels.attention,
        signature={**half, "length": "i32", "scale": "fp32", **dict.fromkeys(constants, "constexpr")},
        constexprs=constants,
        attrs={(i,): [["tt.divisibility", 16]] for i in range(4)},
    )
    start, before = time.perf_counter(), os.times()
    kernel = triton.compile(source, target=GPUTarget("cuda", 90, 32), options={"num_warps": 8, "num_stages": 2})
    seconds, after = time.perf_counter() - start, os.times()
    print(json.dumps({
        "triton": triton.__version__,
        "to_cubin_seconds": seconds,
        "processor_seconds": sum(after[:4]) - sum(before[:4]),
        "ptx_has_wgmma": "wgmma.mma_async" in kernel.asm["ptx"],
        "shared_bytes": kernel.metadata.shared,
    }))


if __name__ == "__main__":
    main()
