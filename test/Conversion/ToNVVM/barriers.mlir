// RUN: heddle-opt %s --convert-to-nvvm | FileCheck %s
// RUN: heddle-opt %s --convert-to-nvvm --convert-scalars-to-llvm | heddle-translate --mlir-to-ptx -o %t.ptx
// RUN: FileCheck %s --check-prefix=PTX < %t.ptx
// RUN: %if ptxas %{ %ptxas -arch=sm_90a %t.ptx -o %t.cubin %}

// Shared memory is one symbol that launches size.
// CHECK: llvm.mlir.global external @heddle_shared() {addr_space = 3 : i32, alignment = 1024 : i64} : !llvm.array<0 x i8>
// PTX: .extern .shared .align 1024 .b8 heddle_shared[];

// One tensor map for A, although two copies need it, and one for C.
// CHECK-LABEL: llvm.func @barriers(
// CHECK-SAME: !llvm.ptr<1>, %{{[^:]*}}: i64, %{{[^:]*}}: i64, %{{[^:]*}}: i64, %{{[^:]*}}: i64,
// CHECK-SAME: !llvm.ptr<1>
// CHECK-SAME: !llvm.ptr {llvm.align = 64 : i64, llvm.byval = !llvm.array<128 x i8>, nvvm.grid_constant}
// CHECK-SAME: !llvm.ptr {llvm.align = 64 : i64, llvm.byval = !llvm.array<128 x i8>, nvvm.grid_constant})
// CHECK-SAME: aref.arguments = [memref<?x?xbf16>, memref<?x?x?xbf16>]
// CHECK-SAME: aref.shared_bytes = 99000 : i64
// CHECK-SAME: aref.tensor_maps = [{argument = 0 : i64, box = array<i64: 64, 192>, swizzle = 128 : i64, type = bf16}, {argument = 1 : i64, box = array<i64: 64, 8, 1>, swizzle = 128 : i64, type = bf16}]
// CHECK-SAME: aref.threads = 256 : i64
// CHECK-SAME: nvvm.reqntid = array<i32: 256>
tile.kernel @barriers(%A: memref<?x?xbf16>, %C: memref<?x?x?xbf16>) attributes {aref.shared_bytes = 99000 : i64} {
  // Both maps are on their way before the first copy needs one.
  // CHECK-COUNT-2: @$0 prefetch.tensormap [$1];
  // CHECK-NOT: prefetch
  // PTX: @%p{{[0-9]+}} prefetch.tensormap [%rd{{[0-9]+}}];
  // Each mbarrier is initialised by one thread, before any role starts.
  // CHECK-COUNT-2: mbarrier.init.shared::cta.b64 [$1], 1;
  // CHECK-COUNT-2: mbarrier.init.shared::cta.b64 [$1], 4;
  // CHECK: fence.mbarrier_init.release.cluster;
  // CHECK-NEXT: barrier.cta.sync.aligned 0;
  %full = aref.mbarriers count 1 offset(98304) : !aref.mbarriers<2>
  %empty = aref.mbarriers count 4 offset(98320) : !aref.mbarriers<2>
  %a = aref.alloc offset(0) : !aref.buffer<384x128xbf16, swizzle = 128>
  %c = aref.alloc depth(2) offset(0) : !aref.buffer<8x64xbf16, swizzle = 128>
  // CHECK: shfl.sync.idx
  // CHECK: // heddle.role producer
  aref.role "producer" instances(%i = 1) warps(1) registers(0) {
    %s = arith.constant 1 : i32
    %p = arith.constant 1 : i32
    %m = arith.constant 64 : index
    // CHECK: mbarrier.try_wait.parity.shared::cta.b64 done, [$0], $1;
    // PTX: .reg .pred done;
    // PTX-NEXT: again:
    // PTX-NEXT: mbarrier.try_wait.parity.shared::cta.b64 done, [%r{{[0-9]+}}], %r{{[0-9]+}};
    // PTX-NEXT: @!done bra.uni again;
    aref.await %empty[%s] parity %p : !aref.mbarriers<2>
    // CHECK: @$0 mbarrier.arrive.expect_tx.shared::cta.b64 _, [$1], 98304;
    aref.expect %full[%s] bytes 98304 : !aref.mbarriers<2>
    // Two panels of two blocks of 192 rows.
    // CHECK-COUNT-4: @$0 cp.async.bulk.tensor.2d.shared::cluster.global.tile.mbarrier::complete_tx::bytes [$1], [$3, {$4, $5}], [$2];
    // CHECK-NOT: cp.async.bulk
    // The second block of rows is 192 rows and 24576 bytes on.
    // PTX: [[ROW:%r[0-9]+]], 256;
    // PTX: cp.async.bulk.tensor{{.*}}, {%r{{[0-9]+}}, [[ROW]]}]
    aref.tma_load %A[%m, %m] -> %a, %full[%s] : memref<?x?xbf16> -> !aref.buffer<384x128xbf16, swizzle = 128>, !aref.mbarriers<2>
  }
  // CHECK: llvm.return
  // CHECK: // heddle.role consumer
  aref.role "consumer" instances(%i = 1) warps(4) registers(0) {
    %s = arith.constant 0 : i32
    %m = arith.constant 0 : index
    aref.await %full[%s] parity %s : !aref.mbarriers<2>
    // CHECK: bar.warp.sync 0xffffffff;
    // CHECK: arith.cmpi sge
    // CHECK: @$0 mbarrier.arrive.shared::cta.b64 _, [$1];
    aref.arrive %empty[%s] sync : !aref.mbarriers<2>
    // CHECK-NOT: bar.warp.sync
    // CHECK: @$0 mbarrier.arrive.shared::cta.b64 _, [$1];
    aref.arrive %empty[%s] : !aref.mbarriers<2>
    // CHECK: @$0 cp.async.bulk.wait_group.read 1;
    aref.drain pending 1
    // CHECK: fence.proxy.async.shared::cta;
    aref.fence_async
    // CHECK: barrier.cta.sync 2, 128;
    aref.sync
    // CHECK: arith.constant 1024 : i32
    %stage = aref.stage %c[%s : i32] : !aref.buffer<8x64xbf16, swizzle = 128>
    // CHECK: @$0 cp.async.bulk.tensor.3d.global.shared::cta.tile.bulk_group [$2, {$3, $4, $5}], [$1];
    // CHECK: @$0 cp.async.bulk.commit_group;
    aref.copy_out %stage -> %C[%m, %m, %m] : !aref.buffer<8x64xbf16, swizzle = 128> -> memref<?x?x?xbf16>
    // CHECK: @$0 cp.async.bulk.wait_group 0;
    aref.drain complete
  }
}
