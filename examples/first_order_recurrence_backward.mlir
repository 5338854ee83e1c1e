// The gradients of `first_order_recurrence`. What reaches a state goes back the
// way it came,
//
//   dx(t) = dh(t) + exp(g(t + 1)) dx(t + 1),  dg(t) = dx(t) exp(g(t)) h(t - 1),
//
// where dx(T) is the gradient of the last state, and h(-1) the first one.
//
//   heddle run examples/first_order_recurrence_backward.mlir --size B=2
//     --size T=1000 --size D=300 --check

!rows = tensor<16x128xbf16>
!steps = tensor<16x128xf32>
!state = tensor<128xf32>
!sequences = memref<?x?x?xbf16>
!states = memref<?x?xf32>
tile.kernel @gradients(%G: !sequences, %H: !sequences, %First: !states, %DH: !sequences, %DLast: !states, %DX: !sequences, %DG: !sequences, %DFirst: !states) attributes {tile.warps = 2} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c15 = arith.constant 15 : index
  %c16 = arith.constant 16 : index
  %c128 = arith.constant 128 : index
  %block = gpu.block_id x
  %batch = gpu.block_id y
  %d = arith.muli %block, %c128 : index
  %length = memref.dim %G, %c1 : !sequences
  %rounded = arith.addi %length, %c15 : index
  %part = arith.remui %rounded, %c16 : index
  %behind = arith.subi %rounded, %part : index
  %zero = arith.constant dense<0> : tensor<16x128xi32>
  %row = tile.iota axis 0 : tensor<16x128xi32>
  %first = tile.load %First[%batch, %d] pad 0.0 : f32 : !states -> !state
  %before = tile.broadcast %first axes [0] : !state -> !steps
  %dlast = tile.load %DLast[%batch, %d] pad 0.0 : f32 : !states -> !state

  %dx0 = scf.for %done = %c0 to %length step %c16 iter_args(%later = %dlast) -> (!state) {
    %left = arith.subi %behind, %done : index
    %t = arith.subi %left, %c16 : index
    %after = arith.addi %t, %c1 : index
    // Behind the end, gradients are passed on as they are.
    %g_after = tile.load %G[%batch, %after, %d] pad 0.0 : bf16 : !sequences -> !rows
    %exponent = arith.extf %g_after : !rows to !steps
    %factor = math.exp %exponent : !steps
    %dh_in = tile.load %DH[%batch, %t, %d] pad 0.0 : bf16 : !sequences -> !rows
    %dh = arith.extf %dh_in : !rows to !steps
    %dx, %next = tile.recurrence %factor, %dh, %later axis 0 reverse : !steps, !state
    %dx_out = arith.truncf %dx : !steps to !rows
    tile.store %dx_out, %DX[%batch, %t, %d] : !rows, !sequences

    %g_in = tile.load %G[%batch, %t, %d] pad 0.0 : bf16 : !sequences -> !rows
    %g = arith.extf %g_in : !rows to !steps
    %a = math.exp %g : !steps
    %previous = arith.subi %t, %c1 : index
    %h_in = tile.load %H[%batch, %previous, %d] pad 0.0 : bf16 : !sequences -> !rows
    %h_wide = arith.extf %h_in : !rows to !steps
    %t32 = arith.index_cast %t : index to i32
    %start = tensor.splat %t32 : tensor<16x128xi32>
    %token = arith.addi %row, %start : tensor<16x128xi32>
    %is_first = arith.cmpi eq, %token, %zero : tensor<16x128xi32>
    %h = arith.select %is_first, %before, %h_wide : tensor<16x128xi1>, !steps
    %ah = arith.mulf %a, %h : !steps
    %dg = arith.mulf %dx, %ah : !steps
    %dg_out = arith.truncf %dg : !steps to !rows
    tile.store %dg_out, %DG[%batch, %t, %d] : !rows, !sequences
    scf.yield %next : !state
  }

  %g0_in = tile.load %G[%batch, %c0, %d] pad 0.0 : bf16 : !sequences -> tensor<128xbf16>
  %g0 = arith.extf %g0_in : tensor<128xbf16> to !state
  %a0 = math.exp %g0 : !state
  %dfirst = arith.mulf %a0, %dx0 : !state
  tile.store %dfirst, %DFirst[%batch, %d] : !state, !states
}

tile.host @first_order_recurrence_backward[%B, %T, %D](%g: !sequences[%B, %T, %D], %h: !sequences[%B, %T, %D], %first: !states[%B, %D], %dh: !sequences[%B, %T, %D], %dlast: !states[%B, %D], out %dx: !sequences[%B, %T, %D], out %dg: !sequences[%B, %T, %D], out %dfirst: !states[%B, %D]) {
  %c128 = arith.constant 128 : index
  %blocks = arith.ceildivui %D, %c128 : index
  tile.launch @gradients grid(%blocks, %B) args(%g, %h, %first, %dh, %dlast, %dx, %dg, %dfirst) : !sequences, !sequences, !states, !sequences, !states, !sequences, !sequences, !states
}
