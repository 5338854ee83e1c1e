// The inverse of a product feeds another, by itself and by two warpgroups.
// DEFINE: %{run} = heddle run %s --check --sanitize=full
// RUN: %{run} --entry chunks --size T=0 | FileCheck %s
// RUN: %{run} --entry chunks --size T=1 | FileCheck %s
// RUN: %{run} --entry chunks --size T=63 | FileCheck %s
// RUN: %{run} --entry chunks --size T=65 --schedule=explore:4 | FileCheck %s
// RUN: %{run} --entry shared --size T=1 | FileCheck %s
// RUN: %{run} --entry shared --size T=129 --schedule=explore:4 | FileCheck %s
// CHECK: check U ({{.*}} of f32): ok

// The U of a delta rule: the inverse of a product feeds another.
tile.kernel @wy(%K: memref<?x128xbf16>, %V: memref<?x128xbf16>, %U: memref<?x128xf32>) {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %b = gpu.block_id x
  %row = arith.muli %b, %c64 : index
  %zero = arith.constant dense<0.0> : tensor<64x64xf32>
  %none = arith.constant dense<0.0> : tensor<64x128xf32>
  %scale = arith.constant dense<0.0078125> : tensor<64x64xf32>
  %k = tile.load %K[%row, %c0] pad 0.0 : bf16 : memref<?x128xbf16> -> tensor<64x128xbf16>
  %g = tile.dot %k, %k, %zero transpose_b : tensor<64x128xbf16>, tensor<64x128xbf16> -> tensor<64x64xf32>
  %l = arith.mulf %g, %scale : tensor<64x64xf32>
  %t = tile.tri_inverse %l precision tf32 : tensor<64x64xf32>
  %tb = arith.truncf %t : tensor<64x64xf32> to tensor<64x64xbf16>
  %v = tile.load %V[%row, %c0] pad 0.0 : bf16 : memref<?x128xbf16> -> tensor<64x128xbf16>
  %u = tile.dot %tb, %v, %none : tensor<64x64xbf16>, tensor<64x128xbf16> -> tensor<64x128xf32>
  tile.store %u, %U[%row, %c0] : tensor<64x128xf32>, memref<?x128xf32>
}
tile.host @chunks[%T](%K: memref<?x128xbf16>[%T], %V: memref<?x128xbf16>[%T], out %U: memref<?x128xf32>[%T]) {
  %c64 = arith.constant 64 : index
  %n = arith.ceildivui %T, %c64 : index
  tile.launch @wy grid(%n) args(%K, %V, %U) : memref<?x128xbf16>, memref<?x128xbf16>, memref<?x128xf32>
}

tile.kernel @rotate(%A: memref<64x64xf32>, %Q: memref<?x64xbf16>, %U: memref<?x64xf32>) {
  %c0 = arith.constant 0 : index
  %c128 = arith.constant 128 : index
  %b = gpu.block_id x
  %row = arith.muli %b, %c128 : index
  %none = arith.constant dense<0.0> : tensor<128x64xf32>
  %scale = arith.constant dense<0.125> : tensor<64x64xf32>
  %a = tile.load %A[%c0, %c0] : memref<64x64xf32> -> tensor<64x64xf32>
  %l = arith.mulf %a, %scale : tensor<64x64xf32>
  %t = tile.tri_inverse %l precision tf32 : tensor<64x64xf32>
  %tb = arith.truncf %t : tensor<64x64xf32> to tensor<64x64xbf16>
  %q = tile.load %Q[%row, %c0] pad 0.0 : bf16 : memref<?x64xbf16> -> tensor<128x64xbf16>
  %u = tile.dot %q, %tb, %none : tensor<128x64xbf16>, tensor<64x64xbf16> -> tensor<128x64xf32>
  tile.store %u, %U[%row, %c0] : tensor<128x64xf32>, memref<?x64xf32>
}
tile.host @shared[%T](%A: memref<64x64xf32>, %Q: memref<?x64xbf16>[%T], out %U: memref<?x64xf32>[%T]) {
  %c128 = arith.constant 128 : index
  %n = arith.ceildivui %T, %c128 : index
  tile.launch @rotate grid(%n) args(%A, %Q, %U) : memref<64x64xf32>, memref<?x64xbf16>, memref<?x64xf32>
}
