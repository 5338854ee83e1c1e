// Attention over packed sequences: queries of sequence b are the positions starts_q[b] to starts_q[b + 1] of Q, its keys
// and values starts_k[b] to starts_k[b + 1] of K and V. Causal, aligned at the last query and key. Groups of heads share
// keys. Tiles may read on into the next sequence: its keys are masked, its values count zero times, but 0 * NaN is NaN.
// What is written ends where the sequence does.
!packed = memref<?x?x128xbf16>
!operand = tensor<128x128xbf16>
!tile = tensor<128x128xf32>
!rows = tensor<128xf32>
!indices = tensor<128x128xi32>
!sequence = memref<?x128xbf16, strided<[128, 1], offset: ?>>
!logs = memref<?xf32, strided<[1], offset: ?>>

tile.kernel @attend(%Q: !packed, %K: !packed, %V: !packed, %starts_q: memref<?xi32>, %starts_k: memref<?xi32>, %O: !packed,
                    %L: memref<?x?xf32>, %group: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c128 = arith.constant 128 : index
  %block = gpu.block_id x
  %h = gpu.block_id y
  %b = gpu.block_id z
  %next = arith.addi %b, %c1 : index
  %q_start = memref.load %starts_q[%b] : memref<?xi32>
  %q_end = memref.load %starts_q[%next] : memref<?xi32>
  %k_start = memref.load %starts_k[%b] : memref<?xi32>
  %k_end = memref.load %starts_k[%next] : memref<?xi32>
  %q_length = arith.subi %q_end, %q_start : i32
  %k_length = arith.subi %k_end, %k_start : i32
  %SQ = arith.index_cast %q_length : i32 to index
  %SK = arith.index_cast %k_length : i32 to index
  %q0 = arith.index_cast %q_start : i32 to index
  %k0 = arith.index_cast %k_start : i32 to index
  %hk = arith.divui %h, %group : index
  // Starts that are not in order, or beyond the buffers, end the program here.
  %O_b = memref.subview %O[%h, %q0, 0] [1, %SQ, 128] [1, 1, 1] : !packed to !sequence
  %L_b = memref.subview %L[%h, %q0] [1, %SQ] [1, 1] : memref<?x?xf32> to !logs
  %K_b = memref.subview %K[%hk, %k0, 0] [1, %SK, 128] [1, 1, 1] : !packed to !sequence
  %m = arith.muli %block, %c128 : index
  %exists = arith.cmpi slt, %m, %SQ : index
  scf.if %exists {
    // Query i sees keys up to i + SK - SQ, and the tile none from end on.
    %shift = arith.subi %SK, %SQ : index
    %i0 = arith.addi %m, %shift : index
    %i0_32 = arith.index_cast %i0 : index to i32
    %after = arith.addi %i0, %c128 : index
    %end = arith.minsi %after, %SK : index
    %first_i = tensor.splat %i0_32 : !indices
    %row = tile.iota axis 0 : !indices
    %column = tile.iota axis 1 : !indices
    %i = arith.addi %row, %first_i : !indices
    %at = arith.addi %q0, %m : index
    %q = tile.load %Q[%h, %at, %c0] pad 0.0 : bf16 : !packed -> !operand
    %zero = arith.constant dense<0.0> : !tile
    %hidden = arith.constant dense<0xFF800000> : !tile
    %scale = arith.constant dense<0.12751743> : !tile // log2(e) / sqrt(128)
    %scale_row = arith.constant dense<0.12751743> : !rows
    %lowest = arith.constant dense<-1.0e30> : !rows
    %none = arith.constant dense<0.0> : !rows
    %sum_o, %max, %sum = scf.for %n = %c0 to %end step %c128
        iter_args(%o = %zero, %old_max = %lowest, %old_sum = %none) -> (!tile, !rows, !rows) {
      %k = tile.load %K_b[%n, %c0] : !sequence -> !operand
      %qk = tile.dot %q, %k, %zero transpose_b : !operand, !operand -> !tile
      %n_32 = arith.index_cast %n : index to i32
      %first_j = tensor.splat %n_32 : !indices
      %j = arith.addi %column, %first_j : !indices
      %sees = arith.cmpi sle, %j, %i : !indices
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
      %from = arith.addi %k0, %n : index
      %v = tile.load %V[%hk, %from, %c0] pad 0.0 : bf16 : !packed -> !operand
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
    tile.store %out16, %O_b[%m, %c0] : !operand, !sequence
    tile.store %lse, %L_b[%m] : !rows, !logs
  }
}

tile.host @attention_varlen[%B, %STARTS, %HQ, %HK, %TQ, %TK, %SQ_MAX](%Q: !packed[%HQ, %TQ], %K: !packed[%HK, %TK], %V: !packed[%HK, %TK],
    %starts_q: memref<?xi32>[%STARTS], %starts_k: memref<?xi32>[%STARTS], out %O: !packed[%HQ, %TQ], out %L: memref<?x?xf32>[%HQ, %TQ]) {
  %c128 = arith.constant 128 : index
  %blocks = arith.ceildivui %SQ_MAX, %c128 : index
  %none = arith.constant 0 : index
  %rest = arith.remui %HQ, %HK : index
  %divides = arith.cmpi eq, %rest, %none : index
  cf.assert %divides, "expected HQ to be a multiple of HK"
  %group = arith.divui %HQ, %HK : index
  tile.launch @attend grid(%blocks, %HQ, %B) args(%Q, %K, %V, %starts_q, %starts_k, %O, %L, %group)
    : !packed, !packed, !packed, memref<?xi32>, memref<?xi32>, !packed, memref<?x?xf32>, index
}
