// RUN: heddle-opt %s -canonicalize | FileCheck %s

// CHECK-LABEL: tile.kernel @compose(
// CHECK: %[[X:.*]] = tile.load
// CHECK-NEXT: %[[T:.*]] = tile.transpose %[[X]] [2, 1, 0] : tensor<2x3x4xf32> -> tensor<4x3x2xf32>
// CHECK-NEXT: tile.store %[[T]]
tile.kernel @compose(%x: memref<?x?x?xf32>, %y: memref<?x?x?xf32>) {
  %c0 = arith.constant 0 : index
  %0 = tile.load %x[%c0, %c0, %c0] : memref<?x?x?xf32> -> tensor<2x3x4xf32>
  %1 = tile.transpose %0 [1, 2, 0] : tensor<2x3x4xf32> -> tensor<3x4x2xf32>
  %2 = tile.transpose %1 [1, 0, 2] : tensor<3x4x2xf32> -> tensor<4x3x2xf32>
  tile.store %2, %y[%c0, %c0, %c0] : tensor<4x3x2xf32>, memref<?x?x?xf32>
}

// There and back is nothing at all.
// CHECK-LABEL: tile.kernel @inverse(
// CHECK-NOT: tile.transpose
// CHECK: %[[X:.*]] = tile.load
// CHECK-NEXT: tile.store %[[X]]
tile.kernel @inverse(%x: memref<?x?xf32>, %y: memref<?x?xf32>) {
  %c0 = arith.constant 0 : index
  %0 = tile.load %x[%c0, %c0] : memref<?x?xf32> -> tensor<8x8xf32>
  %1 = tile.transpose %0 [1, 0] : tensor<8x8xf32> -> tensor<8x8xf32>
  %2 = tile.transpose %1 [1, 0] : tensor<8x8xf32> -> tensor<8x8xf32>
  tile.store %2, %y[%c0, %c0] : tensor<8x8xf32>, memref<?x?xf32>
}

// A square tile's transposition is not the tile.
// CHECK-LABEL: tile.kernel @square(
// CHECK: tile.transpose
tile.kernel @square(%x: memref<?x?xf32>, %y: memref<?x?xf32>) {
  %c0 = arith.constant 0 : index
  %0 = tile.load %x[%c0, %c0] : memref<?x?xf32> -> tensor<8x8xf32>
  %1 = tile.transpose %0 [1, 0] : tensor<8x8xf32> -> tensor<8x8xf32>
  tile.store %1, %y[%c0, %c0] : tensor<8x8xf32>, memref<?x?xf32>
}

// Loads and computations that nothing needs go; stores stay.
// CHECK-LABEL: tile.kernel @dead(
// CHECK-NOT: tile.load
// CHECK-NOT: tile.dot
// CHECK: tile.store
tile.kernel @dead(%x: memref<?x?xbf16>, %y: memref<?x?xf32>) {
  %c0 = arith.constant 0 : index
  %zero = arith.constant dense<0.0> : tensor<64x64xf32>
  %0 = tile.load %x[%c0, %c0] : memref<?x?xbf16> -> tensor<64x64xbf16>
  %1 = tile.dot %0, %0, %zero : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
  tile.store %zero, %y[%c0, %c0] : tensor<64x64xf32>, memref<?x?xf32>
}

// An element alone is its sum; what comes before it is not the element.
// CHECK-LABEL: tile.kernel @alone(
// CHECK: %[[X:.*]] = tile.load
// CHECK-NEXT: %[[S:.*]] = tile.scan add %[[X]] axis 1 exclusive
// CHECK-NEXT: tile.store %[[X]]
// CHECK-NEXT: tile.store %[[S]]
tile.kernel @alone(%x: memref<?x?xf32>, %y: memref<?x?xf32>, %z: memref<?x?xf32>) {
  %c0 = arith.constant 0 : index
  %0 = tile.load %x[%c0, %c0] : memref<?x?xf32> -> tensor<8x1xf32>
  %1 = tile.scan add %0 axis 1 reverse : tensor<8x1xf32>
  %2 = tile.scan add %0 axis 1 exclusive : tensor<8x1xf32>
  tile.store %1, %y[%c0, %c0] : tensor<8x1xf32>, memref<?x?xf32>
  tile.store %2, %z[%c0, %c0] : tensor<8x1xf32>, memref<?x?xf32>
}
