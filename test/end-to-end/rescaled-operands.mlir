// Loops that branch around a mask let their sums decay before the product that adds to them. Not where that product also multiplies
// by the sum, or by what became of it.
//
// DEFINE: %{inputs} = --input A=uniform:0:0.1 --input B=uniform:0:0.1 --input V=uniform:0:0.1
// DEFINE: %{run} = heddle run %s %{inputs} --check --sanitize=full --schedule=explore:2
// RUN: %{run} --entry sum --size N=64 --size L=20 | FileCheck %s
// RUN: %{run} --entry sum --size N=200 --size L=100 | FileCheck %s
// RUN: %{run} --entry between --size N=64 --size L=20 | FileCheck %s
// RUN: %{run} --entry between --size N=0 --size L=20 | FileCheck %s
// CHECK: check O {{.*}}: ok
!t = tensor<64x64xf32>
!i = tensor<64x64xi32>
!m = tensor<64x64xi1>
!v = memref<?x64xf32>

tile.kernel @multiplied_sum(%A: !v, %V: !v, %B: !v, %O: !v, %lim: index) {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %N = memref.dim %B, %c0 : !v
  %zero = arith.constant dense<0.0> : !t
  %one = arith.constant dense<1.0> : !t
  %half = arith.constant dense<0.01> : !t
  %row = tile.iota axis 0 : !i
  %col = tile.iota axis 1 : !i
  %a = tile.load %A[%c0, %c0] pad 0.0 : f32 : !v -> !t
  %r = scf.for %n = %c0 to %N step %c64 iter_args(%o = %one) -> (!t) {
    %b = tile.load %B[%n, %c0] pad 0.0 : f32 : !v -> !t
    %s0 = tile.dot %a, %b, %zero transpose_b precision tf32 : !t, !t -> !t
    %n32 = arith.index_cast %n : index to i32
    %f = tensor.splat %n32 : !i
    %j = arith.addi %col, %f : !i
    %l32 = arith.index_cast %lim : index to i32
    %l = tensor.splat %l32 : !i
    %ri = arith.addi %row, %l : !i
    %c = arith.cmpi sle, %j, %ri : !i
    %s = arith.select %c, %s0, %zero : !m, !t
    %scale = arith.mulf %s, %half : !t
    %kept = arith.mulf %o, %scale : !t
    %v = tile.load %V[%n, %c0] pad 0.0 : f32 : !v -> !t
    %new = tile.dot %o, %v, %kept transpose_b precision tf32 : !t, !t -> !t
    scf.yield %new : !t
  }
  tile.store %r, %O[%c0, %c0] : !t, !v
}
tile.host @sum[%N, %L](%A: !v[%N], %V: !v[%N], %B: !v[%N], out %O: !v[%N]) {
  %c1 = arith.constant 1 : index
  tile.launch @multiplied_sum grid(%c1) args(%A, %V, %B, %O, %L) : !v, !v, !v, !v, index
}

tile.kernel @multiplied_between(%A: !v, %V: !v, %B: !v, %O: !v, %lim: index) {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %N = memref.dim %B, %c0 : !v
  %zero = arith.constant dense<0.0> : !t
  %one = arith.constant dense<1.0> : !t
  %half = arith.constant dense<0.01> : !t
  %row = tile.iota axis 0 : !i
  %col = tile.iota axis 1 : !i
  %a = tile.load %A[%c0, %c0] pad 0.0 : f32 : !v -> !t
  %r = scf.for %n = %c0 to %N step %c64 iter_args(%o = %one) -> (!t) {
    %b = tile.load %B[%n, %c0] pad 0.0 : f32 : !v -> !t
    %s0 = tile.dot %a, %b, %zero transpose_b precision tf32 : !t, !t -> !t
    %n32 = arith.index_cast %n : index to i32
    %f = tensor.splat %n32 : !i
    %j = arith.addi %col, %f : !i
    %l32 = arith.index_cast %lim : index to i32
    %l = tensor.splat %l32 : !i
    %ri = arith.addi %row, %l : !i
    %c = arith.cmpi sle, %j, %ri : !i
    %s = arith.select %c, %s0, %zero : !m, !t
    %scale = arith.mulf %s, %half : !t
    %q = arith.mulf %o, %scale : !t
    %kept = arith.addf %q, %one : !t
    %v = tile.load %V[%n, %c0] pad 0.0 : f32 : !v -> !t
    %new = tile.dot %q, %v, %kept transpose_b precision tf32 : !t, !t -> !t
    scf.yield %new : !t
  }
  tile.store %r, %O[%c0, %c0] : !t, !v
}
tile.host @between[%N, %L](%A: !v[%N], %V: !v[%N], %B: !v[%N], out %O: !v[%N]) {
  %c1 = arith.constant 1 : index
  tile.launch @multiplied_between grid(%c1) args(%A, %V, %B, %O, %L) : !v, !v, !v, !v, index
}
