// Causal attention: O = softmax(Q K^T / sqrt(128)) V over bf16 heads of 128 elements, and the logarithm L of each row's sum.
// HQ query heads share HK heads of keys and values. Query i sees the keys up to i + SK - SQ; one that sees none gives zeros
// and -inf. Longer rows of blocks come first, so that short ones fill the gaps at the end.
//
//   heddle run examples/attention.mlir --size B=1 --size HQ=4 --size HK=2 --size SQ=200 --size SK=300 --check
!heads = memref<?x?x?x128xbf16>
!logs = memref<?x?x?xf32>
!operand = tensor<128x128xbf16>
!tile = tensor<128x128xf32>
!rows = tensor<128xf32>
!indices = tensor<128x128xi32>

tile.kernel @attend(%Q: !heads, %K: !heads, %V: !heads, %O: !heads, %L: !logs) attributes {tile.raster = 1} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %c128 = arith.constant 128 : index
  %x = gpu.block_id x
  %h = gpu.block_id y
  %b = gpu.block_id z
  %blocks = gpu.grid_dim x
  %HQ = memref.dim %Q, %c1 : !heads
  %HK = memref.dim %K, %c1 : !heads
  %SQ = memref.dim %Q, %c2 : !heads
  %SK = memref.dim %K, %c2 : !heads
  %group = arith.divui %HQ, %HK : index
  %hk = arith.divui %h, %group : index
  %from_end = arith.subi %blocks, %x : index
  %block = arith.subi %from_end, %c1 : index
  %m = arith.muli %block, %c128 : index
  %shift = arith.subi %SK, %SQ : index
  %last_key = arith.addi %m, %shift : index
  %last_key_32 = arith.index_cast %last_key : index to i32
  %last_keys = tensor.splat %last_key_32 : !indices
  %row = tile.iota axis 0 : !indices
  %column = tile.iota axis 1 : !indices
  %i = arith.addi %row, %last_keys : !indices

  %zero = arith.constant dense<0.0> : !tile
  %none = arith.constant dense<0.0> : !rows
  %hidden = arith.constant dense<0xFF800000> : !tile
  // Finite, so that no difference is NaN.
  %lowest = arith.constant dense<-1.0e30> : !rows
  // log2(e) / sqrt(128), since 2^x is what hardware computes.
  %scale = arith.constant dense<0.127517432> : !tile
  %scale_rows = arith.constant dense<0.127517432> : !rows
  %q = tile.load %Q[%b, %h, %m, %c0] pad 0.0 : bf16 : !heads -> !operand
  %sum_o, %max, %sum = scf.for %n = %c0 to %SK step %c128
      iter_args(%o = %zero, %old_max = %lowest, %old_sum = %none) -> (!tile, !rows, !rows) {
    %k = tile.load %K[%b, %hk, %n, %c0] pad 0.0 : bf16 : !heads -> !operand
    %qk = tile.dot %q, %k, %zero transpose_b : !operand, !operand -> !tile
    %n_32 = arith.index_cast %n : index to i32
    %first_j = tensor.splat %n_32 : !indices
    %j = arith.addi %column, %first_j : !indices
    %sees = arith.cmpi sle, %j, %i : !indices
    %s = arith.select %sees, %qk, %hidden : tensor<128x128xi1>, !tile
    %new_max = tile.reduce max %s, %old_max axis 1 : !tile -> !rows
    %scaled_max = arith.mulf %new_max, %scale_rows : !rows
    %offset = arith.negf %scaled_max : !rows
    %offset_tile = tile.broadcast %offset axes [1] : !rows -> !tile
    %exponent = math.fma %s, %scale, %offset_tile : !tile
    %p = math.exp2 %exponent : !tile
    %change = math.fma %old_max, %scale_rows, %offset : !rows
    %shrink = math.exp2 %change : !rows
    %kept_sum = arith.mulf %old_sum, %shrink : !rows
    %new_sum = tile.reduce add %p, %kept_sum axis 1 : !tile -> !rows
    %shrink_tile = tile.broadcast %shrink axes [1] : !rows -> !tile
    %kept_o = arith.mulf %o, %shrink_tile : !tile
    %p16 = arith.truncf %p : !tile to !operand
    %v = tile.load %V[%b, %hk, %n, %c0] pad 0.0 : bf16 : !heads -> !operand
    %new_o = tile.dot %p16, %v, %kept_o : !operand, !operand -> !tile
    scf.yield %new_o, %new_max, %new_sum : !tile, !rows, !rows
  }

  %one = arith.constant dense<1.0> : !rows
  %tiny = arith.constant dense<1.0e-30> : !rows
  %ln2 = arith.constant dense<0.693147181> : !rows
  %divisor = arith.maximumf %sum, %tiny : !rows
  %factor = arith.divf %one, %divisor : !rows
  %factor_tile = tile.broadcast %factor axes [1] : !rows -> !tile
  %out = arith.mulf %sum_o, %factor_tile : !tile
  %out16 = arith.truncf %out : !tile to !operand
  tile.store %out16, %O[%b, %h, %m, %c0] : !operand, !heads
  %log_sum = math.log2 %sum : !rows
  %log = math.fma %max, %scale_rows, %log_sum : !rows
  %lse = arith.mulf %log, %ln2 : !rows
  tile.store %lse, %L[%b, %h, %m] : !rows, !logs
}

tile.host @attention[%B, %HQ, %HK, %SQ, %SK](%Q: !heads[%B, %HQ, %SQ], %K: !heads[%B, %HK, %SK], %V: !heads[%B, %HK, %SK],
                                             out %O: !heads[%B, %HQ, %SQ], out %L: !logs[%B, %HQ, %SQ]) {
  %c128 = arith.constant 128 : index
  %blocks = arith.ceildivui %SQ, %c128 : index
  tile.launch @attend grid(%blocks, %HQ, %B) args(%Q, %K, %V, %O, %L) : !heads, !heads, !heads, !heads, !logs
}
