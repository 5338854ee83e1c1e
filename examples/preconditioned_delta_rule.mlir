// The gated delta rule with preconditioned keys, as in preconditioned DeltaNet and the online scaled delta rule:
// S_t = exp(G_t) (1 - BETA_t (M_t * K_t) K_t^T) S_{t-1} + BETA_t (M_t * K_t) V_t^T, O_t = S_t^T Q_t / sqrt(128), over bf16 heads of
// 128 elements. What a key erases is what the state has for K, but what is written, is written for M * K: M scales the channels
// of keys by what they have seen, as preconditioner.mlir computes it. HV heads of values share HK heads of queries, keys and M.
// |K| should be one, and BETA (M * K) . K at most 2. H0 is the state before the first token, H1 that after the last.
//
// As gated_delta_rule.mlir, but that keys that write are others than those that erase: M * K, rounded once.
//
//   heddle run examples/preconditioned_delta_rule.mlir --size B=1 --size T=200 --size HK=1 --size HV=2 --input G=uniform:-1:0 --input K=unit --input BETA=uniform:0:1 --input M=uniform:0.5:1.5 --check
!keys = memref<?x?x?x128xbf16> // and queries: tokens, then heads
!values = memref<?x?x?x128xbf16> // and results
!scales = memref<?x?x?x128xf32>
!gates = memref<?x?x?xf32> // and BETA; gates are natural logarithms
!states = memref<?x?x128x128xf32>
!key_head = memref<?x128xbf16, strided<[?, 1], offset: ?>>
!value_head = memref<?x128xbf16, strided<[?, 1], offset: ?>>
!head_scales = memref<?x128xf32, strided<[?, 1], offset: ?>>
!head_gates = memref<?xf32, strided<[?], offset: ?>>
!k = tensor<64x128xbf16>
!k32 = tensor<64x128xf32>
!v = tensor<64x128xbf16>
!row = tensor<64xf32>
!row16 = tensor<64xbf16>
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
#chunk = 64 : index
#v = 128 : index // values of a block
#parts = 1 : index // blocks of a head

tile.kernel @attend(%Q: !keys, %K: !keys, %V: !values, %M: !scales, %G: !gates, %BETA: !gates,
                    %H0: !states, %O: !values, %H1: !states, %group: index) {
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
  %T_m = memref.dim %M, %c1 : !scales
  %Q_h = memref.subview %Q[%b, 0, %hk, 0] [1, %T, 1, 128] [1, 1, 1, 1] : !keys to !key_head
  %K_h = memref.subview %K[%b, 0, %hk, 0] [1, %T_k, 1, 128] [1, 1, 1, 1] : !keys to !key_head
  %M_h = memref.subview %M[%b, 0, %hk, 0] [1, %T_m, 1, 128] [1, 1, 1, 1] : !scales to !head_scales
  %V_h = memref.subview %V[%b, 0, %h, 0] [1, %T_v, 1, 128] [1, 1, 1, 1] : !values to !value_head
  %G_h = memref.subview %G[%b, 0, %h] [1, %T, 1] [1, 1, 1] : !gates to !head_gates
  %BETA_h = memref.subview %BETA[%b, 0, %h] [1, %T, 1] [1, 1, 1] : !gates to !head_gates
  %O_h = memref.subview %O[%b, 0, %h, 0] [1, %T, 1, 128] [1, 1, 1, 1] : !values to !value_head
  %row = tile.iota axis 0 : !at
  %column = tile.iota axis 1 : !at
  %sees = arith.cmpi sge, %row, %column : !at
  %hidden = arith.constant dense<0xFF800000> : !scores
  %zero_s = arith.constant dense<0.0> : !scores
  %zero_o = arith.constant dense<0.0> : !o
  %zero_w = arith.constant dense<0.0> : !k32
  %none = arith.constant 0.0 : f32
  %log2e = arith.constant dense<1.44269504> : !row // hardware computes 2^x
  %scale = arith.constant dense<0.0883883476> : !row // 1 / sqrt(128)
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
    // The keys that write, and what is left of them at the end of the chunk. bf16 is multiplied by whole powers of two without an
    // error; what powers leave multiplies what tokens add, and the results.
    %k = tile.load %K_h[%t, %c0] pad 0.0 : bf16 : !key_head -> !k
    %m = tile.load %M_h[%t, %c0] pad 0.0 : f32 : !head_scales -> !k32
    %k32 = arith.extf %k : !k to !k32
    %written = arith.mulf %k32, %m : !k32
    %written16 = arith.truncf %written : !k32 to !k
    %power_k = math.roundeven %rest : !row
    %until = math.exp2 %power_k : !row
    %until16 = arith.truncf %until : !row to !row16
    %until_k = tile.broadcast %until16 axes [1] : !row16 -> !k
    %k16 = arith.mulf %written16, %until_k : !k
    %q = tile.load %Q_h[%t, %c0] pad 0.0 : bf16 : !key_head -> !k
    %power_q = math.roundeven %sum : !row
    %since = math.exp2 %power_q : !row
    %since16 = arith.truncf %since : !row to !row16
    %since_q = tile.broadcast %since16 axes [1] : !row16 -> !k
    %q16 = arith.mulf %q, %since_q : !k
    %off_q = arith.subf %sum, %power_q : !row
    %off_since = math.exp2 %off_q : !row
    %scale_o = arith.mulf %off_since, %scale : !row

    // What the queries see of the tokens of the chunk.
    %power_j = tile.broadcast %power_k axes [0] : !row -> !scores
    %rest_i = tile.broadcast %rest axes [1] : !row -> !scores
    %between = arith.subf %power_j, %rest_i : !scores
    %exponent = arith.select %sees, %between, %hidden : !mask, !scores
    %left = math.exp2 %exponent : !scores
    %qk = tile.dot %q, %written16, %zero_s transpose_b : !k, !k -> !scores
    %seen = arith.mulf %qk, %left : !scores
    %minus_off = arith.negf %off_q : !row
    %unscale = math.exp2 %minus_off : !row
    %unscale_i = tile.broadcast %unscale axes [1] : !row -> !scores
    %p = arith.mulf %seen, %unscale_i : !scores
    %p16 = arith.truncf %p : !scores to !scores16

    // The inverse, by which the values and what the state has for the keys are multiplied.
    %kk = tile.dot %k, %written16, %zero_s transpose_b : !k, !k -> !scores
    %off_k = arith.subf %rest, %power_k : !row
    %off_until = math.exp2 %off_k : !row
    %beta = tile.load %BETA_h[%t] pad 0.0 : f32 : !head_gates -> !row
    %share = arith.mulf %beta, %off_until : !row
    %share_j = tile.broadcast %share axes [0] : !row -> !scores
    %left_share = arith.mulf %left, %share_j : !scores
    %l = arith.mulf %kk, %left_share : !scores
    %inverse = tile.tri_inverse %l precision tf32 : !scores // of which products see 8 bits
    %inverse16 = arith.truncf %inverse : !scores to !scores16
    %all_since = math.exp2 %sum : !row
    %minus_since = arith.negf %all_since : !row
    %minus_since_j = tile.broadcast %minus_since axes [0] : !row -> !scores
    %inverse_k = arith.mulf %inverse, %minus_since_j : !scores
    %inverse_k16 = arith.truncf %inverse_k : !scores to !scores16
    %w = tile.dot %inverse_k16, %k, %zero_w : !scores16, !k -> !k32
    %w16 = arith.truncf %w : !k32 to !k

    // From the state to the next one.
    %s16 = arith.truncf %s : !s to !s16
    %v = tile.load %V_h[%t, %v0] pad 0.0 : bf16 : !value_head -> !v
    %x_s = tile.dot %s16, %w16, %zero_o transpose_b : !s16, !k -> !o
    %x = tile.dot %v, %inverse16, %x_s transpose_a transpose_b : !v, !scores16 -> !o
    %share_x = tile.broadcast %share axes [0] : !row -> !o
    %added = arith.mulf %x, %share_x : !o
    %decay_s = tile.broadcast %decay axes [1] : !decay -> !s
    %kept = arith.mulf %s, %decay_s : !s
    %x16 = arith.truncf %added : !o to !o16
    %new = tile.dot %x16, %k16, %kept : !o16, !k -> !s
    %o_before = tile.dot %s16, %q16, %zero_o transpose_b : !s16, !k -> !o
    %o = tile.dot %x16, %p16, %o_before transpose_b : !o16, !scores16 -> !o
    %scale_t = tile.broadcast %scale_o axes [0] : !row -> !o
    %scaled_o = arith.mulf %o, %scale_t : !o
    %o16 = arith.truncf %scaled_o : !o to !o16
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
  %parts = arith.constant #parts
  tile.launch @attend grid(%HV, %B, %parts) args(%Q, %K, %V, %M, %G, %BETA, %H0, %O, %H1, %group)
    : !keys, !keys, !values, !scales, !gates, !gates, !states, !values, !states, index
}
