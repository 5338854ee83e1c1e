// RUN: heddle-opt %s -pass-pipeline='builtin.module(tile.kernel(assign-roles,insert-arefs,split-roles,split-instances))' --verify-diagnostics --split-input-file | FileCheck %s

// What cannot be shared out stays with one warpgroup, says why, and is not
// rewritten in part.
// CHECK-NOT: = 2) warps
// CHECK-NOT: arith.muli %instance

// A reduction over the rows.
tile.kernel @columns(%A: memref<?x?xbf16>, %C: memref<?xf32>) attributes {aref.persistent, aref.copies = "tma"} {
  %c0 = arith.constant 0 : index
  %zero = arith.constant dense<0.0> : tensor<128x128xf32>
  %none = arith.constant dense<0.0> : tensor<128xf32>
  %a = tile.load %A[%c0, %c0] : memref<?x?xbf16> -> tensor<128x128xbf16>
  %d = tile.dot %a, %a, %zero : tensor<128x128xbf16>, tensor<128x128xbf16> -> tensor<128x128xf32>
  // expected-remark@+1 {{keeps the consumer on one warpgroup instead of 2: it combines elements of different warpgroups}}
  %n = tile.reduce add %d, %none axis 0 : tensor<128x128xf32> -> tensor<128xf32>
  tile.store %n, %C[%c0] : tensor<128xf32>, memref<?xf32>
}

// -----

// A product that is b of the next.
tile.kernel @b(%A: memref<?x?xbf16>, %C: memref<?x?xf32>) attributes {aref.persistent, aref.copies = "tma"} {
  %c0 = arith.constant 0 : index
  %zero = arith.constant dense<0.0> : tensor<128x128xf32>
  %a = tile.load %A[%c0, %c0] : memref<?x?xbf16> -> tensor<128x128xbf16>
  %d = tile.dot %a, %a, %zero : tensor<128x128xbf16>, tensor<128x128xbf16> -> tensor<128x128xf32>
  %p = arith.truncf %d : tensor<128x128xf32> to tensor<128x128xbf16>
  // expected-remark@+1 {{every warpgroup needs the whole of b, which the warpgroups compute in parts}}
  %e = tile.dot %a, %p, %zero : tensor<128x128xbf16>, tensor<128x128xbf16> -> tensor<128x128xf32>
  tile.store %e, %C[%c0, %c0] : tensor<128x128xf32>, memref<?x?xf32>
}

// -----

// A product that is summed over its rows by the next, as its a.
tile.kernel @k(%A: memref<?x?xbf16>, %C: memref<?x?xf32>) attributes {aref.persistent, aref.copies = "tma"} {
  %c0 = arith.constant 0 : index
  %zero = arith.constant dense<0.0> : tensor<128x128xf32>
  %a = tile.load %A[%c0, %c0] : memref<?x?xbf16> -> tensor<128x128xbf16>
  %d = tile.dot %a, %a, %zero : tensor<128x128xbf16>, tensor<128x128xbf16> -> tensor<128x128xf32>
  %p = arith.truncf %d : tensor<128x128xf32> to tensor<128x128xbf16>
  // expected-remark@+1 {{it sums over the dimension along which the warpgroups share out a}}
  %e = tile.dot %p, %a, %zero transpose_a : tensor<128x128xbf16>, tensor<128x128xbf16> -> tensor<128x128xf32>
  tile.store %e, %C[%c0, %c0] : tensor<128x128xf32>, memref<?x?xf32>
}

// -----

// A tile and its transpose.
tile.kernel @symmetric(%A: memref<?x?xbf16>, %C: memref<?x?xf32>) attributes {aref.persistent, aref.copies = "tma"} {
  %c0 = arith.constant 0 : index
  %zero = arith.constant dense<0.0> : tensor<128x128xf32>
  %a = tile.load %A[%c0, %c0] : memref<?x?xbf16> -> tensor<128x128xbf16>
  %d = tile.dot %a, %a, %zero : tensor<128x128xbf16>, tensor<128x128xbf16> -> tensor<128x128xf32>
  // expected-remark@+1 {{it would cut one tile along two dimensions}}
  %t = tile.transpose %d [1, 0] : tensor<128x128xf32> -> tensor<128x128xf32>
  %s = arith.addf %d, %t : tensor<128x128xf32>
  tile.store %s, %C[%c0, %c0] : tensor<128x128xf32>, memref<?x?xf32>
}

// -----

// An element.
tile.kernel @element(%A: memref<?x?xbf16>, %C: memref<?xf32>) attributes {aref.persistent, aref.copies = "tma"} {
  %c0 = arith.constant 0 : index
  %zero = arith.constant dense<0.0> : tensor<128x128xf32>
  %a = tile.load %A[%c0, %c0] : memref<?x?xbf16> -> tensor<128x128xbf16>
  %d = tile.dot %a, %a, %zero : tensor<128x128xbf16>, tensor<128x128xbf16> -> tensor<128x128xf32>
  // expected-remark@+1 {{it works on whole tiles}}
  %e = tensor.extract %d[%c0, %c0] : tensor<128x128xf32>
  %s = tensor.splat %e : tensor<128xf32>
  tile.store %s, %C[%c0] : tensor<128xf32>, memref<?xf32>
}

// -----

// Rows of an inverse depend on one another.
tile.kernel @inverse(%A: memref<?x?xbf16>, %C: memref<?x?xf32>) attributes {aref.persistent, aref.copies = "tma"} {
  %c0 = arith.constant 0 : index
  %zero = arith.constant dense<0.0> : tensor<128x128xf32>
  %a = tile.load %A[%c0, %c0] : memref<?x?xbf16> -> tensor<128x128xbf16>
  %d = tile.dot %a, %a, %zero transpose_b : tensor<128x128xbf16>, tensor<128x128xbf16> -> tensor<128x128xf32>
  // expected-remark@+1 {{keeps the consumer on one warpgroup instead of 2: it works on whole tiles}}
  %x = tile.tri_inverse %d : tensor<128x128xf32>
  tile.store %x, %C[%c0, %c0] : tensor<128x128xf32>, memref<?x?xf32>
}

// -----

// A constant with different elements along the rows.
tile.kernel @constant(%A: memref<?x?xbf16>, %C: memref<?x?xf32>) attributes {aref.persistent, aref.copies = "tma"} {
  %c0 = arith.constant 0 : index
  %zero = arith.constant dense<0.0> : tensor<128x128xf32>
  %a = tile.load %A[%c0, %c0] : memref<?x?xbf16> -> tensor<128x128xbf16>
  %d = tile.dot %a, %a, %zero : tensor<128x128xbf16>, tensor<128x128xbf16> -> tensor<128x128xf32>
  // expected-remark@+1 {{it works on whole tiles}}
  %bias = arith.constant dense<"0x0000803F000000400000803F000000400000803F000000400000803F000000400000803F000000400000803F000000400000803F000000400000803F000000400000803F000000400000803F000000400000803F000000400000803F000000400000803F000000400000803F000000400000803F000000400000803F000000400000803F000000400000803F000000400000803F000000400000803F000000400000803F000000400000803F000000400000803F000000400000803F000000400000803F000000400000803F000000400000803F000000400000803F000000400000803F000000400000803F000000400000803F000000400000803F000000400000803F000000400000803F000000400000803F000000400000803F000000400000803F000000400000803F000000400000803F000000400000803F000000400000803F000000400000803F000000400000803F000000400000803F000000400000803F000000400000803F000000400000803F000000400000803F000000400000803F000000400000803F000000400000803F000000400000803F000000400000803F000000400000803F000000400000803F000000400000803F000000400000803F000000400000803F000000400000803F000000400000803F000000400000803F000000400000803F000000400000803F000000400000803F00000040"> : tensor<128xf32>
  %rows = tile.broadcast %bias axes [1] : tensor<128xf32> -> tensor<128x128xf32>
  %s = arith.addf %d, %rows : tensor<128x128xf32>
  tile.store %s, %C[%c0, %c0] : tensor<128x128xf32>, memref<?x?xf32>
}

// -----

// Rows that one warpgroup writes and another reads.
tile.kernel @stencil(%A: memref<?x?xbf16>, %C: memref<?x?xf32>, %m: index, %n: index) attributes {aref.persistent, aref.copies = "tma"} {
  %c0 = arith.constant 0 : index
  %zero = arith.constant dense<0.0> : tensor<128x128xf32>
  %a = tile.load %A[%c0, %c0] : memref<?x?xbf16> -> tensor<128x128xbf16>
  %d = tile.dot %a, %a, %zero : tensor<128x128xbf16>, tensor<128x128xbf16> -> tensor<128x128xf32>
  tile.store %d, %C[%m, %c0] : tensor<128x128xf32>, memref<?x?xf32>
  // expected-remark@+1 {{a warpgroup may depend on what another one writes to its view}}
  %x = tile.load %C[%n, %c0] : memref<?x?xf32> -> tensor<128x128xf32>
  %y = arith.addf %x, %d : tensor<128x128xf32>
  tile.store %y, %C[%m, %c0] : tensor<128x128xf32>, memref<?x?xf32>
}

// -----

// Rows that come again in the next iteration, in another warpgroup's half.
tile.kernel @sliding(%A: memref<?x?xbf16>, %C: memref<?x?xf32>, %n: index) attributes {aref.persistent, aref.copies = "tma"} {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %zero = arith.constant dense<0.0> : tensor<128x128xf32>
  scf.for %i = %c0 to %n step %c64 {
    %a = tile.load %A[%i, %c0] : memref<?x?xbf16> -> tensor<128x128xbf16>
    %d = tile.dot %a, %a, %zero : tensor<128x128xbf16>, tensor<128x128xbf16> -> tensor<128x128xf32>
    // expected-remark@+1 {{a warpgroup may depend on what another one writes to its view}}
    tile.store %d, %C[%i, %c0] : tensor<128x128xf32>, memref<?x?xf32>
  }
}

// -----

// A scalar is written once, not once per warpgroup.
tile.kernel @counter(%A: memref<?x?xbf16>, %C: memref<?x?xf32>, %n: memref<?xindex>) attributes {aref.persistent, aref.copies = "tma"} {
  %c0 = arith.constant 0 : index
  %zero = arith.constant dense<0.0> : tensor<128x128xf32>
  %a = tile.load %A[%c0, %c0] : memref<?x?xbf16> -> tensor<128x128xbf16>
  %d = tile.dot %a, %a, %zero : tensor<128x128xbf16>, tensor<128x128xbf16> -> tensor<128x128xf32>
  tile.store %d, %C[%c0, %c0] : tensor<128x128xf32>, memref<?x?xf32>
  // expected-remark@+1 {{it would happen once per warpgroup}}
  memref.store %c0, %n[%c0] : memref<?xindex>
}

// -----

tile.kernel @disagree(%A: memref<?x?xbf16>, %C: memref<?x?xf32>) attributes {aref.persistent, aref.copies = "tma"} {
  %c0 = arith.constant 0 : index
  %zero = arith.constant dense<0.0> : tensor<128x64xf32>
  %zero2 = arith.constant dense<0.0> : tensor<64x64xf32>
  %a = tile.load %A[%c0, %c0] : memref<?x?xbf16> -> tensor<128x64xbf16>
  %b = tile.load %A[%c0, %c0] : memref<?x?xbf16> -> tensor<64x64xbf16>
  // expected-note@+1 {{there M is 128}}
  %d = tile.dot %a, %b, %zero : tensor<128x64xbf16>, tensor<64x64xbf16> -> tensor<128x64xf32>
  // expected-remark@+1 {{runs on one warpgroup: M is 64, which is not shared out as that of another dot}}
  %e = tile.dot %b, %b, %zero2 : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
  tile.store %d, %C[%c0, %c0] : tensor<128x64xf32>, memref<?x?xf32>
  tile.store %e, %C[%c0, %c0] : tensor<64x64xf32>, memref<?x?xf32>
}

// -----

tile.kernel @tall(%A: memref<?x?xbf16>, %C: memref<?x?xf32>) attributes {aref.persistent, aref.copies = "plain"} {
  %c0 = arith.constant 0 : index
  %zero = arith.constant dense<0.0> : tensor<320x64xf32>
  %a = tile.load %A[%c0, %c0] : memref<?x?xbf16> -> tensor<320x64xbf16>
  %b = tile.load %A[%c0, %c0] : memref<?x?xbf16> -> tensor<64x64xbf16>
  // expected-remark@+1 {{runs on one warpgroup: M is 320, and 128, 192 and 256 are shared out}}
  %d = tile.dot %a, %b, %zero : tensor<320x64xbf16>, tensor<64x64xbf16> -> tensor<320x64xf32>
  tile.store %d, %C[%c0, %c0] : tensor<320x64xf32>, memref<?x?xf32>
}

// -----

// A part of a sum cannot be stored, nor added twice.
tile.kernel @stored(%A: memref<?x?xbf16>, %C: memref<?x?xf32>) attributes {aref.persistent, aref.copies = "tma"} {
  %c0 = arith.constant 0 : index
  %zero = arith.constant dense<0.0> : tensor<128x128xf32>
  %one = arith.constant dense<1.0> : tensor<128x128xf32>
  %a = tile.load %A[%c0, %c0] : memref<?x?xbf16> -> tensor<128x128xbf16>
  %d = tile.dot %a, %a, %zero : tensor<128x128xbf16>, tensor<128x128xbf16> -> tensor<128x128xf32>
  %p = arith.truncf %d : tensor<128x128xf32> to tensor<128x128xbf16>
  // expected-remark@+1 {{it sums over the dimension along which the warpgroups share out a; if its sum started from zero and were only stored with reduce add, each could add its part}}
  %e = tile.dot %p, %a, %one transpose_a : tensor<128x128xbf16>, tensor<128x128xbf16> -> tensor<128x128xf32>
  tile.store %e, %C[%c0, %c0] reduce add : tensor<128x128xf32>, memref<?x?xf32>
}

// -----

// Sums down the columns.
tile.kernel @running(%A: memref<?x?xbf16>, %C: memref<?x?xf32>) attributes {aref.persistent, aref.copies = "tma"} {
  %c0 = arith.constant 0 : index
  %zero = arith.constant dense<0.0> : tensor<128x128xf32>
  %a = tile.load %A[%c0, %c0] : memref<?x?xbf16> -> tensor<128x128xbf16>
  %d = tile.dot %a, %a, %zero : tensor<128x128xbf16>, tensor<128x128xbf16> -> tensor<128x128xf32>
  // expected-remark@+1 {{keeps the consumer on one warpgroup instead of 2: it combines elements of different warpgroups}}
  %n = tile.scan add %d axis 0 : tensor<128x128xf32>
  tile.store %n, %C[%c0, %c0] : tensor<128x128xf32>, memref<?x?xf32>
}

// -----

tile.kernel @states(%A: memref<?x?xbf16>, %C: memref<?xf32>) attributes {aref.persistent, aref.copies = "tma"} {
  %c0 = arith.constant 0 : index
  %zero = arith.constant dense<0.0> : tensor<128x128xf32>
  %none = arith.constant dense<0.0> : tensor<128xf32>
  %a = tile.load %A[%c0, %c0] : memref<?x?xbf16> -> tensor<128x128xbf16>
  %d = tile.dot %a, %a, %zero : tensor<128x128xbf16>, tensor<128x128xbf16> -> tensor<128x128xf32>
  // expected-remark@+1 {{keeps the consumer on one warpgroup instead of 2: it combines elements of different warpgroups}}
  %h, %last = tile.recurrence %d, %d, %none axis 0 : tensor<128x128xf32>, tensor<128xf32>
  tile.store %last, %C[%c0] : tensor<128xf32>, memref<?xf32>
}
