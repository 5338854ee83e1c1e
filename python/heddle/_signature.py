# Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What a program's host functions take and what kernels it has, as data."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Argument:
    """An array that a host function takes."""

    name: str
    #: The element type as programs call it: "bf16".
    dtype: str
    #: Extents: numbers, and names of sizes.
    shape: tuple[int | str, ...]
    #: "in", "out" or "inout".
    access: str

    def __str__(self) -> str:
        prefix = "" if self.access == "in" else self.access + " "
        extents = ", ".join(str(extent) for extent in self.shape)
        return f"{prefix}{self.name}: {self.dtype}[{extents}]"


@dataclass(frozen=True)
class Signature:
    """A host function: `gemm[M, N, K](A: bf16[M, K], ...)`."""

    name: str
    sizes: tuple[str, ...]
    arguments: tuple[Argument, ...]

    def __str__(self) -> str:
        sizes = f"[{', '.join(self.sizes)}]" if self.sizes else ""
        return f"{self.name}{sizes}({', '.join(map(str, self.arguments))})"


@dataclass(frozen=True)
class Kernel:
    """A kernel and what its launch needs."""

    name: str
    threads: int
    #: Dynamic shared memory.
    shared_bytes: int
    #: Blocks per cluster.
    cluster: tuple[int, int, int]
    #: All blocks must be resident at once.
    cooperative: bool
    #: Blocks loop over the grid.
    persistent: bool
    #: The kernel that runs where a tensor map is illegal, if there is one.
    fallback: str | None
    #: Where the author wrote it, `file:line`; may be empty.
    location: str
    #: Registers per thread, for each architecture with machine code.
    registers: dict[str, int] = field(default_factory=dict)


def read_signatures(hosts) -> dict[str, Signature]:
    return {
        name: Signature(
            name, sizes, tuple(Argument(*argument) for argument in arguments)
        )
        for name, sizes, arguments in hosts
    }
