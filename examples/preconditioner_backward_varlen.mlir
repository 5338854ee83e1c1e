// The gradients of `preconditioner_varlen`. Otherwise as preconditioner_backward.mlir. What belongs to no sequence is not written.
//
//   heddle run examples/preconditioner_backward_varlen.mlir --size N=2 --size STARTS=3 --size T=200 --size HK=2 --input starts=starts.npy --input A0=uniform:0:1
!keys = memref<?x?x128xbf16> // tokens, then heads
!scales = memref<?x?x128xf32>
!gates = memref<?x?xf32> // and BETA_ATK
!starts = memref<?xi32>
!sums = memref<?x?x128xf32>
!head = memref<?x128xbf16, strided<[?, 1], offset: ?>>
!head_scales = memref<?x128xf32, strided<[?, 1], offset: ?>>
!head_gates = memref<?xf32, strided<[?], offset: ?>>
!rows16 = tensor<128x32xbf16>
!rows = tensor<128x32xf32>
!tokens = tensor<128xf32>
!channels = tensor<32xf32>
!chunk16 = tensor<64x128xbf16>
!chunk = tensor<64x128xf32>
!row = tensor<64xf32>
!all = tensor<128xf32>
!at = tensor<64x128xi32>
!mask = tensor<64x128xi1>
#step = 128 : index
#columns = 32 : index
#parts = 4 : index
#chunk = 64 : index
#blocks = 8 : index // that share the chunks of a head of a sequence

// A. A block has 32 channels of a head.
tile.kernel @sum(%K: !keys, %G: !gates, %BETA: !gates, %starts: !starts, %A0: !sums, %A: !scales) attributes {tile.warps = 8} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %step = arith.constant #step
  %columns = arith.constant #columns
  %part = gpu.block_id x
  %h = gpu.block_id y
  %n = gpu.block_id z
  %d = arith.muli %part, %columns : index
  %next_n = arith.addi %n, %c1 : index
  %start = memref.load %starts[%n] : !starts
  %end = memref.load %starts[%next_n] : !starts
  %length = arith.subi %end, %start : i32
  %T = arith.index_cast %length : i32 to index
  %first_token = arith.index_cast %start : i32 to index
  %K_h = memref.subview %K[%first_token, %h, 0] [%T, 1, 128] [1, 1, 1] : !keys to !head
  %A_h = memref.subview %A[%first_token, %h, 0] [%T, 1, 128] [1, 1, 1] : !scales to !head_scales
  %G_h = memref.subview %G[%first_token, %h] [%T, 1] [1, 1] : !gates to !head_gates
  %BETA_h = memref.subview %BETA[%first_token, %h] [%T, 1] [1, 1] : !gates to !head_gates
  %log2e = arith.constant dense<1.44269504> : !tokens // hardware computes 2^x
  %a0 = tile.load %A0[%n, %h, %d] : !sums -> !channels

  %a_last = scf.for %t = %c0 to %T step %step iter_args(%a = %a0) -> (!channels) {
    %k16 = tile.load %K_h[%t, %d] pad 0.0 : bf16 : !head -> !rows16
    %g = tile.load %G_h[%t] pad 0.0 : f32 : !head_gates -> !tokens
    %beta = tile.load %BETA_h[%t] pad 0.0 : f32 : !head_gates -> !tokens
    %g2 = arith.mulf %g, %log2e : !tokens
    %decay = math.exp2 %g2 : !tokens
    %decays = tile.broadcast %decay axes [1] : !tokens -> !rows
    %betas = tile.broadcast %beta axes [1] : !tokens -> !rows
    %k = arith.extf %k16 : !rows16 to !rows
    %square = arith.mulf %k, %k : !rows
    %added = arith.mulf %square, %betas : !rows
    %sum, %next = tile.recurrence %decays, %added, %a axis 0 : !rows, !channels
    tile.store %sum, %A_h[%t, %d] : !rows, !head_scales
    scf.yield %next : !channels
  }
}

// D, from the last token to the first, and what that needs of all of them: dA0 and dCENTER.
tile.kernel @back(%G: !gates, %CENTER: memref<?xf32>, %starts: !starts, %A: !scales, %dM: !scales, %dA1: !sums, %D: !scales,
                  %dCENTER: !sums, %dA0: !sums) attributes {tile.warps = 8} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %step = arith.constant #step
  %columns = arith.constant #columns
  %part = gpu.block_id x
  %h = gpu.block_id y
  %n = gpu.block_id z
  %d = arith.muli %part, %columns : index
  %next_n = arith.addi %n, %c1 : index
  %start = memref.load %starts[%n] : !starts
  %end = memref.load %starts[%next_n] : !starts
  %length = arith.subi %end, %start : i32
  %T = arith.index_cast %length : i32 to index
  %first_token = arith.index_cast %start : i32 to index
  %A_h = memref.subview %A[%first_token, %h, 0] [%T, 1, 128] [1, 1, 1] : !scales to !head_scales
  %G_h = memref.subview %G[%first_token, %h] [%T, 1] [1, 1] : !gates to !head_gates
  %dM_h = memref.subview %dM[%first_token, %h, 0] [%T, 1, 128] [1, 1, 1] : !scales to !head_scales
  %D_h = memref.subview %D[%first_token, %h, 0] [%T, 1, 128] [1, 1, 1] : !scales to !head_scales
  %one = arith.constant dense<1.0> : !rows
  %eps = arith.constant dense<1.0e-06> : !rows
  %minus_log2x = arith.constant dense<-0.584962501> : !rows // of x = 1.5
  %lnx = arith.constant dense<0.405465108> : !rows
  %ln2 = arith.constant dense<0.693147181> : !rows // hardware computes logarithms to the base of 2
  %log2e = arith.constant dense<1.44269504> : !tokens // and 2^x
  %none = arith.constant dense<0.0> : !channels
  %center_1 = memref.load %CENTER[%h] : memref<?xf32>
  %minus_center_1 = arith.negf %center_1 : f32
  %minus_center = tensor.splat %minus_center_1 : !rows
  %last = tile.load %dA1[%n, %h, %d] : !sums -> !channels
  %steps = arith.ceildivui %T, %step : index

  %first, %dcenter = scf.for %done = %c0 to %steps step %c1 iter_args(%later = %last, %dcenters = %none) -> (!channels, !channels) {
    %left = arith.subi %steps, %done : index
    %number = arith.subi %left, %c1 : index
    %t = arith.muli %number, %step : index
    %g = tile.load %G_h[%t] pad 0.0 : f32 : !head_gates -> !tokens
    %g2 = arith.mulf %g, %log2e : !tokens
    %decay = math.exp2 %g2 : !tokens
    %decays = tile.broadcast %decay axes [1] : !tokens -> !rows
    %a = tile.load %A_h[%t, %d] pad 0.0 : f32 : !head_scales -> !rows
    %dm = tile.load %dM_h[%t, %d] pad 0.0 : f32 : !head_scales -> !rows
    // What scales keys, again, and how it changes with r, which is against the center, and with the sum.
    %more = arith.addf %a, %eps : !rows
    %log = math.log2 %more : !rows
    %r = math.fma %log, %ln2, %minus_center : !rows
    %size = math.absf %r : !rows
    %whole = arith.addf %size, %one : !rows
    %share = arith.divf %r, %whole : !rows
    %exponent = arith.mulf %share, %minus_log2x : !rows
    %m = math.exp2 %exponent : !rows
    %m_lnx = arith.mulf %m, %lnx : !rows
    %dm_m = arith.mulf %m_lnx, %dm : !rows
    %whole_2 = arith.mulf %whole, %whole : !rows
    %dc = arith.divf %dm_m, %whole_2 : !rows
    %dc_next = tile.reduce add %dc, %dcenters axis 0 : !rows -> !channels
    %minus_own = arith.divf %dc, %more : !rows
    %own = arith.negf %minus_own : !rows
    // What reaches a sum, and has decayed, reaches the one before. Behind the end, it is passed on as it is.
    %passed = arith.mulf %own, %decays : !rows
    %of_later, %next = tile.recurrence %decays, %passed, %later axis 0 reverse exclusive : !rows, !channels
    %da = arith.addf %own, %of_later : !rows
    tile.store %da, %D_h[%t, %d] : !rows, !head_scales
    scf.yield %next, %dc_next : !channels, !channels
  }
  tile.store %first, %dA0[%n, %h, %d] : !channels, !sums
  tile.store %dcenter, %dCENTER[%n, %h, %d] : !channels, !sums
}

// dK, dG and dBETA: gates and strengths have what all channels of a head add up to.
tile.kernel @gradients(%K: !keys, %G: !gates, %BETA: !gates, %starts: !starts, %A0: !sums, %A: !scales, %D: !scales,
                       %dK: !keys, %dG: !gates, %dBETA: !gates) attributes {tile.warps = 8} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c = arith.constant #chunk
  %blocks = arith.constant #blocks
  %x = gpu.block_id x
  %h = gpu.block_id y
  %n = gpu.block_id z
  %t_first = arith.muli %x, %c : index
  %stride = arith.muli %blocks, %c : index
  %next_n = arith.addi %n, %c1 : index
  %start = memref.load %starts[%n] : !starts
  %end = memref.load %starts[%next_n] : !starts
  %length = arith.subi %end, %start : i32
  %T = arith.index_cast %length : i32 to index
  %first_token = arith.index_cast %start : i32 to index
  %K_h = memref.subview %K[%first_token, %h, 0] [%T, 1, 128] [1, 1, 1] : !keys to !head
  %A_h = memref.subview %A[%first_token, %h, 0] [%T, 1, 128] [1, 1, 1] : !scales to !head_scales
  %G_h = memref.subview %G[%first_token, %h] [%T, 1] [1, 1] : !gates to !head_gates
  %BETA_h = memref.subview %BETA[%first_token, %h] [%T, 1] [1, 1] : !gates to !head_gates
  %D_h = memref.subview %D[%first_token, %h, 0] [%T, 1, 128] [1, 1, 1] : !scales to !head_scales
  %dK_h = memref.subview %dK[%first_token, %h, 0] [%T, 1, 128] [1, 1, 1] : !keys to !head
  %dG_h = memref.subview %dG[%first_token, %h] [%T, 1] [1, 1] : !gates to !head_gates
  %dBETA_h = memref.subview %dBETA[%first_token, %h] [%T, 1] [1, 1] : !gates to !head_gates
  %log2e = arith.constant dense<1.44269504> : !row
  %none = arith.constant dense<0.0> : !row
  %a0 = tile.load %A0[%n, %h, %c0] : !sums -> !all
  %first = tile.broadcast %a0 axes [0] : !all -> !chunk
  %row = tile.iota axis 0 : !at
  %zero = arith.constant dense<0> : !at

  scf.for %t = %t_first to %T step %stride {
    %k16 = tile.load %K_h[%t, %c0] pad 0.0 : bf16 : !head -> !chunk16
    %da = tile.load %D_h[%t, %c0] pad 0.0 : f32 : !head_scales -> !chunk
    %beta = tile.load %BETA_h[%t] pad 0.0 : f32 : !head_gates -> !row
    %k = arith.extf %k16 : !chunk16 to !chunk
    %dak = arith.mulf %da, %k : !chunk
    %beta_2 = arith.addf %beta, %beta : !row
    %betas_2 = tile.broadcast %beta_2 axes [1] : !row -> !chunk
    %dk = arith.mulf %dak, %betas_2 : !chunk
    %dk16 = arith.truncf %dk : !chunk to !chunk16
    tile.store %dk16, %dK_h[%t, %c0] : !chunk16, !head
    %dakk = arith.mulf %dak, %k : !chunk
    %dbeta = tile.reduce add %dakk, %none axis 1 : !chunk -> !row
    tile.store %dbeta, %dBETA_h[%t] : !row, !head_gates
    %t_before = arith.subi %t, %c1 : index
    %others = tile.load %A_h[%t_before, %c0] pad 0.0 : f32 : !head_scales -> !chunk
    %t_32 = arith.index_cast %t : index to i32
    %t_row = tensor.splat %t_32 : !at
    %token = arith.addi %row, %t_row : !at
    %is_first = arith.cmpi eq, %token, %zero : !at
    %before = arith.select %is_first, %first, %others : !mask, !chunk
    %daa = arith.mulf %da, %before : !chunk
    %dg_kept = tile.reduce add %daa, %none axis 1 : !chunk -> !row
    %g = tile.load %G_h[%t] pad 0.0 : f32 : !head_gates -> !row
    %g2 = arith.mulf %g, %log2e : !row
    %decay = math.exp2 %g2 : !row
    %dg = arith.mulf %dg_kept, %decay : !row
    tile.store %dg, %dG_h[%t] : !row, !head_gates
  }
}

tile.host @preconditioner_backward_varlen[%N, %STARTS, %T, %HK](
    %K: !keys[%T, %HK], %G_ATK: !gates[%T, %HK], %BETA_ATK: !gates[%T, %HK], %CENTER: memref<?xf32>[%HK], %starts: !starts[%STARTS],
    %A0: !sums[%N, %HK], %dM: !scales[%T, %HK], %dA1: !sums[%N, %HK],
    out %dK: !keys[%T, %HK], out %dG_ATK: !gates[%T, %HK], out %dBETA_ATK: !gates[%T, %HK],
    out %dCENTER: !sums[%N, %HK], out %dA0: !sums[%N, %HK]) {
  %one = arith.constant 1 : index
  %starts_needed = arith.addi %N, %one : index
  %enough = arith.cmpi eq, %STARTS, %starts_needed : index
  cf.assert %enough, "expected STARTS to be N + 1"
  %parts = arith.constant #parts
  %blocks = arith.constant #blocks
  %A = memref.alloc(%T, %HK) : !scales
  %D = memref.alloc(%T, %HK) : !scales
  tile.launch @sum grid(%parts, %HK, %N) args(%K, %G_ATK, %BETA_ATK, %starts, %A0, %A) : !keys, !gates, !gates, !starts, !sums, !scales
  tile.launch @back grid(%parts, %HK, %N) args(%G_ATK, %CENTER, %starts, %A, %dM, %dA1, %D, %dCENTER, %dA0)
    : !gates, memref<?xf32>, !starts, !scales, !scales, !sums, !scales, !sums, !sums
  tile.launch @gradients grid(%blocks, %HK, %N) args(%K, %G_ATK, %BETA_ATK, %starts, %A0, %A, %D, %dK, %dG_ATK, %dBETA_ATK)
    : !keys, !gates, !gates, !starts, !sums, !scales, !scales, !keys, !gates, !gates
}
