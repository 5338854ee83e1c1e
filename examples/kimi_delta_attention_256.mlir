// `kimi_delta_attention` for heads of 256 elements, in three steps. What does not depend on the state is computed first, with a block for each
// chunk and half of the channels: a thread has a channel, and the halves of scores are added up. Next come the inverse and W, then
// the chunks one after the other, as in kimi_delta_attention_split.mlir. A block has 64 of the values, whose state is what registers
// hold; in one kernel, all four blocks of a head would prepare the same, and shared memory would not hold what they prepare.
//
//   heddle run examples/kimi_delta_attention_256.mlir --size B=1 --size T=200 --size HK=1 --size HV=2 --input G=uniform:-5:0 --input K=unit --input BETA=uniform:0:1 --check
!keys = memref<?x?x?x256xbf16> // and queries: tokens, then heads
!values = memref<?x?x?x256xbf16> // and results
!gates = memref<?x?x?x256xf32> // natural logarithms of decays
!strengths = memref<?x?x?xf32>
!states = memref<?x?x256x256xf32>
!key_head = memref<?x256xbf16, strided<[?, 1], offset: ?>>
!value_head = memref<?x256xbf16, strided<[?, 1], offset: ?>>
!head_gates = memref<?x256xf32, strided<[?, 1], offset: ?>>
!head_strengths = memref<?xf32, strided<[?], offset: ?>>
// What the state meets, of heads, then chunks. Wide ones are bf16 for arrays of f16, too: what grows does not fit into that.
!erasing = memref<?x?x?x64x256xbf16> // W
!wide_decayed = memref<?x?x?x256x64xbf16> // keys, queries and keys that erase
!between = memref<?x?x?x64x64xbf16> // T
!wide_pairs = memref<?x?x?x128x64xbf16> // P, of halves of the channels, one after the other
!pairs32 = memref<?x?x?x128x64xf32> // L, which the system is made of
!two_decays = memref<?x?x?x2x256xf32>
!half_k = tensor<64x128xbf16>
!half_k_t = tensor<128x64xbf16>
!half_wide_k_t = tensor<128x64xbf16>
!half_k32 = tensor<64x128xf32>
!half_sums = tensor<128x64xf32>
!half_channels = tensor<128xf32>
!half_token = tensor<128x64xi32>
!half_tokens = tensor<128x64xi1>
!wide_k = tensor<64x256xbf16>
!k32 = tensor<64x256xf32>
!wide_k_t = tensor<256x64xbf16>
!row = tensor<64xf32>
!channels = tensor<256xf32>
!at = tensor<64x64xi32>
!mask = tensor<64x64xi1>
!scores = tensor<64x64xf32>
!scores16 = tensor<64x64xbf16>
!wide_scores = tensor<64x64xbf16>
!v = tensor<64x64xbf16>
!o = tensor<64x64xf32>
!o16 = tensor<64x64xbf16>
!wide_o = tensor<64x64xbf16>
!state = tensor<256x64xf32>
!s = tensor<64x256xf32> // transposed
!wide_s = tensor<64x256xbf16>
!wide_s_t = tensor<256x64xbf16>
#chunk = 64 : index
#half = 128 : index // channels
#v = 64 : index // values of a block
#parts = 4 : index // blocks of a head

// What a chunk needs but the state, and the system, of half of the channels.
tile.kernel @prepare(%Q: !keys, %K: !keys, %G: !gates, %QThen: !wide_decayed, %EThen: !wide_decayed, %KThen: !wide_decayed,
                     %P: !wide_pairs, %L: !pairs32, %Decay: !two_decays, %group: index) attributes {tile.overlap = false} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %c = arith.constant #chunk
  %size = arith.constant #half
  %block = gpu.block_id x
  %i = arith.divui %block, %c2 : index
  %part = arith.remui %block, %c2 : index
  %d = arith.muli %part, %size : index
  %pair = arith.muli %part, %c : index
  %h = gpu.block_id y
  %b = gpu.block_id z
  %t = arith.muli %i, %c : index
  %hk = arith.divui %h, %group : index
  %T = memref.dim %Q, %c1 : !keys
  %T_k = memref.dim %K, %c1 : !keys
  %T_g = memref.dim %G, %c1 : !gates
  %Q_h = memref.subview %Q[%b, 0, %hk, 0] [1, %T, 1, 256] [1, 1, 1, 1] : !keys to !key_head
  %K_h = memref.subview %K[%b, 0, %hk, 0] [1, %T_k, 1, 256] [1, 1, 1, 1] : !keys to !key_head
  %G_h = memref.subview %G[%b, 0, %h, 0] [1, %T_g, 1, 256] [1, 1, 1, 1] : !gates to !head_gates
  %zero_s = arith.constant dense<0.0> : !scores
  %none = arith.constant dense<-0.0> : !half_channels // which leaves zeros of either sign as they are
  %none_c = arith.constant dense<-0.0> : !half_sums
  %zero = arith.constant dense<0.0> : !half_sums
  %nothing = arith.constant dense<0.0> : !half_wide_k_t
  %half = arith.constant dense<0.5> : !half_sums
  %least = arith.constant dense<-10.0> : !half_k32
  %log2e = arith.constant dense<1.44269504> : !half_k32 // hardware computes 2^x

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
  %token = tile.iota axis 1 : !half_token
  %t15 = arith.constant dense<15> : !half_token
  %t31 = arith.constant dense<31> : !half_token
  %t47 = arith.constant dense<47> : !half_token
  %t63 = arith.constant dense<63> : !half_token
  %is_15 = arith.cmpi eq, %token, %t15 : !half_token
  %is_31 = arith.cmpi eq, %token, %t31 : !half_token
  %is_47 = arith.cmpi eq, %token, %t47 : !half_token
  %is_63 = arith.cmpi eq, %token, %t63 : !half_token
  %in_0 = arith.cmpi ule, %token, %t15 : !half_token
  %in_01 = arith.cmpi ule, %token, %t31 : !half_token
  %in_012 = arith.cmpi ule, %token, %t47 : !half_token
  %by_2_blocks = arith.constant dense<31> : !half_token
  %in_pair = arith.andi %token, %by_2_blocks : !half_token
  %in_02 = arith.cmpi ule, %in_pair, %t15 : !half_token

  %g = tile.load %G_h[%t, %d] pad 0.0 : f32 : !head_gates -> !half_k32
  %raised = arith.maximumf %g, %least : !half_k32
  %g2 = arith.mulf %raised, %log2e : !half_k32
  %scanned = tile.scan add %g2 axis 0 : !half_k32
  %sum = tile.transpose %scanned [1, 0] : !half_k32 -> !half_sums

  // How much has decayed where blocks end: a whole power of two is near enough for blocks to agree on.
  %at_15 = arith.select %is_15, %sum, %none_c : !half_tokens, !half_sums
  %at_31 = arith.select %is_31, %sum, %none_c : !half_tokens, !half_sums
  %at_47 = arith.select %is_47, %sum, %none_c : !half_tokens, !half_sums
  %at_63 = arith.select %is_63, %sum, %none_c : !half_tokens, !half_sums
  %sum_15 = tile.reduce add %at_15, %none axis 1 : !half_sums -> !half_channels
  %near_15 = math.roundeven %sum_15 : !half_channels
  %sum_31 = tile.reduce add %at_31, %none axis 1 : !half_sums -> !half_channels
  %near_31 = math.roundeven %sum_31 : !half_channels
  %sum_47 = tile.reduce add %at_47, %none axis 1 : !half_sums -> !half_channels
  %near_47 = math.roundeven %sum_47 : !half_channels
  %sum_63 = tile.reduce add %at_63, %none axis 1 : !half_sums -> !half_channels
  %near_63 = math.roundeven %sum_63 : !half_channels
  %end_0 = tile.broadcast %near_15 axes [1] : !half_channels -> !half_sums
  %end_1 = tile.broadcast %near_31 axes [1] : !half_channels -> !half_sums
  %end_2 = tile.broadcast %near_47 axes [1] : !half_channels -> !half_sums
  %end_3 = tile.broadcast %near_63 axes [1] : !half_channels -> !half_sums
  // Where blocks of 16 and 32 tokens start and end.
  %start_01 = arith.select %in_0, %zero, %end_0 : !half_tokens, !half_sums
  %start_23 = arith.select %in_012, %end_1, %end_2 : !half_tokens, !half_sums
  %start = arith.select %in_01, %start_01, %start_23 : !half_tokens, !half_sums
  %end_01 = arith.select %in_0, %end_0, %end_1 : !half_tokens, !half_sums
  %end_23 = arith.select %in_012, %end_2, %end_3 : !half_tokens, !half_sums
  %end = arith.select %in_01, %end_01, %end_23 : !half_tokens, !half_sums
  %start_32 = arith.select %in_01, %zero, %end_1 : !half_tokens, !half_sums
  %end_32 = arith.select %in_01, %end_1, %end_3 : !half_tokens, !half_sums

  // Keys until, and queries and keys that erase since, half of what decays in their block of 16 tokens has.
  %ends = arith.addf %start, %end : !half_sums
  %exact_middle = arith.mulf %ends, %half : !half_sums
  %middle = math.roundeven %exact_middle : !half_sums
  %k = tile.load %K_h[%t, %d] pad 0.0 : bf16 : !key_head -> !half_k
  %k_t = tile.transpose %k [1, 0] : !half_k -> !half_k_t
  %until_0 = arith.subf %middle, %sum : !half_sums
  %grown_k = math.exp2 %until_0 : !half_sums
  %k32 = arith.extf %k_t : !half_k_t to !half_sums
  %k_0 = arith.mulf %k32, %grown_k : !half_sums
  %k_near = arith.truncf %k_0 : !half_sums to !half_wide_k_t
  %since_0 = arith.subf %sum, %middle : !half_sums
  %grown_q = math.exp2 %since_0 : !half_sums
  %e_0 = arith.mulf %k32, %grown_q : !half_sums
  %e_near = arith.truncf %e_0 : !half_sums to !half_wide_k_t
  %q = tile.load %Q_h[%t, %d] pad 0.0 : bf16 : !key_head -> !half_k
  %q_t = tile.transpose %q [1, 0] : !half_k -> !half_k_t
  %q32 = arith.extf %q_t : !half_k_t to !half_sums
  %q_0 = arith.mulf %q32, %grown_q : !half_sums
  %q_near = arith.truncf %q_0 : !half_sums to !half_wide_k_t
  %near_e = tile.dot %e_near, %k_near, %zero_s transpose_a : !half_wide_k_t, !half_wide_k_t -> !scores
  %near = tile.dot %q_near, %k_near, %zero_s transpose_a : !half_wide_k_t, !half_wide_k_t -> !scores

  // Since their block starts, and until it ends. Powers of two multiply bf16 without an error.
  %since_1 = arith.subf %middle, %start : !half_sums
  %until_1 = arith.subf %end, %middle : !half_sums
  %power_q1 = math.exp2 %since_1 : !half_sums
  %left_q1 = arith.truncf %power_q1 : !half_sums to !half_wide_k_t
  %power_k1 = math.exp2 %until_1 : !half_sums
  %left_k1 = arith.truncf %power_k1 : !half_sums to !half_wide_k_t
  %e_next = arith.mulf %e_near, %left_q1 : !half_wide_k_t
  %k_next = arith.mulf %k_near, %left_k1 : !half_wide_k_t
  // Queries of the second block of a half, and keys of the first: zeros add nothing to pairs that are nearer.
  %e_later = arith.select %in_02, %nothing, %e_next : !half_tokens, !half_wide_k_t
  %k_earlier = arith.select %in_02, %k_next, %nothing : !half_tokens, !half_wide_k_t
  %only_near_e = arith.select %is_near, %near_e, %zero_s : !mask, !scores
  %next_e = tile.dot %e_later, %k_earlier, %only_near_e transpose_a : !half_wide_k_t, !half_wide_k_t -> !scores
  %q_next = arith.mulf %q_near, %left_q1 : !half_wide_k_t
  %q_later = arith.select %in_02, %nothing, %q_next : !half_tokens, !half_wide_k_t
  %only_near = arith.select %is_near, %near, %zero_s : !mask, !scores
  %next = tile.dot %q_later, %k_earlier, %only_near transpose_a : !half_wide_k_t, !half_wide_k_t -> !scores

  // The same for their half of the chunk.
  %since_2 = arith.subf %start, %start_32 : !half_sums
  %until_2 = arith.subf %end_32, %end : !half_sums
  %power_q2 = math.exp2 %since_2 : !half_sums
  %left_q2 = arith.truncf %power_q2 : !half_sums to !half_wide_k_t
  %power_k2 = math.exp2 %until_2 : !half_sums
  %left_k2 = arith.truncf %power_k2 : !half_sums to !half_wide_k_t
  %e_far = arith.mulf %e_next, %left_q2 : !half_wide_k_t
  %k_far = arith.mulf %k_next, %left_k2 : !half_wide_k_t
  %e_last = arith.select %in_01, %nothing, %e_far : !half_tokens, !half_wide_k_t
  %k_first = arith.select %in_01, %k_far, %nothing : !half_tokens, !half_wide_k_t
  %at_most_next_e = arith.select %is_next, %next_e, %zero_s : !mask, !scores
  %far_e = tile.dot %e_last, %k_first, %at_most_next_e transpose_a : !half_wide_k_t, !half_wide_k_t -> !scores
  %q_far = arith.mulf %q_next, %left_q2 : !half_wide_k_t
  %q_last = arith.select %in_01, %nothing, %q_far : !half_tokens, !half_wide_k_t
  %at_most_next = arith.select %is_next, %next, %zero_s : !mask, !scores
  %far = tile.dot %q_last, %k_first, %at_most_next transpose_a : !half_wide_k_t, !half_wide_k_t -> !scores
  %seen = arith.select %sees, %far, %zero_s : !mask, !scores
  %erased = arith.select %sees, %far_e, %zero_s : !mask, !scores
  %p16 = arith.truncf %seen : !scores to !wide_scores
  tile.store %p16, %P[%b, %h, %i, %pair, %c0] : !wide_scores, !wide_pairs
  tile.store %erased, %L[%b, %h, %i, %pair, %c0] : !scores, !pairs32

  // And for the chunk: the queries as they see the state, and the keys as the next state has them.
  %power_q3 = math.exp2 %start_32 : !half_sums
  %left_q3 = arith.truncf %power_q3 : !half_sums to !half_wide_k_t
  %until_3 = arith.subf %end_3, %end_32 : !half_sums
  %power_k3 = math.exp2 %until_3 : !half_sums
  %left_k3 = arith.truncf %power_k3 : !half_sums to !half_wide_k_t
  %q16 = arith.mulf %q_far, %left_q3 : !half_wide_k_t
  %k16 = arith.mulf %k_far, %left_k3 : !half_wide_k_t
  %e16 = arith.mulf %e_far, %left_q3 : !half_wide_k_t
  tile.store %q16, %QThen[%b, %h, %i, %d, %c0] : !half_wide_k_t, !wide_decayed
  tile.store %e16, %EThen[%b, %h, %i, %d, %c0] : !half_wide_k_t, !wide_decayed
  tile.store %k16, %KThen[%b, %h, %i, %d, %c0] : !half_wide_k_t, !wide_decayed
  %decay = math.exp2 %near_63 : !half_channels
  %off = arith.subf %sum_63, %near_63 : !half_channels
  %rest = math.exp2 %off : !half_channels // less than half a power, which the new state decays by in f32
  tile.store %decay, %Decay[%b, %h, %i, %c0, %d] : !half_channels, !two_decays
  tile.store %rest, %Decay[%b, %h, %i, %c1, %d] : !half_channels, !two_decays
}

// The inverse, by which the values and what the state has for the keys are multiplied.
tile.kernel @invert(%L: !pairs32, %BETA: !strengths, %EThen: !wide_decayed, %Inverse: !between, %W: !erasing)
    attributes {tile.overlap = false} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c = arith.constant #chunk
  %i = gpu.block_id x
  %h = gpu.block_id y
  %b = gpu.block_id z
  %t = arith.muli %i, %c : index
  %T = memref.dim %BETA, %c1 : !strengths
  %BETA_h = memref.subview %BETA[%b, 0, %h] [1, %T, 1] [1, 1, 1] : !strengths to !head_strengths
  %zero_w = arith.constant dense<0.0> : !k32
  %first = tile.load %L[%b, %h, %i, %c0, %c0] : !pairs32 -> !scores
  %second = tile.load %L[%b, %h, %i, %c, %c0] : !pairs32 -> !scores
  %erased = arith.addf %first, %second : !scores
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
  %e = tile.load %EThen[%b, %h, %i, %c0, %c0] : !wide_decayed -> !wide_k_t
  %w = tile.dot %inverse_k16, %e, %zero_w transpose_b : !wide_scores, !wide_k_t -> !k32
  %w16 = arith.truncf %w : !k32 to !wide_k
  tile.store %w16, %W[%b, %h, %i, %c0, %c0] : !wide_k, !erasing
}

// From chunk to chunk.
tile.kernel @attend(%V: !values, %W: !erasing, %QThen: !wide_decayed, %KThen: !wide_decayed, %P: !wide_pairs, %Inverse: !between,
                    %Decay: !two_decays, %H0: !states, %O: !values, %H1: !states) attributes {tile.cluster = [4], tile.overlap = false} {
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
  %T = memref.dim %O, %c1 : !values
  %T_v = memref.dim %V, %c1 : !values
  %chunks = arith.ceildivui %T, %c : index
  %V_h = memref.subview %V[%b, 0, %h, 0] [1, %T_v, 1, 256] [1, 1, 1, 1] : !values to !value_head
  %O_h = memref.subview %O[%b, 0, %h, 0] [1, %T, 1, 256] [1, 1, 1, 1] : !values to !value_head
  %zero_o = arith.constant dense<0.0> : !o
  %scale = arith.constant dense<0.0625> : !o // 1 / sqrt(256)
  %h0 = tile.load %H0[%b, %h, %c0, %v0] : !states -> !state
  %s0 = tile.transpose %h0 [1, 0] : !state -> !s
  %s_last = scf.for %i = %c0 to %chunks step %c1 iter_args(%s = %s0) -> (!s) {
    %t = arith.muli %i, %c : index
    %s16 = arith.truncf %s : !s to !wide_s
    %s16_t = tile.transpose %s16 [1, 0] : !wide_s -> !wide_s_t // which products read from shared memory: registers would not hold it
    %w = tile.load %W[%b, %h, %i, %c0, %c0] : !erasing -> !wide_k
    %x_s = tile.dot %s16_t, %w, %zero_o transpose_a transpose_b : !wide_s_t, !wide_k -> !o
    %v = tile.load %V_h[%t, %v0] pad 0.0 : bf16 : !value_head -> !v
    %inverse = tile.load %Inverse[%b, %h, %i, %c0, %c0] : !between -> !scores16
    %x = tile.dot %v, %inverse, %x_s transpose_a transpose_b : !v, !scores16 -> !o
    %x16 = arith.truncf %x : !o to !wide_o
    %decay = tile.load %Decay[%b, %h, %i, %c0, %c0] : !two_decays -> !channels
    %decay_s = tile.broadcast %decay axes [0] : !channels -> !s
    %kept = arith.mulf %s, %decay_s : !s
    %k = tile.load %KThen[%b, %h, %i, %c0, %c0] : !wide_decayed -> !wide_k_t
    %new = tile.dot %x16, %k, %kept transpose_b : !wide_o, !wide_k_t -> !s
    %q = tile.load %QThen[%b, %h, %i, %c0, %c0] : !wide_decayed -> !wide_k_t
    %o_before = tile.dot %s16_t, %q, %zero_o transpose_a : !wide_s_t, !wide_k_t -> !o
    %p_0 = tile.load %P[%b, %h, %i, %c0, %c0] : !wide_pairs -> !wide_scores
    %p_1 = tile.load %P[%b, %h, %i, %c, %c0] : !wide_pairs -> !wide_scores
    %o_0 = tile.dot %x16, %p_0, %o_before transpose_b : !wide_o, !wide_scores -> !o
    %o = tile.dot %x16, %p_1, %o_0 transpose_b : !wide_o, !wide_scores -> !o
    %scaled_o = arith.mulf %o, %scale : !o
    %o16 = arith.truncf %scaled_o : !o to !o16
    %out = tile.transpose %o16 [1, 0] : !o16 -> !v
    tile.store %out, %O_h[%t, %v0] : !v, !value_head
    %rest = tile.load %Decay[%b, %h, %i, %c1, %c0] : !two_decays -> !channels
    %rest_s = tile.broadcast %rest axes [0] : !channels -> !s
    %s_next = arith.mulf %new, %rest_s : !s
    scf.yield %s_next : !s
  }
  %h1 = tile.transpose %s_last [1, 0] : !s -> !state
  tile.store %h1, %H1[%b, %h, %c0, %v0] : !state, !states
}

tile.host @kimi_delta_attention[%B, %T, %HK, %HV](
    %Q: !keys[%B, %T, %HK], %K: !keys[%B, %T, %HK], %V: !values[%B, %T, %HV], %G: !gates[%B, %T, %HV], %BETA: !strengths[%B, %T, %HV],
    %H0: !states[%B, %HV], out %O: !values[%B, %T, %HV], out %H1: !states[%B, %HV]) {
  %none = arith.constant 0 : index
  %two = arith.constant 2 : index
  %c = arith.constant #chunk
  %rest = arith.remui %HV, %HK : index
  %divides = arith.cmpi eq, %rest, %none : index
  cf.assert %divides, "expected HV to be a multiple of HK"
  %group = arith.divui %HV, %HK : index
  %chunks = arith.ceildivui %T, %c : index
  %w = memref.alloc(%B, %HV, %chunks) : !erasing
  %q = memref.alloc(%B, %HV, %chunks) : !wide_decayed
  %e = memref.alloc(%B, %HV, %chunks) : !wide_decayed
  %k = memref.alloc(%B, %HV, %chunks) : !wide_decayed
  %p = memref.alloc(%B, %HV, %chunks) : !wide_pairs
  %l = memref.alloc(%B, %HV, %chunks) : !pairs32
  %inverse = memref.alloc(%B, %HV, %chunks) : !between
  %decay = memref.alloc(%B, %HV, %chunks) : !two_decays
  %halves = arith.muli %chunks, %two : index
  %parts = arith.constant #parts
  %blocks = arith.muli %HV, %parts : index
  tile.launch @prepare grid(%halves, %HV, %B) args(%Q, %K, %G, %q, %e, %k, %p, %l, %decay, %group)
    : !keys, !keys, !gates, !wide_decayed, !wide_decayed, !wide_decayed, !wide_pairs, !pairs32, !two_decays, index
  tile.launch @invert grid(%chunks, %HV, %B) args(%l, %BETA, %e, %inverse, %w)
    : !pairs32, !strengths, !wide_decayed, !between, !erasing
  tile.launch @attend grid(%blocks, %B) args(%V, %w, %q, %k, %p, %inverse, %decay, %H0, %O, %H1)
    : !values, !erasing, !wide_decayed, !wide_decayed, !wide_pairs, !between, !two_decays, !states, !values, !states
}
