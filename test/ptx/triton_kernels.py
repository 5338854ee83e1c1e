# Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Kernels in Triton, and their PTX for a GPU that need not be there."""

import triton
import triton.language as tl
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource


@triton.jit
def matmul(
    a,
    b,
    c,
    m,
    n,
    k,
    BLOCK_M: tl.constexpr,
    BLOCK_N: tl.constexpr,
    BLOCK_K: tl.constexpr,
):
    """C[m,n] = A[m,k] B[k,n]."""
    rows = tl.program_id(0) * BLOCK_M + tl.arange(0, BLOCK_M)
    columns = tl.program_id(1) * BLOCK_N + tl.arange(0, BLOCK_N)
    inner = tl.arange(0, BLOCK_K)
    sum = tl.zeros((BLOCK_M, BLOCK_N), dtype=tl.float32)
    for start in range(0, k, BLOCK_K):
        at = start + inner
        x = tl.load(
            a + rows[:, None] * k + at[None, :],
            mask=(rows[:, None] < m) & (at[None, :] < k),
            other=0.0,
        )
        y = tl.load(
            b + at[:, None] * n + columns[None, :],
            mask=(at[:, None] < k) & (columns[None, :] < n),
            other=0.0,
        )
        sum += tl.dot(x, y)
    tl.store(
        c + rows[:, None] * n + columns[None, :],
        sum,
        mask=(rows[:, None] < m) & (columns[None, :] < n),
    )


@triton.jit
def attention(
    q,
    k,
    v,
    o,
    length,
    scale,
    CAUSAL: tl.constexpr,
    HEAD: tl.constexpr,
    BLOCK_M: tl.constexpr,
    BLOCK_N: tl.constexpr,
):
    """Flash attention, forward: a program per block of queries and head."""
    block, head = tl.program_id(0), tl.program_id(1)
    offset = head * length * HEAD
    rows = block * BLOCK_M + tl.arange(0, BLOCK_M)
    inner = tl.arange(0, HEAD)
    inside = rows[:, None] < length
    queries = tl.load(
        q + offset + rows[:, None] * HEAD + inner[None, :], mask=inside, other=0.0
    )
    top = tl.full((BLOCK_M,), float("-inf"), tl.float32)
    total = tl.zeros((BLOCK_M,), tl.float32)
    result = tl.zeros((BLOCK_M, HEAD), tl.float32)
    end = min((block + 1) * BLOCK_M, length) if CAUSAL else length
    for start in range(0, end, BLOCK_N):
        columns = start + tl.arange(0, BLOCK_N)
        keys = tl.load(
            k + offset + columns[None, :] * HEAD + inner[:, None],
            mask=columns[None, :] < length,
            other=0.0,
        )
        scores = tl.dot(queries, keys) * scale
        seen = columns[None, :] < length
        if CAUSAL:
            seen = seen & (columns[None, :] <= rows[:, None])
        scores = tl.where(seen, scores, -1.0e30)
        new_top = tl.maximum(top, tl.max(scores, 1))
        weights = tl.exp2(scores - new_top[:, None])
        shrink = tl.exp2(top - new_top)
        total = total * shrink + tl.sum(weights, 1)
        values = tl.load(
            v + offset + columns[:, None] * HEAD + inner[None, :],
            mask=columns[:, None] < length,
            other=0.0,
        )
        result = result * shrink[:, None] + tl.dot(weights.to(v.dtype.element_ty), values)
        top = new_top
    tl.store(
        o + offset + rows[:, None] * HEAD + inner[None, :],
        result / total[:, None],
        mask=inside,
    )


@triton.jit
def softmax(x, y, columns, BLOCK: tl.constexpr):
    """A program per row, which fits in one block."""
    row, at = tl.program_id(0), tl.arange(0, BLOCK)
    values = tl.load(x + row * columns + at, mask=at < columns, other=float("-inf"))
    weights = tl.exp(values - tl.max(values, 0))
    tl.store(y + row * columns + at, weights / tl.sum(weights, 0), mask=at < columns)


@triton.jit
def layer_norm(x, y, weight, bias, columns, epsilon, BLOCK: tl.constexpr):
    """A program per row of any length."""
    x += tl.program_id(0) * columns
    y += tl.program_id(0) * columns
    sums = tl.zeros((BLOCK,), tl.float32)
    for start in range(0, columns, BLOCK):
        at = start + tl.arange(0, BLOCK)
        sums += tl.load(x + at, mask=at < columns, other=0.0).to(tl.float32)
    mean = tl.sum(sums, 0) / columns
    squares = tl.zeros((BLOCK,), tl.float32)
    for start in range(0, columns, BLOCK):
        at = start + tl.arange(0, BLOCK)
        values = tl.load(x + at, mask=at < columns, other=0.0).to(tl.float32)
        values = tl.where(at < columns, values - mean, 0.0)
        squares += values * values
    factor = tl.rsqrt(tl.sum(squares, 0) / columns + epsilon)
    for start in range(0, columns, BLOCK):
        at = start + tl.arange(0, BLOCK)
        inside = at < columns
        values = tl.load(x + at, mask=inside, other=0.0).to(tl.float32)
        values = (values - mean) * factor
        values = values * tl.load(weight + at, mask=inside).to(tl.float32)
        values += tl.load(bias + at, mask=inside).to(tl.float32)
        tl.store(y + at, values, mask=inside)


@triton.jit
def descriptor_matmul(
    a,
    b,
    c,
    m,
    n,
    k,
    BLOCK_M: tl.constexpr,
    BLOCK_N: tl.constexpr,
    BLOCK_K: tl.constexpr,
):
    """C[m,n] = A[m,k] B[n,k] through tensor maps that the host makes."""
    row, column = tl.program_id(0) * BLOCK_M, tl.program_id(1) * BLOCK_N
    sum = tl.zeros((BLOCK_M, BLOCK_N), dtype=tl.float32)
    for start in range(0, k, BLOCK_K):
        x = a.load([row, start])
        y = b.load([column, start])
        sum = tl.dot(x, y.T, sum)
    c.store([row, column], sum.to(tl.float16))


def compile_to_ptx(kernel, types, constants, aligned=(), arch=90, **options):
    """The compiled kernel: `asm["ptx"]` and what a launch needs as `metadata`.

    `types` are those of arguments by name, `aligned` the names of those that
    are multiples of 16.
    """
    names = kernel.arg_names
    signature = {
        name: "constexpr" if name in constants else types[name] for name in names
    }
    source = ASTSource(
        fn=kernel,
        signature=signature,
        constexprs={(names.index(name),): value for name, value in constants.items()},
        attrs={(names.index(name),): [["tt.divisibility", 16]] for name in aligned},
    )
    return triton.compile(
        source, target=GPUTarget("cuda", arch, 32), options=options or None
    )
