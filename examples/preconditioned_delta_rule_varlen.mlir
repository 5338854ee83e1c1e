// The gated delta rule with preconditioned keys over packed sequences: sequence n is the tokens starts[n] to starts[n + 1] of all arrays, and
// has state n. Otherwise as preconditioned_delta_rule.mlir; M may be that of preconditioner_varlen.mlir. A chunk may read on into the next
// sequence: there, BETA is zero, and nothing is added to the state.
//
//   heddle run examples/preconditioned_delta_rule_varlen.mlir --size N=2 --size STARTS=3 --size T=200 --size HK=1 --size HV=2 --input starts=starts.npy
!keys = memref<?x?x128xbf16> // and queries: tokens, then heads
!values = memref<?x?x128xbf16> // and results
!scales = memref<?x?x128xf32>
!gates = memref<?x?xf32> // and BETA; gates are natural logarithms
!starts = memref<?xi32>
!states = memref<?x?x128x128xf32>
!head = memref<?x128xbf16, strided<[?, 1], offset: ?>>
!head_scales = memref<?x128xf32, strided<[?, 1], offset: ?>>
!head_gates = memref<?xf32, strided<[?], offset: ?>>
!chunk = tensor<64x128xbf16>
!chunk_sum = tensor<64x128xf32>
!row = tensor<64xf32>
!at = tensor<64x64xi32>
!mask = tensor<64x64xi1>
!scores = tensor<64x64xf32>
!scores16 = tensor<64x64xbf16>
!o = tensor<128x64xf32>
!o16 = tensor<128x64xbf16>
!s = tensor<128x128xf32>
!s16 = tensor<128x128xbf16>
!decay = tensor<128xf32>
#chunk = 64 : index

tile.kernel @attend(%Q: !keys, %K: !keys, %V: !values, %M: !scales, %G: !gates, %BETA: !gates,
                    %starts: !starts, %H0: !states, %O: !values, %H1: !states, %group: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c = arith.constant #chunk
  %h = gpu.block_id x
  %n = gpu.block_id y
  %hk = arith.divui %h, %group : index
  %next_n = arith.addi %n, %c1 : index
  %start = memref.load %starts[%n] : !starts
  %end = memref.load %starts[%next_n] : !starts
  %length = arith.subi %end, %start : i32
  %T = arith.index_cast %length : i32 to index
  %first = arith.index_cast %start : i32 to index
  %T_q = memref.dim %Q, %c0 : !keys
  %T_k = memref.dim %K, %c0 : !keys
  %T_v = memref.dim %V, %c0 : !values
  %T_m = memref.dim %M, %c0 : !scales
  %Q_h = memref.subview %Q[0, %hk, 0] [%T_q, 1, 128] [1, 1, 1] : !keys to !head
  %K_h = memref.subview %K[0, %hk, 0] [%T_k, 1, 128] [1, 1, 1] : !keys to !head
  %M_h = memref.subview %M[0, %hk, 0] [%T_m, 1, 128] [1, 1, 1] : !scales to !head_scales
  %V_h = memref.subview %V[0, %h, 0] [%T_v, 1, 128] [1, 1, 1] : !values to !head
  // Starts that are not in order, or beyond the buffers, end the program here.
  %G_h = memref.subview %G[%first, %h] [%T, 1] [1, 1] : !gates to !head_gates
  %BETA_h = memref.subview %BETA[%first, %h] [%T, 1] [1, 1] : !gates to !head_gates
  %O_h = memref.subview %O[%first, %h, 0] [%T, 1, 128] [1, 1, 1] : !values to !head
  %row = tile.iota axis 0 : !at
  %column = tile.iota axis 1 : !at
  %sees = arith.cmpi sge, %row, %column : !at
  %hidden = arith.constant dense<0xFF800000> : !scores
  %zero_s = arith.constant dense<0.0> : !scores
  %zero_o = arith.constant dense<0.0> : !o
  %zero_w = arith.constant dense<0.0> : !chunk_sum
  %none = arith.constant 0.0 : f32
  %log2e = arith.constant dense<1.44269504> : !row // hardware computes 2^x
  %scale = arith.constant dense<0.0883883476> : !row // 1 / sqrt(128)
  %h0 = tile.load %H0[%n, %h, %c0, %c0] : !states -> !s
  %s0 = tile.transpose %h0 [1, 0] : !s -> !s

  %s_last = scf.for %t = %c0 to %T step %c iter_args(%s = %s0) -> (!s) {
    %at = arith.addi %first, %t : index
    // How much of each token is left at another one, at the end of the chunk, and of the state at each token.
    %g = tile.load %G_h[%t] pad 0.0 : f32 : !head_gates -> !row
    %g2 = arith.mulf %g, %log2e : !row
    %sum = tile.scan add %g2 axis 0 : !row
    %rest = tile.scan add %g2 axis 0 reverse exclusive : !row
    %total = tile.reduce add %g2, %none axis 0 : !row -> f32
    %decay_1 = math.exp2 %total : f32
    %decay = tensor.splat %decay_1 : !decay
    // The queries as they see the state, and the keys as the next state has them.
    %k = tile.load %K_h[%at, %c0] pad 0.0 : bf16 : !head -> !chunk
    %until = math.exp2 %rest : !row
    %until_k = tile.broadcast %until axes [1] : !row -> !chunk_sum
    %m = tile.load %M_h[%at, %c0] pad 0.0 : f32 : !head_scales -> !chunk_sum
    %k32 = arith.extf %k : !chunk to !chunk_sum
    %written = arith.mulf %k32, %m : !chunk_sum
    %written16 = arith.truncf %written : !chunk_sum to !chunk
    %written_again = arith.extf %written16 : !chunk to !chunk_sum
    %k_then = arith.mulf %written_again, %until_k : !chunk_sum
    %k16 = arith.truncf %k_then : !chunk_sum to !chunk
    %q = tile.load %Q_h[%at, %c0] pad 0.0 : bf16 : !head -> !chunk
    %since = math.exp2 %sum : !row
    %since_scaled = arith.mulf %since, %scale : !row
    %since_q = tile.broadcast %since_scaled axes [1] : !row -> !chunk_sum
    %q32 = arith.extf %q : !chunk to !chunk_sum
    %q_then = arith.mulf %q32, %since_q : !chunk_sum
    %q16 = arith.truncf %q_then : !chunk_sum to !chunk

    // What the queries see of the tokens of the chunk.
    %sum_i = tile.broadcast %sum axes [1] : !row -> !scores
    %sum_j = tile.broadcast %sum axes [0] : !row -> !scores
    %between = arith.subf %sum_i, %sum_j : !scores
    %exponent = arith.select %sees, %between, %hidden : !mask, !scores
    %left = math.exp2 %exponent : !scores
    %qk = tile.dot %q, %written16, %zero_s transpose_b : !chunk, !chunk -> !scores
    %scale_s = arith.constant dense<0.0883883476> : !scores
    %seen = arith.mulf %qk, %left : !scores
    %p = arith.mulf %seen, %scale_s : !scores
    %p16 = arith.truncf %p : !scores to !scores16

    // The inverse, by which the values and what the state has for the keys are multiplied.
    %kk = tile.dot %k, %written16, %zero_s transpose_b : !chunk, !chunk -> !scores
    %beta = tile.load %BETA_h[%t] pad 0.0 : f32 : !head_gates -> !row
    %beta_i = tile.broadcast %beta axes [1] : !row -> !scores
    %left_beta = arith.mulf %left, %beta_i : !scores
    %l = arith.mulf %kk, %left_beta : !scores
    %inverse = tile.tri_inverse %l precision tf32 : !scores // of which products see 8 bits
    %beta_j = tile.broadcast %beta axes [0] : !row -> !scores
    %inverse_v = arith.mulf %inverse, %beta_j : !scores
    %inverse_v16 = arith.truncf %inverse_v : !scores to !scores16
    %minus_since = arith.negf %since : !row
    %minus_since_j = tile.broadcast %minus_since axes [0] : !row -> !scores
    %inverse_k = arith.mulf %inverse_v, %minus_since_j : !scores
    %inverse_k16 = arith.truncf %inverse_k : !scores to !scores16
    %w = tile.dot %inverse_k16, %k, %zero_w : !scores16, !chunk -> !chunk_sum
    %w16 = arith.truncf %w : !chunk_sum to !chunk

    // From the state to the next one.
    %s16 = arith.truncf %s : !s to !s16
    %decay_s = tile.broadcast %decay axes [1] : !decay -> !s
    %kept = arith.mulf %s, %decay_s : !s
    %v = tile.load %V_h[%at, %c0] pad 0.0 : bf16 : !head -> !chunk
    %x_s = tile.dot %s16, %w16, %zero_o transpose_b : !s16, !chunk -> !o
    %x = tile.dot %v, %inverse_v16, %x_s transpose_a transpose_b : !chunk, !scores16 -> !o
    %x16 = arith.truncf %x : !o to !o16
    %new = tile.dot %x16, %k16, %kept : !o16, !chunk -> !s
    %o_before = tile.dot %s16, %q16, %zero_o transpose_b : !s16, !chunk -> !o
    %o = tile.dot %x16, %p16, %o_before transpose_b : !o16, !scores16 -> !o
    %o16 = arith.truncf %o : !o to !o16
    %out = tile.transpose %o16 [1, 0] : !o16 -> !chunk
    tile.store %out, %O_h[%t, %c0] : !chunk, !head
    scf.yield %new : !s
  }
  %h1 = tile.transpose %s_last [1, 0] : !s -> !s
  tile.store %h1, %H1[%n, %h, %c0, %c0] : !s, !states
}

tile.host @preconditioned_delta_rule_varlen[%N, %STARTS, %T, %HK, %HV](%Q: !keys[%T, %HK], %K: !keys[%T, %HK], %V: !values[%T, %HV], %M: !scales[%T, %HK],
    %G: !gates[%T, %HV], %BETA: !gates[%T, %HV], %starts: !starts[%STARTS], %H0: !states[%N, %HV], out %O: !values[%T, %HV], out %H1: !states[%N, %HV]) {
  %none = arith.constant 0 : index
  %rest = arith.remui %HV, %HK : index
  %divides = arith.cmpi eq, %rest, %none : index
  cf.assert %divides, "expected HV to be a multiple of HK"
  %one = arith.constant 1 : index
  %starts_needed = arith.addi %N, %one : index
  %enough = arith.cmpi eq, %STARTS, %starts_needed : index
  cf.assert %enough, "expected STARTS to be N + 1"
  %group = arith.divui %HV, %HK : index
  tile.launch @attend grid(%HV, %N) args(%Q, %K, %V, %M, %G, %BETA, %starts, %H0, %O, %H1, %group)
    : !keys, !keys, !values, !scales, !gates, !gates, !starts, !states, !values, !states, index
}
