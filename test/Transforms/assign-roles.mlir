// RUN: heddle-opt %s -pass-pipeline='builtin.module(tile.kernel(assign-roles))' | FileCheck %s

// The first dot's operands are loaded ahead; the second's a is computed, its b
// loaded ahead; the bias is not an operand.
// CHECK-LABEL: tile.kernel @chained(
// CHECK: arith.muli %{{.*}}, %{{.*}} : index
// CHECK: arith.constant {aref.role = "consumer"} dense
// CHECK: scf.for
// CHECK: tile.load %A{{.*}} {aref.role = "producer"}
// CHECK: tile.load %B{{.*}} {aref.role = "producer"}
// CHECK: tile.dot {{.*}} {aref.role = "consumer"}
// CHECK: scf.yield %{{.*}} : tensor
// CHECK: arith.truncf {{.*}} {aref.role = "consumer"}
// CHECK: tile.load %B{{.*}} {aref.role = "producer"}
// CHECK: tile.dot {{.*}} {aref.role = "consumer"}
// CHECK: tile.load %bias{{.*}} {aref.role = "consumer"}
// CHECK: tile.broadcast {{.*}} {aref.role = "consumer"}
// CHECK: tile.store {{.*}} {aref.role = "consumer"}
tile.kernel @chained(%A: memref<?x?xbf16>, %B: memref<?x?xbf16>, %bias: memref<?xf32>, %C: memref<?x?xf32>, %K: index) attributes {aref.persistent, aref.copies = "tma"} {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %end = arith.muli %K, %c64 : index
  %zero = arith.constant dense<0.0> : tensor<64x64xf32>
  %s = scf.for %k = %c0 to %end step %c64 iter_args(%sum = %zero) -> (tensor<64x64xf32>) {
    %a = tile.load %A[%c0, %k] : memref<?x?xbf16> -> tensor<64x64xbf16>
    %b = tile.load %B[%k, %c0] pad 0.0 : bf16 : memref<?x?xbf16> -> tensor<64x64xbf16>
    %d = tile.dot %a, %b, %sum : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
    scf.yield %d : tensor<64x64xf32>
  }
  %p = arith.truncf %s : tensor<64x64xf32> to tensor<64x64xbf16>
  %b2 = tile.load %B[%c0, %c0] : memref<?x?xbf16> -> tensor<64x64xbf16>
  %d2 = tile.dot %p, %b2, %zero : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
  %x = tile.load %bias[%c0] : memref<?xf32> -> tensor<64xf32>
  %xb = tile.broadcast %x axes [0] : tensor<64xf32> -> tensor<64x64xf32>
  %y = arith.addf %d2, %xb : tensor<64x64xf32>
  tile.store %y, %C[%c0, %c0] : tensor<64x64xf32>, memref<?x?xf32>
}

// Each load fails one rule, but one that products and others read, and the last.
// CHECK-LABEL: tile.kernel @rules(
// CHECK: tile.load %A[%c0, %c0] pad 1.000000e+00 {{.*}}aref.role = "consumer"
// CHECK: tile.load %C{{.*}} {aref.role = "consumer"}
// CHECK: tile.load %A[%c64, %c0]{{.*}} {aref.role = "producer"}
// CHECK: tensor.extract {{.*}}aref.role = "consumer"
// CHECK: arith.index_cast %{{[a-z0-9_]+}} : i32 to index
// CHECK: tile.load %A{{.*}} {aref.role = "consumer"}
// CHECK: memref.load %J[%c0] : memref<?xindex>
// CHECK: tile.load %A{{.*}} {aref.role = "consumer"}
// CHECK: memref.load %I[%c0] : memref<?xindex>
// CHECK: tile.load %A{{.*}} {aref.role = "producer"}
// CHECK: memref.store {{.*}}aref.role = "consumer"
tile.kernel @rules(%A: memref<?x?xbf16>, %C: memref<?x?xbf16>, %I: memref<?xindex>, %J: memref<?xindex>, %S: memref<?xi32>) attributes {aref.persistent, aref.copies = "plain"} {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %zero = arith.constant dense<0.0> : tensor<64x64xf32>
  %padded = tile.load %A[%c0, %c0] pad 1.0 : bf16 : memref<?x?xbf16> -> tensor<64x64xbf16>
  %written = tile.load %C[%c0, %c0] : memref<?x?xbf16> -> tensor<64x64xbf16>
  %d0 = tile.dot %padded, %written, %zero : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
  %shared = tile.load %A[%c64, %c0] : memref<?x?xbf16> -> tensor<64x64xbf16>
  %d1 = tile.dot %shared, %shared, %d0 : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
  %s = arith.addf %shared, %shared : tensor<64x64xbf16>
  tile.store %s, %C[%c0, %c0] : tensor<64x64xbf16>, memref<?x?xbf16>
  // Where to read next is in a tile.
  %t = tile.load %S[%c0] : memref<?xi32> -> tensor<64xi32>
  %e = tensor.extract %t[%c0] : tensor<64xi32>
  %i = arith.index_cast %e : i32 to index
  %gathered = tile.load %A[%i, %c0] : memref<?x?xbf16> -> tensor<64x64xbf16>
  %d2 = tile.dot %gathered, %gathered, %d1 : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
  // It is in memory that the kernel writes.
  %j = memref.load %J[%c0] : memref<?xindex>
  %moved = tile.load %A[%j, %c0] : memref<?x?xbf16> -> tensor<64x64xbf16>
  %d3 = tile.dot %moved, %moved, %d2 : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
  // It is in memory that the kernel only reads: both roles may read it.
  %k = memref.load %I[%c0] : memref<?xindex>
  %paged = tile.load %A[%k, %c0] : memref<?x?xbf16> -> tensor<64x64xbf16>
  %d4 = tile.dot %paged, %paged, %d3 : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
  memref.store %k, %J[%c0] : memref<?xindex>
  %r = arith.truncf %d4 : tensor<64x64xf32> to tensor<64x64xbf16>
  tile.store %r, %C[%c0, %c64] : tensor<64x64xbf16>, memref<?x?xbf16>
}

// A loop whose trip count is a tile's matter cannot hold a producer's load, nor
// can what a loop carries and a tile changes; a branch on a scalar can.
// CHECK-LABEL: tile.kernel @control(
// CHECK: scf.while
// CHECK: tile.load %A{{.*}} {aref.role = "consumer"}
// CHECK: tile.load %A[%c64, %c64]{{.*}} {aref.role = "consumer"}
// CHECK: scf.if
// CHECK: tile.load %A{{.*}} {aref.role = "producer"}
// CHECK: scf.while
// CHECK: tile.load %A{{.*}} {aref.role = "producer"}
tile.kernel @control(%A: memref<?x?xbf16>, %C: memref<?x?xf32>, %flag: i1, %n: index) attributes {aref.persistent, aref.copies = "plain"} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c64 = arith.constant 64 : index
  %zero = arith.constant dense<0.0> : tensor<64x64xf32>
  %limit = arith.constant 1.0 : f32
  %r:2 = scf.while (%sum = %zero, %at = %c0) : (tensor<64x64xf32>, index) -> (tensor<64x64xf32>, index) {
    %e = tensor.extract %sum[%c0, %c0] : tensor<64x64xf32>
    %more = arith.cmpf olt, %e, %limit : f32
    scf.condition(%more) %sum, %at : tensor<64x64xf32>, index
  } do {
  ^bb0(%sum: tensor<64x64xf32>, %at: index):
    %a = tile.load %A[%at, %c0] : memref<?x?xbf16> -> tensor<64x64xbf16>
    %d = tile.dot %a, %a, %sum : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
    %next = arith.addi %at, %c64 : index
    scf.yield %d, %next : tensor<64x64xf32>, index
  }
  %once = tensor.extract %r#0[%c0, %c0] : tensor<64x64xf32>
  %yes = arith.cmpf olt, %once, %limit : f32
  %v = scf.if %yes -> tensor<64x64xf32> {
    %a = tile.load %A[%c64, %c64] : memref<?x?xbf16> -> tensor<64x64xbf16>
    %d = tile.dot %a, %a, %r#0 : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
    scf.yield %d : tensor<64x64xf32>
  } else {
    scf.yield %r#0 : tensor<64x64xf32>
  }
  %w = scf.if %flag -> tensor<64x64xf32> {
    %a = tile.load %A[%c0, %c0] : memref<?x?xbf16> -> tensor<64x64xbf16>
    %d = tile.dot %a, %a, %v : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
    scf.yield %d : tensor<64x64xf32>
  } else {
    scf.yield %v : tensor<64x64xf32>
  }
  %x:2 = scf.while (%sum = %w, %at = %c0) : (tensor<64x64xf32>, index) -> (tensor<64x64xf32>, index) {
    %more = arith.cmpi ult, %at, %n : index
    scf.condition(%more) %sum, %at : tensor<64x64xf32>, index
  } do {
  ^bb0(%sum: tensor<64x64xf32>, %at: index):
    %a = tile.load %A[%at, %c0] : memref<?x?xbf16> -> tensor<64x64xbf16>
    %d = tile.dot %a, %a, %sum : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
    %next = arith.addi %at, %c64 : index
    scf.yield %d, %next : tensor<64x64xf32>, index
  }
  tile.store %x#0, %C[%c0, %c0] : tensor<64x64xf32>, memref<?x?xf32>
}

// Vectors that are repeated for each row arrive with the tiles of their loop.
// Those of views whose strides a launch may find unfit do not (rows that lie one
// after the other are as far apart as what is known of them), nor those that
// rows of which instances share out need a part of, or that are more.
// CHECK-LABEL: tile.kernel @companions(
// CHECK: tile.load %x{{.*}} {aref.role = "consumer"}
// CHECK: scf.for
// CHECK: tile.load %A{{.*}} {aref.role = "producer"}
// CHECK: tile.load %x{{.*}} {aref.role = "producer"}
// CHECK: tile.load %y{{.*}} {aref.role = "consumer"}
// CHECK: tile.load %z{{.*}} {aref.role = "producer"}
// CHECK: tile.load %x{{.*}} {aref.role = "consumer"}
// CHECK: tile.load %x{{.*}} {aref.role = "consumer"}
// CHECK: tile.load %x{{.*}} {aref.role = "consumer"}
// CHECK: tile.load %C{{.*}} {aref.role = "consumer"}
tile.kernel @companions(%A: memref<?x?xbf16>, %x: memref<?xf32>, %y: memref<?x?xf32>, %z: memref<?x?x64xf32>, %C: memref<?xf32>, %K: index) attributes {aref.persistent, aref.copies = "tma"} {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %zero = arith.constant dense<0.0> : tensor<64x64xf32>
  %before = tile.load %x[%c0] : memref<?xf32> -> tensor<64xf32>
  %start = tile.broadcast %before axes [0] : tensor<64xf32> -> tensor<64x64xf32>
  %s = scf.for %k = %c0 to %K step %c64 iter_args(%sum = %start) -> (tensor<64x64xf32>) {
    %a = tile.load %A[%c0, %k] : memref<?x?xbf16> -> tensor<64x64xbf16>
    %d = tile.dot %a, %a, %sum : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
    %v0 = tile.load %x[%k] : memref<?xf32> -> tensor<64xf32>
    %v1 = tile.load %y[%c0, %k] : memref<?x?xf32> -> tensor<64xf32>
    %v6 = tile.load %z[%k, %k, %c0] : memref<?x?x64xf32> -> tensor<64xf32>
    %v2 = tile.load %x[%k] : memref<?xf32> -> tensor<64xf32>
    %v3 = tile.load %x[%k] : memref<?xf32> -> tensor<64xf32>
    %v4 = tile.load %x[%k] pad 1.0 : f32 : memref<?xf32> -> tensor<64xf32>
    %v5 = tile.load %C[%k] : memref<?xf32> -> tensor<64xf32>
    %double = arith.addf %v3, %v3 : tensor<64xf32>
    %w0 = tile.broadcast %v0 axes [0] : tensor<64xf32> -> tensor<64x64xf32>
    %w1 = tile.broadcast %v1 axes [0] : tensor<64xf32> -> tensor<64x64xf32>
    %w2 = tile.broadcast %v2 axes [1] : tensor<64xf32> -> tensor<64x64xf32>
    %w3 = tile.broadcast %double axes [0] : tensor<64xf32> -> tensor<64x64xf32>
    %w4 = tile.broadcast %v4 axes [0] : tensor<64xf32> -> tensor<64x64xf32>
    %w5 = tile.broadcast %v5 axes [0] : tensor<64xf32> -> tensor<64x64xf32>
    %w6 = tile.broadcast %v6 axes [0] : tensor<64xf32> -> tensor<64x64xf32>
    %s0 = arith.addf %d, %w0 : tensor<64x64xf32>
    %s1 = arith.addf %s0, %w1 : tensor<64x64xf32>
    %s2 = arith.addf %s1, %w2 : tensor<64x64xf32>
    %s3 = arith.addf %s2, %w3 : tensor<64x64xf32>
    %s4 = arith.addf %s3, %w4 : tensor<64x64xf32>
    %s5 = arith.addf %s4, %w5 : tensor<64x64xf32>
    %s6 = arith.addf %s5, %w6 : tensor<64x64xf32>
    scf.yield %s6 : tensor<64x64xf32>
  }
  %none = arith.constant dense<0.0> : tensor<64xf32>
  %r = tile.reduce add %s, %none axis 0 : tensor<64x64xf32> -> tensor<64xf32>
  tile.store %r, %C[%c0] : tensor<64xf32>, memref<?xf32>
}

// What products multiply may come out of a scan, and be transposed.
// CHECK-LABEL: tile.kernel @scanned(
// CHECK: tile.load %A{{.*}} {aref.role = "producer"}
// CHECK: tile.scan {{.*}} {aref.role = "consumer"}
tile.kernel @scanned(%A: memref<?x?xf32>, %C: memref<?x?xf32>, %K: index) attributes {aref.persistent, aref.copies = "tma"} {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %zero = arith.constant dense<0.0> : tensor<64x64xf32>
  %s = scf.for %k = %c0 to %K step %c64 iter_args(%sum = %zero) -> (tensor<64x64xf32>) {
    %a = tile.load %A[%c0, %k] : memref<?x?xf32> -> tensor<64x64xf32>
    %sums = tile.scan add %a axis 0 : tensor<64x64xf32>
    %turned = tile.transpose %sums [1, 0] : tensor<64x64xf32> -> tensor<64x64xf32>
    %b = arith.truncf %turned : tensor<64x64xf32> to tensor<64x64xbf16>
    %d = tile.dot %b, %b, %sum : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
    scf.yield %d : tensor<64x64xf32>
  }
  tile.store %s, %C[%c0, %c0] : tensor<64x64xf32>, memref<?x?xf32>
}
