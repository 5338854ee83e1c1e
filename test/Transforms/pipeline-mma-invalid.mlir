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

// -----

!ring = !aref.ring<? x tensor<64x64xf8E4M3FN>, tensor<224x64xf8E4M3FN>>
!slot = !aref.slot<tensor<64x64xf8E4M3FN>, tensor<224x64xf8E4M3FN>>

// 112 registers of sums, and as many of products that are added to them.
tile.kernel @large_sums(%K: index, %C: memref<?x?xf32>) attributes {aref.copies = "tma"} {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %ring = aref.ring : !ring
  aref.role "consumer" instances(%i = 2) warps(4) registers(240) {
    %zero = arith.constant dense<0.0> : tensor<64x224xf32>
    %sums:2 = scf.for %k = %c0 to %K step %c64 iter_args(%x = %zero, %y = %zero) -> (tensor<64x224xf32>, tensor<64x224xf32>) {
      %slot, %a, %b = aref.get %ring : !ring
      // expected-warning @+1 {{the sums take 224 registers of every thread, which has 240 and needs 28 of them for other values: some will be spilled to memory, and products may run one by one; use a smaller tile or fast_accum, which takes half as many}}
      %d = tile.dot %a, %b, %x transpose_b : tensor<64x64xf8E4M3FN>, tensor<224x64xf8E4M3FN> -> tensor<64x224xf32>
      %e = tile.dot %a, %b, %y transpose_b fast_accum : tensor<64x64xf8E4M3FN>, tensor<224x64xf8E4M3FN> -> tensor<64x224xf32>
      aref.release %ring, %slot : !ring
      scf.yield %d, %e : tensor<64x224xf32>, tensor<64x224xf32>
    }
    tile.store %sums#0, %C[%c0, %c0] : tensor<64x224xf32>, memref<?x?xf32>
    tile.store %sums#1, %C[%c0, %c64] : tensor<64x224xf32>, memref<?x?xf32>
  }
}
