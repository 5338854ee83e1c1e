// Attention to keys and values in 4 bits: byte d of a row holds element d in its low half and element d + 64 in its high
// half, signed, and each row has a scale. Products with the halves of a key sum up to its score; scales of keys multiply
// scores, those of values the weights. The query heads that share a key head are the rows of one matrix: row r of Q[b, h]
// is query r mod SQ of head h * GROUP + r / SQ. Causal, aligned at the last query and key.
!heads = memref<?x?x?x128xbf16>
!cache = memref<?x?x?x64xi8>
!half_queries = tensor<64x64xbf16>
!packed = tensor<64x64xi8>
!half_keys = tensor<64x64xbf16>
!weights = tensor<64x64xbf16>
!half = tensor<64x64xf32>
!tile = tensor<64x64xf32>
!rows = tensor<64xf32>
!numbers = tensor<64xi32>

tile.kernel @attend(%Q: !heads, %K: !cache, %V: !cache, %scales_k: memref<?x?x?xf32>, %scales_v: memref<?x?x?xf32>, %lengths: memref<?xi32>,
                    %O: !heads, %L: memref<?x?x?xf32>, %SQ: index) {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %block = gpu.block_id x
  %h = gpu.block_id y
  %b = gpu.block_id z
  %length = memref.load %lengths[%b] : memref<?xi32>
  %SK = arith.index_cast %length : i32 to index
  %m = arith.muli %block, %c64 : index
  %q_low = tile.load %Q[%b, %h, %m, %c0] pad 0.0 : bf16 : !heads -> !half_queries
  %q_high = tile.load %Q[%b, %h, %m, %c64] pad 0.0 : bf16 : !heads -> !half_queries
  %four = arith.constant dense<4> : !packed
  %m32 = arith.index_cast %m : index to i32
  %SQ32 = arith.index_cast %SQ : index to i32
  %row = tile.iota axis 0 : !numbers
  %first_row = tensor.splat %m32 : !numbers
  %r = arith.addi %row, %first_row : !numbers
  %count = tensor.splat %SQ32 : !numbers
  %i = arith.remui %r, %count : !numbers
  %shift = arith.subi %length, %SQ32 : i32
  %shifts = tensor.splat %shift : !numbers
  %position = arith.addi %i, %shifts : !numbers
  %last = tile.broadcast %position axes [1] : !numbers -> tensor<64x64xi32>
  %column = tile.iota axis 1 : tensor<64x64xi32>
  %zero = arith.constant dense<0.0> : !tile
  %hidden = arith.constant dense<0xFF800000> : !tile
  %zero_half = arith.constant dense<0.0> : !half
  %scale = arith.constant dense<0.12751743> : !tile // log2(e) / sqrt(128)
  %scale_row = arith.constant dense<0.12751743> : !rows
  %lowest = arith.constant dense<-1.0e30> : !rows
  %none = arith.constant dense<0.0> : !rows
  %low_o, %high_o, %max, %sum = scf.for %n = %c0 to %SK step %c64
      iter_args(%ol = %zero_half, %oh = %zero_half, %old_max = %lowest, %old_sum = %none) -> (!half, !half, !rows, !rows) {
    %k4 = tile.load %K[%b, %h, %n, %c0] pad 0 : i8 : !cache -> !packed
    %k_shifted = arith.shli %k4, %four : !packed
    %k_low4 = arith.shrsi %k_shifted, %four : !packed
    %k_high4 = arith.shrsi %k4, %four : !packed
    %k_low = arith.sitofp %k_low4 : !packed to !half_keys
    %k_high = arith.sitofp %k_high4 : !packed to !half_keys
    %qk_low = tile.dot %q_low, %k_low, %zero transpose_b : !half_queries, !half_keys -> !tile
    %qk = tile.dot %q_high, %k_high, %qk_low transpose_b : !half_queries, !half_keys -> !tile
    %scale_k = tile.load %scales_k[%b, %h, %n] pad 0.0 : f32 : memref<?x?x?xf32> -> tensor<64xf32>
    %scale_v = tile.load %scales_v[%b, %h, %n] pad 0.0 : f32 : memref<?x?x?xf32> -> tensor<64xf32>
    %scale_k_tile = tile.broadcast %scale_k axes [0] : tensor<64xf32> -> !tile
    %scale_v_tile = tile.broadcast %scale_v axes [0] : tensor<64xf32> -> !tile
    %score = arith.mulf %qk, %scale_k_tile : !tile
    %n_32 = arith.index_cast %n : index to i32
    %first_j = tensor.splat %n_32 : tensor<64x64xi32>
    %j = arith.addi %column, %first_j : tensor<64x64xi32>
    %sees = arith.cmpi sle, %j, %last : tensor<64x64xi32>
    %s = arith.select %sees, %score, %hidden : tensor<64x64xi1>, !tile
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
    %shrink_tile = tile.broadcast %shrink axes [1] : !rows -> !half
    %kept_l = arith.mulf %ol, %shrink_tile : !half
    %kept_h = arith.mulf %oh, %shrink_tile : !half
    %weight = arith.mulf %p, %scale_v_tile : !tile
    %p16 = arith.truncf %weight : !tile to !weights
    %v4 = tile.load %V[%b, %h, %n, %c0] pad 0 : i8 : !cache -> !packed
    %v_shifted = arith.shli %v4, %four : !packed
    %v_low4 = arith.shrsi %v_shifted, %four : !packed
    %v_high4 = arith.shrsi %v4, %four : !packed
    %v_low = arith.sitofp %v_low4 : !packed to !half_keys
    %v_high = arith.sitofp %v_high4 : !packed to !half_keys
    %new_l = tile.dot %p16, %v_low, %kept_l : !weights, !half_keys -> !half
    %new_h = tile.dot %p16, %v_high, %kept_h : !weights, !half_keys -> !half
    scf.yield %new_l, %new_h, %new_max, %new_sum : !half, !half, !rows, !rows
  }
  // A query that sees no key gives zeros, and a logarithm of -inf.
  %tiny = arith.constant dense<1.0e-30> : !rows
  %divisor = arith.maximumf %sum, %tiny : !rows
  %divisor_tile = tile.broadcast %divisor axes [1] : !rows -> !half
  %out_low = arith.divf %low_o, %divisor_tile : !half
  %out_high = arith.divf %high_o, %divisor_tile : !half
  %low16 = arith.truncf %out_low : !half to !half_queries
  %high16 = arith.truncf %out_high : !half to !half_queries
  %log_sum = math.log2 %sum : !rows
  %log = math.fma %max, %scale_row, %log_sum : !rows
  %ln2 = arith.constant dense<0.6931472> : !rows
  %lse = arith.mulf %log, %ln2 : !rows
  tile.store %low16, %O[%b, %h, %m, %c0] : !half_queries, !heads
  tile.store %high16, %O[%b, %h, %m, %c64] : !half_queries, !heads
  tile.store %lse, %L[%b, %h, %m] : !rows, memref<?x?x?xf32>
}

// ROWS is GROUP * SQ.
tile.host @attention_int4_cache[%B, %HK, %ROWS, %SQ, %SK_MAX](%Q: !heads[%B, %HK, %ROWS], %K: !cache[%B, %HK, %SK_MAX], %V: !cache[%B, %HK, %SK_MAX],
    %scales_k: memref<?x?x?xf32>[%B, %HK, %SK_MAX], %scales_v: memref<?x?x?xf32>[%B, %HK, %SK_MAX], %lengths: memref<?xi32>[%B],
    out %O: !heads[%B, %HK, %ROWS], out %L: memref<?x?x?xf32>[%B, %HK, %ROWS]) {
  %c64 = arith.constant 64 : index
  %blocks = arith.ceildivui %ROWS, %c64 : index
  tile.launch @attend grid(%blocks, %HK, %B) args(%Q, %K, %V, %scales_k, %scales_v, %lengths, %O, %L, %SQ)
    : !heads, !cache, !cache, memref<?x?x?xf32>, memref<?x?x?xf32>, memref<?xi32>, !heads, memref<?x?x?xf32>, index
}
