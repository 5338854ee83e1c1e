// RUN: heddle-opt %s --convert-to-nvvm | FileCheck %s

// What loops carry in fewer bits than a register has.

#eight = #aref.layout<atom = [256], register = [[1], [2], [4]], lane = [[8], [16], [32], [64], [128]], warp = []>
#two = #aref.layout<atom = [64], register = [[1]], lane = [[2], [4], [8], [16], [32]], warp = []>

// A register for each four elements; those that come out of it are made of its new value.
// CHECK-LABEL: llvm.func @words
// CHECK-DAG: %[[NONE:.*]] = llvm.bitcast %{{.*}} : vector<4xi8> to i32
// CHECK: scf.for {{.*}} iter_args({{.*}}, %[[W0:.*]] = %{{.*}}, %[[W1:.*]] = %{{.*}}) -> (i8, i8, i8, i8, i8, i8, i8, i8, i32, i32)
// CHECK: %[[BYTES:.*]] = llvm.bitcast %[[W0]] : i32 to vector<4xi8>
// CHECK: llvm.extractelement %[[BYTES]][%c0
// CHECK: %[[N0:.*]] = llvm.inline_asm "{{.*}}cvt.rn.satfinite.e4m3x2.f32 low, $2, $1;{{.*}}cvt.rn.satfinite.e4m3x2.f32 high, $4, $3;
// CHECK: %[[N1:.*]] = llvm.inline_asm "{{.*}}cvt.rn.satfinite.e4m3x2.f32 low
// CHECK: scf.yield {{.*}}, %[[N0]], %[[N1]] :
tile.kernel @words(%x: memref<?xf32>, %y: memref<?xf8E4M3FN>, %n: index) attributes {tile.warps = 1} {
  %c0 = arith.constant 0 : index
  %c256 = arith.constant 256 : index
  %none = arith.constant dense<0.0> : tensor<256xf8E4M3FN, #eight>
  %last = scf.for %i = %c0 to %n step %c256 iter_args(%before = %none) -> (tensor<256xf8E4M3FN, #eight>) {
    tile.store %before, %y[%i] : tensor<256xf8E4M3FN, #eight>, memref<?xf8E4M3FN>
    %t = tile.load %x[%i] : memref<?xf32> -> tensor<256xf32, #eight>
    %narrow = arith.truncf %t : tensor<256xf32, #eight> to tensor<256xf8E4M3FN, #eight>
    scf.yield %narrow : tensor<256xf8E4M3FN, #eight>
  }
  tile.store %last, %y[%c0] : tensor<256xf8E4M3FN, #eight>, memref<?xf8E4M3FN>
}

// Half a register.
// CHECK-LABEL: llvm.func @halves
// CHECK: scf.for {{.*}} -> (i8, i8)
// CHECK: llvm.inline_asm "cvt.rn.satfinite.e4m3x2.f32 $0, $1, $2;", "=h,f,f"
tile.kernel @halves(%x: memref<?xf32>, %y: memref<?xf8E4M3FN>, %n: index) attributes {tile.warps = 1} {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %none = arith.constant dense<0.0> : tensor<64xf8E4M3FN, #two>
  %last = scf.for %i = %c0 to %n step %c64 iter_args(%before = %none) -> (tensor<64xf8E4M3FN, #two>) {
    %t = tile.load %x[%i] : memref<?xf32> -> tensor<64xf32, #two>
    %narrow = arith.truncf %t : tensor<64xf32, #two> to tensor<64xf8E4M3FN, #two>
    scf.yield %narrow : tensor<64xf8E4M3FN, #two>
  }
  tile.store %last, %y[%c0] : tensor<64xf8E4M3FN, #two>, memref<?xf8E4M3FN>
}
