// Loops that carry a sum on in another place than where it came from, where something else takes its place: no register of it is
// touched while the product that adds to it is in flight.
//
// DEFINE: %{run} = heddle run %s --check --sanitize=full --schedule=explore:2
// RUN: %{run} --entry moved --size N=0 | FileCheck %s
// RUN: %{run} --entry moved --size N=3 | FileCheck %s
// RUN: %{run} --entry swapped --size N=3 | FileCheck %s
// RUN: %{run} --entry branched --size N=4 | FileCheck %s
// CHECK: check O {{.*}}: ok
!t = tensor<64x64xf32>
!h = tensor<64x64xf16>
!v = memref<128x64xf32>

tile.kernel @move(%A: !v, %O: !v, %n: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %one = arith.constant dense<1.0> : !t
  %low = arith.constant dense<-8.0> : !t
  %h = arith.constant dense<1.0> : !h
  %a = tile.load %A[%c0, %c0] pad 0.0 : f32 : !v -> !t
  %r:2 = scf.for %i = %c0 to %n step %c1 iter_args(%x = %one, %y = %a) -> (!t, !t) {
    %m = arith.maximumf %x, %low : !t
    %d = tile.dot %h, %h, %y : !h, !h -> !t
    tile.store %m, %O[%c0, %c0] : !t, !v
    scf.yield %d, %one : !t, !t
  }
  %z = arith.subf %r#0, %r#1 : !t
  %c64 = arith.constant 64 : index
  tile.store %z, %O[%c64, %c0] : !t, !v
}
tile.host @moved[%N](%A: !v, out %O: !v) {
  %c1 = arith.constant 1 : index
  tile.launch @move grid(%c1) args(%A, %O, %N) : !v, !v, index
}

tile.kernel @swap(%A: !v, %O: !v, %n: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c64 = arith.constant 64 : index
  %half = arith.constant dense<0.0625> : !t
  %a = tile.load %A[%c0, %c0] pad 0.0 : f32 : !v -> !t
  %b = tile.load %A[%c64, %c0] pad 0.0 : f32 : !v -> !t
  %r:2 = scf.for %i = %c0 to %n step %c1 iter_args(%x = %a, %y = %b) -> (!t, !t) {
    %x_half = arith.mulf %x, %half : !t
    %x16 = arith.truncf %x_half : !t to !h
    %d = tile.dot %x16, %x16, %y : !h, !h -> !t
    tile.store %x_half, %O[%c0, %c0] : !t, !v
    scf.yield %d, %x : !t, !t
  }
  %z = arith.subf %r#0, %r#1 : !t
  tile.store %z, %O[%c64, %c0] : !t, !v
}
tile.host @swapped[%N](%A: !v, out %O: !v) {
  %c1 = arith.constant 1 : index
  tile.launch @swap grid(%c1) args(%A, %O, %N) : !v, !v, index
}

tile.kernel @branch(%A: !v, %O: !v, %n: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c64 = arith.constant 64 : index
  %one = arith.constant dense<1.0> : !t
  %half = arith.constant dense<0.0625> : !t
  %h = arith.constant dense<1.0> : !h
  %a = tile.load %A[%c0, %c0] pad 0.0 : f32 : !v -> !t
  %r:2 = scf.for %i = %c0 to %n step %c1 iter_args(%x = %one, %y = %a) -> (!t, !t) {
    %m = arith.mulf %x, %half : !t
    %p = arith.cmpi slt, %i, %c1 : index
    %new = scf.if %p -> (!t) {
      %d = tile.dot %h, %h, %y : !h, !h -> !t
      scf.yield %d : !t
    } else {
      scf.yield %y : !t
    }
    tile.store %m, %O[%c0, %c0] : !t, !v
    scf.yield %new, %m : !t, !t
  }
  %z = arith.subf %r#0, %r#1 : !t
  tile.store %z, %O[%c64, %c0] : !t, !v
}
tile.host @branched[%N](%A: !v, out %O: !v) {
  %c1 = arith.constant 1 : index
  tile.launch @branch grid(%c1) args(%A, %O, %N) : !v, !v, index
}
