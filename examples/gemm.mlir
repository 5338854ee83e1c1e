// C = A * B: bf16 matrices of any size in row-major order, summed in f32. Two blocks below one another share B.
//
//   heddle run examples/gemm.mlir --size M=512 --size N=512 --size K=512 --check

tile.kernel @matmul(%A: memref<?x?xbf16>, %B: memref<?x?xbf16>, %C: memref<?x?xbf16>) attributes {tile.cluster = [2]} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c64 = arith.constant 64 : index
  %c128 = arith.constant 128 : index
  %c256 = arith.constant 256 : index
  %block_m = gpu.block_id x
  %block_n = gpu.block_id y
  %m = arith.muli %block_m, %c128 : index
  %n = arith.muli %block_n, %c256 : index
  %K = memref.dim %A, %c1 : memref<?x?xbf16>
  %zero = arith.constant dense<0.0> : tensor<128x256xf32>
  %acc = scf.for %k = %c0 to %K step %c64 iter_args(%sum = %zero) -> (tensor<128x256xf32>) {
    %a = tile.load %A[%m, %k] pad 0.0 : bf16 : memref<?x?xbf16> -> tensor<128x64xbf16>
    %b = tile.load %B[%k, %n] pad 0.0 : bf16 : memref<?x?xbf16> -> tensor<64x256xbf16>
    %d = tile.dot %a, %b, %sum : tensor<128x64xbf16>, tensor<64x256xbf16> -> tensor<128x256xf32>
    scf.yield %d : tensor<128x256xf32>
  }
  %c = arith.truncf %acc : tensor<128x256xf32> to tensor<128x256xbf16>
  tile.store %c, %C[%m, %n] : tensor<128x256xbf16>, memref<?x?xbf16>
}

tile.host @gemm[%M, %N, %K](%A: memref<?x?xbf16>[%M, %K], %B: memref<?x?xbf16>[%K, %N],
                            out %C: memref<?x?xbf16>[%M, %N]) {
  %c128 = arith.constant 128 : index
  %c256 = arith.constant 256 : index
  %grid_m = arith.ceildivui %M, %c128 : index
  %grid_n = arith.ceildivui %N, %c256 : index
  tile.launch @matmul grid(%grid_m, %grid_n) args(%A, %B, %C)
    : memref<?x?xbf16>, memref<?x?xbf16>, memref<?x?xbf16>
}
