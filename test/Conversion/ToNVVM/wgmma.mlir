// RUN: heddle-opt %s --pass-pipeline="builtin.module(tile.kernel(assign-layouts,convert-layouts),convert-to-nvvm)" | FileCheck %s
// RUN: heddle-opt %s --pass-pipeline="builtin.module(tile.kernel(assign-layouts,convert-layouts),convert-to-nvvm,convert-scalars-to-llvm)" | heddle-translate --mlir-to-ptx -o %t.ptx
// RUN: %if ptxas %{ %ptxas -arch=sm_90a -v %t.ptx -o %t.cubin 2>&1 | FileCheck %s --check-prefix=PTXAS %}

// PTXAS-NOT: warning
// PTXAS-NOT: (C75
// PTXAS-NOT: {{[1-9][0-9]*}} bytes spill

// Two steps of 16 along K; A is contiguous along K and B along N.
// CHECK-LABEL: llvm.func @f16
tile.kernel @f16(%C: memref<?x?xf32>) {
  %i = arith.constant 0 : index
  %zero = arith.constant dense<1.0> : tensor<64x32xf32>
  %a = aref.alloc offset(0) : !aref.buffer<64x32xf16, swizzle = 64>
  %b = aref.alloc offset(4096) : !aref.buffer<32x32xf16, swizzle = 64>
  // CHECK: "wgmma.fence.sync.aligned;", "=f,{{.*}},0,1,{{.*}},15,~{memory}"
  // CHECK: "wgmma.mma_async.sync.aligned.m64n32k16.f32.f16.f16 {$0, {{.*}}$15}, $32, $33, $34, 1, 1, 0, 1;", "=f,{{.*}},0,1,{{.*}},15,l,l,b,~{memory}"
  // CHECK: wgmma.mma_async{{.*}}, 1, 1, 0, 1;
  // CHECK-NOT: wgmma.mma_async
  // CHECK: "wgmma.commit_group.sync.aligned;"
  %d = aref.mma %a, %b, %zero : !aref.buffer<64x32xf16, swizzle = 64>, !aref.buffer<32x32xf16, swizzle = 64> -> tensor<64x32xf32>
  // CHECK: "wgmma.wait_group.sync.aligned 0;", "=f,{{.*}},0,1,{{.*}},15,~{memory}"
  %w = aref.mma_wait %d pending 0 : tensor<64x32xf32>
  tile.store %w, %C[%i, %i] : tensor<64x32xf32>, memref<?x?xf32>
}

// A of zeros is not read: the first product of each block overwrites.
// CHECK-LABEL: llvm.func @zero
tile.kernel @zero(%C: memref<?x?xf32>) {
  %i = arith.constant 0 : index
  %zero = arith.constant dense<0.0> : tensor<128x16xf32>
  %a = aref.alloc offset(0) : !aref.buffer<32x128xbf16, swizzle = 128>
  %b = aref.alloc offset(8192) : !aref.buffer<16x32xbf16, swizzle = 64>
  // CHECK-DAG: %[[NO:.*]] = arith.constant false
  // CHECK-DAG: %[[YES:.*]] = arith.constant true
  // CHECK: m64n16k16.f32.bf16.bf16 {{.*}}$8, $9, $10, 1, 1, 1, 0;", "=f,=f,=f,=f,=f,=f,=f,=f,l,l,b,~{memory}" %{{.*}}, %{{.*}}, %[[NO]]
  // CHECK: m64n16k16.f32.bf16.bf16 {{.*}}$16, $17, $18, 1, 1, 1, 0;"{{.*}}, %[[YES]]
  // CHECK: m64n16k16.f32.bf16.bf16 {{.*}}$8, $9, $10, 1, 1, 1, 0;"{{.*}}, %[[NO]]
  // CHECK: m64n16k16.f32.bf16.bf16 {{.*}}$16, $17, $18, 1, 1, 1, 0;"{{.*}}, %[[YES]]
  %d = aref.mma %a, %b, %zero transpose_a transpose_b : !aref.buffer<32x128xbf16, swizzle = 128>, !aref.buffer<16x32xbf16, swizzle = 64> -> tensor<128x16xf32>
  %w = aref.mma_wait %d pending 0 : tensor<128x16xf32>
  tile.store %w, %C[%i, %i] : tensor<128x16xf32>, memref<?x?xf32>
}

// CHECK-LABEL: llvm.func @f8
tile.kernel @f8(%C: memref<?x?xf32>) {
  %i = arith.constant 0 : index
  %zero = arith.constant dense<0.0> : tensor<64x8xf32>
  %a = aref.alloc offset(0) : !aref.buffer<64x32xf8E4M3FN, swizzle = 32>
  %b = aref.alloc offset(2048) : !aref.buffer<8x32xf8E5M2, swizzle = 32>
  // CHECK: "wgmma.mma_async.sync.aligned.m64n8k32.f32.e4m3.e5m2 {$0, $1, $2, $3}, $4, $5, $6, 1, 1;"
  %d = aref.mma %a, %b, %zero transpose_b : !aref.buffer<64x32xf8E4M3FN, swizzle = 32>, !aref.buffer<8x32xf8E5M2, swizzle = 32> -> tensor<64x8xf32>
  %w = aref.mma_wait %d pending 0 : tensor<64x8xf32>
  tile.store %w, %C[%i, %i] : tensor<64x8xf32>, memref<?x?xf32>
}

// CHECK-LABEL: llvm.func @tf32
tile.kernel @tf32(%C: memref<?x?xf32>) {
  %i = arith.constant 0 : index
  %zero = arith.constant dense<0.0> : tensor<64x8xf32>
  %a = aref.alloc offset(0) : !aref.buffer<64x8xf32, swizzle = 32>
  %b = aref.alloc offset(2048) : !aref.buffer<8x8xf32, swizzle = 32>
  // CHECK: "wgmma.mma_async.sync.aligned.m64n8k8.f32.tf32.tf32 {$0, $1, $2, $3}, $4, $5, $6, 1, 1;"
  %d = aref.mma %a, %b, %zero transpose_b : !aref.buffer<64x8xf32, swizzle = 32>, !aref.buffer<8x8xf32, swizzle = 32> -> tensor<64x8xf32>
  %w = aref.mma_wait %d pending 0 : tensor<64x8xf32>
  tile.store %w, %C[%i, %i] : tensor<64x8xf32>, memref<?x?xf32>
}

// CHECK-LABEL: llvm.func @i8
tile.kernel @i8(%C: memref<?x?xi32>) {
  %i = arith.constant 0 : index
  %zero = arith.constant dense<0> : tensor<64x8xi32>
  %a = aref.alloc offset(0) : !aref.buffer<64x32xi8, swizzle = 32>
  %b = aref.alloc offset(2048) : !aref.buffer<8x32xi8, swizzle = 32>
  // CHECK: "wgmma.mma_async.sync.aligned.m64n8k32.s32.s8.s8 {$0, $1, $2, $3}, $4, $5, $6;", "=r,=r,=r,=r,l,l,b,~{memory}"
  %d = aref.mma %a, %b, %zero transpose_b : !aref.buffer<64x32xi8, swizzle = 32>, !aref.buffer<8x32xi8, swizzle = 32> -> tensor<64x8xi32>
  %w = aref.mma_wait %d pending 0 : tensor<64x8xi32>
  tile.store %w, %C[%i, %i] : tensor<64x8xi32>, memref<?x?xi32>
}

// A in registers: two 16-bit elements to one operand.
// CHECK-LABEL: llvm.func @registers
tile.kernel @registers(%A: memref<?x?xbf16>, %C: memref<?x?xf32>) {
  %i = arith.constant 0 : index
  %one = arith.constant dense<1.0> : tensor<64x8xf32>
  %a = tile.load %A[%i, %i] : memref<?x?xbf16> -> tensor<64x16xbf16>
  %b = aref.alloc offset(32768) : !aref.buffer<8x16xbf16, swizzle = 32>
  // CHECK-COUNT-4: llvm.bitcast %{{.*}} : vector<2xbf16> to i32
  // CHECK: "wgmma.mma_async.sync.aligned.m64n8k16.f32.bf16.bf16 {$0, $1, $2, $3}, {$8, $9, $10, $11}, $12, $13, 1, 1, 0;", "=f,=f,=f,=f,0,1,2,3,r,r,r,r,l,b,~{memory}"
  %d = aref.mma %a, %b, %one transpose_b : tensor<64x16xbf16>, !aref.buffer<8x16xbf16, swizzle = 32> -> tensor<64x8xf32>
  %w = aref.mma_wait %d pending 0 : tensor<64x8xf32>
  tile.store %w, %C[%i, %i] : tensor<64x8xf32>, memref<?x?xf32>
}

// Eight warps: the second warpgroup's rows of A start 64 * 64 bytes on.
// CHECK-LABEL: llvm.func @two_warpgroups
tile.kernel @two_warpgroups(%C: memref<?x?xf32>) attributes {tile.warps = 8} {
  %i = arith.constant 0 : index
  %zero = arith.constant dense<0.0> : tensor<128x8xf32>
  %a = aref.alloc offset(0) : !aref.buffer<128x32xbf16, swizzle = 64>
  %b = aref.alloc offset(8192) : !aref.buffer<8x32xbf16, swizzle = 64>
  // CHECK: %[[BYTES:.*]] = arith.constant 4096 : i32
  // CHECK: arith.muli %{{.*}}, %[[BYTES]] : i32
  // CHECK-COUNT-2: wgmma.mma_async
  // CHECK-NOT: wgmma.mma_async
  %d = aref.mma %a, %b, %zero transpose_b : !aref.buffer<128x32xbf16, swizzle = 64>, !aref.buffer<8x32xbf16, swizzle = 64> -> tensor<128x8xf32>
  // CHECK: llvm.return
  %w = aref.mma_wait %d pending 0 : tensor<128x8xf32>
  tile.store %w, %C[%i, %i] : tensor<128x8xf32>, memref<?x?xf32>
}
