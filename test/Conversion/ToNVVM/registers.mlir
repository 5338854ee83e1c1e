// RUN: heddle-opt %s --convert-to-nvvm --canonicalize --cse | FileCheck %s

#mma = #aref.layout<atom = [64, 8], register = [[0, 1], [8, 0]], lane = [[0, 2], [0, 4], [1, 0], [2, 0], [4, 0]], warp = [[16, 0], [32, 0]]>
#mmaT = #aref.layout<atom = [8, 64], register = [[1, 0], [0, 8]], lane = [[2, 0], [4, 0], [0, 1], [0, 2], [0, 4]], warp = [[0, 16], [0, 32]]>
#rows = #aref.layout<atom = [64], register = [[8]], lane = [[0], [0], [1], [2], [4]], warp = [[16], [32]]>
#each = #aref.layout<atom = [2], register = [[1]], lane = [[0], [0], [0], [0], [0]], warp = [[0], [0]]>
#swap = #aref.layout<atom = [2, 128], register = [[1, 0]], lane = [[0, 1], [0, 2], [0, 4], [0, 8], [0, 16]], warp = [[0, 32], [0, 64]]>

// Rows of an accumulator are shared by four lanes: two shuffles for each of a
// thread's two rows. Broadcasting them back moves nothing.

// CHECK-LABEL: llvm.func @rows
// CHECK-COUNT-4: nvvm.shfl.sync bfly
// CHECK-NOT: nvvm.shfl
// CHECK-COUNT-8: arith.subf
// CHECK-COUNT-8: math.exp2 %{{.*}} : f32
// CHECK-NOT: math.exp2
tile.kernel @rows(%x: memref<?x?xf32>, %i: index) {
  %low = arith.constant dense<0xFF800000> : tensor<64xf32, #rows>
  %t = tile.load %x[%i, %i] : memref<?x?xf32> -> tensor<64x16xf32, #mma>
  %m = tile.reduce max %t, %low axis 1 : tensor<64x16xf32, #mma> -> tensor<64xf32, #rows>
  %b = tile.broadcast %m axes [1] : tensor<64xf32, #rows> -> tensor<64x16xf32, #mma>
  %d = arith.subf %t, %b : tensor<64x16xf32, #mma>
  %e = math.exp2 %d : tensor<64x16xf32, #mma>
  %u = tile.transpose %e [1, 0] : tensor<64x16xf32, #mma> -> tensor<16x64xf32, #mmaT>
  tile.store %u, %x[%i, %i] : tensor<16x64xf32, #mmaT>, memref<?x?xf32>
}

// Four warps hold parts of a row: each leaves one value per row in scratch.

// CHECK-LABEL: llvm.func @warps
// CHECK-COUNT-10: nvvm.shfl.sync bfly
// CHECK: barrier.cta.sync
// CHECK-COUNT-2: llvm.store %{{.*}} {alignment = 4 : i64} : f32, !llvm.ptr<3>
// CHECK: barrier.cta.sync
// CHECK-COUNT-8: llvm.load %{{.*}} {alignment = 4 : i64} : !llvm.ptr<3> -> f32
tile.kernel @warps(%x: memref<?x?xf32>, %y: memref<?xf32>, %i: index) {
  %s = aref.alloc offset(0) : !aref.buffer<4x2xf32, swizzle = 0>
  %z = arith.constant dense<0.0> : tensor<2xf32, #each>
  %t = tile.load %x[%i, %i] : memref<?x?xf32> -> tensor<2x128xf32, #swap>
  %r = aref.reduce add %t, %z axis 1 through %s : tensor<2x128xf32, #swap>, !aref.buffer<4x2xf32, swizzle = 0> -> tensor<2xf32, #each>
  tile.store %r, %y[%i] : tensor<2xf32, #each>, memref<?xf32>
}

// 8-bit floats are converted in pairs, two of which fill a register.

// CHECK-LABEL: llvm.func @narrow
// CHECK-COUNT-4: "cvt.rn.f16x2.e4m3x2 $0, $1;", "=r,h"
// CHECK-NOT: cvt.rn.f16x2
// CHECK-COUNT-2: cvt.rn.satfinite.e5m2x2.f32 low, $2, $1;{{.*}}cvt.rn.satfinite.e5m2x2.f32 high, $4, $3;{{.*}}"=r,f,f,f,f"
// CHECK-NOT: cvt.rn.satfinite
tile.kernel @narrow(%x: memref<?x?xf8E4M3FN>, %y: memref<?x?xf8E5M2>, %i: index) {
  %t = tile.load %x[%i, %i] : memref<?x?xf8E4M3FN> -> tensor<64x16xf8E4M3FN, #mma>
  %w = arith.extf %t : tensor<64x16xf8E4M3FN, #mma> to tensor<64x16xf32, #mma>
  %n = arith.truncf %w : tensor<64x16xf32, #mma> to tensor<64x16xf8E5M2, #mma>
  tile.store %n, %y[%i, %i] : tensor<64x16xf8E5M2, #mma>, memref<?x?xf8E5M2>
}

// Elements in a thread are taken one after the other, with one operation each.

// CHECK-LABEL: llvm.func @channels
// CHECK-NOT: nvvm.shfl
// CHECK-COUNT-8: math.fma
// CHECK-NOT: math.fma
#channels = #aref.layout<atom = [1, 128], register = [], lane = [[0, 1], [0, 2], [0, 4], [0, 8], [0, 16]], warp = [[0, 32], [0, 64]]>
#channel = #aref.layout<atom = [128], register = [], lane = [[1], [2], [4], [8], [16]], warp = [[32], [64]]>
tile.kernel @channels(%x: memref<?x?xf32>, %y: memref<?xf32>, %i: index) {
  %t = tile.load %x[%i, %i] : memref<?x?xf32> -> tensor<8x128xf32, #channels>
  %h0 = tile.load %y[%i] : memref<?xf32> -> tensor<128xf32, #channel>
  %h, %last = tile.recurrence %t, %t, %h0 axis 0 reverse : tensor<8x128xf32, #channels>, tensor<128xf32, #channel>
  tile.store %h, %x[%i, %i] : tensor<8x128xf32, #channels>, memref<?x?xf32>
  tile.store %last, %y[%i] : tensor<128xf32, #channel>, memref<?xf32>
}

// Columns of an accumulator: pairs in a thread, then four lanes, then twos of
// eights in a thread. What a pair comes to passes two lanes, then the next.

// CHECK-LABEL: llvm.func @columns
// CHECK-COUNT-8: nvvm.shfl.sync idx
// CHECK-NOT: nvvm.shfl
#columns = #aref.layout<atom = [8], register = [[1]], lane = [[2], [4], [0], [0], [0]], warp = [[0], [0]]>
tile.kernel @columns(%x: memref<?xf32>, %i: index) {
  %t = tile.load %x[%i] : memref<?xf32> -> tensor<16xf32, #columns>
  %s = tile.scan add %t axis 0 : tensor<16xf32, #columns>
  tile.store %s, %x[%i] : tensor<16xf32, #columns>, memref<?xf32>
}

// Rows of an accumulator: what 16 of them come to goes through scratch, from one
// lane of those that know it.

// CHECK-LABEL: llvm.func @passed_on
// CHECK: barrier.cta.sync
// CHECK: llvm.store %{{.*}} {alignment = 4 : i64} : f32, !llvm.ptr<3>
// CHECK-NOT: llvm.store
// CHECK: barrier.cta.sync
// CHECK-COUNT-3: llvm.load %{{.*}} {alignment = 4 : i64} : !llvm.ptr<3> -> f32
// CHECK-NOT: llvm.load {{.*}}ptr<3>
tile.kernel @passed_on(%x: memref<?xf32>, %i: index) {
  %s = aref.alloc offset(0) : !aref.buffer<1x4xf32, swizzle = 0>
  %t = tile.load %x[%i] : memref<?xf32> -> tensor<64xf32, #rows>
  %r = aref.scan add %t axis 0 exclusive through %s : tensor<64xf32, #rows>, !aref.buffer<1x4xf32, swizzle = 0>
  tile.store %r, %x[%i] : tensor<64xf32, #rows>, memref<?xf32>
}

// A thread has a whole tile, and its transposition in another order.

// CHECK-LABEL: llvm.func @reordered
#tall = #aref.layout<atom = [1, 1], register = [], lane = [[0, 0], [0, 0], [0, 0], [0, 0], [0, 0]], warp = [[0, 0], [0, 0]]>
#wide = #aref.layout<atom = [2, 1], register = [[1, 0]], lane = [[0, 0], [0, 0], [0, 0], [0, 0], [0, 0]], warp = [[0, 0], [0, 0]]>
tile.kernel @reordered(%x: memref<?x?xf32>, %i: index) {
  %t = tile.load %x[%i, %i] : memref<?x?xf32> -> tensor<4x2xf32, #tall>
  %u = tile.transpose %t [1, 0] : tensor<4x2xf32, #tall> -> tensor<2x4xf32, #wide>
  tile.store %u, %x[%i, %i] : tensor<2x4xf32, #wide>, memref<?x?xf32>
}

// What is rounded, stored and widened again stays in pairs: a register each, of
// which halves are the upper bits of f32.

// CHECK-LABEL: llvm.func @pairs
// CHECK: llvm.inline_asm "cvt.rn.bf16x2.f32 $0, $1, $2;", "=r,f,f" %[[HIGH:.*]], %[[LOW:.*]] : (f32, f32) -> i32
// CHECK: arith.shli %{{.*}}, %c16
// CHECK: arith.andi %{{.*}}, %c-65536
// CHECK-NOT: arith.extf
tile.kernel @pairs(%x: memref<?x?xf32>, %y: memref<?x?xbf16>, %i: index) {
  %t = tile.load %x[%i, %i] : memref<?x?xf32> -> tensor<2x128xf32, #swap>
  %r = arith.truncf %t : tensor<2x128xf32, #swap> to tensor<2x128xbf16, #swap>
  %w = arith.extf %r : tensor<2x128xbf16, #swap> to tensor<2x128xf32, #swap>
  tile.store %r, %y[%i, %i] : tensor<2x128xbf16, #swap>, memref<?x?xbf16>
  tile.store %w, %x[%i, %i] : tensor<2x128xf32, #swap>, memref<?x?xf32>
}

// 16-bit floats are computed with in such pairs, and rounded to them for that;
// what has none to go with is computed by itself.

// CHECK-LABEL: llvm.func @computed_in_pairs
// CHECK-COUNT-2: llvm.inline_asm "cvt.rn.bf16x2.f32 $0, $1, $2;"
// CHECK-NOT: arith.mulf
// CHECK: llvm.inline_asm "mul.rn.bf16x2 $0, $1, $2;", "=r,r,r" %{{.*}} : (i32, i32) -> i32
// CHECK: llvm.inline_asm "sub.rn.f16x2 $0, $1, $2;", "=r,r,r" %{{.*}} : (i32, i32) -> i32
// CHECK: arith.addf %{{.*}} : bf16
tile.kernel @computed_in_pairs(%x: memref<?x?xf32>, %y: memref<?x?xbf16>, %z: memref<?x?xf16>, %w: memref<?xbf16>, %i: index) {
  %t = tile.load %x[%i, %i] : memref<?x?xf32> -> tensor<2x128xf32, #swap>
  %u = arith.addf %t, %t : tensor<2x128xf32, #swap>
  %a = arith.truncf %t : tensor<2x128xf32, #swap> to tensor<2x128xbf16, #swap>
  %b = arith.truncf %u : tensor<2x128xf32, #swap> to tensor<2x128xbf16, #swap>
  %p = arith.mulf %a, %b : tensor<2x128xbf16, #swap>
  tile.store %p, %y[%i, %i] : tensor<2x128xbf16, #swap>, memref<?x?xbf16>
  %h = tile.load %z[%i, %i] : memref<?x?xf16> -> tensor<2x128xf16, #swap>
  %d = arith.subf %h, %h : tensor<2x128xf16, #swap>
  tile.store %d, %z[%i, %i] : tensor<2x128xf16, #swap>, memref<?x?xf16>
  %one = tile.load %w[%i] : memref<?xbf16> -> tensor<128xbf16, #channel>
  %two = arith.addf %one, %one : tensor<128xbf16, #channel>
  tile.store %two, %w[%i] : tensor<128xbf16, #channel>, memref<?xbf16>
}
