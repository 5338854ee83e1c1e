#!/usr/bin/env python3
#===- recurrence_variant.py - Linear recurrences for other heads ------------===#
#
# Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===-------------------------------------------------------------------------===#
"""Prints linear_attention.mlir or gated_delta_rule.mlir for heads of another
size or type.

    examples/recurrence_variant.py linear_attention --head 64 > linear_attention_64.mlir

The program is the same; its first lines, which name types and sizes, differ. A
block has the state of one head, or of some of its values: more blocks, where
heads are few, and fewer registers.
"""

import argparse
import math
import pathlib

from variants import define, substitute

# Tokens of a chunk, and values of a block, by the sizes of keys and values:
# what shared memory and the registers of one or two warpgroups hold.
TILES = {(64, 64): (64, 64), (96, 96): (64, 64), (128, 128): (64, 128), (128, 256): (64, 128),
         (192, 192): (64, 64), (256, 256): (64, 64)}
# What a chunk of the delta rule takes of keys of 256 does not fit; there is
# gated_delta_rule_256.mlir.
TOO_LARGE = {"linear_attention": [], "gated_delta_rule": [(256, 256)]}


def get_definitions(keys, values, dtype, chunk, block):
    """The lines that replace the program's definitions, in order."""
    head = "strided<[?, 1], offset: ?>"
    return {
        "!keys": f"memref<?x?x?x{keys}x{dtype}>",
        "!values": f"memref<?x?x?x{values}x{dtype}>",
        "!states": f"memref<?x?x{keys}x{values}xf32>",
        "!key_head": f"memref<?x{keys}x{dtype}, {head}>",
        "!value_head": f"memref<?x{values}x{dtype}, {head}>",
        "!k": f"tensor<{chunk}x{keys}x{dtype}>",
        "!k32": f"tensor<{chunk}x{keys}xf32>",
        "!v": f"tensor<{chunk}x{block}x{dtype}>",
        "!row": f"tensor<{chunk}xf32>",
        "!at": f"tensor<{chunk}x{chunk}xi32>",
        "!mask": f"tensor<{chunk}x{chunk}xi1>",
        "!scores": f"tensor<{chunk}x{chunk}xf32>",
        "!scores16": f"tensor<{chunk}x{chunk}x{dtype}>",
        "!o": f"tensor<{block}x{chunk}xf32>",
        "!o16": f"tensor<{block}x{chunk}x{dtype}>",
        "!state": f"tensor<{keys}x{block}xf32>",
        "!s": f"tensor<{block}x{keys}xf32>",
        "!s16": f"tensor<{block}x{keys}x{dtype}>",
        "!decay": f"tensor<{block}xf32>",
        "#chunk": f"{chunk} : index",
        "#v": f"{block} : index",
        "#parts": f"{-(-values // block)} : index",
    }


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", choices=["linear_attention", "gated_delta_rule"])
    parser.add_argument("--head", type=int, default=128,
                        help="elements of a query and of a key (128)")
    parser.add_argument("--values", type=int,
                        help="elements of a value (as many as of a key)")
    parser.add_argument("--type", choices=["bf16", "f16"], default="bf16")
    parser.add_argument("--chunk", type=int, help="tokens of a step")
    parser.add_argument("--block", type=int, help="elements of values that a block has")
    options = parser.parse_args()
    keys, dtype = options.head, options.type
    values = options.values or keys
    tiles = {heads: tile for heads, tile in TILES.items()
             if heads not in TOO_LARGE[options.program]}
    tile = tiles.get((keys, values))
    if not tile and not (options.chunk and options.block):
        known = ", ".join(f"{k}/{v}" for k, v in tiles)
        parser.error(f"no default tile for heads of {keys}/{values}; there is one "
                     f"for {known}; or say --chunk and --block")
    chunk, block = options.chunk or tile[0], options.block or tile[1]
    if min(keys, values, chunk, block) <= 0:
        parser.error("expected positive sizes")
    text = (pathlib.Path(__file__).parent / f"{options.program}.mlir").read_text()
    text = define(text, get_definitions(keys, values, dtype, chunk, block))
    text = substitute(r"(?<=  )(%[QK]_h = .*, 1, )128\]", rf"\g<1>{keys}]", text)
    text = substitute(r"(?<=  )(%[VO]_h = .*, 1, )128\]", rf"\g<1>{values}]", text)
    text = substitute(r"0\.0883883476", f"{1 / math.sqrt(keys):.9g}", text)
    text = text.replace(" : bf16 :", f" : {dtype} :").replace("sqrt(128)", f"sqrt({keys})")
    heads = f"{keys} elements" if values == keys else f"{keys} and {values} elements"
    text = substitute(r"bf16(\s+(?://\s+)?)heads of 128 elements",
                      rf"{dtype}\g<1>heads of {heads}", text)
    text = text.replace("A chunk of 64 tokens", f"A chunk of {chunk} tokens")
    print(text, end="")


if __name__ == "__main__":
    main()
