// RUN: heddle-opt %s --verify-roundtrip | FileCheck %s
// RUN: heddle-opt %s -mlir-print-op-generic | heddle-opt | FileCheck %s

!ab = !aref.ring<? x tensor<128x64xbf16>, tensor<64x256xbf16>>
!slot = !aref.slot<tensor<128x64xbf16>, tensor<64x256xbf16>>

// CHECK-LABEL: tile.kernel @values(
tile.kernel @values(%A: memref<?x?xbf16>, %B: memref<?x?xbf16>, %i: index) {
  // CHECK: %[[R:.*]] = aref.ring min_depth(2) max_depth(8) requested_depth(4) : <? x tensor<128x64xbf16>, tensor<64x256xbf16>>
  %ring = aref.ring min_depth(2) max_depth(8) requested_depth(4) : !ab
  // CHECK: aref.role "producer" instances(%{{.*}} = 1) warps(4) registers(24) {
  aref.role "producer" instances(%p = 1) warps(4) registers(24) {
    %a = tile.load %A[%i, %i] : memref<?x?xbf16> -> tensor<128x64xbf16>
    %b = tile.load %B[%i, %i] : memref<?x?xbf16> -> tensor<64x256xbf16>
    // CHECK: aref.put %[[R]], %{{.*}}, %{{.*}} : !ring{{$}}
    aref.put %ring, %a, %b : !ab
  }
  // CHECK: aref.role "consumer" instances(%{{.*}} = 2) warps(4) attributes {kept} {
  aref.role "consumer" instances(%c = 2) warps(4) attributes {kept} {
    // CHECK: %slot, %A_tile, %B_tile = aref.get %[[R]] : !ring{{$}}
    %slot, %a, %b = aref.get %ring : !ab
    // CHECK: aref.release %[[R]], %slot : !ring{{$}}
    aref.release %ring, %slot : !ab
    // CHECK: %none = aref.none : !slot{{$}}
    %none = aref.none : !slot
    aref.release %ring, %none : !ab
  }
}

!ring = !aref.ring<4 x tensor<128x64xbf16>>
!one = !aref.slot<tensor<128x64xbf16>>
!buffer = !aref.buffer<128x64xbf16, swizzle = 128>
!half = !aref.buffer<64x64xbf16, swizzle = 128, panel_rows = 128>
!b = !aref.buffer<64x256xbf16, swizzle = 128>
!narrow = !aref.buffer<64x128xbf16, swizzle = 128>

// CHECK-LABEL: tile.kernel @slots(
tile.kernel @slots(%A: memref<?x?x?xbf16>, %C: memref<?x?xbf16>, %i: index, %s: i32) {
  // CHECK: %[[R:.*]] = aref.ring : <4 x tensor<128x64xbf16>>
  %ring = aref.ring : !ring
  // CHECK: aref.alloc : <64x256xbf16, swizzle = 128>
  %w = aref.alloc : !b
  // CHECK: aref.alloc depth(2) offset(1024) : <128x64xbf16, swizzle = 128>
  %staging = aref.alloc depth(2) offset(1024) : !buffer
  aref.role "producer" instances(%p = 1) warps(1) {
    // CHECK: %[[S:.*]] = aref.acquire %[[R]] : !ring1{{$}}
    %slot = aref.acquire %ring : !ring
    // CHECK: %[[V:.*]] = aref.view %[[R]], %[[S]][0] : !ring1{{$}}
    %v = aref.view %ring, %slot[0] : !ring
    // CHECK: aref.copy_in %A[%i, %i, %i] -> %[[V]] for %[[R]], %[[S]] : memref<?x?x?xbf16> -> !bf16_128x64_buffer for !ring1{{$}}
    aref.copy_in %A[%i, %i, %i] -> %v for %ring, %slot : memref<?x?x?xbf16> -> !buffer for !ring
    // CHECK: aref.commit %[[R]], %[[S]] bytes 16384
    aref.commit %ring, %slot bytes 16384 : !ring
    %other = aref.acquire %ring : !ring
    // CHECK: aref.commit %[[R]], %{{.*}} :
    aref.commit %ring, %other : !ring
    %third = aref.acquire %ring : !ring
    %rows = tile.iota axis 0 : tensor<128xi32>
    // CHECK: aref.copy_async %A[%{{.*}}, %i, %i] pad 0.000000e+00 : bf16 -> %{{.*}} as tensor<128x64xbf16> : memref<?x?x?xbf16>, tensor<128xi32>, index, index -> !bf16_128x64_buffer{{$}}
    %v3 = aref.view %ring, %third[0] : !ring
    aref.copy_async %A[%rows, %i, %i] pad 0.0 : bf16 -> %v3 as tensor<128x64xbf16> : memref<?x?x?xbf16>, tensor<128xi32>, index, index -> !buffer
    // CHECK: aref.commit %[[R]], %{{.*}} async :
    aref.commit %ring, %third async : !ring
  }
  aref.role "consumer" instances(%c = 1) warps(4) {
    %zero = arith.constant dense<0.0> : tensor<64x256xf32>
    // CHECK: %[[S:.*]] = aref.wait %[[R]]
    %slot = aref.wait %ring : !ring
    %v = aref.view %ring, %slot[0] : !ring
    // CHECK: %[[H:.*]] = aref.rows %{{.*}}[%i] : !bf16_128x64_buffer -> !bf16_64x64_rows
    %h = aref.rows %v[%i] : !buffer -> !half
    // CHECK: aref.columns %{{.*}}[%i] : !bf16_64x256_buffer -> !bf16_64x128_buffer
    %n = aref.columns %w[%i] : !b -> !narrow
    // CHECK: %[[D:.*]] = aref.mma %[[H]], %{{.*}}, %{{.*}} : !bf16_64x64_rows, !bf16_64x256_buffer -> tensor<64x256xf32>
    %d = aref.mma %h, %w, %zero : !half, !b -> tensor<64x256xf32>
    // CHECK: aref.mma_wait %[[D]] pending 0 : tensor<64x256xf32>
    %e = aref.mma_wait %d pending 0 : tensor<64x256xf32>
    // CHECK: %[[L:.*]] = aref.local_load %[[H]]
    %l = aref.local_load %h : !half -> tensor<64x64xbf16>
    // CHECK: aref.mma %[[L]], %{{.*}}, %{{.*}} : tensor<64x64xbf16>,
    %f = aref.mma %l, %w, %e : tensor<64x64xbf16>, !b -> tensor<64x256xf32>
    %g = aref.mma_wait %f pending 1 : tensor<64x256xf32>
    aref.release %ring, %slot : !ring
    %x = tile.load %C[%i, %i] : memref<?x?xbf16> -> tensor<128x64xbf16>
    // CHECK: aref.drain
    aref.drain
    // CHECK: aref.sync
    aref.sync
    // CHECK: aref.stage %{{.*}}[%{{.*}} : index] : !bf16_128x64_buffer
    %t = aref.stage %staging[%c : index] : !buffer
    // CHECK: aref.stage %{{.*}}[%s : i32] : !bf16_128x64_buffer
    %u = aref.stage %staging[%s : i32] : !buffer
    // CHECK: aref.local_store %{{.*}}, %{{.*}} : tensor<128x64xbf16>, !bf16_128x64_buffer
    aref.local_store %x, %t : tensor<128x64xbf16>, !buffer
    // CHECK: aref.fence_async
    aref.fence_async
    // CHECK: aref.copy_out %{{.*}} -> %C[%i, %i]
    aref.copy_out %t -> %C[%i, %i] : !buffer -> memref<?x?xbf16>
    // CHECK: aref.drain pending 1 complete
    aref.drain pending 1 complete
  }
}

// CHECK-LABEL: tile.kernel @flags(
tile.kernel @flags(%i: index) {
  %a = aref.alloc : !aref.buffer<32x64xbf16, swizzle = 128>
  %b = aref.alloc : !aref.buffer<64x32xbf16, swizzle = 64>
  %f8 = aref.alloc : !aref.buffer<64x32xf8E4M3FN, swizzle = 32>
  aref.role "consumer" instances(%c = 1) warps(4) {
    %zero = arith.constant dense<0.0> : tensor<64x64xf32>
    // CHECK: aref.mma %{{.*}}, %{{.*}}, %{{.*}} transpose_a transpose_b :
    %d = aref.mma %a, %b, %zero transpose_a transpose_b : !aref.buffer<32x64xbf16, swizzle = 128>, !aref.buffer<64x32xbf16, swizzle = 64> -> tensor<64x64xf32>
    // CHECK: aref.mma %{{.*}}, %{{.*}}, %{{.*}} transpose_b fast_accum :
    %e = aref.mma %f8, %f8, %zero transpose_b fast_accum : !aref.buffer<64x32xf8E4M3FN, swizzle = 32>, !aref.buffer<64x32xf8E4M3FN, swizzle = 32> -> tensor<64x64xf32>
    // CHECK: aref.mma_wait %{{.*}}, %{{.*}} pending 0 : tensor<64x64xf32>, tensor<64x64xf32>
    %w:2 = aref.mma_wait %d, %e pending 0 : tensor<64x64xf32>, tensor<64x64xf32>
  }
}

// CHECK-LABEL: tile.kernel @barriers(
tile.kernel @barriers(%A: memref<?x?xbf16>, %i: index, %s: i32) {
  // CHECK: %[[F:.*]] = aref.mbarriers count 1 offset(64) : <4>
  %full = aref.mbarriers count 1 offset(64) : !aref.mbarriers<4>
  // CHECK: %[[E:.*]] = aref.mbarriers count 8 : <4>
  %empty = aref.mbarriers count 8 : !aref.mbarriers<4>
  %a = aref.alloc : !buffer
  aref.role "producer" instances(%p = 1) warps(1) {
    // CHECK: aref.await %[[E]][%s] parity %s : <4>
    aref.await %empty[%s] parity %s : !aref.mbarriers<4>
    // CHECK: aref.expect %[[F]][%s] bytes 16384 : <4>
    aref.expect %full[%s] bytes 16384 : !aref.mbarriers<4>
    // CHECK: aref.tma_load %A[%i, %i] -> %{{.*}}, %[[F]][%s] : memref<?x?xbf16> -> !bf16_128x64_buffer, <4>
    aref.tma_load %A[%i, %i] -> %a, %full[%s] : memref<?x?xbf16> -> !buffer, !aref.mbarriers<4>
    // CHECK: aref.await %[[E]][%s] parity %s cluster : <4>
    aref.await %empty[%s] parity %s cluster : !aref.mbarriers<4>
    // CHECK: aref.arrive %[[E]][%s] sync cluster : <4>
    aref.arrive %empty[%s] cluster sync : !aref.mbarriers<4>
  }
  aref.role "consumer" instances(%c = 1) warps(4) {
    // CHECK: aref.arrive %[[E]][%s] : <4>
    aref.arrive %empty[%s] : !aref.mbarriers<4>
    // CHECK: aref.arrive %[[E]][%s] sync async : <4>
    aref.arrive %empty[%s] sync async : !aref.mbarriers<4>
    // CHECK: aref.arrive %[[E]][%s] sync : <4>
    aref.arrive %empty[%s] sync : !aref.mbarriers<4>
  }
}

// The accumulator of wgmma, and rows of it.
#acc = #aref.layout<atom = [64, 8], register = [[0, 1], [8, 0]], lane = [[0, 2], [0, 4], [1, 0], [2, 0], [4, 0]], warp = [[16, 0], [32, 0]]>
#flat = #aref.layout<atom = [64, 8], register = [[0, 1], [0, 2]], lane = [[0, 4], [1, 0], [2, 0], [4, 0], [8, 0]], warp = [[16, 0], [32, 0]]>

// CHECK-LABEL: tile.kernel @layouts(
tile.kernel @layouts(%A: memref<?x?xf32>, %i: index) {
  %x = tile.load %A[%i, %i] : memref<?x?xf32> -> tensor<64x24xf32, #flat>
  // CHECK: aref.convert_layout %{{.*}} : tensor<64x24xf32, #{{.*}}> -> tensor<64x24xf32, #{{.*}}>
  %y = aref.convert_layout %x : tensor<64x24xf32, #flat> -> tensor<64x24xf32, #acc>
  tile.store %y, %A[%i, %i] : tensor<64x24xf32, #acc>, memref<?x?xf32>
}

// CHECK-LABEL: tile.kernel @tf32(
tile.kernel @tf32(%A: memref<?x?xf32>, %i: index, %s: i32) {
  %ring = aref.ring : !aref.ring<2 x tensor<64x32xf32>>
  %full = aref.mbarriers count 1 : !aref.mbarriers<2>
  aref.role "producer" instances(%p = 1) warps(1) {
    %slot = aref.acquire %ring : !aref.ring<2 x tensor<64x32xf32>>
    %v = aref.view %ring, %slot[0] : !aref.ring<2 x tensor<64x32xf32>>
    // CHECK: aref.copy_in %A[%i, %i] -> %{{.*}} for %{{.*}}, %{{.*}} round_tf32 :
    aref.copy_in %A[%i, %i] -> %v for %ring, %slot round_tf32 : memref<?x?xf32> -> !aref.buffer<64x32xf32, swizzle = 128> for !aref.ring<2 x tensor<64x32xf32>>
    // CHECK: aref.tma_load %A[%i, %i] -> %{{.*}}, %{{.*}}[%s] round_tf32 :
    aref.tma_load %A[%i, %i] -> %v, %full[%s] round_tf32 : memref<?x?xf32> -> !aref.buffer<64x32xf32, swizzle = 128>, !aref.mbarriers<2>
    aref.commit %ring, %slot bytes 8192 : !aref.ring<2 x tensor<64x32xf32>>
    %x = arith.constant dense<1.0> : tensor<64x32xf32>
    // CHECK: aref.round_tf32 %{{.*}} : tensor<64x32xf32>
    %y = aref.round_tf32 %x : tensor<64x32xf32>
  }
}
