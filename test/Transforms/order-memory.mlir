// RUN: heddle-opt %s --pass-pipeline="builtin.module(tile.kernel(order-memory))" | FileCheck %s

#own = #aref.layout<atom = [128], register = [], lane = [[1], [2], [4], [8], [16]], warp = [[32], [64]]>
#copies = #aref.layout<atom = [32], register = [], lane = [[1], [2], [4], [8], [16]], warp = [[0], [0]]>
!x = tensor<128xf32, #own>
!few = tensor<32xf32, #copies>

// Each thread meets its own elements, and views do not overlap.

// CHECK-LABEL: @own
// CHECK-NOT: aref.sync
tile.kernel @own(%x: memref<?xf32>, %y: memref<?xf32>, %i: index, %j: index) {
  %t = tile.load %x[%i] : memref<?xf32> -> !x
  tile.store %t, %x[%i] : !x, memref<?xf32>
  %u = tile.load %y[%j] : memref<?xf32> -> !x
  tile.store %u, %x[%i] : !x, memref<?xf32>
}

// CHECK-LABEL: @straight
// CHECK: tile.store
// CHECK-NEXT: aref.sync
// CHECK-NEXT: tile.load
// CHECK-NEXT: aref.sync
// CHECK-NEXT: tile.store
// CHECK-NEXT: aref.sync
// CHECK-NEXT: tile.store
tile.kernel @straight(%x: memref<?xf32>, %t: f32, %i: index, %j: index) {
  %s = tensor.splat %t : !x
  tile.store %s, %x[%i] : !x, memref<?xf32>
  %u = tile.load %x[%j] : memref<?xf32> -> !x
  tile.store %u, %x[%i] : !x, memref<?xf32>
  tile.store %s, %x[%j] : !x, memref<?xf32>
}

// Threads that hold the same element read what one of them writes.

// CHECK-LABEL: @copies
// CHECK: tile.load
// CHECK-NEXT: aref.sync
// CHECK-NEXT: tile.store
tile.kernel @copies(%x: memref<?xf32>, %i: index) {
  %t = tile.load %x[%i] : memref<?xf32> -> !few
  tile.store %t, %x[%i] : !few, memref<?xf32>
}

// CHECK-LABEL: @branches
// CHECK: scf.if
// CHECK-NEXT: aref.sync
// CHECK-NEXT: tile.store
// CHECK-NEXT: else
// CHECK-NEXT: tile.store
// CHECK: aref.sync
// CHECK-NEXT: memref.load
tile.kernel @branches(%x: memref<?xf32>, %y: memref<?xf32>, %i: index, %j: index, %p: i1) {
  %t = tile.load %x[%i] : memref<?xf32> -> !x
  scf.if %p {
    tile.store %t, %x[%j] : !x, memref<?xf32>
  } else {
    tile.store %t, %y[%j] : !x, memref<?xf32>
  }
  %u = memref.load %x[%i] : memref<?xf32>
}

// Iterations that move on do not meet; those that do not move on do.

// CHECK-LABEL: @loops
// CHECK: scf.for
// CHECK-NOT: aref.sync
// CHECK: scf.for
// CHECK: aref.sync
// CHECK-NEXT: tile.store
// CHECK-NOT: aref.sync
tile.kernel @loops(%x: memref<?xf32>, %y: memref<?xf32>, %t: f32, %n: index) {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %c64 = arith.constant 64 : index
  %s = tensor.splat %t : !x
  scf.for %i = %c0 to %n step %c64 {
    %at = arith.muli %i, %c2 : index
    tile.store %s, %x[%at] : !x, memref<?xf32>
  }
  scf.for %i = %c0 to %n step %c64 {
    tile.store %s, %y[%i] : !x, memref<?xf32>
  }
}

// What the second iteration loads, the first one stored.

// CHECK-LABEL: @backwards
// CHECK: scf.for
// CHECK: aref.sync
// CHECK-NEXT: tile.load
// CHECK-NEXT: aref.sync
// CHECK-NEXT: tile.store
tile.kernel @backwards(%x: memref<?xf32>, %i: index, %j: index, %n: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.for %k = %c0 to %n step %c1 {
    %u = tile.load %x[%j] : memref<?xf32> -> !x
    tile.store %u, %x[%i] : !x, memref<?xf32>
  }
}

// There is no order between blocks.

// CHECK-LABEL: @blocks
// CHECK-NOT: aref.sync
tile.kernel @blocks(%x: memref<?xf32>, %t: f32, %i: index, %n: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %s = tensor.splat %t : !x
  scf.for %k = %c0 to %n step %c1 {
    tile.store %s, %x[%i] : !x, memref<?xf32>
  } {aref.blocks}
}

// The order of reductions of one kind does not matter; that of others does.

// CHECK-LABEL: @reductions
// CHECK: reduce add
// CHECK-NEXT: tile.store {{.*}} reduce add
// CHECK-NEXT: aref.sync
// CHECK-NEXT: tile.load
// CHECK-NEXT: aref.sync
// CHECK-NEXT: tile.store {{.*}} reduce add
// CHECK-NEXT: aref.sync
// CHECK-NEXT: tile.store
tile.kernel @reductions(%x: memref<?xf32>, %t: f32, %i: index, %j: index) {
  %s = tensor.splat %t : !x
  tile.store %s, %x[%i] reduce add : !x, memref<?xf32>
  tile.store %s, %x[%j] reduce add : !x, memref<?xf32>
  %u = tile.load %x[%j] : memref<?xf32> -> !x
  tile.store %u, %x[%i] reduce add : !x, memref<?xf32>
  tile.store %s, %x[%j] : !x, memref<?xf32>
}
