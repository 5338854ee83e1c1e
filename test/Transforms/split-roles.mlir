// RUN: heddle-opt %s -pass-pipeline='builtin.module(tile.kernel(assign-roles,insert-arefs,split-roles))' | FileCheck %s
// RUN: heddle-opt %s -pass-pipeline='builtin.module(tile.kernel(assign-roles,insert-arefs,split-roles))' -mlir-print-debuginfo | FileCheck %s --check-prefix=LOC

// The producer keeps the loop and its carried scalar, not the accumulator; the
// consumer keeps the accumulator, not the scalar.
// CHECK-LABEL: tile.kernel @carried(
// CHECK-NEXT: %[[AB:.*]] = aref.ring
// CHECK-NEXT: aref.role "producer" instances(%{{.*}} = 1) warps(1) {
// CHECK-NOT: dense
// CHECK: scf.for %{{.*}} iter_args(%[[AT:.*]] = %{{.*}}) -> (index) {
// CHECK-NEXT: %[[A:.*]] = tile.load %A[%c0{{.*}}, %[[AT]]] : memref<?x?xbf16> -> tensor<64x64xbf16>
// CHECK-NEXT: %[[B:.*]] = tile.load %B
// CHECK-NEXT: aref.put %[[AB]], %[[A]], %[[B]] :
// CHECK-NEXT: %[[NEXT:.*]] = arith.addi %[[AT]]
// CHECK-NEXT: scf.yield %[[NEXT]] : index
// CHECK-NEXT: } {tile.stages = 2 : i64}
// CHECK-NOT: tile.store
// CHECK: aref.role "consumer" instances(%{{.*}} = 1) warps(4) {
// CHECK: scf.for %{{.*}} iter_args(%[[SUM:.*]] = %{{.*}}) -> (tensor<64x64xf32>) {
// CHECK-NEXT: %[[SLOT:.*]], %[[V0:.*]], %[[V1:.*]] = aref.get %[[AB]] :
// CHECK-NEXT: %[[D:.*]] = tile.dot %[[V0]], %[[V1]], %[[SUM]]
// CHECK-NEXT: aref.release %[[AB]], %[[SLOT]]
// CHECK-NEXT: scf.yield %[[D]]
// CHECK-NEXT: } {tile.stages = 2 : i64}
// CHECK-NOT: tile.load
// CHECK: tile.store
// CHECK-NOT: aref.role
// LOC-LABEL: tile.kernel @carried(
// LOC: tile.load %A
// LOC: tile.load %B{{.*}} loc(#[[B:.*]])
// LOC: aref.put {{.*}} loc(#[[B]])
// LOC: aref.get {{.*}} loc(#[[D:.*]])
// LOC: tile.dot {{.*}} loc(#[[D]])
tile.kernel @carried(%A: memref<?x?xbf16>, %B: memref<?x?xbf16>, %C: memref<?x?xf32>, %K: index) attributes {aref.persistent, aref.copies = "tma"} {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %zero = arith.constant dense<0.0> : tensor<64x64xf32>
  %s:2 = scf.for %k = %c0 to %K step %c64 iter_args(%sum = %zero, %at = %c0) -> (tensor<64x64xf32>, index) {
    %a = tile.load %A[%c0, %at] : memref<?x?xbf16> -> tensor<64x64xbf16>
    %b = tile.load %B[%k, %c0] : memref<?x?xbf16> -> tensor<64x64xbf16>
    %d = tile.dot %a, %b, %sum : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
    %next = arith.addi %at, %c64 : index
    scf.yield %d, %next : tensor<64x64xf32>, index
  } {tile.stages = 2}
  tile.store %s#0, %C[%c0, %c0] : tensor<64x64xf32>, memref<?x?xf32>
}

// Branches and loops of both kinds, nested: the producer follows them, without
// an else that holds nothing for it, and without tiles.
// CHECK-LABEL: tile.kernel @nested(
// CHECK: aref.role "producer" instances(%{{.*}} = 1) warps(4) {
// CHECK: scf.if %{{.*}} {
// CHECK-NEXT: %{{.*}} = scf.while (%[[AT:.*]] = %{{.*}}) : (index) -> index {
// CHECK: scf.condition(%{{.*}}) %[[AT]] : index
// CHECK: ^bb0(%[[AT2:.*]]: index
// CHECK: tile.load %A[%[[AT2]],
// CHECK: aref.put
// CHECK: scf.yield %{{.*}} : index
// CHECK-NOT: else
// CHECK: aref.role "consumer" instances(%{{.*}} = 1) warps(4) {
// CHECK: scf.if %{{.*}} -> (tensor<64x64xf32>) {
// CHECK: scf.while (%{{.*}} = %{{.*}}, %{{.*}} = %{{.*}}) : (tensor<64x64xf32>, index) -> (tensor<64x64xf32>, index) {
// CHECK: } else {
tile.kernel @nested(%A: memref<?x?xbf16>, %C: memref<?x?xf32>, %flag: i1, %n: index) attributes {aref.persistent, aref.copies = "plain"} {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %zero = arith.constant dense<0.0> : tensor<64x64xf32>
  %w = scf.if %flag -> tensor<64x64xf32> {
    %x:2 = scf.while (%sum = %zero, %at = %c0) : (tensor<64x64xf32>, index) -> (tensor<64x64xf32>, index) {
      %more = arith.cmpi ult, %at, %n : index
      scf.condition(%more) %sum, %at : tensor<64x64xf32>, index
    } do {
    ^bb0(%sum: tensor<64x64xf32>, %at: index):
      %a = tile.load %A[%at, %c0] : memref<?x?xbf16> -> tensor<64x64xbf16>
      %d = tile.dot %a, %a, %sum : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
      %next = arith.addi %at, %c64 : index
      scf.yield %d, %next : tensor<64x64xf32>, index
    }
    scf.yield %x#0 : tensor<64x64xf32>
  } else {
    %neg = arith.negf %zero : tensor<64x64xf32>
    scf.yield %neg : tensor<64x64xf32>
  }
  tile.store %w, %C[%c0, %c0] : tensor<64x64xf32>, memref<?x?xf32>
}

// A branch that only chooses a scalar for the producer's address.
// CHECK-LABEL: tile.kernel @choice(
// CHECK: aref.role "producer"
// CHECK: %[[ROW:.*]] = scf.if %{{.*}} -> (index) {
// CHECK: scf.yield %{{.*}} : index
// CHECK: } else {
// CHECK: scf.yield %{{.*}} : index
// CHECK: tile.load %A[%[[ROW]],
// CHECK: aref.role "consumer"
// CHECK: scf.if %{{.*}} -> (tensor<64x64xf32>) {
// CHECK-NOT: memref.load
// CHECK: tile.dot
tile.kernel @choice(%A: memref<?x?xbf16>, %I: memref<?xindex>, %C: memref<?x?xf32>, %flag: i1) attributes {aref.persistent, aref.copies = "plain"} {
  %c0 = arith.constant 0 : index
  %zero = arith.constant dense<0.0> : tensor<64x64xf32>
  %one = arith.constant dense<1.0> : tensor<64x64xf32>
  %r:2 = scf.if %flag -> (index, tensor<64x64xf32>) {
    %i = memref.load %I[%c0] : memref<?xindex>
    scf.yield %i, %zero : index, tensor<64x64xf32>
  } else {
    scf.yield %c0, %one : index, tensor<64x64xf32>
  }
  %a = tile.load %A[%r#0, %c0] : memref<?x?xbf16> -> tensor<64x64xbf16>
  %d = tile.dot %a, %a, %r#1 : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
  tile.store %d, %C[%c0, %c0] : tensor<64x64xf32>, memref<?x?xf32>
}

// CHECK-LABEL: tile.kernel @copy(
// CHECK-NOT: aref.role
tile.kernel @copy(%x: memref<?xf32>, %y: memref<?xf32>) {
  %b = gpu.block_id x
  %t = tile.load %x[%b] : memref<?xf32> -> tensor<64xf32>
  tile.store %t, %y[%b] : tensor<64xf32>, memref<?xf32>
}


// The producer computes which rows it gathers, and looks their pages up; the
// consumer does neither.
// CHECK-LABEL: tile.kernel @gather(
// CHECK: aref.role "producer"
// CHECK: %[[NUMBER:.*]] = arith.divui
// CHECK: %[[PAGE:.*]] = tile.load %{{.*}}[%[[NUMBER]] : tensor<64xi32>]
// CHECK: tile.load %{{.*}}[%[[PAGE]] : tensor<64xi32>, %{{.*}}]
// CHECK: aref.put
// CHECK: aref.role "consumer"
// CHECK-NOT: tile.load
// CHECK: tile.dot
tile.kernel @gather(%A: memref<?x64xbf16>, %pages: memref<?xi32>, %C: memref<?x?xf32>) attributes {aref.persistent, aref.copies = "plain"} {
  %c0 = arith.constant 0 : index
  %zero = arith.constant dense<0.0> : tensor<64x64xf32>
  %two = arith.constant dense<2> : tensor<64xi32>
  %i = tile.iota axis 0 : tensor<64xi32>
  %number = arith.divui %i, %two : tensor<64xi32>
  %page = tile.load %pages[%number : tensor<64xi32>] : memref<?xi32> -> tensor<64xi32>
  %a = tile.load %A[%page : tensor<64xi32>, %c0] : memref<?x64xbf16> -> tensor<64x64xbf16>
  %d = tile.dot %a, %a, %zero : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
  tile.store %d, %C[%c0, %c0] : tensor<64x64xf32>, memref<?x?xf32>
}

// Loops whose bounds have no sign stay such.
// CHECK-LABEL: tile.kernel @without_sign(
// CHECK: aref.role "producer"
// CHECK: scf.for unsigned
// CHECK: aref.role "consumer"
// CHECK: scf.for unsigned
tile.kernel @without_sign(%A: memref<?x?xbf16>, %C: memref<?x?xf32>, %n: i32) attributes {aref.persistent, aref.copies = "tma"} {
  %c0 = arith.constant 0 : index
  %first = arith.constant 0 : i32
  %step = arith.constant 64 : i32
  %zero = arith.constant dense<0.0> : tensor<64x64xf32>
  %s = scf.for unsigned %i = %first to %n step %step iter_args(%sum = %zero) -> (tensor<64x64xf32>) : i32 {
    %k = arith.index_castui %i : i32 to index
    %a = tile.load %A[%c0, %k] : memref<?x?xbf16> -> tensor<64x64xbf16>
    %d = tile.dot %a, %a, %sum : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
    scf.yield %d : tensor<64x64xf32>
  }
  tile.store %s, %C[%c0, %c0] : tensor<64x64xf32>, memref<?x?xf32>
}
