// Conversions that simplification joins into one that the hardware lacks.
// RUN: heddle run %s --check | FileCheck %s
// CHECK: check y (256 of f8E4M3FN): ok
// CHECK: check z (256 of f8E5M2): ok

tile.kernel @convert(%x: memref<256xi8>, %y: memref<256xf8E4M3FN>, %z: memref<256xf8E5M2>) {
  %c0 = arith.constant 0 : index
  %t = tile.load %x[%c0] : memref<256xi8> -> tensor<256xi8>
  %f = arith.sitofp %t : tensor<256xi8> to tensor<256xbf16>
  %a = arith.truncf %f : tensor<256xbf16> to tensor<256xf8E4M3FN>
  tile.store %a, %y[%c0] : tensor<256xf8E4M3FN>, memref<256xf8E4M3FN>
  %g = arith.uitofp %t : tensor<256xi8> to tensor<256xf32>
  %b = arith.truncf %g : tensor<256xf32> to tensor<256xf8E5M2>
  tile.store %b, %z[%c0] : tensor<256xf8E5M2>, memref<256xf8E5M2>
}

tile.host @main[](%x: memref<256xi8>, out %y: memref<256xf8E4M3FN>, out %z: memref<256xf8E5M2>) {
  %c1 = arith.constant 1 : index
  tile.launch @convert grid(%c1) args(%x, %y, %z) : memref<256xi8>, memref<256xf8E4M3FN>, memref<256xf8E5M2>
}
