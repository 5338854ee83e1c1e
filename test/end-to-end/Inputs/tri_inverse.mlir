// SIZE, PRECISION and WARPS are replaced.
tile.kernel @invert(%a: memref<SIZExSIZExf32>, %x: memref<SIZExSIZExf32>) attributes {tile.warps = WARPS} {
  %c0 = arith.constant 0 : index
  %small = arith.constant dense<0.125> : tensor<SIZExSIZExf32>
  %t = tile.load %a[%c0, %c0] : memref<SIZExSIZExf32> -> tensor<SIZExSIZExf32>
  %l = arith.mulf %t, %small : tensor<SIZExSIZExf32>
  %r = tile.tri_inverse %l precision PRECISION : tensor<SIZExSIZExf32>
  tile.store %r, %x[%c0, %c0] : tensor<SIZExSIZExf32>, memref<SIZExSIZExf32>
}
tile.host @main[](%a: memref<SIZExSIZExf32>, out %x: memref<SIZExSIZExf32>) {
  %c1 = arith.constant 1 : index
  tile.launch @invert grid(%c1) args(%a, %x) : memref<SIZExSIZExf32>, memref<SIZExSIZExf32>
}
