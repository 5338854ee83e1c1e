// C = A * B^T: f32 matrices, multiplied in tf32; B is N x K.
//
//   heddle run benchmarks/gemm/gemm_tf32.mlir --size M=512 --size N=512 --size K=512 --check

tile.kernel @matmul(%A: memref<?x?xf32>, %B: memref<?x?xf32>, %C: memref<?x?xf32>) {
  %zero = arith.constant 0 : index
  %dim = arith.constant 1 : index
  %tile_m = arith.constant 128 : index
  %tile_n = arith.constant 128 : index
  %tile_k = arith.constant 32 : index
  %block_m = gpu.block_id x
  %block_n = gpu.block_id y
  %m = arith.muli %block_m, %tile_m : index
  %n = arith.muli %block_n, %tile_n : index
  %K = memref.dim %A, %dim : memref<?x?xf32>
  %init = arith.constant dense<0.0> : tensor<128x128xf32>
  %acc = scf.for %k = %zero to %K step %tile_k iter_args(%sum = %init) -> (tensor<128x128xf32>) {
    %a = tile.load %A[%m, %k] pad 0.0 : f32 : memref<?x?xf32> -> tensor<128x32xf32>
    %b = tile.load %B[%n, %k] pad 0.0 : f32 : memref<?x?xf32> -> tensor<128x32xf32>
    %d = tile.dot %a, %b, %sum transpose_b precision tf32 : tensor<128x32xf32>, tensor<128x32xf32> -> tensor<128x128xf32>
    scf.yield %d : tensor<128x128xf32>
  }
  tile.store %acc, %C[%m, %n] : tensor<128x128xf32>, memref<?x?xf32>
}

tile.host @gemm[%M, %N, %K](%A: memref<?x?xf32>[%M, %K], %B: memref<?x?xf32>[%N, %K],
                out %C: memref<?x?xf32>[%M, %N]) {
  %tile_m = arith.constant 128 : index
  %tile_n = arith.constant 128 : index
  %grid_m = arith.ceildivui %M, %tile_m : index
  %grid_n = arith.ceildivui %N, %tile_n : index
  tile.launch @matmul grid(%grid_m, %grid_n) args(%A, %B, %C)
    : memref<?x?xf32>, memref<?x?xf32>, memref<?x?xf32>
}
