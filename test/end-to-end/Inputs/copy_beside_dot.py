"""Prints a kernel that multiplies, and copies one tile of rows x columns."""

import sys

rows, columns, elem = sys.argv[1:]
print(f"""
tile.kernel @k(%A: memref<64x16xf16>, %B: memref<16x16xf16>, %X: memref<?x?x{elem}>, %C: memref<64x16xf32>,
               %Y: memref<?x?x{elem}>) {{
  %c0 = arith.constant 0 : index
  %zero = arith.constant dense<0.0> : tensor<64x16xf32>
  %a = tile.load %A[%c0, %c0] : memref<64x16xf16> -> tensor<64x16xf16>
  %b = tile.load %B[%c0, %c0] : memref<16x16xf16> -> tensor<16x16xf16>
  %d = tile.dot %a, %b, %zero : tensor<64x16xf16>, tensor<16x16xf16> -> tensor<64x16xf32>
  tile.store %d, %C[%c0, %c0] : tensor<64x16xf32>, memref<64x16xf32>
  %x = tile.load %X[%c0, %c0] pad 0.0 : {elem} : memref<?x?x{elem}> -> tensor<{rows}x{columns}x{elem}>
  tile.store %x, %Y[%c0, %c0] : tensor<{rows}x{columns}x{elem}>, memref<?x?x{elem}>
}}

tile.host @main[%R, %C](%A: memref<64x16xf16>, %B: memref<16x16xf16>, %X: memref<?x?x{elem}>[%R, %C],
                        out %P: memref<64x16xf32>, out %Y: memref<?x?x{elem}>[%R, %C]) {{
  %c1 = arith.constant 1 : index
  tile.launch @k grid(%c1) args(%A, %B, %X, %P, %Y)
    : memref<64x16xf16>, memref<16x16xf16>, memref<?x?x{elem}>, memref<64x16xf32>, memref<?x?x{elem}>
}}""")
