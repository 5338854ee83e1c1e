// What a block stores is what it loads afterwards, whichever threads do so,
// and of two stores to one place the later one wins.
// RUN: heddle run %s --check | FileCheck %s
// CHECK: check x (40x64 of f32): ok
// CHECK: check y (40x64 of f32): ok

tile.kernel @shift(%x: memref<40x64xf32>, %y: memref<40x64xf32>) attributes {tile.warps = 8 : i64} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c7 = arith.constant 7 : index
  %c32 = arith.constant 32 : index
  scf.for %i = %c0 to %c7 step %c1 {
    %t = tile.load %x[%i, %c0] : memref<40x64xf32> -> tensor<32x64xf32>
    %u = tile.transpose %t [1, 0] : tensor<32x64xf32> -> tensor<64x32xf32>
    %s = arith.addf %u, %u : tensor<64x32xf32>
    %w = tile.transpose %s [1, 0] : tensor<64x32xf32> -> tensor<32x64xf32>
    tile.store %w, %x[%c1, %i] : tensor<32x64xf32>, memref<40x64xf32>
    tile.store %w, %y[%i, %c0] : tensor<32x64xf32>, memref<40x64xf32>
  }
  %row = tile.load %x[%c7, %c0] : memref<40x64xf32> -> tensor<64xf32>
  tile.store %row, %y[%c32, %c0] : tensor<64xf32>, memref<40x64xf32>
}

tile.host @main[](inout %x: memref<40x64xf32>, out %y: memref<40x64xf32>) {
  %c1 = arith.constant 1 : index
  tile.launch @shift grid(%c1) args(%x, %y) : memref<40x64xf32>, memref<40x64xf32>
}
