// A mask of a state is made of numbers that run ahead: they are handed over, and
// the mask, which shared memory has no form for, is made by the consumer.
// RUN: heddle run %s --size T=130 --size D=64 --check --sanitize=full --schedule=explore:4 | FileCheck %s
// RUN: heddle compile %s --emit=aref -o - | FileCheck %s --check-prefix=ROLES
// CHECK: check O {{.*}}: ok
// ROLES: aref.role "preparer"
// ROLES-NOT: arith.cmpf
// ROLES: aref.role "consumer"
// ROLES: arith.cmpf ogt
!m = memref<?x?xbf16>
!f = memref<?x?xf32>
!g = memref<?xf32>
!a = tensor<64x64xbf16>
!c = tensor<64x64xf32>
!v = tensor<64xf32>
tile.kernel @step(%A: !m, %B: !m, %G: !g, %O: !f) {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %T = memref.dim %A, %c0 : !m
  %z = arith.constant dense<0.0> : !c
  %zv = arith.constant dense<0.0> : !v
  %r = scf.for %t = %c0 to %T step %c64 iter_args(%s = %z) -> (!c) {
    %a = tile.load %A[%t, %c0] pad 0.0 : bf16 : !m -> !a
    %b = tile.load %B[%t, %c0] pad 0.0 : bf16 : !m -> !a
    %p = tile.dot %a, %b, %z transpose_b : !a, !a -> !c
    %p16 = arith.truncf %p : !c to !a
    %g = tile.load %G[%t] pad 0.0 : f32 : !g -> !v
    %m = arith.cmpf ogt, %g, %zv : !v
    %mb = tile.broadcast %m axes [0] : tensor<64xi1> -> tensor<64x64xi1>
    %kept = arith.select %mb, %s, %z : tensor<64x64xi1>, !c
    %s16 = arith.truncf %s : !c to !a
    %new = tile.dot %s16, %p16, %kept transpose_b : !a, !a -> !c
    scf.yield %new : !c
  }
  tile.store %r, %O[%c0, %c0] : !c, !f
}
tile.host @main[%T, %D](%A: !m[%T, %D], %B: !m[%T, %D], %G: !g[%T], out %O: !f[%D, %D]) {
  %c1 = arith.constant 1 : index
  tile.launch @step grid(%c1) args(%A, %B, %G, %O) : !m, !m, !g, !f
}
