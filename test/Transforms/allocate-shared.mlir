// RUN: heddle-opt %s --allocate-shared --split-input-file | FileCheck %s

!a = !aref.buffer<64x64xbf16, swizzle = 128>
!odd = !aref.buffer<8x24xbf16, swizzle = 0>

// Buffers and stages start at multiples of 1024; barriers follow.
// CHECK: tile.kernel @offsets
// CHECK-SAME: aref.shared_bytes = 26704 : i64
tile.kernel @offsets() {
  // CHECK: aref.alloc depth(3) offset(0)
  %a = aref.alloc depth(3) : !a
  // CHECK: aref.mbarriers count 1 offset(26624)
  %full = aref.mbarriers count 1 : !aref.mbarriers<3>
  // CHECK: aref.alloc depth(2) offset(24576)
  %odd = aref.alloc depth(2) : !odd
  // CHECK: aref.mbarriers count 4 offset(26656)
  %empty = aref.mbarriers count 4 : !aref.mbarriers<5>
}

// -----

!s = !aref.buffer<64x64xf32, swizzle = 128>
!t = !aref.buffer<64x128xbf16, swizzle = 128>

// CHECK-LABEL: tile.kernel @scratch
tile.kernel @scratch(%x: memref<?x?xf32>, %n: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  // Ordered by barriers in both directions: one place.
  // CHECK: aref.alloc depth(2) offset(0) : <64x64xf32
  %s = aref.alloc depth(2) : !s
  // CHECK: aref.alloc depth(2) offset(0) : <64x128xbf16
  %t = aref.alloc depth(2) : !t
  // No barrier after its last use: its own place.
  // CHECK: aref.alloc depth(2) offset(32768) : <64x64xf32
  %u = aref.alloc depth(2) : !s
  // Read before it is written, so that it is kept from one iteration to the
  // next: its own place.
  // CHECK: aref.alloc depth(2) offset(65536) : <64x64xf32
  %v = aref.alloc depth(2) : !s
  aref.role "consumer" instances(%i = 2) warps(4) {
    %f = arith.constant dense<0.0> : tensor<64x64xf32>
    %h = arith.constant dense<0.0> : tensor<64x128xbf16>
    scf.for %j = %c0 to %n step %c1 {
      %si = aref.stage %s[%i : index] : !s
      %ti = aref.stage %t[%i : index] : !t
      %ui = aref.stage %u[%i : index] : !s
      %vi = aref.stage %v[%i : index] : !s
      aref.sync
      aref.local_store %f, %si : tensor<64x64xf32>, !s
      aref.sync
      %0 = aref.local_load %si : !s -> tensor<64x64xf32>
      aref.sync
      aref.local_store %h, %ti : tensor<64x128xbf16>, !t
      aref.sync
      %1 = aref.local_load %ti : !t -> tensor<64x128xbf16>
      aref.local_store %f, %ui : tensor<64x64xf32>, !s
      aref.sync
      %2 = aref.local_load %ui : !s -> tensor<64x64xf32>
      %3 = aref.local_load %vi : !s -> tensor<64x64xf32>
      aref.sync
      aref.local_store %3, %vi : tensor<64x64xf32>, !s
    }
  }
}
