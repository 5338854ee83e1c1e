tile.kernel @dot(%x: memref<?xf32>) {
  %a = arith.constant dense<1.0> : tensor<96x64xbf16>
  %b = arith.constant dense<1.0> : tensor<64x64xbf16>
  %c = arith.constant dense<1.0> : tensor<96x64xf32>
  %d = tile.dot %a, %b, %c : tensor<96x64xbf16>, tensor<64x64xbf16> -> tensor<96x64xf32>
}
