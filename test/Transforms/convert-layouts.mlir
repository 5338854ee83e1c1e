// RUN: heddle-opt %s --pass-pipeline="builtin.module(tile.kernel(convert-layouts))" | FileCheck %s

#a = #aref.layout<atom = [128], register = [], lane = [[1], [2], [4], [8], [16]], warp = [[32], [64]]>
#b = #aref.layout<atom = [128], register = [], lane = [[4], [8], [16], [32], [64]], warp = [[1], [2]]>
#rows = #aref.layout<atom = [64, 8], register = [[0, 1], [8, 0]], lane = [[0, 2], [0, 4], [1, 0], [2, 0], [4, 0]], warp = [[16, 0], [32, 0]]>
#swapped = #aref.layout<atom = [64, 8], register = [[8, 0], [0, 1]], lane = [[0, 2], [0, 4], [1, 0], [2, 0], [4, 0]], warp = [[16, 0], [32, 0]]>
#row = #aref.layout<atom = [1, 512], register = [[0, 1], [0, 2]], lane = [[0, 4], [0, 8], [0, 16], [0, 32], [0, 64]], warp = [[0, 128], [0, 256]]>
#one = #aref.layout<atom = [1], register = [], lane = [[0], [0], [0], [0], [0]], warp = [[0], [0]]>

// CHECK-LABEL: @shared
// CHECK: %[[S:.+]] = aref.alloc : <256xf32, swizzle = 0>
// CHECK-NOT: aref.alloc
// CHECK: aref.sync
// CHECK-NEXT: aref.local_store %{{.*}}, %[[S]]
// CHECK-NEXT: aref.sync
// CHECK-NEXT: aref.local_load %[[S]]
// CHECK: aref.sync
// CHECK-NEXT: aref.local_store %{{.*}}, %[[S]]
// CHECK-NEXT: aref.sync
// CHECK-NEXT: aref.local_load %[[S]]
tile.kernel @shared(%x: memref<?xf32>) {
  %c0 = arith.constant 0 : index
  %t = tile.load %x[%c0] : memref<?xf32> -> tensor<256xf32, #a>
  %u = aref.convert_layout %t : tensor<256xf32, #a> -> tensor<256xf32, #b>
  %v = aref.convert_layout %u : tensor<256xf32, #b> -> tensor<256xf32, #a>
  tile.store %v, %x[%c0] : tensor<256xf32, #a>, memref<?xf32>
}

#across = #aref.layout<atom = [8, 64], register = [[0, 1], [0, 2], [0, 4]], lane = [[0, 8], [0, 16], [0, 32], [1, 0], [2, 0]], warp = [[4, 0]]>
#down = #aref.layout<atom = [8, 64], register = [[0, 1], [0, 2], [0, 32]], lane = [[0, 4], [0, 8], [1, 0], [2, 0], [4, 0]], warp = [[0, 16]]>

// Rows of a matrix are not one below the other in the banks of shared memory.
// CHECK-LABEL: @matrix
// CHECK: aref.alloc : <8x64xf32, swizzle = 128>
tile.kernel @matrix(%x: memref<?x?xf32>) attributes {tile.warps = 2} {
  %c0 = arith.constant 0 : index
  %t = tile.load %x[%c0, %c0] : memref<?x?xf32> -> tensor<8x64xf32, #across>
  %u = aref.convert_layout %t : tensor<8x64xf32, #across> -> tensor<8x64xf32, #down>
  tile.store %u, %x[%c0, %c0] : tensor<8x64xf32, #down>, memref<?x?xf32>
}

// CHECK-LABEL: @registers
// CHECK-NOT: aref.alloc
// CHECK: aref.convert_layout
// CHECK-NOT: aref.convert_layout
tile.kernel @registers(%x: memref<?x?xf32>) {
  %c0 = arith.constant 0 : index
  %t = tile.load %x[%c0, %c0] : memref<?x?xf32> -> tensor<64x8xf32, #rows>
  %u = aref.convert_layout %t : tensor<64x8xf32, #rows> -> tensor<64x8xf32, #rows>
  %v = aref.convert_layout %u : tensor<64x8xf32, #rows> -> tensor<64x8xf32, #swapped>
  tile.store %v, %x[%c0, %c0] : tensor<64x8xf32, #swapped>, memref<?x?xf32>
}

// Every instance has scratch of its own; masks and indices are stored as
// integers of whole bytes.

// CHECK-LABEL: @instances
// CHECK-DAG: %[[M:.+]] = aref.alloc depth(2) : <256xi8, swizzle = 0>
// CHECK-DAG: %[[I:.+]] = aref.alloc depth(2) : <256xi64, swizzle = 0>
// CHECK: aref.role
// CHECK-DAG: aref.stage %[[M]][%instance : index]
// CHECK-DAG: aref.stage %[[I]][%instance : index]
// CHECK: arith.extui
// CHECK: arith.trunci
// CHECK: arith.index_cast
// CHECK: arith.index_cast
tile.kernel @instances() {
  aref.role "consumer" instances(%i = 2) warps(4) {
    %t = tile.iota axis 0 : tensor<256xindex, #a>
    %m = arith.cmpi slt, %t, %t : tensor<256xindex, #a>
    %n = aref.convert_layout %m : tensor<256xi1, #a> -> tensor<256xi1, #b>
    %u = aref.convert_layout %t : tensor<256xindex, #a> -> tensor<256xindex, #b>
  }
}

// CHECK-LABEL: @reduce
// CHECK: %[[S:.+]] = aref.alloc : <4x1xf32, swizzle = 0>
// CHECK: aref.reduce add %{{.*}}, %{{.*}} axis 1 through %[[S]]
// CHECK: tile.reduce max {{.*}} axis 0
tile.kernel @reduce(%x: memref<?x?xf32>) {
  %c0 = arith.constant 0 : index
  %t = tile.load %x[%c0, %c0] : memref<?x?xf32> -> tensor<1x1024xf32, #row>
  %zero = arith.constant dense<0.0> : tensor<1xf32, #one>
  %r = tile.reduce add %t, %zero axis 1 : tensor<1x1024xf32, #row> -> tensor<1xf32, #one>
  %m = tile.load %x[%c0, %c0] : memref<?x?xf32> -> tensor<1024xf32, #a>
  %n = tile.reduce max %t, %m axis 0 : tensor<1x1024xf32, #row> -> tensor<1024xf32, #a>
}

// A number goes through one element per part.
// CHECK-LABEL: @number
// CHECK: %[[S:.+]] = aref.alloc : <4x1xf32, swizzle = 0>
// CHECK: aref.reduce add %{{.*}}, %{{.*}} axis 0 through %[[S]] : {{.*}} -> f32
tile.kernel @number(%x: memref<?xf32>, %zero: f32) {
  %c0 = arith.constant 0 : index
  %t = tile.load %x[%c0] : memref<?xf32> -> tensor<256xf32, #a>
  %s = tile.reduce add %t, %zero axis 0 : tensor<256xf32, #a> -> f32
  %u = tensor.splat %s : tensor<256xf32, #a>
  tile.store %u, %x[%c0] : tensor<256xf32, #a>, memref<?xf32>
}

#four = #aref.layout<atom = [4], register = [[1], [2]], lane = [[0], [0], [0], [0], [0]], warp = [[0], [0]]>
#steps = #aref.layout<atom = [16, 4], register = [[0, 1], [0, 2]], lane = [[1, 0], [2, 0], [0, 0], [0, 0], [0, 0]], warp = [[4, 0], [8, 0]]>

// A sum of each warp's four lanes; of recurrences a factor and a term.
// CHECK-LABEL: @scans
// CHECK-DAG: %[[S:.+]] = aref.alloc : <1x256xf32, swizzle = 0>
// CHECK-DAG: %[[R:.+]] = aref.alloc : <2x256xf32, swizzle = 0>
// CHECK: aref.scan add %{{.*}} axis 0 reverse through %[[S]]
// CHECK: aref.recurrence {{.*}} axis 0 exclusive through %[[R]]
// CHECK: tile.scan max {{.*}} axis 1
tile.kernel @scans(%x: memref<?x?xbf16>) {
  %c0 = arith.constant 0 : index
  %t = tile.load %x[%c0, %c0] : memref<?x?xbf16> -> tensor<64x16xbf16, #steps>
  %s = tile.scan add %t axis 0 reverse : tensor<64x16xbf16, #steps>
  %init = arith.constant dense<0.0> : tensor<16xbf16, #four>
  %h, %last = tile.recurrence %t, %s, %init axis 0 exclusive : tensor<64x16xbf16, #steps>, tensor<16xbf16, #four>
  %m = tile.scan max %h axis 1 : tensor<64x16xbf16, #steps>
  tile.store %m, %x[%c0, %c0] : tensor<64x16xbf16, #steps>, memref<?x?xbf16>
}

#tall = #aref.layout<atom = [8, 8], register = [[0, 1]], lane = [[0, 2], [0, 4], [1, 0], [2, 0], [4, 0]], warp = [[0, 0], [0, 0]]>
#wide = #aref.layout<atom = [8, 8], register = [[1, 0]], lane = [[0, 1], [0, 2], [0, 4], [2, 0], [4, 0]], warp = [[0, 0], [0, 0]]>

// CHECK-LABEL: @invert
// CHECK: %[[S:.+]] = aref.alloc : <32x40xf32, swizzle = 0>
// CHECK: aref.tri_inverse %{{.*}} through %[[S]] precision tf32 : tensor<24x24xf32, #[[A:.+]]>, {{.*}} -> tensor<24x24xf32, #[[X:.+]]>
// CHECK-NEXT: tile.store {{.*}} : tensor<24x24xf32, #[[X]]>
tile.kernel @invert(%x: memref<?x?xf32>) {
  %c0 = arith.constant 0 : index
  %t = tile.load %x[%c0, %c0] : memref<?x?xf32> -> tensor<24x24xf32, #tall>
  %r = tile.tri_inverse %t precision tf32 : tensor<24x24xf32, #tall> -> tensor<24x24xf32, #wide>
  tile.store %r, %x[%c0, %c0] : tensor<24x24xf32, #wide>, memref<?x?xf32>
}

#sum = #aref.layout<atom = [64, 8], register = [[0, 1], [8, 0]], lane = [[0, 2], [0, 4], [1, 0], [2, 0], [4, 0]], warp = [[16, 0], [32, 0]]>
#operand = #aref.layout<atom = [64, 32], register = [[0, 1], [0, 2], [8, 0], [0, 16]], lane = [[0, 4], [0, 8], [1, 0], [2, 0], [4, 0]], warp = [[16, 0], [32, 0]]>

// Four lanes have between them what they need: 16 shuffles in place of 32 stores and 16 loads.
// CHECK-LABEL: @exchange
// CHECK-NOT: aref.alloc
// CHECK: aref.convert_layout
// CHECK-NOT: aref.sync
tile.kernel @exchange(%x: memref<?x?xi8>) {
  %c0 = arith.constant 0 : index
  %t = tile.load %x[%c0, %c0] : memref<?x?xi8> -> tensor<64x128xi8, #sum>
  %u = aref.convert_layout %t : tensor<64x128xi8, #sum> -> tensor<64x128xi8, #operand>
  tile.store %u, %x[%c0, %c0] : tensor<64x128xi8, #operand>, memref<?x?xi8>
}

// A shuffle moves one word, an access four.
// CHECK-LABEL: @wide
// CHECK: aref.alloc
// CHECK: aref.sync
// CHECK-NOT: aref.convert_layout
tile.kernel @wide(%x: memref<?x?xf32>) {
  %c0 = arith.constant 0 : index
  %t = tile.load %x[%c0, %c0] : memref<?x?xf32> -> tensor<64x128xf32, #sum>
  %u = aref.convert_layout %t : tensor<64x128xf32, #sum> -> tensor<64x128xf32, #operand>
  tile.store %u, %x[%c0, %c0] : tensor<64x128xf32, #operand>, memref<?x?xf32>
}
