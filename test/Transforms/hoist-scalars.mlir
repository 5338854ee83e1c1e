// RUN: heddle-opt %s --hoist-scalars | FileCheck %s

// Scalars leave every loop that does not change them; tiles stay, and so does
// what might fail or what depends on memory.
// CHECK-LABEL: tile.kernel @nest(
tile.kernel @nest(%A: memref<?x?xf32>, %S: memref<?xindex>, %n: index, %d: index) {
  // CHECK: aref.role "consumer"
  aref.role "consumer" instances(%i = 1) warps(4) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    // CHECK: %[[K:.*]] = memref.dim %A
    // CHECK-NEXT: %[[TWICE:.*]] = arith.addi %[[K]], %[[K]]
    // CHECK-NEXT: scf.for %[[OUTER:.*]] = %{{.*}} to %n
    scf.for %o = %c0 to %n step %c1 {
      // CHECK-NEXT: %[[ROW:.*]] = arith.muli %[[OUTER]], %[[TWICE]]
      // CHECK-NEXT: scf.for %[[INNER:.*]] = %{{.*}} to %[[K]]
      %K = memref.dim %A, %c1 : memref<?x?xf32>
      scf.for %k = %c0 to %K step %c1 {
        %twice = arith.addi %K, %K : index
        %row = arith.muli %o, %twice : index
        // CHECK-NEXT: %[[QUOTIENT:.*]] = arith.divui %n, %d
        %quotient = arith.divui %n, %d : index
        // CHECK-NEXT: %[[START:.*]] = memref.load %S
        %start = memref.load %S[%c0] : memref<?xindex>
        // CHECK-NEXT: %[[COLUMN:.*]] = arith.addi %[[START]], %[[QUOTIENT]]
        %column = arith.addi %start, %quotient : index
        // CHECK-NEXT: %[[TILE:.*]] = arith.constant dense
        %tile = arith.constant dense<0.0> : tensor<64x64xf32>
        // CHECK-NEXT: tile.store %[[TILE]], %A[%[[ROW]], %[[COLUMN]]]
        tile.store %tile, %A[%row, %column] : tensor<64x64xf32>, memref<?x?xf32>
      }
    }
  }
}
