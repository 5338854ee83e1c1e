// `linear_attention` for few heads and long sequences, which are cut into SEGMENTS that blocks work on side by side. A segment is
// one long step, S(end) = (product of decays) S(start) + what a state of zero comes to: one launch joins the tokens of each segment,
// the next goes from segment to segment, and the last computes the results of each from its state. K, V and G are read twice.
//
//   heddle run examples/linear_attention_split.mlir --size B=1 --size T=1000 --size HK=1 --size HV=2 --size SEGMENTS=4
//     --input G=uniform:-1:0 --check
!keys = memref<?x?x?x128xbf16> // and queries: tokens, then heads
!values = memref<?x?x?x128xbf16> // and results
!gates = memref<?x?x?xf32> // natural logarithms of decays; and factors, by segments, then heads
!states = memref<?x?x128x128xf32>
!segments = memref<?x?x?x128x128xf32> // segments, then heads
!key_head = memref<?x128xbf16, strided<[?, 1], offset: ?>>
!value_head = memref<?x128xbf16, strided<[?, 1], offset: ?>>
!head_gates = memref<?xf32, strided<[?], offset: ?>>
!head_segments = memref<?x128x128xf32, strided<[?, 128, 1], offset: ?>>
!k = tensor<64x128xbf16>
!k32 = tensor<64x128xf32>
!v = tensor<64x128xbf16>
!row = tensor<64xf32>
!at = tensor<64x64xi32>
!mask = tensor<64x64xi1>
!scores = tensor<64x64xf32>
!scores16 = tensor<64x64xbf16>
!o = tensor<128x64xf32>
!o16 = tensor<128x64xbf16>
!state = tensor<128x128xf32>
!s = tensor<128x128xf32> // transposed
!s16 = tensor<128x128xbf16>
!decay = tensor<128xf32>
!factors = tensor<8xf32>
!part = tensor<8x128xf32> // rows of a state
!parts = tensor<8x8x128xf32>
#chunk = 64 : index
#v = 128 : index // values of a block
#parts = 1 : index // blocks of a head
#rows = 16 : index // blocks of eight rows of a state

// What each segment makes of a state: it is multiplied by Factor, and Term is added.
tile.kernel @join(%K: !keys, %V: !values, %G: !gates, %Factor: !gates, %Term: !segments, %length: index, %group: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c = arith.constant #chunk
  %parts = arith.constant #parts
  %block = gpu.block_id x
  %h = arith.divui %block, %parts : index
  %part = arith.remui %block, %parts : index
  %v_size = arith.constant #v
  %v0 = arith.muli %part, %v_size : index
  %segment = gpu.block_id y
  %b = gpu.block_id z
  %hk = arith.divui %h, %group : index
  %T = memref.dim %K, %c1 : !keys
  %T_v = memref.dim %V, %c1 : !values
  %start = arith.muli %segment, %length : index
  %behind = arith.addi %start, %length : index
  %end = arith.minui %behind, %T : index
  %K_h = memref.subview %K[%b, 0, %hk, 0] [1, %T, 1, 128] [1, 1, 1, 1] : !keys to !key_head
  %V_h = memref.subview %V[%b, 0, %h, 0] [1, %T_v, 1, 128] [1, 1, 1, 1] : !values to !value_head
  %G_h = memref.subview %G[%b, 0, %h] [1, %T, 1] [1, 1, 1] : !gates to !head_gates
  %none = arith.constant 0.0 : f32
  %log2e = arith.constant dense<1.44269504> : !row // hardware computes 2^x
  %zero = arith.constant dense<0.0> : !s
  %s_last, %sum_last = scf.for %t = %start to %end step %c iter_args(%s = %zero, %sum = %none) -> (!s, f32) {
    %g = tile.load %G_h[%t] pad 0.0 : f32 : !head_gates -> !row
    %g2 = arith.mulf %g, %log2e : !row
    %rest = tile.scan add %g2 axis 0 reverse exclusive : !row
    %total = tile.reduce add %g2, %none axis 0 : !row -> f32
    %decay_1 = math.exp2 %total : f32
    %decay = tensor.splat %decay_1 : !decay
    %until = math.exp2 %rest : !row
    %until_k = tile.broadcast %until axes [1] : !row -> !k32
    %k = tile.load %K_h[%t, %c0] pad 0.0 : bf16 : !key_head -> !k
    %k32 = arith.extf %k : !k to !k32
    %k_then = arith.mulf %k32, %until_k : !k32
    %k16 = arith.truncf %k_then : !k32 to !k

    %decay_s = tile.broadcast %decay axes [1] : !decay -> !s
    %kept = arith.mulf %s, %decay_s : !s
    %v = tile.load %V_h[%t, %v0] pad 0.0 : bf16 : !value_head -> !v
    %new = tile.dot %v, %k16, %kept transpose_a : !v, !k -> !s
    %next_sum = arith.addf %sum, %total : f32
    scf.yield %new, %next_sum : !s, f32
  }
  %factor = math.exp2 %sum_last : f32
  %factor_1 = tensor.splat %factor : tensor<1xf32>
  %is_first = arith.cmpi eq, %part, %c0 : index
  scf.if %is_first {
    tile.store %factor_1, %Factor[%b, %segment, %h] : tensor<1xf32>, !gates
  }
  %term = tile.transpose %s_last [1, 0] : !s -> !state
  tile.store %term, %Term[%b, %segment, %h, %c0, %v0] : !state, !segments
}

// The state before each segment, and the last one: eight segments at a time, for eight rows of a state.
tile.kernel @between(%Factor: !gates, %Term: !segments, %H0: !states, %Starts: !segments, %H1: !states) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c8 = arith.constant 8 : index
  %x = gpu.block_id x
  %h = gpu.block_id y
  %b = gpu.block_id z
  %row = arith.muli %x, %c8 : index
  %count = memref.dim %Factor, %c1 : !gates
  %Factor_h = memref.subview %Factor[%b, 0, %h] [1, %count, 1] [1, 1, 1] : !gates to !head_gates
  %Term_h = memref.subview %Term[%b, 0, %h, 0, 0] [1, %count, 1, 128, 128] [1, 1, 1, 1, 1] : !segments to !head_segments
  %Starts_h = memref.subview %Starts[%b, 0, %h, 0, 0] [1, %count, 1, 128, 128] [1, 1, 1, 1, 1] : !segments to !head_segments
  %h0 = tile.load %H0[%b, %h, %row, %c0] : !states -> !part
  %last = scf.for %j = %c0 to %count step %c8 iter_args(%s = %h0) -> (!part) {
    %factor = tile.load %Factor_h[%j] pad 1.0 : f32 : !head_gates -> !factors
    %factors = tile.broadcast %factor axes [1, 2] : !factors -> !parts
    %terms = tile.load %Term_h[%j, %row, %c0] pad 0.0 : f32 : !head_segments -> !parts
    %starts, %next = tile.recurrence %factors, %terms, %s axis 0 exclusive : !parts, !part
    tile.store %starts, %Starts_h[%j, %row, %c0] : !parts, !head_segments
    scf.yield %next : !part
  }
  tile.store %last, %H1[%b, %h, %row, %c0] : !part, !states
}

// `linear_attention` of each segment, from its state.
tile.kernel @attend(%Q: !keys, %K: !keys, %V: !values, %G: !gates, %Starts: !segments, %O: !values, %length: index, %group: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c = arith.constant #chunk
  %parts = arith.constant #parts
  %block = gpu.block_id x
  %h = arith.divui %block, %parts : index
  %part = arith.remui %block, %parts : index
  %v_size = arith.constant #v
  %v0 = arith.muli %part, %v_size : index
  %segment = gpu.block_id y
  %b = gpu.block_id z
  %hk = arith.divui %h, %group : index
  %T = memref.dim %Q, %c1 : !keys
  %T_k = memref.dim %K, %c1 : !keys
  %T_v = memref.dim %V, %c1 : !values
  %start = arith.muli %segment, %length : index
  %behind = arith.addi %start, %length : index
  %end = arith.minui %behind, %T : index
  %Q_h = memref.subview %Q[%b, 0, %hk, 0] [1, %T, 1, 128] [1, 1, 1, 1] : !keys to !key_head
  %K_h = memref.subview %K[%b, 0, %hk, 0] [1, %T_k, 1, 128] [1, 1, 1, 1] : !keys to !key_head
  %V_h = memref.subview %V[%b, 0, %h, 0] [1, %T_v, 1, 128] [1, 1, 1, 1] : !values to !value_head
  %G_h = memref.subview %G[%b, 0, %h] [1, %T, 1] [1, 1, 1] : !gates to !head_gates
  %O_h = memref.subview %O[%b, 0, %h, 0] [1, %T, 1, 128] [1, 1, 1, 1] : !values to !value_head
  %row = tile.iota axis 0 : !at
  %column = tile.iota axis 1 : !at
  %sees = arith.cmpi sge, %row, %column : !at
  %hidden = arith.constant dense<0xFF800000> : !scores
  %zero_s = arith.constant dense<0.0> : !scores
  %zero_o = arith.constant dense<0.0> : !o
  %none = arith.constant 0.0 : f32
  %log2e = arith.constant dense<1.44269504> : !row // hardware computes 2^x
  %scale = arith.constant dense<0.0883883476> : !row // 1 / sqrt(128)
  %h0 = tile.load %Starts[%b, %segment, %h, %c0, %v0] : !segments -> !state
  %s0 = tile.transpose %h0 [1, 0] : !state -> !s

  %s_last = scf.for %t = %start to %end step %c iter_args(%s = %s0) -> (!s) {
    // How much of each token is left at another one, at the end of the chunk, and of the state at each token.
    %g = tile.load %G_h[%t] pad 0.0 : f32 : !head_gates -> !row
    %g2 = arith.mulf %g, %log2e : !row
    %sum = tile.scan add %g2 axis 0 : !row
    %rest = tile.scan add %g2 axis 0 reverse exclusive : !row
    %total = tile.reduce add %g2, %none axis 0 : !row -> f32
    %decay_1 = math.exp2 %total : f32
    %decay = tensor.splat %decay_1 : !decay
    %sum_i = tile.broadcast %sum axes [1] : !row -> !scores
    %sum_j = tile.broadcast %sum axes [0] : !row -> !scores
    %between = arith.subf %sum_i, %sum_j : !scores
    %exponent = arith.select %sees, %between, %hidden : !mask, !scores
    %left = math.exp2 %exponent : !scores

    %q = tile.load %Q_h[%t, %c0] pad 0.0 : bf16 : !key_head -> !k
    %k = tile.load %K_h[%t, %c0] pad 0.0 : bf16 : !key_head -> !k
    %qk = tile.dot %q, %k, %zero_s transpose_b : !k, !k -> !scores
    %scale_s = tile.broadcast %scale axes [1] : !row -> !scores
    %scaled = arith.mulf %left, %scale_s : !scores
    %p = arith.mulf %qk, %scaled : !scores
    %p16 = arith.truncf %p : !scores to !scores16
    %since = math.exp2 %sum : !row
    %since_scaled = arith.mulf %since, %scale : !row
    %since_q = tile.broadcast %since_scaled axes [1] : !row -> !k32
    %q32 = arith.extf %q : !k to !k32
    %q_then = arith.mulf %q32, %since_q : !k32
    %q16 = arith.truncf %q_then : !k32 to !k
    %until = math.exp2 %rest : !row
    %until_k = tile.broadcast %until axes [1] : !row -> !k32
    %k32 = arith.extf %k : !k to !k32
    %k_then = arith.mulf %k32, %until_k : !k32
    %k16 = arith.truncf %k_then : !k32 to !k

    // From the state to the next one.
    %s16 = arith.truncf %s : !s to !s16
    %decay_s = tile.broadcast %decay axes [1] : !decay -> !s
    %kept = arith.mulf %s, %decay_s : !s
    %v = tile.load %V_h[%t, %v0] pad 0.0 : bf16 : !value_head -> !v
    %o_before = tile.dot %s16, %q16, %zero_o transpose_b : !s16, !k -> !o
    %o = tile.dot %v, %p16, %o_before transpose_a transpose_b : !v, !scores16 -> !o
    %new = tile.dot %v, %k16, %kept transpose_a : !v, !k -> !s
    %o16 = arith.truncf %o : !o to !o16
    %out = tile.transpose %o16 [1, 0] : !o16 -> !v
    tile.store %out, %O_h[%t, %v0] : !v, !value_head
    scf.yield %new : !s
  }
}

tile.host @linear_attention[%B, %T, %HK, %HV, %SEGMENTS](%Q: !keys[%B, %T, %HK], %K: !keys[%B, %T, %HK], %V: !values[%B, %T, %HV],
                                                         %G: !gates[%B, %T, %HV], %H0: !states[%B, %HV],
                                                         out %O: !values[%B, %T, %HV], out %H1: !states[%B, %HV]) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c = arith.constant #chunk
  %rows = arith.constant #rows
  %rest = arith.remui %HV, %HK : index
  %divides = arith.cmpi eq, %rest, %c0 : index
  cf.assert %divides, "expected HV to be a multiple of HK"
  %group = arith.divui %HV, %HK : index
  %some = arith.cmpi ugt, %SEGMENTS, %c0 : index
  cf.assert %some, "expected at least one segment"
  // Whole chunks; nothing may be left for the last segments.
  %count = arith.maxui %SEGMENTS, %c1 : index
  %share = arith.ceildivui %T, %count : index
  %chunks = arith.ceildivui %share, %c : index
  %length = arith.muli %chunks, %c : index
  %factors = memref.alloc(%B, %SEGMENTS, %HV) : !gates
  %terms = memref.alloc(%B, %SEGMENTS, %HV) : !segments
  %starts = memref.alloc(%B, %SEGMENTS, %HV) : !segments
  %parts = arith.constant #parts
  %blocks = arith.muli %HV, %parts : index
  tile.launch @join grid(%blocks, %SEGMENTS, %B) args(%K, %V, %G, %factors, %terms, %length, %group)
    : !keys, !values, !gates, !gates, !segments, index, index
  tile.launch @between grid(%rows, %HV, %B) args(%factors, %terms, %H0, %starts, %H1) : !gates, !segments, !states, !segments, !states
  tile.launch @attend grid(%blocks, %SEGMENTS, %B) args(%Q, %K, %V, %G, %starts, %O, %length, %group)
    : !keys, !keys, !values, !gates, !segments, !values, index, index
}
