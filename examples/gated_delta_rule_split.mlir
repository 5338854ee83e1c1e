// `gated_delta_rule` for few heads and long sequences, which are cut into SEGMENTS that blocks work on side by side. A segment is
// one long step, S(end) = M S(start) + what a state of zero comes to, where M is what becomes of the unit matrix if nothing is
// added: one launch computes the two for each segment, the next goes from segment to segment, and the last computes the results
// of each from its state.
//
//   heddle run examples/gated_delta_rule_split.mlir --size B=1 --size T=1000 --size HK=1 --size HV=2 --size SEGMENTS=4
//     --input G=uniform:-1:0 --input K=unit --input BETA=uniform:0:1 --check
!keys = memref<?x?x?x128xbf16> // and queries: tokens, then heads
!values = memref<?x?x?x128xbf16> // and results
!gates = memref<?x?x?xf32> // and BETA; gates are natural logarithms
!states = memref<?x?x128x128xf32>
!key_head = memref<?x128xbf16, strided<[?, 1], offset: ?>>
!value_head = memref<?x128xbf16, strided<[?, 1], offset: ?>>
!head_gates = memref<?xf32, strided<[?], offset: ?>>
!k = tensor<64x128xbf16>
!k32 = tensor<64x128xf32>
!row = tensor<64xf32>
!at = tensor<64x64xi32>
!mask = tensor<64x64xi1>
!scores = tensor<64x64xf32>
!scores16 = tensor<64x64xbf16>
!whole = tensor<128x128xf32> // a state, transposed
!whole_state = tensor<128x128xf32>
!whole_at = tensor<128x128xi32>
!whole_mask = tensor<128x128xi1>
!whole_v = tensor<64x128xbf16>
!whole16 = tensor<128x128xbf16>
!whole_o = tensor<128x64xf32>
!whole_o16 = tensor<128x64xbf16>
!whole_decay = tensor<128xf32>
!transition = tensor<128x128xf32>
!state = tensor<128x64xf32> // 64 columns of one
!s = tensor<64x128xf32> // transposed
!s16 = tensor<64x128xbf16>
!v = tensor<64x64xbf16>
!o = tensor<64x64xf32>
!o16 = tensor<64x64xbf16>
!decay = tensor<64xf32>
!segments = memref<?x?x?x128x128xf32> // segments, then heads
#chunk = 64 : index
#v = 64 : index // values of a block
#parts = 2 : index // blocks of a head

// Each row times a number.
func.func @scaled(%x: !k, %by: !row) -> !k {
  %by_x = tile.broadcast %by axes [1] : !row -> !k32
  %x32 = arith.extf %x : !k to !k32
  %y = arith.mulf %x32, %by_x : !k32
  %y16 = arith.truncf %y : !k32 to !k
  return %y16 : !k
}

// What a chunk does to a state: the keys as the next state has them, what is left of the state there, the inverse by which the
// values are multiplied, and what the state has for the keys after it. Also what is left of the state, and of each token, at
// each token. Values count VALUES times.
func.func @chunk(%k: !k, %G_h: !head_gates, %BETA_h: !head_gates, %t: index, %values: !row)
    -> (!k, f32, !scores16, !k, !row, !scores) {
  %zero_s = arith.constant dense<0.0> : !scores
  %zero_w = arith.constant dense<0.0> : !k32
  %none = arith.constant 0.0 : f32
  %hidden = arith.constant dense<0xFF800000> : !scores
  %log2e = arith.constant dense<1.44269504> : !row // hardware computes 2^x
  %row = tile.iota axis 0 : !at
  %column = tile.iota axis 1 : !at
  %sees = arith.cmpi sge, %row, %column : !at
  %g = tile.load %G_h[%t] pad 0.0 : f32 : !head_gates -> !row
  %g2 = arith.mulf %g, %log2e : !row
  %sum = tile.scan add %g2 axis 0 : !row
  %rest = tile.scan add %g2 axis 0 reverse exclusive : !row
  %total = tile.reduce add %g2, %none axis 0 : !row -> f32
  %decay = math.exp2 %total : f32
  %since = math.exp2 %sum : !row
  %until = math.exp2 %rest : !row
  %k16 = call @scaled(%k, %until) : (!k, !row) -> !k

  %sum_i = tile.broadcast %sum axes [1] : !row -> !scores
  %sum_j = tile.broadcast %sum axes [0] : !row -> !scores
  %between = arith.subf %sum_i, %sum_j : !scores
  %exponent = arith.select %sees, %between, %hidden : !mask, !scores
  %left = math.exp2 %exponent : !scores
  %kk = tile.dot %k, %k, %zero_s transpose_b : !k, !k -> !scores
  %beta = tile.load %BETA_h[%t] pad 0.0 : f32 : !head_gates -> !row
  %beta_i = tile.broadcast %beta axes [1] : !row -> !scores
  %left_beta = arith.mulf %left, %beta_i : !scores
  %l = arith.mulf %kk, %left_beta : !scores
  %inverse = tile.tri_inverse %l precision tf32 : !scores // of which products see 8 bits
  %beta_v = arith.mulf %beta, %values : !row
  %beta_v_j = tile.broadcast %beta_v axes [0] : !row -> !scores
  %inverse_v = arith.mulf %inverse, %beta_v_j : !scores
  %inverse_v16 = arith.truncf %inverse_v : !scores to !scores16
  %lost = arith.negf %since : !row
  %minus_since = arith.mulf %lost, %beta : !row
  %minus_since_j = tile.broadcast %minus_since axes [0] : !row -> !scores
  %inverse_k = arith.mulf %inverse, %minus_since_j : !scores
  %inverse_k16 = arith.truncf %inverse_k : !scores to !scores16
  %w = tile.dot %inverse_k16, %k, %zero_w : !scores16, !k -> !k32
  %w16 = arith.truncf %w : !k32 to !k
  return %k16, %decay, %inverse_v16, %w16, %since, %left : !k, f32, !scores16, !k, !row, !scores
}

// What each segment makes of a state: blocks with an even number begin with zero, the others with the unit matrix and without
// values.
tile.kernel @join(%K: !keys, %V: !values, %G: !gates, %BETA: !gates, %Transition: !segments, %Term: !segments, %length: index,
                  %group: index) {
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
  %hk = arith.divui %h, %group : index
  %T = memref.dim %K, %c1 : !keys
  %T_v = memref.dim %V, %c1 : !values
  %start = arith.muli %segment, %length : index
  %behind = arith.addi %start, %length : index
  %end = arith.minui %behind, %T : index
  %K_h = memref.subview %K[%b, 0, %hk, 0] [1, %T, 1, 128] [1, 1, 1, 1] : !keys to !key_head
  %V_h = memref.subview %V[%b, 0, %h, 0] [1, %T_v, 1, 128] [1, 1, 1, 1] : !values to !value_head
  %G_h = memref.subview %G[%b, 0, %h] [1, %T, 1] [1, 1, 1] : !gates to !head_gates
  %BETA_h = memref.subview %BETA[%b, 0, %h] [1, %T, 1] [1, 1, 1] : !gates to !head_gates
  %zero_o = arith.constant dense<0.0> : !whole_o
  %none = arith.constant 0.0 : f32
  %one = arith.constant 1.0 : f32
  %values = arith.select %adds, %one, %none : f32
  %units = arith.subf %one, %values : f32
  %values_row = tensor.splat %values : !row
  %diagonal = tensor.splat %units : !whole
  %zero = arith.constant dense<0.0> : !whole
  %from = tile.iota axis 0 : !whole_at
  %to = tile.iota axis 1 : !whole_at
  %is_unit = arith.cmpi eq, %from, %to : !whole_at
  %s0 = arith.select %is_unit, %diagonal, %zero : !whole_mask, !whole

  %s_last = scf.for %t = %start to %end step %c iter_args(%s = %s0) -> (!whole) {
    %k = tile.load %K_h[%t, %c0] pad 0.0 : bf16 : !key_head -> !k
    %k16, %decay_1, %inverse_v16, %w16, %since, %left = func.call @chunk(%k, %G_h, %BETA_h, %t, %values_row)
      : (!k, !head_gates, !head_gates, index, !row) -> (!k, f32, !scores16, !k, !row, !scores)
    %decay = tensor.splat %decay_1 : !whole_decay

    // From the state to the next one.
    %s16 = arith.truncf %s : !whole to !whole16
    %decay_s = tile.broadcast %decay axes [1] : !whole_decay -> !whole
    %kept = arith.mulf %s, %decay_s : !whole
    %v = tile.load %V_h[%t, %c0] pad 0.0 : bf16 : !value_head -> !whole_v
    %x_s = tile.dot %s16, %w16, %zero_o transpose_b : !whole16, !k -> !whole_o
    %x = tile.dot %v, %inverse_v16, %x_s transpose_a transpose_b : !whole_v, !scores16 -> !whole_o
    %x16 = arith.truncf %x : !whole_o to !whole_o16
    %new = tile.dot %x16, %k16, %kept : !whole_o16, !k -> !whole
    scf.yield %new : !whole
  }
  %made = tile.transpose %s_last [1, 0] : !whole -> !whole_state
  scf.if %adds {
    tile.store %made, %Term[%b, %segment, %h, %c0, %c0] : !whole_state, !segments
  } else {
    tile.store %made, %Transition[%b, %segment, %h, %c0, %c0] : !whole_state, !segments
  }
}

// The state before each segment, and the last one, 64 columns of each.
tile.kernel @between(%Transition: !segments, %Term: !segments, %H0: !states, %Starts: !segments, %H1: !states) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %v_size = arith.constant #v
  %x = gpu.block_id x
  %h = gpu.block_id y
  %b = gpu.block_id z
  %v = arith.muli %x, %v_size : index
  %count = memref.dim %Term, %c1 : !segments
  %h0 = tile.load %H0[%b, %h, %c0, %v] : !states -> !state
  %s0 = tile.transpose %h0 [1, 0] : !state -> !s
  %last = scf.for %j = %c0 to %count step %c1 iter_args(%s = %s0) -> (!s) {
    %start = tile.transpose %s [1, 0] : !s -> !state
    tile.store %start, %Starts[%b, %j, %h, %c0, %v] : !state, !segments
    %m = tile.load %Transition[%b, %j, %h, %c0, %c0] : !segments -> !transition
    %added = tile.load %Term[%b, %j, %h, %c0, %v] : !segments -> !state
    %term = tile.transpose %added [1, 0] : !state -> !s
    %next = tile.dot %s, %m, %term transpose_b precision tf32 : !s, !transition -> !s
    scf.yield %next : !s
  }
  %h1 = tile.transpose %last [1, 0] : !s -> !state
  tile.store %h1, %H1[%b, %h, %c0, %v] : !state, !states
}

// `gated_delta_rule` of each segment, from its state. A block has 64 of the values, so that blocks are as many as of `join`.
tile.kernel @attend(%Q: !keys, %K: !keys, %V: !values, %G: !gates, %BETA: !gates, %Starts: !segments, %O: !values, %length: index,
                    %group: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c = arith.constant #chunk
  %parts = arith.constant #parts
  %v_size = arith.constant #v
  %block = gpu.block_id x
  %h = arith.divui %block, %parts : index
  %part = arith.remui %block, %parts : index
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
  %BETA_h = memref.subview %BETA[%b, 0, %h] [1, %T, 1] [1, 1, 1] : !gates to !head_gates
  %O_h = memref.subview %O[%b, 0, %h, 0] [1, %T, 1, 128] [1, 1, 1, 1] : !values to !value_head
  %zero_s = arith.constant dense<0.0> : !scores
  %zero_o = arith.constant dense<0.0> : !o
  %scale = arith.constant dense<0.0883883476> : !row // 1 / sqrt(128)
  %scale_s = arith.constant dense<0.0883883476> : !scores
  %ones = arith.constant dense<1.0> : !row
  %h0 = tile.load %Starts[%b, %segment, %h, %c0, %v0] : !segments -> !state
  %s0 = tile.transpose %h0 [1, 0] : !state -> !s

  %s_last = scf.for %t = %start to %end step %c iter_args(%s = %s0) -> (!s) {
    %k = tile.load %K_h[%t, %c0] pad 0.0 : bf16 : !key_head -> !k
    %k16, %decay_1, %inverse_v16, %w16, %since, %left = func.call @chunk(%k, %G_h, %BETA_h, %t, %ones)
      : (!k, !head_gates, !head_gates, index, !row) -> (!k, f32, !scores16, !k, !row, !scores)
    %decay = tensor.splat %decay_1 : !decay
    // The queries as they see the state, and what they see of the tokens of the chunk.
    %q = tile.load %Q_h[%t, %c0] pad 0.0 : bf16 : !key_head -> !k
    %since_scaled = arith.mulf %since, %scale : !row
    %q16 = func.call @scaled(%q, %since_scaled) : (!k, !row) -> !k
    %qk = tile.dot %q, %k, %zero_s transpose_b : !k, !k -> !scores
    %seen = arith.mulf %qk, %left : !scores
    %p = arith.mulf %seen, %scale_s : !scores
    %p16 = arith.truncf %p : !scores to !scores16

    // From the state to the next one.
    %s16 = arith.truncf %s : !s to !s16
    %decay_s = tile.broadcast %decay axes [1] : !decay -> !s
    %kept = arith.mulf %s, %decay_s : !s
    %v = tile.load %V_h[%t, %v0] pad 0.0 : bf16 : !value_head -> !v
    %x_s = tile.dot %s16, %w16, %zero_o transpose_b : !s16, !k -> !o
    %x = tile.dot %v, %inverse_v16, %x_s transpose_a transpose_b : !v, !scores16 -> !o
    %x16 = arith.truncf %x : !o to !o16
    %new = tile.dot %x16, %k16, %kept : !o16, !k -> !s
    %o_before = tile.dot %s16, %q16, %zero_o transpose_b : !s16, !k -> !o
    %o = tile.dot %x16, %p16, %o_before transpose_b : !o16, !scores16 -> !o
    %o16 = arith.truncf %o : !o to !o16
    %out = tile.transpose %o16 [1, 0] : !o16 -> !v
    tile.store %out, %O_h[%t, %v0] : !v, !value_head
    scf.yield %new : !s
  }
}

tile.host @gated_delta_rule[%B, %T, %HK, %HV, %SEGMENTS](%Q: !keys[%B, %T, %HK], %K: !keys[%B, %T, %HK], %V: !values[%B, %T, %HV],
                                                         %G: !gates[%B, %T, %HV], %BETA: !gates[%B, %T, %HV], %H0: !states[%B, %HV],
                                                         out %O: !values[%B, %T, %HV], out %H1: !states[%B, %HV]) {
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
  // Whole chunks; nothing may be left for the last segments.
  %count = arith.maxui %SEGMENTS, %c1 : index
  %share = arith.ceildivui %T, %count : index
  %chunks = arith.ceildivui %share, %c : index
  %length = arith.muli %chunks, %c : index
  %transitions = memref.alloc(%B, %SEGMENTS, %HV) : !segments
  %terms = memref.alloc(%B, %SEGMENTS, %HV) : !segments
  %starts = memref.alloc(%B, %SEGMENTS, %HV) : !segments
  %joins = arith.muli %HV, %c2 : index
  %parts = arith.constant #parts
  %blocks = arith.muli %HV, %parts : index
  tile.launch @join grid(%joins, %SEGMENTS, %B) args(%K, %V, %G, %BETA, %transitions, %terms, %length, %group)
    : !keys, !values, !gates, !gates, !segments, !segments, index, index
  tile.launch @between grid(%parts, %HV, %B) args(%transitions, %terms, %H0, %starts, %H1)
    : !segments, !segments, !states, !segments, !states
  tile.launch @attend grid(%blocks, %SEGMENTS, %B) args(%Q, %K, %V, %G, %BETA, %starts, %O, %length, %group)
    : !keys, !keys, !values, !gates, !gates, !segments, !values, index, index
}
