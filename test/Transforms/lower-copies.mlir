// RUN: heddle-opt %s --lower-copies --split-input-file | FileCheck %s

!ring = !aref.ring<? x tensor<128x64xbf16>, tensor<64x256xbf16>>
!slot = !aref.slot<tensor<128x64xbf16>, tensor<64x256xbf16>>

// CHECK-LABEL: tile.kernel @matmul
// CHECK-SAME: %[[A:.*]]: memref<?x?xbf16>, %[[B:.*]]: memref<?x?xbf16>, %[[C:.*]]: memref<?x?xbf16>
tile.kernel @matmul(%A: memref<?x?xbf16>, %B: memref<?x?xbf16>, %C: memref<?x?xbf16>, %K: index, %gx: index, %gy: index, %gz: index) attributes {aref.copies = "tma", aref.persistent} {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %first = gpu.block_id x
  %step = gpu.grid_dim x
  // CHECK: %[[RING:.*]] = aref.ring
  %ring = aref.ring min_depth(2) : !ring
  // CHECK: %[[STAGING:.*]] = aref.alloc depth(2) : <64x256xbf16
  // CHECK: aref.role "producer"
  aref.role "producer" instances(%i = 1) warps(1) {
    // CHECK: scf.for
    scf.for %t = %first to %gx step %step {
      // CHECK: scf.for %[[K:[a-z0-9]+]] =
      scf.for %k = %c0 to %K step %c64 {
        // CHECK-NOT: tile.load
        // CHECK: %[[SLOT:.*]] = aref.acquire %[[RING]]
        // CHECK: %[[VA:.*]] = aref.view %[[RING]], %[[SLOT]][0]
        // CHECK: aref.copy_in %[[A]][%{{.*}}, %[[K]]] -> %[[VA]] for %[[RING]], %[[SLOT]]
        // CHECK: %[[VB:.*]] = aref.view %[[RING]], %[[SLOT]][1]
        // CHECK: aref.copy_in %[[B]][%[[K]], %{{.*}}] -> %[[VB]] for %[[RING]], %[[SLOT]]
        // CHECK: aref.commit %[[RING]], %[[SLOT]] bytes 49152
        %a = tile.load %A[%t, %k] pad 0.0 : bf16 : memref<?x?xbf16> -> tensor<128x64xbf16>
        %b = tile.load %B[%k, %t] : memref<?x?xbf16> -> tensor<64x256xbf16>
        aref.put %ring, %a, %b : !ring
      } {tile.stages = 3}
    } {aref.blocks}
  }
  // CHECK: aref.role "consumer"
  aref.role "consumer" instances(%i = 2) warps(4) {
    %row = arith.muli %i, %c64 : index
    scf.for %t = %first to %gx step %step {
      %m = arith.addi %t, %row : index
      %c = arith.constant dense<0.0> : tensor<64x256xbf16>
      // CHECK: aref.drain
      // CHECK-NOT: complete
      // CHECK-NEXT: aref.sync
      // CHECK-NEXT: %[[S:.*]] = aref.stage %[[STAGING]][%{{.*}} : index]
      // CHECK-NEXT: aref.local_store %{{.*}}, %[[S]]
      // CHECK-NEXT: aref.fence_async
      // CHECK-NEXT: aref.sync
      // CHECK-NEXT: aref.copy_out %[[S]] -> %[[C]][%{{.*}}, %{{.*}}]
      // CHECK-NOT: tile.store
      tile.store %c, %C[%m, %t] : tensor<64x256xbf16>, memref<?x?xbf16>
    } {aref.blocks}
    // CHECK: aref.drain complete
    // CHECK-NEXT: }
  }
}

// -----

!ring = !aref.ring<? x tensor<64x64xf16>>
!slot = !aref.slot<tensor<64x64xf16>>

// Threads copy; a get that no dot took is loaded into registers.
// CHECK-LABEL: tile.kernel @plain
tile.kernel @plain(%A: memref<?x?xf16>, %C: memref<?x?xf16>, %n: index) attributes {aref.copies = "plain"} {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %ring = aref.ring : !ring
  aref.role "producer" instances(%i = 1) warps(4) {
    scf.for %k = %c0 to %n step %c64 {
      // CHECK: %[[SLOT:.*]] = aref.acquire
      // CHECK: %[[BUFFER:.*]] = aref.view
      // CHECK: %[[A:.*]] = tile.load
      // CHECK-NEXT: aref.local_store %[[A]], %[[BUFFER]]
      // CHECK-NEXT: aref.fence_async
      // CHECK-NEXT: aref.commit %{{.*}}, %[[SLOT]] :
      %a = tile.load %A[%c0, %k] pad 1.0 : f16 : memref<?x?xf16> -> tensor<64x64xf16>
      aref.put %ring, %a : !ring
    }
  }
  aref.role "consumer" instances(%i = 1) warps(4) {
    scf.for %k = %c0 to %n step %c64 {
      // CHECK: %[[SLOT:.*]] = aref.wait
      // CHECK-NEXT: %[[BUFFER:.*]] = aref.view
      // CHECK-NEXT: %[[X:.*]] = aref.local_load %[[BUFFER]]
      // CHECK-NEXT: aref.fence_async
      // CHECK: tile.store %[[X]]
      // CHECK: aref.release %{{.*}}, %[[SLOT]]
      %slot, %a = aref.get %ring : !ring
      tile.store %a, %C[%c0, %k] : tensor<64x64xf16>, memref<?x?xf16>
      aref.release %ring, %slot : !ring
    }
  }
}

// -----

!ring = !aref.ring<? x tensor<64x64xf32>>

// What a copy out cannot do stays a store: an offset that may be negative, a
// view that is read as well, rows of an odd number of bytes, rank 1.
// CHECK-LABEL: tile.kernel @kept
tile.kernel @kept(%X: memref<?x?xf32>, %Y: memref<?x?xf32>, %V: memref<?xf32>, %n: index) attributes {aref.copies = "tma"} {
  %c0 = arith.constant 0 : index
  aref.role "consumer" instances(%i = 1) warps(4) {
    %c = arith.constant dense<0.0> : tensor<64x64xf32>
    %odd = arith.constant dense<0.0> : tensor<64x6xf32>
    %v = arith.constant dense<0.0> : tensor<64xf32>
    // CHECK-NOT: aref.copy_out
    // CHECK-NOT: aref.drain
    // CHECK: tile.store
    tile.store %c, %X[%n, %c0] : tensor<64x64xf32>, memref<?x?xf32>
    %y = tile.load %Y[%c0, %c0] : memref<?x?xf32> -> tensor<64x64xf32>
    // CHECK: tile.store
    tile.store %y, %Y[%c0, %c0] : tensor<64x64xf32>, memref<?x?xf32>
    // CHECK: tile.store
    tile.store %odd, %X[%c0, %c0] : tensor<64x6xf32>, memref<?x?xf32>
    // CHECK: tile.store
    tile.store %v, %V[%c0] : tensor<64xf32>, memref<?xf32>
  }
}

// -----

// Stores that may meet in one place are done one after the other.
// CHECK-LABEL: tile.kernel @overwritten
tile.kernel @overwritten(%X: memref<?x?xf32>, %n: index) attributes {aref.copies = "tma"} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  aref.role "consumer" instances(%i = 1) warps(4) {
    %c = arith.constant dense<0.0> : tensor<64x64xf32>
    scf.for %j = %c0 to %n step %c1 {
      // CHECK: aref.drain complete
      // CHECK: aref.copy_out
      tile.store %c, %X[%c0, %c0] : tensor<64x64xf32>, memref<?x?xf32>
    }
  }
}

// -----

!ring = !aref.ring<? x tensor<128x64xbf16>, tensor<64x256xbf16>>

// Four slots are asked for, and leave no room for 64 KiB of staging.
// CHECK-LABEL: tile.kernel @full
tile.kernel @full(%A: memref<?x?xbf16>, %B: memref<?x?xbf16>, %C: memref<?x?xbf16>, %K: index) attributes {aref.copies = "tma", tile.stages = 4} {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %ring = aref.ring min_depth(2) : !ring
  aref.role "producer" instances(%i = 1) warps(1) {
    scf.for %k = %c0 to %K step %c64 {
      // CHECK: aref.copy_in
      %a = tile.load %A[%c0, %k] : memref<?x?xbf16> -> tensor<128x64xbf16>
      %b = tile.load %B[%k, %c0] : memref<?x?xbf16> -> tensor<64x256xbf16>
      aref.put %ring, %a, %b : !ring
    }
  }
  // CHECK-NOT: aref.alloc
  aref.role "consumer" instances(%i = 2) warps(4) {
    %c = arith.constant dense<0.0> : tensor<64x256xbf16>
    // CHECK: tile.store
    tile.store %c, %C[%i, %c0] : tensor<64x256xbf16>, memref<?x?xbf16>
  }
}

// -----

!ring = !aref.ring<? x tensor<128x32xf32>, tensor<64x32xf32>, tensor<64x32xf32>>
!slot = !aref.slot<tensor<128x32xf32>, tensor<64x32xf32>, tensor<64x32xf32>>

// What products read is rounded to tf32 by the copy; what threads read is not.
// CHECK-LABEL: tile.kernel @tf32_tma
tile.kernel @tf32_tma(%A: memref<?x?xf32>, %C: memref<?x?xf32>) attributes {aref.copies = "tma"} {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %ring = aref.ring : !ring
  aref.role "producer" instances(%i = 1) warps(1) {
    // CHECK: aref.copy_in %{{.*}} -> %[[VA:.*]] for %{{.*}}, %{{.*}} round_tf32 :
    // CHECK: aref.copy_in %{{.*}} -> %[[VB:.*]] for %{{.*}}, %{{.*}} round_tf32 :
    // CHECK: aref.copy_in %{{.*}} -> %[[VX:.*]] for %{{.*}}, %{{[a-z0-9_]*}} :
    %a = tile.load %A[%c0, %c0] : memref<?x?xf32> -> tensor<128x32xf32>
    %b = tile.load %A[%c0, %c0] : memref<?x?xf32> -> tensor<64x32xf32>
    %x = tile.load %A[%c0, %c0] : memref<?x?xf32> -> tensor<64x32xf32>
    aref.put %ring, %a, %b, %x : !ring
  }
  aref.role "consumer" instances(%i = 2) warps(4) {
    %zero = arith.constant dense<0.0> : tensor<64x64xf32>
    %row = arith.muli %i, %c64 : index
    %slot, %v:3 = aref.get %ring : !ring
    %a = aref.view %ring, %slot[0] : !ring
    %b = aref.view %ring, %slot[1] : !ring
    %ai = aref.rows %a[%row] : !aref.buffer<128x32xf32, swizzle = 128> -> !aref.buffer<64x32xf32, swizzle = 128, panel_rows = 128>
    %d = aref.mma %ai, %b, %zero transpose_b : !aref.buffer<64x32xf32, swizzle = 128, panel_rows = 128>, !aref.buffer<64x32xf32, swizzle = 128> -> tensor<64x64xf32>
    %w = aref.mma_wait %d pending 0 : tensor<64x64xf32>
    tile.store %v#2, %C[%row, %c64] : tensor<64x32xf32>, memref<?x?xf32>
    aref.release %ring, %slot : !ring
  }
}

// -----

!ring = !aref.ring<? x tensor<128x32xf32>, tensor<64x32xf32>, tensor<64x32xf32>>
!slot = !aref.slot<tensor<128x32xf32>, tensor<64x32xf32>, tensor<64x32xf32>>

// Threads that copy round before they write. They copy some rows after the
// others, since whole tiles would take too many registers.
// CHECK-LABEL: tile.kernel @tf32_plain
tile.kernel @tf32_plain(%A: memref<?x?xf32>, %C: memref<?x?xf32>) attributes {aref.copies = "plain"} {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %ring = aref.ring : !ring
  aref.role "producer" instances(%i = 1) warps(4) {
    // CHECK: %[[SLOT_A:.*]] = aref.view %{{.*}}[0]
    // CHECK: %[[A:.*]] = tile.load {{.*}} -> tensor<64x32xf32>
    // CHECK: %[[ROWS:.*]] = aref.rows %[[SLOT_A]][%{{.*}}] : {{.*}} -> !f32_64x32_rows
    // CHECK: %[[RA:.*]] = aref.round_tf32 %[[A]]
    // CHECK-NEXT: aref.local_store %[[RA]], %[[ROWS]]
    // CHECK: %[[C64:.*]] = arith.constant 64 : index
    // CHECK: %[[NEXT:.*]] = arith.addi %{{.*}}, %[[C64]]
    // CHECK: %[[A2:.*]] = tile.load %{{.*}}[%[[NEXT]], %{{.*}}] {{.*}} -> tensor<64x32xf32>
    // CHECK: %[[ROWS2:.*]] = aref.rows %[[SLOT_A]][%[[C64]]]
    // CHECK: %[[RA2:.*]] = aref.round_tf32 %[[A2]]
    // CHECK-NEXT: aref.local_store %[[RA2]], %[[ROWS2]]
    // CHECK: %[[B:.*]] = tile.load
    // CHECK: %[[RB:.*]] = aref.round_tf32 %[[B]]
    // CHECK-NEXT: aref.local_store %[[RB]]
    // CHECK: %[[X:.*]] = tile.load
    // CHECK-NEXT: aref.local_store %[[X]]
    %a = tile.load %A[%c0, %c0] : memref<?x?xf32> -> tensor<128x32xf32>
    %b = tile.load %A[%c0, %c0] : memref<?x?xf32> -> tensor<64x32xf32>
    %x = tile.load %A[%c0, %c0] : memref<?x?xf32> -> tensor<64x32xf32>
    aref.put %ring, %a, %b, %x : !ring
  }
  aref.role "consumer" instances(%i = 2) warps(4) {
    %zero = arith.constant dense<0.0> : tensor<64x64xf32>
    %row = arith.muli %i, %c64 : index
    %slot, %v:3 = aref.get %ring : !ring
    %a = aref.view %ring, %slot[0] : !ring
    %b = aref.view %ring, %slot[1] : !ring
    %ai = aref.rows %a[%row] : !aref.buffer<128x32xf32, swizzle = 128> -> !aref.buffer<64x32xf32, swizzle = 128, panel_rows = 128>
    %d = aref.mma %ai, %b, %zero transpose_b : !aref.buffer<64x32xf32, swizzle = 128, panel_rows = 128>, !aref.buffer<64x32xf32, swizzle = 128> -> tensor<64x64xf32>
    %w = aref.mma_wait %d pending 0 : tensor<64x64xf32>
    tile.store %v#2, %C[%row, %c64] : tensor<64x32xf32>, memref<?x?xf32>
    aref.release %ring, %slot : !ring
  }
}

// -----

!ring = !aref.ring<? x tensor<128x64xbf16>>
!slot = !aref.slot<tensor<128x64xbf16>>
!part = memref<?x64xbf16, strided<[64, 1], offset: ?>>

// Copies from a part of an argument are copies from the argument. What is
// outside of a part that it is copied to must not be written, so only whole
// tiles are copied; threads store the others.
// CHECK-LABEL: tile.kernel @parts
// CHECK-SAME: %[[A:.*]]: memref<?x?x64xbf16>, %[[C:.*]]: memref<?x?x64xbf16>, %[[H:.*]]: index, %[[FIRST:.*]]: index, %[[COUNT:.*]]: index
tile.kernel @parts(%A: memref<?x?x64xbf16>, %C: memref<?x?x64xbf16>, %h: index, %first: index, %count: index) attributes {aref.copies = "tma"} {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %ring = aref.ring : !ring
  aref.role "producer" instances(%i = 1) warps(1) {
    %v = memref.subview %A[%h, %first, 0] [1, %count, 64] [1, 1, 1] : memref<?x?x64xbf16> to !part
    // CHECK: %[[AT:.*]] = arith.addi %[[FIRST]], %[[C64:.*]] : index
    // CHECK: aref.copy_in %[[A]][%[[H]], %[[AT]], %{{.*}}] ->
    %a = tile.load %v[%c64, %c0] : !part -> tensor<128x64xbf16>
    aref.put %ring, %a : !ring
  }
  // CHECK: aref.role "consumer"
  aref.role "consumer" instances(%i = 2) warps(4) {
    %v = memref.subview %C[%h, %first, 0] [1, %count, 64] [1, 1, 1] : memref<?x?x64xbf16> to !part
    %m = arith.muli %i, %c64 : index
    %c = arith.constant dense<0.0> : tensor<64x64xbf16>
    // CHECK: %[[V:.*]] = memref.subview %[[C]]
    // CHECK: %[[M:.*]] = arith.muli
    // CHECK: %[[END:.*]] = arith.addi %[[M]], %{{.*}} : index
    // CHECK: %[[INSIDE:.*]] = arith.cmpi sle, %[[END]], %[[COUNT]]
    // CHECK: scf.if
    // CHECK: aref.drain
    // CHECK-NOT: complete
    // CHECK: aref.local_store
    // CHECK: %[[AT:.*]] = arith.addi %[[FIRST]], %[[M]] : index
    // CHECK: aref.copy_out %{{.*}} -> %[[C]][%[[H]], %[[AT]], %{{.*}}]
    // CHECK: } else {
    // CHECK-NEXT: tile.store %{{.*}}, %[[V]][%[[M]], %{{.*}}]
    // CHECK-NEXT: }
    tile.store %c, %v[%m, %c0] : tensor<64x64xbf16>, !part
    %slot, %t = aref.get %ring : !ring
    aref.release %ring, %slot : !ring
  }
}

// -----

!ring = !aref.ring<? x tensor<128x64xbf16>>
!slot = !aref.slot<tensor<128x64xbf16>>
!part = memref<?x64xbf16, strided<[64, 1], offset: ?>>

// Two stores to one argument happen in order, which copies and threads that
// take turns would not keep.
// CHECK-LABEL: tile.kernel @parts_again
// CHECK-NOT: aref.copy_out
tile.kernel @parts_again(%A: memref<?x64xbf16>, %C: memref<?x?x64xbf16>, %h: index, %first: index, %count: index) attributes {aref.copies = "tma"} {
  %c0 = arith.constant 0 : index
  %ring = aref.ring : !ring
  aref.role "producer" instances(%i = 1) warps(1) {
    %a = tile.load %A[%c0, %c0] : memref<?x64xbf16> -> tensor<128x64xbf16>
    aref.put %ring, %a : !ring
  }
  aref.role "consumer" instances(%i = 1) warps(4) {
    %v = memref.subview %C[%h, %first, 0] [1, %count, 64] [1, 1, 1] : memref<?x?x64xbf16> to !part
    %c = arith.constant dense<0.0> : tensor<64x64xbf16>
    tile.store %c, %v[%c0, %c0] : tensor<64x64xbf16>, !part
    tile.store %c, %v[%count, %c0] : tensor<64x64xbf16>, !part
    %slot, %t = aref.get %ring : !ring
    aref.release %ring, %slot : !ring
  }
}

// -----

// Sums leave through shared memory, too. Those of one view need not wait for
// one another, only for the buffer; those in the loop neither.
// CHECK-LABEL: tile.kernel @reduce
tile.kernel @reduce(%C: memref<?x?xf32>, %n: index) attributes {aref.copies = "tma"} {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  aref.role "consumer" instances(%i = 1) warps(4) {
    %c = arith.constant dense<0.0> : tensor<64x64xf32>
    scf.for %k = %c0 to %n step %c64 {
      // CHECK: aref.drain
      // CHECK-NOT: complete
      // CHECK: aref.copy_out %{{.*}} -> %{{.*}}[%{{.*}}, %{{.*}}] reduce add :
      tile.store %c, %C[%k, %c0] reduce add : tensor<64x64xf32>, memref<?x?xf32>
    }
  }
}

// -----

// A store and a sum of one view keep their order; memory has no TMA for f64.
// CHECK-LABEL: tile.kernel @mixed
tile.kernel @mixed(%C: memref<?x?xf32>, %D: memref<?x?xf64>) attributes {aref.copies = "tma"} {
  %c0 = arith.constant 0 : index
  aref.role "consumer" instances(%i = 1) warps(4) {
    %c = arith.constant dense<0.0> : tensor<64x64xf32>
    %d = arith.constant dense<0.0> : tensor<64x64xf64>
    // CHECK: aref.drain complete
    // CHECK: aref.copy_out %{{.*}} -> %{{.*}}[%{{.*}}, %{{.*}}] :
    tile.store %c, %C[%c0, %c0] : tensor<64x64xf32>, memref<?x?xf32>
    // CHECK: aref.drain complete
    // CHECK: aref.copy_out %{{.*}} -> %{{.*}}[%{{.*}}, %{{.*}}] reduce add :
    tile.store %c, %C[%c0, %c0] reduce add : tensor<64x64xf32>, memref<?x?xf32>
    // CHECK: tile.store {{.*}} reduce add : tensor<64x64xf64>
    tile.store %d, %D[%c0, %c0] reduce add : tensor<64x64xf64>, memref<?x?xf64>
  }
}
