// What a load without a pad reads outside of its view is not specified, so a
// program whose result depends on it cannot be right.
// RUN: %python %S/Inputs/expect_exit.py 1 heddle run %s --size N=60 --input x=zeros --check | FileCheck %s
// CHECK: check y (60 of f32): WRONG, 4 of 60 elements
// CHECK: worst element [{{[0-9]+}}]: expected nan, found 0

tile.kernel @k(%x: memref<?xf32>, %y: memref<?xf32>) {
  %c0 = arith.constant 0 : index
  %cm4 = arith.constant -4 : index
  %t = tile.load %x[%cm4] : memref<?xf32> -> tensor<64xf32>
  tile.store %t, %y[%c0] : tensor<64xf32>, memref<?xf32>
}
tile.host @h[%N](%x: memref<?xf32>[%N], out %y: memref<?xf32>[%N]) {
  %one = arith.constant 1 : index
  tile.launch @k grid(%one) args(%x, %y) : memref<?xf32>, memref<?xf32>
}
