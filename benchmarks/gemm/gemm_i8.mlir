// C = A * B^T: 8-bit integers, summed in 32 bits; B is N x K.
//
//   heddle run benchmarks/gemm/gemm_i8.mlir --size M=512 --size N=512 --size K=512 --check

tile.kernel @matmul(%A: memref<?x?xi8>, %B: memref<?x?xi8>, %C: memref<?x?xi32>) {
  %zero = arith.constant 0 : index
  %dim = arith.constant 1 : index
  %tile_m = arith.constant 128 : index
  %tile_n = arith.constant 128 : index
  %tile_k = arith.constant 128 : index
  %block_m = gpu.block_id x
  %block_n = gpu.block_id y
  %m = arith.muli %block_m, %tile_m : index
  %n = arith.muli %block_n, %tile_n : index
  %K = memref.dim %A, %dim : memref<?x?xi8>
  %init = arith.constant dense<0> : tensor<128x128xi32>
  %acc = scf.for %k = %zero to %K step %tile_k iter_args(%sum = %init) -> (tensor<128x128xi32>) {
    %a = tile.load %A[%m, %k] pad 0 : i8 : memref<?x?xi8> -> tensor<128x128xi8>
    %b = tile.load %B[%n, %k] pad 0 : i8 : memref<?x?xi8> -> tensor<128x128xi8>
    %d = tile.dot %a, %b, %sum transpose_b : tensor<128x128xi8>, tensor<128x128xi8> -> tensor<128x128xi32>
    scf.yield %d : tensor<128x128xi32>
  }
  tile.store %acc, %C[%m, %n] : tensor<128x128xi32>, memref<?x?xi32>
}

tile.host @gemm[%M, %N, %K](%A: memref<?x?xi8>[%M, %K], %B: memref<?x?xi8>[%N, %K],
                out %C: memref<?x?xi32>[%M, %N]) {
  %tile_m = arith.constant 128 : index
  %tile_n = arith.constant 128 : index
  %grid_m = arith.ceildivui %M, %tile_m : index
  %grid_n = arith.ceildivui %N, %tile_n : index
  tile.launch @matmul grid(%grid_m, %grid_n) args(%A, %B, %C)
    : memref<?x?xi8>, memref<?x?xi8>, memref<?x?xi32>
}
