// RUN: heddle-opt %s --convert-to-nvvm --canonicalize --cse | FileCheck %s

#rows = #aref.layout<atom = [4, 64], register = [[0, 1], [0, 2], [0, 4]], lane = [[0, 8], [0, 16], [0, 32], [1, 0], [2, 0]], warp = []>
#mma = #aref.layout<atom = [16, 8], register = [[0, 1], [8, 0]], lane = [[0, 2], [0, 4], [1, 0], [2, 0], [4, 0]], warp = []>

// Chunks of 16 bytes stay together under a swizzle. Eight rows on, the pattern
// repeats, so two addresses serve four accesses.

// CHECK-LABEL: llvm.func @swizzled
// CHECK-COUNT-2: arith.xori
// CHECK-NOT: arith.xori
// CHECK: llvm.load %{{.*}} {alignment = 16 : i64} : !llvm.ptr<3> -> vector<8xbf16>
// CHECK: llvm.getelementptr %{{.*}}[1024]
tile.kernel @swizzled(%x: memref<?x?xbf16>, %i: index) attributes {tile.warps = 1} {
  %b = aref.alloc offset(0) : !aref.buffer<16x64xbf16, swizzle = 128>
  %t = aref.local_load %b : !aref.buffer<16x64xbf16, swizzle = 128> -> tensor<16x64xbf16, #rows>
  tile.store %t, %x[%i, %i] : tensor<16x64xbf16, #rows>, memref<?x?xbf16>
}

// An accumulator's pairs are four bytes.

// CHECK-LABEL: llvm.func @accumulator
// CHECK-COUNT-16: llvm.store %{{.*}} {alignment = 4 : i64} : vector<2xbf16>, !llvm.ptr<3>
// CHECK-NOT: llvm.store
tile.kernel @accumulator(%a: bf16) attributes {tile.warps = 1} {
  %b = aref.alloc offset(0) : !aref.buffer<16x64xbf16, swizzle = 128>
  %t = tensor.splat %a : tensor<16x64xbf16, #mma>
  aref.local_store %t, %b : tensor<16x64xbf16, #mma>, !aref.buffer<16x64xbf16, swizzle = 128>
}
