// C[b] = A[b] * B[b] for every b: the batch is the first dimension of the views.
//
//   heddle run examples/batched_gemm.mlir --size batch=3 --size M=256 --size N=256 --size K=192 --check

tile.kernel @batched_matmul(%A: memref<?x?x?xbf16>, %B: memref<?x?x?xbf16>, %C: memref<?x?x?xbf16>) attributes {tile.cluster = [2]} {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %c64 = arith.constant 64 : index
  %c128 = arith.constant 128 : index
  %block_m = gpu.block_id x
  %block_n = gpu.block_id y
  %b = gpu.block_id z
  %m = arith.muli %block_m, %c128 : index
  %n = arith.muli %block_n, %c128 : index
  %K = memref.dim %A, %c2 : memref<?x?x?xbf16>
  %zero = arith.constant dense<0.0> : tensor<128x128xf32>
  %acc = scf.for %k = %c0 to %K step %c64 iter_args(%sum = %zero) -> (tensor<128x128xf32>) {
    %lhs = tile.load %A[%b, %m, %k] pad 0.0 : bf16 : memref<?x?x?xbf16> -> tensor<128x64xbf16>
    %rhs = tile.load %B[%b, %k, %n] pad 0.0 : bf16 : memref<?x?x?xbf16> -> tensor<64x128xbf16>
    %d = tile.dot %lhs, %rhs, %sum : tensor<128x64xbf16>, tensor<64x128xbf16> -> tensor<128x128xf32>
    scf.yield %d : tensor<128x128xf32>
  }
  %c = arith.truncf %acc : tensor<128x128xf32> to tensor<128x128xbf16>
  tile.store %c, %C[%b, %m, %n] : tensor<128x128xbf16>, memref<?x?x?xbf16>
}

tile.host @batched_gemm[%batch, %M, %N, %K](%A: memref<?x?x?xbf16>[%batch, %M, %K],
                                            %B: memref<?x?x?xbf16>[%batch, %K, %N],
                                            out %C: memref<?x?x?xbf16>[%batch, %M, %N]) {
  %c128 = arith.constant 128 : index
  %grid_m = arith.ceildivui %M, %c128 : index
  %grid_n = arith.ceildivui %N, %c128 : index
  tile.launch @batched_matmul grid(%grid_m, %grid_n, %batch) args(%A, %B, %C)
    : memref<?x?x?xbf16>, memref<?x?x?xbf16>, memref<?x?x?xbf16>
}
