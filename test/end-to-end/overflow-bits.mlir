// Products of 16-bit floats overflow where their type does, also if what follows would bring them back, and their bits say so.
// RUN: heddle run %s --check --input A=uniform:0:1 | FileCheck %s
// RUN: heddle run %s --check --input A=uniform:-1000:1000 | FileCheck %s
// RUN: heddle run %s --check --input A=zeros | FileCheck %s
// CHECK: check bits {{.*}}: ok
// CHECK: check numbers {{.*}}: ok
!h = tensor<64xf16>
!s = tensor<64xi16>
tile.kernel @squares(%A: memref<64xf16>, %bits: memref<64xi16>, %numbers: memref<64xf16>) {
  %c0 = arith.constant 0 : index
  %a = tile.load %A[%c0] : memref<64xf16> -> !h
  %small = arith.constant dense<0.0078125> : !h
  %large = arith.constant dense<1000.0> : !h
  %b = arith.mulf %a, %large : !h
  %square = arith.mulf %b, %b : !h
  %scaled = arith.mulf %square, %small : !h
  %i = arith.bitcast %scaled : !h to !s
  tile.store %i, %bits[%c0] : !s, memref<64xi16>
  tile.store %scaled, %numbers[%c0] : !h, memref<64xf16>
}
tile.host @main[](%A: memref<64xf16>, out %bits: memref<64xi16>, out %numbers: memref<64xf16>) {
  %c1 = arith.constant 1 : index
  tile.launch @squares grid(%c1) args(%A, %bits, %numbers) : memref<64xf16>, memref<64xi16>, memref<64xf16>
}
