// RUN: %python %S/Inputs/ties.py %t. 65 64 4 --scale 2.0
// RUN: heddle run %s --size M=65 --size N=64 --size K=4 --input A=%t.A.npy --input B=%t.B.npy --output C=%t.out.npy --check | FileCheck %s
// RUN: cmp %t.C.npy %t.out.npy
// CHECK: check C (65x64 of f32): ok

// Operands that are computed: A stays in registers and B goes through scratch.
tile.kernel @scaled(%A: memref<?x?xf32>, %B: memref<?x?xf32>, %C: memref<?x?xf32>) {
  %zero = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %block_m = gpu.block_id x
  %m = arith.muli %block_m, %c64 : index
  %scale = arith.constant dense<2.0> : tensor<64x32xf32>
  %init = arith.constant dense<0.0> : tensor<64x64xf32>
  %a = tile.load %A[%m, %zero] pad 0.0 : f32 : memref<?x?xf32> -> tensor<64x32xf32>
  %b = tile.load %B[%zero, %zero] pad 0.0 : f32 : memref<?x?xf32> -> tensor<64x32xf32>
  %sa = arith.mulf %a, %scale : tensor<64x32xf32>
  %sb = arith.mulf %b, %scale : tensor<64x32xf32>
  %d = tile.dot %sa, %sb, %init transpose_b precision tf32 : tensor<64x32xf32>, tensor<64x32xf32> -> tensor<64x64xf32>
  tile.store %d, %C[%m, %zero] : tensor<64x64xf32>, memref<?x?xf32>
}

tile.host @gemm[%M, %N, %K](%A: memref<?x?xf32>[%M, %K], %B: memref<?x?xf32>[%N, %K], out %C: memref<?x?xf32>[%M, %N]) {
  %c64 = arith.constant 64 : index
  %grid = arith.ceildivui %M, %c64 : index
  tile.launch @scaled grid(%grid) args(%A, %B, %C) : memref<?x?xf32>, memref<?x?xf32>, memref<?x?xf32>
}
