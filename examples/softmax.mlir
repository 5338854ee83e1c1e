// Softmax of every row, however long. One pass finds the maximum and the sum of
// a row together, rescaling the sum whenever the maximum grows (Milakov and
// Gimelshein, 2018); another one writes. Columns beyond the end read as -inf,
// and so add nothing.
//
//   heddle run examples/softmax.mlir --size rows=100 --size columns=1000 --check

tile.kernel @softmax_rows(%X: memref<?x?xf32>, %Y: memref<?x?xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c16 = arith.constant 16 : index
  %c256 = arith.constant 256 : index
  %block = gpu.block_id x
  %row = arith.muli %block, %c16 : index
  %columns = memref.dim %X, %c1 : memref<?x?xf32>

  // The lowest finite number: the difference of two -inf would be NaN.
  %lowest = arith.constant dense<0xFF7FFFFF> : tensor<16xf32>
  %zero = arith.constant dense<0.0> : tensor<16xf32>
  %max, %sum = scf.for %column = %c0 to %columns step %c256
      iter_args(%old_max = %lowest, %old_sum = %zero) -> (tensor<16xf32>, tensor<16xf32>) {
    %x = tile.load %X[%row, %column] pad 0xFF800000 : f32 : memref<?x?xf32> -> tensor<16x256xf32>
    %new_max = tile.reduce max %x, %old_max axis 1 : tensor<16x256xf32> -> tensor<16xf32>
    %shrink = arith.subf %old_max, %new_max : tensor<16xf32>
    %scale = math.exp %shrink : tensor<16xf32>
    %scaled = arith.mulf %old_sum, %scale : tensor<16xf32>
    %wide = tile.broadcast %new_max axes [1] : tensor<16xf32> -> tensor<16x256xf32>
    %shifted = arith.subf %x, %wide : tensor<16x256xf32>
    %p = math.exp %shifted : tensor<16x256xf32>
    %new_sum = tile.reduce add %p, %scaled axis 1 : tensor<16x256xf32> -> tensor<16xf32>
    scf.yield %new_max, %new_sum : tensor<16xf32>, tensor<16xf32>
  }

  scf.for %column = %c0 to %columns step %c256 {
    %x = tile.load %X[%row, %column] pad 0xFF800000 : f32 : memref<?x?xf32> -> tensor<16x256xf32>
    %wide_max = tile.broadcast %max axes [1] : tensor<16xf32> -> tensor<16x256xf32>
    %shifted = arith.subf %x, %wide_max : tensor<16x256xf32>
    %p = math.exp %shifted : tensor<16x256xf32>
    %wide_sum = tile.broadcast %sum axes [1] : tensor<16xf32> -> tensor<16x256xf32>
    %y = arith.divf %p, %wide_sum : tensor<16x256xf32>
    tile.store %y, %Y[%row, %column] : tensor<16x256xf32>, memref<?x?xf32>
  }
}

tile.host @softmax[%rows, %columns](%X: memref<?x?xf32>[%rows, %columns],
                                    out %Y: memref<?x?xf32>[%rows, %columns]) {
  %c16 = arith.constant 16 : index
  %blocks = arith.ceildivui %rows, %c16 : index
  tile.launch @softmax_rows grid(%blocks) args(%X, %Y) : memref<?x?xf32>, memref<?x?xf32>
}
