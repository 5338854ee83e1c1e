// Kimi delta attention: S_t = (1 - BETA_t K_t K_t^T) diag(exp(G_t)) S_{t-1} + BETA_t K_t V_t^T, O_t = S_t^T Q_t / sqrt(128), over bf16
// heads of 128 elements. HV heads of values, gates and BETA share HK heads of queries and keys, which should have length one.
// H0 is the state before the first token, H1 that after the last.
//
// The decays between tokens of a chunk of 64 are those of gated_linear_attention.mlir, for queries and for keys that erase, but
// that even the chunk's end is rounded to a whole power of two, which spares keys an error: the new state decays by what that
// is off. The rest is as in gated_delta_rule.mlir, but that a block has 64 of the values: its preparer needs the registers of
// another consumer. The two blocks of a head are a cluster, which loads for both what they load alike. Gates are meant to be -5 or
// above, which are those of a safe gate; they are raised to -10.
//
//   heddle run examples/kimi_delta_attention.mlir --size B=1 --size T=200 --size HK=1 --size HV=2 --input G=uniform:-5:0 --input K=unit --input BETA=uniform:0:1 --check
!keys = memref<?x?x?x128xbf16> // and queries: tokens, then heads
!values = memref<?x?x?x128xbf16> // and results
!gates = memref<?x?x?x128xf32> // natural logarithms of decays
!strengths = memref<?x?x?xf32>
!states = memref<?x?x128x128xf32>
!key_head = memref<?x128xbf16, strided<[?, 1], offset: ?>>
!value_head = memref<?x128xbf16, strided<[?, 1], offset: ?>>
!head_gates = memref<?x128xf32, strided<[?, 1], offset: ?>>
!head_strengths = memref<?xf32, strided<[?], offset: ?>>
!k = tensor<64x128xbf16>
!k_t = tensor<128x64xbf16>
!wide_k_t = tensor<128x64xbf16> // bf16 for arrays of f16, too: what grows does not fit into that
!k32 = tensor<64x128xf32>
!wide_k = tensor<64x128xbf16>
!sums = tensor<128x64xf32>
!channels = tensor<128xf32>
!row = tensor<64xf32>
!token = tensor<128x64xi32>
!tokens = tensor<128x64xi1>
!at = tensor<64x64xi32>
!mask = tensor<64x64xi1>
!scores = tensor<64x64xf32>
!scores16 = tensor<64x64xbf16>
!wide_scores = tensor<64x64xbf16>
!v = tensor<64x64xbf16>
!o = tensor<64x64xf32>
!o16 = tensor<64x64xbf16>
!wide_o = tensor<64x64xbf16>
!state = tensor<128x64xf32>
!s = tensor<64x128xf32> // transposed
!wide_s = tensor<64x128xbf16>
#chunk = 64 : index
#v = 64 : index // values of a block
#parts = 2 : index // blocks of a head

tile.kernel @attend(%Q: !keys, %K: !keys, %V: !values, %G: !gates, %BETA: !strengths,
                    %H0: !states, %O: !values, %H1: !states, %group: index) attributes {tile.cluster = [2]} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c = arith.constant #chunk
  %parts = arith.constant #parts
  %block = gpu.block_id x
  %h = arith.divui %block, %parts : index
  %part = arith.remui %block, %parts : index
  %v_size = arith.constant #v
  %v0 = arith.muli %part, %v_size : index
  %b = gpu.block_id y
  %hk = arith.divui %h, %group : index
  %T = memref.dim %Q, %c1 : !keys
  %T_k = memref.dim %K, %c1 : !keys
  %T_v = memref.dim %V, %c1 : !values
  %T_g = memref.dim %G, %c1 : !gates
  %Q_h = memref.subview %Q[%b, 0, %hk, 0] [1, %T, 1, 128] [1, 1, 1, 1] : !keys to !key_head
  %K_h = memref.subview %K[%b, 0, %hk, 0] [1, %T_k, 1, 128] [1, 1, 1, 1] : !keys to !key_head
  %V_h = memref.subview %V[%b, 0, %h, 0] [1, %T_v, 1, 128] [1, 1, 1, 1] : !values to !value_head
  %G_h = memref.subview %G[%b, 0, %h, 0] [1, %T_g, 1, 128] [1, 1, 1, 1] : !gates to !head_gates
  %BETA_h = memref.subview %BETA[%b, 0, %h] [1, %T, 1] [1, 1, 1] : !strengths to !head_strengths
  %O_h = memref.subview %O[%b, 0, %h, 0] [1, %T, 1, 128] [1, 1, 1, 1] : !values to !value_head
  %zero_s = arith.constant dense<0.0> : !scores
  %zero_o = arith.constant dense<0.0> : !o
  %zero_w = arith.constant dense<0.0> : !k32
  %none = arith.constant dense<-0.0> : !channels // which leaves zeros of either sign as they are
  %none_c = arith.constant dense<-0.0> : !sums
  %zero = arith.constant dense<0.0> : !sums
  %nothing = arith.constant dense<0.0> : !wide_k_t
  %half = arith.constant dense<0.5> : !sums
  %least = arith.constant dense<-10.0> : !k32
  %log2e = arith.constant dense<1.44269504> : !k32 // hardware computes 2^x
  %scale = arith.constant dense<0.0883883476> : !o // 1 / sqrt(128)

  // Pairs of tokens, by how far up a binary tree of blocks they meet.
  %row = tile.iota axis 0 : !at
  %column = tile.iota axis 1 : !at
  %sees = arith.cmpi sge, %row, %column : !at
  %by_16 = arith.constant dense<4> : !at
  %by_32 = arith.constant dense<5> : !at
  %row_16 = arith.shrui %row, %by_16 : !at
  %row_32 = arith.shrui %row, %by_32 : !at
  %column_16 = arith.shrui %column, %by_16 : !at
  %column_32 = arith.shrui %column, %by_32 : !at
  %is_near = arith.cmpi eq, %row_16, %column_16 : !at
  %is_next = arith.cmpi eq, %row_32, %column_32 : !at

  // Blocks of 16 tokens, of which a chunk has four, two in each half, and their last tokens.
  %token = tile.iota axis 1 : !token
  %t15 = arith.constant dense<15> : !token
  %t31 = arith.constant dense<31> : !token
  %t47 = arith.constant dense<47> : !token
  %t63 = arith.constant dense<63> : !token
  %is_15 = arith.cmpi eq, %token, %t15 : !token
  %is_31 = arith.cmpi eq, %token, %t31 : !token
  %is_47 = arith.cmpi eq, %token, %t47 : !token
  %is_63 = arith.cmpi eq, %token, %t63 : !token
  %in_0 = arith.cmpi ule, %token, %t15 : !token
  %in_01 = arith.cmpi ule, %token, %t31 : !token
  %in_012 = arith.cmpi ule, %token, %t47 : !token
  %by_2_blocks = arith.constant dense<31> : !token
  %in_pair = arith.andi %token, %by_2_blocks : !token
  %in_02 = arith.cmpi ule, %in_pair, %t15 : !token

  %h0 = tile.load %H0[%b, %h, %c0, %v0] pad 0.0 : f32 : !states -> !state
  %s0 = tile.transpose %h0 [1, 0] : !state -> !s

  %s_last = scf.for %t = %c0 to %T step %c iter_args(%s = %s0) -> (!s) {
    %g = tile.load %G_h[%t, %c0] pad 0.0 : f32 : !head_gates -> !k32
    %raised = arith.maximumf %g, %least : !k32
    %g2 = arith.mulf %raised, %log2e : !k32
    %scanned = tile.scan add %g2 axis 0 : !k32
    %sum = tile.transpose %scanned [1, 0] : !k32 -> !sums

    // How much has decayed where blocks end: a whole power of two is near enough for blocks to agree on.
    %at_15 = arith.select %is_15, %sum, %none_c : !tokens, !sums
    %at_31 = arith.select %is_31, %sum, %none_c : !tokens, !sums
    %at_47 = arith.select %is_47, %sum, %none_c : !tokens, !sums
    %at_63 = arith.select %is_63, %sum, %none_c : !tokens, !sums
    %sum_15 = tile.reduce add %at_15, %none axis 1 : !sums -> !channels
    %near_15 = math.roundeven %sum_15 : !channels
    %sum_31 = tile.reduce add %at_31, %none axis 1 : !sums -> !channels
    %near_31 = math.roundeven %sum_31 : !channels
    %sum_47 = tile.reduce add %at_47, %none axis 1 : !sums -> !channels
    %near_47 = math.roundeven %sum_47 : !channels
    %sum_63 = tile.reduce add %at_63, %none axis 1 : !sums -> !channels
    %near_63 = math.roundeven %sum_63 : !channels
    %end_0 = tile.broadcast %near_15 axes [1] : !channels -> !sums
    %end_1 = tile.broadcast %near_31 axes [1] : !channels -> !sums
    %end_2 = tile.broadcast %near_47 axes [1] : !channels -> !sums
    %end_3 = tile.broadcast %near_63 axes [1] : !channels -> !sums
    // Where blocks of 16 and 32 tokens start and end.
    %start_01 = arith.select %in_0, %zero, %end_0 : !tokens, !sums
    %start_23 = arith.select %in_012, %end_1, %end_2 : !tokens, !sums
    %start = arith.select %in_01, %start_01, %start_23 : !tokens, !sums
    %end_01 = arith.select %in_0, %end_0, %end_1 : !tokens, !sums
    %end_23 = arith.select %in_012, %end_2, %end_3 : !tokens, !sums
    %end = arith.select %in_01, %end_01, %end_23 : !tokens, !sums
    %start_32 = arith.select %in_01, %zero, %end_1 : !tokens, !sums
    %end_32 = arith.select %in_01, %end_1, %end_3 : !tokens, !sums

    // Keys until, and queries and keys that erase since, half of what decays in their block of 16 tokens has.
    %ends = arith.addf %start, %end : !sums
    %exact_middle = arith.mulf %ends, %half : !sums
    %middle = math.roundeven %exact_middle : !sums
    %k = tile.load %K_h[%t, %c0] pad 0.0 : bf16 : !key_head -> !k
    %k_t = tile.transpose %k [1, 0] : !k -> !k_t
    %until_0 = arith.subf %middle, %sum : !sums
    %grown_k = math.exp2 %until_0 : !sums
    %k32 = arith.extf %k_t : !k_t to !sums
    %k_0 = arith.mulf %k32, %grown_k : !sums
    %k_near = arith.truncf %k_0 : !sums to !wide_k_t
    %since_0 = arith.subf %sum, %middle : !sums
    %grown_q = math.exp2 %since_0 : !sums
    %e_0 = arith.mulf %k32, %grown_q : !sums
    %e_near = arith.truncf %e_0 : !sums to !wide_k_t
    %q = tile.load %Q_h[%t, %c0] pad 0.0 : bf16 : !key_head -> !k
    %q_t = tile.transpose %q [1, 0] : !k -> !k_t
    %q32 = arith.extf %q_t : !k_t to !sums
    %q_0 = arith.mulf %q32, %grown_q : !sums
    %q_near = arith.truncf %q_0 : !sums to !wide_k_t
    %near_e = tile.dot %e_near, %k_near, %zero_s transpose_a : !wide_k_t, !wide_k_t -> !scores
    %near = tile.dot %q_near, %k_near, %zero_s transpose_a : !wide_k_t, !wide_k_t -> !scores

    // Since their block starts, and until it ends. Powers of two multiply bf16 without an error.
    %since_1 = arith.subf %middle, %start : !sums
    %until_1 = arith.subf %end, %middle : !sums
    %power_q1 = math.exp2 %since_1 : !sums
    %left_q1 = arith.truncf %power_q1 : !sums to !wide_k_t
    %power_k1 = math.exp2 %until_1 : !sums
    %left_k1 = arith.truncf %power_k1 : !sums to !wide_k_t
    %e_next = arith.mulf %e_near, %left_q1 : !wide_k_t
    %k_next = arith.mulf %k_near, %left_k1 : !wide_k_t
    // Queries of the second block of a half, and keys of the first: zeros add nothing to pairs that are nearer.
    %e_later = arith.select %in_02, %nothing, %e_next : !tokens, !wide_k_t
    %k_earlier = arith.select %in_02, %k_next, %nothing : !tokens, !wide_k_t
    %only_near_e = arith.select %is_near, %near_e, %zero_s : !mask, !scores
    %next_e = tile.dot %e_later, %k_earlier, %only_near_e transpose_a : !wide_k_t, !wide_k_t -> !scores
    %q_next = arith.mulf %q_near, %left_q1 : !wide_k_t
    %q_later = arith.select %in_02, %nothing, %q_next : !tokens, !wide_k_t
    %only_near = arith.select %is_near, %near, %zero_s : !mask, !scores
    %next = tile.dot %q_later, %k_earlier, %only_near transpose_a : !wide_k_t, !wide_k_t -> !scores

    // The same for their half of the chunk.
    %since_2 = arith.subf %start, %start_32 : !sums
    %until_2 = arith.subf %end_32, %end : !sums
    %power_q2 = math.exp2 %since_2 : !sums
    %left_q2 = arith.truncf %power_q2 : !sums to !wide_k_t
    %power_k2 = math.exp2 %until_2 : !sums
    %left_k2 = arith.truncf %power_k2 : !sums to !wide_k_t
    %e_far = arith.mulf %e_next, %left_q2 : !wide_k_t
    %k_far = arith.mulf %k_next, %left_k2 : !wide_k_t
    %e_last = arith.select %in_01, %nothing, %e_far : !tokens, !wide_k_t
    %k_first = arith.select %in_01, %k_far, %nothing : !tokens, !wide_k_t
    %at_most_next_e = arith.select %is_next, %next_e, %zero_s : !mask, !scores
    %far_e = tile.dot %e_last, %k_first, %at_most_next_e transpose_a : !wide_k_t, !wide_k_t -> !scores
    %q_far = arith.mulf %q_next, %left_q2 : !wide_k_t
    %q_last = arith.select %in_01, %nothing, %q_far : !tokens, !wide_k_t
    %at_most_next = arith.select %is_next, %next, %zero_s : !mask, !scores
    %far = tile.dot %q_last, %k_first, %at_most_next transpose_a : !wide_k_t, !wide_k_t -> !scores
    %seen = arith.select %sees, %far, %zero_s : !mask, !scores
    %erased = arith.select %sees, %far_e, %zero_s : !mask, !scores
    %p16 = arith.truncf %seen : !scores to !wide_scores

    // And for the chunk: the queries as they see the state, and the keys as the next state has them.
    %power_q3 = math.exp2 %start_32 : !sums
    %left_q3 = arith.truncf %power_q3 : !sums to !wide_k_t
    %until_3 = arith.subf %end_3, %end_32 : !sums
    %power_k3 = math.exp2 %until_3 : !sums
    %left_k3 = arith.truncf %power_k3 : !sums to !wide_k_t
    %q16 = arith.mulf %q_far, %left_q3 : !wide_k_t
    %k16 = arith.mulf %k_far, %left_k3 : !wide_k_t
    %decay = math.exp2 %near_63 : !channels
    %off = arith.subf %sum_63, %near_63 : !channels
    %rest = math.exp2 %off : !channels // less than half a power, which the new state decays by in f32

    // The inverse, by which the values and what the state has for the keys are multiplied.
    %beta = tile.load %BETA_h[%t] pad 0.0 : f32 : !head_strengths -> !row
    %beta_i = tile.broadcast %beta axes [1] : !row -> !scores
    %l = arith.mulf %erased, %beta_i : !scores
    %inverse = tile.tri_inverse %l precision tf32 : !scores // of which products see 8 bits
    %beta_j = tile.broadcast %beta axes [0] : !row -> !scores
    %inverse_v = arith.mulf %inverse, %beta_j : !scores
    %inverse_v16 = arith.truncf %inverse_v : !scores to !scores16
    %inverse_k = arith.negf %inverse_v : !scores
    %inverse_k16 = arith.truncf %inverse_k : !scores to !wide_scores
    %e16 = arith.mulf %e_far, %left_q3 : !wide_k_t
    %w = tile.dot %inverse_k16, %e16, %zero_w transpose_b : !wide_scores, !wide_k_t -> !k32
    %w16 = arith.truncf %w : !k32 to !wide_k

    // From the state to the next one.
    %s16 = arith.truncf %s : !s to !wide_s
    %decay_s = tile.broadcast %decay axes [0] : !channels -> !s
    %kept = arith.mulf %s, %decay_s : !s
    %v = tile.load %V_h[%t, %v0] pad 0.0 : bf16 : !value_head -> !v
    %x_s = tile.dot %s16, %w16, %zero_o transpose_b : !wide_s, !wide_k -> !o
    %x = tile.dot %v, %inverse_v16, %x_s transpose_a transpose_b : !v, !scores16 -> !o
    %x16 = arith.truncf %x : !o to !wide_o
    %new = tile.dot %x16, %k16, %kept transpose_b : !wide_o, !wide_k_t -> !s
    %o_before = tile.dot %s16, %q16, %zero_o : !wide_s, !wide_k_t -> !o
    %o = tile.dot %x16, %p16, %o_before transpose_b : !wide_o, !wide_scores -> !o
    %scaled_o = arith.mulf %o, %scale : !o
    %o16 = arith.truncf %scaled_o : !o to !o16
    %out = tile.transpose %o16 [1, 0] : !o16 -> !v
    tile.store %out, %O_h[%t, %v0] : !v, !value_head
    %rest_s = tile.broadcast %rest axes [0] : !channels -> !s
    %s_next = arith.mulf %new, %rest_s : !s
    scf.yield %s_next : !s
  }
  %h1 = tile.transpose %s_last [1, 0] : !s -> !state
  tile.store %h1, %H1[%b, %h, %c0, %v0] : !state, !states
}

tile.host @kimi_delta_attention[%B, %T, %HK, %HV](%Q: !keys[%B, %T, %HK], %K: !keys[%B, %T, %HK], %V: !values[%B, %T, %HV],
                                                  %G: !gates[%B, %T, %HV], %BETA: !strengths[%B, %T, %HV], %H0: !states[%B, %HV],
                                                  out %O: !values[%B, %T, %HV], out %H1: !states[%B, %HV]) {
  %none = arith.constant 0 : index
  %rest = arith.remui %HV, %HK : index
  %divides = arith.cmpi eq, %rest, %none : index
  cf.assert %divides, "expected HV to be a multiple of HK"
  %group = arith.divui %HV, %HK : index
  %parts = arith.constant #parts
  %blocks = arith.muli %HV, %parts : index
  tile.launch @attend grid(%blocks, %B) args(%Q, %K, %V, %G, %BETA, %H0, %O, %H1, %group)
    : !keys, !keys, !values, !gates, !strengths, !states, !values, !states, index
}
