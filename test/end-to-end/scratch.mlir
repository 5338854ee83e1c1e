// Launches leave one another something in arrays that nobody else sees.
// RUN: heddle run %s --size N=1000 --check --sanitize=full | FileCheck %s
// RUN: heddle run %s --size N=0 --check | FileCheck %s
// RUN: heddle compile %s -o %t.heddle
// RUN: heddle run %t.heddle --size N=65 --check | FileCheck %s
// CHECK: check y {{.*}}: ok

tile.kernel @halve(%x: memref<?xf32>, %t: memref<?x4xf32>) {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %block = gpu.block_id x
  %i = arith.muli %block, %c64 : index
  %v = tile.load %x[%i] : memref<?xf32> -> tensor<64xf32>
  %half = arith.constant dense<0.5> : tensor<64xf32>
  %h = arith.mulf %v, %half : tensor<64xf32>
  %w = tile.broadcast %h axes [1] : tensor<64xf32> -> tensor<64x4xf32>
  tile.store %w, %t[%i, %c0] : tensor<64x4xf32>, memref<?x4xf32>
}

tile.kernel @mark(%n: memref<1xf32>) {
  %c0 = arith.constant 0 : index
  %one = arith.constant dense<1.0> : tensor<1xf32>
  tile.store %one, %n[%c0] : tensor<1xf32>, memref<1xf32>
}

tile.kernel @increase(%t: memref<?x4xf32>, %n: memref<1xf32>, %y: memref<?xf32>) {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %block = gpu.block_id x
  %i = arith.muli %block, %c64 : index
  %w = tile.load %t[%i, %c0] pad 0.0 : f32 : memref<?x4xf32> -> tensor<64x4xf32>
  %one = tile.load %n[%c0] : memref<1xf32> -> tensor<1xf32>
  %ones = tile.broadcast %one axes [0] : tensor<1xf32> -> tensor<64x1xf32>
  %zero = arith.constant dense<0.0> : tensor<64xf32>
  %init = tile.reduce add %ones, %zero axis 1 : tensor<64x1xf32> -> tensor<64xf32>
  %s = tile.reduce add %w, %init axis 1 : tensor<64x4xf32> -> tensor<64xf32>
  tile.store %s, %y[%i] : tensor<64xf32>, memref<?xf32>
}

tile.host @main[%N](%x: memref<?xf32>[%N], out %y: memref<?xf32>[%N]) {
  %c64 = arith.constant 64 : index
  %blocks = arith.ceildivui %N, %c64 : index
  %t = memref.alloc(%N) : memref<?x4xf32>
  %n = memref.alloc() : memref<1xf32>
  %c1 = arith.constant 1 : index
  tile.launch @mark grid(%c1) args(%n) : memref<1xf32>
  tile.launch @halve grid(%blocks) args(%x, %t) : memref<?xf32>, memref<?x4xf32>
  tile.launch @increase grid(%blocks) args(%t, %n, %y) : memref<?x4xf32>, memref<1xf32>, memref<?xf32>
}
