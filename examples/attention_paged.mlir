// Attention to keys and values in pages: position n of sequence b is row n mod 128 of page pages[b, n / 128], for n below
// lengths[b]. The GROUP query heads that share a key head are the rows of one matrix: row r of Q[b, h] is query r mod SQ of
// head h * GROUP + r / SQ, as Q[B, HK * GROUP, SQ] has them. Causal, aligned at the last query and key.
!heads = memref<?x?x?x128xbf16>
!pages = memref<?x?x128x128xbf16>
!operand = tensor<128x128xbf16>
!tile = tensor<128x128xf32>
!rows = tensor<128xf32>

tile.kernel @attend(%Q: !heads, %K: !pages, %V: !pages, %pages: memref<?x?xi32>, %lengths: memref<?xi32>, %O: !heads,
                    %L: memref<?x?x?xf32>, %SQ: index) {
  %c0 = arith.constant 0 : index
  %c128 = arith.constant 128 : index
  %block = gpu.block_id x
  %h = gpu.block_id y
  %b = gpu.block_id z
  %length = memref.load %lengths[%b] : memref<?xi32>
  %SK = arith.index_cast %length : i32 to index
  %m = arith.muli %block, %c128 : index
  %q = tile.load %Q[%b, %h, %m, %c0] pad 0.0 : bf16 : !heads -> !operand
  // Query i is at position i + SK - SQ.
  %m32 = arith.index_cast %m : index to i32
  %c128_32 = arith.constant 128 : i32
  %SQ32 = arith.index_cast %SQ : index to i32
  %row = tile.iota axis 0 : tensor<128xi32>
  %first_row = tensor.splat %m32 : tensor<128xi32>
  %r = arith.addi %row, %first_row : tensor<128xi32>
  %queries = tensor.splat %SQ32 : tensor<128xi32>
  %i = arith.remui %r, %queries : tensor<128xi32>
  %shift = arith.subi %length, %SQ32 : i32
  // Of these queries, which may be the last of one head and the first of others, the first one and the one behind the last.
  %i0 = arith.remui %m32, %SQ32 : i32
  %i_end = arith.addi %i0, %c128_32 : i32
  %wraps = arith.cmpi sgt, %i_end, %SQ32 : i32
  %c0_32 = arith.constant 0 : i32
  %first_i = arith.select %wraps, %c0_32, %i0 : i32
  %end_i = arith.select %wraps, %SQ32, %i_end : i32
  %before = arith.addi %first_i, %shift : i32
  %seen32 = arith.addi %end_i, %shift : i32
  %seen = arith.index_cast %seen32 : i32 to index
  %shifts = tensor.splat %shift : tensor<128xi32>
  %position = arith.addi %i, %shifts : tensor<128xi32>
  %last = tile.broadcast %position axes [1] : tensor<128xi32> -> tensor<128x128xi32>
  %column = tile.iota axis 1 : tensor<128x128xi32>
  %zero = arith.constant dense<0.0> : !tile
  %hidden = arith.constant dense<0xFF800000> : !tile
  %scale = arith.constant dense<0.12751743> : !tile // log2(e) / sqrt(128)
  %scale_row = arith.constant dense<0.12751743> : !rows
  %lowest = arith.constant dense<-1.0e30> : !rows
  %none = arith.constant dense<0.0> : !rows
  %sum_o, %max, %sum = scf.for %n = %c0 to %seen step %c128
      iter_args(%o = %zero, %old_max = %lowest, %old_sum = %none) -> (!tile, !rows, !rows) {
    %number = arith.divui %n, %c128 : index
    %page32 = memref.load %pages[%b, %number] : memref<?x?xi32>
    %page = arith.index_cast %page32 : i32 to index
    %k = tile.load %K[%page, %h, %c0, %c0] : !pages -> !operand
    %qk = tile.dot %q, %k, %zero transpose_b : !operand, !operand -> !tile
    %n_32 = arith.index_cast %n : index to i32
    %first_j = tensor.splat %n_32 : tensor<128x128xi32>
    %j = arith.addi %column, %first_j : tensor<128x128xi32>
    %sees_j = arith.cmpi sle, %j, %last : tensor<128x128xi32>
    // All queries see what is before the first one.
    %next_n = arith.addi %n_32, %c128_32 : i32
    %is_before = arith.cmpi sle, %next_n, %before : i32
    %all_see = tensor.splat %is_before : tensor<128x128xi1>
    %sees = arith.ori %all_see, %sees_j : tensor<128x128xi1>
    %s = arith.select %sees, %qk, %hidden : tensor<128x128xi1>, !tile
    %new_max = tile.reduce max %s, %old_max axis 1 : !tile -> !rows
    %scaled_max = arith.mulf %new_max, %scale_row : !rows
    %offset = arith.negf %scaled_max : !rows
    %offset_tile = tile.broadcast %offset axes [1] : !rows -> !tile
    %exponent = math.fma %s, %scale, %offset_tile : !tile
    %p = math.exp2 %exponent : !tile
    %change = arith.subf %old_max, %new_max : !rows
    %scaled_change = arith.mulf %change, %scale_row : !rows
    %shrink = math.exp2 %scaled_change : !rows
    %kept_sum = arith.mulf %old_sum, %shrink : !rows
    %new_sum = tile.reduce add %p, %kept_sum axis 1 : !tile -> !rows
    %shrink_tile = tile.broadcast %shrink axes [1] : !rows -> !tile
    %kept_o = arith.mulf %o, %shrink_tile : !tile
    %p16 = arith.truncf %p : !tile to !operand
    %v = tile.load %V[%page, %h, %c0, %c0] : !pages -> !operand
    %new_o = tile.dot %p16, %v, %kept_o : !operand, !operand -> !tile
    scf.yield %new_o, %new_max, %new_sum : !tile, !rows, !rows
  }
  // A query that sees no key gives zeros, and a logarithm of -inf.
  %tiny = arith.constant dense<1.0e-30> : !rows
  %divisor = arith.maximumf %sum, %tiny : !rows
  %divisor_tile = tile.broadcast %divisor axes [1] : !rows -> !tile
  %out = arith.divf %sum_o, %divisor_tile : !tile
  %out16 = arith.truncf %out : !tile to !operand
  %log_sum = math.log2 %sum : !rows
  %log = math.fma %max, %scale_row, %log_sum : !rows
  %ln2 = arith.constant dense<0.6931472> : !rows
  %lse = arith.mulf %log, %ln2 : !rows
  tile.store %out16, %O[%b, %h, %m, %c0] : !operand, !heads
  tile.store %lse, %L[%b, %h, %m] : !rows, memref<?x?x?xf32>
}

// ROWS is GROUP * SQ. Page tables have room for PAGES pages; there are POOL in all.
tile.host @attention_paged[%B, %HK, %ROWS, %SQ, %POOL, %PAGES](%Q: !heads[%B, %HK, %ROWS], %K: !pages[%POOL, %HK], %V: !pages[%POOL, %HK],
    %pages: memref<?x?xi32>[%B, %PAGES], %lengths: memref<?xi32>[%B], out %O: !heads[%B, %HK, %ROWS], out %L: memref<?x?x?xf32>[%B, %HK, %ROWS]) {
  %c128 = arith.constant 128 : index
  %blocks = arith.ceildivui %ROWS, %c128 : index
  tile.launch @attend grid(%blocks, %HK, %B) args(%Q, %K, %V, %pages, %lengths, %O, %L, %SQ)
    : !heads, !pages, !pages, memref<?x?xi32>, memref<?xi32>, !heads, memref<?x?x?xf32>, index
}
