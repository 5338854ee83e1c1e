// RUN: heddle-opt %s -version-kernels -verify-diagnostics | FileCheck %s

// CHECK-LABEL: tile.kernel @gemm(
// CHECK-SAME: aref.copies = "tma"
// CHECK-SAME: aref.fallback = "[[PLAIN:gemm_plain_0]]"
// CHECK: tile.kernel @[[PLAIN]](
// CHECK-SAME: attributes {aref.copies = "plain"}
tile.kernel @gemm(%A: memref<?x?xbf16>, %B: memref<?x?xbf16>, %C: memref<?x?xf32>) {
  %c0 = arith.constant 0 : index
  %zero = arith.constant dense<0.0> : tensor<64x64xf32>
  %a = tile.load %A[%c0, %c0] : memref<?x?xbf16> -> tensor<64x64xbf16>
  %b = tile.load %B[%c0, %c0] : memref<?x?xbf16> -> tensor<64x64xbf16>
  %d = tile.dot %a, %b, %zero : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
  tile.store %d, %C[%c0, %c0] : tensor<64x64xf32>, memref<?x?xf32>
}

// A name that is taken, and a kernel that has nothing to gain.
// CHECK: tile.kernel @gemm_plain(
// CHECK-SAME: attributes {aref.copies = "plain"}
tile.kernel @gemm_plain(%A: memref<?x?xbf16>) {
}

// A last stride that may be other than 1: TMA cannot.
// CHECK: tile.kernel @strided(
// CHECK-SAME: attributes {aref.copies = "plain"}
// CHECK-NOT: @strided_plain
tile.kernel @strided(%A: memref<?x?xbf16, strided<[?, ?]>>, %B: memref<?x?xbf16>, %C: memref<?x?xf32>) {
  %c0 = arith.constant 0 : index
  %zero = arith.constant dense<0.0> : tensor<64x64xf32>
  // expected-warning@+1 {{keeps kernel '@strided' from using the TMA: the last stride of its view is not known to be 1}}
  %a = tile.load %A[%c0, %c0] : memref<?x?xbf16, strided<[?, ?]>> -> tensor<64x64xbf16>
  %b = tile.load %B[%c0, %c0] : memref<?x?xbf16> -> tensor<64x64xbf16>
  %d = tile.dot %a, %b, %zero : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
  tile.store %d, %C[%c0, %c0] : tensor<64x64xf32>, memref<?x?xf32>
}

// CHECK: tile.kernel @odd_stride(
// CHECK-SAME: attributes {aref.copies = "plain"}
tile.kernel @odd_stride(%A: memref<?x100xbf16>, %C: memref<?x?xf32>) {
  %c0 = arith.constant 0 : index
  %zero = arith.constant dense<0.0> : tensor<64x64xf32>
  // expected-warning@+1 {{its view has a stride of 200 bytes, not a multiple of 16}}
  %a = tile.load %A[%c0, %c0] : memref<?x100xbf16> -> tensor<64x64xbf16>
  %d = tile.dot %a, %a, %zero : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
  tile.store %d, %C[%c0, %c0] : tensor<64x64xf32>, memref<?x?xf32>
}

// CHECK: tile.kernel @tall(
// CHECK-SAME: attributes {aref.copies = "plain"}
tile.kernel @tall(%A: memref<?x?xbf16>, %C: memref<?x?xf32>) {
  %c0 = arith.constant 0 : index
  %zero = arith.constant dense<0.0> : tensor<64x64xf32>
  %w = arith.constant dense<1.0> : tensor<64x260xbf16>
  // expected-warning@+1 {{its tile has 260 rows, more than 256}}
  %b = tile.load %A[%c0, %c0] : memref<?x?xbf16> -> tensor<260x64xbf16>
  %d = tile.dot %w, %b, %zero : tensor<64x260xbf16>, tensor<260x64xbf16> -> tensor<64x64xf32>
  tile.store %d, %C[%c0, %c0] : tensor<64x64xf32>, memref<?x?xf32>
}

// A part of an argument is read through the argument's tensor map.
// CHECK: tile.kernel @part(
// CHECK-SAME: aref.copies = "tma"
// CHECK: tile.kernel @part_plain(
tile.kernel @part(%A: memref<?x?xbf16>, %C: memref<?x?xf32>) {
  %c0 = arith.constant 0 : index
  %zero = arith.constant dense<0.0> : tensor<64x64xf32>
  %v = memref.subview %A[0, 0][64, 64][1, 1] : memref<?x?xbf16> to memref<64x64xbf16, strided<[?, 1]>>
  %a = tile.load %v[%c0, %c0] : memref<64x64xbf16, strided<[?, 1]>> -> tensor<64x64xbf16>
  %d = tile.dot %a, %a, %zero : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
  tile.store %d, %C[%c0, %c0] : tensor<64x64xf32>, memref<?x?xf32>
}

// Where it pads, it must have all of the argument.
// CHECK: tile.kernel @padded_whole(
// CHECK-SAME: aref.copies = "tma"
// CHECK: tile.kernel @padded_whole_plain(
tile.kernel @padded_whole(%A: memref<?x?x64xbf16>, %C: memref<?x?xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %h = gpu.block_id x
  %n = memref.dim %A, %c1 : memref<?x?x64xbf16>
  %zero = arith.constant dense<0.0> : tensor<64x64xf32>
  %v = memref.subview %A[%h, 0, 0][1, %n, 64][1, 1, 1] : memref<?x?x64xbf16> to memref<?x64xbf16, strided<[64, 1], offset: ?>>
  %a = tile.load %v[%c0, %c0] pad 0.0 : bf16 : memref<?x64xbf16, strided<[64, 1], offset: ?>> -> tensor<64x64xbf16>
  %d = tile.dot %a, %a, %zero : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
  tile.store %d, %C[%c0, %c0] : tensor<64x64xf32>, memref<?x?xf32>
}

// CHECK: tile.kernel @padded(
// CHECK-SAME: attributes {aref.copies = "plain"}
tile.kernel @padded(%A: memref<?x?x64xbf16>, %C: memref<?x?xf32>, %n: index) {
  %c0 = arith.constant 0 : index
  %h = gpu.block_id x
  %zero = arith.constant dense<0.0> : tensor<64x64xf32>
  %v = memref.subview %A[%h, 0, 0][1, %n, 64][1, 1, 1] : memref<?x?x64xbf16> to memref<?x64xbf16, strided<[64, 1], offset: ?>>
  // expected-warning@+1 {{it pads a view that ends before the argument it is a part of, where the TMA would go on; without a pad, or with offsets into the argument itself, it could}}
  %a = tile.load %v[%c0, %c0] pad 0.0 : bf16 : memref<?x64xbf16, strided<[64, 1], offset: ?>> -> tensor<64x64xbf16>
  %d = tile.dot %a, %a, %zero : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
  tile.store %d, %C[%c0, %c0] : tensor<64x64xf32>, memref<?x?xf32>
}

// CHECK: tile.kernel @gaps(
// CHECK-SAME: attributes {aref.copies = "plain"}
tile.kernel @gaps(%A: memref<?x?xbf16>, %C: memref<?x?xf32>) {
  %c0 = arith.constant 0 : index
  %zero = arith.constant dense<0.0> : tensor<64x64xf32>
  %v = memref.subview %A[0, 0][64, 64][2, 1] : memref<?x?xbf16> to memref<64x64xbf16, strided<[?, 1]>>
  // expected-warning@+1 {{its view is not an argument of the kernel, nor a part of one without gaps}}
  %a = tile.load %v[%c0, %c0] : memref<64x64xbf16, strided<[?, 1]>> -> tensor<64x64xbf16>
  %d = tile.dot %a, %a, %zero : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
  tile.store %d, %C[%c0, %c0] : tensor<64x64xf32>, memref<?x?xf32>
}

// A dimension between those of the tile is no obstacle.
// CHECK: tile.kernel @heads_inside(
// CHECK-SAME: attributes {aref.copies = "tma"
// CHECK: tile.kernel @heads_inside_plain(
tile.kernel @heads_inside(%A: memref<?x?x64xbf16>, %C: memref<?x?xf32>, %n: index) {
  %c0 = arith.constant 0 : index
  %h = gpu.block_id x
  %zero = arith.constant dense<0.0> : tensor<64x64xf32>
  %v = memref.subview %A[0, %h, 0][%n, 1, 64][1, 1, 1] : memref<?x?x64xbf16> to memref<?x64xbf16, strided<[?, 1], offset: ?>>
  %a = tile.load %v[%c0, %c0] : memref<?x64xbf16, strided<[?, 1], offset: ?>> -> tensor<64x64xbf16>
  %d = tile.dot %a, %a, %zero : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
  tile.store %d, %C[%c0, %c0] : tensor<64x64xf32>, memref<?x?xf32>
}

// Loads that no producer could perform do not make a version.
// CHECK: tile.kernel @registers(
// CHECK-SAME: attributes {aref.copies = "plain"}
tile.kernel @registers(%A: memref<?x?xbf16>, %C: memref<?x?xf32>) {
  %c0 = arith.constant 0 : index
  %zero = arith.constant dense<0.0> : tensor<64x64xf32>
  %a = tile.load %A[%c0, %c0] : memref<?x?xbf16> -> tensor<64x64xbf16>
  %none = arith.constant dense<0.0> : tensor<64xbf16>
  %m = tile.reduce max %a, %none axis 0 : tensor<64x64xbf16> -> tensor<64xbf16>
  %s = tile.broadcast %m axes [0] : tensor<64xbf16> -> tensor<64x64xbf16>
  %d = tile.dot %s, %s, %zero : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
  tile.store %d, %C[%c0, %c0] : tensor<64x64xf32>, memref<?x?xf32>
}

// The author's choice stands.
// CHECK: tile.kernel @chosen(
// CHECK-SAME: attributes {aref.copies = "plain", tile.raster = 4 : i64}
// CHECK-NOT: tile.kernel
tile.kernel @chosen(%A: memref<?x?xbf16>, %C: memref<?x?xf32>) attributes {aref.copies = "plain", tile.raster = 4} {
  %c0 = arith.constant 0 : index
  %zero = arith.constant dense<0.0> : tensor<64x64xf32>
  %a = tile.load %A[%c0, %c0] : memref<?x?xbf16> -> tensor<64x64xbf16>
  %d = tile.dot %a, %a, %zero : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
  tile.store %d, %C[%c0, %c0] : tensor<64x64xf32>, memref<?x?xf32>
}
