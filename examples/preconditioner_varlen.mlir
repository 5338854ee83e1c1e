// What scales the keys that preconditioned_delta_rule_varlen.mlir writes: preconditioner.mlir over packed sequences. Sequence n is the tokens
// starts[n] to starts[n + 1] of all arrays, and has sum n.
//
//   heddle run examples/preconditioner_varlen.mlir --size N=2 --size STARTS=3 --size T=200 --size HK=2 --input starts=starts.npy --input A0=zeros
!keys = memref<?x?x128xbf16> // tokens, then heads
!scales = memref<?x?x128xf32>
!gates = memref<?x?xf32> // and BETA_ATK
!starts = memref<?xi32>
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
tile.kernel @sum(%K: !keys, %G: !gates, %BETA: !gates, %CENTER: memref<?xf32>, %starts: !starts, %A0: !sums, %M: !scales, %A1: !sums) attributes {tile.warps = 8} {
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
  %first = arith.index_cast %start : i32 to index
  // Starts that are not in order, or beyond the buffers, end the program here.
  %K_h = memref.subview %K[%first, %h, 0] [%T, 1, 128] [1, 1, 1] : !keys to !key_head
  %M_h = memref.subview %M[%first, %h, 0] [%T, 1, 128] [1, 1, 1] : !scales to !head_scales
  %G_h = memref.subview %G[%first, %h] [%T, 1] [1, 1] : !gates to !head_gates
  %BETA_h = memref.subview %BETA[%first, %h] [%T, 1] [1, 1] : !gates to !head_gates
  %one = arith.constant dense<1.0> : !rows
  %eps = arith.constant dense<1.0e-06> : !rows
  %minus_log2x = arith.constant dense<-0.584962501> : !rows // of x = 1.5
  %ln2 = arith.constant dense<0.693147181> : !rows // hardware computes logarithms to the base of 2
  %log2e = arith.constant dense<1.44269504> : !row // and 2^x
  %center_1 = memref.load %CENTER[%h] : memref<?xf32>
  %minus_center_1 = arith.negf %center_1 : f32
  %minus_center = tensor.splat %minus_center_1 : !rows
  %a0 = tile.load %A0[%n, %h, %d] : !sums -> !columns

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
  tile.store %a_last, %A1[%n, %h, %d] : !columns, !sums
}

tile.host @preconditioner_varlen[%N, %STARTS, %T, %HK](%K: !keys[%T, %HK], %G_ATK: !gates[%T, %HK], %BETA_ATK: !gates[%T, %HK],
    %CENTER: memref<?xf32>[%HK], %starts: !starts[%STARTS], %A0: !sums[%N, %HK], out %M: !scales[%T, %HK], out %A1: !sums[%N, %HK]) {
  %one = arith.constant 1 : index
  %starts_needed = arith.addi %N, %one : index
  %enough = arith.cmpi eq, %STARTS, %starts_needed : index
  cf.assert %enough, "expected STARTS to be N + 1"
  %parts = arith.constant #parts
  tile.launch @sum grid(%parts, %HK, %N) args(%K, %G_ATK, %BETA_ATK, %CENTER, %starts, %A0, %M, %A1)
    : !keys, !gates, !gates, memref<?xf32>, !starts, !sums, !scales, !sums
}
