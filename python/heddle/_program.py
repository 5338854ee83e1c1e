# Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Programs: what is compiled or loaded, and called with arrays."""

from __future__ import annotations

import os

from . import _runtime
from ._errors import InputError, UnavailableError
from ._check import Check
from ._signature import Kernel, Signature, read_signatures


class Program(_runtime.ProgramBase):
    """A compiled program, which is called with arrays::

        gemm(A=a, B=b, C=c)   # by name
        gemm(a, b, c)         # in declared order
        c = gemm(A=a, B=b)    # outputs that are left out are returned

    A call runs where its arrays are: NumPy arrays and other arrays in host
    memory on the virtual device, CUDA arrays on their GPU, in PyTorch's current
    stream if they are tensors. Nothing is copied. On a GPU the work may still
    be running when the call returns.

    These keywords are not names of arrays:

    device  "virtual:0", "cuda:0" or a `Device`; by default that of the arrays.
    stream  a CUstream's number, or a stream of PyTorch, CuPy or cuda.core.
    sizes   a dict with the sizes that no shape tells.
    entry   the host function, where the program has several.
    """

    def __init__(self, package: _runtime.Package):
        super().__init__(package)
        self._package = package
        self._signatures = read_signatures(package.hosts())

    def check(self, *arrays, **options) -> Check:
        """Calls the program with the same arguments, waits for it, and compares
        its outputs with what its source means, computed on the CPU."""
        return Check(tuple(self.check_outputs(*arrays, **options)))

    @property
    def name(self) -> str:
        """The file that it was compiled or loaded from."""
        return self._package.name

    @property
    def target(self) -> str:
        """The architecture that it is compiled for: "sm_90a"."""
        return self._package.target

    @property
    def producer(self) -> str:
        """The version of the compiler."""
        return self._package.producer

    @property
    def ptx(self) -> str:
        return self._package.ptx

    @property
    def signature(self) -> Signature:
        """The host function; the first, where there are several."""
        if not self._signatures:
            raise InputError(f"'{self.name}' has no host function")
        return next(iter(self._signatures.values()))

    @property
    def signatures(self) -> dict[str, Signature]:
        """All host functions by name."""
        return dict(self._signatures)

    @property
    def kernels(self) -> list[Kernel]:
        return [Kernel(**kernel) for kernel in self._package.kernels()]

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes a package, which `load` reads; whole or not at all."""
        self._package.save(os.fspath(path))

    def __repr__(self) -> str:
        hosts = ", ".join(map(str, self._signatures.values()))
        return f"<heddle.Program {hosts}>"


def _get_compiler():
    try:
        from . import _compiler
    except ImportError as error:
        raise UnavailableError(
            "this installation of Heddle has no compiler, only the runtime, "
            "which runs packages: build the Python package against a Heddle "
            f"that was built with MLIR ({error})"
        ) from error
    return _compiler


def compile(
    path: str | os.PathLike[str], *, optimization: int = 2, cubins: bool = False
) -> Program:
    """Compiles a file, or takes it from the cache.

    `optimization` is LLVM's, from 0 to 3. With `cubins`, machine code is added
    where ptxas is installed. Raises `CompileError` with all diagnostics.
    """
    path = os.fspath(path)
    with open(path, "rb") as file:
        source = file.read()
    return compile_source(source, path, optimization=optimization, cubins=cubins)


def compile_source(
    source: str | bytes,
    name: str = "<string>",
    *,
    optimization: int = 2,
    cubins: bool = False,
) -> Program:
    """Compiles the text of a program; messages call it `name`."""
    if optimization not in range(4):
        raise InputError(f"optimization: expected 0 to 3, found {optimization!r}")
    if isinstance(source, str):
        source = source.encode()
    return Program(_get_compiler().compile(source, name, optimization, cubins))


def load(path: str | os.PathLike[str]) -> Program:
    """Loads a package. This needs no compiler."""
    path = os.fspath(path)
    os.stat(path)  # A file that is missing is Python's error, as for `compile`.
    return Program(_runtime.Package.open(path))


def get_cache_dir() -> str | None:
    """The folder that keeps compiled programs; None if there is none."""
    return _get_compiler().cache_folder() or None
