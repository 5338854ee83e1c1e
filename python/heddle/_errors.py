# Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The exceptions of Heddle. Their text is that of the compiler or runtime."""


class Error(Exception):
    """Anything that Heddle refuses or that goes wrong in it."""


class InputError(Error, ValueError):
    """An argument, a file or a program is not as it should be."""


class CompileError(InputError):
    """A program does not compile. The text has all diagnostics, with file,
    line, column and the author's line."""


class FaultError(Error, RuntimeError):
    """A program did something illegal while it ran."""


class UnavailableError(Error, RuntimeError):
    """Something that is needed is missing: memory, a driver, the compiler."""
