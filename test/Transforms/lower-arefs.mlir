// RUN: heddle-opt %s --lower-arefs --split-input-file | FileCheck %s

// A matrix product with the release one iteration late, in a persistent loop.

!ring = !aref.ring<3 x tensor<128x64xbf16>, tensor<64x256xbf16>>
!slot = !aref.slot<tensor<128x64xbf16>, tensor<64x256xbf16>>
!a = !aref.buffer<128x64xbf16, swizzle = 128>
!b = !aref.buffer<64x256xbf16, swizzle = 128>
!ai = !aref.buffer<64x64xbf16, swizzle = 128, panel_rows = 128>

// CHECK-LABEL: tile.kernel @matmul
// CHECK-DAG: %[[A:.*]] = aref.alloc depth(3) : <128x64xbf16
// CHECK-DAG: %[[B:.*]] = aref.alloc depth(3) : <64x256xbf16
// CHECK: %[[FULL:.*]] = aref.mbarriers count 1 : <3>
// CHECK: %[[EMPTY:.*]] = aref.mbarriers count 8 : <3>
// CHECK-NOT: aref.ring
tile.kernel @matmul(%A: memref<?x?xbf16>, %B: memref<?x?xbf16>, %K: index, %T: index) attributes {aref.copies = "tma"} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c64 = arith.constant 64 : index
  %ring = aref.ring min_depth(2) : !ring
  // CHECK: aref.role "producer"
  aref.role "producer" instances(%i = 1) warps(1) registers(24) {
    // CHECK: %[[Z:.*]] = arith.constant 0 : i32
    // CHECK: scf.for {{.*}} iter_args(%[[S0:.*]] = %[[Z]], %[[P0:.*]] = %[[Z]]) -> (i32, i32)
    scf.for %t = %c0 to %T step %c1 {
      // CHECK: %[[INNER:.*]]:2 = scf.for {{.*}} iter_args(%[[S:.*]] = %[[S0]], %[[P:.*]] = %[[P0]]) -> (i32, i32)
      scf.for %k = %c0 to %K step %c64 {
        // CHECK: %[[ONE:.*]] = arith.constant 1 : i32
        // CHECK: %[[PARITY:.*]] = arith.xori %[[P]], %[[ONE]]
        // CHECK: aref.await %[[EMPTY]][%[[S]]] parity %[[PARITY]]
        // CHECK: %[[NEXT:.*]] = arith.addi %[[S]],
        // CHECK: %[[D:.*]] = arith.constant 3 : i32
        // CHECK: %[[WRAP:.*]] = arith.cmpi eq, %[[NEXT]], %[[D]]
        // CHECK: %[[FLIP:.*]] = arith.extui %[[WRAP]]
        // CHECK: %[[S2:.*]] = arith.select %[[WRAP]], %{{.*}}, %[[NEXT]]
        // CHECK: %[[P2:.*]] = arith.xori %[[P]], %[[FLIP]]
        %slot = aref.acquire %ring : !ring
        // CHECK: %[[AS:.*]] = aref.stage %[[A]][%[[S]] : i32]
        %a = aref.view %ring, %slot[0] : !ring
        // CHECK: aref.tma_load %{{.*}} -> %[[AS]], %[[FULL]][%[[S]]]
        aref.copy_in %A[%t, %k] -> %a for %ring, %slot : memref<?x?xbf16> -> !a for !ring
        %b = aref.view %ring, %slot[1] : !ring
        aref.copy_in %B[%k, %t] -> %b for %ring, %slot : memref<?x?xbf16> -> !b for !ring
        // CHECK: aref.expect %[[FULL]][%[[S]]] bytes 49152
        aref.commit %ring, %slot bytes 49152 : !ring
        // CHECK: scf.yield %[[S2]], %[[P2]]
      // CHECK: tile.stages = 3
      } {tile.stages = 3}
      // CHECK: scf.yield %[[INNER]]#0, %[[INNER]]#1
    }
  }
  // CHECK: aref.role "consumer"
  aref.role "consumer" instances(%i = 2) warps(4) registers(240) {
    %zero = arith.constant dense<0.0> : tensor<64x256xf32>
    %c64_0 = arith.constant 64 : index
    %row = arith.muli %i, %c64_0 : index
    scf.for %t = %c0 to %T step %c1 {
      // CHECK: %[[NONE:.*]] = arith.constant -1 : i32
      %none = aref.none : !slot
      // CHECK: %[[R:.*]]:4 = scf.for {{.*}} iter_args(%{{.*}} = %{{.*}}, %[[LAST:.*]] = %[[NONE]], %[[CS:.*]] = %{{.*}}, %[[CP:.*]] = %{{.*}}) -> (tensor<64x256xf32>, i32, i32, i32)
      %acc:2 = scf.for %k = %c0 to %K step %c64 iter_args(%sum = %zero, %last = %none) -> (tensor<64x256xf32>, !slot) {
        // CHECK: aref.await %[[FULL]][%[[CS]]] parity %[[CP]]
        %slot = aref.wait %ring : !ring
        %a = aref.view %ring, %slot[0] : !ring
        %ai = aref.rows %a[%row] : !a -> !ai
        %b = aref.view %ring, %slot[1] : !ring
        // CHECK: aref.mma
        %d = aref.mma %ai, %b, %sum : !ai, !b -> tensor<64x256xf32>
        // CHECK: aref.mma_wait
        %w = aref.mma_wait %d pending 1 : tensor<64x256xf32>
        // CHECK: aref.arrive %[[EMPTY]][%[[LAST]]] :
        aref.release %ring, %last : !ring
        // CHECK: scf.yield %{{.*}}, %[[CS]], %{{.*}}, %{{.*}}
        scf.yield %w, %slot : tensor<64x256xf32>, !slot
      }
      // CHECK: aref.mma_wait
      %done = aref.mma_wait %acc#0 pending 0 : tensor<64x256xf32>
      // CHECK: aref.arrive %[[EMPTY]][%[[R]]#1] :
      aref.release %ring, %acc#1 : !ring
      // CHECK: scf.yield %[[R]]#2, %[[R]]#3
    }
  }
}

// -----

// A ring filled and read by threads; a use under a condition and in a while.

!ring = !aref.ring<2 x tensor<64x64xf32>>
!slot = !aref.slot<tensor<64x64xf32>>
!buffer = !aref.buffer<64x64xf32, swizzle = 128>

// CHECK-LABEL: tile.kernel @threads
// CHECK: %[[FULL:.*]] = aref.mbarriers count 4 : <2>
// CHECK: %[[EMPTY:.*]] = aref.mbarriers count 2 : <2>
tile.kernel @threads(%X: memref<?x?xf32>, %p: i1) {
  %c0 = arith.constant 0 : index
  %ring = aref.ring : !ring
  // CHECK: aref.role "producer"
  aref.role "producer" instances(%i = 1) warps(4) {
    // CHECK: %[[IF:.*]]:2 = scf.if %{{.*}} -> (i32, i32)
    scf.if %p {
      %slot = aref.acquire %ring : !ring
      %b = aref.view %ring, %slot[0] : !ring
      %x = tile.load %X[%c0, %c0] : memref<?x?xf32> -> tensor<64x64xf32>
      aref.local_store %x, %b : tensor<64x64xf32>, !buffer
      aref.fence_async
      // CHECK: aref.arrive %[[FULL]][%{{.*}}] sync
      aref.commit %ring, %slot : !ring
      // CHECK: scf.yield
      // CHECK: } else {
      // CHECK-NEXT: scf.yield %{{.*}}, %{{.*}} : i32, i32
    }
    // CHECK: scf.while (%[[WS:.*]] = %[[IF]]#0, %[[WP:.*]] = %[[IF]]#1) : (i32, i32) -> (i32, i32)
    scf.while : () -> () {
      %more = arith.andi %p, %p : i1
      // CHECK: scf.condition(%{{.*}}) %[[WS]], %[[WP]]
      scf.condition(%more)
    } do {
      // CHECK: ^bb0(%[[AS:.*]]: i32, %[[AP:.*]]: i32)
      // CHECK: aref.await %[[EMPTY]][%[[AS]]]
      %slot = aref.acquire %ring : !ring
      aref.commit %ring, %slot : !ring
      scf.yield
    }
  }
  // CHECK: aref.role "consumer"
  aref.role "consumer" instances(%i = 1) warps(2) {
    scf.if %p {
      %slot = aref.wait %ring : !ring
      %b = aref.view %ring, %slot[0] : !ring
      %x = aref.local_load %b : !buffer -> tensor<64x64xf32>
      aref.fence_async
      tile.store %x, %X[%c0, %c0] : tensor<64x64xf32>, memref<?x?xf32>
      // Lanes must have read before one of them arrives.
      // CHECK: aref.arrive %[[EMPTY]][%{{.*}}] sync
      aref.release %ring, %slot : !ring
    }
  }
}

// -----

// One slot: no stage to choose, and the parity flips with every use.

!ring = !aref.ring<1 x tensor<64x64xbf16>>
!slot = !aref.slot<tensor<64x64xbf16>>
!buffer = !aref.buffer<64x64xbf16, swizzle = 128>

// CHECK-LABEL: tile.kernel @single
// CHECK: %[[BUFFER:.*]] = aref.alloc : <64x64xbf16
tile.kernel @single(%X: memref<?x?xbf16>) attributes {aref.copies = "tma"} {
  %c0 = arith.constant 0 : index
  %ring = aref.ring : !ring
  aref.role "producer" instances(%i = 1) warps(1) {
    %slot = aref.acquire %ring : !ring
    %b = aref.view %ring, %slot[0] : !ring
    // CHECK: aref.tma_load %{{.*}} -> %[[BUFFER]],
    aref.copy_in %X[%c0, %c0] -> %b for %ring, %slot : memref<?x?xbf16> -> !buffer for !ring
    aref.commit %ring, %slot bytes 8192 : !ring
  }
  aref.role "consumer" instances(%i = 1) warps(4) {
    %slot = aref.wait %ring : !ring
    aref.release %ring, %slot : !ring
  }
}

// -----

!ring = !aref.ring<1 x tensor<64x32xf32>>
!slot = !aref.slot<tensor<64x32xf32>>
!buffer = !aref.buffer<64x32xf32, swizzle = 128>

// CHECK-LABEL: tile.kernel @rounding
tile.kernel @rounding(%X: memref<?x?xf32>) attributes {aref.copies = "tma"} {
  %c0 = arith.constant 0 : index
  %ring = aref.ring : !ring
  aref.role "producer" instances(%i = 1) warps(1) {
    %slot = aref.acquire %ring : !ring
    %b = aref.view %ring, %slot[0] : !ring
    // CHECK: aref.tma_load {{.*}} round_tf32 :
    aref.copy_in %X[%c0, %c0] -> %b for %ring, %slot round_tf32 : memref<?x?xf32> -> !buffer for !ring
    aref.commit %ring, %slot bytes 8192 : !ring
  }
  aref.role "consumer" instances(%i = 1) warps(4) {
    %slot = aref.wait %ring : !ring
    aref.release %ring, %slot : !ring
  }
}

// -----

// Copies that threads start: 32 lanes and a warp's own stores arrive for each of
// four warps; who waits makes visible what the copies wrote.

!ring = !aref.ring<2 x tensor<64x64xbf16>>
!buffer = !aref.buffer<64x64xbf16, swizzle = 128>

// CHECK-LABEL: tile.kernel @async
// CHECK: %[[FULL:.*]] = aref.mbarriers count 132 : <2>
// CHECK: %[[EMPTY:.*]] = aref.mbarriers count 4 : <2>
tile.kernel @async(%x: memref<?x64xbf16>) {
  %c0 = arith.constant 0 : index
  %ring = aref.ring : !ring
  aref.role "producer" instances(%i = 1) warps(4) {
    %slot = aref.acquire %ring : !ring
    %b = aref.view %ring, %slot[0] : !ring
    aref.copy_async %x[%c0, %c0] -> %b as tensor<64x64xbf16> : memref<?x64xbf16>, index, index -> !buffer
    aref.fence_async
    // CHECK: aref.arrive %[[FULL]][%{{.*}}] sync async
    aref.commit %ring, %slot async : !ring
  }
  aref.role "consumer" instances(%i = 1) warps(4) {
    // CHECK: aref.await %[[FULL]]
    // CHECK-NEXT: aref.fence_async
    %slot = aref.wait %ring : !ring
    // CHECK: aref.arrive %[[EMPTY]][%{{.*}}] :
    aref.release %ring, %slot : !ring
  }
}

// -----

// Blocks of a cluster copy B to the slots of one another: all of them release a
// slot, and a producer stays until those that it filled are empty. The ring of A
// is each block's own, with a cursor that goes along.

!ring = !aref.ring<2 x tensor<64x64xbf16>>
!buffer = !aref.buffer<64x64xbf16, swizzle = 128>

// CHECK-LABEL: tile.kernel @multicast
// CHECK: %[[FULL_A:.*]] = aref.mbarriers count 1 : <2>
// CHECK: %[[EMPTY_A:.*]] = aref.mbarriers count 4 : <2>
// CHECK: %[[FULL:.*]] = aref.mbarriers count 1 : <2>
// CHECK: %[[EMPTY:.*]] = aref.mbarriers count 4 cluster : <2>
tile.kernel @multicast(%A: memref<?x?xbf16>, %K: index) attributes {aref.cluster = array<i64: 2, 1, 1>, aref.copies = "tma"} {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %ring_a = aref.ring : !ring
  %ring = aref.ring : !ring
  // CHECK: aref.role "producer"
  aref.role "producer" instances(%i = 1) warps(1) registers(24) {
    // CHECK: %[[END:.*]]:2 = scf.for
    scf.for %k = %c0 to %K step %c64 {
      // CHECK: aref.await %[[EMPTY_A]][%[[S:.*]]] parity %{{[^ ]*}} : <2>
      %slot_a = aref.acquire %ring_a : !ring
      %a = aref.view %ring_a, %slot_a[0] : !ring
      // CHECK: aref.tma_load {{.*}} %[[FULL_A]][%[[S]]] :
      aref.copy_in %A[%c0, %k] -> %a for %ring_a, %slot_a : memref<?x?xbf16> -> !buffer for !ring
      aref.commit %ring_a, %slot_a bytes 8192 : !ring
      // CHECK: aref.await %[[EMPTY]][%[[S]]] parity %{{.*}} cluster : <2>
      %slot = aref.acquire %ring : !ring
      %b = aref.view %ring, %slot[0] : !ring
      // CHECK: aref.tma_load {{.*}} %[[FULL]][%[[S]]] multicast :
      aref.copy_in %A[%k, %c0] -> %b for %ring, %slot multicast : memref<?x?xbf16> -> !buffer for !ring
      // CHECK: aref.expect %[[FULL]][%[[S]]] bytes 8192
      aref.commit %ring, %slot bytes 8192 : !ring
    }
    // CHECK: }
    // CHECK: %[[PARITY:.*]] = arith.xori %[[END]]#1,
    // CHECK: aref.await %[[EMPTY]][%[[END]]#0] parity %[[PARITY]] cluster
    // CHECK: %[[OTHER:.*]] = arith.select
    // CHECK: aref.await %[[EMPTY]][%[[OTHER]]] parity %{{.*}} cluster
    // CHECK-NOT: aref.await
  }
  // CHECK: aref.role "consumer"
  aref.role "consumer" instances(%i = 1) warps(4) registers(240) {
    scf.for %k = %c0 to %K step %c64 {
      %slot_a = aref.wait %ring_a : !ring
      // CHECK: aref.arrive %[[EMPTY_A]][%{{.*}}] :
      aref.release %ring_a, %slot_a : !ring
      // CHECK: aref.await %[[FULL]][%{{.*}}] parity %{{[^ ]*}} :
      %slot = aref.wait %ring : !ring
      // CHECK: aref.arrive %[[EMPTY]][%{{.*}}] cluster :
      aref.release %ring, %slot : !ring
    }
  }
}
