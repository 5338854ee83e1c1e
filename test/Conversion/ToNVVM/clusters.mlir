// RUN: heddle-opt %s --convert-to-nvvm | FileCheck %s
// RUN: heddle-opt %s --convert-to-nvvm --convert-scalars-to-llvm | heddle-translate --mlir-to-ptx -o %t.ptx
// RUN: FileCheck %s --check-prefix=PTX < %t.ptx
// RUN: %if ptxas %{ %ptxas -arch=sm_90a %t.ptx -o %t.cubin %}

// A tile that is one box is cut, so that there is one for each block of four; of
// 24 rows, and of a vector, there is but one. Two blocks of 192 rows of two panels
// are enough.
// CHECK-LABEL: llvm.func @clusters(
// CHECK-SAME: aref.cluster = array<i64: 4, 1, 1>
// CHECK-SAME: box = array<i64: 64, 16>
// CHECK-SAME: box = array<i64: 64, 24>
// CHECK-SAME: box = array<i64: 64, 192>
// CHECK-SAME: box = array<i64: 128>
tile.kernel @clusters(%A: memref<?x?xbf16>, %x: memref<?xf32>) attributes {aref.cluster = array<i64: 4, 1, 1>, aref.shared_bytes = 128000 : i64} {
  // Blocks find out how many they are.
  // CHECK: %[[ONE:.*]] = arith.constant 4 : i32
  // CHECK: %[[SIZE:.*]] = nvvm.read.ptx.sreg.cluster.nctaid.x
  // CHECK: %[[COUNT:.*]] = arith.muli %[[ONE]], %[[SIZE]]
  // CHECK: mbarrier.init.shared::cta.b64 [$1], $2;{{.*}} %[[COUNT]] :
  // CHECK: mbarrier.init.shared::cta.b64 [$1], 1;
  // CHECK: fence.mbarrier_init.release.cluster;
  // CHECK-NEXT: barrier.cluster.arrive.release.aligned;{{.*}}barrier.cluster.wait.acquire.aligned;
  // CHECK-NOT: barrier.cta.sync
  %empty = aref.mbarriers count 4 cluster offset(120000) : !aref.mbarriers<1>
  %full = aref.mbarriers count 1 offset(120008) : !aref.mbarriers<1>
  %a = aref.alloc offset(0) : !aref.buffer<64x64xbf16, swizzle = 128>
  %b = aref.alloc offset(0) : !aref.buffer<24x64xbf16, swizzle = 128>
  %c = aref.alloc offset(0) : !aref.buffer<384x128xbf16, swizzle = 128>
  %d = aref.alloc offset(0) : !aref.buffer<128xf32, swizzle = 0>
  aref.role "producer" instances(%i = 1) warps(1) registers(0) {
    %s = arith.constant 0 : i32
    %m = arith.constant 0 : index
    // CHECK: mbarrier.try_wait.parity.acquire.cluster.shared::cta.b64 done, [$0], $1;
    aref.await %empty[%s] parity %s cluster : !aref.mbarriers<1>
    // Each block copies every so many of the boxes to all.
    // CHECK: %[[N:.*]] = nvvm.read.ptx.sreg.cluster.nctaid.x
    // CHECK: arith.shli
    // CHECK: %[[MASK:.*]] = arith.trunci %{{.*}} : i32 to i16
    // CHECK: %[[RANK:.*]] = nvvm.read.ptx.sreg.cluster.ctaid.x
    // CHECK: %[[BOXES:.*]] = arith.constant 4 : i32
    // CHECK: scf.for %[[I:.*]] = %[[RANK]] to %[[BOXES]] step %[[N]]
    // CHECK: nvvm.elect.sync
    // 16 rows are 2048 bytes.
    // CHECK: %[[BYTES:.*]] = arith.constant 2048 : i32
    // CHECK: arith.muli %[[I]], %[[BYTES]]
    // CHECK: %[[ROWS:.*]] = arith.constant 16 : i32
    // CHECK: arith.muli %[[I]], %[[ROWS]]
    // CHECK: cp.async.bulk.tensor.2d.shared::cluster.global.tile.mbarrier::complete_tx::bytes.multicast::cluster [$1], [$3, {$4, $5}], [$2], $6;{{.*}}%[[MASK]] :
    // PTX-DAG: cp.async.bulk.tensor.2d.shared::cluster.global.tile.mbarrier::complete_tx::bytes.multicast::cluster
    aref.tma_load %A[%m, %m] -> %a, %full[%s] multicast : memref<?x?xbf16> -> !aref.buffer<64x64xbf16, swizzle = 128>, !aref.mbarriers<1>
    // CHECK: nvvm.read.ptx.sreg.cluster.ctaid.x
    // CHECK: %[[BOXES:.*]] = arith.constant 1 : i32
    // CHECK: scf.for %{{.*}} to %[[BOXES]] step
    aref.tma_load %A[%m, %m] -> %b, %full[%s] multicast : memref<?x?xbf16> -> !aref.buffer<24x64xbf16, swizzle = 128>, !aref.mbarriers<1>
    // CHECK: nvvm.read.ptx.sreg.cluster.ctaid.x
    // CHECK: %[[BOXES:.*]] = arith.constant 4 : i32
    // CHECK: scf.for %[[I:.*]] = %{{.*}} to %[[BOXES]] step
    // CHECK: %[[TWO:.*]] = arith.constant 2 : i32
    // CHECK: arith.divui %[[I]], %[[TWO]]
    // CHECK: arith.remui %[[I]], %[[TWO]]
    aref.tma_load %A[%m, %m] -> %c, %full[%s] multicast : memref<?x?xbf16> -> !aref.buffer<384x128xbf16, swizzle = 128>, !aref.mbarriers<1>
    // CHECK: cp.async.bulk.tensor.1d{{.*}}multicast::cluster
    aref.tma_load %x[%m] -> %d, %full[%s] multicast : memref<?xf32> -> !aref.buffer<128xf32, swizzle = 0>, !aref.mbarriers<1>
  }
  // CHECK: // heddle.role consumer
  aref.role "consumer" instances(%i = 1) warps(4) registers(0) {
    %s = arith.constant 0 : i32
    // A lane arrives for each block, at that block's barrier.
    // CHECK: setp.lt.and.u32 arrives, rank, size, $0;{{.*}}mapa.shared::cluster.u32 remote, $1, rank;{{.*}}mbarrier.arrive.release.cluster.shared::cluster.b64 _, [remote];
    // PTX-DAG: setp.lt.and.u32 arrives, rank, size,
    aref.arrive %empty[%s] cluster : !aref.mbarriers<1>
    // CHECK: @$0 mbarrier.arrive.shared::cta.b64 _, [$1];
    aref.arrive %full[%s] : !aref.mbarriers<1>
  }
}
