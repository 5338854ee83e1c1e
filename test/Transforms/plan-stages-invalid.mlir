// RUN: heddle-opt %s --plan-stages --split-input-file --verify-diagnostics

!ring = !aref.ring<? x tensor<128x64xbf16>, tensor<64x256xbf16>>
!slot = !aref.slot<tensor<128x64xbf16>, tensor<64x256xbf16>>

tile.kernel @too_many(%n: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %ring = aref.ring : !ring
  %scratch = aref.alloc : !aref.buffer<128x256xbf16, swizzle = 128>
  aref.role "producer" instances(%i = 1) warps(1) {
    scf.for %k = %c0 to %n step %c1 {
      %slot = aref.acquire %ring : !ring
      aref.commit %ring, %slot bytes 49152 : !ring
    }
  }
  aref.role "consumer" instances(%i = 1) warps(4) {
    // expected-error @+1 {{tile.stages = 6: the ring of tensor<128x64xbf16>, tensor<64x256xbf16> needs 6 x 49152 = 294912 bytes of shared memory; 166912 of 232448 are left for it; the largest legal depth is 3}}
    scf.for %k = %c0 to %n step %c1 {
      %slot = aref.wait %ring : !ring
      aref.release %ring, %slot : !ring
    } {tile.stages = 6}
  }
}

// -----

!ring = !aref.ring<? x tensor<64x64xbf16>>
!slot = !aref.slot<tensor<64x64xbf16>>

tile.kernel @too_few(%n: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %ring = aref.ring : !ring
  aref.role "producer" instances(%i = 1) warps(1) {
    scf.for %k = %c0 to %n step %c1 {
      %s0 = aref.acquire %ring : !ring
      aref.commit %ring, %s0 bytes 8192 : !ring
      %s1 = aref.acquire %ring : !ring
      aref.commit %ring, %s1 bytes 8192 : !ring
    }
  }
  aref.role "consumer" instances(%i = 1) warps(4) {
    // expected-error @+1 {{tile.stages = 1: the ring of tensor<64x64xbf16> needs at least 2 slots, since its consumer holds as many at once}}
    scf.for %k = %c0 to %n step %c1 {
      %s0 = aref.wait %ring : !ring
      %s1 = aref.wait %ring : !ring
      aref.release %ring, %s0 : !ring
      aref.release %ring, %s1 : !ring
    } {tile.stages = 1}
  }
}

// -----

!ring = !aref.ring<? x tensor<256x256xf32>>
!slot = !aref.slot<tensor<256x256xf32>>

tile.kernel @huge(%n: index) {
  %ring = aref.ring : !ring
  aref.role "producer" instances(%i = 1) warps(1) {
    %s0 = aref.acquire %ring : !ring
    aref.commit %ring, %s0 bytes 262144 : !ring
  }
  aref.role "consumer" instances(%i = 1) warps(4) {
    // expected-error @+1 {{the ring of tensor<256x256xf32> needs 1 x 262144 = 262144 bytes of shared memory; 232448 of 232448 are left for it, and it needs at least 1 slot; use smaller tiles}}
    %s0 = aref.wait %ring : !ring
    aref.release %ring, %s0 : !ring
  }
}

// -----

// A demand on the kernel is for two rings: no depth of one alone would help.
!ring = !aref.ring<? x tensor<64x256xbf16>>
!slot = !aref.slot<tensor<64x256xbf16>>

// expected-error @+1 {{tile.stages = 8: the 2 rings that this is for need 8 x 65536 = 524288 bytes of shared memory; 232448 of 232448 are left for them; the largest legal depth is 3}}
tile.kernel @together(%n: index) attributes {tile.stages = 8} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %a = aref.ring : !ring
  %b = aref.ring : !ring
  aref.role "producer" instances(%i = 1) warps(1) {
    scf.for %k = %c0 to %n step %c1 {
      %slot_a = aref.acquire %a : !ring
      aref.commit %a, %slot_a bytes 32768 : !ring
      %slot_b = aref.acquire %b : !ring
      aref.commit %b, %slot_b bytes 32768 : !ring
    }
  }
  aref.role "consumer" instances(%i = 1) warps(4) {
    scf.for %k = %c0 to %n step %c1 {
      %slot_a = aref.wait %a : !ring
      aref.release %a, %slot_a : !ring
      %slot_b = aref.wait %b : !ring
      aref.release %b, %slot_b : !ring
    }
  }
}
