// RUN: heddle-opt %s --convert-to-nvvm | FileCheck %s

!bytes = !aref.buffer<64x64xbf16, swizzle = 128>
#acc = #aref.layout<atom = [64, 8], register = [[0, 1], [8, 0]], lane = [[0, 2], [0, 4], [1, 0], [2, 0], [4, 0]], warp = [[16, 0], [32, 0]]>

// Addresses in a loop of products are not computed before it: they would take
// registers. Elsewhere they may be.
// CHECK-LABEL: @k
// CHECK-NOT: "mov.b32 $0, $1;"
// CHECK: nvvm.stmatrix
// CHECK: wgmma.mma_async
// CHECK-COUNT-2: "mov.b32 $0, $1;"
// CHECK: nvvm.stmatrix
tile.kernel @k(%n: index) attributes {tile.warps = 4} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %k = aref.alloc offset(0) : !bytes
  %zero = arith.constant dense<0.0> : tensor<64x64xf32, #acc>
  %p = arith.constant dense<1.0> : tensor<64x64xbf16, #acc>
  aref.local_store %p, %k : tensor<64x64xbf16, #acc>, !bytes
  %o = scf.for %j = %c0 to %n step %c1 iter_args(%sum = %zero) -> (tensor<64x64xf32, #acc>) {
    %d = aref.mma %k, %k, %sum : !bytes, !bytes -> tensor<64x64xf32, #acc>
    %w = aref.mma_wait %d pending 0 : tensor<64x64xf32, #acc>
    aref.local_store %p, %k : tensor<64x64xbf16, #acc>, !bytes
    scf.yield %w : tensor<64x64xf32, #acc>
  }
}

// Nor are those behind such a loop, if another loop is around both.
// CHECK-LABEL: @around
// CHECK: wgmma.mma_async
// CHECK-COUNT-2: "mov.b32 $0, $1;"
// CHECK: nvvm.stmatrix
tile.kernel @around(%n: index) attributes {tile.warps = 4} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %k = aref.alloc offset(0) : !bytes
  %zero = arith.constant dense<0.0> : tensor<64x64xf32, #acc>
  %p = arith.constant dense<1.0> : tensor<64x64xbf16, #acc>
  scf.for %i = %c0 to %n step %c1 {
    %o = scf.for %j = %c0 to %n step %c1 iter_args(%sum = %zero) -> (tensor<64x64xf32, #acc>) {
      %d = aref.mma %k, %k, %sum : !bytes, !bytes -> tensor<64x64xf32, #acc>
      %w = aref.mma_wait %d pending 0 : tensor<64x64xf32, #acc>
      scf.yield %w : tensor<64x64xf32, #acc>
    }
    aref.local_store %p, %k : tensor<64x64xbf16, #acc>, !bytes
  }
}
