// The gradients of attention over packed sequences with heads of 256, where the sums of dK and of dV do not fit into
// registers together: keys, values and queries have a kernel each, and no additions are atomic. Arguments are those of
// attention_backward_varlen.mlir.
!packed = memref<?x?x256xbf16>
!logs = memref<?x?xf32>
!vector = memref<?xf32>
!starts = memref<?xi32>
!sequence = memref<?x256xbf16, strided<[256, 1], offset: ?>>
!sequence_logs = memref<?xf32, strided<[1], offset: ?>>
!half = tensor<64x256xbf16>
!tile = tensor<128x256xbf16>
!tile_sum = tensor<128x256xf32>
!half_sum = tensor<64x256xf32>
!scores = tensor<128x64xf32>
!narrow16 = tensor<128x64xbf16>
!stats = tensor<64xf32>
#scale = dense<0.090168440> : !scores // log2(e) / sqrt(256)
#root = dense<0.062500000> : !tile_sum // 1 / sqrt(256)

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

// The place of the first row of a head of sequence b, which begins at token q0.
func.func @first_row(%b: index, %q0: index, %h: index, %rows: index) -> index {
  %c128 = arith.constant 128 : index
  %before = arith.muli %b, %c128 : index
  %place = arith.addi %q0, %before : index
  %place128 = arith.divui %place, %c128 : index
  %base = arith.muli %place128, %c128 : index
  %first_of_h = arith.muli %h, %rows : index
  %first = arith.addi %first_of_h, %base : index
  return %first : index
}

// The first queries that see one of the keys from n on.
func.func @first_query(%n: index, %shift: index) -> index {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %first = arith.subi %n, %shift : index
  %positive = arith.maxsi %first, %c0 : index
  %blocks = arith.divui %positive, %c64 : index
  %start = arith.muli %blocks, %c64 : index
  return %start : index
}

// The probabilities that scores become, of keys from n on, of which there are `left`, and queries from m on. L2 is of those from
// `row` on.
func.func @probabilities(%s: !scores, %n: index, %left: index, %m: index, %L2: !vector, %row: index, %shift: index) -> !scores {
  %none = arith.constant dense<0.0> : !scores
  %scale = arith.constant #scale
  %limit = arith.index_cast %left : index to i32
  %limits = tensor.splat %limit : tensor<128xi32>
  %keys = tile.iota axis 0 : tensor<128xi32>
  %queries = tile.iota axis 1 : tensor<128x64xi32>
  %exists = arith.cmpi slt, %keys, %limits : tensor<128xi32>
  %never = arith.constant dense<64> : tensor<128xi32>
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
  %from = arith.select %exists, %due, %never : tensor<128xi1>, tensor<128xi32>
  %froms = tile.broadcast %from axes [1] : tensor<128xi32> -> tensor<128x64xi32>
  %keep = arith.cmpi sge, %queries, %froms : tensor<128x64xi32>
  %p = arith.select %keep, %all, %none : tensor<128x64xi1>, !scores
  return %p : !scores
}

// What the next kernels need of each query: minus the log-sum-exp to the base of two
// and minus the sum of dO * O. Each sequence has as many rows as tiles have, from the
// multiple of 128 after 128 b queries more.
tile.kernel @prepare(%O: !packed, %dO: !packed, %L: !logs, %starts_q: !starts, %L2: !vector, %D: !vector, %rows: index) {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %c128 = arith.constant 128 : index
  %block = gpu.block_id x
  %h = gpu.block_id y
  %b = gpu.block_id z
  %q0, %SQ = func.call @find_sequence(%starts_q, %b) : (!starts, index) -> (index, index)
  // Starts that are not in order, or beyond the buffers, end the program here.
  %O_b = memref.subview %O[%h, %q0, 0] [1, %SQ, 256] [1, 1, 1] : !packed to !sequence
  %dO_b = memref.subview %dO[%h, %q0, 0] [1, %SQ, 256] [1, 1, 1] : !packed to !sequence
  %L_b = memref.subview %L[%h, %q0] [1, %SQ] [1, 1] : !logs to !sequence_logs
  %m = arith.muli %block, %c64 : index
  %tiles_before = arith.divui %m, %c128 : index
  %tile_start = arith.muli %tiles_before, %c128 : index
  %exists = arith.cmpi slt, %tile_start, %SQ : index
  scf.if %exists {
    %none = arith.constant dense<0.0> : !stats
    %first_row = func.call @first_row(%b, %q0, %h, %rows) : (index, index, index, index) -> index
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
tile.kernel @keys(%Q: !packed, %K: !packed, %V: !packed, %dO: !packed,
                  %starts_q: !starts, %starts_k: !starts, %L2: !vector, %D: !vector, %rows: index, %dK: !packed,
                  %causal: i1) attributes {tile.raster = 1} {
  %none = arith.constant dense<0.0> : !scores
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c64 = arith.constant 64 : index
  %c128 = arith.constant 128 : index
  %block = gpu.block_id x
  %hk = gpu.block_id y
  %b = gpu.block_id z
  %HQ = memref.dim %Q, %c0 : !packed
  %HK = memref.dim %K, %c0 : !packed
  %group = arith.divui %HQ, %HK : index
  %q0, %SQ = func.call @find_sequence(%starts_q, %b) : (!starts, index) -> (index, index)
  %k0, %SK = func.call @find_sequence(%starts_k, %b) : (!starts, index) -> (index, index)
  %dK_b = memref.subview %dK[%hk, %k0, 0] [1, %SK, 256] [1, 1, 1] : !packed to !sequence
  %diagonal = arith.subi %SK, %SQ : index
  %shift = arith.select %causal, %diagonal, %SK : index
  %n = arith.muli %block, %c128 : index
  %exists = arith.cmpi slt, %n, %SK : index
  scf.if %exists {
    %key = arith.addi %k0, %n : index
    %k = tile.load %K[%hk, %key, %c0] pad 0.0 : bf16 : !packed -> !tile
    %v = tile.load %V[%hk, %key, %c0] pad 0.0 : bf16 : !packed -> !tile
    %zero = arith.constant dense<0.0> : !tile_sum
    %start = func.call @first_query(%n, %shift) : (index, index) -> index
    %left = arith.subi %SK, %n : index
    %dk = scf.for %g = %c0 to %group step %c1 iter_args(%dk0 = %zero) -> (!tile_sum) {
      %hg = arith.muli %hk, %group : index
      %h = arith.addi %hg, %g : index
      %first_row = func.call @first_row(%b, %q0, %h, %rows) : (index, index, index, index) -> index
      %dk1 = scf.for %m = %start to %SQ step %c64 iter_args(%dk_sum = %dk0) -> (!tile_sum) {
        %row = arith.addi %first_row, %m : index
        %at = arith.addi %q0, %m : index
        %q = tile.load %Q[%h, %at, %c0] pad 0.0 : bf16 : !packed -> !half
        %s = tile.dot %k, %q, %none transpose_b : !tile, !half -> !scores
        %do = tile.load %dO[%h, %at, %c0] pad 0.0 : bf16 : !packed -> !half
        %dp = tile.dot %v, %do, %none transpose_b : !tile, !half -> !scores
        %p = func.call @probabilities(%s, %n, %left, %m, %L2, %row, %shift)
          : (!scores, index, index, index, !vector, index, index) -> !scores
        %d = tile.load %D[%row] : !vector -> !stats
        %dw = tile.broadcast %d axes [0] : !stats -> !scores
        %dp_d = arith.addf %dp, %dw : !scores
        %ds = arith.mulf %p, %dp_d : !scores
        %dsb = arith.truncf %ds : !scores to !narrow16
        %dk2 = tile.dot %dsb, %q, %dk_sum : !narrow16, !half -> !tile_sum
        scf.yield %dk2 : !tile_sum
      }
      scf.yield %dk1 : !tile_sum
    }
    %root = arith.constant #root
    %dks = arith.mulf %dk, %root : !tile_sum
    %dkb = arith.truncf %dks : !tile_sum to !tile
    tile.store %dkb, %dK_b[%n, %c0] : !tile, !sequence
  }
}

// The same for the values.
tile.kernel @values(%Q: !packed, %K: !packed, %dO: !packed, %starts_q: !starts, %starts_k: !starts,
                    %L2: !vector, %rows: index, %dV: !packed, %causal: i1) attributes {tile.raster = 1} {
  %none = arith.constant dense<0.0> : !scores
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c64 = arith.constant 64 : index
  %c128 = arith.constant 128 : index
  %block = gpu.block_id x
  %hk = gpu.block_id y
  %b = gpu.block_id z
  %HQ = memref.dim %Q, %c0 : !packed
  %HK = memref.dim %K, %c0 : !packed
  %group = arith.divui %HQ, %HK : index
  %q0, %SQ = func.call @find_sequence(%starts_q, %b) : (!starts, index) -> (index, index)
  %k0, %SK = func.call @find_sequence(%starts_k, %b) : (!starts, index) -> (index, index)
  %dV_b = memref.subview %dV[%hk, %k0, 0] [1, %SK, 256] [1, 1, 1] : !packed to !sequence
  %diagonal = arith.subi %SK, %SQ : index
  %shift = arith.select %causal, %diagonal, %SK : index
  %n = arith.muli %block, %c128 : index
  %exists = arith.cmpi slt, %n, %SK : index
  scf.if %exists {
    %key = arith.addi %k0, %n : index
    %k = tile.load %K[%hk, %key, %c0] pad 0.0 : bf16 : !packed -> !tile
    %zero = arith.constant dense<0.0> : !tile_sum
    %start = func.call @first_query(%n, %shift) : (index, index) -> index
    %left = arith.subi %SK, %n : index
    %dv = scf.for %g = %c0 to %group step %c1 iter_args(%dv0 = %zero) -> (!tile_sum) {
      %hg = arith.muli %hk, %group : index
      %h = arith.addi %hg, %g : index
      %first_row = func.call @first_row(%b, %q0, %h, %rows) : (index, index, index, index) -> index
      %dv1 = scf.for %m = %start to %SQ step %c64 iter_args(%dv_sum = %dv0) -> (!tile_sum) {
        %row = arith.addi %first_row, %m : index
        %at = arith.addi %q0, %m : index
        %q = tile.load %Q[%h, %at, %c0] pad 0.0 : bf16 : !packed -> !half
        %s = tile.dot %k, %q, %none transpose_b : !tile, !half -> !scores
        %p = func.call @probabilities(%s, %n, %left, %m, %L2, %row, %shift)
          : (!scores, index, index, index, !vector, index, index) -> !scores
        %pb = arith.truncf %p : !scores to !narrow16
        %do = tile.load %dO[%h, %at, %c0] pad 0.0 : bf16 : !packed -> !half
        %dv2 = tile.dot %pb, %do, %dv_sum : !narrow16, !half -> !tile_sum
        scf.yield %dv2 : !tile_sum
      }
      scf.yield %dv1 : !tile_sum
    }
    %dvb = arith.truncf %dv : !tile_sum to !tile
    tile.store %dvb, %dV_b[%n, %c0] : !tile, !sequence
  }
}

// A block owns 128 queries and goes over the keys.
tile.kernel @queries(%Q: !packed, %K: !packed, %V: !packed, %dO: !packed,
                     %starts_q: !starts, %starts_k: !starts, %L2: !vector, %D: !vector, %rows: index, %dQ: !packed,
                     %causal: i1) attributes {tile.raster = 1} {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %c128 = arith.constant 128 : index
  %block = gpu.block_id x
  %h = gpu.block_id y
  %b = gpu.block_id z
  %HQ = memref.dim %Q, %c0 : !packed
  %HK = memref.dim %K, %c0 : !packed
  %group = arith.divui %HQ, %HK : index
  %q0, %SQ = func.call @find_sequence(%starts_q, %b) : (!starts, index) -> (index, index)
  %k0, %SK = func.call @find_sequence(%starts_k, %b) : (!starts, index) -> (index, index)
  %hk = arith.divui %h, %group : index
  %dQ_b = memref.subview %dQ[%h, %q0, 0] [1, %SQ, 256] [1, 1, 1] : !packed to !sequence
  %diagonal = arith.subi %SK, %SQ : index
  %shift = arith.select %causal, %diagonal, %SK : index
  %m = arith.muli %block, %c128 : index
  %exists = arith.cmpi slt, %m, %SQ : index
  scf.if %exists {
    %first_row = func.call @first_row(%b, %q0, %h, %rows) : (index, index, index, index) -> index
    %row = arith.addi %first_row, %m : index
    %at = arith.addi %q0, %m : index
    %l = tile.load %L2[%row] : !vector -> tensor<128xf32>
    %d = tile.load %D[%row] : !vector -> tensor<128xf32>
    %q = tile.load %Q[%h, %at, %c0] pad 0.0 : bf16 : !packed -> !tile
    %do = tile.load %dO[%h, %at, %c0] pad 0.0 : bf16 : !packed -> !tile
    %zero = arith.constant dense<0.0> : !tile_sum
    %none = arith.constant dense<0.0> : !scores
    %scale = arith.constant #scale
    %queries = tile.iota axis 0 : tensor<128xi32>
    %keys = tile.iota axis 1 : tensor<128x64xi32>
    // The keys that some of these queries see are before this one.
    %last_seen = arith.addi %m, %shift : index
    %beyond = arith.addi %last_seen, %c128 : index
    %last = arith.minsi %beyond, %SK : index
    %end = arith.maxsi %last, %c0 : index
    %dq = scf.for %n = %c0 to %end step %c64 iter_args(%sum = %zero) -> (!tile_sum) {
      %key = arith.addi %k0, %n : index
      %k = tile.load %K[%hk, %key, %c0] pad 0.0 : bf16 : !packed -> !half
      %s = tile.dot %q, %k, %none transpose_b : !tile, !half -> !scores
      %v = tile.load %V[%hk, %key, %c0] pad 0.0 : bf16 : !packed -> !half
      %dp = tile.dot %do, %v, %none transpose_b : !tile, !half -> !scores
      %lw = tile.broadcast %l axes [1] : tensor<128xf32> -> !scores
      %e = math.fma %s, %scale, %lw : !scores
      %all = math.exp2 %e : !scores
      // Query i of these sees the keys up to m - n + shift + i that there are.
      %reach = arith.subi %last_seen, %n : index
      %reach32 = arith.index_cast %reach : index to i32
      %left = arith.subi %SK, %n : index
      %left32 = arith.index_cast %left : index to i32
      %one = arith.constant 1 : i32
      %final32 = arith.subi %left32, %one : i32
      %reaches = tensor.splat %reach32 : tensor<128xi32>
      %finals = tensor.splat %final32 : tensor<128xi32>
      %up_to = arith.addi %queries, %reaches : tensor<128xi32>
      %limit = arith.minsi %up_to, %finals : tensor<128xi32>
      %limits = tile.broadcast %limit axes [1] : tensor<128xi32> -> tensor<128x64xi32>
      %keep = arith.cmpi sle, %keys, %limits : tensor<128x64xi32>
      %p = arith.select %keep, %all, %none : tensor<128x64xi1>, !scores
      %dw = tile.broadcast %d axes [1] : tensor<128xf32> -> !scores
      %dp_d = arith.addf %dp, %dw : !scores
      %ds = arith.mulf %p, %dp_d : !scores
      %dsb = arith.truncf %ds : !scores to !narrow16
      %new_sum = tile.dot %dsb, %k, %sum : !narrow16, !half -> !tile_sum
      scf.yield %new_sum : !tile_sum
    }
    %root = arith.constant #root
    %dqs = arith.mulf %dq, %root : !tile_sum
    %dqb = arith.truncf %dqs : !tile_sum to !tile
    tile.store %dqb, %dQ_b[%m, %c0] : !tile, !sequence
  }
}

tile.host @attention_backward_varlen_256[%B, %STARTS, %HQ, %HK, %TQ, %TK, %SQ_MAX, %SK_MAX, %CAUSAL](
    %Q: !packed[%HQ, %TQ], %K: !packed[%HK, %TK], %V: !packed[%HK, %TK], %O: !packed[%HQ, %TQ], %dO: !packed[%HQ, %TQ],
    %L: !logs[%HQ, %TQ], %starts_q: !starts[%STARTS], %starts_k: !starts[%STARTS],
    out %dQ: !packed[%HQ, %TQ], out %dK: !packed[%HK, %TK], out %dV: !packed[%HK, %TK]) {
  %none = arith.constant 0 : index
  %rest = arith.remui %HQ, %HK : index
  %divides = arith.cmpi eq, %rest, %none : index
  cf.assert %divides, "expected HQ to be a multiple of HK"
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %c128 = arith.constant 128 : index
  %query_blocks = arith.ceildivui %SQ_MAX, %c128 : index
  %row_blocks = arith.muli %query_blocks, %c2 : index
  %key_blocks = arith.ceildivui %SK_MAX, %c128 : index
  %causal = arith.cmpi ne, %CAUSAL, %c0 : index
  %more = arith.muli %B, %c128 : index
  %rows_and_more = arith.addi %TQ, %more : index
  %places = arith.divui %rows_and_more, %c128 : index
  %rows = arith.muli %places, %c128 : index
  %all = arith.muli %HQ, %rows : index
  %L2 = memref.alloc(%all) : !vector
  %D = memref.alloc(%all) : !vector
  tile.launch @prepare grid(%row_blocks, %HQ, %B) args(%O, %dO, %L, %starts_q, %L2, %D, %rows)
    : !packed, !packed, !logs, !starts, !vector, !vector, index
  tile.launch @keys grid(%key_blocks, %HK, %B) args(%Q, %K, %V, %dO, %starts_q, %starts_k, %L2, %D, %rows, %dK, %causal)
    : !packed, !packed, !packed, !packed, !starts, !starts, !vector, !vector, index, !packed, i1
  tile.launch @values grid(%key_blocks, %HK, %B) args(%Q, %K, %dO, %starts_q, %starts_k, %L2, %rows, %dV, %causal)
    : !packed, !packed, !packed, !starts, !starts, !vector, index, !packed, i1
  tile.launch @queries grid(%query_blocks, %HQ, %B) args(%Q, %K, %V, %dO, %starts_q, %starts_k, %L2, %D, %rows, %dQ, %causal)
    : !packed, !packed, !packed, !packed, !starts, !starts, !vector, !vector, index, !packed, i1
}
