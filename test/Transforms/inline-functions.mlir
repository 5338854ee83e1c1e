// RUN: heddle-opt %s -inline-functions | FileCheck %s
// RUN: heddle-opt %s -inline-functions -mlir-print-debuginfo -mlir-print-local-scope | FileCheck %s --check-prefix=WHERE
// RUN: heddle-opt %s -inline-functions -inline-functions | FileCheck %s

!tile = tensor<64xf32>
!x = memref<?xf32>
!part = memref<?xf32, strided<[1], offset: ?>>

// No function is left, called or not, whoever may see it.
// CHECK-NOT: func

func.func private @doubled(%t: !tile) -> !tile {
  %two = arith.constant dense<2.0> : !tile
  %d = arith.mulf %t, %two : !tile
  return %d : !tile
}

func.func @uncalled(%t: !tile) -> !tile {
  return %t : !tile
}

// Functions may call others, also ones that are written below.
func.func @quadrupled(%t: !tile) -> !tile {
  %d = call @doubled(%t) : (!tile) -> !tile
  %q = call @doubled(%d) : (!tile) -> !tile
  return %q : !tile
}

// Views, memory and the place in the grid.
func.func @load_part(%x: !x, %from: index) -> (!part, !tile) {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %b = gpu.block_id x
  %i = func.call @offset(%b, %c64) : (index, index) -> index
  %p = memref.subview %x[%from] [%c64] [1] : !x to !part
  %t = tile.load %p[%i] : !part -> !tile
  return %p, %t : !part, !tile
}

func.func @store_part(%t: !tile, %p: !part) {
  %c0 = arith.constant 0 : index
  tile.store %t, %p[%c0] : !tile, !part
  return
}

func.func @offset(%i: index, %n: index) -> index {
  %o = arith.muli %i, %n : index
  return %o : index
}

func.func @same(%t: !tile) -> (!tile, !tile) {
  return %t, %t : !tile, !tile
}

// In loops and branches, and regions in functions.
func.func @sum(%x: !x, %n: index) -> !tile {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %zero = arith.constant dense<0.0> : !tile
  %sum = scf.for %i = %c0 to %n step %c64 iter_args(%s = %zero) -> (!tile) {
    %t = tile.load %x[%i] pad 0.0 : f32 : !x -> !tile
    %new = arith.addf %s, %t : !tile
    scf.yield %new : !tile
  }
  return %sum : !tile
}

// CHECK-LABEL: tile.kernel @kernel(
// CHECK-SAME: %[[X:x]]: memref<?xf32>, %[[N:n]]: index, %[[YES:yes]]: i1
// CHECK: %[[C64:.*]] = arith.constant 64
// CHECK: %[[B:.*]] = gpu.block_id x
// CHECK: %[[I:.*]] = arith.muli %[[B]], %[[C64]]
// CHECK: %[[P:.*]] = memref.subview %[[X]][%[[N]]] [%[[C64]]] [1]
// CHECK: %[[T:.*]] = tile.load %[[P]][%[[I]]]
// CHECK: %[[IF:.*]] = scf.if %[[YES]]
// CHECK:   %[[D:.*]] = arith.mulf %[[T]], %{{.*}}
// CHECK:   %[[Q:.*]] = arith.mulf %[[D]], %{{.*}}
// CHECK:   scf.yield %[[Q]]
// CHECK: else
// CHECK:   %[[SUM:.*]] = scf.for %{{.*}} to %[[N]]
// CHECK:   scf.yield %[[SUM]]
// CHECK: tile.store %[[IF]], %[[P]]
// CHECK-NEXT: }
tile.kernel @kernel(%x: !x, %n: index, %yes: i1) {
  %p, %t = func.call @load_part(%x, %n) : (!x, index) -> (!part, !tile)
  %y = scf.if %yes -> !tile {
    %q = func.call @quadrupled(%t) : (!tile) -> !tile
    scf.yield %q : !tile
  } else {
    %s = func.call @sum(%x, %n) : (!x, index) -> !tile
    scf.yield %s : !tile
  }
  %one, %two = func.call @same(%y) : (!tile) -> (!tile, !tile)
  func.call @store_part(%two, %p) : (!tile, !part) -> ()
}

func.func @check(%n: index) -> index {
  %c64 = arith.constant 64 : index
  %some = arith.cmpi ne, %n, %c64 : index
  cf.assert %some, "expected another number"
  %blocks = arith.ceildivui %n, %c64 : index
  return %blocks : index
}

// CHECK-LABEL: tile.host @host
// CHECK: cf.assert
// CHECK: %[[BLOCKS:.*]] = arith.ceildivui %N
// CHECK: tile.launch @kernel grid(%[[BLOCKS]])
tile.host @host[%N](inout %x: !x[%N]) {
  %yes = arith.constant true
  %blocks = func.call @check(%N) : (index) -> index
  tile.launch @kernel grid(%blocks) args(%x, %N, %yes) : !x, index, i1
}

// Each operation says where it stands and all the way on which it is called.
// WHERE-LABEL: tile.kernel @kernel(
// WHERE: arith.muli {{.*}} loc(callsite("{{.*}}":[[#@LINE-70]]:8 at callsite("{{.*}}":[[#]]:8 at "{{.*}}":[[#@LINE-32]]:12)))
