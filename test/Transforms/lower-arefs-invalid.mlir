// RUN: heddle-opt %s --lower-arefs --split-input-file --verify-diagnostics

!ring = !aref.ring<? x tensor<64x64xbf16>>

tile.kernel @unplanned() {
  // expected-error @+1 {{expected a planned depth, found '!aref.ring<? x tensor<64x64xbf16>>'}}
  %ring = aref.ring : !ring
}

// -----

!ring = !aref.ring<2 x tensor<64x64xbf16>>
!slot = !aref.slot<tensor<64x64xbf16>>

tile.kernel @two_producers() {
  // expected-error @+1 {{expected one producing role, found 2}}
  %ring = aref.ring : !ring
  aref.role "a" instances(%i = 1) warps(1) {
    %slot = aref.acquire %ring : !ring
    aref.commit %ring, %slot : !ring
  }
  aref.role "b" instances(%i = 1) warps(1) {
    %slot = aref.acquire %ring : !ring
    aref.commit %ring, %slot : !ring
  }
}

// -----

!ring = !aref.ring<2 x tensor<64x64xbf16>>
!slot = !aref.slot<tensor<64x64xbf16>>

tile.kernel @mixed() {
  // expected-error @+1 {{expected every commit to count bytes, or none}}
  %ring = aref.ring : !ring
  aref.role "a" instances(%i = 1) warps(1) {
    %s0 = aref.acquire %ring : !ring
    aref.commit %ring, %s0 : !ring
    %s1 = aref.acquire %ring : !ring
    aref.commit %ring, %s1 bytes 8192 : !ring
  }
}

// -----

!ring = !aref.ring<2 x tensor<64x64xbf16>>
!slot = !aref.slot<tensor<64x64xbf16>>

tile.kernel @no_role() {
  %ring = aref.ring : !ring
  // expected-error @+1 {{expected to be in a role}}
  %slot = aref.acquire %ring : !ring
}
