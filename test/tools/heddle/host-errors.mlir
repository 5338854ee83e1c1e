// RUN: %python %S/Inputs/expect_exit.py 2 heddle compile %s -o - 2>&1 | FileCheck %s
// RUN: %python %S/Inputs/expect_exit.py 2 heddle run %s --size N=1 2>&1 | FileCheck %s

tile.kernel @k(%a: f32) {
}
tile.host @h[%N]() {
  %one = arith.constant 1 : index
  %x = arith.constant 2.0 : f32
  // CHECK: host-errors.mlir:[[@LINE+1]]:{{[0-9]+}}: error: a host function cannot compute this
  %y = arith.mulf %x, %x : f32
  tile.launch @k grid(%one) args(%y) : f32
}
