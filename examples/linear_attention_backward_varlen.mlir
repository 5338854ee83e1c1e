// The gradients of `linear_attention_varlen`. Otherwise as linear_attention_backward.mlir.
//
// States between chunks have places of their own, of which sequence n has those from starts[n] / 64 + n on. A chunk may read on
// into the next sequence: there, queries, results and values count zero times, and nothing is stored.
!keys = memref<?x?x128xbf16> // and queries: tokens, then heads
!values = memref<?x?x128xbf16> // and results
!gates = memref<?x?xf32> // natural logarithms of decays
!starts = memref<?xi32>
!places = memref<?x2xi32> // the first token of a chunk, and how many there are
!states = memref<?x?x128x128xf32>
!steps = memref<?x?x128x128xbf16> // the states between chunks
!parts = memref<?x?x128xf32> // a number for each row of a state
!rows = memref<?x?x64xf32> // a number for each token of a chunk
!head = memref<?x128xbf16, strided<[?, 1], offset: ?>>
!head_gates = memref<?xf32, strided<[?], offset: ?>>
!chunk = tensor<64x128xbf16>
!chunk_sum = tensor<64x128xf32>
!row = tensor<64xf32>
!at = tensor<64x64xi32>
!mask = tensor<64x64xi1>
!scores = tensor<64x64xf32>
!scores16 = tensor<64x64xbf16>
!s = tensor<128x128xf32>
!s16 = tensor<128x128xbf16>
!parts_row = tensor<128xf32>
!exists = tensor<64xi1>
!index_row = tensor<64xi32>
#chunk = 64 : index

// Where chunks are. Places that no sequence needs have no tokens.
tile.kernel @place(%starts: !starts, %PLACES: !places, %N: index) attributes {tile.warps = 1} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c = arith.constant #chunk
  %none = arith.constant 0 : i32
  %size = arith.constant 64 : i32
  %n = gpu.block_id x
  %next = arith.addi %n, %c1 : index
  %start_32 = memref.load %starts[%n] : !starts
  %end_32 = memref.load %starts[%next] : !starts
  %start = arith.index_cast %start_32 : i32 to index
  %end = arith.index_cast %end_32 : i32 to index
  %start_chunk = arith.divui %start, %c : index
  %first = arith.addi %start_chunk, %n : index
  %is_last = arith.cmpi eq, %next, %N : index
  %places = memref.dim %PLACES, %c0 : !places
  %end_chunk = arith.divui %end, %c : index
  %first_of_next = arith.addi %end_chunk, %next : index
  %behind = arith.select %is_last, %places, %first_of_next : index
  %limit = arith.minui %behind, %places : index
  %is_first = arith.cmpi eq, %n, %c0 : index
  %begin = arith.select %is_first, %c0, %first : index
  scf.for %place = %begin to %limit step %c1 {
    %number = arith.subi %place, %first : index
    %before = arith.muli %number, %c : index
    %token = arith.addi %start, %before : index
    %token_32 = arith.index_cast %token : index to i32
    %left = arith.subi %end_32, %token_32 : i32
    %count = arith.minsi %left, %size : i32
    %is_inside = arith.cmpi sgt, %left, %none : i32
    %is_own = arith.cmpi sge, %place, %first : index
    %exists = arith.andi %is_inside, %is_own : i1
    %at = arith.select %exists, %token_32, %none : i32
    %tokens = arith.select %exists, %count, %none : i32
    memref.store %at, %PLACES[%place, %c0] : !places
    memref.store %tokens, %PLACES[%place, %c1] : !places
  }
}

// S before each chunk.
tile.kernel @forward(%K: !keys, %V: !values, %G: !gates, %starts: !starts, %H0: !states, %S: !steps, %group: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c = arith.constant #chunk
  %h = gpu.block_id x
  %sequence = gpu.block_id y
  %hk = arith.divui %h, %group : index
  %next = arith.addi %sequence, %c1 : index
  %start = memref.load %starts[%sequence] : !starts
  %end = memref.load %starts[%next] : !starts
  %length = arith.subi %end, %start : i32
  %T = arith.index_cast %length : i32 to index
  %start_token = arith.index_cast %start : i32 to index
  %start_chunk = arith.divui %start_token, %c : index
  %first_place = arith.addi %start_chunk, %sequence : index
  %T_k = memref.dim %K, %c0 : !keys
  %T_v = memref.dim %V, %c0 : !values
  %K_h = memref.subview %K[0, %hk, 0] [%T_k, 1, 128] [1, 1, 1] : !keys to !head
  %V_h = memref.subview %V[0, %h, 0] [%T_v, 1, 128] [1, 1, 1] : !values to !head
  // Starts that are not in order, or beyond the buffers, end the program here.
  %G_h = memref.subview %G[%start_token, %h] [%T, 1] [1, 1] : !gates to !head_gates
  %none = arith.constant 0.0 : f32
  %token = tile.iota axis 0 : !index_row
  %never = arith.constant dense<0xFF800000> : !row
  %log2e = arith.constant dense<1.44269504> : !row // hardware computes 2^x
  %s0 = tile.load %H0[%sequence, %h, %c0, %c0] : !states -> !s
  %last = scf.for %t = %c0 to %T step %c iter_args(%s = %s0) -> (!s) {
    %t_32 = arith.index_cast %t : index to i32
    %at = arith.addi %start_token, %t : index
    %n = arith.divui %t, %c : index
    %place = arith.addi %first_place, %n : index
    %s16 = arith.truncf %s : !s to !s16
    tile.store %s16, %S[%h, %place, %c0, %c0] : !s16, !steps
    %g = tile.load %G_h[%t] pad 0.0 : f32 : !head_gates -> !row
    %g2 = arith.mulf %g, %log2e : !row
    %rest = tile.scan add %g2 axis 0 reverse exclusive : !row
    %total = tile.reduce add %g2, %none axis 0 : !row -> f32
    %decay_1 = math.exp2 %total : f32
    %decay = tensor.splat %decay_1 : !s
    %left_tokens = arith.subi %length, %t_32 : i32
    %left_row = tensor.splat %left_tokens : !index_row
    %exists = arith.cmpi slt, %token, %left_row : !index_row
    %rest_or_never = arith.select %exists, %rest, %never : !exists, !row
    %until = math.exp2 %rest_or_never : !row
    %until_v = tile.broadcast %until axes [1] : !row -> !chunk_sum
    %k = tile.load %K_h[%at, %c0] pad 0.0 : bf16 : !head -> !chunk
    %v = tile.load %V_h[%at, %c0] pad 0.0 : bf16 : !head -> !chunk
    %v32 = arith.extf %v : !chunk to !chunk_sum
    %v_then = arith.mulf %v32, %until_v : !chunk_sum
    %v16 = arith.truncf %v_then : !chunk_sum to !chunk
    %kept = arith.mulf %s, %decay : !s
    %new = tile.dot %k, %v16, %kept transpose_a : !chunk, !chunk -> !s
    scf.yield %new : !s
  }
}

// dS after each chunk, and before the first token. A row of PASSED is exp(sum of G) <S, dS> of one chunk, in 128 parts.
tile.kernel @backward(%Q: !keys, %dO: !values, %G: !gates, %starts: !starts, %S: !steps, %dH1: !states, %dS: !steps,
                      %PASSED: !parts, %dH0: !states, %group: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c = arith.constant #chunk
  %h = gpu.block_id x
  %sequence = gpu.block_id y
  %hk = arith.divui %h, %group : index
  %next = arith.addi %sequence, %c1 : index
  %start = memref.load %starts[%sequence] : !starts
  %end = memref.load %starts[%next] : !starts
  %length = arith.subi %end, %start : i32
  %T = arith.index_cast %length : i32 to index
  %start_token = arith.index_cast %start : i32 to index
  %start_chunk = arith.divui %start_token, %c : index
  %first_place = arith.addi %start_chunk, %sequence : index
  %T_k = memref.dim %Q, %c0 : !keys
  %T_v = memref.dim %dO, %c0 : !values
  %Q_h = memref.subview %Q[0, %hk, 0] [%T_k, 1, 128] [1, 1, 1] : !keys to !head
  %dO_h = memref.subview %dO[0, %h, 0] [%T_v, 1, 128] [1, 1, 1] : !values to !head
  // Starts that are not in order, or beyond the buffers, end the program here.
  %G_h = memref.subview %G[%start_token, %h] [%T, 1] [1, 1] : !gates to !head_gates
  %none = arith.constant 0.0 : f32
  %token = tile.iota axis 0 : !index_row
  %never = arith.constant dense<0xFF800000> : !row
  %log2e = arith.constant dense<1.44269504> : !row
  %none_p = arith.constant dense<0.0> : !parts_row
  %scale = arith.constant dense<0.0883883476> : !row // 1 / sqrt(128)
  %chunks = arith.ceildivui %T, %c : index
  %s1 = tile.load %dH1[%sequence, %h, %c0, %c0] : !states -> !s
  %first = scf.for %done = %c0 to %chunks step %c1 iter_args(%s = %s1) -> (!s) {
    %left = arith.subi %chunks, %done : index
    %n = arith.subi %left, %c1 : index
    %t = arith.muli %n, %c : index
    %t_32 = arith.index_cast %t : index to i32
    %at = arith.addi %start_token, %t : index
    %place = arith.addi %first_place, %n : index
    %before = tile.load %S[%h, %place, %c0, %c0] : !steps -> !s16
    %s16 = arith.truncf %s : !s to !s16
    tile.store %s16, %dS[%h, %place, %c0, %c0] : !s16, !steps
    %g = tile.load %G_h[%t] pad 0.0 : f32 : !head_gates -> !row
    %g2 = arith.mulf %g, %log2e : !row
    %sum = tile.scan add %g2 axis 0 : !row
    %total = tile.reduce add %g2, %none axis 0 : !row -> f32
    %decay_1 = math.exp2 %total : f32
    %decay = tensor.splat %decay_1 : !s
    %left_tokens = arith.subi %length, %t_32 : i32
    %left_row = tensor.splat %left_tokens : !index_row
    %exists = arith.cmpi slt, %token, %left_row : !index_row
    %sum_or_never = arith.select %exists, %sum, %never : !exists, !row
    %since = math.exp2 %sum_or_never : !row
    %since_scaled = arith.mulf %since, %scale : !row
    %since_o = tile.broadcast %since_scaled axes [1] : !row -> !chunk_sum
    %q = tile.load %Q_h[%at, %c0] pad 0.0 : bf16 : !head -> !chunk
    %do = tile.load %dO_h[%at, %c0] pad 0.0 : bf16 : !head -> !chunk
    %do32 = arith.extf %do : !chunk to !chunk_sum
    %do_then = arith.mulf %do32, %since_o : !chunk_sum
    %do16 = arith.truncf %do_then : !chunk_sum to !chunk
    %kept = arith.mulf %s, %decay : !s
    %before32 = arith.extf %before : !s16 to !s
    %product = arith.mulf %before32, %kept : !s
    %passed = tile.reduce add %product, %none_p axis 1 : !s -> !parts_row
    tile.store %passed, %PASSED[%h, %place, %c0] : !parts_row, !parts
    %new = tile.dot %q, %do16, %kept transpose_a : !chunk, !chunk -> !s
    scf.yield %new : !s
  }
  tile.store %first, %dH0[%sequence, %h, %c0, %c0] : !s, !states
}

// dQ: what queries read of the state before the chunk and of the tokens in it. PART is what gates have of what is read of that
// state, and of what passes the chunk.
tile.kernel @queries(%Q: !keys, %K: !keys, %V: !values, %G: !gates, %PLACES: !places, %dO: !values, %S: !steps, %PASSED: !parts,
                     %dQ: !keys, %PART: !rows, %group: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %place = gpu.block_id x
  %hk = gpu.block_id y
  %at_32 = memref.load %PLACES[%place, %c0] : !places
  %count_32 = memref.load %PLACES[%place, %c1] : !places
  %at = arith.index_cast %at_32 : i32 to index
  %count = arith.index_cast %count_32 : i32 to index
  %T_k = memref.dim %K, %c0 : !keys
  %T_v = memref.dim %V, %c0 : !values
  %T_o = memref.dim %dO, %c0 : !values
  %Q_h = memref.subview %Q[%at, %hk, 0] [%count, 1, 128] [1, 1, 1] : !keys to !head
  %K_h = memref.subview %K[0, %hk, 0] [%T_k, 1, 128] [1, 1, 1] : !keys to !head
  %dQ_h = memref.subview %dQ[%at, %hk, 0] [%count, 1, 128] [1, 1, 1] : !keys to !head
  %row = tile.iota axis 0 : !at
  %column = tile.iota axis 1 : !at
  %sees = arith.cmpi sge, %row, %column : !at
  %hidden = arith.constant dense<0xFF800000> : !scores
  %zero_s = arith.constant dense<0.0> : !scores
  %zero = arith.constant dense<0.0> : !chunk_sum
  %none_r = arith.constant dense<0.0> : !row
  %none = arith.constant 0.0 : f32
  %log2e = arith.constant dense<1.44269504> : !row
  %scale = arith.constant dense<0.0883883476> : !row // 1 / sqrt(128)
  %scale_s = arith.constant dense<0.0883883476> : !scores
  %first = arith.muli %hk, %group : index
  // Where no chunk is, no state is, either.
  %is_chunk = arith.cmpi ne, %count, %c0 : index
  %heads = arith.select %is_chunk, %group, %c0 : index
  %q = tile.load %Q_h[%c0, %c0] pad 0.0 : bf16 : !head -> !chunk
  %k = tile.load %K_h[%at, %c0] pad 0.0 : bf16 : !head -> !chunk

  %dq_group = scf.for %i = %c0 to %heads step %c1 iter_args(%dq_others = %zero) -> (!chunk_sum) {
    %h = arith.addi %first, %i : index
    %V_h = memref.subview %V[0, %h, 0] [%T_v, 1, 128] [1, 1, 1] : !values to !head
    %dO_h = memref.subview %dO[0, %h, 0] [%T_o, 1, 128] [1, 1, 1] : !values to !head
    %G_h = memref.subview %G[%at, %h] [%count, 1] [1, 1] : !gates to !head_gates
    %g = tile.load %G_h[%c0] pad 0.0 : f32 : !head_gates -> !row
    %g2 = arith.mulf %g, %log2e : !row
    %sum = tile.scan add %g2 axis 0 : !row
    %since_1 = math.exp2 %sum : !row
    %since_scaled = arith.mulf %since_1, %scale : !row
    %since = tile.broadcast %since_scaled axes [1] : !row -> !chunk_sum

    %v = tile.load %V_h[%at, %c0] pad 0.0 : bf16 : !head -> !chunk
    %do = tile.load %dO_h[%at, %c0] pad 0.0 : bf16 : !head -> !chunk
    %dov = tile.dot %do, %v, %zero_s transpose_b : !chunk, !chunk -> !scores
    %sum_i = tile.broadcast %sum axes [1] : !row -> !scores
    %sum_j = tile.broadcast %sum axes [0] : !row -> !scores
    %between = arith.subf %sum_i, %sum_j : !scores
    %exponent = arith.select %sees, %between, %hidden : !mask, !scores
    %left = math.exp2 %exponent : !scores
    %left_scaled = arith.mulf %left, %scale_s : !scores
    %dp = arith.mulf %dov, %left_scaled : !scores
    %dp16 = arith.truncf %dp : !scores to !scores16

    %s = tile.load %S[%h, %place, %c0, %c0] : !steps -> !s16
    %dq_unscaled = tile.dot %do, %s, %zero transpose_b : !chunk, !s16 -> !chunk_sum
    %dq_before = arith.mulf %dq_unscaled, %since : !chunk_sum
    %q32 = arith.extf %q : !chunk to !chunk_sum
    %qdq = arith.mulf %q32, %dq_before : !chunk_sum
    %read = tile.reduce add %qdq, %none_r axis 1 : !chunk_sum -> !row

    // A gate has what queries from it on read of the state.
    %passed = tile.load %PASSED[%h, %place, %c0] : !parts -> !parts_row
    %passed_1 = tile.reduce add %passed, %none axis 0 : !parts_row -> f32
    %part_passed = tensor.splat %passed_1 : !row
    %part_read = tile.scan add %read axis 0 reverse : !row
    %part = arith.addf %part_read, %part_passed : !row
    tile.store %part, %PART[%h, %place, %c0] : !row, !rows

    %dq_sum = arith.addf %dq_others, %dq_before : !chunk_sum
    %dq = tile.dot %dp16, %k, %dq_sum : !scores16, !chunk -> !chunk_sum
    scf.yield %dq : !chunk_sum
  }
  %dq16 = arith.truncf %dq_group : !chunk_sum to !chunk
  tile.store %dq16, %dQ_h[%c0, %c0] : !chunk, !head
}

// dK and dV: what the queries in the chunk and the state after it have of keys and values. What gates have of that joins PART.
tile.kernel @keys(%Q: !keys, %K: !keys, %V: !values, %G: !gates, %PLACES: !places, %dO: !values, %dS: !steps, %PART: !rows,
                  %dK: !keys, %dV: !values, %dG: !gates, %group: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %place = gpu.block_id x
  %hk = gpu.block_id y
  %at_32 = memref.load %PLACES[%place, %c0] : !places
  %count_32 = memref.load %PLACES[%place, %c1] : !places
  %at = arith.index_cast %at_32 : i32 to index
  %count = arith.index_cast %count_32 : i32 to index
  %T = memref.dim %Q, %c0 : !keys
  %T_k = memref.dim %K, %c0 : !keys
  %T_v = memref.dim %V, %c0 : !values
  %T_o = memref.dim %dO, %c0 : !values
  %Q_h = memref.subview %Q[0, %hk, 0] [%T, 1, 128] [1, 1, 1] : !keys to !head
  %K_h = memref.subview %K[0, %hk, 0] [%T_k, 1, 128] [1, 1, 1] : !keys to !head
  %dK_h = memref.subview %dK[%at, %hk, 0] [%count, 1, 128] [1, 1, 1] : !keys to !head
  %row = tile.iota axis 0 : !at
  %column = tile.iota axis 1 : !at
  %seen = arith.cmpi sle, %row, %column : !at
  %before = arith.cmpi slt, %row, %column : !at
  %hidden = arith.constant dense<0xFF800000> : !scores
  %zero_s = arith.constant dense<0.0> : !scores
  %zero = arith.constant dense<0.0> : !chunk_sum
  %none_r = arith.constant dense<0.0> : !row
  %token = tile.iota axis 0 : !index_row
  %count_row = tensor.splat %count_32 : !index_row
  %exists = arith.cmpi slt, %token, %count_row : !index_row
  %never = arith.constant dense<0xFF800000> : !row
  %log2e = arith.constant dense<1.44269504> : !row
  %scale_s = arith.constant dense<0.0883883476> : !scores // 1 / sqrt(128)
  %first = arith.muli %hk, %group : index
  // Where no chunk is, no state is, either.
  %is_chunk = arith.cmpi ne, %count, %c0 : index
  %heads = arith.select %is_chunk, %group, %c0 : index
  %q = tile.load %Q_h[%at, %c0] pad 0.0 : bf16 : !head -> !chunk
  %k = tile.load %K_h[%at, %c0] pad 0.0 : bf16 : !head -> !chunk

  %dk_group = scf.for %i = %c0 to %heads step %c1 iter_args(%dk_others = %zero) -> (!chunk_sum) {
    %h = arith.addi %first, %i : index
    %V_h = memref.subview %V[0, %h, 0] [%T_v, 1, 128] [1, 1, 1] : !values to !head
    %dO_h = memref.subview %dO[0, %h, 0] [%T_o, 1, 128] [1, 1, 1] : !values to !head
    %dV_h = memref.subview %dV[%at, %h, 0] [%count, 1, 128] [1, 1, 1] : !values to !head
    %G_h = memref.subview %G[%at, %h] [%count, 1] [1, 1] : !gates to !head_gates
    %dG_h = memref.subview %dG[%at, %h] [%count, 1] [1, 1] : !gates to !head_gates
    %g = tile.load %G_h[%c0] pad 0.0 : f32 : !head_gates -> !row
    %g2 = arith.mulf %g, %log2e : !row
    %sum = tile.scan add %g2 axis 0 : !row

    // A row for each token that is seen, a column for each that sees it.
    %v = tile.load %V_h[%at, %c0] pad 0.0 : bf16 : !head -> !chunk
    %do = tile.load %dO_h[%at, %c0] pad 0.0 : bf16 : !head -> !chunk
    %kq = tile.dot %k, %q, %zero_s transpose_b : !chunk, !chunk -> !scores
    %vdo = tile.dot %v, %do, %zero_s transpose_b : !chunk, !chunk -> !scores
    %sum_i = tile.broadcast %sum axes [1] : !row -> !scores
    %sum_or_never = arith.select %exists, %sum, %never : !exists, !row
    %sum_j = tile.broadcast %sum_or_never axes [0] : !row -> !scores
    %between = arith.subf %sum_j, %sum_i : !scores
    %exponent = arith.select %seen, %between, %hidden : !mask, !scores
    %left = math.exp2 %exponent : !scores
    %left_scaled = arith.mulf %left, %scale_s : !scores
    %p = arith.mulf %kq, %left_scaled : !scores
    %p16 = arith.truncf %p : !scores to !scores16
    %dp = arith.mulf %vdo, %left_scaled : !scores
    %dp16 = arith.truncf %dp : !scores to !scores16

    // A gate has what tokens from it on see of those before it. From one token to the next, what is seen of it joins that, and
    // what it sees leaves it.
    %product = arith.mulf %p, %vdo : !scores
    %pairs = arith.select %before, %product, %zero_s : !mask, !scores
    %begin = tile.reduce add %pairs, %none_r axis 1 : !scores -> !row
    %end = tile.reduce add %pairs, %none_r axis 0 : !scores -> !row
    %change = arith.subf %begin, %end : !row
    %part_pairs = tile.scan add %change axis 0 exclusive : !row

    %rest = tile.scan add %g2 axis 0 reverse exclusive : !row
    %until_1 = math.exp2 %rest : !row
    %until = tile.broadcast %until_1 axes [1] : !row -> !chunk_sum
    %ds = tile.load %dS[%h, %place, %c0, %c0] : !steps -> !s16
    %dk_unscaled = tile.dot %v, %ds, %zero transpose_b : !chunk, !s16 -> !chunk_sum
    %dk_after = arith.mulf %dk_unscaled, %until : !chunk_sum
    %dk_sum = arith.addf %dk_others, %dk_after : !chunk_sum
    %dk = tile.dot %dp16, %q, %dk_sum : !scores16, !chunk -> !chunk_sum

    %dv_unscaled = tile.dot %k, %ds, %zero : !chunk, !s16 -> !chunk_sum
    %dv_after = arith.mulf %dv_unscaled, %until : !chunk_sum
    %v32 = arith.extf %v : !chunk to !chunk_sum
    %vdv = arith.mulf %v32, %dv_after : !chunk_sum
    %left_behind = tile.reduce add %vdv, %none_r axis 1 : !chunk_sum -> !row
    %part_after = tile.scan add %left_behind axis 0 exclusive : !row
    %part = tile.load %PART[%h, %place, %c0] : !rows -> !row
    %dg_0 = arith.addf %part, %part_pairs : !row
    %dg = arith.addf %dg_0, %part_after : !row
    tile.store %dg, %dG_h[%c0] : !row, !head_gates
    %dv = tile.dot %p16, %do, %dv_after : !scores16, !chunk -> !chunk_sum
    %dv16 = arith.truncf %dv : !chunk_sum to !chunk
    tile.store %dv16, %dV_h[%c0, %c0] : !chunk, !head
    scf.yield %dk : !chunk_sum
  }
  %dk16 = arith.truncf %dk_group : !chunk_sum to !chunk
  tile.store %dk16, %dK_h[%c0, %c0] : !chunk, !head
}

tile.host @linear_attention_backward_varlen[%N, %STARTS, %T, %HK, %HV](
    %Q: !keys[%T, %HK], %K: !keys[%T, %HK], %V: !values[%T, %HV], %G: !gates[%T, %HV], %starts: !starts[%STARTS],
    %H0: !states[%N, %HV], %dO: !values[%T, %HV], %dH1: !states[%N, %HV], out %dQ: !keys[%T, %HK], out %dK: !keys[%T, %HK],
    out %dV: !values[%T, %HV], out %dG: !gates[%T, %HV], out %dH0: !states[%N, %HV]) {
  %none = arith.constant 0 : index
  %c = arith.constant #chunk
  %rest = arith.remui %HV, %HK : index
  %divides = arith.cmpi eq, %rest, %none : index
  cf.assert %divides, "expected HV to be a multiple of HK"
  %one = arith.constant 1 : index
  %starts_needed = arith.addi %N, %one : index
  %enough = arith.cmpi eq, %STARTS, %starts_needed : index
  cf.assert %enough, "expected STARTS to be N + 1"
  %group = arith.divui %HV, %HK : index
  %chunks = arith.divui %T, %c : index
  %all = arith.addi %chunks, %N : index
  %is_some = arith.cmpi ne, %N, %none : index
  %places = arith.select %is_some, %all, %none : index
  %PLACES = memref.alloc(%places) : !places
  %S = memref.alloc(%HV, %places) : !steps
  %dS = memref.alloc(%HV, %places) : !steps
  %PASSED = memref.alloc(%HV, %places) : !parts
  %PART = memref.alloc(%HV, %places) : !rows
  tile.launch @place grid(%N) args(%starts, %PLACES, %N) : !starts, !places, index
  tile.launch @forward grid(%HV, %N) args(%K, %V, %G, %starts, %H0, %S, %group)
    : !keys, !values, !gates, !starts, !states, !steps, index
  tile.launch @backward grid(%HV, %N) args(%Q, %dO, %G, %starts, %S, %dH1, %dS, %PASSED, %dH0, %group)
    : !keys, !values, !gates, !starts, !steps, !states, !steps, !parts, !states, index
  tile.launch @queries grid(%places, %HK) args(%Q, %K, %V, %G, %PLACES, %dO, %S, %PASSED, %dQ, %PART, %group)
    : !keys, !keys, !values, !gates, !places, !values, !steps, !parts, !keys, !rows, index
  tile.launch @keys grid(%places, %HK) args(%Q, %K, %V, %G, %PLACES, %dO, %dS, %PART, %dK, %dV, %dG, %group)
    : !keys, !keys, !values, !gates, !places, !values, !steps, !rows, !keys, !values, !gates, index
}
