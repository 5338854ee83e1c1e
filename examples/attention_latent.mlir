// Latent attention, absorbed: all heads share one key of 576 elements per position, of which the first 512 are the value too.
// Row r of Q[b] is query r mod SQ of head r / SQ; keys of sequence b are the first lengths[b] rows of C[b]. Blocks compute
// 256 columns of the result, which is as much as registers hold. Causal, aligned at the last query and key.
!latent = memref<?x?x576xbf16>
!result = memref<?x?x512xbf16>
!scores = tensor<64x32xf32>
!tile = tensor<64x256xf32>
!rows = tensor<64xf32>
!numbers = tensor<64xi32>

tile.kernel @attend(%Q: !latent, %C: !latent, %lengths: memref<?xi32>, %O: !result, %L: memref<?x?xf32>, %SQ: index) {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %c32 = arith.constant 32 : index
  %c256 = arith.constant 256 : index
  %block = gpu.block_id x
  %half = gpu.block_id y
  %b = gpu.block_id z
  %length = memref.load %lengths[%b] : memref<?xi32>
  %SK = arith.index_cast %length : i32 to index
  %m = arith.muli %block, %c64 : index
  %d = arith.muli %half, %c256 : index
  %q = tile.load %Q[%b, %m, %c0] pad 0.0 : bf16 : !latent -> tensor<64x576xbf16>
  %m32 = arith.index_cast %m : index to i32
  %SQ32 = arith.index_cast %SQ : index to i32
  %row = tile.iota axis 0 : !numbers
  %first_row = tensor.splat %m32 : !numbers
  %r = arith.addi %row, %first_row : !numbers
  %queries = tensor.splat %SQ32 : !numbers
  %i = arith.remui %r, %queries : !numbers
  %shift = arith.subi %length, %SQ32 : i32
  %shifts = tensor.splat %shift : !numbers
  %position = arith.addi %i, %shifts : !numbers
  %last = tile.broadcast %position axes [1] : !numbers -> tensor<64x32xi32>
  %column = tile.iota axis 1 : tensor<64x32xi32>
  %zero_s = arith.constant dense<0.0> : !scores
  %zero_o = arith.constant dense<0.0> : !tile
  %hidden = arith.constant dense<0xFF800000> : !scores
  %scale = arith.constant dense<0.10411755> : !scores // log2(e) / sqrt(128 + 64)
  %scale_row = arith.constant dense<0.10411755> : !rows
  %lowest = arith.constant dense<-1.0e30> : !rows
  %none = arith.constant dense<0.0> : !rows
  %sum_o, %max, %sum = scf.for %n = %c0 to %SK step %c32
      iter_args(%o = %zero_o, %old_max = %lowest, %old_sum = %none) -> (!tile, !rows, !rows) {
    %k = tile.load %C[%b, %n, %c0] pad 0.0 : bf16 : !latent -> tensor<32x576xbf16>
    %qk = tile.dot %q, %k, %zero_s transpose_b : tensor<64x576xbf16>, tensor<32x576xbf16> -> !scores
    %n_32 = arith.index_cast %n : index to i32
    %first_j = tensor.splat %n_32 : tensor<64x32xi32>
    %j = arith.addi %column, %first_j : tensor<64x32xi32>
    %sees = arith.cmpi sle, %j, %last : tensor<64x32xi32>
    %s = arith.select %sees, %qk, %hidden : tensor<64x32xi1>, !scores
    %new_max = tile.reduce max %s, %old_max axis 1 : !scores -> !rows
    %scaled_max = arith.mulf %new_max, %scale_row : !rows
    %offset = arith.negf %scaled_max : !rows
    %offset_tile = tile.broadcast %offset axes [1] : !rows -> !scores
    %exponent = math.fma %s, %scale, %offset_tile : !scores
    %p = math.exp2 %exponent : !scores
    %change = arith.subf %old_max, %new_max : !rows
    %scaled_change = arith.mulf %change, %scale_row : !rows
    %shrink = math.exp2 %scaled_change : !rows
    %kept_sum = arith.mulf %old_sum, %shrink : !rows
    %new_sum = tile.reduce add %p, %kept_sum axis 1 : !scores -> !rows
    %shrink_tile = tile.broadcast %shrink axes [1] : !rows -> !tile
    %kept_o = arith.mulf %o, %shrink_tile : !tile
    %p16 = arith.truncf %p : !scores to tensor<64x32xbf16>
    %v = tile.load %C[%b, %n, %d] pad 0.0 : bf16 : !latent -> tensor<32x256xbf16>
    %new_o = tile.dot %p16, %v, %kept_o : tensor<64x32xbf16>, tensor<32x256xbf16> -> !tile
    scf.yield %new_o, %new_max, %new_sum : !tile, !rows, !rows
  }
  // A query that sees no key gives zeros, and a logarithm of -inf.
  %tiny = arith.constant dense<1.0e-30> : !rows
  %divisor = arith.maximumf %sum, %tiny : !rows
  %divisor_tile = tile.broadcast %divisor axes [1] : !rows -> !tile
  %out = arith.divf %sum_o, %divisor_tile : !tile
  %out16 = arith.truncf %out : !tile to tensor<64x256xbf16>
  tile.store %out16, %O[%b, %m, %d] : tensor<64x256xbf16>, !result
  %is_first = arith.cmpi eq, %half, %c0 : index
  scf.if %is_first {
    %log_sum = math.log2 %sum : !rows
    %log = math.fma %max, %scale_row, %log_sum : !rows
    %ln2 = arith.constant dense<0.6931472> : !rows
    %lse = arith.mulf %log, %ln2 : !rows
    tile.store %lse, %L[%b, %m] : !rows, memref<?x?xf32>
  }
}

// ROWS is the number of heads times SQ.
tile.host @attention_latent[%B, %ROWS, %SQ, %SK_MAX](%Q: !latent[%B, %ROWS], %C: !latent[%B, %SK_MAX], %lengths: memref<?xi32>[%B],
    out %O: !result[%B, %ROWS], out %L: memref<?x?xf32>[%B, %ROWS]) {
  %c64 = arith.constant 64 : index
  %c2 = arith.constant 2 : index
  %blocks = arith.ceildivui %ROWS, %c64 : index
  tile.launch @attend grid(%blocks, %c2, %B) args(%Q, %C, %lengths, %O, %L, %SQ)
    : !latent, !latent, memref<?xi32>, !result, memref<?x?xf32>, index
}
