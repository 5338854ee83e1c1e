// A kernel of functions is the kernel: roles, checks and names are as if it were written in one.
// RUN: heddle run %s --size M=65 --size K=200 --check --sanitize=full --schedule=explore:4
// RUN: heddle run %s --size M=1 --size K=1 --check --sanitize=full
// RUN: heddle run %s --size M=0 --size K=63 --check
// RUN: heddle run %s --size M=65 --size K=0 --check
// RUN: heddle compile %s -o %t.heddle && heddle run %t.heddle --size M=65 --size K=63 --check
// RUN: heddle compile %s --emit=aref -o - | FileCheck %s
// RUN: heddle explain %s | FileCheck %s --check-prefix=EXPLAIN
// RUN: %python %S/../tools/heddle/Inputs/expect_exit.py 2 heddle run %s --size M=4097 --size K=1 2>&1 | FileCheck %s --check-prefix=LARGE
!matrix = memref<?x?xbf16>
!rows = memref<?x64xf32, strided<[64, 1], offset: ?>>
!out = memref<?x64xf32>
!tile = tensor<64x64xbf16>
!sum = tensor<64x64xf32>

// CHECK-NOT: func
// CHECK: %A_B = aref.ring
// CHECK: aref.role "producer"
// CHECK: aref.role "consumer"
// CHECK: %next = aref.mma
// CHECK: %scaled = arith.mulf
// EXPLAIN: producer

func.func @load_tile(%x: !matrix, %row: index, %k: index) -> !tile {
  %t = tile.load %x[%row, %k] pad 0.0 : bf16 : !matrix -> !tile
  return %t : !tile
}

func.func @accumulate(%A: !matrix, %m: index, %B: !matrix, %k: index, %sum: !sum) -> !sum {
  %c0 = arith.constant 0 : index
  %a = call @load_tile(%A, %m, %k) : (!matrix, index, index) -> !tile
  %b = call @load_tile(%B, %c0, %k) : (!matrix, index, index) -> !tile
  %product = tile.dot %a, %b, %sum transpose_b : !tile, !tile -> !sum
  return %product : !sum
}

func.func @rows_from(%x: !out, %first: index) -> !rows {
  %c0 = arith.constant 0 : index
  %extent = memref.dim %x, %c0 : !out
  %left = arith.subi %extent, %first : index
  %part = memref.subview %x[%first, 0] [%left, 64] [1, 1] : !out to !rows
  return %part : !rows
}

func.func @halved(%x: !sum) -> !sum {
  %half = arith.constant dense<0.5> : !sum
  %y = arith.mulf %x, %half : !sum
  return %y : !sum
}

tile.kernel @products(%A: !matrix, %B: !matrix, %C: !out) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c64 = arith.constant 64 : index
  %zero = arith.constant dense<0.0> : !sum
  %b = gpu.block_id x
  %m = arith.muli %b, %c64 : index
  %K = memref.dim %A, %c1 : !matrix
  %sum = scf.for %k = %c0 to %K step %c64 iter_args(%s = %zero) -> (!sum) {
    %next = func.call @accumulate(%A, %m, %B, %k, %s) : (!matrix, index, !matrix, index, !sum) -> !sum
    scf.yield %next : !sum
  }
  %scaled = func.call @halved(%sum) : (!sum) -> !sum
  %C_m = func.call @rows_from(%C, %m) : (!out, index) -> !rows
  tile.store %scaled, %C_m[%c0, %c0] : !sum, !rows
}

func.func @blocks_of(%extent: index) -> index {
  %c64 = arith.constant 64 : index
  %c4096 = arith.constant 4096 : index
  %fits = arith.cmpi ule, %extent, %c4096 : index
  // LARGE: functions.mlir:[[@LINE+1]]: expected at most 4096 rows
  cf.assert %fits, "expected at most 4096 rows"
  %blocks = arith.ceildivui %extent, %c64 : index
  return %blocks : index
}

tile.host @run[%M, %K](%A: !matrix[%M, %K], %B: memref<64x?xbf16>[%K], out %C: !out[%M]) {
  %blocks = func.call @blocks_of(%M) : (index) -> index
  tile.launch @products grid(%blocks) args(%A, %B, %C) : !matrix, memref<64x?xbf16>, !out
}
