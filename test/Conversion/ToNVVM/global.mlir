// RUN: heddle-opt %s --convert-to-nvvm | FileCheck %s

#vec = #aref.layout<atom = [8, 32], register = [[0, 1], [0, 2], [0, 4]], lane = [[0, 8], [0, 16], [1, 0], [2, 0], [4, 0]], warp = []>
#one = #aref.layout<atom = [32], register = [], lane = [[1], [2], [4], [8], [16]], warp = []>
#half = #aref.layout<atom = [16], register = [], lane = [[1], [2], [4], [8], [0]], warp = []>

// Where the tile is inside and aligned, 16 bytes at a time; else each element
// by itself, with a predicate. Small elements are vectors where the two ways
// meet, too, so that what is but copied takes few registers.

// CHECK-LABEL: llvm.func @vectors
// CHECK: scf.if %{{.*}} -> (vector<8xbf16>) {
// CHECK: llvm.load %{{.*}} {alignment = 16 : i64} : !llvm.ptr<1> -> vector<8xbf16>
// CHECK-NOT: llvm.load
// CHECK-COUNT-8: llvm.inline_asm {{.*}} "@$2 ld.global.b16 $0, [$1];", "=h,l,b,0,~{memory}"
// CHECK-NOT: ld.global
// CHECK: llvm.store %{{.*}}, %{{.*}} {alignment = 16 : i64} : vector<8xbf16>, !llvm.ptr<1>
// CHECK-COUNT-8: llvm.inline_asm {{.*}} "@$2 st.global.b16 [$0], $1;", "l,h,b,~{memory}"
// CHECK-NOT: st.global
tile.kernel @vectors(%x: memref<?x?xbf16>, %y: memref<?x?xbf16>, %i: index) attributes {tile.warps = 1} {
  %t = tile.load %x[%i, %i] pad 1.0 : bf16 : memref<?x?xbf16> -> tensor<8x32xbf16, #vec>
  tile.store %t, %y[%i, %i] : tensor<8x32xbf16, #vec>, memref<?x?xbf16>
}

// A view of unknown strides is read element by element; 8-bit floats and masks
// take one byte, an index takes eight.

// CHECK-LABEL: llvm.func @elements
// CHECK-NOT: llvm.load
// CHECK-COUNT-2: "@$2 ld.global.b8 $0, [$1];"
// CHECK: "@$2 ld.global.b64 $0, [$1];"
// CHECK-COUNT-2: "@$2 st.global.b8 [$0], $1;"
// CHECK: "@$2 st.global.b64 [$0], $1;"
// CHECK-NOT: llvm.store
tile.kernel @elements(%f: memref<?xf8E5M2, strided<[?]>>, %m: memref<?xi1>, %n: memref<?xindex>, %i: index) attributes {tile.warps = 1} {
  %0 = tile.load %f[%i] : memref<?xf8E5M2, strided<[?]>> -> tensor<32xf8E5M2, #one>
  %1 = tile.load %m[%i] : memref<?xi1> -> tensor<32xi1, #one>
  %2 = tile.load %n[%i] : memref<?xindex> -> tensor<32xindex, #one>
  tile.store %0, %f[%i] : tensor<32xf8E5M2, #one>, memref<?xf8E5M2, strided<[?]>>
  tile.store %1, %m[%i] : tensor<32xi1, #one>, memref<?xi1>
  tile.store %2, %n[%i] : tensor<32xindex, #one>, memref<?xindex>
}

// Of threads that hold the same element, one stores it.

// CHECK-LABEL: llvm.func @copies
// CHECK: %[[C16:.+]] = arith.constant 16 : i32
// CHECK: arith.andi %{{.*}}, %[[C16]] : i32
// CHECK: scf.if
// CHECK: st.global.b32
tile.kernel @copies(%x: memref<?xf32>, %i: index, %a: f32) attributes {tile.warps = 1} {
  %t = tensor.splat %a : tensor<16xf32, #half>
  tile.store %t, %x[%i] : tensor<16xf32, #half>, memref<?xf32>
}

// Memory combines 16 bytes at once where it can.

// CHECK-LABEL: llvm.func @reductions
// CHECK: llvm.inline_asm {{.*}} "red.relaxed.gpu.global.add.noftz.v4.bf16x2 [$0], {$1, $2, $3, $4};", "l,r,r,r,r,~{memory}"
// CHECK-NOT: red.
// CHECK: else
// CHECK-COUNT-8: "@$2 red.relaxed.gpu.global.add.noftz.bf16 [$0], $1;", "l,h,b,~{memory}"
// CHECK: "@$2 red.relaxed.gpu.global.add.f32 [$0], $1;", "l,r,b,~{memory}"
// CHECK: "@$2 red.relaxed.gpu.global.add.u32 [$0], $1;"
// CHECK: "@$2 red.relaxed.gpu.global.max.s32 [$0], $1;"
// CHECK: "@$2 red.relaxed.gpu.global.add.u64 [$0], $1;", "l,l,b,~{memory}"
// CHECK: "@$2 red.relaxed.gpu.global.min.s64 [$0], $1;"
// CHECK: "@$2 red.relaxed.gpu.global.add.f64 [$0], $1;"
// CHECK: "@$2 red.relaxed.gpu.global.add.noftz.f16 [$0], $1;"
tile.kernel @reductions(%x: memref<?x?xbf16>, %f: memref<?xf32>, %i: memref<?xi32>, %l: memref<?xi64>, %d: memref<?xf64>, %h: memref<?xf16>, %n: index) attributes {tile.warps = 1} {
  %0 = arith.constant dense<1.0> : tensor<8x32xbf16, #vec>
  %1 = arith.constant dense<1.0> : tensor<32xf32, #one>
  %2 = arith.constant dense<1> : tensor<32xi32, #one>
  %3 = arith.constant dense<1> : tensor<32xi64, #one>
  %4 = arith.constant dense<1.0> : tensor<32xf64, #one>
  %5 = arith.constant dense<1.0> : tensor<32xf16, #one>
  tile.store %0, %x[%n, %n] reduce add : tensor<8x32xbf16, #vec>, memref<?x?xbf16>
  tile.store %1, %f[%n] reduce add : tensor<32xf32, #one>, memref<?xf32>
  tile.store %2, %i[%n] reduce add : tensor<32xi32, #one>, memref<?xi32>
  tile.store %2, %i[%n] reduce max : tensor<32xi32, #one>, memref<?xi32>
  tile.store %3, %l[%n] reduce add : tensor<32xi64, #one>, memref<?xi64>
  tile.store %3, %l[%n] reduce min : tensor<32xi64, #one>, memref<?xi64>
  tile.store %4, %d[%n] reduce add : tensor<32xf64, #one>, memref<?xf64>
  tile.store %5, %h[%n] reduce add : tensor<32xf16, #one>, memref<?xf16>
}

// Where tiles cut the view without a rest, all columns of one are inside or none:
// one comparison, and one for the row, on either way.

// CHECK-LABEL: llvm.func @whole
// CHECK-COUNT-3: arith.cmpi ult,
// CHECK-NOT: arith.cmpi ult,
// CHECK: llvm.return
tile.kernel @whole(%x: memref<?x64xbf16>, %i: index, %part: index) attributes {tile.warps = 1} {
  %c32 = arith.constant 32 : index
  %j = arith.muli %part, %c32 : index
  %t = arith.constant dense<1.0> : tensor<8x32xbf16, #vec>
  tile.store %t, %x[%i, %j] : tensor<8x32xbf16, #vec>, memref<?x64xbf16>
}

// Half a tile may be inside.
// CHECK-LABEL: llvm.func @rest
// CHECK-COUNT-9: arith.cmpi ult,
// CHECK: llvm.return
tile.kernel @rest(%x: memref<?x48xbf16>, %i: index, %part: index) attributes {tile.warps = 1} {
  %c32 = arith.constant 32 : index
  %j = arith.muli %part, %c32 : index
  %t = arith.constant dense<1.0> : tensor<8x32xbf16, #vec>
  tile.store %t, %x[%i, %j] : tensor<8x32xbf16, #vec>, memref<?x48xbf16>
}

// A loop that carries a tile is replaced while its body is converted.
// CHECK-LABEL: llvm.func @carried
// CHECK: scf.for
tile.kernel @carried(%x: memref<?x64xbf16>, %i: index) attributes {tile.warps = 1} {
  %c0 = arith.constant 0 : index
  %c32 = arith.constant 32 : index
  %c64 = arith.constant 64 : index
  %zero = arith.constant dense<0.0> : tensor<8x32xbf16, #vec>
  %sum = scf.for %j = %c0 to %c64 step %c32 iter_args(%s = %zero) -> (tensor<8x32xbf16, #vec>) {
    %t = tile.load %x[%i, %j] pad 0.0 : bf16 : memref<?x64xbf16> -> tensor<8x32xbf16, #vec>
    %next = arith.addf %s, %t : tensor<8x32xbf16, #vec>
    scf.yield %next : tensor<8x32xbf16, #vec>
  }
  tile.store %sum, %x[%i, %c0] : tensor<8x32xbf16, #vec>, memref<?x64xbf16>
}
