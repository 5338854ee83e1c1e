// RUN: heddle-opt %s --convert-to-nvvm | FileCheck %s

// Tiles that change lanes within their warps.

#sum = #aref.layout<atom = [64, 8], register = [[0, 1], [8, 0]], lane = [[0, 2], [0, 4], [1, 0], [2, 0], [4, 0]], warp = [[16, 0], [32, 0]]>
#operand = #aref.layout<atom = [64, 32], register = [[0, 1], [0, 2], [8, 0], [0, 16]], lane = [[0, 4], [0, 8], [1, 0], [2, 0], [4, 0]], warp = [[16, 0], [32, 0]]>

// Of four lanes, bit 0 leaves the lanes and bit 1 enters them: in the first round, the lane to read from has the other one's bits
// in the other order. Bytes that go to one lane share a word.
// CHECK-LABEL: llvm.func @bytes
// CHECK: %[[TWO:.*]] = arith.andi %[[LANE:.*]], %c2_
// CHECK: %[[DOWN:.*]] = arith.shrui %[[TWO]], %c1_
// CHECK: %[[ONE:.*]] = arith.andi %[[LANE]], %c1_
// CHECK: %[[UP:.*]] = arith.shli %[[ONE]], %c1_
// CHECK: %[[LOW_BITS:.*]] = arith.ori %[[DOWN]], %[[UP]]
// CHECK: %[[SAME:.*]] = arith.andi %[[LANE]], %c28
// CHECK: %[[SOURCE:.*]] = arith.ori %[[LOW_BITS]], %[[SAME]]
// CHECK: %[[OTHER:.*]] = arith.xori %[[SOURCE]], %c1_
// CHECK: %[[FIRST:.*]] = arith.select %[[A:.*]], %[[HIGH:.*]], %[[LOW:.*]] : i32
// CHECK: nvvm.shfl.sync idx %{{.*}}, %[[FIRST]], %[[SOURCE]]
// CHECK: %[[SECOND:.*]] = arith.select %[[A]], %[[LOW]], %[[HIGH]] : i32
// CHECK: nvvm.shfl.sync idx %{{.*}}, %[[SECOND]], %[[OTHER]]
// CHECK-COUNT-2: nvvm.shfl.sync
// CHECK-NOT: nvvm.shfl.sync
// CHECK-COUNT-4: nvvm.prmt
// CHECK-NOT: nvvm.prmt
// CHECK: llvm.return
tile.kernel @bytes(%x: memref<64x32xi8>) {
  %c0 = arith.constant 0 : index
  %t = tile.load %x[%c0, %c0] : memref<64x32xi8> -> tensor<64x32xi8, #sum>
  %u = aref.convert_layout %t : tensor<64x32xi8, #sum> -> tensor<64x32xi8, #operand>
  tile.store %u, %x[%c0, %c0] : tensor<64x32xi8, #operand>, memref<64x32xi8>
}

#rows = #aref.layout<atom = [32, 4], register = [[0, 1], [0, 2]], lane = [[1, 0], [2, 0], [4, 0], [8, 0], [16, 0]], warp = []>
#others = #aref.layout<atom = [32, 4], register = [[0, 1], [0, 2]], lane = [[2, 0], [1, 0], [4, 0], [8, 0], [16, 0]], warp = []>

// Whole words change lanes.
// CHECK-LABEL: llvm.func @words
// CHECK-NOT: arith.select
// CHECK-COUNT-4: nvvm.shfl.sync
// CHECK-NOT: nvvm.prmt
// CHECK: llvm.return
tile.kernel @words(%x: memref<32x4xf32>) attributes {tile.warps = 1} {
  %c0 = arith.constant 0 : index
  %t = tile.load %x[%c0, %c0] : memref<32x4xf32> -> tensor<32x4xf32, #rows>
  %u = aref.convert_layout %t : tensor<32x4xf32, #rows> -> tensor<32x4xf32, #others>
  tile.store %u, %x[%c0, %c0] : tensor<32x4xf32, #others>, memref<32x4xf32>
}
