// RUN: heddle-opt %s -pass-pipeline='builtin.module(tile.kernel(verify-target))' --verify-diagnostics --split-input-file

tile.kernel @m(%x: memref<?xf32>) {
  %a = arith.constant dense<1.0> : tensor<96x64xbf16>
  %b = arith.constant dense<1.0> : tensor<64x64xbf16>
  %c = arith.constant dense<1.0> : tensor<96x64xf32>
  // expected-error@+1 {{expected M to be a multiple of 64, found 96; 128 would work}}
  %d = tile.dot %a, %b, %c : tensor<96x64xbf16>, tensor<64x64xbf16> -> tensor<96x64xf32>
}

// -----

tile.kernel @n(%x: memref<?xf32>) {
  %a = arith.constant dense<1.0> : tensor<64x64xbf16>
  %b = arith.constant dense<1.0> : tensor<20x64xbf16>
  %c = arith.constant dense<1.0> : tensor<64x20xf32>
  // expected-error@+1 {{expected N to be a multiple of 8, found 20; 24 would work}}
  %d = tile.dot %a, %b, %c transpose_b : tensor<64x64xbf16>, tensor<20x64xbf16> -> tensor<64x20xf32>
}

// -----

tile.kernel @n_panels(%x: memref<?xf32>) {
  %a = arith.constant dense<1.0> : tensor<64x64xbf16>
  %b = arith.constant dense<1.0> : tensor<64x24xbf16>
  %c = arith.constant dense<1.0> : tensor<64x24xf32>
  // expected-error@+1 {{expected N to be a multiple of 16 with b indexed [k, n], found 24; 32, or b indexed [n, k] with transpose_b, would work}}
  %d = tile.dot %a, %b, %c : tensor<64x64xbf16>, tensor<64x24xbf16> -> tensor<64x24xf32>
}

// -----

tile.kernel @n_i8(%x: memref<?xf32>) {
  %a = arith.constant dense<1> : tensor<64x32xi8>
  %b = arith.constant dense<1> : tensor<40x32xi8>
  %c = arith.constant dense<1> : tensor<64x40xi32>
  // expected-error@+1 {{expected N to be 8, 16, 24 or a multiple of 16 for i8, found 40; 48 would work}}
  %d = tile.dot %a, %b, %c transpose_b : tensor<64x32xi8>, tensor<40x32xi8> -> tensor<64x40xi32>
}

// -----

tile.kernel @k(%x: memref<?xf32>) {
  %a = arith.constant dense<1.0> : tensor<64x24xbf16>
  %b = arith.constant dense<1.0> : tensor<24x64xbf16>
  %c = arith.constant dense<1.0> : tensor<64x64xf32>
  // expected-error@+1 {{expected K to be a multiple of 16, found 24; 32 would work}}
  %d = tile.dot %a, %b, %c : tensor<64x24xbf16>, tensor<24x64xbf16> -> tensor<64x64xf32>
}

// -----

tile.kernel @ieee(%x: memref<?xf32>) {
  %a = arith.constant dense<1.0> : tensor<64x32xf32>
  %b = arith.constant dense<1.0> : tensor<64x32xf32>
  %c = arith.constant dense<1.0> : tensor<64x64xf32>
  // expected-error@+1 {{no product of f32 by f32; 'precision tf32', or f16 or bf16 operands, would work}}
  %d = tile.dot %a, %b, %c transpose_b : tensor<64x32xf32>, tensor<64x32xf32> -> tensor<64x64xf32>
}

// -----

tile.kernel @transposed_a(%x: memref<?xf32>) {
  %a = arith.constant dense<1.0> : tensor<32x64xf8E4M3FN>
  %b = arith.constant dense<1.0> : tensor<64x32xf8E4M3FN>
  %c = arith.constant dense<1.0> : tensor<64x64xf32>
  // expected-error@+1 {{expected 8-bit operands with k as the last dimension, found transpose_a; a indexed [m, k] would work}}
  %d = tile.dot %a, %b, %c transpose_a transpose_b : tensor<32x64xf8E4M3FN>, tensor<64x32xf8E4M3FN> -> tensor<64x64xf32>
}

// -----

tile.kernel @transposed_b(%x: memref<?xf32>) {
  %a = arith.constant dense<1.0> : tensor<64x32xf32>
  %b = arith.constant dense<1.0> : tensor<32x64xf32>
  %c = arith.constant dense<1.0> : tensor<64x64xf32>
  // expected-error@+1 {{expected tf32 operands with k as the last dimension, found b indexed [k, n]; b indexed [n, k] with transpose_b would work}}
  %d = tile.dot %a, %b, %c precision tf32 : tensor<64x32xf32>, tensor<32x64xf32> -> tensor<64x64xf32>
}

// -----

// Every dot is checked, not just the first.
tile.kernel @both(%x: memref<?xf32>) {
  %a = arith.constant dense<1.0> : tensor<32x64xbf16>
  %b = arith.constant dense<1.0> : tensor<64x64xbf16>
  %c = arith.constant dense<1.0> : tensor<32x64xf32>
  // expected-error@+1 {{expected M to be a multiple of 64, found 32}}
  %d = tile.dot %a, %b, %c : tensor<32x64xbf16>, tensor<64x64xbf16> -> tensor<32x64xf32>
  // expected-error@+1 {{expected M to be a multiple of 64, found 32}}
  %e = tile.dot %a, %b, %d : tensor<32x64xbf16>, tensor<64x64xbf16> -> tensor<32x64xf32>
}

// -----

tile.kernel @narrow(%x: memref<?xf8E4M3FN>) {
  %c0 = arith.constant 0 : index
  %t = tile.load %x[%c0] : memref<?xf8E4M3FN> -> tensor<64xf8E4M3FN>
  // expected-error @+1 {{expected arithmetic on floats of 16 bits or more; extend 8-bit floats first}}
  %u = arith.addf %t, %t : tensor<64xf8E4M3FN>
}

// -----

tile.kernel @huge(%x: memref<?x?xf32>, %i: index) {
  // expected-error @+1 {{expected a tile of at most 1048576 elements, found 'tensor<1024x1025xf32>'}}
  %t = tile.load %x[%i, %i] : memref<?x?xf32> -> tensor<1024x1025xf32>
}

// -----

tile.kernel @empty(%x: memref<?x?xf32>, %i: index) {
  // expected-error @+1 {{expected a tile of rank 1 or more with positive static extents, found 'tensor<0x64xf32>'}}
  %t = tile.load %x[%i, %i] : memref<?x?xf32> -> tensor<0x64xf32>
}

// -----

tile.kernel @element(%x: memref<?x?xf32>, %i: index) {
  %t = tile.load %x[%i, %i] : memref<?x?xf32> -> tensor<64x64xf32>
  // expected-error @+1 {{expected an operation of the tile dialect, or one that treats all elements alike}}
  %e = tensor.extract %t[%i, %i] : tensor<64x64xf32>
}

// -----

tile.kernel @allocates(%x: memref<?xf32>) {
  // expected-error@+1 {{'memref.alloc' op expected in a host function, which allocates what kernels share; a kernel's arrays are arguments}}
  %a = memref.alloc() : memref<64xf32>
}

// -----

tile.kernel @asserts(%n: index) {
  %c0 = arith.constant 0 : index
  %positive = arith.cmpi sgt, %n, %c0 : index
  // expected-error@+1 {{'cf.assert' op expected in a host function, which checks sizes before it launches kernels}}
  cf.assert %positive, "expected n to be positive"
}

// -----

tile.kernel @narrow_scan(%x: memref<?xf8E4M3FN>) {
  %c0 = arith.constant 0 : index
  %t = tile.load %x[%c0] : memref<?xf8E4M3FN> -> tensor<64xf8E4M3FN>
  // expected-error @+1 {{expected arithmetic on floats of 16 bits or more; extend 8-bit floats first}}
  %s = tile.scan add %t axis 0 : tensor<64xf8E4M3FN>
}

// -----

tile.kernel @ranks(%x: memref<?xf32>) {
  // expected-error@+1 {{'gpu.cluster_block_id' op expected gpu.block_id or gpu.grid_dim: blocks are in clusters only where those divide the grid}}
  %rank = gpu.cluster_block_id x
}
