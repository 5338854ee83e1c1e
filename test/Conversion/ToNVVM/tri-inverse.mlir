// RUN: heddle-opt %s --convert-to-nvvm --canonicalize --cse | FileCheck %s

#one = #aref.layout<atom = [16, 8], register = [[0, 1], [8, 0]], lane = [[0, 2], [0, 4], [1, 0], [2, 0], [4, 0]], warp = []>
#four = #aref.layout<atom = [64, 8], register = [[0, 1], [8, 0]], lane = [[0, 2], [0, 4], [1, 0], [2, 0], [4, 0]], warp = [[16, 0], [32, 0]]>
#odd = #aref.layout<atom = [8, 8], register = [[0, 1]], lane = [[0, 2], [0, 4], [1, 0], [2, 0], [4, 0]], warp = []>

// One block is inverted by substitution. Accumulators are written in pairs, and
// what is above the diagonal whatever the thread is not read.

// CHECK-LABEL: llvm.func @block
// CHECK-COUNT-4: llvm.store %{{.*}} {alignment = 8 : i64} : vector<2xf32>, !llvm.ptr<3>
// CHECK: bar.warp.sync
// CHECK-COUNT-120: math.fma
// CHECK-NOT: math.fma
// CHECK-NOT: nvvm.mma.sync
// CHECK-COUNT-6: llvm.load %{{.*}} {alignment = 4 : i64} : !llvm.ptr<3> -> f32
// CHECK-NOT: llvm.load
// CHECK: llvm.return
tile.kernel @block(%a: f32, %x: memref<?x?xf32>, %i: index) attributes {tile.warps = 1} {
  %s = aref.alloc offset(0) : !aref.buffer<16x24xf32, swizzle = 0>
  %t = tensor.splat %a : tensor<16x16xf32, #one>
  %r = aref.tri_inverse %t through %s precision ieee : tensor<16x16xf32, #one>, !aref.buffer<16x24xf32, swizzle = 0> -> tensor<16x16xf32, #one>
  tile.store %r, %x[%i, %i] : tensor<16x16xf32, #one>, memref<?x?xf32>
}

// Four warps have a column of blocks each, but for the last. Rows after the
// first are there for some of them.

// CHECK-LABEL: llvm.func @columns
// CHECK-COUNT-2: barrier.cta.sync.aligned 0
// CHECK: scf.if
// CHECK-COUNT-2: bar.warp.sync
// CHECK: barrier.cta.sync.aligned 0
// CHECK-NOT: scf.for
// CHECK: scf.if
// CHECK-COUNT-7: nvvm.mma.sync {{.*}}<tf32>
// CHECK-NOT: nvvm.mma.sync
// CHECK: scf.if
// CHECK-COUNT-11: nvvm.mma.sync
// CHECK-NOT: nvvm.mma.sync
// CHECK: scf.if
// CHECK-COUNT-15: nvvm.mma.sync
// CHECK-NOT: nvvm.mma.sync
// CHECK: barrier.cta.sync.aligned 0
// CHECK-NOT: barrier
// CHECK: llvm.return
tile.kernel @columns(%a: f32, %x: memref<?x?xf32>, %i: index) attributes {tile.warps = 4} {
  %s = aref.alloc offset(0) : !aref.buffer<64x72xf32, swizzle = 0>
  %t = tensor.splat %a : tensor<64x64xf32, #four>
  %r = aref.tri_inverse %t through %s precision tf32 : tensor<64x64xf32, #four>, !aref.buffer<64x72xf32, swizzle = 0> -> tensor<64x64xf32, #four>
  tile.store %r, %x[%i, %i] : tensor<64x64xf32, #four>, memref<?x?xf32>
}

// One warp goes through the columns, and fills the last block up with zeros.

// CHECK-LABEL: llvm.func @filled
// CHECK-COUNT-2: scf.for
// CHECK: bar.warp.sync
// CHECK: scf.for
// CHECK-COUNT-4: nvvm.mma.sync {{.*}}f16
// CHECK-NOT: nvvm.mma.sync
// CHECK: scf.if
// CHECK-COUNT-6: nvvm.mma.sync
// CHECK-NOT: nvvm.mma.sync
// CHECK: llvm.return
tile.kernel @filled(%a: f32, %x: memref<?x?xf32>, %i: index) attributes {tile.warps = 1} {
  %s = aref.alloc offset(0) : !aref.buffer<48x56xf32, swizzle = 0>
  %t = tensor.splat %a : tensor<40x40xf32, #odd>
  %r = aref.tri_inverse %t through %s precision f16 : tensor<40x40xf32, #odd>, !aref.buffer<48x56xf32, swizzle = 0> -> tensor<40x40xf32, #odd>
  tile.store %r, %x[%i, %i] : tensor<40x40xf32, #odd>, memref<?x?xf32>
}
