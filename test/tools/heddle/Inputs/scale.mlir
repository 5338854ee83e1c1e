tile.kernel @scale(%x: memref<?x?xbf16>, %n: memref<?xi32>, %y: memref<?x?xbf16>, %a: f32) {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %b = gpu.block_id x
  %row = gpu.block_id y
  %i = arith.muli %b, %c64 : index
  %t = tile.load %x[%row, %i] : memref<?x?xbf16> -> tensor<64xbf16>
  %w = arith.extf %t : tensor<64xbf16> to tensor<64xf32>
  %s = tensor.splat %a : tensor<64xf32>
  %r = arith.mulf %w, %s : tensor<64xf32>
  %q = arith.truncf %r : tensor<64xf32> to tensor<64xbf16>
  tile.store %q, %y[%row, %i] : tensor<64xbf16>, memref<?x?xbf16>
}

tile.host @scale_all[%rows, %columns](%x: memref<?x?xbf16>[%rows, %columns], %n: memref<?xi32>[%rows],
                                      out %y: memref<?x?xbf16>[%rows, %columns]) {
  %c64 = arith.constant 64 : index
  %a = arith.constant 2.0 : f32
  %blocks = arith.ceildivui %columns, %c64 : index
  tile.launch @scale grid(%blocks, %rows) args(%x, %n, %y, %a)
    : memref<?x?xbf16>, memref<?xi32>, memref<?x?xbf16>, f32
}
