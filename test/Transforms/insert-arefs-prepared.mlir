// RUN: heddle-opt %s -pass-pipeline='builtin.module(tile.kernel(insert-arefs))' | FileCheck %s

// A preparer holds a tile until the last element is used, so that elements need
// not all be in registers at once.
// CHECK-LABEL: tile.kernel @prepared(
// CHECK: aref.get {{.*}} {aref.role = "preparer"}
// CHECK: arith.extf
// CHECK: arith.mulf
// CHECK: arith.truncf
// CHECK-NEXT: aref.release {{.*}} {aref.role = "preparer"}
tile.kernel @prepared(%A: memref<?x64xbf16>, %C: memref<?x64xf32>, %n: index) attributes {aref.persistent, aref.copies = "tma"} {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %zero = arith.constant dense<0.0> : tensor<64x64xf32>
  %factor = arith.constant dense<0.5> : tensor<64x64xf32>
  %end = scf.for %i = %c0 to %n step %c64 iter_args(%s = %zero) -> (tensor<64x64xf32>) {
    %a = tile.load %A[%i, %c0] {aref.role = "producer"} : memref<?x64xbf16> -> tensor<64x64xbf16>
    %wide = arith.extf %a {aref.role = "preparer"} : tensor<64x64xbf16> to tensor<64x64xf32>
    %scaled = arith.mulf %wide, %factor {aref.role = "preparer"} : tensor<64x64xf32>
    %b = arith.truncf %scaled {aref.role = "preparer"} : tensor<64x64xf32> to tensor<64x64xbf16>
    %p = tile.dot %b, %b, %zero transpose_b {aref.role = "preparer"} : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
    %p16 = arith.truncf %p {aref.role = "preparer"} : tensor<64x64xf32> to tensor<64x64xbf16>
    %s16 = arith.truncf %s {aref.role = "consumer"} : tensor<64x64xf32> to tensor<64x64xbf16>
    %new = tile.dot %s16, %p16, %s {aref.role = "consumer"} : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
    scf.yield %new : tensor<64x64xf32>
  }
  tile.store %end, %C[%c0, %c0] {aref.role = "consumer"} : tensor<64x64xf32>, memref<?x64xf32>
}
