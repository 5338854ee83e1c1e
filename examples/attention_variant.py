#!/usr/bin/env python3
#===- attention_variant.py - Attention for other heads ----------------------===#
#
# Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===-------------------------------------------------------------------------===#
"""Prints attention.mlir, or its gradients, for heads of another size or type.

    examples/attention_variant.py --head 64 > attention_64.mlir
    examples/attention_variant.py --program attention_backward --head 64 > attention_backward_64.mlir

The program is the same; its first lines, which name types and sizes, differ.
"""

import argparse
import math
import pathlib

from variants import define

# Rows and keys of a block, by the sizes of keys and values: what shared memory
# and the registers of two or three warpgroups hold.
TILES = {(64, 64): (192, 128), (96, 96): (128, 128), (128, 128): (128, 128),
         (192, 128): (128, 128), (192, 192): (128, 96), (256, 256): (128, 64)}

# The size of heads in programs of gradients, and the sizes that they can have.
GRADIENTS = {"attention_backward": (128, [64, 128]),
             "attention_backward_deterministic": (128, [64, 128]),
             "attention_backward_varlen": (128, [64, 128]),
             "attention_backward_256": (256, [64, 128, 256]),
             "attention_backward_varlen_256": (256, [64, 128, 256])}


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


def get_gradient_definitions(head, dtype, dimensions):
    """The same for gradients, whose programs have some of these definitions.

    Sums have so many dimensions before the last one.
    """
    return {
        "!heads": f"memref<?x?x?x{head}x{dtype}>",
        "!packed": f"memref<?x?x{head}x{dtype}>",
        "!sums": f"memref<{'?x' * dimensions}{head}xf32>",
        "!sequence": f"memref<?x{head}x{dtype}, strided<[{head}, 1], offset: ?>>",
        "!sequence_sums": f"memref<?x{head}xf32, strided<[{head}, 1], offset: ?>>",
        "!half": f"tensor<64x{head}x{dtype}>",
        "!tile": f"tensor<128x{head}x{dtype}>",
        "!tile_sum": f"tensor<128x{head}xf32>",
        "!half_sum": f"tensor<64x{head}xf32>",
        "!narrow16": f"tensor<128x64x{dtype}>",
        "!k_half": f"tensor<128x{head // 2}x{dtype}>",
        "!dq_half": f"tensor<64x{head // 2}xf32>",
        "#half_head": f"{head // 2} : index",
        "#scale": f"dense<{math.log2(math.e) / math.sqrt(head):.9f}> : !scores",
        "#root": f"dense<{1 / math.sqrt(head):.9f}> : !tile_sum",
        "#half_root": f"dense<{1 / math.sqrt(head):.9f}> : !half_sum",
    }


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", choices=["attention", *GRADIENTS], default="attention",
                        help="the example to print (attention)")
    parser.add_argument("--head", type=int,
                        help="elements of a query and of a key (as in the program's file)")
    parser.add_argument("--values", type=int,
                        help="elements of a value (as many as of a key)")
    parser.add_argument("--type", choices=["bf16", "f16"], default="bf16")
    parser.add_argument("--rows", type=int, help="queries of a block")
    parser.add_argument("--keys", type=int, help="keys of a step")
    options = parser.parse_args()
    text = (pathlib.Path(__file__).parent / f"{options.program}.mlir").read_text()
    if options.program in GRADIENTS:
        if options.values or options.rows or options.keys:
            parser.error("--values, --rows and --keys are of attention only")
        default, heads = GRADIENTS[options.program]
        head = options.head or default
        if head not in heads:
            parser.error(f"{options.program} has heads of {' or '.join(map(str, heads))}, not {head}"
                         + ("; attention_backward_256 and _varlen_256 sum dK and dV, which do not fit into "
                            "registers together, in kernels of their own" if head == 256 else ""))
        definitions = get_gradient_definitions(head, options.type, 2 if "\n!packed = " in text else 3)
        text = define(text, {name: value for name, value in definitions.items() if f"\n{name} = " in text})
        text = text.replace(f", {default}] [1, 1, 1]", f", {head}] [1, 1, 1]")
    else:
        default, head = 128, options.head or 128
        values = options.values or head
        tile = TILES.get((head, values))
        if not tile and not (options.rows and options.keys):
            known = ", ".join(f"{k}/{v}" for k, v in TILES)
            parser.error(f"no default tile for heads of {head}/{values}; "
                         f"there is one for {known}; or say --rows and --keys")
        text = define(text, get_definitions(head, values, options.type,
                                            options.rows or tile[0], options.keys or tile[1]))
    text = text.replace(" : bf16 :", f" : {options.type} :")
    text = text.replace(f"sqrt({default})", f"sqrt({head})").replace(f"heads of {default}", f"heads of {head}")
    print(text.replace(f"bf16 heads of {head}", f"{options.type} heads of {head}"), end="")


if __name__ == "__main__":
    main()
