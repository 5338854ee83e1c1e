// Gated linear attention over packed sequences: sequence n is the tokens starts[n] to starts[n + 1] of all arrays, and has state n. Otherwise as
// gated_linear_attention.mlir. A chunk may read on into the next sequence: there, gates and keys count as zeros. A block has 64
// of the values: its preparer, which also tells tokens apart, needs the registers of another consumer. Blocks
// of a head are a cluster, which loads for both what they load alike.
//
//   heddle run examples/gated_linear_attention_varlen.mlir --size N=2 --size STARTS=3 --size T=200 --size HK=1 --size HV=2 --input starts=starts.npy
!keys = memref<?x?x128xbf16> // and queries: tokens, then heads
!values = memref<?x?x128xbf16> // and results
!gates = memref<?x?x128xf32> // natural logarithms of decays
!starts = memref<?xi32>
!states = memref<?x?x128x128xf32>
!key_head = memref<?x128xbf16, strided<[?, 1], offset: ?>>
!value_head = memref<?x128xbf16, strided<[?, 1], offset: ?>>
!head_gates = memref<?x128xf32, strided<[?, 1], offset: ?>>
!k = tensor<64x128xbf16>
!k_t = tensor<128x64xbf16>
!wide_k_t = tensor<128x64xbf16> // bf16 for arrays of f16, too: what grows does not fit into that
!k32 = tensor<64x128xf32>
!sums = tensor<128x64xf32>
!channels = tensor<128xf32>
!token = tensor<128x64xi32>
!tokens = tensor<128x64xi1>
!at = tensor<64x64xi32>
!mask = tensor<64x64xi1>
!scores = tensor<64x64xf32>
!scores16 = tensor<64x64xbf16>
!v = tensor<64x64xbf16>
!o = tensor<64x64xf32>
!o16 = tensor<64x64xbf16>
!state = tensor<128x64xf32>
!s = tensor<64x128xf32> // transposed
!s16 = tensor<64x128xbf16>
#chunk = 64 : index
#v = 64 : index // values of a block
#parts = 2 : index // blocks of a head

// What decays up to the token that `is` tells, and a whole power of two near it, at every token.
func.func @decay_up_to(%is: !tokens, %sum: !sums) -> (!channels, !sums) {
  %none = arith.constant dense<-0.0> : !channels // which leaves zeros of either sign as they are
  %none_c = arith.constant dense<-0.0> : !sums
  %at = arith.select %is, %sum, %none_c : !tokens, !sums
  %decay = tile.reduce add %at, %none axis 1 : !sums -> !channels
  %near = math.roundeven %decay : !channels
  %near_all = tile.broadcast %near axes [1] : !channels -> !sums
  return %decay, %near_all : !channels, !sums
}

// Queries or keys after a decay, which is a logarithm.
func.func @decayed(%x: !k_t, %by: !sums) -> !wide_k_t {
  %left = math.exp2 %by : !sums
  %x32 = arith.extf %x : !k_t to !sums
  %y = arith.mulf %x32, %left : !sums
  %y16 = arith.truncf %y : !sums to !wide_k_t
  return %y16 : !wide_k_t
}

// The same after more of it.
func.func @decayed_on(%x: !wide_k_t, %by: !sums) -> !wide_k_t {
  %left = math.exp2 %by : !sums
  %x32 = arith.extf %x : !wide_k_t to !sums
  %y = arith.mulf %x32, %left : !sums
  %y16 = arith.truncf %y : !sums to !wide_k_t
  return %y16 : !wide_k_t
}

// The same in the end, when nothing has grown.
func.func @decayed_at_last(%x: !wide_k_t, %by: !sums) -> !k_t {
  %left = math.exp2 %by : !sums
  %x32 = arith.extf %x : !wide_k_t to !sums
  %y = arith.mulf %x32, %left : !sums
  %y16 = arith.truncf %y : !sums to !k_t
  return %y16 : !k_t
}

tile.kernel @attend(%Q: !keys, %K: !keys, %V: !values, %G: !gates, %starts: !starts, %H0: !states, %O: !values, %H1: !states,
                    %group: index) attributes {tile.cluster = [2]} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c = arith.constant #chunk
  %parts = arith.constant #parts
  %block = gpu.block_id x
  %h = arith.divui %block, %parts : index
  %part = arith.remui %block, %parts : index
  %v_size = arith.constant #v
  %v0 = arith.muli %part, %v_size : index
  %n = gpu.block_id y
  %hk = arith.divui %h, %group : index
  %next_n = arith.addi %n, %c1 : index
  %start_n = memref.load %starts[%n] : !starts
  %end_n = memref.load %starts[%next_n] : !starts
  %length = arith.subi %end_n, %start_n : i32
  %T = arith.index_cast %length : i32 to index
  %first = arith.index_cast %start_n : i32 to index
  %T_q = memref.dim %Q, %c0 : !keys
  %T_k = memref.dim %K, %c0 : !keys
  %T_v = memref.dim %V, %c0 : !values
  %T_g = memref.dim %G, %c0 : !gates
  %Q_h = memref.subview %Q[0, %hk, 0] [%T_q, 1, 128] [1, 1, 1] : !keys to !key_head
  %K_h = memref.subview %K[0, %hk, 0] [%T_k, 1, 128] [1, 1, 1] : !keys to !key_head
  %V_h = memref.subview %V[0, %h, 0] [%T_v, 1, 128] [1, 1, 1] : !values to !value_head
  %G_h = memref.subview %G[0, %h, 0] [%T_g, 1, 128] [1, 1, 1] : !gates to !head_gates
  // Starts that are not in order, or beyond the buffers, end the program here.
  %O_h = memref.subview %O[%first, %h, 0] [%T, 1, 128] [1, 1, 1] : !values to !value_head
  %zero_s = arith.constant dense<0.0> : !scores
  %zero_o = arith.constant dense<0.0> : !o
  %zero = arith.constant dense<0.0> : !sums
  %nothing = arith.constant dense<0.0> : !wide_k_t
  %no_keys = arith.constant dense<0.0> : !k_t
  %half = arith.constant dense<0.5> : !sums
  %least = arith.constant dense<-10.0> : !sums
  %log2e = arith.constant dense<1.44269504> : !sums // hardware computes 2^x
  %scale_log2 = arith.constant dense<3.5> : !sums // of sqrt(128)

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

  %h0 = tile.load %H0[%n, %h, %c0, %v0] pad 0.0 : f32 : !states -> !state
  %s0 = tile.transpose %h0 [1, 0] : !state -> !s

  %s_last = scf.for %t = %c0 to %T step %c iter_args(%s = %s0) -> (!s) {
    %t_32 = arith.index_cast %t : index to i32
    %at = arith.addi %first, %t : index
    %left = arith.subi %length, %t_32 : i32
    %left_t = tensor.splat %left : !token
    %exists = arith.cmpi slt, %token, %left_t : !token
    %g = tile.load %G_h[%at, %c0] pad 0.0 : f32 : !head_gates -> !k32
    %g_t = tile.transpose %g [1, 0] : !k32 -> !sums
    %raised = arith.maximumf %g_t, %least : !sums
    %own = arith.select %exists, %raised, %zero : !tokens, !sums
    %g2_t = arith.mulf %own, %log2e : !sums
    %g2 = tile.transpose %g2_t [1, 0] : !sums -> !k32
    %scanned = tile.scan add %g2 axis 0 : !k32
    %sum = tile.transpose %scanned [1, 0] : !k32 -> !sums

    // How much has decayed where blocks end: a whole power of two is near enough for blocks to agree on.
    %sum_15, %end_0 = func.call @decay_up_to(%is_15, %sum) : (!tokens, !sums) -> (!channels, !sums)
    %sum_31, %end_1 = func.call @decay_up_to(%is_31, %sum) : (!tokens, !sums) -> (!channels, !sums)
    %sum_47, %end_2 = func.call @decay_up_to(%is_47, %sum) : (!tokens, !sums) -> (!channels, !sums)
    %sum_63, %end_3 = func.call @decay_up_to(%is_63, %sum) : (!tokens, !sums) -> (!channels, !sums)
    // Where blocks of 16 and 32 tokens start and end.
    %start_01 = arith.select %in_0, %zero, %end_0 : !tokens, !sums
    %start_23 = arith.select %in_012, %end_1, %end_2 : !tokens, !sums
    %start = arith.select %in_01, %start_01, %start_23 : !tokens, !sums
    %end_01 = arith.select %in_0, %end_0, %end_1 : !tokens, !sums
    %end_23 = arith.select %in_012, %end_2, %end_3 : !tokens, !sums
    %end = arith.select %in_01, %end_01, %end_23 : !tokens, !sums
    %start_32 = arith.select %in_01, %zero, %end_1 : !tokens, !sums
    %end_32 = arith.select %in_01, %end_1, %end_3 : !tokens, !sums

    // Queries since, and keys until, half of what decays in their block of 16 tokens has.
    %ends = arith.addf %start, %end : !sums
    %exact_middle = arith.mulf %ends, %half : !sums
    %middle = math.roundeven %exact_middle : !sums
    %scaled_middle = arith.addf %middle, %scale_log2 : !sums
    %q = tile.load %Q_h[%at, %c0] pad 0.0 : bf16 : !key_head -> !k
    %q_t = tile.transpose %q [1, 0] : !k -> !k_t
    %since_0 = arith.subf %sum, %scaled_middle : !sums
    %q_near = func.call @decayed(%q_t, %since_0) : (!k_t, !sums) -> !wide_k_t
    %k = tile.load %K_h[%at, %c0] pad 0.0 : bf16 : !key_head -> !k
    %k_t = tile.transpose %k [1, 0] : !k -> !k_t
    %until_0 = arith.subf %middle, %sum : !sums
    %k_own = arith.select %exists, %k_t, %no_keys : !tokens, !k_t
    %k_near = func.call @decayed(%k_own, %until_0) : (!k_t, !sums) -> !wide_k_t
    %near = tile.dot %q_near, %k_near, %zero_s transpose_a : !wide_k_t, !wide_k_t -> !scores

    // Since their block starts, and until it ends.
    %since_1 = arith.subf %middle, %start : !sums
    %until_1 = arith.subf %end, %middle : !sums
    %q_next = func.call @decayed_on(%q_near, %since_1) : (!wide_k_t, !sums) -> !wide_k_t
    %k_next = func.call @decayed_on(%k_near, %until_1) : (!wide_k_t, !sums) -> !wide_k_t
    // Queries of the second block of a half, and keys of the first: zeros add nothing to pairs that are nearer.
    %q_later = arith.select %in_02, %nothing, %q_next : !tokens, !wide_k_t
    %k_earlier = arith.select %in_02, %k_next, %nothing : !tokens, !wide_k_t
    %only_near = arith.select %is_near, %near, %zero_s : !mask, !scores
    %next = tile.dot %q_later, %k_earlier, %only_near transpose_a : !wide_k_t, !wide_k_t -> !scores

    // The same for their half of the chunk.
    %since_2 = arith.subf %start, %start_32 : !sums
    %until_2 = arith.subf %end_32, %end : !sums
    %q_far = func.call @decayed_on(%q_next, %since_2) : (!wide_k_t, !sums) -> !wide_k_t
    %k_far = func.call @decayed_on(%k_next, %until_2) : (!wide_k_t, !sums) -> !wide_k_t
    %q_last = arith.select %in_01, %nothing, %q_far : !tokens, !wide_k_t
    %k_first = arith.select %in_01, %k_far, %nothing : !tokens, !wide_k_t
    %at_most_next = arith.select %is_next, %next, %zero_s : !mask, !scores
    %far = tile.dot %q_last, %k_first, %at_most_next transpose_a : !wide_k_t, !wide_k_t -> !scores
    %seen = arith.select %sees, %far, %zero_s : !mask, !scores
    %p16 = arith.truncf %seen : !scores to !scores16

    // And for the chunk: the queries as they see the state, and the keys as the next state has them.
    %total = tile.broadcast %sum_63 axes [1] : !channels -> !sums
    %until_3 = arith.subf %total, %end_32 : !sums
    %q16 = func.call @decayed_at_last(%q_far, %start_32) : (!wide_k_t, !sums) -> !k_t
    %k16 = func.call @decayed_at_last(%k_far, %until_3) : (!wide_k_t, !sums) -> !k_t
    %decay = math.exp2 %sum_63 : !channels

    // From the state to the next one.
    %s16 = arith.truncf %s : !s to !s16
    %decay_s = tile.broadcast %decay axes [0] : !channels -> !s
    %kept = arith.mulf %s, %decay_s : !s
    %v = tile.load %V_h[%at, %v0] pad 0.0 : bf16 : !value_head -> !v
    %o_before = tile.dot %s16, %q16, %zero_o : !s16, !k_t -> !o
    %o = tile.dot %v, %p16, %o_before transpose_a transpose_b : !v, !scores16 -> !o
    %new = tile.dot %v, %k16, %kept transpose_a transpose_b : !v, !k_t -> !s
    %o16 = arith.truncf %o : !o to !o16
    %out = tile.transpose %o16 [1, 0] : !o16 -> !v
    tile.store %out, %O_h[%t, %v0] : !v, !value_head
    scf.yield %new : !s
  }
  %h1 = tile.transpose %s_last [1, 0] : !s -> !state
  tile.store %h1, %H1[%n, %h, %c0, %v0] : !state, !states
}

tile.host @gated_linear_attention_varlen[%N, %STARTS, %T, %HK, %HV](%Q: !keys[%T, %HK], %K: !keys[%T, %HK], %V: !values[%T, %HV], %G: !gates[%T, %HV],
    %starts: !starts[%STARTS], %H0: !states[%N, %HV], out %O: !values[%T, %HV], out %H1: !states[%N, %HV]) {
  %none = arith.constant 0 : index
  %rest = arith.remui %HV, %HK : index
  %divides = arith.cmpi eq, %rest, %none : index
  cf.assert %divides, "expected HV to be a multiple of HK"
  %one = arith.constant 1 : index
  %starts_needed = arith.addi %N, %one : index
  %enough = arith.cmpi eq, %STARTS, %starts_needed : index
  cf.assert %enough, "expected STARTS to be N + 1"
  %group = arith.divui %HV, %HK : index
  %parts = arith.constant #parts
  %blocks = arith.muli %HV, %parts : index
  tile.launch @attend grid(%blocks, %N) args(%Q, %K, %V, %G, %starts, %H0, %O, %H1, %group)
    : !keys, !keys, !values, !gates, !starts, !states, !values, !states, index
}
