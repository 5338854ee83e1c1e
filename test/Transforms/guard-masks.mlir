// RUN: heddle-opt %s --guard-masks --cse --split-input-file | FileCheck %s

// Where the last column of the tile is not beyond the first row, nothing is
// masked; the mask is made only where it is. What is tested before depends on
// the loop in one place.
// CHECK-LABEL: tile.kernel @causal(
// CHECK: scf.for %[[N:.*]] = %c0 to %N
// CHECK: %[[X:.*]] = tile.load %X
// CHECK-NOT: tensor<64x128xi32>
// CHECK: %[[WHOLE:.*]] = arith.cmpi sle, %[[N]], %{{.*}} : index
// CHECK: %[[EXACT:.*]] = arith.andi %{{.*}}, %[[WHOLE]] : i1
// CHECK: %[[KEPT:.*]] = scf.if %[[EXACT]] -> (tensor<64x128xf32>) {
// CHECK-NEXT: scf.yield %[[X]]
// CHECK-NEXT: } else {
// CHECK: tile.iota axis 1 {aref.pinned} : tensor<64x128xi32>
// CHECK: arith.cmpi sle, {{.*}} : tensor<64x128xi32>
// CHECK-NEXT: %[[SELECTED:.*]] = arith.select
// CHECK-NEXT: scf.yield %[[SELECTED]]
// CHECK-NEXT: }
// CHECK-NEXT: tile.reduce max %[[KEPT]]
tile.kernel @causal(%X: memref<?x?xf32>, %Y: memref<?xf32>, %m: index, %N: index) {
  %c0 = arith.constant 0 : index
  %c128 = arith.constant 128 : index
  %none = arith.constant dense<0.0> : tensor<64xf32>
  %minus = arith.constant dense<0xFF800000> : tensor<64x128xf32>
  %m32 = arith.index_cast %m : index to i32
  %ms = tensor.splat %m32 : tensor<64xi32>
  %row = tile.iota axis 0 : tensor<64xi32>
  %rows = arith.addi %row, %ms : tensor<64xi32>
  %maxima = scf.for %n = %c0 to %N step %c128 iter_args(%max = %none) -> (tensor<64xf32>) {
    %x = tile.load %X[%m, %n] pad 0.0 : f32 : memref<?x?xf32> -> tensor<64x128xf32>
    %n32 = arith.index_cast %n : index to i32
    %ns = tensor.splat %n32 : tensor<64x128xi32>
    %column = tile.iota axis 1 : tensor<64x128xi32>
    %columns = arith.addi %column, %ns : tensor<64x128xi32>
    %wide = tile.broadcast %rows axes [1] : tensor<64xi32> -> tensor<64x128xi32>
    %keep = arith.cmpi sle, %columns, %wide : tensor<64x128xi32>
    %kept = arith.select %keep, %x, %minus : tensor<64x128xi1>, tensor<64x128xf32>
    %new = tile.reduce max %kept, %max axis 1 : tensor<64x128xf32> -> tensor<64xf32>
    scf.yield %new : tensor<64xf32>
  }
  tile.store %maxima, %Y[%m] : tensor<64xf32>, memref<?xf32>
}

// -----

// The side that is computed is kept, whatever the mask says; a mask that is
// used twice stays where it is.
// CHECK-LABEL: tile.kernel @dropped(
// CHECK: scf.for
// CHECK: %[[DROP:.*]] = arith.cmpi sgt, %{{.*}} : tensor<128xindex>
// CHECK: scf.if %{{.*}} -> (tensor<128xf32>) {
// CHECK-NEXT: scf.yield %[[X:.*]] :
// CHECK-NEXT: } else {
// CHECK-NEXT: %[[SELECTED:.*]] = arith.select %[[DROP]], %cst, %[[X]]
// CHECK-NEXT: scf.yield %[[SELECTED]]
// CHECK: scf.if
tile.kernel @dropped(%X: memref<?xf32>, %Y: memref<?xf32>, %m: index, %N: index) {
  %c0 = arith.constant 0 : index
  %c128 = arith.constant 128 : index
  %zero = arith.constant dense<0.0> : tensor<128xf32>
  %ms = tensor.splat %m : tensor<128xindex>
  scf.for %n = %c0 to %N step %c128 {
    %x = tile.load %X[%n] pad 0.0 : f32 : memref<?xf32> -> tensor<128xf32>
    %ns = tensor.splat %n : tensor<128xindex>
    %column = tile.iota axis 0 : tensor<128xindex>
    %columns = arith.addi %column, %ns : tensor<128xindex>
    %drop = arith.cmpi sgt, %columns, %ms : tensor<128xindex>
    %y = arith.select %drop, %zero, %x : tensor<128xi1>, tensor<128xf32>
    %square = arith.mulf %x, %x : tensor<128xf32>
    %z = arith.select %drop, %zero, %square : tensor<128xi1>, tensor<128xf32>
    %sum = arith.addf %y, %z : tensor<128xf32>
    tile.store %sum, %Y[%n] : tensor<128xf32>, memref<?xf32>
  }
}

// -----

// A mask that is loaded may be anything; so may one outside of a loop.
// CHECK-LABEL: tile.kernel @unknown(
// CHECK-NOT: scf.if
tile.kernel @unknown(%X: memref<?xf32>, %K: memref<?xi32>, %Y: memref<?xf32>, %m: i32, %N: index) {
  %c0 = arith.constant 0 : index
  %c128 = arith.constant 128 : index
  %zero = arith.constant dense<0.0> : tensor<128xf32>
  %ms = tensor.splat %m : tensor<128xi32>
  scf.for %n = %c0 to %N step %c128 {
    %x = tile.load %X[%n] pad 0.0 : f32 : memref<?xf32> -> tensor<128xf32>
    %k = tile.load %K[%n] pad 0 : i32 : memref<?xi32> -> tensor<128xi32>
    %keep = arith.cmpi eq, %k, %ms : tensor<128xi32>
    %y = arith.select %keep, %x, %zero : tensor<128xi1>, tensor<128xf32>
    tile.store %y, %Y[%n] : tensor<128xf32>, memref<?xf32>
  }
  %column = tile.iota axis 0 : tensor<128xi32>
  %keep = arith.cmpi slt, %column, %ms : tensor<128xi32>
  %x = tile.load %X[%c0] pad 0.0 : f32 : memref<?xf32> -> tensor<128xf32>
  %y = arith.select %keep, %x, %zero : tensor<128xi1>, tensor<128xf32>
  tile.store %y, %Y[%c0] : tensor<128xf32>, memref<?xf32>
}

// -----

// All of several comparisons must decide; any that holds everywhere makes up
// for what is loaded.
// CHECK-LABEL: tile.kernel @joined(
// CHECK: scf.for
// CHECK-DAG: %[[SHORT:.*]] = arith.cmpi sle, %{{.*}} : index
// CHECK: scf.if
tile.kernel @joined(%X: memref<?xf32>, %K: memref<?xi32>, %Y: memref<?xf32>, %m: i32, %N: index) {
  %c0 = arith.constant 0 : index
  %c128 = arith.constant 128 : index
  %zero = arith.constant dense<0.0> : tensor<128xf32>
  %izero = arith.constant dense<0> : tensor<128xi32>
  %ms = tensor.splat %m : tensor<128xi32>
  scf.for %n = %c0 to %N step %c128 {
    %x = tile.load %X[%n] pad 0.0 : f32 : memref<?xf32> -> tensor<128xf32>
    %k = tile.load %K[%n] pad 0 : i32 : memref<?xi32> -> tensor<128xi32>
    %n32 = arith.index_cast %n : index to i32
    %ns = tensor.splat %n32 : tensor<128xi32>
    %column = tile.iota axis 0 : tensor<128xi32>
    %columns = arith.addi %column, %ns : tensor<128xi32>
    %loaded = arith.cmpi ne, %k, %izero : tensor<128xi32>
    %prefix = arith.cmpi slt, %columns, %ms : tensor<128xi32>
    %keep = arith.ori %loaded, %prefix : tensor<128xi1>
    %y = arith.select %keep, %x, %zero : tensor<128xi1>, tensor<128xf32>
    tile.store %y, %Y[%n] : tensor<128xf32>, memref<?xf32>
  }
}
