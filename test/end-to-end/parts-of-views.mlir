// What is outside of a part of a buffer is not written, and reads as the pad,
// whatever the buffer has there: with threads, and with copies of whole tiles.
// RUN: heddle run %s --entry=scale --size N=300 --size FIRST=7 --size COUNT=100 --check --sanitize=full | FileCheck %s --check-prefix=SCALE
// RUN: heddle run %s --entry=scale --size N=300 --size FIRST=299 --size COUNT=1 --check | FileCheck %s --check-prefix=SCALE
// RUN: heddle run %s --entry=scale --size N=300 --size FIRST=300 --size COUNT=0 --check | FileCheck %s --check-prefix=SCALE
// RUN: heddle run %s --entry=square --size H=2 --size N=300 --size FIRST=7 --size COUNT=129 --check --sanitize=full --schedule=explore:2 | FileCheck %s --check-prefix=SQUARE
// RUN: heddle run %s --entry=square --size H=1 --size N=128 --size FIRST=0 --size COUNT=128 --check | FileCheck %s --check-prefix=SQUARE
// RUN: heddle run %s --entry=square --size H=1 --size N=64 --size FIRST=1 --size COUNT=63 --check | FileCheck %s --check-prefix=SQUARE
// SCALE: check Y ({{.*}} of f32): ok
// SQUARE: check Y ({{.*}} of bf16): ok

// A part that is not inside ends the program: the reference says where first.
// RUN: not heddle run %s --entry=scale --size N=300 --size FIRST=250 --size COUNT=51 --device=reference 2>&1 | FileCheck %s --check-prefix=OUTSIDE
// RUN: not heddle run %s --entry=scale --size N=300 --size FIRST=250 --size COUNT=51 2>&1 | FileCheck %s --check-prefix=TRAP
// OUTSIDE: parts-of-views.mlir:[[#@LINE+7]]:{{.*}}: error: elements 250 to 300 are not inside of dimension 0 of the memref, which has 300 elements
// TRAP: parts-of-views.mlir:[[#@LINE+6]]): trap: a part of a view is outside of it along dimension 0

tile.kernel @scale_part(%x: memref<?x24xf32>, %y: memref<?x24xf32>, %first: index, %count: index) {
  %c0 = arith.constant 0 : index
  %c16 = arith.constant 16 : index
  %block = gpu.block_id x
  %vx = memref.subview %x[%first, 4] [%count, 17] [1, 1] : memref<?x24xf32> to memref<?x17xf32, strided<[24, 1], offset: ?>>
  // A part of a part.
  %half = arith.divui %count, %c16 : index
  %rest = arith.subi %count, %half : index
  %vy = memref.subview %y[%first, 4] [%count, 17] [1, 1] : memref<?x24xf32> to memref<?x17xf32, strided<[24, 1], offset: ?>>
  %vz = memref.subview %vy[%half, 0] [%rest, 17] [1, 1] : memref<?x17xf32, strided<[24, 1], offset: ?>> to memref<?x17xf32, strided<[24, 1], offset: ?>>
  %i = arith.muli %block, %c16 : index
  %t = tile.load %vx[%i, %c0] pad 3.0 : f32 : memref<?x17xf32, strided<[24, 1], offset: ?>> -> tensor<16x32xf32>
  %sum = arith.constant dense<0.0> : tensor<16xf32>
  %rows = tile.reduce add %t, %sum axis 1 : tensor<16x32xf32> -> tensor<16xf32>
  %wide = tile.broadcast %rows axes [1] : tensor<16xf32> -> tensor<16x32xf32>
  %r = arith.addf %t, %wide : tensor<16x32xf32>
  tile.store %r, %vz[%i, %c0] : tensor<16x32xf32>, memref<?x17xf32, strided<[24, 1], offset: ?>>
}

tile.host @scale[%N, %FIRST, %COUNT](%X: memref<?x24xf32>[%N], inout %Y: memref<?x24xf32>[%N]) {
  %c16 = arith.constant 16 : index
  %blocks = arith.ceildivui %COUNT, %c16 : index
  %c1 = arith.constant 1 : index
  %some = arith.maxui %blocks, %c1 : index
  tile.launch @scale_part grid(%some) args(%X, %Y, %FIRST, %COUNT) : memref<?x24xf32>, memref<?x24xf32>, index, index
}

!part = memref<?x64xbf16, strided<[64, 1], offset: ?>>
tile.kernel @square_part(%x: memref<?x?x64xbf16>, %y: memref<?x?x64xbf16>, %first: index, %count: index) {
  %c0 = arith.constant 0 : index
  %c128 = arith.constant 128 : index
  %block = gpu.block_id x
  %h = gpu.block_id y
  %vx = memref.subview %x[%h, %first, 0] [1, %count, 64] [1, 1, 1] : memref<?x?x64xbf16> to !part
  %vy = memref.subview %y[%h, %first, 0] [1, %count, 64] [1, 1, 1] : memref<?x?x64xbf16> to !part
  %m = arith.muli %block, %c128 : index
  %a = tile.load %vx[%m, %c0] : !part -> tensor<128x64xbf16>
  %b = tile.load %x[%h, %c0, %c0] pad 0.0 : bf16 : memref<?x?x64xbf16> -> tensor<64x64xbf16>
  %zero = arith.constant dense<0.0> : tensor<128x64xf32>
  %d = tile.dot %a, %b, %zero : tensor<128x64xbf16>, tensor<64x64xbf16> -> tensor<128x64xf32>
  %r = arith.truncf %d : tensor<128x64xf32> to tensor<128x64xbf16>
  tile.store %r, %vy[%m, %c0] : tensor<128x64xbf16>, !part
}

tile.host @square[%H, %N, %FIRST, %COUNT](%X: memref<?x?x64xbf16>[%H, %N], inout %Y: memref<?x?x64xbf16>[%H, %N]) {
  %c128 = arith.constant 128 : index
  %blocks = arith.ceildivui %COUNT, %c128 : index
  tile.launch @square_part grid(%blocks, %H) args(%X, %Y, %FIRST, %COUNT) : memref<?x?x64xbf16>, memref<?x?x64xbf16>, index, index
}
