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

// Of an accumulator, one instruction stores four matrices of 8x8.

// CHECK-LABEL: llvm.func @accumulator
// CHECK-COUNT-4: nvvm.stmatrix %{{.*}} {eltType = #nvvm.ld_st_matrix_elt_type<b16>, layout = #nvvm.mma_layout<row>
// CHECK-NOT: nvvm.stmatrix
// CHECK-NOT: llvm.store
tile.kernel @accumulator(%a: bf16) attributes {tile.warps = 1} {
  %b = aref.alloc offset(0) : !aref.buffer<16x64xbf16, swizzle = 128>
  %t = tensor.splat %a : tensor<16x64xbf16, #mma>
  aref.local_store %t, %b : tensor<16x64xbf16, #mma>, !aref.buffer<16x64xbf16, swizzle = 128>
}

// A transposed one, too.

#transposed = #aref.layout<atom = [8, 16], register = [[1, 0], [0, 8]], lane = [[2, 0], [4, 0], [0, 1], [0, 2], [0, 4]], warp = []>

// CHECK-LABEL: llvm.func @transposed
// CHECK-COUNT-4: nvvm.stmatrix %{{.*}} {eltType = #nvvm.ld_st_matrix_elt_type<b16>, layout = #nvvm.mma_layout<col>
// CHECK-NOT: nvvm.stmatrix
// CHECK-NOT: llvm.store
tile.kernel @transposed(%a: bf16) attributes {tile.warps = 1} {
  %b = aref.alloc offset(0) : !aref.buffer<64x16xbf16, swizzle = 32>
  %t = tensor.splat %a : tensor<64x16xbf16, #transposed>
  aref.local_store %t, %b : tensor<64x16xbf16, #transposed>, !aref.buffer<64x16xbf16, swizzle = 32>
}

// Loads go the same way, with a row of eight elements from each lane.

// CHECK-LABEL: llvm.func @loaded
// CHECK-COUNT-4: nvvm.ldmatrix %{{.*}} {eltType = #nvvm.ld_st_matrix_elt_type<b16>, layout = #nvvm.mma_layout<row>, num = 4
// CHECK-NOT: llvm.load {{.*}}ptr<3>
tile.kernel @loaded(%x: memref<?x?xbf16>, %i: index) attributes {tile.warps = 1} {
  %b = aref.alloc offset(0) : !aref.buffer<16x64xbf16, swizzle = 128>
  %t = aref.local_load %b : !aref.buffer<16x64xbf16, swizzle = 128> -> tensor<16x64xbf16, #mma>
  tile.store %t, %x[%i, %i] : tensor<16x64xbf16, #mma>, memref<?x?xbf16>
}

// Fewer than four matrices, lanes store as they are.

#narrow = #aref.layout<atom = [16, 8], register = [[0, 1], [8, 0]], lane = [[0, 2], [0, 4], [1, 0], [2, 0], [4, 0]], warp = []>

// CHECK-LABEL: llvm.func @few
// CHECK-NOT: nvvm.stmatrix
// CHECK-COUNT-2: llvm.store %{{.*}} {alignment = 4 : i64} : vector<2xbf16>, !llvm.ptr<3>
tile.kernel @few(%a: bf16) attributes {tile.warps = 1} {
  %b = aref.alloc offset(0) : !aref.buffer<16x8xbf16, swizzle = 0>
  %t = tensor.splat %a : tensor<16x8xbf16, #narrow>
  aref.local_store %t, %b : tensor<16x8xbf16, #narrow>, !aref.buffer<16x8xbf16, swizzle = 0>
}
