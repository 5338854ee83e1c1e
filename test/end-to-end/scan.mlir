// Scans and recurrences along either axis, in both directions, with chunks that
// pass their last state on.
// RUN: heddle run %s --entry=chunks --size T=1000 --size D=130 --check --sanitize=full --schedule=explore:4 | FileCheck %s
// RUN: heddle run %s --entry=chunks --size T=0 --size D=130 --check --sanitize=full | FileCheck %s
// RUN: heddle run %s --entry=chunks --size T=1 --size D=1 --check --sanitize=full | FileCheck %s
// RUN: heddle run %s --entry=chunks --size T=63 --size D=129 --check --sanitize=full | FileCheck %s
// RUN: heddle run %s --entry=chunks --size T=65 --size D=3 --check --sanitize=full | FileCheck %s
// CHECK: check Y {{.*}}: ok
// CHECK: check Last {{.*}}: ok

// RUN: heddle run %s --entry=shapes --check --sanitize=full --schedule=explore:4 | FileCheck %s --check-prefix=SHAPES
// SHAPES-COUNT-7: : ok
// RUN: heddle run %s --entry=totals --check --sanitize=full --schedule=explore:4 | FileCheck %s --check-prefix=TOTALS
// TOTALS: check Y {{.*}}: ok

// A chunk of 64 steps for 128 channels: each thread has a channel.
!chunk = tensor<64x128xf32>
!state = tensor<128xf32>
tile.kernel @chunk_recurrence(%a: memref<?x?xf32>, %b: memref<?x?xf32>, %h0: memref<?xf32>, %y: memref<?x?xf32>, %last: memref<?xf32>) {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %c128 = arith.constant 128 : index
  %block = gpu.block_id x
  %d = arith.muli %block, %c128 : index
  %t_end = memref.dim %a, %c0 : memref<?x?xf32>
  %init = tile.load %h0[%d] pad 0.0 : f32 : memref<?xf32> -> !state
  %one = arith.constant dense<1.0> : !chunk
  %end = scf.for %t = %c0 to %t_end step %c64 iter_args(%h = %init) -> (!state) {
    // Steps behind the end change nothing.
    %f = tile.load %a[%t, %d] pad 1.0 : f32 : memref<?x?xf32> -> !chunk
    %x = tile.load %b[%t, %d] pad 0.0 : f32 : memref<?x?xf32> -> !chunk
    %hs, %next = tile.recurrence %f, %x, %h axis 0 : !chunk, !state
    tile.store %hs, %y[%t, %d] : !chunk, memref<?x?xf32>
    scf.yield %next : !state
  }
  tile.store %end, %last[%d] : !state, memref<?xf32>
}

tile.host @chunks[%T, %D](%A: memref<?x?xf32>[%T, %D], %B: memref<?x?xf32>[%T, %D], %H: memref<?xf32>[%D], out %Y: memref<?x?xf32>[%T, %D], out %Last: memref<?xf32>[%D]) {
  %c128 = arith.constant 128 : index
  %blocks = arith.ceildivui %D, %c128 : index
  tile.launch @chunk_recurrence grid(%blocks) args(%A, %B, %H, %Y, %Last) : memref<?x?xf32>, memref<?x?xf32>, memref<?xf32>, memref<?x?xf32>, memref<?xf32>
}

// A vector that every warp scans, and a long one that warps share.
tile.kernel @vectors(%x: memref<6000xf32>, %y: memref<6000xf32>, %z: memref<6000xf32>, %i: memref<6000xi64>, %j: memref<6000xi64>) {
  %c0 = arith.constant 0 : index
  %short = tile.load %x[%c0] : memref<6000xf32> -> tensor<65xf32>
  %s0 = tile.scan max %short axis 0 exclusive : tensor<65xf32>
  tile.store %s0, %y[%c0] : tensor<65xf32>, memref<6000xf32>
  %c100 = arith.constant 100 : index
  %long = tile.load %x[%c100] : memref<6000xf32> -> tensor<4096xf32>
  %s1 = tile.scan add %long axis 0 reverse : tensor<4096xf32>
  tile.store %s1, %y[%c100] : tensor<4096xf32>, memref<6000xf32>
  %s2 = tile.scan min %long axis 0 exclusive reverse : tensor<4096xf32>
  tile.store %s2, %z[%c100] : tensor<4096xf32>, memref<6000xf32>
  %k = tile.load %i[%c0] : memref<6000xi64> -> tensor<3072xi64>
  %s3 = tile.scan add %k axis 0 : tensor<3072xi64>
  tile.store %s3, %j[%c0] : tensor<3072xi64>, memref<6000xi64>
}

// Few lines and many steps, along the last axis and along another one; 16 bits
// are added up in 32.
tile.kernel @matrices(%x: memref<96x96xf32>, %r: memref<96x96xf32>, %e: memref<96x96xf32>, %last: memref<96xf32>, %p: memref<96x96xbf16>, %q: memref<96x96xbf16>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %half = arith.constant dense<0.5> : tensor<96x8xf32>
  %t = tile.load %x[%c0, %c0] : memref<96x96xf32> -> tensor<96x8xf32>
  %init = tile.load %x[%c1, %c1] : memref<96x96xf32> -> tensor<1x8xf32>
  %none = arith.constant dense<0.0> : tensor<8xf32>
  %h0 = tile.reduce add %init, %none axis 0 : tensor<1x8xf32> -> tensor<8xf32>
  %h, %l = tile.recurrence %half, %t, %h0 axis 0 reverse : tensor<96x8xf32>, tensor<8xf32>
  tile.store %h, %r[%c0, %c0] : tensor<96x8xf32>, memref<96x96xf32>
  tile.store %l, %last[%c0] : tensor<8xf32>, memref<96xf32>
  %u = tile.load %x[%c0, %c1] : memref<96x96xf32> -> tensor<2x72xf32>
  %v = tile.load %x[%c1, %c0] : memref<96x96xf32> -> tensor<2x72xf32>
  %zero = arith.constant dense<0.0> : tensor<2xf32>
  %g, %m = tile.recurrence %u, %v, %zero axis 1 exclusive : tensor<2x72xf32>, tensor<2xf32>
  tile.store %g, %e[%c0, %c0] : tensor<2x72xf32>, memref<96x96xf32>
  %c8 = arith.constant 8 : index
  tile.store %m, %last[%c8] : tensor<2xf32>, memref<96xf32>
  %n = tile.load %p[%c0, %c0] : memref<96x96xbf16> -> tensor<96x96xbf16>
  %s = tile.scan add %n axis 0 exclusive : tensor<96x96xbf16>
  tile.store %s, %q[%c0, %c0] : tensor<96x96xbf16>, memref<96x96xbf16>
}

// What a vector comes to is a number that every thread knows: of one that each
// warp has, and of one that warps share.
tile.kernel @numbers(%x: memref<6000xf32>, %y: memref<6000xf32>) {
  %c0 = arith.constant 0 : index
  %c100 = arith.constant 100 : index
  %zero = arith.constant 0.0 : f32
  %short = tile.load %x[%c0] : memref<6000xf32> -> tensor<64xf32>
  %sum = tile.reduce add %short, %zero axis 0 : tensor<64xf32> -> f32
  %sums = tile.scan add %short axis 0 : tensor<64xf32>
  %all = tensor.splat %sum : tensor<64xf32>
  %rest = arith.subf %all, %sums : tensor<64xf32>
  tile.store %rest, %y[%c0] : tensor<64xf32>, memref<6000xf32>
  %long = tile.load %x[%c100] : memref<6000xf32> -> tensor<4096xf32>
  %most = tile.reduce max %long, %sum axis 0 : tensor<4096xf32> -> f32
  %half = arith.constant dense<0.5> : tensor<4096xf32>
  %h, %last = tile.recurrence %half, %long, %most axis 0 : tensor<4096xf32>, f32
  %last_half = tensor.splat %last : tensor<4096xf32>
  %o = arith.addf %h, %last_half : tensor<4096xf32>
  tile.store %o, %y[%c100] : tensor<4096xf32>, memref<6000xf32>
}

tile.host @totals[](%X: memref<6000xf32>, out %Y: memref<6000xf32>) {
  %c1 = arith.constant 1 : index
  tile.launch @numbers grid(%c1) args(%X, %Y) : memref<6000xf32>, memref<6000xf32>
}

tile.host @shapes[](%X: memref<6000xf32>, out %Y: memref<6000xf32>, out %Z: memref<6000xf32>, %I: memref<6000xi64>, out %J: memref<6000xi64>, %M: memref<96x96xf32>, out %R: memref<96x96xf32>, out %E: memref<96x96xf32>, out %Last: memref<96xf32>, %P: memref<96x96xbf16>, out %Q: memref<96x96xbf16>) {
  %c1 = arith.constant 1 : index
  tile.launch @vectors grid(%c1) args(%X, %Y, %Z, %I, %J) : memref<6000xf32>, memref<6000xf32>, memref<6000xf32>, memref<6000xi64>, memref<6000xi64>
  tile.launch @matrices grid(%c1) args(%M, %R, %E, %Last, %P, %Q) : memref<96x96xf32>, memref<96x96xf32>, memref<96x96xf32>, memref<96xf32>, memref<96x96xbf16>, memref<96x96xbf16>
}
