// A tile that no block could hold is refused before anything is allocated, by
// the compiler and by the reference alone.
// RUN: %python %S/Inputs/expect_exit.py 2 heddle run %s --size N=4 --device=reference 2>&1 | FileCheck %s
// RUN: %python %S/Inputs/expect_exit.py 2 heddle run %s --size N=4 2>&1 | FileCheck %s

tile.kernel @k(%x: memref<?x?xf32>) {
  %c0 = arith.constant 0 : index
  // CHECK: large-tile.mlir:[[@LINE+1]]:{{[0-9]+}}: error: {{.*}}expected a tile of at most 1048576 elements, found 'tensor<1000000x1000000xf32>'
  %t = tile.load %x[%c0, %c0] : memref<?x?xf32> -> tensor<1000000x1000000xf32>
  tile.store %t, %x[%c0, %c0] : tensor<1000000x1000000xf32>, memref<?x?xf32>
}
tile.host @h[%N](inout %x: memref<?x?xf32>[%N, %N]) {
  %one = arith.constant 1 : index
  tile.launch @k grid(%one) args(%x) : memref<?x?xf32>
}
