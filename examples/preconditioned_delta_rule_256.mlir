// `preconditioned_delta_rule` for heads of 256 elements, in two steps: shared memory does not hold M, 64 KiB for a chunk, so that N = M * K, the
// keys that write, are computed first, once for all heads and blocks that share them. Then a block has 64 of the values, and keys
// are multiplied as they are, as in gated_delta_rule_256.mlir, and so are queries: what they see of the state decays by itself.
//
//   heddle run examples/preconditioned_delta_rule_256.mlir --size B=1 --size T=200 --size HK=1 --size HV=2 --input G=uniform:-1:0 --input K=unit --input BETA=uniform:0:1 --input M=uniform:0.5:1.5 --check
!keys = memref<?x?x?x256xbf16> // and queries: tokens, then heads
!values = memref<?x?x?x256xbf16> // and results
!scales = memref<?x?x?x256xf32>
!gates = memref<?x?x?xf32> // and BETA; gates are natural logarithms
!states = memref<?x?x256x256xf32>
!key_head = memref<?x256xbf16, strided<[?, 1], offset: ?>>
!value_head = memref<?x256xbf16, strided<[?, 1], offset: ?>>
!head_scales = memref<?x256xf32, strided<[?, 1], offset: ?>>
!head_gates = memref<?xf32, strided<[?], offset: ?>>
!k = tensor<64x256xbf16>
!k32 = tensor<64x256xf32>
!v = tensor<64x64xbf16>
!row = tensor<64xf32>
!at = tensor<64x64xi32>
!mask = tensor<64x64xi1>
!scores = tensor<64x64xf32>
!scores16 = tensor<64x64xbf16>
!o = tensor<64x64xf32>
!o16 = tensor<64x64xbf16>
!state = tensor<256x64xf32>
!s = tensor<64x256xf32> // transposed
!s16 = tensor<64x256xbf16>
!decay = tensor<64xf32>
#chunk = 64 : index
#v = 64 : index // values of a block
#parts = 4 : index // blocks of a head

// N = M * K.
tile.kernel @write(%K: !keys, %M: !scales, %N: !keys) attributes {tile.warps = 8} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c = arith.constant #chunk
  %i = gpu.block_id x
  %hk = gpu.block_id y
  %b = gpu.block_id z
  %t = arith.muli %i, %c : index
  %T = memref.dim %K, %c1 : !keys
  %T_m = memref.dim %M, %c1 : !scales
  %T_n = memref.dim %N, %c1 : !keys
  %K_h = memref.subview %K[%b, 0, %hk, 0] [1, %T, 1, 256] [1, 1, 1, 1] : !keys to !key_head
  %M_h = memref.subview %M[%b, 0, %hk, 0] [1, %T_m, 1, 256] [1, 1, 1, 1] : !scales to !head_scales
  %N_h = memref.subview %N[%b, 0, %hk, 0] [1, %T_n, 1, 256] [1, 1, 1, 1] : !keys to !key_head
  %k = tile.load %K_h[%t, %c0] pad 0.0 : bf16 : !key_head -> !k
  %m = tile.load %M_h[%t, %c0] pad 0.0 : f32 : !head_scales -> !k32
  %k32 = arith.extf %k : !k to !k32
  %written = arith.mulf %k32, %m : !k32
  %written16 = arith.truncf %written : !k32 to !k
  tile.store %written16, %N_h[%t, %c0] : !k, !key_head
}

tile.kernel @attend(%Q: !keys, %K: !keys, %V: !values, %N: !keys, %G: !gates, %BETA: !gates,
                    %H0: !states, %O: !values, %H1: !states, %group: index) attributes {tile.cluster = [1, 1, 4]} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c = arith.constant #chunk
  %h = gpu.block_id x
  %b = gpu.block_id y
  %part = gpu.block_id z
  %v_size = arith.constant #v
  %v0 = arith.muli %part, %v_size : index
  %hk = arith.divui %h, %group : index
  %T = memref.dim %Q, %c1 : !keys
  %T_k = memref.dim %K, %c1 : !keys
  %T_v = memref.dim %V, %c1 : !values
  %T_n = memref.dim %N, %c1 : !keys
  %Q_h = memref.subview %Q[%b, 0, %hk, 0] [1, %T, 1, 256] [1, 1, 1, 1] : !keys to !key_head
  %K_h = memref.subview %K[%b, 0, %hk, 0] [1, %T_k, 1, 256] [1, 1, 1, 1] : !keys to !key_head
  %N_h = memref.subview %N[%b, 0, %hk, 0] [1, %T_n, 1, 256] [1, 1, 1, 1] : !keys to !key_head
  %V_h = memref.subview %V[%b, 0, %h, 0] [1, %T_v, 1, 256] [1, 1, 1, 1] : !values to !value_head
  %G_h = memref.subview %G[%b, 0, %h] [1, %T, 1] [1, 1, 1] : !gates to !head_gates
  %BETA_h = memref.subview %BETA[%b, 0, %h] [1, %T, 1] [1, 1, 1] : !gates to !head_gates
  %O_h = memref.subview %O[%b, 0, %h, 0] [1, %T, 1, 256] [1, 1, 1, 1] : !values to !value_head
  %row = tile.iota axis 0 : !at
  %column = tile.iota axis 1 : !at
  %sees = arith.cmpi sge, %row, %column : !at
  %is_same = arith.cmpi eq, %row, %column : !at
  %hidden = arith.constant dense<0xFF800000> : !scores
  %zero_s = arith.constant dense<0.0> : !scores
  %zero_o = arith.constant dense<0.0> : !o
  %zero_w = arith.constant dense<0.0> : !k32
  %none = arith.constant 0.0 : f32
  %log2e = arith.constant dense<1.44269504> : !row // hardware computes 2^x
  %scale = arith.constant dense<0.0625> : !o // 1 / sqrt(256)
  %h0 = tile.load %H0[%b, %h, %c0, %v0] : !states -> !state
  %s0 = tile.transpose %h0 [1, 0] : !state -> !s

  %s_last = scf.for %t = %c0 to %T step %c iter_args(%s = %s0) -> (!s) {
    // How much of each token is left at another one, at the end of the chunk, and of the state at each token.
    %g = tile.load %G_h[%t] pad 0.0 : f32 : !head_gates -> !row
    %g2 = arith.mulf %g, %log2e : !row
    %sum = tile.scan add %g2 axis 0 : !row
    %rest = tile.scan add %g2 axis 0 reverse exclusive : !row
    %total = tile.reduce add %g2, %none axis 0 : !row -> f32
    %decay_1 = math.exp2 %total : f32
    %decay = tensor.splat %decay_1 : !decay
    %k = tile.load %K_h[%t, %c0] pad 0.0 : bf16 : !key_head -> !k
    %until = math.exp2 %rest : !row
    %written = tile.load %N_h[%t, %c0] pad 0.0 : bf16 : !key_head -> !k
    %q = tile.load %Q_h[%t, %c0] pad 0.0 : bf16 : !key_head -> !k
    %since = math.exp2 %sum : !row
    %since_j = tile.broadcast %since axes [0] : !row -> !scores
    %on_diagonal = arith.select %is_same, %since_j, %zero_s : !mask, !scores
    %since16 = arith.truncf %on_diagonal : !scores to !scores16

    // What the queries see of the tokens of the chunk.
    %sum_i = tile.broadcast %sum axes [1] : !row -> !scores
    %sum_j = tile.broadcast %sum axes [0] : !row -> !scores
    %between = arith.subf %sum_i, %sum_j : !scores
    %exponent = arith.select %sees, %between, %hidden : !mask, !scores
    %left = math.exp2 %exponent : !scores
    %qk = tile.dot %q, %written, %zero_s transpose_b : !k, !k -> !scores
    %scale_s = arith.constant dense<0.0625> : !scores
    %seen = arith.mulf %qk, %left : !scores
    %p = arith.mulf %seen, %scale_s : !scores
    %p16 = arith.truncf %p : !scores to !scores16

    // The inverse, by which the values and what the state has for the keys are multiplied.
    %kk = tile.dot %k, %written, %zero_s transpose_b : !k, !k -> !scores
    %beta = tile.load %BETA_h[%t] pad 0.0 : f32 : !head_gates -> !row
    %beta_i = tile.broadcast %beta axes [1] : !row -> !scores
    %left_beta = arith.mulf %left, %beta_i : !scores
    %l = arith.mulf %kk, %left_beta : !scores
    %inverse = tile.tri_inverse %l precision tf32 : !scores // of which products see 8 bits
    %beta_j = tile.broadcast %beta axes [0] : !row -> !scores
    %inverse_v = arith.mulf %inverse, %beta_j : !scores
    %inverse_v16 = arith.truncf %inverse_v : !scores to !scores16
    %minus_since = arith.negf %since : !row
    %minus_since_j = tile.broadcast %minus_since axes [0] : !row -> !scores
    %inverse_k = arith.mulf %inverse_v, %minus_since_j : !scores
    %inverse_k16 = arith.truncf %inverse_k : !scores to !scores16
    %w = tile.dot %inverse_k16, %k, %zero_w : !scores16, !k -> !k32
    %w16 = arith.truncf %w : !k32 to !k

    // From the state to the next one.
    %s16 = arith.truncf %s : !s to !s16
    %decay_s = tile.broadcast %decay axes [1] : !decay -> !s
    %kept = arith.mulf %s, %decay_s : !s
    %v = tile.load %V_h[%t, %v0] pad 0.0 : bf16 : !value_head -> !v
    %x_s = tile.dot %s16, %w16, %zero_o transpose_b : !s16, !k -> !o
    %x = tile.dot %v, %inverse_v16, %x_s transpose_a transpose_b : !v, !scores16 -> !o
    %x16 = arith.truncf %x : !o to !o16
    // What is left of it at the end of the chunk.
    %until_x = tile.broadcast %until axes [0] : !row -> !o
    %x_then = arith.mulf %x, %until_x : !o
    %x_then16 = arith.truncf %x_then : !o to !o16
    %new = tile.dot %x_then16, %written, %kept : !o16, !k -> !s
    %o_s = tile.dot %s16, %q, %zero_o transpose_b : !s16, !k -> !o
    // What is left of that at each query, by a matrix: numbers for all columns would take registers.
    %scaled_o = arith.mulf %o_s, %scale : !o
    %o_s16 = arith.truncf %scaled_o : !o to !o16
    %o_before = tile.dot %o_s16, %since16, %zero_o : !o16, !scores16 -> !o
    %o = tile.dot %x16, %p16, %o_before transpose_b : !o16, !scores16 -> !o
    %o16 = arith.truncf %o : !o to !o16
    %out = tile.transpose %o16 [1, 0] : !o16 -> !v
    tile.store %out, %O_h[%t, %v0] : !v, !value_head
    scf.yield %new : !s
  }
  %h1 = tile.transpose %s_last [1, 0] : !s -> !state
  tile.store %h1, %H1[%b, %h, %c0, %v0] : !state, !states
}

tile.host @preconditioned_delta_rule[%B, %T, %HK, %HV](%Q: !keys[%B, %T, %HK], %K: !keys[%B, %T, %HK], %V: !values[%B, %T, %HV],
                                                       %M: !scales[%B, %T, %HK], %G: !gates[%B, %T, %HV], %BETA: !gates[%B, %T, %HV],
                                                       %H0: !states[%B, %HV],
                                                       out %O: !values[%B, %T, %HV], out %H1: !states[%B, %HV]) {
  %none = arith.constant 0 : index
  %rest = arith.remui %HV, %HK : index
  %divides = arith.cmpi eq, %rest, %none : index
  cf.assert %divides, "expected HV to be a multiple of HK"
  %group = arith.divui %HV, %HK : index
  %c = arith.constant #chunk
  %chunks = arith.ceildivui %T, %c : index
  %written = memref.alloc(%B, %T, %HK) : !keys
  tile.launch @write grid(%chunks, %HK, %B) args(%K, %M, %written) : !keys, !scales, !keys
  %parts = arith.constant #parts
  tile.launch @attend grid(%HV, %B, %parts) args(%Q, %K, %V, %written, %G, %BETA, %H0, %O, %H1, %group)
    : !keys, !keys, !values, !keys, !gates, !gates, !states, !values, !states, index
}
