// C = A * B^T: e4m3 matrices, summed with about 14 bits; B is N x K.
//
//   heddle run benchmarks/gemm/gemm_e4m3_fast.mlir --size M=512 --size N=512 --size K=512 --check

tile.kernel @matmul(%A: memref<?x?xf8E4M3FN>, %B: memref<?x?xf8E4M3FN>, %C: memref<?x?xbf16>) {
  %zero = arith.constant 0 : index
  %dim = arith.constant 1 : index
  %tile_m = arith.constant 128 : index
  %tile_n = arith.constant 256 : index
  %tile_k = arith.constant 128 : index
  %block_m = gpu.block_id x
  %block_n = gpu.block_id y
  %m = arith.muli %block_m, %tile_m : index
  %n = arith.muli %block_n, %tile_n : index
  %K = memref.dim %A, %dim : memref<?x?xf8E4M3FN>
  %init = arith.constant dense<0.0> : tensor<128x256xf32>
  %acc = scf.for %k = %zero to %K step %tile_k iter_args(%sum = %init) -> (tensor<128x256xf32>) {
    %a = tile.load %A[%m, %k] pad 0.0 : f8E4M3FN : memref<?x?xf8E4M3FN> -> tensor<128x128xf8E4M3FN>
    %b = tile.load %B[%n, %k] pad 0.0 : f8E4M3FN : memref<?x?xf8E4M3FN> -> tensor<256x128xf8E4M3FN>
    %d = tile.dot %a, %b, %sum transpose_b fast_accum : tensor<128x128xf8E4M3FN>, tensor<256x128xf8E4M3FN> -> tensor<128x256xf32>
    scf.yield %d : tensor<128x256xf32>
  }
  %c = arith.truncf %acc : tensor<128x256xf32> to tensor<128x256xbf16>
  tile.store %c, %C[%m, %n] : tensor<128x256xbf16>, memref<?x?xbf16>
}

tile.host @gemm[%M, %N, %K](%A: memref<?x?xf8E4M3FN>[%M, %K], %B: memref<?x?xf8E4M3FN>[%N, %K],
                out %C: memref<?x?xbf16>[%M, %N]) {
  %tile_m = arith.constant 128 : index
  %tile_n = arith.constant 256 : index
  %grid_m = arith.ceildivui %M, %tile_m : index
  %grid_n = arith.ceildivui %N, %tile_n : index
  tile.launch @matmul grid(%grid_m, %grid_n) args(%A, %B, %C)
    : memref<?x?xf8E4M3FN>, memref<?x?xf8E4M3FN>, memref<?x?xbf16>
}
