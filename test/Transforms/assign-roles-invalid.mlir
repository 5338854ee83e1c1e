// RUN: heddle-opt %s -pass-pipeline='builtin.module(tile.kernel(assign-roles))' --verify-diagnostics --split-input-file | FileCheck %s

// What cannot be split is left as it was, and says why.

// CHECK-LABEL: tile.kernel @registers(
// CHECK-NOT: aref.role
// expected-remark@+1 {{kernel '@registers' runs as one role: no operand of its dots can be loaded ahead}}
tile.kernel @registers(%A: memref<?x?xbf16>, %C: memref<?x?xf32>) attributes {aref.persistent} {
  %c0 = arith.constant 0 : index
  %zero = arith.constant dense<0.0> : tensor<64x64xf32>
  %a = tile.load %A[%c0, %c0] : memref<?x?xbf16> -> tensor<64x64xbf16>
  %none = arith.constant dense<0.0> : tensor<64xbf16>
  %m = tile.reduce max %a, %none axis 0 : tensor<64x64xbf16> -> tensor<64xbf16>
  %s = tile.broadcast %m axes [0] : tensor<64xbf16> -> tensor<64x64xbf16>
  // expected-note@+1 {{this load cannot: its pad is not zero}}
  %b = tile.load %A[%c0, %c0] pad -0.0 : bf16 : memref<?x?xbf16> -> tensor<64x64xbf16>
  %d = tile.dot %s, %s, %zero : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
  %e = tile.dot %b, %s, %d : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
  tile.store %e, %C[%c0, %c0] : tensor<64x64xf32>, memref<?x?xf32>
}

// -----

// CHECK-LABEL: tile.kernel @in_place(
// CHECK-NOT: aref.role
// expected-remark@+1 {{runs as one role}}
tile.kernel @in_place(%A: memref<?x?xbf16>) attributes {aref.persistent} {
  %c0 = arith.constant 0 : index
  %zero = arith.constant dense<0.0> : tensor<64x64xf32>
  %v = memref.subview %A[64, 0] [64, 64] [1, 1] : memref<?x?xbf16> to memref<64x64xbf16, strided<[?, 1], offset: ?>>
  // expected-note@+1 {{this load cannot: the kernel writes the view it reads, or may do so}}
  %a = tile.load %A[%c0, %c0] : memref<?x?xbf16> -> tensor<64x64xbf16>
  %d = tile.dot %a, %a, %zero : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
  %r = arith.truncf %d : tensor<64x64xf32> to tensor<64x64xbf16>
  tile.store %r, %v[%c0, %c0] : tensor<64x64xbf16>, memref<64x64xbf16, strided<[?, 1], offset: ?>>
}

// -----

// CHECK-LABEL: tile.kernel @index_switch(
// CHECK-NOT: aref.role
// expected-remark@+1 {{runs as one role}}
tile.kernel @index_switch(%A: memref<?x?xbf16>, %C: memref<?x?xf32>, %i: index) attributes {aref.persistent} {
  %c0 = arith.constant 0 : index
  %zero = arith.constant dense<0.0> : tensor<64x64xf32>
  %d = scf.index_switch %i -> tensor<64x64xf32>
  case 0 {
    // expected-note@+1 {{control flow other than scf.for, scf.if and scf.while}}
    %a = tile.load %A[%c0, %c0] : memref<?x?xbf16> -> tensor<64x64xbf16>
    %e = tile.dot %a, %a, %zero : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
    scf.yield %e : tensor<64x64xf32>
  }
  default {
    scf.yield %zero : tensor<64x64xf32>
  }
  tile.store %d, %C[%c0, %c0] : tensor<64x64xf32>, memref<?x?xf32>
}

// -----

// CHECK-LABEL: tile.kernel @must_use_tma(
// CHECK-NOT: aref.role
// expected-remark@+1 {{runs as one role}}
tile.kernel @must_use_tma(%A: memref<?x100xbf16>, %C: memref<?x?xf32>) attributes {aref.copies = "tma", aref.persistent} {
  %c0 = arith.constant 0 : index
  %zero = arith.constant dense<0.0> : tensor<64x64xf32>
  // expected-note@+1 {{this load cannot: its view has a stride of 200 bytes, not a multiple of 16}}
  %a = tile.load %A[%c0, %c0] : memref<?x100xbf16> -> tensor<64x64xbf16>
  %d = tile.dot %a, %a, %zero : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
  tile.store %d, %C[%c0, %c0] : tensor<64x64xf32>, memref<?x?xf32>
}

// -----

// CHECK-LABEL: tile.kernel @carried(
// CHECK-NOT: aref.role
// expected-remark@+1 {{runs as one role}}
tile.kernel @carried(%A: memref<?x?xbf16>, %C: memref<?x?xf32>, %n: index) attributes {aref.persistent} {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %zero = arith.constant dense<0.0> : tensor<64x64xf32>
  %first = arith.constant dense<1.0> : tensor<64x64xbf16>
  %d, %last = scf.for %k = %c0 to %n step %c64 iter_args(%sum = %zero, %a = %first) -> (tensor<64x64xf32>, tensor<64x64xbf16>) {
    // expected-note@+1 {{this load cannot: a loop or a branch hands it on}}
    %next = tile.load %A[%c0, %k] : memref<?x?xbf16> -> tensor<64x64xbf16>
    %s = tile.dot %a, %next, %sum : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
    scf.yield %s, %next : tensor<64x64xf32>, tensor<64x64xbf16>
  }
  tile.store %d, %C[%c0, %c0] : tensor<64x64xf32>, memref<?x?xf32>
}
