// What scales the keys that preconditioned_delta_rule.mlir writes, as flash-linear-attention's preconditioned DeltaNet has it. A sums the
// squares of keys, and large sums make steps small, between 1 / 1.5 and 1.5, in each channel by itself:
//
//   A_t = exp(G_ATK_t) A_(t-1) + BETA_ATK_t K_t^2,  r = log(A_t + 1e-6) - CENTER,  M_t = 1.5^(-r / (1 + |r|)).
//
// Each of HK heads of keys has a gate, which is a natural logarithm, and a strength per token, and a CENTER, -0.2 if nothing is learned.
// A0 is the sum before the first token, not below zero, and A1 that after the last.
//
//   heddle run examples/preconditioner.mlir --size B=1 --size T=200 --size HK=2 --input G_ATK=uniform:-1:0 --input BETA_ATK=uniform:0:1 --input K=unit --input A0=zeros --check
!keys = memref<?x?x?x128xbf16> // tokens, then heads
!scales = memref<?x?x?x128xf32>
!gates = memref<?x?x?xf32> // and BETA_ATK
!sums = memref<?x?x128xf32>
!key_head = memref<?x128xbf16, strided<[?, 1], offset: ?>>
!head_scales = memref<?x128xf32, strided<[?, 1], offset: ?>>
!head_gates = memref<?xf32, strided<[?], offset: ?>>
!rows16 = tensor<128x32xbf16>
!rows = tensor<128x32xf32>
!row = tensor<128xf32>
!columns = tensor<32xf32>
#step = 128 : index
#columns = 32 : index // channels of a block
#parts = 4 : index // blocks of a head

// A block has 32 channels of a head: more blocks, since heads of keys may be few.
tile.kernel @sum(%K: !keys, %G: !gates, %BETA: !gates, %CENTER: memref<?xf32>, %A0: !sums, %M: !scales, %A1: !sums) attributes {tile.warps = 8} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %step = arith.constant #step
  %columns = arith.constant #columns
  %part = gpu.block_id x
  %h = gpu.block_id y
  %b = gpu.block_id z
  %d = arith.muli %part, %columns : index
  %T = memref.dim %K, %c1 : !keys
  %K_h = memref.subview %K[%b, 0, %h, 0] [1, %T, 1, 128] [1, 1, 1, 1] : !keys to !key_head
  %M_h = memref.subview %M[%b, 0, %h, 0] [1, %T, 1, 128] [1, 1, 1, 1] : !scales to !head_scales
  %G_h = memref.subview %G[%b, 0, %h] [1, %T, 1] [1, 1, 1] : !gates to !head_gates
  %BETA_h = memref.subview %BETA[%b, 0, %h] [1, %T, 1] [1, 1, 1] : !gates to !head_gates
  %one = arith.constant dense<1.0> : !rows
  %eps = arith.constant dense<1.0e-06> : !rows
  %minus_log2x = arith.constant dense<-0.584962501> : !rows // of x = 1.5
  %ln2 = arith.constant dense<0.693147181> : !rows // hardware computes logarithms to the base of 2
  %log2e = arith.constant dense<1.44269504> : !row // and 2^x
  %center_1 = memref.load %CENTER[%h] : memref<?xf32>
  %minus_center_1 = arith.negf %center_1 : f32
  %minus_center = tensor.splat %minus_center_1 : !rows
  %a0 = tile.load %A0[%b, %h, %d] : !sums -> !columns

  %a_last = scf.for %t = %c0 to %T step %step iter_args(%a = %a0) -> (!columns) {
    // Behind the end nothing decays and nothing is added.
    %k16 = tile.load %K_h[%t, %d] pad 0.0 : bf16 : !key_head -> !rows16
    %g = tile.load %G_h[%t] pad 0.0 : f32 : !head_gates -> !row
    %beta = tile.load %BETA_h[%t] pad 0.0 : f32 : !head_gates -> !row
    %g2 = arith.mulf %g, %log2e : !row
    %decay = math.exp2 %g2 : !row
    %decays = tile.broadcast %decay axes [1] : !row -> !rows
    %betas = tile.broadcast %beta axes [1] : !row -> !rows
    %k = arith.extf %k16 : !rows16 to !rows
    %square = arith.mulf %k, %k : !rows
    %added = arith.mulf %square, %betas : !rows
    %sum, %next = tile.recurrence %decays, %added, %a axis 0 : !rows, !columns

    %more = arith.addf %sum, %eps : !rows
    %log = math.log2 %more : !rows
    %r = math.fma %log, %ln2, %minus_center : !rows
    %size = math.absf %r : !rows
    %whole = arith.addf %size, %one : !rows
    %share = arith.divf %r, %whole : !rows
    %exponent = arith.mulf %share, %minus_log2x : !rows
    %m = math.exp2 %exponent : !rows
    tile.store %m, %M_h[%t, %d] : !rows, !head_scales
    scf.yield %next : !columns
  }
  tile.store %a_last, %A1[%b, %h, %d] : !columns, !sums
}

tile.host @preconditioner[%B, %T, %HK](%K: !keys[%B, %T, %HK], %G_ATK: !gates[%B, %T, %HK], %BETA_ATK: !gates[%B, %T, %HK],
                                       %CENTER: memref<?xf32>[%HK], %A0: !sums[%B, %HK], out %M: !scales[%B, %T, %HK], out %A1: !sums[%B, %HK]) {
  %parts = arith.constant #parts
  tile.launch @sum grid(%parts, %HK, %B) args(%K, %G_ATK, %BETA_ATK, %CENTER, %A0, %M, %A1) : !keys, !gates, !gates, memref<?xf32>, !sums, !scales, !sums
}
