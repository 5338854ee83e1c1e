tile.kernel @small(%A: memref<?x?xbf16>, %B: memref<?x?xbf16>, %C: memref<?x?xf32>, %i: index) {
  %zero = arith.constant dense<0.0> : tensor<32x64xf32>
  %a = tile.load %A[%i, %i] : memref<?x?xbf16> -> tensor<32x64xbf16>
  %b = tile.load %B[%i, %i] : memref<?x?xbf16> -> tensor<64x64xbf16>
  %d = tile.dot %a, %b, %zero : tensor<32x64xbf16>, tensor<64x64xbf16> -> tensor<32x64xf32>
  tile.store %d, %C[%i, %i] : tensor<32x64xf32>, memref<?x?xf32>
}
