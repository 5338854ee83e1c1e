// C = gelu(A * B + bias): a linear layer whose activation stays in registers.
// GELU in its tanh form (Hendrycks and Gimpel, 2016).
//
//   heddle run examples/gemm_bias_gelu.mlir --size M=512 --size N=512 --size K=512 --check

tile.kernel @matmul_bias_gelu(%A: memref<?x?xbf16>, %B: memref<?x?xbf16>, %bias: memref<?xf32>,
                              %C: memref<?x?xbf16>) attributes {tile.cluster = [2]} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c64 = arith.constant 64 : index
  %c128 = arith.constant 128 : index
  %block_m = gpu.block_id x
  %block_n = gpu.block_id y
  %m = arith.muli %block_m, %c128 : index
  %n = arith.muli %block_n, %c128 : index
  %K = memref.dim %A, %c1 : memref<?x?xbf16>
  %zero = arith.constant dense<0.0> : tensor<128x128xf32>
  %acc = scf.for %k = %c0 to %K step %c64 iter_args(%sum = %zero) -> (tensor<128x128xf32>) {
    %a = tile.load %A[%m, %k] pad 0.0 : bf16 : memref<?x?xbf16> -> tensor<128x64xbf16>
    %b = tile.load %B[%k, %n] pad 0.0 : bf16 : memref<?x?xbf16> -> tensor<64x128xbf16>
    %d = tile.dot %a, %b, %sum : tensor<128x64xbf16>, tensor<64x128xbf16> -> tensor<128x128xf32>
    scf.yield %d : tensor<128x128xf32>
  }

  %columns = tile.load %bias[%n] pad 0.0 : f32 : memref<?xf32> -> tensor<128xf32>
  %addend = tile.broadcast %columns axes [0] : tensor<128xf32> -> tensor<128x128xf32>
  %x = arith.addf %acc, %addend : tensor<128x128xf32>

  // x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3)))
  %half = arith.constant dense<0.5> : tensor<128x128xf32>
  %one = arith.constant dense<1.0> : tensor<128x128xf32>
  %scale = arith.constant dense<0.797884583> : tensor<128x128xf32>
  %cubic = arith.constant dense<0.044715> : tensor<128x128xf32>
  %x2 = arith.mulf %x, %x : tensor<128x128xf32>
  %cx2 = arith.mulf %cubic, %x2 : tensor<128x128xf32>
  %factor = arith.addf %one, %cx2 : tensor<128x128xf32>
  %bent = arith.mulf %x, %factor : tensor<128x128xf32>
  %scaled = arith.mulf %scale, %bent : tensor<128x128xf32>
  %tanh = math.tanh %scaled : tensor<128x128xf32>
  %gate = arith.addf %one, %tanh : tensor<128x128xf32>
  %halfx = arith.mulf %half, %x : tensor<128x128xf32>
  %gelu = arith.mulf %halfx, %gate : tensor<128x128xf32>

  %c = arith.truncf %gelu : tensor<128x128xf32> to tensor<128x128xbf16>
  tile.store %c, %C[%m, %n] : tensor<128x128xbf16>, memref<?x?xbf16>
}

tile.host @linear_gelu[%M, %N, %K](%A: memref<?x?xbf16>[%M, %K], %B: memref<?x?xbf16>[%K, %N],
                                   %bias: memref<?xf32>[%N], out %C: memref<?x?xbf16>[%M, %N]) {
  %c128 = arith.constant 128 : index
  %grid_m = arith.ceildivui %M, %c128 : index
  %grid_n = arith.ceildivui %N, %c128 : index
  tile.launch @matmul_bias_gelu grid(%grid_m, %grid_n) args(%A, %B, %bias, %C)
    : memref<?x?xbf16>, memref<?x?xbf16>, memref<?xf32>, memref<?x?xbf16>
}
