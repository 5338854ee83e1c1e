// RUN: heddle-opt %s --overlap-dots --split-input-file --verify-diagnostics | FileCheck %s

// The second dot and what it needs run one iteration late. Both roles agree
// about the order in which rings are used.
// CHECK-LABEL: tile.kernel @attention
tile.kernel @attention(%K: memref<?x64xbf16>, %V: memref<?x64xbf16>, %O: memref<?x?xf32>, %n: index) attributes {aref.copies = "tma"} {
  %rk = aref.ring : <? x tensor<64x64xbf16>>
  %rv = aref.ring : <? x tensor<64x64xbf16>>
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %zero = arith.constant dense<0.0> : tensor<64x64xf32>
  %one = arith.constant dense<1.0> : tensor<64xf32>
  %q = arith.constant {aref.role = "consumer"} dense<1.0> : tensor<64x64xbf16>
  // CHECK: %[[RUNS:.*]] = arith.cmpi slt, %[[C0:.*]], %[[N:.*]] : index
  // CHECK: %[[R:.*]]:2 = scf.if %[[RUNS]]
  // The first stage of the first iteration.
  // CHECK: %[[K0:.*]] = tile.load %K[%[[C0]], %[[C0]]]
  // CHECK: aref.put %[[RK:.*]], %[[K0]]
  // CHECK: %[[S0:.*]] = tile.dot
  // CHECK: aref.release %[[RK]]
  // CHECK: %[[P0:.*]] = arith.truncf %[[S0]]
  // CHECK: %[[A0:.*]] = arith.subf
  // CHECK-NOT: tile.dot
  // CHECK: %[[NEXT:.*]] = arith.addi %[[C0]], %[[C64:.*]] : index
  // CHECK: %[[L:.*]]:5 = scf.for %[[I:.*]] = %[[NEXT]] to %[[N]] step %[[C64]] iter_args(%[[SUM:.*]] = %{{.*}}, %[[MAX:.*]] = %{{.*}}, %[[A:.*]] = %[[A0]], %[[J:.*]] = %[[C0]], %[[P:.*]] = %[[P0]])
  %r:2 = scf.for %j = %c0 to %n step %c64 iter_args(%sum = %zero, %max = %one) -> (tensor<64x64xf32>, tensor<64xf32>) {
    // CHECK: tile.load %K[%[[I]], %[[C0]]]
    %k = tile.load %K[%j, %c0] {aref.role = "producer"} : memref<?x64xbf16> -> tensor<64x64xbf16>
    aref.put %rk, %k {aref.role = "producer"} : <? x tensor<64x64xbf16>>
    // CHECK: tile.dot
    %sk, %kt = aref.get %rk {aref.role = "consumer"} : <? x tensor<64x64xbf16>>
    %s = tile.dot %q, %kt, %zero transpose_b {aref.role = "consumer"} : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
    aref.release %rk, %sk {aref.role = "consumer"} : <? x tensor<64x64xbf16>>
    // The second stage of the iteration before: the scaling of the sum waits
    // until the first product is under way.
    // CHECK: %[[PIN:.*]] = aref.pin %[[A]]
    // CHECK: %[[ALPHA:.*]] = math.exp2 %[[PIN]]
    // CHECK: %[[WIDE:.*]] = tile.broadcast %[[ALPHA]]
    // CHECK: %[[SCALED:.*]] = arith.mulf %[[SUM]], %[[WIDE]]
    // CHECK: tile.load %{{.*}}[%[[J]], %[[C0]]]
    // CHECK: aref.put
    // CHECK: aref.get
    // CHECK: %[[D:.*]] = tile.dot %[[P]], %{{.*}}, %[[SCALED]]
    // CHECK: aref.release
    // The rest of the first stage; what overwrites operands comes last.
    // CHECK: aref.release %[[RK]]
    // CHECK: %[[M:.*]] = tile.reduce max
    // CHECK: %[[Q:.*]] = arith.truncf
    // CHECK: %[[B:.*]] = arith.subf %[[MAX]], %[[M]]
    // CHECK: scf.yield %[[D]], %[[M]], %[[B]], %[[I]], %[[Q]]
    // CHECK: } {tile.stages = 2 : i64}
    %p = arith.truncf %s {aref.role = "consumer"} : tensor<64x64xf32> to tensor<64x64xbf16>
    %m = tile.reduce max %s, %max axis 1 {aref.role = "consumer"} : tensor<64x64xf32> -> tensor<64xf32>
    %d0 = arith.subf %max, %m {aref.role = "consumer"} : tensor<64xf32>
    %alpha = math.exp2 %d0 {aref.role = "consumer"} : tensor<64xf32>
    %wide = tile.broadcast %alpha axes [1] {aref.role = "consumer"} : tensor<64xf32> -> tensor<64x64xf32>
    %scaled = arith.mulf %sum, %wide {aref.role = "consumer"} : tensor<64x64xf32>
    %v = tile.load %V[%j, %c0] {aref.role = "producer"} : memref<?x64xbf16> -> tensor<64x64xbf16>
    aref.put %rv, %v {aref.role = "producer"} : <? x tensor<64x64xbf16>>
    %sv, %vt = aref.get %rv {aref.role = "consumer"} : <? x tensor<64x64xbf16>>
    %d = tile.dot %p, %vt, %scaled {aref.role = "consumer"} : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
    aref.release %rv, %sv {aref.role = "consumer"} : <? x tensor<64x64xbf16>>
    scf.yield %d, %m : tensor<64x64xf32>, tensor<64xf32>
  } {tile.stages = 2}
  // The second stage of the last iteration.
  // CHECK: math.exp2 %[[L]]#2
  // CHECK: tile.load %{{.*}}[%[[L]]#3, %[[C0]]]
  // CHECK: %[[E:.*]] = tile.dot %[[L]]#4
  // CHECK: scf.yield %[[E]], %[[L]]#1
  // CHECK: } else {
  // CHECK: tile.store %[[R]]#0
  tile.store %r#0, %O[%c0, %c0] {aref.role = "consumer"} : tensor<64x64xf32>, memref<?x?xf32>
}

// -----

// The author does not want it.
// CHECK-LABEL: tile.kernel @switched_off
// CHECK-NOT: scf.if
tile.kernel @switched_off(%a: memref<?x?xbf16>, %n: index) attributes {aref.copies = "tma", tile.overlap = false} {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %zero = arith.constant dense<0.0> : tensor<64x64xf32>
  %b = arith.constant dense<1.0> : tensor<64x64xbf16>
  %r = scf.for %j = %c0 to %n step %c64 iter_args(%sum = %zero) -> (tensor<64x64xf32>) {
    %s = tile.dot %b, %b, %zero : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
    %p = arith.truncf %s : tensor<64x64xf32> to tensor<64x64xbf16>
    %d = tile.dot %p, %b, %sum : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
    scf.yield %d : tensor<64x64xf32>
  }
}

// -----

// The first dot of an iteration needs the last one's of the iteration before.
// CHECK-LABEL: tile.kernel @recurrent
// CHECK-NOT: scf.if
tile.kernel @recurrent(%n: index) attributes {aref.copies = "tma"} {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %zero = arith.constant dense<0.0> : tensor<64x64xf32>
  %b = arith.constant dense<1.0> : tensor<64x64xbf16>
  %r = scf.for %j = %c0 to %n step %c64 iter_args(%sum = %zero) -> (tensor<64x64xf32>) {
    %s = tile.dot %b, %b, %sum : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
    %p = arith.truncf %s : tensor<64x64xf32> to tensor<64x64xbf16>
    // expected-remark@+1 {{keeps dots of two iterations from running at the same time: the next iteration's first dot needs its result}}
    %d = tile.dot %p, %b, %zero : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
    scf.yield %d : tensor<64x64xf32>
  }
}

// -----

// Stores keep their order.
// CHECK-LABEL: tile.kernel @stores
// CHECK-NOT: scf.if
tile.kernel @stores(%O: memref<?x?xf32>, %n: index) attributes {aref.copies = "tma"} {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %zero = arith.constant dense<0.0> : tensor<64x64xf32>
  %b = arith.constant dense<1.0> : tensor<64x64xbf16>
  %r = scf.for %j = %c0 to %n step %c64 iter_args(%sum = %zero) -> (tensor<64x64xf32>) {
    %s = tile.dot %b, %b, %zero : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
    // expected-remark@+1 {{keeps dots of two iterations from running at the same time: it has effects on memory}}
    tile.store %s, %O[%j, %c0] : tensor<64x64xf32>, memref<?x?xf32>
    %p = arith.truncf %s : tensor<64x64xf32> to tensor<64x64xbf16>
    %d = tile.dot %p, %b, %sum : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
    scf.yield %d : tensor<64x64xf32>
  }
}

// -----

// Two sums, scores and probabilities are too much for one warpgroup.
// CHECK-LABEL: tile.kernel @registers
// CHECK-NOT: scf.if
tile.kernel @registers(%n: index) attributes {aref.copies = "tma"} {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %zero = arith.constant dense<0.0> : tensor<64x256xf32>
  %b = arith.constant dense<1.0> : tensor<64x256xbf16>
  %c = arith.constant dense<1.0> : tensor<256x256xbf16>
  // expected-remark@+1 {{runs the dots of each iteration on their own: with the next iteration's they would take 320 registers of every thread, which has 255 and needs 28 of them for other values}}
  %r = scf.for %j = %c0 to %n step %c64 iter_args(%sum = %zero) -> (tensor<64x256xf32>) {
    %s = tile.dot %b, %c, %zero : tensor<64x256xbf16>, tensor<256x256xbf16> -> tensor<64x256xf32>
    %p = arith.truncf %s : tensor<64x256xf32> to tensor<64x256xbf16>
    %d = tile.dot %p, %c, %sum : tensor<64x256xbf16>, tensor<256x256xbf16> -> tensor<64x256xf32>
    scf.yield %d : tensor<64x256xf32>
  }
}

// -----

// A list tells which blocks there are: each stage looks up its own.
// CHECK-LABEL: tile.kernel @listed
// CHECK: scf.if
// CHECK: tile.dot
// CHECK: scf.for %[[I:.*]] = {{.*}} iter_args(%{{.*}} = %{{.*}}, %[[J:.*]] = %c0, %{{.*}} = %{{.*}})
// CHECK: %[[NOW:.*]] = scf.if
// CHECK: memref.load %{{.*}}[%[[I]]]
// CHECK: tile.load %K[%[[NOW]], %c0]
// CHECK: tile.dot
// CHECK: %[[BEFORE:.*]] = scf.if
// CHECK: memref.load %{{.*}}[%[[J]]]
// CHECK: tile.load %V[%[[BEFORE]], %c0]
// CHECK: tile.dot
tile.kernel @listed(%K: memref<?x64xbf16>, %V: memref<?x64xbf16>, %list: memref<?xindex>, %n: index, %first: index) attributes {aref.copies = "tma"} {
  %rk = aref.ring : <? x tensor<64x64xbf16>>
  %rv = aref.ring : <? x tensor<64x64xbf16>>
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant dense<0.0> : tensor<64x64xf32>
  %q = arith.constant {aref.role = "consumer"} dense<1.0> : tensor<64x64xbf16>
  %r = scf.for %j = %c0 to %n step %c1 iter_args(%sum = %zero) -> (tensor<64x64xf32>) {
    %listed = arith.cmpi sge, %j, %first : index
    %at = scf.if %listed -> (index) {
      %entry = memref.load %list[%j] : memref<?xindex>
      scf.yield %entry : index
    } else {
      scf.yield %j : index
    }
    %k = tile.load %K[%at, %c0] {aref.role = "producer"} : memref<?x64xbf16> -> tensor<64x64xbf16>
    aref.put %rk, %k {aref.role = "producer"} : <? x tensor<64x64xbf16>>
    %sk, %kt = aref.get %rk {aref.role = "consumer"} : <? x tensor<64x64xbf16>>
    %s = tile.dot %q, %kt, %zero transpose_b {aref.role = "consumer"} : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
    aref.release %rk, %sk {aref.role = "consumer"} : <? x tensor<64x64xbf16>>
    %p = arith.truncf %s {aref.role = "consumer"} : tensor<64x64xf32> to tensor<64x64xbf16>
    %v = tile.load %V[%at, %c0] {aref.role = "producer"} : memref<?x64xbf16> -> tensor<64x64xbf16>
    aref.put %rv, %v {aref.role = "producer"} : <? x tensor<64x64xbf16>>
    %sv, %vt = aref.get %rv {aref.role = "consumer"} : <? x tensor<64x64xbf16>>
    %d = tile.dot %p, %vt, %sum {aref.role = "consumer"} : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
    aref.release %rv, %sv {aref.role = "consumer"} : <? x tensor<64x64xbf16>>
    scf.yield %d : tensor<64x64xf32>
  }
}

// -----

// What a branch stores is not stored twice.
// CHECK-LABEL: tile.kernel @stores_in_a_branch
// CHECK: scf.for
// CHECK-COUNT-1: scf.if
// CHECK-NOT: scf.if
tile.kernel @stores_in_a_branch(%n: index, %list: memref<?xf32>) attributes {aref.copies = "tma"} {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %zero = arith.constant dense<0.0> : tensor<64x64xf32>
  %b = arith.constant dense<1.0> : tensor<64x64xbf16>
  %r = scf.for %j = %c0 to %n step %c64 iter_args(%sum = %zero) -> (tensor<64x64xf32>) {
    %s = tile.dot %b, %b, %zero : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
    %some = arith.cmpi sge, %j, %c64 : index
    // expected-remark@+1 {{keeps dots of two iterations from running at the same time: it has effects on memory}}
    %p = scf.if %some -> (tensor<64x64xbf16>) {
      %t = arith.truncf %s : tensor<64x64xf32> to tensor<64x64xbf16>
      scf.yield %t : tensor<64x64xbf16>
    } else {
      %x = memref.load %list[%j] : memref<?xf32>
      memref.store %x, %list[%c0] : memref<?xf32>
      scf.yield %b : tensor<64x64xbf16>
    }
    %d = tile.dot %p, %b, %sum : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
    scf.yield %d : tensor<64x64xf32>
  }
}

// -----

// Whole tiles branch around a mask while products are in flight. What the
// second product adds to is computed as soon as the sum is known, in the
// iteration before, so that the sum need not be copied.
// CHECK-LABEL: tile.kernel @masked
// CHECK: scf.if
// CHECK: %[[S0:.*]] = tile.dot
// CHECK: %[[M0:.*]] = tile.reduce max
// CHECK: %[[A0:.*]] = tile.broadcast %[[M0]]
// CHECK: %[[KEPT0:.*]] = arith.mulf %cst{{.*}}, %[[A0]]
// CHECK: %[[L:.*]]:4 = scf.for %{{.*}} iter_args(%[[KEPT:.*]] = %[[KEPT0]], %{{.*}} = %[[M0]],
// CHECK: tile.dot
// CHECK-NOT: arith.mulf
// CHECK: %[[D:.*]] = tile.dot %{{.*}}, %{{.*}}, %[[KEPT]]
// CHECK: %[[M:.*]] = tile.reduce max
// CHECK: arith.truncf
// CHECK: %[[A:.*]] = tile.broadcast %[[M]]
// CHECK: %[[NEXT:.*]] = arith.mulf %[[D]], %[[A]]
// CHECK: scf.yield %[[NEXT]], %[[M]]
// The last iteration goes on with what the one before has left.
// CHECK-NOT: arith.mulf
// CHECK: %[[E:.*]] = tile.dot %[[L]]#{{[0-9]}}, %{{.*}}, %[[L]]#0
// CHECK: scf.yield %[[E]], %[[L]]#1
tile.kernel @masked(%K: memref<?x64xbf16>, %V: memref<?x64xbf16>, %O: memref<?x?xf32>, %n: index, %last: i32) attributes {aref.copies = "tma"} {
  %rk = aref.ring : <? x tensor<64x64xbf16>>
  %rv = aref.ring : <? x tensor<64x64xbf16>>
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %zero = arith.constant dense<0.0> : tensor<64x64xf32>
  %hidden = arith.constant dense<0xFF800000> : tensor<64x64xf32>
  %one = arith.constant dense<1.0> : tensor<64xf32>
  %q = arith.constant {aref.role = "consumer"} dense<1.0> : tensor<64x64xbf16>
  %columns = tile.iota axis 1 : tensor<64x64xi32>
  %lasts = tensor.splat %last : tensor<64x64xi32>
  %r:2 = scf.for %j = %c0 to %n step %c64 iter_args(%sum = %zero, %max = %one) -> (tensor<64x64xf32>, tensor<64xf32>) {
    %k = tile.load %K[%j, %c0] {aref.role = "producer"} : memref<?x64xbf16> -> tensor<64x64xbf16>
    aref.put %rk, %k {aref.role = "producer"} : <? x tensor<64x64xbf16>>
    %sk, %kt = aref.get %rk {aref.role = "consumer"} : <? x tensor<64x64xbf16>>
    %s = tile.dot %q, %kt, %zero transpose_b {aref.role = "consumer"} : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
    aref.release %rk, %sk {aref.role = "consumer"} : <? x tensor<64x64xbf16>>
    %j32 = arith.index_cast %j : index to i32
    %js = tensor.splat %j32 {aref.role = "consumer"} : tensor<64x64xi32>
    %at = arith.addi %columns, %js {aref.role = "consumer"} : tensor<64x64xi32>
    %sees = arith.cmpi slt, %at, %lasts {aref.role = "consumer"} : tensor<64x64xi32>
    %seen = arith.select %sees, %s, %hidden {aref.role = "consumer"} : tensor<64x64xi1>, tensor<64x64xf32>
    %m = tile.reduce max %seen, %max axis 1 {aref.role = "consumer"} : tensor<64x64xf32> -> tensor<64xf32>
    %p = arith.truncf %seen {aref.role = "consumer"} : tensor<64x64xf32> to tensor<64x64xbf16>
    %wide = tile.broadcast %m axes [1] {aref.role = "consumer"} : tensor<64xf32> -> tensor<64x64xf32>
    %scaled = arith.mulf %sum, %wide {aref.role = "consumer"} : tensor<64x64xf32>
    %v = tile.load %V[%j, %c0] {aref.role = "producer"} : memref<?x64xbf16> -> tensor<64x64xbf16>
    aref.put %rv, %v {aref.role = "producer"} : <? x tensor<64x64xbf16>>
    %sv, %vt = aref.get %rv {aref.role = "consumer"} : <? x tensor<64x64xbf16>>
    %d = tile.dot %p, %vt, %scaled {aref.role = "consumer"} : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
    aref.release %rv, %sv {aref.role = "consumer"} : <? x tensor<64x64xbf16>>
    scf.yield %d, %m : tensor<64x64xf32>, tensor<64xf32>
  }
  tile.store %r#0, %O[%c0, %c0] {aref.role = "consumer"} : tensor<64x64xf32>, memref<?x?xf32>
}
