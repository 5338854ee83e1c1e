#!/usr/bin/env python3
#===- attention_variant.py - Attention for other heads ----------------------===#
#
# Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===-------------------------------------------------------------------------===#
"""Prints attention.mlir for heads of another size or type.

    examples/attention_variant.py --head 64 > attention_64.mlir

The program is the same; its first lines, which name types and sizes, differ.
"""

import argparse
import math
import pathlib
import re

# Rows and keys of a block, by the sizes of keys and values: what shared memory
# and the registers of two or three warpgroups hold.
TILES = {(64, 64): (192, 128), (96, 96): (128, 128), (128, 128): (128, 128),
         (192, 128): (128, 128), (192, 192): (128, 96), (256, 256): (128, 64)}


def get_definitions(head, values, dtype, rows, keys):
    """The lines that replace the program's definitions, in order."""
    scale = math.log2(math.e) / math.sqrt(head)
    return {
        "!keys": f"memref<?x?x?x{head}x{dtype}>",
        "!values": f"memref<?x?x?x{values}x{dtype}>",
        "!q": f"tensor<{rows}x{head}x{dtype}>",
        "!k": f"tensor<{keys}x{head}x{dtype}>",
        "!v": f"tensor<{keys}x{values}x{dtype}>",
        "!p": f"tensor<{rows}x{keys}x{dtype}>",
        "!out": f"tensor<{rows}x{values}x{dtype}>",
        "!o": f"tensor<{rows}x{values}xf32>",
        "!s": f"tensor<{rows}x{keys}xf32>",
        "!at": f"tensor<{rows}x{keys}xi32>",
        "!mask": f"tensor<{rows}x{keys}xi1>",
        "!row": f"tensor<{rows}xf32>",
        "#m": f"{rows} : index",
        "#n": f"{keys} : index",
        "#scale": f"dense<{scale:.9f}> : !s",
        "#scale_row": f"dense<{scale:.9f}> : !row",
    }


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--head", type=int, default=128,
                        help="elements of a query and of a key (128)")
    parser.add_argument("--values", type=int,
                        help="elements of a value (as many as of a key)")
    parser.add_argument("--type", choices=["bf16", "f16"], default="bf16")
    parser.add_argument("--rows", type=int, help="queries of a block")
    parser.add_argument("--keys", type=int, help="keys of a step")
    options = parser.parse_args()
    values = options.values or options.head
    tile = TILES.get((options.head, values))
    if not tile and not (options.rows and options.keys):
        known = ", ".join(f"{k}/{v}" for k, v in TILES)
        parser.error(f"no default tile for heads of {options.head}/{values}; "
                     f"there is one for {known}; or say --rows and --keys")
    definitions = get_definitions(options.head, values, options.type,
                                  options.rows or tile[0], options.keys or tile[1])
    text = (pathlib.Path(__file__).parent / "attention.mlir").read_text()
    for name, value in definitions.items():
        text, count = re.subn(rf"^{re.escape(name)} = [^/\n]*?( //.*)?$",
                              lambda match: f"{name} = {value}{match[1] or ''}",
                              text, flags=re.MULTILINE)
        assert count == 1, name
    text = re.sub(r" : bf16 :", f" : {options.type} :", text)
    text = text.replace("sqrt(128)", f"sqrt({options.head})")
    print(text.replace("bf16 heads of 128 elements",
                       f"{options.type} heads of {options.head} elements"), end="")


if __name__ == "__main__":
    main()
