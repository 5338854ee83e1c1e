// Scratch arrays that no launch has written where another reads them: all of
// one, a part of one, and sums that nobody has set to zero.
// RUN: heddle run %s --entry=copied --size N=130 --check --sanitize=full --schedule=explore:2 | FileCheck %s --check-prefix=OK
// RUN: heddle run %s --entry=copied --size N=0 --check --sanitize=full | FileCheck %s --check-prefix=OK
// RUN: heddle run %s --entry=floored --size N=128 --check --sanitize=full | FileCheck %s --check-prefix=OK
// RUN: heddle run %s --entry=added --size N=65 --check --sanitize=full --schedule=explore:2 | FileCheck %s --check-prefix=OK
// OK: check y {{.*}}: ok
// RUN: not heddle run %s --entry=forgotten --size N=1 --sanitize=full 2>&1 | FileCheck %s --check-prefix=STORED
// RUN: not heddle run %s --entry=floored --size N=129 --sanitize=full 2>&1 | FileCheck %s --check-prefix=STORED
// STORED: error: memory that nothing has written decides what the program does: st.global{{.*}} stores it to global memory [uninitialized, uninitialized-memory]
// STORED-NEXT: unwritten.mlir:[[#@LINE+14]]): st.global
// STORED: unwritten.mlir:[[#@LINE+11]]): ld.global{{.*}}: loads what nothing has written
// RUN: not heddle run %s --entry=piled --size N=65 --sanitize=full 2>&1 | FileCheck %s --check-prefix=COMBINED
// COMBINED: error: memory that nothing has written decides what the program does: {{.*}} combines with it
// COMBINED-NEXT: unwritten.mlir:[[#@LINE+19]]):

tile.kernel @copy(%x: memref<?xf32>, %y: memref<?xf32>) {
  %c64 = arith.constant 64 : index
  %block = gpu.block_id x
  %i = arith.muli %block, %c64 : index
  %two = arith.constant dense<2.0> : tensor<64xf32>
  // Of what is not there nothing is read.
  %v = tile.load %x[%i] : memref<?xf32> -> tensor<64xf32>
  %w = arith.mulf %v, %two : tensor<64xf32>
  tile.store %w, %y[%i] : tensor<64xf32>, memref<?xf32>
}

tile.kernel @add(%x: memref<?xf32>, %y: memref<?xf32>) {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %block = gpu.block_id x
  %i = arith.muli %block, %c64 : index
  %v = tile.load %x[%i] pad 0.0 : f32 : memref<?xf32> -> tensor<64xf32>
  tile.store %v, %y[%c0] reduce add : tensor<64xf32>, memref<?xf32>
}

tile.kernel @clear(%y: memref<?xf32>) {
  %c64 = arith.constant 64 : index
  %block = gpu.block_id x
  %i = arith.muli %block, %c64 : index
  %zero = arith.constant dense<0.0> : tensor<64xf32>
  tile.store %zero, %y[%i] : tensor<64xf32>, memref<?xf32>
}

tile.host @copied[%N](%x: memref<?xf32>[%N], out %y: memref<?xf32>[%N]) {
  %c64 = arith.constant 64 : index
  %blocks = arith.ceildivui %N, %c64 : index
  %t = memref.alloc(%N) : memref<?xf32>
  tile.launch @copy grid(%blocks) args(%x, %t) : memref<?xf32>, memref<?xf32>
  tile.launch @copy grid(%blocks) args(%t, %y) : memref<?xf32>, memref<?xf32>
}

tile.host @floored[%N](%x: memref<?xf32>[%N], out %y: memref<?xf32>[%N]) {
  %c64 = arith.constant 64 : index
  %few = arith.divui %N, %c64 : index
  %blocks = arith.ceildivui %N, %c64 : index
  %t = memref.alloc(%N) : memref<?xf32>
  tile.launch @copy grid(%few) args(%x, %t) : memref<?xf32>, memref<?xf32>
  tile.launch @copy grid(%blocks) args(%t, %y) : memref<?xf32>, memref<?xf32>
}

tile.host @forgotten[%N](%x: memref<?xf32>[%N], out %y: memref<?xf32>[%N]) {
  %c1 = arith.constant 1 : index
  %t = memref.alloc(%N) : memref<?xf32>
  tile.launch @copy grid(%c1) args(%t, %y) : memref<?xf32>, memref<?xf32>
}

tile.host @added[%N](%x: memref<?xf32>[%N], out %y: memref<?xf32>[%N]) {
  %c64 = arith.constant 64 : index
  %blocks = arith.ceildivui %N, %c64 : index
  %t = memref.alloc(%N) : memref<?xf32>
  tile.launch @clear grid(%blocks) args(%t) : memref<?xf32>
  tile.launch @add grid(%blocks) args(%x, %t) : memref<?xf32>, memref<?xf32>
  tile.launch @copy grid(%blocks) args(%t, %y) : memref<?xf32>, memref<?xf32>
}

tile.host @piled[%N](%x: memref<?xf32>[%N], out %y: memref<?xf32>[%N]) {
  %c64 = arith.constant 64 : index
  %blocks = arith.ceildivui %N, %c64 : index
  %t = memref.alloc(%N) : memref<?xf32>
  tile.launch @add grid(%blocks) args(%x, %t) : memref<?xf32>, memref<?xf32>
  tile.launch @copy grid(%blocks) args(%t, %y) : memref<?xf32>, memref<?xf32>
}
