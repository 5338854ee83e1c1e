// Remarks, which tell what kept the compiler from doing better, are for who asks. Warnings are for everybody.
// RUN: heddle compile %s -o %t.ptx 2>&1 | count 0
// RUN: heddle compile %s -o %t.ptx --remarks 2>&1 | FileCheck %s
// RUN: heddle run %s 2>&1 | FileCheck %s --check-prefix=QUIET
// RUN: heddle run %s --remarks 2>&1 | FileCheck %s
// RUN: heddle explain %s 2>&1 | FileCheck %s
// CHECK: remarks.mlir:[[#]]:1: remark: kernel '@ones' runs as one role: no operand of its dots can be loaded ahead
// QUIET-NOT: remark
tile.kernel @ones(%C: memref<64x64xf32>) {
  %c0 = arith.constant 0 : index
  %one = arith.constant dense<1.0> : tensor<64x64xf16>
  %zero = arith.constant dense<0.0> : tensor<64x64xf32>
  %d = tile.dot %one, %one, %zero : tensor<64x64xf16>, tensor<64x64xf16> -> tensor<64x64xf32>
  tile.store %d, %C[%c0, %c0] : tensor<64x64xf32>, memref<64x64xf32>
}
tile.host @main[](out %C: memref<64x64xf32>) {
  %c1 = arith.constant 1 : index
  tile.launch @ones grid(%c1) args(%C) : memref<64x64xf32>
}
