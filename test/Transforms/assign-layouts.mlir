// RUN: heddle-opt %s --pass-pipeline="builtin.module(tile.kernel(assign-layouts))" --split-input-file | FileCheck %s

// A bias is loaded where the accumulator's columns are; the epilogue keeps the
// accumulator's layout; the accumulator's zero is made in it.

// CHECK-DAG: #[[ACC:.+]] = #aref.layout<atom = [64, 8], register = {{\[}}[0, 1], [8, 0]], lane = {{\[}}[0, 2], [0, 4], [1, 0], [2, 0], [4, 0]], warp = {{\[}}[16, 0], [32, 0]]>
// CHECK-DAG: #[[COLS:.+]] = #aref.layout<atom = [8], register = {{\[}}[1]], lane = {{\[}}[2], [4], [0], [0], [0]], warp = {{\[}}[0], [0]]>
// CHECK-LABEL: @epilogue
// CHECK: aref.role
// CHECK: arith.constant dense<0.000000e+00> : tensor<64x64xf32, #[[ACC]]>
// CHECK: scf.for {{.*}} -> (tensor<64x64xf32, #[[ACC]]>)
// CHECK: aref.mma
// CHECK: tile.load {{.*}} -> tensor<64xf32, #[[COLS]]>
// CHECK: tile.broadcast {{.*}} : tensor<64xf32, #[[COLS]]> -> tensor<64x64xf32, #[[ACC]]>
// CHECK-NOT: convert_layout
// CHECK: tile.store {{.*}} tensor<64x64xbf16, #[[ACC]]>
tile.kernel @epilogue(%A: memref<?x?xbf16>, %bias: memref<?xf32>, %C: memref<?x?xbf16>) {
  %a = aref.alloc : !aref.buffer<64x64xbf16, swizzle = 128>
  %b = aref.alloc : !aref.buffer<64x64xbf16, swizzle = 128>
  aref.role "consumer" instances(%i = 1) warps(4) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c9 = arith.constant 9 : index
    %zero = arith.constant dense<0.0> : tensor<64x64xf32>
    %acc = scf.for %k = %c0 to %c9 step %c1 iter_args(%sum = %zero) -> (tensor<64x64xf32>) {
      %d = aref.mma %a, %b, %sum : !aref.buffer<64x64xbf16, swizzle = 128>, !aref.buffer<64x64xbf16, swizzle = 128> -> tensor<64x64xf32>
      scf.yield %d : tensor<64x64xf32>
    }
    %done = aref.mma_wait %acc pending 0 : tensor<64x64xf32>
    %n = tile.load %bias[%c0] : memref<?xf32> -> tensor<64xf32>
    %r = tile.broadcast %n axes [0] : tensor<64xf32> -> tensor<64x64xf32>
    %s = arith.addf %done, %r : tensor<64x64xf32>
    %t = arith.truncf %s : tensor<64x64xf32> to tensor<64x64xbf16>
    tile.store %t, %C[%c0, %c0] : tensor<64x64xbf16>, memref<?x?xbf16>
  }
}

// -----

// Softmax between two products: rows are slices of the accumulator, which is
// operand A of the next product as it is, once it has 16 bits.

// CHECK-DAG: #[[ACC:.+]] = #aref.layout<atom = [64, 8], register
// CHECK-DAG: #[[ROWS:.+]] = #aref.layout<atom = [64], register = {{\[}}[8]], lane = {{\[}}[0], [0], [1], [2], [4]], warp = {{\[}}[16], [32]]>
// CHECK-LABEL: @attention
// CHECK-NOT: convert_layout
// CHECK: tile.reduce max {{.*}} : tensor<64x64xf32, #[[ACC]]> -> tensor<64xf32, #[[ROWS]]>
// CHECK: tile.iota axis 1 : tensor<64x64xi32, #[[ACC]]>
// CHECK: arith.select {{.*}} : tensor<64x64xi1, #[[ACC]]>, tensor<64x64xf32, #[[ACC]]>
// CHECK: aref.mma {{.*}} : tensor<64x64xbf16, #[[ACC]]>, {{.*}} -> tensor<64x128xf32, #[[ACC]]>
// CHECK-NOT: convert_layout
// CHECK: tile.store {{.*}} tensor<64xf32, #[[ROWS]]>
tile.kernel @attention(%L: memref<?xf32>, %O: memref<?x?xf32>) attributes {tile.warps = 4} {
  %c0 = arith.constant 0 : index
  %q = aref.alloc : !aref.buffer<64x64xbf16, swizzle = 128>
  %k = aref.alloc : !aref.buffer<64x64xbf16, swizzle = 128>
  %v = aref.alloc : !aref.buffer<64x128xbf16, swizzle = 128>
  %zero = arith.constant dense<0.0> : tensor<64x64xf32>
  %zero2 = arith.constant dense<0.0> : tensor<64x128xf32>
  %low = arith.constant dense<0xFF800000> : tensor<64xf32>
  %s0 = aref.mma %q, %k, %zero transpose_b : !aref.buffer<64x64xbf16, swizzle = 128>, !aref.buffer<64x64xbf16, swizzle = 128> -> tensor<64x64xf32>
  %s = aref.mma_wait %s0 pending 0 : tensor<64x64xf32>
  %m = tile.reduce max %s, %low axis 1 : tensor<64x64xf32> -> tensor<64xf32>
  %mb = tile.broadcast %m axes [1] : tensor<64xf32> -> tensor<64x64xf32>
  %d = arith.subf %s, %mb : tensor<64x64xf32>
  %p = math.exp2 %d : tensor<64x64xf32>
  %i = tile.iota axis 0 : tensor<64x64xi32>
  %j = tile.iota axis 1 : tensor<64x64xi32>
  %mask = arith.cmpi sge, %i, %j : tensor<64x64xi32>
  %pm = arith.select %mask, %p, %zero : tensor<64x64xi1>, tensor<64x64xf32>
  %pb = arith.truncf %pm : tensor<64x64xf32> to tensor<64x64xbf16>
  %o0 = aref.mma %pb, %v, %zero2 : tensor<64x64xbf16>, !aref.buffer<64x128xbf16, swizzle = 128> -> tensor<64x128xf32>
  %o = aref.mma_wait %o0 pending 0 : tensor<64x128xf32>
  tile.store %o, %O[%c0, %c0] : tensor<64x128xf32>, memref<?x?xf32>
  tile.store %m, %L[%c0] : tensor<64xf32>, memref<?xf32>
}

// -----

// An 8-bit operand A is not an accumulator; the conversion is of 8-bit values.

// CHECK-LABEL: @narrow
// CHECK: %[[T:.+]] = arith.truncf
// CHECK: %[[C:.+]] = aref.convert_layout %[[T]] : tensor<64x64xf8E4M3FN, #{{.+}}> -> tensor<64x64xf8E4M3FN, #[[A:.+]]>
// CHECK: aref.mma %[[C]]
tile.kernel @narrow(%O: memref<?x?xf32>) {
  %c0 = arith.constant 0 : index
  %q = aref.alloc : !aref.buffer<64x64xf8E4M3FN, swizzle = 64>
  %k = aref.alloc : !aref.buffer<64x64xf8E4M3FN, swizzle = 64>
  %zero = arith.constant dense<0.0> : tensor<64x64xf32>
  %s0 = aref.mma %q, %k, %zero transpose_b : !aref.buffer<64x64xf8E4M3FN, swizzle = 64>, !aref.buffer<64x64xf8E4M3FN, swizzle = 64> -> tensor<64x64xf32>
  %s = aref.mma_wait %s0 pending 0 : tensor<64x64xf32>
  %p = arith.truncf %s : tensor<64x64xf32> to tensor<64x64xf8E4M3FN>
  %o0 = aref.mma %p, %k, %zero transpose_b : tensor<64x64xf8E4M3FN>, !aref.buffer<64x64xf8E4M3FN, swizzle = 64> -> tensor<64x64xf32>
  %o = aref.mma_wait %o0 pending 0 : tensor<64x64xf32>
  tile.store %o, %O[%c0, %c0] : tensor<64x64xf32>, memref<?x?xf32>
}

// -----

// Accesses on either side of a transpose are both coalesced.

// CHECK-LABEL: @transpose
// CHECK: tile.load {{.*}} -> tensor<64x32xf32, #[[B:.+]]>
// CHECK: aref.convert_layout {{.*}} : tensor<64x32xf32, #[[B]]>
// CHECK: tile.transpose {{.*}} -> tensor<32x64xf32, #[[B2:.+]]>
// CHECK: tile.store {{.*}} tensor<32x64xf32, #[[B2]]>
tile.kernel @transpose(%x: memref<?x?xf32>, %y: memref<?x?xf32>) {
  %c0 = arith.constant 0 : index
  %t = tile.load %x[%c0, %c0] : memref<?x?xf32> -> tensor<64x32xf32>
  %u = tile.transpose %t [1, 0] : tensor<64x32xf32> -> tensor<32x64xf32>
  tile.store %u, %y[%c0, %c0] : tensor<32x64xf32>, memref<?x?xf32>
}

// -----

// Control flow keeps layouts; a constant that two loops start from is made in
// both layouts; vectors of different origin meet in one.

// CHECK-LABEL: @control
// CHECK: scf.while (%{{.*}} = %{{.*}}) : (tensor<2880xf32, #[[L:[a-z0-9]+]]>) -> tensor<2880xf32, #[[L]]>
// CHECK: scf.if {{.*}} -> (tensor<2880xf32, #[[L]]>)
// CHECK: tile.store {{.*}} tensor<2880xf32, #[[L]]>
tile.kernel @control(%x: memref<?xf32>, %c: i1) attributes {tile.warps = 8} {
  %c0 = arith.constant 0 : index
  %zero = arith.constant dense<0.0> : tensor<2880xf32>
  %w = scf.while (%s = %zero) : (tensor<2880xf32>) -> tensor<2880xf32> {
    scf.condition(%c) %s : tensor<2880xf32>
  } do {
  ^bb0(%s: tensor<2880xf32>):
    %t = tile.load %x[%c0] : memref<?xf32> -> tensor<2880xf32>
    %u = arith.addf %s, %t : tensor<2880xf32>
    scf.yield %u : tensor<2880xf32>
  }
  %r = scf.if %c -> (tensor<2880xf32>) {
    scf.yield %zero : tensor<2880xf32>
  } else {
    scf.yield %w : tensor<2880xf32>
  }
  tile.store %r, %x[%c0] : tensor<2880xf32>, memref<?xf32>
}

// -----

// Each row is in one warp, so that reducing it needs no scratch.

// CHECK: #[[R:.+]] = #aref.layout<atom = [4, 128], {{.*}}, warp = {{\[}}[1, 0], [2, 0]]>
// CHECK-LABEL: @rows
// CHECK: tile.reduce add {{.*}} : tensor<8x1024xf32, #[[R]]>
tile.kernel @rows(%x: memref<?x?xf32>, %y: memref<?xf32>) {
  %c0 = arith.constant 0 : index
  %zero = arith.constant dense<0.0> : tensor<8xf32>
  %t = tile.load %x[%c0, %c0] : memref<?x?xf32> -> tensor<8x1024xf32>
  %s = tile.reduce add %t, %zero axis 1 : tensor<8x1024xf32> -> tensor<8xf32>
  tile.store %s, %y[%c0] : tensor<8xf32>, memref<?xf32>
}

// -----

// A thread has a channel and all of its steps, and the channel's state.

// CHECK-DAG: #[[STATE:.+]] = #aref.layout<atom = [128], register = [], lane = {{\[}}[1], [2], [4], [8], [16]], warp = {{\[}}[32], [64]]>
// CHECK-DAG: #[[STEPS:.+]] = #aref.layout<atom = [1, 128], register = [], {{.*}}, warp = {{\[}}[0, 32], [0, 64]]>
// CHECK-LABEL: @channels
// CHECK: tile.load {{.*}} -> tensor<128xf32, #[[STATE]]>
// CHECK-NOT: convert_layout
// CHECK: tile.recurrence {{.*}} : tensor<64x128xf32, #[[STEPS]]>, tensor<128xf32, #[[STATE]]>
// CHECK-NOT: convert_layout
// CHECK: tile.store {{.*}} : tensor<128xf32, #[[STATE]]>
tile.kernel @channels(%x: memref<?x?xf32>, %h: memref<?xf32>) {
  %c0 = arith.constant 0 : index
  %h0 = tile.load %h[%c0] : memref<?xf32> -> tensor<128xf32>
  %end = scf.for %t = %c0 to %c0 step %c0 iter_args(%s = %h0) -> (tensor<128xf32>) {
    %a = tile.load %x[%t, %c0] : memref<?x?xf32> -> tensor<64x128xf32>
    %y, %last = tile.recurrence %a, %a, %s axis 0 : tensor<64x128xf32>, tensor<128xf32>
    tile.store %y, %x[%t, %c0] : tensor<64x128xf32>, memref<?x?xf32>
    scf.yield %last : tensor<128xf32>
  }
  tile.store %end, %h[%c0] : tensor<128xf32>, memref<?xf32>
}

// -----

// The sums of a vector are wanted along the rows and along the columns of an
// accumulator. Each warp has all of it, a few elements to a lane; there they are
// added up, and converted for each.

// CHECK-DAG: #[[ACC:.+]] = #aref.layout<atom = [64, 8], register
// CHECK-DAG: #[[COLS:.+]] = #aref.layout<atom = [8], register = {{\[}}[1]], lane = {{\[}}[2], [4], [0], [0], [0]], warp = {{\[}}[0], [0]]>
// CHECK-DAG: #[[ROWS:.+]] = #aref.layout<atom = [64], register = {{\[}}[8]], lane = {{\[}}[0], [0], [1], [2], [4]], warp = {{\[}}[16], [32]]>
// CHECK-DAG: #[[LANES:.+]] = #aref.layout<atom = [32], {{.*}}, warp = {{\[}}[0], [0]]>
// CHECK-LABEL: @decay
// CHECK: tile.load {{.*}} -> tensor<64xf32, #[[LANES]]>
// CHECK: tile.scan add {{.*}} : tensor<64xf32, #[[LANES]]>
// CHECK-DAG: aref.convert_layout {{.*}} -> tensor<64xf32, #[[ROWS]]>
// CHECK-DAG: aref.convert_layout {{.*}} -> tensor<64xf32, #[[COLS]]>
// CHECK-NOT: convert_layout
tile.kernel @decay(%G: memref<?xf32>, %O: memref<?x?xf32>) attributes {tile.warps = 4} {
  %c0 = arith.constant 0 : index
  %q = aref.alloc : !aref.buffer<64x64xbf16, swizzle = 128>
  %zero = arith.constant dense<0.0> : tensor<64x64xf32>
  %d = aref.mma %q, %q, %zero transpose_b : !aref.buffer<64x64xbf16, swizzle = 128>, !aref.buffer<64x64xbf16, swizzle = 128> -> tensor<64x64xf32>
  %done = aref.mma_wait %d pending 0 : tensor<64x64xf32>
  %g = tile.load %G[%c0] : memref<?xf32> -> tensor<64xf32>
  %s = tile.scan add %g axis 0 : tensor<64xf32>
  %row = tile.broadcast %s axes [1] : tensor<64xf32> -> tensor<64x64xf32>
  %column = tile.broadcast %s axes [0] : tensor<64xf32> -> tensor<64x64xf32>
  %gate = arith.subf %row, %column : tensor<64x64xf32>
  %o = arith.mulf %done, %gate : tensor<64x64xf32>
  tile.store %o, %O[%c0, %c0] : tensor<64x64xf32>, memref<?x?xf32>
}

// -----

// So is what is computed from such sums: in columns, each thread would compute
// and hold a quarter of it.

// CHECK-DAG: #[[COLS:.+]] = #aref.layout<atom = [8], register = {{\[}}[1]], lane = {{\[}}[2], [4], [0], [0], [0]], warp = {{\[}}[0], [0]]>
// CHECK-DAG: #[[LANES:.+]] = #aref.layout<atom = [32], {{.*}}, warp = {{\[}}[0], [0]]>
// CHECK-LABEL: @decay_columns
// CHECK: tile.scan add {{.*}} : tensor<64xf32, #[[LANES]]>
// CHECK: arith.mulf {{.*}} : tensor<64xf32, #[[LANES]]>
// CHECK: math.exp2 {{.*}} : tensor<64xf32, #[[LANES]]>
// CHECK: aref.convert_layout {{.*}} -> tensor<64xf32, #[[COLS]]>
// CHECK-NOT: convert_layout
tile.kernel @decay_columns(%G: memref<?xf32>, %O: memref<?x?xf32>) attributes {tile.warps = 4} {
  %c0 = arith.constant 0 : index
  %q = aref.alloc : !aref.buffer<64x64xbf16, swizzle = 128>
  %zero = arith.constant dense<0.0> : tensor<64x64xf32>
  %d = aref.mma %q, %q, %zero transpose_b : !aref.buffer<64x64xbf16, swizzle = 128>, !aref.buffer<64x64xbf16, swizzle = 128> -> tensor<64x64xf32>
  %done = aref.mma_wait %d pending 0 : tensor<64x64xf32>
  %g = tile.load %G[%c0] : memref<?xf32> -> tensor<64xf32>
  %s = tile.scan add %g axis 0 : tensor<64xf32>
  %twice = arith.mulf %s, %s : tensor<64xf32>
  %gate = math.exp2 %twice : tensor<64xf32>
  %column = tile.broadcast %gate axes [0] : tensor<64xf32> -> tensor<64x64xf32>
  %o = arith.mulf %done, %column : tensor<64x64xf32>
  tile.store %o, %O[%c0, %c0] : tensor<64x64xf32>, memref<?x?xf32>
}
