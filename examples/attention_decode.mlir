// Decoding: few queries, many keys. SPLITS blocks share the keys of a sequence out evenly and keep their parts of the
// result in PO and PL; then one kernel combines them. The GROUP query heads that share a key head are rows of one matrix:
// row r of Q[b, h] is query r mod SQ of head h * GROUP + r / SQ. Causal, aligned at the last query and key lengths[b] - 1.
!heads = memref<?x?x?x128xbf16>
!parts = memref<?x?x?x?x128xf32>
!logs = memref<?x?x?x?xf32>
!tile = tensor<64x128xf32>
!rows = tensor<64xf32>

tile.kernel @attend(%Q: !heads, %K: !heads, %V: !heads, %lengths: memref<?xi32>, %PO: !parts, %PL: !logs, %SQ: index, %HK: index) {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %c128 = arith.constant 128 : index
  %block = gpu.block_id x
  %split = gpu.block_id y
  %bh = gpu.block_id z
  %b = arith.divui %bh, %HK : index
  %h = arith.remui %bh, %HK : index
  %length = memref.load %lengths[%b] : memref<?xi32>
  %SK = arith.index_cast %length : i32 to index
  %splits = gpu.grid_dim y
  %blocks = arith.ceildivsi %SK, %c128 : index
  %share = arith.ceildivsi %blocks, %splits : index
  %keys = arith.muli %share, %c128 : index
  %begin = arith.muli %split, %keys : index
  %after = arith.addi %begin, %keys : index
  %end = arith.minsi %after, %SK : index
  %m = arith.muli %block, %c64 : index
  %q = tile.load %Q[%b, %h, %m, %c0] pad 0.0 : bf16 : !heads -> tensor<64x128xbf16>
  %m32 = arith.index_cast %m : index to i32
  %SQ32 = arith.index_cast %SQ : index to i32
  %row = tile.iota axis 0 : tensor<64xi32>
  %first_row = tensor.splat %m32 : tensor<64xi32>
  %r = arith.addi %row, %first_row : tensor<64xi32>
  %queries = tensor.splat %SQ32 : tensor<64xi32>
  %i = arith.remui %r, %queries : tensor<64xi32>
  %shift = arith.subi %length, %SQ32 : i32
  %before = arith.subi %SK, %SQ : index
  %shifts = tensor.splat %shift : tensor<64xi32>
  %position = arith.addi %i, %shifts : tensor<64xi32>
  %last = tile.broadcast %position axes [1] : tensor<64xi32> -> tensor<64x128xi32>
  %column = tile.iota axis 1 : tensor<64x128xi32>
  %zero = arith.constant dense<0.0> : !tile
  %hidden = arith.constant dense<0xFF800000> : !tile
  %scale = arith.constant dense<0.12751743> : !tile // log2(e) / sqrt(128)
  %scale_row = arith.constant dense<0.12751743> : !rows
  %lowest = arith.constant dense<-1.0e30> : !rows
  %none = arith.constant dense<0.0> : !rows
  %sum_o, %max, %sum = scf.for %n = %begin to %end step %c128
      iter_args(%o = %zero, %old_max = %lowest, %old_sum = %none) -> (!tile, !rows, !rows) {
    %k = tile.load %K[%b, %h, %n, %c0] pad 0.0 : bf16 : !heads -> tensor<128x128xbf16>
    %qk = tile.dot %q, %k, %zero transpose_b : tensor<64x128xbf16>, tensor<128x128xbf16> -> !tile
    %n_32 = arith.index_cast %n : index to i32
    %first_j = tensor.splat %n_32 : tensor<64x128xi32>
    %j = arith.addi %column, %first_j : tensor<64x128xi32>
    %sees_j = arith.cmpi sle, %j, %last : tensor<64x128xi32>
    // All queries see what is before the first one.
    %next_n = arith.addi %n, %c128 : index
    %is_before = arith.cmpi sle, %next_n, %before : index
    %all_see = tensor.splat %is_before : tensor<64x128xi1>
    %sees = arith.ori %all_see, %sees_j : tensor<64x128xi1>
    %s = arith.select %sees, %qk, %hidden : tensor<64x128xi1>, !tile
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
    %p16 = arith.truncf %p : !tile to tensor<64x128xbf16>
    %v = tile.load %V[%b, %h, %n, %c0] pad 0.0 : bf16 : !heads -> tensor<128x128xbf16>
    %new_o = tile.dot %p16, %v, %kept_o : tensor<64x128xbf16>, tensor<128x128xbf16> -> !tile
    scf.yield %new_o, %new_max, %new_sum : !tile, !rows, !rows
  }
  %tiny = arith.constant dense<1.0e-30> : !rows
  %divisor = arith.maximumf %sum, %tiny : !rows
  %divisor_tile = tile.broadcast %divisor axes [1] : !rows -> !tile
  %out = arith.divf %sum_o, %divisor_tile : !tile
  %log_sum = math.log2 %sum : !rows
  %log = math.fma %max, %scale_row, %log_sum : !rows
  tile.store %out, %PO[%split, %b, %h, %m, %c0] : !tile, !parts
  tile.store %log, %PL[%split, %b, %h, %m] : !rows, !logs
}

// Logarithms of parts are of two; those of parts without keys are -inf, and count nothing.
tile.kernel @combine(%PO: !parts, %PL: !logs, %O: !heads, %L: memref<?x?x?xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c16 = arith.constant 16 : index
  %block = gpu.block_id x
  %h = gpu.block_id y
  %b = gpu.block_id z
  %splits = memref.dim %PO, %c0 : !parts
  %m = arith.muli %block, %c16 : index
  %zero = arith.constant dense<0.0> : tensor<16x128xf32>
  %lowest = arith.constant dense<-1.0e30> : tensor<16xf32>
  %none = arith.constant dense<0.0> : tensor<16xf32>
  %sum_o, %max, %sum = scf.for %split = %c0 to %splits step %c1
      iter_args(%o = %zero, %old_max = %lowest, %old_sum = %none) -> (tensor<16x128xf32>, tensor<16xf32>, tensor<16xf32>) {
    %log = tile.load %PL[%split, %b, %h, %m] pad 0.0 : f32 : !logs -> tensor<16xf32>
    %part = tile.load %PO[%split, %b, %h, %m, %c0] pad 0.0 : f32 : !parts -> tensor<16x128xf32>
    %new_max = arith.maximumf %log, %old_max : tensor<16xf32>
    %change = arith.subf %old_max, %new_max : tensor<16xf32>
    %shrink = math.exp2 %change : tensor<16xf32>
    %exponent = arith.subf %log, %new_max : tensor<16xf32>
    %weight = math.exp2 %exponent : tensor<16xf32>
    %new_sum = math.fma %old_sum, %shrink, %weight : tensor<16xf32>
    %shrink_tile = tile.broadcast %shrink axes [1] : tensor<16xf32> -> tensor<16x128xf32>
    %kept_o = arith.mulf %o, %shrink_tile : tensor<16x128xf32>
    %weight_tile = tile.broadcast %weight axes [1] : tensor<16xf32> -> tensor<16x128xf32>
    %new_o = math.fma %part, %weight_tile, %kept_o : tensor<16x128xf32>
    scf.yield %new_o, %new_max, %new_sum : tensor<16x128xf32>, tensor<16xf32>, tensor<16xf32>
  }
  %tiny = arith.constant dense<1.0e-30> : tensor<16xf32>
  %divisor = arith.maximumf %sum, %tiny : tensor<16xf32>
  %divisor_tile = tile.broadcast %divisor axes [1] : tensor<16xf32> -> tensor<16x128xf32>
  %out = arith.divf %sum_o, %divisor_tile : tensor<16x128xf32>
  %out16 = arith.truncf %out : tensor<16x128xf32> to tensor<16x128xbf16>
  %log_sum = math.log2 %sum : tensor<16xf32>
  %log = arith.addf %max, %log_sum : tensor<16xf32>
  %ln2 = arith.constant dense<0.6931472> : tensor<16xf32>
  %lse = arith.mulf %log, %ln2 : tensor<16xf32>
  tile.store %out16, %O[%b, %h, %m, %c0] : tensor<16x128xbf16>, !heads
  tile.store %lse, %L[%b, %h, %m] : tensor<16xf32>, memref<?x?x?xf32>
}

// ROWS is GROUP * SQ. SPLITS fills the GPU best if SPLITS * B * HK is not much above the number of multiprocessors.
tile.host @attention_decode[%B, %HK, %ROWS, %SQ, %SK_MAX, %SPLITS](%Q: !heads[%B, %HK, %ROWS], %K: !heads[%B, %HK, %SK_MAX],
    %V: !heads[%B, %HK, %SK_MAX], %lengths: memref<?xi32>[%B], out %PO: !parts[%SPLITS, %B, %HK, %ROWS],
    out %PL: !logs[%SPLITS, %B, %HK, %ROWS], out %O: !heads[%B, %HK, %ROWS], out %L: memref<?x?x?xf32>[%B, %HK, %ROWS]) {
  %c64 = arith.constant 64 : index
  %c16 = arith.constant 16 : index
  %blocks = arith.ceildivui %ROWS, %c64 : index
  %sequences = arith.muli %B, %HK : index
  tile.launch @attend grid(%blocks, %SPLITS, %sequences) args(%Q, %K, %V, %lengths, %PO, %PL, %SQ, %HK)
    : !heads, !heads, !heads, memref<?xi32>, !parts, !logs, index, index
  %parts = arith.ceildivui %ROWS, %c16 : index
  tile.launch @combine grid(%parts, %HK, %B) args(%PO, %PL, %O, %L) : !parts, !logs, !heads, memref<?x?x?xf32>
}
