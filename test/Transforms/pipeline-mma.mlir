// RUN: heddle-opt %s --pipeline-mma --split-input-file | FileCheck %s

!ring = !aref.ring<? x tensor<128x64xbf16>, tensor<64x256xbf16>>
!slot = !aref.slot<tensor<128x64xbf16>, tensor<64x256xbf16>>

// One product stays in flight; the slot is given back one iteration late.
// CHECK-LABEL: tile.kernel @matmul
tile.kernel @matmul(%K: index, %C: memref<?x?xf32>) {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  // CHECK: %[[RING:.*]] = aref.ring min_depth(2)
  %ring = aref.ring : !ring
  aref.role "consumer" instances(%i = 2) warps(4) registers(240) {
    %zero = arith.constant dense<1.0> : tensor<64x256xf32>
    %row = arith.muli %i, %c64 : index
    // CHECK: %[[NONE:.*]] = aref.none
    // CHECK: %[[R:.*]]:2 = scf.for {{.*}} iter_args(%[[SUM:.*]] = %{{.*}}, %[[LAST:.*]] = %[[NONE]])
    %acc = scf.for %k = %c0 to %K step %c64 iter_args(%sum = %zero) -> (tensor<64x256xf32>) {
      // CHECK: %[[SLOT:.*]] = aref.wait %[[RING]]
      // CHECK-DAG: %[[A:.*]] = aref.view %[[RING]], %[[SLOT]][0]
      // CHECK-DAG: %[[B:.*]] = aref.view %[[RING]], %[[SLOT]][1]
      // CHECK: %[[AI:.*]] = aref.rows %[[A]][%{{.*}}] : !bf16_128x64_buffer -> !bf16_64x64_rows
      %slot, %a, %b = aref.get %ring : !ring
      %ai = tensor.extract_slice %a[%row, 0] [64, 64] [1, 1] : tensor<128x64xbf16> to tensor<64x64xbf16>
      // CHECK: %[[D:.*]] = aref.mma %[[AI]], %[[B]], %[[SUM]]
      // CHECK: %[[W:.*]] = aref.mma_wait %[[D]] pending 1
      // CHECK: aref.release %[[RING]], %[[LAST]]
      // CHECK: scf.yield %[[W]], %[[SLOT]]
      %d = tile.dot %ai, %b, %sum : tensor<64x64xbf16>, tensor<64x256xbf16> -> tensor<64x256xf32>
      aref.release %ring, %slot : !ring
      scf.yield %d : tensor<64x256xf32>
      // CHECK: } {tile.stages = 3 : i64}
    } {tile.stages = 3}
    // CHECK: %[[DONE:.*]] = aref.mma_wait %[[R]]#0 pending 0
    // CHECK: aref.release %[[RING]], %[[R]]#1
    // CHECK: tile.store %[[DONE]]
    tile.store %acc, %C[%row, %c0] : tensor<64x256xf32>, memref<?x?xf32>
  }
}

// -----

!ring = !aref.ring<? x tensor<64x64xbf16>, tensor<64x64xbf16>>
!slot = !aref.slot<tensor<64x64xbf16>, tensor<64x64xbf16>>

// Where the tile goes is computed while the last products are in flight. What
// the loop needs stays before it, and so do divisions that call functions.
// CHECK-LABEL: tile.kernel @sink
tile.kernel @sink(%K: index, %t: i32, %C: memref<?x?xf32>) {
  %c0 = arith.constant 0 : index
  %c3 = arith.constant 3 : i32
  %c64 = arith.constant 64 : index
  %ring = aref.ring : !ring
  aref.role "consumer" instances(%i = 1) warps(4) {
    %zero = arith.constant dense<1.0> : tensor<64x64xf32>
    // CHECK: %[[WIDE:.*]] = arith.divui %{{.*}} : index
    // CHECK: %[[BEGIN:.*]] = arith.muli %[[WIDE]]
    // CHECK-NOT: arith.
    // CHECK: scf.for %{{.*}} = %[[BEGIN]]
    // CHECK-NOT: aref.mma_wait %{{.*}} pending 0
    // CHECK: }
    // CHECK-NEXT: %[[X32:.*]] = arith.divui %{{.*}} : i32
    // CHECK-NEXT: %[[X:.*]] = arith.index_castui %[[X32]]
    // CHECK-NEXT: %[[Y:.*]] = arith.addi %[[X]], %[[WIDE]]
    // CHECK-NEXT: %[[DONE:.*]] = aref.mma_wait %{{.*}} pending 0
    // CHECK: tile.store %[[DONE]], %{{.*}}[%[[X]], %[[Y]]]
    %x32 = arith.divui %t, %c3 : i32
    %x = arith.index_castui %x32 : i32 to index
    %wide = arith.divui %K, %c64 : index
    %begin = arith.muli %wide, %c64 : index
    %y = arith.addi %x, %wide : index
    %acc = scf.for %k = %begin to %K step %c64 iter_args(%sum = %zero) -> (tensor<64x64xf32>) {
      %slot, %a, %b = aref.get %ring : !ring
      %d = tile.dot %a, %b, %sum : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
      aref.release %ring, %slot : !ring
      scf.yield %d : tensor<64x64xf32>
    }
    tile.store %acc, %C[%x, %y] : tensor<64x64xf32>, memref<?x?xf32>
  }
}

// -----

!ring = !aref.ring<? x tensor<128x64xbf16>, tensor<64x256xbf16>>
!slot = !aref.slot<tensor<128x64xbf16>, tensor<64x256xbf16>>

// An author who asks for one slot gets one: no product stays in flight.
// CHECK-LABEL: tile.kernel @one_stage
tile.kernel @one_stage(%K: index, %C: memref<?x?xf32>) {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  // CHECK: aref.ring :
  %ring = aref.ring : !ring
  aref.role "consumer" instances(%i = 1) warps(4) {
    %zero = arith.constant dense<1.0> : tensor<128x256xf32>
    %acc = scf.for %k = %c0 to %K step %c64 iter_args(%sum = %zero) -> (tensor<128x256xf32>) {
      // CHECK: %[[SLOT:.*]] = aref.wait
      %slot, %a, %b = aref.get %ring : !ring
      // CHECK: aref.mma_wait %{{.*}} pending 0
      // CHECK-NEXT: aref.release %{{.*}}, %[[SLOT]]
      %d = tile.dot %a, %b, %sum : tensor<128x64xbf16>, tensor<64x256xbf16> -> tensor<128x256xf32>
      aref.release %ring, %slot : !ring
      scf.yield %d : tensor<128x256xf32>
    } {tile.stages = 1}
  }
}

// -----

!ring = !aref.ring<? x tensor<64x128xbf16>>
!slot = !aref.slot<tensor<64x128xbf16>>

// A is stored as K rows of M; an instance's part of M is a range of panels. A
// and B have rings of their own and both are given back late.
// CHECK-LABEL: tile.kernel @transposed_a
tile.kernel @transposed_a(%K: index) {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %ra = aref.ring : !ring
  %rb = aref.ring : !ring
  aref.role "consumer" instances(%i = 2) warps(4) {
    %zero = arith.constant dense<0.0> : tensor<64x128xf32>
    %row = arith.muli %i, %c64 : index
    // CHECK: %[[R:.*]]:3 = scf.for {{.*}} iter_args(%{{.*}} = %{{.*}}, %[[LA:.*]] = %{{.*}}, %[[LB:.*]] = %{{.*}})
    %acc = scf.for %k = %c0 to %K step %c64 iter_args(%sum = %zero) -> (tensor<64x128xf32>) {
      %sa, %a = aref.get %ra : !ring
      %ai = tensor.extract_slice %a[0, %row] [64, 64] [1, 1] : tensor<64x128xbf16> to tensor<64x64xbf16>
      %sb, %b = aref.get %rb : !ring
      // CHECK: %[[AI:.*]] = aref.columns %{{.*}}[%{{.*}}] : !bf16_64x128_buffer -> !bf16_64x64_buffer
      // CHECK: aref.mma %[[AI]], %{{.*}}, %{{.*}} transpose_a :
      // CHECK: aref.mma_wait %{{.*}} pending 1
      // CHECK-DAG: aref.release %{{.*}}, %[[LA]]
      // CHECK-DAG: aref.release %{{.*}}, %[[LB]]
      %d = tile.dot %ai, %b, %sum transpose_a : tensor<64x64xbf16>, tensor<64x128xbf16> -> tensor<64x128xf32>
      aref.release %ra, %sa : !ring
      aref.release %rb, %sb : !ring
      scf.yield %d : tensor<64x128xf32>
    }
    // CHECK: aref.mma_wait %[[R]]#0 pending 0
    // CHECK-DAG: aref.release %{{.*}}, %[[R]]#1
    // CHECK-DAG: aref.release %{{.*}}, %[[R]]#2
  }
}

// -----

!ring = !aref.ring<? x tensor<64x64xbf16>>
!slot = !aref.slot<tensor<64x64xbf16>>

// Two products per iteration, of which the second needs the first: each is
// waited for.
// CHECK-LABEL: tile.kernel @attention
tile.kernel @attention(%n: index) {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  // CHECK: aref.ring :
  %rq = aref.ring : !ring
  // CHECK: aref.ring :
  %rk = aref.ring : !ring
  // CHECK: aref.ring :
  %rv = aref.ring : !ring
  aref.role "consumer" instances(%i = 1) warps(4) {
    %zero = arith.constant dense<0.0> : tensor<64x64xf32>
    // CHECK: %[[SQ:.*]] = aref.wait
    // CHECK: %[[Q:.*]] = aref.view %{{.*}}, %[[SQ]][0]
    %sq, %q = aref.get %rq : !ring
    %acc = scf.for %j = %c0 to %n step %c64 iter_args(%sum = %zero) -> (tensor<64x64xf32>) {
      %sk, %k = aref.get %rk : !ring
      // CHECK: %[[S:.*]] = aref.mma %[[Q]], %{{.*}}, %{{.*}} transpose_b
      // CHECK-NEXT: %[[SW:.*]] = aref.mma_wait %[[S]] pending 0
      // CHECK-NEXT: aref.release
      %s = tile.dot %q, %k, %zero transpose_b : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
      aref.release %rk, %sk : !ring
      // CHECK: %[[P:.*]] = arith.truncf %[[SW]]
      %p = arith.truncf %s : tensor<64x64xf32> to tensor<64x64xbf16>
      %sv, %v = aref.get %rv : !ring
      // CHECK: aref.mma %[[P]], %{{.*}} : tensor<64x64xbf16>,
      // CHECK-NEXT: aref.mma_wait %{{.*}} pending 0
      %d = tile.dot %p, %v, %sum : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
      aref.release %rv, %sv : !ring
      scf.yield %d : tensor<64x64xf32>
    }
    aref.release %rq, %sq : !ring
  }
}

// -----

!ring = !aref.ring<? x tensor<64x64xbf16>>
!slot = !aref.slot<tensor<64x64xbf16>>

// Neither product needs the other. The first is waited for while the second is
// in flight; the second before its operand's registers get their next value,
// and not before the sums. Slots are given back after the waits.
// CHECK-LABEL: tile.kernel @overlapped
tile.kernel @overlapped(%n: index, %C: memref<?x?xf32>) {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %rk = aref.ring : !ring
  %rv = aref.ring : !ring
  aref.role "consumer" instances(%i = 1) warps(4) {
    %zero = arith.constant dense<0.0> : tensor<64x64xf32>
    %none = arith.constant dense<0.0> : tensor<64x64xbf16>
    %one = arith.constant dense<1.0> : tensor<64xf32>
    %acc:3 = scf.for %j = %c0 to %n step %c64
        iter_args(%sum = %zero, %last = %none, %total = %one)
        -> (tensor<64x64xf32>, tensor<64x64xbf16>, tensor<64xf32>) {
      %sk, %k = aref.get %rk : !ring
      // CHECK: %[[SK:.*]] = aref.wait
      // CHECK: %[[S:.*]] = aref.mma
      %s = tile.dot %k, %k, %zero transpose_b : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
      aref.release %rk, %sk : !ring
      %sv, %v = aref.get %rv : !ring
      // CHECK-NOT: aref.mma_wait
      // CHECK: %[[SV:.*]] = aref.wait
      // CHECK-NOT: aref.release
      // CHECK: %[[D:.*]] = aref.mma
      %d = tile.dot %last, %v, %sum : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
      aref.release %rv, %sv : !ring
      // CHECK-NEXT: %[[SW:.*]] = aref.mma_wait %[[S]] pending 1 :
      // CHECK-NEXT: aref.release %{{.*}}, %[[SK]]
      // CHECK-NEXT: tile.reduce add %[[SW]]
      %more = tile.reduce add %s, %total axis 1 : tensor<64x64xf32> -> tensor<64xf32>
      // CHECK-NEXT: %[[DW:.*]] = aref.mma_wait %[[D]] pending 0 late :
      // CHECK-NEXT: aref.release %{{.*}}, %[[SV]]
      // CHECK-NEXT: %[[P:.*]] = arith.truncf %[[SW]]
      %p = arith.truncf %s : tensor<64x64xf32> to tensor<64x64xbf16>
      // CHECK-NEXT: scf.yield %[[DW]], %[[P]]
      scf.yield %d, %p, %more : tensor<64x64xf32>, tensor<64x64xbf16>, tensor<64xf32>
    }
    tile.store %acc#0, %C[%c0, %c0] : tensor<64x64xf32>, memref<?x?xf32>
  }
}

// -----

!ring = !aref.ring<? x tensor<64x64xbf16>>
!slot = !aref.slot<tensor<64x64xbf16>>

// The second product adds to the first: one wait serves both.
// CHECK-LABEL: tile.kernel @continued
tile.kernel @continued(%C: memref<?x?xf32>) {
  %c0 = arith.constant 0 : index
  %ra = aref.ring : !ring
  %rb = aref.ring : !ring
  aref.role "consumer" instances(%i = 1) warps(4) {
    %zero = arith.constant dense<0.0> : tensor<64x64xf32>
    %sa, %a = aref.get %ra : !ring
    // CHECK: %[[D:.*]] = aref.mma
    // CHECK-NOT: aref.mma_wait
    %d = tile.dot %a, %a, %zero : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
    aref.release %ra, %sa : !ring
    %sb, %b = aref.get %rb : !ring
    // CHECK: %[[E:.*]] = aref.mma %{{.*}}, %{{.*}}, %[[D]]
    %e = tile.dot %b, %b, %d : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
    aref.release %rb, %sb : !ring
    // CHECK-NEXT: %[[W:.*]] = aref.mma_wait %[[E]] pending 0 :
    // CHECK-NEXT: aref.release
    // CHECK-NEXT: aref.release
    // CHECK-NEXT: tile.store %[[W]]
    tile.store %e, %C[%c0, %c0] : tensor<64x64xf32>, memref<?x?xf32>
  }
}

// -----

!ring = !aref.ring<? x tensor<128x64xf8E4M3FN>, tensor<64x64xf8E4M3FN>>
!slot = !aref.slot<tensor<128x64xf8E4M3FN>, tensor<64x64xf8E4M3FN>>

// Sums of 8-bit floats leave the tensor core after every dot.
// CHECK-LABEL: tile.kernel @exact
tile.kernel @exact(%n: index) {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %ring = aref.ring : !ring
  aref.role "consumer" instances(%i = 1) warps(4) {
    %zero = arith.constant dense<3.0> : tensor<128x64xf32>
    // CHECK: scf.for {{.*}} iter_args(%[[SUM:.*]] = %{{.*}}) -> (tensor<128x64xf32>)
    %acc = scf.for %j = %c0 to %n step %c64 iter_args(%sum = %zero) -> (tensor<128x64xf32>) {
      %slot, %a, %b = aref.get %ring : !ring
      // CHECK: %[[Z:.*]] = arith.constant dense<0.0{{.*}}> : tensor<128x64xf32>
      // CHECK: aref.mma %{{.*}}, %{{.*}}, %[[Z]] transpose_b
      // CHECK: %[[W:.*]] = aref.mma_wait %{{.*}} pending 0
      // CHECK: arith.addf %[[SUM]], %[[W]]
      %d = tile.dot %a, %b, %sum transpose_b : tensor<128x64xf8E4M3FN>, tensor<64x64xf8E4M3FN> -> tensor<128x64xf32>
      aref.release %ring, %slot : !ring
      scf.yield %d : tensor<128x64xf32>
    }
  }
}

// -----

!ring = !aref.ring<? x tensor<128x64xbf16>>
!slot = !aref.slot<tensor<128x64xbf16>>

// B is computed, and goes through scratch of which each instance has its own;
// A is a product's operand and a value as well.
// CHECK-LABEL: tile.kernel @computed_b
tile.kernel @computed_b(%n: index, %B: memref<?x?xbf16>, %C: memref<?x?xbf16>) {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %ring = aref.ring : !ring
  // CHECK: %[[SCRATCH:.*]] = aref.alloc depth(2) : <64x64xbf16
  // CHECK: aref.role
  aref.role "consumer" instances(%i = 2) warps(4) {
    %zero = arith.constant dense<0.0> : tensor<64x64xf32>
    %row = arith.muli %i, %c64 : index
    %acc = scf.for %j = %c0 to %n step %c64 iter_args(%sum = %zero) -> (tensor<64x64xf32>) {
      %b = tile.load %B[%c0, %j] : memref<?x?xbf16> -> tensor<64x64xbf16>
      %slot, %a = aref.get %ring : !ring
      // CHECK: %[[AI:.*]] = aref.rows
      %ai = tensor.extract_slice %a[%row, 0] [64, 64] [1, 1] : tensor<128x64xbf16> to tensor<64x64xbf16>
      // CHECK: %[[X:.*]] = aref.local_load %[[AI]]
      // CHECK-NEXT: aref.fence_async
      // CHECK: %[[SI:.*]] = aref.stage %[[SCRATCH]][%{{.*}} : index]
      // CHECK-NEXT: aref.local_store %{{.*}}, %[[SI]]
      // CHECK-NEXT: aref.fence_async
      // CHECK-NEXT: aref.sync
      // CHECK-NEXT: aref.mma %[[AI]], %[[SI]],
      // CHECK-NEXT: aref.mma_wait %{{.*}} pending 0
      // CHECK-NEXT: aref.sync
      %d = tile.dot %ai, %b, %sum : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
      // CHECK: tile.store %[[X]]
      tile.store %ai, %C[%row, %j] : tensor<64x64xbf16>, memref<?x?xbf16>
      aref.release %ring, %slot : !ring
      scf.yield %d : tensor<64x64xf32>
    }
  }
}

// -----

// Without roles: both operands are loaded into registers.
// CHECK-LABEL: tile.kernel @one_role
tile.kernel @one_role(%A: memref<?x?xf16>, %C: memref<?x?xf32>) {
  // CHECK: aref.alloc : <64x64xf16
  %c0 = arith.constant 0 : index
  %zero = arith.constant dense<0.0> : tensor<64x64xf32>
  // CHECK: %[[A:.*]] = tile.load
  %a = tile.load %A[%c0, %c0] pad 0.0 : f16 : memref<?x?xf16> -> tensor<64x64xf16>
  %b = tile.load %A[%c0, %c0] pad 0.0 : f16 : memref<?x?xf16> -> tensor<64x64xf16>
  // CHECK: aref.local_store
  // CHECK-NOT: aref.local_store
  // CHECK: aref.mma %[[A]], %{{.*}} : tensor<64x64xf16>,
  %d = tile.dot %a, %b, %zero : tensor<64x64xf16>, tensor<64x64xf16> -> tensor<64x64xf32>
  tile.store %d, %C[%c0, %c0] : tensor<64x64xf32>, memref<?x?xf32>
}

// -----

!ring = !aref.ring<? x tensor<64x64xbf16>>
!slot = !aref.slot<tensor<64x64xbf16>>

// Two sums over one A: both products stay in flight, and all slots are given
// back late.
// CHECK-LABEL: tile.kernel @gated
tile.kernel @gated(%n: index, %C: memref<?x?xf32>) {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %ra = aref.ring : !ring
  %rb = aref.ring : !ring
  %rc = aref.ring : !ring
  aref.role "consumer" instances(%i = 1) warps(4) {
    %zero = arith.constant dense<0.0> : tensor<64x64xf32>
    // CHECK: %[[R:.*]]:5 = scf.for {{.*}} iter_args(%[[S0:.*]] = %{{.*}}, %[[S1:.*]] = %{{.*}}, %[[L0:.*]] = %{{.*}}, %[[L1:.*]] = %{{.*}}, %[[L2:.*]] = %{{.*}})
    %r:2 = scf.for %k = %c0 to %n step %c64 iter_args(%s0 = %zero, %s1 = %zero) -> (tensor<64x64xf32>, tensor<64x64xf32>) {
      %sa, %a = aref.get %ra : !ring
      %sb, %b = aref.get %rb : !ring
      // CHECK: %[[D0:.*]] = aref.mma %{{.*}}, %{{.*}}, %[[S0]]
      %d0 = tile.dot %a, %b, %s0 : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
      aref.release %rb, %sb : !ring
      %sc, %c = aref.get %rc : !ring
      // CHECK-NOT: aref.release
      // CHECK: %[[D1:.*]] = aref.mma %{{.*}}, %{{.*}}, %[[S1]]
      // CHECK: %[[W:.*]]:2 = aref.mma_wait %[[D0]], %[[D1]] pending 2
      // CHECK-DAG: aref.release %{{.*}}, %[[L0]]
      // CHECK-DAG: aref.release %{{.*}}, %[[L1]]
      // CHECK-DAG: aref.release %{{.*}}, %[[L2]]
      // CHECK: scf.yield %[[W]]#0, %[[W]]#1
      %d1 = tile.dot %a, %c, %s1 : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
      aref.release %ra, %sa : !ring
      aref.release %rc, %sc : !ring
      scf.yield %d0, %d1 : tensor<64x64xf32>, tensor<64x64xf32>
    }
    // CHECK: %[[DONE:.*]]:2 = aref.mma_wait %[[R]]#0, %[[R]]#1 pending 0
    // CHECK: arith.mulf %[[DONE]]#0, %[[DONE]]#1
    %x = arith.mulf %r#0, %r#1 : tensor<64x64xf32>
    tile.store %x, %C[%c0, %c0] : tensor<64x64xf32>, memref<?x?xf32>
  }
}

// -----

// f32 operands in registers are rounded to tf32, also on their way to scratch.
// CHECK-LABEL: tile.kernel @tf32
tile.kernel @tf32(%A: memref<?x?xf32>, %C: memref<?x?xf32>) {
  %c0 = arith.constant 0 : index
  %zero = arith.constant dense<0.0> : tensor<64x64xf32>
  // CHECK: %[[A:.*]] = tile.load
  %a = tile.load %A[%c0, %c0] pad 0.0 : f32 : memref<?x?xf32> -> tensor<64x32xf32>
  // CHECK: %[[B:.*]] = tile.load
  %b = tile.load %A[%c0, %c0] pad 0.0 : f32 : memref<?x?xf32> -> tensor<64x32xf32>
  // CHECK-DAG: %[[RA:.*]] = aref.round_tf32 %[[A]]
  // CHECK-DAG: %[[RB:.*]] = aref.round_tf32 %[[B]]
  // CHECK: aref.local_store %[[RB]], %[[S:.*]] :
  // CHECK: aref.mma %[[RA]], %[[S]],
  %d = tile.dot %a, %b, %zero transpose_b precision tf32 : tensor<64x32xf32>, tensor<64x32xf32> -> tensor<64x64xf32>
  tile.store %d, %C[%c0, %c0] : tensor<64x64xf32>, memref<?x?xf32>
}

// -----

!ring = !aref.ring<? x tensor<128x32xf32>, tensor<64x32xf32>>
!slot = !aref.slot<tensor<128x32xf32>, tensor<64x32xf32>>

// Operands in a ring are rounded before they are there. A, which is stored too,
// must not be: it is rounded in registers.
// CHECK-LABEL: tile.kernel @tf32_ring
tile.kernel @tf32_ring(%n: index, %C: memref<?x?xf32>) {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %ring = aref.ring : !ring
  aref.role "consumer" instances(%i = 2) warps(4) {
    %zero = arith.constant dense<0.0> : tensor<64x64xf32>
    %row = arith.muli %i, %c64 : index
    // CHECK-DAG: %[[A:.*]] = aref.view %{{.*}}, %{{.*}}[0]
    // CHECK-DAG: %[[B:.*]] = aref.view %{{.*}}, %{{.*}}[1]
    %slot, %a, %b = aref.get %ring : !ring
    // CHECK: %[[AI:.*]] = aref.rows %[[A]]
    // CHECK: %[[X:.*]] = aref.local_load %[[AI]]
    %ai = tensor.extract_slice %a[%row, 0] [64, 32] [1, 1] : tensor<128x32xf32> to tensor<64x32xf32>
    // CHECK: %[[R:.*]] = aref.round_tf32 %[[X]]
    // CHECK-NOT: aref.round_tf32
    // CHECK: aref.mma %[[R]], %[[B]],
    %d = tile.dot %ai, %b, %zero transpose_b precision tf32 : tensor<64x32xf32>, tensor<64x32xf32> -> tensor<64x64xf32>
    // CHECK: tile.store %[[X]]
    tile.store %ai, %C[%row, %c0] : tensor<64x32xf32>, memref<?x?xf32>
    tile.store %d, %C[%row, %c64] : tensor<64x64xf32>, memref<?x?xf32>
    aref.release %ring, %slot : !ring
  }
}

// -----

// A computed operand of two products is stored once; another one after it takes
// its place, and it is stored again.
// CHECK-LABEL: tile.kernel @twice
tile.kernel @twice(%A: memref<?x?xf16>, %C: memref<?x?xf32>) {
  // CHECK: %[[S:.*]] = aref.alloc : <64x64xf16
  %c0 = arith.constant 0 : index
  %zero = arith.constant dense<0.0> : tensor<64x64xf32>
  // CHECK: %[[A:.*]] = tile.load
  %a = tile.load %A[%c0, %c0] pad 0.0 : f16 : memref<?x?xf16> -> tensor<64x64xf16>
  // CHECK: %[[B:.*]] = arith.addf %[[A]]
  %b = arith.addf %a, %a : tensor<64x64xf16>
  // CHECK: aref.local_store %[[B]], %[[S]]
  // CHECK: aref.mma %[[A]], %[[S]]
  %d = tile.dot %a, %b, %zero : tensor<64x64xf16>, tensor<64x64xf16> -> tensor<64x64xf32>
  tile.store %d, %C[%c0, %c0] : tensor<64x64xf32>, memref<?x?xf32>
  // CHECK-NOT: aref.local_store
  // CHECK: aref.mma %[[B]], %[[S]]
  %e = tile.dot %b, %b, %zero : tensor<64x64xf16>, tensor<64x64xf16> -> tensor<64x64xf32>
  tile.store %e, %C[%c0, %c0] : tensor<64x64xf32>, memref<?x?xf32>
  // Nobody may still read what is written.
  // CHECK: aref.mma_wait
  // CHECK: aref.sync
  // CHECK: aref.local_store %[[A]], %[[S]]
  // CHECK: aref.mma %[[A]], %[[S]]
  %f = tile.dot %a, %a, %zero : tensor<64x64xf16>, tensor<64x64xf16> -> tensor<64x64xf32>
  tile.store %f, %C[%c0, %c0] : tensor<64x64xf32>, memref<?x?xf32>
  // CHECK: aref.local_store %[[B]], %[[S]]
  // CHECK: aref.mma %[[A]], %[[S]]
  %g = tile.dot %a, %b, %zero : tensor<64x64xf16>, tensor<64x64xf16> -> tensor<64x64xf32>
  tile.store %g, %C[%c0, %c0] : tensor<64x64xf32>, memref<?x?xf32>
}

// -----

!ring = !aref.ring<? x tensor<64x256xbf16>, tensor<64x256xbf16>>
!slot = !aref.slot<tensor<64x256xbf16>, tensor<64x256xbf16>>

// Registers hold a state of 256 columns, but not its operand beside the sum of
// a product: it goes through shared memory. A narrower one stays where it is.
// CHECK-LABEL: tile.kernel @wide_state
tile.kernel @wide_state(%T: index, %O: memref<?x?xf32>) {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %ring = aref.ring : !ring
  aref.role "consumer" instances(%i = 1) warps(4) registers(240) {
    %zero = arith.constant dense<0.0> : tensor<64x256xf32>
    %zero_o = arith.constant dense<0.0> : tensor<64x64xf32>
    // CHECK: %[[BUFFER:.*]] = aref.alloc
    // CHECK: scf.for
    %last = scf.for %t = %c0 to %T step %c64 iter_args(%s = %zero) -> (tensor<64x256xf32>) {
      %slot, %k, %q = aref.get %ring : !ring
      // CHECK: %[[S:.*]] = arith.truncf
      %s16 = arith.truncf %s : tensor<64x256xf32> to tensor<64x256xbf16>
      // CHECK: aref.local_store %[[S]], %[[BUFFER]]
      // CHECK: %[[O:.*]] = aref.mma %[[BUFFER]], %{{.*}}, %{{.*}} transpose_b
      %o = tile.dot %s16, %q, %zero_o transpose_b : tensor<64x256xbf16>, tensor<64x256xbf16> -> tensor<64x64xf32>
      tile.store %o, %O[%t, %c0] : tensor<64x64xf32>, memref<?x?xf32>
      // CHECK: %[[O16:.*]] = arith.truncf
      %o16 = arith.truncf %o : tensor<64x64xf32> to tensor<64x64xbf16>
      // CHECK: aref.mma %[[O16]]
      %new = tile.dot %o16, %k, %s : tensor<64x64xbf16>, tensor<64x256xbf16> -> tensor<64x256xf32>
      aref.release %ring, %slot : !ring
      scf.yield %new : tensor<64x256xf32>
    }
    tile.store %last, %O[%c0, %c0] : tensor<64x256xf32>, memref<?x?xf32>
  }
}
