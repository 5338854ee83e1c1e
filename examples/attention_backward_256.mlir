// The gradients of attention with heads of 256, where the sums of dK and of dV do
// not fit into registers together: keys, values and queries have a kernel each,
// and no additions are atomic. Arguments are those of attention_backward.mlir.
//
//   heddle run examples/attention_backward_256.mlir --size B=1 --size HQ=2 --size HK=1 --size SQ=100 --size SK=150 --size CAUSAL=1 --check

!heads = memref<?x?x?x256xbf16>
!logs = memref<?x?x?xf32>
!vector = memref<?xf32>
!half = tensor<64x256xbf16>
!tile = tensor<128x256xbf16>
!tile_sum = tensor<128x256xf32>
!half_sum = tensor<64x256xf32>
!scores = tensor<128x64xf32>
!narrow16 = tensor<128x64xbf16>
!stats = tensor<64xf32>
#scale = dense<0.090168440> : !scores // log2(e) / sqrt(256)
#root = dense<0.062500000> : !tile_sum // 1 / sqrt(256)

// The place of the first row of a query head.
func.func @first_row(%b: index, %HQ: index, %h: index, %rows: index) -> index {
  %bh = arith.muli %b, %HQ : index
  %head = arith.addi %bh, %h : index
  %first = arith.muli %head, %rows : index
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

// What the next kernels need of each row: minus the log-sum-exp to the base of two
// and minus the sum of dO * O, for as many rows as their tiles have.
tile.kernel @prepare(%O: !heads, %dO: !heads, %L: !logs, %L2: !vector, %D: !vector, %rows: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c64 = arith.constant 64 : index
  %block = gpu.block_id x
  %h = gpu.block_id y
  %b = gpu.block_id z
  %m = arith.muli %block, %c64 : index
  %none = arith.constant dense<0.0> : !stats
  %HQ = memref.dim %L, %c1 : !logs
  %first = func.call @first_row(%b, %HQ, %h, %rows) : (index, index, index, index) -> index
  %row = arith.addi %first, %m : index
  %ob = tile.load %O[%b, %h, %m, %c0] pad 0.0 : bf16 : !heads -> !half
  %gb = tile.load %dO[%b, %h, %m, %c0] pad 0.0 : bf16 : !heads -> !half
  %o = arith.extf %ob : !half to !half_sum
  %g = arith.extf %gb : !half to !half_sum
  %og = arith.mulf %o, %g : !half_sum
  %d = tile.reduce add %og, %none axis 1 : !half_sum -> !stats
  %minus_d = arith.subf %none, %d : !stats
  tile.store %minus_d, %D[%row] : !stats, !vector
  // Of a row that sees nothing, and of one that does not exist, it is -inf, too:
  // then all of the row's probabilities become zero.
  %l = tile.load %L[%b, %h, %m] pad 0xFF800000 : f32 : !logs -> !stats
  %lowest = arith.constant dense<0xFF800000> : !stats
  %log2e = arith.constant dense<-1.44269504> : !stats
  %scaled = arith.mulf %l, %log2e : !stats
  %empty = arith.cmpf oeq, %l, %lowest : !stats
  %l2 = arith.select %empty, %lowest, %scaled : tensor<64xi1>, !stats
  tile.store %l2, %L2[%row] : !stats, !vector
}

// A block owns 128 keys, and goes over the queries of all heads that share them.
tile.kernel @keys(%Q: !heads, %K: !heads, %V: !heads, %dO: !heads, %L2: !vector, %D: !vector, %rows: index,
                  %dK: !heads, %shift: index) {
  %none = arith.constant dense<0.0> : !scores
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %c64 = arith.constant 64 : index
  %c128 = arith.constant 128 : index
  %block = gpu.block_id x
  %hk = gpu.block_id y
  %b = gpu.block_id z
  %HQ = memref.dim %Q, %c1 : !heads
  %HK = memref.dim %K, %c1 : !heads
  %group = arith.divui %HQ, %HK : index
  %SQ = memref.dim %Q, %c2 : !heads
  %SK = memref.dim %K, %c2 : !heads
  %n = arith.muli %block, %c128 : index
  %k = tile.load %K[%b, %hk, %n, %c0] pad 0.0 : bf16 : !heads -> !tile
  %v = tile.load %V[%b, %hk, %n, %c0] pad 0.0 : bf16 : !heads -> !tile
  %zero = arith.constant dense<0.0> : !tile_sum
  %start = func.call @first_query(%n, %shift) : (index, index) -> index
  %left = arith.subi %SK, %n : index
  %dk = scf.for %g = %c0 to %group step %c1 iter_args(%dk0 = %zero) -> (!tile_sum) {
    %hg = arith.muli %hk, %group : index
    %h = arith.addi %hg, %g : index
    %first_row = func.call @first_row(%b, %HQ, %h, %rows) : (index, index, index, index) -> index
    %dk1 = scf.for %m = %start to %SQ step %c64 iter_args(%dk_sum = %dk0) -> (!tile_sum) {
      %row = arith.addi %first_row, %m : index
      %q = tile.load %Q[%b, %h, %m, %c0] pad 0.0 : bf16 : !heads -> !half
      %s = tile.dot %k, %q, %none transpose_b : !tile, !half -> !scores
      %do = tile.load %dO[%b, %h, %m, %c0] pad 0.0 : bf16 : !heads -> !half
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
  tile.store %dkb, %dK[%b, %hk, %n, %c0] : !tile, !heads
}

// The same for the values.
tile.kernel @values(%Q: !heads, %K: !heads, %dO: !heads, %L2: !vector, %rows: index, %dV: !heads, %shift: index) {
  %none = arith.constant dense<0.0> : !scores
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %c64 = arith.constant 64 : index
  %c128 = arith.constant 128 : index
  %block = gpu.block_id x
  %hk = gpu.block_id y
  %b = gpu.block_id z
  %HQ = memref.dim %Q, %c1 : !heads
  %HK = memref.dim %K, %c1 : !heads
  %group = arith.divui %HQ, %HK : index
  %SQ = memref.dim %Q, %c2 : !heads
  %SK = memref.dim %K, %c2 : !heads
  %n = arith.muli %block, %c128 : index
  %k = tile.load %K[%b, %hk, %n, %c0] pad 0.0 : bf16 : !heads -> !tile
  %zero = arith.constant dense<0.0> : !tile_sum
  %start = func.call @first_query(%n, %shift) : (index, index) -> index
  %left = arith.subi %SK, %n : index
  %dv = scf.for %g = %c0 to %group step %c1 iter_args(%dv0 = %zero) -> (!tile_sum) {
    %hg = arith.muli %hk, %group : index
    %h = arith.addi %hg, %g : index
    %first_row = func.call @first_row(%b, %HQ, %h, %rows) : (index, index, index, index) -> index
    %dv1 = scf.for %m = %start to %SQ step %c64 iter_args(%dv_sum = %dv0) -> (!tile_sum) {
      %row = arith.addi %first_row, %m : index
      %q = tile.load %Q[%b, %h, %m, %c0] pad 0.0 : bf16 : !heads -> !half
      %s = tile.dot %k, %q, %none transpose_b : !tile, !half -> !scores
      %p = func.call @probabilities(%s, %n, %left, %m, %L2, %row, %shift)
        : (!scores, index, index, index, !vector, index, index) -> !scores
      %pb = arith.truncf %p : !scores to !narrow16
      %do = tile.load %dO[%b, %h, %m, %c0] pad 0.0 : bf16 : !heads -> !half
      %dv2 = tile.dot %pb, %do, %dv_sum : !narrow16, !half -> !tile_sum
      scf.yield %dv2 : !tile_sum
    }
    scf.yield %dv1 : !tile_sum
  }
  %dvb = arith.truncf %dv : !tile_sum to !tile
  tile.store %dvb, %dV[%b, %hk, %n, %c0] : !tile, !heads
}

// A block owns 128 queries and goes over the keys.
tile.kernel @queries(%Q: !heads, %K: !heads, %V: !heads, %dO: !heads, %L2: !vector, %D: !vector, %rows: index,
                     %dQ: !heads, %shift: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %c64 = arith.constant 64 : index
  %c128 = arith.constant 128 : index
  %block = gpu.block_id x
  %h = gpu.block_id y
  %b = gpu.block_id z
  %HQ = memref.dim %Q, %c1 : !heads
  %HK = memref.dim %K, %c1 : !heads
  %group = arith.divui %HQ, %HK : index
  %SK = memref.dim %K, %c2 : !heads
  %hk = arith.divui %h, %group : index
  %m = arith.muli %block, %c128 : index
  %first = func.call @first_row(%b, %HQ, %h, %rows) : (index, index, index, index) -> index
  %row = arith.addi %first, %m : index
  %l = tile.load %L2[%row] : !vector -> tensor<128xf32>
  %d = tile.load %D[%row] : !vector -> tensor<128xf32>
  %q = tile.load %Q[%b, %h, %m, %c0] pad 0.0 : bf16 : !heads -> !tile
  %do = tile.load %dO[%b, %h, %m, %c0] pad 0.0 : bf16 : !heads -> !tile
  %zero = arith.constant dense<0.0> : !tile_sum
  %none = arith.constant dense<0.0> : !scores
  %scale = arith.constant #scale
  %queries = tile.iota axis 0 : tensor<128xi32>
  %keys = tile.iota axis 1 : tensor<128x64xi32>
  // The keys that some of these queries see are before this one.
  %diagonal = arith.addi %m, %shift : index
  %beyond = arith.addi %diagonal, %c128 : index
  %last = arith.minsi %beyond, %SK : index
  %end = arith.maxsi %last, %c0 : index
  %dq = scf.for %n = %c0 to %end step %c64 iter_args(%sum = %zero) -> (!tile_sum) {
    %k = tile.load %K[%b, %hk, %n, %c0] pad 0.0 : bf16 : !heads -> !half
    %s = tile.dot %q, %k, %none transpose_b : !tile, !half -> !scores
    %v = tile.load %V[%b, %hk, %n, %c0] pad 0.0 : bf16 : !heads -> !half
    %dp = tile.dot %do, %v, %none transpose_b : !tile, !half -> !scores
    %lw = tile.broadcast %l axes [1] : tensor<128xf32> -> !scores
    %e = math.fma %s, %scale, %lw : !scores
    %all = math.exp2 %e : !scores
    // Query i of these sees the keys up to m - n + shift + i that there are.
    %reach = arith.subi %diagonal, %n : index
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
    %next = tile.dot %dsb, %k, %sum : !narrow16, !half -> !tile_sum
    scf.yield %next : !tile_sum
  }
  %root = arith.constant #root
  %dqs = arith.mulf %dq, %root : !tile_sum
  %dqb = arith.truncf %dqs : !tile_sum to !tile
  tile.store %dqb, %dQ[%b, %h, %m, %c0] : !tile, !heads
}

tile.host @attention_backward_256[%B, %HQ, %HK, %SQ, %SK, %CAUSAL](
    %Q: !heads[%B, %HQ, %SQ], %K: !heads[%B, %HK, %SK], %V: !heads[%B, %HK, %SK],
    %O: !heads[%B, %HQ, %SQ], %dO: !heads[%B, %HQ, %SQ], %L: !logs[%B, %HQ, %SQ],
    out %dQ: !heads[%B, %HQ, %SQ], out %dK: !heads[%B, %HK, %SK], out %dV: !heads[%B, %HK, %SK]) {
  %none = arith.constant 0 : index
  %rest = arith.remui %HQ, %HK : index
  %divides = arith.cmpi eq, %rest, %none : index
  cf.assert %divides, "expected HQ to be a multiple of HK"
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %c128 = arith.constant 128 : index
  %query_blocks = arith.ceildivui %SQ, %c128 : index
  %key_blocks = arith.ceildivui %SK, %c128 : index
  %diagonal = arith.subi %SK, %SQ : index
  %full = arith.cmpi eq, %CAUSAL, %c0 : index
  %shift = arith.select %full, %SK, %diagonal : index
  %rows = arith.muli %query_blocks, %c128 : index
  %row_blocks = arith.divui %rows, %c64 : index
  %heads = arith.muli %B, %HQ : index
  %all = arith.muli %heads, %rows : index
  %L2 = memref.alloc(%all) : !vector
  %D = memref.alloc(%all) : !vector
  tile.launch @prepare grid(%row_blocks, %HQ, %B) args(%O, %dO, %L, %L2, %D, %rows)
    : !heads, !heads, !logs, !vector, !vector, index
  tile.launch @keys grid(%key_blocks, %HK, %B) args(%Q, %K, %V, %dO, %L2, %D, %rows, %dK, %shift)
    : !heads, !heads, !heads, !heads, !vector, !vector, index, !heads, index
  tile.launch @values grid(%key_blocks, %HK, %B) args(%Q, %K, %dO, %L2, %rows, %dV, %shift)
    : !heads, !heads, !heads, !vector, index, !heads, index
  tile.launch @queries grid(%query_blocks, %HQ, %B) args(%Q, %K, %V, %dO, %L2, %D, %rows, %dQ, %shift)
    : !heads, !heads, !heads, !heads, !vector, !vector, index, !heads, index
}
