// The gradients of `gated_delta_rule`: dQ, dK, dV, dG and dBETA of Q, K, V, the logarithms of decays G and BETA, and dH0 of the
// state before the first token, from dO of the results and dH1 of the state after the last. HV heads of values share HK heads
// of queries and keys.
//
// With R_t, what the state lacks of a value, the rule is
//
//   S_t = exp(G_t) S_(t-1) + BETA_t K_t R_t^T, where R_t = V_t - exp(G_t) S_(t-1)^T K_t.
//
// What reaches a state on the way back follows such a rule, too. With D_t all that reaches S_t,
//
//   D_(t-1) = exp(G_t) (D_t - BETA_t K_t E_t^T) + Q_(t-1) dO_(t-1)^T / sqrt(128), where E_t = D_t^T K_t,
//   dV_t = BETA_t E_t, dBETA_t = E_t . R_t.
//
// Two kernels follow these rules by chunks of 64 tokens, one forward, one backward. They leave R and E, and where chunks begin
// and end S and D, which is called dS below. The others do the rest, with all chunks at once.
//
//   heddle run examples/gated_delta_rule_backward.mlir --size B=1 --size T=200 --size HK=1 --size HV=2 --input G=uniform:-1:0 --input K=unit --input BETA=uniform:0:1 --check
!keys = memref<?x?x?x128xbf16> // and queries: tokens, then heads
!values = memref<?x?x?x128xbf16> // and results
!gates = memref<?x?x?xf32> // and BETA; gates are natural logarithms
!states = memref<?x?x128x128xf32>
!steps = memref<?x?x?x128x128xbf16> // the states between chunks, transposed
!rows = memref<?x?x?x64xf32> // a number for each token of a chunk
!sums = memref<?x?x?x64x128xf32>
!head = memref<?x128xbf16, strided<[?, 1], offset: ?>>
!head_gates = memref<?xf32, strided<[?], offset: ?>>
!chunk = tensor<64x128xbf16>
!chunk_sum = tensor<64x128xf32>
!row = tensor<64xf32>
!at = tensor<64x64xi32>
!mask = tensor<64x64xi1>
!scores = tensor<64x64xf32>
!scores16 = tensor<64x64xbf16>
!x = tensor<128x64xf32>
!x16 = tensor<128x64xbf16>
!s = tensor<128x128xf32>
!s16 = tensor<128x128xbf16>
!decay = tensor<128xf32>
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

// Which chunk, head and batch a block has, and the first token.
func.func @find_chunk() -> (index, index, index, index) {
  %c = arith.constant #chunk
  %n = gpu.block_id x
  %h = gpu.block_id y
  %b = gpu.block_id z
  %t = arith.muli %n, %c : index
  return %n, %h, %b, %t : index, index, index, index
}

// The logarithms of decays to the base of two, since hardware computes 2^x.
func.func @load_gates(%G_h: !head_gates, %t: index) -> !row {
  %log2e = arith.constant dense<1.44269504> : !row
  %g = tile.load %G_h[%t] pad 0.0 : f32 : !head_gates -> !row
  %g2 = arith.mulf %g, %log2e : !row
  return %g2 : !row
}

// What is left at token i of what token j added, where the mask is set; zeros elsewhere. SUM has the gates up to each token.
func.func @decays(%sum: !row, %mask: !mask) -> !scores {
  %hidden = arith.constant dense<0xFF800000> : !scores
  %sum_i = tile.broadcast %sum axes [1] : !row -> !scores
  %sum_j = tile.broadcast %sum axes [0] : !row -> !scores
  %between = arith.subf %sum_i, %sum_j : !scores
  %exponent = arith.select %mask, %between, %hidden : !mask, !scores
  %left = math.exp2 %exponent : !scores
  return %left : !scores
}

// Token i sees token j.
func.func @causal() -> !mask {
  %i = tile.iota axis 0 : !at
  %j = tile.iota axis 1 : !at
  %sees = arith.cmpi sge, %i, %j : !at
  return %sees : !mask
}

// Each row times a number.
func.func @scaled(%x: !chunk, %by: !row) -> !chunk {
  %by_x = tile.broadcast %by axes [1] : !row -> !chunk_sum
  %x32 = arith.extf %x : !chunk to !chunk_sum
  %y = arith.mulf %x32, %by_x : !chunk_sum
  %y16 = arith.truncf %y : !chunk_sum to !chunk
  return %y16 : !chunk
}

// The products of rows with rows.
func.func @row_dots(%x: !chunk_sum, %y: !chunk_sum) -> !row {
  %none = arith.constant dense<0.0> : !row
  %xy = arith.mulf %x, %y : !chunk_sum
  %dots = tile.reduce add %xy, %none axis 1 : !chunk_sum -> !row
  return %dots : !row
}

// R, and S before each chunk. Both are computed transposed.
tile.kernel @forward(%K: !keys, %V: !values, %G: !gates, %BETA: !gates, %H0: !states, %S: !steps, %R: !values, %group: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c = arith.constant #chunk
  %h = gpu.block_id x
  %b = gpu.block_id y
  %hk = arith.divui %h, %group : index
  %T = memref.dim %K, %c1 : !keys
  %K_h = func.call @head(%K, %b, %hk) : (!keys, index, index) -> !head
  %V_h = func.call @head(%V, %b, %h) : (!values, index, index) -> !head
  %R_h = func.call @head(%R, %b, %h) : (!values, index, index) -> !head
  %G_h = func.call @head_gates(%G, %b, %h) : (!gates, index, index) -> !head_gates
  %BETA_h = func.call @head_gates(%BETA, %b, %h) : (!gates, index, index) -> !head_gates
  %sees = func.call @causal() : () -> !mask
  %zero_s = arith.constant dense<0.0> : !scores
  %zero_r = arith.constant dense<0.0> : !x
  %zero = arith.constant dense<0.0> : !chunk_sum
  %none = arith.constant 0.0 : f32
  %h0 = tile.load %H0[%b, %h, %c0, %c0] : !states -> !s
  %s0 = tile.transpose %h0 [1, 0] : !s -> !s

  %last = scf.for %t = %c0 to %T step %c iter_args(%s = %s0) -> (!s) {
    %g2 = func.call @load_gates(%G_h, %t) : (!head_gates, index) -> !row
    %sum = tile.scan add %g2 axis 0 : !row
    %k = tile.load %K_h[%t, %c0] pad 0.0 : bf16 : !head -> !chunk
    %since = math.exp2 %sum : !row

    // The inverse, by which the values and what the state has for the keys are multiplied.
    %left = func.call @decays(%sum, %sees) : (!row, !mask) -> !scores
    %kk = tile.dot %k, %k, %zero_s transpose_b : !chunk, !chunk -> !scores
    %beta = tile.load %BETA_h[%t] pad 0.0 : f32 : !head_gates -> !row
    %beta_j = tile.broadcast %beta axes [0] : !row -> !scores
    %left_beta = arith.mulf %left, %beta_j : !scores
    %l = arith.mulf %kk, %left_beta : !scores
    %inverse = tile.tri_inverse %l precision tf32 : !scores // of which products see 8 bits
    %inverse_v16 = arith.truncf %inverse : !scores to !scores16
    %minus_since = arith.negf %since : !row
    %minus_since_j = tile.broadcast %minus_since axes [0] : !row -> !scores
    %inverse_k = arith.mulf %inverse, %minus_since_j : !scores
    %inverse_k16 = arith.truncf %inverse_k : !scores to !scores16
    %w = tile.dot %inverse_k16, %k, %zero : !scores16, !chunk -> !chunk_sum
    %w16 = arith.truncf %w : !chunk_sum to !chunk
    %total = tile.reduce add %g2, %none axis 0 : !row -> f32
    %decay_1 = math.exp2 %total : f32
    %decay = tensor.splat %decay_1 : !decay
    %rest = tile.scan add %g2 axis 0 reverse exclusive : !row
    %until = math.exp2 %rest : !row
    %until_beta = arith.mulf %until, %beta : !row
    %k16 = func.call @scaled(%k, %until_beta) : (!chunk, !row) -> !chunk

    // From the state to the next one.
    %s16 = arith.truncf %s : !s to !s16
    %decay_s = tile.broadcast %decay axes [1] : !decay -> !s
    %kept = arith.mulf %s, %decay_s : !s
    %v = tile.load %V_h[%t, %c0] pad 0.0 : bf16 : !head -> !chunk
    %r_s = tile.dot %s16, %w16, %zero_r transpose_b : !s16, !chunk -> !x
    %r = tile.dot %v, %inverse_v16, %r_s transpose_a transpose_b : !chunk, !scores16 -> !x
    %r16 = arith.truncf %r : !x to !x16
    %new = tile.dot %r16, %k16, %kept : !x16, !chunk -> !s
    %n = arith.divui %t, %c : index
    tile.store %s16, %S[%b, %h, %n, %c0, %c0] : !s16, !steps
    %out = tile.transpose %r16 [1, 0] : !x16 -> !chunk
    tile.store %out, %R_h[%t, %c0] : !chunk, !head
    scf.yield %new : !s
  }
}

// E, and dS after each chunk and before the first token. What later tokens erase of what reaches a token, the transposed inverse
// does for all tokens of the chunk.
tile.kernel @backward(%Q: !keys, %K: !keys, %G: !gates, %BETA: !gates, %dO: !values, %dH1: !states, %dS: !steps, %E: !values,
                      %dH0: !states, %group: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c = arith.constant #chunk
  %h = gpu.block_id x
  %b = gpu.block_id y
  %hk = arith.divui %h, %group : index
  %T = memref.dim %Q, %c1 : !keys
  %Q_h = func.call @head(%Q, %b, %hk) : (!keys, index, index) -> !head
  %K_h = func.call @head(%K, %b, %hk) : (!keys, index, index) -> !head
  %dO_h = func.call @head(%dO, %b, %h) : (!values, index, index) -> !head
  %E_h = func.call @head(%E, %b, %h) : (!values, index, index) -> !head
  %G_h = func.call @head_gates(%G, %b, %h) : (!gates, index, index) -> !head_gates
  %BETA_h = func.call @head_gates(%BETA, %b, %h) : (!gates, index, index) -> !head_gates
  %sees = func.call @causal() : () -> !mask
  %zero_s = arith.constant dense<0.0> : !scores
  %zero_e = arith.constant dense<0.0> : !x
  %zero = arith.constant dense<0.0> : !chunk_sum
  %none = arith.constant 0.0 : f32
  %scale = arith.constant dense<0.0883883476> : !row // 1 / sqrt(128)
  %scale_s = arith.constant dense<0.0883883476> : !scores
  %chunks = arith.ceildivui %T, %c : index
  %h1 = tile.load %dH1[%b, %h, %c0, %c0] : !states -> !s
  %s1 = tile.transpose %h1 [1, 0] : !s -> !s

  %first = scf.for %done = %c0 to %chunks step %c1 iter_args(%s = %s1) -> (!s) {
    %left_chunks = arith.subi %chunks, %done : index
    %n = arith.subi %left_chunks, %c1 : index
    %t = arith.muli %n, %c : index
    %g2 = func.call @load_gates(%G_h, %t) : (!head_gates, index) -> !row
    %sum = tile.scan add %g2 axis 0 : !row
    %rest = tile.scan add %g2 axis 0 reverse exclusive : !row
    %total = tile.reduce add %g2, %none axis 0 : !row -> f32
    %decay_1 = math.exp2 %total : f32
    %decay = tensor.splat %decay_1 : !decay
    %beta = tile.load %BETA_h[%t] pad 0.0 : f32 : !head_gates -> !row
    %k = tile.load %K_h[%t, %c0] pad 0.0 : bf16 : !head -> !chunk
    %q = tile.load %Q_h[%t, %c0] pad 0.0 : bf16 : !head -> !chunk
    %since = math.exp2 %sum : !row
    %since_scaled = arith.mulf %since, %scale : !row

    // The inverse, by which what the queries and the state after the chunk have of each token are multiplied.
    %left = func.call @decays(%sum, %sees) : (!row, !mask) -> !scores
    %qk = tile.dot %q, %k, %zero_s transpose_b : !chunk, !chunk -> !scores
    %seen = arith.mulf %qk, %left : !scores
    %p = arith.mulf %seen, %scale_s : !scores
    %p16 = arith.truncf %p : !scores to !scores16
    %kk = tile.dot %k, %k, %zero_s transpose_b : !chunk, !chunk -> !scores
    %beta_i = tile.broadcast %beta axes [1] : !row -> !scores
    %left_beta = arith.mulf %left, %beta_i : !scores
    %l = arith.mulf %kk, %left_beta : !scores
    %inverse = tile.tri_inverse %l precision tf32 : !scores // of which products see 8 bits
    %inverse16 = arith.truncf %inverse : !scores to !scores16
    %until = math.exp2 %rest : !row
    %until_i = tile.broadcast %until axes [1] : !row -> !scores
    %inverse_k = arith.mulf %inverse, %until_i : !scores
    %inverse_k16 = arith.truncf %inverse_k : !scores to !scores16
    %u = tile.dot %p16, %inverse16, %zero_s : !scores16, !scores16 -> !scores
    %u16 = arith.truncf %u : !scores to !scores16
    %w = tile.dot %inverse_k16, %k, %zero transpose_a : !scores16, !chunk -> !chunk_sum
    %w16 = arith.truncf %w : !chunk_sum to !chunk

    %q16 = func.call @scaled(%q, %since_scaled) : (!chunk, !row) -> !chunk
    %since_beta = arith.mulf %since, %beta : !row
    %minus_since = arith.negf %since_beta : !row
    %k16 = func.call @scaled(%k, %minus_since) : (!chunk, !row) -> !chunk

    // From the state's gradient to that before the chunk.
    %s16 = arith.truncf %s : !s to !s16
    tile.store %s16, %dS[%b, %h, %n, %c0, %c0] : !s16, !steps
    %decay_s = tile.broadcast %decay axes [1] : !decay -> !s
    %kept = arith.mulf %s, %decay_s : !s
    %do = tile.load %dO_h[%t, %c0] pad 0.0 : bf16 : !head -> !chunk
    %e_s = tile.dot %s16, %w16, %zero_e transpose_b : !s16, !chunk -> !x
    %e = tile.dot %do, %u16, %e_s transpose_a : !chunk, !scores16 -> !x
    %new_q = tile.dot %do, %q16, %kept transpose_a : !chunk, !chunk -> !s
    %e16 = arith.truncf %e : !x to !x16
    %new = tile.dot %e16, %k16, %new_q : !x16, !chunk -> !s
    %out = tile.transpose %e16 [1, 0] : !x16 -> !chunk
    tile.store %out, %E_h[%t, %c0] : !chunk, !head
    scf.yield %new : !s
  }
  %dh0 = tile.transpose %first [1, 0] : !s -> !s
  tile.store %dh0, %dH0[%b, %h, %c0, %c0] : !s, !states
}

// X = BETA R, which is what tokens add to states, dV = BETA E, and dBETA.
tile.kernel @values(%BETA: !gates, %R: !values, %E: !values, %X: !values, %dV: !values,
                    %dBETA: !gates) attributes {tile.warps = 8} {
  %c0 = arith.constant 0 : index
  %n, %h, %b, %t = func.call @find_chunk() : () -> (index, index, index, index)
  %R_h = func.call @head(%R, %b, %h) : (!values, index, index) -> !head
  %E_h = func.call @head(%E, %b, %h) : (!values, index, index) -> !head
  %BETA_h = func.call @head_gates(%BETA, %b, %h) : (!gates, index, index) -> !head_gates
  %X_h = func.call @head(%X, %b, %h) : (!values, index, index) -> !head
  %dV_h = func.call @head(%dV, %b, %h) : (!values, index, index) -> !head
  %dBETA_h = func.call @head_gates(%dBETA, %b, %h) : (!gates, index, index) -> !head_gates
  %r = tile.load %R_h[%t, %c0] pad 0.0 : bf16 : !head -> !chunk
  %e = tile.load %E_h[%t, %c0] pad 0.0 : bf16 : !head -> !chunk
  %beta = tile.load %BETA_h[%t] pad 0.0 : f32 : !head_gates -> !row
  %r32 = arith.extf %r : !chunk to !chunk_sum
  %e32 = arith.extf %e : !chunk to !chunk_sum
  %db = func.call @row_dots(%e32, %r32) : (!chunk_sum, !chunk_sum) -> !row
  tile.store %db, %dBETA_h[%t] : !row, !head_gates
  %beta_c = tile.broadcast %beta axes [1] : !row -> !chunk_sum
  %x = arith.mulf %r32, %beta_c : !chunk_sum
  %x16 = arith.truncf %x : !chunk_sum to !chunk
  tile.store %x16, %X_h[%t, %c0] : !chunk, !head
  %dv = arith.mulf %e32, %beta_c : !chunk_sum
  %dv16 = arith.truncf %dv : !chunk_sum to !chunk
  tile.store %dv16, %dV_h[%t, %c0] : !chunk, !head
}

// dQ: what queries read of the state before the chunk and of the tokens in it. READ is what each reads of that state.
tile.kernel @queries(%Q: !keys, %K: !keys, %G: !gates, %X: !values, %dO: !values, %S: !steps, %dQ: !keys, %READ: !rows,
                     %group: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n, %hk, %b, %t = func.call @find_chunk() : () -> (index, index, index, index)
  %Q_h = func.call @head(%Q, %b, %hk) : (!keys, index, index) -> !head
  %K_h = func.call @head(%K, %b, %hk) : (!keys, index, index) -> !head
  %dQ_h = func.call @head(%dQ, %b, %hk) : (!keys, index, index) -> !head
  %sees = func.call @causal() : () -> !mask
  %zero_s = arith.constant dense<0.0> : !scores
  %zero = arith.constant dense<0.0> : !chunk_sum
  %scale = arith.constant dense<0.0883883476> : !row // 1 / sqrt(128)
  %scale_s = arith.constant dense<0.0883883476> : !scores
  %first = arith.muli %hk, %group : index
  %q = tile.load %Q_h[%t, %c0] pad 0.0 : bf16 : !head -> !chunk
  %k = tile.load %K_h[%t, %c0] pad 0.0 : bf16 : !head -> !chunk

  %dq_group = scf.for %i = %c0 to %group step %c1 iter_args(%dq_others = %zero) -> (!chunk_sum) {
    %h = arith.addi %first, %i : index
    %X_h = func.call @head(%X, %b, %h) : (!values, index, index) -> !head
    %dO_h = func.call @head(%dO, %b, %h) : (!values, index, index) -> !head
    %G_h = func.call @head_gates(%G, %b, %h) : (!gates, index, index) -> !head_gates
    %g2 = func.call @load_gates(%G_h, %t) : (!head_gates, index) -> !row
    %sum = tile.scan add %g2 axis 0 : !row
    %since_1 = math.exp2 %sum : !row
    %since_scaled = arith.mulf %since_1, %scale : !row
    %since = tile.broadcast %since_scaled axes [1] : !row -> !chunk_sum

    %x = tile.load %X_h[%t, %c0] pad 0.0 : bf16 : !head -> !chunk
    %do = tile.load %dO_h[%t, %c0] pad 0.0 : bf16 : !head -> !chunk
    %dox = tile.dot %do, %x, %zero_s transpose_b : !chunk, !chunk -> !scores
    %left = func.call @decays(%sum, %sees) : (!row, !mask) -> !scores
    %left_scaled = arith.mulf %left, %scale_s : !scores
    %dp = arith.mulf %dox, %left_scaled : !scores
    %dp16 = arith.truncf %dp : !scores to !scores16

    %s = tile.load %S[%b, %h, %n, %c0, %c0] : !steps -> !s16
    %dq_unscaled = tile.dot %do, %s, %zero : !chunk, !s16 -> !chunk_sum
    %dq_before = arith.mulf %dq_unscaled, %since : !chunk_sum
    %q32 = arith.extf %q : !chunk to !chunk_sum
    %read = func.call @row_dots(%q32, %dq_before) : (!chunk_sum, !chunk_sum) -> !row
    %dq_sum = arith.addf %dq_others, %dq_before : !chunk_sum
    %dq = tile.dot %dp16, %k, %dq_sum : !scores16, !chunk -> !chunk_sum

    tile.store %read, %READ[%b, %h, %n, %c0] : !row, !rows
    scf.yield %dq : !chunk_sum
  }
  %dq16 = arith.truncf %dq_group : !chunk_sum to !chunk
  tile.store %dq16, %dQ_h[%t, %c0] : !chunk, !head
}

// What tokens erase: BACK is what their keys have of that, ERASED what gates have of what each erases of the state before the
// chunk.
tile.kernel @erased(%K: !keys, %G: !gates, %X: !values, %S: !steps, %dV: !values, %BACK: !sums, %ERASED: !rows, %group: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n, %hk, %b, %t = func.call @find_chunk() : () -> (index, index, index, index)
  %K_h = func.call @head(%K, %b, %hk) : (!keys, index, index) -> !head
  %row = tile.iota axis 0 : !at
  %column = tile.iota axis 1 : !at
  %behind = arith.cmpi sgt, %row, %column : !at
  %zero_s = arith.constant dense<0.0> : !scores
  %zero = arith.constant dense<0.0> : !chunk_sum
  %first = arith.muli %hk, %group : index

  %back_group = scf.for %i = %c0 to %group step %c1 iter_args(%back_others = %zero) -> (!chunk_sum) {
    %h = arith.addi %first, %i : index
    %X_h = func.call @head(%X, %b, %h) : (!values, index, index) -> !head
    %dV_h = func.call @head(%dV, %b, %h) : (!values, index, index) -> !head
    %G_h = func.call @head_gates(%G, %b, %h) : (!gates, index, index) -> !head_gates
    %g2 = func.call @load_gates(%G_h, %t) : (!head_gates, index) -> !row
    %sum = tile.scan add %g2 axis 0 : !row

    // Of what tokens of the chunk have added, and of the state before the chunk.
    %k = tile.load %K_h[%t, %c0] pad 0.0 : bf16 : !head -> !chunk
    %x = tile.load %X_h[%t, %c0] pad 0.0 : bf16 : !head -> !chunk
    %dv = tile.load %dV_h[%t, %c0] pad 0.0 : bf16 : !head -> !chunk
    %dvx = tile.dot %dv, %x, %zero_s transpose_b : !chunk, !chunk -> !scores
    %left = func.call @decays(%sum, %behind) : (!row, !mask) -> !scores
    %erases = arith.mulf %dvx, %left : !scores
    %minus_erases = arith.negf %erases : !scores
    %erases16 = arith.truncf %minus_erases : !scores to !scores16
    %s = tile.load %S[%b, %h, %n, %c0, %c0] : !steps -> !s16
    %back_unscaled = tile.dot %dv, %s, %zero : !chunk, !s16 -> !chunk_sum
    %since_1 = math.exp2 %sum : !row
    %minus_since = arith.negf %since_1 : !row
    %since = tile.broadcast %minus_since axes [1] : !row -> !chunk_sum
    %back_before = arith.mulf %back_unscaled, %since : !chunk_sum
    %k32 = arith.extf %k : !chunk to !chunk_sum
    %erased = func.call @row_dots(%k32, %back_before) : (!chunk_sum, !chunk_sum) -> !row
    tile.store %erased, %ERASED[%b, %h, %n, %c0] : !row, !rows
    %back_sum = arith.addf %back_others, %back_before : !chunk_sum
    %back = tile.dot %erases16, %k, %back_sum : !scores16, !chunk -> !chunk_sum
    scf.yield %back : !chunk_sum
  }
  tile.store %back_group, %BACK[%b, %hk, %n, %c0, %c0] : !chunk_sum, !sums
}

// dK: BACK, and what the queries and keys in the chunk and the state after it have of what a token adds. CHANGE is what gates have
// of the former, as the difference to the gate before, LEFT what the gates behind each token have of the latter.
tile.kernel @keys(%Q: !keys, %K: !keys, %G: !gates, %X: !values, %dO: !values, %dV: !values, %dS: !steps, %BACK: !sums,
                  %dK: !keys, %CHANGE: !rows, %LEFT: !rows, %group: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n, %hk, %b, %t = func.call @find_chunk() : () -> (index, index, index, index)
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
  %back = tile.load %BACK[%b, %hk, %n, %c0, %c0] : !sums -> !chunk_sum
  %q = tile.load %Q_h[%t, %c0] pad 0.0 : bf16 : !head -> !chunk

  %dk_group = scf.for %i = %c0 to %group step %c1 iter_args(%dk_others = %back) -> (!chunk_sum) {
    %h = arith.addi %first, %i : index
    %X_h = func.call @head(%X, %b, %h) : (!values, index, index) -> !head
    %dO_h = func.call @head(%dO, %b, %h) : (!values, index, index) -> !head
    %dV_h = func.call @head(%dV, %b, %h) : (!values, index, index) -> !head
    %G_h = func.call @head_gates(%G, %b, %h) : (!gates, index, index) -> !head_gates
    %g2 = func.call @load_gates(%G_h, %t) : (!head_gates, index) -> !row
    %sum = tile.scan add %g2 axis 0 : !row
    %sum_i = tile.broadcast %sum axes [1] : !row -> !scores
    %sum_j = tile.broadcast %sum axes [0] : !row -> !scores

    %k = tile.load %K_h[%t, %c0] pad 0.0 : bf16 : !head -> !chunk
    %x = tile.load %X_h[%t, %c0] pad 0.0 : bf16 : !head -> !chunk
    %dv = tile.load %dV_h[%t, %c0] pad 0.0 : bf16 : !head -> !chunk
    // What tokens see of others: a row for each token that is seen, a column for each that sees it.
    %do = tile.load %dO_h[%t, %c0] pad 0.0 : bf16 : !head -> !chunk
    %between = arith.subf %sum_j, %sum_i : !scores
    %exponent = arith.select %seen, %between, %hidden : !mask, !scores
    %left = math.exp2 %exponent : !scores
    %xdo = tile.dot %x, %do, %zero_s transpose_b : !chunk, !chunk -> !scores
    %dp_unscaled = arith.mulf %xdo, %left : !scores
    %dp = arith.mulf %dp_unscaled, %scale_s : !scores
    %dp16 = arith.truncf %dp : !scores to !scores16
    %kq = tile.dot %k, %q, %zero_s transpose_b : !chunk, !chunk -> !scores
    %pairs_q = arith.mulf %dp, %kq : !scores
    %xdv = tile.dot %x, %dv, %zero_s transpose_b : !chunk, !chunk -> !scores
    %dl_plus = arith.mulf %xdv, %left : !scores
    %dl_all = arith.negf %dl_plus : !scores
    %dl = arith.select %before, %dl_all, %zero_s : !mask, !scores
    %dl16 = arith.truncf %dl : !scores to !scores16
    %kk = tile.dot %k, %k, %zero_s transpose_b : !chunk, !chunk -> !scores
    %pairs_k = arith.mulf %dl, %kk : !scores
    // A gate has what tokens from it on see of those before it. From one token to the next, what is seen of it joins that, and
    // what it sees leaves it.
    %pairs_before = arith.select %before, %pairs_q, %zero_s : !mask, !scores
    %pairs = arith.addf %pairs_before, %pairs_k : !scores
    %begin = tile.reduce add %pairs, %none_r axis 1 : !scores -> !row
    %end = tile.reduce add %pairs, %none_r axis 0 : !scores -> !row
    %change = arith.subf %begin, %end : !row
    tile.store %change, %CHANGE[%b, %h, %n, %c0] : !row, !rows

    %dk_q = tile.dot %dp16, %q, %dk_others : !scores16, !chunk -> !chunk_sum
    %dk_chunk = tile.dot %dl16, %k, %dk_q : !scores16, !chunk -> !chunk_sum
    %ds = tile.load %dS[%b, %h, %n, %c0, %c0] : !steps -> !s16
    %rest = tile.scan add %g2 axis 0 reverse exclusive : !row
    %until_1 = math.exp2 %rest : !row
    %until = tile.broadcast %until_1 axes [1] : !row -> !chunk_sum
    %dk_unscaled = tile.dot %x, %ds, %zero : !chunk, !s16 -> !chunk_sum
    %dk_after = arith.mulf %dk_unscaled, %until : !chunk_sum
    %k32 = arith.extf %k : !chunk to !chunk_sum
    %left_behind = func.call @row_dots(%k32, %dk_after) : (!chunk_sum, !chunk_sum) -> !row
    tile.store %left_behind, %LEFT[%b, %h, %n, %c0] : !row, !rows
    %dk = arith.addf %dk_chunk, %dk_after : !chunk_sum
    scf.yield %dk : !chunk_sum
  }
  %dk16 = arith.truncf %dk_group : !chunk_sum to !chunk
  tile.store %dk16, %dK_h[%t, %c0] : !chunk, !head
}

// dG. A gate has what passes the chunk, exp(sum of G) <S, dS>, what tokens from it on read and erase of the state, and what they
// and the state after the chunk have of the tokens before it.
tile.kernel @gates(%G: !gates, %S: !steps, %dS: !steps, %READ: !rows, %ERASED: !rows, %CHANGE: !rows, %LEFT: !rows,
                   %dG: !gates) attributes {tile.warps = 8} {
  %c0 = arith.constant 0 : index
  %n, %h, %b, %t = func.call @find_chunk() : () -> (index, index, index, index)
  %G_h = func.call @head_gates(%G, %b, %h) : (!gates, index, index) -> !head_gates
  %dG_h = func.call @head_gates(%dG, %b, %h) : (!gates, index, index) -> !head_gates
  %none = arith.constant 0.0 : f32
  %none_d = arith.constant dense<0.0> : !decay
  %g2 = func.call @load_gates(%G_h, %t) : (!head_gates, index) -> !row
  %total = tile.reduce add %g2, %none axis 0 : !row -> f32
  %decay = math.exp2 %total : f32
  %s = tile.load %S[%b, %h, %n, %c0, %c0] : !steps -> !s16
  %ds = tile.load %dS[%b, %h, %n, %c0, %c0] : !steps -> !s16
  %s32 = arith.extf %s : !s16 to !s
  %ds32 = arith.extf %ds : !s16 to !s
  %product = arith.mulf %s32, %ds32 : !s
  %sums = tile.reduce add %product, %none_d axis 1 : !s -> !decay
  %sum = tile.reduce add %sums, %none axis 0 : !decay -> f32
  %passed_1 = arith.mulf %sum, %decay : f32
  %passed = tensor.splat %passed_1 : !row
  %read = tile.load %READ[%b, %h, %n, %c0] : !rows -> !row
  %erased = tile.load %ERASED[%b, %h, %n, %c0] : !rows -> !row
  %change_pairs = tile.load %CHANGE[%b, %h, %n, %c0] : !rows -> !row
  %left = tile.load %LEFT[%b, %h, %n, %c0] : !rows -> !row
  %change = arith.addf %change_pairs, %left : !row
  %of_state = arith.addf %read, %erased : !row
  %from = tile.scan add %of_state axis 0 reverse : !row
  %to = tile.scan add %change axis 0 exclusive : !row
  %dg_0 = arith.addf %from, %to : !row
  %dg = arith.addf %dg_0, %passed : !row
  tile.store %dg, %dG_h[%t] : !row, !head_gates
}

tile.host @gated_delta_rule_backward[%B, %T, %HK, %HV](
    %Q: !keys[%B, %T, %HK], %K: !keys[%B, %T, %HK], %V: !values[%B, %T, %HV], %G: !gates[%B, %T, %HV],
    %BETA: !gates[%B, %T, %HV], %H0: !states[%B, %HV], %dO: !values[%B, %T, %HV], %dH1: !states[%B, %HV],
    out %dQ: !keys[%B, %T, %HK], out %dK: !keys[%B, %T, %HK], out %dV: !values[%B, %T, %HV], out %dG: !gates[%B, %T, %HV],
    out %dBETA: !gates[%B, %T, %HV], out %dH0: !states[%B, %HV]) {
  %none = arith.constant 0 : index
  %c = arith.constant #chunk
  %rest = arith.remui %HV, %HK : index
  %divides = arith.cmpi eq, %rest, %none : index
  cf.assert %divides, "expected HV to be a multiple of HK"
  %group = arith.divui %HV, %HK : index
  %chunks = arith.ceildivui %T, %c : index
  %S = memref.alloc(%B, %HV, %chunks) : !steps
  %dS = memref.alloc(%B, %HV, %chunks) : !steps
  %R = memref.alloc(%B, %T, %HV) : !values
  %X = memref.alloc(%B, %T, %HV) : !values
  %E = memref.alloc(%B, %T, %HV) : !values
  %BACK = memref.alloc(%B, %HK, %chunks) : !sums
  %READ = memref.alloc(%B, %HV, %chunks) : !rows
  %ERASED = memref.alloc(%B, %HV, %chunks) : !rows
  %CHANGE = memref.alloc(%B, %HV, %chunks) : !rows
  %LEFT = memref.alloc(%B, %HV, %chunks) : !rows
  tile.launch @forward grid(%HV, %B) args(%K, %V, %G, %BETA, %H0, %S, %R, %group)
    : !keys, !values, !gates, !gates, !states, !steps, !values, index
  tile.launch @backward grid(%HV, %B) args(%Q, %K, %G, %BETA, %dO, %dH1, %dS, %E, %dH0, %group)
    : !keys, !keys, !gates, !gates, !values, !states, !steps, !values, !states, index
  tile.launch @values grid(%chunks, %HV, %B) args(%BETA, %R, %E, %X, %dV, %dBETA)
    : !gates, !values, !values, !values, !values, !gates
  tile.launch @queries grid(%chunks, %HK, %B) args(%Q, %K, %G, %X, %dO, %S, %dQ, %READ, %group)
    : !keys, !keys, !gates, !values, !values, !steps, !keys, !rows, index
  tile.launch @erased grid(%chunks, %HK, %B) args(%K, %G, %X, %S, %dV, %BACK, %ERASED, %group)
    : !keys, !gates, !values, !steps, !values, !sums, !rows, index
  tile.launch @keys grid(%chunks, %HK, %B) args(%Q, %K, %G, %X, %dO, %dV, %dS, %BACK, %dK, %CHANGE, %LEFT, %group)
    : !keys, !keys, !gates, !values, !values, !values, !steps, !sums, !keys, !rows, !rows, index
  tile.launch @gates grid(%chunks, %HV, %B) args(%G, %S, %dS, %READ, %ERASED, %CHANGE, %LEFT, %dG)
    : !gates, !steps, !steps, !rows, !rows, !rows, !rows, !gates
}
