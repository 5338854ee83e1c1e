// RUN: heddle-opt %s -split-input-file -pass-pipeline='builtin.module(tile.kernel(run-ahead))' -verify-diagnostics | FileCheck %s

!t = tensor<64x64xbf16>
!s = tensor<64x64xf32>
!v = tensor<64xf32>
!m = memref<?x64xbf16>

// Products of the state stay; those of what arrives, and factors, run ahead.
// Broadcasts and what is not worth a ring, both compute.
// CHECK-LABEL: tile.kernel @state
// CHECK: tile.load {{.*}} {aref.role = "preparer"}
// CHECK: tile.scan {{.*}} {aref.role = "preparer"}
// CHECK: math.exp2 {{.*}} {aref.role = "preparer"}
// CHECK: %[[ROWS:.*]] = tile.broadcast %{{.*}} axes [1] {aref.role = "preparer"}
// CHECK: %[[OTHERS:.*]] = tile.broadcast %{{.*}} axes [1] {aref.role = "consumer"}
// CHECK: tile.dot {{.*}} {aref.role = "preparer"}
// CHECK: arith.mulf %{{.*}}, %[[ROWS]] {aref.role = "preparer"}
// CHECK: arith.truncf {{.*}} {aref.role = "preparer"}
// CHECK: arith.truncf {{.*}} {aref.role = "consumer"}
// CHECK: arith.mulf %{{.*}}, %[[OTHERS]] {aref.role = "consumer"}
// CHECK: tile.dot {{.*}} {aref.role = "consumer"}
tile.kernel @state(%A: !m, %G: memref<?xf32>, %C: memref<?x64xf32>, %n: index) {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %zero = arith.constant dense<0.0> : !s
  %end = scf.for %i = %c0 to %n step %c64 iter_args(%s = %zero) -> (!s) {
    %a = tile.load %A[%i, %c0] {aref.role = "producer"} : !m -> !t
    %g = tile.load %G[%i] {aref.role = "consumer"} : memref<?xf32> -> !v
    %sum = tile.scan add %g axis 0 {aref.role = "consumer"} : !v
    %factor = math.exp2 %sum {aref.role = "consumer"} : !v
    %rows = tile.broadcast %factor axes [1] {aref.role = "consumer"} : !v -> !s
    %p = tile.dot %a, %a, %zero transpose_b {aref.role = "consumer"} : !t, !t -> !s
    %scaled = arith.mulf %p, %rows {aref.role = "consumer"} : !s
    %p16 = arith.truncf %scaled {aref.role = "consumer"} : !s to !t
    %s16 = arith.truncf %s {aref.role = "consumer"} : !s to !t
    %kept = arith.mulf %s, %rows {aref.role = "consumer"} : !s
    %new = tile.dot %s16, %p16, %kept {aref.role = "consumer"} : !t, !t -> !s
    scf.yield %new : !s
  }
  tile.store %end, %C[%c0, %c0] {aref.role = "consumer"} : !s, memref<?x64xf32>
}

// -----

!t = tensor<64x64xbf16>
!s = tensor<64x64xf32>
!m = memref<?x64xbf16>

// A sum that no product reads is no state.
// CHECK-LABEL: tile.kernel @sum
// CHECK-NOT: "preparer"
tile.kernel @sum(%A: !m, %C: memref<?x64xf32>, %n: index) {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %zero = arith.constant dense<0.0> : !s
  %end = scf.for %i = %c0 to %n step %c64 iter_args(%s = %zero) -> (!s) {
    %a = tile.load %A[%i, %c0] {aref.role = "producer"} : !m -> !t
    %p = tile.dot %a, %a, %zero transpose_b {aref.role = "consumer"} : !t, !t -> !s
    %p16 = arith.truncf %p {aref.role = "consumer"} : !s to !t
    %new = tile.dot %p16, %a, %s {aref.role = "consumer"} : !t, !t -> !s
    scf.yield %new : !s
  }
  tile.store %end, %C[%c0, %c0] {aref.role = "consumer"} : !s, memref<?x64xf32>
}

// -----

!t = tensor<64x64xbf16>
!s = tensor<64x64xf32>
!m = memref<?x64xbf16>

// What would have to be handed over is a sum.
// CHECK-LABEL: tile.kernel @sums_between
// CHECK-NOT: "preparer"
tile.kernel @sums_between(%A: !m, %C: memref<?x64xf32>, %n: index) {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %zero = arith.constant dense<0.0> : !s
  %end = scf.for %i = %c0 to %n step %c64 iter_args(%s = %zero) -> (!s) {
    %a = tile.load %A[%i, %c0] {aref.role = "producer"} : !m -> !t
    // expected-remark@+1 {{keeps the loop's consumer waiting for what its state does not reach: the consumer would be handed over a tile that is no operand of a product}}
    %p = tile.dot %a, %a, %zero transpose_b {aref.role = "consumer"} : !t, !t -> !s
    %s16 = arith.truncf %s {aref.role = "consumer"} : !s to !t
    %new = tile.dot %s16, %a, %p {aref.role = "consumer"} : !t, !t -> !s
    scf.yield %new : !s
  }
  tile.store %end, %C[%c0, %c0] {aref.role = "consumer"} : !s, memref<?x64xf32>
}

// -----

!t = tensor<64x64xbf16>
!s = tensor<64x64xf32>
!m = memref<?x64xbf16>

// The author decides.
// CHECK-LABEL: tile.kernel @sums_between
// CHECK: tile.dot {{.*}} {aref.role = "preparer"}
// CHECK: tile.dot {{.*}} {aref.role = "consumer"}
// CHECK: tile.run_ahead = true
// CHECK-LABEL: tile.kernel @kept_whole
// CHECK-NOT: "preparer"
tile.kernel @sums_between(%A: !m, %C: memref<?x64xf32>, %n: index) {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %zero = arith.constant dense<0.0> : !s
  %end = scf.for %i = %c0 to %n step %c64 iter_args(%s = %zero) -> (!s) {
    %a = tile.load %A[%i, %c0] {aref.role = "producer"} : !m -> !t
    %p = tile.dot %a, %a, %zero transpose_b {aref.role = "consumer"} : !t, !t -> !s
    %s16 = arith.truncf %s {aref.role = "consumer"} : !s to !t
    %new = tile.dot %s16, %a, %p {aref.role = "consumer"} : !t, !t -> !s
    scf.yield %new : !s
  } {tile.run_ahead = true}
  tile.store %end, %C[%c0, %c0] {aref.role = "consumer"} : !s, memref<?x64xf32>
}

tile.kernel @kept_whole(%A: !m, %C: memref<?x64xf32>, %n: index) attributes {tile.run_ahead = false} {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %zero = arith.constant dense<0.0> : !s
  %end = scf.for %i = %c0 to %n step %c64 iter_args(%s = %zero) -> (!s) {
    %a = tile.load %A[%i, %c0] {aref.role = "producer"} : !m -> !t
    %p = tile.dot %a, %a, %zero transpose_b {aref.role = "consumer"} : !t, !t -> !s
    %p16 = arith.truncf %p {aref.role = "consumer"} : !s to !t
    %s16 = arith.truncf %s {aref.role = "consumer"} : !s to !t
    %new = tile.dot %s16, %p16, %s {aref.role = "consumer"} : !t, !t -> !s
    scf.yield %new : !s
  }
  tile.store %end, %C[%c0, %c0] {aref.role = "consumer"} : !s, memref<?x64xf32>
}

// -----

!t = tensor<64x64xbf16>
!s = tensor<64x64xf32>
!v = tensor<64xf32>
!m = memref<?x64xbf16>

// Nor is a maximum that the operand of a product depends on.
// CHECK-LABEL: tile.kernel @maximum
// CHECK-NOT: "preparer"
tile.kernel @maximum(%A: !m, %C: memref<?x64xf32>, %n: index) {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %zero = arith.constant dense<0.0> : !s
  %lowest = arith.constant dense<-1.0e30> : !v
  %o_end, %max_end = scf.for %i = %c0 to %n step %c64 iter_args(%o = %zero, %max = %lowest) -> (!s, !v) {
    %a = tile.load %A[%i, %c0] {aref.role = "producer"} : !m -> !t
    %p = tile.dot %a, %a, %zero transpose_b {aref.role = "consumer"} : !t, !t -> !s
    %new_max = tile.reduce max %p, %max axis 1 {aref.role = "consumer"} : !s -> !v
    %rows = tile.broadcast %new_max axes [1] {aref.role = "consumer"} : !v -> !s
    %less = arith.subf %p, %rows {aref.role = "consumer"} : !s
    %p16 = arith.truncf %less {aref.role = "consumer"} : !s to !t
    %new = tile.dot %p16, %a, %o {aref.role = "consumer"} : !t, !t -> !s
    scf.yield %new, %new_max : !s, !v
  }
  tile.store %o_end, %C[%c0, %c0] {aref.role = "consumer"} : !s, memref<?x64xf32>
}

// -----

!t = tensor<64x64xbf16>
!s = tensor<64x64xf32>
!v = tensor<64xf32>
!m = memref<?x64xbf16>

// A number that vectors come to goes through a ring as a tile.
// CHECK-LABEL: tile.kernel @number
// CHECK: tile.reduce {{.*}} {aref.role = "preparer"}
// CHECK: math.exp2 {{.*}} {aref.role = "preparer"} : f32
// CHECK: tensor.splat {{.*}} {aref.role = "preparer"}
// CHECK: tile.broadcast {{.*}} {aref.role = "consumer"}
tile.kernel @number(%A: !m, %G: memref<?xf32>, %C: memref<?x64xf32>, %n: index) {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %none = arith.constant 0.0 : f32
  %zero = arith.constant dense<0.0> : !s
  %end = scf.for %i = %c0 to %n step %c64 iter_args(%s = %zero) -> (!s) {
    %a = tile.load %A[%i, %c0] {aref.role = "producer"} : !m -> !t
    %g = tile.load %G[%i] {aref.role = "consumer"} : memref<?xf32> -> !v
    %total = tile.reduce add %g, %none axis 0 {aref.role = "consumer"} : !v -> f32
    %decay = math.exp2 %total : f32
    %rows = tensor.splat %decay {aref.role = "consumer"} : !v
    %p = tile.dot %a, %a, %zero transpose_b {aref.role = "consumer"} : !t, !t -> !s
    %p16 = arith.truncf %p {aref.role = "consumer"} : !s to !t
    %s16 = arith.truncf %s {aref.role = "consumer"} : !s to !t
    %rows_s = tile.broadcast %rows axes [1] {aref.role = "consumer"} : !v -> !s
    %kept = arith.mulf %s, %rows_s {aref.role = "consumer"} : !s
    %new = tile.dot %s16, %p16, %kept {aref.role = "consumer"} : !t, !t -> !s
    scf.yield %new : !s
  }
  tile.store %end, %C[%c0, %c0] {aref.role = "consumer"} : !s, memref<?x64xf32>
}

// -----

!t = tensor<64x64xbf16>
!s = tensor<64x64xf32>
!v = tensor<64xf32>
!m = memref<?x64xbf16>

// A recurrence makes two tiles, of which any may be handed over.
// CHECK-LABEL: tile.kernel @recurrence
// CHECK: tile.recurrence {{.*}} {aref.role = "preparer"}
// CHECK: tile.dot {{.*}} {aref.role = "preparer"}
// CHECK: tile.dot {{.*}} {aref.role = "consumer"}
tile.kernel @recurrence(%A: !m, %G: memref<?xf32>, %C: memref<?x64xf32>, %n: index) {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %first = arith.constant 0.0 : f32
  %zero = arith.constant dense<0.0> : !s
  %end = scf.for %i = %c0 to %n step %c64 iter_args(%s = %zero) -> (!s) {
    %a = tile.load %A[%i, %c0] {aref.role = "producer"} : !m -> !t
    %g = tile.load %G[%i] {aref.role = "consumer"} : memref<?xf32> -> !v
    %sums, %last = tile.recurrence %g, %g, %first axis 0 {aref.role = "consumer"} : !v, f32
    %p = tile.dot %a, %a, %zero transpose_b {aref.role = "consumer"} : !t, !t -> !s
    %p16 = arith.truncf %p {aref.role = "consumer"} : !s to !t
    %s16 = arith.truncf %s {aref.role = "consumer"} : !s to !t
    %rows = tile.broadcast %sums axes [1] {aref.role = "consumer"} : !v -> !s
    %kept = arith.mulf %s, %rows {aref.role = "consumer"} : !s
    %new = tile.dot %s16, %p16, %kept {aref.role = "consumer"} : !t, !t -> !s
    scf.yield %new : !s
  }
  tile.store %end, %C[%c0, %c0] {aref.role = "consumer"} : !s, memref<?x64xf32>
}
