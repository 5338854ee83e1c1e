// RUN: heddle-opt %s --check-indices | FileCheck %s

// CHECK-LABEL: tile.kernel @elements
// CHECK-SAME: %[[TABLE:.*]]: memref<?x8xi32>, %[[I:.*]]: index
tile.kernel @elements(%table: memref<?x8xi32>, %i: index) {
  %c7 = arith.constant 7 : index
  // CHECK: %[[SIZE:.*]] = memref.dim %[[TABLE]], %{{.*}} : memref<?x8xi32>
  // CHECK: %[[INSIDE:.*]] = arith.cmpi ult, %[[I]], %[[SIZE]] : index
  // CHECK: aref.check %[[INSIDE]], "index 0 of a view is outside of it"
  // What is known needs no check.
  // CHECK-NOT: aref.check
  // CHECK: %[[X:.*]] = memref.load %[[TABLE]]
  %x = memref.load %table[%i, %c7] : memref<?x8xi32>
  // CHECK: aref.check %{{.*}}, "index 0 of a view is outside of it"
  // CHECK: aref.check %{{.*}}, "index 1 of a view is outside of it"
  // CHECK: memref.store %[[X]]
  memref.store %x, %table[%i, %i] : memref<?x8xi32>
}

// Offsets that memory decides are checked if the tile has no extent there.
// CHECK-LABEL: tile.kernel @pages
tile.kernel @pages(%table: memref<?xi32>, %K: memref<?x?x64x64xbf16>, %n: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %h = gpu.block_id x
  // CHECK: scf.for
  %last = scf.for %i = %c0 to %n step %c1 iter_args(%p = %c0) -> index {
    %e = memref.load %table[%i] : memref<?xi32>
    %next = arith.index_cast %e : i32 to index
    // CHECK: %[[NEXT:.*]] = arith.index_cast
    // CHECK: %[[POOL:.*]] = memref.dim
    // CHECK: %[[INSIDE:.*]] = arith.cmpi ult, %[[NEXT]], %[[POOL]]
    // CHECK: aref.check %[[INSIDE]], "offset 0 of a view is outside of it, and the load has no pad"
    // CHECK-NOT: aref.check
    // CHECK: tile.load
    %k = tile.load %K[%next, %h, %next, %c0] : memref<?x?x64x64xbf16> -> tensor<64x64xbf16>
    // Page 0 and those of earlier iterations.
    // CHECK: aref.check
    // CHECK: tile.load
    %l = tile.load %K[%p, %h, %c0, %c0] : memref<?x?x64x64xbf16> -> tensor<64x64xbf16>
    // CHECK-NOT: aref.check
    %m = tile.load %K[%next, %h, %c0, %c0] pad 0.0 : bf16 : memref<?x?x64x64xbf16> -> tensor<64x64xbf16>
    scf.yield %next : index
  }
}

// CHECK-LABEL: tile.kernel @parts
// CHECK-SAME: %[[A:.*]]: memref<?x64xf32>, %[[FIRST:.*]]: index, %[[COUNT:.*]]: index
tile.kernel @parts(%A: memref<?x64xf32>, %first: index, %count: index) {
  // CHECK: %[[SIZE:.*]] = memref.dim %[[A]]
  // CHECK: %[[BEFORE:.*]] = arith.addi %[[COUNT]], %{{.*}} : index
  // CHECK: %[[LAST:.*]] = arith.addi %[[BEFORE]], %[[FIRST]] : index
  // CHECK: arith.cmpi ult, %[[FIRST]], %[[SIZE]]
  // CHECK: arith.cmpi ult, %[[LAST]], %[[SIZE]]
  // CHECK: arith.cmpi sgt, %[[COUNT]]
  // CHECK: arith.cmpi eq, %[[COUNT]]
  // CHECK: aref.check %{{.*}}, "a part of a view is outside of it along dimension 0"
  // CHECK-NOT: aref.check
  // CHECK: memref.subview
  %v = memref.subview %A[%first, 0] [%count, 64] [1, 1] : memref<?x64xf32> to memref<?x64xf32, strided<[64, 1], offset: ?>>
}

// What the producer checks, the consumer need not check among products.
// CHECK-LABEL: tile.kernel @roles
// CHECK: aref.role "producer"
// CHECK: aref.check
// CHECK: memref.load
// CHECK: aref.check
// CHECK: memref.load
// CHECK: aref.role "consumer"
// CHECK: aref.check
// CHECK: memref.load
// CHECK: scf.for
// CHECK-NOT: aref.check
// CHECK: memref.load
// CHECK: aref.check
// CHECK: memref.load
!bytes = !aref.buffer<64x64xbf16, swizzle = 128>
tile.kernel @roles(%lengths: memref<?xi32>, %i: index, %n: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  aref.role "producer" instances(%p = 1) warps(1) {
    %x = memref.load %lengths[%i] : memref<?xi32> loc("kernel.mlir":7:8)
    scf.for %j = %c0 to %n step %c1 {
      %y = memref.load %lengths[%i] : memref<?xi32> loc("kernel.mlir":8:8)
    }
  }
  aref.role "consumer" instances(%c = 1) warps(4) {
    %k = aref.alloc offset(0) : !bytes
    %zero = arith.constant dense<0.0> : tensor<64x64xf32>
    %x = memref.load %lengths[%i] : memref<?xi32> loc("kernel.mlir":7:8)
    %o = scf.for %j = %c0 to %n step %c1 iter_args(%sum = %zero) -> (tensor<64x64xf32>) {
      %y = memref.load %lengths[%i] : memref<?xi32> loc("kernel.mlir":8:8)
      %z = memref.load %lengths[%i] : memref<?xi32> loc("kernel.mlir":9:8)
      %d = aref.mma %k, %k, %sum : !bytes, !bytes -> tensor<64x64xf32>
      %w = aref.mma_wait %d pending 0 : tensor<64x64xf32>
      scf.yield %w : tensor<64x64xf32>
    }
  }
}
