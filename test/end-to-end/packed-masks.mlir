// Masks become bits of words: every comparison, bounds on and around the tile, sums that wrap around, and what combines
// masks. The number of elements that a mask keeps says whether all of it is right.
// RUN: heddle compile %s --emit=ptx -o - | grep -c bmsk | FileCheck %s --check-prefix=PACKED
// PACKED: {{[1-9][0-9]}}
// DEFINE: %{run} = heddle run %s --size N=16 --check --sanitize=full
// RUN: %{run} --size F=0 --size B=0 | FileCheck %s
// RUN: %{run} --size F=0 --size B=200 | FileCheck %s
// RUN: %{run} --size F=100 --size B=90 | FileCheck %s
// RUN: %{run} --size F=0 --size B=511 | FileCheck %s
// RUN: %{run} --size F=1000 --size B=5000 | FileCheck %s
// RUN: %{run} --size F=2147483500 --size B=2147483600 | FileCheck %s
// RUN: %{run} --size F=2147483136 --size B=2147483632 | FileCheck %s
// RUN: %{run} --size F=2147483137 --size B=2147483640 | FileCheck %s
// RUN: %{run} --size F=2147483600 --size B=2147483648 | FileCheck %s
// RUN: %{run} --size F=4294967000 --size B=100 | FileCheck %s
// RUN: %{run} --size F=4294967000 --size B=4294967290 | FileCheck %s
// RUN: %{run} --size F=2147483648 --size B=2147483648 | FileCheck %s
// CHECK: check less (16x512 of i32): ok
// CHECK: check more (16x512 of i32): ok
// CHECK: check both (16x512 of i32): ok
!view = memref<?x512xi32>
!tile = tensor<16x512xi32>
!mask = tensor<16x512xi1>

tile.kernel @compare(%less: !view, %more: !view, %both: !view, %first: index, %bound: index, %flag: index) {
  %c0 = arith.constant 0 : index
  %first_32 = arith.index_cast %first : index to i32
  %bound_32 = arith.index_cast %bound : index to i32
  %row = tile.iota axis 0 : !tile
  %column = tile.iota axis 1 : !tile
  %firsts = tensor.splat %first_32 : !tile
  %bounds = tensor.splat %bound_32 : !tile
  %x = arith.addi %column, %firsts : !tile
  %y = arith.addi %row, %bounds : !tile
  %none = arith.constant dense<0> : !tile
  %one = arith.constant dense<1> : !tile
  %two = arith.constant dense<2> : !tile
  %four = arith.constant dense<4> : !tile
  %eight = arith.constant dense<8> : !tile

  %slt = arith.cmpi slt, %x, %y : !tile
  %sle = arith.cmpi sle, %x, %y : !tile
  %ult = arith.cmpi ult, %x, %y : !tile
  %ule = arith.cmpi ule, %x, %y : !tile
  %less_0 = arith.select %slt, %one, %none : !mask, !tile
  %less_1 = arith.select %sle, %two, %none : !mask, !tile
  %less_2 = arith.select %ult, %four, %none : !mask, !tile
  %less_3 = arith.select %ule, %eight, %none : !mask, !tile
  %less_01 = arith.addi %less_0, %less_1 : !tile
  %less_23 = arith.addi %less_2, %less_3 : !tile
  %all_less = arith.addi %less_01, %less_23 : !tile
  tile.store %all_less, %less[%c0, %c0] : !tile, !view

  // The bound on the left.
  %sgt = arith.cmpi slt, %y, %x : !tile
  %sge = arith.cmpi sle, %y, %x : !tile
  %ugt = arith.cmpi ugt, %x, %y : !tile
  %uge = arith.cmpi uge, %x, %y : !tile
  %more_0 = arith.select %sgt, %one, %none : !mask, !tile
  %more_1 = arith.select %sge, %two, %none : !mask, !tile
  %more_2 = arith.select %ugt, %four, %none : !mask, !tile
  %more_3 = arith.select %uge, %eight, %none : !mask, !tile
  %more_01 = arith.addi %more_0, %more_1 : !tile
  %more_23 = arith.addi %more_2, %more_3 : !tile
  %all_more = arith.addi %more_01, %more_23 : !tile
  tile.store %all_more, %more[%c0, %c0] : !tile, !view

  // Masks of several comparisons, one of them the same for all columns, and of a flag.
  %hundred = arith.constant dense<100> : !tile
  %z = arith.addi %y, %hundred : !tile
  %before = arith.cmpi slt, %x, %z : !tile
  %is_upper = arith.cmpi slt, %row, %eight : !tile
  %c1 = arith.constant 1 : index
  %is_odd_32 = arith.andi %flag, %c1 : index
  %is_odd = arith.cmpi eq, %is_odd_32, %c1 : index
  %odd = tensor.splat %is_odd : !mask
  %inside = arith.andi %sge, %before : !mask
  %either = arith.ori %inside, %odd : !mask
  %not_upper = arith.xori %either, %is_upper : !mask
  %both_0 = arith.select %inside, %one, %none : !mask, !tile
  %both_1 = arith.select %either, %two, %none : !mask, !tile
  %both_2 = arith.select %not_upper, %four, %none : !mask, !tile
  %both_01 = arith.addi %both_0, %both_1 : !tile
  %all_both = arith.addi %both_01, %both_2 : !tile
  tile.store %all_both, %both[%c0, %c0] : !tile, !view
}

tile.host @main[%N, %F, %B](out %less: !view[%N], out %more: !view[%N], out %both: !view[%N]) {
  %c1 = arith.constant 1 : index
  tile.launch @compare grid(%c1) args(%less, %more, %both, %F, %B, %B) : !view, !view, !view, index, index, index
}
