// RUN: heddle-opt %s --verify-arefs --split-input-file --verify-diagnostics

!ring = !aref.ring<2 x tensor<64x64xbf16>>
!slot = !aref.slot<tensor<64x64xbf16>>
!buffer = !aref.buffer<64x64xbf16, swizzle = 128>

tile.kernel @twice(%n: index, %p: i1) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %r = aref.ring min_depth(2) : !ring
  aref.role "producer" instances(%i = 1) warps(1) {
    %s = aref.acquire %r : !ring
    aref.commit %r, %s bytes 8192 : !ring
  }
  aref.role "consumer" instances(%i = 1) warps(4) {
    %zero = arith.constant dense<0.0> : tensor<64x64xf32>
    // expected-note @+1 {{the slot was taken here}}
    %s = aref.wait %r : !ring
    aref.release %r, %s : !ring
    // expected-error @+1 {{the ring of tensor<64x64xbf16>: gives back a slot a second time}}
    aref.release %r, %s : !ring
  }
}

// -----

!ring = !aref.ring<2 x tensor<64x64xbf16>>
!slot = !aref.slot<tensor<64x64xbf16>>
!buffer = !aref.buffer<64x64xbf16, swizzle = 128>

tile.kernel @never(%n: index, %p: i1) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %r = aref.ring min_depth(2) : !ring
  aref.role "producer" instances(%i = 1) warps(1) {
    %s = aref.acquire %r : !ring
    aref.commit %r, %s bytes 8192 : !ring
  }
  aref.role "consumer" instances(%i = 1) warps(4) {
    %zero = arith.constant dense<0.0> : tensor<64x64xf32>
    // expected-error @+1 {{the ring of tensor<64x64xbf16>: takes a slot that is not given back on every path}}
    %s = aref.wait %r : !ring
    scf.if %p {
      aref.release %r, %s : !ring
    }
  }
}

// -----

!ring = !aref.ring<2 x tensor<64x64xbf16>>
!slot = !aref.slot<tensor<64x64xbf16>>
!buffer = !aref.buffer<64x64xbf16, swizzle = 128>

tile.kernel @in_loop(%n: index, %p: i1) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %r = aref.ring min_depth(2) : !ring
  aref.role "producer" instances(%i = 1) warps(1) {
    %s = aref.acquire %r : !ring
    aref.commit %r, %s bytes 8192 : !ring
  }
  aref.role "consumer" instances(%i = 1) warps(4) {
    %zero = arith.constant dense<0.0> : tensor<64x64xf32>
    // expected-note @+1 {{the slot was taken here}}
    %s = aref.wait %r : !ring
    scf.for %k = %c0 to %n step %c1 {
      %b = aref.view %r, %s[0] : !ring
      %z = aref.mma %b, %b, %zero : !buffer, !buffer -> tensor<64x64xf32>
      %w = aref.mma_wait %z pending 0 : tensor<64x64xf32>
    }
    aref.release %r, %s : !ring
    // expected-error @+1 {{the ring of tensor<64x64xbf16>: gives back a slot a second time}}
    aref.release %r, %s : !ring
  }
}

// -----

!ring = !aref.ring<2 x tensor<64x64xbf16>>
!slot = !aref.slot<tensor<64x64xbf16>>
!buffer = !aref.buffer<64x64xbf16, swizzle = 128>

tile.kernel @used_after(%n: index, %p: i1) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %r = aref.ring min_depth(2) : !ring
  aref.role "producer" instances(%i = 1) warps(1) {
    %s = aref.acquire %r : !ring
    aref.commit %r, %s bytes 8192 : !ring
  }
  aref.role "consumer" instances(%i = 1) warps(4) {
    %zero = arith.constant dense<0.0> : tensor<64x64xf32>
    %s = aref.wait %r : !ring
    %b = aref.view %r, %s[0] : !ring
    aref.release %r, %s : !ring
    // expected-error @+1 {{the ring of tensor<64x64xbf16>: uses a slot after it was given back}}
    %x = aref.local_load %b : !buffer -> tensor<64x64xbf16>
  }
}

// -----

!ring = !aref.ring<2 x tensor<64x64xbf16>>
!slot = !aref.slot<tensor<64x64xbf16>>
!buffer = !aref.buffer<64x64xbf16, swizzle = 128>

tile.kernel @too_early(%n: index, %p: i1) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %r = aref.ring min_depth(2) : !ring
  aref.role "producer" instances(%i = 1) warps(1) {
    scf.for %k = %c0 to %n step %c1 {
      %s = aref.acquire %r : !ring
      aref.commit %r, %s bytes 8192 : !ring
    }
  }
  aref.role "consumer" instances(%i = 1) warps(4) {
    %zero = arith.constant dense<0.0> : tensor<64x64xf32>
    %acc = scf.for %k = %c0 to %n step %c1 iter_args(%sum = %zero) -> (tensor<64x64xf32>) {
      %s = aref.wait %r : !ring
      %b = aref.view %r, %s[0] : !ring
      // expected-note @+1 {{the product is started here}}
      %d = aref.mma %b, %b, %sum : !buffer, !buffer -> tensor<64x64xf32>
      %w = aref.mma_wait %d pending 1 : tensor<64x64xf32>
      // expected-error @+1 {{the ring of tensor<64x64xbf16>: gives back a slot that a matrix product may still read; expected an aref.mma_wait that covers the product before}}
      aref.release %r, %s : !ring
      scf.yield %w : tensor<64x64xf32>
    }
  }
}

// -----

!ring = !aref.ring<2 x tensor<64x64xbf16>>
!slot = !aref.slot<tensor<64x64xbf16>>
!buffer = !aref.buffer<64x64xbf16, swizzle = 128>

tile.kernel @in_flight(%n: index, %p: i1) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %r = aref.ring min_depth(2) : !ring
  aref.role "producer" instances(%i = 1) warps(1) {
    %s = aref.acquire %r : !ring
    aref.commit %r, %s bytes 8192 : !ring
  }
  aref.role "consumer" instances(%i = 1) warps(4) {
    %zero = arith.constant dense<0.0> : tensor<64x64xf32>
    %s = aref.wait %r : !ring
    %b = aref.view %r, %s[0] : !ring
    // expected-note @+1 {{the product is started here}}
    %d = aref.mma %b, %b, %zero : !buffer, !buffer -> tensor<64x64xf32>
    // expected-error @+1 {{uses the result of a matrix product that may still be in flight; expected an aref.mma_wait in between}}
    %e = arith.addf %d, %zero : tensor<64x64xf32>
    %w = aref.mma_wait %d pending 0 : tensor<64x64xf32>
    aref.release %r, %s : !ring
  }
}

// -----

!ring = !aref.ring<2 x tensor<64x64xbf16>>
!slot = !aref.slot<tensor<64x64xbf16>>
!buffer = !aref.buffer<64x64xbf16, swizzle = 128>

tile.kernel @no_fence(%n: index, %p: i1) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %r = aref.ring min_depth(2) : !ring
  aref.role "producer" instances(%i = 1) warps(1) {
    %s = aref.acquire %r : !ring
    aref.commit %r, %s bytes 8192 : !ring
  }
  aref.role "consumer" instances(%i = 1) warps(4) {
    %zero = arith.constant dense<0.0> : tensor<64x64xf32>
    %s = aref.wait %r : !ring
    %b = aref.view %r, %s[0] : !ring
    %x = aref.local_load %b : !buffer -> tensor<64x64xbf16>
    // expected-error @+1 {{the ring of tensor<64x64xbf16>: gives back a slot that threads accessed; expected an aref.fence_async in between}}
    aref.release %r, %s : !ring
  }
}

// -----

!ring = !aref.ring<2 x tensor<64x64xbf16>>
!slot = !aref.slot<tensor<64x64xbf16>>
!buffer = !aref.buffer<64x64xbf16, swizzle = 128>

tile.kernel @view_of_none(%n: index, %p: i1) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %r = aref.ring min_depth(2) : !ring
  aref.role "producer" instances(%i = 1) warps(1) {
    %s = aref.acquire %r : !ring
    aref.commit %r, %s bytes 8192 : !ring
  }
  aref.role "consumer" instances(%i = 1) warps(4) {
    %zero = arith.constant dense<0.0> : tensor<64x64xf32>
    %none = aref.none : !slot
    %l = scf.for %k = %c0 to %n step %c1 iter_args(%last = %none) -> (!slot) {
      // expected-error @+1 {{reads a slot where there may be none}}
      %b = aref.view %r, %last[0] : !ring
      scf.yield %last : !slot
    }
    %s = aref.wait %r : !ring
    aref.release %r, %s : !ring
  }
}

// -----

!ring = !aref.ring<2 x tensor<64x64xbf16>>
!slot = !aref.slot<tensor<64x64xbf16>>
!buffer = !aref.buffer<64x64xbf16, swizzle = 128>

tile.kernel @more_gets(%n: index, %p: i1) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %r = aref.ring min_depth(2) : !ring
  aref.role "producer" instances(%i = 1) warps(1) {
    // expected-note @+1 {{the other role does not use it in here}}
    scf.for %k = %c0 to %n step %c1 {
      %s = aref.acquire %r : !ring
      aref.commit %r, %s bytes 8192 : !ring
    }
  }
  aref.role "consumer" instances(%i = 1) warps(4) {
    %zero = arith.constant dense<0.0> : tensor<64x64xf32>
    scf.for %k = %c0 to %n step %c1 {
      %s = aref.wait %r : !ring
      aref.release %r, %s : !ring
      // expected-error @+1 {{the ring of tensor<64x64xbf16> is emptied here where it is not filled; expected both in the same loops and branches, as often}}
      %s1 = aref.wait %r : !ring
      aref.release %r, %s1 : !ring
    }
  }
}

// -----

!ring = !aref.ring<2 x tensor<64x64xbf16>>
!slot = !aref.slot<tensor<64x64xbf16>>
!buffer = !aref.buffer<64x64xbf16, swizzle = 128>

tile.kernel @two_producers(%n: index, %p: i1) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  // expected-error @+1 {{the ring of tensor<64x64xbf16>: expected one role that fills it and others that empty it, found 2 and 0}}
  %r = aref.ring min_depth(2) : !ring
  aref.role "producer" instances(%i = 1) warps(1) {
    %s = aref.acquire %r : !ring
    aref.commit %r, %s bytes 8192 : !ring
  }
  aref.role "consumer" instances(%i = 1) warps(4) {
    %zero = arith.constant dense<0.0> : tensor<64x64xf32>
    %s = aref.acquire %r : !ring
    aref.commit %r, %s bytes 8192 : !ring
  }
}

// -----

!ring = !aref.ring<2 x tensor<64x64xbf16>>
!slot = !aref.slot<tensor<64x64xbf16>>
!buffer = !aref.buffer<64x64xbf16, swizzle = 128>

tile.kernel @held(%n: index, %p: i1) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %r = aref.ring : !ring
  aref.role "producer" instances(%i = 1) warps(1) {
    %s = aref.acquire %r : !ring
    aref.commit %r, %s bytes 8192 : !ring
    %t = aref.acquire %r : !ring
    aref.commit %r, %t bytes 8192 : !ring
  }
  aref.role "consumer" instances(%i = 1) warps(4) {
    %zero = arith.constant dense<0.0> : tensor<64x64xf32>
    %s = aref.wait %r : !ring
    // expected-error @+1 {{holds 2 slots of the ring of tensor<64x64xbf16> at once, but its min_depth is 1}}
    %t = aref.wait %r : !ring
    aref.release %r, %s : !ring
    aref.release %r, %t : !ring
  }
}

// -----

!ring = !aref.ring<2 x tensor<64x64xbf16>>
!slot = !aref.slot<tensor<64x64xbf16>>
!buffer = !aref.buffer<64x64xbf16, swizzle = 128>

tile.kernel @crossed(%n: index, %p: i1) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %r = aref.ring min_depth(2) : !ring
  %q = aref.ring min_depth(2) : !ring
  aref.role "producer" instances(%i = 1) warps(1) {
    scf.for %k = %c0 to %n step %c1 {
      // expected-error @+1 {{deadlock: role "producer" waits here for an empty slot of the ring of tensor<64x64xbf16>, which has 2}}
      %s = aref.acquire %r : !ring
      aref.commit %r, %s bytes 8192 : !ring
      %t = aref.acquire %q : !ring
      aref.commit %q, %t bytes 8192 : !ring
    }
  }
  aref.role "consumer" instances(%i = 1) warps(4) {
    %zero = arith.constant dense<0.0> : tensor<64x64xf32>
    scf.for %k = %c0 to %n step %c1 {
      // expected-note @+1 {{and role "consumer" waits here for a full slot of the ring of tensor<64x64xbf16>, which has 2}}
      %t = aref.wait %q : !ring
      aref.release %q, %t : !ring
    }
    scf.for %k = %c0 to %n step %c1 {
      %s = aref.wait %r : !ring
      aref.release %r, %s : !ring
    }
  }
}

// -----

!ring = !aref.ring<2 x tensor<64x64xbf16>>
!slot = !aref.slot<tensor<64x64xbf16>>
!buffer = !aref.buffer<64x64xbf16, swizzle = 128>

tile.kernel @select(%n: index, %p: i1) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %r = aref.ring min_depth(2) : !ring
  %q = aref.ring min_depth(2) : !ring
  aref.role "producer" instances(%i = 1) warps(1) {
    %s = aref.acquire %r : !ring
    aref.commit %r, %s bytes 8192 : !ring
  }
  aref.role "consumer" instances(%i = 1) warps(4) {
    %zero = arith.constant dense<0.0> : tensor<64x64xf32>
    %none = aref.none : !slot
    %s = aref.wait %r : !ring
    // expected-error @+1 {{expected slots to be handed on by scf.for, scf.if and scf.while only}}
    %x = arith.select %p, %s, %none : !slot
    aref.release %r, %x : !ring
  }
}
