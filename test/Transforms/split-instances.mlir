// RUN: heddle-opt %s -pass-pipeline='builtin.module(tile.kernel(assign-roles,insert-arefs,split-roles,split-instances))' | FileCheck %s

// Everything along the rows is cut: accumulator, a, row bias, mask, epilogue,
// store. b and the column bias are whole.
// CHECK-LABEL: tile.kernel @gemm(
// CHECK: aref.role "producer" instances(%{{.*}} = 1) warps(1) registers(24)
// CHECK: aref.put %{{.*}} : !ring
// CHECK: aref.role "consumer" instances(%[[I:.*]] = 2) warps(4) registers(240)
// CHECK-NEXT: %[[ROWS:.*]] = arith.constant 64 : index
// CHECK-NEXT: %[[FIRST:.*]] = arith.muli %[[I]], %[[ROWS]]
// CHECK: arith.constant dense<0.000000e+00> : tensor<64x256xf32>
// CHECK: scf.for {{.*}} -> (tensor<64x256xf32>)
// CHECK: %{{.*}}, %[[V0:.*]], %[[V1:.*]] = aref.get %{{.*}} : !ring
// CHECK-NEXT: %[[A:.*]] = tensor.extract_slice %[[V0]][%[[FIRST]], 0] [64, 64] [1, 1]
// CHECK-NEXT: tile.dot %[[A]], %[[V1]], %{{.*}} : tensor<64x64xbf16>, tensor<64x256xbf16> -> tensor<64x256xf32>
// CHECK: tile.load %col[%c0{{.*}}] : memref<?xf32> -> tensor<256xf32>
// CHECK: tile.broadcast {{.*}} axes [0] : tensor<256xf32> -> tensor<64x256xf32>
// CHECK: %[[RO:.*]] = arith.addi %m, %[[FIRST]]
// CHECK: tile.load %row[%[[RO]]] : memref<?xf32> -> tensor<64xf32>
// CHECK: tile.broadcast {{.*}} axes [1] : tensor<64xf32> -> tensor<64x256xf32>
// CHECK: %[[IOTA:.*]] = tile.iota axis 0 : tensor<64x256xi32>
// CHECK: %[[CAST:.*]] = arith.index_cast %[[FIRST]] : index to i32
// CHECK: %[[ADD:.*]] = tensor.splat %[[CAST]] : tensor<64x256xi32>
// CHECK: %[[R:.*]] = arith.addi %[[IOTA]], %[[ADD]]
// CHECK: %[[C:.*]] = tile.iota axis 1 : tensor<64x256xi32>
// CHECK: arith.cmpi sge, %[[R]], %[[C]]
// CHECK: %[[SO:.*]] = arith.addi %m, %[[FIRST]]
// CHECK: tile.store %{{.*}}, %C[%[[SO]], %c0{{.*}}] : tensor<64x256xbf16>
tile.kernel @gemm(%A: memref<?x?xbf16>, %B: memref<?x?xbf16>, %C: memref<?x?xbf16>, %col: memref<?xf32>, %row: memref<?xf32>, %K: index, %m: index) attributes {aref.persistent, aref.copies = "tma"} {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %zero = arith.constant dense<0.0> : tensor<128x256xf32>
  %s = scf.for %k = %c0 to %K step %c64 iter_args(%sum = %zero) -> (tensor<128x256xf32>) {
    %a = tile.load %A[%m, %k] : memref<?x?xbf16> -> tensor<128x64xbf16>
    %b = tile.load %B[%k, %c0] : memref<?x?xbf16> -> tensor<64x256xbf16>
    %d = tile.dot %a, %b, %sum : tensor<128x64xbf16>, tensor<64x256xbf16> -> tensor<128x256xf32>
    scf.yield %d : tensor<128x256xf32>
  }
  %cb = tile.load %col[%c0] : memref<?xf32> -> tensor<256xf32>
  %cbb = tile.broadcast %cb axes [0] : tensor<256xf32> -> tensor<128x256xf32>
  %rb = tile.load %row[%m] : memref<?xf32> -> tensor<128xf32>
  %rbb = tile.broadcast %rb axes [1] : tensor<128xf32> -> tensor<128x256xf32>
  %x = arith.addf %s, %cbb : tensor<128x256xf32>
  %y = arith.addf %x, %rbb : tensor<128x256xf32>
  %r = tile.iota axis 0 : tensor<128x256xi32>
  %c = tile.iota axis 1 : tensor<128x256xi32>
  %keep = arith.cmpi sge, %r, %c : tensor<128x256xi32>
  %z = arith.select %keep, %y, %zero : tensor<128x256xi1>, tensor<128x256xf32>
  %t = arith.truncf %z : tensor<128x256xf32> to tensor<128x256xbf16>
  tile.store %t, %C[%m, %c0] : tensor<128x256xbf16>, memref<?x?xbf16>
}

// 192 rows, three instances; a is indexed [k, m], so its columns are cut; views
// of rank 3; the loop runs not at all or does not exist.
// CHECK-LABEL: tile.kernel @batched(
// CHECK: aref.role "producer" instances(%{{.*}} = 1) warps(4) registers(80)
// CHECK: aref.role "consumer" instances(%[[I:.*]] = 3) warps(4) registers(144)
// CHECK: %[[FIRST:.*]] = arith.muli %[[I]],
// CHECK: %{{.*}}, %[[V0:.*]], %[[V1:.*]] = aref.get
// CHECK-NEXT: %[[A:.*]] = tensor.extract_slice %[[V0]][0, %[[FIRST]]] [64, 64] [1, 1] : tensor<64x192xbf16> to tensor<64x64xbf16>
// CHECK-NEXT: tile.dot %[[A]], %[[V1]], %{{.*}} transpose_a transpose_b : tensor<64x64xbf16>, tensor<32x64xbf16> -> tensor<64x32xf32>
// CHECK: %[[O:.*]] = arith.addi %m, %[[FIRST]]
// CHECK: tile.store %{{.*}}, %C[%b, %[[O]], %c0] : tensor<64x32xf32>, memref<?x?x?xf32>
tile.kernel @batched(%A: memref<?x?x?xbf16>, %B: memref<?x?x?xbf16>, %C: memref<?x?x?xf32>, %b: index, %m: index) attributes {aref.persistent, aref.copies = "plain"} {
  %c0 = arith.constant 0 : index
  %zero = arith.constant dense<0.0> : tensor<192x32xf32>
  %a = tile.load %A[%b, %c0, %m] : memref<?x?x?xbf16> -> tensor<64x192xbf16>
  %w = tile.load %B[%b, %c0, %c0] : memref<?x?x?xbf16> -> tensor<32x64xbf16>
  %d = tile.dot %a, %w, %zero transpose_a transpose_b : tensor<64x192xbf16>, tensor<32x64xbf16> -> tensor<192x32xf32>
  tile.store %d, %C[%b, %m, %c0] : tensor<192x32xf32>, memref<?x?x?xf32>
}

// 256 rows, two instances. Chained dots: a of the second is computed, and the
// first operand of the first is used whole as b, too. Reductions along columns
// are cut; what is transposed is cut along the other dimension.
// CHECK-LABEL: tile.kernel @chained(
// CHECK: registers(56)
// CHECK: aref.role "consumer" instances(%{{.*}} = 2) warps(4) registers(224)
// CHECK: %{{.*}}, %[[Q:.*]] = aref.get
// CHECK-NEXT: %[[PART:.*]] = tensor.extract_slice %[[Q]]{{.*}} to tensor<128x256xbf16>
// CHECK: %[[S:.*]] = tile.dot %[[PART]], %[[Q]], %{{.*}} : tensor<128x256xbf16>, tensor<256x256xbf16> -> tensor<128x256xf32>
// CHECK: %[[P:.*]] = arith.truncf %[[S]]
// CHECK: tile.dot %[[P]], %[[Q]], %{{.*}} : tensor<128x256xbf16>, tensor<256x256xbf16> -> tensor<128x256xf32>
// CHECK: tile.reduce add{{.*}} axis 1 : tensor<128x256xf32> -> tensor<128xf32>
// CHECK: tile.transpose {{.*}} : tensor<128x256xf32> -> tensor<256x128xf32>
// CHECK: tile.store %{{.*}}, %C[%c0, %{{[0-9]+}}] : tensor<256x128xf32>
tile.kernel @chained(%A: memref<?x?xbf16>, %C: memref<?x?xf32>, %D: memref<?xf32>) attributes {aref.persistent, aref.copies = "plain"} {
  %c0 = arith.constant 0 : index
  %zero = arith.constant dense<0.0> : tensor<256x256xf32>
  %none = arith.constant dense<0.0> : tensor<256xf32>
  %q = tile.load %A[%c0, %c0] : memref<?x?xbf16> -> tensor<256x256xbf16>
  %s = tile.dot %q, %q, %zero : tensor<256x256xbf16>, tensor<256x256xbf16> -> tensor<256x256xf32>
  %p = arith.truncf %s : tensor<256x256xf32> to tensor<256x256xbf16>
  %o = tile.dot %p, %q, %zero : tensor<256x256xbf16>, tensor<256x256xbf16> -> tensor<256x256xf32>
  %n = tile.reduce add %o, %none axis 1 : tensor<256x256xf32> -> tensor<256xf32>
  %t = tile.transpose %o [1, 0] : tensor<256x256xf32> -> tensor<256x256xf32>
  tile.store %t, %C[%c0, %c0] : tensor<256x256xf32>, memref<?x?xf32>
  tile.store %n, %D[%c0] : tensor<256xf32>, memref<?xf32>
}

// Carried through branches and whiles; a tile that has nothing to do with the
// dot is whole, and one instance writes it. A tile read and written at one place
// is each instance's own.
// CHECK-LABEL: tile.kernel @flow(
// CHECK: aref.role "consumer" instances(%[[I:.*]] = 2)
// CHECK: %[[FIRST:.*]] = arith.muli %[[I]],
// CHECK: scf.while {{.*}} : (tensor<64x64xf32>, index) -> (tensor<64x64xf32>, index)
// CHECK: ^bb0(%{{.*}}: tensor<64x64xf32>, %{{.*}}: index)
// CHECK: scf.if %{{.*}} -> (tensor<64x64xf32>)
// CHECK: %[[FI:.*]] = arith.addi %m, %[[FIRST]]
// CHECK: tile.load %C[%[[FI]], %c0{{.*}}] : memref<?x?xf32> -> tensor<64x64xf32>
// CHECK: %[[SI:.*]] = arith.addi %m, %[[FIRST]]
// CHECK: tile.store %{{.*}}, %C[%[[SI]], %c0{{.*}}] : tensor<64x64xf32>
// CHECK: %[[W:.*]] = tile.load %x[%c0{{.*}}] : memref<?xf32> -> tensor<128xf32>
// CHECK: %[[ZERO:.*]] = arith.constant 0 : index
// CHECK: %[[ONE:.*]] = arith.cmpi eq, %[[I]], %[[ZERO]]
// CHECK: scf.if %[[ONE]] {
// CHECK-NEXT: tile.store %[[W]], %y[%c0{{.*}}] : tensor<128xf32>
// CHECK-NEXT: }
tile.kernel @flow(%A: memref<?x?xbf16>, %C: memref<?x?xf32>, %x: memref<?xf32>, %y: memref<?xf32>, %flag: i1, %n: index, %m: index) attributes {aref.persistent, aref.copies = "tma"} {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %zero = arith.constant dense<0.0> : tensor<128x64xf32>
  %w:2 = scf.while (%sum = %zero, %at = %c0) : (tensor<128x64xf32>, index) -> (tensor<128x64xf32>, index) {
    %more = arith.cmpi ult, %at, %n : index
    scf.condition(%more) %sum, %at : tensor<128x64xf32>, index
  } do {
  ^bb0(%sum: tensor<128x64xf32>, %at: index):
    %a = tile.load %A[%at, %c0] : memref<?x?xbf16> -> tensor<128x64xbf16>
    %b = tile.load %A[%c0, %at] : memref<?x?xbf16> -> tensor<64x64xbf16>
    %d = tile.dot %a, %b, %sum : tensor<128x64xbf16>, tensor<64x64xbf16> -> tensor<128x64xf32>
    %next = arith.addi %at, %c64 : index
    scf.yield %d, %next : tensor<128x64xf32>, index
  }
  %r = scf.if %flag -> tensor<128x64xf32> {
    scf.yield %w#0 : tensor<128x64xf32>
  } else {
    scf.yield %zero : tensor<128x64xf32>
  }
  %old = tile.load %C[%m, %c0] : memref<?x?xf32> -> tensor<128x64xf32>
  %new = arith.addf %old, %r : tensor<128x64xf32>
  tile.store %new, %C[%m, %c0] : tensor<128x64xf32>, memref<?x?xf32>
  %t = tile.load %x[%c0] : memref<?xf32> -> tensor<128xf32>
  tile.store %t, %y[%c0] : tensor<128xf32>, memref<?xf32>
}

// Blocks of rows in a loop, far enough apart.
// CHECK-LABEL: tile.kernel @blocks(
// CHECK: aref.role "consumer" instances(%{{.*}} = 2)
tile.kernel @blocks(%A: memref<?x?xbf16>, %C: memref<?x?xf32>, %n: index) attributes {aref.persistent, aref.copies = "tma"} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c128 = arith.constant 128 : index
  %zero = arith.constant dense<0.0> : tensor<128x128xf32>
  scf.for %i = %c0 to %n step %c1 {
    %m = arith.muli %i, %c128 : index
    %a = tile.load %A[%m, %c0] : memref<?x?xbf16> -> tensor<128x128xbf16>
    %d = tile.dot %a, %a, %zero : tensor<128x128xbf16>, tensor<128x128xbf16> -> tensor<128x128xf32>
    tile.store %d, %C[%m, %c0] : tensor<128x128xf32>, memref<?x?xf32>
  }
}

// 64 rows: one warpgroup, and registers as they come.
// CHECK-LABEL: tile.kernel @small(
// CHECK: aref.role "producer" instances(%{{.*}} = 1) warps(1) {
// CHECK: aref.role "consumer" instances(%{{.*}} = 1) warps(4) {
tile.kernel @small(%A: memref<?x?xbf16>, %C: memref<?x?xf32>) attributes {aref.persistent, aref.copies = "tma"} {
  %c0 = arith.constant 0 : index
  %zero = arith.constant dense<0.0> : tensor<64x64xf32>
  %a = tile.load %A[%c0, %c0] : memref<?x?xbf16> -> tensor<64x64xbf16>
  %d = tile.dot %a, %a, %zero : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
  tile.store %d, %C[%c0, %c0] : tensor<64x64xf32>, memref<?x?xf32>
}

// What only is added to memory may be summed in parts: where a product's k is
// cut, each warpgroup adds its part of the sum, from its rows of b. A product
// whose rows may be cut is cut so.
// CHECK-LABEL: tile.kernel @parts(
// CHECK: aref.role "consumer" instances(%[[I:.*]] = 2)
// CHECK: %[[FIRST:.*]] = arith.muli %[[I]],
// CHECK: %[[B:.*]] = tensor.extract_slice %{{.*}}[%[[FIRST]], 0] [64, 128] [1, 1] : tensor<128x128xbf16> to tensor<64x128xbf16>
// CHECK: tile.dot %[[B]], {{.*}} -> tensor<64x64xf32>
// CHECK: %[[D:.*]] = tile.dot %{{.*}}, %[[B]], %{{.*}} transpose_a : tensor<64x64xbf16>, tensor<64x128xbf16> -> tensor<64x128xf32>
// CHECK: tile.store %[[D]], %D[%c0{{.*}}, %c0{{.*}}] reduce add : tensor<64x128xf32>
// CHECK: %[[E:.*]] = tile.dot {{.*}} -> tensor<64x128xf32>
// CHECK: %[[ROW:.*]] = arith.addi %c0{{.*}}, %[[FIRST]]
// CHECK: tile.store %[[E]], %E[%[[ROW]], %c0{{.*}}] reduce add
tile.kernel @parts(%A: memref<?x?xbf16>, %B: memref<?x?xbf16>, %D: memref<?x?xf32>, %E: memref<?x?xf32>) attributes {aref.persistent, aref.copies = "tma"} {
  %c0 = arith.constant 0 : index
  %none = arith.constant dense<0.0> : tensor<128x64xf32>
  %zero = arith.constant dense<0.0> : tensor<64x128xf32>
  %wide = arith.constant dense<0.0> : tensor<128x128xf32>
  %a = tile.load %A[%c0, %c0] : memref<?x?xbf16> -> tensor<128x128xbf16>
  %b = tile.load %B[%c0, %c0] : memref<?x?xbf16> -> tensor<64x128xbf16>
  %s = tile.dot %a, %b, %none transpose_b : tensor<128x128xbf16>, tensor<64x128xbf16> -> tensor<128x64xf32>
  %p = arith.truncf %s : tensor<128x64xf32> to tensor<128x64xbf16>
  %d = tile.dot %p, %a, %zero transpose_a : tensor<128x64xbf16>, tensor<128x128xbf16> -> tensor<64x128xf32>
  tile.store %d, %D[%c0, %c0] reduce add : tensor<64x128xf32>, memref<?x?xf32>
  %e = tile.dot %p, %b, %wide : tensor<128x64xbf16>, tensor<64x128xbf16> -> tensor<128x128xf32>
  tile.store %e, %E[%c0, %c0] reduce add : tensor<128x128xf32>, memref<?x?xf32>
}

// Along rows, each instance scans its own; the state before and after them is
// cut as they are.
// CHECK-LABEL: tile.kernel @rows(
// CHECK: aref.role "consumer" instances(%[[I:.*]] = 2)
// CHECK: tile.scan add {{.*}} axis 1 : tensor<64x128xf32>
// CHECK: tile.load %D[%{{.*}}] {{.*}} -> tensor<64xf32>
// CHECK: tile.recurrence {{.*}} axis 1 : tensor<64x128xf32>, tensor<64xf32>
// CHECK: tile.store %{{.*}}, %C[%{{.*}}, %c0{{.*}}] : tensor<64x128xf32>
// CHECK: tile.store %{{.*}}, %D[%{{.*}}] : tensor<64xf32>
tile.kernel @rows(%A: memref<?x?xbf16>, %C: memref<?x?xf32>, %D: memref<?xf32>) attributes {aref.persistent, aref.copies = "tma"} {
  %c0 = arith.constant 0 : index
  %zero = arith.constant dense<0.0> : tensor<128x128xf32>
  %a = tile.load %A[%c0, %c0] : memref<?x?xbf16> -> tensor<128x128xbf16>
  %d = tile.dot %a, %a, %zero : tensor<128x128xbf16>, tensor<128x128xbf16> -> tensor<128x128xf32>
  %s = tile.scan add %d axis 1 : tensor<128x128xf32>
  %init = tile.load %D[%c0] pad 0.0 : f32 : memref<?xf32> -> tensor<128xf32>
  %h, %last = tile.recurrence %s, %d, %init axis 1 : tensor<128x128xf32>, tensor<128xf32>
  tile.store %h, %C[%c0, %c0] : tensor<128x128xf32>, memref<?x?xf32>
  tile.store %last, %D[%c0] : tensor<128xf32>, memref<?xf32>
}
