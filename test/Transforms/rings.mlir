// RUN: heddle-opt %s --pass-pipeline="builtin.module(tile.kernel(verify-target),version-kernels,tile.kernel(make-persistent,assign-roles,insert-arefs,split-roles,split-instances,canonicalize,pipeline-mma,lower-copies,plan-stages,verify-arefs,lower-arefs,allocate-shared))" | FileCheck %s --implicit-check-not=aref.ring --implicit-check-not=!aref.slot --implicit-check-not=tile.dot

// Kernels of many shapes from tiles to barriers: nested loops, conditions, while
// loops, several rings, operands in registers and in scratch. Every one passes
// verify-arefs on the way, with copies by the TMA and by threads.

// CHECK: tile.kernel @attention(
// CHECK-SAME: aref.shared_bytes
// CHECK: tile.kernel @attention_plain(
// CHECK-SAME: aref.shared_bytes
tile.kernel @attention(%Q: memref<?x128xbf16>, %K: memref<?x128xbf16>, %V: memref<?x128xbf16>, %O: memref<?x128xbf16>, %scale: f32) {
  %c0 = arith.constant 0 : index
  %c128 = arith.constant 128 : index
  %b = gpu.block_id x
  %m = arith.muli %b, %c128 : index
  %N = memref.dim %K, %c0 : memref<?x128xbf16>
  %zs = arith.constant dense<0.0> : tensor<128x128xf32>
  %zo = arith.constant dense<0.0> : tensor<128x128xf32>
  %mi = arith.constant dense<-1.0e30> : tensor<128xf32>
  %li = arith.constant dense<0.0> : tensor<128xf32>
  %sc = tensor.splat %scale : tensor<128x128xf32>
  %q = tile.load %Q[%m, %c0] pad 0.0 : bf16 : memref<?x128xbf16> -> tensor<128x128xbf16>
  %r:3 = scf.for %j = %c0 to %N step %c128 iter_args(%o = %zo, %mx = %mi, %l = %li) -> (tensor<128x128xf32>, tensor<128xf32>, tensor<128xf32>) {
    %k = tile.load %K[%j, %c0] pad 0.0 : bf16 : memref<?x128xbf16> -> tensor<128x128xbf16>
    %s0 = tile.dot %q, %k, %zs transpose_b : tensor<128x128xbf16>, tensor<128x128xbf16> -> tensor<128x128xf32>
    %s = arith.mulf %s0, %sc : tensor<128x128xf32>
    %m2 = tile.reduce max %s, %mx axis 1 : tensor<128x128xf32> -> tensor<128xf32>
    %mb = tile.broadcast %m2 axes [1] : tensor<128xf32> -> tensor<128x128xf32>
    %d = arith.subf %s, %mb : tensor<128x128xf32>
    %p = math.exp2 %d : tensor<128x128xf32>
    %da = arith.subf %mx, %m2 : tensor<128xf32>
    %al = math.exp2 %da : tensor<128xf32>
    %l1 = arith.mulf %l, %al : tensor<128xf32>
    %l2 = tile.reduce add %p, %l1 axis 1 : tensor<128x128xf32> -> tensor<128xf32>
    %ab = tile.broadcast %al axes [1] : tensor<128xf32> -> tensor<128x128xf32>
    %o1 = arith.mulf %o, %ab : tensor<128x128xf32>
    %pb = arith.truncf %p : tensor<128x128xf32> to tensor<128x128xbf16>
    %v = tile.load %V[%j, %c0] pad 0.0 : bf16 : memref<?x128xbf16> -> tensor<128x128xbf16>
    %o2 = tile.dot %pb, %v, %o1 : tensor<128x128xbf16>, tensor<128x128xbf16> -> tensor<128x128xf32>
    scf.yield %o2, %m2, %l2 : tensor<128x128xf32>, tensor<128xf32>, tensor<128xf32>
  }
  %lb = tile.broadcast %r#2 axes [1] : tensor<128xf32> -> tensor<128x128xf32>
  %on = arith.divf %r#0, %lb : tensor<128x128xf32>
  %ob = arith.truncf %on : tensor<128x128xf32> to tensor<128x128xbf16>
  tile.store %ob, %O[%m, %c0] : tensor<128x128xbf16>, memref<?x128xbf16>
}

// CHECK: tile.kernel @fp8(
// CHECK-SAME: aref.shared_bytes
// CHECK: tile.kernel @fp8_plain(
// CHECK-SAME: aref.shared_bytes
tile.kernel @fp8(%A: memref<?x?xf8E4M3FN>, %B: memref<?x?xf8E5M2>, %C: memref<?x?xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c128 = arith.constant 128 : index
  %bm = gpu.block_id x
  %bn = gpu.block_id y
  %m = arith.muli %bm, %c128 : index
  %n = arith.muli %bn, %c128 : index
  %K = memref.dim %A, %c1 : memref<?x?xf8E4M3FN>
  %z = arith.constant dense<0.0> : tensor<128x128xf32>
  %r = scf.for %k = %c0 to %K step %c128 iter_args(%acc = %z) -> (tensor<128x128xf32>) {
    %a = tile.load %A[%m, %k] pad 0.0 : f8E4M3FN : memref<?x?xf8E4M3FN> -> tensor<128x128xf8E4M3FN>
    %b = tile.load %B[%n, %k] pad 0.0 : f8E5M2 : memref<?x?xf8E5M2> -> tensor<128x128xf8E5M2>
    %d = tile.dot %a, %b, %acc transpose_b : tensor<128x128xf8E4M3FN>, tensor<128x128xf8E5M2> -> tensor<128x128xf32>
    scf.yield %d : tensor<128x128xf32>
  }
  tile.store %r, %C[%m, %n] : tensor<128x128xf32>, memref<?x?xf32>
}

// CHECK: tile.kernel @scratch(
// CHECK-SAME: aref.shared_bytes
// CHECK: tile.kernel @scratch_plain(
// CHECK-SAME: aref.shared_bytes
tile.kernel @scratch(%A: memref<?x?xf16>, %B: memref<?x?xf16>, %C: memref<?x?xf32>) {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %c128 = arith.constant 128 : index
  %bm = gpu.block_id x
  %m = arith.muli %bm, %c128 : index
  %K = memref.dim %A, %c0 : memref<?x?xf16>
  %z = arith.constant dense<0.0> : tensor<128x64xf32>
  %r = scf.for %k = %c0 to %K step %c64 iter_args(%acc = %z) -> (tensor<128x64xf32>) {
    %a = tile.load %A[%k, %m] pad 0.0 : f16 : memref<?x?xf16> -> tensor<64x128xf16>
    %b = tile.load %B[%k, %c0] pad 0.0 : f16 : memref<?x?xf16> -> tensor<64x64xf16>
    %a2 = arith.addf %a, %a : tensor<64x128xf16>
    %d = tile.dot %a2, %b, %acc transpose_a : tensor<64x128xf16>, tensor<64x64xf16> -> tensor<128x64xf32>
    scf.yield %d : tensor<128x64xf32>
  }
  tile.store %r, %C[%m, %c0] : tensor<128x64xf32>, memref<?x?xf32>
}

// CHECK: tile.kernel @condition(
// CHECK-SAME: aref.shared_bytes
// CHECK: tile.kernel @condition_plain(
// CHECK-SAME: aref.shared_bytes
tile.kernel @condition(%A: memref<?x?xf16>, %B: memref<?x?xf16>, %C: memref<?x?xf32>, %n: index) {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %c128 = arith.constant 128 : index
  %bm = gpu.block_id x
  %m = arith.muli %bm, %c128 : index
  %K = memref.dim %A, %c0 : memref<?x?xf16>
  %z = arith.constant dense<0.0> : tensor<128x64xf32>
  %r = scf.for %k = %c0 to %K step %c64 iter_args(%acc = %z) -> (tensor<128x64xf32>) {
    %p = arith.cmpi slt, %k, %n : index
    %r1 = scf.if %p -> (tensor<128x64xf32>) {
      %a = tile.load %A[%k, %m] pad 0.0 : f16 : memref<?x?xf16> -> tensor<64x128xf16>
      %b = tile.load %B[%k, %c0] pad 0.0 : f16 : memref<?x?xf16> -> tensor<64x64xf16>
      %d = tile.dot %a, %b, %acc transpose_a : tensor<64x128xf16>, tensor<64x64xf16> -> tensor<128x64xf32>
      scf.yield %d : tensor<128x64xf32>
    } else {
      scf.yield %acc : tensor<128x64xf32>
    }
    scf.yield %r1 : tensor<128x64xf32>
  }
  tile.store %r, %C[%m, %c0] : tensor<128x64xf32>, memref<?x?xf32>
}

// CHECK: tile.kernel @nested(
// CHECK-SAME: aref.shared_bytes
// CHECK: tile.kernel @nested_plain(
// CHECK-SAME: aref.shared_bytes
tile.kernel @nested(%A: memref<?x?xf32>, %B: memref<?x?xf32>, %C: memref<?x?xf32>, %n: index) {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %c1 = arith.constant 1 : index
  %z = arith.constant dense<1.0> : tensor<64x64xf32>
  %b = tile.load %B[%c0, %c0] pad 0.0 : f32 : memref<?x?xf32> -> tensor<64x64xf32>
  %r = scf.for %k = %c0 to %n step %c1 iter_args(%acc = %z) -> (tensor<64x64xf32>) {
    %i = scf.for %j = %c0 to %n step %c1 iter_args(%acc2 = %acc) -> (tensor<64x64xf32>) {
      %a = tile.load %A[%k, %j] pad 0.0 : f32 : memref<?x?xf32> -> tensor<64x64xf32>
      %d = tile.dot %a, %b, %acc2 transpose_b precision tf32 : tensor<64x64xf32>, tensor<64x64xf32> -> tensor<64x64xf32>
      scf.yield %d : tensor<64x64xf32>
    }
    %a = tile.load %A[%k, %k] pad 0.0 : f32 : memref<?x?xf32> -> tensor<64x64xf32>
    %x = tile.dot %a, %i, %i transpose_b precision tf32 : tensor<64x64xf32>, tensor<64x64xf32> -> tensor<64x64xf32>
    scf.yield %x : tensor<64x64xf32>
  }
  tile.store %r, %C[%c0, %c0] : tensor<64x64xf32>, memref<?x?xf32>
}

// CHECK: tile.kernel @while(
// CHECK-SAME: aref.shared_bytes
// CHECK: tile.kernel @while_plain(
// CHECK-SAME: aref.shared_bytes
tile.kernel @while(%A: memref<?x?xi8>, %C: memref<?x?xi32>, %n: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %z = arith.constant dense<1> : tensor<256x64xi32>
  %r:2 = scf.while (%k = %c0, %acc = %z) : (index, tensor<256x64xi32>) -> (index, tensor<256x64xi32>) {
    %p = arith.cmpi slt, %k, %n : index
    scf.condition(%p) %k, %acc : index, tensor<256x64xi32>
  } do {
  ^bb0(%k: index, %acc: tensor<256x64xi32>):
    %a = tile.load %A[%k, %c0] pad 0 : i8 : memref<?x?xi8> -> tensor<256x64xi8>
    %b = tile.load %A[%k, %c1] pad 0 : i8 : memref<?x?xi8> -> tensor<64x64xi8>
    %d = tile.dot %a, %b, %acc transpose_b : tensor<256x64xi8>, tensor<64x64xi8> -> tensor<256x64xi32>
    %k1 = arith.addi %k, %c1 : index
    scf.yield %k1, %d : index, tensor<256x64xi32>
  }
  tile.store %r#1, %C[%c0, %c0] : tensor<256x64xi32>, memref<?x?xi32>
}

// CHECK: tile.kernel @gated(
// CHECK-SAME: aref.shared_bytes
// CHECK: aref.mma_wait %{{.*}}, %{{.*}} pending 2
// CHECK: tile.kernel @gated_plain(
// CHECK-SAME: aref.shared_bytes
tile.kernel @gated(%A: memref<?x?xbf16>, %B: memref<?x?xbf16>, %C: memref<?x?xbf16>, %O: memref<?x?xf32>, %n: index) {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %c128 = arith.constant 128 : index
  %bm = gpu.block_id x
  %m = arith.muli %bm, %c128 : index
  %z = arith.constant dense<0.0> : tensor<128x64xf32>
  %r:2 = scf.for %k = %c0 to %n step %c64 iter_args(%x = %z, %y = %z) -> (tensor<128x64xf32>, tensor<128x64xf32>) {
    %a = tile.load %A[%m, %k] pad 0.0 : bf16 : memref<?x?xbf16> -> tensor<128x64xbf16>
    %b = tile.load %B[%k, %c0] pad 0.0 : bf16 : memref<?x?xbf16> -> tensor<64x64xbf16>
    %c = tile.load %C[%k, %c0] pad 0.0 : bf16 : memref<?x?xbf16> -> tensor<64x64xbf16>
    %d = tile.dot %a, %b, %x : tensor<128x64xbf16>, tensor<64x64xbf16> -> tensor<128x64xf32>
    %e = tile.dot %a, %c, %y : tensor<128x64xbf16>, tensor<64x64xbf16> -> tensor<128x64xf32>
    scf.yield %d, %e : tensor<128x64xf32>, tensor<128x64xf32>
  }
  %o = arith.mulf %r#0, %r#1 : tensor<128x64xf32>
  tile.store %o, %O[%m, %c0] : tensor<128x64xf32>, memref<?x?xf32>
}
