// RUN: heddle-opt %s --lower-copies --split-input-file --verify-diagnostics

!ring = !aref.ring<? x tensor<64x32xf32>>
!slot = !aref.slot<tensor<64x32xf32>>
!buffer = !aref.buffer<64x32xf32, swizzle = 128>

tile.kernel @exact_and_rounded(%A: memref<?x?xf32>) attributes {aref.copies = "tma"} {
  %c0 = arith.constant 0 : index
  // expected-error @+1 {{tile 0 of the ring, 'tensor<64x32xf32>', is read by products, which need it rounded to tf32, and by threads, which do not; a ring for each would work}}
  %ring = aref.ring : !ring
  aref.role "producer" instances(%i = 1) warps(1) {
    %a = tile.load %A[%c0, %c0] : memref<?x?xf32> -> tensor<64x32xf32>
    aref.put %ring, %a : !ring
  }
  aref.role "consumer" instances(%i = 1) warps(4) {
    %zero = arith.constant dense<0.0> : tensor<64x64xf32>
    %slot = aref.wait %ring : !ring
    %a = aref.view %ring, %slot[0] : !ring
    %x = aref.local_load %a : !buffer -> tensor<64x32xf32>
    %d = aref.mma %a, %a, %zero transpose_b : !buffer, !buffer -> tensor<64x64xf32>
    %w = aref.mma_wait %d pending 0 : tensor<64x64xf32>
    aref.release %ring, %slot : !ring
  }
}
