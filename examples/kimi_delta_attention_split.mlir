// `kimi_delta_attention` in two steps, for few heads and long sequences: what does not depend on the state is computed for all chunks
// side by side, and left in memory as products read it; then blocks with all 128 values of a head go from chunk to chunk, with two
// products that depend on each other. Sequences are cut into SEGMENTS, as in gated_delta_rule_split.mlir, but that all but the last
// are joined, so that one segment is nothing but the two steps.
//
//   heddle run examples/kimi_delta_attention_split.mlir --size B=1 --size T=1000 --size HK=1 --size HV=2 --size SEGMENTS=4
//     --input G=uniform:-5:0 --input K=unit --input BETA=uniform:0:1 --check
!keys = memref<?x?x?x128xbf16> // and queries: tokens, then heads
!values = memref<?x?x?x128xbf16> // and results
!gates = memref<?x?x?x128xf32> // natural logarithms of decays
!strengths = memref<?x?x?xf32>
!states = memref<?x?x128x128xf32>
!segments = memref<?x?x?x128x128xf32> // heads, then segments
!key_head = memref<?x128xbf16, strided<[?, 1], offset: ?>>
!value_head = memref<?x128xbf16, strided<[?, 1], offset: ?>>
!head_gates = memref<?x128xf32, strided<[?, 1], offset: ?>>
!head_strengths = memref<?xf32, strided<[?], offset: ?>>
// What the state meets, of heads, then chunks.
!erasing = memref<?x?x?x64x128xbf16> // W
!wide_decayed = memref<?x?x?x128x64xbf16> // keys and queries
!between = memref<?x?x?x64x64xbf16> // T
!wide_between = memref<?x?x?x64x64xbf16> // P
!two_decays = memref<?x?x?x2x128xf32>
!k = tensor<64x128xbf16>
!v = tensor<64x128xbf16>
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
!state = tensor<128x128xf32>
!s = tensor<128x128xf32> // transposed
!transition = tensor<128x128xf32>
!whole_at = tensor<128x128xi32>
!whole_mask = tensor<128x128xi1>
!wide_s = tensor<128x128xbf16>
!o = tensor<128x64xf32>
!o16 = tensor<128x64xbf16>
!wide_o = tensor<128x64xbf16>
!slice = tensor<128x64xf32> // half of the values of a state
!slice_t = tensor<64x128xf32>
#chunk = 64 : index

// What a chunk needs but the state: the preparer of kimi_delta_attention.mlir, with a block for each chunk.
tile.kernel @prepare(%Q: !keys, %K: !keys, %G: !gates, %BETA: !strengths, %W: !erasing, %QThen: !wide_decayed, %KThen: !wide_decayed,
                     %P: !wide_between, %Inverse: !between, %Decay: !two_decays, %group: index) attributes {tile.overlap = false} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c = arith.constant #chunk
  %i = gpu.block_id x
  %h = gpu.block_id y
  %b = gpu.block_id z
  %t = arith.muli %i, %c : index
  %hk = arith.divui %h, %group : index
  %T = memref.dim %Q, %c1 : !keys
  %T_k = memref.dim %K, %c1 : !keys
  %T_g = memref.dim %G, %c1 : !gates
  %T_b = memref.dim %BETA, %c1 : !strengths
  %Q_h = memref.subview %Q[%b, 0, %hk, 0] [1, %T, 1, 128] [1, 1, 1, 1] : !keys to !key_head
  %K_h = memref.subview %K[%b, 0, %hk, 0] [1, %T_k, 1, 128] [1, 1, 1, 1] : !keys to !key_head
  %G_h = memref.subview %G[%b, 0, %h, 0] [1, %T_g, 1, 128] [1, 1, 1, 1] : !gates to !head_gates
  %BETA_h = memref.subview %BETA[%b, 0, %h] [1, %T_b, 1] [1, 1, 1] : !strengths to !head_strengths
  %zero_s = arith.constant dense<0.0> : !scores
  %zero_w = arith.constant dense<0.0> : !k32
  %none = arith.constant dense<-0.0> : !channels // which leaves zeros of either sign as they are
  %none_c = arith.constant dense<-0.0> : !sums
  %zero = arith.constant dense<0.0> : !sums
  %nothing = arith.constant dense<0.0> : !wide_k_t
  %half = arith.constant dense<0.5> : !sums
  %least = arith.constant dense<-10.0> : !k32
  %log2e = arith.constant dense<1.44269504> : !k32 // hardware computes 2^x

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
  tile.store %p16, %P[%b, %h, %i, %c0, %c0] : !wide_scores, !wide_between

  // And for the chunk: the queries as they see the state, and the keys as the next state has them.
  %power_q3 = math.exp2 %start_32 : !sums
  %left_q3 = arith.truncf %power_q3 : !sums to !wide_k_t
  %until_3 = arith.subf %end_3, %end_32 : !sums
  %power_k3 = math.exp2 %until_3 : !sums
  %left_k3 = arith.truncf %power_k3 : !sums to !wide_k_t
  %q16 = arith.mulf %q_far, %left_q3 : !wide_k_t
  %k16 = arith.mulf %k_far, %left_k3 : !wide_k_t
  tile.store %q16, %QThen[%b, %h, %i, %c0, %c0] : !wide_k_t, !wide_decayed
  tile.store %k16, %KThen[%b, %h, %i, %c0, %c0] : !wide_k_t, !wide_decayed
  %decay = math.exp2 %near_63 : !channels
  %off = arith.subf %sum_63, %near_63 : !channels
  %rest = math.exp2 %off : !channels // less than half a power, which the new state decays by in f32
  tile.store %decay, %Decay[%b, %h, %i, %c0, %c0] : !channels, !two_decays
  tile.store %rest, %Decay[%b, %h, %i, %c1, %c0] : !channels, !two_decays

  // The inverse, by which the values and what the state has for the keys are multiplied.
  %beta = tile.load %BETA_h[%t] pad 0.0 : f32 : !head_strengths -> !row
  %beta_i = tile.broadcast %beta axes [1] : !row -> !scores
  %l = arith.mulf %erased, %beta_i : !scores
  %inverse = tile.tri_inverse %l precision tf32 : !scores // of which products see 8 bits
  %beta_j = tile.broadcast %beta axes [0] : !row -> !scores
  %inverse_v = arith.mulf %inverse, %beta_j : !scores
  %inverse_v16 = arith.truncf %inverse_v : !scores to !scores16
  tile.store %inverse_v16, %Inverse[%b, %h, %i, %c0, %c0] : !scores16, !between
  %inverse_k = arith.negf %inverse_v : !scores
  %inverse_k16 = arith.truncf %inverse_k : !scores to !wide_scores
  %e16 = arith.mulf %e_far, %left_q3 : !wide_k_t
  %w = tile.dot %inverse_k16, %e16, %zero_w transpose_b : !wide_scores, !wide_k_t -> !k32
  %w16 = arith.truncf %w : !k32 to !wide_k
  tile.store %w16, %W[%b, %h, %i, %c0, %c0] : !wide_k, !erasing
}

// What all segments but the last make of a state: blocks with an even number begin with zero, the others with the unit matrix and
// without values, which are zeros behind the end of the sequence.
tile.kernel @join(%V: !values, %W: !erasing, %KThen: !wide_decayed, %Inverse: !between, %Decay: !two_decays, %Transition: !segments,
                  %Term: !segments, %chunks: index) attributes {tile.overlap = false} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c = arith.constant #chunk
  %c2 = arith.constant 2 : index
  %block = gpu.block_id x
  %h = arith.divui %block, %c2 : index
  %part = arith.remui %block, %c2 : index
  %adds = arith.cmpi eq, %part, %c0 : index
  %segment = gpu.block_id y
  %b = gpu.block_id z
  %T = memref.dim %V, %c1 : !values
  %count = memref.dim %W, %c2 : !erasing
  %first = arith.muli %segment, %chunks : index
  %behind = arith.addi %first, %chunks : index
  %end = arith.minui %behind, %count : index
  %V_h = memref.subview %V[%b, 0, %h, 0] [1, %T, 1, 128] [1, 1, 1, 1] : !values to !value_head
  %start = arith.select %adds, %c0, %T : index
  %zero_o = arith.constant dense<0.0> : !o
  %one = arith.constant 1.0 : f32
  %none = arith.constant 0.0 : f32
  %unit = arith.select %adds, %none, %one : f32
  %diagonal = tensor.splat %unit : !s
  %zero = arith.constant dense<0.0> : !s
  %from = tile.iota axis 0 : !whole_at
  %to = tile.iota axis 1 : !whole_at
  %is_unit = arith.cmpi eq, %from, %to : !whole_at
  %s0 = arith.select %is_unit, %diagonal, %zero : !whole_mask, !s
  %s_last = scf.for %i = %first to %end step %c1 iter_args(%s = %s0) -> (!s) {
    %w = tile.load %W[%b, %h, %i, %c0, %c0] : !erasing -> !wide_k
    %s16 = arith.truncf %s : !s to !wide_s
    %x_s = tile.dot %s16, %w, %zero_o transpose_b : !wide_s, !wide_k -> !o
    %from_first = arith.muli %i, %c : index
    %t = arith.addi %start, %from_first : index
    %v = tile.load %V_h[%t, %c0] pad 0.0 : bf16 : !value_head -> !v
    %inverse = tile.load %Inverse[%b, %h, %i, %c0, %c0] : !between -> !scores16
    %x = tile.dot %v, %inverse, %x_s transpose_a transpose_b : !v, !scores16 -> !o
    %x16 = arith.truncf %x : !o to !wide_o
    %decay = tile.load %Decay[%b, %h, %i, %c0, %c0] : !two_decays -> !channels
    %decay_s = tile.broadcast %decay axes [0] : !channels -> !s
    %kept = arith.mulf %s, %decay_s : !s
    %k = tile.load %KThen[%b, %h, %i, %c0, %c0] : !wide_decayed -> !wide_k_t
    %new = tile.dot %x16, %k, %kept transpose_b : !wide_o, !wide_k_t -> !s
    %rest = tile.load %Decay[%b, %h, %i, %c1, %c0] : !two_decays -> !channels
    %rest_s = tile.broadcast %rest axes [0] : !channels -> !s
    %s_next = arith.mulf %new, %rest_s : !s
    scf.yield %s_next : !s
  }
  %made = tile.transpose %s_last [1, 0] : !s -> !state
  scf.if %adds {
    tile.store %made, %Term[%b, %h, %segment, %c0, %c0] : !state, !segments
  } else {
    tile.store %made, %Transition[%b, %h, %segment, %c0, %c0] : !state, !segments
  }
}

// The state before each segment, 64 columns of it. The last one has no transition and no term.
tile.kernel @between(%Transition: !segments, %Term: !segments, %H0: !states, %Starts: !segments, %count: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c64 = arith.constant 64 : index
  %x = gpu.block_id x
  %h = gpu.block_id y
  %b = gpu.block_id z
  %v = arith.muli %x, %c64 : index
  %h0 = tile.load %H0[%b, %h, %c0, %v] pad 0.0 : f32 : !states -> !slice
  %s0 = tile.transpose %h0 [1, 0] : !slice -> !slice_t
  %last = scf.for %j = %c0 to %count step %c1 iter_args(%s = %s0) -> (!slice_t) {
    %start = tile.transpose %s [1, 0] : !slice_t -> !slice
    tile.store %start, %Starts[%b, %h, %j, %c0, %v] : !slice, !segments
    %m = tile.load %Transition[%b, %h, %j, %c0, %c0] : !segments -> !transition
    %added = tile.load %Term[%b, %h, %j, %c0, %v] : !segments -> !slice
    %term = tile.transpose %added [1, 0] : !slice -> !slice_t
    %next = tile.dot %s, %m, %term transpose_b precision tf32 : !slice_t, !transition -> !slice_t
    scf.yield %next : !slice_t
  }
  %start_last = tile.transpose %last [1, 0] : !slice_t -> !slice
  tile.store %start_last, %Starts[%b, %h, %count, %c0, %v] : !slice, !segments
}

// The results of each segment, from its state.
tile.kernel @attend(%V: !values, %W: !erasing, %QThen: !wide_decayed, %KThen: !wide_decayed, %P: !wide_between, %Inverse: !between, %Decay: !two_decays,
                    %Starts: !segments, %O: !values, %H1: !states, %chunks: index) attributes {tile.overlap = false} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c = arith.constant #chunk
  %c2 = arith.constant 2 : index
  %h = gpu.block_id x
  %segment = gpu.block_id y
  %b = gpu.block_id z
  %T = memref.dim %O, %c1 : !values
  %T_v = memref.dim %V, %c1 : !values
  %count = memref.dim %W, %c2 : !erasing
  %first = arith.muli %segment, %chunks : index
  %behind = arith.addi %first, %chunks : index
  %end = arith.minui %behind, %count : index
  %V_h = memref.subview %V[%b, 0, %h, 0] [1, %T_v, 1, 128] [1, 1, 1, 1] : !values to !value_head
  %O_h = memref.subview %O[%b, 0, %h, 0] [1, %T, 1, 128] [1, 1, 1, 1] : !values to !value_head
  %zero_o = arith.constant dense<0.0> : !o
  %scale = arith.constant dense<0.0883883476> : !o // 1 / sqrt(128)
  %h0 = tile.load %Starts[%b, %h, %segment, %c0, %c0] : !segments -> !state
  %s0 = tile.transpose %h0 [1, 0] : !state -> !s
  %s_last = scf.for %i = %first to %end step %c1 iter_args(%s = %s0) -> (!s) {
    %w = tile.load %W[%b, %h, %i, %c0, %c0] : !erasing -> !wide_k
    %s16 = arith.truncf %s : !s to !wide_s
    %x_s = tile.dot %s16, %w, %zero_o transpose_b : !wide_s, !wide_k -> !o
    %t = arith.muli %i, %c : index
    %v = tile.load %V_h[%t, %c0] pad 0.0 : bf16 : !value_head -> !v
    %inverse = tile.load %Inverse[%b, %h, %i, %c0, %c0] : !between -> !scores16
    %x = tile.dot %v, %inverse, %x_s transpose_a transpose_b : !v, !scores16 -> !o
    %x16 = arith.truncf %x : !o to !wide_o
    %decay = tile.load %Decay[%b, %h, %i, %c0, %c0] : !two_decays -> !channels
    %decay_s = tile.broadcast %decay axes [0] : !channels -> !s
    %kept = arith.mulf %s, %decay_s : !s
    %k = tile.load %KThen[%b, %h, %i, %c0, %c0] : !wide_decayed -> !wide_k_t
    %new = tile.dot %x16, %k, %kept transpose_b : !wide_o, !wide_k_t -> !s
    %q = tile.load %QThen[%b, %h, %i, %c0, %c0] : !wide_decayed -> !wide_k_t
    %o_before = tile.dot %s16, %q, %zero_o : !wide_s, !wide_k_t -> !o
    %p = tile.load %P[%b, %h, %i, %c0, %c0] : !wide_between -> !wide_scores
    %o = tile.dot %x16, %p, %o_before transpose_b : !wide_o, !wide_scores -> !o
    %scaled_o = arith.mulf %o, %scale : !o
    %o16 = arith.truncf %scaled_o : !o to !o16
    %out = tile.transpose %o16 [1, 0] : !o16 -> !v
    tile.store %out, %O_h[%t, %c0] : !v, !value_head
    %rest = tile.load %Decay[%b, %h, %i, %c1, %c0] : !two_decays -> !channels
    %rest_s = tile.broadcast %rest axes [0] : !channels -> !s
    %s_next = arith.mulf %new, %rest_s : !s
    scf.yield %s_next : !s
  }
  %segments = memref.dim %Starts, %c2 : !segments
  %next = arith.addi %segment, %c1 : index
  %is_last = arith.cmpi eq, %next, %segments : index
  %h1 = tile.transpose %s_last [1, 0] : !s -> !state
  scf.if %is_last {
    tile.store %h1, %H1[%b, %h, %c0, %c0] : !state, !states
  }
}

tile.host @kimi_delta_attention[%B, %T, %HK, %HV, %SEGMENTS](
    %Q: !keys[%B, %T, %HK], %K: !keys[%B, %T, %HK], %V: !values[%B, %T, %HV], %G: !gates[%B, %T, %HV], %BETA: !strengths[%B, %T, %HV],
    %H0: !states[%B, %HV], out %O: !values[%B, %T, %HV], out %H1: !states[%B, %HV]) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %c = arith.constant #chunk
  %rest = arith.remui %HV, %HK : index
  %divides = arith.cmpi eq, %rest, %c0 : index
  cf.assert %divides, "expected HV to be a multiple of HK"
  %group = arith.divui %HV, %HK : index
  %some = arith.cmpi ugt, %SEGMENTS, %c0 : index
  cf.assert %some, "expected at least one segment"
  // Nothing may be left for the last segments.
  %count = arith.maxui %SEGMENTS, %c1 : index
  %joined = arith.subi %count, %c1 : index
  %chunks = arith.ceildivui %T, %c : index
  %length = arith.ceildivui %chunks, %count : index
  %w = memref.alloc(%B, %HV, %chunks) : !erasing
  %q = memref.alloc(%B, %HV, %chunks) : !wide_decayed
  %k = memref.alloc(%B, %HV, %chunks) : !wide_decayed
  %p = memref.alloc(%B, %HV, %chunks) : !wide_between
  %inverse = memref.alloc(%B, %HV, %chunks) : !between
  %decay = memref.alloc(%B, %HV, %chunks) : !two_decays
  %transitions = memref.alloc(%B, %HV, %count) : !segments
  %terms = memref.alloc(%B, %HV, %count) : !segments
  %starts = memref.alloc(%B, %HV, %count) : !segments
  %parts = arith.muli %HV, %c2 : index
  tile.launch @prepare grid(%chunks, %HV, %B) args(%Q, %K, %G, %BETA, %w, %q, %k, %p, %inverse, %decay, %group)
    : !keys, !keys, !gates, !strengths, !erasing, !wide_decayed, !wide_decayed, !wide_between, !between, !two_decays, index
  tile.launch @join grid(%parts, %joined, %B) args(%V, %w, %k, %inverse, %decay, %transitions, %terms, %length)
    : !values, !erasing, !wide_decayed, !between, !two_decays, !segments, !segments, index
  tile.launch @between grid(%c2, %HV, %B) args(%transitions, %terms, %H0, %starts, %joined)
    : !segments, !segments, !states, !segments, index
  tile.launch @attend grid(%HV, %count, %B) args(%V, %w, %q, %k, %p, %inverse, %decay, %starts, %O, %H1, %length)
    : !values, !erasing, !wide_decayed, !wide_decayed, !wide_between, !between, !two_decays, !segments, !values, !states, index
}
