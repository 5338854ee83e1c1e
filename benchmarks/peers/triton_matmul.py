#!/usr/bin/env python3
"""Compiles the matmul of examples/gemm.mlir with Triton for sm_90a, without a GPU.

Prints one JSON object: Triton's version, the seconds that `triton.compile`
took from source to PTX and to cubin with an empty cache, and the process's peak
memory. The time to import Triton is left out.
"""

import json
import os
import resource
import tempfile
import time

os.environ["TRITON_CACHE_DIR"] = tempfile.mkdtemp()

import triton
import triton.language as tl
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource


@triton.jit
def matmul(a_desc, b_desc, c_desc, M, N, K,
           BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr,
           GROUP: tl.constexpr, SMS: tl.constexpr):
    start = tl.program_id(0)
    num_m = tl.cdiv(M, BM)
    num_n = tl.cdiv(N, BN)
    k_tiles = tl.cdiv(K, BK)
    for tile in tl.range(start, num_m * num_n, SMS, flatten=False):
        group = GROUP * num_n
        first = (tile // group) * GROUP
        size = min(num_m - first, GROUP)
        m = (first + (tile % group) % size) * BM
        n = ((tile % group) // size) * BN
        acc = tl.zeros((BM, BN), dtype=tl.float32)
        for k in range(k_tiles):
            a = a_desc.load([m, k * BK])
            b = b_desc.load([k * BK, n])
            acc = tl.dot(a, b, acc)
        c_desc.store([m, n], acc.to(tl.bfloat16))


def main():
    blocks = {"BM": 128, "BN": 256, "BK": 64, "GROUP": 8, "SMS": 132}
    source = ASTSource(
        fn=matmul,
        signature={
            "a_desc": "tensordesc<bf16[128, 64]>",
            "b_desc": "tensordesc<bf16[64, 256]>",
            "c_desc": "tensordesc<bf16[128, 256]>",
            "M": "i32", "N": "i32", "K": "i32",
            **{name: "constexpr" for name in blocks},
        },
        constexprs=blocks,
    )
    start = time.perf_counter()
    kernel = triton.compile(
        source,
        target=GPUTarget("cuda", 90, 32),
        options={"num_warps": 8, "num_stages": 3},
    )
    seconds = time.perf_counter() - start
    print(json.dumps({
        "triton": triton.__version__,
        "to_cubin_seconds": seconds,
        "peak_kib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
        "ptx_has_wgmma": "wgmma.mma_async" in kernel.asm["ptx"],
        "shared_bytes": kernel.metadata.shared,
    }))


if __name__ == "__main__":
    main()
