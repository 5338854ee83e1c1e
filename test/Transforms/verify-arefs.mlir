// RUN: heddle-opt %s --verify-arefs --split-input-file | FileCheck %s

!ring = !aref.ring<2 x tensor<64x64xbf16>>
!slot = !aref.slot<tensor<64x64xbf16>>
!buffer = !aref.buffer<64x64xbf16, swizzle = 128>

// A lagged release in nested loops, under a condition and in a while loop; Q is
// held by the outer loop.
// CHECK-LABEL: tile.kernel @good
tile.kernel @good(%n: index, %p: i1) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %q = aref.ring : !ring
  %k = aref.ring min_depth(2) : !ring
  aref.role "producer" instances(%i = 1) warps(1) {
    scf.for %t = %c0 to %n step %c1 {
      %qs = aref.acquire %q : !ring
      aref.commit %q, %qs bytes 8192 : !ring
      scf.for %j = %c0 to %n step %c1 {
        %s = aref.acquire %k : !ring
        aref.commit %k, %s bytes 8192 : !ring
      }
      scf.if %p {
        %s = aref.acquire %k : !ring
        aref.commit %k, %s bytes 8192 : !ring
      }
    }
    scf.while : () -> () {
      scf.condition(%p)
    } do {
      %s = aref.acquire %k : !ring
      aref.commit %k, %s bytes 8192 : !ring
      scf.yield
    }
  }
  aref.role "consumer" instances(%i = 2) warps(4) {
    %zero = arith.constant dense<0.0> : tensor<64x64xf32>
    %none = aref.none : !slot
    scf.for %t = %c0 to %n step %c1 {
      %qs = aref.wait %q : !ring
      %qb = aref.view %q, %qs[0] : !ring
      %acc:2 = scf.for %j = %c0 to %n step %c1 iter_args(%sum = %zero, %last = %none) -> (tensor<64x64xf32>, !slot) {
        %s = aref.wait %k : !ring
        %kb = aref.view %k, %s[0] : !ring
        %d = aref.mma %qb, %kb, %sum : !buffer, !buffer -> tensor<64x64xf32>
        %w = aref.mma_wait %d pending 1 : tensor<64x64xf32>
        aref.release %k, %last : !ring
        scf.yield %w, %s : tensor<64x64xf32>, !slot
      }
      %done = aref.mma_wait %acc#0 pending 0 : tensor<64x64xf32>
      aref.release %k, %acc#1 : !ring
      aref.release %q, %qs : !ring
      %x = arith.truncf %done : tensor<64x64xf32> to tensor<64x64xbf16>
      %taken = scf.if %p -> (!slot) {
        %s = aref.wait %k : !ring
        scf.yield %s : !slot
      } else {
        scf.yield %none : !slot
      }
      aref.release %k, %taken : !ring
    }
    scf.while : () -> () {
      scf.condition(%p)
    } do {
      %s = aref.wait %k : !ring
      aref.release %k, %s : !ring
      scf.yield
    }
  }
}

// -----

!ring = !aref.ring<2 x tensor<64x64xbf16>>
!slot = !aref.slot<tensor<64x64xbf16>>

// Two branches on one condition are as good as one.
// CHECK-LABEL: tile.kernel @merged
tile.kernel @merged(%p: i1) {
  %k = aref.ring : !ring
  aref.role "producer" instances(%i = 1) warps(1) {
    scf.if %p {
      %s = aref.acquire %k : !ring
      aref.commit %k, %s bytes 8192 : !ring
      %t = aref.acquire %k : !ring
      aref.commit %k, %t bytes 8192 : !ring
    }
  }
  aref.role "consumer" instances(%i = 2) warps(4) {
    scf.if %p {
      %s = aref.wait %k : !ring
      aref.release %k, %s : !ring
    }
    scf.if %p {
      %s = aref.wait %k : !ring
      aref.release %k, %s : !ring
    }
  }
}
