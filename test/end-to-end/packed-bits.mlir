// Masks that are bits of a word of each row become words of a thread's own elements: words of 64 and 32 bits, all of their bits
// or the lowest ones again and again, from any column on, tested in each way, alone and with comparisons.
// RUN: heddle compile %s --emit=ptx -o - | grep -c "shf.r.wrap" | FileCheck %s --check-prefix=PACKED
// PACKED: {{^1[0-9]$}}
// DEFINE: %{run} = heddle run %s --size N=64 --check --sanitize=full
// RUN: %{run} --size F=0 | FileCheck %s
// RUN: %{run} --size F=1 | FileCheck %s
// RUN: %{run} --size F=31 | FileCheck %s
// RUN: %{run} --size F=32 | FileCheck %s
// RUN: %{run} --size F=45 | FileCheck %s
// RUN: %{run} --size F=63 | FileCheck %s
// RUN: %{run} --size F=4294967283 | FileCheck %s
// RUN: %{run} --size F=2147483600 | FileCheck %s
// CHECK: check wide (64x128 of i32): ok
// CHECK: check narrow (64x128 of i32): ok
!view = memref<?x128xi32>
!tile = tensor<64x128xi32>
!bits = tensor<64x128xi64>
!mask = tensor<64x128xi1>

tile.kernel @test(%wide: !view, %narrow: !view, %first: index) {
  %c0 = arith.constant 0 : index
  %first_32 = arith.index_cast %first : index to i32
  %firsts = tensor.splat %first_32 : !tile
  %column = tile.iota axis 1 : !tile
  %x = arith.addi %column, %firsts : !tile
  %none = arith.constant dense<0> : !tile
  %one = arith.constant dense<1> : !tile
  %two = arith.constant dense<2> : !tile
  %four = arith.constant dense<4> : !tile
  %eight = arith.constant dense<8> : !tile
  // Zeros, which threads hold as sums of products: of each row, every fourth pair of columns.
  %a = arith.constant dense<0> : tensor<64x32xi8>
  %b = arith.constant dense<0> : tensor<128x32xi8>
  %zeros = tile.dot %a, %b, %none transpose_b : tensor<64x32xi8>, tensor<128x32xi8> -> !tile
  %rows = tile.iota axis 0 : tensor<64xi64>
  %step = arith.constant dense<7046029254386353131> : tensor<64xi64>
  %words = arith.muli %rows, %step : tensor<64xi64>
  %word = tile.broadcast %words axes [1] : tensor<64xi64> -> !bits
  %rows_32 = tile.iota axis 0 : tensor<64xi32>
  %step_32 = arith.constant dense<1640531527> : tensor<64xi32>
  %words_32 = arith.muli %rows_32, %step_32 : tensor<64xi32>
  %word_32 = tile.broadcast %words_32 axes [1] : tensor<64xi32> -> !tile
  %no_bit = arith.constant dense<0> : !bits
  %one_bit = arith.constant dense<1> : !bits

  // One of 64.
  %m63 = arith.constant dense<63> : !tile
  %t = arith.andi %x, %m63 : !tile
  %t64 = arith.extui %t : !tile to !bits
  %right = arith.shrui %word, %t64 : !bits
  %lowest = arith.andi %right, %one_bit : !bits
  %is_set = arith.cmpi ne, %lowest, %no_bit : !bits
  %left = arith.shli %one_bit, %t64 : !bits
  %masked = arith.andi %left, %word : !bits
  %is_clear = arith.cmpi eq, %masked, %no_bit : !bits
  %truncated = arith.trunci %right : !bits to !mask
  %limit = arith.constant dense<90> : !tile
  %below = arith.cmpi slt, %column, %limit : !tile
  %set_or_below = arith.ori %truncated, %below : !mask
  // One of 32, of a word of 64.
  %m31 = arith.constant dense<31> : !tile
  %u = arith.andi %x, %m31 : !tile
  %u64 = arith.extui %u : !tile to !bits
  %right_32 = arith.shrui %word, %u64 : !bits
  %lowest_32 = arith.andi %right_32, %one_bit : !bits
  %in_half = arith.cmpi ne, %lowest_32, %no_bit : !bits
  %wide_0 = arith.select %is_set, %one, %none : !mask, !tile
  %wide_1 = arith.select %is_clear, %two, %none : !mask, !tile
  %wide_2 = arith.select %set_or_below, %four, %none : !mask, !tile
  %wide_3 = arith.select %in_half, %eight, %none : !mask, !tile
  %wide_01 = arith.addi %wide_0, %wide_1 : !tile
  %wide_23 = arith.addi %wide_2, %wide_3 : !tile
  %all_wide = arith.addi %wide_01, %wide_23 : !tile
  %sum_wide = arith.addi %all_wide, %zeros : !tile
  tile.store %sum_wide, %wide[%c0, %c0] : !tile, !view

  // Of words of 32: one of 32, of 16, of 2; and one that is always the same.
  %narrow_right = arith.shrui %word_32, %u : !tile
  %narrow_bit = arith.andi %narrow_right, %one : !tile
  %narrow_set = arith.cmpi ne, %narrow_bit, %none : !tile
  %m15 = arith.constant dense<15> : !tile
  %v = arith.andi %x, %m15 : !tile
  %narrow_left = arith.shli %one, %v : !tile
  %narrow_masked = arith.andi %word_32, %narrow_left : !tile
  %narrow_clear = arith.cmpi eq, %narrow_masked, %none : !tile
  %w = arith.andi %x, %one : !tile
  %even = arith.shrui %word_32, %w : !tile
  %even_set = arith.trunci %even : !tile to !mask
  %y = arith.andi %firsts, %m31 : !tile
  %same = arith.shrui %word_32, %y : !tile
  %same_set = arith.trunci %same : !tile to !mask
  %same_or_clear = arith.xori %same_set, %narrow_clear : !mask
  %narrow_0 = arith.select %narrow_set, %one, %none : !mask, !tile
  %narrow_1 = arith.select %narrow_clear, %two, %none : !mask, !tile
  %narrow_2 = arith.select %even_set, %four, %none : !mask, !tile
  %narrow_3 = arith.select %same_or_clear, %eight, %none : !mask, !tile
  %narrow_01 = arith.addi %narrow_0, %narrow_1 : !tile
  %narrow_23 = arith.addi %narrow_2, %narrow_3 : !tile
  %all_narrow = arith.addi %narrow_01, %narrow_23 : !tile
  %sum_narrow = arith.addi %all_narrow, %zeros : !tile
  tile.store %sum_narrow, %narrow[%c0, %c0] : !tile, !view
}

tile.host @main[%N, %F](out %wide: !view[%N], out %narrow: !view[%N]) {
  %c1 = arith.constant 1 : index
  tile.launch @test grid(%c1, %c1, %c1) args(%wide, %narrow, %F) : !view, !view, index
}
