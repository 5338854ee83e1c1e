#!/usr/bin/env python3
#===- recurrence_variant.py - Linear recurrences for other heads ------------===#
#
# Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===-------------------------------------------------------------------------===#
"""Prints a linear recurrence of this folder for heads of another size or type.

    examples/recurrence_variant.py linear_attention --head 64 > linear_attention_64.mlir

The program is the same; its first lines, which name types and sizes, differ. A
block has the state of one head, or of some of its values: more blocks, where
heads are few, and fewer registers.
"""

import argparse
import math
import pathlib
import re
from typing import NamedTuple

from variants import define

# Values of a block, by the sizes of keys and values: what the registers of one
# or two warpgroups, and what shared memory, hold. A block of 64 has one
# consumer, which leaves a preparer more registers.
SMALL = {(64, 64): 64, (96, 96): 64}
WHOLE = {**SMALL, (128, 128): 128, (128, 256): 128}
HALVES = {**SMALL, (128, 128): 64, (128, 256): 64}
HUGE = {(256, 256): 64}
LARGE = {(192, 192): 64, **HUGE}
# States that are only read and written, and channels of sums without values.
COLUMNS = dict.fromkeys([*WHOLE, *LARGE], 32)
SUMS = {(keys, values): 32 for keys, values in COLUMNS if keys == values}

# Where channels decay by themselves, each has a thread of a warpgroup: tiles
# have at least as many, and those that a head lacks are zeros.
THREADS = 128


class Program(NamedTuple):
    """The values of a block by the sizes of heads, the least keys of a tile, and
    the sizes of keys that need another form, in a file whose name ends so."""

    blocks: dict
    least: int = 0
    files: list = []


# A further program costs a line here, and what its first lines name must be
# among what follows.
PROGRAMS = {
    "linear_attention": Program(WHOLE | LARGE),
    "linear_attention_varlen": Program(WHOLE | LARGE),
    "linear_attention_decode": Program(COLUMNS),
    "gated_linear_attention": Program(WHOLE | HUGE, THREADS, [256]),
    "gated_linear_attention_varlen": Program(HALVES | HUGE, THREADS, [256]),
    "gated_linear_attention_decode": Program(COLUMNS),
    "gated_delta_rule": Program(WHOLE | LARGE, files=[256]),
    "gated_delta_rule_varlen": Program(WHOLE | LARGE, files=[256]),
    "gated_delta_rule_decode": Program(COLUMNS),
    "kimi_delta_attention": Program(HALVES | HUGE, THREADS, [256]),
    "kimi_delta_attention_varlen": Program(HALVES | HUGE, THREADS, [256]),
    "kimi_delta_attention_decode": Program(COLUMNS),
    "preconditioned_delta_rule": Program(WHOLE | HUGE, files=[256]),
    "preconditioned_delta_rule_varlen": Program(WHOLE | HUGE, files=[256]),
    "preconditioned_delta_rule_decode": Program(COLUMNS),
    "preconditioner": Program(SUMS),
    "preconditioner_varlen": Program(SUMS),
}

# What static sizes mean: of views of memory, whose other sizes come first, and
# of tiles. `wide` ones are bf16 for arrays of f16, too; what begins with `half`
# has half of the channels.
VIEWS = {
    "!keys": "{keys}x{type}",
    "!key_head": "{keys}x{type}",
    "!values": "{values}x{type}",
    "!value_head": "{values}x{type}",
    "!gates": "{keys}xf32",
    "!head_gates": "{keys}xf32",
    "!scales": "{keys}xf32",
    "!head_scales": "{keys}xf32",
    "!sums": "{keys}xf32",
    "!states": "{keys}x{values}xf32",
    "!erasing": "{chunk}x{keys}xbf16",
    "!decayed": "{keys}x{chunk}x{type}",
    "!wide_decayed": "{keys}x{chunk}xbf16",
    "!between": "{chunk}x{chunk}x{type}",
    "!places": "2xi32",
    "!pairs": "{chunks}x{chunk}x{type}",
    "!wide_pairs": "{chunks}x{chunk}xbf16",
    "!pairs32": "{chunks}x{chunk}xf32",
    "!decays": "{keys}xf32",
    "!two_decays": "2x{keys}xf32",
}
TILES = {
    "!k": "{chunk}x{channels}x{type}",
    "!k_t": "{channels}x{chunk}x{type}",
    "!k32": "{chunk}x{channels}xf32",
    "!wide_k": "{chunk}x{channels}xbf16",
    "!wide_k_t": "{channels}x{chunk}xbf16",
    "!sums": "{channels}x{chunk}xf32",
    "!token": "{channels}x{chunk}xi32",
    "!tokens": "{channels}x{chunk}xi1",
    "!channels": "{channels}xf32",
    "!v": "{chunk}x{block}x{type}",
    "!o": "{block}x{chunk}xf32",
    "!o16": "{block}x{chunk}x{type}",
    "!wide_o": "{block}x{chunk}xbf16",
    "!row": "{chunk}xf32",
    "!row16": "{chunk}x{type}",
    "!rows": "{chunk}x{block}xf32",
    "!rows16": "{chunk}x{block}x{type}",
    "!columns": "{block}xf32",
    "!at": "{chunk}x{chunk}xi32",
    "!mask": "{chunk}x{chunk}xi1",
    "!scores": "{chunk}x{chunk}xf32",
    "!scores16": "{chunk}x{chunk}x{type}",
    "!wide_scores": "{chunk}x{chunk}xbf16",
    "!state": "{channels}x{block}xf32",
    "!s": "{block}x{channels}xf32",
    "!s16": "{block}x{channels}x{type}",
    "!s16_t": "{channels}x{block}x{type}",
    "!wide_s": "{block}x{channels}xbf16",
    "!wide_s_t": "{channels}x{block}xbf16",
    "!decay": "{block}xf32",
    "!key": "{channels}xf32",
    "!key16": "{channels}x{type}",
    "!value": "{block}xf32",
    "!value16": "{block}x{type}",
}
NUMBERS = {
    "#v": "{block} : index",
    "#columns": "{block} : index",
    "#parts": "{parts} : index",
    "#half": "{half} : index",
}


def get_definitions(text, channels, sizes):
    """The lines that replace those of a program which have static sizes; tiles
    have so many channels of keys."""
    definitions = {}
    shape = r"^(!\w+) = (memref|tensor)<((?:\?x)*)(?:\d+x)+\w+(.*?>)(?: //.*)?$"
    for name, kind, others, rest in re.findall(shape, text, re.MULTILINE):
        static = (VIEWS if kind == "memref" else TILES)[name.replace("!half_", "!")]
        own = sizes["half"] if name.startswith("!half_") else channels
        definitions[name] = f"{kind}<{others}{static.format(**sizes, channels=own)}{rest}"
    for name in re.findall(r"^(#\w+) = ", text, re.MULTILINE):
        if name in NUMBERS:
            definitions[name] = NUMBERS[name].format(**sizes)
    return definitions


def find(pattern, text):
    """The number that a pattern finds, if it does."""
    match = re.search(pattern, text, re.MULTILINE)
    return match and int(match[1])


def get_variant(name, keys, values, dtype, block):
    """The text of a program for these heads; a block has `block` values."""
    program = PROGRAMS[name]
    file = f"{name}_{keys}" if keys in program.files else name
    text = (pathlib.Path(__file__).parent / f"{file}.mlir").read_text()
    head = find(r"^!keys = memref<[?x]*(\d+)x", text)
    channels, chunk = max(keys, program.least), find(r"^#(?:chunk|step) = (\d+)", text)
    sizes = {"keys": keys, "half": channels // 2, "values": values, "type": dtype, "block": block,
             "parts": -(-values // block), "chunk": chunk, "chunks": chunk and 2 * chunk}
    definitions = get_definitions(text, channels, sizes)
    text = define(text, definitions)
    # The last size of a part of a view is that of the view.
    for name, view in definitions.items():
        last = find(r"(\d+)x\w+>$", view)
        text = re.sub(rf"(memref\.subview .*), {head}\] (\[[1, ]*\] : {name} to)", rf"\g<1>, {last}] \2", text)
    text = text.replace(f"{1 / math.sqrt(head):.9g}", f"{1 / math.sqrt(keys):.9g}")
    text = text.replace(f"<{math.log2(head) / 2}>", f"<{round(math.log2(keys) / 2, 7)}>")
    text = text.replace(f"sqrt({head})", f"sqrt({keys})").replace(" : bf16 :", f" : {dtype} :")
    elements = f"{keys} elements" if values == keys else f"{keys} and {values} elements"
    return re.sub(rf"bf16(\s+(?://\s+)?heads of\s+(?://\s+)?){head} elements", rf"{dtype}\g<1>{elements}", text)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", choices=PROGRAMS)
    parser.add_argument("--head", type=int, default=128,
                        help="elements of a query and of a key (128)")
    parser.add_argument("--values", type=int,
                        help="elements of a value (as many as of a key)")
    parser.add_argument("--type", choices=["bf16", "f16"], default="bf16")
    parser.add_argument("--block", type=int, help="elements of values that a block has")
    options = parser.parse_args()
    keys, values = options.head, options.values or options.head
    blocks = PROGRAMS[options.program].blocks
    if blocks is SUMS and values != keys:
        parser.error(f"{options.program} has no values")
    block = options.block or blocks.get((keys, values))
    if not block:
        known = ", ".join(f"{k}/{v}" for k, v in blocks)
        parser.error(f"no default block of {options.program} for heads of {keys}/{values}; there is one for {known}; "
                     "or say --block")
    if min(keys, values, block) <= 0:
        parser.error("expected positive sizes")
    print(get_variant(options.program, keys, values, options.type, block), end="")


if __name__ == "__main__":
    main()
