# Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Kernels in Triton, compiled for a GPU that need not be there."""

import os
import unittest
import warnings

from support import WORK, Expected, PtxTest, Undefined, np

try:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import triton_kernels
except ImportError as error:
    triton_kernels = None
    reason = f"there is no Triton: {error}"
else:
    reason = ""


def numbers(*shape, seed=0, dtype="float32"):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def ceildiv(a, b):
    return -(-a // b)


@unittest.skipIf(triton_kernels is None, reason)
class TritonTest(PtxTest):
    def compile(self, name, types, constants, aligned=(), **options):
        """The PTX of a kernel and the shared memory it needs."""
        os.makedirs(WORK, exist_ok=True)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compiled = triton_kernels.compile_to_ptx(
                getattr(triton_kernels, name), types, constants, aligned, **options
            )
        text = "-".join(str(value) for value in constants.values())
        path = os.path.join(WORK, f"triton-{name}-{text}.ptx")
        with open(path, "w") as file:
            file.write(compiled.asm["ptx"])
        return path, compiled.metadata.shared

    def run_triton(self, compiled, kernel, grid, buffers, arguments, expected):
        ptx, shared = compiled
        # The last two are scratch memory that these kernels do without.
        launch = {
            "kernel": kernel,
            "grid": grid,
            "sharedBytes": shared,
            "arguments": [*arguments, 0, 0],
        }
        self.run_kernel(ptx, buffers, [launch], expected)

    def test_matmul(self):
        half = "*fp16"
        compiled = self.compile(
            "matmul",
            dict(a=half, b=half, c=half, m="i32", n="i32", k="i32"),
            dict(BLOCK_M=64, BLOCK_N=64, BLOCK_K=32),
            aligned=("a", "b", "c"),
            num_warps=4,
            num_stages=3,
        )
        self.check_matmul(compiled)

    def test_matmul_that_pipelines_copies(self):
        # With sizes that are multiples of 16, it copies asynchronously and
        # multiplies warpgroups.
        half = "*fp16"
        compiled = self.compile(
            "matmul",
            dict(a=half, b=half, c=half, m="i32", n="i32", k="i32"),
            dict(BLOCK_M=64, BLOCK_N=64, BLOCK_K=64),
            aligned=("a", "b", "c", "m", "n", "k"),
            num_warps=4,
            num_stages=3,
        )
        with open(compiled[0]) as file:
            text = file.read()
        self.assertIn("wgmma.mma_async", text)
        self.assertIn("cp.async", text)
        self.check_matmul(compiled, [(128, 64, 320), (80, 144, 16)])

    def check_matmul(self, compiled, sizes=((128, 64, 96), (70, 33, 45), (1, 1, 1))):
        for m, n, k in sizes:
            with self.subTest(m=m, n=n, k=k):
                a = numbers(m, k, dtype="float16")
                b = numbers(k, n, seed=1, dtype="float16")
                exact = a.astype("f8") @ b.astype("f8")
                self.run_triton(
                    compiled,
                    "matmul",
                    [ceildiv(m, 64), ceildiv(n, 64)],
                    {"a": a, "b": b, "c": Undefined((m, n), "f16")},
                    ["a", "b", "c", m, n, k],
                    {"c": Expected(exact, 1e-3, 2e-3)},
                )

    def test_matmul_with_tensor_maps(self):
        tile = "tensordesc<fp16[64, 64]>"
        compiled = self.compile(
            "descriptor_matmul",
            dict(a=tile, b=tile, c=tile, m="i32", n="i32", k="i32"),
            dict(BLOCK_M=64, BLOCK_N=64, BLOCK_K=64),
            num_warps=4,
            num_stages=3,
        )
        for m, n, k in [(128, 64, 320), (72, 40, 104)]:
            with self.subTest(m=m, n=n, k=k):
                a = numbers(m, k, dtype="float16")
                b = numbers(n, k, seed=1, dtype="float16")
                exact = a.astype("f8") @ b.astype("f8").T

                def describe(buffer, rows, columns):
                    map = {"buffer": buffer, "box": [64, 64], "swizzle": "128B"}
                    return [{"tensorMap": map}, rows, columns, columns, 1]

                self.run_triton(
                    compiled,
                    "descriptor_matmul",
                    [ceildiv(m, 64), ceildiv(n, 64)],
                    {"a": a, "b": b, "c": Undefined((m, n), "f16")},
                    [
                        *describe("a", m, k),
                        *describe("b", n, k),
                        *describe("c", m, n),
                        m,
                        n,
                        k,
                    ],
                    {"c": Expected(exact, 1e-3, 2e-3)},
                )

    def test_flash_attention(self):
        half = "*fp16"
        for causal, length, heads in [(True, 150, 2), (False, 64, 1), (True, 1, 1)]:
            with self.subTest(causal=causal, length=length):
                head = 64
                compiled = self.compile(
                    "attention",
                    dict(q=half, k=half, v=half, o=half, length="i32", scale="fp32"),
                    dict(CAUSAL=causal, HEAD=head, BLOCK_M=64, BLOCK_N=64),
                    aligned=("q", "k", "v", "o"),
                    num_warps=4,
                    num_stages=2,
                )
                q, k, v = (
                    numbers(heads, length, head, seed=seed, dtype="float16")
                    for seed in range(3)
                )
                scores = q.astype("f8") @ k.astype("f8").swapaxes(1, 2) / head**0.5
                if causal:
                    later = np.triu(np.ones((length, length), bool), 1)
                    scores = np.where(later, -np.inf, scores)
                weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
                weights /= weights.sum(axis=-1, keepdims=True)
                self.run_triton(
                    compiled,
                    "attention",
                    [ceildiv(length, 64), heads],
                    {"q": q, "k": k, "v": v, "o": Undefined(q.shape, "f16")},
                    ["q", "k", "v", "o", length, float(np.log2(np.e) / head**0.5)],
                    {"o": Expected(weights @ v.astype("f8"), 3e-3, 3e-3)},
                )

    def test_softmax(self):
        compiled = self.compile(
            "softmax",
            dict(x="*fp32", y="*fp32", columns="i32"),
            dict(BLOCK=1024),
            aligned=("x", "y"),
        )
        for rows, columns in [(3, 1000), (2, 1), (1, 1024)]:
            with self.subTest(rows=rows, columns=columns):
                x = 5 * numbers(rows, columns)
                e = np.exp(x.astype("f8") - x.max(axis=1, keepdims=True))
                self.run_triton(
                    compiled,
                    "softmax",
                    rows,
                    {"x": x, "y": Undefined(x.shape)},
                    ["x", "y", columns],
                    {"y": Expected(e / e.sum(axis=1, keepdims=True), 1e-6, 1e-4)},
                )

    def test_layer_norm(self):
        compiled = self.compile(
            "layer_norm",
            dict(
                x="*fp16",
                y="*fp16",
                weight="*fp32",
                bias="*fp32",
                columns="i32",
                epsilon="fp32",
            ),
            dict(BLOCK=256),
            aligned=("x", "y", "weight", "bias"),
        )
        for rows, columns in [(3, 700), (2, 256), (1, 2)]:
            with self.subTest(rows=rows, columns=columns):
                x = numbers(rows, columns, dtype="float16")
                weight, bias = numbers(columns, seed=1), numbers(columns, seed=2)
                wide = x.astype("f8")
                mean = wide.mean(axis=1, keepdims=True)
                spread = np.sqrt(wide.var(axis=1, keepdims=True) + 1e-5)
                self.run_triton(
                    compiled,
                    "layer_norm",
                    rows,
                    {
                        "x": x,
                        "y": Undefined(x.shape, "f16"),
                        "weight": weight,
                        "bias": bias,
                    },
                    ["x", "y", "weight", "bias", columns, 1e-5],
                    {"y": Expected((wide - mean) / spread * weight + bias, 2e-3, 2e-3)},
                )


if __name__ == "__main__":
    unittest.main()
