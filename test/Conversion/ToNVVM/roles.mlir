// RUN: heddle-opt %s --convert-to-nvvm | FileCheck %s

// Warps 0 to 3 produce, 4 to 7 and 8 to 11 consume. The launch has 65536 / 384
// registers per thread, which roles take from and give to one another.
// CHECK-LABEL: llvm.func @roles
// CHECK-SAME: aref.fallback = "other"
// CHECK-SAME: nvvm.maxnreg = 168 : i32
// CHECK-SAME: nvvm.reqntid = array<i32: 384>
tile.kernel @roles(%n: index) attributes {aref.fallback = "other", tile.raster = 8} {
  // CHECK: nvvm.read.ptx.sreg.ctaid.x
  %t = gpu.block_id x
  // CHECK: %[[TID:.*]] = nvvm.read.ptx.sreg.tid.x
  // CHECK: %[[SHIFT:.*]] = arith.constant 7
  // CHECK: %[[OWN:.*]] = arith.shrui %[[TID]], %[[SHIFT]]
  // CHECK: %[[GROUP:.*]] = llvm.inline_asm has_side_effects "shfl.sync.idx.b32 $0, $1, 0, 31, 0xffffffff;", "=r,r" %[[OWN]]
  // CHECK: %[[C1:.*]] = arith.constant 1 : i32
  // CHECK: %[[P:.*]] = arith.cmpi ult, %[[GROUP]], %[[C1]]
  // CHECK: cf.cond_br %[[P]], ^[[HEAD0:.*]], ^[[NEXT:.*]]

  // CHECK: ^[[HEAD0]]:
  // CHECK: "// heddle.role producer"
  // CHECK: cf.br ^[[PRODUCER:[^(]*]](

  // CHECK: ^[[NEXT]]:
  // CHECK: %[[C2:.*]] = arith.constant 2 : i32
  // CHECK: arith.cmpi ult, %[[GROUP]], %[[C2]]

  // The whole warpgroup gives registers back; three of its warps then leave.
  // CHECK: ^[[PRODUCER]](
  // CHECK: setmaxnreg.dec.sync.aligned.u32 24;
  // CHECK: cf.cond_br %{{.*}}, ^[[WORK:.*]], ^[[EXIT:.*]]
  // CHECK: ^[[EXIT]]:
  // CHECK-NEXT: llvm.return
  // CHECK: ^[[WORK]]:
  // A role of one warp synchronizes the warp.
  // CHECK: bar.warp.sync 0xffffffff;
  // CHECK: llvm.return
  aref.role "producer" instances(%i = 1) warps(1) registers(24) {
    aref.sync
  }
  // CHECK: "// heddle.role consumer#0"
  // CHECK: %[[ZERO:.*]] = arith.constant 0 : i32
  // CHECK: cf.br ^[[CONSUMER:[^(]*]](%[[ZERO]] : i32)
  // CHECK: "// heddle.role consumer#1"
  // CHECK: %[[ONE:.*]] = arith.constant 1 : i32
  // CHECK: cf.br ^[[CONSUMER]](%[[ONE]] : i32)

  // Each instance has its own named barrier: 2 and 3.
  // CHECK: ^[[CONSUMER]](%[[INSTANCE32:.*]]: i32
  // CHECK-NEXT: %[[INSTANCE:.*]] = arith.index_castui %[[INSTANCE32]]
  // CHECK-NEXT: setmaxnreg.inc.sync.aligned.u32 240;
  // CHECK: %[[FIRST:.*]] = arith.constant 2 : i32
  // CHECK: %[[I:.*]] = arith.index_cast %[[INSTANCE]] : index to i32
  // CHECK: %[[BARRIER:.*]] = arith.addi %[[FIRST]], %[[I]]
  // CHECK: "barrier.cta.sync $0, 128;", "r,~{memory}" %[[BARRIER]]
  // CHECK: llvm.return
  aref.role "consumer" instances(%i = 2) warps(4) registers(240) {
    aref.sync
  }
}

// CHECK-LABEL: llvm.func @one_role
// CHECK-SAME: aref.threads = 64
// CHECK-NOT: maxnreg
// CHECK: barrier.cta.sync.aligned 0;
tile.kernel @one_role(%x: memref<?x4xf32>, %y: memref<?xf32>) attributes {tile.warps = 2} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %d = memref.dim %x, %c1 : memref<?x4xf32>
  aref.sync
  // CHECK: llvm.load
  %v = memref.load %x[%c0, %d] : memref<?x4xf32>
  // One thread stores what all of them have.
  // CHECK: scf.if
  // CHECK-NEXT: llvm.store
  memref.store %v, %y[%d] : memref<?xf32>
}
