// The gradients of `kimi_delta_attention`: dQ, dK, dV, dG and dBETA of Q, K, V, the logarithms of decays G and BETA, and dH0 of the
// state before the first token, from dO of the results and dH1 of the state after the last. HV heads of values share HK heads
// of queries and keys.
//
// With X_t, what a token adds, the rule is
//
//   S_t = diag(exp(G_t)) S_(t-1) + K_t X_t^T, where X_t = BETA_t (V_t - (diag(exp(G_t)) S_(t-1))^T K_t).
//
// What reaches a state on the way back follows such a rule, too. With D_t all that reaches S_t,
//
//   D_(t-1) = diag(exp(G_t)) (D_t - K_t dV_t^T) + Q_(t-1) dO_(t-1)^T / sqrt(128), where dV_t = BETA_t D_t^T K_t,
//   dBETA_t = X_t . dV_t / BETA_t^2, dG_t = the sums of diag(exp(G_t)) S_(t-1) * (D_t - K_t dV_t^T) over values.
//
// A BETA of less than 2^-32 counts as that much, since dBETA would not be known otherwise. As in kimi_delta_attention.mlir, gates
// below -10 are raised to that, and tokens of a chunk of 64 meet in a binary tree of blocks, which keeps their decays finite. A
// gate that was raised has a gradient of zero.
//
// What chunks do by themselves is prepared for all at once. Two kernels then go through the chunks, one forward, one backward.
// They leave X and dV, and where chunks begin and end S and D, which is called dS below. The others do the rest, again with all
// chunks at once.
//
//   heddle run examples/kimi_delta_attention_backward.mlir --size B=1 --size T=200 --size HK=1 --size HV=2 --input G=uniform:-5:0 --input K=unit --input BETA=uniform:0:1 --check
!keys = memref<?x?x?x128xbf16> // and queries: tokens, then heads
!values = memref<?x?x?x128xbf16> // and results
!gates = memref<?x?x?x128xf32> // natural logarithms of decays
!strengths = memref<?x?x?xf32>
!states = memref<?x?x128x128xf32>
!steps = memref<?x?x?x128x128xbf16> // the states between chunks, transposed
!sums = memref<?x?x?x128x64xf32> // a number for each channel of each token of a chunk
!ends = memref<?x?x?x5x128xf32> // of four blocks of tokens, and what the last is off
!tiles = memref<?x?x?x128x64xbf16> // tokens of a chunk, transposed
!maps = memref<?x?x?x64x128xbf16>
!parts = memref<?x?x?x64x128xf32> // of a gradient
!pairs = memref<?x?x?x64x64xbf16> // a number for two tokens of a chunk
!rows = memref<?x?x?x64xf32> // a number for each token of a chunk
!head = memref<?x128xbf16, strided<[?, 1], offset: ?>>
!head_gates = memref<?x128xf32, strided<[?, 1], offset: ?>>
!head_strengths = memref<?xf32, strided<[?], offset: ?>>
!chunk = tensor<64x128xbf16>
!chunk_t = tensor<128x64xbf16>
!gate = tensor<64x128xf32>
!sum = tensor<128x64xf32>
!channels = tensor<128xf32>
!token = tensor<128x64xi32>
!tokens = tensor<128x64xi1>
!row = tensor<64xf32> // and half of the channels
!at = tensor<64x64xi32>
!mask = tensor<64x64xi1>
!scores = tensor<64x64xf32> // and half of the channels of a chunk, transposed
!scores16 = tensor<64x64xbf16>
!part16 = tensor<128x64xbf16> // of a state
!s = tensor<128x128xf32>
!s16 = tensor<128x128xbf16>
#chunk = 64 : index

// The tokens of a head.
func.func private @head(%X: !keys, %b: index, %h: index) -> !head {
  %c1 = arith.constant 1 : index
  %T = memref.dim %X, %c1 : !keys
  %X_h = memref.subview %X[%b, 0, %h, 0] [1, %T, 1, 128] [1, 1, 1, 1] : !keys to !head
  return %X_h : !head
}
func.func private @head_gates(%X: !gates, %b: index, %h: index) -> !head_gates {
  %c1 = arith.constant 1 : index
  %T = memref.dim %X, %c1 : !gates
  %X_h = memref.subview %X[%b, 0, %h, 0] [1, %T, 1, 128] [1, 1, 1, 1] : !gates to !head_gates
  return %X_h : !head_gates
}
func.func private @head_strengths(%X: !strengths, %b: index, %h: index) -> !head_strengths {
  %c1 = arith.constant 1 : index
  %T = memref.dim %X, %c1 : !strengths
  %X_h = memref.subview %X[%b, 0, %h] [1, %T, 1] [1, 1, 1] : !strengths to !head_strengths
  return %X_h : !head_strengths
}

// Pairs of tokens, by how far up a binary tree of blocks they meet: in the same block of 16, in the same half of the chunk.
func.func private @distances() -> (!mask, !mask) {
  %row = tile.iota axis 0 : !at
  %column = tile.iota axis 1 : !at
  %by_16 = arith.constant dense<4> : !at
  %by_32 = arith.constant dense<5> : !at
  %row_16 = arith.shrui %row, %by_16 : !at
  %row_32 = arith.shrui %row, %by_32 : !at
  %column_16 = arith.shrui %column, %by_16 : !at
  %column_32 = arith.shrui %column, %by_32 : !at
  %is_near = arith.cmpi eq, %row_16, %column_16 : !at
  %is_next = arith.cmpi eq, %row_32, %column_32 : !at
  return %is_near, %is_next : !mask, !mask
}

// What has decayed where blocks of 16 tokens start, are in the middle of that, and end, where halves of the chunk start and end,
// and at its end: exponents of two, for 64 channels, transposed.
func.func private @blocks(%ENDS: !ends, %b: index, %h: index, %n: index, %d0: index)
    -> (!scores, !scores, !scores, !scores, !scores, !scores) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %c3 = arith.constant 3 : index
  %zero = arith.constant dense<0.0> : !scores
  %half = arith.constant dense<0.5> : !scores
  %column = tile.iota axis 1 : !at
  %t15 = arith.constant dense<15> : !at
  %t31 = arith.constant dense<31> : !at
  %t47 = arith.constant dense<47> : !at
  %in_0 = arith.cmpi ule, %column, %t15 : !at
  %in_01 = arith.cmpi ule, %column, %t31 : !at
  %in_012 = arith.cmpi ule, %column, %t47 : !at
  %near_0 = tile.load %ENDS[%b, %h, %n, %c0, %d0] : !ends -> !row
  %near_1 = tile.load %ENDS[%b, %h, %n, %c1, %d0] : !ends -> !row
  %near_2 = tile.load %ENDS[%b, %h, %n, %c2, %d0] : !ends -> !row
  %near_3 = tile.load %ENDS[%b, %h, %n, %c3, %d0] : !ends -> !row
  %end_0 = tile.broadcast %near_0 axes [1] : !row -> !scores
  %end_1 = tile.broadcast %near_1 axes [1] : !row -> !scores
  %end_2 = tile.broadcast %near_2 axes [1] : !row -> !scores
  %end_3 = tile.broadcast %near_3 axes [1] : !row -> !scores
  %start_01 = arith.select %in_0, %zero, %end_0 : !mask, !scores
  %start_23 = arith.select %in_012, %end_1, %end_2 : !mask, !scores
  %start = arith.select %in_01, %start_01, %start_23 : !mask, !scores
  %end_01 = arith.select %in_0, %end_0, %end_1 : !mask, !scores
  %end_23 = arith.select %in_012, %end_2, %end_3 : !mask, !scores
  %end = arith.select %in_01, %end_01, %end_23 : !mask, !scores
  %start_32 = arith.select %in_01, %zero, %end_1 : !mask, !scores
  %end_32 = arith.select %in_01, %end_1, %end_3 : !mask, !scores
  %ends = arith.addf %start, %end : !scores
  %exact_middle = arith.mulf %ends, %half : !scores
  %middle = math.roundeven %exact_middle : !scores
  return %start, %middle, %end, %start_32, %end_32, %end_3 : !scores, !scores, !scores, !scores, !scores, !scores
}

// What is left of operands and of sums from one such place to another. Powers of two multiply bf16 without an error.
func.func private @decay(%near: !scores16, %from: !scores, %to: !scores) -> !scores16 {
  %exponent = arith.subf %from, %to : !scores
  %left = math.exp2 %exponent : !scores
  %left16 = arith.truncf %left : !scores to !scores16
  %far = arith.mulf %near, %left16 : !scores16
  return %far : !scores16
}
func.func private @decay_sum(%far: !scores, %from: !scores, %to: !scores) -> !scores {
  %exponent = arith.subf %from, %to : !scores
  %left = math.exp2 %exponent : !scores
  %near = arith.mulf %far, %left : !scores
  return %near : !scores
}

// A tile of 64 channels, transposed, that has decayed so much.
func.func private @load_decayed(%X_h: !head, %t: index, %d0: index, %left: !scores) -> !scores16 {
  %x = tile.load %X_h[%t, %d0] pad 0.0 : bf16 : !head -> !scores16
  %x_t = tile.transpose %x [1, 0] : !scores16 -> !scores16
  %x32 = arith.extf %x_t : !scores16 to !scores
  %then = arith.mulf %x32, %left : !scores
  %then16 = arith.truncf %then : !scores to !scores16
  return %then16 : !scores16
}

// SUM: what gates add up to since the chunk began, as exponents of two, transposed. ENDS: the same where blocks of 16 tokens end.
// A whole number is near enough for blocks to agree on; the last row is what the chunk's end is off.
tile.kernel @sums(%G: !gates, %SUM: !sums, %ENDS: !ends) attributes {tile.warps = 8} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %c3 = arith.constant 3 : index
  %c4 = arith.constant 4 : index
  %c = arith.constant #chunk
  %n = gpu.block_id x
  %h = gpu.block_id y
  %b = gpu.block_id z
  %t = arith.muli %n, %c : index
  %G_h = func.call @head_gates(%G, %b, %h) : (!gates, index, index) -> !head_gates
  %least = arith.constant dense<-10.0> : !gate
  %log2e = arith.constant dense<1.44269504> : !gate // hardware computes 2^x
  %none = arith.constant dense<-0.0> : !channels // which leaves zeros of either sign as they are
  %none_c = arith.constant dense<-0.0> : !sum
  %token = tile.iota axis 1 : !token
  %g = tile.load %G_h[%t, %c0] pad 0.0 : f32 : !head_gates -> !gate
  %raised = arith.maximumf %g, %least : !gate
  %g2 = arith.mulf %raised, %log2e : !gate
  %scanned = tile.scan add %g2 axis 0 : !gate
  %sum = tile.transpose %scanned [1, 0] : !gate -> !sum
  tile.store %sum, %SUM[%b, %h, %n, %c0, %c0] : !sum, !sums
  %t15 = arith.constant dense<15> : !token
  %is_15 = arith.cmpi eq, %token, %t15 : !token
  %at_15 = arith.select %is_15, %sum, %none_c : !tokens, !sum
  %sum_15 = tile.reduce add %at_15, %none axis 1 : !sum -> !channels
  %near_15 = math.roundeven %sum_15 : !channels
  tile.store %near_15, %ENDS[%b, %h, %n, %c0, %c0] : !channels, !ends
  %t31 = arith.constant dense<31> : !token
  %is_31 = arith.cmpi eq, %token, %t31 : !token
  %at_31 = arith.select %is_31, %sum, %none_c : !tokens, !sum
  %sum_31 = tile.reduce add %at_31, %none axis 1 : !sum -> !channels
  %near_31 = math.roundeven %sum_31 : !channels
  tile.store %near_31, %ENDS[%b, %h, %n, %c1, %c0] : !channels, !ends
  %t47 = arith.constant dense<47> : !token
  %is_47 = arith.cmpi eq, %token, %t47 : !token
  %at_47 = arith.select %is_47, %sum, %none_c : !tokens, !sum
  %sum_47 = tile.reduce add %at_47, %none axis 1 : !sum -> !channels
  %near_47 = math.roundeven %sum_47 : !channels
  tile.store %near_47, %ENDS[%b, %h, %n, %c2, %c0] : !channels, !ends
  %t63 = arith.constant dense<63> : !token
  %is_63 = arith.cmpi eq, %token, %t63 : !token
  %at_63 = arith.select %is_63, %sum, %none_c : !tokens, !sum
  %sum_63 = tile.reduce add %at_63, %none axis 1 : !sum -> !channels
  %near_63 = math.roundeven %sum_63 : !channels
  tile.store %near_63, %ENDS[%b, %h, %n, %c3, %c0] : !channels, !ends
  %off = arith.subf %sum_63, %near_63 : !channels
  tile.store %off, %ENDS[%b, %h, %n, %c4, %c0] : !channels, !ends
}

// What chunks do without a state. P: what queries see of tokens. A: the inverse, by which what tokens erase of each other is
// undone, and A_V: the same for what they add over BETA. The queries Q16 and, negative, the keys E16 that erase, since the chunk
// began; keys K16 until it ends. STRENGTH: BETA, at least 2^-32.
tile.kernel @prepare(%Q: !keys, %K: !keys, %BETA: !strengths, %SUM: !sums, %ENDS: !ends, %P: !pairs, %A: !pairs, %A_V: !pairs,
                     %Q16: !tiles, %E16: !tiles, %K16: !tiles, %STRENGTH: !rows, %group: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %c3 = arith.constant 3 : index
  %c = arith.constant #chunk
  %n = gpu.block_id x
  %h = gpu.block_id y
  %b = gpu.block_id z
  %hk = arith.divui %h, %group : index
  %t = arith.muli %n, %c : index
  %Q_h = func.call @head(%Q, %b, %hk) : (!keys, index, index) -> !head
  %K_h = func.call @head(%K, %b, %hk) : (!keys, index, index) -> !head
  %BETA_h = func.call @head_strengths(%BETA, %b, %h) : (!strengths, index, index) -> !head_strengths
  // Pairs of tokens, by how far up a binary tree of blocks they meet.
  %row = tile.iota axis 0 : !at
  %column = tile.iota axis 1 : !at
  %is_near, %is_next = func.call @distances() : () -> (!mask, !mask)
  %sees = arith.cmpi sge, %row, %column : !at
  // Blocks of 16 tokens.
  %token = tile.iota axis 1 : !token
  %t15 = arith.constant dense<15> : !token
  %t31 = arith.constant dense<31> : !token
  %t47 = arith.constant dense<47> : !token
  %in_0 = arith.cmpi ule, %token, %t15 : !token
  %in_01 = arith.cmpi ule, %token, %t31 : !token
  %in_012 = arith.cmpi ule, %token, %t47 : !token
  %by_2_blocks = arith.constant dense<31> : !token
  %in_pair = arith.andi %token, %by_2_blocks : !token
  %in_02 = arith.cmpi ule, %in_pair, %t15 : !token
  %zero = arith.constant dense<0.0> : !sum
  %zero_s = arith.constant dense<0.0> : !scores
  %nothing = arith.constant dense<0.0> : !chunk_t
  %half = arith.constant dense<0.5> : !sum
  %scale_log2 = arith.constant dense<3.5> : !sum // of sqrt(128)
  %unscale = arith.constant dense<11.3137085> : !sum
  %tiny = arith.constant dense<2.32830644e-10> : !row // 2^-32

  %sum = tile.load %SUM[%b, %h, %n, %c0, %c0] : !sums -> !sum
  %near_0 = tile.load %ENDS[%b, %h, %n, %c0, %c0] : !ends -> !channels
  %near_1 = tile.load %ENDS[%b, %h, %n, %c1, %c0] : !ends -> !channels
  %near_2 = tile.load %ENDS[%b, %h, %n, %c2, %c0] : !ends -> !channels
  %near_3 = tile.load %ENDS[%b, %h, %n, %c3, %c0] : !ends -> !channels
  %end_0 = tile.broadcast %near_0 axes [1] : !channels -> !sum
  %end_1 = tile.broadcast %near_1 axes [1] : !channels -> !sum
  %end_2 = tile.broadcast %near_2 axes [1] : !channels -> !sum
  %end_3 = tile.broadcast %near_3 axes [1] : !channels -> !sum
  %start_01 = arith.select %in_0, %zero, %end_0 : !tokens, !sum
  %start_23 = arith.select %in_012, %end_1, %end_2 : !tokens, !sum
  %start = arith.select %in_01, %start_01, %start_23 : !tokens, !sum
  %end_01 = arith.select %in_0, %end_0, %end_1 : !tokens, !sum
  %end_23 = arith.select %in_012, %end_2, %end_3 : !tokens, !sum
  %end = arith.select %in_01, %end_01, %end_23 : !tokens, !sum
  %start_32 = arith.select %in_01, %zero, %end_1 : !tokens, !sum
  %end_32 = arith.select %in_01, %end_1, %end_3 : !tokens, !sum
  %ends = arith.addf %start, %end : !sum
  %exact_middle = arith.mulf %ends, %half : !sum
  %middle = math.roundeven %exact_middle : !sum

  // Queries since, and keys until, half of what decays in their block of 16 tokens has.
  %k = tile.load %K_h[%t, %c0] pad 0.0 : bf16 : !head -> !chunk
  %k_t = tile.transpose %k [1, 0] : !chunk -> !chunk_t
  %k32 = arith.extf %k_t : !chunk_t to !sum
  %until_0 = arith.subf %middle, %sum : !sum
  %grown_k = math.exp2 %until_0 : !sum
  %k_0 = arith.mulf %k32, %grown_k : !sum
  %k_near = arith.truncf %k_0 : !sum to !chunk_t
  %scaled_middle = arith.addf %middle, %scale_log2 : !sum
  %since_0 = arith.subf %sum, %scaled_middle : !sum
  %grown_q = math.exp2 %since_0 : !sum
  %grown_e = arith.mulf %grown_q, %unscale : !sum
  %e_0 = arith.mulf %k32, %grown_e : !sum
  %e_near = arith.truncf %e_0 : !sum to !chunk_t
  %near_e = tile.dot %e_near, %k_near, %zero_s transpose_a : !chunk_t, !chunk_t -> !scores
  %q = tile.load %Q_h[%t, %c0] pad 0.0 : bf16 : !head -> !chunk
  %q_t = tile.transpose %q [1, 0] : !chunk -> !chunk_t
  %q32 = arith.extf %q_t : !chunk_t to !sum
  %q_0 = arith.mulf %q32, %grown_q : !sum
  %q_near = arith.truncf %q_0 : !sum to !chunk_t
  %near = tile.dot %q_near, %k_near, %zero_s transpose_a : !chunk_t, !chunk_t -> !scores

  // Since their block starts, and until it ends. Queries of the second block of a half, and keys of the first: zeros add nothing to
  // pairs that are nearer.
  %since_1 = arith.subf %middle, %start : !sum
  %until_1 = arith.subf %end, %middle : !sum
  %power_q1 = math.exp2 %since_1 : !sum
  %left_q1 = arith.truncf %power_q1 : !sum to !chunk_t
  %power_k1 = math.exp2 %until_1 : !sum
  %left_k1 = arith.truncf %power_k1 : !sum to !chunk_t
  %e_next = arith.mulf %e_near, %left_q1 : !chunk_t
  %k_next = arith.mulf %k_near, %left_k1 : !chunk_t
  %e_later = arith.select %in_02, %nothing, %e_next : !tokens, !chunk_t
  %k_earlier = arith.select %in_02, %k_next, %nothing : !tokens, !chunk_t
  %only_near_e = arith.select %is_near, %near_e, %zero_s : !mask, !scores
  %next_e = tile.dot %e_later, %k_earlier, %only_near_e transpose_a : !chunk_t, !chunk_t -> !scores
  %q_next = arith.mulf %q_near, %left_q1 : !chunk_t
  %q_later = arith.select %in_02, %nothing, %q_next : !tokens, !chunk_t
  %only_near = arith.select %is_near, %near, %zero_s : !mask, !scores
  %next = tile.dot %q_later, %k_earlier, %only_near transpose_a : !chunk_t, !chunk_t -> !scores

  // The same for their half of the chunk.
  %since_2 = arith.subf %start, %start_32 : !sum
  %until_2 = arith.subf %end_32, %end : !sum
  %power_q2 = math.exp2 %since_2 : !sum
  %left_q2 = arith.truncf %power_q2 : !sum to !chunk_t
  %power_k2 = math.exp2 %until_2 : !sum
  %left_k2 = arith.truncf %power_k2 : !sum to !chunk_t
  %e_far = arith.mulf %e_next, %left_q2 : !chunk_t
  %k_far = arith.mulf %k_next, %left_k2 : !chunk_t
  %e_last = arith.select %in_01, %nothing, %e_far : !tokens, !chunk_t
  %k_first = arith.select %in_01, %k_far, %nothing : !tokens, !chunk_t
  %at_most_next_e = arith.select %is_next, %next_e, %zero_s : !mask, !scores
  %far_e = tile.dot %e_last, %k_first, %at_most_next_e transpose_a : !chunk_t, !chunk_t -> !scores
  %beta = tile.load %BETA_h[%t] pad 0.0 : f32 : !head_strengths -> !row
  %size = math.absf %beta : !row
  %is_tiny = arith.cmpf olt, %size, %tiny : !row
  %strength = arith.select %is_tiny, %tiny, %beta : tensor<64xi1>, !row
  tile.store %strength, %STRENGTH[%b, %h, %n, %c0] : !row, !rows
  %q_far = arith.mulf %q_next, %left_q2 : !chunk_t
  %q_last = arith.select %in_01, %nothing, %q_far : !tokens, !chunk_t
  %at_most_next = arith.select %is_next, %next, %zero_s : !mask, !scores
  %far = tile.dot %q_last, %k_first, %at_most_next transpose_a : !chunk_t, !chunk_t -> !scores
  %seen = arith.select %sees, %far, %zero_s : !mask, !scores
  %p16 = arith.truncf %seen : !scores to !scores16
  tile.store %p16, %P[%b, %h, %n, %c0, %c0] : !scores16, !pairs

  // And for the chunk. What erases is negative.
  %power_q3 = math.exp2 %start_32 : !sum
  %left_q3 = arith.truncf %power_q3 : !sum to !chunk_t
  %minus_left_q3 = arith.negf %left_q3 : !chunk_t
  %until_3 = arith.subf %end_3, %end_32 : !sum
  %power_k3 = math.exp2 %until_3 : !sum
  %left_k3 = arith.truncf %power_k3 : !sum to !chunk_t
  %e_all = arith.mulf %e_far, %minus_left_q3 : !chunk_t
  tile.store %e_all, %E16[%b, %h, %n, %c0, %c0] : !chunk_t, !tiles
  %k_all = arith.mulf %k_far, %left_k3 : !chunk_t
  %q_all = arith.mulf %q_far, %left_q3 : !chunk_t
  tile.store %k_all, %K16[%b, %h, %n, %c0, %c0] : !chunk_t, !tiles
  tile.store %q_all, %Q16[%b, %h, %n, %c0, %c0] : !chunk_t, !tiles

  %strength_i = tile.broadcast %strength axes [1] : !row -> !scores
  %strength_j = tile.broadcast %strength axes [0] : !row -> !scores
  %erased = arith.select %sees, %far_e, %zero_s : !mask, !scores
  %l = arith.mulf %erased, %strength_i : !scores
  %inverse = tile.tri_inverse %l precision tf32 : !scores // of which products see 8 bits
  %a16 = arith.truncf %inverse : !scores to !scores16
  tile.store %a16, %A[%b, %h, %n, %c0, %c0] : !scores16, !pairs
  %times = arith.mulf %inverse, %strength_j : !scores
  %over = arith.divf %times, %strength_i : !scores
  %a_v16 = arith.truncf %over : !scores to !scores16
  tile.store %a_v16, %A_V[%b, %h, %n, %c0, %c0] : !scores16, !pairs
}

// The inverses, applied to all that does not know the state: W = A_V E16, and for the way back WB = A^T K16 and U = P A.
tile.kernel @apply(%P: !pairs, %A: !pairs, %A_V: !pairs, %E16: !tiles, %K16: !tiles, %W: !maps, %WB: !maps, %U: !pairs) {
  %c0 = arith.constant 0 : index
  %n = gpu.block_id x
  %h = gpu.block_id y
  %b = gpu.block_id z
  %zero = arith.constant dense<0.0> : !gate
  %zero_s = arith.constant dense<0.0> : !scores
  %p = tile.load %P[%b, %h, %n, %c0, %c0] : !pairs -> !scores16
  %a = tile.load %A[%b, %h, %n, %c0, %c0] : !pairs -> !scores16
  %a_v = tile.load %A_V[%b, %h, %n, %c0, %c0] : !pairs -> !scores16
  %e = tile.load %E16[%b, %h, %n, %c0, %c0] : !tiles -> !chunk_t
  %k = tile.load %K16[%b, %h, %n, %c0, %c0] : !tiles -> !chunk_t
  %w = tile.dot %a_v, %e, %zero transpose_b : !scores16, !chunk_t -> !gate
  %w16 = arith.truncf %w : !gate to !chunk
  tile.store %w16, %W[%b, %h, %n, %c0, %c0] : !chunk, !maps
  %wb = tile.dot %a, %k, %zero transpose_a transpose_b : !scores16, !chunk_t -> !gate
  %wb16 = arith.truncf %wb : !gate to !chunk
  tile.store %wb16, %WB[%b, %h, %n, %c0, %c0] : !chunk, !maps
  %u = tile.dot %p, %a, %zero_s : !scores16, !scores16 -> !scores
  %u16 = arith.truncf %u : !scores to !scores16
  tile.store %u16, %U[%b, %h, %n, %c0, %c0] : !scores16, !pairs
}

// X, and S before each chunk. Both are computed transposed.
tile.kernel @forward(%V: !values, %ENDS: !ends, %STRENGTH: !rows, %A_V: !pairs, %W: !maps, %K16: !tiles, %H0: !states, %S: !steps,
                     %X: !values) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c = arith.constant #chunk
  %c3 = arith.constant 3 : index
  %c4 = arith.constant 4 : index
  %h = gpu.block_id x
  %b = gpu.block_id y
  %T = memref.dim %V, %c1 : !values
  %V_h = func.call @head(%V, %b, %h) : (!values, index, index) -> !head
  %X_h = func.call @head(%X, %b, %h) : (!values, index, index) -> !head
  %zero = arith.constant dense<0.0> : !sum
  %h0 = tile.load %H0[%b, %h, %c0, %c0] : !states -> !s
  %s0 = tile.transpose %h0 [1, 0] : !s -> !s
  %last = scf.for %t = %c0 to %T step %c iter_args(%s = %s0) -> (!s) {
    %n = arith.divui %t, %c : index
    %total = tile.load %ENDS[%b, %h, %n, %c3, %c0] : !ends -> !channels
    %off = tile.load %ENDS[%b, %h, %n, %c4, %c0] : !ends -> !channels
    %decay = math.exp2 %total : !channels
    %rest = math.exp2 %off : !channels // less than half a power, which the new state decays by in f32
    %v = tile.load %V_h[%t, %c0] pad 0.0 : bf16 : !head -> !chunk
    %w = tile.load %W[%b, %h, %n, %c0, %c0] : !maps -> !chunk
    %a = tile.load %A_V[%b, %h, %n, %c0, %c0] : !pairs -> !scores16
    %strength = tile.load %STRENGTH[%b, %h, %n, %c0] : !rows -> !row
    %strength_x = tile.broadcast %strength axes [0] : !row -> !sum
    %k = tile.load %K16[%b, %h, %n, %c0, %c0] : !tiles -> !chunk_t
    %s16 = arith.truncf %s : !s to !s16
    %decay_s = tile.broadcast %decay axes [0] : !channels -> !s
    %kept = arith.mulf %s, %decay_s : !s
    tile.store %s16, %S[%b, %h, %n, %c0, %c0] : !s16, !steps
    %r_s = tile.dot %s16, %w, %zero transpose_b : !s16, !chunk -> !sum
    %r = tile.dot %v, %a, %r_s transpose_a transpose_b : !chunk, !scores16 -> !sum
    %x = arith.mulf %r, %strength_x : !sum
    %x16 = arith.truncf %x : !sum to !chunk_t
    %new = tile.dot %x16, %k, %kept transpose_b : !chunk_t, !chunk_t -> !s
    %out = tile.transpose %x16 [1, 0] : !chunk_t -> !chunk
    tile.store %out, %X_h[%t, %c0] : !chunk, !head
    %rest_s = tile.broadcast %rest axes [0] : !channels -> !s
    %s_next = arith.mulf %new, %rest_s : !s
    scf.yield %s_next : !s
  }
}

// dV, and dS after each chunk and before the first token.
tile.kernel @backward(%ENDS: !ends, %STRENGTH: !rows, %U: !pairs, %WB: !maps, %Q16: !tiles, %E16: !tiles, %dO: !values,
                      %dH1: !states, %dS: !steps, %dV: !values, %dH0: !states) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c = arith.constant #chunk
  %c3 = arith.constant 3 : index
  %c4 = arith.constant 4 : index
  %h = gpu.block_id x
  %b = gpu.block_id y
  %T = memref.dim %dO, %c1 : !values
  %dO_h = func.call @head(%dO, %b, %h) : (!values, index, index) -> !head
  %dV_h = func.call @head(%dV, %b, %h) : (!values, index, index) -> !head
  %zero = arith.constant dense<0.0> : !sum
  %chunks = arith.ceildivui %T, %c : index
  %h1 = tile.load %dH1[%b, %h, %c0, %c0] : !states -> !s
  %s1 = tile.transpose %h1 [1, 0] : !s -> !s
  %first = scf.for %done = %c0 to %chunks step %c1 iter_args(%s = %s1) -> (!s) {
    %left_chunks = arith.subi %chunks, %done : index
    %n = arith.subi %left_chunks, %c1 : index
    %t = arith.muli %n, %c : index
    %total = tile.load %ENDS[%b, %h, %n, %c3, %c0] : !ends -> !channels
    %off = tile.load %ENDS[%b, %h, %n, %c4, %c0] : !ends -> !channels
    %decay = math.exp2 %total : !channels
    %rest = math.exp2 %off : !channels
    %do = tile.load %dO_h[%t, %c0] pad 0.0 : bf16 : !head -> !chunk
    %w = tile.load %WB[%b, %h, %n, %c0, %c0] : !maps -> !chunk
    %u = tile.load %U[%b, %h, %n, %c0, %c0] : !pairs -> !scores16
    %strength = tile.load %STRENGTH[%b, %h, %n, %c0] : !rows -> !row
    %strength_y = tile.broadcast %strength axes [0] : !row -> !sum
    %q = tile.load %Q16[%b, %h, %n, %c0, %c0] : !tiles -> !chunk_t
    %e = tile.load %E16[%b, %h, %n, %c0, %c0] : !tiles -> !chunk_t
    %rest_s = tile.broadcast %rest axes [0] : !channels -> !s
    %s_then = arith.mulf %s, %rest_s : !s
    %s16 = arith.truncf %s_then : !s to !s16
    %decay_s = tile.broadcast %decay axes [0] : !channels -> !s
    %kept = arith.mulf %s_then, %decay_s : !s
    %y_s = tile.dot %s16, %w, %zero transpose_b : !s16, !chunk -> !sum
    %y = tile.dot %do, %u, %y_s transpose_a : !chunk, !scores16 -> !sum
    %new_q = tile.dot %do, %q, %kept transpose_a transpose_b : !chunk, !chunk_t -> !s
    %dv = arith.mulf %y, %strength_y : !sum
    %dv16 = arith.truncf %dv : !sum to !chunk_t
    %new = tile.dot %dv16, %e, %new_q transpose_b : !chunk_t, !chunk_t -> !s
    tile.store %s16, %dS[%b, %h, %n, %c0, %c0] : !s16, !steps
    %out = tile.transpose %dv16 [1, 0] : !chunk_t -> !chunk
    tile.store %out, %dV_h[%t, %c0] : !chunk, !head
    scf.yield %new : !s
  }
  %dh0 = tile.transpose %first [1, 0] : !s -> !s
  tile.store %dh0, %dH0[%b, %h, %c0, %c0] : !s, !states
}

// What there is between two tokens: results see dP of what the first adds, and dL is what the second erases of it, negative. OWN:
// what results see of what their own tokens add. And dBETA.
tile.kernel @pairs(%STRENGTH: !rows, %X: !values, %dO: !values, %dV: !values, %dP: !pairs, %dL: !pairs, %OWN: !rows,
                   %dBETA: !strengths) {
  %c0 = arith.constant 0 : index
  %c = arith.constant #chunk
  %n = gpu.block_id x
  %h = gpu.block_id y
  %b = gpu.block_id z
  %t = arith.muli %n, %c : index
  %X_h = func.call @head(%X, %b, %h) : (!values, index, index) -> !head
  %dO_h = func.call @head(%dO, %b, %h) : (!values, index, index) -> !head
  %dV_h = func.call @head(%dV, %b, %h) : (!values, index, index) -> !head
  %dBETA_h = func.call @head_strengths(%dBETA, %b, %h) : (!strengths, index, index) -> !head_strengths
  %row = tile.iota axis 0 : !at
  %column = tile.iota axis 1 : !at
  %before = arith.cmpi sgt, %row, %column : !at
  %is_own = arith.cmpi eq, %row, %column : !at
  %zero = arith.constant dense<0.0> : !scores
  %none = arith.constant dense<0.0> : !row
  %scale = arith.constant dense<0.0883883476> : !row // 1 / sqrt(128)
  %x = tile.load %X_h[%t, %c0] pad 0.0 : bf16 : !head -> !chunk
  %do = tile.load %dO_h[%t, %c0] pad 0.0 : bf16 : !head -> !chunk
  %dox = tile.dot %do, %x, %zero transpose_b : !chunk, !chunk -> !scores
  %dp = arith.select %before, %dox, %zero : !mask, !scores
  %dp16 = arith.truncf %dp : !scores to !scores16
  tile.store %dp16, %dP[%b, %h, %n, %c0, %c0] : !scores16, !pairs
  %dv = tile.load %dV_h[%t, %c0] pad 0.0 : bf16 : !head -> !chunk
  %dvx = tile.dot %dv, %x, %zero transpose_b : !chunk, !chunk -> !scores
  %minus_dvx = arith.negf %dvx : !scores
  %dl = arith.select %before, %minus_dvx, %zero : !mask, !scores
  %dl16 = arith.truncf %dl : !scores to !scores16
  tile.store %dl16, %dL[%b, %h, %n, %c0, %c0] : !scores16, !pairs

  %own_dox = arith.select %is_own, %dox, %zero : !mask, !scores
  %own_1 = tile.reduce add %own_dox, %none axis 1 : !scores -> !row
  %own = arith.mulf %own_1, %scale : !row
  tile.store %own, %OWN[%b, %h, %n, %c0] : !row, !rows
  %own_dvx = arith.select %is_own, %dvx, %zero : !mask, !scores
  %own_v = tile.reduce add %own_dvx, %none axis 1 : !scores -> !row
  %strength = tile.load %STRENGTH[%b, %h, %n, %c0] : !rows -> !row
  %once = arith.divf %own_v, %strength : !row
  %db = arith.divf %once, %strength : !row
  tile.store %db, %dBETA_h[%t] : !row, !head_strengths
}

// READ: what queries read of the state before the chunk and of the tokens before each; BACK: what keys have of what they erase of
// both. Both are computed transposed, 64 channels by a block.
tile.kernel @queries(%K: !keys, %SUM: !sums, %ENDS: !ends, %dO: !values, %dV: !values, %dP: !pairs, %dL: !pairs, %S: !steps,
                     %READ: !parts, %BACK: !parts, %group: index) {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %c = arith.constant #chunk
  %n = gpu.block_id x
  %block = gpu.block_id y
  %b = gpu.block_id z
  %h = arith.divui %block, %c2 : index
  %part = arith.remui %block, %c2 : index
  %d0 = arith.muli %part, %c : index
  %hk = arith.divui %h, %group : index
  %t = arith.muli %n, %c : index
  %K_h = func.call @head(%K, %b, %hk) : (!keys, index, index) -> !head
  %dO_h = func.call @head(%dO, %b, %h) : (!values, index, index) -> !head
  %dV_h = func.call @head(%dV, %b, %h) : (!values, index, index) -> !head
  %is_near, %is_next = func.call @distances() : () -> (!mask, !mask)
  %zero = arith.constant dense<0.0> : !scores
  %nothing = arith.constant dense<0.0> : !scores16
  %scale_log2 = arith.constant dense<3.5> : !scores // of sqrt(128)
  %unscale = arith.constant dense<11.3137085> : !scores
  %start, %middle, %end, %start_32, %end_32, %end_3 = func.call @blocks(%ENDS, %b, %h, %n, %d0)
    : (!ends, index, index, index, index) -> (!scores, !scores, !scores, !scores, !scores, !scores)
  %sum = tile.load %SUM[%b, %h, %n, %d0, %c0] : !sums -> !scores
  %until = arith.subf %middle, %sum : !scores
  %grown_k = math.exp2 %until : !scores
  %k_near = func.call @load_decayed(%K_h, %t, %d0, %grown_k) : (!head, index, index, !scores) -> !scores16

  // From far to near: what is further decays more.
  %do = tile.load %dO_h[%t, %c0] pad 0.0 : bf16 : !head -> !chunk
  %dv = tile.load %dV_h[%t, %c0] pad 0.0 : bf16 : !head -> !chunk
  %s = tile.load %S[%b, %h, %n, %c0, %d0] : !steps -> !part16
  %dp = tile.load %dP[%b, %h, %n, %c0, %c0] : !pairs -> !scores16
  %dl = tile.load %dL[%b, %h, %n, %c0, %c0] : !pairs -> !scores16
  %read_s = tile.dot %s, %do, %zero transpose_a transpose_b : !part16, !chunk -> !scores
  %back_s = tile.dot %s, %dv, %zero transpose_a transpose_b : !part16, !chunk -> !scores
  %left_3 = math.exp2 %start_32 : !scores
  %minus_left_3 = arith.negf %left_3 : !scores // what is erased is negative
  %read_3 = arith.mulf %read_s, %left_3 : !scores
  %back_3 = arith.mulf %back_s, %minus_left_3 : !scores
  %k_far = func.call @decay(%k_near, %end_32, %middle) : (!scores16, !scores, !scores) -> !scores16
  %dp_far = arith.select %is_next, %nothing, %dp : !mask, !scores16
  %dl_far = arith.select %is_next, %nothing, %dl : !mask, !scores16
  %read_far = tile.dot %k_far, %dp_far, %read_3 transpose_b : !scores16, !scores16 -> !scores
  %back_far = tile.dot %k_far, %dl_far, %back_3 transpose_b : !scores16, !scores16 -> !scores
  %read_2 = func.call @decay_sum(%read_far, %start, %start_32) : (!scores, !scores, !scores) -> !scores
  %back_2 = func.call @decay_sum(%back_far, %start, %start_32) : (!scores, !scores, !scores) -> !scores
  %k_next = func.call @decay(%k_near, %end, %middle) : (!scores16, !scores, !scores) -> !scores16
  %dp_half = arith.select %is_next, %dp, %nothing : !mask, !scores16
  %dp_next = arith.select %is_near, %nothing, %dp_half : !mask, !scores16
  %dl_half = arith.select %is_next, %dl, %nothing : !mask, !scores16
  %dl_next = arith.select %is_near, %nothing, %dl_half : !mask, !scores16
  %read_next = tile.dot %k_next, %dp_next, %read_2 transpose_b : !scores16, !scores16 -> !scores
  %back_next = tile.dot %k_next, %dl_next, %back_2 transpose_b : !scores16, !scores16 -> !scores
  %read_1 = func.call @decay_sum(%read_next, %middle, %start) : (!scores, !scores, !scores) -> !scores
  %back_1 = func.call @decay_sum(%back_next, %middle, %start) : (!scores, !scores, !scores) -> !scores
  %dp_near = arith.select %is_near, %dp, %nothing : !mask, !scores16
  %dl_near = arith.select %is_near, %dl, %nothing : !mask, !scores16
  %read_near = tile.dot %k_near, %dp_near, %read_1 transpose_b : !scores16, !scores16 -> !scores
  %back_near = tile.dot %k_near, %dl_near, %back_1 transpose_b : !scores16, !scores16 -> !scores
  %scaled_middle = arith.addf %middle, %scale_log2 : !scores
  %since = arith.subf %sum, %scaled_middle : !scores
  %grown_q = math.exp2 %since : !scores
  %read = arith.mulf %read_near, %grown_q : !scores
  %grown_e = arith.mulf %grown_q, %unscale : !scores
  %back = arith.mulf %back_near, %grown_e : !scores
  %read_out = tile.transpose %read [1, 0] : !scores -> !scores
  tile.store %read_out, %READ[%b, %h, %n, %c0, %d0] : !scores, !parts
  %back_out = tile.transpose %back [1, 0] : !scores -> !scores
  tile.store %back_out, %BACK[%b, %h, %n, %c0, %d0] : !scores, !parts
}

// SEEN: what the tokens behind each have of what it adds; LEFT: what the state after the chunk has of that.
tile.kernel @keys(%Q: !keys, %K: !keys, %SUM: !sums, %ENDS: !ends, %X: !values, %dP: !pairs, %dL: !pairs, %dS: !steps,
                  %SEEN: !parts, %LEFT: !parts, %group: index) {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %c = arith.constant #chunk
  %n = gpu.block_id x
  %block = gpu.block_id y
  %b = gpu.block_id z
  %h = arith.divui %block, %c2 : index
  %part = arith.remui %block, %c2 : index
  %d0 = arith.muli %part, %c : index
  %hk = arith.divui %h, %group : index
  %t = arith.muli %n, %c : index
  %Q_h = func.call @head(%Q, %b, %hk) : (!keys, index, index) -> !head
  %K_h = func.call @head(%K, %b, %hk) : (!keys, index, index) -> !head
  %X_h = func.call @head(%X, %b, %h) : (!values, index, index) -> !head
  %is_near, %is_next = func.call @distances() : () -> (!mask, !mask)
  %zero = arith.constant dense<0.0> : !scores
  %nothing = arith.constant dense<0.0> : !scores16
  %scale_log2 = arith.constant dense<3.5> : !scores // of sqrt(128)
  %unscale = arith.constant dense<11.3137085> : !scores
  %start, %middle, %end, %start_32, %end_32, %end_3 = func.call @blocks(%ENDS, %b, %h, %n, %d0)
    : (!ends, index, index, index, index) -> (!scores, !scores, !scores, !scores, !scores, !scores)
  %sum = tile.load %SUM[%b, %h, %n, %d0, %c0] : !sums -> !scores

  // What decays until the chunk ends.
  %x = tile.load %X_h[%t, %c0] pad 0.0 : bf16 : !head -> !chunk
  %ds = tile.load %dS[%b, %h, %n, %c0, %d0] : !steps -> !part16
  %until_end = arith.subf %end_3, %sum : !scores
  %left_end = math.exp2 %until_end : !scores
  %left_s = tile.dot %ds, %x, %zero transpose_a transpose_b : !part16, !chunk -> !scores
  %left = arith.mulf %left_s, %left_end : !scores
  %left_out = tile.transpose %left [1, 0] : !scores -> !scores
  tile.store %left_out, %LEFT[%b, %h, %n, %c0, %d0] : !scores, !parts

  // From far to near, as queries do.
  %scaled_middle = arith.addf %middle, %scale_log2 : !scores
  %since = arith.subf %sum, %scaled_middle : !scores
  %grown_q = math.exp2 %since : !scores
  %q_near = func.call @load_decayed(%Q_h, %t, %d0, %grown_q) : (!head, index, index, !scores) -> !scores16
  %grown_e = arith.mulf %grown_q, %unscale : !scores
  %e_near = func.call @load_decayed(%K_h, %t, %d0, %grown_e) : (!head, index, index, !scores) -> !scores16
  %dp = tile.load %dP[%b, %h, %n, %c0, %c0] : !pairs -> !scores16
  %dl = tile.load %dL[%b, %h, %n, %c0, %c0] : !pairs -> !scores16
  %q_far = func.call @decay(%q_near, %middle, %start_32) : (!scores16, !scores, !scores) -> !scores16
  %e_far = func.call @decay(%e_near, %middle, %start_32) : (!scores16, !scores, !scores) -> !scores16
  %dp_far = arith.select %is_next, %nothing, %dp : !mask, !scores16
  %dl_far = arith.select %is_next, %nothing, %dl : !mask, !scores16
  %seen_far_q = tile.dot %q_far, %dp_far, %zero : !scores16, !scores16 -> !scores
  %seen_far = tile.dot %e_far, %dl_far, %seen_far_q : !scores16, !scores16 -> !scores
  %seen_2 = func.call @decay_sum(%seen_far, %end_32, %end) : (!scores, !scores, !scores) -> !scores
  %q_next = func.call @decay(%q_near, %middle, %start) : (!scores16, !scores, !scores) -> !scores16
  %e_next = func.call @decay(%e_near, %middle, %start) : (!scores16, !scores, !scores) -> !scores16
  %dp_half = arith.select %is_next, %dp, %nothing : !mask, !scores16
  %dp_next = arith.select %is_near, %nothing, %dp_half : !mask, !scores16
  %dl_half = arith.select %is_next, %dl, %nothing : !mask, !scores16
  %dl_next = arith.select %is_near, %nothing, %dl_half : !mask, !scores16
  %seen_next_q = tile.dot %q_next, %dp_next, %seen_2 : !scores16, !scores16 -> !scores
  %seen_next = tile.dot %e_next, %dl_next, %seen_next_q : !scores16, !scores16 -> !scores
  %seen_1 = func.call @decay_sum(%seen_next, %end, %middle) : (!scores, !scores, !scores) -> !scores
  %dp_near = arith.select %is_near, %dp, %nothing : !mask, !scores16
  %dl_near = arith.select %is_near, %dl, %nothing : !mask, !scores16
  %seen_near_q = tile.dot %q_near, %dp_near, %seen_1 : !scores16, !scores16 -> !scores
  %seen_near = tile.dot %e_near, %dl_near, %seen_near_q : !scores16, !scores16 -> !scores
  %until = arith.subf %middle, %sum : !scores
  %grown_k = math.exp2 %until : !scores
  %seen = arith.mulf %seen_near, %grown_k : !scores
  %seen_out = tile.transpose %seen [1, 0] : !scores -> !scores
  tile.store %seen_out, %SEEN[%b, %h, %n, %c0, %d0] : !scores, !parts
}

// dG. A gate has what passes the chunk, exp(sum of G) <S, dS> over values, what tokens from it on read and erase of the state and
// of tokens before it, and what the state after the chunk has of tokens before it.
tile.kernel @gates(%Q: !keys, %K: !keys, %G: !gates, %ENDS: !ends, %S: !steps, %dS: !steps, %READ: !parts, %BACK: !parts,
                   %SEEN: !parts, %LEFT: !parts, %dG: !gates, %group: index) attributes {tile.warps = 8} {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %c3 = arith.constant 3 : index
  %c = arith.constant #chunk
  %n = gpu.block_id x
  %block = gpu.block_id y
  %b = gpu.block_id z
  %h = arith.divui %block, %c2 : index
  %part = arith.remui %block, %c2 : index
  %d0 = arith.muli %part, %c : index
  %hk = arith.divui %h, %group : index
  %t = arith.muli %n, %c : index
  %Q_h = func.call @head(%Q, %b, %hk) : (!keys, index, index) -> !head
  %K_h = func.call @head(%K, %b, %hk) : (!keys, index, index) -> !head
  %G_h = func.call @head_gates(%G, %b, %h) : (!gates, index, index) -> !head_gates
  %dG_h = func.call @head_gates(%dG, %b, %h) : (!gates, index, index) -> !head_gates
  %none = arith.constant dense<0.0> : !row
  %zero = arith.constant dense<0.0> : !scores
  %least = arith.constant dense<-10.0> : !scores
  %s = tile.load %S[%b, %h, %n, %c0, %d0] : !steps -> !part16
  %ds = tile.load %dS[%b, %h, %n, %c0, %d0] : !steps -> !part16
  %s32 = arith.extf %s : !part16 to !sum
  %ds32 = arith.extf %ds : !part16 to !sum
  %product = arith.mulf %s32, %ds32 : !sum
  %products = tile.reduce add %product, %none axis 0 : !sum -> !row
  %total = tile.load %ENDS[%b, %h, %n, %c3, %d0] : !ends -> !row // dS has decayed by what that is off
  %decay = math.exp2 %total : !row
  %passed_c = arith.mulf %products, %decay : !row
  %passed = tile.broadcast %passed_c axes [0] : !row -> !scores

  %q = tile.load %Q_h[%t, %d0] pad 0.0 : bf16 : !head -> !scores16
  %k = tile.load %K_h[%t, %d0] pad 0.0 : bf16 : !head -> !scores16
  %q32 = arith.extf %q : !scores16 to !scores
  %k32 = arith.extf %k : !scores16 to !scores
  %read = tile.load %READ[%b, %h, %n, %c0, %d0] : !parts -> !scores
  %back = tile.load %BACK[%b, %h, %n, %c0, %d0] : !parts -> !scores
  %seen = tile.load %SEEN[%b, %h, %n, %c0, %d0] : !parts -> !scores
  %across = arith.subf %back, %seen : !scores
  %change_q = arith.mulf %q32, %read : !scores
  %change_k = arith.mulf %k32, %across : !scores
  %change = arith.addf %change_q, %change_k : !scores
  %from = tile.scan add %change axis 0 reverse : !scores
  %left = tile.load %LEFT[%b, %h, %n, %c0, %d0] : !parts -> !scores
  %left_k = arith.mulf %k32, %left : !scores
  %to = tile.scan add %left_k axis 0 exclusive : !scores
  %dg_0 = arith.addf %from, %to : !scores
  %dg_1 = arith.addf %dg_0, %passed : !scores
  %g = tile.load %G_h[%t, %d0] pad 0.0 : f32 : !head_gates -> !scores
  %is_raised = arith.cmpf olt, %g, %least : !scores
  %dg = arith.select %is_raised, %zero, %dg_1 : !mask, !scores
  tile.store %dg, %dG_h[%t, %d0] : !scores, !head_gates
}

// dQ and dK: the sums over heads that share them, with OWN.
tile.kernel @share(%Q: !keys, %K: !keys, %OWN: !rows, %READ: !parts, %BACK: !parts, %SEEN: !parts, %LEFT: !parts, %dQ: !keys,
                   %dK: !keys, %group: index) attributes {tile.warps = 8} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c = arith.constant #chunk
  %n = gpu.block_id x
  %hk = gpu.block_id y
  %b = gpu.block_id z
  %t = arith.muli %n, %c : index
  %Q_h = func.call @head(%Q, %b, %hk) : (!keys, index, index) -> !head
  %K_h = func.call @head(%K, %b, %hk) : (!keys, index, index) -> !head
  %dQ_h = func.call @head(%dQ, %b, %hk) : (!keys, index, index) -> !head
  %dK_h = func.call @head(%dK, %b, %hk) : (!keys, index, index) -> !head
  %zero = arith.constant dense<0.0> : !gate
  %none = arith.constant dense<0.0> : !row
  %first = arith.muli %hk, %group : index
  %dq_group, %dk_group, %own_group = scf.for %i = %c0 to %group step %c1
      iter_args(%dq = %zero, %dk = %zero, %owns = %none) -> (!gate, !gate, !row) {
    %h = arith.addi %first, %i : index
    %read = tile.load %READ[%b, %h, %n, %c0, %c0] : !parts -> !gate
    %back = tile.load %BACK[%b, %h, %n, %c0, %c0] : !parts -> !gate
    %seen = tile.load %SEEN[%b, %h, %n, %c0, %c0] : !parts -> !gate
    %left = tile.load %LEFT[%b, %h, %n, %c0, %c0] : !parts -> !gate
    %own = tile.load %OWN[%b, %h, %n, %c0] : !rows -> !row
    %dq_sum = arith.addf %dq, %read : !gate
    %pairs = arith.addf %back, %seen : !gate
    %dk_1 = arith.addf %pairs, %left : !gate
    %dk_sum = arith.addf %dk, %dk_1 : !gate
    %own_sum = arith.addf %owns, %own : !row
    scf.yield %dq_sum, %dk_sum, %own_sum : !gate, !gate, !row
  }
  %own_c = tile.broadcast %own_group axes [1] : !row -> !gate
  %q = tile.load %Q_h[%t, %c0] pad 0.0 : bf16 : !head -> !chunk
  %k = tile.load %K_h[%t, %c0] pad 0.0 : bf16 : !head -> !chunk
  %q32 = arith.extf %q : !chunk to !gate
  %k32 = arith.extf %k : !chunk to !gate
  %dq_own = arith.mulf %k32, %own_c : !gate
  %dk_own = arith.mulf %q32, %own_c : !gate
  %dq_all = arith.addf %dq_group, %dq_own : !gate
  %dk_all = arith.addf %dk_group, %dk_own : !gate
  %dq16 = arith.truncf %dq_all : !gate to !chunk
  tile.store %dq16, %dQ_h[%t, %c0] : !chunk, !head
  %dk16 = arith.truncf %dk_all : !gate to !chunk
  tile.store %dk16, %dK_h[%t, %c0] : !chunk, !head
}

tile.host @kimi_delta_attention_backward[%B, %T, %HK, %HV](
    %Q: !keys[%B, %T, %HK], %K: !keys[%B, %T, %HK], %V: !values[%B, %T, %HV], %G: !gates[%B, %T, %HV],
    %BETA: !strengths[%B, %T, %HV], %H0: !states[%B, %HV], %dO: !values[%B, %T, %HV], %dH1: !states[%B, %HV],
    out %dQ: !keys[%B, %T, %HK], out %dK: !keys[%B, %T, %HK], out %dV: !values[%B, %T, %HV], out %dG: !gates[%B, %T, %HV],
    out %dBETA: !strengths[%B, %T, %HV], out %dH0: !states[%B, %HV]) {
  %none = arith.constant 0 : index
  %two = arith.constant 2 : index
  %c = arith.constant #chunk
  %rest = arith.remui %HV, %HK : index
  %divides = arith.cmpi eq, %rest, %none : index
  cf.assert %divides, "expected HV to be a multiple of HK"
  %group = arith.divui %HV, %HK : index
  %parts = arith.muli %HV, %two : index
  %chunks = arith.ceildivui %T, %c : index
  %SUM = memref.alloc(%B, %HV, %chunks) : !sums
  %ENDS = memref.alloc(%B, %HV, %chunks) : !ends
  %P = memref.alloc(%B, %HV, %chunks) : !pairs
  %A = memref.alloc(%B, %HV, %chunks) : !pairs
  %A_V = memref.alloc(%B, %HV, %chunks) : !pairs
  %U = memref.alloc(%B, %HV, %chunks) : !pairs
  %Q16 = memref.alloc(%B, %HV, %chunks) : !tiles
  %E16 = memref.alloc(%B, %HV, %chunks) : !tiles
  %K16 = memref.alloc(%B, %HV, %chunks) : !tiles
  %W = memref.alloc(%B, %HV, %chunks) : !maps
  %WB = memref.alloc(%B, %HV, %chunks) : !maps
  %S = memref.alloc(%B, %HV, %chunks) : !steps
  %dS = memref.alloc(%B, %HV, %chunks) : !steps
  %X = memref.alloc(%B, %T, %HV) : !values
  %dP = memref.alloc(%B, %HV, %chunks) : !pairs
  %dL = memref.alloc(%B, %HV, %chunks) : !pairs
  %STRENGTH = memref.alloc(%B, %HV, %chunks) : !rows
  %OWN = memref.alloc(%B, %HV, %chunks) : !rows
  %READ = memref.alloc(%B, %HV, %chunks) : !parts
  %BACK = memref.alloc(%B, %HV, %chunks) : !parts
  %SEEN = memref.alloc(%B, %HV, %chunks) : !parts
  %LEFT = memref.alloc(%B, %HV, %chunks) : !parts
  tile.launch @sums grid(%chunks, %HV, %B) args(%G, %SUM, %ENDS)
    : !gates, !sums, !ends
  tile.launch @prepare grid(%chunks, %HV, %B) args(%Q, %K, %BETA, %SUM, %ENDS, %P, %A, %A_V, %Q16, %E16, %K16, %STRENGTH, %group)
    : !keys, !keys, !strengths, !sums, !ends, !pairs, !pairs, !pairs, !tiles, !tiles, !tiles, !rows, index
  tile.launch @apply grid(%chunks, %HV, %B) args(%P, %A, %A_V, %E16, %K16, %W, %WB, %U)
    : !pairs, !pairs, !pairs, !tiles, !tiles, !maps, !maps, !pairs
  tile.launch @forward grid(%HV, %B) args(%V, %ENDS, %STRENGTH, %A_V, %W, %K16, %H0, %S, %X)
    : !values, !ends, !rows, !pairs, !maps, !tiles, !states, !steps, !values
  tile.launch @backward grid(%HV, %B) args(%ENDS, %STRENGTH, %U, %WB, %Q16, %E16, %dO, %dH1, %dS, %dV, %dH0)
    : !ends, !rows, !pairs, !maps, !tiles, !tiles, !values, !states, !steps, !values, !states
  tile.launch @pairs grid(%chunks, %HV, %B) args(%STRENGTH, %X, %dO, %dV, %dP, %dL, %OWN, %dBETA)
    : !rows, !values, !values, !values, !pairs, !pairs, !rows, !strengths
  tile.launch @queries grid(%chunks, %parts, %B) args(%K, %SUM, %ENDS, %dO, %dV, %dP, %dL, %S, %READ, %BACK, %group)
    : !keys, !sums, !ends, !values, !values, !pairs, !pairs, !steps, !parts, !parts, index
  tile.launch @keys grid(%chunks, %parts, %B) args(%Q, %K, %SUM, %ENDS, %X, %dP, %dL, %dS, %SEEN, %LEFT, %group)
    : !keys, !keys, !sums, !ends, !values, !pairs, !pairs, !steps, !parts, !parts, index
  tile.launch @gates grid(%chunks, %parts, %B) args(%Q, %K, %G, %ENDS, %S, %dS, %READ, %BACK, %SEEN, %LEFT, %dG, %group)
    : !keys, !keys, !gates, !ends, !steps, !steps, !parts, !parts, !parts, !parts, !gates, index
  tile.launch @share grid(%chunks, %HK, %B) args(%Q, %K, %OWN, %READ, %BACK, %SEEN, %LEFT, %dQ, %dK, %group)
    : !keys, !keys, !rows, !parts, !parts, !parts, !parts, !keys, !keys, index
}
