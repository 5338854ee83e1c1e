// Scans of a product that two warpgroups share out: lines are one warpgroup's own,
// and a vector that is wanted along the columns is scanned by each.
// RUN: heddle run %s --size M=300 --check --sanitize=full --schedule=explore:4 | FileCheck %s
// RUN: heddle run %s --size M=1 --check --sanitize=full | FileCheck %s
// RUN: heddle run %s --size M=0 --check | FileCheck %s
// RUN: heddle explain %s | FileCheck %s --check-prefix=ROLES
// CHECK: check C {{.*}}: ok
// CHECK: check E {{.*}}: ok
// ROLES: consumer  2

tile.kernel @shared_out(%A: memref<?x?xbf16>, %B: memref<?x?xbf16>, %G: memref<?xf32>, %D: memref<?xf32>, %C: memref<?x?xf32>, %E: memref<?xf32>) {
  %c0 = arith.constant 0 : index
  %c128 = arith.constant 128 : index
  %none = arith.constant 0.0 : f32
  %block = gpu.block_id x
  %m = arith.muli %block, %c128 : index
  %zero = arith.constant dense<0.0> : tensor<128x128xf32>
  %a = tile.load %A[%m, %c0] pad 0.0 : bf16 : memref<?x?xbf16> -> tensor<128x64xbf16>
  %b = tile.load %B[%c0, %c0] pad 0.0 : bf16 : memref<?x?xbf16> -> tensor<64x128xbf16>
  %d = tile.dot %a, %b, %zero : tensor<128x64xbf16>, tensor<64x128xbf16> -> tensor<128x128xf32>
  %g = tile.load %G[%c0] pad 0.0 : f32 : memref<?xf32> -> tensor<128xf32>
  %gs = tile.scan add %g axis 0 : tensor<128xf32>
  %total = tile.reduce add %g, %none axis 0 : tensor<128xf32> -> f32
  %gw = tile.broadcast %gs axes [0] : tensor<128xf32> -> tensor<128x128xf32>
  %dg = arith.addf %d, %gw : tensor<128x128xf32>
  %tt = tensor.splat %total : tensor<128x128xf32>
  %dt = arith.addf %dg, %tt : tensor<128x128xf32>
  %s = tile.scan max %dt axis 1 reverse : tensor<128x128xf32>
  %half = arith.constant dense<0.5> : tensor<128x128xf32>
  %init = tile.load %D[%m] pad 0.0 : f32 : memref<?xf32> -> tensor<128xf32>
  %h, %last = tile.recurrence %half, %s, %init axis 1 : tensor<128x128xf32>, tensor<128xf32>
  tile.store %h, %C[%m, %c0] : tensor<128x128xf32>, memref<?x?xf32>
  tile.store %last, %E[%m] : tensor<128xf32>, memref<?xf32>
}
tile.host @main[%M](%A: memref<?x64xbf16>[%M], %B: memref<64x128xbf16>, %G: memref<128xf32>, %D: memref<?xf32>[%M], out %C: memref<?x128xf32>[%M], out %E: memref<?xf32>[%M]) {
  %c128 = arith.constant 128 : index
  %blocks = arith.ceildivui %M, %c128 : index
  tile.launch @shared_out grid(%blocks) args(%A, %B, %G, %D, %C, %E) : memref<?x64xbf16>, memref<64x128xbf16>, memref<128xf32>, memref<?xf32>, memref<?x128xf32>, memref<?xf32>
}
