// A depth that does not fit is refused once, at the author's line, although the
// kernel has a twin that does not fit either.
// RUN: not heddle compile %s --emit=ptx -o %t.ptx 2>&1 | FileCheck %s
// RUN: not ls %t.ptx

// CHECK: stages.mlir:[[#@LINE+3]]:1: error: tile.stages = 6: the ring of tensor<128x64xbf16>, tensor<64x256xbf16> needs 6 x 49152 = 294912 bytes of shared memory
// CHECK-SAME: the largest legal depth is 4
// CHECK-NOT: error
tile.kernel @matmul(%A: memref<?x?xbf16>, %B: memref<?x?xbf16>, %C: memref<?x?xbf16>) attributes {tile.stages = 6 : i64} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c64 = arith.constant 64 : index
  %K = memref.dim %A, %c1 : memref<?x?xbf16>
  %zero = arith.constant dense<0.0> : tensor<128x256xf32>
  %acc = scf.for %k = %c0 to %K step %c64 iter_args(%sum = %zero) -> (tensor<128x256xf32>) {
    %a = tile.load %A[%c0, %k] pad 0.0 : bf16 : memref<?x?xbf16> -> tensor<128x64xbf16>
    %b = tile.load %B[%k, %c0] pad 0.0 : bf16 : memref<?x?xbf16> -> tensor<64x256xbf16>
    %d = tile.dot %a, %b, %sum : tensor<128x64xbf16>, tensor<64x256xbf16> -> tensor<128x256xf32>
    scf.yield %d : tensor<128x256xf32>
  }
  %c = arith.truncf %acc : tensor<128x256xf32> to tensor<128x256xbf16>
  tile.store %c, %C[%c0, %c0] : tensor<128x256xbf16>, memref<?x?xbf16>
}
