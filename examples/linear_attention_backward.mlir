// The gradients of `linear_attention`: dQ, dK, dV and dG of Q, K, V and the logarithms of decays G, and dH0 of the state before
// the first token, from dO of the results and dH1 of the state after the last. HV heads of values share HK heads of queries
// and keys.
//
// A state's gradient decays on the way back as states do on the way there:
//
//   dS_t = exp(G_(t+1)) dS_(t+1) + Q_t dO_t^T / sqrt(128),
//   dQ_t = S_t dO_t / sqrt(128), dK_t = dS_t V_t, dV_t = dS_t^T K_t, dG_t = exp(G_t) <S_(t-1), dS_t>.
//
// Two kernels go over the chunks of 64 tokens, one forward with S, one backward with dS, and leave both where chunks begin and
// end. Two more do the rest, with all chunks at once.
//
//   heddle run examples/linear_attention_backward.mlir --size B=1 --size T=200 --size HK=1 --size HV=2 --input G=uniform:-1:0 --check
!keys = memref<?x?x?x128xbf16> // and queries: tokens, then heads
!values = memref<?x?x?x128xbf16> // and results
!gates = memref<?x?x?xf32> // natural logarithms of decays
!states = memref<?x?x128x128xf32>
!steps = memref<?x?x?x128x128xbf16> // the states between chunks
!parts = memref<?x?x?x128xf32> // a number for each row of a state
!rows = memref<?x?x?x64xf32> // a number for each token of a chunk
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
#chunk = 64 : index

// One head of what has a row, or a gate, for each token.
func.func @head(%x: !keys, %b: index, %h: index) -> !head {
  %c1 = arith.constant 1 : index
  %T = memref.dim %x, %c1 : !keys
  %x_h = memref.subview %x[%b, 0, %h, 0] [1, %T, 1, 128] [1, 1, 1, 1] : !keys to !head
  return %x_h : !head
}
func.func @head_gates(%x: !gates, %b: index, %h: index) -> !head_gates {
  %c1 = arith.constant 1 : index
  %T = memref.dim %x, %c1 : !gates
  %x_h = memref.subview %x[%b, 0, %h] [1, %T, 1] [1, 1, 1] : !gates to !head_gates
  return %x_h : !head_gates
}

// The logarithms of decays to the base of two, since hardware computes 2^x.
func.func @load_gates(%G_h: !head_gates, %t: index) -> !row {
  %log2e = arith.constant dense<1.44269504> : !row
  %g = tile.load %G_h[%t] pad 0.0 : f32 : !head_gates -> !row
  %g2 = arith.mulf %g, %log2e : !row
  return %g2 : !row
}

// S before each chunk.
tile.kernel @forward(%K: !keys, %V: !values, %G: !gates, %H0: !states, %S: !steps, %group: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c = arith.constant #chunk
  %h = gpu.block_id x
  %b = gpu.block_id y
  %hk = arith.divui %h, %group : index
  %T = memref.dim %K, %c1 : !keys
  %K_h = func.call @head(%K, %b, %hk) : (!keys, index, index) -> !head
  %V_h = func.call @head(%V, %b, %h) : (!values, index, index) -> !head
  %G_h = func.call @head_gates(%G, %b, %h) : (!gates, index, index) -> !head_gates
  %none = arith.constant 0.0 : f32
  %s0 = tile.load %H0[%b, %h, %c0, %c0] : !states -> !s
  %last = scf.for %t = %c0 to %T step %c iter_args(%s = %s0) -> (!s) {
    %n = arith.divui %t, %c : index
    %s16 = arith.truncf %s : !s to !s16
    tile.store %s16, %S[%b, %h, %n, %c0, %c0] : !s16, !steps
    %g2 = func.call @load_gates(%G_h, %t) : (!head_gates, index) -> !row
    %rest = tile.scan add %g2 axis 0 reverse exclusive : !row
    %total = tile.reduce add %g2, %none axis 0 : !row -> f32
    %decay_1 = math.exp2 %total : f32
    %decay = tensor.splat %decay_1 : !s
    %until = math.exp2 %rest : !row
    %k = tile.load %K_h[%t, %c0] pad 0.0 : bf16 : !head -> !chunk
    %v = tile.load %V_h[%t, %c0] pad 0.0 : bf16 : !head -> !chunk
    %until_v = tile.broadcast %until axes [1] : !row -> !chunk_sum
    %v32 = arith.extf %v : !chunk to !chunk_sum
    %v_then = arith.mulf %v32, %until_v : !chunk_sum
    %v16 = arith.truncf %v_then : !chunk_sum to !chunk
    %kept = arith.mulf %s, %decay : !s
    %new = tile.dot %k, %v16, %kept transpose_a : !chunk, !chunk -> !s
    scf.yield %new : !s
  }
}

// dS after each chunk, and before the first token. A row of PASSED is exp(sum of G) <S, dS> of one chunk, in 128 parts.
tile.kernel @backward(%Q: !keys, %dO: !values, %G: !gates, %S: !steps, %dH1: !states, %dS: !steps, %PASSED: !parts,
                      %dH0: !states, %group: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c = arith.constant #chunk
  %h = gpu.block_id x
  %b = gpu.block_id y
  %hk = arith.divui %h, %group : index
  %T = memref.dim %Q, %c1 : !keys
  %Q_h = func.call @head(%Q, %b, %hk) : (!keys, index, index) -> !head
  %dO_h = func.call @head(%dO, %b, %h) : (!values, index, index) -> !head
  %G_h = func.call @head_gates(%G, %b, %h) : (!gates, index, index) -> !head_gates
  %none = arith.constant 0.0 : f32
  %none_p = arith.constant dense<0.0> : !parts_row
  %scale = arith.constant dense<0.0883883476> : !row // 1 / sqrt(128)
  %chunks = arith.ceildivui %T, %c : index
  %s1 = tile.load %dH1[%b, %h, %c0, %c0] : !states -> !s
  %first = scf.for %done = %c0 to %chunks step %c1 iter_args(%s = %s1) -> (!s) {
    %left = arith.subi %chunks, %done : index
    %n = arith.subi %left, %c1 : index
    %t = arith.muli %n, %c : index
    %before = tile.load %S[%b, %h, %n, %c0, %c0] : !steps -> !s16
    %s16 = arith.truncf %s : !s to !s16
    tile.store %s16, %dS[%b, %h, %n, %c0, %c0] : !s16, !steps
    %g2 = func.call @load_gates(%G_h, %t) : (!head_gates, index) -> !row
    %sum = tile.scan add %g2 axis 0 : !row
    %total = tile.reduce add %g2, %none axis 0 : !row -> f32
    %decay_1 = math.exp2 %total : f32
    %decay = tensor.splat %decay_1 : !s
    %since = math.exp2 %sum : !row
    %since_scaled = arith.mulf %since, %scale : !row
    %q = tile.load %Q_h[%t, %c0] pad 0.0 : bf16 : !head -> !chunk
    %do = tile.load %dO_h[%t, %c0] pad 0.0 : bf16 : !head -> !chunk
    %since_o = tile.broadcast %since_scaled axes [1] : !row -> !chunk_sum
    %do32 = arith.extf %do : !chunk to !chunk_sum
    %do_then = arith.mulf %do32, %since_o : !chunk_sum
    %do16 = arith.truncf %do_then : !chunk_sum to !chunk
    %kept = arith.mulf %s, %decay : !s
    %before32 = arith.extf %before : !s16 to !s
    %product = arith.mulf %before32, %kept : !s
    %passed = tile.reduce add %product, %none_p axis 1 : !s -> !parts_row
    tile.store %passed, %PASSED[%b, %h, %n, %c0] : !parts_row, !parts
    %new = tile.dot %q, %do16, %kept transpose_a : !chunk, !chunk -> !s
    scf.yield %new : !s
  }
  tile.store %first, %dH0[%b, %h, %c0, %c0] : !s, !states
}

// dQ: what queries read of the state before the chunk and of the tokens in it. PART is what gates have of what is read of that
// state, and of what passes the chunk.
tile.kernel @queries(%Q: !keys, %K: !keys, %V: !values, %G: !gates, %dO: !values, %S: !steps, %PASSED: !parts,
                     %dQ: !keys, %PART: !rows, %group: index) {
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
  %row = tile.iota axis 0 : !at
  %column = tile.iota axis 1 : !at
  %sees = arith.cmpi sge, %row, %column : !at
  %hidden = arith.constant dense<0xFF800000> : !scores
  %zero_s = arith.constant dense<0.0> : !scores
  %zero = arith.constant dense<0.0> : !chunk_sum
  %none_r = arith.constant dense<0.0> : !row
  %none = arith.constant 0.0 : f32
  %scale = arith.constant dense<0.0883883476> : !row // 1 / sqrt(128)
  %scale_s = arith.constant dense<0.0883883476> : !scores
  %first = arith.muli %hk, %group : index
  %q = tile.load %Q_h[%t, %c0] pad 0.0 : bf16 : !head -> !chunk
  %k = tile.load %K_h[%t, %c0] pad 0.0 : bf16 : !head -> !chunk

  %dq_group = scf.for %i = %c0 to %group step %c1 iter_args(%dq_others = %zero) -> (!chunk_sum) {
    %h = arith.addi %first, %i : index
    %V_h = func.call @head(%V, %b, %h) : (!values, index, index) -> !head
    %dO_h = func.call @head(%dO, %b, %h) : (!values, index, index) -> !head
    %G_h = func.call @head_gates(%G, %b, %h) : (!gates, index, index) -> !head_gates
    %g2 = func.call @load_gates(%G_h, %t) : (!head_gates, index) -> !row
    %sum = tile.scan add %g2 axis 0 : !row
    %since_1 = math.exp2 %sum : !row
    %since_scaled = arith.mulf %since_1, %scale : !row
    %since = tile.broadcast %since_scaled axes [1] : !row -> !chunk_sum

    %v = tile.load %V_h[%t, %c0] pad 0.0 : bf16 : !head -> !chunk
    %do = tile.load %dO_h[%t, %c0] pad 0.0 : bf16 : !head -> !chunk
    %dov = tile.dot %do, %v, %zero_s transpose_b : !chunk, !chunk -> !scores
    %sum_i = tile.broadcast %sum axes [1] : !row -> !scores
    %sum_j = tile.broadcast %sum axes [0] : !row -> !scores
    %between = arith.subf %sum_i, %sum_j : !scores
    %exponent = arith.select %sees, %between, %hidden : !mask, !scores
    %left = math.exp2 %exponent : !scores
    %left_scaled = arith.mulf %left, %scale_s : !scores
    %dp = arith.mulf %dov, %left_scaled : !scores
    %dp16 = arith.truncf %dp : !scores to !scores16

    %s = tile.load %S[%b, %h, %n, %c0, %c0] : !steps -> !s16
    %dq_unscaled = tile.dot %do, %s, %zero transpose_b : !chunk, !s16 -> !chunk_sum
    %dq_before = arith.mulf %dq_unscaled, %since : !chunk_sum
    %q32 = arith.extf %q : !chunk to !chunk_sum
    %qdq = arith.mulf %q32, %dq_before : !chunk_sum
    %read = tile.reduce add %qdq, %none_r axis 1 : !chunk_sum -> !row

    // A gate has what queries from it on read of the state.
    %passed = tile.load %PASSED[%b, %h, %n, %c0] : !parts -> !parts_row
    %passed_1 = tile.reduce add %passed, %none axis 0 : !parts_row -> f32
    %part_passed = tensor.splat %passed_1 : !row
    %part_read = tile.scan add %read axis 0 reverse : !row
    %part = arith.addf %part_read, %part_passed : !row
    tile.store %part, %PART[%b, %h, %n, %c0] : !row, !rows
    %dq_sum = arith.addf %dq_others, %dq_before : !chunk_sum
    %dq = tile.dot %dp16, %k, %dq_sum : !scores16, !chunk -> !chunk_sum
    scf.yield %dq : !chunk_sum
  }
  %dq16 = arith.truncf %dq_group : !chunk_sum to !chunk
  tile.store %dq16, %dQ_h[%t, %c0] : !chunk, !head
}

// dK and dV: what the queries in the chunk and the state after it have of keys and values. What gates have of that joins PART.
tile.kernel @keys(%Q: !keys, %K: !keys, %V: !values, %G: !gates, %dO: !values, %dS: !steps, %PART: !rows, %dK: !keys,
                  %dV: !values, %dG: !gates, %group: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c = arith.constant #chunk
  %n = gpu.block_id x
  %hk = gpu.block_id y
  %b = gpu.block_id z
  %t = arith.muli %n, %c : index
  %Q_h = func.call @head(%Q, %b, %hk) : (!keys, index, index) -> !head
  %K_h = func.call @head(%K, %b, %hk) : (!keys, index, index) -> !head
  %dK_h = func.call @head(%dK, %b, %hk) : (!keys, index, index) -> !head
  %row = tile.iota axis 0 : !at
  %column = tile.iota axis 1 : !at
  %seen = arith.cmpi sle, %row, %column : !at
  %before = arith.cmpi slt, %row, %column : !at
  %hidden = arith.constant dense<0xFF800000> : !scores
  %zero_s = arith.constant dense<0.0> : !scores
  %zero = arith.constant dense<0.0> : !chunk_sum
  %none_r = arith.constant dense<0.0> : !row
  %scale_s = arith.constant dense<0.0883883476> : !scores // 1 / sqrt(128)
  %first = arith.muli %hk, %group : index
  %q = tile.load %Q_h[%t, %c0] pad 0.0 : bf16 : !head -> !chunk
  %k = tile.load %K_h[%t, %c0] pad 0.0 : bf16 : !head -> !chunk

  %dk_group = scf.for %i = %c0 to %group step %c1 iter_args(%dk_others = %zero) -> (!chunk_sum) {
    %h = arith.addi %first, %i : index
    %V_h = func.call @head(%V, %b, %h) : (!values, index, index) -> !head
    %dO_h = func.call @head(%dO, %b, %h) : (!values, index, index) -> !head
    %dV_h = func.call @head(%dV, %b, %h) : (!values, index, index) -> !head
    %G_h = func.call @head_gates(%G, %b, %h) : (!gates, index, index) -> !head_gates
    %dG_h = func.call @head_gates(%dG, %b, %h) : (!gates, index, index) -> !head_gates
    %g2 = func.call @load_gates(%G_h, %t) : (!head_gates, index) -> !row
    %sum = tile.scan add %g2 axis 0 : !row

    // A row for each token that is seen, a column for each that sees it.
    %v = tile.load %V_h[%t, %c0] pad 0.0 : bf16 : !head -> !chunk
    %do = tile.load %dO_h[%t, %c0] pad 0.0 : bf16 : !head -> !chunk
    %kq = tile.dot %k, %q, %zero_s transpose_b : !chunk, !chunk -> !scores
    %vdo = tile.dot %v, %do, %zero_s transpose_b : !chunk, !chunk -> !scores
    %sum_i = tile.broadcast %sum axes [1] : !row -> !scores
    %sum_j = tile.broadcast %sum axes [0] : !row -> !scores
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
    %ds = tile.load %dS[%b, %h, %n, %c0, %c0] : !steps -> !s16
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
    %part = tile.load %PART[%b, %h, %n, %c0] : !rows -> !row
    %dg_0 = arith.addf %part, %part_pairs : !row
    %dg = arith.addf %dg_0, %part_after : !row
    tile.store %dg, %dG_h[%t] : !row, !head_gates
    %dv = tile.dot %p16, %do, %dv_after : !scores16, !chunk -> !chunk_sum
    %dv16 = arith.truncf %dv : !chunk_sum to !chunk
    tile.store %dv16, %dV_h[%t, %c0] : !chunk, !head
    scf.yield %dk : !chunk_sum
  }
  %dk16 = arith.truncf %dk_group : !chunk_sum to !chunk
  tile.store %dk16, %dK_h[%t, %c0] : !chunk, !head
}

tile.host @linear_attention_backward[%B, %T, %HK, %HV](
    %Q: !keys[%B, %T, %HK], %K: !keys[%B, %T, %HK], %V: !values[%B, %T, %HV], %G: !gates[%B, %T, %HV], %H0: !states[%B, %HV],
    %dO: !values[%B, %T, %HV], %dH1: !states[%B, %HV], out %dQ: !keys[%B, %T, %HK], out %dK: !keys[%B, %T, %HK],
    out %dV: !values[%B, %T, %HV], out %dG: !gates[%B, %T, %HV], out %dH0: !states[%B, %HV]) {
  %none = arith.constant 0 : index
  %c = arith.constant #chunk
  %rest = arith.remui %HV, %HK : index
  %divides = arith.cmpi eq, %rest, %none : index
  cf.assert %divides, "expected HV to be a multiple of HK"
  %group = arith.divui %HV, %HK : index
  %chunks = arith.ceildivui %T, %c : index
  %S = memref.alloc(%B, %HV, %chunks) : !steps
  %dS = memref.alloc(%B, %HV, %chunks) : !steps
  %PASSED = memref.alloc(%B, %HV, %chunks) : !parts
  %PART = memref.alloc(%B, %HV, %chunks) : !rows
  tile.launch @forward grid(%HV, %B) args(%K, %V, %G, %H0, %S, %group) : !keys, !values, !gates, !states, !steps, index
  tile.launch @backward grid(%HV, %B) args(%Q, %dO, %G, %S, %dH1, %dS, %PASSED, %dH0, %group)
    : !keys, !values, !gates, !steps, !states, !steps, !parts, !states, index
  tile.launch @queries grid(%chunks, %HK, %B) args(%Q, %K, %V, %G, %dO, %S, %PASSED, %dQ, %PART, %group)
    : !keys, !keys, !values, !gates, !values, !steps, !parts, !keys, !rows, index
  tile.launch @keys grid(%chunks, %HK, %B) args(%Q, %K, %V, %G, %dO, %dS, %PART, %dK, %dV, %dG, %group)
    : !keys, !keys, !values, !gates, !values, !steps, !rows, !keys, !values, !gates, index
}
