// Scans between products: gates of a chunk are summed up by the warps that
// multiply, are wanted along rows and along columns, and come to a number.
// RUN: heddle run %s --size T=200 --input G=zeros --check --sanitize=full --schedule=explore:4 | FileCheck %s
// RUN: heddle run %s --size T=65 --check --sanitize=full | FileCheck %s
// RUN: heddle run %s --size T=1 --check --sanitize=full | FileCheck %s
// RUN: heddle run %s --size T=0 --check | FileCheck %s
// CHECK: check O {{.*}}: ok
// CHECK: check S {{.*}}: ok

!chunk = tensor<64x64xbf16>
!square = tensor<64x64xf32>
!gates = tensor<64xf32>
!sequence = memref<?x64xbf16>
tile.kernel @gated(%Q: !sequence, %K: !sequence, %V: !sequence, %G: memref<?xf32>, %O: !sequence, %S: memref<64x64xf32>) {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %none = arith.constant 0.0 : f32
  %zero = arith.constant dense<0.0> : !square
  %hidden = arith.constant dense<0xFF800000> : !square
  %length = memref.dim %Q, %c0 : !sequence
  %i = tile.iota axis 0 : tensor<64x64xi32>
  %j = tile.iota axis 1 : tensor<64x64xi32>
  %sees = arith.cmpi sge, %i, %j : tensor<64x64xi32>
  %last = scf.for %t = %c0 to %length step %c64 iter_args(%s = %zero) -> (!square) {
    %q = tile.load %Q[%t, %c0] pad 0.0 : bf16 : !sequence -> !chunk
    %k = tile.load %K[%t, %c0] pad 0.0 : bf16 : !sequence -> !chunk
    %v = tile.load %V[%t, %c0] pad 0.0 : bf16 : !sequence -> !chunk
    %raw = tile.load %G[%t] pad 0.0 : f32 : memref<?xf32> -> !gates
    %size = math.absf %raw : !gates
    %g = arith.negf %size : !gates
    %sum = tile.scan add %g axis 0 : !gates
    %total = tile.reduce add %g, %none axis 0 : !gates -> f32
    %row = tile.broadcast %sum axes [1] : !gates -> !square
    %column = tile.broadcast %sum axes [0] : !gates -> !square
    %difference = arith.subf %row, %column : !square
    %masked = arith.select %sees, %difference, %hidden : tensor<64x64xi1>, !square
    %decay = math.exp2 %masked : !square
    %scores = tile.dot %q, %k, %zero transpose_b : !chunk, !chunk -> !square
    %weights = arith.mulf %scores, %decay : !square
    %p = arith.truncf %weights : !square to !chunk
    %old = arith.truncf %s : !square to !chunk
    %read = tile.dot %q, %old, %zero : !chunk, !chunk -> !square
    %faded = math.exp2 %row : !square
    %carried = arith.mulf %read, %faded : !square
    %sums = tile.dot %p, %v, %carried : !chunk, !chunk -> !square
    %o = arith.truncf %sums : !square to !chunk
    tile.store %o, %O[%t, %c0] : !chunk, !sequence
    %all = tensor.splat %total : !square
    %left = arith.subf %all, %row : !square
    %fade = math.exp2 %left : !square
    %wide = arith.extf %v : !chunk to !square
    %to_end = arith.mulf %wide, %fade : !square
    %w = arith.truncf %to_end : !square to !chunk
    %factor = math.exp2 %total : f32
    %factors = tensor.splat %factor : !square
    %kept = arith.mulf %s, %factors : !square
    %next = tile.dot %k, %w, %kept transpose_a : !chunk, !chunk -> !square
    scf.yield %next : !square
  }
  tile.store %last, %S[%c0, %c0] : !square, memref<64x64xf32>
}

tile.host @main[%T](%Q: !sequence[%T], %K: !sequence[%T], %V: !sequence[%T], %G: memref<?xf32>[%T], out %O: !sequence[%T], out %S: memref<64x64xf32>) {
  %c1 = arith.constant 1 : index
  tile.launch @gated grid(%c1) args(%Q, %K, %V, %G, %O, %S) : !sequence, !sequence, !sequence, memref<?xf32>, !sequence, memref<64x64xf32>
}
