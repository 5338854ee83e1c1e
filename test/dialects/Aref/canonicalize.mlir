// RUN: heddle-opt %s -canonicalize | FileCheck %s

// Constants stay in the roles that use them: a tile must not be captured.
// CHECK-LABEL: tile.kernel @constants(
// CHECK-NEXT: aref.role "producer"
// CHECK-NEXT: arith.constant dense
// CHECK: aref.role "consumer"
// CHECK-NEXT: arith.constant dense
tile.kernel @constants(%x: memref<?xf32>, %i: index) {
  aref.role "producer" instances(%p = 1) warps(4) {
    scf.for %k = %i to %i step %i {
      %zero = arith.constant dense<0.0> : tensor<128xf32>
      tile.store %zero, %x[%k] : tensor<128xf32>, memref<?xf32>
    }
    %zero = arith.constant dense<0.0> : tensor<128xf32>
    tile.store %zero, %x[%i] : tensor<128xf32>, memref<?xf32>
  }
  aref.role "consumer" instances(%c = 2) warps(4) {
    %zero = arith.constant dense<0.0> : tensor<128xf32>
    tile.store %zero, %x[%c] : tensor<128xf32>, memref<?xf32>
  }
}

#row = #aref.layout<atom = [128], register = [], lane = [[1], [2], [4], [8], [16]], warp = [[32], [64]]>

// CHECK-LABEL: tile.kernel @same_layout(
// CHECK-NOT: aref.convert_layout
// CHECK: tile.store
tile.kernel @same_layout(%x: memref<?xf32>, %i: index) {
  %0 = tile.load %x[%i] : memref<?xf32> -> tensor<128xf32, #row>
  %1 = aref.convert_layout %0 : tensor<128xf32, #row> -> tensor<128xf32, #row>
  tile.store %1, %x[%i] : tensor<128xf32, #row>, memref<?xf32>
}

// What is rounded already stays as it is.
// CHECK-LABEL: tile.kernel @rounded(
// CHECK: %[[R:.*]] = aref.round_tf32
// CHECK-NOT: aref.round_tf32
// CHECK: tile.store %[[R]]
tile.kernel @rounded(%x: memref<?xf32>, %i: index) {
  %0 = tile.load %x[%i] : memref<?xf32> -> tensor<128xf32>
  %1 = aref.round_tf32 %0 : tensor<128xf32>
  %2 = aref.round_tf32 %1 : tensor<128xf32>
  tile.store %2, %x[%i] : tensor<128xf32>, memref<?xf32>
}
