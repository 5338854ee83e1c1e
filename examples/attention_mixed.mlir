// One launch for prompts in chunks and for sequences that decode: sequence b has the queries starts[b] to starts[b + 1], one
// or many, at the end of its lengths[b] positions. Position n is row n mod 128 of page pages[b, n / 128]. The GROUP query
// heads that share a key head are neighbours: row r of Q[h] is query r / GROUP, head h * GROUP + r mod GROUP. Causal.
!packed = memref<?x?x128xbf16>
!pages = memref<?x?x128x128xbf16>
!sequence = memref<?x128xbf16, strided<[128, 1], offset: ?>>
!logs = memref<?xf32, strided<[1], offset: ?>>
!operand = tensor<128x128xbf16>
!tile = tensor<128x128xf32>
!rows = tensor<128xf32>
!numbers = tensor<128xi32>

tile.kernel @attend(%Q: !packed, %K: !pages, %V: !pages, %pages: memref<?x?xi32>, %starts: memref<?xi32>, %lengths: memref<?xi32>,
                    %O: !packed, %L: memref<?x?xf32>, %GROUP: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c128 = arith.constant 128 : index
  %block = gpu.block_id x
  %h = gpu.block_id y
  %b = gpu.block_id z
  %next = arith.addi %b, %c1 : index
  %start = memref.load %starts[%b] : memref<?xi32>
  %stop = memref.load %starts[%next] : memref<?xi32>
  %length = memref.load %lengths[%b] : memref<?xi32>
  %SQ = arith.subi %stop, %start : i32
  %shift = arith.subi %length, %SQ : i32
  %query0 = arith.index_cast %start : i32 to index
  %queries = arith.index_cast %SQ : i32 to index
  %row0 = arith.muli %query0, %GROUP : index
  %count = arith.muli %queries, %GROUP : index
  %O_b = memref.subview %O[%h, %row0, 0] [1, %count, 128] [1, 1, 1] : !packed to !sequence
  %L_b = memref.subview %L[%h, %row0] [1, %count] [1, 1] : memref<?x?xf32> to !logs
  %m = arith.muli %block, %c128 : index
  %exists = arith.cmpi slt, %m, %count : index
  scf.if %exists {
    // Query i is at position i + length - SQ; the last one of the tile sees the most.
    %m32 = arith.index_cast %m : index to i32
    %GROUP32 = arith.index_cast %GROUP : index to i32
    %row = tile.iota axis 0 : !numbers
    %first_row = tensor.splat %m32 : !numbers
    %r = arith.addi %row, %first_row : !numbers
    %groups = tensor.splat %GROUP32 : !numbers
    %i = arith.divui %r, %groups : !numbers
    %shifts = tensor.splat %shift : !numbers
    %position = arith.addi %i, %shifts : !numbers
    %last = tile.broadcast %position axes [1] : !numbers -> tensor<128x128xi32>
    %column = tile.iota axis 1 : tensor<128x128xi32>
    %c128_32 = arith.constant 128 : i32
    %m_end = arith.addi %m32, %c128_32 : i32
    %i_end = arith.ceildivsi %m_end, %GROUP32 : i32
    %seen = arith.addi %i_end, %shift : i32
    %end32 = arith.minsi %seen, %length : i32
    %end = arith.index_cast %end32 : i32 to index
    %first_i = arith.divui %m32, %GROUP32 : i32
    %before = arith.addi %first_i, %shift : i32
    %at = arith.addi %row0, %m : index
    %q = tile.load %Q[%h, %at, %c0] pad 0.0 : bf16 : !packed -> !operand
    %zero = arith.constant dense<0.0> : !tile
    %hidden = arith.constant dense<0xFF800000> : !tile
    %scale = arith.constant dense<0.12751743> : !tile // log2(e) / sqrt(128)
    %scale_row = arith.constant dense<0.12751743> : !rows
    %lowest = arith.constant dense<-1.0e30> : !rows
    %none = arith.constant dense<0.0> : !rows
    %sum_o, %max, %sum = scf.for %n = %c0 to %end step %c128
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
      // All rows see what is before the first one's position.
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
    %tiny = arith.constant dense<1.0e-30> : !rows
    %divisor = arith.maximumf %sum, %tiny : !rows
    %divisor_tile = tile.broadcast %divisor axes [1] : !rows -> !tile
    %out = arith.divf %sum_o, %divisor_tile : !tile
    %out16 = arith.truncf %out : !tile to !operand
    %log_sum = math.log2 %sum : !rows
    %log = math.fma %max, %scale_row, %log_sum : !rows
    %ln2 = arith.constant dense<0.6931472> : !rows
    %lse = arith.mulf %log, %ln2 : !rows
    tile.store %out16, %O_b[%m, %c0] : !operand, !sequence
    tile.store %lse, %L_b[%m] : !rows, !logs
  }
}

// ROWS is GROUP times the queries of all sequences, SQ_MAX the most of one; STARTS is B + 1.
tile.host @attention_mixed[%B, %STARTS, %HK, %GROUP, %ROWS, %SQ_MAX, %POOL, %PAGES](%Q: !packed[%HK, %ROWS], %K: !pages[%POOL, %HK],
    %V: !pages[%POOL, %HK], %pages: memref<?x?xi32>[%B, %PAGES], %starts: memref<?xi32>[%STARTS], %lengths: memref<?xi32>[%B],
    out %O: !packed[%HK, %ROWS], out %L: memref<?x?xf32>[%HK, %ROWS]) {
  %c128 = arith.constant 128 : index
  %most = arith.muli %SQ_MAX, %GROUP : index
  %blocks = arith.ceildivui %most, %c128 : index
  tile.launch @attend grid(%blocks, %HK, %B) args(%Q, %K, %V, %pages, %starts, %lengths, %O, %L, %GROUP)
    : !packed, !pages, !pages, memref<?x?xi32>, memref<?xi32>, memref<?xi32>, !packed, memref<?x?xf32>, index
}
