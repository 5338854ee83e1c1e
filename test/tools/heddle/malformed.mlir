// RUN: %python %S/Inputs/expect_exit.py 2 heddle run %s 2>&1 | FileCheck %s
// RUN: %python %S/Inputs/expect_exit.py 2 heddle compile %s -o - 2>&1 | FileCheck %s
// RUN: %python %S/Inputs/expect_exit.py 2 heddle explain %s 2>&1 | FileCheck %s

tile.kernel @k(%x: memref<?xf32>) {
  %c0 = arith.constant 0 : index
  // CHECK: malformed.mlir:[[@LINE+1]]:{{[0-9]+}}: error: {{.*}}expected a tile of 'f32'
  %t = tile.load %x[%c0] : memref<?xf32> -> tensor<64xbf16>
}
