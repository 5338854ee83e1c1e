// RUN: heddle-opt %s --narrow-masked-loops --canonicalize --cse --split-input-file | FileCheck %s

// Columns up to the last row's are summed up: the loop ends after the last that
// any row needs. What would wrap around in i32 leaves the bounds as they are.
// CHECK-LABEL: tile.kernel @causal(
// CHECK: %[[LAST:.*]] = arith.addi %m, %c63
// CHECK: arith.cmpi ult
// CHECK: %[[EXACT:.*]] = arith.andi
// CHECK-NEXT: %[[END:.*]] = arith.select %[[EXACT]], %[[LAST]], %c4611686018427387904
// CHECK-NEXT: %[[AFTER:.*]] = arith.addi %[[END]], %c1
// CHECK-NEXT: %[[END:.*]] = arith.minsi %N, %[[AFTER]]
// CHECK-NEXT: scf.for %{{.*}} = %c0 to %[[END]] step %c128
tile.kernel @causal(%X: memref<?x?xf32>, %Y: memref<?xf32>, %m: index, %N: index) {
  %c0 = arith.constant 0 : index
  %c128 = arith.constant 128 : index
  %none = arith.constant dense<0.0> : tensor<64xf32>
  %zero = arith.constant dense<0.0> : tensor<64x128xf32>
  %m32 = arith.index_cast %m : index to i32
  %ms = tensor.splat %m32 : tensor<64x128xi32>
  %row = tile.iota axis 0 : tensor<64x128xi32>
  %rows = arith.addi %row, %ms : tensor<64x128xi32>
  %sums = scf.for %n = %c0 to %N step %c128 iter_args(%sum = %none) -> (tensor<64xf32>) {
    %x = tile.load %X[%m, %n] pad 0.0 : f32 : memref<?x?xf32> -> tensor<64x128xf32>
    %n32 = arith.index_cast %n : index to i32
    %ns = tensor.splat %n32 : tensor<64x128xi32>
    %column = tile.iota axis 1 : tensor<64x128xi32>
    %columns = arith.addi %column, %ns : tensor<64x128xi32>
    %keep = arith.cmpi sle, %columns, %rows : tensor<64x128xi32>
    %kept = arith.select %keep, %x, %zero : tensor<64x128xi1>, tensor<64x128xf32>
    %new = tile.reduce add %kept, %sum axis 1 : tensor<64x128xf32> -> tensor<64xf32>
    scf.yield %new : tensor<64xf32>
  }
  tile.store %sums, %Y[%m] : tensor<64xf32>, memref<?xf32>
}

// -----

// A window begins late, too, in whole steps from the old begin.
// CHECK-LABEL: tile.kernel @window(
// CHECK: %[[LAST:.*]] = arith.addi %m, %c63
// CHECK: %[[LAST2:.*]] = arith.select %{{.*}}, %[[LAST]], %c4611686018427387904
// CHECK: %[[NEAR:.*]] = arith.subi %m, %window
// CHECK: %[[FIRST:.*]] = arith.addi %[[NEAR]], %c-126
// CHECK: %[[FIRST2:.*]] = arith.select %{{.*}}, %[[FIRST]], %c-4611686018427387904
// CHECK: %[[AFTER:.*]] = arith.addi %[[LAST2]], %c1
// CHECK: %[[END:.*]] = arith.minsi %N, %[[AFTER]]
// CHECK: %[[LOW:.*]] = arith.minsi %[[FIRST2]], %N
// CHECK: %[[LOW2:.*]] = arith.maxsi %[[LOW]], %B
// CHECK: %[[SKIPPED:.*]] = arith.subi %[[LOW2]], %B
// CHECK: %[[UP:.*]] = arith.addi %[[SKIPPED]], %c127
// CHECK: %[[STEPS:.*]] = arith.divui %[[UP]], %c128
// CHECK: %[[MOVED:.*]] = arith.muli %[[STEPS]], %c128
// CHECK: %[[BEGIN:.*]] = arith.addi %B, %[[MOVED]]
// CHECK: scf.for %{{.*}} = %[[BEGIN]] to %[[END]] step %c128
tile.kernel @window(%X: memref<?x?xf32>, %Y: memref<?xf32>, %m: index, %B: index, %N: index, %window: index) {
  %c128 = arith.constant 128 : index
  %none = arith.constant dense<0.0> : tensor<64xf32>
  %zero = arith.constant dense<0.0> : tensor<64x128xf32>
  %ms = tensor.splat %m : tensor<64xindex>
  %row = tile.iota axis 0 : tensor<64xindex>
  %rows = arith.addi %row, %ms : tensor<64xindex>
  %ws = tensor.splat %window : tensor<64xindex>
  %before = arith.subi %rows, %ws : tensor<64xindex>
  %wide_rows = tile.broadcast %rows axes [1] : tensor<64xindex> -> tensor<64x128xindex>
  %wide_before = tile.broadcast %before axes [1] : tensor<64xindex> -> tensor<64x128xindex>
  %sums = scf.for %n = %B to %N step %c128 iter_args(%sum = %none) -> (tensor<64xf32>) {
    %x = tile.load %X[%m, %n] pad 0.0 : f32 : memref<?x?xf32> -> tensor<64x128xf32>
    %ns = tensor.splat %n : tensor<64x128xindex>
    %column = tile.iota axis 1 : tensor<64x128xindex>
    %columns = arith.addi %column, %ns : tensor<64x128xindex>
    %causal = arith.cmpi sle, %columns, %wide_rows : tensor<64x128xindex>
    %near = arith.cmpi sgt, %columns, %wide_before : tensor<64x128xindex>
    %keep = arith.andi %causal, %near : tensor<64x128xi1>
    %kept = arith.select %keep, %x, %zero : tensor<64x128xi1>, tensor<64x128xf32>
    %new = tile.reduce add %kept, %sum axis 1 : tensor<64x128xf32> -> tensor<64xf32>
    scf.yield %new : tensor<64xf32>
  }
  tile.store %sums, %Y[%m] : tensor<64xf32>, memref<?xf32>
}

// -----

// The same, where the author counts tiles and says what to drop.
// CHECK-LABEL: tile.kernel @tiles_dropped(
// CHECK: %[[LAST:.*]] = arith.shrsi %{{.*}}, %c7
// CHECK: %[[LAST2:.*]] = arith.select %{{.*}}, %[[LAST]], %c4611686018427387904
// CHECK: %[[AFTER:.*]] = arith.addi %[[LAST2]], %c1
// CHECK: %[[END:.*]] = arith.minsi %N, %[[AFTER]]
// CHECK: scf.for %{{.*}} = %c0 to %[[END]] step %c1
tile.kernel @tiles_dropped(%X: memref<?xf32>, %Y: memref<?xf32>, %m: index, %N: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c128 = arith.constant 128 : index
  %zero = arith.constant dense<0.0> : tensor<128xf32>
  %yes = arith.constant dense<true> : tensor<128xi1>
  %ms = tensor.splat %m : tensor<128xindex>
  %sums = scf.for %i = %c0 to %N step %c1 iter_args(%sum = %zero) -> (tensor<128xf32>) {
    %n = arith.muli %i, %c128 : index
    %x = tile.load %X[%n] pad 0.0 : f32 : memref<?xf32> -> tensor<128xf32>
    %ns = tensor.splat %n : tensor<128xindex>
    %column = tile.iota axis 0 : tensor<128xindex>
    %columns = arith.addi %column, %ns : tensor<128xindex>
    %keep = arith.cmpi slt, %columns, %ms : tensor<128xindex>
    %drop = arith.xori %keep, %yes : tensor<128xi1>
    %kept = arith.select %drop, %zero, %x : tensor<128xi1>, tensor<128xf32>
    %new = arith.addf %kept, %sum : tensor<128xf32>
    scf.yield %new : tensor<128xf32>
  }
  tile.store %sums, %Y[%m] : tensor<128xf32>, memref<?xf32>
}

// -----

// Softmax with a running maximum: nothing changes where all is masked with
// -inf, and the union of two sets of columns ends where the later one does.
// CHECK-LABEL: tile.kernel @softmax(
// CHECK: %[[LAST:.*]] = arith.maxsi
// CHECK: %[[AFTER:.*]] = arith.addi %[[LAST]], %c1
// CHECK: %[[END:.*]] = arith.minsi %N, %[[AFTER]]
// CHECK: scf.for %{{.*}} = %c0 to %[[END]] step
tile.kernel @softmax(%X: memref<?x?xf32>, %Y: memref<?xf32>, %m: index, %N: index, %P: index) {
  %c0 = arith.constant 0 : index
  %c128 = arith.constant 128 : index
  %none = arith.constant dense<0.0> : tensor<64xf32>
  %lowest = arith.constant dense<-1.0e30> : tensor<64xf32>
  %factor = arith.constant dense<0.125> : tensor<64x128xf32>
  %row_factor = arith.constant dense<0.125> : tensor<64xf32>
  %minus = arith.constant dense<0xFF800000> : tensor<64x128xf32>
  %ms = tensor.splat %m : tensor<64x128xindex>
  %row = tile.iota axis 0 : tensor<64x128xindex>
  %rows = arith.addi %row, %ms : tensor<64x128xindex>
  %ps = tensor.splat %P : tensor<64x128xindex>
  %max, %sums = scf.for %n = %c0 to %N step %c128 iter_args(%old_max = %lowest, %sum = %none) -> (tensor<64xf32>, tensor<64xf32>) {
    %x = tile.load %X[%m, %n] pad 0.0 : f32 : memref<?x?xf32> -> tensor<64x128xf32>
    %ns = tensor.splat %n : tensor<64x128xindex>
    %column = tile.iota axis 1 : tensor<64x128xindex>
    %columns = arith.addi %column, %ns : tensor<64x128xindex>
    %causal = arith.cmpi sle, %columns, %rows : tensor<64x128xindex>
    %prefix = arith.cmpi slt, %columns, %ps : tensor<64x128xindex>
    %keep = arith.ori %causal, %prefix : tensor<64x128xi1>
    %s = arith.select %keep, %x, %minus : tensor<64x128xi1>, tensor<64x128xf32>
    %new_max = tile.reduce max %s, %old_max axis 1 : tensor<64x128xf32> -> tensor<64xf32>
    %shrink = arith.subf %old_max, %new_max : tensor<64xf32>
    %scaled_shrink = arith.mulf %shrink, %row_factor : tensor<64xf32>
    %alpha = math.exp2 %scaled_shrink : tensor<64xf32>
    %shift = arith.mulf %new_max, %row_factor : tensor<64xf32>
    %minus_shift = arith.negf %shift : tensor<64xf32>
    %wide = tile.broadcast %minus_shift axes [1] : tensor<64xf32> -> tensor<64x128xf32>
    %e = math.fma %s, %factor, %wide : tensor<64x128xf32>
    %p = math.exp2 %e : tensor<64x128xf32>
    %scaled = arith.mulf %sum, %alpha : tensor<64xf32>
    %new = tile.reduce add %p, %scaled axis 1 : tensor<64x128xf32> -> tensor<64xf32>
    scf.yield %new_max, %new : tensor<64xf32>, tensor<64xf32>
  }
  tile.store %sums, %Y[%m] : tensor<64xf32>, memref<?xf32>
}

// -----

// A mask that does not depend on the loop decides whether there is one.
// CHECK-LABEL: tile.kernel @whole(
// CHECK: %[[LAST:.*]] = arith.select %flag, %c4611686018427387904, %c-4611686018427387904
// CHECK: %[[AFTER:.*]] = arith.addi %[[LAST]], %c1
// CHECK: %[[END:.*]] = arith.minsi %N, %[[AFTER]]
// CHECK: scf.for %{{.*}} to %[[END]] step
tile.kernel @whole(%X: memref<?xf32>, %Y: memref<?xf32>, %flag: i1, %N: index) {
  %c0 = arith.constant 0 : index
  %c128 = arith.constant 128 : index
  %zero = arith.constant dense<0.0> : tensor<128xf32>
  %keep = tensor.splat %flag : tensor<128xi1>
  %sums = scf.for %n = %c0 to %N step %c128 iter_args(%sum = %zero) -> (tensor<128xf32>) {
    %x = tile.load %X[%n] pad 0.0 : f32 : memref<?xf32> -> tensor<128xf32>
    %kept = arith.select %keep, %x, %zero : tensor<128xi1>, tensor<128xf32>
    %new = arith.addf %kept, %sum : tensor<128xf32>
    scf.yield %new : tensor<128xf32>
  }
  tile.store %sums, %Y[%c0] : tensor<128xf32>, memref<?xf32>
}

// -----

// Blocks of 100 columns: the loop visits those of the first to the last row's.
// CHECK-LABEL: tile.kernel @blocks(
// CHECK: arith.floordivsi %m, %c100
// CHECK: %[[END:.*]] = arith.minsi %N, %{{.*}}
// CHECK: %[[BEGIN:.*]] = arith.muli %{{.*}}, %c128
// CHECK: scf.for %{{.*}} = %[[BEGIN]] to %[[END]] step %c128
tile.kernel @blocks(%X: memref<?x?xf32>, %Y: memref<?xf32>, %m: index, %N: index) {
  %c0 = arith.constant 0 : index
  %c128 = arith.constant 128 : index
  %none = arith.constant dense<0.0> : tensor<64xf32>
  %zero = arith.constant dense<0.0> : tensor<64x128xf32>
  %size = arith.constant dense<100> : tensor<64x128xi32>
  %m32 = arith.index_cast %m : index to i32
  %ms = tensor.splat %m32 : tensor<64x128xi32>
  %row = tile.iota axis 0 : tensor<64x128xi32>
  %rows = arith.addi %row, %ms : tensor<64x128xi32>
  %row_block = arith.divsi %rows, %size : tensor<64x128xi32>
  %sums = scf.for %n = %c0 to %N step %c128 iter_args(%sum = %none) -> (tensor<64xf32>) {
    %x = tile.load %X[%m, %n] pad 0.0 : f32 : memref<?x?xf32> -> tensor<64x128xf32>
    %n32 = arith.index_cast %n : index to i32
    %ns = tensor.splat %n32 : tensor<64x128xi32>
    %column = tile.iota axis 1 : tensor<64x128xi32>
    %columns = arith.addi %column, %ns : tensor<64x128xi32>
    %column_block = arith.divsi %columns, %size : tensor<64x128xi32>
    %keep = arith.cmpi eq, %column_block, %row_block : tensor<64x128xi32>
    %kept = arith.select %keep, %x, %zero : tensor<64x128xi1>, tensor<64x128xf32>
    %new = tile.reduce add %kept, %sum axis 1 : tensor<64x128xf32> -> tensor<64xf32>
    scf.yield %new : tensor<64xf32>
  }
  tile.store %sums, %Y[%m] : tensor<64xf32>, memref<?xf32>
}

// -----

// These run every iteration, since masked ones count (a finite number takes
// part in a maximum), are counted, or write; or since nothing is known of the
// mask.
// CHECK-LABEL: tile.kernel @all(
// CHECK-COUNT-4: scf.for %{{.*}} = %c0 to %N step %c128
tile.kernel @all(%X: memref<?xf32>, %Y: memref<?xf32>, %K: memref<?xi32>, %m: index, %N: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c128 = arith.constant 128 : index
  %zero = arith.constant dense<0.0> : tensor<128xf32>
  %izero = arith.constant dense<0> : tensor<128xi32>
  %low = arith.constant dense<-1.0> : tensor<128xf32>
  %ms = tensor.splat %m : tensor<128xindex>
  %column = tile.iota axis 0 : tensor<128xindex>
  %max = scf.for %n = %c0 to %N step %c128 iter_args(%old = %zero) -> (tensor<128xf32>) {
    %x = tile.load %X[%n] pad 0.0 : f32 : memref<?xf32> -> tensor<128xf32>
    %ns = tensor.splat %n : tensor<128xindex>
    %columns = arith.addi %column, %ns : tensor<128xindex>
    %keep = arith.cmpi slt, %columns, %ms : tensor<128xindex>
    %kept = arith.select %keep, %x, %low : tensor<128xi1>, tensor<128xf32>
    %new = arith.maximumf %kept, %old : tensor<128xf32>
    scf.yield %new : tensor<128xf32>
  }
  tile.store %max, %Y[%c0] : tensor<128xf32>, memref<?xf32>
  %sums, %count = scf.for %n = %c0 to %N step %c128 iter_args(%old = %zero, %i = %c0) -> (tensor<128xf32>, index) {
    %x = tile.load %X[%n] pad 0.0 : f32 : memref<?xf32> -> tensor<128xf32>
    %ns = tensor.splat %n : tensor<128xindex>
    %columns = arith.addi %column, %ns : tensor<128xindex>
    %keep = arith.cmpi slt, %columns, %ms : tensor<128xindex>
    %kept = arith.select %keep, %x, %zero : tensor<128xi1>, tensor<128xf32>
    %new = arith.addf %kept, %old : tensor<128xf32>
    %next = arith.addi %i, %c1 : index
    scf.yield %new, %next : tensor<128xf32>, index
  }
  tile.store %sums, %Y[%count] : tensor<128xf32>, memref<?xf32>
  scf.for %n = %c0 to %N step %c128 {
    %x = tile.load %X[%n] pad 0.0 : f32 : memref<?xf32> -> tensor<128xf32>
    %ns = tensor.splat %n : tensor<128xindex>
    %columns = arith.addi %column, %ns : tensor<128xindex>
    %keep = arith.cmpi slt, %columns, %ms : tensor<128xindex>
    %kept = arith.select %keep, %x, %zero : tensor<128xi1>, tensor<128xf32>
    tile.store %kept, %Y[%n] : tensor<128xf32>, memref<?xf32>
  }
  %some = scf.for %n = %c0 to %N step %c128 iter_args(%old = %zero) -> (tensor<128xf32>) {
    %x = tile.load %X[%n] pad 0.0 : f32 : memref<?xf32> -> tensor<128xf32>
    %k = tile.load %K[%n] pad 0 : i32 : memref<?xi32> -> tensor<128xi32>
    %keep = arith.cmpi ne, %k, %izero : tensor<128xi32>
    %kept = arith.select %keep, %x, %zero : tensor<128xi1>, tensor<128xf32>
    %new = arith.addf %kept, %old : tensor<128xf32>
    scf.yield %new : tensor<128xf32>
  }
  tile.store %some, %Y[%m] : tensor<128xf32>, memref<?xf32>
}
