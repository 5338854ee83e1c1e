# Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What a comparison with the reference semantics says."""

from __future__ import annotations

from dataclasses import dataclass

from ._runtime import OutputCheck


@dataclass(frozen=True)
class Check:
    """How a call's outputs compare with the reference; true if they are right."""

    outputs: tuple[OutputCheck, ...]

    @property
    def passed(self) -> bool:
        return all(output.passed for output in self.outputs)

    def __bool__(self) -> bool:
        return self.passed

    def __str__(self) -> str:
        return "".join(output.text for output in self.outputs).rstrip("\n")
