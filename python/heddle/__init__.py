# Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compiles tile programs and runs them on a virtual GPU or on CUDA::

    import heddle
    gemm = heddle.compile("gemm.mlir")
    c = gemm(A=a, B=b)

The arrays may be NumPy's, PyTorch's, or any with `__dlpack__`.
"""

from ._arrays import array
from ._check import Check
from ._errors import (
    CompileError,
    Error,
    FaultError,
    InputError,
    UnavailableError,
)
from ._program import Program, compile, compile_source, get_cache_dir, load
from ._runtime import (
    Array,
    Device,
    DeviceProperties,
    OutputCheck,
    __version__,
    devices,
    empty,
    zeros,
)
from ._signature import Argument, Kernel, Signature

__all__ = [
    "Argument",
    "Array",
    "Check",
    "CompileError",
    "Device",
    "DeviceProperties",
    "Error",
    "FaultError",
    "InputError",
    "Kernel",
    "OutputCheck",
    "Program",
    "Signature",
    "UnavailableError",
    "__version__",
    "array",
    "cache_dir",
    "compile",
    "compile_source",
    "devices",
    "empty",
    "load",
    "zeros",
]


def __getattr__(name: str):
    # The compiler is loaded when it is first needed: it is large.
    if name == "cache_dir":
        return get_cache_dir()
    raise AttributeError(f"module 'heddle' has no attribute '{name}'")
