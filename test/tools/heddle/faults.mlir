// What the reference cannot do is told with the block it happened in.
// RUN: %python %S/Inputs/expect_exit.py 1 heddle run %s --size N=4 --device=reference 2>&1 | FileCheck %s

tile.kernel @k(%x: memref<?xf32>) {
  %c4 = arith.constant 4 : index
  // CHECK: faults.mlir:[[@LINE+1]]:{{[0-9]+}}: error: index 4 is outside of dimension 0 of the memref, which has 4 elements
  %f = memref.load %x[%c4] : memref<?xf32>
  // CHECK-NEXT: %f = memref.load %x[%c4] : memref<?xf32>
  // CHECK-NEXT: {{^}}       ^
  // CHECK-NEXT: faults.mlir:4:1: note: while running block (0, 0, 0) of this kernel
  memref.store %f, %x[%c4] : memref<?xf32>
}
tile.host @h[%N](inout %x: memref<?xf32>[%N]) {
  %one = arith.constant 1 : index
  tile.launch @k grid(%one) args(%x) : memref<?xf32>
}
