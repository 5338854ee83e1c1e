// Attention to keys and values in 8 bits, with a scale per sequence and head: e4m3 becomes bf16 on the way to the tensor
// cores, which could not read values that lie along the head. The query heads that share a key head are the rows of one
// matrix: row r of Q[b, h] is query r mod SQ of head h * GROUP + r / SQ. Causal, aligned at the last query and key.
!heads = memref<?x?x?x128xbf16>
!cache = memref<?x?x?x128xf8E4M3FN>
!queries = tensor<64x128xbf16>
!keys = tensor<64x128xbf16>
!scores = tensor<64x64xf32>
!tile = tensor<64x128xf32>
!rows = tensor<64xf32>
!numbers = tensor<64xi32>

tile.kernel @attend(%Q: !heads, %K: !cache, %V: !cache, %scales_k: memref<?x?xf32>, %scales_v: memref<?x?xf32>, %lengths: memref<?xi32>,
                    %O: !heads, %L: memref<?x?x?xf32>, %SQ: index) {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %block = gpu.block_id x
  %h = gpu.block_id y
  %b = gpu.block_id z
  %length = memref.load %lengths[%b] : memref<?xi32>
  %scale_k = memref.load %scales_k[%b, %h] : memref<?x?xf32>
  %scale_v = memref.load %scales_v[%b, %h] : memref<?x?xf32>
  %SK = arith.index_cast %length : i32 to index
  %m = arith.muli %block, %c64 : index
  %q = tile.load %Q[%b, %h, %m, %c0] pad 0.0 : bf16 : !heads -> !queries
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
  %no_scores = arith.constant dense<0.0> : !scores
  %hidden = arith.constant dense<0xFF800000> : !scores
  %log2e = arith.constant 0.12751743 : f32 // log2(e) / sqrt(128)
  %factor = arith.mulf %scale_k, %log2e : f32
  %scale = tensor.splat %factor : !scores
  %lowest = arith.constant dense<-1.0e30> : !rows
  %none = arith.constant dense<0.0> : !rows
  %sum_o, %max, %sum = scf.for %n = %c0 to %SK step %c64
      iter_args(%o = %zero, %old_max = %lowest, %old_sum = %none) -> (!tile, !rows, !rows) {
    %k8 = tile.load %K[%b, %h, %n, %c0] pad 0.0 : f8E4M3FN : !cache -> tensor<64x128xf8E4M3FN>
    %k = arith.extf %k8 : tensor<64x128xf8E4M3FN> to !keys
    %qk = tile.dot %q, %k, %no_scores transpose_b : !queries, !keys -> !scores
    %n_32 = arith.index_cast %n : index to i32
    %first_j = tensor.splat %n_32 : tensor<64x64xi32>
    %j = arith.addi %column, %first_j : tensor<64x64xi32>
    %sees = arith.cmpi sle, %j, %last : tensor<64x64xi32>
    %scaled = arith.mulf %qk, %scale : !scores
    %s = arith.select %sees, %scaled, %hidden : tensor<64x64xi1>, !scores
    %new_max = tile.reduce max %s, %old_max axis 1 : !scores -> !rows
    %max_tile = tile.broadcast %new_max axes [1] : !rows -> !scores
    %exponent = arith.subf %s, %max_tile : !scores
    %p = math.exp2 %exponent : !scores
    %change = arith.subf %old_max, %new_max : !rows
    %shrink = math.exp2 %change : !rows
    %kept_sum = arith.mulf %old_sum, %shrink : !rows
    %new_sum = tile.reduce add %p, %kept_sum axis 1 : !scores -> !rows
    %shrink_tile = tile.broadcast %shrink axes [1] : !rows -> !tile
    %kept_o = arith.mulf %o, %shrink_tile : !tile
    %p16 = arith.truncf %p : !scores to tensor<64x64xbf16>
    %v8 = tile.load %V[%b, %h, %n, %c0] pad 0.0 : f8E4M3FN : !cache -> tensor<64x128xf8E4M3FN>
    %v = arith.extf %v8 : tensor<64x128xf8E4M3FN> to !keys
    %new_o = tile.dot %p16, %v, %kept_o : tensor<64x64xbf16>, !keys -> !tile
    scf.yield %new_o, %new_max, %new_sum : !tile, !rows, !rows
  } {tile.overlap = false} // Keys and values already take registers on their way.
  // A query that sees no key gives zeros, and a logarithm of -inf.
  %tiny = arith.constant dense<1.0e-30> : !rows
  %divisor = arith.maximumf %sum, %tiny : !rows
  %scales = tensor.splat %scale_v : !rows
  %weight = arith.divf %scales, %divisor : !rows
  %weight_tile = tile.broadcast %weight axes [1] : !rows -> !tile
  %out = arith.mulf %sum_o, %weight_tile : !tile
  %out16 = arith.truncf %out : !tile to !queries
  %log_sum = math.log2 %sum : !rows
  %log = arith.addf %max, %log_sum : !rows
  %ln2 = arith.constant dense<0.6931472> : !rows
  %lse = arith.mulf %log, %ln2 : !rows
  tile.store %out16, %O[%b, %h, %m, %c0] : !queries, !heads
  tile.store %lse, %L[%b, %h, %m] : !rows, memref<?x?x?xf32>
}

// ROWS is GROUP * SQ.
tile.host @attention_fp8_cache[%B, %HK, %ROWS, %SQ, %SK_MAX](%Q: !heads[%B, %HK, %ROWS], %K: !cache[%B, %HK, %SK_MAX], %V: !cache[%B, %HK, %SK_MAX],
    %scales_k: memref<?x?xf32>[%B, %HK], %scales_v: memref<?x?xf32>[%B, %HK], %lengths: memref<?xi32>[%B],
    out %O: !heads[%B, %HK, %ROWS], out %L: memref<?x?x?xf32>[%B, %HK, %ROWS]) {
  %c64 = arith.constant 64 : index
  %blocks = arith.ceildivui %ROWS, %c64 : index
  tile.launch @attend grid(%blocks, %HK, %B) args(%Q, %K, %V, %scales_k, %scales_v, %lengths, %O, %L, %SQ)
    : !heads, !cache, !cache, memref<?x?xf32>, memref<?x?xf32>, memref<?xi32>, !heads, memref<?x?x?xf32>, index
}
