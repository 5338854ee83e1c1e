// The whole way from tiles to machine code.
// RUN: heddle-opt %s --heddle-pipeline=stop-after=llvm --mlir-print-debuginfo -o %t.mlir
// RUN: heddle-translate --mlir-to-ptx %t.mlir -o %t.ptx
// RUN: FileCheck %s < %t.ptx
// RUN: FileCheck %s --check-prefix=EPILOGUE < %t.ptx
// RUN: %if ptxas %{ %ptxas -arch=sm_90a -v %t.ptx -o %t.cubin 2>&1 | FileCheck %s --check-prefix=PTXAS %}

// Nothing spills, no product waits for another (C7510 and so on).
// PTXAS-NOT: warning
// PTXAS-NOT: (C75
// PTXAS-NOT: {{[1-9][0-9]*}} bytes spill
// PTXAS: Compiling entry function 'matmul_plain'
// PTXAS-NOT: (C75
// PTXAS-NOT: {{[1-9][0-9]*}} bytes spill
// PTXAS: Compiling entry function 'matmul'
// PTXAS-NOT: (C75
// PTXAS-NOT: {{[1-9][0-9]*}} bytes spill

// CHECK: .version 8.3
// CHECK: .target sm_90a
// CHECK-LABEL: .entry matmul(
// CHECK: .param .align 64 .b8
// CHECK: .reqntid 384
// CHECK: .maxnreg 168
// CHECK: // heddle.role producer
// CHECK: setmaxnreg.dec.sync.aligned.u32 24;
// CHECK: cp.async.bulk.tensor.2d
// CHECK: // heddle.role consumer#0
// CHECK: // heddle.role consumer#1
// CHECK: setmaxnreg.inc.sync.aligned.u32 240;

// Registers of the accumulator are not moved in the main loop, and what the
// loop does beside its four products is barriers and indices.
// CHECK: again:
// CHECK-NEXT: mbarrier.try_wait
// CHECK-NOT: {{(ld|st|fma|cvt\.rn|mul)\.}}
// CHECK: wgmma.fence.sync.aligned;
// CHECK-NOT: mov.b32
// CHECK: wgmma.mma_async.sync.aligned.m64n256k16.f32.bf16.bf16 {[[ACC:%r[0-9]+]],
// CHECK-NOT: mov.b32
// CHECK: wgmma.mma_async.sync.aligned.m64n256k16.f32.bf16.bf16 {[[ACC]],
// CHECK-NOT: mov.b32
// CHECK: wgmma.mma_async.sync.aligned.m64n256k16.f32.bf16.bf16 {[[ACC]],
// CHECK-NOT: mov.b32
// CHECK: wgmma.mma_async.sync.aligned.m64n256k16.f32.bf16.bf16 {[[ACC]],
// CHECK: wgmma.commit_group.sync.aligned;
// CHECK-NEXT: // end inline asm
// CHECK-NOT: {{(ld|st|fma|cvt\.rn|mul|mov)\.}}
// CHECK: wgmma.wait_group.sync.aligned 1;
// CHECK-NOT: {{(ld|st|fma|cvt\.rn|mul|mov)\.}}
// CHECK: mbarrier.arrive.shared::cta.b64
// CHECK-NOT: {{(ld|st|fma|cvt\.rn|mul|mov)\.}}
// CHECK: bra

// EPILOGUE: wgmma.wait_group.sync.aligned 0;
// EPILOGUE: cp.async.bulk.wait_group.read 0;
// EPILOGUE: fence.proxy.async.shared::cta;
// EPILOGUE: cp.async.bulk.tensor.2d.global.shared::cta
// EPILOGUE: cp.async.bulk.wait_group 0;

// Positions in this file are in the PTX.
// CHECK-LABEL: .entry matmul_plain(
// CHECK: .loc 1 [[#@LINE + 16]] 10
// CHECK: .file 1 "{{.*}}gemm.mlir"

tile.kernel @matmul(%A: memref<?x?xbf16>, %B: memref<?x?xbf16>, %C: memref<?x?xbf16>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c64 = arith.constant 64 : index
  %c128 = arith.constant 128 : index
  %c256 = arith.constant 256 : index
  %zero = arith.constant dense<0.0> : tensor<128x256xf32>
  %x = gpu.block_id x
  %y = gpu.block_id y
  %m = arith.muli %x, %c128 : index
  %n = arith.muli %y, %c256 : index
  %K = memref.dim %A, %c1 : memref<?x?xbf16>
  %acc = scf.for %k = %c0 to %K step %c64 iter_args(%sum = %zero) -> (tensor<128x256xf32>) {
    %a = tile.load %A[%m, %k] pad 0.0 : bf16
      : memref<?x?xbf16> -> tensor<128x64xbf16>
    %b = tile.load %B[%k, %n] pad 0.0 : bf16
      : memref<?x?xbf16> -> tensor<64x256xbf16>
    %d = tile.dot %a, %b, %sum
      : tensor<128x64xbf16>, tensor<64x256xbf16> -> tensor<128x256xf32>
    scf.yield %d : tensor<128x256xf32>
  }
  %c = arith.truncf %acc : tensor<128x256xf32> to tensor<128x256xbf16>
  tile.store %c, %C[%m, %n] : tensor<128x256xbf16>, memref<?x?xbf16>
}
