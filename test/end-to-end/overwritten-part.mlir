// A store to a part of a view that another store has written: threads do both,
// since nothing would order what they write and what copies do.
// RUN: heddle run %s --size S=1 --size R=64 --size C=96 --check --sanitize=full --schedule=explore:4 | FileCheck %s
// CHECK: check out ({{.*}} of f32): ok
// CHECK: every legal one gives this result

tile.kernel @k(%A: memref<?x16xbf16>, %B: memref<?x16xbf16>, %C: memref<?x?x?xf32>) {
  %c0 = arith.constant 0 : index
  %rows = arith.constant 32 : index
  %a = tile.load %A[%c0, %c0] pad 0.0 : bf16 : memref<?x16xbf16> -> tensor<64x16xbf16>
  %b = tile.load %B[%c0, %c0] pad 0.0 : bf16 : memref<?x16xbf16> -> tensor<16x16xbf16>
  %one = arith.constant dense<1.0> : tensor<64x16xf32>
  %d = tile.dot %a, %b, %one : tensor<64x16xbf16>, tensor<16x16xbf16> -> tensor<64x16xf32>
  %e = arith.addf %d, %d : tensor<64x16xf32>
  tile.store %d, %C[%c0, %c0, %c0] : tensor<64x16xf32>, memref<?x?x?xf32>
  %part = memref.subview %C[%c0, %c0, %c0] [1, %rows, 96] [1, 1, 1] : memref<?x?x?xf32> to memref<1x?x96xf32, strided<[?, ?, 1], offset: ?>>
  tile.store %e, %part[%c0, %c0, %c0] : tensor<64x16xf32>, memref<1x?x96xf32, strided<[?, ?, 1], offset: ?>>
}

tile.host @host[%S, %R, %C](%A: memref<?x16xbf16>[%R], %B: memref<16x16xbf16>, out %out: memref<?x?x?xf32>[%S, %R, %C]) {
  %c1 = arith.constant 1 : index
  tile.launch @k grid(%c1) args(%A, %B, %out) : memref<?x16xbf16>, memref<16x16xbf16>, memref<?x?x?xf32>
}
