// The gradients of attention: dQ, dK and dV from Q, K, V, the output O, its
// gradient dO and the log-sum-exp L of the scores (natural, -inf for a row that
// sees no key, whose gradients are zero). Query i sees key j if j <= i + SK - SQ
// when CAUSAL is 1; always when it is 0. HQ is a multiple of HK.
//
//   heddle run examples/attention_backward.mlir --size B=1 --size HQ=2 --size HK=1 --size SQ=100 --size SK=150 --size CAUSAL=1 --check

!heads = memref<?x?x?x128xbf16>
!sums = memref<?x?x?x128xf32>
!logs = memref<?x?x?xf32>
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

// What the next kernel needs of each row: minus the log-sum-exp to the base of two
// and minus the sum of dO * O, for as many rows as its tiles have; and zero where
// dQ is summed up.
tile.kernel @prepare(%O: !heads, %dO: !heads, %L: !logs, %L2: !vector, %D: !vector, %sum: !sums, %rows: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c64 = arith.constant 64 : index
  %block = gpu.block_id x
  %h = gpu.block_id y
  %b = gpu.block_id z
  %m = arith.muli %block, %c64 : index
  %zero = arith.constant dense<0.0> : !half_sum
  %none = arith.constant dense<0.0> : !stats
  tile.store %zero, %sum[%b, %h, %m, %c0] : !half_sum, !sums
  %HQ = memref.dim %L, %c1 : !logs
  %bh = arith.muli %b, %HQ : index
  %head = arith.addi %bh, %h : index
  %first = arith.muli %head, %rows : index
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
tile.kernel @gradients(%Q: !heads, %K: !heads, %V: !heads, %dO: !heads, %L2: !vector, %D: !vector, %rows: index,
                       %dQ: !sums, %dK: !heads, %dV: !heads, %shift: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %c64 = arith.constant 64 : index
  %half = arith.constant #half_head
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
  // Again in halves, for half of dQ at a time: registers have no room for more.
  %k_left = tile.load %K[%b, %hk, %n, %c0] pad 0.0 : bf16 : !heads -> !k_half
  %k_right = tile.load %K[%b, %hk, %n, %half] pad 0.0 : bf16 : !heads -> !k_half
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
  %exists = arith.cmpi slt, %keys, %limits : tensor<128xi32>
  %never = arith.constant dense<64> : tensor<128xi32>
  %dk, %dv = scf.for %g = %c0 to %group step %c1 iter_args(%dk0 = %zero, %dv0 = %zero) -> (!tile_sum, !tile_sum) {
    %hg = arith.muli %hk, %group : index
    %h = arith.addi %hg, %g : index
    %bh = arith.muli %b, %HQ : index
    %head = arith.addi %bh, %h : index
    %first_row = arith.muli %head, %rows : index
    %dk1, %dv1 = scf.for %m = %start to %SQ step %c64 iter_args(%dk_sum = %dk0, %dv_sum = %dv0) -> (!tile_sum, !tile_sum) {
      %row = arith.addi %first_row, %m : index
      %q = tile.load %Q[%b, %h, %m, %c0] pad 0.0 : bf16 : !heads -> !half
      %s = tile.dot %k, %q, %none transpose_b : !tile, !half -> !scores
      %do = tile.load %dO[%b, %h, %m, %c0] pad 0.0 : bf16 : !heads -> !half
      %dp = tile.dot %v, %do, %none transpose_b : !tile, !half -> !scores
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
      %pb = arith.truncf %p : !scores to !narrow16
      %d = tile.load %D[%row] : !vector -> !stats
      %dw = tile.broadcast %d axes [0] : !stats -> !scores
      %dp_d = arith.addf %dp, %dw : !scores
      %ds = arith.mulf %p, %dp_d : !scores
      %dsb = arith.truncf %ds : !scores to !narrow16
      %dv2 = tile.dot %pb, %do, %dv_sum : !narrow16, !half -> !tile_sum
      %dq0 = tile.dot %dsb, %k_left, %no_dq transpose_a : !narrow16, !k_half -> !dq_half
      %dk2 = tile.dot %dsb, %q, %dk_sum : !narrow16, !half -> !tile_sum
      tile.store %dq0, %dQ[%b, %h, %m, %c0] reduce add : !dq_half, !sums
      %dq1 = tile.dot %dsb, %k_right, %no_dq transpose_a : !narrow16, !k_half -> !dq_half
      tile.store %dq1, %dQ[%b, %h, %m, %half] reduce add : !dq_half, !sums
      scf.yield %dk2, %dv2 : !tile_sum, !tile_sum
    }
    scf.yield %dk1, %dv1 : !tile_sum, !tile_sum
  }
  %root = arith.constant #root
  %dks = arith.mulf %dk, %root : !tile_sum
  %dkb = arith.truncf %dks : !tile_sum to !tile
  %dvb = arith.truncf %dv : !tile_sum to !tile
  tile.store %dkb, %dK[%b, %hk, %n, %c0] : !tile, !heads
  tile.store %dvb, %dV[%b, %hk, %n, %c0] : !tile, !heads
}

tile.kernel @finish(%sum: !sums, %dQ: !heads) {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %block = gpu.block_id x
  %h = gpu.block_id y
  %b = gpu.block_id z
  %m = arith.muli %block, %c64 : index
  %root = arith.constant #half_root
  %t = tile.load %sum[%b, %h, %m, %c0] : !sums -> !half_sum
  %s = arith.mulf %t, %root : !half_sum
  %r = arith.truncf %s : !half_sum to !half
  tile.store %r, %dQ[%b, %h, %m, %c0] : !half, !heads
}

tile.host @attention_backward[%B, %HQ, %HK, %SQ, %SK, %CAUSAL](
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
  %query_blocks = arith.ceildivui %SQ, %c64 : index
  %key_blocks = arith.ceildivui %SK, %c128 : index
  %diagonal = arith.subi %SK, %SQ : index
  %full = arith.cmpi eq, %CAUSAL, %c0 : index
  %shift = arith.select %full, %SK, %diagonal : index
  %rows = arith.muli %query_blocks, %c64 : index
  %heads = arith.muli %B, %HQ : index
  %all = arith.muli %heads, %rows : index
  %L2 = memref.alloc(%all) : !vector
  %D = memref.alloc(%all) : !vector
  %sum = memref.alloc(%B, %HQ, %SQ) : !sums
  tile.launch @prepare grid(%query_blocks, %HQ, %B) args(%O, %dO, %L, %L2, %D, %sum, %rows)
    : !heads, !heads, !logs, !vector, !vector, !sums, index
  tile.launch @gradients grid(%key_blocks, %HK, %B) args(%Q, %K, %V, %dO, %L2, %D, %rows, %sum, %dK, %dV, %shift)
    : !heads, !heads, !heads, !heads, !vector, !vector, index, !sums, !heads, !heads, index
  tile.launch @finish grid(%query_blocks, %HQ, %B) args(%sum, %dQ) : !sums, !heads
}
