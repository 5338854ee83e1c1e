// RUN: heddle-opt %s --convert-to-nvvm | FileCheck %s
// RUN: heddle-opt %s --convert-to-nvvm --convert-scalars-to-llvm | heddle-translate --mlir-to-ptx -o %t.ptx
// RUN: FileCheck %s --check-prefix=PTX < %t.ptx
// RUN: %if ptxas %{ %ptxas -arch=sm_90a %t.ptx -o %t.cubin %}

#row = #aref.layout<atom = [64], register = [[32]], lane = [[1], [2], [4], [8], [16]], warp = []>

// CHECK-LABEL: llvm.func @round(
// CHECK-COUNT-2: nvvm.convert.float.to.tf32 %{{.*}} {rnd = #nvvm.fp_rnd_mode<rn>}
// CHECK-NOT: nvvm.convert
// PTX-LABEL: .entry round(
// PTX-COUNT-2: cvt.rn.tf32.f32
// PTX-NOT: cvt.rn.tf32
tile.kernel @round(%x: memref<?xf32>, %i: index) attributes {tile.warps = 1} {
  %0 = tile.load %x[%i] : memref<?xf32> -> tensor<64xf32, #row>
  %1 = aref.round_tf32 %0 : tensor<64xf32, #row>
  tile.store %1, %x[%i] : tensor<64xf32, #row>, memref<?xf32>
}

// One view can have a map that rounds and one that does not.
// CHECK-LABEL: llvm.func @maps(
// CHECK-SAME: aref.tensor_maps = [
// CHECK-SAME: {argument = 0 : i64, box = array<i64: 32, 64>, swizzle = 128 : i64, type = tf32},
// CHECK-SAME: {argument = 0 : i64, box = array<i64: 32, 64>, swizzle = 128 : i64, type = f32}]
tile.kernel @maps(%A: memref<?x?xf32>) {
  %full = aref.mbarriers count 1 offset(8192) : !aref.mbarriers<1>
  %a = aref.alloc offset(0) : !aref.buffer<64x32xf32, swizzle = 128>
  aref.role "producer" instances(%i = 1) warps(1) registers(0) {
    %s = arith.constant 0 : i32
    %m = arith.constant 0 : index
    aref.tma_load %A[%m, %m] -> %a, %full[%s] round_tf32 : memref<?x?xf32> -> !aref.buffer<64x32xf32, swizzle = 128>, !aref.mbarriers<1>
    aref.tma_load %A[%m, %m] -> %a, %full[%s] : memref<?x?xf32> -> !aref.buffer<64x32xf32, swizzle = 128>, !aref.mbarriers<1>
    aref.copy_out %a -> %A[%m, %m] : !aref.buffer<64x32xf32, swizzle = 128> -> memref<?x?xf32>
  }
}
