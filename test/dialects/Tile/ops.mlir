// RUN: heddle-opt %s --verify-roundtrip | FileCheck %s

tile.kernel @matmul(%A: memref<?x?xbf16>, %B: memref<?x?xbf16>, %C: memref<?x?xbf16>) attributes {tile.raster = 8} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c64 = arith.constant 64 : index
  %c128 = arith.constant 128 : index
  %c256 = arith.constant 256 : index
  %bm = gpu.block_id x
  %bn = gpu.block_id y
  %m = arith.muli %bm, %c128 : index
  %n = arith.muli %bn, %c256 : index
  %K = memref.dim %A, %c1 : memref<?x?xbf16>
  %zero = arith.constant dense<0.0> : tensor<128x256xf32>
  %acc = scf.for %k = %c0 to %K step %c64 iter_args(%sum = %zero) -> (tensor<128x256xf32>) {
    %a = tile.load %A[%m, %k] pad 0.0 : bf16 : memref<?x?xbf16> -> tensor<128x64xbf16>
    %b = tile.load %B[%k, %n] pad 0.0 : bf16 : memref<?x?xbf16> -> tensor<64x256xbf16>
    %d = tile.dot %a, %b, %sum : tensor<128x64xbf16>, tensor<64x256xbf16> -> tensor<128x256xf32>
    scf.yield %d : tensor<128x256xf32>
  } {tile.stages = 3}
  %c = arith.truncf %acc : tensor<128x256xf32> to tensor<128x256xbf16>
  tile.store %c, %C[%m, %n] : tensor<128x256xbf16>, memref<?x?xbf16>
}

tile.host @gemm[%M, %N, %K](%A: memref<?x?xbf16>[%M, %K], %B: memref<?x?xbf16>[%K, %N], out %C: memref<?x?xbf16>[%M, %N]) {
  %c128 = arith.constant 128 : index
  %c256 = arith.constant 256 : index
  %gm = arith.ceildivui %M, %c128 : index
  %gn = arith.ceildivui %N, %c256 : index
  tile.launch @matmul grid(%gm, %gn) args(%A, %B, %C) : memref<?x?xbf16>, memref<?x?xbf16>, memref<?x?xbf16>
}

// CHECK-LABEL: tile.kernel @matmul(%A: memref<?x?xbf16>, %B: memref<?x?xbf16>
// CHECK-SAME: attributes {tile.raster = 8 : i64}
// CHECK: tile.load %A[%{{.*}}, %{{.*}}] pad 0.000000e+00 : bf16
// CHECK: tile.dot
// CHECK-NOT: tile.return
// CHECK-LABEL: tile.host @gemm[%M, %N, %K](%A: memref<?x?xbf16>[%M, %K], %B: memref<?x?xbf16>[%K, %N], out %C: memref<?x?xbf16>[%M, %N])
// CHECK: tile.launch @matmul grid(%{{.*}}, %{{.*}}) args(%A, %B, %C)

// CHECK-LABEL: tile.kernel @gather
// CHECK: tile.load %{{.*}}[%{{.*}} : tensor<4xi32>, %{{.*}}, %{{.*}} : tensor<4xindex>, %{{.*}}] pad
tile.kernel @gather(%x: memref<?x?x?x?xf32>, %i: index) {
  %a = tile.iota axis 0 : tensor<4xi32>
  %b = tile.iota axis 0 : tensor<4xindex>
  %t = tile.load %x[%a : tensor<4xi32>, %i, %b : tensor<4xindex>, %i] pad 0.0 : f32 : memref<?x?x?x?xf32> -> tensor<4x8xf32>
}

tile.kernel @count(%x: memref<?xi32>, %i: index) {
  %t = arith.constant dense<1> : tensor<4xi32>
  tile.store %t, %x[%i] reduce add : tensor<4xi32>, memref<?xi32>
}

tile.host @scratch[%N]() {
  %x = memref.alloc(%N) : memref<?xi32>
  tile.launch @count grid(%N) args(%x, %N) : memref<?xi32>, index
}

// CHECK-LABEL: tile.kernel @count
// CHECK: tile.store %{{.*}}, %x[%i] reduce add : tensor<4xi32>, memref<?xi32>
// CHECK-LABEL: tile.host @scratch
// CHECK: %[[X:.*]] = memref.alloc(%N) : memref<?xi32>
// CHECK: tile.launch @count grid(%N) args(%[[X]], %N)

// CHECK-LABEL: tile.kernel @total(
// CHECK: %[[S:.*]] = tile.reduce add %{{.*}}, %zero axis 0 : tensor<64xf32> -> f32
// CHECK: tile.recurrence %{{.*}}, %{{.*}}, %[[S]] axis 0 : tensor<64xf32>, f32
tile.kernel @total(%x: memref<?xf32>, %zero: f32) {
  %c0 = arith.constant 0 : index
  %t = tile.load %x[%c0] : memref<?xf32> -> tensor<64xf32>
  %s = tile.reduce add %t, %zero axis 0 : tensor<64xf32> -> f32
  %h, %last = tile.recurrence %t, %t, %s axis 0 : tensor<64xf32>, f32
  tile.store %h, %x[%c0] : tensor<64xf32>, memref<?xf32>
}

// Either word may come first.
// CHECK-LABEL: tile.kernel @scans(
// CHECK: tile.scan add %{{.*}} axis 0 : tensor<64xf32>
// CHECK: tile.scan max %{{.*}} axis 0 reverse exclusive : tensor<64xf32>
// CHECK: tile.recurrence %{{.*}}, %{{.*}}, %{{.*}} axis 1 reverse exclusive : tensor<4x8xbf16>, tensor<4xbf16>
tile.kernel @scans(%x: memref<?xf32>, %y: memref<?x?xbf16>) {
  %c0 = arith.constant 0 : index
  %t = tile.load %x[%c0] : memref<?xf32> -> tensor<64xf32>
  %s = tile.scan add %t axis 0 : tensor<64xf32>
  %r = tile.scan max %s axis 0 exclusive reverse : tensor<64xf32>
  tile.store %r, %x[%c0] : tensor<64xf32>, memref<?xf32>
  %a = tile.load %y[%c0, %c0] : memref<?x?xbf16> -> tensor<4x8xbf16>
  %none = arith.constant dense<0.0> : tensor<4xbf16>
  %h, %last = tile.recurrence %a, %a, %none axis 1 reverse exclusive : tensor<4x8xbf16>, tensor<4xbf16>
  tile.store %h, %y[%c0, %c0] : tensor<4x8xbf16>, memref<?x?xbf16>
}

tile.kernel @invert(%a: f32) {
  %t = tensor.splat %a : tensor<63x63xf32>
  %x = tile.tri_inverse %t : tensor<63x63xf32>
  %y = tile.tri_inverse %x precision tf32 : tensor<63x63xf32>
  %z = tile.tri_inverse %y precision f16 : tensor<63x63xf32>
}

// CHECK-LABEL: tile.kernel @invert
// CHECK: tile.tri_inverse %{{.*}} : tensor<63x63xf32>{{$}}
// CHECK: tile.tri_inverse %{{.*}} precision tf32 : tensor<63x63xf32>{{$}}
// CHECK: tile.tri_inverse %{{.*}} precision f16 : tensor<63x63xf32>{{$}}
