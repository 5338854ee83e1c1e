// A sum becomes the left operand of the next product: of 8-bit numbers, four lanes hold what one needs, and exchange it. 96 is no
// power of two; whole numbers show whether all of them arrive.
// RUN: heddle compile %s --emit=aref -o - | FileCheck %s --check-prefix=STORY
// STORY: aref.role "consumer"
// STORY: arith.trunci
// STORY: aref.convert_layout
// STORY-NOT: aref.local_load
// STORY: tile.kernel @multiply_plain
// DEFINE: %{run} = heddle run %s --check --sanitize=full
// RUN: %{run} --size N=0 | FileCheck %s
// RUN: %{run} --size N=1 | FileCheck %s
// RUN: %{run} --size N=3 --schedule=explore:4 | FileCheck %s
// CHECK: check O (128x16 of i32): ok
// CHECK-NEXT: max abs error 0
!a = memref<128x64xi8>
!b = memref<96x64xi8>
!c = memref<16x96xi8>
!o = memref<128x16xi32>
tile.kernel @multiply(%A: !a, %B: !b, %C: !c, %O: !o, %n: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant dense<0> : tensor<128x96xi32>
  %none = arith.constant dense<0> : tensor<128x16xi32>
  %a = tile.load %A[%c0, %c0] : !a -> tensor<128x64xi8>
  %sum = scf.for %i = %c0 to %n step %c1 iter_args(%o = %none) -> (tensor<128x16xi32>) {
    %b = tile.load %B[%c0, %c0] : !b -> tensor<96x64xi8>
    %s = tile.dot %a, %b, %zero transpose_b : tensor<128x64xi8>, tensor<96x64xi8> -> tensor<128x96xi32>
    %p = arith.trunci %s : tensor<128x96xi32> to tensor<128x96xi8>
    %c = tile.load %C[%c0, %c0] : !c -> tensor<16x96xi8>
    %d = tile.dot %p, %c, %o transpose_b : tensor<128x96xi8>, tensor<16x96xi8> -> tensor<128x16xi32>
    scf.yield %d : tensor<128x16xi32>
  }
  tile.store %sum, %O[%c0, %c0] : tensor<128x16xi32>, !o
}
tile.host @main[%N](%A: !a, %B: !b, %C: !c, out %O: !o) {
  %c1 = arith.constant 1 : index
  tile.launch @multiply grid(%c1, %c1, %c1) args(%A, %B, %C, %O, %N) : !a, !b, !c, !o, index
}
