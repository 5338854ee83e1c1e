// The gradients of attention over packed sequences, as attention_varlen.mlir packs
// them: queries of sequence b are the positions starts_q[b] to starts_q[b + 1],
// its keys starts_k[b] to starts_k[b + 1]. Otherwise as attention_backward.mlir.
// Tiles may read on into the next sequence, which counts zero times, but 0 * NaN
// is NaN. Every query must be of some sequence.

!packed = memref<?x?x128xbf16>
!sums = memref<?x?x128xf32>
!logs = memref<?x?xf32>
!starts = memref<?xi32>
!sequence = memref<?x128xbf16, strided<[128, 1], offset: ?>>
!sequence_sums = memref<?x128xf32, strided<[128, 1], offset: ?>>
!sequence_logs = memref<?xf32, strided<[1], offset: ?>>
!vector = memref<?xf32>
!half = tensor<64x128xbf16>
!tile = tensor<128x128xbf16>
!tile_sum = tensor<128x128xf32>
!half_sum = tensor<64x128xf32>
!scores = tensor<128x64xf32>
!narrow16 = tensor<128x64xbf16>
!k_half = tensor<128x64xbf16>
!dq_half = tensor<64x64xf32>
!stats = tensor<64xf32>
#half_head = 64 : index
#scale = dense<0.127517431> : !scores // log2(e) / sqrt(128)
#root = dense<0.088388348> : !tile_sum // 1 / sqrt(128)
#half_root = dense<0.088388348> : !half_sum

// The first token of sequence b, and how many there are.
func.func @find_sequence(%starts: !starts, %b: index) -> (index, index) {
  %c1 = arith.constant 1 : index
  %next = arith.addi %b, %c1 : index
  %start = memref.load %starts[%b] : !starts
  %end = memref.load %starts[%next] : !starts
  %length = arith.subi %end, %start : i32
  %count = arith.index_cast %length : i32 to index
  %first = arith.index_cast %start : i32 to index
  return %first, %count : index, index
}

// What the next kernel needs of each query: the log-sum-exp to the base of two
// and the sum of dO * O; and zero where dQ is summed up. Each sequence has as
// many rows as tiles have, from the multiple of 64 after 64 b queries more.
tile.kernel @prepare(%O: !packed, %dO: !packed, %L: !logs, %starts_q: !starts,
                     %L2: !vector, %D: !vector, %sum: !sums, %rows: index) {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %block = gpu.block_id x
  %h = gpu.block_id y
  %b = gpu.block_id z
  %q0, %SQ = func.call @find_sequence(%starts_q, %b) : (!starts, index) -> (index, index)
  // Starts that are not in order, or beyond the buffers, end the program here.
  %O_b = memref.subview %O[%h, %q0, 0] [1, %SQ, 128] [1, 1, 1] : !packed to !sequence
  %dO_b = memref.subview %dO[%h, %q0, 0] [1, %SQ, 128] [1, 1, 1] : !packed to !sequence
  %sum_b = memref.subview %sum[%h, %q0, 0] [1, %SQ, 128] [1, 1, 1] : !sums to !sequence_sums
  %L_b = memref.subview %L[%h, %q0] [1, %SQ] [1, 1] : !logs to !sequence_logs
  %m = arith.muli %block, %c64 : index
  %exists = arith.cmpi slt, %m, %SQ : index
  scf.if %exists {
    %zero = arith.constant dense<0.0> : !half_sum
    %none = arith.constant dense<0.0> : !stats
    tile.store %zero, %sum_b[%m, %c0] : !half_sum, !sequence_sums
    %before = arith.muli %b, %c64 : index
    %place = arith.addi %q0, %before : index
    %place64 = arith.divui %place, %c64 : index
    %base = arith.muli %place64, %c64 : index
    %first = arith.muli %h, %rows : index
    %first_row = arith.addi %first, %base : index
    %row = arith.addi %first_row, %m : index
    %ob = tile.load %O_b[%m, %c0] pad 0.0 : bf16 : !sequence -> !half
    %gb = tile.load %dO_b[%m, %c0] pad 0.0 : bf16 : !sequence -> !half
    %o = arith.extf %ob : !half to !half_sum
    %g = arith.extf %gb : !half to !half_sum
    %og = arith.mulf %o, %g : !half_sum
    %d = tile.reduce add %og, %none axis 1 : !half_sum -> !stats
    %minus_d = arith.subf %none, %d : !stats
    tile.store %minus_d, %D[%row] : !stats, !vector
    // Of a row that sees nothing, and of one that does not exist, it is -inf,
    // too: then all of the row's probabilities become zero.
    %l = tile.load %L_b[%m] pad 0xFF800000 : f32 : !sequence_logs -> !stats
    %lowest = arith.constant dense<0xFF800000> : !stats
    %log2e = arith.constant dense<-1.44269504> : !stats
    %scaled = arith.mulf %l, %log2e : !stats
    %empty = arith.cmpf oeq, %l, %lowest : !stats
    %l2 = arith.select %empty, %lowest, %scaled : tensor<64xi1>, !stats
    tile.store %l2, %L2[%row] : !stats, !vector
  }
}

// A block owns 128 keys, and goes over the queries of all heads that share them.
tile.kernel @gradients(%Q: !packed, %K: !packed, %V: !packed, %dO: !packed, %starts_q: !starts, %starts_k: !starts,
                       %L2: !vector, %D: !vector, %rows: index, %dQ: !sums, %dK: !packed, %dV: !packed,
                       %causal: i1) attributes {tile.raster = 1} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c64 = arith.constant 64 : index
  %half = arith.constant #half_head
  %c128 = arith.constant 128 : index
  %block = gpu.block_id x
  %hk = gpu.block_id y
  %b = gpu.block_id z
  %HQ = memref.dim %Q, %c0 : !packed
  %HK = memref.dim %K, %c0 : !packed
  %group = arith.divui %HQ, %HK : index
  %q0, %SQ = func.call @find_sequence(%starts_q, %b) : (!starts, index) -> (index, index)
  %k0, %SK = func.call @find_sequence(%starts_k, %b) : (!starts, index) -> (index, index)
  %dK_b = memref.subview %dK[%hk, %k0, 0] [1, %SK, 128] [1, 1, 1] : !packed to !sequence
  %dV_b = memref.subview %dV[%hk, %k0, 0] [1, %SK, 128] [1, 1, 1] : !packed to !sequence
  %diagonal = arith.subi %SK, %SQ : index
  %shift = arith.select %causal, %diagonal, %SK : index
  %n = arith.muli %block, %c128 : index
  %exists = arith.cmpi slt, %n, %SK : index
  scf.if %exists {
    %key = arith.addi %k0, %n : index
    %before = arith.muli %b, %c64 : index
    %place = arith.addi %q0, %before : index
    %place64 = arith.divui %place, %c64 : index
    %base = arith.muli %place64, %c64 : index
    %k = tile.load %K[%hk, %key, %c0] pad 0.0 : bf16 : !packed -> !tile
    %v = tile.load %V[%hk, %key, %c0] pad 0.0 : bf16 : !packed -> !tile
    // Again in halves, for half of dQ at a time: registers have no room for more.
    %k_left = tile.load %K[%hk, %key, %c0] pad 0.0 : bf16 : !packed -> !k_half
    %k_right = tile.load %K[%hk, %key, %half] pad 0.0 : bf16 : !packed -> !k_half
    %zero = arith.constant dense<0.0> : !tile_sum
    %none = arith.constant dense<0.0> : !scores
    %no_dq = arith.constant dense<0.0> : !dq_half
    %scale = arith.constant #scale
    // The first queries that see one of these keys.
    %first = arith.subi %n, %shift : index
    %positive = arith.maxsi %first, %c0 : index
    %blocks = arith.divui %positive, %c64 : index
    %start = arith.muli %blocks, %c64 : index
    %last_key = arith.subi %SK, %n : index
    %limit = arith.index_cast %last_key : index to i32
    %limits = tensor.splat %limit : tensor<128xi32>
    %keys = tile.iota axis 0 : tensor<128xi32>
    %queries = tile.iota axis 1 : tensor<128x64xi32>
    %in_sequence = arith.cmpi slt, %keys, %limits : tensor<128xi32>
    %never = arith.constant dense<64> : tensor<128xi32>
    %dk, %dv = scf.for %g = %c0 to %group step %c1 iter_args(%dk0 = %zero, %dv0 = %zero) -> (!tile_sum, !tile_sum) {
      %hg = arith.muli %hk, %group : index
      %h = arith.addi %hg, %g : index
      %first_of_h = arith.muli %h, %rows : index
      %first_row = arith.addi %first_of_h, %base : index
      %dk1, %dv1 = scf.for %m = %start to %SQ step %c64 iter_args(%dk_sum = %dk0, %dv_sum = %dv0) -> (!tile_sum, !tile_sum) {
        %row = arith.addi %first_row, %m : index
        %at = arith.addi %q0, %m : index
        %q = tile.load %Q[%h, %at, %c0] pad 0.0 : bf16 : !packed -> !half
        %s = tile.dot %k, %q, %none transpose_b : !tile, !half -> !scores
        %l = tile.load %L2[%row] : !vector -> !stats
        %lw = tile.broadcast %l axes [0] : !stats -> !scores
        %e = math.fma %s, %scale, %lw : !scores
        %all = math.exp2 %e : !scores
        // Key j of these sees queries from j - (m - n + shift) on.
        %mn = arith.subi %m, %n : index
        %reach = arith.addi %mn, %shift : index
        %reach32 = arith.index_cast %reach : index to i32
        %reaches = tensor.splat %reach32 : tensor<128xi32>
        %due = arith.subi %keys, %reaches : tensor<128xi32>
        %from = arith.select %in_sequence, %due, %never : tensor<128xi1>, tensor<128xi32>
        %froms = tile.broadcast %from axes [1] : tensor<128xi32> -> tensor<128x64xi32>
        %keep = arith.cmpi sge, %queries, %froms : tensor<128x64xi32>
        %p = arith.select %keep, %all, %none : tensor<128x64xi1>, !scores
        %pb = arith.truncf %p : !scores to !narrow16
        %do = tile.load %dO[%h, %at, %c0] pad 0.0 : bf16 : !packed -> !half
        %d = tile.load %D[%row] : !vector -> !stats
        %dw = tile.broadcast %d axes [0] : !stats -> !scores
        %dp = tile.dot %v, %do, %dw transpose_b : !tile, !half -> !scores
        %dv2 = tile.dot %pb, %do, %dv_sum : !narrow16, !half -> !tile_sum
        %ds = arith.mulf %p, %dp : !scores
        %dsb = arith.truncf %ds : !scores to !narrow16
        %dq0 = tile.dot %dsb, %k_left, %no_dq transpose_a : !narrow16, !k_half -> !dq_half
        %dk2 = tile.dot %dsb, %q, %dk_sum : !narrow16, !half -> !tile_sum
        tile.store %dq0, %dQ[%h, %at, %c0] reduce add : !dq_half, !sums
        %dq1 = tile.dot %dsb, %k_right, %no_dq transpose_a : !narrow16, !k_half -> !dq_half
        tile.store %dq1, %dQ[%h, %at, %half] reduce add : !dq_half, !sums
        scf.yield %dk2, %dv2 : !tile_sum, !tile_sum
      }
      scf.yield %dk1, %dv1 : !tile_sum, !tile_sum
    }
    %root = arith.constant #root
    %dks = arith.mulf %dk, %root : !tile_sum
    %dkb = arith.truncf %dks : !tile_sum to !tile
    %dvb = arith.truncf %dv : !tile_sum to !tile
    tile.store %dkb, %dK_b[%n, %c0] : !tile, !sequence
    tile.store %dvb, %dV_b[%n, %c0] : !tile, !sequence
  }
}

tile.kernel @finish(%sum: !sums, %dQ: !packed) {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %block = gpu.block_id x
  %h = gpu.block_id y
  %m = arith.muli %block, %c64 : index
  %root = arith.constant #half_root
  %t = tile.load %sum[%h, %m, %c0] : !sums -> !half_sum
  %s = arith.mulf %t, %root : !half_sum
  %r = arith.truncf %s : !half_sum to !half
  tile.store %r, %dQ[%h, %m, %c0] : !half, !packed
}

tile.host @attention_backward_varlen[%B, %STARTS, %HQ, %HK, %TQ, %TK, %SQ_MAX, %SK_MAX, %CAUSAL](
    %Q: !packed[%HQ, %TQ], %K: !packed[%HK, %TK], %V: !packed[%HK, %TK], %O: !packed[%HQ, %TQ], %dO: !packed[%HQ, %TQ],
    %L: !logs[%HQ, %TQ], %starts_q: !starts[%STARTS], %starts_k: !starts[%STARTS],
    out %dQ: !packed[%HQ, %TQ], out %dK: !packed[%HK, %TK], out %dV: !packed[%HK, %TK]) {
  %none = arith.constant 0 : index
  %rest = arith.remui %HQ, %HK : index
  %divides = arith.cmpi eq, %rest, %none : index
  cf.assert %divides, "expected HQ to be a multiple of HK"
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %c128 = arith.constant 128 : index
  %query_blocks = arith.ceildivui %SQ_MAX, %c64 : index
  %key_blocks = arith.ceildivui %SK_MAX, %c128 : index
  %all_blocks = arith.ceildivui %TQ, %c64 : index
  %causal = arith.cmpi ne, %CAUSAL, %c0 : index
  %more = arith.muli %B, %c64 : index
  %rows_and_more = arith.addi %TQ, %more : index
  %row_blocks = arith.divui %rows_and_more, %c64 : index
  %rows = arith.muli %row_blocks, %c64 : index
  %all = arith.muli %HQ, %rows : index
  %L2 = memref.alloc(%all) : !vector
  %D = memref.alloc(%all) : !vector
  %sum = memref.alloc(%HQ, %TQ) : !sums
  tile.launch @prepare grid(%query_blocks, %HQ, %B) args(%O, %dO, %L, %starts_q, %L2, %D, %sum, %rows)
    : !packed, !packed, !logs, !starts, !vector, !vector, !sums, index
  tile.launch @gradients grid(%key_blocks, %HK, %B) args(%Q, %K, %V, %dO, %starts_q, %starts_k, %L2, %D, %rows, %sum, %dK, %dV, %causal)
    : !packed, !packed, !packed, !packed, !starts, !starts, !vector, !vector, index, !sums, !packed, !packed, i1
  tile.launch @finish grid(%all_blocks, %HQ) args(%sum, %dQ) : !sums, !packed
}
