"""Writes a matrix product as a tile program: C = A * B, for any operand types.

A is M x K, or K x M with --transpose-a; B is K x N, or N x K with
--transpose-b. Sizes are M, N and K.
"""

import argparse

TYPES = {
    "bf16": ("bf16", "f32"),
    "f16": ("f16", "f32"),
    "tf32": ("f32", "f32"),
    "e4m3": ("f8E4M3FN", "f32"),
    "e5m2": ("f8E5M2", "f32"),
    "i8": ("i8", "i32"),
}

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--type", choices=TYPES, default="bf16")
parser.add_argument("--type-b", choices=TYPES, help="the type of B, if another one")
parser.add_argument("--out", default="", help="the type of C, if not the sum's")
parser.add_argument("--transpose-a", action="store_true")
parser.add_argument("--transpose-b", action="store_true")
parser.add_argument("--fast-accum", action="store_true")
parser.add_argument("--tile", default="128x128x64", help="MxNxK")
parser.add_argument("--stages", type=int, help="depth of the ring")
arguments = parser.parse_args()

a_type, acc = TYPES[arguments.type]
b_type = TYPES[arguments.type_b or arguments.type][0]
out = arguments.out or acc
m, n, k = map(int, arguments.tile.split("x"))


def tile(rows, columns, element):
    return f"tensor<{rows}x{columns}x{element}>"


def pad(element):
    return f"{'0' if element.startswith('i') else '0.0'} : {element}"


a_shape, a_index, a_sizes = (m, k), "%m, %k", "%M, %K"
if arguments.transpose_a:
    a_shape, a_index, a_sizes = (k, m), "%k, %m", "%K, %M"
b_shape, b_index, b_sizes = (k, n), "%k, %n", "%K, %N"
if arguments.transpose_b:
    b_shape, b_index, b_sizes = (n, k), "%n, %k", "%N, %K"

flags = ""
if arguments.transpose_a:
    flags += " transpose_a"
if arguments.transpose_b:
    flags += " transpose_b"
if arguments.fast_accum:
    flags += " fast_accum"
if arguments.type == "tf32":
    flags += " precision tf32"

A, B, C = (f"memref<?x?x{element}>" for element in (a_type, b_type, out))
a_tile, b_tile = tile(*a_shape, a_type), tile(*b_shape, b_type)
acc_tile, out_tile = tile(m, n, acc), tile(m, n, out)
k_dim = 0 if arguments.transpose_a else 1
stages = f" {{tile.stages = {arguments.stages}}}" if arguments.stages else ""
zero = "0" if acc == "i32" else "0.0"
result, narrow = "%acc", ""
if out != acc:
    result = "%c"
    narrow = f"  %c = arith.truncf %acc : {acc_tile} to {out_tile}\n"

print(f"""tile.kernel @matmul(%A: {A}, %B: {B}, %C: {C}) {{
  %zero = arith.constant 0 : index
  %dim = arith.constant {k_dim} : index
  %tile_m = arith.constant {m} : index
  %tile_n = arith.constant {n} : index
  %tile_k = arith.constant {k} : index
  %block_m = gpu.block_id x
  %block_n = gpu.block_id y
  %m = arith.muli %block_m, %tile_m : index
  %n = arith.muli %block_n, %tile_n : index
  %K = memref.dim %A, %dim : {A}
  %init = arith.constant dense<{zero}> : {acc_tile}
  %acc = scf.for %k = %zero to %K step %tile_k iter_args(%sum = %init) -> ({acc_tile}) {{
    %a = tile.load %A[{a_index}] pad {pad(a_type)} : {A} -> {a_tile}
    %b = tile.load %B[{b_index}] pad {pad(b_type)} : {B} -> {b_tile}
    %d = tile.dot %a, %b, %sum{flags} : {a_tile}, {b_tile} -> {acc_tile}
    scf.yield %d : {acc_tile}
  }}{stages}
{narrow}  tile.store {result}, %C[%m, %n] : {out_tile}, {C}
}}

tile.host @gemm[%M, %N, %K](%A: {A}[{a_sizes}], %B: {B}[{b_sizes}], out %C: {C}[%M, %N]) {{
  %tile_m = arith.constant {m} : index
  %tile_n = arith.constant {n} : index
  %grid_m = arith.ceildivui %M, %tile_m : index
  %grid_n = arith.ceildivui %N, %tile_n : index
  tile.launch @matmul grid(%grid_m, %grid_n) args(%A, %B, %C) : {A}, {B}, {C}
}}""")
