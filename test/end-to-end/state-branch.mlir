// What a loop carries is a sum of products, and control flow stands between the
// products and the next iteration: registers of products under way stay where
// they are.
// RUN: heddle run %s --size T=130 --size D=64 --check --sanitize=full --schedule=explore:4 | FileCheck %s
// RUN: heddle run %s --size T=0 --size D=64 --check --sanitize=full | FileCheck %s
// CHECK: check O {{.*}}: ok
// CHECK: check H {{.*}}: ok
!m = memref<?x?xbf16>
!f = memref<?x?xf32>
!a = tensor<64x64xbf16>
!c = tensor<64x64xf32>
tile.kernel @step(%A: !m, %B: !m, %O: !f, %H: !f) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c128 = arith.constant 128 : index
  %c64 = arith.constant 64 : index
  %T = memref.dim %A, %c0 : !m
  %z = arith.constant dense<0.0> : !c
  %half = arith.constant dense<0.5> : !c
  %r = scf.for %t = %c0 to %T step %c64 iter_args(%s = %z) -> (!c) {
    %a = tile.load %A[%t, %c0] pad 0.0 : bf16 : !m -> !a
    %b = tile.load %B[%t, %c0] pad 0.0 : bf16 : !m -> !a
    %s16 = arith.truncf %s : !c to !a
    %kept = arith.mulf %s, %half : !c
    %o = tile.dot %s16, %b, %z transpose_b : !a, !a -> !c
    %new = tile.dot %a, %b, %kept transpose_a : !a, !a -> !c
    %odd = arith.remui %t, %c128 : index
    %even = arith.cmpi eq, %odd, %c0 : index
    scf.if %even {
      tile.store %o, %O[%t, %c0] : !c, !f
    }
    scf.yield %new : !c
  }
  tile.store %r, %H[%c0, %c0] : !c, !f
}
tile.host @main[%T, %D](%A: !m[%T, %D], %B: !m[%T, %D], out %O: !f[%T, %D], out %H: !f[%D, %D]) {
  %c1 = arith.constant 1 : index
  tile.launch @step grid(%c1) args(%A, %B, %O, %H) : !m, !m, !f, !f
}
