// Rows that tiles of indices point at: whole rows, parts of them, elements, and
// rows for a product, which threads of the producer gather.
// RUN: heddle run %s --entry=rows --size N=70 --size ROWS=9 --input I=zeros --check --sanitize=full | FileCheck %s --check-prefix=GOOD
// RUN: heddle run %s --entry=rows --size N=1 --size ROWS=1 --check | FileCheck %s --check-prefix=GOOD
// RUN: heddle run %s --entry=rows --size N=0 --size ROWS=0 --check | FileCheck %s --check-prefix=GOOD
// RUN: heddle run %s --entry=elements --size N=300 --size M=37 --check --sanitize=full | FileCheck %s --check-prefix=GOOD
// RUN: heddle run %s --entry=product --size N=200 --size R=150 --size SHIFT=0 --check --sanitize=full --schedule=explore:2 | FileCheck %s --check-prefix=GOOD
// RUN: heddle run %s --entry=product --size N=1 --size R=1 --size SHIFT=0 --check | FileCheck %s --check-prefix=GOOD
// GOOD: check Y {{.*}}: ok

// Without a pad, rows must be there.
// RUN: not heddle run %s --entry=product --size N=200 --size R=150 --size SHIFT=1 2>&1 | FileCheck %s --check-prefix=OUTSIDE
// RUN: not heddle run %s --entry=product --size N=200 --size R=150 --size SHIFT=1 --device=reference 2>&1 | FileCheck %s --check-prefix=REFERENCE
// OUTSIDE: gather.mlir:[[#@LINE+52]]): trap: a row that is gathered is outside of the view, and the load has no pad
// REFERENCE: gather.mlir:[[#@LINE+51]]:{{.*}} error: offset 150 of row 22 is outside of dimension 0 of the view, which has 150 elements, and the load has no pad

!numbers = tensor<16xi32>
tile.kernel @gather_rows(%x: memref<?x3x?xf32>, %i: memref<?xi32>, %y: memref<?x?xf32>) {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %c5 = arith.constant 5 : index
  %c16 = arith.constant 16 : index
  %block = gpu.block_id x
  %m = arith.muli %block, %c16 : index
  %given = tile.load %i[%m] pad 0 : i32 : memref<?xi32> -> !numbers
  %iota = tile.iota axis 0 : !numbers
  // Row -1 is none, as those behind the last are.
  %minus = arith.constant dense<-1> : !numbers
  %row = arith.addi %iota, %minus : !numbers
  %sum = arith.addi %row, %given : !numbers
  %t = tile.load %x[%sum : !numbers, %c2, %c5] pad 7.0 : f32 : memref<?x3x?xf32> -> tensor<16x24xf32>
  tile.store %t, %y[%m, %c0] : tensor<16x24xf32>, memref<?x?xf32>
}

tile.kernel @gather_elements(%x: memref<?x?xbf16>, %y: memref<?xbf16>) {
  %c64 = arith.constant 64 : index
  %block = gpu.block_id x
  %m = arith.muli %block, %c64 : index
  %first = tensor.splat %m : tensor<64xindex>
  %iota = tile.iota axis 0 : tensor<64xindex>
  %three = arith.constant dense<3> : tensor<64xindex>
  %i = arith.addi %iota, %first : tensor<64xindex>
  %row = arith.divui %i, %three : tensor<64xindex>
  %column = arith.remui %i, %three : tensor<64xindex>
  %t = tile.load %x[%row : tensor<64xindex>, %column : tensor<64xindex>] pad -1.0 : bf16 : memref<?x?xbf16> -> tensor<64xbf16>
  tile.store %t, %y[%m] : tensor<64xbf16>, memref<?xbf16>
}

// Rows behind the last repeat the last, or what is SHIFT behind it.
tile.kernel @gather_operands(%x: memref<?x64xbf16>, %y: memref<?x64xbf16>, %w: memref<64x64xbf16>, %shift: index) {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %block = gpu.block_id x
  %m = arith.muli %block, %c64 : index
  %r = memref.dim %x, %c0 : memref<?x64xbf16>
  %minus = arith.constant -1 : index
  %before = arith.addi %r, %minus : index
  %last = arith.addi %before, %shift : index
  %r32 = arith.index_cast %last : index to i32
  %m32 = arith.index_cast %m : index to i32
  %first = tensor.splat %m32 : tensor<64xi32>
  %rows = tensor.splat %r32 : tensor<64xi32>
  %iota = tile.iota axis 0 : tensor<64xi32>
  %i = arith.addi %iota, %first : tensor<64xi32>
  %row = arith.minsi %i, %rows : tensor<64xi32>
  %a = tile.load %x[%row : tensor<64xi32>, %c0] : memref<?x64xbf16> -> tensor<64x64xbf16>
  %b = tile.load %w[%c0, %c0] : memref<64x64xbf16> -> tensor<64x64xbf16>
  %zero = arith.constant dense<0.0> : tensor<64x64xf32>
  %d = tile.dot %a, %b, %zero : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
  %e = arith.truncf %d : tensor<64x64xf32> to tensor<64x64xbf16>
  tile.store %e, %y[%m, %c0] : tensor<64x64xbf16>, memref<?x64xbf16>
}

tile.host @rows[%N, %ROWS](%X: memref<?x3x?xf32>[%ROWS, %N], %I: memref<?xi32>[%N], out %Y: memref<?x?xf32>[%N, %N]) {
  %c16 = arith.constant 16 : index
  %blocks = arith.ceildivui %N, %c16 : index
  tile.launch @gather_rows grid(%blocks) args(%X, %I, %Y) : memref<?x3x?xf32>, memref<?xi32>, memref<?x?xf32>
}

tile.host @elements[%N, %M](%X: memref<?x?xbf16>[%M, %M], out %Y: memref<?xbf16>[%N]) {
  %c64 = arith.constant 64 : index
  %blocks = arith.ceildivui %N, %c64 : index
  tile.launch @gather_elements grid(%blocks) args(%X, %Y) : memref<?x?xbf16>, memref<?xbf16>
}

tile.host @product[%N, %R, %SHIFT](%X: memref<?x64xbf16>[%R], %W: memref<64x64xbf16>, out %Y: memref<?x64xbf16>[%N]) {
  %c64 = arith.constant 64 : index
  %blocks = arith.ceildivui %N, %c64 : index
  tile.launch @gather_operands grid(%blocks) args(%X, %Y, %W, %SHIFT) : memref<?x64xbf16>, memref<?x64xbf16>, memref<64x64xbf16>, index
}
