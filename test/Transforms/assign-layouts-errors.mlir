// RUN: heddle-opt %s --pass-pipeline="builtin.module(tile.kernel(assign-layouts))" --split-input-file --verify-diagnostics

tile.kernel @warps(%x: memref<?xf32>) {
  aref.role "all" instances(%i = 1) warps(3) {
    %c0 = arith.constant 0 : index
    // expected-error @+1 {{expected a power of two of warps to spread tiles over, found 3}}
    %t = tile.load %x[%c0] : memref<?xf32> -> tensor<64xf32>
    tile.store %t, %x[%c0] : tensor<64xf32>, memref<?xf32>
  }
}

// -----

tile.kernel @rows() attributes {tile.warps = 8} {
  %q = aref.alloc : !aref.buffer<64x64xbf16, swizzle = 128>
  %zero = arith.constant dense<0.0> : tensor<64x64xf32>
  // expected-error @+1 {{expected a multiple of 128 rows for 8 warps, found 64}}
  %s = aref.mma %q, %q, %zero : !aref.buffer<64x64xbf16, swizzle = 128>, !aref.buffer<64x64xbf16, swizzle = 128> -> tensor<64x64xf32>
}

// -----

tile.kernel @dot() {
  %a = arith.constant dense<0.0> : tensor<64x64xbf16>
  %zero = arith.constant dense<0.0> : tensor<64x64xf32>
  // expected-error @+1 {{expected an operation whose tiles can be spread over threads}}
  %s = tile.dot %a, %a, %zero : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
}

// -----

tile.kernel @scalar(%x: f32) {
  // expected-error @+1 {{expected a tile of rank 1 or more with positive static extents, found 'tensor<f32>'}}
  %s = tensor.splat %x : tensor<f32>
}

// -----

tile.kernel @table() {
  // expected-error @+1 {{expected one value for all elements; compute others from tile.iota or load them}}
  %t = arith.constant dense<[1.0, 2.0]> : tensor<2xf32>
}

// -----

tile.kernel @large(%x: memref<?x?xf32>) {
  %c0 = arith.constant 0 : index
  // expected-error @+1 {{expected a tile of at most 131072 elements for 128 threads, found 'tensor<1000000x1000000xf32>'}}
  %t = tile.load %x[%c0, %c0] : memref<?x?xf32> -> tensor<1000000x1000000xf32>
}

// -----

tile.kernel @uneven(%x: memref<?x?xf32>) {
  %c0 = arith.constant 0 : index
  // expected-error @+1 {{expected a tile of which each of 128 threads holds at most 1024 elements}}
  %t = tile.load %x[%c0, %c0] : memref<?x?xf32> -> tensor<61x81xf32>
}
