// RUN: heddle-opt %s -pass-pipeline='builtin.module(tile.kernel(assign-roles,insert-arefs))' | FileCheck %s

// A and B of one dot share a ring; the innermost tile.stages counts.
// CHECK-LABEL: tile.kernel @gemm(
// CHECK-NEXT: %[[AB:.*]] = aref.ring requested_depth(3) : <? x tensor<128x64xbf16>, tensor<64x64xbf16>>
// CHECK-NOT: aref.ring
// CHECK: scf.for
// CHECK: %[[A:.*]] = tile.load %A
// CHECK-NEXT: %[[B:.*]] = tile.load %B
// CHECK-NEXT: aref.put %[[AB]], %[[A]], %[[B]] {aref.role = "producer"}
// CHECK-NEXT: %[[SLOT:.*]], %[[V0:.*]], %[[V1:.*]] = aref.get %[[AB]] {aref.role = "consumer"}
// CHECK-NEXT: tile.dot %[[V0]], %[[V1]],
// CHECK-NEXT: aref.release %[[AB]], %[[SLOT]] {aref.role = "consumer"}
// CHECK-NEXT: scf.yield
tile.kernel @gemm(%A: memref<?x?xbf16>, %B: memref<?x?xbf16>, %C: memref<?x?xf32>, %K: index) attributes {aref.persistent, aref.copies = "tma", tile.stages = 5} {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %zero = arith.constant dense<0.0> : tensor<128x64xf32>
  %s = scf.for %k = %c0 to %K step %c64 iter_args(%sum = %zero) -> (tensor<128x64xf32>) {
    %a = tile.load %A[%c0, %k] : memref<?x?xbf16> -> tensor<128x64xbf16>
    %b = tile.load %B[%k, %c0] : memref<?x?xbf16> -> tensor<64x64xbf16>
    %d = tile.dot %a, %b, %sum : tensor<128x64xbf16>, tensor<64x64xbf16> -> tensor<128x64xf32>
    scf.yield %d : tensor<128x64xf32>
  } {tile.stages = 3}
  tile.store %s, %C[%c0, %c0] : tensor<128x64xf32>, memref<?x?xf32>
}

// A tile that several dots use has its own ring, held from the first use to the
// last, around the loop and the branch that use it. The kernel's tile.stages is
// for loads outside of loops that have their own.
// CHECK-LABEL: tile.kernel @held(
// CHECK-NEXT: %[[Q:.*]] = aref.ring requested_depth(2) : <? x tensor<64x64xbf16>>
// CHECK-NEXT: %[[K:.*]] = aref.ring requested_depth(4) : <? x tensor<64x64xbf16>>
// CHECK-NEXT: %[[W:.*]] = aref.ring requested_depth(2) : <? x tensor<64x64xbf16>>
// CHECK-NOT: aref.ring
// CHECK: tile.load %A
// CHECK-NEXT: aref.put %[[Q]]
// CHECK-NEXT: %[[SLOT:.*]], %[[V:.*]] = aref.get %[[Q]]
// CHECK-NEXT: scf.for
// CHECK:   aref.put %[[K]]
// CHECK:   aref.get %[[K]]
// CHECK:   tile.dot %[[V]],
// CHECK:   aref.release %[[K]]
// CHECK: }
// CHECK: aref.put %[[W]]
// CHECK-NEXT: %[[WSLOT:.*]], %[[WV:.*]] = aref.get %[[W]]
// CHECK-NEXT: scf.if
// CHECK:   tile.dot %[[V]], %[[WV]]
// CHECK: } else {
// CHECK: }
// CHECK-DAG: aref.release %[[Q]], %[[SLOT]]
// CHECK-DAG: aref.release %[[W]], %[[WSLOT]]
// CHECK: tile.store
tile.kernel @held(%A: memref<?x?xbf16>, %B: memref<?x?xbf16>, %C: memref<?x?xf32>, %K: index, %flag: i1) attributes {aref.persistent, aref.copies = "tma", tile.stages = 2} {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %zero = arith.constant dense<0.0> : tensor<64x64xf32>
  %q = tile.load %A[%c0, %c0] : memref<?x?xbf16> -> tensor<64x64xbf16>
  %s = scf.for %k = %c0 to %K step %c64 iter_args(%sum = %zero) -> (tensor<64x64xf32>) {
    %b = tile.load %B[%k, %c0] : memref<?x?xbf16> -> tensor<64x64xbf16>
    %d = tile.dot %q, %b, %sum : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
    scf.yield %d : tensor<64x64xf32>
  } {tile.stages = 4}
  %w = tile.load %B[%c64, %c64] : memref<?x?xbf16> -> tensor<64x64xbf16>
  %r = scf.if %flag -> tensor<64x64xf32> {
    %d = tile.dot %q, %w, %s : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
    scf.yield %d : tensor<64x64xf32>
  } else {
    scf.yield %s : tensor<64x64xf32>
  }
  tile.store %r, %C[%c0, %c0] : tensor<64x64xf32>, memref<?x?xf32>
}

// One tile as both operands travels once; what arrives in different blocks does
// not share a ring; without tile.stages nothing is requested.
// CHECK-LABEL: tile.kernel @square(
// CHECK-NEXT: %[[S:.*]] = aref.ring : <? x tensor<64x64xbf16>>
// CHECK-NEXT: %[[O:.*]] = aref.ring : <? x tensor<64x64xbf16>>
// CHECK-NEXT: %[[I:.*]] = aref.ring : <? x tensor<64x64xbf16>>
// CHECK: aref.put %[[S]], %{{[^,]*}} {
// CHECK: %{{.*}}, %[[V:.*]] = aref.get %[[S]]
// CHECK-NEXT: tile.dot %[[V]], %[[V]]
// CHECK-NEXT: aref.release %[[S]]
// CHECK: aref.put %[[O]]
// CHECK: aref.get %[[O]]
// CHECK: scf.for
// CHECK: aref.put %[[I]]
tile.kernel @square(%A: memref<?x?xbf16>, %C: memref<?x?xf32>, %K: index) attributes {aref.persistent, aref.copies = "plain"} {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %zero = arith.constant dense<0.0> : tensor<64x64xf32>
  %a = tile.load %A[%c0, %c0] : memref<?x?xbf16> -> tensor<64x64xbf16>
  %d = tile.dot %a, %a, %zero transpose_a : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
  %o = tile.load %A[%c0, %c64] : memref<?x?xbf16> -> tensor<64x64xbf16>
  %s = scf.for %k = %c0 to %K step %c64 iter_args(%sum = %d) -> (tensor<64x64xf32>) {
    %i = tile.load %A[%c0, %k] : memref<?x?xbf16> -> tensor<64x64xbf16>
    %e = tile.dot %o, %i, %sum : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
    scf.yield %e : tensor<64x64xf32>
  }
  tile.store %s, %C[%c0, %c0] : tensor<64x64xf32>, memref<?x?xf32>
}

// Nothing to hand over.
// CHECK-LABEL: tile.kernel @copy(
// CHECK-NOT: aref.
tile.kernel @copy(%x: memref<?xf32>, %y: memref<?xf32>) {
  %b = gpu.block_id x
  %t = tile.load %x[%b] : memref<?xf32> -> tensor<64xf32>
  tile.store %t, %y[%b] : tensor<64xf32>, memref<?xf32>
}

// What is but computed from before it is an operand has a ring of its own, and
// is given back when it has been read.
// CHECK-LABEL: tile.kernel @widened(
// CHECK-NEXT: %[[B:.*]] = aref.ring : <? x tensor<64x64xf8E4M3FN>>
// CHECK-NEXT: %[[A:.*]] = aref.ring : <? x tensor<64x64xbf16>>
// CHECK: tile.load %{{.*}} -> tensor<64x64xf8E4M3FN>
// CHECK-NEXT: aref.put %[[B]]
// CHECK-NEXT: %[[SLOT:.*]], %[[V:.*]] = aref.get %[[B]]
// CHECK-NEXT: arith.extf %[[V]]
// CHECK-NEXT: aref.release %[[B]], %[[SLOT]]
// CHECK: tile.dot
tile.kernel @widened(%A: memref<?x?xbf16>, %B: memref<?x?xf8E4M3FN>, %C: memref<?x?xf32>) attributes {aref.persistent, aref.copies = "tma"} {
  %c0 = arith.constant 0 : index
  %zero = arith.constant dense<0.0> : tensor<64x64xf32>
  %b = tile.load %B[%c0, %c0] : memref<?x?xf8E4M3FN> -> tensor<64x64xf8E4M3FN>
  %w = arith.extf %b : tensor<64x64xf8E4M3FN> to tensor<64x64xbf16>
  %a = tile.load %A[%c0, %c0] : memref<?x?xbf16> -> tensor<64x64xbf16>
  %d = tile.dot %a, %w, %zero : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
  tile.store %d, %C[%c0, %c0] : tensor<64x64xf32>, memref<?x?xf32>
}

// A vector that is no operand has a ring of its own, emptied where it is used.
// CHECK-LABEL: tile.kernel @vector(
// CHECK-NEXT: %[[A:.*]] = aref.ring : <? x tensor<64x64xbf16>>
// CHECK-NEXT: %[[X:.*]] = aref.ring : <? x tensor<64xf32>>
// CHECK: aref.put %[[A]]
// CHECK: aref.put %[[X]]
// CHECK: tile.dot
// CHECK: %{{.*}}, %[[V:.*]] = aref.get %[[X]]
// CHECK-NEXT: tile.broadcast %[[V]]
// CHECK-NEXT: aref.release %[[X]]
tile.kernel @vector(%A: memref<?x?xbf16>, %x: memref<?xf32>, %C: memref<?x?xf32>, %K: index) attributes {aref.persistent, aref.copies = "plain"} {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %zero = arith.constant dense<0.0> : tensor<64x64xf32>
  %s = scf.for %k = %c0 to %K step %c64 iter_args(%sum = %zero) -> (tensor<64x64xf32>) {
    %a = tile.load %A[%c0, %k] : memref<?x?xbf16> -> tensor<64x64xbf16>
    %v = tile.load %x[%k] : memref<?xf32> -> tensor<64xf32>
    %d = tile.dot %a, %a, %sum : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
    %w = tile.broadcast %v axes [0] : tensor<64xf32> -> tensor<64x64xf32>
    %e = arith.addf %d, %w : tensor<64x64xf32>
    scf.yield %e : tensor<64x64xf32>
  }
  tile.store %s, %C[%c0, %c0] : tensor<64x64xf32>, memref<?x?xf32>
}
