# Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
from ._runtime import Package

def compile(
    source: bytes, name: str, optimization: int = 2, cubins: bool = False
) -> Package: ...
def cache_folder() -> str: ...
def statistics() -> dict[str, int]: ...
