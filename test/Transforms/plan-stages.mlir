// RUN: heddle-opt %s --plan-stages --split-input-file | FileCheck %s

!ring = !aref.ring<? x tensor<128x64xbf16>, tensor<64x256xbf16>>
!slot = !aref.slot<tensor<128x64xbf16>, tensor<64x256xbf16>>
!a = !aref.buffer<128x64xbf16, swizzle = 128>
!b = !aref.buffer<64x256xbf16, swizzle = 128>

// 48 KiB per slot beside 64 KiB of staging: three. The consumer holds two.
// CHECK-LABEL: tile.kernel @staging
// CHECK: aref.ring min_depth(2) : <3 x
tile.kernel @staging(%n: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %ring = aref.ring : !ring
  %staging = aref.alloc depth(2) : !aref.buffer<64x256xbf16, swizzle = 128>
  aref.role "producer" instances(%i = 1) warps(1) {
    scf.for %k = %c0 to %n step %c1 {
      %slot = aref.acquire %ring : !ring
      aref.commit %ring, %slot bytes 49152 : !ring
    }
  }
  aref.role "consumer" instances(%i = 1) warps(4) {
    %zero = arith.constant dense<0.0> : tensor<128x256xf32>
    %none = aref.none : !slot
    %acc:2 = scf.for %k = %c0 to %n step %c1 iter_args(%sum = %zero, %last = %none) -> (tensor<128x256xf32>, !slot) {
      %slot = aref.wait %ring : !ring
      %a = aref.view %ring, %slot[0] : !ring
      %b = aref.view %ring, %slot[1] : !ring
      %d = aref.mma %a, %b, %sum : !a, !b -> tensor<128x256xf32>
      %w = aref.mma_wait %d pending 1 : tensor<128x256xf32>
      aref.release %ring, %last : !ring
      scf.yield %w, %slot : tensor<128x256xf32>, !slot
    }
    %done = aref.mma_wait %acc#0 pending 0 : tensor<128x256xf32>
    aref.release %ring, %acc#1 : !ring
  }
}

// -----

!q = !aref.ring<? x tensor<128x128xbf16>>
!qs = !aref.slot<tensor<128x128xbf16>>
!k = !aref.ring<? x tensor<64x128xbf16>>
!ks = !aref.slot<tensor<64x128xbf16>>
!v = !aref.ring<? x tensor<128x128xbf16>>

// The rings of the inner loop grow in turn, and leave the least to that of the
// outer loop.
// CHECK-LABEL: tile.kernel @attention
// CHECK: aref.ring : <1 x tensor<128x128xbf16>>
// CHECK: aref.ring : <4 x tensor<64x128xbf16>>
// CHECK: aref.ring : <4 x tensor<128x128xbf16>>
tile.kernel @attention(%n: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %q = aref.ring : !q
  %k = aref.ring : !k
  %v = aref.ring : !v
  aref.role "producer" instances(%i = 1) warps(1) {
    scf.for %t = %c0 to %n step %c1 {
      %qs = aref.acquire %q : !q
      aref.commit %q, %qs bytes 32768 : !q
      scf.for %j = %c0 to %n step %c1 {
        %ks = aref.acquire %k : !k
        aref.commit %k, %ks bytes 16384 : !k
        %vs = aref.acquire %v : !v
        aref.commit %v, %vs bytes 32768 : !v
      }
    } {aref.blocks}
  }
  aref.role "consumer" instances(%i = 2) warps(4) {
    scf.for %t = %c0 to %n step %c1 {
      %qs = aref.wait %q : !q
      scf.for %j = %c0 to %n step %c1 {
        %ks = aref.wait %k : !k
        aref.release %k, %ks : !k
        %vs = aref.wait %v : !v
        aref.release %v, %vs : !v
      }
      aref.release %q, %qs : !q
    } {aref.blocks}
  }
}

// -----

!ring = !aref.ring<? x tensor<64x64xbf16>>
!slot = !aref.slot<tensor<64x64xbf16>>

// What the loop asks for, and no more than eight.
// CHECK-LABEL: tile.kernel @small
// CHECK: aref.ring : <5 x
// CHECK: aref.ring : <8 x
// CHECK: aref.ring max_depth(4) : <4 x
tile.kernel @small(%n: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %x = aref.ring : !ring
  %y = aref.ring : !ring
  %z = aref.ring max_depth(4) : !ring
  aref.role "producer" instances(%i = 1) warps(1) {
    scf.for %k = %c0 to %n step %c1 {
      %slot = aref.acquire %x : !ring
      aref.commit %x, %slot bytes 8192 : !ring
    } {tile.stages = 5}
    scf.for %k = %c0 to %n step %c1 {
      %slot = aref.acquire %y : !ring
      aref.commit %y, %slot bytes 8192 : !ring
      %s2 = aref.acquire %z : !ring
      aref.commit %z, %s2 bytes 8192 : !ring
    }
  }
  aref.role "consumer" instances(%i = 1) warps(4) {
    scf.for %k = %c0 to %n step %c1 {
      %slot = aref.wait %x : !ring
      aref.release %x, %slot : !ring
    } {tile.stages = 5}
    scf.for %k = %c0 to %n step %c1 {
      %slot = aref.wait %y : !ring
      aref.release %y, %slot : !ring
      %s2 = aref.wait %z : !ring
      aref.release %z, %s2 : !ring
    }
  }
}
