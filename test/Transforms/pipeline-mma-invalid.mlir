// RUN: heddle-opt %s --pipeline-mma --split-input-file --verify-diagnostics

tile.kernel @narrow_b(%A: memref<?x?xf16>, %B: memref<?x?xf16>) {
  %c0 = arith.constant 0 : index
  %zero = arith.constant dense<0.0> : tensor<64x24xf32>
  %a = tile.load %A[%c0, %c0] : memref<?x?xf16> -> tensor<64x64xf16>
  %b = tile.load %B[%c0, %c0] : memref<?x?xf16> -> tensor<64x24xf16>
  // expected-error @+1 {{expected rows of b of 16 bytes or a multiple of 32, found 48; 64 would work}}
  %d = tile.dot %a, %b, %zero : tensor<64x64xf16>, tensor<64x24xf16> -> tensor<64x24xf32>
}

// -----

!ring = !aref.ring<? x tensor<64x128xbf16>>
!slot = !aref.slot<tensor<64x128xbf16>>

tile.kernel @part_of_a_panel(%x: index) {
  %ring = aref.ring : !ring
  aref.role "consumer" instances(%i = 1) warps(4) {
    %zero = arith.constant dense<0.0> : tensor<64x32xf32>
    %a = arith.constant dense<0.0> : tensor<64x64xbf16>
    %slot, %b = aref.get %ring : !ring
    %bi = tensor.extract_slice %b[0, %x] [64, 32] [1, 1] : tensor<64x128xbf16> to tensor<64x32xbf16>
    // expected-error @+1 {{cannot multiply b from shared memory: a slice of 32 columns is not a range of the panels of 64 columns of tensor<64x128xbf16>}}
    %d = tile.dot %a, %bi, %zero : tensor<64x64xbf16>, tensor<64x32xbf16> -> tensor<64x32xf32>
    aref.release %ring, %slot : !ring
  }
}
