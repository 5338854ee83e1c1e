// A product's operand that is a constant is in registers before the fence that
// orders what threads write to registers before what products read.
// RUN: heddle run %s --check --sanitize=full | FileCheck %s
// CHECK: check C ({{.*}} of f32): ok

tile.kernel @k(%C: memref<?x8xf32>) {
  %c0 = arith.constant 0 : index
  %a = arith.constant dense<2.0> : tensor<64x64xf8E4M3FN>
  %b = arith.constant dense<1.0> : tensor<8x64xf8E5M2>
  %zero = arith.constant dense<0.0> : tensor<64x8xf32>
  %d = tile.dot %a, %b, %zero transpose_b : tensor<64x64xf8E4M3FN>, tensor<8x64xf8E5M2> -> tensor<64x8xf32>
  tile.store %d, %C[%c0, %c0] : tensor<64x8xf32>, memref<?x8xf32>
}

tile.host @host(out %C: memref<64x8xf32>) {
  %c1 = arith.constant 1 : index
  tile.launch @k grid(%c1) args(%C) : memref<64x8xf32>
}
