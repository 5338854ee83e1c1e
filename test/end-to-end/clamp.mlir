// Numbers are raised to the lower bound and lowered to the upper one.
// RUN: heddle run %s --check | FileCheck %s
// CHECK: check y (300 of f32): ok
// CHECK: check z (300 of bf16): ok

tile.kernel @clamp(%x: memref<?xf32>, %y: memref<?xf32>, %z: memref<?xbf16>) {
  %c0 = arith.constant 0 : index
  %low = arith.constant dense<-0.25> : tensor<512xf32>
  %high = arith.constant dense<0.75> : tensor<512xf32>
  %t = tile.load %x[%c0] : memref<?xf32> -> tensor<512xf32>
  %u = math.clampf %t to [%low, %high] : tensor<512xf32>
  tile.store %u, %y[%c0] : tensor<512xf32>, memref<?xf32>
  %narrow_low = arith.truncf %low : tensor<512xf32> to tensor<512xbf16>
  %narrow_high = arith.truncf %high : tensor<512xf32> to tensor<512xbf16>
  %narrow = arith.truncf %t : tensor<512xf32> to tensor<512xbf16>
  %v = math.clampf %narrow to [%narrow_low, %narrow_high] : tensor<512xbf16>
  tile.store %v, %z[%c0] : tensor<512xbf16>, memref<?xbf16>
}

tile.host @main[](%x: memref<300xf32>, out %y: memref<300xf32>, out %z: memref<300xbf16>) {
  %c1 = arith.constant 1 : index
  tile.launch @clamp grid(%c1) args(%x, %y, %z) : memref<300xf32>, memref<300xf32>, memref<300xbf16>
}
