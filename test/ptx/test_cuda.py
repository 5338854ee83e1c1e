# Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Kernels in CUDA C++, compiled by nvcc."""

import unittest

from support import Bf16, Expected, PtxTest, Undefined, compile_cuda, np


def numbers(*shape, seed=0, dtype="float32"):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def integers(*shape, low=-100, high=100, seed=0, dtype="int32"):
    return np.random.default_rng(seed).integers(low, high, shape).astype(dtype)


def ceildiv(a, b):
    return -(-a // b)


class CudaTest(PtxTest):
    def test_sgemm(self):
        for m, n, k in [(48, 80, 64), (33, 17, 45), (1, 1, 1)]:
            with self.subTest(m=m, n=n, k=k):
                a, b = numbers(m, k), numbers(k, n, seed=1)
                self.run_kernel(
                    compile_cuda("sgemm"),
                    {"a": a, "b": b, "c": Undefined((m, n))},
                    [
                        {
                            "kernel": "sgemm",
                            "grid": [ceildiv(n, 16), ceildiv(m, 16)],
                            "block": [16, 16],
                            "arguments": ["a", "b", "c", m, n, k],
                        }
                    ],
                    {"c": Expected(a.astype("f8") @ b.astype("f8"), 1e-4, 1e-5)},
                )

    def test_hgemm(self):
        for m, n, k in [(128, 64, 96), (70, 130, 40), (1, 3, 8)]:
            with self.subTest(m=m, n=n, k=k):
                a = numbers(m, k, dtype="float16")
                b = numbers(n, k, seed=1, dtype="float16")
                exact = a.astype("f8") @ b.astype("f8").T
                self.run_kernel(
                    compile_cuda("hgemm"),
                    {"a": a, "b": b, "c": Undefined((m, n), "f16")},
                    [
                        {
                            "kernel": "hgemm",
                            "grid": [ceildiv(n, 64), ceildiv(m, 64)],
                            "block": 128,
                            "arguments": ["a", "b", "c", m, n, k],
                        }
                    ],
                    {"c": Expected(exact, 1e-3, 2e-3)},
                )

    def test_wmma(self):
        for arch in ["sm_80", "sm_90a"]:
            for m, n, k in [(64, 64, 32), (70, 130, 40), (1, 3, 1)]:
                with self.subTest(arch=arch, m=m, n=n, k=k):
                    a = numbers(m, k, dtype="float16")
                    b = numbers(k, n, seed=1, dtype="float16")
                    self.run_kernel(
                        compile_cuda("wmma_gemm", "-arch=" + arch),
                        {"a": a, "b": b, "c": Undefined((m, n))},
                        [
                            {
                                "kernel": "tiled",
                                "grid": [ceildiv(n, 64), ceildiv(m, 64)],
                                "block": 128,
                                "arguments": ["a", "b", "c", m, n, k],
                            }
                        ],
                        {"c": Expected(a.astype("f8") @ b.astype("f8"), 1e-4, 1e-4)},
                    )

    def test_wmma_shapes(self):
        m, n, k = 64, 96, 48
        # The contents, the tile, whether A and B are in order of rows, and how
        # far the sums may be off.
        for name, kind, dtype, tile, rows, error in [
            ("f16_rr", numbers, "float16", (16, 16), (True, True), 1e-4),
            ("f16_cc", numbers, "float16", (32, 8), (False, False), 1e-4),
            ("f16_half", numbers, "float16", (8, 32), (True, False), 2e-2),
            ("bf16_rc", numbers, "bf16", (16, 16), (True, False), 1e-4),
            ("bf16_cr", numbers, "bf16", (8, 32), (False, True), 1e-4),
            ("tf32_rc", numbers, "float32", (16, 16), (True, False), 1e-4),
            ("s8_rc", integers, "int8", (16, 16), (True, False), 0),
            ("u8_cr", integers, "uint8", (32, 8), (False, True), 0),
            ("f64_rc", numbers, "float64", (8, 8), (True, False), 1e-12),
        ]:
            with self.subTest(name=name):
                if kind is numbers:
                    plain = "float32" if dtype == "bf16" else dtype
                    a, b = numbers(m, k, dtype=plain), numbers(k, n, seed=1, dtype=plain)
                    if dtype == "bf16":
                        a, b = Bf16(a).values, Bf16(b).values
                    elif dtype == "float32":
                        # Tensor cores drop the low bits.
                        a, b = [
                            (x.view("uint32") & 0xFFFFE000).view("float32") for x in (a, b)
                        ]
                    sums = {"f16_half": "float16", "f64_rc": "float64"}
                    c = numbers(m, n, seed=2, dtype=sums.get(name, "float32"))
                    exact = -0.5 * (a.astype("f8") @ b.astype("f8")) + c
                    alpha = {"type": "f16", "value": -0.5} if name == "f16_half" else -0.5
                else:
                    low, high = (0, 256) if dtype == "uint8" else (-128, 128)
                    a = integers(m, k, low=low, high=high, dtype=dtype)
                    b = integers(k, n, low=low, high=high, seed=1, dtype=dtype)
                    c = integers(m, n, seed=2)
                    exact = (3 * (a.astype("i8") @ b.astype("i8")) + c).astype("int32")
                    alpha = 3
                memory = [
                    x if inRows else np.ascontiguousarray(x.T)
                    for x, inRows in zip((a, b), rows)
                ]
                if dtype == "bf16":
                    memory = [Bf16(x) for x in memory]
                self.run_kernel(
                    compile_cuda("wmma_gemm", "-arch=sm_80"),
                    {"a": memory[0], "b": memory[1], "c": c},
                    [
                        {
                            "kernel": name,
                            "grid": [n // tile[1], m // tile[0]],
                            "block": 32,
                            "arguments": ["a", "b", "c", m, n, k, alpha],
                        }
                    ],
                    {"c": Expected(exact, error, error)},
                )

    def test_tiles(self):
        for n in [1, 255, 1000]:
            with self.subTest(n=n):
                x = integers(n)
                blocks = ceildiv(n, 256)
                padded = np.zeros(blocks * 256, "int32")
                padded[:n] = x
                self.run_kernel(
                    compile_cuda("tiles"),
                    {"x": x, "sums": Undefined((blocks * 4,), "i32")},
                    [
                        {
                            "kernel": "sum_tiles",
                            "grid": blocks,
                            "block": 256,
                            "arguments": ["x", "sums", n],
                        }
                    ],
                    {"sums": Expected(padded.reshape(-1, 64).sum(1).astype("int32"))},
                    # The library takes shfl for what orders memory.
                    options=["--sanitize=sync", "--schedule=explore:4"],
                )

    def test_calls_through_tables(self):
        for n in [1, 100]:
            for options in [[], ["-G"]]:
                with self.subTest(n=n, options=options):
                    sides, kinds = numbers(n), integers(n, low=0, high=4, seed=1)
                    area = sides * sides - np.float32(0.25) * (kinds % 2)
                    out = np.where(kinds < 2, area / 2, -area).astype("float32")
                    self.run_kernel(
                        compile_cuda("tiles", *options),
                        {"sides": sides, "kinds": kinds, "out": Undefined((n,))},
                        [
                            {
                                "kernel": "areas",
                                "grid": ceildiv(n, 64),
                                "block": 64,
                                "arguments": ["sides", "kinds", "out", n],
                            }
                        ],
                        {"out": Expected(out, 1e-6, 1e-6)},
                    )

    def test_wide_atomics(self):
        # Which thread comes first is open, so all have the same number.
        for n in [1, 65, 300]:
            with self.subTest(n=n):
                counts = np.arange(n, dtype="int64")
                self.run_kernel(
                    compile_cuda("wide_atomics"),
                    {
                        "x": np.full(n, 7, "uint32"),
                        "total": np.zeros(2, "int64"),
                        "seen": Undefined((n, 2), "i64"),
                    },
                    [
                        {
                            "kernel": "count_and_add",
                            "grid": ceildiv(n, 64),
                            "block": 64,
                            "arguments": ["x", "total", "seen", n],
                        }
                    ],
                    {
                        "total": Expected(np.array([n, 7 * n])),
                        "seen": Expected(np.stack([counts, 7 * counts], 1)),
                    },
                )

    def test_all_reduce(self):
        for devices, n in [(2, 8), (3, 1000), (4, 4104)]:
            with self.subTest(devices=devices, n=n):
                inputs = [Bf16(numbers(n, seed=d)) for d in range(devices)]
                # In f32, in the order of the devices.
                total = inputs[0].values
                for each in inputs[1:]:
                    total = total + each.values
                ranks = range(devices)
                buffers = {f"input{d}": inputs[d] for d in ranks}
                buffers.update({f"mine{d}": Undefined((n,), "bf16") for d in ranks})
                blocks = 3
                buffers.update({f"flags{d}": np.zeros(blocks, "int32") for d in ranks})
                self.run_kernel(
                    compile_cuda("all_reduce"),
                    buffers,
                    [
                        {
                            "kernel": "all_reduce",
                            "grid": blocks,
                            "block": 96,
                            "devices": devices,
                            "arguments": [
                                {"multicast": [f"mine{d}" for d in ranks]},
                                {"perDevice": [f"input{d}" for d in ranks]},
                                {"perDevice": [f"mine{d}" for d in ranks]},
                                {"multicast": [f"flags{d}" for d in ranks]},
                                {"perDevice": [f"flags{d}" for d in ranks]},
                                n,
                                {"perDevice": list(ranks)},
                                devices,
                            ],
                        }
                    ],
                    {f"mine{d}": Expected(Bf16(total).values) for d in ranks},
                )

    def test_wgmma_gemm(self):
        # Blocks have several tiles, and tiles an odd number of steps.
        for m, n, k, blocks in [(256, 128, 320, 1), (100, 72, 200, 2), (7, 5, 8, 1)]:
            with self.subTest(m=m, n=n, k=k):
                a, b = Bf16(numbers(m, k)), Bf16(numbers(n, k, seed=1))
                exact = a.values.astype("f8") @ b.values.astype("f8").T

                def load(buffer, rows):
                    return {
                        "tensorMap": {
                            "buffer": buffer,
                            "box": [64, rows],
                            "swizzle": "128B",
                        }
                    }

                self.run_kernel(
                    compile_cuda("wgmma_gemm"),
                    {"a": a, "b": b, "c": Undefined((m, n))},
                    [
                        {
                            "kernel": "gemm",
                            "grid": blocks,
                            "block": 384,
                            "sharedBytes": 3 * (128 + 64) * 64 * 2,
                            "arguments": [load("a", 128), load("b", 64), "c", m, n, k],
                        }
                    ],
                    {"c": Expected(exact, 1e-3, 1e-4)},
                )

    def test_cluster_reduction(self):
        for rows, columns in [(3, 1000), (1, 1), (2, 513)]:
            with self.subTest(rows=rows, columns=columns):
                x = numbers(rows, columns)
                self.run_kernel(
                    compile_cuda("cluster_reduce"),
                    {"x": x, "sums": Undefined((rows,))},
                    [
                        {
                            "kernel": "clusterSum",
                            "grid": 4 * rows,
                            "block": 128,
                            "cluster": 4,
                            "arguments": ["x", "sums", columns],
                        }
                    ],
                    {"sums": Expected(x.sum(axis=1, dtype="f8"), 1e-4)},
                )

    def test_grid_reduction(self):
        for n, blocks in [(10000, 7), (1, 3), (65, 1)]:
            with self.subTest(n=n, blocks=blocks):
                x = numbers(n)
                self.run_kernel(
                    compile_cuda("grid_reduce"),
                    {
                        "x": x,
                        "partial": Undefined((blocks,)),
                        "ticket": np.zeros(1, "uint32"),
                        "sum": Undefined((1,)),
                    },
                    [
                        {
                            "kernel": "gridSum",
                            "grid": blocks,
                            "block": 96,
                            "arguments": ["x", "partial", "ticket", "sum", n],
                        }
                    ],
                    {
                        "sum": Expected(x.sum(keepdims=True, dtype="f8"), 1e-3),
                        "ticket": Expected(np.zeros(1, "uint32")),
                    },
                )

    def test_atomic_reduction(self):
        x = integers(5000)
        self.run_kernel(
            compile_cuda("grid_reduce"),
            {"x": x, "sum": np.zeros(1, "int32")},
            [
                {
                    "kernel": "atomicSum",
                    "grid": 5,
                    "block": 64,
                    "arguments": ["x", "sum", x.size],
                }
            ],
            {"sum": Expected(x.sum(keepdims=True, dtype="int32"))},
        )

    def test_softmax(self):
        for rows, columns in [(3, 1000), (2, 1), (1, 77)]:
            with self.subTest(rows=rows, columns=columns):
                x = 5 * numbers(rows, columns)
                e = np.exp(x.astype("f8") - x.max(axis=1, keepdims=True))
                self.run_kernel(
                    compile_cuda("softmax"),
                    {"x": x, "y": Undefined((rows, columns))},
                    [
                        {
                            "kernel": "softmax",
                            "grid": rows,
                            "block": 128,
                            "arguments": ["x", "y", columns],
                        }
                    ],
                    {"y": Expected(e / e.sum(axis=1, keepdims=True), 1e-6, 1e-4)},
                )

    def test_histogram(self):
        x = integers(3001, low=0, high=256, dtype="uint8")
        self.run_kernel(
            compile_cuda("histogram"),
            {"x": x, "counts": np.zeros(256, "uint32")},
            [
                {
                    "kernel": "histogram",
                    "grid": 3,
                    "block": 100,
                    "arguments": ["x", "counts", x.size],
                }
            ],
            {"counts": Expected(np.bincount(x, minlength=256).astype("uint32"))},
        )

    def test_transposes(self):
        for kernel, x, type in [
            ("transpose32", numbers(45, 70), "f32"),
            ("transpose8", integers(33, 31, dtype="int8"), "i8"),
            ("transpose64", numbers(64, 1, dtype="float64"), "f64"),
        ]:
            m, n = x.shape
            with self.subTest(kernel=kernel):
                self.run_kernel(
                    compile_cuda("transpose"),
                    {"x": x, "y": Undefined((n, m), type)},
                    [
                        {
                            "kernel": kernel,
                            "grid": [ceildiv(n, 32), ceildiv(m, 32)],
                            "block": [32, 8],
                            "arguments": ["x", "y", m, n],
                        }
                    ],
                    {"y": Expected(np.ascontiguousarray(x.T))},
                )

    def test_scan_of_three_launches(self):
        for n, block in [(1000, 128), (31, 32), (513, 64)]:
            with self.subTest(n=n, block=block):
                x = integers(n)
                blocks = ceildiv(n, block)
                self.run_kernel(
                    compile_cuda("scan"),
                    {
                        "x": x,
                        "y": Undefined((n,), "i32"),
                        "sums": Undefined((blocks,), "i32"),
                    },
                    [
                        {
                            "kernel": "scanBlocks",
                            "grid": blocks,
                            "block": block,
                            "arguments": ["x", "y", "sums", n],
                        },
                        {
                            "kernel": "scanSums",
                            "block": 64,
                            "arguments": ["sums", blocks],
                        },
                        {
                            "kernel": "addSums",
                            "grid": blocks,
                            "block": block,
                            "arguments": ["y", "sums", n],
                        },
                    ],
                    {"y": Expected(np.cumsum(x, dtype="int32"))},
                )

    def test_barriers_of_libcu(self):
        for steps in (1, 2, 5):
            x = integers(64 * steps)
            with self.subTest(steps=steps):
                self.run_kernel(
                    compile_cuda("pipeline"),
                    {"x": x, "y": Undefined(x.shape, "i32")},
                    [
                        {
                            "kernel": "relay",
                            "block": 96,
                            "arguments": ["x", "y", x.size],
                        }
                    ],
                    {"y": Expected(x + 1)},
                )

    def test_pipeline_of_libcu(self):
        for steps in (1, 2, 5):
            x = integers(64 * steps)
            with self.subTest(steps=steps):
                self.run_kernel(
                    compile_cuda("pipeline"),
                    {"x": x, "y": Undefined(x.shape, "i32")},
                    [
                        {
                            "kernel": "staged",
                            "block": 64,
                            "sharedBytes": 2 * 64 * 4,
                            "arguments": ["x", "y", x.size],
                        }
                    ],
                    {"y": Expected(3 * x)},
                )

    def test_grid_sync(self):
        n, count = 150, 5
        x = integers(n)
        last, before = x, x
        for _ in range(count):
            last, before = last + np.roll(last, 1), last
        self.run_kernel(
            compile_cuda("grid_sync"),
            {"x": x, "y": Undefined((n,), "i32")},
            [
                {
                    "kernel": "rounds",
                    "grid": 5,
                    "block": 32,
                    "cooperative": True,
                    "arguments": ["x", "y", n, count],
                }
            ],
            {"y": Expected(last), "x": Expected(before)},
        )


if __name__ == "__main__":
    unittest.main()
