#===- variants.py - Examples with other first lines -------------------------===#
#
# Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===-------------------------------------------------------------------------===#
"""What scripts share that print a program for other sizes and types."""

import re


def substitute(pattern, replacement, text):
    """Replaces a pattern, which must occur; `^` and `$` are the ends of lines."""
    text, count = re.subn(pattern, replacement, text, flags=re.MULTILINE)
    assert count, pattern
    return text


def define(text, definitions):
    """Replaces the definitions of a program, but not what is said of them."""
    for name, value in definitions.items():
        text = substitute(rf"^{re.escape(name)} = [^/\n]*?( //.*)?$",
                          lambda match: f"{name} = {value}{match[1] or ''}", text)
    return text
