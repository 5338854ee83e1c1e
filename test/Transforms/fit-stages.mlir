// RUN: heddle-opt %s --pass-pipeline="builtin.module(tile.kernel(fit-stages))" | FileCheck %s

!tiles = !aref.ring<8 x tensor<128x64xbf16>, tensor<64x64xbf16>>

// 24 KiB per slot: eight beside 32 KiB of scratch, six beside 64 KiB.

// CHECK-LABEL: @fits
// CHECK: : <8 x
tile.kernel @fits() {
  %scratch = aref.alloc : !aref.buffer<64x128xf32, swizzle = 0>
  %ring = aref.ring {min_depth = 2} : !tiles
}

// CHECK-LABEL: @shortened
// CHECK: : <6 x
tile.kernel @shortened() {
  %scratch = aref.alloc : !aref.buffer<128x128xf32, swizzle = 0>
  %ring = aref.ring {min_depth = 2} : !tiles
}

// CHECK-LABEL: @needed
// CHECK: : <8 x
tile.kernel @needed() {
  %scratch = aref.alloc : !aref.buffer<128x128xf32, swizzle = 0>
  %ring = aref.ring {min_depth = 8} : !tiles
}

// CHECK-LABEL: @asked
// CHECK: : <8 x
tile.kernel @asked() {
  %scratch = aref.alloc : !aref.buffer<128x128xf32, swizzle = 0>
  %ring = aref.ring {min_depth = 2, requested_depth = 8} : !tiles
}
