// RUN: heddle-opt %s -pass-pipeline='builtin.module(tile.kernel(verify-target))' | FileCheck %s

// CHECK-COUNT-7: tile.dot
tile.kernel @all(%x: memref<?xf32>) {
  %bf_a = arith.constant dense<1.0> : tensor<192x16xbf16>
  %bf_b = arith.constant dense<1.0> : tensor<16x16xbf16>
  %bf_bt = arith.constant dense<1.0> : tensor<8x16xbf16>
  %bf_at = arith.constant dense<1.0> : tensor<16x192xbf16>
  %acc16 = arith.constant dense<1.0> : tensor<192x16xf32>
  %acc8 = arith.constant dense<1.0> : tensor<192x8xf32>
  %0 = tile.dot %bf_a, %bf_b, %acc16 : tensor<192x16xbf16>, tensor<16x16xbf16> -> tensor<192x16xf32>
  // K-major b: N = 8 is enough.
  %1 = tile.dot %bf_a, %bf_bt, %acc8 transpose_b : tensor<192x16xbf16>, tensor<8x16xbf16> -> tensor<192x8xf32>
  %2 = tile.dot %bf_at, %bf_b, %acc16 transpose_a : tensor<16x192xbf16>, tensor<16x16xbf16> -> tensor<192x16xf32>

  %tf_a = arith.constant dense<1.0> : tensor<64x8xf32>
  %tf_b = arith.constant dense<1.0> : tensor<24x8xf32>
  %acc24 = arith.constant dense<1.0> : tensor<64x24xf32>
  %3 = tile.dot %tf_a, %tf_b, %acc24 transpose_b precision tf32 : tensor<64x8xf32>, tensor<24x8xf32> -> tensor<64x24xf32>

  %f8_a = arith.constant dense<1.0> : tensor<64x32xf8E4M3FN>
  %f8_b = arith.constant dense<1.0> : tensor<24x32xf8E5M2>
  %4 = tile.dot %f8_a, %f8_b, %acc24 transpose_b : tensor<64x32xf8E4M3FN>, tensor<24x32xf8E5M2> -> tensor<64x24xf32>

  %i8_a = arith.constant dense<1> : tensor<64x32xi8>
  %i8_b24 = arith.constant dense<1> : tensor<24x32xi8>
  %i8_b48 = arith.constant dense<1> : tensor<48x32xi8>
  %i24 = arith.constant dense<1> : tensor<64x24xi32>
  %i48 = arith.constant dense<1> : tensor<64x48xi32>
  %5 = tile.dot %i8_a, %i8_b24, %i24 transpose_b : tensor<64x32xi8>, tensor<24x32xi8> -> tensor<64x24xi32>
  %6 = tile.dot %i8_a, %i8_b48, %i48 transpose_b : tensor<64x32xi8>, tensor<48x32xi8> -> tensor<64x48xi32>
}
