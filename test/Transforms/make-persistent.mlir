// RUN: heddle-opt %s -pass-pipeline='builtin.module(tile.kernel(make-persistent))' | FileCheck %s

// CHECK-LABEL: tile.kernel @two(
// CHECK-SAME: %C: memref<?x?xf32>, %grid_x: index, %grid_y: index, %grid_z: index) attributes {aref.persistent}
// Numbers of blocks fit in 32 bits, whose divisions are instructions.
// CHECK: %[[BLOCK:.*]] = gpu.block_id x
// CHECK: %[[FIRST:.*]] = arith.index_cast %[[BLOCK]] : index to i32
// CHECK: %[[COUNT:.*]] = gpu.grid_dim x
// CHECK: %[[STEP:.*]] = arith.index_cast %[[COUNT]] : index to i32
// CHECK: %[[X0:.*]] = arith.index_cast %grid_x : index to i32
// CHECK: %[[Y0:.*]] = arith.index_cast %grid_y : index to i32
// CHECK: %[[XY:.*]] = arith.muli %[[X0]], %[[Y0]]
// CHECK: %[[Z0:.*]] = arith.index_cast %grid_z : index to i32
// CHECK: %[[ALL:.*]] = arith.muli %[[XY]], %[[Z0]]
// CHECK: scf.for unsigned %[[T32:.*]] = %[[FIRST]] to %[[ALL]] step %[[STEP]] : i32 {
// CHECK:   %[[GX:.*]] = arith.index_cast %grid_x
// CHECK:   %[[GY:.*]] = arith.index_cast %grid_y
// CHECK:   %[[PLANE:.*]] = arith.muli %[[GX]], %[[GY]]
// CHECK:   %[[IN:.*]] = arith.remui %[[T32]], %[[PLANE]]
// CHECK:   %[[Z32:.*]] = arith.divui %[[T32]], %[[PLANE]]
// CHECK:   %[[Z:.*]] = arith.index_castui %[[Z32]]
// CHECK:   %[[EIGHT:.*]] = arith.constant 8 : i32
// CHECK:   %[[G:.*]] = arith.minui %[[GX]], %[[EIGHT]]
// CHECK:   %[[GROUP:.*]] = arith.muli %[[G]], %[[GY]]
// CHECK:   %[[Q:.*]] = arith.divui %[[IN]], %[[GROUP]]
// CHECK:   %[[ROW:.*]] = arith.muli %[[Q]], %[[G]]
// CHECK:   %[[R:.*]] = arith.remui %[[IN]], %[[GROUP]]
// CHECK:   %[[LEFT:.*]] = arith.subi %[[GX]], %[[ROW]]
// CHECK:   %[[H:.*]] = arith.minui %[[LEFT]], %[[G]]
// CHECK:   %[[DX:.*]] = arith.remui %[[R]], %[[H]]
// CHECK:   %[[X32:.*]] = arith.addi %[[ROW]], %[[DX]]
// CHECK:   %[[X:.*]] = arith.index_castui %[[X32]]
// CHECK:   %[[Y32:.*]] = arith.divui %[[R]], %[[H]]
// CHECK:   %[[Y:.*]] = arith.index_castui %[[Y32]]
// CHECK-NOT: gpu.
// The id is used inside a nested loop, and the grid's extent is the logical one.
// CHECK:   scf.for %{{.*}} = %[[X]] to %grid_y
// CHECK:     tile.store %{{.*}}, %C[%[[Y]], %[[Z]]]
// CHECK: } {aref.blocks}
tile.kernel @two(%A: memref<?x?xbf16>, %C: memref<?x?xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant dense<0.0> : tensor<64x64xf32>
  %x = gpu.block_id x
  %gy = gpu.grid_dim y
  scf.for %i = %x to %gy step %c1 {
    %y = gpu.block_id y
    %z = gpu.block_id z
    %a = tile.load %A[%c0, %i] : memref<?x?xbf16> -> tensor<64x64xbf16>
    %d = tile.dot %a, %a, %zero : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
    tile.store %d, %C[%y, %z] : tensor<64x64xf32>, memref<?x?xf32>
  }
}

// CHECK-LABEL: tile.kernel @one(
// CHECK: scf.for unsigned %[[T32:.*]] = %{{.*}} to
// CHECK-NEXT: %[[GX:.*]] = arith.index_cast %grid_x
// CHECK-NEXT: %[[X32:.*]] = arith.remui %[[T32]], %[[GX]]
// CHECK-NEXT: %[[X:.*]] = arith.index_castui %[[X32]]
// CHECK-NOT: arith.divui
// CHECK: tile.load %A[%[[X]], %[[X]]]
tile.kernel @one(%A: memref<?x?xbf16>) attributes {tile.raster = 4} {
  %zero = arith.constant dense<0.0> : tensor<64x64xf32>
  %x = gpu.block_id x
  %a = tile.load %A[%x, %x] : memref<?x?xbf16> -> tensor<64x64xbf16>
  %d = tile.dot %a, %a, %zero : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
}

// One row of blocks at a time: no groups.
// CHECK-LABEL: tile.kernel @rows(
// CHECK-SAME: tile.raster = 1
// CHECK: scf.for
// CHECK: %[[GY:.*]] = arith.index_cast %grid_y
// CHECK: %[[IN:.*]] = arith.remui
// CHECK: %[[X32:.*]] = arith.divui %[[IN]], %[[GY]]
// CHECK: %[[X:.*]] = arith.index_castui %[[X32]]
// CHECK: %[[Y32:.*]] = arith.remui %[[IN]], %[[GY]]
// CHECK: %[[Y:.*]] = arith.index_castui %[[Y32]]
// CHECK-NOT: arith.minui
// CHECK: tile.load %A[%[[X]], %[[Y]]]
tile.kernel @rows(%A: memref<?x?xbf16>) attributes {tile.raster = 1} {
  %zero = arith.constant dense<0.0> : tensor<64x64xf32>
  %x = gpu.block_id x
  %y = gpu.block_id y
  %a = tile.load %A[%x, %y] : memref<?x?xbf16> -> tensor<64x64xbf16>
  %d = tile.dot %a, %a, %zero : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
}

// CHECK-LABEL: tile.kernel @group(
// CHECK: arith.constant 3 : i32
// CHECK: arith.minui
tile.kernel @group(%A: memref<?x?xbf16>) attributes {tile.raster = 3} {
  %zero = arith.constant dense<0.0> : tensor<64x64xf32>
  %x = gpu.block_id x
  %y = gpu.block_id y
  %a = tile.load %A[%x, %y] : memref<?x?xbf16> -> tensor<64x64xbf16>
  %d = tile.dot %a, %a, %zero : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
}

// Clusters are at places of the grid that two rows of blocks share, and their
// blocks next to one another. A group has as many rows of blocks as without.
// CHECK-LABEL: tile.kernel @clusters(
// CHECK-SAME: aref.cluster = array<i64: 2, 1, 1>
// CHECK: %[[ID:.*]] = gpu.cluster_id x
// CHECK: %[[FIRST:.*]] = arith.index_cast %[[ID]]
// CHECK: %[[COUNT:.*]] = gpu.cluster_dim x
// CHECK: %[[STEP:.*]] = arith.index_cast %[[COUNT]]
// CHECK: %[[BLOCKS:.*]] = gpu.cluster_dim_blocks x
// CHECK: %[[SIZE:.*]] = arith.index_cast %[[BLOCKS]]
// CHECK: %[[GX:.*]] = arith.index_cast %grid_x
// CHECK: %[[CX:.*]] = arith.divui %[[GX]], %[[SIZE]]
// CHECK: %[[GY:.*]] = arith.index_cast %grid_y
// CHECK: arith.muli %[[CX]], %[[GY]]
// CHECK: scf.for unsigned %{{.*}} = %[[FIRST]] to %{{.*}} step %[[STEP]]
// CHECK: %[[FOUR:.*]] = arith.constant 4 : i32
// CHECK: arith.minui %{{.*}}, %[[FOUR]]
// CHECK: %[[AT:.*]] = arith.addi
// CHECK: %[[START:.*]] = arith.muli %[[AT]], %[[SIZE]]
// CHECK: %[[PLACE:.*]] = gpu.cluster_block_id x
// CHECK: %[[RANK:.*]] = arith.index_cast %[[PLACE]]
// CHECK: %[[X32:.*]] = arith.addi %[[START]], %[[RANK]]
// CHECK: %[[X:.*]] = arith.index_castui %[[X32]]
// CHECK: tile.load %A[%[[X]],
tile.kernel @clusters(%A: memref<?x?xbf16>) attributes {aref.copies = "tma", tile.cluster = [2]} {
  %zero = arith.constant dense<0.0> : tensor<64x64xf32>
  %x = gpu.block_id x
  %y = gpu.block_id y
  %a = tile.load %A[%x, %y] : memref<?x?xbf16> -> tensor<64x64xbf16>
  %d = tile.dot %a, %a, %zero : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
}

// Along z; groups are as they were.
// CHECK-LABEL: tile.kernel @deep(
// CHECK-SAME: aref.cluster = array<i64: 1, 1, 4>
// CHECK: arith.constant 8 : i32
// CHECK: tile.load
tile.kernel @deep(%A: memref<?x?xbf16>) attributes {aref.copies = "tma", tile.cluster = [1, 1, 4]} {
  %zero = arith.constant dense<0.0> : tensor<64x64xf32>
  %x = gpu.block_id x
  %y = gpu.block_id y
  %z = gpu.block_id z
  %m = arith.addi %y, %z : index
  %a = tile.load %A[%x, %m] : memref<?x?xbf16> -> tensor<64x64xbf16>
  %d = tile.dot %a, %a, %zero : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
}

// Nothing to share without TMA.
// CHECK-LABEL: tile.kernel @no_tma(
// CHECK-NOT: aref.cluster
// CHECK: gpu.block_id x
tile.kernel @no_tma(%A: memref<?x?xbf16>) attributes {aref.copies = "plain", tile.cluster = [2]} {
  %zero = arith.constant dense<0.0> : tensor<64x64xf32>
  %x = gpu.block_id x
  %a = tile.load %A[%x, %x] : memref<?x?xbf16> -> tensor<64x64xbf16>
  %d = tile.dot %a, %a, %zero : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
}

// Nothing to multiply: the grid is launched as it is.
// CHECK-LABEL: tile.kernel @copy(
// CHECK-NOT: scf.for
// CHECK: gpu.block_id x
// CHECK-NOT: aref.persistent
tile.kernel @copy(%x: memref<?xf32>, %y: memref<?xf32>) {
  %b = gpu.block_id x
  %t = tile.load %x[%b] : memref<?xf32> -> tensor<64xf32>
  tile.store %t, %y[%b] : tensor<64xf32>, memref<?xf32>
}
