// The gradients of `preconditioned_delta_rule_varlen`. Otherwise as preconditioned_delta_rule_backward.mlir, and over packed sequences as
// gated_delta_rule_backward_varlen.mlir.
//
// What is computed of chunks has places of its own, of which sequence n has those from starts[n] / 64 + n on. A chunk may read on
// into the next sequence: there, BETA is 0, queries count zero times, and nothing is stored.
!keys = memref<?x?x128xbf16> // and queries: tokens, then heads
!values = memref<?x?x128xbf16> // and results
!scales = memref<?x?x128xf32>
!gates = memref<?x?xf32> // and BETA; gates are natural logarithms
!starts = memref<?xi32>
!places = memref<?x2xi32> // the first token of a chunk, and how many there are
!states = memref<?x?x128x128xf32>
!steps = memref<?x?x128x128xbf16> // the states between chunks, transposed
!rows = memref<?x?x64xf32> // a number for each token of a chunk
!sums = memref<?x?x64x128xf32>
!chunks = memref<?x?x64x128xbf16> // what values are, chunk by chunk
!head = memref<?x128xbf16, strided<[?, 1], offset: ?>>
!head_scales = memref<?x128xf32, strided<[?, 1], offset: ?>>
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

// N = M * K, the keys that write.
tile.kernel @write(%K: !keys, %M: !scales, %N: !keys) attributes {tile.warps = 8} {
  %c0 = arith.constant 0 : index
  %c = arith.constant #chunk
  %n = gpu.block_id x
  %hk = gpu.block_id y
  %t = arith.muli %n, %c : index
  %T = memref.dim %K, %c0 : !keys
  %T_m = memref.dim %M, %c0 : !scales
  %T_n = memref.dim %N, %c0 : !keys
  %K_h = memref.subview %K[0, %hk, 0] [%T, 1, 128] [1, 1, 1] : !keys to !head
  %M_h = memref.subview %M[0, %hk, 0] [%T_m, 1, 128] [1, 1, 1] : !scales to !head_scales
  %N_h = memref.subview %N[0, %hk, 0] [%T_n, 1, 128] [1, 1, 1] : !keys to !head
  %k = tile.load %K_h[%t, %c0] pad 0.0 : bf16 : !head -> !chunk
  %m = tile.load %M_h[%t, %c0] pad 0.0 : f32 : !head_scales -> !chunk_sum
  %k32 = arith.extf %k : !chunk to !chunk_sum
  %written = arith.mulf %k32, %m : !chunk_sum
  %written16 = arith.truncf %written : !chunk_sum to !chunk
  tile.store %written16, %N_h[%t, %c0] : !chunk, !head
}

// R, and S before each chunk. Both are computed transposed.
tile.kernel @forward(%K: !keys, %N: !keys, %V: !values, %G: !gates, %BETA: !gates, %starts: !starts, %H0: !states, %S: !steps, %R: !chunks,
                     %group: index) {
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
  %T_q = memref.dim %K, %c0 : !keys
  %T_n = memref.dim %N, %c0 : !keys
  %T_v = memref.dim %V, %c0 : !values
  %K_h = memref.subview %K[0, %hk, 0] [%T_q, 1, 128] [1, 1, 1] : !keys to !head
  %N_h = memref.subview %N[0, %hk, 0] [%T_n, 1, 128] [1, 1, 1] : !keys to !head
  %V_h = memref.subview %V[0, %h, 0] [%T_v, 1, 128] [1, 1, 1] : !values to !head
  // Starts that are not in order, or beyond the buffers, end the program here.
  %G_h = memref.subview %G[%start_token, %h] [%T, 1] [1, 1] : !gates to !head_gates
  %BETA_h = memref.subview %BETA[%start_token, %h] [%T, 1] [1, 1] : !gates to !head_gates
  %row = tile.iota axis 0 : !at
  %column = tile.iota axis 1 : !at
  %sees = arith.cmpi sge, %row, %column : !at
  %hidden = arith.constant dense<0xFF800000> : !scores
  %zero_s = arith.constant dense<0.0> : !scores
  %zero_r = arith.constant dense<0.0> : !x
  %zero = arith.constant dense<0.0> : !chunk_sum
  %none = arith.constant 0.0 : f32
  %log2e = arith.constant dense<1.44269504> : !row // hardware computes 2^x
  %h0 = tile.load %H0[%sequence, %h, %c0, %c0] : !states -> !s
  %s0 = tile.transpose %h0 [1, 0] : !s -> !s

  %last = scf.for %t = %c0 to %T step %c iter_args(%s = %s0) -> (!s) {
    %at = arith.addi %start_token, %t : index
    %g = tile.load %G_h[%t] pad 0.0 : f32 : !head_gates -> !row
    %g2 = arith.mulf %g, %log2e : !row
    %sum = tile.scan add %g2 axis 0 : !row
    %k = tile.load %K_h[%at, %c0] pad 0.0 : bf16 : !head -> !chunk
    %written = tile.load %N_h[%at, %c0] pad 0.0 : bf16 : !head -> !chunk
    %since = math.exp2 %sum : !row

    // The inverse, by which the values and what the state has for the keys are multiplied.
    %sum_i = tile.broadcast %sum axes [1] : !row -> !scores
    %sum_j = tile.broadcast %sum axes [0] : !row -> !scores
    %between = arith.subf %sum_i, %sum_j : !scores
    %exponent = arith.select %sees, %between, %hidden : !mask, !scores
    %left = math.exp2 %exponent : !scores
    %kk = tile.dot %k, %written, %zero_s transpose_b : !chunk, !chunk -> !scores
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
    %until_k = tile.broadcast %until_beta axes [1] : !row -> !chunk_sum
    %k32 = arith.extf %written : !chunk to !chunk_sum
    %k_then = arith.mulf %k32, %until_k : !chunk_sum
    %k16 = arith.truncf %k_then : !chunk_sum to !chunk

    // From the state to the next one.
    %s16 = arith.truncf %s : !s to !s16
    %decay_s = tile.broadcast %decay axes [1] : !decay -> !s
    %kept = arith.mulf %s, %decay_s : !s
    %v = tile.load %V_h[%at, %c0] pad 0.0 : bf16 : !head -> !chunk
    %r_s = tile.dot %s16, %w16, %zero_r transpose_b : !s16, !chunk -> !x
    %r = tile.dot %v, %inverse_v16, %r_s transpose_a transpose_b : !chunk, !scores16 -> !x
    %r16 = arith.truncf %r : !x to !x16
    %new = tile.dot %r16, %k16, %kept : !x16, !chunk -> !s
    %n = arith.divui %t, %c : index
    %place = arith.addi %first_place, %n : index
    tile.store %s16, %S[%h, %place, %c0, %c0] : !s16, !steps
    %out = tile.transpose %r16 [1, 0] : !x16 -> !chunk
    tile.store %out, %R[%h, %place, %c0, %c0] : !chunk, !chunks
    scf.yield %new : !s
  }
}

// E, and dS after each chunk and before the first token. What later tokens erase of what reaches a token, the transposed inverse
// does for all tokens of the chunk.
tile.kernel @backward(%Q: !keys, %K: !keys, %N: !keys, %G: !gates, %BETA: !gates, %starts: !starts, %dO: !values, %dH1: !states,
                      %dS: !steps, %E: !chunks, %dH0: !states, %group: index) {
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
  %T_q = memref.dim %Q, %c0 : !keys
  %T_k = memref.dim %K, %c0 : !keys
  %T_n = memref.dim %N, %c0 : !keys
  %T_o = memref.dim %dO, %c0 : !values
  %Q_h = memref.subview %Q[0, %hk, 0] [%T_q, 1, 128] [1, 1, 1] : !keys to !head
  %K_h = memref.subview %K[0, %hk, 0] [%T_k, 1, 128] [1, 1, 1] : !keys to !head
  %N_h = memref.subview %N[0, %hk, 0] [%T_n, 1, 128] [1, 1, 1] : !keys to !head
  %dO_h = memref.subview %dO[0, %h, 0] [%T_o, 1, 128] [1, 1, 1] : !values to !head
  // Starts that are not in order, or beyond the buffers, end the program here.
  %G_h = memref.subview %G[%start_token, %h] [%T, 1] [1, 1] : !gates to !head_gates
  %BETA_h = memref.subview %BETA[%start_token, %h] [%T, 1] [1, 1] : !gates to !head_gates
  %row = tile.iota axis 0 : !at
  %column = tile.iota axis 1 : !at
  %sees = arith.cmpi sge, %row, %column : !at
  %hidden = arith.constant dense<0xFF800000> : !scores
  %zero_s = arith.constant dense<0.0> : !scores
  %zero_e = arith.constant dense<0.0> : !x
  %zero = arith.constant dense<0.0> : !chunk_sum
  %none = arith.constant 0.0 : f32
  %token = tile.iota axis 0 : !index_row
  %never = arith.constant dense<0xFF800000> : !row
  %log2e = arith.constant dense<1.44269504> : !row
  %scale = arith.constant dense<0.0883883476> : !row // 1 / sqrt(128)
  %scale_s = arith.constant dense<0.0883883476> : !scores
  %chunks = arith.ceildivui %T, %c : index
  %h1 = tile.load %dH1[%sequence, %h, %c0, %c0] : !states -> !s
  %s1 = tile.transpose %h1 [1, 0] : !s -> !s

  %first = scf.for %done = %c0 to %chunks step %c1 iter_args(%s = %s1) -> (!s) {
    %left_chunks = arith.subi %chunks, %done : index
    %n = arith.subi %left_chunks, %c1 : index
    %t = arith.muli %n, %c : index
    %t_32 = arith.index_cast %t : index to i32
    %at = arith.addi %start_token, %t : index
    %place = arith.addi %first_place, %n : index
    %g = tile.load %G_h[%t] pad 0.0 : f32 : !head_gates -> !row
    %g2 = arith.mulf %g, %log2e : !row
    %sum = tile.scan add %g2 axis 0 : !row
    %rest = tile.scan add %g2 axis 0 reverse exclusive : !row
    %total = tile.reduce add %g2, %none axis 0 : !row -> f32
    %decay_1 = math.exp2 %total : f32
    %decay = tensor.splat %decay_1 : !decay
    %beta = tile.load %BETA_h[%t] pad 0.0 : f32 : !head_gates -> !row
    %k = tile.load %K_h[%at, %c0] pad 0.0 : bf16 : !head -> !chunk
    %written = tile.load %N_h[%at, %c0] pad 0.0 : bf16 : !head -> !chunk
    %q = tile.load %Q_h[%at, %c0] pad 0.0 : bf16 : !head -> !chunk
    %left_tokens = arith.subi %length, %t_32 : i32
    %left_row = tensor.splat %left_tokens : !index_row
    %exists = arith.cmpi slt, %token, %left_row : !index_row
    %sum_or_never = arith.select %exists, %sum, %never : !exists, !row
    %since = math.exp2 %sum_or_never : !row
    %since_scaled = arith.mulf %since, %scale : !row

    // The inverse, by which what the queries and the state after the chunk have of each token are multiplied.
    %sum_i = tile.broadcast %sum_or_never axes [1] : !row -> !scores
    %sum_j = tile.broadcast %sum axes [0] : !row -> !scores
    %between = arith.subf %sum_i, %sum_j : !scores
    %exponent = arith.select %sees, %between, %hidden : !mask, !scores
    %left = math.exp2 %exponent : !scores
    %qk = tile.dot %q, %written, %zero_s transpose_b : !chunk, !chunk -> !scores
    %seen = arith.mulf %qk, %left : !scores
    %p = arith.mulf %seen, %scale_s : !scores
    %p16 = arith.truncf %p : !scores to !scores16
    %kk = tile.dot %k, %written, %zero_s transpose_b : !chunk, !chunk -> !scores
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
    %w = tile.dot %inverse_k16, %written, %zero transpose_a : !scores16, !chunk -> !chunk_sum
    %w16 = arith.truncf %w : !chunk_sum to !chunk

    %since_q = tile.broadcast %since_scaled axes [1] : !row -> !chunk_sum
    %q32 = arith.extf %q : !chunk to !chunk_sum
    %q_then = arith.mulf %q32, %since_q : !chunk_sum
    %q16 = arith.truncf %q_then : !chunk_sum to !chunk
    %since_beta = arith.mulf %since, %beta : !row
    %minus_since = arith.negf %since_beta : !row
    %since_k = tile.broadcast %minus_since axes [1] : !row -> !chunk_sum
    %k32 = arith.extf %k : !chunk to !chunk_sum
    %k_then = arith.mulf %k32, %since_k : !chunk_sum
    %k16 = arith.truncf %k_then : !chunk_sum to !chunk

    // From the state's gradient to that before the chunk.
    %s16 = arith.truncf %s : !s to !s16
    %decay_s = tile.broadcast %decay axes [1] : !decay -> !s
    %kept = arith.mulf %s, %decay_s : !s
    %do = tile.load %dO_h[%at, %c0] pad 0.0 : bf16 : !head -> !chunk
    %e_s = tile.dot %s16, %w16, %zero_e transpose_b : !s16, !chunk -> !x
    %e = tile.dot %do, %u16, %e_s transpose_a : !chunk, !scores16 -> !x
    %new_q = tile.dot %do, %q16, %kept transpose_a : !chunk, !chunk -> !s
    %e16 = arith.truncf %e : !x to !x16
    %new = tile.dot %e16, %k16, %new_q : !x16, !chunk -> !s
    tile.store %s16, %dS[%h, %place, %c0, %c0] : !s16, !steps
    %out = tile.transpose %e16 [1, 0] : !x16 -> !chunk
    tile.store %out, %E[%h, %place, %c0, %c0] : !chunk, !chunks
    scf.yield %new : !s
  }
  %dh0 = tile.transpose %first [1, 0] : !s -> !s
  tile.store %dh0, %dH0[%sequence, %h, %c0, %c0] : !s, !states
}

// X = BETA R, which is what tokens add to states, dX = dV = BETA E, and dBETA.
tile.kernel @values(%BETA: !gates, %PLACES: !places, %R: !chunks, %E: !chunks, %X: !chunks, %dX: !chunks, %dV: !values,
                    %dBETA: !gates) attributes {tile.warps = 8} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %place = gpu.block_id x
  %h = gpu.block_id y
  %at_32 = memref.load %PLACES[%place, %c0] : !places
  %count_32 = memref.load %PLACES[%place, %c1] : !places
  %at = arith.index_cast %at_32 : i32 to index
  %count = arith.index_cast %count_32 : i32 to index
  %BETA_h = memref.subview %BETA[%at, %h] [%count, 1] [1, 1] : !gates to !head_gates
  %dV_h = memref.subview %dV[%at, %h, 0] [%count, 1, 128] [1, 1, 1] : !values to !head
  %dBETA_h = memref.subview %dBETA[%at, %h] [%count, 1] [1, 1] : !gates to !head_gates
  // Where no chunk is, nothing has been computed.
  %is_chunk = arith.cmpi ne, %count, %c0 : index
  scf.if %is_chunk {
    %none_r = arith.constant dense<0.0> : !row
    %r = tile.load %R[%h, %place, %c0, %c0] : !chunks -> !chunk
    %e = tile.load %E[%h, %place, %c0, %c0] : !chunks -> !chunk
    %beta = tile.load %BETA_h[%c0] pad 0.0 : f32 : !head_gates -> !row
    %r32 = arith.extf %r : !chunk to !chunk_sum
    %e32 = arith.extf %e : !chunk to !chunk_sum
    %er = arith.mulf %e32, %r32 : !chunk_sum
    %db = tile.reduce add %er, %none_r axis 1 : !chunk_sum -> !row
    tile.store %db, %dBETA_h[%c0] : !row, !head_gates
    %beta_c = tile.broadcast %beta axes [1] : !row -> !chunk_sum
    %x = arith.mulf %r32, %beta_c : !chunk_sum
    %x16 = arith.truncf %x : !chunk_sum to !chunk
    tile.store %x16, %X[%h, %place, %c0, %c0] : !chunk, !chunks
    %dv = arith.mulf %e32, %beta_c : !chunk_sum
    %dv16 = arith.truncf %dv : !chunk_sum to !chunk
    tile.store %dv16, %dX[%h, %place, %c0, %c0] : !chunk, !chunks
    tile.store %dv16, %dV_h[%c0, %c0] : !chunk, !head
  }
}

// dQ: what queries read of the state before the chunk and of the tokens in it. READ is what each reads of that state.
tile.kernel @queries(%Q: !keys, %N: !keys, %G: !gates, %PLACES: !places, %X: !chunks, %dO: !values, %S: !steps, %dQ: !keys,
                     %READ: !rows, %group: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %place = gpu.block_id x
  %hk = gpu.block_id y
  %at_32 = memref.load %PLACES[%place, %c0] : !places
  %count_32 = memref.load %PLACES[%place, %c1] : !places
  %at = arith.index_cast %at_32 : i32 to index
  %count = arith.index_cast %count_32 : i32 to index
  %T_n = memref.dim %N, %c0 : !keys
  %T_o = memref.dim %dO, %c0 : !values
  %Q_h = memref.subview %Q[%at, %hk, 0] [%count, 1, 128] [1, 1, 1] : !keys to !head
  %N_h = memref.subview %N[0, %hk, 0] [%T_n, 1, 128] [1, 1, 1] : !keys to !head
  %dQ_h = memref.subview %dQ[%at, %hk, 0] [%count, 1, 128] [1, 1, 1] : !keys to !head
  %row = tile.iota axis 0 : !at
  %column = tile.iota axis 1 : !at
  %sees = arith.cmpi sge, %row, %column : !at
  %hidden = arith.constant dense<0xFF800000> : !scores
  %zero_s = arith.constant dense<0.0> : !scores
  %zero = arith.constant dense<0.0> : !chunk_sum
  %none_r = arith.constant dense<0.0> : !row
  %log2e = arith.constant dense<1.44269504> : !row
  %scale = arith.constant dense<0.0883883476> : !row // 1 / sqrt(128)
  %scale_s = arith.constant dense<0.0883883476> : !scores
  %first = arith.muli %hk, %group : index
  // Where no chunk is, no state is, either.
  %is_chunk = arith.cmpi ne, %count, %c0 : index
  %heads = arith.select %is_chunk, %group, %c0 : index
  %q = tile.load %Q_h[%c0, %c0] pad 0.0 : bf16 : !head -> !chunk
  %written = tile.load %N_h[%at, %c0] pad 0.0 : bf16 : !head -> !chunk

  %dq_group = scf.for %i = %c0 to %heads step %c1 iter_args(%dq_others = %zero) -> (!chunk_sum) {
    %h = arith.addi %first, %i : index
    %dO_h = memref.subview %dO[0, %h, 0] [%T_o, 1, 128] [1, 1, 1] : !values to !head
    %G_h = memref.subview %G[%at, %h] [%count, 1] [1, 1] : !gates to !head_gates
    %g = tile.load %G_h[%c0] pad 0.0 : f32 : !head_gates -> !row
    %g2 = arith.mulf %g, %log2e : !row
    %sum = tile.scan add %g2 axis 0 : !row
    %since_1 = math.exp2 %sum : !row
    %since_scaled = arith.mulf %since_1, %scale : !row
    %since = tile.broadcast %since_scaled axes [1] : !row -> !chunk_sum

    %x = tile.load %X[%h, %place, %c0, %c0] : !chunks -> !chunk
    %do = tile.load %dO_h[%at, %c0] pad 0.0 : bf16 : !head -> !chunk
    %dox = tile.dot %do, %x, %zero_s transpose_b : !chunk, !chunk -> !scores
    %sum_i = tile.broadcast %sum axes [1] : !row -> !scores
    %sum_j = tile.broadcast %sum axes [0] : !row -> !scores
    %between = arith.subf %sum_i, %sum_j : !scores
    %exponent = arith.select %sees, %between, %hidden : !mask, !scores
    %left = math.exp2 %exponent : !scores
    %left_scaled = arith.mulf %left, %scale_s : !scores
    %dp = arith.mulf %dox, %left_scaled : !scores
    %dp16 = arith.truncf %dp : !scores to !scores16

    %s = tile.load %S[%h, %place, %c0, %c0] : !steps -> !s16
    %dq_unscaled = tile.dot %do, %s, %zero : !chunk, !s16 -> !chunk_sum
    %dq_before = arith.mulf %dq_unscaled, %since : !chunk_sum
    %q32 = arith.extf %q : !chunk to !chunk_sum
    %qdq = arith.mulf %q32, %dq_before : !chunk_sum
    %read = tile.reduce add %qdq, %none_r axis 1 : !chunk_sum -> !row
    tile.store %read, %READ[%h, %place, %c0] : !row, !rows
    %dq_sum = arith.addf %dq_others, %dq_before : !chunk_sum
    %dq = tile.dot %dp16, %written, %dq_sum : !scores16, !chunk -> !chunk_sum
    scf.yield %dq : !chunk_sum
  }
  %dq16 = arith.truncf %dq_group : !chunk_sum to !chunk
  tile.store %dq16, %dQ_h[%c0, %c0] : !chunk, !head
}

// dN: what the queries and keys in the chunk and the state after it have of what a token adds. CHANGE is what gates have of the
// former, as the difference to the gate before, LEFT what the gates behind each token have of the latter.
tile.kernel @keys(%Q: !keys, %K: !keys, %N: !keys, %G: !gates, %PLACES: !places, %X: !chunks, %dO: !values, %dX: !chunks,
                  %dS: !steps, %dN: !sums, %CHANGE: !rows, %LEFT: !rows, %group: index) {
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
  %T_n = memref.dim %N, %c0 : !keys
  %T_o = memref.dim %dO, %c0 : !values
  %Q_h = memref.subview %Q[0, %hk, 0] [%T, 1, 128] [1, 1, 1] : !keys to !head
  %K_h = memref.subview %K[0, %hk, 0] [%T_k, 1, 128] [1, 1, 1] : !keys to !head
  %N_h = memref.subview %N[0, %hk, 0] [%T_n, 1, 128] [1, 1, 1] : !keys to !head
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

  %dn_group = scf.for %i = %c0 to %heads step %c1 iter_args(%dn_others = %zero) -> (!chunk_sum) {
    %h = arith.addi %first, %i : index
    %dO_h = memref.subview %dO[0, %h, 0] [%T_o, 1, 128] [1, 1, 1] : !values to !head
    %G_h = memref.subview %G[%at, %h] [%count, 1] [1, 1] : !gates to !head_gates
    %g = tile.load %G_h[%c0] pad 0.0 : f32 : !head_gates -> !row
    %g2 = arith.mulf %g, %log2e : !row
    %sum = tile.scan add %g2 axis 0 : !row
    %sum_i = tile.broadcast %sum axes [1] : !row -> !scores
    %sum_or_never = arith.select %exists, %sum, %never : !exists, !row
    %sum_j = tile.broadcast %sum_or_never axes [0] : !row -> !scores

    %k = tile.load %K_h[%at, %c0] pad 0.0 : bf16 : !head -> !chunk
    %written = tile.load %N_h[%at, %c0] pad 0.0 : bf16 : !head -> !chunk
    %x = tile.load %X[%h, %place, %c0, %c0] : !chunks -> !chunk
    %dx = tile.load %dX[%h, %place, %c0, %c0] : !chunks -> !chunk
    // What tokens see of others: a row for each token that is seen, a column for each that sees it.
    %do = tile.load %dO_h[%at, %c0] pad 0.0 : bf16 : !head -> !chunk
    %between = arith.subf %sum_j, %sum_i : !scores
    %exponent = arith.select %seen, %between, %hidden : !mask, !scores
    %left = math.exp2 %exponent : !scores
    %xdo = tile.dot %x, %do, %zero_s transpose_b : !chunk, !chunk -> !scores
    %dp_unscaled = arith.mulf %xdo, %left : !scores
    %dp = arith.mulf %dp_unscaled, %scale_s : !scores
    %dp16 = arith.truncf %dp : !scores to !scores16
    %kq = tile.dot %written, %q, %zero_s transpose_b : !chunk, !chunk -> !scores
    %pairs_q = arith.mulf %dp, %kq : !scores
    %xdx = tile.dot %x, %dx, %zero_s transpose_b : !chunk, !chunk -> !scores
    %dl_plus = arith.mulf %xdx, %left : !scores
    %dl_all = arith.negf %dl_plus : !scores
    %dl = arith.select %before, %dl_all, %zero_s : !mask, !scores
    %dl16 = arith.truncf %dl : !scores to !scores16
    %kk = tile.dot %written, %k, %zero_s transpose_b : !chunk, !chunk -> !scores
    %pairs_k = arith.mulf %dl, %kk : !scores
    // A gate has what tokens from it on see of those before it. From one token to the next, what is seen of it joins that, and
    // what it sees leaves it.
    %pairs_before = arith.select %before, %pairs_q, %zero_s : !mask, !scores
    %pairs = arith.addf %pairs_before, %pairs_k : !scores
    %begin = tile.reduce add %pairs, %none_r axis 1 : !scores -> !row
    %end = tile.reduce add %pairs, %none_r axis 0 : !scores -> !row
    %change = arith.subf %begin, %end : !row
    tile.store %change, %CHANGE[%h, %place, %c0] : !row, !rows

    %dn_q = tile.dot %dp16, %q, %dn_others : !scores16, !chunk -> !chunk_sum
    %dn_chunk = tile.dot %dl16, %k, %dn_q : !scores16, !chunk -> !chunk_sum
    %ds = tile.load %dS[%h, %place, %c0, %c0] : !steps -> !s16
    %rest = tile.scan add %g2 axis 0 reverse exclusive : !row
    %until_1 = math.exp2 %rest : !row
    %until = tile.broadcast %until_1 axes [1] : !row -> !chunk_sum
    %dn_unscaled = tile.dot %x, %ds, %zero : !chunk, !s16 -> !chunk_sum
    %dn_after = arith.mulf %dn_unscaled, %until : !chunk_sum
    %n32 = arith.extf %written : !chunk to !chunk_sum
    %ndn = arith.mulf %n32, %dn_after : !chunk_sum
    %left_behind = tile.reduce add %ndn, %none_r axis 1 : !chunk_sum -> !row
    tile.store %left_behind, %LEFT[%h, %place, %c0] : !row, !rows
    %dn = arith.addf %dn_chunk, %dn_after : !chunk_sum
    scf.yield %dn : !chunk_sum
  }
  tile.store %dn_group, %dN[%hk, %place, %c0, %c0] : !chunk_sum, !sums
}

// dM = dN * K, and dK: dN * M, and what keys have of what they erase. ERASED is what gates have of what each token erases of the
// state before the chunk.
tile.kernel @erased(%K: !keys, %N: !keys, %M: !scales, %G: !gates, %PLACES: !places, %X: !chunks, %S: !steps,
                    %dX: !chunks, %dN: !sums, %dK: !keys, %dM: !scales, %ERASED: !rows, %group: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %place = gpu.block_id x
  %hk = gpu.block_id y
  %at_32 = memref.load %PLACES[%place, %c0] : !places
  %count_32 = memref.load %PLACES[%place, %c1] : !places
  %at = arith.index_cast %at_32 : i32 to index
  %count = arith.index_cast %count_32 : i32 to index
  %T_k = memref.dim %K, %c0 : !keys
  %T_n = memref.dim %N, %c0 : !keys
  %K_h = memref.subview %K[0, %hk, 0] [%T_k, 1, 128] [1, 1, 1] : !keys to !head
  %N_h = memref.subview %N[0, %hk, 0] [%T_n, 1, 128] [1, 1, 1] : !keys to !head
  %M_h = memref.subview %M[%at, %hk, 0] [%count, 1, 128] [1, 1, 1] : !scales to !head_scales
  %dK_h = memref.subview %dK[%at, %hk, 0] [%count, 1, 128] [1, 1, 1] : !keys to !head
  %dM_h = memref.subview %dM[%at, %hk, 0] [%count, 1, 128] [1, 1, 1] : !scales to !head_scales
  %row = tile.iota axis 0 : !at
  %column = tile.iota axis 1 : !at
  %behind = arith.cmpi sgt, %row, %column : !at
  %hidden = arith.constant dense<0xFF800000> : !scores
  %zero_s = arith.constant dense<0.0> : !scores
  %zero = arith.constant dense<0.0> : !chunk_sum
  %none_r = arith.constant dense<0.0> : !row
  %log2e = arith.constant dense<1.44269504> : !row
  %first = arith.muli %hk, %group : index
  // Where no chunk is, no state is, either.
  %is_chunk = arith.cmpi ne, %count, %c0 : index
  %heads = arith.select %is_chunk, %group, %c0 : index
  %dn = tile.load %dN[%hk, %place, %c0, %c0] : !sums -> !chunk_sum
  %k_scaled = tile.load %K_h[%at, %c0] pad 0.0 : bf16 : !head -> !chunk
  %k_scaled32 = arith.extf %k_scaled : !chunk to !chunk_sum
  %dm = arith.mulf %dn, %k_scaled32 : !chunk_sum
  tile.store %dm, %dM_h[%c0, %c0] : !chunk_sum, !head_scales
  %m = tile.load %M_h[%c0, %c0] pad 0.0 : f32 : !head_scales -> !chunk_sum
  %dk_written = arith.mulf %dn, %m : !chunk_sum

  %dk_group = scf.for %i = %c0 to %heads step %c1 iter_args(%dk_others = %dk_written) -> (!chunk_sum) {
    %h = arith.addi %first, %i : index
    %G_h = memref.subview %G[%at, %h] [%count, 1] [1, 1] : !gates to !head_gates
    %g = tile.load %G_h[%c0] pad 0.0 : f32 : !head_gates -> !row
    %g2 = arith.mulf %g, %log2e : !row
    %sum = tile.scan add %g2 axis 0 : !row

    // Of what tokens of the chunk have added, and of the state before the chunk.
    %k = tile.load %K_h[%at, %c0] pad 0.0 : bf16 : !head -> !chunk
    %written = tile.load %N_h[%at, %c0] pad 0.0 : bf16 : !head -> !chunk
    %x = tile.load %X[%h, %place, %c0, %c0] : !chunks -> !chunk
    %dx = tile.load %dX[%h, %place, %c0, %c0] : !chunks -> !chunk
    %dxx = tile.dot %dx, %x, %zero_s transpose_b : !chunk, !chunk -> !scores
    %sum_i = tile.broadcast %sum axes [1] : !row -> !scores
    %sum_j = tile.broadcast %sum axes [0] : !row -> !scores
    %between = arith.subf %sum_i, %sum_j : !scores
    %exponent = arith.select %behind, %between, %hidden : !mask, !scores
    %left = math.exp2 %exponent : !scores
    %erases = arith.mulf %dxx, %left : !scores
    %minus_erases = arith.negf %erases : !scores
    %erases16 = arith.truncf %minus_erases : !scores to !scores16
    %s = tile.load %S[%h, %place, %c0, %c0] : !steps -> !s16
    %back_unscaled = tile.dot %dx, %s, %zero : !chunk, !s16 -> !chunk_sum
    %since_1 = math.exp2 %sum : !row
    %minus_since = arith.negf %since_1 : !row
    %since = tile.broadcast %minus_since axes [1] : !row -> !chunk_sum
    %back_before = arith.mulf %back_unscaled, %since : !chunk_sum
    %k32 = arith.extf %k : !chunk to !chunk_sum
    %erased_c = arith.mulf %k32, %back_before : !chunk_sum
    %erased = tile.reduce add %erased_c, %none_r axis 1 : !chunk_sum -> !row
    tile.store %erased, %ERASED[%h, %place, %c0] : !row, !rows
    %dk_sum = arith.addf %dk_others, %back_before : !chunk_sum
    %dk = tile.dot %erases16, %written, %dk_sum : !scores16, !chunk -> !chunk_sum
    scf.yield %dk : !chunk_sum
  }
  %dk16 = arith.truncf %dk_group : !chunk_sum to !chunk
  tile.store %dk16, %dK_h[%c0, %c0] : !chunk, !head
}

// dG. A gate has what passes the chunk, exp(sum of G) <S, dS>, what tokens from it on read and erase of the state, and what they
// and the state after the chunk have of the tokens before it.
tile.kernel @gates(%G: !gates, %PLACES: !places, %S: !steps, %dS: !steps, %READ: !rows, %ERASED: !rows, %CHANGE: !rows,
                   %LEFT: !rows, %dG: !gates) attributes {tile.warps = 8} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %place = gpu.block_id x
  %h = gpu.block_id y
  %at_32 = memref.load %PLACES[%place, %c0] : !places
  %count_32 = memref.load %PLACES[%place, %c1] : !places
  %at = arith.index_cast %at_32 : i32 to index
  %count = arith.index_cast %count_32 : i32 to index
  %G_h = memref.subview %G[%at, %h] [%count, 1] [1, 1] : !gates to !head_gates
  %dG_h = memref.subview %dG[%at, %h] [%count, 1] [1, 1] : !gates to !head_gates
  // Where no chunk is, nothing has been computed.
  %is_chunk = arith.cmpi ne, %count, %c0 : index
  scf.if %is_chunk {
    %none = arith.constant 0.0 : f32
    %none_d = arith.constant dense<0.0> : !decay
    %log2e = arith.constant dense<1.44269504> : !row
    %g = tile.load %G_h[%c0] pad 0.0 : f32 : !head_gates -> !row
    %g2 = arith.mulf %g, %log2e : !row
    %total = tile.reduce add %g2, %none axis 0 : !row -> f32
    %decay = math.exp2 %total : f32
    %s = tile.load %S[%h, %place, %c0, %c0] : !steps -> !s16
    %ds = tile.load %dS[%h, %place, %c0, %c0] : !steps -> !s16
    %s32 = arith.extf %s : !s16 to !s
    %ds32 = arith.extf %ds : !s16 to !s
    %product = arith.mulf %s32, %ds32 : !s
    %sums = tile.reduce add %product, %none_d axis 1 : !s -> !decay
    %sum = tile.reduce add %sums, %none axis 0 : !decay -> f32
    %passed_1 = arith.mulf %sum, %decay : f32
    %passed = tensor.splat %passed_1 : !row
    %read = tile.load %READ[%h, %place, %c0] : !rows -> !row
    %erased = tile.load %ERASED[%h, %place, %c0] : !rows -> !row
    %change_pairs = tile.load %CHANGE[%h, %place, %c0] : !rows -> !row
    %left = tile.load %LEFT[%h, %place, %c0] : !rows -> !row
    %change = arith.addf %change_pairs, %left : !row
    %of_state = arith.addf %read, %erased : !row
    %from = tile.scan add %of_state axis 0 reverse : !row
    %to = tile.scan add %change axis 0 exclusive : !row
    %dg_0 = arith.addf %from, %to : !row
    %dg = arith.addf %dg_0, %passed : !row
    tile.store %dg, %dG_h[%c0] : !row, !head_gates
  }
}

tile.host @preconditioned_delta_rule_backward_varlen[%N, %STARTS, %T, %HK, %HV](
    %Q: !keys[%T, %HK], %K: !keys[%T, %HK], %V: !values[%T, %HV], %M: !scales[%T, %HK], %G: !gates[%T, %HV], %BETA: !gates[%T, %HV],
    %starts: !starts[%STARTS], %H0: !states[%N, %HV], %dO: !values[%T, %HV], %dH1: !states[%N, %HV], out %dQ: !keys[%T, %HK],
    out %dK: !keys[%T, %HK], out %dV: !values[%T, %HV], out %dM: !scales[%T, %HK], out %dG: !gates[%T, %HV], out %dBETA: !gates[%T, %HV],
    out %dH0: !states[%N, %HV]) {
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
  %parts = arith.ceildivui %T, %c : index
  %WRITTEN = memref.alloc(%T, %HK) : !keys
  %PLACES = memref.alloc(%places) : !places
  %S = memref.alloc(%HV, %places) : !steps
  %dS = memref.alloc(%HV, %places) : !steps
  %R = memref.alloc(%HV, %places) : !chunks
  %E = memref.alloc(%HV, %places) : !chunks
  %X = memref.alloc(%HV, %places) : !chunks
  %dX = memref.alloc(%HV, %places) : !chunks
  %dN = memref.alloc(%HK, %places) : !sums
  %READ = memref.alloc(%HV, %places) : !rows
  %ERASED = memref.alloc(%HV, %places) : !rows
  %CHANGE = memref.alloc(%HV, %places) : !rows
  %LEFT = memref.alloc(%HV, %places) : !rows
  tile.launch @place grid(%N) args(%starts, %PLACES, %N) : !starts, !places, index
  tile.launch @write grid(%parts, %HK) args(%K, %M, %WRITTEN) : !keys, !scales, !keys
  tile.launch @forward grid(%HV, %N) args(%K, %WRITTEN, %V, %G, %BETA, %starts, %H0, %S, %R, %group)
    : !keys, !keys, !values, !gates, !gates, !starts, !states, !steps, !chunks, index
  tile.launch @backward grid(%HV, %N) args(%Q, %K, %WRITTEN, %G, %BETA, %starts, %dO, %dH1, %dS, %E, %dH0, %group)
    : !keys, !keys, !keys, !gates, !gates, !starts, !values, !states, !steps, !chunks, !states, index
  tile.launch @values grid(%places, %HV) args(%BETA, %PLACES, %R, %E, %X, %dX, %dV, %dBETA)
    : !gates, !places, !chunks, !chunks, !chunks, !chunks, !values, !gates
  tile.launch @queries grid(%places, %HK) args(%Q, %WRITTEN, %G, %PLACES, %X, %dO, %S, %dQ, %READ, %group)
    : !keys, !keys, !gates, !places, !chunks, !values, !steps, !keys, !rows, index
  tile.launch @keys grid(%places, %HK) args(%Q, %K, %WRITTEN, %G, %PLACES, %X, %dO, %dX, %dS, %dN, %CHANGE, %LEFT, %group)
    : !keys, !keys, !keys, !gates, !places, !chunks, !values, !chunks, !steps, !sums, !rows, !rows, index
  tile.launch @erased grid(%places, %HK) args(%K, %WRITTEN, %M, %G, %PLACES, %X, %S, %dX, %dN, %dK, %dM, %ERASED, %group)
    : !keys, !keys, !scales, !gates, !places, !chunks, !steps, !chunks, !sums, !keys, !scales, !rows, index
  tile.launch @gates grid(%places, %HV) args(%G, %PLACES, %S, %dS, %READ, %ERASED, %CHANGE, %LEFT, %dG)
    : !gates, !places, !steps, !steps, !rows, !rows, !rows, !rows, !gates
}
