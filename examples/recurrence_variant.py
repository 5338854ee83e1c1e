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
# Of programs whose chunks are prepared one by one: two consumers.
PAIRS = dict.fromkeys([*SMALL, (128, 128)], 128)
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
    "linear_attention_split": Program(WHOLE),
    "gated_linear_attention": Program(WHOLE | HUGE, THREADS, [256]),
    "gated_linear_attention_varlen": Program(HALVES | HUGE, THREADS, [256]),
    "gated_linear_attention_decode": Program(COLUMNS),
    "gated_linear_attention_split": Program(PAIRS, THREADS),
    "gated_delta_rule": Program(WHOLE | LARGE, files=[256]),
    "gated_delta_rule_varlen": Program(WHOLE | LARGE, files=[256]),
    "gated_delta_rule_decode": Program(COLUMNS),
    "gated_delta_rule_split": Program({**SMALL, (128, 128): 64}),
    "kimi_delta_attention": Program(HALVES | HUGE, THREADS, [256]),
    "kimi_delta_attention_varlen": Program(HALVES | HUGE, THREADS, [256]),
    "kimi_delta_attention_decode": Program(COLUMNS),
    "kimi_delta_attention_split": Program(PAIRS, THREADS),
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
    "!segments": "{channels}x{whole}xf32",
    "!head_segments": "{channels}x{whole}xf32",
    "!erasing": "{chunk}x{channels}xbf16",
    "!decayed": "{channels}x{chunk}x{type}",
    "!wide_decayed": "{channels}x{chunk}xbf16",
    "!between": "{chunk}x{chunk}x{type}",
    "!wide_between": "{chunk}x{chunk}xbf16",
    "!places": "2xi32",
    "!pairs": "{chunks}x{chunk}x{type}",
    "!wide_pairs": "{chunks}x{chunk}xbf16",
    "!pairs32": "{chunks}x{chunk}xf32",
    "!decays": "{channels}xf32",
    "!two_decays": "2x{channels}xf32",
    "!head_decays": "{channels}xf32",
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
    "!factors": "8xf32",
    "!row_factors": "8x8xf32",
    "!vectors": "8x{channels}xf32",
    "!slice": "{channels}x64xf32",
    "!slice_t": "64x{channels}xf32",
    "!part": "8x{whole}xf32",
    "!parts": "8x8x{whole}xf32",
    "!transition": "{channels}x{channels}xf32",
    "!whole": "{whole}x{channels}xf32",
    "!whole16": "{whole}x{channels}x{type}",
    "!whole_state": "{channels}x{whole}xf32",
    "!whole_at": "{whole}x{channels}xi32",
    "!whole_mask": "{whole}x{channels}xi1",
    "!whole_v": "{chunk}x{whole}x{type}",
    "!whole_o": "{whole}x{chunk}xf32",
    "!whole_o16": "{whole}x{chunk}x{type}",
    "!whole_decay": "{whole}xf32",
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
    "#rows": "{rows} : index",
}


def get_strides(static, rest):
    """What follows the element type, with strides that follow from the sizes."""
    sizes = [int(size) for size in static.split("x")[:-1]]
    strides = re.search(r"strided<\[(.*?)\]", rest)
    if not strides:
        return rest
    old = strides[1].split(", ")
    new = [stride if stride == "?" else str(math.prod(sizes[i + 1 - len(old):] if i + 1 < len(old) else []))
           for i, stride in enumerate(old)]
    return rest.replace(f"[{strides[1]}]", f"[{', '.join(new)}]")


def get_definitions(text, channels, sizes):
    """The lines that replace those of a program which have static sizes; tiles
    have so many channels of keys."""
    definitions = {}
    shape = r"^(!\w+) = (memref|tensor)<((?:\?x)*)(?:\d+x)+\w+(.*?>)(?: //.*)?$"
    for name, kind, others, rest in re.findall(shape, text, re.MULTILINE):
        static = (VIEWS if kind == "memref" else TILES)[name.replace("!half_", "!")]
        own = sizes["half"] if name.startswith("!half_") else channels
        static = static.format(**sizes, channels=own)
        definitions[name] = f"{kind}<{others}{static}{get_strides(static, rest)}"
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
             "parts": -(-values // block), "whole": max(-(-max(keys, values) // 64) * 64, program.least),
             "rows": -(-keys // 8), "chunk": chunk, "chunks": chunk and 2 * chunk}
    definitions = get_definitions(text, channels, sizes)
    text = define(text, definitions)
    # The last sizes of a part of a view are those of the view.
    for name, view in definitions.items():
        static = re.findall(r"\d+(?=x)", view.split(",")[0])
        text = re.sub(rf"(memref\.subview .*?)((?:, {head})+)\] (\[[1, ]*\] : {name} to)",
                      lambda part: f"{part[1]}{''.join(f', {size}' for size in static[-part[2].count(','):])}] {part[3]}", text)
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
        parser.error(f"no default block of {options.program} for heads of {keys}/{values}; there is one for {known}, "
                     "which registers and shared memory hold; or say --block")
    if min(keys, values, block) <= 0:
        parser.error("expected positive sizes")
    if blocks is PAIRS and block < values:
        parser.error(f"a block of {options.program} has all values of a head: expected --block {-(-values // 64) * 64}")
    print(get_variant(options.program, keys, values, options.type, block), end="")


if __name__ == "__main__":
    main()
