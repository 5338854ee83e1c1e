// Three warpgroups share out a state of 192 rows; a preparer runs ahead of them.
// RUN: heddle run %s --size B=1 --size T=130 --size HK=1 --size HV=2 --input G=zeros --check --sanitize=full | FileCheck %s
// CHECK: check O {{.*}}: ok
// CHECK: check H1 {{.*}}: ok
!keys = memref<?x?x?x128xbf16>
!values = memref<?x?x?x192xbf16>
!gates = memref<?x?x?xf32>
!states = memref<?x?x128x192xf32>
!head = memref<?x128xbf16, strided<[?, 1], offset: ?>>
!headv = memref<?x192xbf16, strided<[?, 1], offset: ?>>
!head_gates = memref<?xf32, strided<[?], offset: ?>>
!chunk = tensor<64x128xbf16>
!chunkv = tensor<64x192xbf16>
!chunk_sum = tensor<64x128xf32>
!row = tensor<64xf32>
!at = tensor<64x64xi32>
!mask = tensor<64x64xi1>
!scores = tensor<64x64xf32>
!scores16 = tensor<64x64xbf16>
!o = tensor<192x64xf32>
!o16 = tensor<192x64xbf16>
!s = tensor<192x128xf32>
!st = tensor<128x192xf32>
!s16 = tensor<192x128xbf16>
!decay = tensor<192xf32>
#chunk = 64 : index

tile.kernel @attend(%Q: !keys, %K: !keys, %V: !values, %G: !gates, %H0: !states, %O: !values, %H1: !states, %group: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c = arith.constant #chunk
  %h = gpu.block_id x
  %b = gpu.block_id y
  %hk = arith.divui %h, %group : index
  %T = memref.dim %Q, %c1 : !keys
  %T_k = memref.dim %K, %c1 : !keys
  %T_v = memref.dim %V, %c1 : !values
  %Q_h = memref.subview %Q[%b, 0, %hk, 0] [1, %T, 1, 128] [1, 1, 1, 1] : !keys to !head
  %K_h = memref.subview %K[%b, 0, %hk, 0] [1, %T_k, 1, 128] [1, 1, 1, 1] : !keys to !head
  %V_h = memref.subview %V[%b, 0, %h, 0] [1, %T_v, 1, 192] [1, 1, 1, 1] : !values to !headv
  %G_h = memref.subview %G[%b, 0, %h] [1, %T, 1] [1, 1, 1] : !gates to !head_gates
  %O_h = memref.subview %O[%b, 0, %h, 0] [1, %T, 1, 192] [1, 1, 1, 1] : !values to !headv
  %row = tile.iota axis 0 : !at
  %column = tile.iota axis 1 : !at
  %sees = arith.cmpi sge, %row, %column : !at
  %hidden = arith.constant dense<0xFF800000> : !scores
  %zero_s = arith.constant dense<0.0> : !scores
  %zero_o = arith.constant dense<0.0> : !o
  %none = arith.constant dense<0.0> : !decay
  %log2e = arith.constant dense<1.44269504> : !row // hardware computes 2^x
  %scale = arith.constant dense<0.0883883476> : !row // 1 / sqrt(128)
  %h0 = tile.load %H0[%b, %h, %c0, %c0] : !states -> !st
  %s0 = tile.transpose %h0 [1, 0] : !st -> !s

  %s_last = scf.for %t = %c0 to %T step %c iter_args(%s = %s0) -> (!s) {
    // How much of each token is left at another one, at the end of the chunk, and of the state at each token.
    %g = tile.load %G_h[%t] pad 0.0 : f32 : !head_gates -> !row
    %g2 = arith.mulf %g, %log2e : !row
    %sum = tile.scan add %g2 axis 0 : !row
    %rest = tile.scan add %g2 axis 0 reverse exclusive : !row
    %g_v = tile.broadcast %g2 axes [0] : !row -> !o
    %total = tile.reduce add %g_v, %none axis 1 : !o -> !decay
    %decay = math.exp2 %total : !decay
    %sum_i = tile.broadcast %sum axes [1] : !row -> !scores
    %sum_j = tile.broadcast %sum axes [0] : !row -> !scores
    %between = arith.subf %sum_i, %sum_j : !scores
    %exponent = arith.select %sees, %between, %hidden : !mask, !scores
    %left = math.exp2 %exponent : !scores

    %q = tile.load %Q_h[%t, %c0] pad 0.0 : bf16 : !head -> !chunk
    %k = tile.load %K_h[%t, %c0] pad 0.0 : bf16 : !head -> !chunk
    %qk = tile.dot %q, %k, %zero_s transpose_b : !chunk, !chunk -> !scores
    %scale_s = tile.broadcast %scale axes [1] : !row -> !scores
    %scaled = arith.mulf %left, %scale_s : !scores
    %p = arith.mulf %qk, %scaled : !scores
    %p16 = arith.truncf %p : !scores to !scores16
    %since = math.exp2 %sum : !row
    %since_scaled = arith.mulf %since, %scale : !row
    %since_q = tile.broadcast %since_scaled axes [1] : !row -> !chunk_sum
    %q32 = arith.extf %q : !chunk to !chunk_sum
    %q_then = arith.mulf %q32, %since_q : !chunk_sum
    %q16 = arith.truncf %q_then : !chunk_sum to !chunk
    %until = math.exp2 %rest : !row
    %until_k = tile.broadcast %until axes [1] : !row -> !chunk_sum
    %k32 = arith.extf %k : !chunk to !chunk_sum
    %k_then = arith.mulf %k32, %until_k : !chunk_sum
    %k16 = arith.truncf %k_then : !chunk_sum to !chunk

    // From the state to the next one.
    %s16 = arith.truncf %s : !s to !s16
    %decay_s = tile.broadcast %decay axes [1] : !decay -> !s
    %kept = arith.mulf %s, %decay_s : !s
    %v = tile.load %V_h[%t, %c0] pad 0.0 : bf16 : !headv -> !chunkv
    %o_before = tile.dot %s16, %q16, %zero_o transpose_b : !s16, !chunk -> !o
    %o = tile.dot %v, %p16, %o_before transpose_a transpose_b : !chunkv, !scores16 -> !o
    %new = tile.dot %v, %k16, %kept transpose_a : !chunkv, !chunk -> !s
    %o16 = arith.truncf %o : !o to !o16
    %out = tile.transpose %o16 [1, 0] : !o16 -> !chunkv
    tile.store %out, %O_h[%t, %c0] : !chunkv, !headv
    scf.yield %new : !s
  }
  %h1 = tile.transpose %s_last [1, 0] : !s -> !st
  tile.store %h1, %H1[%b, %h, %c0, %c0] : !st, !states
}

tile.host @linear_attention[%B, %T, %HK, %HV](%Q: !keys[%B, %T, %HK], %K: !keys[%B, %T, %HK], %V: !values[%B, %T, %HV],
                                              %G: !gates[%B, %T, %HV], %H0: !states[%B, %HV],
                                              out %O: !values[%B, %T, %HV], out %H1: !states[%B, %HV]) {
  %none = arith.constant 0 : index
  %rest = arith.remui %HV, %HK : index
  %divides = arith.cmpi eq, %rest, %none : index
  cf.assert %divides, "expected HV to be a multiple of HK"
  %group = arith.divui %HV, %HK : index
  tile.launch @attend grid(%HV, %B) args(%Q, %K, %V, %G, %H0, %O, %H1, %group) : !keys, !keys, !values, !gates, !states, !values, !states, index
}
